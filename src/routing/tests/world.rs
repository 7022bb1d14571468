//! A small world: services, agents and items, and the rows of an engine that changes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::agent::{AgentState, Duty, Presence};
use crate::domain::answer::WaitingReason;
use crate::domain::content::SkillRequirement;
use crate::domain::distribution::{DistributionLevel, DistributionPolicy, Mode, SkillsAsked};
use crate::domain::entrance::EntranceOrders;
use crate::domain::ids::{OfferId, Priority, Sequence, ServiceId, TenantId, UserId};
use crate::domain::item::ItemState;
use crate::domain::policy::ServicePolicy;
use crate::domain::time::Timestamp;
use crate::routing::agents::AgentSetup;
use crate::routing::core::{Core, Place, TenantSetup};
use crate::routing::distribution::Decision;
use crate::routing::offers::{Offer, OfferEnd};
use crate::routing::requirement::ClassId;
use crate::routing::service::ServiceSetup;
use crate::routing::waiting::Preferred;

pub const LOANS: ServiceId = ServiceId(1);
pub const CLAIMS: ServiceId = ServiceId(2);
pub const OFFICE: ServiceId = ServiceId(3);
pub const ANN: UserId = UserId(1);
pub const BO: UserId = UserId(2);
pub const CY: UserId = UserId(3);
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;

pub fn direct() -> DistributionPolicy {
    DistributionPolicy::default()
}

pub fn of_mode(mode: Mode) -> DistributionPolicy {
    DistributionPolicy { mode, ..direct() }
}

pub fn level(after_ms: i64, skills: SkillsAsked, services_too: &[&str]) -> DistributionLevel {
    DistributionLevel {
        after_ms,
        skills,
        services_too: services_too.iter().map(|name| name.to_string()).collect(),
    }
}

pub fn setups(policies: [Option<DistributionPolicy>; 3]) -> Vec<ServiceSetup> {
    let names = [(LOANS, "loans"), (CLAIMS, "claims"), (OFFICE, "office")];
    let setup = |((id, name), distribution): ((ServiceId, &str), Option<DistributionPolicy>)| {
        let policy = distribution.map(|distribution| {
            Arc::new(ServicePolicy {
                name: name.to_owned(),
                title: name.to_owned(),
                task_type: None,
                receipts: true,
                hours: None,
                priority: Priority::DEFAULT,
                lifetime_ms: None,
                buffer_items_max: 1_000,
                queue_items_max: 1_000,
                contact_data: Vec::new(),
                distribution,
                workflow: None,
            })
        });
        ServiceSetup {
            id,
            tenant: TenantId(1),
            name: name.into(),
            policy,
            orders: EntranceOrders::default(),
        }
    };
    names.into_iter().zip(policies).map(setup).collect()
}

pub fn core_of(policies: [Option<DistributionPolicy>; 3], now: Timestamp) -> Core {
    let tenant = TenantSetup {
        id: TenantId(1),
        fair_use: None,
    };
    Core::new(&[tenant], setups(policies), now)
}

/// An agent named `a1`, `a2`, ... that is active in these services.
pub fn agent(id: UserId, services: &[ServiceId], skills: &[(&str, u8)]) -> AgentSetup {
    let services: std::collections::BTreeSet<ServiceId> = services.iter().copied().collect();
    let own = skills.iter();
    AgentSetup {
        id,
        name: format!("a{}", id.0).into(),
        active: services.clone(),
        services,
        skills: own
            .map(|(name, level)| (name.to_string(), *level))
            .collect(),
        profiles: BTreeMap::new(),
        capacity: 1,
        duty: Duty::Off,
        not_available: None,
    }
}

pub fn wish(name: &str, level: u8, optional: bool) -> SkillRequirement {
    SkillRequirement {
        name: name.to_owned(),
        level,
        optional,
    }
}

/// The world, with the rows an engine would keep.
pub struct World {
    pub core: Core,
    pub now: Timestamp,
    pub rows: BTreeMap<Sequence, Place>,
    /// Everything decided since somebody looked.
    pub decisions: Vec<Decision>,
}

impl World {
    pub fn new(policies: [Option<DistributionPolicy>; 3]) -> World {
        let now = Timestamp(1_000_000);
        World {
            core: core_of(policies, now),
            now,
            rows: BTreeMap::new(),
            decisions: Vec::new(),
        }
    }

    /// Three direct services.
    pub fn direct() -> World {
        World::new([Some(direct()), Some(direct()), Some(direct())])
    }

    /// Sets an agent up and signs it in; each a millisecond after the one before.
    pub fn sign_in(&mut self, setup: AgentSetup) {
        let id = setup.id;
        self.now = self.now.plus_ms(1);
        let distribution = self.core.distribution_mut();
        distribution.agent_changed(setup, self.now);
        distribution.set_presence(id, Presence::Online, self.now);
        self.settle();
    }

    /// What an item of `loans` is like unless a test says otherwise.
    pub fn place(&self, number: u64) -> Place {
        Place {
            sequence: Sequence(number),
            service: LOANS,
            state: ItemState::Queued,
            priority: Priority::DEFAULT,
            not_before: None,
            expires_at: None,
            waiting_since: Some(self.now),
            parked_until: None,
            flow_due: None,
            class: ClassId::NO_SKILLS,
            preferred: None,
            agent: None,
            asked: None,
        }
    }

    pub fn class(&mut self, wishes: &[SkillRequirement]) -> ClassId {
        let class = self.core.distribution_mut().class_of(wishes);
        class.expect("there is room")
    }

    pub fn prefers(&self, agents: &[(UserId, u8)], required: bool) -> Option<Arc<Preferred>> {
        Preferred::new(agents.to_vec(), required, self.now).map(Arc::new)
    }

    /// A row becomes this.
    pub fn put(&mut self, place: Place) {
        let before = self.rows.insert(place.sequence, place.clone());
        self.core.apply(before.as_ref(), &place, self.now);
        self.settle();
    }

    /// An item of `loans` without wishes comes.
    pub fn queue(&mut self, number: u64) {
        self.put(self.place(number));
    }

    pub fn change(&mut self, number: u64, change: impl FnOnce(&mut Place)) {
        let mut place = self.rows[&Sequence(number)].clone();
        change(&mut place);
        self.put(place);
    }

    pub fn settle(&mut self) {
        let decisions = self.core.distribution_mut().match_now(self.now);
        self.decisions.extend(decisions);
    }

    pub fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.settle();
    }

    /// A verb, and what follows from it.
    pub fn with<T>(
        &mut self,
        verb: impl FnOnce(&mut crate::routing::distribution::Distribution, Timestamp) -> T,
    ) -> T {
        let result = verb(self.core.distribution_mut(), self.now);
        self.settle();
        result
    }

    pub fn offer(&self, number: u64) -> Option<Offer> {
        let offer = self.core.distribution().offer_for(Sequence(number));
        offer.cloned()
    }

    /// At whom the item rings.
    pub fn rings_at(&self, number: u64) -> Vec<UserId> {
        self.offer(number).map_or(Vec::new(), |offer| offer.agents)
    }

    pub fn offer_id(&self, number: u64) -> OfferId {
        self.offer(number).expect("it rings").id
    }

    pub fn accept(&mut self, number: u64, agent: UserId) {
        let offer = self.offer_id(number);
        let accepted = self.core.distribution().may_accept(offer, agent);
        assert_eq!(accepted, Ok(Sequence(number)));
        self.change(number, |place| {
            place.state = ItemState::Connected;
            place.agent = Some(agent);
        });
    }

    pub fn decline(&mut self, number: u64, agent: UserId) {
        let offer = self.offer_id(number);
        let declined = self.with(|distribution, now| distribution.decline(offer, agent, now));
        assert_eq!(declined, Ok(Sequence(number)));
    }

    pub fn end(&mut self, number: u64) {
        self.change(number, |place| {
            place.state = ItemState::Ended;
            place.agent = None;
        });
    }

    pub fn presence(&mut self, agent: UserId, presence: Presence) {
        self.with(|distribution, now| distribution.set_presence(agent, presence, now));
    }

    pub fn state(&self, agent: UserId) -> AgentState {
        let state = self.core.distribution().agent_state(agent, self.now);
        state.expect("it is set up")
    }

    pub fn why(&self, number: u64) -> Option<WaitingReason> {
        self.core.why(&self.rows[&Sequence(number)])
    }

    /// How the offers of an item ended since somebody looked, with their agents.
    pub fn ends(&mut self, number: u64) -> Vec<(UserId, OfferEnd)> {
        let decisions = std::mem::take(&mut self.decisions);
        let ends = decisions.into_iter().filter_map(|decision| match decision {
            Decision::OfferEnded(ended) => Some(ended),
            Decision::Offered(_) | Decision::AbsenceOver { .. } => None,
        });
        let ends = ends.filter(|ended| ended.sequence == Sequence(number));
        let ends = ends.map(|ended| (ended.agent, ended.end));
        ends.collect()
    }
}

pub fn priority(value: u8) -> Priority {
    Priority::new(value).expect("0 to 9")
}
