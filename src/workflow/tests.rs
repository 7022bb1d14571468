//! The room as its users see it: files in, workflows or faults out.

use std::collections::BTreeSet;

use super::*;
use crate::domain::workflow::{Action, Event, StageNumber};

mod files;
mod rules;
mod search;

const CAR_LOAN: &str = include_str!("../../fixtures/workflows/car-loan.xml");

fn set(names: &[&str]) -> Option<BTreeSet<String>> {
    Some(names.iter().map(|it| (*it).to_owned()).collect())
}

/// What is known where the example of the specification runs.
fn bank() -> Known {
    Known {
        services: set(&["loans", "backoffice"]),
        groups: set(&["backoffice"]),
        ..Known::anything()
    }
}

#[test]
fn the_example_of_the_specification_loads() {
    let workflow = load(CAR_LOAN, &bank()).expect("it is right");
    assert_eq!(workflow.name, "car-loan");
    assert_eq!(workflow.stages.len(), 9);
    assert_eq!(&*workflow.source, CAR_LOAN);
    assert_eq!(workflow.digest, digest(CAR_LOAN));
    let received = workflow.stage(StageNumber(1)).expect("the first");
    assert_eq!((&received.event, received.line), (&Event::Received, 3));
    let Action::CheckOpeningHours { open, closed, .. } = received.actions[1] else {
        panic!("the second action is checkOpeningHours");
    };
    assert_eq!((open, closed), (Some(StageNumber(2)), Some(StageNumber(3))));
}
