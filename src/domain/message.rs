//! The verbs a sender may use, as values. `wire` makes them from bytes, the engine carries them out.

use super::content::{ContactDatum, Content, Customer, Expiry, Link, PreferredAgents};
use super::ids::{ItemId, Priority};
use super::item::ItemState;
use super::refusal::{Problem, Refusal};
use super::time::Timestamp;

/// One message of a sender.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// `workItem`: create.
    Create(Box<Submission>),
    /// `workItems`: each judged by itself, in order.
    Batch(Vec<Result<Submission, RefusedEntry>>),
    /// `update`.
    Update(Box<Update>),
    /// `cancel`.
    Cancel(Cancel),
    /// `query`.
    Query(Query),
    /// `queryServices`, of one service or of all.
    QueryServices(Option<String>),
    /// `queryLimits`.
    QueryLimits,
    /// `ping`.
    Ping,
}

/// An entry of a batch that its schema refuses; its reference is kept if it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedEntry {
    /// `@reference` as far as it was readable and valid.
    pub reference: Option<String>,
    /// Why.
    pub refusal: Refusal,
}

/// One `workItem` that its schema accepts.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The values as written. `attachments` is empty here: the bodies are in `uploads` until they
    /// are stored.
    pub content: Content,
    /// Check everything, create nothing.
    pub dry_run: bool,
    /// Semantic rules 0 to 9 that the message breaks by itself, in document order. They are
    /// answered only after the reference was looked up.
    pub problems: Vec<Problem>,
    /// First half of the SHA-256 over the canonical form of the content (see `wire::digest`).
    pub content_digest: [u8; 16],
    /// The bodies of the attachments, decoded.
    pub uploads: Vec<Upload>,
    /// The message as text, attachment text replaced by its digest.
    pub raw: String,
}

/// An attachment whose body is not in the store yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// A plain file name, 1..255 characters.
    pub name: String,
    /// For example `application/pdf`.
    pub media_type: String,
    /// Of `body`.
    pub sha256: [u8; 32],
    /// Decoded.
    pub body: Vec<u8>,
}

/// Which item a verb is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// Ours.
    Id(ItemId),
    /// The sender's.
    Reference(String),
}

/// `update`: what is `Some` changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Which item.
    pub address: Address,
    /// Refuse if the item's version is another.
    pub if_version: Option<u32>,
    /// A repeat with the same id answers as the first did.
    pub request_id: Option<String>,
    /// What to change.
    pub changes: Changes,
    /// Semantic rules the message breaks by itself, in document order.
    pub problems: Vec<Problem>,
    /// First half of the SHA-256 over the canonical form of the changes.
    pub content_digest: [u8; 16],
    /// Attachments to add.
    pub uploads: Vec<Upload>,
    /// The message as text, attachment text replaced by its digest.
    pub raw: String,
}

/// The new values of an `update`. Lists replace as a whole, contact data merges.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// See [`Content::title`].
    pub title: Option<String>,
    /// See [`Content::description`].
    pub description: Option<String>,
    /// See [`Content::priority`].
    pub priority: Option<Priority>,
    /// Replaces the customer as a whole.
    pub customer: Option<Customer>,
    /// Replaces the list as a whole; an empty list removes the wish.
    pub preferred_agents: Option<PreferredAgents>,
    /// See [`Content::due_by`].
    pub due_by: Option<Timestamp>,
    /// `lifetime` counts from the update.
    pub expiry: Option<Expiry>,
    /// Replaces.
    pub links: Option<Vec<Link>>,
    /// Replaces.
    pub tags: Option<Vec<String>>,
    /// Merges: keys written here are set, others stay.
    pub contact_data: Vec<ContactDatum>,
}

/// `cancel`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// Which item.
    pub address: Address,
    /// At most 1,000 characters.
    pub reason: Option<String>,
}

/// `query`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// One item.
    One(Address),
    /// The sender's own items, 500 at a time, in order of receipt.
    List {
        /// The cursor of the page before; `None`: from the start.
        since: Option<String>,
        /// Only those in this state.
        state: Option<ItemState>,
    },
}
