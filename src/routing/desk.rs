//! A service as the distribution sees it, and the buckets its items pass as their levels widen.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::agent::Selection;
use crate::domain::distribution::{DistributionLevel, DistributionPolicy, Mode, SkillsAsked};
use crate::domain::ids::{ServiceId, TenantId, UserId};

use super::agents::Agent;
use super::buckets::{Bucket, BucketId, BucketKey};
use super::distribution::Distribution;
use super::requirement::ClassId;
use super::service::ServiceSetup;
use super::waiting::{Route, Step};

/// A service as the distribution sees it.
#[derive(Debug)]
pub(super) struct Desk {
    /// `None`: retired, nothing is offered.
    pub policy: Option<DistributionPolicy>,
    /// Its levels with the services' numbers, widening.
    pub levels: Vec<(i64, SkillsAsked, Box<[ServiceId]>)>,
    /// Its members, signed in or not.
    pub members: BTreeSet<UserId>,
    /// Buckets whose items may go to its agents.
    pub buckets: Vec<BucketId>,
    /// Agents it may offer to, with a unit free.
    pub free: BTreeSet<UserId>,
    /// How many agents it may offer to, free or busy.
    pub present: usize,
}

impl Desk {
    /// Whether its items are offered to agents.
    pub fn offers(&self) -> bool {
        let mode = self.policy.as_ref().map(|policy| policy.mode);
        matches!(mode, Some(Mode::Direct | Mode::Broadcast))
    }

    /// Whom it may select; `None`: it is retired.
    pub fn selection(&self) -> Option<&Selection> {
        self.policy.as_ref().map(|policy| &policy.selection)
    }
}

impl Distribution {
    /// The buckets of a class in a service; made when first asked for.
    pub(super) fn route(&mut self, service: ServiceId, class: ClassId) -> Option<Route> {
        if let Some(route) = self.routes.get(&(service, class)) {
            return Some(route.clone());
        }
        let desk = self.desks.get(&service)?;
        let offers = desk.offers();
        let keys: Vec<(i64, BucketKey)> = desk
            .levels
            .iter()
            .map(|(after_ms, skills, services_too)| {
                let key = BucketKey {
                    service,
                    services_too: services_too.clone(),
                    asked: self.requirements.effective(class, *skills),
                };
                (*after_ms, key)
            })
            .collect();
        let mut steps: Vec<Step> = Vec::with_capacity(keys.len());
        for (after_ms, key) in keys {
            let bucket = self.bucket(key, offers);
            if steps.last().is_none_or(|step| step.bucket != bucket) {
                steps.push(Step { after_ms, bucket });
            }
        }
        let route: Route = steps.into();
        self.routes.insert((service, class), route.clone());
        Some(route)
    }

    /// The buckets of a class in a service, if anything of it was ever queued.
    pub(super) fn known_route(&self, service: ServiceId, class: ClassId) -> Option<&Route> {
        self.routes.get(&(service, class))
    }

    fn bucket(&mut self, key: BucketKey, offers: bool) -> BucketId {
        let services: Vec<ServiceId> = key.services().collect();
        let (id, new) = self.buckets.with_key(key, offers);
        if new {
            for service in services {
                let Some(desk) = self.desks.get_mut(&service) else {
                    continue;
                };
                desk.buckets.push(id);
                for agent in &desk.members {
                    let agent = (*agent, self.agents.get_mut(agent));
                    if let (number, Some(agent)) = agent {
                        introduce(self.buckets.bucket_mut(id), id, number, agent, service);
                    }
                }
            }
        }
        id
    }
}

/// Tells a new bucket about an agent.
fn introduce(
    bucket: &mut Bucket,
    id: BucketId,
    number: UserId,
    agent: &mut Agent,
    service: ServiceId,
) {
    if agent.could_cover(&bucket.key.asked) {
        bucket.able.insert(number);
    }
    let here = agent.present_in.contains(&service);
    if let Some(sum) = agent.covers(&bucket.key.asked).filter(|_| here)
        && bucket.present.insert(number, sum).is_none()
    {
        agent.reach.push(id);
    }
}

/// The levels of a service with the numbers of its services, each as wide as the one before it. A
/// service that is not there is left out.
pub(super) fn levels(
    setup: &ServiceSetup,
    policy: Option<&DistributionPolicy>,
    numbers: &BTreeMap<(TenantId, &str), ServiceId>,
) -> Vec<(i64, SkillsAsked, Box<[ServiceId]>)> {
    let Some(policy) = policy else {
        return vec![(0, SkillsAsked::Required, [].into())];
    };
    let mut asked = SkillsAsked::All;
    let mut too = BTreeSet::new();
    let widen = |level: &DistributionLevel| {
        if level.skills == SkillsAsked::Required {
            asked = SkillsAsked::Required;
        }
        let named = level.services_too.iter();
        too.extend(named.filter_map(|name| numbers.get(&(setup.tenant, name.as_str()))));
        too.remove(&setup.id);
        (level.after_ms, asked, too.iter().copied().collect())
    };
    policy.levels.iter().map(widen).collect()
}
