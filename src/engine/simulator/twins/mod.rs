//! Twin lives: the same happenings in a world whose process never dies, and in one that dies
//! between turns, before a commit, or after one whose answer is lost. Rows, journals, follow-ups and
//! notifications of both are the same in the end: no step of a workflow is lost or done twice.
//!
//! What a death ends by design is left out: the services are of the pickup mode, for offers do not
//! outlive a process (so nothing is declined), nobody wraps up, no queue is full (a full entrance
//! forgets that it was), and agents are back at once. Sessions, the audit and the states of users
//! are not compared, nor the reasons to wait that notifications name: they tell who is there.
//!
//! Short lives are lived once more for every one of their turns and every way to die there; long
//! ones die by chance. `ANTEROOM_TWIN_SEEDS=N` lives N of each (default 6), `ANTEROOM_TWIN_SEED=S`
//! only those of seed S.

mod account;
mod deed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::content::ContactDatum;
use crate::domain::distribution::{DistributionPolicy, Mode};
use crate::domain::entrance::EntranceVerb;
use crate::domain::follow_up::{FollowUp, FollowUpKind};
use crate::domain::ids::{Priority, UserId};
use crate::domain::item::{Item, ItemState};
use crate::domain::message::{Changes, Update};
use crate::domain::notification::EventKind;
use crate::domain::people::{Capacity, UserPatch};
use crate::domain::policy::{AgentPolicy, NotifyPolicy, Policy, ServicePolicy};
use crate::domain::time::Timestamp;
use crate::domain::workflow::Workflow;
use crate::engine::agents::command::ItemVerb;
use crate::engine::flows::command::{FollowUpSubject, FollowUpVerb, StartFollowUp};
use crate::engine::people::change::Edit;
use crate::engine::planted::Plant;
use crate::engine::world::{
    DAY, HOUR, MINUTE, OfficeHours, World, of_content, operator, policy, service, submission,
    update,
};
use crate::store::memory::CommitFault;
use crate::workflow::samples::{Around, Dice, passing};

use super::setting::{BACK_OFFICE, user_name};
use super::{Life, number_of};
use account::{account, difference, follow_ups, words};
use deed::{Deed, change, sign_in};

const SERVICES: [&str; 2] = ["loans", "claims"];
const AGENTS: [&str; 2] = ["anna", "bo"];
const WORKFLOWS: [&str; 3] = ["main", "side", "small"];
const SHORT: usize = 14;
const LONG: usize = 80;
/// Turns until nothing is due, at most.
const TURNS_MAX: usize = 1_000;

/// How a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    /// Between two turns.
    Between,
    /// Before the commit of a turn: what was asked for is asked for again.
    Before,
    /// After it: nobody was told. What may be is asked for again.
    After { again: bool },
}

const DEATHS: [Death; 4] = [
    Death::Between,
    Death::Before,
    Death::After { again: true },
    Death::After { again: false },
];

/// One of two.
struct Twin {
    world: World,
    dice: Dice,
    number: u64,
    users: Vec<UserId>,
    /// Agents who may not work just now.
    gone: BTreeSet<UserId>,
    turns: usize,
    /// When to die, by the number of the turn.
    deaths: BTreeMap<usize, Death>,
    planned: Option<Death>,
    plant: Option<Plant>,
}

fn workflow(index: usize, seed: u64) -> Arc<Workflow> {
    let around = Around {
        services: &SERVICES,
        agents: &AGENTS,
        groups: &[BACK_OFFICE],
        keys: &["phone", "note"],
        workflows: &WORKFLOWS[index + 1..],
    };
    passing(WORKFLOWS[index], seed, &around)
}

/// Two pickup services with workflows of that seed, one with opening hours.
fn policy_of(seed: u64) -> Policy {
    let workflows: Vec<_> = (0..WORKFLOWS.len())
        .map(|index| workflow(index, seed.wrapping_add(index as u64)))
        .collect();
    let pickup = |name: &str, index: usize| ServicePolicy {
        distribution: DistributionPolicy {
            mode: Mode::Pickup,
            wrap_up_ms: 0,
            ..DistributionPolicy::default()
        },
        workflow: Some(workflows[index].clone()),
        ..service(name)
    };
    let loans = pickup("loans", 0);
    let claims = ServicePolicy {
        hours: Some(Arc::new(OfficeHours)),
        ..pickup("claims", 1)
    };
    let mut policy = policy(vec![loans, claims], None);
    let bank = Arc::make_mut(policy.tenants.get_mut("bank").expect("it is there"));
    bank.work_groups = [BACK_OFFICE.to_owned()].into();
    bank.agents = AgentPolicy {
        agent_lost_after_ms: DAY,
        ..AgentPolicy::default()
    };
    let named = workflows.into_iter().map(|it| (it.name.clone(), it));
    bank.workflows = named.collect();
    let core = Arc::make_mut(policy.senders.get_mut("core").expect("it is there"));
    core.notify = Some(Arc::new(NotifyPolicy {
        url: "https://bank.example/told".parse().expect("a URL"),
        secret_file: "/nowhere".into(),
        events: EventKind::ALL.into_iter().collect(),
    }));
    policy
}

impl Twin {
    fn new(seed: u64, deaths: BTreeMap<usize, Death>, plant: Option<Plant>) -> Twin {
        let mut twin = Twin {
            world: World::new(policy_of(seed * 31)),
            dice: Dice(seed),
            number: 0,
            users: Vec::new(),
            gone: BTreeSet::new(),
            turns: 0,
            deaths,
            planned: None,
            plant,
        };
        twin.put_plant();
        let add = |name: &&str| Edit::Add {
            name: user_name(name),
            tenant: Some("bank".to_owned()),
            patch: UserPatch {
                services: Some(SERVICES.iter().map(|it| (*it).to_owned()).collect()),
                capacity: Capacity::new(4),
                ..UserPatch::default()
            },
            password: None,
        };
        let edits = AGENTS.iter().map(add).collect();
        let added = twin.world.turn(vec![change(edits)]);
        added.expect("no fault is planned");
        let people = &twin.world.engine.people;
        twin.users = people.accounts().map(|it| it.user.id).collect();
        assert_eq!(twin.users.len(), AGENTS.len());
        twin.come_back();
        twin
    }

    fn put_plant(&mut self) {
        if let Some(plant) = self.plant {
            self.world.engine.plant(plant);
        }
    }

    /// Everybody who may work signs in.
    fn come_back(&mut self) {
        let there = self.users.iter().filter(|user| !self.gone.contains(user));
        let commands = there.map(|user| sign_in(*user)).collect();
        self.world.turn(commands).expect("no fault is planned");
    }

    fn restart(&mut self) {
        self.planned = None;
        self.world.restart();
        self.put_plant();
        self.come_back();
    }

    /// One turn, in which the process may die. Returns when the next is due.
    fn turn(&mut self, deed: Option<&Deed>) -> Option<Timestamp> {
        let death = self.deaths.remove(&self.turns);
        self.turns += 1;
        match death {
            None => {}
            Some(Death::Between) => self.restart(),
            // The last may not have come yet, for nothing was to be committed.
            Some(Death::Before | Death::After { .. }) if self.planned.is_some() => {}
            Some(death @ (Death::Before | Death::After { .. })) => {
                let fault = match death {
                    Death::Before => CommitFault::Before,
                    Death::Between | Death::After { .. } => CommitFault::AfterButLost,
                };
                self.world.engine.store.fail_next_commit(fault);
                self.planned = Some(death);
            }
        }
        let commands = |world: &World| deed.map(|deed| deed.command(world)).into_iter().collect();
        let commands_now = commands(&self.world);
        if let Ok(due) = self.world.turn_until_due(commands_now) {
            return due;
        }
        let death = self.planned;
        self.restart();
        let again = match death {
            Some(Death::Before) => true,
            // What is in force is kept by no store.
            Some(Death::After { .. }) if matches!(deed, Some(Deed::Reload(_))) => true,
            Some(Death::After { again }) => again && deed.is_some_and(Deed::is_idempotent),
            Some(Death::Between) | None => panic!("no death was planned"),
        };
        let commands = if again {
            commands(&self.world)
        } else {
            Vec::new()
        };
        let due = self.world.turn_until_due(commands);
        due.expect("one death at a time")
    }

    fn settle(&mut self, mut due: Option<Timestamp>) {
        for _ in 0..TURNS_MAX {
            if due.is_none_or(|due| due > self.world.now) {
                return;
            }
            due = self.turn(None);
        }
        panic!("the world does not come to rest");
    }

    fn carry_out(&mut self, deed: &Deed) {
        let due = self.turn(Some(deed));
        if let Deed::Reload(seed) = deed {
            self.world.policy = Arc::new(policy_of(*seed));
        }
        self.settle(due);
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice.roll(sides)
    }

    fn some_row(&mut self, wanted: impl Fn(&Item) -> bool) -> Option<Item> {
        let rows = self.world.engine.store().rows();
        let rows: Vec<Item> = rows.filter(|row| wanted(row)).cloned().collect();
        let count = rows.len() as u64;
        (count > 0).then(|| rows[self.roll(count) as usize].clone())
    }

    fn step(&mut self) {
        let time = match self.roll(8) {
            0..3 => None,
            3 => Some(self.roll(90_000) as i64),
            4 | 5 => Some(self.roll(40) as i64 * MINUTE),
            _ => Some(self.roll(20) as i64 * HOUR),
        };
        if let Some(ms) = time {
            self.world.now = self.world.now.plus_ms(ms);
            self.settle(Some(self.world.now));
        }
        if let Some(deed) = self.some_deed() {
            self.carry_out(&deed);
        }
    }

    fn some_deed(&mut self) -> Option<Deed> {
        match self.roll(20) {
            0..4 => Some(self.submit()),
            4 | 5 => self.update(),
            6 => {
                let number = 1 + self.roll(self.number.max(1));
                Some(Deed::Cancel(format!("r{number}")))
            }
            7..10 => self.take(),
            10..13 => self.end(),
            13..16 => self.handle(),
            16 => self.start(),
            17 => Some(self.order()),
            18 => self.come_or_go(),
            _ => Some(self.rarely()),
        }
    }

    fn submit(&mut self) -> Deed {
        self.number += 1;
        let service = self.dice.pick(&SERVICES);
        let mut submission = submission(&format!("r{}", self.number), service);
        let content = &mut submission.content;
        let now = self.world.now;
        if self.dice.roll(2) == 0 {
            content.due_by = Some(now.plus_ms(self.dice.roll(30) as i64 * HOUR - 5 * HOUR));
        }
        if self.dice.roll(6) == 0 {
            content.not_before = Some(now.plus_ms(self.dice.roll(10) as i64 * HOUR));
        }
        Deed::Submit(of_content(submission.content))
    }

    fn update(&mut self) -> Option<Deed> {
        let number = 1 + self.roll(self.number.max(1));
        self.number += 1;
        let changes = Changes {
            title: Some(format!("title {}", self.roll(9))),
            contact_data: vec![ContactDatum {
                key: "phone".to_owned(),
                value: self.roll(3).to_string(),
            }],
            ..Changes::default()
        };
        let update = update(&format!("r{number}"), changes);
        Some(Deed::Update(Update {
            request_id: Some(format!("u{}", self.number)),
            ..update
        }))
    }

    fn take(&mut self) -> Option<Deed> {
        let row = self.some_row(|row| row.state == ItemState::Queued)?;
        let user = self.dice.pick(&self.users);
        Some(Deed::Act(Life::by(Some(user)), row.id, ItemVerb::Take))
    }

    fn end(&mut self) -> Option<Deed> {
        let row = self.some_row(|row| row.holder.is_some())?;
        let holder = row.holder?;
        let result = self.dice.pick(&["done", "done", "notDone"]).to_owned();
        let verb = ItemVerb::End {
            session: Some(holder.session),
            result,
            note: None,
            share: false,
        };
        Some(Deed::Act(Life::by(Some(holder.agent)), row.id, verb))
    }

    /// An alert or a button of an item, open or not.
    fn handle(&mut self) -> Option<Deed> {
        let row = self.some_row(|_| true)?;
        let shown = follow_ups(&self.world, row.sequence);
        let open: Vec<FollowUp> = match self.roll(4) {
            0 => shown,
            _ => shown.into_iter().filter(|it| it.closed.is_none()).collect(),
        };
        let count = open.len() as u64;
        let follow_up = (count > 0).then(|| open[self.roll(count) as usize].clone())?;
        let verb = match follow_up.kind {
            FollowUpKind::Alert { .. } => FollowUpVerb::Acknowledge,
            FollowUpKind::Button { .. } => FollowUpVerb::Push,
        };
        Some(Deed::Handle(follow_up.id, verb))
    }

    fn start(&mut self) -> Option<Deed> {
        let row = self.some_row(|_| true)?;
        Some(Deed::Start(StartFollowUp {
            by: operator(),
            workflow: self.dice.pick(&WORKFLOWS).to_owned(),
            subject: FollowUpSubject::Item(row.id),
            service: None,
            parameters: Vec::new(),
            reference: (self.roll(2) == 0).then(|| format!("f{}", self.dice.roll(4))),
        }))
    }

    fn order(&mut self) -> Deed {
        let service = self.dice.pick(&SERVICES);
        let verb = self.dice.pick(&[EntranceVerb::Open, EntranceVerb::Close]);
        let ahead = self.roll(8) as i64 * HOUR + 1;
        let until = (self.roll(3) > 0).then(|| self.world.now.plus_ms(ahead));
        Deed::Entrance(service, verb, until)
    }

    /// An agent is deactivated, and loses its items at once; or may work again.
    fn come_or_go(&mut self) -> Option<Deed> {
        let index = self.roll(AGENTS.len() as u64) as usize;
        let user = self.users[index];
        if self.gone.remove(&user) {
            self.carry_out(&Deed::Enable(user_name(AGENTS[index]), true));
            return Some(Deed::SignIn(user));
        }
        self.gone.insert(user);
        Some(Deed::Enable(user_name(AGENTS[index]), false))
    }

    fn rarely(&mut self) -> Deed {
        let row = self.some_row(|_| true);
        match (self.roll(4), row) {
            (0, Some(row)) => {
                let reason = None;
                Deed::Act(operator(), row.id, ItemVerb::Abort { reason })
            }
            (1, Some(row)) => {
                let priority = Priority::new(self.roll(10) as u8).expect("0 to 9");
                let reason = None;
                let verb = ItemVerb::Reprioritise { priority, reason };
                Deed::Act(operator(), row.id, verb)
            }
            _ => Deed::Reload(self.roll(1_000)),
        }
    }
}

/// A whole life: what is kept at its end, how many turns it took, what it met.
fn live(
    seed: u64,
    steps: usize,
    deaths: BTreeMap<usize, Death>,
    plant: Option<Plant>,
) -> (Vec<String>, usize, Vec<&'static str>) {
    let mut twin = Twin::new(seed, deaths, plant);
    (0..steps).for_each(|_| twin.step());
    (account(&twin.world), twin.turns, words(&twin.world))
}

fn assert_same(whole: &[String], died: &[String], what: &str) {
    if let Some(difference) = difference(whole, died) {
        panic!("{what}: {difference}");
    }
}

/// Lives the same life once more for every turn of it and every death in that turn.
fn die_everywhere(seed: u64, plant: Option<Plant>) -> (usize, Vec<&'static str>) {
    let (whole, turns, met) = live(seed, SHORT, BTreeMap::new(), plant);
    for turn in 0..turns {
        for death in DEATHS {
            let (died, ..) = live(seed, SHORT, [(turn, death)].into(), plant);
            let what = format!("ANTEROOM_TWIN_SEED={seed}, {death:?} in turn {turn}");
            assert_same(&whole, &died, &what);
        }
    }
    (turns * DEATHS.len(), met)
}

/// Lives a long life once more, dying by chance.
fn die_by_chance(seed: u64, plant: Option<Plant>) -> (usize, Vec<&'static str>) {
    let (whole, turns, met) = live(seed, LONG, BTreeMap::new(), plant);
    let mut dice = Dice(!seed);
    let mut deaths = BTreeMap::new();
    for turn in 0..turns {
        if dice.roll(6) == 0 {
            deaths.insert(turn, dice.pick(&DEATHS));
        }
    }
    let count = deaths.len();
    let (died, ..) = live(seed, LONG, deaths, plant);
    assert_same(&whole, &died, &format!("ANTEROOM_TWIN_SEED={seed}, long"));
    (count, met)
}

/// What twins together must have met.
const MET: [&str; 12] = [
    "accepted",
    "agentLost",
    "alertAcknowledged",
    "buttonPushed",
    "endedByUser",
    "followUpStarted",
    "outlived",
    "queuedByWorkflow",
    "stageEntered",
    "takenByWorkflow",
    "transferredByWorkflow",
    "workflowFinished",
];

#[test]
fn a_life_with_deaths_ends_as_the_same_life_without() {
    let seeds = match number_of("ANTEROOM_TWIN_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_of("ANTEROOM_TWIN_SEEDS").unwrap_or(6),
    };
    let (mut deaths, mut met) = (0, BTreeSet::new());
    for seed in seeds.clone() {
        for (count, words) in [die_everywhere(seed, None), die_by_chance(seed, None)] {
            deaths += count;
            met.extend(words);
        }
    }
    let lives = seeds.end - seeds.start;
    println!("{lives} pairs of twins, {deaths} deaths, met {met:?}");
    let missed: Vec<_> = MET.iter().filter(|it| !met.contains(*it)).collect();
    assert!(lives < 6 || missed.is_empty(), "never met: {missed:?}");
}

/// The first twins that tell a planted fault, and are the same without it.
pub(in crate::engine) fn first_twins_that_differ(plant: Plant) -> Option<u64> {
    const TWINS_MAX: u64 = 20;
    let differ = |seed: u64, plant: Option<Plant>| {
        std::panic::catch_unwind(|| die_by_chance(seed, plant)).is_err()
    };
    (0..TWINS_MAX).find(|seed| differ(*seed, Some(plant)) && !differ(*seed, None))
}
