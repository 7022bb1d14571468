//! Who gets what: the waiting items in their buckets, the live agents, the offers between them.
//!
//! Nothing here is durable. Rows come in through [`super::core::Core::apply`], which keeps buckets
//! and units equal to the rows; agents come in by the verbs in [`super::people`]; what follows is
//! decided by [`Distribution::match_now`] alone, and leaves as [`Decision`]s.
//!
//! Ensures, after each `match_now`: no agent with a free unit beside a waiting item it reaches,
//! unless it was asked before and somebody who reaches it too was not; of the items an agent
//! reaches, the first served is never passed over.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::agent::Unit;
use crate::domain::content::SkillRequirement;
use crate::domain::ids::{OfferId, Sequence, ServiceId, TenantId, UserId};
use crate::domain::item::ItemState;
use crate::domain::time::Timestamp;

use super::agents::Agent;
use super::buckets::{BucketId, Buckets};
use super::core::Place;
use super::desk::{self, Desk};
use super::estimate::HandlingTimes;
use super::offers::{Offer, OfferEnd, Offers, RescindReason};
use super::order::Precedence;
use super::requirement::{ClassId, Requirements};
use super::service::ServiceSetup;
use super::timers::{Moment, Timers};
use super::waiting::{Route, Waiting};

/// What was decided: the engine makes rows, journal lines and events of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// An item rings at agents.
    Offered(Offer),
    /// An offer ended for one agent. One for each agent it was made to.
    OfferEnded(OfferEnded),
    /// An agent has been gone for so long that its connected items go back into the queue: the
    /// engine changes their rows.
    AbsenceOver {
        /// Who.
        agent: UserId,
        /// Its connected items.
        sequences: Vec<Sequence>,
    },
}

/// The end of an offer for one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferEnded {
    /// Which offer.
    pub offer: OfferId,
    /// Which item.
    pub sequence: Sequence,
    /// Its service.
    pub service: ServiceId,
    /// Since when it rang.
    pub made_at: Timestamp,
    /// For whom.
    pub agent: UserId,
    /// How.
    pub end: OfferEnd,
    /// It rings nowhere any longer, and nobody accepted it. Said once for each such offer.
    pub over: bool,
}

/// Where a waiting item that is not offered stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spot {
    Personal,
    Bucket(BucketId),
}

/// An item that could be offered now.
pub(super) type Candidate = (Precedence, Spot);

/// See the module.
#[derive(Debug, Default)]
pub struct Distribution {
    pub(super) requirements: Requirements,
    pub(super) desks: BTreeMap<ServiceId, Desk>,
    pub(super) buckets: Buckets,
    pub(super) routes: HashMap<(ServiceId, ClassId), Route>,
    pub(super) agents: BTreeMap<UserId, Agent>,
    pub(super) offers: Offers,
    pub(super) waiting: HashMap<Sequence, Waiting>,
    pub(super) timers: Timers<Moment>,
    /// Agents that may find something they could not have before.
    pub(super) looking: BTreeSet<UserId>,
    /// Items that may find somebody they could not have before.
    pub(super) fresh: BTreeSet<Candidate>,
    pub(super) decisions: Vec<Decision>,
    pub(super) handling_times: HandlingTimes,
    pub(super) touched: BTreeSet<UserId>,
    /// A planted fault: offers take no unit of their agents.
    #[cfg(test)]
    pub(crate) offers_take_no_unit: bool,
}

impl Distribution {
    pub(super) fn new(services: &[ServiceSetup], now: Timestamp) -> Distribution {
        let numbers: BTreeMap<(TenantId, &str), ServiceId> = services
            .iter()
            .map(|setup| ((setup.tenant, setup.name.as_ref()), setup.id))
            .collect();
        let desks = services.iter().map(|setup| {
            let policy = setup.policy.as_ref();
            let policy = policy.map(|policy| policy.distribution.clone());
            let desk = Desk {
                levels: desk::levels(setup, policy.as_ref(), &numbers),
                policy,
                members: BTreeSet::new(),
                buckets: Vec::new(),
                free: BTreeSet::new(),
                present: 0,
            };
            (setup.id, desk)
        });
        Distribution {
            desks: desks.collect(),
            offers: Offers::new(now),
            ..Distribution::default()
        }
    }

    /// The class of items with this wish, for [`Place::class`]. `None`: the node knows too many
    /// others already.
    pub fn class_of(&mut self, skills: &[SkillRequirement]) -> Option<ClassId> {
        self.requirements.class_of(skills)
    }

    /// How many agents a service could offer an item to now, and how many if they were all free.
    pub fn staff(&self, service: ServiceId) -> (u64, u64) {
        let desk = self.desks.get(&service);
        desk.map_or((0, 0), |desk| (desk.free.len() as u64, desk.present as u64))
    }

    /// What was decided since the last match, without another.
    pub fn take_decided(&mut self) -> Vec<Decision> {
        std::mem::take(&mut self.decisions)
    }

    /// How many classes are known.
    pub fn classes(&self) -> usize {
        self.requirements.classes()
    }

    /// A number for an agent session that begins without an offer.
    pub fn number_session(&mut self) -> OfferId {
        self.offers.number()
    }

    /// Agents whose state may have changed since the last call.
    pub fn take_touched(&mut self) -> BTreeSet<UserId> {
        std::mem::take(&mut self.touched)
    }

    /// Who declined a waiting item or left it unanswered in this round.
    #[cfg(test)]
    pub fn asked(&self, sequence: Sequence) -> Vec<UserId> {
        let record = self.waiting.get(&sequence);
        record.map_or(Vec::new(), |record| record.asked.clone())
    }

    /// When [`Distribution::match_now`] next has something to do.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let idle = self.looking.is_empty() && self.fresh.is_empty() && self.decisions.is_empty();
        if idle { self.timers.next() } else { Some(now) }
    }

    /// A row has changed; see [`super::core::Core::apply`].
    pub(super) fn apply(&mut self, before: Option<&Place>, after: &Place, now: Timestamp) {
        let before = before.filter(|place| self.desks.contains_key(&place.service));
        let queued = |place: &&Place| place.state == ItemState::Queued;
        match (before.filter(queued), Some(after).filter(queued)) {
            (Some(before), Some(after)) => self.wait_otherwise(before, after, now),
            (Some(before), None) => self.leave(before, connected_agent(after), now),
            (None, _) => {}
        }
        let had = before.and_then(connected_agent);
        let has = connected_agent(after);
        if had != has {
            if let (Some(agent), Some(before)) = (had, before) {
                self.disconnect(agent, before, after.state, now);
            }
            if let Some(agent) = has {
                self.connect(agent, after.sequence, now);
            }
        }
        if after.state == ItemState::Queued && before.is_none_or(|place| !queued(&place)) {
            self.enter(after, now);
        }
    }

    fn connect(&mut self, id: UserId, sequence: Sequence, now: Timestamp) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.hold(sequence, Unit::Connected);
            self.work_changed(id, now);
        }
    }

    fn disconnect(&mut self, id: UserId, before: &Place, after: ItemState, now: Timestamp) {
        let policy = self.desks.get(&before.service);
        let policy = policy.and_then(|desk| desk.policy.as_ref());
        let wrap_up_ms = policy.map_or(0, |policy| policy.wrap_up_ms);
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.drop_units(before.sequence, |unit| unit == Unit::Connected);
        agent.idle_since = now;
        if after != ItemState::Parked && wrap_up_ms > 0 && agent.is_there() {
            let until = now.plus_ms(wrap_up_ms);
            let unit = Unit::WrapUp {
                until,
                extended: false,
            };
            agent.hold(before.sequence, unit);
            self.timers.set(until, Moment::WrapUpOver(id));
        }
        self.work_changed(id, now);
    }

    /// Ends an offer for everybody: one may have accepted it, the others' is taken back.
    pub(super) fn close(&mut self, id: OfferId, accepted_by: Option<UserId>, now: Timestamp) {
        let Some(offer) = self.offers.end(id) else {
            return;
        };
        self.timers.clear(offer.expires_at, Moment::OfferOver(id));
        let accepted = accepted_by.is_some_and(|agent| offer.agents.contains(&agent));
        let last = offer.agents.last();
        for agent in &offer.agents {
            let end = if accepted_by == Some(*agent) {
                OfferEnd::Accepted
            } else if accepted {
                OfferEnd::Rescinded(RescindReason::AcceptedByOther)
            } else {
                OfferEnd::Rescinded(RescindReason::ItemChanged)
            };
            let over = !accepted && Some(agent) == last;
            self.ended_for(&offer, *agent, end, over, now);
        }
    }

    /// Gives the agent's unit back and says how its offer ended.
    pub(super) fn ended_for(
        &mut self,
        offer: &Offer,
        id: UserId,
        end: OfferEnd,
        over: bool,
        now: Timestamp,
    ) {
        self.decisions.push(Decision::OfferEnded(OfferEnded {
            offer: offer.id,
            sequence: offer.sequence,
            service: offer.service,
            made_at: offer.made_at,
            agent: id,
            end,
            over,
        }));
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.drop_units(offer.sequence, |unit| unit == Unit::Ringing);
            self.work_changed(id, now);
        }
    }
}

fn connected_agent(place: &Place) -> Option<UserId> {
    place.agent.filter(|_| place.state == ItemState::Connected)
}
