//! The bytes of bodies in flight: memory is bounded, and small messages are never held up by large
//! ones.
//!
//! A quarter of the budget is kept for bodies of up to [`SMALL_BODY_BYTES_MAX`]. A body takes its
//! share as it grows; once it is larger than small, all of its share comes from the other three
//! quarters. A large body that announces its length takes its whole share at once: bodies that were
//! let in half would only hold each other up. Those that cannot say how long they will be wait in
//! one line, and whoever is at its head gets all that becomes free until it is whole.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::timeout;

/// Bodies up to this size may use the quarter that is kept for them.
pub const SMALL_BODY_BYTES_MAX: usize = 64 * 1024;
/// The part of the budget that is kept for small bodies: one in so many.
const KEPT_PART: u64 = 4;

/// The budget of a daemon.
pub struct Budget {
    kept: Semaphore,
    common: Semaphore,
    line: Arc<Semaphore>,
    bytes_max: usize,
    wait: Duration,
}

/// A body could not grow in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room for the body among the bodies in flight")]
pub struct NoRoom;

/// What one body holds of the budget; given back when dropped.
pub struct Share {
    budget: Arc<Budget>,
    kept: usize,
    common: usize,
    head_of_line: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// A budget of `bytes_max` in which a body waits at most `wait` for room.
    pub fn new(bytes_max: u64, wait: Duration) -> Arc<Budget> {
        let narrow = |bytes: u64| usize::try_from(bytes).unwrap_or(Semaphore::MAX_PERMITS);
        let kept = narrow(bytes_max / KEPT_PART).min(Semaphore::MAX_PERMITS);
        let common = narrow(bytes_max - bytes_max / KEPT_PART).min(Semaphore::MAX_PERMITS);
        Arc::new(Budget {
            kept: Semaphore::new(kept),
            common: Semaphore::new(common),
            line: Arc::new(Semaphore::new(1)),
            bytes_max: kept + common,
            wait,
        })
    }

    /// An empty share.
    pub fn share(self: &Arc<Budget>) -> Share {
        Share {
            budget: self.clone(),
            kept: 0,
            common: 0,
            head_of_line: None,
        }
    }

    /// All of it, in bytes.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// How much bodies hold at this instant.
    pub fn bytes_used(&self) -> usize {
        self.bytes_max - self.kept.available_permits() - self.common.available_permits()
    }
}

impl Share {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.kept + self.common
    }

    /// Holds at least `bytes` from here on.
    ///
    /// # Errors
    /// [`NoRoom`] when it took too long: drop the body and what is held for it.
    pub async fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if bytes <= self.bytes() {
            return Ok(());
        }
        if bytes <= SMALL_BODY_BYTES_MAX {
            return self.grow_small(bytes - self.bytes()).await;
        }
        let more = bytes - self.common;
        if !try_take(&self.budget.common, more) {
            let wait = self.budget.wait;
            let waiting = timeout(wait, self.wait_for(more)).await;
            waiting.map_err(|_| NoRoom)??;
        }
        self.common = bytes;
        self.budget.kept.add_permits(std::mem::take(&mut self.kept));
        Ok(())
    }

    async fn wait_for(&mut self, more: usize) -> Result<(), NoRoom> {
        if self.head_of_line.is_none() {
            let line = self.budget.line.clone();
            self.head_of_line = Some(line.acquire_owned().await.map_err(|_| NoRoom)?);
        }
        take(&self.budget.common, more).await
    }

    async fn grow_small(&mut self, more: usize) -> Result<(), NoRoom> {
        let budget = &self.budget;
        if try_take(&budget.kept, more) {
            self.kept += more;
            return Ok(());
        }
        if try_take(&budget.common, more) {
            self.common += more;
            return Ok(());
        }
        let waiting = timeout(budget.wait, take(&budget.kept, more)).await;
        waiting.map_err(|_| NoRoom)??;
        self.kept += more;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.kept.add_permits(self.kept);
        self.budget.common.add_permits(self.common);
    }
}

fn try_take(from: &Semaphore, bytes: usize) -> bool {
    let Ok(permits) = u32::try_from(bytes) else {
        return false;
    };
    match from.try_acquire_many(permits) {
        Ok(permit) => {
            permit.forget();
            true
        }
        Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => false,
    }
}

async fn take(from: &Semaphore, bytes: usize) -> Result<(), NoRoom> {
    let permits = u32::try_from(bytes).map_err(|_| NoRoom)?;
    let permit = from.acquire_many(permits).await.map_err(|_| NoRoom)?;
    permit.forget();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(20);
    const SMALL: usize = SMALL_BODY_BYTES_MAX;

    #[tokio::test]
    async fn a_large_body_never_takes_the_part_kept_for_small_ones() {
        let budget = Budget::new(4 * SMALL as u64 * 2, WAIT);
        let mut large = budget.share();
        large.grow_to(6 * SMALL).await.expect("three quarters");
        assert_eq!(large.grow_to(6 * SMALL + 1).await, Err(NoRoom));
        let mut small = budget.share();
        small.grow_to(SMALL).await.expect("the kept quarter");
        assert_eq!(budget.bytes_used(), 7 * SMALL);
    }

    #[tokio::test]
    async fn a_body_that_outgrows_small_leaves_the_kept_part() {
        let budget = Budget::new(4 * SMALL as u64, WAIT);
        let mut body = budget.share();
        body.grow_to(SMALL).await.expect("small");
        assert_eq!((body.kept, body.common), (SMALL, 0));
        body.grow_to(SMALL + 1).await.expect("large");
        assert_eq!((body.kept, body.common), (0, SMALL + 1));
        drop(body);
        assert_eq!(budget.bytes_used(), 0);
    }

    #[tokio::test]
    async fn a_waiting_body_gets_what_another_gives_back() {
        let budget = Budget::new(4 * SMALL as u64, Duration::from_secs(60));
        let mut first = budget.share();
        first.grow_to(3 * SMALL).await.expect("all but the quarter");
        let mut second = budget.share();
        let waiting = tokio::spawn(async move { second.grow_to(2 * SMALL).await });
        tokio::task::yield_now().await;
        drop(first);
        assert_eq!(waiting.await.expect("joined"), Ok(()));
    }

    #[tokio::test]
    async fn who_waits_first_gets_all_that_becomes_free() {
        let budget = Budget::new(4 * SMALL as u64 * 2, Duration::from_secs(60));
        let mut bodies = Vec::new();
        for _ in 0..3 {
            let mut body = budget.share();
            body.grow_to(2 * SMALL).await.expect("a third of the room");
            bodies.push(body);
        }
        let given_up = bodies.pop().expect("the third");
        let [first, second] = bodies.try_into().unwrap_or_else(|_| unreachable!("two"));
        let grow = |mut body: Share| async move {
            for bytes in [3 * SMALL, 4 * SMALL] {
                body.grow_to(bytes).await?;
            }
            Ok::<Share, NoRoom>(body)
        };
        let first = tokio::spawn(grow(first));
        tokio::task::yield_now().await;
        let second = tokio::spawn(grow(second));
        tokio::task::yield_now().await;
        drop(given_up);
        let first = first.await.expect("joined").expect("it is whole");
        assert!(!second.is_finished(), "it waits for the first to be done");
        drop(first);
        assert!(second.await.expect("joined").is_ok());
    }

    #[tokio::test]
    async fn small_bodies_use_the_common_part_when_theirs_is_taken() {
        let budget = Budget::new(8, WAIT);
        let mut shares = Vec::new();
        for _ in 0..8 {
            let mut share = budget.share();
            share.grow_to(1).await.expect("room for eight");
            shares.push(share);
        }
        assert_eq!(budget.share().grow_to(1).await, Err(NoRoom));
        shares.pop();
        assert_eq!(budget.bytes_used(), 7);
    }
}
