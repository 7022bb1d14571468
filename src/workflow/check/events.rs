//! What begins stages: a beginning, nothing twice, a button for every button event and the other
//! way round.

use std::collections::BTreeSet;

use crate::domain::workflow::{Action, Event};
use crate::workflow::fault::{Faults, Rule};
use crate::workflow::tree::{StageTree, Tree};

pub(super) fn check(tree: &Tree<'_>, faults: &mut Faults) {
    begins(tree, faults);
    nothing_twice(tree, faults);
    buttons(tree, faults);
}

/// A stage whose event is none may have been meant as the beginning.
fn begins(tree: &Tree<'_>, faults: &mut Faults) {
    let mut stages = tree.stages.iter();
    if !stages.any(|it| it.event == Event::Received || !it.event_is_sound) {
        let message = "Add <event on=\"received\">: without it the workflow never begins.";
        faults.add(tree.element.at, Rule::NoReceived, message);
    }
}

fn nothing_twice(tree: &Tree<'_>, faults: &mut Faults) {
    let mut before: Vec<&StageTree<'_>> = Vec::new();
    for stage in tree.stages.iter().filter(|it| it.event_is_sound) {
        if before.iter().any(|it| it.event == stage.event) {
            let title = stage.event.title();
            let message = match &stage.event {
                Event::Goto { .. } | Event::Button { .. } => {
                    format!("Name this stage otherwise: there is a {title} already.")
                }
                Event::Received
                | Event::Elapsed { .. }
                | Event::Updated
                | Event::Accepted
                | Event::Ended { .. }
                | Event::Cancelled
                | Event::Expired
                | Event::AgentLost => {
                    format!("Put this stage into the one before that begins alike ({title}).")
                }
            };
            faults.add(stage.element.at, Rule::Twice, message);
        }
        if matches!(&stage.event, Event::Goto { name } if name == Event::Received.word()) {
            let message = "Name this stage otherwise: received is the stage that begins.";
            faults.add(stage.element.place_of("name"), Rule::Twice, message);
        }
        before.push(stage);
    }
}

fn buttons(tree: &Tree<'_>, faults: &mut Faults) {
    let events = tree.stages.iter().filter_map(|stage| match &stage.event {
        Event::Button { name } => Some(name.as_str()),
        _ => None,
    });
    let events: BTreeSet<&str> = events.collect();
    let mut shown = BTreeSet::new();
    for (_, action) in tree.actions() {
        let Action::Button { name, .. } = &action.action else {
            continue;
        };
        shown.insert(name.as_str());
        if !name.is_empty() && !events.contains(name.as_str()) {
            let message = format!("Add <event on=\"button\" name=\"{name}\">: what it does.");
            faults.add(action.element.at, Rule::ButtonWithoutEvent, message);
        }
    }
    for stage in tree.stages.iter().filter(|it| it.event_is_sound) {
        if let Event::Button { name } = &stage.event
            && !shown.contains(name.as_str())
        {
            let message = format!("Show the button {name} somewhere, or remove this stage.");
            faults.add(stage.element.at, Rule::EventWithoutButton, message);
        }
    }
}
