//! What became of a stay in a service and of a hand-over to an agent. The last agent session
//! decides the item's result.

use super::ids::{OfferId, Sequence, ServiceId, UserId};
use super::outcome::Outcome;
use super::time::Timestamp;

/// Most rows that one item's list of agent sessions holds: the newest.
pub const AGENT_SESSIONS_SHOWN_MAX: usize = 1_000;

/// One hand-over of an item to one agent: from the offer to the end. Its key is item, offer, agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentSession {
    /// Which item.
    pub sequence: Sequence,
    /// Which offer; a broadcast's has a session for each agent.
    pub offer: OfferId,
    /// Who.
    pub agent: UserId,
    /// The item's service then.
    pub service: ServiceId,
    /// When it began to ring, or was taken from the list.
    pub offered_at: Timestamp,
    /// When the agent accepted it.
    pub accepted_at: Option<Timestamp>,
    /// When and how it ended; `None`: it rings, or is in the agent's hands.
    pub ended: Option<(Timestamp, AgentResult)>,
}

/// One stay of an item in one service, written when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceSession {
    /// Which item.
    pub sequence: Sequence,
    /// Where.
    pub service: ServiceId,
    /// When it came.
    pub entered_at: Timestamp,
    /// When it went.
    pub left_at: Timestamp,
    /// How.
    pub result: ServiceResult,
}

/// A change of an agent's state, kept where the tenant wants it kept. It ends the state before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserStateChange {
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
    /// The state by its name, and the reason that was given; `None`: nothing is kept from here on.
    pub state: Option<(&'static str, Option<String>)>,
}

/// The result of an agent session: one hand-over of an item to one agent. The numeric code is
/// stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AgentResult {
    /// The offer was accepted; the item is still in the agent's hands.
    Accepted,
    /// The agent declined the offer.
    Declined,
    /// The agent left the offer unanswered (RONA).
    NoAnswer,
    /// The offer was taken back: cancel, expiry, somebody else was faster, the agent left.
    Rescinded,
    /// The agent, or a supervisor, put the item back into the queue.
    Requeued,
    /// The agent put the item aside and its time came without a resume.
    Parked,
    /// The agent handed the item on.
    Transferred,
    /// The sender or a supervisor ended the item in the agent's hands.
    Cancelled,
    /// The agent left, or was lost, for longer than its items wait for it.
    LoggedOut,
    /// The agent ended the item.
    Ended,
}

impl AgentResult {
    /// Every result.
    pub const ALL: [AgentResult; 10] = [
        AgentResult::Accepted,
        AgentResult::Declined,
        AgentResult::NoAnswer,
        AgentResult::Rescinded,
        AgentResult::Requeued,
        AgentResult::Parked,
        AgentResult::Transferred,
        AgentResult::Cancelled,
        AgentResult::LoggedOut,
        AgentResult::Ended,
    ];

    /// The stable number in the store.
    pub fn code(self) -> u8 {
        match self {
            AgentResult::Accepted => 1,
            AgentResult::Declined => 2,
            AgentResult::NoAnswer => 3,
            AgentResult::Rescinded => 4,
            AgentResult::Requeued => 5,
            AgentResult::Parked => 6,
            AgentResult::Transferred => 7,
            AgentResult::Cancelled => 8,
            AgentResult::LoggedOut => 9,
            AgentResult::Ended => 10,
        }
    }

    /// The result of that number.
    pub fn from_code(code: u8) -> Option<AgentResult> {
        AgentResult::ALL
            .into_iter()
            .find(|result| result.code() == code)
    }

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            AgentResult::Accepted => "accepted",
            AgentResult::Declined => "declined",
            AgentResult::NoAnswer => "noAnswer",
            AgentResult::Rescinded => "rescinded",
            AgentResult::Requeued => "requeued",
            AgentResult::Parked => "parked",
            AgentResult::Transferred => "transferred",
            AgentResult::Cancelled => "cancelled",
            AgentResult::LoggedOut => "loggedOut",
            AgentResult::Ended => "ended",
        }
    }

    /// `offered` where it ended with the offer, `connected` where the agent had the item.
    pub fn group(self) -> &'static str {
        match self.was_connected() {
            true => "connected",
            false => "offered",
        }
    }

    /// Whether the agent did the work.
    pub fn handled(self) -> bool {
        self == AgentResult::Ended
    }

    /// Whether the agent ever had the item.
    pub fn was_connected(self) -> bool {
        match self {
            AgentResult::Accepted
            | AgentResult::Requeued
            | AgentResult::Parked
            | AgentResult::Transferred
            | AgentResult::Cancelled
            | AgentResult::LoggedOut
            | AgentResult::Ended => true,
            AgentResult::Declined | AgentResult::NoAnswer | AgentResult::Rescinded => false,
        }
    }
}

/// The result of a service session: one stay of an item in one service. The numeric code is
/// stable; those below 40 are the item's outcomes, with their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceResult {
    /// The item ended in the service.
    Ended(Outcome),
    /// An agent or supervisor handed it on.
    TransferredByUser,
    /// A workflow handed it on.
    TransferredByWorkflow,
    /// A transfer was refused by its target: the item stayed.
    TransferFailed,
}

impl ServiceResult {
    /// Every result.
    pub fn all() -> impl Iterator<Item = ServiceResult> {
        let handed_on = [
            ServiceResult::TransferredByUser,
            ServiceResult::TransferredByWorkflow,
            ServiceResult::TransferFailed,
        ];
        Outcome::ALL
            .into_iter()
            .map(ServiceResult::Ended)
            .chain(handed_on)
    }

    /// The stable number in the store; tens are the group.
    pub fn code(self) -> u16 {
        match self {
            ServiceResult::Ended(outcome) => outcome.code(),
            ServiceResult::TransferredByUser => 40,
            ServiceResult::TransferredByWorkflow => 41,
            ServiceResult::TransferFailed => 42,
        }
    }

    /// The result of that number.
    pub fn from_code(code: u16) -> Option<ServiceResult> {
        ServiceResult::all().find(|result| result.code() == code)
    }

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            ServiceResult::Ended(outcome) => outcome.name(),
            ServiceResult::TransferredByUser => "transferredByUser",
            ServiceResult::TransferredByWorkflow => "transferredByWorkflow",
            ServiceResult::TransferFailed => "transferFailed",
        }
    }

    /// The group of the outcome; `transferred` where the item went on to another stay, `failed`
    /// where it should have.
    pub fn group(self) -> &'static str {
        match self {
            ServiceResult::Ended(outcome) => outcome.group(),
            ServiceResult::TransferredByUser | ServiceResult::TransferredByWorkflow => {
                "transferred"
            }
            ServiceResult::TransferFailed => "failed",
        }
    }

    /// Whether the work was done in the service.
    pub fn handled(self) -> bool {
        match self {
            ServiceResult::Ended(outcome) => outcome.handled(),
            ServiceResult::TransferredByUser
            | ServiceResult::TransferredByWorkflow
            | ServiceResult::TransferFailed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_lead_back_to_their_agent_results() {
        for result in AgentResult::ALL {
            assert_eq!(AgentResult::from_code(result.code()), Some(result));
        }
        assert_eq!(AgentResult::from_code(0), None);
    }

    #[test]
    fn codes_lead_back_to_their_service_results() {
        let codes: BTreeSet<u16> = ServiceResult::all().map(ServiceResult::code).collect();
        assert_eq!(
            codes.len(),
            Outcome::ALL.len() + 3,
            "no number is used twice"
        );
        for result in ServiceResult::all() {
            assert_eq!(ServiceResult::from_code(result.code()), Some(result));
        }
    }

    #[test]
    fn an_offer_that_nobody_took_was_no_connection() {
        let never: Vec<&str> = AgentResult::ALL
            .into_iter()
            .filter(|result| !result.was_connected())
            .map(AgentResult::name)
            .collect();
        assert_eq!(never, ["declined", "noAnswer", "rescinded"]);
    }
}
