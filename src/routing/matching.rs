//! Who gets what. One decision costs the heads of the buckets an agent reaches, or the free agents
//! of the services an item may go to; never the items that wait.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::agent::{Block, Unit};
use crate::domain::distribution::{BROADCAST_AGENTS_MAX, Mode};
use crate::domain::ids::{OfferId, Sequence, UserId};
use crate::domain::time::Timestamp;

use super::buckets::BucketId;
use super::distribution::{Candidate, Decision, Distribution, Spot};
use super::offers::OfferEnd;
use super::order::Precedence;
use super::timers::Moment;
use super::waiting::{Standing, Waiting};

impl Distribution {
    /// Lets due timers fire, offers what can be offered, and says everything that was decided
    /// since the last call.
    ///
    /// Ensures: see the module [`super::distribution`].
    pub fn match_now(&mut self, now: Timestamp) -> Vec<Decision> {
        while let Some(moment) = self.timers.pop_due(now) {
            self.fire(moment, now);
        }
        let fresh = std::mem::take(&mut self.fresh).into_iter();
        let mut candidates: BTreeMap<Candidate, Vec<UserId>> =
            fresh.map(|candidate| (candidate, Vec::new())).collect();
        for agent in std::mem::take(&mut self.looking) {
            self.look(agent, &mut candidates);
        }
        while let Some((candidate, looking)) = candidates.pop_first() {
            let agents = self.choose(candidate);
            if agents.is_empty() {
                // Whoever found it has taken something better since.
                let free = |id: &UserId| self.agents.get(id).is_some_and(|agent| agent.free);
                assert!(!looking.iter().any(free), "who finds an item may have it");
                continue;
            }
            self.offer(candidate, agents, now);
            for agent in looking {
                self.look(agent, &mut candidates);
            }
        }
        std::mem::take(&mut self.decisions)
    }

    /// Notes the best item that a free agent may have.
    fn look(&self, id: UserId, candidates: &mut BTreeMap<Candidate, Vec<UserId>>) {
        if let Some(candidate) = self.best_for(id) {
            candidates.entry(candidate).or_default().push(id);
        }
    }

    /// The first served of all items that the agent may have now.
    fn best_for(&self, id: UserId) -> Option<Candidate> {
        let agent = self.agents.get(&id).filter(|agent| agent.free)?;
        let mut best: Option<Candidate> = None;
        for (service, order) in &agent.personal {
            let offers = self.desks.get(service).is_some_and(|desk| desk.offers());
            if !offers || !agent.present_in.contains(service) {
                continue;
            }
            let mut order = order.in_precedence();
            let first = order.find(|it| !self.skips_personal(id, it.sequence()));
            let first = first.map(|precedence| (precedence, Spot::Personal));
            best = best.into_iter().chain(first).min();
        }
        for bucket in &agent.reach {
            let Some(head) = self.buckets.head(*bucket) else {
                continue;
            };
            if best.is_some_and(|(precedence, _)| precedence < head) {
                continue;
            }
            let first = self.first_in(*bucket, head, id);
            let first = first.map(|precedence| (precedence, Spot::Bucket(*bucket)));
            best = best.into_iter().chain(first).min();
        }
        best
    }

    /// The first item of a bucket that the agent does not leave to others.
    fn first_in(&self, id: BucketId, head: Precedence, agent: UserId) -> Option<Precedence> {
        let bucket = self.buckets.bucket(id);
        if !bucket.offers {
            return None;
        }
        if bucket.asked_before.is_empty() {
            return Some(head);
        }
        let mut order = bucket.in_precedence();
        order.find(|it| !self.skips(id, agent, it.sequence()))
    }

    /// Whether an agent leaves an item of a bucket to somebody who was not asked yet.
    fn skips(&self, id: BucketId, agent: UserId, sequence: Sequence) -> bool {
        let bucket = self.buckets.bucket(id);
        if !bucket.asked_before.contains(&sequence) {
            return false;
        }
        let asked = &self.waiting[&sequence].asked;
        let here = asked.iter().filter(|id| bucket.present.contains_key(id));
        asked.contains(&agent) && here.count() < bucket.present.len()
    }

    /// The same for an item that waits for its preferred agents.
    fn skips_personal(&self, agent: UserId, sequence: Sequence) -> bool {
        let record = &self.waiting[&sequence];
        record.asked.contains(&agent) && self.somebody_preferred_is_left(record)
    }

    /// Whom an item is offered to now: nobody, one, or in a broadcast several.
    fn choose(&self, candidate: Candidate) -> Vec<UserId> {
        let (precedence, spot) = candidate;
        let sequence = precedence.sequence();
        match spot {
            Spot::Personal => {
                let record = &self.waiting[&sequence];
                let preferred = record.preferred.iter().flat_map(|it| it.agents());
                let mut able = preferred.filter(|id| {
                    let agent = self.agents.get(id).filter(|agent| agent.free);
                    agent.is_some_and(|agent| agent.present_in.contains(&record.service))
                        && !self.skips_personal(**id, sequence)
                });
                able.next().copied().into_iter().collect()
            }
            Spot::Bucket(bucket) => self.choose_from_bucket(bucket, sequence),
        }
    }

    fn choose_from_bucket(&self, id: BucketId, sequence: Sequence) -> Vec<UserId> {
        let bucket = self.buckets.bucket(id);
        let services = bucket.key.services();
        let desks = services.filter_map(|service| self.desks.get(&service));
        let able: BTreeSet<UserId> = desks
            .flat_map(|desk| desk.free.iter().copied())
            .filter(|agent| bucket.present.contains_key(agent))
            .filter(|agent| !self.skips(id, *agent, sequence))
            .collect();
        let idle = |agent: &UserId| {
            let live = &self.agents[agent];
            (live.idle_since, live.name.clone(), *agent)
        };
        let desk = &self.desks[&bucket.key.service];
        match desk.policy.as_ref().map(|policy| policy.mode) {
            Some(Mode::Direct) => {
                let level = |agent: &UserId| Reverse(bucket.present[agent]);
                let best = able.into_iter().min_by_key(|it| (level(it), idle(it)));
                best.into_iter().collect()
            }
            Some(Mode::Broadcast) => {
                let mut agents: Vec<UserId> = able.into_iter().collect();
                agents.sort_by_cached_key(idle);
                agents.truncate(BROADCAST_AGENTS_MAX);
                agents
            }
            Some(Mode::Pickup) | None => Vec::new(),
        }
    }

    fn offer(&mut self, candidate: Candidate, agents: Vec<UserId>, now: Timestamp) {
        let (precedence, spot) = candidate;
        let sequence = precedence.sequence();
        if self.waiting.contains_key(&sequence) {
            self.unsettle(sequence);
        } else {
            let record = self.plain_record(precedence, spot, now);
            self.buckets.remove(record.bucket, precedence);
            self.waiting.insert(sequence, record);
        }
        let record = self.waiting.get_mut(&sequence);
        let record = record.expect("it has one since the lines above");
        if agents.iter().any(|agent| record.asked.contains(agent)) {
            // Everybody was asked: a new round begins.
            record.asked.clear();
        }
        let service = record.service;
        let policy = self.desks[&service].policy.as_ref();
        let timeout_ms = policy
            .expect("a retired service offers nothing")
            .offer_timeout_ms;
        let offer = self
            .offers
            .make((sequence, service), agents, now, timeout_ms);
        self.standing(sequence, Standing::Offered(offer.id));
        self.timers
            .set(offer.expires_at, Moment::OfferOver(offer.id));
        for id in &offer.agents {
            #[cfg(test)]
            if self.offers_take_no_unit {
                continue;
            }
            let agent = self.agents.get_mut(id);
            agent.expect("it was chosen").hold(sequence, Unit::Ringing);
            self.work_changed(*id, now);
            // An agent with more units finds nothing now that it did not find before.
            self.looking.remove(id);
        }
        self.decisions.push(Decision::Offered(offer));
    }

    /// The record of an item that needed none while it stood in its bucket.
    fn plain_record(&self, precedence: Precedence, spot: Spot, now: Timestamp) -> Waiting {
        let Spot::Bucket(bucket) = spot else {
            unreachable!("an item that prefers somebody has a record");
        };
        Waiting {
            precedence,
            service: self.buckets.bucket(bucket).key.service,
            bucket,
            route: None,
            step: 0,
            since: now,
            preferred: None,
            asked: Vec::new(),
            standing: Standing::Bucket,
        }
    }

    fn fire(&mut self, moment: Moment, now: Timestamp) {
        match moment {
            Moment::OfferOver(offer) => self.leave_unanswered(offer, now),
            Moment::Widen(sequence) => self.widen(sequence, now),
            Moment::PreferredOver(sequence) => {
                let standing = self.waiting.get(&sequence).map(|record| record.standing);
                if standing == Some(Standing::Personal) {
                    self.unsettle(sequence);
                    self.settle(sequence, now);
                }
            }
            Moment::WrapUpOver(id) => {
                if let Some(agent) = self.agents.get_mut(&id) {
                    let units = &mut agent.factors.units;
                    let before = units.len();
                    units.retain(|(_, unit)| unit.holds_at(now));
                    if units.len() < before {
                        agent.idle_since = now;
                    }
                }
                self.work_changed(id, now);
            }
            Moment::NoAnswerOver(id) => {
                if let Some(agent) = self.agents.get_mut(&id) {
                    let block = &mut agent.factors.block;
                    block.take_if(|block| !block.holds_at(now));
                }
                self.reach_changed(id, now);
            }
            Moment::AbsenceOver(id) => self.let_go(id, now),
        }
    }

    fn widen(&mut self, sequence: Sequence, now: Timestamp) {
        let Some(record) = self.waiting.get(&sequence) else {
            return;
        };
        let in_bucket = record.standing == Standing::Bucket;
        if in_bucket {
            self.unsettle(sequence);
        }
        let record = self.waiting.get_mut(&sequence);
        let record = record.expect("it was looked up above");
        record.widen(now);
        if let Some(at) = record.widens_at() {
            self.timers.set(at, Moment::Widen(sequence));
        }
        if in_bucket {
            self.settle(sequence, now);
        }
    }

    /// An offer has rung long enough. Who was rung at alone is blocked until it says ready.
    fn leave_unanswered(&mut self, id: OfferId, now: Timestamp) {
        let Some(offer) = self.offers.offer(id).cloned() else {
            return;
        };
        let policy = self.desks[&offer.service].policy.as_ref();
        let flags = policy.is_some_and(|policy| policy.mode == Mode::Direct);
        let reset_ms = policy.and_then(|policy| policy.no_answer_reset_ms);
        for agent in &offer.agents {
            self.note_asked(offer.sequence, *agent);
            if !flags {
                continue;
            }
            let until = reset_ms.map(|ms| now.plus_ms(ms));
            if let Some(live) = self.agents.get_mut(agent) {
                live.factors.block.get_or_insert(Block::NoAnswer { until });
            }
            if let Some(until) = until {
                self.timers.set(until, Moment::NoAnswerOver(*agent));
            }
        }
        for agent in &offer.agents {
            self.silence(&offer, *agent, OfferEnd::NoAnswer, now);
            self.reach_changed(*agent, now);
        }
    }

    /// The agent declined the item or left it unanswered.
    pub(super) fn note_asked(&mut self, sequence: Sequence, agent: UserId) {
        let record = self.waiting.get_mut(&sequence);
        let asked = &mut record.expect("an offered item has a record").asked;
        if !asked.contains(&agent) {
            asked.push(agent);
        }
    }
}
