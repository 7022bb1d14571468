//! The audit of an item's life: what happened, when, by whom. Appended in the transaction that
//! made it true; never replayed.

use super::ids::{SenderId, Sequence, UserId};
use super::time::Timestamp;

/// One line of an item's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Whose life.
    pub sequence: Sequence,
    /// 1 for the first line of an item, without gaps.
    pub number: u32,
    /// When, by the engine's clock.
    pub at: Timestamp,
    /// What.
    pub event: JournalEvent,
    /// By whom.
    pub actor: Actor,
    /// What belongs to it: camelCase names and values.
    pub data: Vec<(&'static str, String)>,
}

/// Who made something happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The engine itself: a timer, the entrance.
    Engine,
    /// An external system.
    Sender(SenderId),
    /// A user who signed in, or a program with a token of theirs.
    User(UserId),
    /// A person or script on the control socket, as `uid=N pid=M`.
    Operator(String),
}

/// What happened. The numeric code is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JournalEvent {
    /// Stored; the first line of every item. Data: `state`.
    Received,
    /// `notBefore` came. Data: `state`.
    StartReached,
    /// Let in by the entrance.
    Released,
    /// Changed by its sender. Data: `fields`.
    Updated,
    /// Its lifetime was over. Data: `outcome`.
    Expired,
    /// Taken back by its sender. Data: `reason` if given.
    CancelledByExternalSystem,
    /// Ended by a supervisor. Data: `reason` if given.
    CancelledBySupervisor,
}

impl JournalEvent {
    /// Every event.
    pub const ALL: [JournalEvent; 7] = [
        JournalEvent::Received,
        JournalEvent::StartReached,
        JournalEvent::Released,
        JournalEvent::Updated,
        JournalEvent::Expired,
        JournalEvent::CancelledByExternalSystem,
        JournalEvent::CancelledBySupervisor,
    ];

    /// The stable number in the store.
    pub fn code(self) -> u8 {
        match self {
            JournalEvent::Received => 1,
            JournalEvent::StartReached => 2,
            JournalEvent::Released => 3,
            JournalEvent::Updated => 4,
            JournalEvent::Expired => 5,
            JournalEvent::CancelledByExternalSystem => 6,
            JournalEvent::CancelledBySupervisor => 7,
        }
    }

    /// The event of that number.
    pub fn from_code(code: u8) -> Option<JournalEvent> {
        JournalEvent::ALL
            .into_iter()
            .find(|event| event.code() == code)
    }

    /// The word in traces.
    pub fn name(self) -> &'static str {
        match self {
            JournalEvent::Received => "received",
            JournalEvent::StartReached => "startReached",
            JournalEvent::Released => "released",
            JournalEvent::Updated => "updated",
            JournalEvent::Expired => "expired",
            JournalEvent::CancelledByExternalSystem => "cancelledByExternalSystem",
            JournalEvent::CancelledBySupervisor => "cancelledBySupervisor",
        }
    }
}
