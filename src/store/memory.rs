//! The store without a disk: the simulator's. Same answers as [`super::sqlite`], and faults on
//! demand.
//!
//! What is committed is shared between clones until one of them commits again, so the simulator
//! can take the state before every step.

mod committed;
mod flows;
mod outbox;
mod people;
mod sessions;

use std::collections::VecDeque;
use std::sync::Arc;

use self::committed::Committed;
use super::people::PeopleRows;
use super::read::UserState;
use super::{
    AnsweredRequest, AuditEntry, Batch, KnownReference, Names, Numbers, OpenItem, Resume, Store,
    StoreError, TRACEPARENT, WorkflowSource,
};
use crate::domain::content::Content;
use crate::domain::follow_up::{FollowUp, FollowUpId};
use crate::domain::ids::{BlobId, ItemId, SenderId, Sequence, ServiceId, TenantId, UserId};
use crate::domain::item::Item;
use crate::domain::journal::JournalEntry;
use crate::domain::notification::{DeliveryState, NewNotification, Notification, NotificationId};
use crate::domain::session::{AgentSession, ServiceSession};
use crate::domain::time::Timestamp;
use crate::domain::workflow::WorkflowDigest;

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

    /// The stays of an item in services that are over, the first first.
    pub fn service_sessions(&self, sequence: Sequence) -> &[ServiceSession] {
        self.committed.sessions.of_services(sequence)
    }

    /// The states that a user was in from `from` to before `to`, in order.
    pub fn user_states(&self, user: UserId, from: Timestamp, to: Timestamp) -> Vec<UserState> {
        self.committed.sessions.states(user, from, to)
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
                    expires_at: item.expiry_in_force(),
                    received_at: item.received_at,
                    waiting_since: item.waiting_since(),
                    agent: item.holder.map(|holder| holder.agent),
                    parked_until: item.holder.and_then(|holder| holder.parked_until),
                    wish: item.wish.clone(),
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

    fn agent_sessions(&mut self, sequence: Sequence) -> Result<Vec<AgentSession>, StoreError> {
        self.read()?;
        Ok(self.committed.sessions.of_item(sequence))
    }

    fn ringing(&mut self) -> Result<Vec<AgentSession>, StoreError> {
        Ok(self.committed.sessions.ringing())
    }

    fn held_by(&mut self, agent: UserId) -> Result<Vec<Sequence>, StoreError> {
        self.read()?;
        let range = (agent, Sequence(0))..=(agent, Sequence(u64::MAX));
        let held = self.committed.held.range(range);
        Ok(held.map(|(_, sequence)| *sequence).collect())
    }

    fn traceparent(&mut self, sequence: Sequence) -> Result<Option<String>, StoreError> {
        let first = self.journal(sequence).find(|line| line.number == 1);
        let data = first.map(|line| &*line.data).unwrap_or_default();
        let trace = data.iter().find(|(name, _)| *name == TRACEPARENT);
        Ok(trace.map(|(_, trace)| trace.clone()))
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

    fn flow_timers(
        &mut self,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<(Sequence, Timestamp)>, StoreError> {
        let above = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
        let rows = self.committed.rows.range(above);
        let due = rows.filter_map(|(sequence, row)| Some((*sequence, row.item.flow_due()?)));
        Ok(due.take(limit).collect())
    }

    fn workflow(&mut self, digest: WorkflowDigest) -> Result<Option<WorkflowSource>, StoreError> {
        self.read()?;
        Ok(self.committed.flows.workflow(digest).cloned())
    }

    fn follow_up(&mut self, id: FollowUpId) -> Result<Option<FollowUp>, StoreError> {
        self.read()?;
        Ok(self.committed.flows.follow_up(id).cloned())
    }

    fn open_follow_ups(&mut self, sequence: Sequence) -> Result<Vec<FollowUp>, StoreError> {
        self.read()?;
        Ok(self.committed.flows.open(sequence).cloned().collect())
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
