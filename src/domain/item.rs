//! The item's state machine and its current row. The only place that says which state follows
//! which; the picture in the documentation is generated from [`transition`].

use super::ids::{ItemId, Priority, SenderId, Sequence, ServiceId, TenantId};
use super::outcome::Outcome;
use super::time::Timestamp;

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ItemState {
    /// `notBefore` is ahead. Ended by its timer. At most 6 days.
    Scheduled,
    /// The service's workflow runs before (or after) the queue. Ended by a step, timer or button.
    InWorkflow,
    /// The entrance is closed or still releasing older items. Ended by the entrance.
    Buffered,
    /// Waits for an agent. Ended by a match, expiry, cancel or workflow.
    Queued,
    /// Rings at one agent (or several). Volatile: never in a row.
    Offered,
    /// An agent works on it. Ended by the agent, a supervisor or cancel.
    Connected,
    /// Put aside by its agent until a time.
    Parked,
    /// Has an outcome. Stays until retention ends.
    Ended,
}

impl ItemState {
    /// Every state, in the order an item usually passes them.
    pub const ALL: [ItemState; 8] = [
        ItemState::Scheduled,
        ItemState::InWorkflow,
        ItemState::Buffered,
        ItemState::Queued,
        ItemState::Offered,
        ItemState::Connected,
        ItemState::Parked,
        ItemState::Ended,
    ];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            ItemState::Scheduled => "scheduled",
            ItemState::InWorkflow => "inWorkflow",
            ItemState::Buffered => "buffered",
            ItemState::Queued => "queued",
            ItemState::Offered => "offered",
            ItemState::Connected => "connected",
            ItemState::Parked => "parked",
            ItemState::Ended => "ended",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<ItemState> {
        ItemState::ALL
            .into_iter()
            .find(|state| state.name() == name)
    }

    /// Whether the item counts against the tenant's fair use: past the buffer and not ended.
    pub fn counts_for_fair_use(self) -> bool {
        match self {
            ItemState::InWorkflow
            | ItemState::Queued
            | ItemState::Offered
            | ItemState::Connected
            | ItemState::Parked => true,
            ItemState::Scheduled | ItemState::Buffered | ItemState::Ended => false,
        }
    }
}

/// Which side of the entrance an item comes to stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// In front of the closed (or still releasing) entrance.
    Buffered,
    /// In the queue.
    Queued,
}

impl Placement {
    /// The state that goes with it.
    pub fn state(self) -> ItemState {
        match self {
            Placement::Buffered => ItemState::Buffered,
            Placement::Queued => ItemState::Queued,
        }
    }
}

/// What can happen to an item that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemEvent {
    /// `notBefore` has come.
    StartReached(Placement),
    /// The entrance let it through.
    Released,
    /// The sender changed it.
    Updated,
    /// Its lifetime is over.
    Expired,
    /// The sender took it back.
    CancelledBySender,
    /// A supervisor ended it.
    Aborted,
}

impl ItemEvent {
    /// Every event, one per variant and placement.
    pub const ALL: [ItemEvent; 7] = [
        ItemEvent::StartReached(Placement::Buffered),
        ItemEvent::StartReached(Placement::Queued),
        ItemEvent::Released,
        ItemEvent::Updated,
        ItemEvent::Expired,
        ItemEvent::CancelledBySender,
        ItemEvent::Aborted,
    ];

    /// The word in the journal and in the pictures.
    pub fn name(self) -> &'static str {
        match self {
            ItemEvent::StartReached(_) => "startReached",
            ItemEvent::Released => "released",
            ItemEvent::Updated => "updated",
            ItemEvent::Expired => "expired",
            ItemEvent::CancelledBySender => "cancelledByExternalSystem",
            ItemEvent::Aborted => "cancelledBySupervisor",
        }
    }
}

/// The event does not fit the state; the item stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an item that is {} cannot be {}", .state.name(), .event.name())]
pub struct WrongState {
    /// Where the item stands.
    pub state: ItemState,
    /// What was tried.
    pub event: ItemEvent,
}

/// The state that follows `event` in `state`.
///
/// # Errors
/// [`WrongState`] when the event cannot happen there; answer it, nothing has changed.
pub fn transition(state: ItemState, event: ItemEvent) -> Result<ItemState, WrongState> {
    use ItemEvent::{Aborted, CancelledBySender, Expired, Released, StartReached, Updated};
    use ItemState::{Buffered, Connected, Ended, InWorkflow, Offered, Parked, Queued, Scheduled};
    match (state, event) {
        (Scheduled, StartReached(placement)) => Ok(placement.state()),
        (Buffered, Released) => Ok(Queued),
        (Scheduled | InWorkflow | Buffered | Queued | Offered, Expired) => Ok(Ended),
        (
            Scheduled | InWorkflow | Buffered | Queued | Offered | Connected | Parked,
            CancelledBySender | Aborted,
        ) => Ok(Ended),
        (Scheduled | InWorkflow | Buffered | Queued | Offered | Connected | Parked, Updated) => {
            Ok(state)
        }
        (Ended, Updated | CancelledBySender | Aborted | Expired | Released | StartReached(_))
        | (Connected | Parked, Expired | Released | StartReached(_))
        | (Scheduled | InWorkflow | Queued | Offered, Released)
        | (InWorkflow | Buffered | Queued | Offered, StartReached(_)) => {
            Err(WrongState { state, event })
        }
    }
}

/// The current row of an item: the truth about it, small and without the sender's texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Order of first receipt, and the row's key.
    pub sequence: Sequence,
    /// What the world calls it.
    pub id: ItemId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Who sent it.
    pub sender: SenderId,
    /// Where it belongs.
    pub service: ServiceId,
    /// Where it stands.
    pub state: ItemState,
    /// The priority in force.
    pub priority: Priority,
    /// Grows by one with every change of the row, from 1.
    pub version: u32,
    /// Journal rows written so far; the next one has this number.
    pub journal_rows: u32,
    /// When its message reached the door.
    pub received_at: Timestamp,
    /// When the transaction that stored it was decided.
    pub stored_at: Timestamp,
    /// Scheduled until then.
    pub not_before: Option<Timestamp>,
    /// Shown and reported.
    pub due_by: Option<Timestamp>,
    /// Ends without an agent then.
    pub expires_at: Option<Timestamp>,
    /// When it first came into the queue.
    pub queued_at: Option<Timestamp>,
    /// When it ended, and how.
    pub ended: Option<Ending>,
    /// Reported; follow-ups show only chargeable items.
    pub chargeable: bool,
    /// First half of the SHA-256 over the canonical form of the create message's content.
    pub content_digest: [u8; 16],
}

/// When an item ended, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
}

impl Item {
    /// The outcome of an expiry, by whether the item was ever queued.
    pub fn expiry_outcome(&self) -> Outcome {
        if self.queued_at.is_some() {
            Outcome::LostInQueue
        } else {
            Outcome::ExpiredInBuffer
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_item_takes_no_event() {
        for event in ItemEvent::ALL {
            assert!(transition(ItemState::Ended, event).is_err(), "{event:?}");
        }
    }

    #[test]
    fn every_state_but_ended_can_be_cancelled() {
        for state in ItemState::ALL {
            let cancelled = transition(state, ItemEvent::CancelledBySender);
            assert_eq!(cancelled.is_ok(), state != ItemState::Ended, "{state:?}");
        }
    }

    #[test]
    fn an_item_in_an_agents_hands_never_expires() {
        for state in [ItemState::Connected, ItemState::Parked] {
            assert!(transition(state, ItemEvent::Expired).is_err());
        }
    }

    #[test]
    fn only_the_entrance_moves_a_buffered_item_into_the_queue() {
        for event in ItemEvent::ALL {
            let queued = transition(ItemState::Buffered, event) == Ok(ItemState::Queued);
            assert_eq!(queued, event == ItemEvent::Released, "{event:?}");
        }
    }

    #[test]
    fn names_lead_back_to_their_states() {
        for state in ItemState::ALL {
            assert_eq!(ItemState::parse(state.name()), Some(state));
        }
    }
}
