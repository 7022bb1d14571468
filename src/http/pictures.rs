//! Pictures of workflows, each drawn once: the largest takes a good part of a second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::domain::workflow::{Workflow, WorkflowDigest};
use crate::workflow::svg;

/// Pictures kept; beyond, all are drawn anew when they are asked for.
const KEPT_MAX: usize = 200;

/// See the module.
pub struct Pictures {
    kept: Mutex<BTreeMap<WorkflowDigest, Arc<str>>>,
    /// One is drawn at a time, so that whoever asks in a loop takes one thread at most.
    drawing: Semaphore,
}

impl Default for Pictures {
    fn default() -> Pictures {
        Pictures {
            kept: Mutex::default(),
            drawing: Semaphore::new(1),
        }
    }
}

impl Pictures {
    /// The picture of that version, drawn on a thread of its own unless it is there.
    pub async fn of(&self, workflow: Arc<Workflow>) -> Arc<str> {
        let permit = self.drawing.acquire().await;
        let digest = workflow.digest;
        if let Some(picture) = self.kept(digest) {
            return picture;
        }
        let drawn = tokio::task::spawn_blocking(move || svg(&workflow)).await;
        // Drawing ends early only with the process.
        let picture: Arc<str> = drawn.unwrap_or_default().into();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(digest, picture.clone());
        drop(permit);
        picture
    }

    fn kept(&self, digest: WorkflowDigest) -> Option<Arc<str>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&digest).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::{Known, load};

    #[tokio::test]
    async fn a_picture_is_drawn_once_and_is_that_of_its_version() {
        let pictures = Pictures::default();
        let load = |text: &str| {
            let source = format!(
                "<workflow xmlns='urn:anteroom:workflow:1' name='w'><event on='received'>\
                 <alert to='supervisor' text='{text}'/><finish/></event></workflow>"
            );
            Arc::new(load(&source, &Known::anything()).expect("a good workflow"))
        };
        let (one, two) = (load("one"), load("two"));
        let first = pictures.of(one.clone()).await;
        assert_eq!(&*first, svg(&one));
        assert!(Arc::ptr_eq(&first, &pictures.of(one).await));
        assert_eq!(&*pictures.of(two.clone()).await, svg(&two));
    }
}
