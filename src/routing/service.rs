//! One service: its entrance, what waits in front of it and what waits behind it.

use std::sync::Arc;

use crate::domain::answer::EntranceStatus;
use crate::domain::entrance::EntranceOrders;
use crate::domain::ids::{ServiceId, TenantId};
use crate::domain::item::Placement;
use crate::domain::policy::ServicePolicy;
use crate::domain::time::Timestamp;

use super::entrance::Entrance;
use super::order::WaitingOrder;

/// What a service is made of when the core starts or the configuration changes.
#[derive(Clone)]
pub struct ServiceSetup {
    /// Its number.
    pub id: ServiceId,
    /// Its tenant's number.
    pub tenant: TenantId,
    /// Its name.
    pub name: Arc<str>,
    /// `None`: retired, no longer in the configuration but with open items.
    pub policy: Option<Arc<ServicePolicy>>,
    /// What people ordered about its entrance.
    pub orders: EntranceOrders,
}

/// A service at work.
pub struct Service {
    /// Its number.
    pub id: ServiceId,
    /// Its tenant's number.
    pub tenant: TenantId,
    /// Its name.
    pub name: Arc<str>,
    /// `None`: retired.
    pub policy: Option<Arc<ServicePolicy>>,
    /// The way in.
    pub entrance: Entrance,
    /// Items in front of the entrance.
    pub buffer: WaitingOrder,
    /// Items that wait for an agent.
    pub queue: WaitingOrder,
    /// How many items are scheduled. They count against the buffer's limit, so that it is one.
    pub scheduled: u64,
    /// How many items are in a workflow, in agents' hands or parked.
    pub in_hand: u64,
    /// Whether the queue was full and has not yet come down to its low-water mark.
    pub full: bool,
}

impl Service {
    /// A service without items.
    pub fn new(setup: ServiceSetup, now: Timestamp) -> Service {
        let hours = setup
            .policy
            .as_ref()
            .and_then(|policy| policy.hours.clone());
        let mut entrance = Entrance::new(hours, setup.orders, setup.policy.is_none());
        entrance.evaluate(now);
        Service {
            id: setup.id,
            tenant: setup.tenant,
            name: setup.name,
            policy: setup.policy,
            entrance,
            buffer: WaitingOrder::default(),
            queue: WaitingOrder::default(),
            scheduled: 0,
            in_hand: 0,
            full: false,
        }
    }

    /// Whether the entrance is open and items still wait in front of it.
    pub fn releasing(&self) -> bool {
        self.entrance.is_open() && !self.buffer.is_empty()
    }

    /// Items that have not ended.
    pub fn open_items(&self) -> usize {
        let elsewhere = self.scheduled + self.in_hand;
        self.queue.len() + self.buffer.len() + elsewhere as usize
    }

    /// Items that may enter the queue before it is full.
    pub fn room(&self) -> usize {
        let max = self
            .policy
            .as_ref()
            .map_or(0, |policy| policy.queue_items_max as usize);
        max.saturating_sub(self.queue.len())
    }

    /// Items that may stand before its entrance, those that are scheduled included.
    pub fn buffer_items_max(&self) -> u32 {
        self.policy
            .as_ref()
            .map_or(0, |policy| policy.buffer_items_max)
    }

    /// Whether one more fits where it would come to stand; `waits_there`: it is among those who
    /// stand before the entrance already.
    pub fn has_room(&self, placement: Placement, waits_there: bool) -> bool {
        let waiting = self.buffer.len() as u64 + self.scheduled;
        // Added to the limit, for one that is to stand there by this turn is not counted yet.
        let max = u64::from(self.buffer_items_max()) + u64::from(waits_there);
        placement == Placement::Queued || waiting < max
    }

    /// The entrance as it stands.
    pub fn entrance_status(&self) -> EntranceStatus {
        EntranceStatus {
            releasing: self.releasing(),
            ..self.entrance.status().clone()
        }
    }

    /// Tells the entrance whether the queue is full: it closes at `queue_items_max` and opens again
    /// at the low-water mark. Returns whether it opened or closed.
    pub fn watch_queue(&mut self, now: Timestamp) -> bool {
        let Some(policy) = &self.policy else {
            return false;
        };
        let queued = self.queue.len() as u64;
        self.full = if self.full {
            queued > policy.queue_items_low_water()
        } else {
            queued >= u64::from(policy.queue_items_max)
        };
        self.entrance.set_queue_full(self.full, now)
    }
}
