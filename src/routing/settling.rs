//! Where a waiting item stands: with its preferred agents, in the bucket of its level, or nowhere
//! while it rings.

use crate::domain::ids::{Sequence, ServiceId, UserId};
use crate::domain::time::Timestamp;

use super::core::Place;
use super::desk::Desk;
use super::distribution::{Candidate, Distribution, Spot};
use super::order::Precedence;
use super::timers::Moment;
use super::waiting::{Standing, Waiting};

impl Distribution {
    /// A queued item stays queued, but something about it changed. A changed priority leaves an
    /// offer standing, an offer to an agent who may no longer have the item is taken back.
    pub(super) fn wait_otherwise(&mut self, before: &Place, after: &Place, now: Timestamp) {
        let stay = |place: &Place| (place.service, place.class, place.waiting_since);
        let same_place = stay(before) == stay(after);
        let same_wish = before.preferred == after.preferred;
        if same_place && same_wish && before.priority == after.priority {
            return;
        }
        let remembered = self.waiting.contains_key(&after.sequence);
        if !same_place || !remembered || self.violates_requirement(after) {
            self.leave(before, None, now);
            self.enter(after, now);
            return;
        }
        self.unsettle(after.sequence);
        let record = self.waiting.get_mut(&after.sequence);
        let record = record.expect("it was looked up above");
        record.precedence = Precedence::new(after.priority, after.sequence);
        record.preferred.clone_from(&after.preferred);
        if !matches!(record.standing, Standing::Offered(_)) {
            self.settle(after.sequence, now);
        }
    }

    /// Whether the item rings at an agent while others are required.
    fn violates_requirement(&self, place: &Place) -> bool {
        let Some(offer) = self.offers.of_item(place.sequence) else {
            return false;
        };
        let required = place.preferred.iter().filter(|it| it.required);
        let mut lists = required.map(|preferred| preferred.agents());
        lists.any(|list| !offer.agents.iter().all(|agent| list.contains(agent)))
    }

    /// An item begins to wait for an agent.
    pub(super) fn enter(&mut self, place: &Place, now: Timestamp) {
        let Some(route) = self.route(place.service, place.class) else {
            return;
        };
        let precedence = Precedence::new(place.priority, place.sequence);
        if route.len() == 1 && place.preferred.is_none() && place.asked.is_none() {
            self.buckets.insert(route[0].bucket, precedence, false);
            self.found_again((precedence, Spot::Bucket(route[0].bucket)), place.service);
            return;
        }
        let mut record = Waiting {
            precedence,
            service: place.service,
            bucket: route[0].bucket,
            route: (route.len() > 1).then_some(route),
            step: 0,
            since: place.waiting_since.unwrap_or(now),
            preferred: place.preferred.clone(),
            asked: place.asked.into_iter().collect(),
            standing: Standing::Bucket,
        };
        record.widen(now);
        if let Some(at) = record.widens_at() {
            self.timers.set(at, Moment::Widen(place.sequence));
        }
        self.waiting.insert(place.sequence, record);
        self.settle(place.sequence, now);
    }

    /// An item no longer waits: an agent accepted it, or it ended, or it went elsewhere.
    pub(super) fn leave(&mut self, place: &Place, accepted_by: Option<UserId>, now: Timestamp) {
        let Some(record) = self.waiting.get(&place.sequence) else {
            let Some(route) = self.route(place.service, place.class) else {
                return;
            };
            let precedence = Precedence::new(place.priority, place.sequence);
            self.buckets.remove(route[0].bucket, precedence);
            self.fresh
                .remove(&(precedence, Spot::Bucket(route[0].bucket)));
            return;
        };
        if let Some(at) = record.widens_at() {
            self.timers.clear(at, Moment::Widen(place.sequence));
        }
        match record.standing {
            Standing::Offered(offer) => self.close(offer, accepted_by, now),
            Standing::Personal | Standing::Bucket => self.unsettle(place.sequence),
        }
        self.waiting.remove(&place.sequence);
    }

    /// Puts an item that has a record where it belongs: to its preferred agents, or its bucket.
    pub(super) fn settle(&mut self, sequence: Sequence, now: Timestamp) {
        let record = &self.waiting[&sequence];
        let (precedence, service, bucket) = (record.precedence, record.service, record.bucket);
        let spot = if self.waits_for_preferred(record, now) {
            let preferred = record.preferred.clone().expect("it prefers somebody");
            for id in preferred.agents() {
                if let Some(agent) = self.agents.get_mut(id) {
                    let order = agent.personal.entry(service).or_default();
                    order.insert(precedence.priority(), sequence);
                }
            }
            if let Some(over) = self.preferred_over(&self.waiting[&sequence]) {
                self.timers.set(over, Moment::PreferredOver(sequence));
            }
            self.standing(sequence, Standing::Personal);
            Spot::Personal
        } else {
            let asked_before = !record.asked.is_empty();
            self.buckets.insert(bucket, precedence, asked_before);
            self.standing(sequence, Standing::Bucket);
            if self.waiting[&sequence].is_plain() {
                self.waiting.remove(&sequence);
            }
            Spot::Bucket(bucket)
        };
        self.found_again((precedence, spot), service);
    }

    /// Takes an item that has a record from where it waits.
    pub(super) fn unsettle(&mut self, sequence: Sequence) {
        let record = &self.waiting[&sequence];
        let (precedence, service, bucket) = (record.precedence, record.service, record.bucket);
        match record.standing {
            Standing::Personal => {
                let preferred = record.preferred.clone().expect("it prefers somebody");
                if let Some(over) = self.preferred_over(record) {
                    self.timers.clear(over, Moment::PreferredOver(sequence));
                }
                for id in preferred.agents() {
                    let agent = self.agents.get_mut(id);
                    if let Some(order) = agent.and_then(|agent| agent.personal.get_mut(&service)) {
                        order.remove(precedence.priority(), sequence);
                    }
                }
                self.fresh.remove(&(precedence, Spot::Personal));
            }
            Standing::Bucket => {
                self.buckets.remove(bucket, precedence);
                self.fresh.remove(&(precedence, Spot::Bucket(bucket)));
            }
            Standing::Offered(_) => {}
        }
    }

    pub(super) fn standing(&mut self, sequence: Sequence, standing: Standing) {
        let record = self.waiting.get_mut(&sequence);
        record.expect("it has a record").standing = standing;
    }

    /// Until when an item waits for its preferred agents alone; `None`: for ever, or it prefers
    /// nobody.
    fn preferred_over(&self, record: &Waiting) -> Option<Timestamp> {
        let preferred = record.preferred.as_ref()?;
        let policy = self.desks.get(&record.service)?.policy.as_ref()?;
        let over = preferred.since.plus_ms(policy.preferred_wait_ms);
        (!preferred.required).then_some(over)
    }

    /// Whether an item waits for its preferred agents alone: for ever if they are required, else
    /// for a time and while one of them is there who was not asked yet.
    pub(super) fn waits_for_preferred(&self, record: &Waiting, now: Timestamp) -> bool {
        let Some(preferred) = &record.preferred else {
            return false;
        };
        if preferred.required {
            return true;
        }
        let in_time = self.preferred_over(record).is_some_and(|over| now < over);
        in_time && self.somebody_preferred_is_left(record)
    }

    /// Whether a preferred agent is there, free or busy, who was not asked in this round.
    pub(super) fn somebody_preferred_is_left(&self, record: &Waiting) -> bool {
        let agents = record.preferred.iter().flat_map(|it| it.agents());
        let mut left = agents.filter(|id| !record.asked.contains(id));
        left.any(|id| {
            let agent = self.agents.get(id);
            agent.is_some_and(|agent| agent.present_in.contains(&record.service))
        })
    }

    /// Notes an item for the next match, if anybody is free who might get it.
    pub(super) fn found_again(&mut self, candidate: Candidate, service: ServiceId) {
        let offers = self.desks.get(&service).is_some_and(Desk::offers);
        let somebody = match candidate.1 {
            Spot::Personal => true,
            Spot::Bucket(bucket) => {
                let mut services = self.buckets.bucket(bucket).key.services();
                services.any(|id| {
                    self.desks
                        .get(&id)
                        .is_some_and(|desk| !desk.free.is_empty())
                })
            }
        };
        if offers && somebody {
            self.fresh.insert(candidate);
        }
    }
}
