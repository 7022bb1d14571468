//! What agents do, as verbs on [`Distribution`]. A verb about an agent that is not set up does
//! nothing. What follows from a verb is said by the next [`Distribution::match_now`].

use crate::domain::agent::{AgentState, Block, Duty, Factors, Presence, Unit, state};
use crate::domain::ids::{OfferId, Sequence, ServiceId, UserId};
use crate::domain::time::Timestamp;

use super::agents::{Agent, AgentSetup};
use super::distribution::{Decision, Distribution};
use super::offers::Offer;
use super::timers::Moment;
use super::waiting::Standing;

impl Distribution {
    /// An agent is set up or its set-up changed. At a start: before the items are applied.
    pub fn agent_changed(&mut self, setup: AgentSetup, now: Timestamp) {
        let id = setup.id;
        if self.agents.contains_key(&id) {
            self.forget_membership(id);
            let agent = self.agents.get_mut(&id).expect("it was looked up above");
            agent.change(setup, &mut self.requirements);
        } else {
            let agent = Agent::new(setup, &mut self.requirements, now);
            self.agents.insert(id, agent);
            self.find_personal_items(id);
        }
        self.remember_membership(id);
        self.reach_changed(id, now);
    }

    /// An agent is deactivated. Returns the items it is connected to: the engine requeues them.
    pub fn agent_gone(&mut self, id: UserId, now: Timestamp) -> Vec<Sequence> {
        self.set_presence(id, Presence::Offline, now);
        self.forget_membership(id);
        self.touched.insert(id);
        let agent = self.agents.remove(&id);
        self.looking.remove(&id);
        agent.map(|agent| agent.connected()).unwrap_or_default()
    }

    fn forget_membership(&mut self, id: UserId) {
        let Some(agent) = self.agents.get(&id) else {
            return;
        };
        for service in &agent.services {
            let Some(desk) = self.desks.get_mut(service) else {
                continue;
            };
            desk.members.remove(&id);
            for bucket in &desk.buckets {
                self.buckets.bucket_mut(*bucket).able.remove(&id);
            }
        }
    }

    fn remember_membership(&mut self, id: UserId) {
        let agent = &self.agents[&id];
        for service in &agent.services {
            let Some(desk) = self.desks.get_mut(service) else {
                continue;
            };
            desk.members.insert(id);
            for bucket in &desk.buckets {
                let bucket = self.buckets.bucket_mut(*bucket);
                if agent.could_cover(&bucket.key.asked) {
                    bucket.able.insert(id);
                }
            }
        }
    }

    /// Items that waited for this agent before it was set up.
    fn find_personal_items(&mut self, id: UserId) {
        let agent = self.agents.get_mut(&id).expect("it was set up above");
        let waiting = self.waiting.values().filter(|record| {
            let preferred = record.preferred.as_ref();
            record.standing == Standing::Personal
                && preferred.is_some_and(|preferred| preferred.agents().contains(&id))
        });
        for record in waiting {
            let order = agent.personal.entry(record.service).or_default();
            let precedence = record.precedence;
            order.insert(precedence.priority(), precedence.sequence());
        }
    }

    /// The agent signs in, is there or elsewhere, or goes. Going takes its offers back, ends its
    /// wrap-up and forgives an unanswered offer; its connected items stay with it (see
    /// [`Distribution::agent_lost`]).
    pub fn set_presence(&mut self, id: UserId, presence: Presence, now: Timestamp) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        let was_there = agent.is_there();
        agent.factors.presence = presence;
        if presence == Presence::Offline {
            let factors = &mut agent.factors;
            let block = &mut factors.block;
            block.take_if(|block| matches!(block, Block::NoAnswer { .. }));
            let units = &mut factors.units;
            units.retain(|(_, unit)| !matches!(unit, Unit::WrapUp { .. }));
        } else {
            if !was_there {
                agent.idle_since = now;
            }
            if let Some(at) = agent.absent_until.take() {
                self.timers.clear(at, Moment::AbsenceOver(id));
            }
        }
        self.reach_changed(id, now);
    }

    /// The agent is gone without a word, or signed out with items in hand: offline, and its
    /// connected items are kept for `keep_ms`; then [`Decision::AbsenceOver`] names them, unless it
    /// comes back.
    pub fn agent_lost(&mut self, id: UserId, keep_ms: i64, now: Timestamp) {
        self.set_presence(id, Presence::Offline, now);
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        if agent.absent_until.is_none() && !agent.connected().is_empty() {
            let until = now.plus_ms(keep_ms);
            agent.absent_until = Some(until);
            self.timers.set(until, Moment::AbsenceOver(id));
        }
    }

    pub(super) fn let_go(&mut self, id: UserId, now: Timestamp) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        if agent.absent_until.take_if(|until| *until <= now).is_some() {
            let sequences = agent.connected();
            if !sequences.is_empty() {
                let agent = id;
                self.decisions
                    .push(Decision::AbsenceOver { agent, sequences });
            }
        }
    }

    /// Turns the agent's toggle of a service.
    pub fn set_active(&mut self, id: UserId, service: ServiceId, active: bool, now: Timestamp) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        if active {
            agent.factors.active.insert(service);
        } else {
            agent.factors.active.remove(&service);
        }
        self.reach_changed(id, now);
    }

    /// The agent goes on or off duty, or takes another responsibility profile.
    pub fn set_duty(&mut self, id: UserId, duty: Duty, now: Timestamp) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.factors.duty = duty;
            self.reach_changed(id, now);
        }
    }

    /// The agent is not available, for a reason; or, with `None`, available again.
    pub fn set_not_available(&mut self, id: UserId, reason: Option<String>, now: Timestamp) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.set_not_available(reason);
            self.reach_changed(id, now);
        }
    }

    /// The agent says that it is ready: an unanswered offer no longer counts.
    pub fn ready(&mut self, id: UserId, now: Timestamp) {
        if let Some(agent) = self.agents.get_mut(&id) {
            let block = &mut agent.factors.block;
            block.take_if(|block| matches!(block, Block::NoAnswer { .. }));
            self.reach_changed(id, now);
        }
    }

    /// What the agent's state is made of; `None`: it is not set up.
    pub fn factors(&self, id: UserId) -> Option<&Factors> {
        self.agents.get(&id).map(|agent| &agent.factors)
    }

    /// The agent's state; `None`: it is not set up.
    pub fn agent_state(&self, id: UserId, now: Timestamp) -> Option<AgentState> {
        Some(state(self.factors(id)?, now))
    }

    /// What rings at the agent.
    pub fn offers_of(&self, id: UserId) -> impl Iterator<Item = &Offer> {
        let ringing = self.agents.get(&id).into_iter().flat_map(|agent| {
            let units = agent.factors.units.iter();
            units.filter(|(_, unit)| *unit == Unit::Ringing)
        });
        ringing.filter_map(|(sequence, _)| self.offers.of_item(*sequence))
    }

    /// The offer of that number.
    pub fn offer_of(&self, id: OfferId) -> Option<&Offer> {
        self.offers.offer(id)
    }

    /// The offer of an item.
    pub fn offer_for(&self, sequence: Sequence) -> Option<&Offer> {
        self.offers.of_item(sequence)
    }

    /// Takes over from a core that is thrown away what rows do not say: presence, unanswered
    /// offers, wrap-ups, times. To be called when agents and items are in. Its offers are gone: the
    /// engine finds their rows and rescinds them; the next match makes new ones.
    pub fn adopt(&mut self, old: Distribution, now: Timestamp) {
        self.offers.continue_after(&old.offers);
        #[cfg(test)]
        {
            self.offers_take_no_unit = old.offers_take_no_unit;
        }
        self.adopt_handling_times(old.handling_times);
        for (id, was) in old.agents {
            let Some(agent) = self.agents.get_mut(&id) else {
                continue;
            };
            agent.idle_since = was.idle_since;
            agent.factors.presence = was.factors.presence;
            if let Some(Block::NoAnswer { until }) = was.factors.block {
                let block = Block::NoAnswer { until };
                agent.factors.block.get_or_insert(block);
                if let Some(until) = until {
                    self.timers.set(until, Moment::NoAnswerOver(id));
                }
            }
            for (sequence, unit) in was.factors.units {
                // What ended the work may not have been stored: then it goes on.
                let works = agent.connected().contains(&sequence);
                if let Unit::WrapUp { until, .. } = unit
                    && !works
                {
                    agent.factors.units.push((sequence, unit));
                    self.timers.set(until, Moment::WrapUpOver(id));
                }
            }
            agent.absent_until = was.absent_until;
            if let Some(until) = was.absent_until {
                self.timers.set(until, Moment::AbsenceOver(id));
            }
            self.reach_changed(id, now);
        }
    }
}
