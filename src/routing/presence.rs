//! Where an agent may be offered something: kept whenever something about the agent changes, so
//! that decisions only look it up.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::agent::present;
use crate::domain::ids::{Sequence, ServiceId, UserId};
use crate::domain::time::Timestamp;

use super::buckets::BucketId;
use super::distribution::{Distribution, Spot};
use super::offers::{Offer, OfferEnd, RescindReason};
use super::waiting::Standing;

impl Distribution {
    /// The agent's units changed: it may have become free, or stopped being so.
    pub(super) fn work_changed(&mut self, id: UserId, now: Timestamp) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        self.touched.insert(id);
        let free = !agent.present_in.is_empty() && agent.factors.has_room(now);
        if free {
            self.looking.insert(id);
        }
        if free == agent.free {
            return;
        }
        agent.free = free;
        for service in &agent.present_in {
            let Some(desk) = self.desks.get_mut(service) else {
                continue;
            };
            if free {
                desk.free.insert(id);
            } else {
                desk.free.remove(&id);
            }
        }
    }

    /// The agent's presence, toggles, duty, block, skills or services changed.
    pub(super) fn reach_changed(&mut self, id: UserId, now: Timestamp) {
        let Some((present_in, reach)) = self.reach_of(id, now) else {
            return;
        };
        let agent = self.agents.get_mut(&id).expect("it has a reach");
        let left_buckets: Vec<BucketId> = std::mem::take(&mut agent.reach)
            .into_iter()
            .filter(|bucket| !reach.contains_key(bucket))
            .collect();
        let before = std::mem::replace(&mut agent.present_in, present_in);
        let left: Vec<ServiceId> = before.difference(&agent.present_in).copied().collect();
        agent.reach = reach.keys().copied().collect();
        agent.free = false;
        for service in &before {
            if let Some(desk) = self.desks.get_mut(service) {
                desk.free.remove(&id);
                desk.present -= 1;
            }
        }
        for service in &agent.present_in {
            if let Some(desk) = self.desks.get_mut(service) {
                desk.present += 1;
            }
        }
        for (bucket, sum) in reach {
            self.buckets.bucket_mut(bucket).present.insert(id, sum);
        }
        self.work_changed(id, now);
        for bucket in left_buckets {
            self.leave_bucket(id, bucket);
        }
        for service in left {
            self.leave_service(id, service, now);
        }
        self.rescind_out_of_reach(id, now);
    }

    /// The services that may offer to the agent, and the buckets it reaches with its levels.
    fn reach_of(
        &self,
        id: UserId,
        now: Timestamp,
    ) -> Option<(BTreeSet<ServiceId>, BTreeMap<BucketId, u32>)> {
        let agent = self.agents.get(&id)?;
        let mut present_in = BTreeSet::new();
        let mut reach = BTreeMap::new();
        for service in &agent.services {
            let Some(desk) = self.desks.get(service) else {
                continue;
            };
            let selection = desk.selection();
            let here = selection
                .is_some_and(|selection| present(&agent.factors, *service, selection, now).is_ok());
            if !here {
                continue;
            }
            present_in.insert(*service);
            for bucket in &desk.buckets {
                if let Some(sum) = agent.covers(&self.buckets.bucket(*bucket).key.asked) {
                    reach.insert(*bucket, sum);
                }
            }
        }
        Some((present_in, reach))
    }

    /// Items of the bucket that waited for this agent to be asked, too, may now go to those who
    /// were asked before.
    fn leave_bucket(&mut self, id: UserId, bucket: BucketId) {
        self.buckets.bucket_mut(bucket).present.remove(&id);
        let waiting: Vec<Sequence> = {
            let asked = &self.buckets.bucket(bucket).asked_before;
            asked.iter().copied().collect()
        };
        for sequence in waiting {
            let record = &self.waiting[&sequence];
            let candidate = (record.precedence, Spot::Bucket(bucket));
            self.found_again(candidate, record.service);
        }
    }

    /// Items that waited for this agent by name may no longer wait for it alone.
    fn leave_service(&mut self, id: UserId, service: ServiceId, now: Timestamp) {
        let order = self
            .agents
            .get(&id)
            .and_then(|it| it.personal.get(&service));
        let waiting: Vec<Sequence> = order.into_iter().flat_map(|order| order.iter()).collect();
        for sequence in waiting {
            let record = &self.waiting[&sequence];
            if self.waits_for_preferred(record, now) {
                let candidate = (record.precedence, Spot::Personal);
                self.found_again(candidate, service);
            } else {
                self.unsettle(sequence);
                self.settle(sequence, now);
            }
        }
    }

    /// Takes back what rings at the agent and no longer may.
    fn rescind_out_of_reach(&mut self, id: UserId, now: Timestamp) {
        let ringing: Vec<Offer> = self.offers_of(id).cloned().collect();
        for offer in ringing {
            if self.may_still_ring(id, &offer) {
                continue;
            }
            let end = OfferEnd::Rescinded(RescindReason::AgentChanged);
            self.silence(&offer, id, end, now);
        }
    }

    fn may_still_ring(&self, id: UserId, offer: &Offer) -> bool {
        let Some(agent) = self.agents.get(&id) else {
            return false;
        };
        let record = &self.waiting[&offer.sequence];
        let preferred = record.preferred.as_ref();
        let by_name = preferred.is_some_and(|preferred| preferred.agents().contains(&id));
        let present = &self.buckets.bucket(record.bucket).present;
        present.contains_key(&id) || by_name && agent.present_in.contains(&record.service)
    }

    /// An offer ends for one agent; when it rings nowhere else, the item waits again.
    pub(super) fn silence(&mut self, offer: &Offer, id: UserId, end: OfferEnd, now: Timestamp) {
        let rings = self.offers.silence(offer.id, id);
        self.ended_for(offer, id, end, !rings, now);
        if !rings {
            self.timers
                .clear(offer.expires_at, super::timers::Moment::OfferOver(offer.id));
            self.standing(offer.sequence, Standing::Bucket);
            self.settle(offer.sequence, now);
        }
    }
}
