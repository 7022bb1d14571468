//! The item's state machine and its current row. The only place that says which state follows
//! which; the picture in the documentation is generated from [`transition`].

use std::sync::Arc;

use super::flow::Flow;
use super::ids::{ItemId, OfferId, Priority, SenderId, Sequence, ServiceId, TenantId, UserId};
use super::outcome::Outcome;
use super::time::Timestamp;
use super::wish::Wish;

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
    /// An agent accepted the offer, or took it from the list of a pickup service.
    Accepted,
    /// The agent ended it.
    EndedByUser,
    /// The agent put it aside until a time.
    Parked,
    /// The agent went on with it.
    Resumed,
    /// The time it was parked until has come.
    ParkingOver,
    /// Put back into the queue, at its old place.
    Requeued,
    /// Its agent was lost for too long, or was deactivated.
    AgentLost,
    /// A supervisor took it from its agent.
    TakenFromAgent,
    /// Went to the entrance of a service (another, or the same for another agent).
    TransferredTo(Placement),
    /// A supervisor opened it again.
    Reopened(Placement),
    /// Its `notBefore` has come, and its workflow begins.
    WorkflowBegan,
    /// Its workflow sent it to the entrance of its service, or of another.
    WorkflowQueued(Placement),
    /// Its workflow took it out of the queue, or from before the entrance.
    WorkflowTook,
    /// Its workflow let it in past a closed entrance.
    WorkflowForcedIn,
    /// Its workflow finished, and it with it.
    WorkflowFinished,
    /// Its workflow ended it.
    WorkflowCancelled,
}

impl ItemEvent {
    /// Every event, one per variant and placement.
    pub const ALL: [ItemEvent; 26] = [
        ItemEvent::StartReached(Placement::Buffered),
        ItemEvent::StartReached(Placement::Queued),
        ItemEvent::Released,
        ItemEvent::Updated,
        ItemEvent::Expired,
        ItemEvent::CancelledBySender,
        ItemEvent::Aborted,
        ItemEvent::Accepted,
        ItemEvent::EndedByUser,
        ItemEvent::Parked,
        ItemEvent::Resumed,
        ItemEvent::ParkingOver,
        ItemEvent::Requeued,
        ItemEvent::AgentLost,
        ItemEvent::TakenFromAgent,
        ItemEvent::TransferredTo(Placement::Buffered),
        ItemEvent::TransferredTo(Placement::Queued),
        ItemEvent::Reopened(Placement::Buffered),
        ItemEvent::Reopened(Placement::Queued),
        ItemEvent::WorkflowBegan,
        ItemEvent::WorkflowQueued(Placement::Buffered),
        ItemEvent::WorkflowQueued(Placement::Queued),
        ItemEvent::WorkflowTook,
        ItemEvent::WorkflowForcedIn,
        ItemEvent::WorkflowFinished,
        ItemEvent::WorkflowCancelled,
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
            ItemEvent::Accepted => "accepted",
            ItemEvent::EndedByUser => "endedByUser",
            ItemEvent::Parked => "parked",
            ItemEvent::Resumed => "resumed",
            ItemEvent::ParkingOver => "parkingOver",
            ItemEvent::Requeued => "requeued",
            ItemEvent::AgentLost => "agentLost",
            ItemEvent::TakenFromAgent => "takenFromAgent",
            ItemEvent::TransferredTo(_) => "transferred",
            ItemEvent::Reopened(_) => "reopened",
            ItemEvent::WorkflowBegan => "workflowBegan",
            ItemEvent::WorkflowQueued(_) => "queuedByWorkflow",
            ItemEvent::WorkflowTook => "takenByWorkflow",
            ItemEvent::WorkflowForcedIn => "forcedIn",
            ItemEvent::WorkflowFinished => "handledByWorkflow",
            ItemEvent::WorkflowCancelled => "cancelledByWorkflow",
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
    use ItemEvent::{
        Aborted, Accepted, AgentLost, CancelledBySender, EndedByUser, Expired, ParkingOver,
        Released, Reopened, Requeued, Resumed, StartReached, TakenFromAgent, TransferredTo,
        Updated, WorkflowBegan, WorkflowCancelled, WorkflowFinished, WorkflowForcedIn,
        WorkflowQueued, WorkflowTook,
    };
    use ItemState::{Buffered, Connected, Ended, InWorkflow, Offered, Parked, Queued, Scheduled};
    match (state, event) {
        (Scheduled, StartReached(placement)) => Ok(placement.state()),
        (Scheduled, WorkflowBegan) => Ok(InWorkflow),
        (Buffered, Released) | (InWorkflow | Buffered, WorkflowForcedIn) => Ok(Queued),
        (Scheduled | InWorkflow | Buffered | Queued | Offered, Expired)
        | (
            Scheduled | InWorkflow | Buffered | Queued | Offered | Connected | Parked,
            CancelledBySender | Aborted,
        )
        | (InWorkflow | Buffered | Queued | Offered | Connected | Parked, WorkflowCancelled)
        | (InWorkflow, WorkflowFinished)
        | (Connected, EndedByUser) => Ok(Ended),
        (Scheduled | InWorkflow | Buffered | Queued | Offered | Connected | Parked, Updated) => {
            Ok(state)
        }
        // From before a queue to that of its service, from everywhere to that of another.
        (InWorkflow | Buffered | Queued | Offered, WorkflowQueued(placement))
        | (
            InWorkflow | Buffered | Queued | Offered | Connected | Parked,
            TransferredTo(placement),
        )
        | (Ended, Reopened(placement)) => Ok(placement.state()),
        (Buffered | Queued | Offered, WorkflowTook) => Ok(InWorkflow),
        (Queued | Offered, Accepted) | (Parked, Resumed) => Ok(Connected),
        (Connected, ItemEvent::Parked) => Ok(Parked),
        (Parked, ParkingOver) | (Connected | Parked, Requeued | AgentLost | TakenFromAgent) => {
            Ok(Queued)
        }
        (Ended, Updated | CancelledBySender | Aborted | Expired | TransferredTo(_))
        | (Connected | Parked | Ended, Expired | Released | StartReached(_) | Accepted)
        | (Scheduled | InWorkflow | Queued | Offered, Released)
        | (InWorkflow | Buffered | Queued | Offered, StartReached(_) | WorkflowBegan)
        | (Scheduled | InWorkflow | Buffered, Accepted)
        | (
            Scheduled | InWorkflow | Buffered | Queued | Offered | Ended,
            EndedByUser
            | ItemEvent::Parked
            | Resumed
            | ParkingOver
            | Requeued
            | AgentLost
            | TakenFromAgent,
        )
        | (Connected, Resumed | ParkingOver)
        | (Parked, EndedByUser | ItemEvent::Parked)
        | (Scheduled, TransferredTo(_))
        | (Scheduled | InWorkflow, WorkflowTook)
        | (Scheduled, WorkflowQueued(_) | WorkflowForcedIn | WorkflowFinished)
        | (Buffered, WorkflowFinished)
        | (Queued | Offered, WorkflowForcedIn | WorkflowFinished)
        | (Scheduled | Ended, WorkflowCancelled)
        | (
            Connected | Parked | Ended,
            WorkflowBegan | WorkflowQueued(_) | WorkflowTook | WorkflowForcedIn | WorkflowFinished,
        )
        | (
            Scheduled | InWorkflow | Buffered | Queued | Offered | Connected | Parked,
            Reopened(_),
        ) => Err(WrongState { state, event }),
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
    /// When it came to its present service, if a transfer brought it there.
    pub entered_at: Option<Timestamp>,
    /// When an agent first accepted it: from then on it never expires.
    pub accepted_at: Option<Timestamp>,
    /// Offers of it that have ended, however, and takings from a list.
    pub attempts: u32,
    /// Who has it (`connected` and `parked` only).
    pub holder: Option<Holder>,
    /// What it asks of agents.
    pub wish: Option<Arc<Wish>>,
    /// Where it stands in its workflow; `None`: none is running.
    pub flow: Option<Arc<Flow>>,
    /// When it ended, and how.
    pub ended: Option<Ending>,
    /// Reported; follow-ups show only chargeable items.
    pub chargeable: bool,
    /// First half of the SHA-256 over the canonical form of the create message's content.
    pub content_digest: [u8; 16],
}

/// Who has an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The agent.
    pub agent: UserId,
    /// The agent session: its offer's number.
    pub session: OfferId,
    /// Put aside until then (`parked` only).
    pub parked_until: Option<Timestamp>,
}

/// When an item ended, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// What its agent said of it (`handledByUser` only).
    pub said: Option<Arc<Verdict>>,
}

impl Ending {
    /// An end that no agent made.
    pub fn of(at: Timestamp, outcome: Outcome) -> Ending {
        let said = None;
        Ending { at, outcome, said }
    }
}

/// What an agent says of an item when ending it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// One of the task type's set.
    pub result: String,
    /// In the agent's own words.
    pub note: Option<String>,
    /// Whether the sender may read the note.
    pub share: bool,
}

impl Item {
    /// The expiry that is still running: only before the first acceptance.
    pub fn expiry_in_force(&self) -> Option<Timestamp> {
        self.expires_at.filter(|_| self.accepted_at.is_none())
    }

    /// Levels of the distribution count from then: its first time in this service's queue.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.queued_at.max(self.entered_at)
    }

    /// When its stay in its present service began.
    pub fn stay_began_at(&self) -> Timestamp {
        self.entered_at.unwrap_or(self.stored_at)
    }

    /// When its workflow is next due by itself.
    pub fn flow_due(&self) -> Option<Timestamp> {
        self.flow.as_ref().and_then(|flow| flow.due)
    }

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
    fn an_ended_item_takes_no_event_but_reopening() {
        for event in ItemEvent::ALL {
            let reopens = matches!(event, ItemEvent::Reopened(_));
            let taken = transition(ItemState::Ended, event).is_ok();
            assert_eq!(taken, reopens, "{event:?}");
        }
    }

    #[test]
    fn the_table_of_agents_and_supervisors_is_as_drawn() {
        use ItemState::{Buffered, Connected, Ended, InWorkflow, Offered, Parked, Queued};
        let table: [(ItemEvent, &[ItemState], ItemState); 9] = [
            (ItemEvent::Accepted, &[Queued, Offered], Connected),
            (ItemEvent::EndedByUser, &[Connected], Ended),
            (ItemEvent::Parked, &[Connected], Parked),
            (ItemEvent::Resumed, &[Parked], Connected),
            (ItemEvent::ParkingOver, &[Parked], Queued),
            (ItemEvent::Requeued, &[Connected, Parked], Queued),
            (ItemEvent::AgentLost, &[Connected, Parked], Queued),
            (ItemEvent::TakenFromAgent, &[Connected, Parked], Queued),
            (
                ItemEvent::TransferredTo(Placement::Buffered),
                &[InWorkflow, Buffered, Queued, Offered, Connected, Parked],
                Buffered,
            ),
        ];
        for (event, from, to) in table {
            for state in ItemState::ALL {
                let expected = from.contains(&state).then_some(to);
                assert_eq!(
                    transition(state, event).ok(),
                    expected,
                    "{state:?} {event:?}"
                );
            }
        }
    }

    #[test]
    fn the_table_of_workflows_is_as_drawn() {
        use ItemState::{
            Buffered, Connected, Ended, InWorkflow, Offered, Parked, Queued, Scheduled,
        };
        let waits = [Buffered, Queued, Offered];
        let table: [(ItemEvent, &[ItemState], ItemState); 6] = [
            (ItemEvent::WorkflowBegan, &[Scheduled], InWorkflow),
            (
                ItemEvent::WorkflowQueued(Placement::Buffered),
                &[InWorkflow, Buffered, Queued, Offered],
                Buffered,
            ),
            (ItemEvent::WorkflowTook, &waits, InWorkflow),
            (ItemEvent::WorkflowForcedIn, &[InWorkflow, Buffered], Queued),
            (ItemEvent::WorkflowFinished, &[InWorkflow], Ended),
            (
                ItemEvent::WorkflowCancelled,
                &[InWorkflow, Buffered, Queued, Offered, Connected, Parked],
                Ended,
            ),
        ];
        for (event, from, to) in table {
            for state in ItemState::ALL {
                let expected = from.contains(&state).then_some(to);
                assert_eq!(
                    transition(state, event).ok(),
                    expected,
                    "{state:?} {event:?}"
                );
            }
        }
    }

    #[test]
    fn only_an_acceptance_or_a_resume_brings_an_item_to_an_agent() {
        for state in ItemState::ALL {
            for event in ItemEvent::ALL {
                let connects = transition(state, event) == Ok(ItemState::Connected);
                let stays = state == ItemState::Connected && event == ItemEvent::Updated;
                let brings = [ItemEvent::Accepted, ItemEvent::Resumed].contains(&event);
                assert!(!connects || stays || brings, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn no_row_ever_becomes_offered() {
        for state in ItemState::ALL {
            for event in ItemEvent::ALL {
                let offered = transition(state, event) == Ok(ItemState::Offered);
                let stays = state == ItemState::Offered && event == ItemEvent::Updated;
                assert!(!offered || stays, "{state:?} {event:?}");
            }
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
    fn only_an_entrance_or_a_workflow_moves_a_buffered_item_into_a_queue() {
        let by_entrance = [
            ItemEvent::Released,
            ItemEvent::TransferredTo(Placement::Queued),
            ItemEvent::WorkflowQueued(Placement::Queued),
            ItemEvent::WorkflowForcedIn,
        ];
        for event in ItemEvent::ALL {
            let queued = transition(ItemState::Buffered, event) == Ok(ItemState::Queued);
            assert_eq!(queued, by_entrance.contains(&event), "{event:?}");
        }
    }

    #[test]
    fn names_lead_back_to_their_states() {
        for state in ItemState::ALL {
            assert_eq!(ItemState::parse(state.name()), Some(state));
        }
    }
}
