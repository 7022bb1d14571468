//! The policy in force with the store's numbers: from the names in messages to the numbers in rows
//! and back.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::entrance::EntranceOrders;
use crate::domain::ids::{SenderId, ServiceId, TenantId};
use crate::domain::policy::{NotifyPolicy, Policy, SenderPolicy, TenantPolicy};
use crate::routing::core::TenantSetup;
use crate::routing::service::ServiceSetup;
use crate::store::{Names, Numbers, TenantNames};

/// A sender's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderEntry {
    /// Its own.
    pub id: SenderId,
    /// Its tenant's.
    pub tenant: TenantId,
}

/// The sender of all follow-ups of a tenant: no sender of a configuration can be called that.
const FOLLOW_UPS: &str = "@follow-ups";

/// Names and numbers. See the module.
#[derive(Default)]
pub struct Directory {
    tenants: HashMap<TenantId, (Arc<str>, Option<Arc<TenantPolicy>>)>,
    senders: HashMap<String, SenderEntry>,
    sender_names: HashMap<SenderId, (TenantId, Arc<str>)>,
    subscribers: HashMap<SenderId, Arc<NotifyPolicy>>,
    follow_ups: HashMap<TenantId, SenderId>,
    services: HashMap<TenantId, HashMap<String, ServiceId>>,
    service_names: Vec<(TenantId, Arc<str>, ServiceId)>,
}

/// The names of a policy, to be numbered by the store.
pub fn names_of(policy: &Policy) -> Names {
    let tenants = policy.tenants.values().map(|tenant| TenantNames {
        tenant: tenant.name.clone(),
        services: tenant.services.keys().cloned().collect(),
        senders: policy
            .senders
            .values()
            .filter(|sender| sender.tenant == tenant.name)
            .map(|sender| sender.name.clone())
            .chain([FOLLOW_UPS.to_owned()])
            .collect(),
    });
    Names {
        tenants: tenants.collect(),
    }
}

impl Directory {
    /// Brings a policy and the store's numbers together.
    pub fn new(policy: &Policy, numbers: &Numbers) -> Directory {
        let mut directory = Directory::default();
        for (name, id) in &numbers.tenants {
            let entry = (Arc::from(name.as_str()), policy.tenants.get(name).cloned());
            directory.tenants.insert(*id, entry);
        }
        for (tenant, name, id) in &numbers.senders {
            let names = (*tenant, Arc::from(name.as_str()));
            directory.sender_names.insert(*id, names);
            if name == FOLLOW_UPS {
                directory.follow_ups.insert(*tenant, *id);
            }
            // A sender that was moved has a number in each of its tenants: the policy says which
            // is meant. One that is not in the policy any longer means none.
            let is_of = |sender: &Arc<SenderPolicy>| {
                let name = directory.tenant_name(*tenant);
                name.is_some_and(|name| *name == *sender.tenant)
            };
            if let Some(policy) = policy.senders.get(name).filter(|known| is_of(known)) {
                let entry = SenderEntry {
                    id: *id,
                    tenant: *tenant,
                };
                directory.senders.insert(name.clone(), entry);
                if let Some(notify) = &policy.notify {
                    directory.subscribers.insert(*id, notify.clone());
                }
            }
        }
        for (tenant, name, id) in &numbers.services {
            directory
                .services
                .entry(*tenant)
                .or_default()
                .insert(name.clone(), *id);
            directory
                .service_names
                .push((*tenant, Arc::from(name.as_str()), *id));
        }
        directory
    }

    /// The numbers of the sender of that name, if it is in the configuration.
    pub fn sender(&self, name: &str) -> Option<SenderEntry> {
        self.senders.get(name).copied()
    }

    /// The sender of a tenant's follow-ups.
    pub fn follow_ups_of(&self, tenant: TenantId) -> Option<SenderEntry> {
        let id = *self.follow_ups.get(&tenant)?;
        Some(SenderEntry { id, tenant })
    }

    /// The numbers of the sender that a command comes from. `None`: it has left the configuration
    /// or its tenant since it was let in, so it was judged by rules that are not its own.
    pub fn caller(&self, sender: &SenderPolicy) -> Option<SenderEntry> {
        let entry = self.sender(&sender.name)?;
        let tenant = self.tenant_name(entry.tenant)?;
        (*tenant == *sender.tenant).then_some(entry)
    }

    /// How that sender is told of its items, if it is.
    pub fn subscriber(&self, id: SenderId) -> Option<&Arc<NotifyPolicy>> {
        self.subscribers.get(&id)
    }

    /// Names of the tenant and of the sender of that number.
    pub fn sender_names(&self, id: SenderId) -> (Arc<str>, Arc<str>) {
        let Some((tenant, name)) = self.sender_names.get(&id) else {
            return Default::default();
        };
        (self.tenant_name(*tenant).unwrap_or_default(), name.clone())
    }

    /// The number of a tenant's service.
    pub fn service(&self, tenant: TenantId, name: &str) -> Option<ServiceId> {
        self.services.get(&tenant)?.get(name).copied()
    }

    /// Every tenant's number.
    pub fn tenant_ids(&self) -> impl Iterator<Item = TenantId> {
        self.tenants.keys().copied()
    }

    /// Name of the tenant of that number.
    pub fn tenant_name(&self, id: TenantId) -> Option<Arc<str>> {
        self.tenants.get(&id).map(|(name, _)| name.clone())
    }

    /// The policy of the tenant of that number, if it is in the configuration.
    pub fn tenant(&self, id: TenantId) -> Option<&Arc<TenantPolicy>> {
        self.tenants
            .get(&id)
            .and_then(|(_, policy)| policy.as_ref())
    }

    /// Services of that name: one for each tenant that has it.
    pub fn services_named(&self, name: &str) -> impl Iterator<Item = (TenantId, ServiceId)> {
        self.service_names
            .iter()
            .filter(move |(_, known, _)| known.as_ref() == name)
            .map(|(tenant, _, id)| (*tenant, *id))
    }

    /// What the core is set up with. Services out of the configuration come without a policy.
    pub fn setups(
        &self,
        entrances: &[(ServiceId, EntranceOrders)],
    ) -> (Vec<TenantSetup>, Vec<ServiceSetup>) {
        let tenants = self.tenants.iter().map(|(id, (_, policy))| TenantSetup {
            id: *id,
            fair_use: policy.as_ref().and_then(|policy| policy.fair_use),
        });
        let services = self.service_names.iter().map(|(tenant, name, id)| {
            let orders = entrances.iter().find(|(service, _)| service == id);
            let policy = self
                .tenant(*tenant)
                .and_then(|tenant| tenant.services.get(name.as_ref()));
            ServiceSetup {
                id: *id,
                tenant: *tenant,
                name: name.clone(),
                policy: policy.cloned(),
                orders: orders.map(|(_, orders)| orders.clone()).unwrap_or_default(),
            }
        });
        (tenants.collect(), services.collect())
    }
}
