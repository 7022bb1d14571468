//! Telling senders what becomes of their items: from the outbox in the store, through the engine's
//! handle, to the URL that the configuration gives.
//!
//! - [`delivery`]: the task that sees what is due and keeps within its limits · [`backoff`]: when
//!   to try again
//! - [`client`]: one POST to a receiver · [`address`]: which machines may be one
//! - [`signature`]: Standard Webhooks' headers · [`counters`]: what happened, for metrics
//!
//! Nothing here is durable. A notification is written by the engine in the transaction of its
//! cause and marked by it after the attempt, so a crash at any point loses none: at worst the
//! receiver gets one a second time, with the same `webhook-id`.

pub mod address;
pub mod backoff;
pub mod client;
pub mod counters;
pub mod delivery;
pub mod signature;

#[cfg(test)]
mod tests;
