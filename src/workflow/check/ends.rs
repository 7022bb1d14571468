//! How stages end: every leg leaves, nothing stands after what leaves, what runs beside another
//! stage does not wait.

use crate::workflow::fault::{Faults, Rule};
use crate::workflow::tree::{StageTree, Tree};

pub(super) fn check(tree: &Tree<'_>, faults: &mut Faults) {
    for stage in &tree.stages {
        leaves(stage, faults);
        nothing_after(stage, faults);
        if stage.event.runs_beside() {
            does_not_wait(stage, faults);
        }
    }
}

/// Of a stage that was not understood nobody knows how it ends; of one with actions that are never
/// reached, another rule says what to change.
fn leaves(stage: &StageTree<'_>, faults: &mut Faults) {
    let all_reached = stage.reached().len() == stage.actions.len();
    if stage.event.runs_beside() || !stage.is_complete() || !all_reached {
        return;
    }
    let Some(last) = stage.actions.last() else {
        return;
    };
    // What must not be left out is another rule's.
    let unlinked = last.unlinked().into_iter();
    let unlinked: Vec<&str> = unlinked.filter(|it| !must_be_there(it)).collect();
    let message = match (last.can_lead(), unlinked.as_slice()) {
        (true, []) => return,
        (true, exits) => format!(
            "Link {}, or let finish, goto or cancel follow: the stage ends here.",
            exits.join(" and ")
        ),
        (false, _) if last.goes_on() => {
            "Let finish, goto or cancel follow: the stage ends here.".to_owned()
        }
        (false, _) => return,
    };
    faults.add(last.element.at, Rule::UnlinkedEnd, message);
}

fn must_be_there(exit: &str) -> bool {
    matches!(exit, "failed" | "expired")
}

fn nothing_after(stage: &StageTree<'_>, faults: &mut Faults) {
    let reached = stage.reached();
    if let (Some(leaving), Some(after)) = (reached.last(), stage.actions.get(reached.len())) {
        let message = format!(
            "Remove {}: {} before it always leaves the stage.",
            after.element.name, leaving.element.name
        );
        faults.add(after.element.at, Rule::AfterLeaving, message);
    }
}

fn does_not_wait(stage: &StageTree<'_>, faults: &mut Faults) {
    for action in &stage.actions {
        if action.action.stands() {
            let message = format!(
                "Move {} to a goto stage and lead there: a stage that begins with {} runs beside \
                 another.",
                action.element.name,
                stage.event.word()
            );
            faults.add(action.element.at, Rule::BesideCannotWait, message);
        }
    }
}
