//! What Anteroom answers, as values. `wire::answer` writes them as `schemas/answer.xsd` has them.

use super::ids::ItemId;
use super::item::{Item, ItemState};
use super::outcome::Outcome;
use super::refusal::Refusal;
use super::time::Timestamp;

/// The answer to one message.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To `workItem` and `update`.
    Receipt(Box<Receipt>),
    /// To `workItems`, in order.
    Receipts(Vec<EntryAnswer>),
    /// To `query` of one item and to `cancel`.
    Status(Box<Status>),
    /// To `query` of a list.
    Statuses {
        /// In order of receipt.
        statuses: Vec<Status>,
        /// The cursor for `@since`, if there may be more.
        next: Option<String>,
    },
    /// To `queryServices`.
    Services(Vec<ServiceStatus>),
    /// To `queryLimits`.
    Limits(Box<LimitsInForce>),
    /// To `ping`.
    Pong {
        /// Now.
        time: Timestamp,
        /// Of the program.
        version: String,
    },
    /// To anything refused.
    Error(Refusal),
}

/// The answer to one entry of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryAnswer {
    /// The entry's reference, where it could be read.
    pub reference: Option<String>,
    /// Taken or refused.
    pub result: Result<Receipt, Refusal>,
}

/// "It is on disk."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// `None` on a dry run.
    pub id: Option<ItemId>,
    /// The sender's own id.
    pub reference: String,
    /// Where the item stands now.
    pub state: ItemState,
    /// Of the row.
    pub version: u32,
    /// The reference was known with the same content: nothing was created.
    pub duplicate: bool,
    /// Nothing was created because nothing should be.
    pub dry_run: bool,
    /// When the message reached the door.
    pub received_at: Timestamp,
    /// When the item was stored.
    pub stored_at: Timestamp,
    /// Ends without an agent then.
    pub expires_at: Option<Timestamp>,
    /// Its service.
    pub service: String,
    /// Why it is not queued.
    pub reason: Option<WaitingReason>,
    /// When the entrance opens, if every reason has a known end.
    pub opens_at: Option<Timestamp>,
    /// From 1, in the queue or the buffer.
    pub position: Option<u64>,
    /// How long it may wait; absent when unknown.
    pub estimated_wait: Option<EstimatedWait>,
    /// What was taken but deserves a look.
    pub warnings: Vec<Warning>,
}

/// How long an item may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EstimatedWait {
    /// Milliseconds.
    pub wait_ms: i64,
    /// When it was computed.
    pub computed_at: Timestamp,
}

/// Why an item waits. A receipt gives only those of the entrance and what comes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitingReason {
    /// `notBefore` is ahead.
    Scheduled,
    /// A workflow runs.
    InWorkflow,
    /// The queue is full.
    QueueFull,
    /// The service is retired.
    EntranceHeld,
    /// Opening hours, or closed by hand.
    EntranceClosed,
    /// Older items are still being let in.
    Releasing,
    /// No agent has the skills it asks for now; or nobody is a member.
    NoAgentWithSkills,
    /// Agents who could have it are not signed in, or not active, or not on duty for it.
    NoAgentSignedIn,
    /// Agents who could have it are there, but have no unit free, are not available, left an offer
    /// unanswered, declined it, or (pickup) have not taken it.
    AgentsBusy,
    /// It waits for the agents it prefers.
    PreferredAgentOnly,
    /// Queued, but its service is no longer in the configuration.
    ServiceRetired,
}

impl WaitingReason {
    /// Every reason.
    pub const ALL: [WaitingReason; 11] = [
        WaitingReason::Scheduled,
        WaitingReason::InWorkflow,
        WaitingReason::QueueFull,
        WaitingReason::EntranceHeld,
        WaitingReason::EntranceClosed,
        WaitingReason::Releasing,
        WaitingReason::NoAgentWithSkills,
        WaitingReason::NoAgentSignedIn,
        WaitingReason::AgentsBusy,
        WaitingReason::PreferredAgentOnly,
        WaitingReason::ServiceRetired,
    ];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            WaitingReason::Scheduled => "scheduled",
            WaitingReason::InWorkflow => "inWorkflow",
            WaitingReason::QueueFull => "queueFull",
            WaitingReason::EntranceHeld => "entranceHeld",
            WaitingReason::EntranceClosed => "entranceClosed",
            WaitingReason::Releasing => "releasing",
            WaitingReason::NoAgentWithSkills => "noAgentWithSkills",
            WaitingReason::NoAgentSignedIn => "noAgentSignedIn",
            WaitingReason::AgentsBusy => "agentsBusy",
            WaitingReason::PreferredAgentOnly => "preferredAgentOnly",
            WaitingReason::ServiceRetired => "serviceRetired",
        }
    }
}

/// Something taken that deserves a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What.
    pub code: WarningCode,
    /// A sentence.
    pub message: String,
}

/// The closed list of warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningCode {
    /// A preferred (not required) agent is not known.
    UnknownAgent,
    /// Nobody has the skill.
    UnknownSkill,
    /// `relatedTo` names no item of this tenant.
    UnknownRelated,
    /// It ends before the entrance opens.
    ExpiresBeforeOpening,
    /// 80 % of the fair use is taken.
    FairUseNear,
}

impl WarningCode {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            WarningCode::UnknownAgent => "unknownAgent",
            WarningCode::UnknownSkill => "unknownSkill",
            WarningCode::UnknownRelated => "unknownRelated",
            WarningCode::ExpiresBeforeOpening => "expiresBeforeOpening",
            WarningCode::FairUseNear => "fairUseNear",
        }
    }
}

/// Where one item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Ours.
    pub id: ItemId,
    /// The sender's.
    pub reference: String,
    /// Where it stands.
    pub state: ItemState,
    /// Of the row.
    pub version: u32,
    /// When the message reached the door.
    pub received_at: Timestamp,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// Its service.
    pub service: String,
    /// Why it waits, while it waits.
    pub reason: Option<WaitingReason>,
    /// When the entrance opens, if every reason has a known end.
    pub opens_at: Option<Timestamp>,
    /// From 1, in the queue or the buffer.
    pub position: Option<u64>,
    /// Scheduled until.
    pub not_before: Option<Timestamp>,
    /// Due.
    pub due_by: Option<Timestamp>,
    /// Ends without an agent then.
    pub expires_at: Option<Timestamp>,
    /// First came into the queue.
    pub queued_at: Option<Timestamp>,
    /// First accepted by an agent.
    pub accepted_at: Option<Timestamp>,
    /// Ended.
    pub ended_at: Option<Timestamp>,
    /// How often it has been offered.
    pub attempts: u32,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What its agent chose.
    pub result: Option<String>,
    /// What its agent wrote and shared.
    pub note: Option<String>,
}

impl Status {
    /// The status of `item`, which stands there now.
    pub fn of(item: &Item, reference: String, service: String, now: &Whereabouts) -> Status {
        let ending = item.ended.as_ref();
        let said = ending.and_then(|ending| ending.said.as_deref());
        Status {
            id: item.id,
            reference,
            state: now.state,
            version: item.version,
            received_at: item.received_at,
            stored_at: item.stored_at,
            service,
            reason: now.reason,
            opens_at: now.opens_at,
            position: now.position,
            not_before: item.not_before,
            due_by: item.due_by,
            expires_at: item.expires_at,
            queued_at: item.queued_at,
            accepted_at: item.accepted_at,
            ended_at: ending.map(|ending| ending.at),
            attempts: item.attempts + u32::from(now.state == ItemState::Offered),
            outcome: ending.map(|ending| ending.outcome),
            result: said.map(|said| said.result.clone()),
            note: said
                .filter(|said| said.share)
                .and_then(|said| said.note.clone()),
        }
    }
}

/// Where an item stands beyond its row: what only the running engine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts {
    /// As in the row, but `offered` while it rings.
    pub state: ItemState,
    /// Why it waits; `None`: it does not.
    pub reason: Option<WaitingReason>,
    /// When the entrance opens, if every reason has a known end.
    pub opens_at: Option<Timestamp>,
    /// From 1, in the queue or the buffer.
    pub position: Option<u64>,
    /// Nobody who is set up could ever have it.
    pub unroutable: bool,
    /// How long it may wait; absent when unknown.
    pub estimated_wait: Option<EstimatedWait>,
}

/// One service as a sender sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// Its title for people.
    pub title: String,
    /// Whether its entrance is open, and why not.
    pub entrance: EntranceStatus,
    /// Items in the queue.
    pub queued: u64,
    /// Items in front of the entrance.
    pub buffered: u64,
    /// Age of the oldest waiting item, milliseconds since its receipt.
    pub oldest_age_ms: Option<i64>,
    /// How long a new item may wait; absent when unknown.
    pub estimated_wait: Option<EstimatedWait>,
}

/// An entrance at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntranceStatus {
    /// Empty: open.
    pub reasons: Vec<ClosedReason>,
    /// Open, but older items are still being let in.
    pub releasing: bool,
    /// When it opens, if every reason has a known end; `None` too while it is open.
    pub opens_at: Option<Timestamp>,
    /// When it closes by its opening hours; `None` while it is closed.
    pub closes_at: Option<Timestamp>,
    /// Forced open by a supervisor until then.
    pub forced_until: Option<Timestamp>,
}

impl EntranceStatus {
    /// `open` or `closed`.
    pub fn state_name(&self) -> &'static str {
        if self.reasons.is_empty() {
            "open"
        } else {
            "closed"
        }
    }

    /// The one reason a receipt gives: `queueFull` if that alone, else `entranceHeld`, else
    /// `entranceClosed`, else `releasing`. `None`: the way in is free.
    pub fn waiting_reason(&self) -> Option<WaitingReason> {
        match self.reasons.as_slice() {
            [] if self.releasing => Some(WaitingReason::Releasing),
            [] => None,
            [ClosedReason::QueueFull] => Some(WaitingReason::QueueFull),
            reasons if reasons.contains(&ClosedReason::Held) => Some(WaitingReason::EntranceHeld),
            _ => Some(WaitingReason::EntranceClosed),
        }
    }
}

/// Why an entrance is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClosedReason {
    /// Outside the opening hours.
    Hours,
    /// Closed by a person, until a time or until reopened.
    ByHand,
    /// As many items as the queue may hold.
    QueueFull,
    /// The service is no longer in the configuration.
    Held,
}

impl ClosedReason {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            ClosedReason::Hours => "hours",
            ClosedReason::ByHand => "byHand",
            ClosedReason::QueueFull => "queueFull",
            ClosedReason::Held => "held",
        }
    }
}

/// The limits in force for one sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsInForce {
    /// Items a minute; `None`: no limit.
    pub rate_per_minute: Option<u32>,
    /// Items that may be sent at this instant; `None`: no limit.
    pub rate_left: Option<u32>,
    /// Open items past the buffer a tenant may have; `None`: no limit.
    pub fair_use: Option<u32>,
    /// How many it has.
    pub fair_use_taken: u64,
    /// Largest message, inflated.
    pub message_bytes_max: u64,
    /// Attachments of one item, decoded.
    pub attachments_bytes_max: u64,
    /// Media types an attachment may have.
    pub attachment_types: Vec<String>,
    /// Longest lifetime, milliseconds.
    pub lifetime_max_ms: i64,
    /// Furthest `notBefore`, milliseconds.
    pub not_before_max_ms: i64,
    /// Items in one `workItems`.
    pub batch_items_max: u32,
    /// How much each service open to the sender takes.
    pub buffers: Vec<BufferLimit>,
}

/// How much one service takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferLimit {
    /// Name of the service.
    pub service: String,
    /// Items its queue may hold; beyond, newcomers are buffered.
    pub queue_items_max: u32,
    /// Items its queue holds.
    pub queued: u64,
    /// Items its buffer may hold.
    pub items_max: u32,
    /// Items its buffer holds.
    pub items: u64,
}
