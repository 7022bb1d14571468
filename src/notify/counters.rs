//! What happened to notifications in this process, counted for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Plain counters; each only grows, but for `in_flight`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Taken by their receivers.
    pub delivered: AtomicU64,
    /// Attempts that failed, the last ones of parked notifications included.
    pub failed: AtomicU64,
    /// Given up.
    pub parked: AtomicU64,
    /// Attempts whose result could not be stored: they are made again.
    pub unmarked: AtomicU64,
    /// Attempts under way now.
    pub in_flight: AtomicU64,
}

/// The counters at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// See [`Counters::delivered`].
    pub delivered: u64,
    /// See [`Counters::failed`].
    pub failed: u64,
    /// See [`Counters::parked`].
    pub parked: u64,
    /// See [`Counters::unmarked`].
    pub unmarked: u64,
    /// See [`Counters::in_flight`].
    pub in_flight: u64,
}

impl Counters {
    /// What they stand at.
    pub fn read(&self) -> Counted {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counted {
            delivered: read(&self.delivered),
            failed: read(&self.failed),
            parked: read(&self.parked),
            unmarked: read(&self.unmarked),
            in_flight: read(&self.in_flight),
        }
    }
}

/// Counts one more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
