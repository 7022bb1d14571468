//! Identities. Parsed once at the door, trusted afterwards.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The id Anteroom gives an item: a UUIDv7, unique over all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(pub Uuid);

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ItemId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<ItemId, uuid::Error> {
        Uuid::from_str(text).map(ItemId)
    }
}

/// The order of first receipt, 1 upwards; issued by the engine, never reused, restored at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sequence(pub u64);

/// The store's own number of a tenant, stable over restarts and config changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub u32);

/// The store's own number of a service, unique over all tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(pub u32);

/// The store's own number of a sender, unique over all tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SenderId(pub u32);

/// The store's own number of a user, unique over all tenants and never given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub u32);

/// The number of an offer, and of the agent session that comes of it. Never the number of another
/// one, over restarts too, as long as the clock does not go back: numbers begin at the time of the
/// start, in units that leave room for a million a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OfferId(pub u64);

/// The id of one stored attachment body. Given before the item exists, so that the chunks can be
/// written first; a blob that no item names is an orphan and is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub Uuid);

/// 0 (lowest) to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(u8);

impl Priority {
    /// The priority of a service that names none.
    pub const DEFAULT: Priority = Priority(5);

    /// `None` above 9.
    pub fn new(value: u8) -> Option<Priority> {
        (value <= 9).then_some(Priority(value))
    }

    /// 0 to 9.
    pub fn value(self) -> u8 {
        self.0
    }
}
