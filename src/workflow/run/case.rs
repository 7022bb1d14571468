//! What the interpreter hears, asks and wants: the whole of its world.

use crate::domain::facts::{Fact, Facts};
use crate::domain::flow::{Stop, Woken};
use crate::domain::ids::Priority;
use crate::domain::time::Timestamp;
use crate::domain::workflow::{Audience, Stage, StageNumber};

/// Something that happened to an item, as its workflow hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// It came, or its `notBefore` has come.
    Began,
    /// Time has passed.
    Time,
    /// Its place or its values changed, by nothing that the workflow has a word for.
    Moved,
    /// Its sender changed it.
    Updated,
    /// An agent accepted it.
    Accepted,
    /// An agent declined it.
    Declined,
    /// An agent ended it.
    Ended {
        /// What the agent chose.
        result: String,
    },
    /// The sender or a supervisor ended it.
    Cancelled,
    /// Its lifetime was over.
    Expired,
    /// Its agent was lost.
    AgentLost,
    /// Somebody pushed a button.
    Pushed {
        /// Its name.
        button: String,
    },
    /// Somebody took note of an alert.
    Acknowledged,
}

/// Where the item of a workflow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nowhere else.
    InWorkflow,
    /// Before an entrance.
    Buffered,
    /// In a queue, ringing or not.
    Queued,
    /// An agent has it.
    InHands,
    /// It has ended.
    Ended,
}

/// Who could take an item of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Availability {
    /// An agent is free.
    Available,
    /// Agents are signed in, none is free.
    Busy,
    /// No agent is signed in.
    NobodySignedIn,
}

/// What the opening hours of a service say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// They are open.
    Open,
    /// They are closed until then; `None`: nobody knows until when.
    Closed(Option<Timestamp>),
}

/// What a workflow wants done. It never fails: what may is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect<'w> {
    /// It came to a stage.
    Entered(StageNumber, StageRef<'w>),
    /// It waits.
    Waits {
        /// At the latest until then.
        until: Timestamp,
        /// Why.
        because: Option<&'w str>,
    },
    /// A condition counts as false.
    ConditionFailed {
        /// As it was written.
        when: &'w str,
        /// Why it could not be evaluated: a short text of the interpreter's own.
        why: &'w str,
    },
    /// The item gets that priority.
    SetPriority(Priority),
    /// It gets that value.
    SetContactData {
        /// Of that key.
        key: &'w str,
        /// The value.
        value: &'w str,
    },
    /// It goes to the entrance of its service, or stays where it waits already.
    Queue {
        /// First to that agent.
        agent: Option<PreferredBy<'w>>,
    },
    /// It goes no longer first to that agent, but to whom its sender prefers.
    NoLongerTo {
        /// Name of the user.
        agent: &'w str,
    },
    /// The maximum wait of its queue is over.
    WaitOver,
    /// It leaves its queue, or its place before the entrance.
    LeaveQueue,
    /// It goes into the queue of its service, whatever the entrance says.
    ForceIn,
    /// What it asks of skills is dropped.
    RelaxSkills,
    /// People are told.
    Alert {
        /// Who.
        to: &'w Audience,
        /// What.
        text: &'w str,
        /// In which stage.
        stage: StageNumber,
    },
    /// People can push a button.
    Button {
        /// Of its event.
        name: &'w str,
        /// What stands on it.
        label: &'w str,
        /// Who.
        to: &'w Audience,
        /// In which stage.
        stage: StageNumber,
    },
    /// All buttons go away.
    WithdrawButtons,
    /// The sender is told.
    Notify {
        /// What.
        name: &'w str,
    },
    /// A follow-up is opened.
    Start {
        /// Which workflow leads it.
        workflow: &'w str,
    },
    /// None is, for the item has started too many already.
    TooManyStarts {
        /// Which workflow would have led it.
        workflow: &'w str,
    },
    /// The item ends, wherever it stands.
    Cancel {
        /// Why.
        reason: Option<&'w str>,
    },
    /// The workflow is over; so is the item if it stands nowhere else.
    Finish,
    /// The workflow cannot go on.
    Stopped(Stop),
}

/// A stage, compared by its place in the file.
#[derive(Debug, Clone, Copy)]
pub struct StageRef<'w>(pub &'w Stage);

impl PartialEq for StageRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.line == other.0.line && self.0.event == other.0.event
    }
}

impl Eq for StageRef<'_> {}

/// The agent to whom an item goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreferredBy<'w> {
    /// Name of the user.
    pub agent: &'w str,
    /// Never to anybody else.
    pub required: bool,
}

/// One item and what its workflow may know of the world around it, at one instant.
pub trait Case {
    /// Where the item stands, after all that was wanted so far.
    fn standing(&self) -> Standing;

    /// Its priority.
    fn priority(&self) -> Priority;

    /// Its due date.
    fn due_by(&self) -> Option<Timestamp>;

    /// The next instant at which the tenant's clock shows so many minutes after midnight.
    fn next_local(&self, minute: u16) -> Timestamp;

    /// What the opening hours of a service say (`None`: the item's).
    fn opening(&self, service: Option<&str>) -> Opening;

    /// Who could take an item of a service now (`None`: the item's).
    fn availability(&self, service: Option<&str>) -> Availability;

    /// Whether alerts are shown: only for chargeable items.
    fn alerts(&self) -> bool;

    /// The facts of those groups; the others may be left at their defaults.
    fn facts(&self, wanted: &[Fact], open_alerts: u32, woken: Option<Woken>) -> Facts;

    /// Sends the item to the entrance of another service. Returns whether it is there now.
    fn transfer(&mut self, service: &str) -> bool;

    /// Does what is wanted.
    fn carry_out(&mut self, effect: Effect<'_>);
}
