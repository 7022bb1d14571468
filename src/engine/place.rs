//! From rows to places in the core: a row names skills and agents, the core numbers them. And back:
//! where an item stands beyond its row.

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::answer::{EstimatedWait, Whereabouts};
use crate::domain::ids::ServiceId;
use crate::domain::item::{Item, ItemState};
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;
use crate::routing::core::{Core, Place};
use crate::routing::requirement::ClassId;
use crate::routing::waiting::Preferred;
use crate::store::{OpenItem, Store};

use super::Engine;
use super::people::People;

/// Names of agents that are waited for and not known yet, at most; of more than these nobody keeps
/// a list, and every new user counts as waited for.
const AWAITED_NAMES_MAX: usize = 10_000;

/// Agents that items prefer and that nobody has added yet. When one of them is, the core is made
/// anew, so that those items find them.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    names: HashSet<String>,
    anybody: bool,
}

impl Awaited {
    fn note(&mut self, name: &str) {
        if self.names.len() < AWAITED_NAMES_MAX {
            self.names.insert(name.to_owned());
        } else {
            self.anybody = true;
        }
    }

    /// Whether an item may wait for a user of that name.
    pub(super) fn awaits(&self, name: &str) -> bool {
        self.anybody || self.names.contains(name)
    }
}

/// A core that is being filled, with what names mean in it.
pub(super) struct Naming<'a> {
    pub core: &'a mut Core,
    pub people: &'a People,
    pub awaited: &'a mut Awaited,
}

impl Naming<'_> {
    /// The place of an unfinished item as it is read back.
    pub(super) fn open_place(&mut self, item: &OpenItem, now: Timestamp) -> Place {
        let since = item.waiting_since.unwrap_or(now);
        let (class, preferred) = self.wish(item.service, item.wish.as_deref(), since);
        Place {
            sequence: item.sequence,
            service: item.service,
            state: item.state,
            priority: item.priority,
            not_before: item.not_before,
            expires_at: item.expires_at,
            waiting_since: item.waiting_since,
            parked_until: item.parked_until,
            flow_due: None,
            class,
            preferred,
            agent: item.agent,
            asked: None,
        }
    }

    fn wish(
        &mut self,
        service: ServiceId,
        wish: Option<&Wish>,
        since: Timestamp,
    ) -> (ClassId, Option<Arc<Preferred>>) {
        let Some(wish) = wish else {
            return (ClassId::NO_SKILLS, None);
        };
        // A class too many was refused with its item; here it exists already.
        let class = self.core.distribution_mut().class_of(&wish.skills);
        let tenant = self.core.service(service).map(|service| service.tenant);
        let mut ranked = Vec::with_capacity(wish.preferred.len());
        for agent in &wish.preferred {
            let account = self.people.named(&agent.name);
            match account.filter(|account| Some(account.user.tenant) == tenant) {
                Some(account) => ranked.push((account.user.id, agent.rank)),
                None => self.awaited.note(&agent.name),
            }
        }
        let since = wish.since.unwrap_or(since);
        let preferred = Preferred::new(ranked, wish.required, since).map(Arc::new);
        (class.unwrap_or(ClassId::NO_SKILLS), preferred)
    }
}

impl<S: Store> Engine<S> {
    /// The place of an item by its row.
    pub(super) fn place(&mut self, item: &Item) -> Place {
        let mut naming = Naming {
            core: &mut self.core,
            people: &self.people,
            awaited: &mut self.awaited,
        };
        let since = item.waiting_since().unwrap_or(item.stored_at);
        let (class, preferred) = naming.wish(item.service, item.wish.as_deref(), since);
        Place::of(item, class, preferred)
    }

    /// Tells the core that a row has changed.
    pub(super) fn apply(&mut self, before: &Item, after: &Item, now: Timestamp) {
        let before = self.place(before);
        let after = Place {
            asked: self.asked.take(),
            ..self.place(after)
        };
        self.core.apply(Some(&before), &after, now);
    }

    /// Where an item stands beyond its row.
    pub(super) fn whereabouts(&mut self, item: &Item) -> Whereabouts {
        let place = self.place(item);
        let rings = self.core.distribution().offer_for(item.sequence).is_some();
        let opens_at = match item.state {
            ItemState::Buffered => self.entrance_of(item).opens_at,
            _ => None,
        };
        let position = self.core.position(&place);
        Whereabouts {
            state: match item.state {
                ItemState::Queued if rings => ItemState::Offered,
                state => state,
            },
            reason: self.core.why(&place),
            opens_at,
            position,
            unroutable: self.core.distribution().unroutable(&place),
            estimated_wait: self.estimate(item, position),
        }
    }

    /// How long an item that has `position` in its queue may wait; `None`: it waits elsewhere, or
    /// nobody can tell.
    pub(super) fn estimate(&self, item: &Item, position: Option<u64>) -> Option<EstimatedWait> {
        if item.state != ItemState::Queued {
            return None;
        }
        let distribution = self.core.distribution();
        distribution.estimated_wait(item.service, position?, self.last_now)
    }
}
