//! The rules of the language, one file per group. Each is a pure function of what was understood
//! and notes its faults; all are asked, so that a file is mended in one go.

use super::fault::Faults;
use super::known::Known;
use super::tree::Tree;

mod cycles;
mod ends;
mod events;
mod exits;
mod names;
mod reached;

/// Notes every rule that a workflow breaks.
pub(super) fn check(tree: &Tree<'_>, known: &Known, faults: &mut Faults) {
    events::check(tree, faults);
    exits::check(tree, faults);
    ends::check(tree, faults);
    names::check(tree, known, faults);
    reached::check(tree, faults);
    cycles::check(tree, faults);
}
