//! How many items a sender may send: a token bucket per sender, as a pure function of time.

use std::sync::{Mutex, PoisonError};

use crate::domain::time::Timestamp;

/// What one item costs. A bucket gains the limit (items a minute) with every millisecond, so the
/// level is exact in integers.
const ITEM_COST: u64 = 60_000;
/// Milliseconds in a second.
const SECOND_MS: u64 = 1_000;

/// Tokens of one sender: full at the start, it holds one minute's worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// In parts of [`ITEM_COST`]; `u64::MAX` until the first use.
    level: u64,
    filled_at: Timestamp,
}

impl Bucket {
    /// A full bucket.
    pub fn full() -> Bucket {
        Bucket {
            level: u64::MAX,
            filled_at: Timestamp(i64::MIN),
        }
    }

    /// Takes up to `wanted` tokens at `now` and says how many there were. A clock that went
    /// backwards gives and takes nothing.
    pub fn take(&mut self, now: Timestamp, per_minute: u32, wanted: u32) -> u32 {
        self.fill(now, per_minute);
        let there = self.level / ITEM_COST;
        let taken = there.min(u64::from(wanted));
        self.level -= taken * ITEM_COST;
        u32::try_from(taken).expect("not more than was wanted")
    }

    /// Gives back tokens that were taken for nothing.
    pub fn give_back(&mut self, per_minute: u32, tokens: u32) {
        let full = u64::from(per_minute) * ITEM_COST;
        let more = self.level.saturating_add(u64::from(tokens) * ITEM_COST);
        self.level = more.min(full);
    }

    /// Tokens there are at `now`.
    pub fn left(&self, now: Timestamp, per_minute: u32) -> u32 {
        let mut filled = *self;
        filled.fill(now, per_minute);
        u32::try_from(filled.level / ITEM_COST).unwrap_or(u32::MAX)
    }

    /// Whole seconds until there is a token again, at least 1.
    pub fn wait_s(&self, per_minute: u32) -> u32 {
        let missing = ITEM_COST.saturating_sub(self.level);
        let ms = missing.div_ceil(u64::from(per_minute.max(1)));
        u32::try_from(ms.div_ceil(SECOND_MS).max(1)).unwrap_or(u32::MAX)
    }

    fn fill(&mut self, now: Timestamp, per_minute: u32) {
        let full = u64::from(per_minute) * ITEM_COST;
        let elapsed_ms = u64::try_from(now.since_ms(self.filled_at)).unwrap_or(0);
        let gained = elapsed_ms.saturating_mul(u64::from(per_minute));
        self.level = self.level.saturating_add(gained).min(full);
        self.filled_at = now;
    }
}

/// The bucket that all connections of a sender share.
#[derive(Debug)]
pub struct Rate(Mutex<Bucket>);

impl Default for Rate {
    fn default() -> Rate {
        Rate(Mutex::new(Bucket::full()))
    }
}

impl Rate {
    /// Takes up to `wanted` tokens; says how many there were. `None` means no limit.
    pub fn take(&self, now: Timestamp, per_minute: Option<u32>, wanted: u32) -> u32 {
        per_minute.map_or(wanted, |limit| {
            self.with(|bucket| bucket.take(now, limit, wanted))
        })
    }

    /// Gives back tokens that were taken for nothing.
    pub fn give_back(&self, per_minute: Option<u32>, tokens: u32) {
        if let Some(limit) = per_minute {
            self.with(|bucket| bucket.give_back(limit, tokens));
        }
    }

    /// Tokens there are; `None`: no limit.
    pub fn left(&self, now: Timestamp, per_minute: Option<u32>) -> Option<u32> {
        per_minute.map(|limit| self.with(|bucket| bucket.left(now, limit)))
    }

    /// Whole seconds until there is a token again.
    pub fn wait_s(&self, per_minute: Option<u32>) -> u32 {
        per_minute.map_or(1, |limit| self.with(|bucket| bucket.wait_s(limit)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Bucket) -> T) -> T {
        // A bucket is whole after every step, so a panic elsewhere has not spoilt it.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_follows_the_clock() {
        // (milliseconds, wanted, granted) with 60 a minute: one token a second, 60 at most.
        let steps = [
            (0, 59, 59),
            (0, 1, 1),
            (0, 1, 0),
            (999, 1, 0),
            (1_000, 1, 1),
            (1_000, 1, 0),
            (500, 1, 0),
            (2_500, 5, 2),
            (120_000, 100, 60),
            (120_000, 1, 0),
        ];
        let mut bucket = Bucket::full();
        for (step, (ms, wanted, granted)) in steps.into_iter().enumerate() {
            let taken = bucket.take(Timestamp(ms), 60, wanted);
            assert_eq!(taken, granted, "step {step}");
        }
    }

    #[test]
    fn the_wait_is_until_the_next_token() {
        let mut bucket = Bucket::full();
        assert_eq!(bucket.take(Timestamp(0), 6, 6), 6);
        assert_eq!(bucket.wait_s(6), 10);
        assert_eq!(bucket.take(Timestamp(9_500), 6, 1), 0);
        assert_eq!(bucket.wait_s(6), 1);
        assert_eq!(bucket.take(Timestamp(10_000), 6, 1), 1);
    }

    #[test]
    fn tokens_given_back_never_overfill() {
        let mut bucket = Bucket::full();
        assert_eq!(bucket.take(Timestamp(0), 10, 3), 3);
        bucket.give_back(10, 2);
        assert_eq!(bucket.left(Timestamp(0), 10), 9);
        bucket.give_back(10, 5);
        assert_eq!(bucket.left(Timestamp(0), 10), 10);
    }

    #[test]
    fn a_tighter_limit_holds_at_once() {
        let mut bucket = Bucket::full();
        assert_eq!(bucket.take(Timestamp(0), 1_000, 1), 1);
        assert_eq!(bucket.take(Timestamp(0), 5, 100), 5);
    }

    #[test]
    fn a_sender_without_a_limit_always_gets_all() {
        let rate = Rate::default();
        assert_eq!(rate.take(Timestamp(0), None, 1_000), 1_000);
        assert_eq!(rate.left(Timestamp(0), None), None);
    }
}
