//! Rows without decisions. One writer commits whole batches; nothing here knows why a row changes.
//!
//! [`Store`] is what the engine needs and nothing more: coarse verbs, no SQL, no transactions held
//! open between calls. Two stores implement it, [`sqlite`] for real use and [`memory`] for the
//! simulator; `contract` holds the tests that both must pass.

pub mod backup;
pub mod doctor;
pub mod memory;
pub mod people;
pub mod read;
pub mod sqlite;

#[cfg(test)]
mod contract;

use std::sync::Arc;

use crate::domain::content::Content;
use crate::domain::entrance::EntranceOrders;
use crate::domain::follow_up::{FollowUp, FollowUpId};
use crate::domain::ids::{
    BlobId, ItemId, Priority, SenderId, Sequence, ServiceId, TenantId, UserId,
};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::{Actor, JournalEntry};
use crate::domain::notification::{Attempt, NewNotification, Notification, NotificationId};
use crate::domain::session::{AgentSession, ServiceSession, UserStateChange};
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;
use crate::domain::workflow::WorkflowDigest;

use people::{PeopleChanges, PeopleRows};

/// Bytes of an attachment in one chunk, at most.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// Why a verb of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room: on the disk, or below `store.bytes_max`. Nothing of the batch was written. Refuse
    /// intake until [`Store::probe`] succeeds.
    #[error("the store is full: {0}")]
    Full(String),
    /// The write failed for a reason that may pass; nothing of the batch was written. Rebuild the
    /// core from the store before going on.
    #[error("the store failed: {0}")]
    Failed(String),
    /// A row was not what the batch expected (its version, its existence). Nothing of the batch
    /// was written. A bug: rebuild the core from the store before going on.
    #[error("the store holds something else than expected: {0}")]
    Conflict(String),
    /// A sync failed or the file is damaged: what is on disk is unknown. End the process.
    #[error("the store is damaged or cannot sync: {0}")]
    Fatal(String),
    /// The file was written by a newer program.
    #[error(
        "the store has schema {found}, this program knows up to {known}: start the newer program, \
         or restore a backup made by this one"
    )]
    Newer {
        /// Schema of the file.
        found: u32,
        /// Newest schema of this program.
        known: u32,
    },
    /// Another process has the data directory.
    #[error("another anteroom already uses {0}: stop it, or give this one another --data")]
    Locked(String),
}

/// Name of a tenant, service or sender, to be numbered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Names {
    /// Each tenant with its services and senders.
    pub tenants: Vec<TenantNames>,
}

/// A tenant's names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TenantNames {
    /// Of the tenant.
    pub tenant: String,
    /// Of its services, unique within it.
    pub services: Vec<String>,
    /// Of its senders, unique in the whole installation.
    pub senders: Vec<String>,
}

/// Every name the store has ever numbered, those of [`Store::number`]'s call included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Tenant name, number.
    pub tenants: Vec<(String, TenantId)>,
    /// Tenant number, service name, number.
    pub services: Vec<(TenantId, String, ServiceId)>,
    /// Tenant number, sender name, number.
    pub senders: Vec<(TenantId, String, SenderId)>,
}

/// The name under which the first line of a journal has the trace of the item's message.
pub const TRACEPARENT: &str = "traceparent";

/// What the engine must know of the store when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// One more than the largest sequence ever committed (1 in a new store). Survives the deletion
    /// of old items.
    pub next_sequence: Sequence,
    /// The orders that people gave about entrances.
    pub entrances: Vec<(ServiceId, EntranceOrders)>,
}

/// An item that has not ended, with what routing keeps in memory. Read from a covering index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenItem {
    /// Its row's key.
    pub sequence: Sequence,
    /// Where it belongs.
    pub service: ServiceId,
    /// Where it stands.
    pub state: ItemState,
    /// The priority in force.
    pub priority: Priority,
    /// Scheduled until then (`scheduled` only).
    pub not_before: Option<Timestamp>,
    /// Ends without an agent then; `None` too once an agent has accepted it.
    pub expires_at: Option<Timestamp>,
    /// Used for the age of the oldest waiting item.
    pub received_at: Timestamp,
    /// See [`Item::waiting_since`].
    pub waiting_since: Option<Timestamp>,
    /// Who has it (`connected` and `parked` only).
    pub agent: Option<UserId>,
    /// Put aside until then (`parked` only).
    pub parked_until: Option<Timestamp>,
    /// What it asks of agents.
    pub wish: Option<Arc<Wish>>,
}

/// What the store remembers of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownReference {
    /// The item that has it.
    Item(Box<Item>),
    /// Its item was anonymised: only a keyed hash is left.
    Erased,
}

/// A new item.
#[derive(Debug, Clone, PartialEq)]
pub struct NewItem {
    /// Its first row.
    pub item: Item,
    /// The sender's values. Its attachments' blobs are already stored.
    pub content: Content,
    /// The message as text, attachment text replaced by its digest; `None`: no message made it.
    pub raw: Option<String>,
}

/// A changed item.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedItem {
    /// The new row. Its `version` is exactly one more than the stored row's.
    pub item: Item,
    /// The new values, if they changed.
    pub content: Option<Content>,
    /// The message that changed it, if one did; kept beside the first.
    pub raw: Option<String>,
}

/// How a sender's `@requestId` was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredRequest {
    /// Of the item.
    pub sequence: Sequence,
    /// 1..128 characters.
    pub request_id: String,
    /// Digest of the update's content.
    pub content_digest: [u8; 16],
    /// The version it was answered with.
    pub version: u32,
    /// The state it was answered with.
    pub state: ItemState,
    /// When.
    pub at: Timestamp,
}

/// A piece of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Of which attachment.
    pub blob: BlobId,
    /// From 0, without gaps.
    pub number: u32,
    /// 1 to [`CHUNK_BYTES_MAX`] bytes.
    pub bytes: Vec<u8>,
}

/// A verb that somebody used, whether about an item or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// For example `entrance.close`.
    pub verb: &'static str,
    /// Tenant number, where it is about one.
    pub tenant: Option<TenantId>,
    /// What it is about: a service's name, an item's id.
    pub object: String,
    /// camelCase names and values; never a customer's value or a secret.
    pub data: Vec<(&'static str, String)>,
}

/// Everything that one turn of the engine writes: all of it or nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// New items in ascending order of sequence, all above every committed one.
    pub new_items: Vec<NewItem>,
    /// Changed items, each at most once and none that is also new.
    pub changed_items: Vec<ChangedItem>,
    /// Journal lines, ascending by number within an item.
    pub journal: Vec<JournalEntry>,
    /// New orders about entrances.
    pub entrances: Vec<(ServiceId, EntranceOrders)>,
    /// Answers to remember.
    pub requests: Vec<AnsweredRequest>,
    /// Pieces of attachments whose item is still to come.
    pub chunks: Vec<Chunk>,
    /// Attachments that will not get an item after all.
    pub dropped_blobs: Vec<BlobId>,
    /// Users, sessions and tokens.
    pub people: PeopleChanges,
    /// Agent sessions as they are now, each at most once: new ones are added, known ones (by item,
    /// offer and agent) replaced.
    pub agent_sessions: Vec<AgentSession>,
    /// Stays in services that are over.
    pub service_sessions: Vec<ServiceSession>,
    /// Changes of agents' states, in order.
    pub user_states: Vec<UserStateChange>,
    /// Verbs of people.
    pub audit: Vec<AuditEntry>,
    /// What senders are to be told, in the order it happened; each gets the next number of its
    /// item, which exists or is in this batch.
    pub notifications: Vec<NewNotification>,
    /// What became of attempts to tell them. One about a notification that is not due changes
    /// nothing.
    pub attempts: Vec<Attempt>,
    /// Parked notifications to be tried again. One that is not parked stays as it is.
    pub replays: Vec<Replay>,
    /// Versions of workflows that items begin with. One that is known already stays as it is.
    pub workflows: Vec<WorkflowSource>,
    /// Alerts and buttons as they are now, each at most once: new ones are added, of known ones
    /// `closed` is set.
    pub follow_ups: Vec<FollowUp>,
}

/// The file of one version of a workflow, kept for as long as an item may ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowSource {
    /// SHA-256 of `source`.
    pub digest: WorkflowDigest,
    /// The workflow's name.
    pub name: String,
    /// The file.
    pub source: Arc<str>,
}

/// A parked notification is to be tried again, as if it were new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// Which.
    pub id: NotificationId,
    /// From when on.
    pub at: Timestamp,
}

impl Batch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let Batch {
            new_items,
            changed_items,
            journal,
            entrances,
            requests,
            chunks,
            dropped_blobs,
            people,
            agent_sessions,
            service_sessions,
            user_states,
            audit,
            notifications,
            attempts,
            replays,
            workflows,
            follow_ups,
        } = self;
        new_items.is_empty()
            && changed_items.is_empty()
            && journal.is_empty()
            && entrances.is_empty()
            && requests.is_empty()
            && chunks.is_empty()
            && dropped_blobs.is_empty()
            && people.is_empty()
            && agent_sessions.is_empty()
            && service_sessions.is_empty()
            && user_states.is_empty()
            && audit.is_empty()
            && notifications.is_empty()
            && attempts.is_empty()
            && replays.is_empty()
            && workflows.is_empty()
            && follow_ups.is_empty()
    }
}

/// Where the engine keeps everything that must outlive it. One engine thread owns it.
///
/// Ensures: what [`Store::commit`] returned `Ok` for is synced to disk and seen by every later
/// call; what it returned an error for has left no trace.
pub trait Store: Send {
    /// Gives every name its stable number, new ones in the order given, and returns all there are.
    ///
    /// # Errors
    /// Any; nothing was numbered.
    fn number(&mut self, names: &Names) -> Result<Numbers, StoreError>;

    /// Drops attachments that no item names, left by a crash. Only before the first command: later
    /// an attachment may be on its way to its item.
    ///
    /// # Errors
    /// [`StoreError::Full`]: start, they are dropped another time. Any other: do not start.
    fn sweep(&mut self) -> Result<(), StoreError>;

    /// What to start from, or to go on from after a failed commit.
    ///
    /// # Errors
    /// Any; do not start.
    fn resume(&mut self) -> Result<Resume, StoreError>;

    /// All users, sessions and tokens.
    ///
    /// # Errors
    /// Any; do not start.
    fn people(&mut self) -> Result<PeopleRows, StoreError>;

    /// Up to `limit` items that have not ended, by ascending sequence above `after`.
    ///
    /// # Errors
    /// Any; do not start.
    fn open_items(&mut self, after: Sequence, limit: usize) -> Result<Vec<OpenItem>, StoreError>;

    /// The rows of `sequences`, in that order; those that do not exist are left out.
    ///
    /// # Errors
    /// Any.
    fn items(&mut self, sequences: &[Sequence]) -> Result<Vec<Item>, StoreError>;

    /// The row with that id.
    ///
    /// # Errors
    /// Any.
    fn find_id(&mut self, id: ItemId) -> Result<Option<Item>, StoreError>;

    /// What is remembered of a sender's reference.
    ///
    /// # Errors
    /// Any.
    fn find_reference(
        &mut self,
        sender: SenderId,
        reference: &str,
    ) -> Result<Option<KnownReference>, StoreError>;

    /// An item of `tenant` whose id or (any sender's) reference is `name`: the newest.
    ///
    /// # Errors
    /// Any.
    fn find_related(
        &mut self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<Sequence>, StoreError>;

    /// The current values of an item.
    ///
    /// # Errors
    /// Any.
    fn content(&mut self, sequence: Sequence) -> Result<Option<Content>, StoreError>;

    /// The agent sessions of an item by offer, the oldest first; of very many the newest
    /// [`AGENT_SESSIONS_SHOWN_MAX`].
    ///
    /// [`AGENT_SESSIONS_SHOWN_MAX`]: crate::domain::session::AGENT_SESSIONS_SHOWN_MAX
    ///
    /// # Errors
    /// Any.
    fn agent_sessions(&mut self, sequence: Sequence) -> Result<Vec<AgentSession>, StoreError>;

    /// The agent sessions that ring: neither accepted nor ended.
    ///
    /// # Errors
    /// Any; do not start.
    fn ringing(&mut self) -> Result<Vec<AgentSession>, StoreError>;

    /// The items that an agent has, connected or parked.
    ///
    /// # Errors
    /// Any.
    fn held_by(&mut self, agent: UserId) -> Result<Vec<Sequence>, StoreError>;

    /// The trace that the item's message came in with, from the first line of its journal.
    ///
    /// # Errors
    /// Any.
    fn traceparent(&mut self, sequence: Sequence) -> Result<Option<String>, StoreError>;

    /// How that request was answered.
    ///
    /// # Errors
    /// Any.
    fn find_request(
        &mut self,
        sequence: Sequence,
        request_id: &str,
    ) -> Result<Option<AnsweredRequest>, StoreError>;

    /// The notifications that may be tried next: of every sender that has any, the first
    /// `per_sender` by their time, which may be ahead. Of an item only the first that is due.
    ///
    /// # Errors
    /// Any.
    fn next_notifications(&mut self, per_sender: usize) -> Result<Vec<Notification>, StoreError>;

    /// Up to `limit` parked notifications, by id (that is, oldest first) above `after`.
    ///
    /// # Errors
    /// Any.
    fn parked_notifications(
        &mut self,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError>;

    /// Up to `limit` items whose workflow is due by itself, with when, by ascending sequence above
    /// `after`. Items that have ended are among them.
    ///
    /// # Errors
    /// Any; do not start.
    fn flow_timers(
        &mut self,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<(Sequence, Timestamp)>, StoreError>;

    /// The file of that version of a workflow.
    ///
    /// # Errors
    /// Any.
    fn workflow(&mut self, digest: WorkflowDigest) -> Result<Option<WorkflowSource>, StoreError>;

    /// The alert or button of that id.
    ///
    /// # Errors
    /// Any.
    fn follow_up(&mut self, id: FollowUpId) -> Result<Option<FollowUp>, StoreError>;

    /// The alerts and buttons of an item that are not closed, the oldest first.
    ///
    /// # Errors
    /// Any.
    fn open_follow_ups(&mut self, sequence: Sequence) -> Result<Vec<FollowUp>, StoreError>;

    /// Writes the batch in one transaction and syncs it.
    ///
    /// # Errors
    /// Nothing was written; see each [`StoreError`] for what to do.
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// Writes, syncs and removes something small, to find out whether writing works again.
    ///
    /// # Errors
    /// It does not.
    fn probe(&mut self) -> Result<(), StoreError>;

    /// One slice (at most some 5 ms) of the store's own housekeeping, called while nothing waits.
    /// Returns whether there is more to do.
    ///
    /// # Errors
    /// As [`Store::commit`].
    fn tidy(&mut self) -> Result<bool, StoreError>;
}
