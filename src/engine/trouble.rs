//! When the store fails: who is told what, how the engine goes on from what is on disk, and when
//! it tries again.

use tracing::{error, info, warn};

use crate::domain::code::Code;
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::store::{Store, StoreError};

use super::live::LiveEvent;
use super::turn::Turn;
use super::view::{Intake, View};
use super::{Engine, StartError};

/// Milliseconds between two probe writes while the store is full.
pub(super) const PROBE_INTERVAL_MS: i64 = 1_000;
/// Milliseconds that timers and entrances rest after a failed commit: what is due would be due
/// again at once, and each try reads everything back.
pub(super) const REST_MS: i64 = 1_000;

impl<S: Store> Engine<S> {
    /// After a failed commit: everybody in the batch is refused and the core is made anew. After a
    /// fatal one nobody is told anything: the items may be on disk, and an error would deny it.
    pub(super) fn recover(
        &mut self,
        failure: StoreError,
        turn: Turn,
        publish: &mut dyn FnMut(View, Vec<LiveEvent>),
    ) -> Result<(), StoreError> {
        let refusal = match &failure {
            StoreError::Full(_) => storage_full(),
            StoreError::Failed(_) | StoreError::Conflict(_) => storage_failed(),
            StoreError::Fatal(_) | StoreError::Newer { .. } | StoreError::Locked(_) => {
                error!(error = %failure, "the store can no longer be trusted; stopping");
                self.unanswered = turn.pending;
                return Err(failure);
            }
        };
        turn.pending
            .into_iter()
            .for_each(|pending| pending.refuse(&refusal));
        error!(error = %failure, "a batch was not stored; nothing of it was accepted");
        self.uploads.failed(&turn.batch);
        self.rest_until = turn.now.plus_ms(REST_MS);
        if matches!(failure, StoreError::Full(_)) {
            self.intake = Intake::StorageFull;
            self.probe_at = turn.now.plus_ms(PROBE_INTERVAL_MS);
        }
        self.rebuild_in_force(turn.now)?;
        publish(self.view(), Vec::new());
        Ok(())
    }

    /// While the store is full: tries at intervals whether it still is.
    pub(super) fn probe(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let due = self.probe_at <= now || self.probe_at > now.plus_ms(PROBE_INTERVAL_MS);
        if self.intake == Intake::Open || !due {
            return Ok(());
        }
        match self.store.probe() {
            Ok(()) => {
                info!("the store has room again; taking new items");
                self.intake = Intake::Open;
            }
            Err(error @ (StoreError::Full(_) | StoreError::Failed(_))) => {
                warn!(%error, "the store is still full");
                self.probe_at = now.plus_ms(PROBE_INTERVAL_MS);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    pub(super) fn intake_is_open(&self) -> Result<(), Refusal> {
        match self.intake {
            Intake::Open => Ok(()),
            Intake::StorageFull => Err(storage_full()),
        }
    }

    /// Whether a failed commit was just now, by a clock that may have been set back since.
    pub(super) fn rests(&self, now: Timestamp) -> bool {
        self.rest_until > now && self.rest_until <= now.plus_ms(REST_MS)
    }

    /// Makes the core anew with the policy in force.
    pub(super) fn rebuild_in_force(&mut self, now: Timestamp) -> Result<(), StoreError> {
        match self.rebuild(self.policy.clone(), now) {
            Ok(()) => Ok(()),
            Err(StartError::Store(error)) => Err(error),
            Err(StartError::Policy(message)) => Err(StoreError::Fatal(message)),
        }
    }

    /// One slice of the store's housekeeping. Returns whether there is more.
    ///
    /// # Errors
    /// The store can no longer be trusted: end the process.
    pub fn tidy(&mut self) -> Result<bool, StoreError> {
        if self.intake == Intake::StorageFull {
            return Ok(false);
        }
        match self.store.tidy() {
            Ok(more) => Ok(more),
            Err(error @ (StoreError::Full(_) | StoreError::Failed(_))) => {
                warn!(%error, "the store could not be tidied; trying again later");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Seconds a sender should wait after a failure of the store.
const STORAGE_RETRY_AFTER_S: u32 = 10;

pub(super) fn storage_full() -> Refusal {
    Problem::new(
        Code::StorageFull,
        "There is no room to store the item: nothing was created, send it again later.",
    )
    .retry_after(STORAGE_RETRY_AFTER_S)
    .into()
}

pub(super) fn storage_failed() -> Refusal {
    Problem::new(
        Code::StorageFailed,
        "The item could not be stored: nothing was created, send it again later.",
    )
    .retry_after(STORAGE_RETRY_AFTER_S)
    .into()
}
