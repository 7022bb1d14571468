//! Telling senders what becomes of their items: which change is an event, the writing of
//! notifications in the transaction that makes the change, and the verbs of whoever delivers them.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::answer::{Status, Whereabouts};
use crate::domain::code::Code;
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::notification::{
    Attempt, NewNotification, Notification, NotificationEvent, NotificationId,
};
use crate::domain::policy::NotifyPolicy;
use crate::domain::refusal::Refusal;
use crate::store::{AuditEntry, Batch, Replay, Store, StoreError};

use super::Engine;
use super::command::{Command, Pending, Reply};
use super::handle::EngineHandle;
use super::turn::Turn;

/// Parked notifications listed or replayed at once, at most.
pub const NOTIFICATIONS_PAGE_MAX: usize = 1_000;

/// The event that a change of an item is to its sender, if it is one. The one place that says so.
pub fn notify_of(
    event: JournalEvent,
    item: &Item,
    data: &[(&'static str, String)],
) -> Option<NotificationEvent> {
    let datum = |wanted: &str| data.iter().find(|(name, _)| *name == wanted);
    match event {
        JournalEvent::Received
        | JournalEvent::StartReached
        | JournalEvent::Released
        | JournalEvent::QueuedByWorkflow
        | JournalEvent::ForcedIn
        | JournalEvent::Reopened => {
            (item.state == ItemState::Queued).then_some(NotificationEvent::Queued)
        }
        JournalEvent::Accepted => Some(NotificationEvent::Accepted),
        JournalEvent::EndedByUser => Some(NotificationEvent::Completed),
        JournalEvent::Transferred | JournalEvent::TransferredByWorkflow => {
            Some(NotificationEvent::Transferred)
        }
        JournalEvent::Expired => Some(NotificationEvent::Expired),
        JournalEvent::CancelledByExternalSystem
        | JournalEvent::CancelledBySupervisor
        | JournalEvent::CancelledByWorkflow => Some(NotificationEvent::Cancelled),
        // Only if the item ended with it.
        JournalEvent::WorkflowFinished => datum("outcome").map(|_| NotificationEvent::Completed),
        JournalEvent::SenderTold => {
            let name = datum("name").map(|(_, name)| name.clone());
            name.map(|name| NotificationEvent::Workflow { name })
        }
        // What happens among agents, or in the same queue, is nothing to a sender.
        JournalEvent::Updated
        | JournalEvent::Declined
        | JournalEvent::NoAnswer
        | JournalEvent::Rescinded
        | JournalEvent::Parked
        | JournalEvent::Resumed
        | JournalEvent::ParkingOver
        | JournalEvent::Requeued
        | JournalEvent::TransferFailed
        | JournalEvent::AgentLost
        | JournalEvent::TakenFromAgent
        | JournalEvent::Reassigned
        | JournalEvent::Reprioritised
        | JournalEvent::Edited
        | JournalEvent::StageEntered
        | JournalEvent::WorkflowWaits
        | JournalEvent::MaximumWaitOver
        | JournalEvent::TakenByWorkflow
        | JournalEvent::SkillsRelaxed
        | JournalEvent::ConditionFailed
        | JournalEvent::ActionFailed
        | JournalEvent::AlertShown
        | JournalEvent::AlertSuppressed
        | JournalEvent::AlertAcknowledged
        | JournalEvent::ButtonShown
        | JournalEvent::ButtonPushed
        | JournalEvent::FollowUpStarted
        | JournalEvent::FollowUpRefused
        | JournalEvent::WorkflowStopped => None,
    }
}

/// What whoever delivers notifications, or looks after them, asks of the engine.
pub enum NotifyCommand {
    /// What may be tried next. Read only.
    Next(usize, Reply<Vec<Outgoing>>),
    /// What became of attempts.
    Mark(Vec<Attempt>, Reply<()>),
    /// A page of the parked ones. Read only.
    Parked(ListParked, Reply<Vec<ParkedNotification>>),
    /// Try parked ones again.
    Replay(ReplayNotifications, Reply<()>),
}

/// A notification on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What.
    pub notification: Notification,
    /// Where to; `None`: the configuration names no address for its sender any longer.
    pub to: Option<Arc<NotifyPolicy>>,
}

/// A notification that was given up, with the names of what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedNotification {
    /// The notification.
    pub notification: Notification,
    /// Name of the tenant.
    pub tenant: Arc<str>,
    /// Name of the sender it was for.
    pub sender: Arc<str>,
}

/// A page of parked notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListParked {
    /// The last of the page before.
    pub after: Option<NotificationId>,
    /// 1 to [`NOTIFICATIONS_PAGE_MAX`].
    pub limit: usize,
}

/// Parked notifications to be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayNotifications {
    /// Who says so.
    pub actor: Actor,
    /// Which, 1 to [`NOTIFICATIONS_PAGE_MAX`]. Those that are not parked stay as they are.
    pub ids: Vec<NotificationId>,
}

/// An answer to a [`NotifyCommand`] that waits for the commit.
pub(super) enum NotifyPending {
    Next(Reply<Vec<Outgoing>>, Result<Vec<Outgoing>, Refusal>),
    Done(Reply<()>, Result<(), Refusal>),
    Parked(
        Reply<Vec<ParkedNotification>>,
        Result<Vec<ParkedNotification>, Refusal>,
    ),
}

impl NotifyPending {
    pub(super) fn release(self) {
        match self {
            NotifyPending::Next(reply, result) => drop(reply.send(result)),
            NotifyPending::Done(reply, result) => drop(reply.send(result)),
            NotifyPending::Parked(reply, result) => drop(reply.send(result)),
        }
    }

    pub(super) fn refuse(self, refusal: Refusal) {
        match self {
            NotifyPending::Next(reply, _) => drop(reply.send(Err(refusal))),
            NotifyPending::Done(reply, _) => drop(reply.send(Err(refusal))),
            NotifyPending::Parked(reply, _) => drop(reply.send(Err(refusal))),
        }
    }
}

impl<S: Store> Engine<S> {
    /// Writes what this turn's changes are to the senders that asked to be told. The status is
    /// the row as the change left it.
    pub(super) fn tell_senders(&mut self, turn: &mut Turn) -> Result<(), StoreError> {
        for (item, event) in std::mem::take(&mut turn.events) {
            let subscriber = self.directory.subscriber(item.sender);
            if subscriber.is_none_or(|policy| !policy.events.contains(&event.kind())) {
                continue;
            }
            let traceparent = self.trace_of(turn, &item)?;
            let service = self.service_name(item.service);
            // Whether it rings by now is nothing to a sender.
            let state = item.state;
            let now = Whereabouts {
                state,
                ..self.whereabouts(&item)
            };
            turn.batch.notifications.push(NewNotification {
                id: NotificationId(self.ids.next(turn.now).0),
                item: item.sequence,
                sender: item.sender,
                event,
                at: turn.now,
                status: Status::of(&item, String::new(), service, &now),
                traceparent,
            });
        }
        Ok(())
    }

    /// After the commit: whoever delivers sees that there is more.
    pub(super) fn count_notifications(&mut self, batch: &Batch) {
        let written = batch.notifications.len() + batch.replays.len();
        self.notifications_written += written as u64;
    }

    pub(super) fn notifications(
        &mut self,
        turn: &mut Turn,
        command: NotifyCommand,
    ) -> Result<(), StoreError> {
        let pending = match command {
            NotifyCommand::Next(per_sender, reply) => {
                match self.store.next_notifications(per_sender) {
                    Ok(next) => NotifyPending::Next(reply, Ok(self.outgoing(next))),
                    Err(error) => return turn.fail(error, reply, next_pending),
                }
            }
            NotifyCommand::Mark(attempts, reply) => {
                turn.batch.attempts.extend(attempts);
                NotifyPending::Done(reply, Ok(()))
            }
            NotifyCommand::Parked(page, reply) => match self.parked_notifications(page) {
                Ok(result) => NotifyPending::Parked(reply, result),
                Err(error) => return turn.fail(error, reply, parked_pending),
            },
            NotifyCommand::Replay(replay, reply) => {
                NotifyPending::Done(reply, replay_all(turn, replay))
            }
        };
        turn.pending.push(Pending::Notifications(pending));
        Ok(())
    }

    fn outgoing(&self, next: Vec<Notification>) -> Vec<Outgoing> {
        let outgoing = |notification: Notification| Outgoing {
            to: self.directory.subscriber(notification.sender).cloned(),
            notification,
        };
        next.into_iter().map(outgoing).collect()
    }

    fn parked_notifications(
        &mut self,
        page: ListParked,
    ) -> Result<Result<Vec<ParkedNotification>, Refusal>, StoreError> {
        if let Err(refusal) = check_count(page.limit) {
            return Ok(Err(refusal));
        }
        let parked = self.store.parked_notifications(page.after, page.limit)?;
        let with_names = |notification: Notification| {
            let (tenant, sender) = self.directory.sender_names(notification.sender);
            ParkedNotification {
                notification,
                tenant,
                sender,
            }
        };
        Ok(Ok(parked.into_iter().map(with_names).collect()))
    }
}

fn next_pending(reply: Reply<Vec<Outgoing>>, result: Result<Vec<Outgoing>, Refusal>) -> Pending {
    Pending::Notifications(NotifyPending::Next(reply, result))
}

fn parked_pending(
    reply: Reply<Vec<ParkedNotification>>,
    result: Result<Vec<ParkedNotification>, Refusal>,
) -> Pending {
    Pending::Notifications(NotifyPending::Parked(reply, result))
}

fn replay_all(turn: &mut Turn, replay: ReplayNotifications) -> Result<(), Refusal> {
    check_count(replay.ids.len())?;
    let now = turn.now;
    for id in replay.ids {
        turn.batch.replays.push(Replay { id, at: now });
        turn.batch.audit.push(AuditEntry {
            at: now,
            actor: replay.actor.clone(),
            verb: "notification.replay",
            tenant: None,
            object: id.to_string(),
            data: Vec::new(),
        });
    }
    Ok(())
}

fn check_count(count: usize) -> Result<(), Refusal> {
    if (1..=NOTIFICATIONS_PAGE_MAX).contains(&count) {
        return Ok(());
    }
    let message = format!("Name 1 to {NOTIFICATIONS_PAGE_MAX} notifications at a time.");
    Err(Refusal::new(Code::InvalidField, message))
}

impl EngineHandle {
    /// The notifications that may be tried next, the first `per_sender` of every sender by their
    /// time, which may be ahead; of an item only the first.
    ///
    /// # Errors
    /// The engine cannot say now; ask again later.
    pub async fn next_notifications(&self, per_sender: usize) -> Result<Vec<Outgoing>, Refusal> {
        self.notify(|reply| NotifyCommand::Next(per_sender, reply))
            .await
    }

    /// Remembers what became of attempts. Answers after the commit.
    ///
    /// # Errors
    /// It is not remembered: they will be made again.
    pub async fn mark_notifications(&self, attempts: Vec<Attempt>) -> Result<(), Refusal> {
        self.notify(|reply| NotifyCommand::Mark(attempts, reply))
            .await
    }

    /// A page of the notifications that were given up, oldest first.
    ///
    /// # Errors
    /// `invalidField`: the limit is out of range.
    pub async fn parked_notifications(
        &self,
        page: ListParked,
    ) -> Result<Vec<ParkedNotification>, Refusal> {
        self.notify(|reply| NotifyCommand::Parked(page, reply))
            .await
    }

    /// Has parked notifications tried again, as if they were new.
    ///
    /// # Errors
    /// `invalidField`: none or too many are named.
    pub async fn replay_notifications(&self, replay: ReplayNotifications) -> Result<(), Refusal> {
        self.notify(|reply| NotifyCommand::Replay(replay, reply))
            .await
    }

    async fn notify<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> NotifyCommand,
    ) -> Result<T, Refusal> {
        self.ask(|reply: oneshot::Sender<Result<T, Refusal>>| {
            Command::Notifications(Box::new(command(reply)))
        })
        .await
    }
}

#[cfg(test)]
mod tests;
