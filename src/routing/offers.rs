//! Offers: what rings, at whom, until when. Volatile: the row of an offered item stays queued.

use std::collections::{BTreeMap, HashMap};

use crate::domain::ids::{OfferId, Sequence, ServiceId, UserId};
use crate::domain::session::AgentResult;
use crate::domain::time::Timestamp;

/// One item that rings at one agent, or at several (broadcast).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its number.
    pub id: OfferId,
    /// Which item.
    pub sequence: Sequence,
    /// The item's service.
    pub service: ServiceId,
    /// At whom it still rings, never nobody.
    pub agents: Vec<UserId>,
    /// Since then.
    pub made_at: Timestamp,
    /// Until then.
    pub expires_at: Timestamp,
}

/// Why an offer was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RescindReason {
    /// Another agent of the broadcast accepted it.
    AcceptedByOther,
    /// The item is no longer to be offered: it ended, went elsewhere, or must go to another agent.
    ItemChanged,
    /// The agent is no longer to be offered it: gone, not available, no longer active or on duty.
    AgentChanged,
    /// The core was made anew.
    Restarted,
}

impl RescindReason {
    /// The word in the journal.
    pub fn name(self) -> &'static str {
        match self {
            RescindReason::AcceptedByOther => "acceptedByOther",
            RescindReason::ItemChanged => "itemChanged",
            RescindReason::AgentChanged => "agentChanged",
            RescindReason::Restarted => "restarted",
        }
    }
}

/// How an offer ended for one of its agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfferEnd {
    /// The agent accepted it.
    Accepted,
    /// The agent declined it.
    Declined,
    /// The agent left it unanswered.
    NoAnswer,
    /// It was taken back.
    Rescinded(RescindReason),
}

impl OfferEnd {
    /// Why it was taken back, if it was.
    pub fn reason(self) -> Option<RescindReason> {
        match self {
            OfferEnd::Rescinded(reason) => Some(reason),
            OfferEnd::Accepted | OfferEnd::Declined | OfferEnd::NoAnswer => None,
        }
    }

    /// What the agent session of this offer says.
    pub fn result(self) -> AgentResult {
        match self {
            OfferEnd::Accepted => AgentResult::Accepted,
            OfferEnd::Declined => AgentResult::Declined,
            OfferEnd::NoAnswer => AgentResult::NoAnswer,
            OfferEnd::Rescinded(_) => AgentResult::Rescinded,
        }
    }
}

/// The offer is not there, or not for this agent: it ended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the offer is over or was made to somebody else")]
pub struct NotOffered;

/// The offers of a node.
#[derive(Debug, Default)]
pub struct Offers {
    next: u64,
    by_id: BTreeMap<OfferId, Offer>,
    by_item: HashMap<Sequence, OfferId>,
}

impl Offers {
    /// None yet; numbers begin at `now`, in units that leave room for a million a second.
    pub fn new(now: Timestamp) -> Offers {
        Offers {
            next: u64::try_from(now.0).unwrap_or(0) << 10,
            ..Offers::default()
        }
    }

    /// Numbers go on after those of `old`.
    pub fn continue_after(&mut self, old: &Offers) {
        self.next = self.next.max(old.next);
    }

    /// A number that no offer has or had.
    pub fn number(&mut self) -> OfferId {
        self.next += 1;
        OfferId(self.next)
    }

    /// Makes one. The item must not be offered already.
    pub fn make(
        &mut self,
        item: (Sequence, ServiceId),
        agents: Vec<UserId>,
        now: Timestamp,
        timeout_ms: i64,
    ) -> Offer {
        let (sequence, service) = item;
        assert!(!agents.is_empty(), "an offer is made to somebody");
        let offer = Offer {
            id: self.number(),
            sequence,
            service,
            agents,
            made_at: now,
            expires_at: now.plus_ms(timeout_ms),
        };
        let before = self.by_item.insert(sequence, offer.id);
        assert!(before.is_none(), "an item is offered once at a time");
        self.by_id.insert(offer.id, offer.clone());
        offer
    }

    /// The offer of that number.
    pub fn offer(&self, id: OfferId) -> Option<&Offer> {
        self.by_id.get(&id)
    }

    /// The offer of that item.
    pub fn of_item(&self, sequence: Sequence) -> Option<&Offer> {
        self.offer(*self.by_item.get(&sequence)?)
    }

    /// The offer of that number, if it rings at the agent.
    ///
    /// # Errors
    /// [`NotOffered`]: answer it with the state the item is in.
    pub fn ringing_at(&self, id: OfferId, agent: UserId) -> Result<&Offer, NotOffered> {
        let offer = self.offer(id).ok_or(NotOffered)?;
        offer
            .agents
            .contains(&agent)
            .then_some(offer)
            .ok_or(NotOffered)
    }

    /// No longer rings at the agent. Returns whether it still rings at others; if not, it is gone.
    pub fn silence(&mut self, id: OfferId, agent: UserId) -> bool {
        let Some(offer) = self.by_id.get_mut(&id) else {
            return false;
        };
        offer.agents.retain(|other| *other != agent);
        let rings = !offer.agents.is_empty();
        if !rings {
            self.end(id);
        }
        rings
    }

    /// Takes it out.
    pub fn end(&mut self, id: OfferId) -> Option<Offer> {
        let offer = self.by_id.remove(&id)?;
        self.by_item.remove(&offer.sequence);
        Some(offer)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Offer> {
        self.by_id.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: (Sequence, ServiceId) = (Sequence(7), ServiceId(1));

    #[test]
    fn an_offer_is_known_by_number_and_by_item_until_nobody_is_left() {
        let mut offers = Offers::new(Timestamp(5));
        let agents = vec![UserId(1), UserId(2)];
        let offer = offers.make(ITEM, agents, Timestamp(5), 20_000);
        assert_eq!(offer.expires_at, Timestamp(20_005));
        assert_eq!(offers.of_item(Sequence(7)), Some(&offer));
        assert!(offers.ringing_at(offer.id, UserId(2)).is_ok());
        assert_eq!(offers.ringing_at(offer.id, UserId(3)), Err(NotOffered));
        assert!(offers.silence(offer.id, UserId(1)));
        assert_eq!(offers.ringing_at(offer.id, UserId(1)), Err(NotOffered));
        assert!(!offers.silence(offer.id, UserId(2)));
        assert_eq!(offers.of_item(Sequence(7)), None);
        assert_eq!(offers.ringing_at(offer.id, UserId(2)), Err(NotOffered));
    }

    #[test]
    fn numbers_are_never_used_again_after_a_restart_or_a_rebuild() {
        let mut first = Offers::new(Timestamp(1_000));
        let one = first.make(ITEM, vec![UserId(1)], Timestamp(1_000), 1);
        let mut restarted = Offers::new(Timestamp(1_001));
        let two = restarted.make(ITEM, vec![UserId(1)], Timestamp(1_001), 1);
        assert!(two.id > one.id);
        let mut rebuilt = Offers::new(Timestamp(500));
        rebuilt.continue_after(&restarted);
        let three = rebuilt.make(ITEM, vec![UserId(1)], Timestamp(1_001), 1);
        assert!(three.id > two.id);
    }
}
