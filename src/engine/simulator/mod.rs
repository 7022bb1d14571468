//! The deterministic simulator: a whole life of a daemon from one seed. Senders, agents,
//! supervisors, a clock that jumps, commits that fail and processes that die before or after them,
//! answers that get lost; after every step the invariants of the promise are checked against what
//! everybody was told and against what the store holds.
//!
//! `senders` and `people` say what they do, `setting` where; `record` keeps what must never change
//! behind anybody's back, `hands` looks at agents and their sessions, `waiting` at what waits.
//!
//! `ANTEROOM_SEEDS=N` runs that many lives (default 300), `ANTEROOM_SEED=S` runs only life S.

mod flows;
mod hands;
mod people;
mod record;
mod senders;
pub(super) mod setting;
mod standing;
pub(super) mod twins;
mod verbs;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::sync::oneshot;

use crate::domain::agent::Presence;
use crate::domain::ids::{ItemId, Sequence, UserId};
use crate::domain::item::Item;
use crate::domain::journal::Actor;
use crate::domain::message::Submission;

use super::command::Command;
use super::invariants::{check_limits, check_places};
use super::people::change::ChangePeople;
use super::planted::Plant;
use super::trouble::REST_MS;
use super::world::{MINUTE, World, told};
use flows::Flows;
use record::Record;
use setting::{PEOPLE, everybody, full_policy};
use verbs::Told;
use waiting::{Waited, check_waiting, watch_order};

/// Steps of one life.
const STEPS: usize = 60;
/// Milliseconds that a process needs to come up again.
const RESTART_MS: i64 = 1;
/// Times that a life is let go on to when it comes to rest, at most.
const REST_STEPS_MAX: usize = 1_000;
/// Milliseconds of one such step, at least.
const REST_STEP_MS: i64 = 5 * MINUTE;

/// What a sender knows of one of its references.
#[derive(Debug, Clone)]
struct Known {
    submission: Submission,
    /// Told by a receipt that arrived.
    id: Option<ItemId>,
    /// Sent, but the answer did not say what became of it.
    unsure: bool,
}

/// A life: the world, what everybody was told, and the dice.
struct Life {
    world: World,
    dice: u64,
    told: BTreeMap<(&'static str, String), Known>,
    number: u64,
    users: Vec<UserId>,
    /// What each said last about being there; `None`: it was not told what became of it.
    presence: BTreeMap<UserId, Option<Presence>>,
    /// What agents and supervisors were told last of each item.
    answers: BTreeMap<ItemId, Told>,
    /// Units that each had at the last look.
    units: BTreeMap<UserId, usize>,
    /// Ended items whose sessions were looked at, by their versions.
    laid_down: HashMap<Sequence, u32>,
    waited: Waited,
    record: Record,
    flows: Flows,
    /// What was met, to show that lives are whole ones.
    met: BTreeSet<&'static str>,
    plant: Option<Plant>,
}

impl Life {
    fn new(seed: u64) -> Life {
        Life::with(seed, None)
    }

    fn with(seed: u64, plant: Option<Plant>) -> Life {
        let flows = Flows::of(seed);
        let mut life = Life {
            world: World::new(flows.put_into(full_policy())),
            dice: seed,
            told: BTreeMap::new(),
            number: 0,
            users: Vec::new(),
            presence: BTreeMap::new(),
            answers: BTreeMap::new(),
            units: BTreeMap::new(),
            laid_down: HashMap::new(),
            waited: HashMap::new(),
            record: Record::default(),
            flows,
            met: BTreeSet::new(),
            plant,
        };
        life.world.watch = Some(watch_order);
        life.put_plant();
        life.begin_work();
        life
    }

    fn put_plant(&mut self) {
        if let Some(plant) = self.plant {
            self.world.engine.plant(plant);
        }
    }

    fn begin_work(&mut self) {
        let (reply, answer) = oneshot::channel();
        let change = ChangePeople {
            actor: Actor::Engine,
            from: None,
            edits: everybody(),
            dry_run: false,
        };
        self.world
            .carry_out(Command::People(Box::new(change), reply));
        told(answer).expect("they are all let in");
        let known = |name: &&str| self.world.engine.people.named(name);
        let accounts = PEOPLE.iter().filter_map(known);
        self.users = accounts.map(|account| account.user.id).collect();
        assert_eq!(self.users.len(), PEOPLE.len());
        for user in self.users.clone() {
            self.stand_ready(user);
        }
        self.sign_in_some();
        self.settle();
    }

    fn roll(&mut self, sides: u64) -> u64 {
        super::world::splitmix(&mut self.dice) % sides
    }

    fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.roll(options.len() as u64) as usize]
    }

    fn step(&mut self) {
        match self.roll(68) {
            0..9 => self.submit_new(),
            9 => self.submit_again(),
            10 => self.submit_other(),
            11..13 => self.change(),
            13 => self.cancel(),
            14..16 => self.order(),
            16..24 => self.let_time_pass(),
            24 => {
                // It may have been down for a while.
                if self.roll(2) == 0 {
                    self.let_time_pass();
                }
                self.restart();
                self.settle();
                self.sign_in_some();
            }
            25 => self.reload(),
            26 => self.plan_fault(),
            27..29 => self.crowd(),
            29..43 => self.work(),
            43..45 => self.all_at_once(),
            45..50 => self.change_state(),
            50..53 => self.supervise(),
            53..55 => self.try_what_is_not_theirs(),
            55 => self.lose_somebody(),
            56 => self.change_somebody(),
            57 => self.sign_in_some(),
            58 | 59 => self.pick_up(),
            60..66 => self.handle_some(),
            _ => self.start_some(),
        }
        self.settle();
    }

    /// Everything due happens; a process that dies on the way is started again.
    fn settle(&mut self) {
        loop {
            if self.world.dead || self.world.settle().is_err() {
                self.restart();
            } else if self.world.engine.rests(self.world.now) {
                self.world.now = self.world.now.plus_ms(REST_MS);
            } else {
                return;
            }
        }
    }

    /// The process dies and another one starts, to which nobody is signed in.
    fn restart(&mut self) {
        self.world.now = self.world.now.plus_ms(RESTART_MS);
        self.world.restart();
        self.put_plant();
        self.presence.clear();
    }

    /// Everything that must hold between two steps.
    fn check(&mut self) {
        let rows: Vec<Item> = self.world.engine.store().rows().cloned().collect();
        self.record.check(&self.world, &rows, &self.told);
        self.check_answers(&rows);
        check_places(&self.world, &rows);
        check_limits(&self.world);
        self.check_people();
        self.check_hands(&rows);
        let met = check_waiting(&mut self.world, &rows, &mut self.waited);
        self.met.extend(met);
        self.check_flows(&rows);
    }

    /// Everybody goes home: nothing stays in anybody's hands.
    fn come_to_rest(&mut self) {
        for user in self.users.clone() {
            self.lose(user);
            self.settle();
        }
        for _ in 0..REST_STEPS_MAX {
            let held = |row: &Item| row.holder.is_some();
            if !self.world.engine.store().rows().any(held) {
                self.check();
                return;
            }
            let due = self.world.turn_until_due(Vec::new());
            let due = due.expect("no fault is planned");
            let due = due.expect("somebody has something, so something is due");
            // Workflows may have something to do again and again until then.
            let least = self.world.now.plus_ms(REST_STEP_MS);
            self.world.now = least.max(due);
            self.settle();
        }
        panic!("somebody who is gone keeps an item for ever");
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
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

/// What so many lives together must have met.
const MET: [&str; 32] = [
    "a condition failed",
    "a new version",
    "accept",
    "acknowledged",
    "agentsBusy",
    "contact-data",
    "decline",
    "end",
    "end-wrap-up",
    "entranceClosed",
    "extend-wrap-up",
    "handled again",
    "inWorkflow",
    "noAgentSignedIn",
    "noAgentWithSkills",
    "offered",
    "opened",
    "opened again",
    "opened by a workflow",
    "park",
    "preferredAgentOnly",
    "pushed",
    "queueFull",
    "refused to be handled",
    "release",
    "reopen",
    "repeated",
    "requeue",
    "resume",
    "serviceRetired",
    "take",
    "transfer",
];

#[test]
fn nothing_receipted_is_lost_in_any_life() {
    let seeds = match number_of("ANTEROOM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_of("ANTEROOM_SEEDS").unwrap_or(300),
    };
    let lives = seeds.end - seeds.start;
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let met: BTreeSet<&'static str> = std::thread::scope(|scope| {
        let shares = (0..threads).map(|thread| {
            let share = seeds.clone().filter(move |seed| seed % threads == thread);
            scope.spawn(move || {
                let met = share.flat_map(live_or_name_the_seed);
                met.collect::<BTreeSet<_>>()
            })
        });
        let shares: Vec<_> = shares.collect();
        let met = shares
            .into_iter()
            .flat_map(|share| share.join().expect("a life broke an invariant, see above"));
        met.collect()
    });
    println!("{lives} lives of {STEPS} steps met {met:?}");
    let missed: Vec<_> = MET.iter().filter(|it| !met.contains(*it)).collect();
    assert!(lives < 100 || missed.is_empty(), "never met: {missed:?}");
}

fn live_or_name_the_seed(seed: u64) -> BTreeSet<&'static str> {
    let result = std::panic::catch_unwind(|| live(seed));
    result
        .unwrap_or_else(|_| panic!("life {seed} broke an invariant: ANTEROOM_SEED={seed} shows it"))
}

#[test]
fn the_same_seed_makes_the_same_life() {
    let rows = |seed| {
        let mut life = Life::new(seed);
        (0..STEPS).for_each(|_| life.step());
        life.world
            .engine
            .store()
            .rows()
            .cloned()
            .collect::<Vec<Item>>()
    };
    assert_eq!(rows(42), rows(42));
    assert_ne!(rows(42), rows(43));
}

/// The first life that sees the planted fault and sees nothing without it.
pub(super) fn first_life_that_sees(plant: Plant) -> Option<u64> {
    const LIVES_MAX: u64 = 50;
    let breaks = |seed: u64, plant: Option<Plant>| {
        let life = || {
            let mut life = Life::with(seed, plant);
            for _ in 0..STEPS {
                life.step();
                life.check();
            }
        };
        std::panic::catch_unwind(life).is_err()
    };
    (0..LIVES_MAX).find(|seed| breaks(*seed, Some(plant)) && !breaks(*seed, None))
}
