//! What the engine shows to readers: a picture of services and tenants, published after each
//! commit and before its receipts leave, so that whoever has a receipt finds it counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::answer::{EntranceStatus, EstimatedWait, ServiceStatus};
use crate::domain::ids::{ServiceId, TenantId, UserId};
use crate::domain::policy::ServicePolicy;
use crate::domain::time::Timestamp;
use crate::routing::service::Service;

use super::agents::view::AgentView;
use super::people::People;

/// Whether the engine takes new items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// It does.
    Open,
    /// The store is full: refused until a probe write succeeds.
    StorageFull,
}

/// A picture of the engine.
#[derive(Clone)]
pub struct View {
    /// When it was taken.
    pub at: Timestamp,
    /// Whether new items are taken.
    pub intake: Intake,
    /// By number. Retired services are here as long as they have open items.
    pub services: BTreeMap<ServiceId, Arc<ServiceView>>,
    /// By number.
    pub tenants: BTreeMap<TenantId, TenantView>,
    /// Notifications written or replayed since the start: whoever delivers them looks when it
    /// grows.
    pub notifications: u64,
    /// Users, sessions and tokens.
    pub people: Arc<People>,
    /// Agents by number.
    pub agents: Arc<BTreeMap<UserId, Arc<AgentView>>>,
}

/// A tenant in the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantView {
    /// Its name.
    pub name: Arc<str>,
    /// Open items past the buffer.
    pub fair_use_taken: u64,
}

/// A service in the picture.
#[derive(Clone)]
pub struct ServiceView {
    /// Its number.
    pub id: ServiceId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its name.
    pub name: Arc<str>,
    /// `None`: retired.
    pub policy: Option<Arc<ServicePolicy>>,
    /// Its entrance.
    pub entrance: EntranceStatus,
    /// Items in the queue.
    pub queued: u64,
    /// Items in front of the entrance.
    pub buffered: u64,
    /// Items that wait for their `notBefore`.
    pub scheduled: u64,
    /// Items in agents' hands, parked, or in a workflow.
    pub in_hand: u64,
    /// How long one more item may wait; absent when unknown.
    pub estimated_wait: Option<EstimatedWait>,
    /// When the oldest item that waits in queue or buffer was received.
    pub oldest_received_at: Option<Timestamp>,
}

impl ServiceView {
    /// The picture of `service`.
    pub fn of(
        service: &Service,
        oldest_received_at: Option<Timestamp>,
        estimated_wait: Option<EstimatedWait>,
    ) -> ServiceView {
        ServiceView {
            id: service.id,
            tenant: service.tenant,
            name: service.name.clone(),
            policy: service.policy.clone(),
            entrance: service.entrance_status(),
            queued: service.queue.len() as u64,
            buffered: service.buffer.len() as u64,
            scheduled: service.scheduled,
            in_hand: service.in_hand,
            estimated_wait,
            oldest_received_at,
        }
    }

    /// Whether it is out of the configuration and has nothing left to show.
    pub fn is_gone(&self) -> bool {
        let open = self.queued + self.buffered + self.scheduled + self.in_hand;
        self.policy.is_none() && open == 0
    }

    /// The service as an answer shows it at `now`.
    pub fn status(&self, now: Timestamp) -> ServiceStatus {
        let title = self.policy.as_ref().map(|policy| policy.title.clone());
        ServiceStatus {
            name: self.name.to_string(),
            title: title.unwrap_or_else(|| self.name.to_string()),
            entrance: self.entrance.clone(),
            queued: self.queued,
            buffered: self.buffered,
            oldest_age_ms: self
                .oldest_received_at
                .map(|oldest| now.since_ms(oldest).max(0)),
            estimated_wait: self.estimated_wait,
        }
    }
}

impl View {
    /// The service of that name in that tenant.
    pub fn service(&self, tenant: TenantId, name: &str) -> Option<&Arc<ServiceView>> {
        self.services
            .values()
            .find(|service| service.tenant == tenant && service.name.as_ref() == name)
    }

    /// The tenant of that name.
    pub fn tenant_named(&self, name: &str) -> Option<(TenantId, &TenantView)> {
        let mut tenants = self.tenants.iter();
        tenants
            .find(|(_, tenant)| tenant.name.as_ref() == name)
            .map(|(id, tenant)| (*id, tenant))
    }
}
