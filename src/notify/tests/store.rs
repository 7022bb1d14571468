//! A store in memory that outlives the engine it is given to, and fails when told.

use std::sync::{Arc, Mutex};

use crate::domain::content::Content;
use crate::domain::follow_up::{FollowUp, FollowUpId};
use crate::domain::ids::{ItemId, SenderId, Sequence, TenantId, UserId};
use crate::domain::item::Item;
use crate::domain::notification::{AttemptResult, DeliveryState, Notification, NotificationId};
use crate::domain::session::AgentSession;
use crate::domain::time::Timestamp;
use crate::domain::workflow::WorkflowDigest;
use crate::store::memory::{CommitFault, MemoryStore};
use crate::store::people::PeopleRows;
use crate::store::{
    AnsweredRequest, Batch, KnownReference, Names, Numbers, OpenItem, Resume, Store, StoreError,
    WorkflowSource,
};

/// Shared by the test and the engine's thread.
#[derive(Clone, Default)]
pub struct SharedStore {
    store: Arc<Mutex<MemoryStore>>,
    /// What the next commit of a delivered mark does.
    fault_at_mark: Arc<Mutex<Option<CommitFault>>>,
}

impl SharedStore {
    /// The next commit that marks something as delivered fails so.
    pub fn fail_at_mark(&self, fault: CommitFault) {
        *self.fault_at_mark.lock().expect("not poisoned") = Some(fault);
    }

    /// The store as the next process finds it.
    pub fn crash(&self) -> SharedStore {
        let store = self.with(|store| store.crash());
        SharedStore {
            store: Arc::new(Mutex::new(store)),
            ..SharedStore::default()
        }
    }

    /// How far the notifications of an item are, by number.
    pub fn states(&self, item: u64) -> Vec<DeliveryState> {
        self.with(|store| {
            let all = store.notifications(Sequence(item));
            all.map(|(_, _, state)| state).collect()
        })
    }

    fn with<T>(&self, verb: impl FnOnce(&mut MemoryStore) -> T) -> T {
        verb(&mut self.store.lock().expect("not poisoned"))
    }
}

impl Store for SharedStore {
    fn number(&mut self, names: &Names) -> Result<Numbers, StoreError> {
        self.with(|store| store.number(names))
    }
    fn sweep(&mut self) -> Result<(), StoreError> {
        self.with(MemoryStore::sweep)
    }
    fn resume(&mut self) -> Result<Resume, StoreError> {
        self.with(MemoryStore::resume)
    }
    fn people(&mut self) -> Result<PeopleRows, StoreError> {
        self.with(MemoryStore::people)
    }
    fn open_items(&mut self, after: Sequence, limit: usize) -> Result<Vec<OpenItem>, StoreError> {
        self.with(|store| store.open_items(after, limit))
    }
    fn items(&mut self, sequences: &[Sequence]) -> Result<Vec<Item>, StoreError> {
        self.with(|store| store.items(sequences))
    }
    fn find_id(&mut self, id: ItemId) -> Result<Option<Item>, StoreError> {
        self.with(|store| store.find_id(id))
    }
    fn find_reference(
        &mut self,
        sender: SenderId,
        reference: &str,
    ) -> Result<Option<KnownReference>, StoreError> {
        self.with(|store| store.find_reference(sender, reference))
    }
    fn find_related(
        &mut self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<Sequence>, StoreError> {
        self.with(|store| store.find_related(tenant, name))
    }
    fn content(&mut self, sequence: Sequence) -> Result<Option<Content>, StoreError> {
        self.with(|store| store.content(sequence))
    }
    fn agent_sessions(&mut self, sequence: Sequence) -> Result<Vec<AgentSession>, StoreError> {
        self.with(|store| store.agent_sessions(sequence))
    }
    fn ringing(&mut self) -> Result<Vec<AgentSession>, StoreError> {
        self.with(|store| store.ringing())
    }
    fn held_by(&mut self, agent: UserId) -> Result<Vec<Sequence>, StoreError> {
        self.with(|store| store.held_by(agent))
    }
    fn traceparent(&mut self, sequence: Sequence) -> Result<Option<String>, StoreError> {
        self.with(|store| store.traceparent(sequence))
    }
    fn find_request(
        &mut self,
        sequence: Sequence,
        request_id: &str,
    ) -> Result<Option<AnsweredRequest>, StoreError> {
        self.with(|store| store.find_request(sequence, request_id))
    }
    fn next_notifications(&mut self, per_sender: usize) -> Result<Vec<Notification>, StoreError> {
        self.with(|store| store.next_notifications(per_sender))
    }
    fn parked_notifications(
        &mut self,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError> {
        self.with(|store| store.parked_notifications(after, limit))
    }
    fn flow_timers(
        &mut self,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<(Sequence, Timestamp)>, StoreError> {
        self.with(|store| store.flow_timers(after, limit))
    }
    fn workflow(&mut self, digest: WorkflowDigest) -> Result<Option<WorkflowSource>, StoreError> {
        self.with(|store| store.workflow(digest))
    }
    fn follow_up(&mut self, id: FollowUpId) -> Result<Option<FollowUp>, StoreError> {
        self.with(|store| store.follow_up(id))
    }
    fn open_follow_ups(&mut self, sequence: Sequence) -> Result<Vec<FollowUp>, StoreError> {
        self.with(|store| store.open_follow_ups(sequence))
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut attempts = batch.attempts.iter();
        if attempts.any(|attempt| attempt.result == AttemptResult::Delivered) {
            let fault = self.fault_at_mark.lock().expect("not poisoned").take();
            if let Some(fault) = fault {
                self.with(|store| store.fail_next_commit(fault));
            }
        }
        self.with(|store| store.commit(batch))
    }
    fn probe(&mut self) -> Result<(), StoreError> {
        self.with(MemoryStore::probe)
    }
    fn tidy(&mut self) -> Result<bool, StoreError> {
        self.with(MemoryStore::tidy)
    }
}
