//! Ids of new items: UUIDv7 with 74 random bits.

use uuid::{Builder, Uuid};

use crate::domain::ids::ItemId;
use crate::domain::time::Timestamp;

/// Random bytes of one UUIDv7.
const RANDOM_BYTES: usize = 10;
/// Random bytes fetched from the source at once.
const POOL_BYTES: usize = RANDOM_BYTES * 128;

/// Where random bytes come from: the operating system, or a seed in the simulator.
pub type RandomSource = Box<dyn FnMut(&mut [u8]) + Send>;

/// Makes ids.
pub struct Ids {
    source: RandomSource,
    pool: Vec<u8>,
    used: usize,
    /// The last one: ids rise within a millisecond too, so that lists keep the order of events.
    last: Uuid,
}

impl Ids {
    /// Ids with random bytes of `source`.
    pub fn new(source: RandomSource) -> Ids {
        Ids {
            source,
            pool: vec![0; POOL_BYTES],
            used: POOL_BYTES,
            last: Uuid::nil(),
        }
    }

    /// An id for an item of this instant.
    pub fn next(&mut self, now: Timestamp) -> ItemId {
        if self.used == POOL_BYTES {
            (self.source)(&mut self.pool);
            self.used = 0;
        }
        let random = &self.pool[self.used..self.used + RANDOM_BYTES];
        self.used += RANDOM_BYTES;
        let random = random.try_into().expect("ten bytes");
        let ms = u64::try_from(now.0).unwrap_or(0);
        let id = Builder::from_unix_timestamp_millis(ms, random).into_uuid();
        let same_instant = id.as_bytes()[..6] == self.last.as_bytes()[..6];
        self.last = match same_instant && id < self.last {
            // Behind the last one by a step that nobody can guess; the first bits of the tail say
            // which kind of id it is and stay.
            true => Uuid::from_u128(self.last.as_u128() + 1 + step(random)),
            false => id,
        };
        ItemId(self.last)
    }
}

/// Less than 2^32, so that a millisecond has room for two thousand million of them.
fn step(random: &[u8; RANDOM_BYTES]) -> u128 {
    let tail = random[RANDOM_BYTES - 4..].try_into().unwrap_or_default();
    u128::from(u32::from_be_bytes(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_instant_rise_and_stay_ids_of_that_instant() {
        let mut ids = Ids::new(crate::engine::world::seeded(1));
        let mut before = ids.next(Timestamp(1_000));
        for _ in 0..10_000 {
            let id = ids.next(Timestamp(1_000));
            assert!(id > before, "{id} after {before}");
            assert_eq!(id.0.get_version_num(), 7);
            assert_eq!(id.0.as_bytes()[..6], before.0.as_bytes()[..6]);
            before = id;
        }
        assert!(ids.next(Timestamp(2_000)) > before);
        assert!(
            ids.next(Timestamp(1_500)) < ids.next(Timestamp(2_000)),
            "a clock set back"
        );
    }
}
