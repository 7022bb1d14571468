//! Random lives of the core alone: agents and items come and go, clocks jump, cores are made anew;
//! after every step the promises of distribution are checked against a plain reading of the rows.
//!
//! `ANTEROOM_DISTRIBUTION_SEEDS=N` runs that many lives (default 100),
//! `ANTEROOM_DISTRIBUTION_SEED=S` runs only life S.

use std::collections::{BTreeMap, BTreeSet};

use super::world::*;
use crate::domain::agent::{Duty, Presence, Unit, present, selectable};
use crate::domain::content::SkillRequirement;
use crate::domain::distribution::{DistributionPolicy, Mode, SkillsAsked};
use crate::domain::ids::{Sequence, ServiceId, UserId};
use crate::domain::item::ItemState;
use crate::routing::agents::AgentSetup;
use crate::routing::core::Place;
use crate::routing::distribution::Decision;
use crate::routing::order::Precedence;
use crate::routing::waiting::Standing;

const STEPS: usize = 150;
const AGENTS: u32 = 6;
const SERVICES: [ServiceId; 3] = [LOANS, CLAIMS, OFFICE];
const WIDER_MS: i64 = 30 * SECOND;
const WIDEST_MS: i64 = 2 * MINUTE;

fn policies() -> [Option<DistributionPolicy>; 3] {
    let loans = DistributionPolicy {
        levels: vec![
            level(0, SkillsAsked::All, &[]),
            level(WIDER_MS, SkillsAsked::Required, &[]),
            level(WIDEST_MS, SkillsAsked::Required, &["office"]),
        ],
        wrap_up_ms: 10 * SECOND,
        no_answer_reset_ms: Some(MINUTE),
        ..direct()
    };
    let office = of_mode(Mode::Pickup);
    [Some(loans), Some(of_mode(Mode::Broadcast)), Some(office)]
}

/// What the model knows beyond the rows.
#[derive(Clone, Default)]
struct Wish {
    skills: Vec<SkillRequirement>,
    /// The longest it was ever seen to wait, in this stay.
    waited_ms: i64,
}

struct Life {
    world: World,
    dice: u64,
    setups: BTreeMap<UserId, AgentSetup>,
    wishes: BTreeMap<Sequence, Wish>,
    number: u64,
    met: BTreeSet<&'static str>,
}

impl Life {
    fn new(seed: u64) -> Life {
        let mut life = Life {
            world: World::new(policies()),
            dice: seed,
            setups: BTreeMap::new(),
            wishes: BTreeMap::new(),
            number: 0,
            met: BTreeSet::new(),
        };
        for number in 1..=AGENTS {
            life.set_up(UserId(number));
        }
        life
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn set_up(&mut self, id: UserId) {
        let mut services: Vec<ServiceId> = SERVICES.to_vec();
        services.retain(|_| self.roll(3) > 0);
        let mut skills = vec![
            ("law", 1 + self.roll(5) as u8),
            ("french", 1 + self.roll(5) as u8),
        ];
        skills.retain(|_| self.roll(3) > 0);
        let mut setup = agent(id, &services, &skills);
        // A capacity never shrinks here, so that it can be seen to be kept.
        setup.capacity = 1 + (id.0 % 3) as u8;
        setup.profiles = [("night".to_owned(), vec![("french".to_owned(), 5)])].into();
        if self.roll(6) == 0 {
            setup.duty = Duty::On {
                profile: Some("night".to_owned()),
            };
        }
        self.setups.insert(id, setup.clone());
        self.world.with(|it, now| it.agent_changed(setup, now));
    }

    fn agent(&mut self) -> UserId {
        UserId(1 + self.roll(u64::from(AGENTS)) as u32)
    }

    /// Some row in one of these states.
    fn row(&mut self, states: &[ItemState]) -> Option<Place> {
        let rows = self.world.rows.values();
        let rows: Vec<Place> = rows
            .filter(|place| states.contains(&place.state))
            .cloned()
            .collect();
        if rows.is_empty() {
            return None;
        }
        let index = self.roll(rows.len() as u64) as usize;
        Some(rows[index].clone())
    }

    /// Something about a row in one of these states changes.
    fn change(&mut self, states: &[ItemState], change: impl FnOnce(&mut Place)) {
        if let Some(mut place) = self.row(states) {
            let before = place.state;
            change(&mut place);
            if place.state != ItemState::Connected && place.state != ItemState::Parked {
                place.agent = None;
            }
            if before != ItemState::Queued && place.state == ItemState::Queued {
                place.waiting_since = Some(self.world.now);
                self.wishes.entry(place.sequence).or_default().waited_ms = 0;
            }
            self.world.put(place);
        }
    }

    fn preferred(&mut self) -> Option<std::sync::Arc<crate::routing::waiting::Preferred>> {
        let count = self.roll(3);
        let agents: Vec<(UserId, u8)> = (0..count)
            .map(|_| (self.agent(), 1 + self.roll(3) as u8))
            .collect();
        let required = self.roll(3) == 0;
        self.world.prefers(&agents, required)
    }

    fn new_item(&mut self) {
        self.number += 1;
        let mut skills = vec![
            wish("law", 1 + self.roll(5) as u8, self.roll(2) == 0),
            wish("french", 1 + self.roll(5) as u8, self.roll(2) == 0),
        ];
        skills.retain(|_| self.roll(2) == 0);
        let mut place = self.world.place(self.number);
        place.service = SERVICES[self.roll(3) as usize];
        place.class = self.world.class(&skills);
        place.priority = priority(4 + self.roll(3) as u8);
        if self.roll(3) == 0 {
            place.preferred = self.preferred();
        }
        if self.roll(8) == 0 {
            place.state = ItemState::Buffered;
        }
        let wish = Wish {
            skills,
            waited_ms: 0,
        };
        self.wishes.insert(place.sequence, wish);
        self.world.put(place);
    }

    fn step(&mut self) {
        self.world.decisions.clear();
        match self.roll(30) {
            0..6 => self.new_item(),
            6..10 => self.answer(true),
            10..12 => self.answer(false),
            12..17 => self.change_some_row(),
            17 => self.pick_up(),
            18 => self.resume(),
            19..23 => self.do_something_as_agent(),
            23 => {
                let id = self.agent();
                self.set_up(id);
            }
            24..29 => {
                let unit = [1, SECOND, 10 * SECOND, MINUTE, 5 * MINUTE][self.roll(5) as usize];
                let ms = self.roll(unit as u64) as i64 + 1;
                let back = self.roll(10) == 0;
                self.world.pass(if back { -ms } else { ms });
            }
            _ => self.make_anew(),
        }
        let absences = self.world.decisions.clone();
        for decision in absences {
            if let Decision::AbsenceOver { sequences, .. } = decision {
                self.met.insert("absence over");
                for sequence in sequences {
                    self.check();
                    self.world.decisions.clear();
                    let mut place = self.world.rows[&sequence].clone();
                    place.state = ItemState::Queued;
                    place.agent = None;
                    place.waiting_since = Some(self.world.now);
                    self.wishes.entry(sequence).or_default().waited_ms = 0;
                    self.world.put(place);
                }
            }
        }
    }

    fn answer(&mut self, accept: bool) {
        let offers = self.world.core.distribution().offers.iter().cloned();
        let offers: Vec<_> = offers.collect();
        if offers.is_empty() {
            return;
        }
        let offer = &offers[self.roll(offers.len() as u64) as usize];
        let agent = offer.agents[self.roll(offer.agents.len() as u64) as usize];
        if accept {
            self.world.accept(offer.sequence.0, agent);
        } else {
            self.world.decline(offer.sequence.0, agent);
        }
    }

    fn change_some_row(&mut self) {
        use ItemState::{Buffered, Connected, Ended, Parked, Queued};
        let service = SERVICES[self.roll(3) as usize];
        let value = priority(4 + self.roll(3) as u8);
        let preferred = self.preferred();
        match self.roll(9) {
            0..3 => self.change(&[Connected], |place| place.state = Ended),
            3 => self.change(&[Queued, Buffered, Parked], |place| place.state = Ended),
            4 => self.change(&[Connected], |place| place.state = Parked),
            5 => self.change(&[Buffered, Parked, Connected], |place| place.state = Queued),
            6 => self.change(&[Queued], |place| place.priority = value),
            7 => self.change(&[Queued], |place| place.preferred = preferred),
            _ => {
                let Some(mut place) = self.row(&[Queued, Connected]) else {
                    return;
                };
                if place.service != service {
                    place.service = service;
                    place.state = Queued;
                    place.agent = None;
                    place.waiting_since = Some(self.world.now);
                    self.wishes.entry(place.sequence).or_default().waited_ms = 0;
                    self.world.put(place);
                }
            }
        }
    }

    fn pick_up(&mut self) {
        let Some(mut place) = self.row(&[ItemState::Queued]) else {
            return;
        };
        let id = self.agent();
        let now = self.world.now;
        if self
            .world
            .core
            .distribution()
            .may_take(id, &place, now)
            .is_ok()
        {
            self.met.insert("picked up");
            place.state = ItemState::Connected;
            place.agent = Some(id);
            self.world.put(place);
        }
    }

    fn resume(&mut self) {
        let Some(mut place) = self.row(&[ItemState::Parked]) else {
            return;
        };
        let id = place.agent.expect("somebody parked it");
        if self.world.core.distribution().has_room(id, self.world.now) {
            self.met.insert("resumed");
            place.state = ItemState::Connected;
            self.world.put(place);
        }
    }

    fn do_something_as_agent(&mut self) {
        let id = self.agent();
        let service = SERVICES[self.roll(3) as usize];
        let yes = self.roll(3) > 0;
        let presence = Presence::ALL[self.roll(4) as usize];
        let roll = self.roll(8);
        self.world.with(|it, now| match roll {
            0..3 => it.set_presence(id, Presence::Online, now),
            3 => it.set_presence(id, presence, now),
            4 => it.set_active(id, service, yes, now),
            5 => it.set_not_available(id, (!yes).then(|| "break".to_owned()), now),
            6 => it.ready(id, now),
            _ => it.agent_lost(id, MINUTE, now),
        });
        let factors = self
            .world
            .core
            .distribution()
            .factors(id)
            .expect("it is set up");
        let setup = self.setups.get_mut(&id).expect("it is set up");
        setup.active = factors.active.clone();
    }

    /// As after a failed commit or with a new configuration.
    fn make_anew(&mut self) {
        let now = self.world.now;
        let mut anew = core_of(policies(), now);
        for (sequence, wish) in &mut self.wishes {
            let class = anew.distribution_mut().class_of(&wish.skills);
            let place = self.world.rows.get_mut(sequence).expect("it has a row");
            place.class = class.expect("there is room");
            let since = place.waiting_since.unwrap_or(now);
            wish.waited_ms = now.since_ms(since);
        }
        for setup in self.setups.values() {
            anew.distribution_mut().agent_changed(setup.clone(), now);
        }
        for place in self.world.rows.values() {
            anew.apply(None, place, now);
        }
        let mut old = std::mem::replace(&mut self.world.core, anew);
        let old = std::mem::take(old.distribution_mut());
        self.world.with(|it, now| it.adopt(old, now));
    }

    /// Whether the agent's skills and membership suffice, by the set-ups and the time waited.
    fn services_for(&self, id: UserId, place: &Place) -> Vec<ServiceId> {
        let setup = &self.setups[&id];
        let held: BTreeMap<&str, u8> = match &setup.duty {
            Duty::On {
                profile: Some(name),
            } => &setup.profiles[name],
            Duty::On { profile: None } | Duty::Off => &setup.skills,
        }
        .iter()
        .map(|(name, level)| (name.as_str(), *level))
        .collect();
        let wish = &self.wishes[&place.sequence];
        let wider_ms = if place.service == LOANS {
            WIDER_MS
        } else {
            30 * SECOND
        };
        let required_only = wish.waited_ms >= wider_ms;
        let covers = wish.skills.iter().all(|asked| {
            let level = held.get(asked.name.as_str());
            asked.optional && required_only || level.is_some_and(|level| *level >= asked.level)
        });
        let mut services = vec![place.service];
        if place.service == LOANS && wish.waited_ms >= WIDEST_MS {
            services.push(OFFICE);
        }
        services.retain(|service| covers && setup.services.contains(service));
        services
    }

    /// Whether a waiting item could be offered to the agent (`free`: now; else if it had a unit).
    fn may_have(&self, id: UserId, place: &Place, personal: bool, free: bool) -> bool {
        let factors = self
            .world
            .core
            .distribution()
            .factors(id)
            .expect("it is set up");
        let services = if personal {
            let preferred = place.preferred.as_ref().expect("it is personal");
            let mine = preferred.agents().contains(&id)
                && self.setups[&id].services.contains(&place.service);
            mine.then_some(place.service).into_iter().collect()
        } else {
            self.services_for(id, place)
        };
        let test = if free { selectable } else { present };
        let selection = crate::domain::agent::Selection::default();
        let mut services = services.into_iter();
        services.any(|service| test(factors, service, &selection, self.world.now).is_ok())
    }

    fn check(&mut self) {
        let now = self.world.now;
        for (sequence, wish) in &mut self.wishes {
            let place = &self.world.rows[sequence];
            let waited = place.waiting_since.map_or(0, |since| now.since_ms(since));
            if place.state == ItemState::Queued {
                wish.waited_ms = wish.waited_ms.max(waited);
            }
        }
        self.check_units();
        self.check_places();
        let queued: Vec<Place> = {
            let rows = self.world.rows.values();
            let queued = rows.filter(|place| place.state == ItemState::Queued);
            queued.cloned().collect()
        };
        for place in &queued {
            self.check_waiting(place);
        }
        self.check_order(&queued);
    }

    /// Every connected item has its one agent, every offer its units, and no capacity is passed.
    fn check_units(&self) {
        let distribution = self.world.core.distribution();
        let mut expected: BTreeSet<(UserId, Sequence, bool)> = BTreeSet::new();
        for place in self.world.rows.values() {
            if place.state == ItemState::Connected {
                expected.insert((place.agent.expect("connected"), place.sequence, true));
            }
        }
        for offer in distribution.offers.iter() {
            assert_eq!(self.world.rows[&offer.sequence].state, ItemState::Queued);
            let direct = offer.service == LOANS;
            assert!(!direct || offer.agents.len() == 1, "{offer:?}");
            let rings = offer.agents.iter().map(|id| (*id, offer.sequence, false));
            expected.extend(rings);
        }
        let mut found = BTreeSet::new();
        for id in self.setups.keys() {
            let factors = distribution.factors(*id).expect("it is set up");
            let taken = factors.units_taken(self.world.now);
            assert!(taken <= usize::from(factors.capacity), "{id:?} {factors:?}");
            for (sequence, unit) in &factors.units {
                match unit {
                    Unit::Connected => assert!(found.insert((*id, *sequence, true))),
                    Unit::Ringing => assert!(found.insert((*id, *sequence, false))),
                    Unit::WrapUp { .. } => {}
                }
            }
        }
        assert_eq!(found, expected);
    }

    /// Every queued row stands in exactly one place, and nothing else does.
    fn check_places(&self) {
        let distribution = self.world.core.distribution();
        let mut found: Vec<Sequence> = Vec::new();
        for (_, bucket) in distribution.buckets.iter() {
            found.extend(bucket.in_precedence().map(Precedence::sequence));
        }
        for (sequence, record) in &distribution.waiting {
            if record.standing != Standing::Bucket {
                found.push(*sequence);
            }
        }
        found.sort();
        let rows = self.world.rows.values();
        let queued = rows.filter(|place| place.state == ItemState::Queued);
        let expected: Vec<Sequence> = queued.map(|place| place.sequence).collect();
        assert_eq!(found, expected);
    }

    /// A waiting item has nobody who could have it now, and says the truth about why.
    fn check_waiting(&mut self, place: &Place) {
        let distribution = self.world.core.distribution();
        let record = distribution.waiting.get(&place.sequence);
        let standing = record.map_or(Standing::Bucket, |record| record.standing);
        let why = self.world.core.why(place).map(|reason| reason.name());
        let personal = match standing {
            Standing::Offered(_) => return assert_eq!(why, None),
            Standing::Personal => true,
            Standing::Bucket => false,
        };
        let asked: &[UserId] = record.map_or(&[], |record| &record.asked);
        let ids: Vec<UserId> = self.setups.keys().copied().collect();
        let somebody_left = ids
            .iter()
            .any(|id| !asked.contains(id) && self.may_have(*id, place, personal, false));
        for id in &ids {
            let could = place.service != OFFICE && self.may_have(*id, place, personal, true);
            let skips = asked.contains(id) && somebody_left;
            assert!(!could || skips, "{id:?} is idle beside {place:?} {asked:?}");
        }
        let expected = if personal {
            "preferredAgentOnly"
        } else {
            self.expected_reason(place, &ids)
        };
        assert_eq!(why, Some(expected), "{place:?}");
        self.met.insert(expected);
    }

    fn expected_reason(&self, place: &Place, ids: &[UserId]) -> &'static str {
        let distribution = self.world.core.distribution();
        let there = ids.iter().any(|id| {
            let factors = distribution.factors(*id).expect("it is set up");
            let mut services = self.services_for(*id, place).into_iter();
            let here = factors.presence != Presence::Offline;
            here && services.any(|service| factors.active.contains(&service))
        });
        let able = distribution.bucket_of(place).expect("it was queued");
        if there {
            "agentsBusy"
        } else if distribution.buckets.bucket(able).able.is_empty() {
            "noAgentWithSkills"
        } else {
            "noAgentSignedIn"
        }
    }

    /// Nobody was just offered an item while one that goes first waits that it could have had.
    fn check_order(&self, queued: &[Place]) {
        let distribution = self.world.core.distribution();
        for decision in &self.world.decisions {
            let Decision::Offered(offer) = decision else {
                continue;
            };
            if distribution.offer_of(offer.id) != Some(offer) {
                continue;
            }
            let given = &self.world.rows[&offer.sequence];
            let given = Precedence::new(given.priority, given.sequence);
            for place in queued.iter().filter(|place| place.service != OFFICE) {
                let record = distribution.waiting.get(&place.sequence);
                let standing = record.map_or(Standing::Bucket, |it| it.standing);
                let asked: &[UserId] = record.map_or(&[], |it| &it.asked);
                if matches!(standing, Standing::Offered(_))
                    || given < Precedence::new(place.priority, place.sequence)
                {
                    continue;
                }
                let personal = standing == Standing::Personal;
                for id in offer.agents.iter().filter(|id| !asked.contains(id)) {
                    let passed = self.may_have(*id, place, personal, false);
                    assert!(!passed, "{id:?} got {given:?} before {place:?}");
                }
            }
        }
    }

    /// When everything has ended and time has passed, nothing is left.
    fn come_to_rest(&mut self) {
        for sequence in self.world.rows.keys().copied().collect::<Vec<Sequence>>() {
            self.world.end(sequence.0);
        }
        self.world.pass(24 * 60 * MINUTE);
        let distribution = self.world.core.distribution();
        assert_eq!(distribution.waiting.len(), 0);
        assert_eq!(distribution.offers.iter().count(), 0);
        for id in self.setups.keys() {
            let factors = distribution.factors(*id).expect("it is set up");
            assert_eq!(factors.units, [], "{id:?}");
        }
        for (_, bucket) in distribution.buckets.iter() {
            assert_eq!(bucket.in_precedence().count(), 0);
            assert!(bucket.asked_before.is_empty());
        }
        let again = self.world.now.plus_ms(1);
        assert_eq!(distribution.next_due(again), None, "no timer is left");
    }
}

fn live(seed: u64) -> BTreeSet<&'static str> {
    let mut life = Life::new(seed);
    for _ in 0..STEPS {
        life.step();
        life.check();
    }
    life.come_to_rest();
    life.met
}

fn number_of(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

fn live_or_name_the_seed(seed: u64) -> BTreeSet<&'static str> {
    let result = std::panic::catch_unwind(|| live(seed));
    result.unwrap_or_else(|_| {
        panic!("life {seed} broke a promise: ANTEROOM_DISTRIBUTION_SEED={seed} shows it")
    })
}

#[test]
fn the_promises_of_distribution_hold_in_any_life() {
    let seeds = match number_of("ANTEROOM_DISTRIBUTION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_of("ANTEROOM_DISTRIBUTION_SEEDS").unwrap_or(100),
    };
    let lives = seeds.end - seeds.start;
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let met: BTreeSet<&'static str> = std::thread::scope(|scope| {
        let shares = (0..threads).map(|thread| {
            let share = seeds.clone().filter(move |seed| seed % threads == thread);
            scope.spawn(move || share.flat_map(live_or_name_the_seed).collect::<Vec<_>>())
        });
        let shares: Vec<_> = shares.collect();
        let met = shares
            .into_iter()
            .flat_map(|share| share.join().expect("a life broke a promise, see above"));
        met.collect()
    });
    println!("{lives} lives of {STEPS} steps met {met:?}");
    assert!(
        lives < 50 || met.len() == 7,
        "something never happens: {met:?}"
    );
}
