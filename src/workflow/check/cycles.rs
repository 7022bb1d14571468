//! No cycle can run without a pause: it would spin until the item has used up its steps.

use crate::domain::workflow::{Action, Awaited, StageNumber, Until};
use crate::workflow::fault::{Faults, Rule};
use crate::workflow::tree::{ActionTree, Link, StageTree, Tree};

pub(super) fn check(tree: &Tree<'_>, faults: &mut Faults) {
    let mut known: Vec<bool> = vec![false; tree.stages.len()];
    for (number, _) in tree.numbered() {
        if known[number.index()] {
            continue;
        }
        let Some((link, way)) = cycle(tree, number) else {
            continue;
        };
        for stage in &way {
            known[stage.index()] = true;
        }
        let titles = way.iter().filter_map(|it| tree.stages.get(it.index()));
        let titles: Vec<&str> = titles.map(|stage| stage.event.title()).collect();
        let message = format!(
            "Put a wait for a time or a queue into this cycle: {} → {}.",
            titles.join(" → "),
            titles.first().copied().unwrap_or_default()
        );
        faults.add(link.at, Rule::CycleWithoutPause, message);
    }
}

/// A shortest way from a stage back to itself without a pause, and its first link.
fn cycle(tree: &Tree<'_>, start: StageNumber) -> Option<(Link, Vec<StageNumber>)> {
    // Breadth first: the stages seen, each with the link that led there and the one before.
    let mut seen: Vec<(StageNumber, Option<(Link, usize)>)> = vec![(start, None)];
    let mut at = 0;
    while let Some(&(from, _)) = seen.get(at) {
        let stage = tree.stages.get(from.index())?;
        for link in without_pause(stage) {
            let Some(to) = link.to else { continue };
            if to == start {
                return Some(way_back(&seen, at, link));
            }
            if !seen.iter().any(|(stage, _)| *stage == to) {
                seen.push((to, Some((link, at))));
            }
        }
        at += 1;
    }
    None
}

/// The stages from the first seen to the one at `last`, and the first link of the way.
fn way_back(
    seen: &[(StageNumber, Option<(Link, usize)>)],
    last: usize,
    closing: Link,
) -> (Link, Vec<StageNumber>) {
    let mut first = closing;
    let mut way = Vec::new();
    let mut at = last;
    loop {
        let (stage, before) = seen[at];
        way.push(stage);
        match before {
            Some((link, index)) => {
                first = link;
                at = index;
            }
            None => {
                way.reverse();
                return (first, way);
            }
        }
    }
}

/// The links of a stage that can be taken before anything in it pauses.
fn without_pause(stage: &StageTree<'_>) -> Vec<Link> {
    let actions = stage.reached().iter();
    let before_pause = actions.take_while(|action| !pauses(action));
    before_pause.flat_map(|it| it.links.clone()).collect()
}

/// Whether an action surely stands still for a while. What may be over at once is no pause.
fn pauses(action: &ActionTree<'_>) -> bool {
    let Action::Wait { until, .. } = &action.action else {
        return action.action.stands();
    };
    match until {
        // For a time, or it has another fault.
        None => true,
        Some(Until::LocalTime { .. }) => true,
        Some(Until::Event(awaited)) => match awaited {
            Awaited::Updated | Awaited::Accepted | Awaited::Ended | Awaited::AgentLost => true,
            Awaited::Acknowledged => false,
        },
        Some(Until::Due | Until::Opening | Until::At(_)) => false,
    }
}
