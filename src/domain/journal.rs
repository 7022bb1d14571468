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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// An agent accepted it. Data: `agent`, `session`.
    Accepted,
    /// An agent declined the offer. Data: `agent`.
    Declined,
    /// An agent left the offer unanswered. Data: `agent`.
    NoAnswer,
    /// The offer was taken back. Data: `agent`, `reason`.
    Rescinded,
    /// The agent ended it. Data: `agent`, `result`, `outcome`.
    EndedByUser,
    /// The agent put it aside. Data: `agent`, `until`.
    Parked,
    /// The agent went on with it. Data: `agent`, `session`.
    Resumed,
    /// The time it was parked until came. Data: `agent`.
    ParkingOver,
    /// Put back into the queue. Data: `agent`, `note` if given.
    Requeued,
    /// Went to another service or agent. Data: `from`, `service`, `agent`, `state`.
    Transferred,
    /// The target took no more: the item stayed. Data: `service`, `code`.
    TransferFailed,
    /// Its agent was lost for too long. Data: `agent`.
    AgentLost,
    /// A supervisor took it from its agent. Data: `agent`, `reason` if given.
    TakenFromAgent,
    /// A supervisor said who gets it. Data: `agents`.
    Reassigned,
    /// A supervisor changed its priority. Data: `priority`.
    Reprioritised,
    /// An agent changed its contact data. Data: `agent`, `keys`.
    Edited,
    /// A supervisor opened it again. Data: `state`, `reason` if given.
    Reopened,
    /// A workflow came to a stage. Data: `workflow`, `stage`, `stages`, `name`, `event`.
    StageEntered,
    /// It waits there. Data: `until`, `because` if given.
    WorkflowWaits,
    /// It went to the entrance of its service. Data: `state`, `agent` if to one.
    QueuedByWorkflow,
    /// The maximum wait of its queue was over.
    MaximumWaitOver,
    /// It left the queue, or its place before the entrance.
    TakenByWorkflow,
    /// It was let in past a closed entrance.
    ForcedIn,
    /// What it asked of skills was dropped. Data: `skills`.
    SkillsRelaxed,
    /// It went to the entrance of another service. Data: `from`, `service`, `state`.
    TransferredByWorkflow,
    /// A condition could not be evaluated and counts as false. Data: `when`, `why`.
    ConditionFailed,
    /// An action could not be done and was left out. Data: `action`, `why`.
    ActionFailed,
    /// People were told. Data: `followUp`, `to`, `text`.
    AlertShown,
    /// People were not told, for the item is not chargeable. Data: `to`, `text`.
    AlertSuppressed,
    /// Somebody took note. Data: `followUp`.
    AlertAcknowledged,
    /// People can push a button. Data: `followUp`, `name`, `to`.
    ButtonShown,
    /// Somebody pushed it. Data: `followUp`, `name`.
    ButtonPushed,
    /// Its sender was told by the workflow. Data: `name`.
    SenderTold,
    /// A follow-up was opened. Data: `item`, `workflow`.
    FollowUpStarted,
    /// A follow-up could not be opened. Data: `workflow`, `why`.
    FollowUpRefused,
    /// The workflow cannot go on. Data: `why`.
    WorkflowStopped,
    /// The workflow is over. Data: `outcome` if the item ended with it.
    WorkflowFinished,
    /// The workflow ended it. Data: `reason` if given.
    CancelledByWorkflow,
}

impl JournalEvent {
    /// Every event.
    pub const ALL: [JournalEvent; 45] = [
        JournalEvent::Received,
        JournalEvent::StartReached,
        JournalEvent::Released,
        JournalEvent::Updated,
        JournalEvent::Expired,
        JournalEvent::CancelledByExternalSystem,
        JournalEvent::CancelledBySupervisor,
        JournalEvent::Accepted,
        JournalEvent::Declined,
        JournalEvent::NoAnswer,
        JournalEvent::Rescinded,
        JournalEvent::EndedByUser,
        JournalEvent::Parked,
        JournalEvent::Resumed,
        JournalEvent::ParkingOver,
        JournalEvent::Requeued,
        JournalEvent::Transferred,
        JournalEvent::TransferFailed,
        JournalEvent::AgentLost,
        JournalEvent::TakenFromAgent,
        JournalEvent::Reassigned,
        JournalEvent::Reprioritised,
        JournalEvent::Edited,
        JournalEvent::Reopened,
        JournalEvent::StageEntered,
        JournalEvent::WorkflowWaits,
        JournalEvent::QueuedByWorkflow,
        JournalEvent::MaximumWaitOver,
        JournalEvent::TakenByWorkflow,
        JournalEvent::ForcedIn,
        JournalEvent::SkillsRelaxed,
        JournalEvent::TransferredByWorkflow,
        JournalEvent::ConditionFailed,
        JournalEvent::ActionFailed,
        JournalEvent::AlertShown,
        JournalEvent::AlertSuppressed,
        JournalEvent::AlertAcknowledged,
        JournalEvent::ButtonShown,
        JournalEvent::ButtonPushed,
        JournalEvent::SenderTold,
        JournalEvent::FollowUpStarted,
        JournalEvent::FollowUpRefused,
        JournalEvent::WorkflowStopped,
        JournalEvent::WorkflowFinished,
        JournalEvent::CancelledByWorkflow,
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
            JournalEvent::Accepted => 8,
            JournalEvent::Declined => 9,
            JournalEvent::NoAnswer => 10,
            JournalEvent::Rescinded => 11,
            JournalEvent::EndedByUser => 12,
            JournalEvent::Parked => 13,
            JournalEvent::Resumed => 14,
            JournalEvent::ParkingOver => 15,
            JournalEvent::Requeued => 16,
            JournalEvent::Transferred => 17,
            JournalEvent::TransferFailed => 18,
            JournalEvent::AgentLost => 19,
            JournalEvent::TakenFromAgent => 20,
            JournalEvent::Reassigned => 21,
            JournalEvent::Reprioritised => 22,
            JournalEvent::Edited => 23,
            JournalEvent::Reopened => 24,
            JournalEvent::StageEntered => 25,
            JournalEvent::WorkflowWaits => 26,
            JournalEvent::QueuedByWorkflow => 27,
            JournalEvent::TakenByWorkflow => 28,
            JournalEvent::ForcedIn => 29,
            JournalEvent::SkillsRelaxed => 30,
            JournalEvent::TransferredByWorkflow => 31,
            JournalEvent::ConditionFailed => 32,
            JournalEvent::AlertShown => 33,
            JournalEvent::AlertSuppressed => 34,
            JournalEvent::AlertAcknowledged => 35,
            JournalEvent::ButtonShown => 36,
            JournalEvent::ButtonPushed => 37,
            JournalEvent::SenderTold => 38,
            JournalEvent::FollowUpStarted => 39,
            JournalEvent::FollowUpRefused => 40,
            JournalEvent::WorkflowStopped => 41,
            JournalEvent::WorkflowFinished => 42,
            JournalEvent::CancelledByWorkflow => 43,
            JournalEvent::ActionFailed => 44,
            JournalEvent::MaximumWaitOver => 45,
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
            JournalEvent::Accepted => "accepted",
            JournalEvent::Declined => "declined",
            JournalEvent::NoAnswer => "noAnswer",
            JournalEvent::Rescinded => "rescinded",
            JournalEvent::EndedByUser => "endedByUser",
            JournalEvent::Parked => "parked",
            JournalEvent::Resumed => "resumed",
            JournalEvent::ParkingOver => "parkingOver",
            JournalEvent::Requeued => "requeued",
            JournalEvent::Transferred => "transferred",
            JournalEvent::TransferFailed => "transferFailed",
            JournalEvent::AgentLost => "agentLost",
            JournalEvent::TakenFromAgent => "takenFromAgent",
            JournalEvent::Reassigned => "reassigned",
            JournalEvent::Reprioritised => "reprioritised",
            JournalEvent::Edited => "edited",
            JournalEvent::Reopened => "reopened",
            JournalEvent::StageEntered => "stageEntered",
            JournalEvent::WorkflowWaits => "workflowWaits",
            JournalEvent::QueuedByWorkflow => "queuedByWorkflow",
            JournalEvent::MaximumWaitOver => "maximumWaitOver",
            JournalEvent::TakenByWorkflow => "takenByWorkflow",
            JournalEvent::ForcedIn => "forcedIn",
            JournalEvent::SkillsRelaxed => "skillsRelaxed",
            JournalEvent::TransferredByWorkflow => "transferredByWorkflow",
            JournalEvent::ConditionFailed => "conditionFailed",
            JournalEvent::ActionFailed => "actionFailed",
            JournalEvent::AlertShown => "alertShown",
            JournalEvent::AlertSuppressed => "alertSuppressed",
            JournalEvent::AlertAcknowledged => "alertAcknowledged",
            JournalEvent::ButtonShown => "buttonShown",
            JournalEvent::ButtonPushed => "buttonPushed",
            JournalEvent::SenderTold => "senderTold",
            JournalEvent::FollowUpStarted => "followUpStarted",
            JournalEvent::FollowUpRefused => "followUpRefused",
            JournalEvent::WorkflowStopped => "workflowStopped",
            JournalEvent::WorkflowFinished => "workflowFinished",
            JournalEvent::CancelledByWorkflow => "cancelledByWorkflow",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_lead_back_to_their_events_and_names_are_unique() {
        let mut names = BTreeSet::new();
        for event in JournalEvent::ALL {
            assert_eq!(JournalEvent::from_code(event.code()), Some(event));
            assert!(names.insert(event.name()), "{event:?}");
        }
        assert_eq!(JournalEvent::from_code(0), None);
    }
}
