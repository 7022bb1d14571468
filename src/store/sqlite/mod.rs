//! The store on disk: one SQLite file, one writing connection, owned by the engine's thread.
//!
//! - `open`: directory, lock, pragmas · `schema`: tables and migrations · `error`: what SQLite's
//!   errors mean · `row`, `content_column`, `wish_column`: how values lie in the file
//! - `outbox`, `status_column`: notifications to senders
//! - `people`: users, sessions and tokens · `sessions`: what agents do with items, and their states
//! - `flows`: versions of workflows, alerts and buttons · `flow_column`: an item's place in one
//! - `write`: a batch · `load`: what the engine reads · `references`: who has a sender's reference
//! - `checkpoint`: from the write-ahead log into the database
//!
//! What the engine reads before a commit and the commit itself are one transaction: it begins with
//! the first read (see `SqliteStore::snapshot`), for taking and giving back the locks of a read
//! costs more than the read.

mod checkpoint;
mod content_column;
pub(super) mod error;
mod flow_column;
mod flows;
mod load;
pub(super) mod open;
mod outbox;
mod people;
pub(super) mod reading;
mod references;
mod row;
pub mod schema;
mod sessions;
mod status_column;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod timing;
mod wish_column;
mod write;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use open::{DATABASE_FILE, LOCK_FILE};

use self::checkpoint::Checkpoints;
use self::open::DirectoryLock;
use self::references::References;
use self::row::{item_by_sequence, key, sequence, sequence_by_id};
use super::people::PeopleRows;
use super::{
    AnsweredRequest, Batch, KnownReference, Names, Numbers, OpenItem, Resume, Store, StoreError,
    WorkflowSource,
};
use crate::domain::content::Content;
use crate::domain::follow_up::{FollowUp, FollowUpId};
use crate::domain::ids::{ItemId, SenderId, Sequence, TenantId, UserId};
use crate::domain::item::Item;
use crate::domain::notification::{Notification, NotificationId};
use crate::domain::session::AgentSession;
use crate::domain::time::Timestamp;
use crate::domain::workflow::WorkflowDigest;

/// Reference entries that a quiet moment writes or moves: some 5 ms.
const TIDY_ENTRIES: usize = 1_000;
/// Reference entries that a commit writes or moves per new item, when that can wait no longer.
const PRESSING_ENTRIES_PER_ITEM: usize = 4;
/// The part of `bytes_max` kept for work on items that are there already: one of so many.
const RESERVE_PART: u64 = 16;
/// What a probe writes: enough to need pages of its own.
const PROBE_BYTES: usize = 64 * 1024;
/// Sequences in a stretch of `sender_span`.
pub(super) const SPAN_ITEMS: i64 = 1_024;

const BEGIN: &str = "BEGIN";
const BEGIN_IMMEDIATE: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
const INSERT_SPAN: &str = "INSERT OR IGNORE INTO sender_span (span, sender) VALUES (?1, ?2)";
const INSERT_PROBE: &str = "INSERT INTO probe (bytes) VALUES (zeroblob(?1))";
const DELETE_PROBE: &str = "DELETE FROM probe";

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The database may not grow beyond this many bytes (the write-ahead log of some 16 MiB comes
    /// on top); `None`: as large as the disk. New items stop a sixteenth earlier, so that there is
    /// room to work on those that are there.
    pub bytes_max: Option<u64>,
    /// References kept in memory before they are written to a run.
    pub references_recent_max: usize,
}

impl Default for SqliteOptions {
    fn default() -> SqliteOptions {
        SqliteOptions {
            bytes_max: None,
            references_recent_max: references::RECENT_MAX,
        }
    }
}

/// The store on disk. See [`Store`].
pub struct SqliteStore {
    // Before the connection, so that its thread has ended when that closes.
    checkpoints: Checkpoints,
    connection: Connection,
    path: PathBuf,
    bytes_max: Option<u64>,
    references_recent_max: usize,
    references: References,
    last_sequence: i64,
    /// The stretch that the last items fell into, and the senders it is known to have.
    span: (i64, HashSet<SenderId>),
    room: Room,
    /// A commit failed: what stands in memory is to be read again.
    stale: bool,
    _lock: DirectoryLock,
}

/// How far the file may grow in this transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// For new items: not into the reserve.
    Intake,
    /// For work on items that are there.
    Work,
}

impl SqliteStore {
    /// Opens the store of a data directory, making both where there is none.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Newer`], or what SQLite says.
    pub fn open(dir: &Path, options: SqliteOptions) -> Result<SqliteStore, StoreError> {
        open::make_directory(dir)?;
        let lock = DirectoryLock::take(dir)?;
        let mut connection = open::writer(dir)?;
        let path = dir.join(DATABASE_FILE);
        let checkpoints = Checkpoints::start(&mut connection, &path)?;
        let references = References::load(&connection, options.references_recent_max)?;
        let last_sequence = load::last_sequence(&connection)?;
        let mut store = SqliteStore {
            checkpoints,
            connection,
            path,
            bytes_max: options.bytes_max,
            references_recent_max: options.references_recent_max,
            references,
            last_sequence,
            span: (0, HashSet::new()),
            room: Room::Work,
            stale: false,
            _lock: lock,
        };
        store.set_room(Room::Intake)?;
        Ok(store)
    }

    /// The database's file, for readers and backups.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn set_room(&mut self, room: Room) -> Result<(), StoreError> {
        let Some(bytes_max) = self.bytes_max else {
            return Ok(());
        };
        if self.room != room {
            let bytes = match room {
                Room::Intake => bytes_max - bytes_max / RESERVE_PART,
                Room::Work => bytes_max,
            };
            let pages = (bytes / schema::PAGE_BYTES).max(1).cast_signed();
            self.connection
                .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
            self.room = room;
        }
        Ok(())
    }

    /// Writes the batch, and what can wait no longer of the housekeeping, in one transaction.
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let intake = !batch.new_items.is_empty() || !batch.chunks.is_empty();
        self.set_room(if intake { Room::Intake } else { Room::Work })?;
        let last_sequence = order(batch, self.last_sequence)?;
        let spans = self.new_spans(batch);
        self.begin()?;
        let tx = &self.connection;
        write::batch(tx, batch)?;
        for (span, sender) in &spans {
            tx.prepare_cached(INSERT_SPAN)?.execute((span, sender.0))?;
        }
        let mut slice = None;
        if !batch.new_items.is_empty() && self.references.is_pressing() {
            let entries = batch.new_items.len() * PRESSING_ENTRIES_PER_ITEM;
            slice = self.references.slice(tx, entries)?;
        }
        tx.execute_batch(COMMIT)?;

        self.last_sequence = last_sequence;
        for (span, sender) in spans {
            if self.span.0 != span {
                self.span = (span, HashSet::new());
            }
            self.span.1.insert(sender);
        }
        if let Some(slice) = slice {
            self.references.done(slice);
        }
        for new in &batch.new_items {
            let hash = self
                .references
                .hash(new.item.sender, &new.content.reference);
            self.references.insert(hash, key(new.item.sequence));
        }
        Ok(())
    }

    /// The senders that come into a stretch of sequences with this batch.
    fn new_spans(&self, batch: &Batch) -> Vec<(i64, SenderId)> {
        let mut spans = Vec::new();
        for new in &batch.new_items {
            let entry = (key(new.item.sequence) / SPAN_ITEMS, new.item.sender);
            let known = self.span.0 == entry.0 && self.span.1.contains(&entry.1);
            if !known && !spans.contains(&entry) {
                spans.push(entry);
            }
        }
        spans
    }

    /// Does something that writes; when it fails, leaves no trace of it.
    fn or_undo(
        &mut self,
        write: impl FnOnce(&mut SqliteStore) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let result = write(self);
        if result.is_err() {
            self.stale = true;
            // SQLite may have rolled back by itself. What cannot be rolled back must never be
            // committed by the next batch.
            if let Err(error) = self.end() {
                return Err(StoreError::Fatal(format!("cannot roll back: {error}")));
            }
        }
        result
    }

    /// The connection within a transaction, for reading.
    fn snapshot(&self) -> rusqlite::Result<&Connection> {
        if self.connection.is_autocommit() {
            self.connection.execute_batch(BEGIN)?;
        }
        Ok(&self.connection)
    }

    /// Begins a transaction for writing, unless reading has begun one already: the first write
    /// makes that one a writing one, for nobody else writes.
    fn begin(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            self.connection.execute_batch(BEGIN_IMMEDIATE)?;
        }
        Ok(())
    }

    /// Ends a transaction that only read, or whose writing failed.
    fn end(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.connection.execute_batch(ROLLBACK)
        }
    }

    /// The item that has `reference` of `sender`.
    fn by_reference(&self, sender: SenderId, reference: &str) -> Result<Option<Item>, StoreError> {
        let hash = self.references.hash(sender, reference);
        let connection = self.snapshot()?;
        for candidate in self.references.candidates(connection, hash)? {
            if let Some((item, its_reference)) = item_by_sequence(connection, candidate)?
                && item.sender == sender
                && its_reference == reference
            {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}

/// New items must come in ascending order above all that were ever committed; changed ones once
/// each, and none that is new. Returns the last sequence with the batch.
fn order(batch: &Batch, last_committed: i64) -> Result<i64, StoreError> {
    let mut last = last_committed;
    for new in &batch.new_items {
        let next = key(new.item.sequence);
        if next <= last {
            return Err(StoreError::Conflict(format!(
                "new item {next} does not come after {last}"
            )));
        }
        last = next;
    }
    let mut changed = HashSet::with_capacity(batch.changed_items.len());
    for change in &batch.changed_items {
        let sequence = key(change.item.sequence);
        if sequence > last_committed || !changed.insert(sequence) {
            return Err(StoreError::Conflict(format!(
                "item {sequence} is new, or changed twice"
            )));
        }
    }
    Ok(last)
}

impl Store for SqliteStore {
    fn number(&mut self, names: &Names) -> Result<Numbers, StoreError> {
        self.end()?;
        self.set_room(Room::Work)?;
        load::number(&mut self.connection, names)
    }

    fn sweep(&mut self) -> Result<(), StoreError> {
        self.end()?;
        self.set_room(Room::Work)?;
        load::drop_orphans(&mut self.connection)
    }

    fn resume(&mut self) -> Result<Resume, StoreError> {
        self.end()?;
        if self.stale {
            self.references = References::load(&self.connection, self.references_recent_max)?;
            self.last_sequence = load::last_sequence(&self.connection)?;
            self.span = (0, HashSet::new());
            self.stale = false;
        }
        self.set_room(Room::Work)?;
        let next = self.last_sequence + 1;
        Ok(Resume {
            next_sequence: sequence(next),
            entrances: load::entrances(&self.connection)?,
        })
    }

    fn people(&mut self) -> Result<PeopleRows, StoreError> {
        people::people(self.snapshot()?)
    }

    fn open_items(&mut self, after: Sequence, limit: usize) -> Result<Vec<OpenItem>, StoreError> {
        Ok(load::open_items(self.snapshot()?, after, limit)?)
    }

    fn items(&mut self, sequences: &[Sequence]) -> Result<Vec<Item>, StoreError> {
        Ok(load::items(self.snapshot()?, sequences)?)
    }

    fn find_id(&mut self, id: ItemId) -> Result<Option<Item>, StoreError> {
        let connection = self.snapshot()?;
        let Some(sequence) = sequence_by_id(connection, id)? else {
            return Ok(None);
        };
        Ok(item_by_sequence(connection, sequence)?.map(|(item, _)| item))
    }

    fn find_reference(
        &mut self,
        sender: SenderId,
        reference: &str,
    ) -> Result<Option<KnownReference>, StoreError> {
        if let Some(item) = self.by_reference(sender, reference)? {
            return Ok(Some(KnownReference::Item(Box::new(item))));
        }
        let erased = self
            .references
            .is_erased(self.snapshot()?, sender, reference)?;
        Ok(erased.then_some(KnownReference::Erased))
    }

    fn find_related(
        &mut self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<Sequence>, StoreError> {
        let mut found = Vec::new();
        if let Ok(id) = name.parse::<ItemId>() {
            found.extend(self.find_id(id)?);
        }
        for sender in load::senders_of(self.snapshot()?, tenant)? {
            found.extend(self.by_reference(sender, name)?);
        }
        let of_tenant = found.into_iter().filter(|item| item.tenant == tenant);
        Ok(of_tenant.map(|item| item.sequence).max())
    }

    fn content(&mut self, sequence: Sequence) -> Result<Option<Content>, StoreError> {
        load::content(self.snapshot()?, sequence)
    }

    fn agent_sessions(&mut self, sequence: Sequence) -> Result<Vec<AgentSession>, StoreError> {
        Ok(sessions::agent_sessions(self.snapshot()?, sequence)?)
    }

    fn ringing(&mut self) -> Result<Vec<AgentSession>, StoreError> {
        Ok(sessions::ringing(self.snapshot()?)?)
    }

    fn held_by(&mut self, agent: UserId) -> Result<Vec<Sequence>, StoreError> {
        Ok(sessions::held_by(self.snapshot()?, agent)?)
    }

    fn traceparent(&mut self, sequence: Sequence) -> Result<Option<String>, StoreError> {
        Ok(load::traceparent(self.snapshot()?, sequence)?)
    }

    fn find_request(
        &mut self,
        sequence: Sequence,
        request_id: &str,
    ) -> Result<Option<AnsweredRequest>, StoreError> {
        Ok(load::request(self.snapshot()?, sequence, request_id)?)
    }

    fn next_notifications(&mut self, per_sender: usize) -> Result<Vec<Notification>, StoreError> {
        outbox::next(self.snapshot()?, per_sender)
    }

    fn parked_notifications(
        &mut self,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError> {
        outbox::parked(self.snapshot()?, after, limit)
    }

    fn flow_timers(
        &mut self,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<(Sequence, Timestamp)>, StoreError> {
        Ok(flows::timers(self.snapshot()?, after, limit)?)
    }

    fn workflow(&mut self, digest: WorkflowDigest) -> Result<Option<WorkflowSource>, StoreError> {
        Ok(flows::workflow(self.snapshot()?, digest)?)
    }

    fn follow_up(&mut self, id: FollowUpId) -> Result<Option<FollowUp>, StoreError> {
        Ok(flows::follow_up(self.snapshot()?, id)?)
    }

    fn open_follow_ups(&mut self, sequence: Sequence) -> Result<Vec<FollowUp>, StoreError> {
        Ok(flows::open_follow_ups(self.snapshot()?, sequence)?)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.or_undo(|store| store.write(batch))?;
        self.checkpoints.after_commit(&self.connection)
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        self.end()?;
        self.set_room(Room::Intake)?;
        self.or_undo(|store| {
            store.begin()?;
            store
                .connection
                .execute(INSERT_PROBE, [PROBE_BYTES as i64])?;
            Ok(store.connection.execute_batch(COMMIT)?)
        })?;
        self.or_undo(|store| {
            store.begin()?;
            store.connection.execute(DELETE_PROBE, [])?;
            Ok(store.connection.execute_batch(COMMIT)?)
        })?;
        self.checkpoints.after_commit(&self.connection)
    }

    fn tidy(&mut self) -> Result<bool, StoreError> {
        self.end()?;
        if self.references.has_work() {
            self.set_room(Room::Work)?;
            self.or_undo(|store| {
                store.begin()?;
                let slice = store.references.slice(&store.connection, TIDY_ENTRIES)?;
                store.connection.execute_batch(COMMIT)?;
                if let Some(slice) = slice {
                    store.references.done(slice);
                }
                Ok(())
            })?;
        }
        self.checkpoints.in_quiet(&self.connection)?;
        Ok(self.references.has_work())
    }
}
