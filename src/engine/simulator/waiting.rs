//! What waits, by a plain reading of rows, users and policy: the reason is true, nobody idle could
//! have it, and nothing that goes first was passed over.

use std::collections::{BTreeMap, HashMap};

use crate::domain::agent::{Duty, Factors, SelectableBy, Selection, present, selectable};
use crate::domain::answer::WaitingReason;
use crate::domain::distribution::{DistributionPolicy, Mode, SkillsAsked};
use crate::domain::ids::{Sequence, ServiceId, UserId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::JournalEvent;
use crate::domain::people::{Skills, User};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::agents::gets_items;
use crate::engine::live::LiveEvent;
use crate::engine::world::World;
use crate::routing::service::Service;
use crate::store::memory::MemoryStore;

/// Since when an item waits, for how long, and the longest it was seen to wait: a level that was
/// reached is kept though the clock goes back, unless the core was made anew.
pub(super) type Waited = HashMap<Sequence, (Timestamp, i64, i64)>;

/// Who could have what, read from users, policy and rows.
struct Reading<'a> {
    engine: &'a Engine<MemoryStore>,
    now: Timestamp,
    users: Vec<&'a User>,
    levels: BTreeMap<ServiceId, Vec<Level>>,
}

/// What an item of a service asks for from a time of waiting on.
struct Level {
    after_ms: i64,
    asked: SkillsAsked,
    services: Vec<ServiceId>,
}

/// The levels of a service, each as wide as the one before it.
fn levels_of(engine: &Engine<MemoryStore>, service: &Service) -> Vec<Level> {
    let (mut asked, mut services) = (SkillsAsked::All, vec![service.id]);
    let Some(policy) = &service.policy else {
        let (after_ms, asked) = (0, SkillsAsked::Required);
        return vec![Level {
            after_ms,
            asked,
            services,
        }];
    };
    let mut levels = Vec::new();
    for level in &policy.distribution.levels {
        if level.skills == SkillsAsked::Required {
            asked = SkillsAsked::Required;
        }
        let all = engine.core.services().iter();
        let of_tenant = all.filter(|other| other.tenant == service.tenant);
        let named = of_tenant.filter(|other| {
            let mut too = level.services_too.iter();
            too.any(|name| *name == *other.name)
        });
        services.extend(named.map(|other| other.id));
        levels.push(Level {
            after_ms: level.after_ms,
            asked,
            services: services.clone(),
        });
    }
    levels
}

type Test = fn(
    &Factors,
    ServiceId,
    &Selection,
    Timestamp,
) -> Result<(), crate::domain::agent::NotSelectable>;

impl<'a> Reading<'a> {
    fn new(engine: &'a Engine<MemoryStore>, now: Timestamp) -> Reading<'a> {
        let accounts = engine.people.accounts();
        let users = accounts.map(|account| &account.user);
        Reading {
            engine,
            now,
            users: users.filter(|user| gets_items(user)).collect(),
            levels: engine
                .core
                .services()
                .iter()
                .map(|service| (service.id, levels_of(engine, service)))
                .collect(),
        }
    }

    fn service(&self, id: ServiceId) -> &Service {
        let service = self.engine.core.service(id);
        service.expect("a row's service is known")
    }

    fn policy(&self, id: ServiceId) -> Option<&DistributionPolicy> {
        let policy = self.service(id).policy.as_ref();
        policy.map(|policy| &policy.distribution)
    }

    fn offers(&self, row: &Item) -> bool {
        let mode = self.policy(row.service).map(|policy| policy.mode);
        matches!(mode, Some(Mode::Direct | Mode::Broadcast))
    }

    fn factors(&self, user: &User) -> &Factors {
        let factors = self.engine.core.distribution().factors(user.id);
        factors.expect("who gets items is known")
    }

    fn asked(&self, row: &Item) -> Vec<UserId> {
        self.engine.core.distribution().asked(row.sequence)
    }

    /// The level that holds after so long.
    fn level(&self, row: &Item, waited_ms: i64) -> &Level {
        let levels = &self.levels[&row.service];
        let reached = levels.iter().rev().find(|it| it.after_ms <= waited_ms);
        reached.unwrap_or(&levels[0])
    }

    /// The services by which the user could have the item, with the skills that count.
    fn services_for(
        &self,
        user: &'a User,
        row: &Item,
        waited_ms: i64,
        skills: Option<&Skills>,
    ) -> impl Iterator<Item = ServiceId> {
        let level = self.level(row, waited_ms);
        let wish = row.wish.as_deref();
        let mut wanted = wish.into_iter().flat_map(|wish| wish.skills.iter());
        let covers = wanted.all(|wanted| {
            let held = skills.and_then(|skills| skills.get(&wanted.name));
            wanted.optional && level.asked == SkillsAsked::Required
                || held.is_some_and(|held| held.value() >= wanted.level)
        });
        let services = level.services.iter().copied();
        services.filter(move |service| covers && user.services.contains(service))
    }

    fn prefers(&self, user: &User, row: &Item) -> bool {
        let wish = row.wish.as_deref();
        let mut preferred = wish.into_iter().flat_map(|wish| wish.preferred.iter());
        user.tenant == row.tenant
            && user.services.contains(&row.service)
            && preferred.any(|agent| agent.name == user.name.as_str())
    }

    /// Whether the item could be offered to the user after that wait.
    fn may_have(
        &self,
        user: &User,
        row: &Item,
        waited_ms: i64,
        personal: bool,
        test: Test,
    ) -> bool {
        let factors = self.factors(user);
        let may = |service: ServiceId| {
            let selection = self.policy(service).map(|policy| &policy.selection);
            selection.is_some_and(|it| test(factors, service, it, self.now).is_ok())
        };
        if personal {
            return self.prefers(user, row) && may(row.service);
        }
        let skills = skills_in_force(user);
        self.services_for(user, row, waited_ms, skills).any(may)
    }

    /// Why an item in nobody's personal list waits after that time.
    fn reason(&self, row: &Item, waited_ms: i64) -> WaitingReason {
        let (mut able, mut there) = (false, false);
        for user in &self.users {
            let own = [&user.skills].into_iter().chain(user.profiles.values());
            for skills in own {
                let mut services = self.services_for(user, row, waited_ms, Some(skills));
                able |= services.next().is_some();
            }
            let mut now = self.services_for(user, row, waited_ms, skills_in_force(user));
            there |= now.any(|service| self.is_signed_in(user, service));
        }
        match (able, there) {
            (_, true) => WaitingReason::AgentsBusy,
            (true, false) => WaitingReason::NoAgentSignedIn,
            (false, false) => WaitingReason::NoAgentWithSkills,
        }
    }

    fn is_signed_in(&self, user: &User, service: ServiceId) -> bool {
        let by = self.policy(service).map(|it| it.selection.selectable_by);
        self.factors(user).is_there()
            && match by {
                Some(SelectableBy::Active) => user.standing.active.contains(&service),
                Some(SelectableBy::Duty) => user.standing.duty != Duty::Off,
                None => false,
            }
    }

    /// Whether nobody who is set up could ever have it.
    fn unroutable(&self, row: &Item) -> bool {
        if self.users.iter().any(|user| self.prefers(user, row)) {
            return false;
        }
        let required = row.wish.as_deref().is_some_and(|wish| wish.required);
        let last = i64::MAX;
        required || self.reason(row, last) == WaitingReason::NoAgentWithSkills
    }

    /// Somebody preferred is there who was not asked in this round.
    fn somebody_preferred_is_left(&self, row: &Item, asked: &[UserId]) -> bool {
        let mut left = self.users.iter().filter(|user| !asked.contains(&user.id));
        left.any(|user| self.may_have(user, row, 0, true, present))
    }

    /// An item waits for those it prefers alone only as long as it may, and for ever if it must.
    fn check_personal(&self, row: &Item, personal: bool, asked: &[UserId]) {
        let wish = row.wish.as_deref().filter(|it| !it.preferred.is_empty());
        if wish.is_some_and(|wish| wish.required) {
            assert!(personal, "{row:?} is for others than those required");
        } else if personal {
            let since = wish.expect("it prefers somebody").since;
            let since = since.or(row.waiting_since()).unwrap_or(row.stored_at);
            let policy = self.policy(row.service).expect("it is offered");
            let over = since.plus_ms(policy.preferred_wait_ms);
            assert!(self.now < over, "{row:?} waited long enough");
            let left = self.somebody_preferred_is_left(row, asked);
            assert!(left, "{row:?} waits for nobody");
        }
    }

    /// Nobody has room for it who could have it, but those who leave it to others.
    fn check_nobody_idle(&self, row: &Item, personal: bool, asked: &[UserId], waited: (i64, i64)) {
        let mut left = self.users.iter().filter(|user| !asked.contains(&user.id));
        let left = left.any(|user| self.may_have(user, row, waited.1, personal, present));
        for user in &self.users {
            let could = self.may_have(user, row, waited.0, personal, selectable);
            let leaves = asked.contains(&user.id) && left;
            assert!(!could || leaves, "{user:?} is idle beside {row:?}");
        }
    }
}

/// The skills that apply now.
fn skills_in_force(user: &User) -> Option<&Skills> {
    match &user.standing.duty {
        Duty::On {
            profile: Some(profile),
        } => user.profiles.get(profile),
        Duty::Off | Duty::On { profile: None } => Some(&user.skills),
    }
}

/// Every item that waits says truly why, and nobody idle could have it. Returns the reasons met.
pub(super) fn check_waiting(
    world: &mut World,
    rows: &[Item],
    waited: &mut Waited,
) -> Vec<&'static str> {
    let mut met = Vec::new();
    for row in rows.iter().filter(|row| row.state == ItemState::Queued) {
        note_wait(waited, row, world.now);
    }
    let open: Vec<_> = rows
        .iter()
        .filter(|row| row.ended.is_none())
        .map(|row| (row, world.engine.whereabouts(row)))
        .collect();
    let reading = Reading::new(&world.engine, world.now);
    for (row, where_it_is) in open {
        let reason = where_it_is.reason;
        met.extend(reason.map(WaitingReason::name));
        let service = reading.service(row.service);
        match row.state {
            ItemState::Scheduled => assert_eq!(reason, Some(WaitingReason::Scheduled)),
            ItemState::InWorkflow => assert_eq!(reason, Some(WaitingReason::InWorkflow)),
            ItemState::Buffered => check_buffered(service, reason),
            ItemState::Offered => panic!("{row:?} is a row"),
            ItemState::Connected | ItemState::Parked | ItemState::Ended => {
                assert_eq!((reason, where_it_is.state), (None, row.state), "{row:?}");
            }
            ItemState::Queued if where_it_is.state == ItemState::Offered => {
                assert_eq!(reason, None, "{row:?}");
            }
            ItemState::Queued => {
                let waited = (waited[&row.sequence].1, waited[&row.sequence].2);
                check_queued(&reading, row, reason, waited);
                let unroutable = reading.unroutable(row);
                assert_eq!(where_it_is.unroutable, unroutable, "{row:?}");
            }
        }
    }
    met
}

/// Items go on waiting while they ring.
fn note_wait(waited: &mut Waited, row: &Item, now: Timestamp) {
    let since = row.waiting_since().expect("it was queued");
    let waits_ms = now.since_ms(since);
    let known = waited.get(&row.sequence).filter(|known| known.0 == since);
    let longest_ms = known.map_or(waits_ms, |known| known.2.max(waits_ms));
    waited.insert(row.sequence, (since, waits_ms, longest_ms));
}

/// A buffered item's entrance is closed or still letting others in, and says which.
fn check_buffered(service: &Service, reason: Option<WaitingReason>) {
    let closed = !service.entrance.is_open();
    match reason {
        Some(WaitingReason::EntranceHeld) => assert!(service.policy.is_none()),
        Some(WaitingReason::QueueFull) => assert!(closed && service.full),
        Some(WaitingReason::EntranceClosed) => assert!(closed && service.policy.is_some()),
        Some(WaitingReason::Releasing) => assert!(!closed),
        other => panic!("{other:?} is no reason to be buffered"),
    }
}

fn check_queued(
    reading: &Reading<'_>,
    row: &Item,
    reason: Option<WaitingReason>,
    waited: (i64, i64),
) {
    if reading.policy(row.service).is_none() {
        assert_eq!(reason, Some(WaitingReason::ServiceRetired), "{row:?}");
        return;
    }
    let personal = reason == Some(WaitingReason::PreferredAgentOnly);
    let asked = reading.asked(row);
    reading.check_personal(row, personal, &asked);
    if !personal {
        let expected = [waited.0, waited.1].map(|ms| Some(reading.reason(row, ms)));
        assert!(
            expected.contains(&reason),
            "{row:?} says {reason:?}, not {expected:?}"
        );
    }
    if reading.offers(row) {
        reading.check_nobody_idle(row, personal, &asked, waited);
    }
}

/// After each turn: nobody was just offered an item while one that goes first was left that they
/// could have had.
pub(super) fn watch_order(engine: &mut Engine<MemoryStore>, now: Timestamp, live: &[LiveEvent]) {
    let offered = live.iter().filter_map(|event| match event {
        LiveEvent::Offered(offer) => Some(offer),
        LiveEvent::OfferEnded { .. }
        | LiveEvent::Item { .. }
        | LiveEvent::Agent { .. }
        | LiveEvent::FollowUp { .. } => None,
    });
    let offers: Vec<_> = offered.collect();
    if offers.is_empty() {
        return;
    }
    let rows = engine.store().rows();
    let queued: Vec<Item> = rows
        .filter(|row| row.state == ItemState::Queued)
        .cloned()
        .collect();
    let reasons: Vec<_> = queued
        .iter()
        .map(|row| engine.whereabouts(row).reason)
        .collect();
    let reading = Reading::new(engine, now);
    let order = |row: &Item| (std::cmp::Reverse(row.priority), row.sequence);
    for offer in offers {
        let stands = engine.core.distribution().offer_of(offer.id);
        let given = queued.iter().find(|row| row.sequence == offer.sequence);
        let (Some(_), Some(given)) = (stands, given) else {
            continue;
        };
        for (row, reason) in queued.iter().zip(&reasons) {
            let waits = reason.is_some() && reading.offers(row);
            // It was taken from somebody after the others were offered.
            let lines = engine.store().journal(row.sequence);
            let late = lines
                .last()
                .is_some_and(|it| it.event == JournalEvent::AgentLost);
            if !waits || late || order(given) < order(row) {
                continue;
            }
            let personal = *reason == Some(WaitingReason::PreferredAgentOnly);
            let asked = reading.asked(row);
            let waited_ms = row.waiting_since().map_or(0, |since| now.since_ms(since));
            let users = reading.users.iter();
            let users = users.filter(|user| offer.agents.contains(&user.id));
            for user in users.filter(|user| !asked.contains(&user.id)) {
                let passed = reading.may_have(user, row, waited_ms, personal, present);
                assert!(!passed, "{user:?} got {given:?} before {row:?}");
            }
        }
    }
}
