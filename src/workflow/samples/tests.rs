//! What random workflows are like.

use std::collections::BTreeSet;

use crate::domain::facts::Fact;
use crate::domain::workflow::{Action, Awaited, Elapsed, Event, Until};
use crate::workflow::load;

use super::{Around, source};

const AROUND: Around<'static> = Around {
    services: &["loans", "claims"],
    agents: &["anna", "bo"],
    groups: &["backoffice"],
    keys: &["phone", "note"],
    workflows: &["other"],
};

fn word_of_action(action: &Action) -> &'static str {
    match action {
        Action::Wait { until, for_ms, .. } => match (until, for_ms) {
            (None, _) => "wait for",
            (Some(Until::Event(Awaited::Updated)), _) => "wait until updated",
            (Some(Until::Event(Awaited::Accepted)), _) => "wait until accepted",
            (Some(Until::Event(Awaited::Ended)), _) => "wait until ended",
            (Some(Until::Event(Awaited::AgentLost)), _) => "wait until agentLost",
            (Some(Until::Event(Awaited::Acknowledged)), _) => "wait until acknowledged",
            (Some(Until::LocalTime { .. }), None) => "wait until a time of day",
            (Some(Until::LocalTime { .. }), Some(_)) => "wait until a time of day, limited",
            (Some(Until::Due), None) => "wait until dueBy",
            (Some(Until::Due), Some(_)) => "wait until dueBy, limited",
            (Some(Until::Opening), _) => "wait until opening",
            (Some(Until::At(_)), None) => "wait until an instant",
            (Some(Until::At(_)), Some(_)) => "wait until an instant, limited",
        },
        Action::SetPriority { .. } => "setPriority",
        Action::RaisePriority { .. } => "raisePriority",
        Action::SetContactData { .. } => "setContactData",
        Action::CheckOpeningHours { .. } => "checkOpeningHours",
        Action::CheckAvailability { .. } => "checkAvailability",
        Action::Check { .. } => "check",
        Action::Queue(queue) => match (queue.max_wait_ms, queue.declined) {
            (None, None) => "queue",
            (Some(_), None) => "queue with maxWait",
            (None, Some(_)) => "queue with declined",
            (Some(_), Some(_)) => "queue with both",
        },
        Action::QueueToAgent { required: true, .. } => "queueToAgent",
        Action::QueueToAgent { .. } => "queueToAgent, not required",
        Action::ForceQueue => "forceQueue",
        Action::RelaxSkills => "relaxSkills",
        Action::Transfer { .. } => "transfer",
        Action::Alert { .. } => "alert",
        Action::Button { .. } => "button",
        Action::Notify { .. } => "notify",
        Action::StartWorkflow { .. } => "startWorkflow",
        Action::Cancel { .. } => "cancel",
        Action::Goto(_) => "goto",
        Action::Finish => "finish",
    }
}

fn word_of_event(event: &Event) -> &'static str {
    match event {
        Event::Elapsed { when, within } => match (when, within) {
            (Elapsed::After { .. }, None) => "elapsed after",
            (Elapsed::After { .. }, Some(_)) => "elapsed after in",
            (Elapsed::BeforeDue { .. }, None) => "elapsed beforeDue",
            (Elapsed::BeforeDue { .. }, Some(_)) => "elapsed beforeDue in",
            (Elapsed::AfterDue { .. }, None) => "elapsed afterDue",
            (Elapsed::AfterDue { .. }, Some(_)) => "elapsed afterDue in",
        },
        Event::Ended { result: Some(_) } => "ended with result",
        other => other.word(),
    }
}

/// How many words there are: ten events, of which one is counted in six ways instead; the actions,
/// of which one waits in thirteen ways, one queues in four and one in two.
const EVENTS: usize = 10 + 6;
const ACTIONS: usize = 13 + 4 + 2 + 16;

#[test]
fn random_workflows_pass_often_and_use_everything() {
    const SEEDS: u64 = 1_000;
    let mut passed = 0;
    let mut events: BTreeSet<&'static str> = BTreeSet::new();
    let mut actions: BTreeSet<&'static str> = BTreeSet::new();
    let mut facts: BTreeSet<Fact> = BTreeSet::new();
    let mut rules: BTreeSet<&'static str> = BTreeSet::new();
    for seed in 0..SEEDS {
        match load(&source("sample", seed, &AROUND), &AROUND.known("sample")) {
            Ok(workflow) => {
                passed += 1;
                let stages = workflow.stages.iter();
                events.extend(stages.clone().map(|stage| word_of_event(&stage.event)));
                actions.extend(stages.flat_map(|stage| &stage.actions).map(word_of_action));
                let conditions = workflow.conditions();
                facts.extend(conditions.flat_map(|condition| condition.reads().to_vec()));
            }
            Err(faults) => rules.extend(faults.iter().map(|fault| fault.rule.word())),
        }
    }
    println!("{passed} of {SEEDS} pass; the others break {rules:?}");
    assert!(passed * 10 > SEEDS * 3, "{passed} pass");
    assert_eq!(events.len(), EVENTS, "{events:?}");
    assert_eq!(actions.len(), ACTIONS, "{actions:?}");
    assert_eq!(facts.len(), 4, "{facts:?}");
}

#[test]
fn the_same_seed_makes_the_same_workflow() {
    assert_eq!(source("w", 7, &AROUND), source("w", 7, &AROUND));
    assert_ne!(source("w", 7, &AROUND), source("w", 8, &AROUND));
}
