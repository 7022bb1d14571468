//! Lives of random workflows in a world of dice: whatever happens, no leg of a workflow that passed
//! the checker ends nowhere, and none runs on and on without time passing.
//!
//! `ANTEROOM_FLOW_SEEDS=N` lives that many workflows (default 400), `ANTEROOM_FLOW_SEED=S` only that
//! of seed S.

use std::cell::Cell;

use crate::domain::flow::{Flow, Rest, Steps, Stop};
use crate::domain::ids::Priority;
use crate::domain::time::Timestamp;
use crate::domain::workflow::{Event, STARTS_MAX, STEPS_PER_DAY_MAX, Workflow};
use crate::workflow::samples::{Around, Dice, passing, source};

use super::tests::World;
use super::{Availability, Happening, Opening, Standing, advance, begin};

thread_local! {
    /// Times that a stage ended nowhere in this thread.
    static UNLINKED_ENDS: Cell<u32> = const { Cell::new(0) };
}

/// The interpreter came to the end of a stage that leads nowhere.
pub(super) fn note_unlinked_end() {
    UNLINKED_ENDS.with(|count| count.set(count.get() + 1));
}

/// Happenings of one life.
const HAPPENINGS: usize = 300;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

const AROUND: Around<'static> = Around {
    services: &["loans", "claims"],
    agents: &["anna", "bo"],
    groups: &["backoffice"],
    keys: &["phone", "note"],
    workflows: &["other"],
};

/// Items with their workflow, and the dice.
struct Life {
    dice: Dice,
    workflow: std::sync::Arc<Workflow>,
    world: World,
    /// Most steps that the workflow took at one instant.
    most: u32,
}

impl Life {
    fn new(seed: u64) -> Life {
        let mut dice = Dice(seed);
        let mut world = World::default();
        let ahead = (dice.roll(40) as i64 - 10) * HOUR_MS;
        world.due_by = (dice.roll(2) == 0).then(|| world.now.plus_ms(ahead));
        world.chargeable = dice.roll(4) > 0;
        Life {
            dice,
            workflow: passing("w", seed, &AROUND),
            world,
            most: 0,
        }
    }

    fn change_the_world(&mut self) {
        self.world.entrance_open = self.dice.roll(3) > 0;
        self.world.transfers = self.dice.roll(3) > 0;
        self.world.availability = self.dice.pick(&[
            Availability::Available,
            Availability::Busy,
            Availability::NobodySignedIn,
        ]);
        let until = self.world.now.plus_ms(self.dice.roll(9) as i64 * HOUR_MS);
        self.world.opening = match self.dice.roll(4) {
            0 => Opening::Closed(None),
            1 => Opening::Closed(Some(until)),
            _ => Opening::Open,
        };
        if self.dice.roll(16) == 0 {
            let ms = (self.dice.roll(60) as i64 - 30) * HOUR_MS;
            self.world.due_by = Some(self.world.now.plus_ms(ms));
        }
    }

    /// Time passes: up to what is due, or by chance, now and then backwards.
    fn let_time_pass(&mut self, flow: &Flow) -> Happening {
        let by_chance = match self.dice.roll(4) {
            0 => self.dice.roll(90_000) as i64,
            1 => self.dice.roll(26) as i64 * HOUR_MS,
            2 => -(self.dice.roll(10) as i64) * MINUTE_MS,
            _ => self.dice.roll(50) as i64 * MINUTE_MS,
        };
        let by_chance = self.world.now.plus_ms(by_chance);
        let due = flow.due.filter(|_| self.dice.roll(2) == 0);
        self.world.now = due.unwrap_or(by_chance);
        Happening::Time
    }

    /// Something that can happen to an item that stands where this one does.
    fn happening(&mut self, flow: &Flow) -> Happening {
        let result = self.dice.pick(&["done", "sent", "else"]).to_owned();
        let roll = self.dice.roll(12);
        match (self.world.standing, roll) {
            (_, 0) if !flow.buttons.is_empty() => Happening::Pushed {
                button: flow.buttons[self.dice.roll(flow.buttons.len() as u64) as usize].clone(),
            },
            (_, 1) if flow.open_alerts > 0 => Happening::Acknowledged,
            (Standing::Ended, _) | (_, 2..=5) => self.let_time_pass(flow),
            (_, 6) => Happening::Updated,
            (_, 7) if self.dice.roll(20) == 0 => {
                self.world.standing = Standing::Ended;
                Happening::Cancelled
            }
            (Standing::Queued, 8) => {
                self.world.standing = Standing::InHands;
                Happening::Accepted
            }
            (Standing::Queued, 9) => Happening::Declined,
            (Standing::InHands, 8) => {
                self.world.standing = Standing::Ended;
                Happening::Ended { result }
            }
            (Standing::InHands, 9) => {
                self.world.standing = Standing::Queued;
                Happening::AgentLost
            }
            (Standing::InHands, 10) => {
                self.world.standing = Standing::Queued;
                Happening::Moved
            }
            (Standing::Buffered, 8..=10) if self.world.entrance_open => {
                self.world.standing = Standing::Queued;
                Happening::Moved
            }
            (Standing::Queued | Standing::Buffered, 11) if self.dice.roll(8) == 0 => {
                self.world.standing = Standing::Ended;
                Happening::Expired
            }
            _ => Happening::Moved,
        }
    }

    /// Everything that holds of a workflow that stands still.
    fn check(&mut self, flow: &Flow, now: Timestamp) {
        assert_ne!(flow.rest, Rest::Beginning, "{flow:?}");
        assert_ne!(flow.rest, Rest::Stopped(Stop::TooManySteps), "{flow:?}");
        assert!(flow.due.is_none_or(|due| due > now), "{flow:?} is late");
        let stage = self
            .workflow
            .stage(flow.stage)
            .expect("it stands in a stage");
        assert!(!stage.event.runs_beside(), "{flow:?} stands beside");
        if let Rest::Queued { since, .. } = flow.rest {
            let queued = self.world.standing == Standing::Queued;
            assert_eq!(since.is_some(), queued, "{flow:?}");
            assert_ne!(self.world.standing, Standing::InWorkflow, "{flow:?}");
            assert_ne!(self.world.standing, Standing::Ended, "{flow:?}");
        }
        assert!(flow.started <= STARTS_MAX, "{flow:?}");
        assert!(Priority::new(self.world.priority.value()).is_some());
    }

    /// Steps without time passing: each goto stage once after the event that led there, each elapsed
    /// stage once for every stage that it came by.
    fn steps_max(&self) -> u32 {
        let stages = self.workflow.stages.iter();
        let beside = |event: &Event| matches!(event, Event::Elapsed { .. });
        let elapsed = stages.clone().filter(|stage| beside(&stage.event)).count();
        let whole: usize = stages.map(|stage| 1 + stage.actions.len()).sum();
        (whole * (2 + elapsed)) as u32
    }

    fn begin(&mut self) -> Option<Flow> {
        self.world.standing = Standing::InWorkflow;
        let flow = begin(&self.workflow, 0, self.world.now);
        self.hear(flow, Happening::Began)
    }

    /// Items come one after the other. Returns how many of their workflows were over.
    fn live(&mut self) -> usize {
        let mut over = 0;
        let mut flow = self.begin();
        for _ in 0..HAPPENINGS {
            self.change_the_world();
            flow = match flow {
                Some(stands) => {
                    self.check(&stands, self.world.now);
                    let happening = self.happening(&stands);
                    self.hear(stands, happening)
                }
                None => {
                    over += 1;
                    self.begin()
                }
            };
        }
        over
    }

    fn hear(&mut self, mut flow: Flow, happening: Happening) -> Option<Flow> {
        // A day has its limit; here every instant has one.
        flow.steps = Steps::default();
        self.world.wanted.clear();
        let now = self.world.now;
        let next = advance(&self.workflow, &flow, happening, &mut self.world, now);
        let taken = next.as_ref().map_or(0, |flow| flow.steps.taken);
        let entered = self.world.wanted.iter();
        let entered = entered.filter(|it| it.starts_with("stage ")).count() as u32;
        self.most = self.most.max(taken).max(entered);
        assert!(
            taken <= self.steps_max(),
            "{taken} steps: {:?}",
            self.world.wanted
        );
        assert!(entered < STEPS_PER_DAY_MAX, "{:?}", self.world.wanted);
        let stopped = self.world.wanted.iter().any(|it| it.starts_with("stopped"));
        assert!(!stopped, "{:?}", self.world.wanted);
        next
    }
}

fn number_of(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok();
    text.map(|text| text.parse().expect("a number"))
}

#[test]
fn no_random_workflow_ends_nowhere_or_runs_without_a_pause() {
    let seeds = match number_of("ANTEROOM_FLOW_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_of("ANTEROOM_FLOW_SEEDS").unwrap_or(400),
    };
    let (mut most, mut over) = (0, 0);
    for seed in seeds.clone() {
        let lived = std::panic::catch_unwind(|| {
            let mut life = Life::new(seed);
            (life.live(), life.most)
        });
        let (finished, steps) = lived.unwrap_or_else(|_| {
            panic!("ANTEROOM_FLOW_SEED={seed} shows it:\n{}", source_of(seed));
        });
        let unlinked = UNLINKED_ENDS.with(Cell::get);
        assert_eq!(
            unlinked,
            0,
            "seed {seed} ends nowhere:\n{}",
            source_of(seed)
        );
        most = most.max(steps);
        over += finished;
    }
    let lives = seeds.end - seeds.start;
    println!("{lives} workflows led {over} items to their end, {most} steps at once at most");
    assert!(lives < 100 || over > lives as usize);
}

/// The file that lives in that life, or its first try.
fn source_of(seed: u64) -> String {
    let workflow = std::panic::catch_unwind(|| passing("w", seed, &AROUND).source.to_string());
    workflow.unwrap_or_else(|_| source("w", seed, &AROUND))
}
