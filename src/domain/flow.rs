//! Where an item stands in its workflow: part of its row.

use super::time::Timestamp;
use super::workflow::{Awaited, STEPS_PER_DAY_MAX, StageNumber, WorkflowDigest};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3_600_000;

/// Where an item stands in its workflow. An item whose workflow has finished has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The version it began with, and finishes on.
    pub workflow: WorkflowDigest,
    /// The workflow's name.
    pub name: String,
    /// How many stages it has.
    pub stages: u8,
    /// When it began.
    pub began_at: Timestamp,
    /// The stage whose action is outstanding.
    pub stage: StageNumber,
    /// When the workflow came there.
    pub stage_began_at: Timestamp,
    /// What is outstanding.
    pub rest: Rest,
    /// `elapsed` stages that have run: those that count the time in the present stage, and all that
    /// count from the beginning of the workflow or from the due date, which run once.
    pub fired: Vec<StageNumber>,
    /// Buttons that the present stage shows.
    pub buttons: Vec<String>,
    /// What ended the last wait.
    pub woken: Option<Woken>,
    /// Alerts shown and not acknowledged.
    pub open_alerts: u32,
    /// Steps taken on the day of the last one.
    pub steps: Steps,
    /// Follow-ups started.
    pub started: u8,
    /// How many follow-ups, each started by the one before, lead here.
    pub depth: u8,
    /// When something is next due by itself.
    pub due: Option<Timestamp>,
}

/// What a workflow that stands still stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It is to begin: its `received` event has not run yet.
    Beginning,
    /// A wait. Ended by its time or its event.
    Waiting {
        /// Index of the action in its stage.
        action: u8,
        /// At the latest then.
        until: Timestamp,
    },
    /// A queue. Ended by the item's end, its maximum wait, an agent's decline.
    Queued {
        /// Index of the action in its stage.
        action: u8,
        /// How long the item has been queued for it, up to `since`, in milliseconds.
        waited_ms: i64,
        /// It is queued since then; `None`: it stands before the entrance or is in somebody's hands.
        since: Option<Timestamp>,
    },
    /// It cannot go on. Ended by the end of the item.
    Stopped(Stop),
}

/// Why a workflow cannot go on. Its text is for whoever mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Stop {
    /// It took too many steps in one day.
    #[error("it took more than {STEPS_PER_DAY_MAX} steps in one day")]
    TooManySteps,
    /// The version it began with cannot be read by this program.
    #[error("the version that the item began with cannot be read by this program")]
    UnreadableVersion,
}

impl Stop {
    /// Every one.
    pub const ALL: [Stop; 2] = [Stop::TooManySteps, Stop::UnreadableVersion];

    /// The word in the journal and the store.
    pub fn name(self) -> &'static str {
        match self {
            Stop::TooManySteps => "tooManySteps",
            Stop::UnreadableVersion => "unreadableVersion",
        }
    }
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Woken {
    /// Its time was over.
    Time,
    /// What it waited for happened.
    Event(Awaited),
}

impl Woken {
    /// The word in conditions.
    pub fn word(self) -> &'static str {
        match self {
            Woken::Time => "time",
            Woken::Event(awaited) => awaited.word(),
        }
    }
}

/// Steps taken on one day (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Steps {
    /// Days since 1970-01-01.
    pub day: i64,
    /// At most [`STEPS_PER_DAY_MAX`].
    pub taken: u32,
}

impl Steps {
    /// Counts one more at `now`. Returns whether it may be taken.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let day = now.0.div_euclid(DAY_MS);
        if day != self.day {
            *self = Steps { day, taken: 0 };
        }
        if self.taken >= STEPS_PER_DAY_MAX {
            return false;
        }
        self.taken += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_a_thousand_steps_and_the_next_as_many_again() {
        let mut steps = Steps::default();
        for _ in 0..STEPS_PER_DAY_MAX {
            assert!(steps.take(Timestamp(DAY_MS - 1)));
        }
        assert!(!steps.take(Timestamp(DAY_MS - 1)));
        assert!(steps.take(Timestamp(DAY_MS)));
        assert_eq!(steps, Steps { day: 1, taken: 1 });
    }
}
