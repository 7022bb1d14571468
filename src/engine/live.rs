//! What agents and supervisors see at once: events with numbers, the newest kept, so that whoever
//! was away for a moment asks for what came since.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::follow_up::FollowUp;
use crate::domain::ids::{ItemId, OfferId, Sequence, ServiceId, TenantId, UserId};
use crate::domain::item::ItemState;
use crate::domain::journal::JournalEvent;
use crate::domain::time::Timestamp;
use crate::routing::offers::{Offer, OfferEnd};

/// Events kept: beyond, whoever asks is told to look at everything afresh.
pub const EVENTS_KEPT_MAX: usize = 10_000;

/// The number of an event; grows by one, over restarts too as long as the clock does not go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub u64);

/// Something that happened to agents, to items in their hands, or to what workflows show to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveEvent {
    /// An item rings at agents.
    Offered(Offer),
    /// It no longer rings at one of them.
    OfferEnded {
        /// Which offer.
        offer: OfferId,
        /// Which item.
        item: Sequence,
        /// Its service.
        service: ServiceId,
        /// At whom.
        agent: UserId,
        /// How it ended.
        end: OfferEnd,
    },
    /// The item in an agent's hands, or just out of them, has changed.
    Item {
        /// Which item.
        sequence: Sequence,
        /// Its id.
        id: ItemId,
        /// Its service now.
        service: ServiceId,
        /// Who has it or had it.
        agent: UserId,
        /// Where it stands now.
        state: ItemState,
        /// Its version now.
        version: u32,
        /// What happened.
        event: JournalEvent,
    },
    /// An agent's state has changed; it stands in the picture.
    Agent {
        /// Whose tenant.
        tenant: TenantId,
        /// Who.
        agent: UserId,
    },
    /// A workflow shows an alert or a button, or it is closed.
    FollowUp {
        /// As it is now.
        follow_up: FollowUp,
        /// Of which item.
        item: ItemId,
    },
}

/// An event with its number and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Its number.
    pub id: EventId,
    /// When the turn was that made it true.
    pub at: Timestamp,
    /// What.
    pub event: LiveEvent,
}

/// Offers of this process, by how they ended, one for each agent they rang at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OfferCounts {
    /// The agent took the item.
    pub accepted: u64,
    /// The agent left it to others.
    pub declined: u64,
    /// Nobody answered (RONA).
    pub no_answer: u64,
    /// Taken back.
    pub rescinded: u64,
}

impl OfferCounts {
    fn count(&mut self, end: OfferEnd) {
        match end {
            OfferEnd::Accepted => self.accepted += 1,
            OfferEnd::Declined => self.declined += 1,
            OfferEnd::NoAnswer => self.no_answer += 1,
            OfferEnd::Rescinded(_) => self.rescinded += 1,
        }
    }
}

/// What is kept behind the lock.
#[derive(Default)]
struct Kept {
    events: VecDeque<Arc<Numbered>>,
    offers: OfferCounts,
}

/// The newest events, and a bell for those who wait for more.
pub struct Live {
    kept: Mutex<Kept>,
    newest: watch::Sender<EventId>,
}

impl Live {
    /// Nothing yet; numbers begin at `now`.
    pub fn new(now: Timestamp) -> Live {
        let first = EventId(u64::try_from(now.0).unwrap_or(0) << 10);
        Live {
            kept: Mutex::default(),
            newest: watch::Sender::new(first),
        }
    }

    /// Numbers and keeps what a turn has made true, and rings.
    pub fn publish(&self, events: Vec<LiveEvent>, at: Timestamp) {
        if events.is_empty() {
            return;
        }
        let mut id = *self.newest.borrow();
        let mut kept = self.kept();
        for event in events {
            id = EventId(id.0 + 1);
            if let LiveEvent::OfferEnded { end, .. } = &event {
                kept.offers.count(*end);
            }
            let numbered = Numbered { id, at, event };
            kept.events.push_back(Arc::new(numbered));
        }
        let surplus = kept.events.len().saturating_sub(EVENTS_KEPT_MAX);
        kept.events.drain(..surplus);
        drop(kept);
        self.newest.send_replace(id);
    }

    /// How the offers of this process have ended.
    pub fn offers(&self) -> OfferCounts {
        self.kept().offers
    }

    /// Rings at every new event.
    pub fn bell(&self) -> watch::Receiver<EventId> {
        self.newest.subscribe()
    }

    /// The number of the newest event; what is seen in a picture taken after this call holds it.
    pub fn newest(&self) -> EventId {
        *self.newest.borrow()
    }

    /// What came after `last`, oldest first. `None`: nobody knows any longer, or `last` is none of
    /// this process's numbers; look at everything afresh.
    pub fn since(&self, last: EventId) -> Option<Vec<Arc<Numbered>>> {
        self.next_since(last, EVENTS_KEPT_MAX)
    }

    /// As [`Live::since`], but only the first `max`: for those who take them one after the other.
    pub fn next_since(&self, last: EventId, max: usize) -> Option<Vec<Arc<Numbered>>> {
        let kept = self.kept();
        let kept = &kept.events;
        if last == *self.newest.borrow() {
            return Some(Vec::new());
        }
        let oldest = kept.front()?.id;
        let known = last.0.saturating_add(1) >= oldest.0 && last <= kept.back()?.id;
        known.then(|| {
            let from = kept.partition_point(|numbered| numbered.id <= last);
            kept.range(from..).take(max).cloned().collect()
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing is left half done when a holder panics.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u32) -> LiveEvent {
        LiveEvent::Agent {
            tenant: TenantId(1),
            agent: UserId(number),
        }
    }

    fn agents(events: &[Arc<Numbered>]) -> Vec<u32> {
        let agents = events.iter().map(|numbered| match &numbered.event {
            LiveEvent::Agent { agent, .. } => agent.0,
            other => panic!("{other:?}"),
        });
        agents.collect()
    }

    #[test]
    fn whoever_was_away_gets_what_came_since() {
        let live = Live::new(Timestamp(1_000));
        let start = live.newest();
        live.publish(vec![event(1), event(2)], Timestamp(1_001));
        let first = live.since(start).expect("all is kept");
        assert_eq!(agents(&first), [1, 2]);
        live.publish(vec![event(3)], Timestamp(1_002));
        let then = live.since(first[0].id).expect("all is kept");
        assert_eq!(agents(&then), [2, 3]);
        assert_eq!(live.since(live.newest()), Some(Vec::new()));
        let next = live.next_since(start, 2).expect("all is kept");
        assert_eq!(agents(&next), [1, 2]);
    }

    #[test]
    fn numbers_that_are_too_old_or_of_another_life_are_not_known() {
        let live = Live::new(Timestamp(1_000));
        let start = live.newest();
        for number in 0..=EVENTS_KEPT_MAX as u32 {
            live.publish(vec![event(number)], Timestamp(1_001));
        }
        assert_eq!(live.since(start), None);
        let kept = live.since(EventId(start.0 + 1)).expect("it is kept");
        assert_eq!(kept.len(), EVENTS_KEPT_MAX);
        assert_eq!(live.since(EventId(live.newest().0 + 1)), None);
        assert_eq!(live.since(EventId(u64::MAX)), None);
        assert_eq!(live.since(EventId(0)), None);
    }
}
