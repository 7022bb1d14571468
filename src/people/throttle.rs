//! How often somebody may try to sign in: token buckets for names and for addresses. Pure: time is
//! an argument.
//!
//! A try that succeeds gives its token back, so nobody who knows the password is ever held up by
//! themselves, and an office behind one address signs in as fast as passwords can be hashed.

use std::collections::HashMap;
use std::hash::Hash;

use crate::domain::time::Timestamp;

/// Tries at a name without waiting.
pub const NAME_BURST: u32 = 10;
/// Milliseconds until a name has another.
pub const NAME_REFILL_MS: i64 = 30_000;
/// Tries from an address without waiting.
pub const ADDRESS_BURST: u32 = 50;
/// Milliseconds until an address has another.
pub const ADDRESS_REFILL_MS: i64 = 2_000;
/// Names, and addresses, that are remembered; those beyond share one bucket.
pub const REMEMBERED_MAX: usize = 10_000;

/// What a bucket holds at most, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Tokens of a full bucket.
    pub burst: u32,
    /// Milliseconds for one token.
    pub refill_ms: i64,
}

/// The pace of a name.
pub const NAME_PACE: Pace = Pace {
    burst: NAME_BURST,
    refill_ms: NAME_REFILL_MS,
};
/// The pace of an address.
pub const ADDRESS_PACE: Pace = Pace {
    burst: ADDRESS_BURST,
    refill_ms: ADDRESS_REFILL_MS,
};

/// Tokens, as the time at which the bucket would be full.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    full_at: Timestamp,
}

impl Bucket {
    fn take(&mut self, pace: Pace, now: Timestamp) -> Result<(), i64> {
        let capacity_ms = i64::from(pace.burst) * pace.refill_ms;
        // A clock set back must not hold anybody up for longer than an empty bucket does.
        let missing_ms = self.full_at.since_ms(now).clamp(0, capacity_ms);
        let wait_ms = missing_ms + pace.refill_ms - capacity_ms;
        if wait_ms > 0 {
            return Err(wait_ms);
        }
        self.full_at = now.plus_ms(missing_ms + pace.refill_ms);
        Ok(())
    }
}

/// The buckets of one kind of key.
#[derive(Debug)]
pub struct Throttle<K> {
    pace: Pace,
    buckets: HashMap<K, Bucket>,
    others: Bucket,
    remembered_max: usize,
}

impl<K: Eq + Hash> Throttle<K> {
    /// All buckets full.
    pub fn new(pace: Pace) -> Throttle<K> {
        Throttle::with(pace, REMEMBERED_MAX)
    }

    fn with(pace: Pace, remembered_max: usize) -> Throttle<K> {
        Throttle {
            pace,
            buckets: HashMap::new(),
            others: Bucket {
                full_at: Timestamp(i64::MIN),
            },
            remembered_max,
        }
    }

    /// One try.
    ///
    /// # Errors
    /// Milliseconds until there is another; nothing was taken.
    pub fn take(&mut self, key: K, now: Timestamp) -> Result<(), i64> {
        if self.buckets.len() >= self.remembered_max && !self.buckets.contains_key(&key) {
            // What is full again says no more than what is forgotten.
            self.buckets.retain(|_, bucket| bucket.full_at > now);
        }
        let is_known = self.buckets.contains_key(&key);
        if !is_known && self.buckets.len() >= self.remembered_max {
            return self.others.take(self.pace, now);
        }
        let bucket = self.buckets.entry(key).or_insert(Bucket { full_at: now });
        bucket.take(self.pace, now)
    }

    /// The try succeeded: it does not count.
    pub fn give_back(&mut self, key: &K) {
        if let Some(bucket) = self.buckets.get_mut(key) {
            bucket.full_at = bucket.full_at.plus_ms(-self.pace.refill_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        burst: 3,
        refill_ms: 1_000,
    };

    #[test]
    fn tries_follow_the_table() {
        // (milliseconds, key, wait)
        let steps = [
            (0, "anna", Ok(())),
            (0, "anna", Ok(())),
            (0, "anna", Ok(())),
            (0, "anna", Err(1_000)),
            (0, "bert", Ok(())),
            (999, "anna", Err(1)),
            (1_000, "anna", Ok(())),
            (1_000, "anna", Err(1_000)),
            (3_000, "anna", Ok(())),
            (3_000, "anna", Ok(())),
            (3_000, "anna", Err(1_000)),
            (60_000, "anna", Ok(())),
            (60_000, "anna", Ok(())),
            (60_000, "anna", Ok(())),
            (60_000, "anna", Err(1_000)),
            (0, "anna", Err(1_000)),
            (1_000, "bert", Ok(())),
        ];
        let mut throttle = Throttle::new(PACE);
        for (step, (ms, key, expected)) in steps.into_iter().enumerate() {
            let taken = throttle.take(key, Timestamp(ms));
            assert_eq!(taken, expected, "step {step}");
        }
    }

    #[test]
    fn a_try_that_succeeds_does_not_count() {
        let mut throttle = Throttle::new(PACE);
        for _ in 0..100 {
            throttle.take("anna", Timestamp(0)).expect("there is one");
            throttle.give_back(&"anna");
        }
        throttle.give_back(&"anna");
        for _ in 0..3 {
            throttle.take("anna", Timestamp(0)).expect("three at most");
        }
        throttle
            .take("anna", Timestamp(0))
            .expect_err("given back too often");
    }

    #[test]
    fn a_refused_try_takes_nothing() {
        let mut throttle = Throttle::new(PACE);
        for _ in 0..3 {
            throttle.take("anna", Timestamp(0)).expect("there is one");
        }
        for _ in 0..100 {
            assert_eq!(throttle.take("anna", Timestamp(0)), Err(1_000));
        }
        throttle
            .take("anna", Timestamp(1_000))
            .expect("one is back");
    }

    #[test]
    fn what_is_remembered_is_limited_and_the_rest_share() {
        let mut throttle = Throttle::with(PACE, 2);
        let now = Timestamp(0);
        for key in ["a", "b", "c", "d", "e"] {
            throttle.take(key, now).expect("there is one");
        }
        assert_eq!(throttle.buckets.len(), 2);
        assert_eq!(
            throttle.take("f", now),
            Err(1_000),
            "three of the others before"
        );
        throttle.take("a", now).expect("its own bucket");
        let later = Timestamp(60_000);
        throttle
            .take("f", later)
            .expect("the full ones are forgotten");
        assert_eq!(throttle.buckets.len(), 1);
    }
}
