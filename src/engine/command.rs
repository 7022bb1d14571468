//! What the engine can be asked, and how it answers.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::answer::{EntranceStatus, EntryAnswer, Receipt, Status, Whereabouts};
use crate::domain::entrance::EntranceVerb;
use crate::domain::ids::{Sequence, UserId};
use crate::domain::item::Item;
use crate::domain::journal::Actor;
use crate::domain::message::{Address, Cancel, RefusedEntry, Submission, Update};
use crate::domain::policy::{Policy, SenderPolicy};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::store::Chunk;

use super::agents::command::{ActOnItem, Acted, SetState};
use super::flows::command::{FlowCommand, FlowPending};
use super::notify::{NotifyCommand, NotifyPending};
use super::people::change::{ChangePeople, PeopleReply};
use super::reads::NoteRead;

/// Where an answer goes. Dropped by whoever does not want to wait any longer.
pub type Reply<T> = oneshot::Sender<Result<T, Refusal>>;

/// One request of the outside.
pub enum Command {
    /// Create one item.
    Submit(Box<Submit>, Reply<Receipt>),
    /// Create many, each judged by itself.
    SubmitMany(Box<SubmitMany>, oneshot::Sender<Vec<EntryAnswer>>),
    /// Store a piece of an attachment whose item is still to come.
    StoreChunk(Chunk, Reply<()>),
    /// Change an item.
    Update(Box<UpdateItem>, Reply<Receipt>),
    /// Take an item back.
    Cancel(Box<CancelItem>, Reply<Status>),
    /// Do something with an item, as an agent or a supervisor.
    Act(Box<ActOnItem>, Reply<Acted>),
    /// Set an agent's state.
    SetState(Box<SetState>, Reply<()>),
    /// An agent has gone without a word.
    LoseAgent(UserId, Reply<()>),
    /// Where items stand beyond their rows. Read only.
    Locate(Vec<Item>, Reply<Vec<Whereabouts>>),
    /// Which row a sender's address means. Read only.
    Resolve(Box<ResolveItem>, Reply<Sequence>),
    /// Open or close an entrance.
    Entrance(Box<OrderEntrance>, Reply<EntranceStatus>),
    /// Put on record that somebody looks at an item.
    NoteRead(Box<NoteRead>, Reply<()>),
    /// Deliver notifications, or look after them.
    Notifications(Box<NotifyCommand>),
    /// Handle or open follow-ups.
    Flows(Box<FlowCommand>),
    /// Change users, sessions and tokens.
    People(Box<ChangePeople>, Reply<PeopleReply>),
    /// Put a new policy in force, as a whole or not at all.
    Reload(Arc<Policy>, oneshot::Sender<Result<(), String>>),
}

/// A `workItem` of a sender.
pub struct Submit {
    /// Who.
    pub sender: Arc<SenderPolicy>,
    /// When its message reached the door.
    pub received_at: Timestamp,
    /// What. Its attachments are stored already and named in its content.
    pub submission: Submission,
    /// The trace its message came in with, as W3C's `traceparent` header has it.
    pub traceparent: Option<String>,
}

/// A `workItems` of a sender.
pub struct SubmitMany {
    /// Who.
    pub sender: Arc<SenderPolicy>,
    /// When its message reached the door.
    pub received_at: Timestamp,
    /// What; entries refused at the door stay in their places.
    pub entries: Vec<Result<Submission, RefusedEntry>>,
    /// The trace its message came in with, as W3C's `traceparent` header has it.
    pub traceparent: Option<String>,
}

/// An `update` of a sender.
pub struct UpdateItem {
    /// Who.
    pub sender: Arc<SenderPolicy>,
    /// What.
    pub update: Update,
    /// Attachments to add, stored already.
    pub attachments: Vec<crate::domain::content::Attachment>,
}

/// A `cancel` of a sender.
pub struct CancelItem {
    /// Who.
    pub sender: Arc<SenderPolicy>,
    /// What.
    pub cancel: Cancel,
}

/// A sender asks for one of its items.
pub struct ResolveItem {
    /// Who.
    pub sender: Arc<SenderPolicy>,
    /// Which.
    pub address: Address,
}

/// A supervisor opens or closes an entrance.
pub struct OrderEntrance {
    /// Who.
    pub actor: Actor,
    /// Tenant of the service; `None`: the only tenant that has a service of that name.
    pub tenant: Option<String>,
    /// Which.
    pub service: String,
    /// What.
    pub verb: EntranceVerb,
    /// Until then.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

impl Command {
    /// Bytes it weighs in a batch, roughly.
    pub fn weight(&self) -> usize {
        const ENVELOPE: usize = 256;
        match self {
            Command::Submit(submit, _) => ENVELOPE + submit.submission.raw.len(),
            Command::SubmitMany(many, _) => {
                let raws = many.entries.iter().flatten().map(|entry| entry.raw.len());
                ENVELOPE + raws.sum::<usize>()
            }
            Command::StoreChunk(chunk, _) => ENVELOPE + chunk.bytes.len(),
            Command::Update(update, _) => ENVELOPE + update.update.raw.len(),
            Command::People(change, _) => ENVELOPE * (1 + change.edits.len()),
            Command::Locate(items, _) => ENVELOPE * (1 + items.len()),
            Command::Cancel(..)
            | Command::Act(..)
            | Command::SetState(..)
            | Command::LoseAgent(..)
            | Command::Resolve(..)
            | Command::Entrance(..)
            | Command::NoteRead(..)
            | Command::Notifications(_)
            | Command::Flows(_)
            | Command::Reload(..) => ENVELOPE,
        }
    }
}

/// An answer that waits for the commit.
pub(super) enum Pending {
    Receipt(Reply<Receipt>, Result<Receipt, Refusal>),
    Entries(oneshot::Sender<Vec<EntryAnswer>>, Vec<EntryAnswer>),
    Status(Reply<Status>, Result<Status, Refusal>),
    Entrance(Reply<EntranceStatus>, Result<EntranceStatus, Refusal>),
    Resolved(Reply<Sequence>, Result<Sequence, Refusal>),
    Notifications(NotifyPending),
    Flows(FlowPending),
    People(Reply<PeopleReply>, Result<PeopleReply, Refusal>),
    Acted(Reply<Acted>, Result<Acted, Refusal>),
    Done(Reply<()>, Result<(), Refusal>),
    Located(Reply<Vec<Whereabouts>>, Result<Vec<Whereabouts>, Refusal>),
}

impl Pending {
    /// Sends what was decided. Nobody waiting any longer is no fault.
    pub(super) fn release(self) {
        match self {
            Pending::Receipt(reply, result) => drop(reply.send(result)),
            Pending::Entries(reply, entries) => drop(reply.send(entries)),
            Pending::Status(reply, result) => drop(reply.send(result)),
            Pending::Entrance(reply, result) => drop(reply.send(result)),
            Pending::Resolved(reply, result) => drop(reply.send(result)),
            Pending::Notifications(pending) => pending.release(),
            Pending::Flows(pending) => pending.release(),
            Pending::People(reply, result) => drop(reply.send(result)),
            Pending::Acted(reply, result) => drop(reply.send(result)),
            Pending::Done(reply, result) => drop(reply.send(result)),
            Pending::Located(reply, result) => drop(reply.send(result)),
        }
    }

    /// Sends `refusal` in place of what was decided.
    pub(super) fn refuse(self, refusal: &Refusal) {
        let refused = refusal.clone();
        match self {
            Pending::Receipt(reply, _) => drop(reply.send(Err(refused))),
            Pending::Entries(reply, entries) => {
                let refuse = |entry: EntryAnswer| EntryAnswer {
                    reference: entry.reference,
                    result: Err(refused.clone()),
                };
                drop(reply.send(entries.into_iter().map(refuse).collect()));
            }
            Pending::Status(reply, _) => drop(reply.send(Err(refused))),
            Pending::Entrance(reply, _) => drop(reply.send(Err(refused))),
            Pending::Resolved(reply, _) => drop(reply.send(Err(refused))),
            Pending::Notifications(pending) => pending.refuse(refused),
            Pending::Flows(pending) => pending.refuse(refused),
            Pending::People(reply, _) => drop(reply.send(Err(refused))),
            Pending::Acted(reply, _) => drop(reply.send(Err(refused))),
            Pending::Done(reply, _) => drop(reply.send(Err(refused))),
            Pending::Located(reply, _) => drop(reply.send(Err(refused))),
        }
    }
}
