//! Versions of workflows, alerts and buttons in the store without a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::follow_up::{FollowUp, FollowUpId};
use crate::domain::ids::{Sequence, TenantId};
use crate::domain::journal::Actor;
use crate::domain::time::Timestamp;
use crate::domain::workflow::WorkflowDigest;
use crate::store::{Batch, StoreError, WorkflowSource};

/// What is committed.
#[derive(Debug, Clone, Default)]
pub(super) struct Flows {
    workflows: BTreeMap<WorkflowDigest, WorkflowSource>,
    follow_ups: BTreeMap<FollowUpId, FollowUp>,
    /// Those that are open, the oldest of an item first.
    open: BTreeSet<(Sequence, Timestamp, FollowUpId)>,
}

impl Flows {
    /// Whether the batch can be applied. `tenant` is that of an item, if it exists with the batch.
    pub(super) fn check(
        &self,
        batch: &Batch,
        tenant: impl Fn(Sequence) -> Option<TenantId>,
    ) -> Result<(), StoreError> {
        let mut once = BTreeSet::new();
        for next in &batch.follow_ups {
            let fits = match self.follow_ups.get(&next.id) {
                None => tenant(next.sequence) == Some(next.tenant) && is_row(next),
                Some(known) => known.may_become(next) && is_row(next),
            };
            if !fits || !once.insert(next.id) {
                return Err(StoreError::Conflict(format!(
                    "follow-up {} cannot be written: {next:?}",
                    next.id
                )));
            }
        }
        Ok(())
    }

    /// Applies a batch that was checked.
    pub(super) fn apply(flows: &mut Arc<Flows>, batch: &Batch) {
        if batch.workflows.is_empty() && batch.follow_ups.is_empty() {
            return;
        }
        let flows = Arc::make_mut(flows);
        for version in &batch.workflows {
            let known = flows.workflows.entry(version.digest);
            known.or_insert_with(|| version.clone());
        }
        for next in &batch.follow_ups {
            let key = (next.sequence, next.shown_at, next.id);
            if next.closed.is_none() {
                flows.open.insert(key);
            } else {
                flows.open.remove(&key);
            }
            flows.follow_ups.insert(next.id, next.clone());
        }
    }

    /// The file of that version.
    pub(super) fn workflow(&self, digest: WorkflowDigest) -> Option<&WorkflowSource> {
        self.workflows.get(&digest)
    }

    /// The alert or button of that id.
    pub(super) fn follow_up(&self, id: FollowUpId) -> Option<&FollowUp> {
        self.follow_ups.get(&id)
    }

    /// The open alerts and buttons of an item, the oldest first.
    pub(super) fn open(&self, sequence: Sequence) -> impl Iterator<Item = &FollowUp> {
        let first = (sequence, Timestamp(i64::MIN), FollowUpId(uuid::Uuid::nil()));
        let last = (sequence, Timestamp(i64::MAX), FollowUpId(uuid::Uuid::max()));
        let open = self.open.range(first..=last);
        open.map(|(_, _, id)| &self.follow_ups[id])
    }
}

/// What the file says about a follow-up.
fn is_row(follow_up: &FollowUp) -> bool {
    let closed = follow_up.closed.as_ref();
    let by_engine = closed.is_some_and(|closed| closed.by == Some(Actor::Engine));
    (1..=follow_up.stages).contains(&follow_up.stage.0) && !by_engine
}
