//! The first steps of a new item's workflow: taken before the item is written, so that its receipt
//! says where it stands.

use std::sync::Arc;

use crate::domain::content::Content;
use crate::domain::ids::ServiceId;
use crate::domain::item::{Item, ItemState};
use crate::domain::workflow::Workflow;
use crate::engine::Engine;
use crate::engine::turn::Turn;
use crate::store::{Store, StoreError};
use crate::workflow::run::{Happening, begin};

use super::case::Became;

/// How the workflow of a new item has begun. Nothing of it is written yet.
#[derive(Default)]
pub(in crate::engine) struct Begun {
    workflow: Option<Arc<Workflow>>,
    became: Option<Box<Became>>,
}

impl Begun {
    /// The row of the new item as it becomes.
    pub(in crate::engine) fn becomes<'a>(&'a self, item: &'a Item) -> &'a Item {
        self.became.as_ref().map_or(item, |became| &became.item)
    }
}

impl<S: Store> Engine<S> {
    /// Gives a new item the workflow of its service, if it has one, and begins it unless the item is
    /// scheduled. Writes nothing; see [`Engine::write_begun`].
    pub(in crate::engine) fn begin(
        &mut self,
        turn: &Turn,
        item: &mut Item,
        content: &Content,
    ) -> Begun {
        match self.workflow_of_service(item.service) {
            Some(workflow) => self.begin_with(turn, item, content, (workflow, 0)),
            None => Begun::default(),
        }
    }

    /// The same with a workflow that is given, and how many follow-ups lead to the item.
    pub(super) fn begin_with(
        &mut self,
        turn: &Turn,
        item: &mut Item,
        content: &Content,
        (workflow, depth): (Arc<Workflow>, u8),
    ) -> Begun {
        item.flow = Some(Arc::new(begin(&workflow, depth, turn.now)));
        let begins = item.state == ItemState::InWorkflow;
        let became = begins.then(|| {
            let happening = Happening::Began;
            let of = (content.clone(), Some(&*workflow));
            Box::new(self.go_on(item, of, happening, turn.now))
        });
        let workflow = Some(workflow);
        Begun { workflow, became }
    }

    fn workflow_of_service(&self, service: ServiceId) -> Option<Arc<Workflow>> {
        let policy = self.core.service(service)?.policy.as_ref()?;
        policy.workflow.clone()
    }

    /// Writes what the workflow of a new item, whose row this turn has created, did first.
    pub(in crate::engine) fn write_begun(
        &mut self,
        turn: &mut Turn,
        item: &Item,
        begun: Begun,
    ) -> Result<(), StoreError> {
        if let Some(workflow) = &begun.workflow {
            self.keep_version(turn, workflow);
        }
        match begun.became {
            Some(became) => self.write_flow(turn, item, *became),
            None => Ok(()),
        }
    }
}
