//! A refusal is an answer: what is wrong, where, and what to change. Nothing was created.

use super::code::Code;
use super::ids::ItemId;
use super::item::ItemState;

/// At most this many problems follow the first in one answer.
pub const PROBLEMS_MAX: usize = 20;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The stable code.
    pub code: Code,
    /// One or two sentences that say what to change. Never holds a secret or a customer's value.
    pub message: String,
    /// Where in the message, if it is about a place in it.
    pub place: Option<Place>,
    /// The state the item is in now (`wrongState` only).
    pub state: Option<ItemState>,
    /// Seconds until it may be worth trying again.
    pub retry_after_s: Option<u32>,
}

/// A place in the decoded message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From 1, in lines.
    pub line: u32,
    /// From 1, in characters, at the `<` of the start tag.
    pub column: u32,
    /// `/workItem/contactData/item[3]/@key`; `None` where no element was open yet.
    pub path: Option<String>,
}

impl Problem {
    /// A problem that is about no place in the message.
    pub fn new(code: Code, message: impl Into<String>) -> Problem {
        Problem {
            code,
            message: message.into(),
            place: None,
            state: None,
            retry_after_s: None,
        }
    }

    /// The same with seconds to wait.
    pub fn retry_after(mut self, seconds: u32) -> Problem {
        self.retry_after_s = Some(seconds);
        self
    }
}

/// Why a message was refused: at least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The first problem in document order; gives the answer its code.
    pub first: Problem,
    /// The further ones, at most [`PROBLEMS_MAX`].
    pub further: Vec<Problem>,
    /// The item that already has the reference (`duplicateReference` only).
    pub existing: Option<ItemId>,
}

impl Refusal {
    /// A refusal for one reason.
    pub fn new(code: Code, message: impl Into<String>) -> Refusal {
        Problem::new(code, message).into()
    }

    /// A refusal for all of `problems`, which stand in document order; `None` if there are none.
    pub fn of(problems: Vec<Problem>) -> Option<Refusal> {
        let mut problems = problems.into_iter();
        let first = problems.next()?;
        Some(Refusal {
            first,
            further: problems.take(PROBLEMS_MAX).collect(),
            existing: None,
        })
    }

    /// The code of the answer.
    pub fn code(&self) -> Code {
        self.first.code
    }
}

impl From<Problem> for Refusal {
    fn from(first: Problem) -> Refusal {
        Refusal {
            first,
            further: Vec::new(),
            existing: None,
        }
    }
}
