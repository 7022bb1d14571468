//! What happens in the lives of twins: one command each, that can be sent again.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::agent::{Duty, Presence};
use crate::domain::entrance::EntranceVerb;
use crate::domain::follow_up::FollowUpId;
use crate::domain::ids::{ItemId, UserId};
use crate::domain::journal::Actor;
use crate::domain::message::{Address, Cancel, Submission, Update};
use crate::domain::people::{UserName, UserPatch};
use crate::domain::time::Timestamp;
use crate::engine::agents::command::{ActOnItem, By, ItemVerb, SetState};
use crate::engine::command::{CancelItem, Command, OrderEntrance, Submit, UpdateItem};
use crate::engine::flows::command::{FlowCommand, FollowUpVerb, HandleFollowUp, StartFollowUp};
use crate::engine::people::change::{ChangePeople, Edit};
use crate::engine::simulator::Life;
use crate::engine::world::{World, operator};

/// One thing that somebody does.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Submit(Submission),
    Update(Update),
    Cancel(String),
    Act(By, ItemId, ItemVerb),
    Handle(FollowUpId, FollowUpVerb),
    Start(StartFollowUp),
    Entrance(&'static str, EntranceVerb, Option<Timestamp>),
    Enable(UserName, bool),
    SignIn(UserId),
    /// To the policy of that seed.
    Reload(u64),
}

impl Deed {
    /// Whether it may be sent again when nobody knows whether it was done. Whoever does another of
    /// these asks first.
    pub(super) fn is_idempotent(&self) -> bool {
        match self {
            Deed::Submit(_)
            | Deed::Update(_)
            | Deed::Cancel(_)
            | Deed::Handle(..)
            | Deed::SignIn(_)
            | Deed::Reload(_) => true,
            Deed::Start(start) => start.reference.is_some(),
            Deed::Act(_, _, verb) => {
                matches!(
                    verb,
                    ItemVerb::Take | ItemVerb::End { .. } | ItemVerb::Abort { .. }
                )
            }
            Deed::Entrance(..) | Deed::Enable(..) => false,
        }
    }

    /// As it is sent. Whoever sends it is told, and forgets it.
    pub(super) fn command(&self, world: &World) -> Command {
        let sender = world.policy.senders["core"].clone();
        match self.clone() {
            Deed::Submit(submission) => {
                let received_at = world.now;
                let traceparent = None;
                let submit = Submit {
                    sender,
                    received_at,
                    submission,
                    traceparent,
                };
                Command::Submit(Box::new(submit), oneshot::channel().0)
            }
            Deed::Update(update) => {
                let attachments = Vec::new();
                let update = UpdateItem {
                    sender,
                    update,
                    attachments,
                };
                Command::Update(Box::new(update), oneshot::channel().0)
            }
            Deed::Cancel(reference) => {
                let address = Address::Reference(reference);
                let reason = None;
                let cancel = Cancel { address, reason };
                let cancel = CancelItem { sender, cancel };
                Command::Cancel(Box::new(cancel), oneshot::channel().0)
            }
            Deed::Act(by, item, verb) => {
                let act = ActOnItem { by, item, verb };
                Command::Act(Box::new(act), oneshot::channel().0)
            }
            Deed::Handle(id, verb) => {
                let by = operator();
                let handle = HandleFollowUp { by, id, verb };
                let command = FlowCommand::Handle(handle, oneshot::channel().0);
                Command::Flows(Box::new(command))
            }
            Deed::Start(start) => {
                let command = FlowCommand::Start(Box::new(start), oneshot::channel().0);
                Command::Flows(Box::new(command))
            }
            Deed::Entrance(service, verb, until) => {
                let order = OrderEntrance {
                    actor: operator().actor,
                    tenant: None,
                    service: service.to_owned(),
                    verb,
                    until,
                    reason: None,
                };
                Command::Entrance(Box::new(order), oneshot::channel().0)
            }
            Deed::Enable(name, enabled) => {
                let patch = UserPatch {
                    enabled: Some(enabled),
                    ..UserPatch::default()
                };
                let if_version = None;
                change(vec![Edit::Change {
                    name,
                    patch,
                    if_version,
                }])
            }
            Deed::SignIn(user) => sign_in(user),
            Deed::Reload(seed) => {
                let policy = Arc::new(super::policy_of(seed));
                Command::Reload(policy, oneshot::channel().0)
            }
        }
    }
}

/// A change of people.
pub(super) fn change(edits: Vec<Edit>) -> Command {
    let change = ChangePeople {
        actor: Actor::Engine,
        from: None,
        edits,
        dry_run: false,
    };
    Command::People(Box::new(change), oneshot::channel().0)
}

/// Somebody is there again, for everything.
pub(super) fn sign_in(user: UserId) -> Command {
    let active = super::SERVICES
        .iter()
        .map(|name| ((*name).to_owned(), true));
    let state = SetState {
        presence: Some(Presence::Online),
        active: active.collect(),
        duty: Some(Duty::On { profile: None }),
        not_available: Some(None),
        ready: true,
        ..SetState::of(Life::by(Some(user)), user)
    };
    Command::SetState(Box::new(state), oneshot::channel().0)
}
