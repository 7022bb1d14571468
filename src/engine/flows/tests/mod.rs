//! Workflows at work, turn by turn: the bank of the agents' tests, whose service `loans` has a
//! workflow.

mod corners;
mod follow_ups;
mod leaving;
mod opening;
mod versions;
mod waiting;

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::follow_up::{FollowUp, FollowUpKind};
use crate::domain::ids::UserId;
use crate::domain::journal::JournalEvent;
use crate::domain::people::UserPatch;
use crate::domain::policy::{Policy, TenantPolicy};
use crate::domain::refusal::Refusal;
use crate::domain::workflow::Workflow;
use crate::engine::agents::command::By;
use crate::engine::agents::tests::{Floor, SUE, by};
use crate::engine::command::Command;
use crate::store::Store;
use crate::workflow::{Known, load};

use super::command::{
    FlowCommand, FollowUpVerb, HandleFollowUp, HandledFollowUp, StartFollowUp, StartedFollowUp,
};

/// A workflow of these stages.
fn workflow(name: &str, stages: &str) -> Arc<Workflow> {
    let source =
        format!("<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"{name}\">{stages}</workflow>");
    let loaded = load(&source, &Known::anything());
    Arc::new(loaded.unwrap_or_else(|faults| panic!("{faults:?}")))
}

/// Puts workflows into a tenant, the first of them as that of `loans`.
fn give(tenant: &mut TenantPolicy, workflows: &[Arc<Workflow>]) {
    let named = workflows.iter().map(|it| (it.name.clone(), it.clone()));
    tenant.workflows = named.collect();
    let loans = tenant.services.get_mut("loans").expect("it is there");
    Arc::make_mut(loans).workflow = workflows.first().cloned();
}

/// A policy with other workflows.
fn with_workflows(policy: &Policy, workflows: &[Arc<Workflow>]) -> Policy {
    let mut policy = policy.clone();
    let bank = policy.tenants.get_mut("bank").expect("it is there");
    give(Arc::make_mut(bank), workflows);
    policy
}

/// The bank with workflows; its supervisor is in the work group `backoffice`.
fn bank(workflows: &[Arc<Workflow>]) -> Floor {
    let mut floor = Floor::with(|_| {}, |tenant| give(tenant, workflows));
    let patch = UserPatch {
        work_groups: Some(["backoffice".to_owned()].into()),
        ..UserPatch::default()
    };
    floor.change("sue", patch);
    floor
}

/// The bank with one workflow of these stages.
fn floor(stages: &str) -> Floor {
    bank(&[workflow("test", stages)])
}

/// The alerts and buttons of an item that are open.
fn open(floor: &Floor, reference: &str) -> Vec<FollowUp> {
    let sequence = floor.item(reference).sequence;
    let mut store = floor.world.engine.store().crash();
    store.open_follow_ups(sequence).expect("memory")
}

/// What they say.
fn shown(floor: &Floor, reference: &str) -> Vec<String> {
    let open = open(floor, reference);
    let texts = open.iter().map(|it| match &it.kind {
        FollowUpKind::Alert { text } => text.clone(),
        FollowUpKind::Button { name, .. } => format!("[{name}]"),
    });
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}

fn handle(
    floor: &mut Floor,
    by: By,
    follow_up: &FollowUp,
    verb: FollowUpVerb,
) -> Result<HandledFollowUp, Refusal> {
    let id = follow_up.id;
    let (reply, mut answer) = oneshot::channel();
    let request = HandleFollowUp { by, id, verb };
    floor
        .world
        .carry_out(Command::Flows(Box::new(FlowCommand::Handle(
            request, reply,
        ))));
    floor.world.settle().expect("no fault is planned");
    answer.try_recv().expect("the turn answers")
}

/// The supervisor pushes the only button of an item.
fn push(floor: &mut Floor, reference: &str) -> Result<HandledFollowUp, Refusal> {
    let open = open(floor, reference);
    let is_button = |it: &&FollowUp| matches!(it.kind, FollowUpKind::Button { .. });
    let button = open.iter().find(is_button).expect("a button").clone();
    handle(floor, by(SUE), &button, FollowUpVerb::Push)
}

fn start(floor: &mut Floor, request: StartFollowUp) -> Result<StartedFollowUp, Refusal> {
    let (reply, mut answer) = oneshot::channel();
    floor
        .world
        .carry_out(Command::Flows(Box::new(FlowCommand::Start(
            Box::new(request),
            reply,
        ))));
    floor.world.settle().expect("no fault is planned");
    answer.try_recv().expect("the turn answers")
}

/// The events of an item's journal from the `from`-th line on.
fn journal_from(floor: &Floor, reference: &str, from: usize) -> Vec<&'static str> {
    let journal = floor.journal(reference);
    journal[from - 1..]
        .iter()
        .map(|event| event.name())
        .collect()
}

/// The data of the last line of that event.
fn datum(floor: &Floor, reference: &str, event: JournalEvent, name: &str) -> Option<String> {
    let sequence = floor.item(reference).sequence;
    let lines: Vec<_> = floor.world.engine.store().journal(sequence).collect();
    let line = lines.iter().rev().find(|line| line.event == event)?;
    let mut data = line.data.iter();
    data.find(|(known, _)| *known == name)
        .map(|(_, value)| value.clone())
}

/// Offers stand at nobody.
fn rings_nowhere(floor: &Floor, users: &[UserId]) -> bool {
    users.iter().all(|user| floor.rings_at(*user).is_empty())
}
