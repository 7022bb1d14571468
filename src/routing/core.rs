//! The core of a node: all services of all tenants, their timers and counters.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::code::Code;
use crate::domain::entrance::EntranceOrders;
use crate::domain::ids::{Priority, Sequence, ServiceId, TenantId, UserId};
use crate::domain::item::{Item, ItemState, Placement};
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::time::Timestamp;

use super::distribution::Distribution;
use super::requirement::ClassId;
use super::service::{Service, ServiceSetup};
use super::timers::{Timer, Timers};
use super::waiting::Preferred;

/// Seconds a sender should wait before it tries a full buffer or a taken fair use again.
const FULL_RETRY_AFTER_S: u32 = 60;

/// What the core is told of an item: its place, not its row. It keeps even less: see the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which item.
    pub sequence: Sequence,
    /// Where it belongs.
    pub service: ServiceId,
    /// Where it stands.
    pub state: ItemState,
    /// The priority in force.
    pub priority: Priority,
    /// Scheduled until then.
    pub not_before: Option<Timestamp>,
    /// Ends without an agent then; `None` once an agent has accepted it.
    pub expires_at: Option<Timestamp>,
    /// Levels of the distribution count from then (`queued` only); `None`: from the change that
    /// queues it.
    pub waiting_since: Option<Timestamp>,
    /// Put aside until then (`parked` only).
    pub parked_until: Option<Timestamp>,
    /// Its workflow is due then. In every state: a workflow may outlive the item's end.
    pub flow_due: Option<Timestamp>,
    /// What it asks of agents, by [`Distribution::class_of`].
    pub class: ClassId,
    /// Who should get it first.
    pub preferred: Option<Arc<Preferred>>,
    /// Who has it (`connected` and `parked` only).
    pub agent: Option<UserId>,
    /// Who gave it back: it goes to somebody else first. Counts when it comes into the queue.
    pub asked: Option<UserId>,
}

impl Place {
    /// The place of an item by its row, with what the core makes of its wish.
    pub fn of(item: &Item, class: ClassId, preferred: Option<Arc<Preferred>>) -> Place {
        Place {
            sequence: item.sequence,
            service: item.service,
            state: item.state,
            priority: item.priority,
            not_before: item.not_before,
            expires_at: item.expiry_in_force(),
            waiting_since: item.waiting_since(),
            parked_until: item.holder.and_then(|holder| holder.parked_until),
            flow_due: item.flow_due(),
            class,
            preferred,
            agent: item.holder.map(|holder| holder.agent),
            asked: None,
        }
    }
}

/// A tenant when the core starts or the configuration changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantSetup {
    /// Its number.
    pub id: TenantId,
    /// Open items past the buffer; `None`: no limit.
    pub fair_use: Option<u32>,
}

/// A tenant at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenant {
    /// Open items past the buffer it may have; `None`: no limit.
    pub fair_use: Option<u32>,
    /// How many it has.
    pub fair_use_taken: u64,
}

/// A timer of an item that is due. The engine brings the row and decides again whether it still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// `notBefore` has come.
    Start(Sequence),
    /// The lifetime is over.
    Expire(Sequence),
    /// The time an item was parked until has come.
    Unpark(Sequence),
    /// Its workflow has something to do.
    Flow(Sequence),
}

/// All services of a node. See the module.
#[derive(Default)]
pub struct Core {
    tenants: BTreeMap<TenantId, Tenant>,
    services: Vec<Service>,
    index: HashMap<ServiceId, usize>,
    timers: Timers,
    /// The one timer of each entrance.
    entrance_timers: HashMap<ServiceId, Timestamp>,
    releasing: BTreeSet<ServiceId>,
    touched: BTreeSet<ServiceId>,
    distribution: Distribution,
}

impl Core {
    /// A core without items.
    pub fn new(tenants: &[TenantSetup], services: Vec<ServiceSetup>, now: Timestamp) -> Core {
        let mut core = Core {
            distribution: Distribution::new(&services, now),
            ..Core::default()
        };
        for tenant in tenants {
            let state = Tenant {
                fair_use: tenant.fair_use,
                fair_use_taken: 0,
            };
            core.tenants.insert(tenant.id, state);
        }
        for setup in services {
            let id = setup.id;
            core.index.insert(id, core.services.len());
            core.services.push(Service::new(setup, now));
            core.entrance_changed(id);
        }
        core
    }

    /// The service of that number, retired ones included.
    pub fn service(&self, id: ServiceId) -> Option<&Service> {
        self.index.get(&id).map(|index| &self.services[*index])
    }

    /// All services, in the order of their set-up.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The tenant of that number.
    pub fn tenant(&self, id: TenantId) -> Option<&Tenant> {
        self.tenants.get(&id)
    }

    /// Agents, offers and who gets what.
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// The agents of a core that is thrown away, for [`Distribution::adopt`].
    pub fn into_distribution(self) -> Distribution {
        self.distribution
    }

    /// The same, for the verbs of agents and for matching.
    pub fn distribution_mut(&mut self) -> &mut Distribution {
        &mut self.distribution
    }

    /// Services about which something changed since the last call.
    pub fn take_touched(&mut self) -> BTreeSet<ServiceId> {
        std::mem::take(&mut self.touched)
    }

    /// Something about the service's agents changed.
    pub fn touch(&mut self, service: ServiceId) {
        self.touched.insert(service);
    }

    /// Where a new item of `service` would stand, and whether there is room for it there.
    ///
    /// # Errors
    /// `unknownService` (not here, or retired), `bufferFull`, `fairUseExceeded`.
    pub fn admit(
        &self,
        service: ServiceId,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<ItemState, Refusal> {
        let Some(service) = self.service(service) else {
            return Err(unknown_service());
        };
        let Some(policy) = &service.policy else {
            return Err(unknown_service());
        };
        let state = match not_before {
            Some(start) if start > now => ItemState::Scheduled,
            _ if policy.workflow.is_some() => {
                self.admit_to_fair_use(service.tenant)?;
                ItemState::InWorkflow
            }
            _ => placement(service).state(),
        };
        if state == ItemState::Queued {
            self.admit_to_fair_use(service.tenant)?;
        } else if state == ItemState::InWorkflow && placement(service) == Placement::Queued {
            // Its way leads into the queue.
        } else if !service.has_room(Placement::Buffered, false) {
            let message = format!(
                "The buffer of service {} holds its {} items: send it again when the entrance has \
                 let some in.",
                service.name, policy.buffer_items_max
            );
            return Err(Problem::new(Code::BufferFull, message)
                .retry_after(FULL_RETRY_AFTER_S)
                .into());
        }
        Ok(state)
    }

    /// Whether one more item may stand in a workflow of the tenant.
    ///
    /// # Errors
    /// `fairUseExceeded`.
    pub fn admit_to_workflow(&self, tenant: TenantId) -> Result<(), Refusal> {
        self.admit_to_fair_use(tenant)
    }

    fn admit_to_fair_use(&self, tenant: TenantId) -> Result<(), Refusal> {
        let Some(tenant) = self.tenants.get(&tenant) else {
            return Err(unknown_service());
        };
        match tenant.fair_use {
            Some(max) if tenant.fair_use_taken >= u64::from(max) => {
                let message = format!(
                    "All {max} open items of the fair use are taken: send it again when some have \
                     ended."
                );
                Err(Problem::new(Code::FairUseExceeded, message)
                    .retry_after(FULL_RETRY_AFTER_S)
                    .into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// On which side of the entrance an item of `service` comes to stand now. A retired or unknown
    /// service buffers.
    pub fn placement(&self, service: ServiceId) -> Placement {
        self.service(service).map_or(Placement::Buffered, placement)
    }

    /// From 1, in the queue or the buffer; `None` where the item waits in neither.
    pub fn position(&self, place: &Place) -> Option<u64> {
        let service = self.service(place.service)?;
        match place.state {
            ItemState::Buffered => service.buffer.position(place.priority, place.sequence),
            ItemState::Queued => service.queue.position(place.priority, place.sequence),
            ItemState::Scheduled
            | ItemState::InWorkflow
            | ItemState::Offered
            | ItemState::Connected
            | ItemState::Parked
            | ItemState::Ended => None,
        }
    }

    /// An item's row has become `after`; `before` is what it was (`None`: it is new or restored).
    /// The one place where indexes, timers and counters change.
    pub fn apply(&mut self, before: Option<&Place>, after: &Place, now: Timestamp) {
        if let Some(before) = before {
            self.forget(before);
            self.service_changed(before.service, now);
        }
        self.remember(after);
        self.service_changed(after.service, now);
        self.distribution.apply(before, after, now);
    }

    /// Sets the timer of a workflow whose item was read back without it, or has ended.
    pub fn restore_flow(&mut self, sequence: Sequence, due: Timestamp) {
        self.timers.set(due, Timer::Flow(sequence));
    }

    /// The times at which workflows have something to do, for the simulator.
    #[cfg(test)]
    pub fn flow_timers(&self) -> Vec<(Timestamp, Sequence)> {
        let all = self.timers.all();
        let of_flows = all.filter_map(|(at, timer)| match timer {
            Timer::Flow(sequence) => Some((at, sequence)),
            Timer::Start(_) | Timer::Expire(_) | Timer::Unpark(_) | Timer::Entrance(_) => None,
        });
        of_flows.collect()
    }

    fn forget(&mut self, place: &Place) {
        if let Some(due) = place.flow_due {
            self.timers.clear(due, Timer::Flow(place.sequence));
        }
        let Some(index) = self.index.get(&place.service) else {
            return;
        };
        let service = &mut self.services[*index];
        match place.state {
            ItemState::Scheduled => {
                service.scheduled -= 1;
                if let Some(start) = place.not_before {
                    self.timers.clear(start, Timer::Start(place.sequence));
                }
            }
            ItemState::Buffered => {
                let was_there = service.buffer.remove(place.priority, place.sequence);
                assert!(was_there, "a buffered item is in its buffer");
            }
            ItemState::Queued => {
                let was_there = service.queue.remove(place.priority, place.sequence);
                assert!(was_there, "a queued item is in its queue");
            }
            ItemState::Parked => {
                service.in_hand -= 1;
                if let Some(until) = place.parked_until {
                    self.timers.clear(until, Timer::Unpark(place.sequence));
                }
            }
            ItemState::InWorkflow | ItemState::Offered | ItemState::Connected => {
                service.in_hand -= 1;
            }
            ItemState::Ended => {}
        }
        if let Some(expiry) = expiry_in_force(place) {
            self.timers.clear(expiry, Timer::Expire(place.sequence));
        }
        if place.state.counts_for_fair_use() {
            let tenant = self
                .tenants
                .get_mut(&service.tenant)
                .expect("a service has its tenant");
            tenant.fair_use_taken -= 1;
        }
    }

    fn remember(&mut self, place: &Place) {
        if let Some(due) = place.flow_due {
            self.timers.set(due, Timer::Flow(place.sequence));
        }
        let Some(index) = self.index.get(&place.service) else {
            return;
        };
        let service = &mut self.services[*index];
        match place.state {
            ItemState::Scheduled => {
                service.scheduled += 1;
                if let Some(start) = place.not_before {
                    self.timers.set(start, Timer::Start(place.sequence));
                }
            }
            ItemState::Buffered => service.buffer.insert(place.priority, place.sequence),
            ItemState::Queued => service.queue.insert(place.priority, place.sequence),
            ItemState::Parked => {
                service.in_hand += 1;
                if let Some(until) = place.parked_until {
                    self.timers.set(until, Timer::Unpark(place.sequence));
                }
            }
            ItemState::InWorkflow | ItemState::Offered | ItemState::Connected => {
                service.in_hand += 1;
            }
            ItemState::Ended => {}
        }
        if let Some(expiry) = expiry_in_force(place) {
            self.timers.set(expiry, Timer::Expire(place.sequence));
        }
        if place.state.counts_for_fair_use() {
            let tenant = self
                .tenants
                .get_mut(&service.tenant)
                .expect("a service has its tenant");
            tenant.fair_use_taken += 1;
        }
    }

    /// Puts orders of a person in force.
    pub fn set_orders(&mut self, service: ServiceId, orders: EntranceOrders, now: Timestamp) {
        let Some(index) = self.index.get(&service) else {
            return;
        };
        self.services[*index].entrance.set_orders(orders, now);
        self.entrance_changed(service);
    }

    /// Evaluates every entrance afresh: for a clock that jumped.
    pub fn evaluate_entrances(&mut self, now: Timestamp) {
        let ids: Vec<ServiceId> = self.services.iter().map(|service| service.id).collect();
        for id in ids {
            self.evaluate_entrance(id, now);
        }
    }

    fn evaluate_entrance(&mut self, id: ServiceId, now: Timestamp) {
        let Some(index) = self.index.get(&id) else {
            return;
        };
        self.services[*index].entrance.evaluate(now);
        self.entrance_changed(id);
    }

    fn service_changed(&mut self, id: ServiceId, now: Timestamp) {
        let Some(index) = self.index.get(&id) else {
            return;
        };
        if self.services[*index].watch_queue(now) {
            self.entrance_changed(id);
        } else {
            self.note(id);
        }
    }

    fn entrance_changed(&mut self, id: ServiceId) {
        // One at a time: a timer that fires sets the next, so each left behind would live for ever.
        if let Some(known) = self.entrance_timers.remove(&id) {
            self.timers.clear(known, Timer::Entrance(id));
        }
        if let Some(next) = self
            .service(id)
            .and_then(|service| service.entrance.next_change())
        {
            self.timers.set(next, Timer::Entrance(id));
            self.entrance_timers.insert(id, next);
        }
        self.note(id);
    }

    /// Notes that a service changed and whether it has something to release.
    fn note(&mut self, id: ServiceId) {
        self.touched.insert(id);
        if self.service(id).is_some_and(Service::releasing) {
            self.releasing.insert(id);
        } else {
            self.releasing.remove(&id);
        }
    }

    /// When [`Core::pop_due`] or [`Distribution::match_now`] next has something; now, if an entrance
    /// is releasing.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        if self.releasing.is_empty() {
            let times = [self.timers.next(), self.distribution.next_due(now)];
            times.into_iter().flatten().min()
        } else {
            Some(now)
        }
    }

    /// The next item whose timer is due. Entrances whose time has come are evaluated on the way.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<Due> {
        loop {
            match self.timers.pop_due(now)? {
                Timer::Start(sequence) => return Some(Due::Start(sequence)),
                Timer::Expire(sequence) => return Some(Due::Expire(sequence)),
                Timer::Unpark(sequence) => return Some(Due::Unpark(sequence)),
                Timer::Flow(sequence) => return Some(Due::Flow(sequence)),
                Timer::Entrance(service) => self.evaluate_entrance(service, now),
            }
        }
    }

    /// Up to `limit` buffered items that may enter their queues now, in order within each service;
    /// services share the limit, so that none holds up the others.
    pub fn releasable(&self, limit: usize) -> Vec<Sequence> {
        let share = limit.div_ceil(self.releasing.len().max(1));
        let mut sequences = Vec::new();
        for id in &self.releasing {
            let Some(service) = self.service(*id) else {
                continue;
            };
            let count = share.min(service.room()).min(limit - sequences.len());
            sequences.extend(service.buffer.iter().take(count));
        }
        sequences
    }
}

/// The expiry that is still running: it runs in every state before the first acceptance.
fn expiry_in_force(place: &Place) -> Option<Timestamp> {
    match place.state {
        ItemState::Scheduled
        | ItemState::InWorkflow
        | ItemState::Buffered
        | ItemState::Queued
        | ItemState::Offered => place.expires_at,
        ItemState::Connected | ItemState::Parked | ItemState::Ended => None,
    }
}

fn placement(service: &Service) -> Placement {
    if service.entrance.is_open() && service.buffer.is_empty() {
        Placement::Queued
    } else {
        Placement::Buffered
    }
}

/// The refusal of a service that is not there for this sender, for whatever reason.
pub fn unknown_service() -> Refusal {
    Refusal::new(
        Code::UnknownService,
        "This service is not known, not open to this sender, or retired: send queryServices for \
         those that are open.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entrance_has_one_timer_however_often_it_changes() {
        let tenant = TenantSetup {
            id: TenantId(1),
            fair_use: None,
        };
        let service = ServiceSetup {
            id: ServiceId(1),
            tenant: TenantId(1),
            name: "loans".into(),
            policy: None,
            orders: EntranceOrders::default(),
        };
        let mut core = Core::new(&[tenant], vec![service], Timestamp(0));
        for now in 1..100 {
            core.set_orders(ServiceId(1), EntranceOrders::default(), Timestamp(now));
        }
        let mut timers = 0;
        let mut clock = Timestamp(99);
        while let Some(next) = core.timers.next()
            && timers < 100
        {
            assert!(next > clock, "another timer for the same entrance");
            clock = next;
            assert_eq!(core.pop_due(clock), None);
            timers += 1;
        }
        assert_eq!(core.timers.len(), 1);
    }
}
