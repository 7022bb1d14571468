//! Agents by a plain reading of rows: what they have, what rings at them, what they may carry.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::agent::{Block, Presence, Unit};
use crate::domain::ids::{OfferId, Sequence, UserId};
use crate::domain::item::{Item, ItemState};
use crate::engine::agents::gets_items;
use crate::routing::offers::Offer;
use crate::store::Store;

use super::Life;

impl Life {
    /// What the core knows of people is what their rows say, and they are where they said.
    pub(super) fn check_people(&mut self) {
        let distribution = self.world.engine.core.distribution();
        for account in self.world.engine.people.accounts() {
            let user = &account.user;
            let Some(factors) = distribution.factors(user.id) else {
                assert!(!gets_items(user), "{user:?} is not known");
                continue;
            };
            assert!(gets_items(user), "{user:?} is known");
            assert_eq!(factors.active, user.standing.active, "{user:?}");
            assert_eq!(factors.duty, user.standing.duty, "{user:?}");
            assert_eq!(factors.capacity, user.capacity.value(), "{user:?}");
            let not_available = match &factors.block {
                Some(Block::NotAvailable { reason }) => Some(reason),
                Some(Block::NoAnswer { .. }) | None => None,
            };
            assert_eq!(not_available, user.standing.not_available.as_ref());
            let said = self.presence.get(&user.id).copied();
            let said = said.unwrap_or(Some(Presence::Offline));
            assert!(said.is_none_or(|said| said == factors.presence), "{user:?}");
            let view = self.world.engine.agents.get(&user.id);
            let state = distribution.agent_state(user.id, self.world.now);
            let shown = view.map(|view| view.state.name());
            assert_eq!(shown, state.as_ref().map(|state| state.name()), "{user:?}");
        }
    }

    /// Every item in somebody's hands is in those of one agent, in one open session, and takes one
    /// of its units; so does what rings. No capacity is passed.
    pub(super) fn check_hands(&mut self, rows: &[Item]) {
        let mut store = self.world.engine.store().crash();
        let distribution = self.world.engine.core.distribution();
        let mut taken: BTreeMap<UserId, BTreeSet<(Sequence, bool)>> = BTreeMap::new();
        let mut ringing: BTreeSet<(Sequence, OfferId, UserId)> = BTreeSet::new();
        for row in rows {
            let offer = distribution.offer_for(row.sequence);
            let held = matches!(row.state, ItemState::Connected | ItemState::Parked);
            assert_eq!(held, row.holder.is_some(), "{row:?}");
            if let Some(holder) = row.holder {
                let known = distribution.factors(holder.agent).is_some();
                assert!(known, "{row:?} is held by somebody who gets no items");
                if row.state == ItemState::Connected {
                    let units = taken.entry(holder.agent).or_default();
                    units.insert((row.sequence, true));
                }
            }
            if let Some(offer) = offer {
                assert_eq!(row.state, ItemState::Queued, "{row:?} rings");
                self.met.insert("offered");
                for agent in &offer.agents {
                    ringing.insert((row.sequence, offer.id, *agent));
                    let units = taken.entry(*agent).or_default();
                    units.insert((row.sequence, false));
                }
            }
            if row.ended.is_some() {
                // Nothing changes there any more, unless the row does.
                let known = self.laid_down.insert(row.sequence, row.version);
                if known == Some(row.version) {
                    continue;
                }
            }
            let sessions = store.agent_sessions(row.sequence).expect("memory");
            let open = sessions.iter().filter(|session| session.ended.is_none());
            let open: BTreeSet<(OfferId, UserId, bool)> = open
                .map(|it| (it.offer, it.agent, it.accepted_at.is_some()))
                .collect();
            assert_eq!(open, open_sessions(row, offer), "{row:?}");
        }
        let rings = store.ringing().expect("memory").into_iter();
        let rings = rings.map(|it| (it.sequence, it.offer, it.agent));
        assert_eq!(rings.collect::<BTreeSet<_>>(), ringing);
        self.check_units(&taken);
    }

    fn check_units(&mut self, taken: &BTreeMap<UserId, BTreeSet<(Sequence, bool)>>) {
        let distribution = self.world.engine.core.distribution();
        let nothing = BTreeSet::new();
        for user in &self.users {
            let taken = taken.get(user).unwrap_or(&nothing);
            let Some(factors) = distribution.factors(*user) else {
                assert!(taken.is_empty(), "{user:?} gets no items and has {taken:?}");
                self.units.remove(user);
                continue;
            };
            let mut wrap_ups = 0;
            let mut units = BTreeSet::new();
            for (sequence, unit) in &factors.units {
                match unit {
                    Unit::Connected => assert!(units.insert((*sequence, true))),
                    Unit::Ringing => assert!(units.insert((*sequence, false))),
                    Unit::WrapUp { .. } if unit.holds_at(self.world.now) => wrap_ups += 1,
                    Unit::WrapUp { .. } => {}
                }
            }
            let count = taken.len() + wrap_ups;
            // Whose capacity was made less keeps what it has.
            let before = self.units.insert(*user, count).unwrap_or(0);
            let most = usize::from(factors.capacity).max(before);
            assert!(count <= most, "{user:?} has {taken:?}, {factors:?}");
            assert_eq!(&units, taken, "{user:?}");
        }
    }
}

/// The sessions that are open while a row is as it is.
fn open_sessions(row: &Item, offer: Option<&Offer>) -> BTreeSet<(OfferId, UserId, bool)> {
    let holder = row.holder.iter();
    let held = holder.map(|holder| (holder.session, holder.agent, true));
    let agents = offer.into_iter().flat_map(|offer| {
        let agents = offer.agents.iter();
        agents.map(|agent| (offer.id, *agent, false))
    });
    held.chain(agents).collect()
}
