//! What people can ask of workflows: to take note of an alert, to push a button, to open a
//! follow-up.

use crate::domain::content::{ContactDatum, Customer};
use crate::domain::follow_up::{FollowUp, FollowUpId};
use crate::domain::ids::{ItemId, Sequence};
use crate::domain::item::ItemState;
use crate::domain::refusal::Refusal;
use crate::engine::agents::command::By;
use crate::engine::command::Reply;

/// A request about a workflow.
pub enum FlowCommand {
    /// Acknowledge an alert, or push a button.
    Handle(HandleFollowUp, Reply<HandledFollowUp>),
    /// Open a follow-up.
    Start(Box<StartFollowUp>, Reply<StartedFollowUp>),
}

/// Somebody acknowledges an alert or pushes a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandleFollowUp {
    /// Who.
    pub by: By,
    /// Which.
    pub id: FollowUpId,
    /// What.
    pub verb: FollowUpVerb,
}

/// What can be done with a follow-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FollowUpVerb {
    /// Take note of an alert.
    Acknowledge,
    /// Push a button.
    Push,
}

/// A follow-up that has been handled, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandledFollowUp {
    /// As it is now: closed, and by whom.
    pub follow_up: FollowUp,
    /// Of which item.
    pub item: ItemId,
    /// Somebody had done it before; nothing has changed now.
    pub repeated: bool,
}

/// Somebody opens a follow-up: an item of its own that its workflow leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFollowUp {
    /// Who.
    pub by: By,
    /// Name of one of the tenant's workflows.
    pub workflow: String,
    /// What it is about.
    pub subject: FollowUpSubject,
    /// The service whose entrance its `queue` goes to; `None`: the item's.
    pub service: Option<String>,
    /// Its contact data; for a follow-up of an item before that item's own of the same key.
    pub parameters: Vec<ContactDatum>,
    /// The caller's own id of it, 1 to 128 characters: a repeat gets the first answer.
    pub reference: Option<String>,
}

/// What a follow-up is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowUpSubject {
    /// An item, whose customer, title and contact data it takes over.
    Item(ItemId),
    /// A customer, or nobody.
    Free {
        /// Whom.
        customer: Option<Customer>,
        /// One line, 1 to 200 characters; `None`: the workflow's name.
        title: Option<String>,
    },
}

/// A follow-up that has been opened, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedFollowUp {
    /// Its item.
    pub item: ItemId,
    /// Its row.
    pub sequence: Sequence,
    /// Its reference.
    pub reference: String,
    /// Where it stands.
    pub state: ItemState,
    /// The version of its row.
    pub version: u32,
    /// It was there before.
    pub repeated: bool,
}

/// An answer to a [`FlowCommand`] that waits for the commit.
pub(in crate::engine) enum FlowPending {
    Handled(Reply<HandledFollowUp>, Result<HandledFollowUp, Refusal>),
    Started(Reply<StartedFollowUp>, Result<StartedFollowUp, Refusal>),
}

impl FlowPending {
    pub(in crate::engine) fn release(self) {
        match self {
            FlowPending::Handled(reply, result) => drop(reply.send(result)),
            FlowPending::Started(reply, result) => drop(reply.send(result)),
        }
    }

    pub(in crate::engine) fn refuse(self, refusal: Refusal) {
        match self {
            FlowPending::Handled(reply, _) => drop(reply.send(Err(refusal))),
            FlowPending::Started(reply, _) => drop(reply.send(Err(refusal))),
        }
    }
}
