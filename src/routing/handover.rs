//! What agents do with items, as verbs on [`Distribution`]: accept, decline, take; and the wrap-up
//! after them. Ending, parking, requeue and transfer are changes of rows, which come in through
//! [`super::core::Core::apply`].

use std::collections::BTreeSet;

use crate::domain::agent::{NotSelectable, Unit, selectable};
use crate::domain::distribution::Mode;
use crate::domain::ids::{OfferId, Sequence, ServiceId, UserId};
use crate::domain::item::ItemState;
use crate::domain::time::Timestamp;

use super::core::Place;
use super::distribution::Distribution;
use super::offers::{NotOffered, OfferEnd, RescindReason};
use super::timers::Moment;
use super::waiting::Standing;

/// Why an agent may not take an item from the list of a pickup service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTakeable {
    /// There is no such agent.
    #[error("the agent is not known")]
    UnknownAgent,
    /// The item does not wait, or its service offers its items.
    #[error("the item is not to be picked up")]
    NotToPickUp,
    /// The agent is no member of a service that may have it, or lacks a skill.
    #[error("the agent does not cover what the item asks for")]
    NotCovered,
    /// It waits for the agents it prefers.
    #[error("the item waits for the agents it prefers")]
    PreferredAgentOnly,
    /// The agent gets nothing now.
    #[error(transparent)]
    NotSelectable(#[from] NotSelectable),
}

/// Why a wrap-up cannot be made longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotExtendable {
    /// The agent is not in wrap-up after this item.
    #[error("there is no wrap-up after this item")]
    NoWrapUp,
    /// It was made longer before.
    #[error("a wrap-up is made longer once")]
    ExtendedBefore,
}

impl Distribution {
    /// The item that the agent accepts with this offer. Nothing changes yet: the row does, and
    /// [`super::core::Core::apply`] with it, which ends the offer for everybody.
    ///
    /// # Errors
    /// [`NotOffered`]: the offer is over or was made to somebody else.
    pub fn may_accept(&self, offer: OfferId, agent: UserId) -> Result<Sequence, NotOffered> {
        let offer = self.offers.ringing_at(offer, agent)?;
        Ok(offer.sequence)
    }

    /// The agent declines the offer: the item goes to somebody else first. Returns the item.
    ///
    /// # Errors
    /// [`NotOffered`]: the offer is over or was made to somebody else.
    pub fn decline(
        &mut self,
        offer: OfferId,
        agent: UserId,
        now: Timestamp,
    ) -> Result<Sequence, NotOffered> {
        let offer = self.offers.ringing_at(offer, agent)?.clone();
        self.note_asked(offer.sequence, agent);
        self.silence(&offer, agent, OfferEnd::Declined, now);
        Ok(offer.sequence)
    }

    /// Takes the offer of an item back from all its agents, without counting them as asked.
    pub fn rescind(&mut self, sequence: Sequence, now: Timestamp) {
        let Some(offer) = self.offers.of_item(sequence).cloned() else {
            return;
        };
        let end = OfferEnd::Rescinded(RescindReason::ItemChanged);
        for agent in &offer.agents {
            self.silence(&offer, *agent, end, now);
        }
    }

    /// Whether the agent may take the item from the list of a pickup service. The row changes
    /// then, and [`super::core::Core::apply`] with it.
    ///
    /// # Errors
    /// [`NotTakeable`], shown to the agent.
    pub fn may_take(&self, id: UserId, place: &Place, now: Timestamp) -> Result<(), NotTakeable> {
        let agent = self.agents.get(&id).ok_or(NotTakeable::UnknownAgent)?;
        let desk = self.desks.get(&place.service);
        let policy = desk.and_then(|desk| desk.policy.as_ref());
        let pickup = policy.is_some_and(|policy| policy.mode == Mode::Pickup);
        if !pickup || place.state != ItemState::Queued {
            return Err(NotTakeable::NotToPickUp);
        }
        let record = self.waiting.get(&place.sequence);
        let waits_for_others = record.is_some_and(|record| {
            let preferred = record.preferred.as_ref();
            record.standing == Standing::Personal
                && preferred.is_some_and(|preferred| !preferred.agents().contains(&id))
        });
        if waits_for_others {
            return Err(NotTakeable::PreferredAgentOnly);
        }
        let bucket = self.bucket_of(place).ok_or(NotTakeable::NotCovered)?;
        let services = self.buckets.bucket(bucket).key.services();
        let mine: BTreeSet<ServiceId> = services
            .filter(|service| agent.services.contains(service))
            .collect();
        let asked = &self.buckets.bucket(bucket).key.asked;
        if mine.is_empty() || agent.covers(asked).is_none() {
            return Err(NotTakeable::NotCovered);
        }
        let mut result = Err(NotTakeable::NotCovered);
        for service in mine {
            if let Some(selection) = self.desks.get(&service).and_then(|desk| desk.selection()) {
                selectable(&agent.factors, service, selection, now)?;
                result = Ok(());
                break;
            }
        }
        result
    }

    /// Whether the agent is signed in.
    pub fn is_there(&self, id: UserId) -> bool {
        let agent = self.agents.get(&id);
        agent.is_some_and(|agent| agent.is_there())
    }

    /// Until when the agent wraps up after an item; `None`: it does not.
    pub fn wrap_up_until(&self, id: UserId, item: Sequence) -> Option<Timestamp> {
        let mut units = self.agents.get(&id)?.factors.units.iter();
        units.find_map(|(sequence, unit)| match unit {
            Unit::WrapUp { until, .. } if *sequence == item => Some(*until),
            Unit::WrapUp { .. } | Unit::Ringing | Unit::Connected => None,
        })
    }

    /// Whether the agent has a unit free, for a resume.
    pub fn has_room(&self, id: UserId, now: Timestamp) -> bool {
        let agent = self.agents.get(&id);
        agent.is_some_and(|agent| agent.factors.has_room(now))
    }

    /// Sets the end of the agent's wrap-up after an item, for a task type with a length of its own.
    pub fn set_wrap_up(&mut self, id: UserId, item: Sequence, until: Timestamp, now: Timestamp) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.drop_units(item, |unit| matches!(unit, Unit::WrapUp { .. }));
        if until > now && agent.is_there() {
            let extended = false;
            agent.hold(item, Unit::WrapUp { until, extended });
            self.timers.set(until, Moment::WrapUpOver(id));
        }
        self.work_changed(id, now);
    }

    /// Makes the agent's wrap-up after an item longer, once. Returns its new end.
    ///
    /// # Errors
    /// [`NotExtendable`], shown to the agent.
    pub fn extend_wrap_up(
        &mut self,
        id: UserId,
        item: Sequence,
        by_ms: i64,
        now: Timestamp,
    ) -> Result<Timestamp, NotExtendable> {
        let agent = self.agents.get_mut(&id).ok_or(NotExtendable::NoWrapUp)?;
        let mut units = agent.factors.units.iter_mut();
        let running = units.find_map(|(sequence, unit)| match unit {
            Unit::WrapUp { until, extended } if *sequence == item && *until > now => {
                Some((until, extended))
            }
            Unit::WrapUp { .. } | Unit::Ringing | Unit::Connected => None,
        });
        let (until, extended) = running.ok_or(NotExtendable::NoWrapUp)?;
        if *extended {
            return Err(NotExtendable::ExtendedBefore);
        }
        *extended = true;
        *until = until.plus_ms(by_ms);
        let until = *until;
        self.timers.set(until, Moment::WrapUpOver(id));
        self.touched.insert(id);
        Ok(until)
    }

    /// The agent has done with its wrap-up after an item.
    pub fn end_wrap_up(&mut self, id: UserId, item: Sequence, now: Timestamp) {
        if let Some(agent) = self.agents.get_mut(&id) {
            if agent.drop_units(item, |unit| matches!(unit, Unit::WrapUp { .. })) {
                agent.idle_since = now;
            }
            self.work_changed(id, now);
        }
    }
}
