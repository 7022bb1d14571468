//! The store without a disk: the simulator's. Same answers as [`super::sqlite`], and faults on
//! demand.
//!
//! What is committed is shared between clones until one of them commits again, so the simulator
//! can take the state before every step.

mod outbox;
mod people;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use self::outbox::Outbox;
use super::people::PeopleRows;
use super::{
    AnsweredRequest, AuditEntry, Batch, ChangedItem, Chunk, KnownReference, Names, NewItem,
    Numbers, OpenItem, Resume, Store, StoreError,
};
use crate::domain::content::{Attachment, Content};
use crate::domain::entrance::EntranceOrders;
use crate::domain::ids::{BlobId, ItemId, SenderId, Sequence, ServiceId, TenantId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::JournalEntry;
use crate::domain::notification::{DeliveryState, NewNotification, Notification, NotificationId};

/// What the next commit does instead of what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// The process dies before the commit: nothing is written, the caller sees `Fatal`.
    Before,
    /// The process dies after the commit: everything is written, the caller sees `Fatal`.
    AfterButLost,
    /// No room: nothing is written.
    Full,
    /// A failure that may pass: nothing is written.
    Failed,
}

/// The store in memory. A clone is another store that starts from what was committed so far.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    committed: Arc<Committed>,
    faults: VecDeque<CommitFault>,
    probes_that_fail: u32,
    probe_is_fatal: bool,
    sweep_is_full: bool,
    reads_that_fail: u32,
    commits: u64,
}

#[derive(Debug, Clone, Default)]
struct Committed {
    numbers: Numbers,
    rows: BTreeMap<Sequence, Row>,
    ids: HashMap<ItemId, Sequence>,
    references: HashMap<(SenderId, Arc<str>), Sequence>,
    erased: BTreeSet<(SenderId, String)>,
    open: BTreeSet<Sequence>,
    last_sequence: u64,
    journal: BTreeMap<(Sequence, u32), JournalEntry>,
    entrances: BTreeMap<ServiceId, EntranceOrders>,
    requests: BTreeMap<(Sequence, String), AnsweredRequest>,
    blobs: BTreeMap<BlobId, Blob>,
    people: Arc<people::People>,
    audit: Vec<AuditEntry>,
    outbox: Outbox,
}

#[derive(Debug, Clone)]
struct Row {
    item: Item,
    content: Arc<Content>,
    raw: Vec<Arc<str>>,
}

#[derive(Debug, Clone, Default)]
struct Blob {
    chunks: Vec<Arc<[u8]>>,
    owned: bool,
}

impl Blob {
    fn length_bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// Plans a fault for the next commit; planned twice, for the one after it too.
    pub fn fail_next_commit(&mut self, fault: CommitFault) {
        self.faults.push_back(fault);
    }

    /// Lets the next `count` probes find no room.
    pub fn fail_probes(&mut self, count: u32) {
        self.probes_that_fail = count;
    }

    /// Lets the next probe find a store that cannot sync.
    pub fn fail_next_probe_fatally(&mut self) {
        self.probe_is_fatal = true;
    }

    /// Lets the next sweep find no room.
    pub fn fail_next_sweep(&mut self) {
        self.sweep_is_full = true;
    }

    /// Lets the next `count` reads about items fail.
    pub fn fail_reads(&mut self, count: u32) {
        self.reads_that_fail = count;
    }

    fn read(&mut self) -> Result<(), StoreError> {
        if self.reads_that_fail > 0 {
            self.reads_that_fail -= 1;
            return Err(StoreError::Failed("planned".into()));
        }
        Ok(())
    }

    /// The store as the next process finds it: all that was committed, no faults.
    pub fn crash(&self) -> MemoryStore {
        MemoryStore {
            committed: Arc::clone(&self.committed),
            ..MemoryStore::default()
        }
    }

    /// Makes a reference one whose item was anonymised.
    pub fn erase_reference(&mut self, sender: SenderId, reference: &str) {
        let committed = Arc::make_mut(&mut self.committed);
        let key = (sender, Arc::from(reference));
        committed.references.remove(&key);
        committed.erased.insert((sender, reference.to_owned()));
    }

    /// Commits that were written so far.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// All rows, by ascending sequence.
    pub fn rows(&self) -> impl Iterator<Item = &Item> {
        self.committed.rows.values().map(|row| &row.item)
    }

    /// An item's journal, by ascending number.
    pub fn journal(&self, sequence: Sequence) -> impl Iterator<Item = &JournalEntry> {
        let range = (sequence, 0)..=(sequence, u32::MAX);
        self.committed.journal.range(range).map(|(_, entry)| entry)
    }

    /// The messages of an item, the first first.
    pub fn raw_messages(&self, sequence: Sequence) -> impl Iterator<Item = &str> {
        let row = self.committed.rows.get(&sequence);
        row.into_iter()
            .flat_map(|row| row.raw.iter().map(|raw| &**raw))
    }

    /// The body of an attachment, as far as it was written.
    pub fn blob(&self, blob: BlobId) -> Option<Vec<u8>> {
        let blob = self.committed.blobs.get(&blob)?;
        Some(blob.chunks.concat())
    }

    /// The verbs that people used, oldest first.
    pub fn audit(&self) -> &[AuditEntry] {
        &self.committed.audit
    }

    /// An item's notifications: number, what was written, how far it is.
    pub fn notifications(
        &self,
        item: Sequence,
    ) -> impl Iterator<Item = (u32, &NewNotification, DeliveryState)> {
        self.committed.outbox.all(item)
    }

    /// Puts the id and reference of its item into each, as the store on disk does.
    fn with_items(&self, mut notifications: Vec<Notification>) -> Vec<Notification> {
        for notification in &mut notifications {
            if let Some(row) = self.committed.rows.get(&notification.item) {
                notification.status.id = row.item.id;
                notification.status.reference = row.content.reference.clone();
            }
        }
        notifications
    }

    fn by_reference(&self, sender: SenderId, reference: &str) -> Option<&Item> {
        let key = (sender, Arc::from(reference));
        let sequence = self.committed.references.get(&key)?;
        self.committed.rows.get(sequence).map(|row| &row.item)
    }
}

impl Committed {
    /// Whether the batch can be applied as a whole.
    fn check(&self, batch: &Batch) -> Result<(), StoreError> {
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
        let fits = (1..=super::CHUNK_BYTES_MAX).contains(&chunk.bytes.len());
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

    fn apply(&mut self, batch: &Batch) {
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
                raw: vec![Arc::from(raw.as_str())],
            };
            self.rows.insert(item.sequence, row);
            self.keep_open(item);
        }
        for ChangedItem { item, content, raw } in &batch.changed_items {
            if let Some(content) = content {
                self.adopt(&content.attachments);
            }
            if let Some(row) = self.rows.get_mut(&item.sequence) {
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
        ItemState::InWorkflow | ItemState::Buffered => item.ended.is_none(),
        ItemState::Queued | ItemState::Connected | ItemState::Parked => {
            item.queued_at.is_some() && item.ended.is_none()
        }
        ItemState::Offered => false,
        ItemState::Ended => item.ended.is_some(),
    };
    if fits && item.version > 0 {
        Ok(())
    } else {
        conflict(format!("{:?} cannot be a row: {item:?}", item.sequence))
    }
}

impl Store for MemoryStore {
    fn number(&mut self, names: &Names) -> Result<Numbers, StoreError> {
        let numbers = &mut Arc::make_mut(&mut self.committed).numbers;
        for tenant in &names.tenants {
            let known = numbers
                .tenants
                .iter()
                .find(|(name, _)| *name == tenant.tenant);
            let number = match known {
                Some((_, number)) => *number,
                None => {
                    let number = TenantId(numbers.tenants.len() as u32 + 1);
                    numbers.tenants.push((tenant.tenant.clone(), number));
                    number
                }
            };
            for service in &tenant.services {
                let mut known = numbers.services.iter();
                if !known.any(|(of, name, _)| *of == number && name == service) {
                    let id = ServiceId(numbers.services.len() as u32 + 1);
                    numbers.services.push((number, service.clone(), id));
                }
            }
            for sender in &tenant.senders {
                let mut known = numbers.senders.iter();
                if !known.any(|(of, name, _)| *of == number && name == sender) {
                    let id = SenderId(numbers.senders.len() as u32 + 1);
                    numbers.senders.push((number, sender.clone(), id));
                }
            }
        }
        Ok(numbers.clone())
    }

    fn sweep(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.sweep_is_full) {
            return Err(StoreError::Full("planned".into()));
        }
        if self.committed.blobs.values().any(|blob| !blob.owned) {
            let committed = Arc::make_mut(&mut self.committed);
            committed.blobs.retain(|_, blob| blob.owned);
        }
        Ok(())
    }

    fn resume(&mut self) -> Result<Resume, StoreError> {
        let entrances = self.committed.entrances.iter();
        Ok(Resume {
            next_sequence: Sequence(self.committed.last_sequence + 1),
            entrances: entrances
                .map(|(service, orders)| (*service, orders.clone()))
                .collect(),
        })
    }

    fn people(&mut self) -> Result<PeopleRows, StoreError> {
        Ok(self.committed.people.rows())
    }

    fn open_items(&mut self, after: Sequence, limit: usize) -> Result<Vec<OpenItem>, StoreError> {
        let above = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
        let open = self.committed.open.range(above).take(limit);
        Ok(open
            .map(|sequence| {
                let item = &self.committed.rows[sequence].item;
                OpenItem {
                    sequence: item.sequence,
                    service: item.service,
                    state: item.state,
                    priority: item.priority,
                    not_before: item.not_before,
                    expires_at: item.expires_at,
                    received_at: item.received_at,
                }
            })
            .collect())
    }

    fn items(&mut self, sequences: &[Sequence]) -> Result<Vec<Item>, StoreError> {
        self.read()?;
        let rows = sequences.iter();
        let rows = rows.filter_map(|sequence| self.committed.rows.get(sequence));
        Ok(rows.map(|row| row.item.clone()).collect())
    }

    fn find_id(&mut self, id: ItemId) -> Result<Option<Item>, StoreError> {
        self.read()?;
        let sequence = self.committed.ids.get(&id);
        let row = sequence.and_then(|sequence| self.committed.rows.get(sequence));
        Ok(row.map(|row| row.item.clone()))
    }

    fn find_reference(
        &mut self,
        sender: SenderId,
        reference: &str,
    ) -> Result<Option<KnownReference>, StoreError> {
        self.read()?;
        if let Some(item) = self.by_reference(sender, reference) {
            return Ok(Some(KnownReference::Item(Box::new(item.clone()))));
        }
        let erased = (sender, reference.to_owned());
        let erased = self.committed.erased.contains(&erased);
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
        for (_, _, sender) in &self.committed.numbers.senders {
            found.extend(self.by_reference(*sender, name).cloned());
        }
        let of_tenant = found.into_iter().filter(|item| item.tenant == tenant);
        Ok(of_tenant.map(|item| item.sequence).max())
    }

    fn content(&mut self, sequence: Sequence) -> Result<Option<Content>, StoreError> {
        let row = self.committed.rows.get(&sequence);
        Ok(row.map(|row| (*row.content).clone()))
    }

    fn find_request(
        &mut self,
        sequence: Sequence,
        request_id: &str,
    ) -> Result<Option<AnsweredRequest>, StoreError> {
        let key = (sequence, request_id.to_owned());
        Ok(self.committed.requests.get(&key).cloned())
    }

    fn next_notifications(&mut self, per_sender: usize) -> Result<Vec<Notification>, StoreError> {
        Ok(self.with_items(self.committed.outbox.next(per_sender)))
    }

    fn parked_notifications(
        &mut self,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError> {
        Ok(self.with_items(self.committed.outbox.parked(after, limit)))
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let fault = self.faults.pop_front();
        match fault {
            Some(CommitFault::Before) => {
                return Err(StoreError::Fatal("planned crash before the commit".into()));
            }
            Some(CommitFault::Full) => return Err(StoreError::Full("planned".into())),
            Some(CommitFault::Failed) => return Err(StoreError::Failed("planned".into())),
            Some(CommitFault::AfterButLost) | None => {}
        }
        self.committed.check(batch)?;
        let people = self.committed.people.with(&batch.people)?;
        let committed = Arc::make_mut(&mut self.committed);
        committed.apply(batch);
        committed.people = people;
        self.commits += 1;
        match fault {
            Some(CommitFault::AfterButLost) => {
                Err(StoreError::Fatal("planned crash after the commit".into()))
            }
            Some(CommitFault::Before | CommitFault::Full | CommitFault::Failed) | None => Ok(()),
        }
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.probe_is_fatal) {
            return Err(StoreError::Fatal("planned".into()));
        }
        if self.probes_that_fail > 0 {
            self.probes_that_fail -= 1;
            return Err(StoreError::Full("planned".into()));
        }
        Ok(())
    }

    fn tidy(&mut self) -> Result<bool, StoreError> {
        Ok(false)
    }
}
