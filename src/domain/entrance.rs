//! What is durable about an entrance: the decisions of people. Everything else about it is
//! evaluated from the opening hours and the queue.

use super::time::Timestamp;

/// The decisions of people about one entrance. The default is *none*.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntranceOrders {
    /// Closed by hand.
    pub closed: Option<EntranceOrder>,
    /// Forced open, overriding opening hours and a closing by hand.
    pub forced_open: Option<EntranceOrder>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntranceOrder {
    /// Until then; `None`: until somebody decides otherwise.
    pub until: Option<Timestamp>,
    /// Why, at most 1,000 characters.
    pub reason: Option<String>,
    /// When it was given.
    pub since: Timestamp,
}

impl EntranceOrder {
    /// Whether it is in force.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What a person wants of an entrance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntranceVerb {
    /// Let items in: takes a closing by hand back; with `until`, or where opening hours keep it
    /// closed, forces it open.
    Open,
    /// Close it by hand; takes forcing back.
    Close,
}
