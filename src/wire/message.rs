//! A sender's message: from decoded text to a [`Message`] in one pass, without a tree.
//!
//! What `schemas/work-item.xsd` refuses is `schemaInvalid`; the rules that need no store
//! ([`crate::wire::rules`]) are judged on the way if a [`Judge`] is given. Text that is not
//! well-formed, has a DOCTYPE or is too large stops at its first fault; otherwise all problems are
//! listed in document order.

mod attachments;
mod base64;
mod lists;
mod parts;
mod place;
mod value;
mod verbs;
mod walk;
mod work_item;

use crate::domain::message::Message;
use crate::domain::refusal::{Place, Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::wire::error::{Position, WireError};
use crate::wire::rules::Judge;

pub use self::attachments::ATTACHMENTS_MAX;
use self::place::{Faults, Lines};
use self::walk::{Walk, is_ours};

/// The namespace of every message and answer.
pub const NAMESPACE: &str = "urn:anteroom:work-item:1";

/// What a message is judged by beside its schema.
#[derive(Clone, Copy)]
pub struct ReadContext<'a> {
    /// When the message reached the door.
    pub now: Timestamp,
    /// Whose rules hold; `None`: the schema alone.
    pub judge: Option<Judge<'a>>,
}

/// The root element: what the sender wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    WorkItem,
    WorkItems,
    Update,
    Cancel,
    Query,
    QueryServices,
    QueryLimits,
    Ping,
}

impl Verb {
    fn named(name: &str) -> Option<Verb> {
        Some(match name {
            "workItem" => Verb::WorkItem,
            "workItems" => Verb::WorkItems,
            "update" => Verb::Update,
            "cancel" => Verb::Cancel,
            "query" => Verb::Query,
            "queryServices" => Verb::QueryServices,
            "queryLimits" => Verb::QueryLimits,
            "ping" => Verb::Ping,
            _ => return None,
        })
    }

    /// The start tag as a sender should write it.
    fn example(self) -> &'static str {
        match self {
            Verb::WorkItem => r#"<workItem xmlns="urn:anteroom:work-item:1" reference="…">"#,
            Verb::WorkItems => r#"<workItems xmlns="urn:anteroom:work-item:1">"#,
            Verb::Update => r#"<update xmlns="urn:anteroom:work-item:1" id="…">"#,
            Verb::Cancel => r#"<cancel xmlns="urn:anteroom:work-item:1" id="…">"#,
            Verb::Query => r#"<query xmlns="urn:anteroom:work-item:1" id="…"/>"#,
            Verb::QueryServices => r#"<queryServices xmlns="urn:anteroom:work-item:1"/>"#,
            Verb::QueryLimits => r#"<queryLimits xmlns="urn:anteroom:work-item:1"/>"#,
            Verb::Ping => r#"<ping xmlns="urn:anteroom:work-item:1"/>"#,
        }
    }
}

/// Reads the message that `text` (decoded, without byte order mark) holds.
///
/// Ensures: a message returned is one that `work-item.xsd` accepts (each good entry of a batch by
/// itself); rules it breaks stand in its `problems`, to be answered after the reference was looked
/// up.
///
/// # Errors
/// The refusal to answer: the first fault where the text cannot be read, else every problem of
/// schema and rules in document order. Nothing of the message may be carried out.
pub fn read_message(text: &str, context: &ReadContext<'_>) -> Result<Message, Refusal> {
    let mut reading = Reading {
        walk: Walk::new(text),
        lines: Lines::new(text),
        context: *context,
    };
    match reading.message() {
        Ok(outcome) => outcome,
        Err(error) => Err(error.into()),
    }
}

/// The refusal of a text that cannot be read: a place without a path, for no element need be open.
impl From<WireError> for Refusal {
    fn from(error: WireError) -> Refusal {
        let place = error.position.map(|Position { line, column }| Place {
            line,
            column,
            path: None,
        });
        Problem {
            place,
            ..Problem::new(error.code, error.message)
        }
        .into()
    }
}

/// One message while it is read.
struct Reading<'a> {
    walk: Walk<'a>,
    lines: Lines<'a>,
    context: ReadContext<'a>,
}

impl<'a> Reading<'a> {
    /// Outer error: the text cannot be read. Inner error: it can, and is refused.
    fn message(&mut self) -> Result<Result<Message, Refusal>, WireError> {
        let root = self.walk.root()?;
        let verb = Verb::named(root.local);
        let Some(verb) = verb.filter(|_| is_ours(&root)) else {
            self.refuse_root(verb);
            self.walk.skip()?;
            self.walk.finish()?;
            return Ok(Err(self.refused()));
        };
        let message = match verb {
            Verb::WorkItem => self.create(&root)?,
            Verb::WorkItems => self.batch(&root)?,
            Verb::Update => self.update(&root)?,
            Verb::Cancel => verbs::cancel(&mut self.walk, &root)?.map(Message::Cancel),
            Verb::Query => verbs::query(&mut self.walk, &root)?.map(Message::Query),
            Verb::QueryServices => {
                let service = verbs::query_services(&mut self.walk, &root)?;
                Some(Message::QueryServices(service))
            }
            Verb::QueryLimits => {
                verbs::bare(&mut self.walk, &root)?;
                Some(Message::QueryLimits)
            }
            Verb::Ping => {
                verbs::bare(&mut self.walk, &root)?;
                Some(Message::Ping)
            }
        };
        self.walk.finish()?;
        match message {
            Some(message) if self.walk.faults.is_empty() => Ok(Ok(message)),
            Some(_) | None => Ok(Err(self.refused())),
        }
    }

    fn refuse_root(&mut self, verb: Option<Verb>) {
        self.walk.fault_here("", || match verb {
            Some(verb) => format!("Write the root element as {}.", verb.example()),
            None => format!(
                "Write one of the root elements workItem, workItems, update, cancel, query, \
                 queryServices, queryLimits and ping, for instance {}.",
                Verb::WorkItem.example()
            ),
        });
    }

    /// The refusal for the faults found, of which there is at least one.
    fn refused(&mut self) -> Refusal {
        let faults = std::mem::take(&mut self.walk.faults);
        self.refusal_of(faults)
    }

    fn refusal_of(&mut self, faults: Faults) -> Refusal {
        Refusal::of(faults.into_problems(&mut self.lines))
            .expect("a message without a value has a fault")
    }
}

#[cfg(test)]
mod tests;
