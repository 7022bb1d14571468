//! From a file to a workflow, or to everything that is wrong with it.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::workflow::{Workflow, WorkflowDigest};
use crate::wire::error::position;

use super::check::check;
use super::element::{self, Element};
use super::fault::{Fault, Faults};
use super::known::Known;
use super::tree::Tree;

/// Character that some editors put before everything else.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Reads and checks a workflow.
///
/// Ensures: the workflow obeys every rule of [`super::fault::Rule`] as far as `known` tells.
///
/// # Errors
/// What is wrong, in the order of the file; never an empty list.
pub fn load(source: &str, known: &Known) -> Result<Workflow, Vec<Fault>> {
    let text = readable(source);
    let mut faults = Faults::default();
    let Some(root) = element::read(text, &mut faults) else {
        return Err(faults.locate(text));
    };
    let Some(tree) = checked(&root, known, &mut faults) else {
        return Err(faults.locate(text));
    };
    Ok(workflow_of(tree, source, text))
}

/// Reads a version that items began with. It was checked by the rules of its day; those of today are
/// for new versions, and stop no item on its way.
///
/// # Errors
/// It is not of the language, in the order of the file; never an empty list.
pub fn load_begun(source: &str) -> Result<Workflow, Vec<Fault>> {
    let text = readable(source);
    let mut faults = Faults::default();
    let root = element::read(text, &mut faults);
    let tree = root
        .as_ref()
        .and_then(|root| Tree::of(root, &Known::anything(), &mut faults));
    match tree.filter(|_| faults.is_empty()) {
        Some(tree) => Ok(workflow_of(tree, source, text)),
        None => Err(faults.locate(text)),
    }
}

fn workflow_of(tree: Tree<'_>, source: &str, text: &str) -> Workflow {
    Workflow {
        name: tree.name.clone(),
        digest: digest(source),
        source: Arc::from(source),
        stages: tree.into_stages(|at| position(text, at).line),
    }
}

/// The file's text as positions count it.
pub(super) fn readable(source: &str) -> &str {
    source.strip_prefix(BYTE_ORDER_MARK).unwrap_or(source)
}

/// Understands and checks; `None` when anything is wrong.
fn checked<'a>(root: &'a Element, known: &Known, faults: &mut Faults) -> Option<Tree<'a>> {
    let tree = Tree::of(root, known, faults)?;
    check(&tree, known, faults);
    faults.is_empty().then_some(tree)
}

/// Which version a file is.
pub fn digest(source: &str) -> WorkflowDigest {
    WorkflowDigest(Sha256::digest(source.as_bytes()).into())
}
