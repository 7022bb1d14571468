//! What single actions must have beside their attributes: an end for a wait, the exits that cannot
//! be left out.

use crate::domain::workflow::{Action, Until};
use crate::workflow::fault::{Faults, Rule};
use crate::workflow::tree::{ActionTree, Tree};

pub(super) fn check(tree: &Tree<'_>, faults: &mut Faults) {
    for (_, action) in tree.actions() {
        one(action, faults);
    }
}

fn one(action: &ActionTree<'_>, faults: &mut Faults) {
    match &action.action {
        Action::Wait { until, .. } => wait(action, *until, faults),
        Action::CheckOpeningHours { .. }
        | Action::CheckAvailability { .. }
        | Action::Check { .. } => {
            // An exit of another action was meant to be one of this.
            if action.links.is_empty() && action.element.children.is_empty() {
                let exits = action.unlinked().join(" or ");
                let message = format!("Link {exits}: a check without exits decides nothing.");
                faults.add(action.element.at, Rule::ExitMissing, message);
            }
        }
        Action::Queue(_) | Action::QueueToAgent { .. } => queue(action, faults),
        Action::Transfer { .. } => {
            if action.unlinked().contains(&"failed") {
                let message = "Say with <failed goto=\"…\"/> what happens when the transfer fails.";
                faults.add(action.element.at, Rule::ExitMissing, message);
            }
        }
        Action::SetPriority { .. }
        | Action::RaisePriority { .. }
        | Action::SetContactData { .. }
        | Action::ForceQueue
        | Action::RelaxSkills
        | Action::Alert { .. }
        | Action::Button { .. }
        | Action::Notify { .. }
        | Action::StartWorkflow { .. }
        | Action::Cancel { .. }
        | Action::Goto(_)
        | Action::Finish => {}
    }
}

/// A bad attribute has its own fault, so only what is written counts.
fn wait(action: &ActionTree<'_>, until: Option<Until>, faults: &mut Faults) {
    let written = |name| action.element.attribute(name).is_some();
    let ends = match until {
        Some(until) => until.always_comes(),
        None => written("until"),
    };
    if !ends && !written("for") {
        let message = "Give the wait a longest time, such as for=\"PT1H\": it may never end.";
        faults.add(action.element.at, Rule::WaitNeedsLimit, message);
    }
}

fn queue(action: &ActionTree<'_>, faults: &mut Faults) {
    let expired = action.links.iter().find(|link| link.word == "expired");
    let has_limit = action.element.attribute("maxWait").is_some();
    match expired {
        None if has_limit => {
            let message = "Say with <expired goto=\"…\"/> what happens when maxWait is over.";
            faults.add(action.element.at, Rule::ExitMissing, message);
        }
        Some(link) if !has_limit => {
            let message = "Remove expired, or give the queue a maxWait: without one it never is.";
            faults.add(link.at, Rule::ExpiredWithoutMaxWait, message);
        }
        Some(_) | None => {}
    }
}
