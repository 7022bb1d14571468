//! Ids of new items: UUIDv7 with 74 random bits.

use uuid::Builder;

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
}

impl Ids {
    /// Ids with random bytes of `source`.
    pub fn new(source: RandomSource) -> Ids {
        Ids {
            source,
            pool: vec![0; POOL_BYTES],
            used: POOL_BYTES,
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
        ItemId(Builder::from_unix_timestamp_millis(ms, random).into_uuid())
    }
}
