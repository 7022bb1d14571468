//! What is wrong with a workflow's file, and where.

use std::fmt;

use crate::wire::error::position;

/// Faults reported of one file, at most: who has more mends these first.
pub const FAULTS_MAX: usize = 100;

/// Something to change in a workflow's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: u32,
    /// From 1, in characters: of the `<` of a tag, or of an attribute's name.
    pub column: u32,
    /// Which rule it breaks.
    pub rule: Rule,
    /// One or two sentences that say what to change.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { line, column, .. } = self;
        write!(f, "{line}:{column}: {}: {}", self.rule.word(), self.message)
    }
}

/// A rule of the language of workflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// The file is well-formed, and only the language's elements, attributes and values stand in
    /// it.
    Schema,
    /// Every leg of a stage leaves it, unless it runs beside another.
    UnlinkedEnd,
    /// No action stands after one that always leaves.
    AfterLeaving,
    /// Something leads to every stage.
    Unreachable,
    /// Every stage that is named is there.
    UnknownStage,
    /// Every service that is named is there.
    UnknownService,
    /// Every agent who is named is there.
    UnknownAgent,
    /// Every work group that is named is there.
    UnknownGroup,
    /// The service declares every key of the contact data that is named.
    UnknownKey,
    /// Every workflow that is named is there.
    UnknownWorkflow,
    /// A condition names only what there is.
    UnknownName,
    /// A condition can be compiled, and is cheap.
    Condition,
    /// What happens when a button is pushed is said.
    ButtonWithoutEvent,
    /// Every button that has an event is shown somewhere.
    EventWithoutButton,
    /// No two events mean the same.
    Twice,
    /// There is a stage that begins.
    NoReceived,
    /// No cycle can run without a pause.
    CycleWithoutPause,
    /// There are not too many stages, actions, bytes.
    TooMany,
    /// A wait surely ends.
    WaitNeedsLimit,
    /// A workflow does not start itself.
    StartsItself,
    /// A stage that runs beside another does not wait.
    BesideCannotWait,
    /// A queue that never expires has no exit for it.
    ExpiredWithoutMaxWait,
    /// An exit that must be there is.
    ExitMissing,
}

impl Rule {
    /// Every one.
    pub const ALL: [Rule; 23] = [
        Rule::Schema,
        Rule::UnlinkedEnd,
        Rule::AfterLeaving,
        Rule::Unreachable,
        Rule::UnknownStage,
        Rule::UnknownService,
        Rule::UnknownAgent,
        Rule::UnknownGroup,
        Rule::UnknownKey,
        Rule::UnknownWorkflow,
        Rule::UnknownName,
        Rule::Condition,
        Rule::ButtonWithoutEvent,
        Rule::EventWithoutButton,
        Rule::Twice,
        Rule::NoReceived,
        Rule::CycleWithoutPause,
        Rule::TooMany,
        Rule::WaitNeedsLimit,
        Rule::StartsItself,
        Rule::BesideCannotWait,
        Rule::ExpiredWithoutMaxWait,
        Rule::ExitMissing,
    ];

    /// The stable word in output.
    pub fn word(self) -> &'static str {
        match self {
            Rule::Schema => "schema",
            Rule::UnlinkedEnd => "unlinkedEnd",
            Rule::AfterLeaving => "afterLeaving",
            Rule::Unreachable => "unreachable",
            Rule::UnknownStage => "unknownStage",
            Rule::UnknownService => "unknownService",
            Rule::UnknownAgent => "unknownAgent",
            Rule::UnknownGroup => "unknownGroup",
            Rule::UnknownKey => "unknownKey",
            Rule::UnknownWorkflow => "unknownWorkflow",
            Rule::UnknownName => "unknownName",
            Rule::Condition => "condition",
            Rule::ButtonWithoutEvent => "buttonWithoutEvent",
            Rule::EventWithoutButton => "eventWithoutButton",
            Rule::Twice => "twice",
            Rule::NoReceived => "noReceived",
            Rule::CycleWithoutPause => "cycleWithoutPause",
            Rule::TooMany => "tooMany",
            Rule::WaitNeedsLimit => "waitNeedsLimit",
            Rule::StartsItself => "startsItself",
            Rule::BesideCannotWait => "besideCannotWait",
            Rule::ExpiredWithoutMaxWait => "expiredWithoutMaxWait",
            Rule::ExitMissing => "exitMissing",
        }
    }
}

/// The faults of one file while it is read.
#[derive(Debug, Default)]
pub(super) struct Faults {
    found: Vec<(usize, Rule, String)>,
}

impl Faults {
    /// Notes what is wrong at the byte `at`.
    pub(super) fn add(&mut self, at: usize, rule: Rule, message: impl Into<String>) {
        self.found.push((at, rule, message.into()));
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the order of the file, with line and column in `text`; at most [`FAULTS_MAX`].
    pub(super) fn locate(mut self, text: &str) -> Vec<Fault> {
        self.found.sort_by_key(|(at, _, _)| *at);
        self.found.truncate(FAULTS_MAX);
        let located = self.found.into_iter().map(|(at, rule, message)| {
            let place = position(text, at);
            Fault {
                line: place.line,
                column: place.column,
                rule,
                message,
            }
        });
        located.collect()
    }
}
