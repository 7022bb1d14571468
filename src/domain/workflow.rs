//! What a workflow says: events, their actions, and where each leads. Complete and checked: every
//! number of a stage here is that of a stage.

use std::fmt;
use std::sync::Arc;

use super::facts::{Fact, Facts};
use super::ids::Priority;
use super::people::Role;
use super::time::Timestamp;

/// Characters of the name of a workflow, a stage, a button or a notification.
pub const NAME_CHARS_MAX: usize = 64;
/// Characters of the text of an alert, the label of a button, the reason of a wait.
pub const TEXT_CHARS_MAX: usize = 200;
/// Characters of a condition.
pub const CONDITION_CHARS_MAX: usize = 1_000;
/// Bytes of a workflow's file.
pub const SOURCE_BYTES_MAX: usize = 256 * 1024;
/// Stages of a workflow.
pub const STAGES_MAX: usize = 100;
/// Actions of a stage.
pub const ACTIONS_MAX: usize = 50;
/// Steps of one item in one day: what takes more is stopped, shown and alerted.
pub const STEPS_PER_DAY_MAX: u32 = 1_000;
/// Longest wait, in milliseconds.
pub const WAIT_MAX_MS: i64 = 366 * 24 * 3_600_000;
/// Follow-ups that the workflow of one item may start.
pub const STARTS_MAX: u8 = 10;
/// How deep follow-ups may start follow-ups by themselves.
pub const START_DEPTH_MAX: u8 = 3;

/// SHA-256 of a workflow's file: what an item began with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkflowDigest(pub [u8; 32]);

impl fmt::Display for WorkflowDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for WorkflowDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One version of a workflow.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// 1 to 64 of `[A-Za-z0-9._-]`.
    pub name: String,
    /// Which version.
    pub digest: WorkflowDigest,
    /// Its file as it was read, UTF-8.
    pub source: Arc<str>,
    /// In document order, numbered from 1; at most [`STAGES_MAX`].
    pub stages: Vec<Stage>,
}

impl Workflow {
    /// The stage of that number.
    pub fn stage(&self, number: StageNumber) -> Option<&Stage> {
        self.stages.get(number.index())
    }

    /// All stages with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (StageNumber, &Stage)> {
        let stages = self.stages.iter().enumerate();
        stages.map(|(index, stage)| (StageNumber::of_index(index), stage))
    }

    /// The first stage that begins with an event for which `wanted` says so.
    pub fn find(&self, wanted: impl Fn(&Event) -> bool) -> Option<StageNumber> {
        let mut stages = self.numbered();
        stages
            .find(|(_, stage)| wanted(&stage.event))
            .map(|(number, _)| number)
    }

    /// The conditions of all its actions.
    pub fn conditions(&self) -> impl Iterator<Item = &Arc<dyn Condition>> {
        let actions = self.stages.iter().flat_map(|stage| &stage.actions);
        actions.filter_map(|action| match action {
            Action::Check { when, .. } => Some(when),
            _ => None,
        })
    }
}

/// Which stage, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StageNumber(pub u8);

impl StageNumber {
    /// The number of the stage at that index. At most [`STAGES_MAX`] stages, so it fits.
    pub fn of_index(index: usize) -> StageNumber {
        StageNumber(u8::try_from(index + 1).unwrap_or(u8::MAX))
    }

    /// Its index in [`Workflow::stages`].
    pub fn index(self) -> usize {
        usize::from(self.0).wrapping_sub(1)
    }
}

impl fmt::Display for StageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event with its actions.
#[derive(Debug, Clone)]
pub struct Stage {
    /// What begins it.
    pub event: Event,
    /// What is done then, in order; at most [`ACTIONS_MAX`].
    pub actions: Vec<Action>,
    /// Where it begins in the file, from 1.
    pub line: u32,
}

/// What begins a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The item came (after its `notBefore`), or the follow-up was opened. Once, before all others.
    Received,
    /// Another stage leads here by that name.
    Goto {
        /// Unique in the workflow.
        name: String,
    },
    /// Somebody pushed the button of that name. Runs beside an outstanding action.
    Button {
        /// Unique in the workflow.
        name: String,
    },
    /// Time has passed. Runs beside an outstanding action, once for each time it is counted.
    Elapsed {
        /// How much.
        when: Elapsed,
        /// Only while the workflow stands there; `None`: wherever it stands.
        within: Option<StageNumber>,
    },
    /// The sender changed the item.
    Updated,
    /// An agent accepted it.
    Accepted,
    /// An agent ended it; with that result, or with whichever nothing else waits for.
    Ended {
        /// One of the task type's set.
        result: Option<String>,
    },
    /// The sender or a supervisor ended it.
    Cancelled,
    /// Its lifetime was over.
    Expired,
    /// Its agent was gone for too long, or was deactivated.
    AgentLost,
}

impl Event {
    /// The word in the file (`on`).
    pub fn word(&self) -> &'static str {
        match self {
            Event::Received => "received",
            Event::Goto { .. } => "goto",
            Event::Button { .. } => "button",
            Event::Elapsed { .. } => "elapsed",
            Event::Updated => "updated",
            Event::Accepted => "accepted",
            Event::Ended { .. } => "ended",
            Event::Cancelled => "cancelled",
            Event::Expired => "expired",
            Event::AgentLost => "agentLost",
        }
    }

    /// The stage's name for people: its own, else the word of its event.
    pub fn title(&self) -> &str {
        match self {
            Event::Goto { name } | Event::Button { name } => name,
            Event::Received
            | Event::Elapsed { .. }
            | Event::Updated
            | Event::Accepted
            | Event::Ended { .. }
            | Event::Cancelled
            | Event::Expired
            | Event::AgentLost => self.word(),
        }
    }

    /// Whether its stage runs beside an outstanding action and may simply end: the workflow then
    /// stands where it stood.
    pub fn runs_beside(&self) -> bool {
        match self {
            Event::Button { .. } | Event::Elapsed { .. } => true,
            Event::Received
            | Event::Goto { .. }
            | Event::Updated
            | Event::Accepted
            | Event::Ended { .. }
            | Event::Cancelled
            | Event::Expired
            | Event::AgentLost => false,
        }
    }
}

/// When an `elapsed` stage begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elapsed {
    /// So long after the stage named by `in` began; without `in`, after the workflow began.
    After {
        /// Milliseconds, positive.
        ms: i64,
    },
    /// So long before the item's `dueBy`. Without one: never.
    BeforeDue {
        /// Milliseconds, positive.
        ms: i64,
    },
    /// So long after the item's `dueBy`. Without one: never.
    AfterDue {
        /// Milliseconds, positive.
        ms: i64,
    },
}

/// Where an exit of an action leads; `None`: on to the next action of the stage.
pub type Exit = Option<StageNumber>;

/// One thing done.
#[derive(Debug, Clone)]
pub enum Action {
    /// Stands still. Ends at whichever comes first.
    Wait {
        /// Until something happens, or a time.
        until: Option<Until>,
        /// So long, in milliseconds, 1 to [`WAIT_MAX_MS`]. Always there unless `until` is a time
        /// that surely comes ([`Until::always_comes`]).
        for_ms: Option<i64>,
        /// Why, for whoever looks at the item.
        because: Option<String>,
    },
    /// Sets the item's priority.
    SetPriority {
        /// To that.
        to: Priority,
    },
    /// Raises it, at most to 9.
    RaisePriority {
        /// By so much, 1 to 9.
        by: u8,
    },
    /// Sets one key of the contact data.
    SetContactData {
        /// Which.
        key: String,
        /// To that.
        value: String,
    },
    /// Whether the opening hours of a service say open now (a forced opening counts, a closing by
    /// hand does not).
    CheckOpeningHours {
        /// Which service; `None`: the item's.
        service: Option<String>,
        /// They do.
        open: Exit,
        /// They do not.
        closed: Exit,
    },
    /// Whether somebody could take an item of a service now.
    CheckAvailability {
        /// Which service; `None`: the item's.
        service: Option<String>,
        /// An agent is free.
        available: Exit,
        /// Agents are signed in, none is free.
        busy: Exit,
        /// No agent is signed in.
        nobody_signed_in: Exit,
    },
    /// Whether a condition holds.
    Check {
        /// Which.
        when: Arc<dyn Condition>,
        /// It does.
        then: Exit,
        /// It does not, or could not be evaluated.
        otherwise: Exit,
    },
    /// Goes to the entrance of the item's service and waits there until the item has ended.
    Queue(Queue),
    /// The same for one agent.
    QueueToAgent {
        /// Name of the user.
        agent: String,
        /// Never anybody else; otherwise only first.
        required: bool,
        /// As any queue.
        queue: Queue,
    },
    /// Lets the item into its queue past a closed entrance.
    ForceQueue,
    /// Drops what the item asks of agents' skills.
    RelaxSkills,
    /// Goes to the entrance of another service.
    Transfer {
        /// Which.
        service: String,
        /// It is there.
        ok: Exit,
        /// There is no room, or the item is in an agent's hands or has ended: it stayed.
        failed: Exit,
    },
    /// Tells people something, until one of them acknowledges it.
    Alert {
        /// Whom.
        to: Audience,
        /// What.
        text: String,
    },
    /// Shows a button, until somebody pushes it or the workflow leaves the stage in which it stood.
    Button {
        /// Of its `button` event.
        name: String,
        /// What stands on it.
        label: String,
        /// To whom.
        to: Audience,
    },
    /// Tells the sender something (event `workflow`).
    Notify {
        /// What.
        name: String,
    },
    /// Opens a follow-up of the item; this workflow goes on.
    StartWorkflow {
        /// Which.
        name: String,
    },
    /// Ends the item (cancelledByWorkflow), wherever it stands, and the workflow.
    Cancel {
        /// Why.
        reason: Option<String>,
    },
    /// Leads to another stage.
    Goto(StageNumber),
    /// Ends the workflow; the item too (handledByWorkflow) if it is neither queued nor with an agent.
    Finish,
}

impl Action {
    /// Whether the workflow may stand still there.
    pub fn stands(&self) -> bool {
        match self {
            Action::Wait { .. } | Action::Queue(_) | Action::QueueToAgent { .. } => true,
            Action::SetPriority { .. }
            | Action::RaisePriority { .. }
            | Action::SetContactData { .. }
            | Action::CheckOpeningHours { .. }
            | Action::CheckAvailability { .. }
            | Action::Check { .. }
            | Action::ForceQueue
            | Action::RelaxSkills
            | Action::Transfer { .. }
            | Action::Alert { .. }
            | Action::Button { .. }
            | Action::Notify { .. }
            | Action::StartWorkflow { .. }
            | Action::Cancel { .. }
            | Action::Goto(_)
            | Action::Finish => false,
        }
    }
}

/// How an item waits in a queue, and where its end leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// How long it may be queued, in milliseconds, 1 to [`WAIT_MAX_MS`]; time before the entrance
    /// and in somebody's hands does not count.
    pub max_wait_ms: Option<i64>,
    /// An agent ended it.
    pub ended: Exit,
    /// `max_wait` is over. Always a stage where there is one.
    pub expired: Exit,
    /// An agent declined it; `None`: it is offered to somebody else.
    pub declined: Option<StageNumber>,
}

/// What a wait may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Something happens.
    Event(Awaited),
    /// So many minutes after midnight by the clock of the tenant: the next such time.
    LocalTime {
        /// 0 to 1,439.
        minute: u16,
    },
    /// The item's `dueBy`; without one, or when it is past: at once.
    Due,
    /// The opening hours of the item's service; at once while they say open.
    Opening,
    /// An instant; at once when it is past.
    At(Timestamp),
}

impl Until {
    /// Whether it surely comes, so that a wait needs no end of its own beside it.
    pub fn always_comes(self) -> bool {
        match self {
            Until::LocalTime { .. } | Until::At(_) | Until::Due => true,
            Until::Event(_) | Until::Opening => false,
        }
    }
}

/// What a wait may wait for that somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Awaited {
    /// The sender changes the item.
    Updated,
    /// An agent accepts it.
    Accepted,
    /// An agent ends it.
    Ended,
    /// Its agent is lost.
    AgentLost,
    /// Every alert that the workflow has shown is acknowledged; at once when none is open.
    Acknowledged,
}

impl Awaited {
    /// Every one.
    pub const ALL: [Awaited; 5] = [
        Awaited::Updated,
        Awaited::Accepted,
        Awaited::Ended,
        Awaited::AgentLost,
        Awaited::Acknowledged,
    ];

    /// The word in the file and in conditions (`woken`).
    pub fn word(self) -> &'static str {
        match self {
            Awaited::Updated => "updated",
            Awaited::Accepted => "accepted",
            Awaited::Ended => "ended",
            Awaited::AgentLost => "agentLost",
            Awaited::Acknowledged => "acknowledged",
        }
    }

    /// The one of that word.
    pub fn parse(word: &str) -> Option<Awaited> {
        Awaited::ALL.into_iter().find(|it| it.word() == word)
    }
}

/// To whom something is shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Everybody with the role: agents and supervisors of the item's service, admins of its tenant.
    Role(Role),
    /// The members of a work group.
    Group(String),
}

impl Audience {
    /// The audience of that name: a role's word, else a work group.
    pub fn of(name: &str) -> Audience {
        match Role::parse(name) {
            Some(role) => Audience::Role(role),
            None => Audience::Group(name.to_owned()),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Audience::Role(role) => role.name(),
            Audience::Group(name) => name,
        }
    }
}

/// A compiled condition: a pure function of facts.
pub trait Condition: fmt::Debug + Send + Sync {
    /// As it was written.
    fn source(&self) -> &str;

    /// What it looks at, so that nothing else need be found out.
    fn reads(&self) -> &[Fact];

    /// Whether it holds.
    ///
    /// # Errors
    /// It could not be evaluated; the text says why, without any value. Counts as *does not hold*,
    /// and is shown.
    fn holds(&self, facts: &Facts) -> Result<bool, String>;
}
