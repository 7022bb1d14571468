//! Something leads to every stage.

use std::collections::BTreeSet;

use crate::domain::workflow::{Action, Event, StageNumber};
use crate::workflow::fault::{Faults, Rule};
use crate::workflow::tree::{StageTree, Tree};

/// Only goto stages can be missed: other events come from outside. But a button that no stage
/// shows, and a time in a stage that never begins, lead nowhere either.
pub(super) fn check(tree: &Tree<'_>, faults: &mut Faults) {
    let reached = reached(tree);
    for (number, stage) in tree.numbered() {
        if let Event::Goto { name } = &stage.event
            && is_the_first(number, stage, tree)
            && !reached.contains(&number)
        {
            let message = format!("Lead to {name} with a goto or an exit, or remove the stage.");
            faults.add(stage.element.at, Rule::Unreachable, message);
        }
    }
}

/// Whether a stage is the one that its name leads to.
fn is_the_first(number: StageNumber, stage: &StageTree<'_>, tree: &Tree<'_>) -> bool {
    let same = |(_, other): &(StageNumber, &StageTree<'_>)| other.event == stage.event;
    let first = tree.numbered().find(same);
    stage.event_is_sound && first.is_some_and(|(first, _)| first == number)
}

/// The stages that can begin.
fn reached(tree: &Tree<'_>) -> BTreeSet<StageNumber> {
    let mut reached = BTreeSet::new();
    loop {
        let begin = tree.numbered().filter(|(number, stage)| {
            !reached.contains(number) && begins(*number, stage, tree, &reached)
        });
        let begin: Vec<StageNumber> = begin.map(|(number, _)| number).collect();
        if begin.is_empty() {
            return reached;
        }
        reached.extend(begin);
    }
}

/// Whether a stage can begin, given the stages that surely can.
fn begins(
    number: StageNumber,
    stage: &StageTree<'_>,
    tree: &Tree<'_>,
    reached: &BTreeSet<StageNumber>,
) -> bool {
    let mut live = tree.numbered().filter(|(from, _)| reached.contains(from));
    match &stage.event {
        Event::Goto { .. } => live.any(|(_, from)| {
            let mut links = from.reached().iter().flat_map(|action| &action.links);
            links.any(|link| link.to == Some(number))
        }),
        Event::Button { name } => {
            let shows = |stage: &StageTree<'_>| shows(stage, name);
            // A button that nobody shows is another rule's fault.
            live.any(|(_, from)| shows(from)) || !tree.stages.iter().any(shows)
        }
        Event::Elapsed { within, .. } => within.is_none_or(|within| reached.contains(&within)),
        Event::Received
        | Event::Updated
        | Event::Accepted
        | Event::Ended { .. }
        | Event::Cancelled
        | Event::Expired
        | Event::AgentLost => true,
    }
}

fn shows(stage: &StageTree<'_>, button: &str) -> bool {
    let mut actions = stage.reached().iter();
    actions.any(|it| matches!(&it.action, Action::Button { name, .. } if name == button))
}
