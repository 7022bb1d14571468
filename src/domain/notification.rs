//! What a sender is told of its items without asking, and how far the telling is.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::answer::Status;
use super::ids::{SenderId, Sequence};
use super::time::Timestamp;

/// Most characters of [`Attempts::error`] that are kept.
pub const ERROR_CHARS_MAX: usize = 300;

/// The id of a notification: the same on every attempt, by which a receiver knows a repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NotificationId(pub Uuid);

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for NotificationId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<NotificationId, uuid::Error> {
        Uuid::from_str(text).map(NotificationId)
    }
}

/// What a sender may ask to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// It came into the queue, for the first time or after a transfer.
    Queued,
    /// An agent works on it.
    Accepted,
    /// It was handled.
    Completed,
    /// It was cancelled: by its sender, a supervisor or a workflow.
    Cancelled,
    /// Its lifetime or maximum wait was over.
    Expired,
    /// It went to another service or agent.
    Transferred,
    /// A workflow's notify action.
    Workflow,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [EventKind; 7] = [
        EventKind::Queued,
        EventKind::Accepted,
        EventKind::Completed,
        EventKind::Cancelled,
        EventKind::Expired,
        EventKind::Transferred,
        EventKind::Workflow,
    ];

    /// The word on the wire and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::Queued => "queued",
            EventKind::Accepted => "accepted",
            EventKind::Completed => "completed",
            EventKind::Cancelled => "cancelled",
            EventKind::Expired => "expired",
            EventKind::Transferred => "transferred",
            EventKind::Workflow => "workflow",
        }
    }

    /// The stable number in the store.
    pub fn code(self) -> u8 {
        match self {
            EventKind::Queued => 1,
            EventKind::Accepted => 2,
            EventKind::Completed => 3,
            EventKind::Cancelled => 4,
            EventKind::Expired => 5,
            EventKind::Transferred => 6,
            EventKind::Workflow => 7,
        }
    }
}

/// What happened to an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NotificationEvent {
    /// See [`EventKind::Queued`].
    Queued,
    /// See [`EventKind::Accepted`].
    Accepted,
    /// See [`EventKind::Completed`].
    Completed,
    /// See [`EventKind::Cancelled`].
    Cancelled,
    /// See [`EventKind::Expired`].
    Expired,
    /// See [`EventKind::Transferred`].
    Transferred,
    /// See [`EventKind::Workflow`].
    Workflow {
        /// The name in the workflow's notify action, 1..64 characters.
        name: String,
    },
}

impl NotificationEvent {
    /// What a sender asks for to be told of this.
    pub fn kind(&self) -> EventKind {
        match self {
            NotificationEvent::Queued => EventKind::Queued,
            NotificationEvent::Accepted => EventKind::Accepted,
            NotificationEvent::Completed => EventKind::Completed,
            NotificationEvent::Cancelled => EventKind::Cancelled,
            NotificationEvent::Expired => EventKind::Expired,
            NotificationEvent::Transferred => EventKind::Transferred,
            NotificationEvent::Workflow { .. } => EventKind::Workflow,
        }
    }

    /// The workflow's name for it.
    pub fn workflow_name(&self) -> Option<&str> {
        match self {
            NotificationEvent::Workflow { name } => Some(name),
            NotificationEvent::Queued
            | NotificationEvent::Accepted
            | NotificationEvent::Completed
            | NotificationEvent::Cancelled
            | NotificationEvent::Expired
            | NotificationEvent::Transferred => None,
        }
    }

    /// The event of a stored number and name; `None` when they are none.
    pub fn from_code(code: u8, name: Option<String>) -> Option<NotificationEvent> {
        match (code, name) {
            (1, None) => Some(NotificationEvent::Queued),
            (2, None) => Some(NotificationEvent::Accepted),
            (3, None) => Some(NotificationEvent::Completed),
            (4, None) => Some(NotificationEvent::Cancelled),
            (5, None) => Some(NotificationEvent::Expired),
            (6, None) => Some(NotificationEvent::Transferred),
            (7, Some(name)) => Some(NotificationEvent::Workflow { name }),
            _ => None,
        }
    }
}

/// A notification as the engine writes it. Its number within the item is the store's to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    /// Its own.
    pub id: NotificationId,
    /// Of which item.
    pub item: Sequence,
    /// Whom it is for.
    pub sender: SenderId,
    /// What happened.
    pub event: NotificationEvent,
    /// When.
    pub at: Timestamp,
    /// The item as the event left it. Its id and reference are the item's own and are not kept a
    /// second time: erasing them there erases them here.
    pub status: Status,
    /// The trace that the item's message came in with, as W3C's `traceparent` header has it.
    pub traceparent: Option<String>,
}

/// How far the telling is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// To be delivered, as soon as those of the item before it are delivered or parked. Ended by
    /// the receiver's 2xx, or by three days of failures.
    Due,
    /// Given up: an operator sees it and may replay it. Does not hold up its successors.
    Parked,
    /// The receiver has it. Stays, without its status, so that numbers have no gaps.
    Delivered,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [DeliveryState; 3] = [
        DeliveryState::Due,
        DeliveryState::Parked,
        DeliveryState::Delivered,
    ];

    /// The word in lists.
    pub fn name(self) -> &'static str {
        match self {
            DeliveryState::Due => "due",
            DeliveryState::Parked => "parked",
            DeliveryState::Delivered => "delivered",
        }
    }
}

/// The attempts made so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How many failed since it was written or replayed.
    pub failed: u32,
    /// When the first of them failed.
    pub failing_since: Option<Timestamp>,
    /// How the last of them failed.
    pub error: Option<String>,
}

/// A notification that is not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its own.
    pub id: NotificationId,
    /// Of which item.
    pub item: Sequence,
    /// 1 for the first of an item, without gaps: `@sequence` on the wire.
    pub number: u32,
    /// Whom it is for.
    pub sender: SenderId,
    /// What happened.
    pub event: NotificationEvent,
    /// When.
    pub at: Timestamp,
    /// The item as the event left it.
    pub status: Status,
    /// See [`NewNotification::traceparent`].
    pub traceparent: Option<String>,
    /// What was tried.
    pub attempts: Attempts,
    /// When it may be tried next; `None` for one that is parked.
    pub next_at: Option<Timestamp>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub id: NotificationId,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub result: AttemptResult,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptResult {
    /// The receiver took it.
    Delivered,
    /// It did not.
    Failed {
        /// In a few words, at most [`ERROR_CHARS_MAX`] characters.
        error: String,
        /// When to try again.
        next_at: Timestamp,
    },
    /// It did not, and is not asked again.
    Parked {
        /// In a few words, at most [`ERROR_CHARS_MAX`] characters.
        error: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_their_events() {
        for kind in EventKind::ALL {
            let name = (kind == EventKind::Workflow).then(|| "called".to_owned());
            let event = NotificationEvent::from_code(kind.code(), name.clone());
            let event = event.expect("the code stands for an event");
            assert_eq!(event.kind(), kind);
            assert_eq!(event.workflow_name(), name.as_deref());
        }
        assert_eq!(NotificationEvent::from_code(0, None), None);
        assert_eq!(NotificationEvent::from_code(8, None), None);
    }

    #[test]
    fn only_a_workflows_event_has_a_name() {
        let name = Some("called".to_owned());
        assert_eq!(NotificationEvent::from_code(7, None), None);
        assert_eq!(NotificationEvent::from_code(1, name), None);
    }
}
