//! How long a queued item may wait: from recent handling times and the agents who are there.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::answer::EstimatedWait;
use crate::domain::ids::ServiceId;
use crate::domain::time::Timestamp;

use super::distribution::Distribution;

/// Handling times kept of a service: the newest.
const HANDLING_TIMES_MAX: usize = 50;
/// Longest wait that is told, in milliseconds: beyond 30 days nobody believes it.
const WAIT_MAX_MS: i64 = 30 * 24 * 3_600_000;

/// Recent handling times by service, in milliseconds from acceptance to end. Volatile: unknown
/// again after a start.
#[derive(Debug, Default)]
pub(super) struct HandlingTimes {
    recent: BTreeMap<ServiceId, VecDeque<i64>>,
}

impl HandlingTimes {
    fn note(&mut self, service: ServiceId, ms: i64) {
        let recent = self.recent.entry(service).or_default();
        if recent.len() == HANDLING_TIMES_MAX {
            recent.pop_front();
        }
        recent.push_back(ms.max(0));
    }

    fn mean_ms(&self, service: ServiceId) -> Option<i64> {
        let recent = self.recent.get(&service).filter(|it| !it.is_empty())?;
        let sum = recent.iter().fold(0_i64, |sum, ms| sum.saturating_add(*ms));
        Some(sum / recent.len() as i64)
    }
}

impl Distribution {
    /// An agent has ended an item of the service after so many milliseconds.
    pub fn note_handled(&mut self, service: ServiceId, ms: i64) {
        self.handling_times.note(service, ms);
    }

    /// How long the item at `position` (from 1) in the service's queue may wait: nothing while an
    /// agent is free, else its share of the recent mean handling time over the agents who are
    /// there. `None`: nobody is, or nothing was handled yet.
    pub fn estimated_wait(
        &self,
        service: ServiceId,
        position: u64,
        now: Timestamp,
    ) -> Option<EstimatedWait> {
        let desk = self.desks.get(&service)?;
        let mean_ms = self.handling_times.mean_ms(service)?;
        let agents = i64::try_from(desk.present)
            .ok()
            .filter(|count| *count > 0)?;
        let free = desk.free.len() as u64;
        let ahead = i64::try_from(position.saturating_sub(free)).unwrap_or(i64::MAX);
        let wait_ms = ahead.saturating_mul(mean_ms) / agents;
        Some(EstimatedWait {
            wait_ms: wait_ms.min(WAIT_MAX_MS),
            computed_at: now,
        })
    }

    /// Takes over what another knew.
    pub(super) fn adopt_handling_times(&mut self, old: HandlingTimes) {
        self.handling_times = old;
    }
}
