//! What is committed, and what a batch may do to it: the same conflicts as on disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::flows::Flows;
use super::outbox::Outbox;
use super::people::People;
use super::sessions::Sessions;
use crate::domain::content::{Attachment, Content};
use crate::domain::entrance::EntranceOrders;
use crate::domain::ids::{BlobId, ItemId, SenderId, Sequence, ServiceId, UserId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::JournalEntry;
use crate::domain::outcome::Outcome;
use crate::store::{
    AnsweredRequest, AuditEntry, Batch, ChangedItem, Chunk, NewItem, Numbers, StoreError,
};

/// All rows, as after the last commit.
#[derive(Debug, Clone, Default)]
pub(super) struct Committed {
    pub(super) numbers: Numbers,
    pub(super) rows: BTreeMap<Sequence, Row>,
    pub(super) ids: HashMap<ItemId, Sequence>,
    pub(super) references: HashMap<(SenderId, Arc<str>), Sequence>,
    pub(super) erased: BTreeSet<(SenderId, String)>,
    pub(super) open: BTreeSet<Sequence>,
    pub(super) held: BTreeSet<(UserId, Sequence)>,
    pub(super) last_sequence: u64,
    pub(super) journal: BTreeMap<(Sequence, u32), JournalEntry>,
    pub(super) entrances: BTreeMap<ServiceId, EntranceOrders>,
    pub(super) requests: BTreeMap<(Sequence, String), AnsweredRequest>,
    pub(super) blobs: BTreeMap<BlobId, Blob>,
    pub(super) people: Arc<People>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) audit: Vec<AuditEntry>,
    pub(super) outbox: Outbox,
    pub(super) flows: Arc<Flows>,
}

/// An item with its content and the messages that made it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) item: Item,
    pub(super) content: Arc<Content>,
    pub(super) raw: Vec<Arc<str>>,
}

/// An attachment, whether an item names it yet or not.
#[derive(Debug, Clone, Default)]
pub(super) struct Blob {
    pub(super) chunks: Vec<Arc<[u8]>>,
    pub(super) owned: bool,
}

impl Blob {
    pub(super) fn length_bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }
}

impl Committed {
    /// Whether the batch can be applied as a whole.
    pub(super) fn check(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut blobs: BTreeMap<BlobId, (usize, u64)> = BTreeMap::new();
        for chunk in &batch.chunks {
            self.check_chunk(chunk, &mut blobs)?;
        }
        for blob in &batch.dropped_blobs {
            if self.blobs.get(blob).is_none_or(|blob| !blob.owned) {
                blobs.insert(*blob, (0, 0));
            }
        }
        let length = |blob: BlobId| match blobs.get(&blob) {
            Some((_, bytes)) => *bytes,
            None => self.blobs.get(&blob).map_or(0, Blob::length_bytes),
        };
        self.check_new(&batch.new_items)?;
        for new in &batch.new_items {
            check_attachments(&new.content.attachments, length)?;
        }
        let mut once = BTreeSet::new();
        for changed in &batch.changed_items {
            if !once.insert(changed.item.sequence) {
                return conflict(format!("{:?} is changed twice", changed.item.sequence));
            }
            self.check_changed(changed, &batch.new_items)?;
            let content = changed.content.iter();
            for attachments in content.map(|content| &content.attachments) {
                check_attachments(attachments, length)?;
            }
        }
        let mut lines = BTreeSet::new();
        for entry in &batch.journal {
            let key = (entry.sequence, entry.number);
            if entry.number == 0 || self.journal.contains_key(&key) || !lines.insert(key) {
                return conflict(format!("journal line {key:?} is not a new one"));
            }
        }
        let mut requests = BTreeSet::new();
        for request in &batch.requests {
            let key = (request.sequence, request.request_id.clone());
            if self.requests.contains_key(&key) || !requests.insert(key) {
                return conflict(format!("request of {:?} is answered", request.sequence));
            }
        }
        Sessions::check(batch)?;
        self.flows.check(batch, |sequence| {
            let new = batch.new_items.iter().map(|new| &new.item);
            let old = self.rows.get(&sequence).map(|row| &row.item);
            let mut all = new.chain(old);
            let item = all.find(|item| item.sequence == sequence);
            item.map(|item| item.tenant)
        })?;
        self.outbox.check(batch)
    }

    fn check_chunk(
        &self,
        chunk: &Chunk,
        blobs: &mut BTreeMap<BlobId, (usize, u64)>,
    ) -> Result<(), StoreError> {
        let stored = self.blobs.get(&chunk.blob);
        if stored.is_some_and(|blob| blob.owned) {
            return conflict(format!("{:?} belongs to an item", chunk.blob));
        }
        let (count, bytes) = blobs.entry(chunk.blob).or_insert_with(|| {
            stored.map_or((0, 0), |blob| (blob.chunks.len(), blob.length_bytes()))
        });
        let fits = (1..=crate::store::CHUNK_BYTES_MAX).contains(&chunk.bytes.len());
        if *count != chunk.number as usize || !fits {
            return conflict(format!("chunk {} cannot be next", chunk.number));
        }
        *count += 1;
        *bytes += chunk.bytes.len() as u64;
        Ok(())
    }

    fn check_new(&self, items: &[NewItem]) -> Result<(), StoreError> {
        let mut last = self.last_sequence;
        let mut ids = BTreeSet::new();
        for NewItem { item, .. } in items {
            if item.sequence.0 <= last {
                return conflict(format!(
                    "new {:?} does not come after {last}",
                    item.sequence
                ));
            }
            last = item.sequence.0;
            if self.ids.contains_key(&item.id) || !ids.insert(item.id) {
                return conflict(format!("id {} is taken", item.id));
            }
            check_states(item)?;
        }
        Ok(())
    }

    fn check_changed(&self, changed: &ChangedItem, new: &[NewItem]) -> Result<(), StoreError> {
        let item = &changed.item;
        let also_new = new.iter().any(|new| new.item.sequence == item.sequence);
        let fits = self.rows.get(&item.sequence).is_some_and(|row| {
            row.item.version.checked_add(1) == Some(item.version) && fixed(&row.item) == fixed(item)
        });
        if also_new || !fits {
            return conflict(format!(
                "{:?} is not in the version before {}",
                item.sequence, item.version
            ));
        }
        check_states(item)
    }

    pub(super) fn apply(&mut self, batch: &Batch) {
        for chunk in &batch.chunks {
            let blob = self.blobs.entry(chunk.blob).or_default();
            blob.chunks.push(Arc::from(chunk.bytes.as_slice()));
        }
        for blob in &batch.dropped_blobs {
            if self.blobs.get(blob).is_some_and(|blob| !blob.owned) {
                self.blobs.remove(blob);
            }
        }
        for NewItem { item, content, raw } in &batch.new_items {
            self.last_sequence = item.sequence.0;
            self.ids.insert(item.id, item.sequence);
            let reference = (item.sender, Arc::from(content.reference.as_str()));
            self.references.entry(reference).or_insert(item.sequence);
            self.adopt(&content.attachments);
            let row = Row {
                item: item.clone(),
                content: Arc::new(content.clone()),
                raw: raw.as_deref().map(Arc::from).into_iter().collect(),
            };
            self.rows.insert(item.sequence, row);
            self.keep_open(item);
        }
        for ChangedItem { item, content, raw } in &batch.changed_items {
            if let Some(content) = content {
                self.adopt(&content.attachments);
            }
            if let Some(row) = self.rows.get_mut(&item.sequence) {
                if let Some(holder) = row.item.holder {
                    self.held.remove(&(holder.agent, item.sequence));
                }
                row.item = item.clone();
                row.raw.extend(raw.as_deref().map(Arc::from));
                if let Some(content) = content {
                    row.content = Arc::new(content.clone());
                }
            }
            self.keep_open(item);
        }
        for entry in &batch.journal {
            self.journal
                .insert((entry.sequence, entry.number), entry.clone());
        }
        for (service, orders) in &batch.entrances {
            if *orders == EntranceOrders::default() {
                self.entrances.remove(service);
            } else {
                self.entrances.insert(*service, orders.clone());
            }
        }
        for request in &batch.requests {
            let key = (request.sequence, request.request_id.clone());
            self.requests.insert(key, request.clone());
        }
        self.audit.extend(batch.audit.iter().cloned());
        Sessions::apply(&mut self.sessions, batch);
        Flows::apply(&mut self.flows, batch);
        self.outbox.apply(batch);
    }

    fn adopt(&mut self, attachments: &[Attachment]) {
        for attachment in attachments {
            if let Some(blob) = self.blobs.get_mut(&attachment.blob) {
                blob.owned = true;
            }
        }
    }

    fn keep_open(&mut self, item: &Item) {
        if item.ended.is_none() {
            self.open.insert(item.sequence);
        } else {
            self.open.remove(&item.sequence);
        }
        if let Some(holder) = item.holder {
            self.held.insert((holder.agent, item.sequence));
        }
    }
}

/// What of a row never changes. (On disk, all but the id is simply not written again; here a
/// change is a conflict, so that the simulator notices it.)
fn fixed(item: &Item) -> impl PartialEq {
    (
        (item.id, item.tenant, item.sender),
        (item.received_at, item.stored_at),
        (item.chargeable, item.content_digest),
    )
}

fn conflict<T>(what: String) -> Result<T, StoreError> {
    Err(StoreError::Conflict(what))
}

fn check_attachments(
    attachments: &[Attachment],
    length: impl Fn(BlobId) -> u64,
) -> Result<(), StoreError> {
    for attachment in attachments {
        if length(attachment.blob) != attachment.length_bytes {
            return conflict(format!("{:?} is not complete", attachment.blob));
        }
    }
    Ok(())
}

/// What the CHECKs of the file say about a row.
fn check_states(item: &Item) -> Result<(), StoreError> {
    let fits = match item.state {
        ItemState::Scheduled => item.not_before.is_some() && item.ended.is_none(),
        ItemState::InWorkflow => item.flow.is_some() && item.ended.is_none(),
        ItemState::Buffered => item.ended.is_none(),
        ItemState::Queued | ItemState::Connected | ItemState::Parked => {
            item.queued_at.is_some() && item.ended.is_none()
        }
        ItemState::Offered => false,
        ItemState::Ended => item.ended.is_some(),
    };
    if fits && item.version > 0 && holder_fits(item) && verdict_fits(item) {
        Ok(())
    } else {
        conflict(format!("{:?} cannot be a row: {item:?}", item.sequence))
    }
}

/// Only an item in an agent's hands has a holder; only one that is put aside has a time.
fn holder_fits(item: &Item) -> bool {
    let held = matches!(item.state, ItemState::Connected | ItemState::Parked);
    match item.holder {
        Some(holder) => {
            let parked = item.state == ItemState::Parked;
            let known = i64::try_from(holder.session.0).is_ok();
            held && known && holder.parked_until.is_some() == parked
        }
        None => !held,
    }
}

fn verdict_fits(item: &Item) -> bool {
    let ending = item.ended.as_ref();
    ending.is_none_or(|ending| ending.said.is_none() || ending.outcome == Outcome::HandledByUser)
}
