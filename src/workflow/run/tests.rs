//! The interpreter alone, with a world that the tests set.

mod corners;
mod due;

use crate::domain::facts::{Fact, Facts, ServiceFacts, Texts, Utc, WallClock};
use crate::domain::flow::{Flow, Rest, Stop, Woken};
use crate::domain::ids::Priority;
use crate::domain::time::Timestamp;
use crate::domain::workflow::{STEPS_PER_DAY_MAX, StageNumber, Workflow};
use crate::workflow::{Known, load};

use super::{Availability, Case, Effect, Happening, Opening, Standing, advance, begin, stop};

/// An item and the world around it, as far as a workflow sees them.
pub(crate) struct World {
    pub now: Timestamp,
    pub standing: Standing,
    pub priority: Priority,
    pub due_by: Option<Timestamp>,
    pub opening: Opening,
    pub availability: Availability,
    pub entrance_open: bool,
    pub transfers: bool,
    pub chargeable: bool,
    pub texts: Texts,
    pub wanted: Vec<String>,
}

impl Default for World {
    fn default() -> World {
        World {
            now: NOON,
            standing: Standing::InWorkflow,
            priority: Priority::DEFAULT,
            due_by: None,
            opening: Opening::Open,
            availability: Availability::Available,
            entrance_open: true,
            transfers: true,
            chargeable: true,
            texts: Texts::default(),
            wanted: Vec::new(),
        }
    }
}

/// 2026-11-20T12:00:00Z.
const NOON: Timestamp = Timestamp(1_795_176_000_000);
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

impl Case for World {
    fn standing(&self) -> Standing {
        self.standing
    }
    fn priority(&self) -> Priority {
        self.priority
    }
    fn due_by(&self) -> Option<Timestamp> {
        self.due_by
    }
    fn next_local(&self, minute: u16) -> Timestamp {
        Utc.next(minute, self.now)
    }
    fn opening(&self, _service: Option<&str>) -> Opening {
        self.opening
    }
    fn availability(&self, _service: Option<&str>) -> Availability {
        self.availability
    }
    fn alerts(&self) -> bool {
        self.chargeable
    }
    fn facts(&self, _wanted: &[Fact], open_alerts: u32, woken: Option<Woken>) -> Facts {
        Facts {
            now: self.now,
            priority: self.priority.value(),
            texts: self.texts.clone(),
            service: ServiceFacts::default(),
            local: Utc.at(self.now),
            open_alerts,
            woken: woken.map_or("", Woken::word),
            ..Facts::default()
        }
    }
    fn transfer(&mut self, service: &str) -> bool {
        self.wanted.push(format!("transfer {service}"));
        if self.transfers {
            self.standing = Standing::Queued;
        }
        self.transfers
    }
    fn carry_out(&mut self, effect: Effect<'_>) {
        let word = match effect {
            Effect::Entered(number, _) => format!("stage {number}"),
            Effect::Waits { until, .. } => format!("waits {}", until.since_ms(self.now)),
            Effect::ConditionFailed { .. } => "condition failed".to_owned(),
            Effect::SetPriority(priority) => {
                self.priority = priority;
                format!("priority {}", priority.value())
            }
            Effect::SetContactData { key, value } => format!("{key}={value}"),
            Effect::Queue { agent } => {
                if self.standing == Standing::InWorkflow {
                    self.standing = match self.entrance_open {
                        true => Standing::Queued,
                        false => Standing::Buffered,
                    };
                }
                agent.map_or("queue".to_owned(), |agent| {
                    format!("queue to {}", agent.agent)
                })
            }
            Effect::NoLongerTo { agent } => format!("no longer to {agent}"),
            Effect::WaitOver => "wait over".to_owned(),
            Effect::LeaveQueue => {
                self.standing = Standing::InWorkflow;
                "leave queue".to_owned()
            }
            Effect::ForceIn => {
                self.standing = Standing::Queued;
                "force in".to_owned()
            }
            Effect::RelaxSkills => "relax".to_owned(),
            Effect::Alert { text, .. } => format!("alert {text}"),
            Effect::Button { name, .. } => format!("button {name}"),
            Effect::WithdrawButtons => "no buttons".to_owned(),
            Effect::Notify { name } => format!("notify {name}"),
            Effect::Start { workflow } => format!("start {workflow}"),
            Effect::TooManyStarts { workflow } => format!("not started {workflow}"),
            Effect::Cancel { .. } => {
                self.standing = Standing::Ended;
                "cancel".to_owned()
            }
            Effect::Finish => {
                if self.standing == Standing::InWorkflow {
                    self.standing = Standing::Ended;
                }
                "finish".to_owned()
            }
            Effect::Stopped(why) => format!("stopped {}", why.name()),
        };
        self.wanted.push(word);
    }
}

/// A workflow at work in a world.
struct Life {
    workflow: Workflow,
    world: World,
    flow: Option<Flow>,
}

impl Life {
    fn new(stages: &str) -> Life {
        Life::within(World::default(), stages)
    }

    /// In a world that is set up already. The stages are those of a file.
    fn within(world: World, stages: &str) -> Life {
        let source = format!(
            "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"test\">{stages}</workflow>"
        );
        let workflow = load(&source, &Known::anything()).expect("a good workflow");
        let flow = Some(begin(&workflow, 0, world.now));
        let mut life = Life {
            workflow,
            world,
            flow,
        };
        life.hear(Happening::Began);
        life
    }

    fn hear(&mut self, happening: Happening) -> &mut Life {
        let flow = self.flow.take().expect("it is not over");
        let now = self.world.now;
        self.flow = advance(&self.workflow, &flow, happening, &mut self.world, now);
        self
    }

    /// The item stands there now, and its workflow hears what brought it there.
    fn stands(&mut self, standing: Standing, happening: Happening) -> &mut Life {
        self.world.standing = standing;
        self.hear(happening)
    }

    fn after(&mut self, ms: i64) -> &mut Life {
        self.world.now = self.world.now.plus_ms(ms);
        self.hear(Happening::Time)
    }

    fn due_in(&self) -> Option<i64> {
        let due = self.flow.as_ref().and_then(|flow| flow.due);
        due.map(|due| due.since_ms(self.world.now))
    }

    /// What was wanted since the last look.
    fn wanted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.world.wanted)
    }
}

const QUEUE: &str = "<event on='received'><queue maxWait='PT1H'><ended goto='done'/>\
    <expired goto='late'/><declined goto='no'/></queue></event>\
    <event on='goto' name='done'><finish/></event>\
    <event on='goto' name='late'><raisePriority by='9'/><goto name='done'/></event>\
    <event on='goto' name='no'><wait for='PT5M'/><goto name='done'/></event>";

fn ended(result: &str) -> Happening {
    let result = result.to_owned();
    Happening::Ended { result }
}

#[test]
fn an_item_that_an_agent_ends_takes_the_exit_of_its_queue() {
    let mut life = Life::new(QUEUE);
    assert_eq!(life.wanted(), ["stage 1", "queue"]);
    life.stands(Standing::InHands, Happening::Accepted);
    assert_eq!(life.due_in(), None, "nobody waits any longer");
    life.stands(Standing::Ended, ended("done"));
    assert_eq!(life.wanted(), ["stage 2", "finish"]);
    assert_eq!(life.flow, None);
}

#[test]
fn only_time_in_the_queue_counts_for_the_maximum_wait() {
    let world = World {
        entrance_open: false,
        ..World::default()
    };
    let mut life = Life::within(world, QUEUE);
    assert_eq!(life.due_in(), None, "it stands before the entrance");
    life.after(3 * HOUR_MS);
    life.stands(Standing::Queued, Happening::Moved);
    assert_eq!(life.due_in(), Some(HOUR_MS));
    life.after(40 * MINUTE_MS);
    life.stands(Standing::InHands, Happening::Accepted);
    life.after(2 * HOUR_MS);
    life.stands(Standing::Queued, Happening::Moved);
    assert_eq!(life.due_in(), Some(20 * MINUTE_MS));
    life.wanted();
    life.after(20 * MINUTE_MS - 1);
    assert_eq!(life.wanted(), [""; 0]);
    life.after(1);
    assert_eq!(
        life.wanted(),
        [
            "wait over",
            "stage 3",
            "priority 9",
            "stage 2",
            "leave queue",
            "finish"
        ]
    );
    assert_eq!(life.world.standing, Standing::Ended);
}

#[test]
fn a_declined_item_leaves_the_queue_where_that_exit_is_linked() {
    let mut life = Life::new(QUEUE);
    life.wanted();
    life.hear(Happening::Declined);
    assert_eq!(life.wanted(), ["stage 4", "waits 300000", "leave queue"]);
    let mut plain = Life::new("<event on='received'><queue/><finish/></event>");
    plain.wanted();
    plain.hear(Happening::Declined);
    assert_eq!(plain.wanted(), [""; 0]);
}

#[test]
fn an_item_keeps_its_place_when_one_queue_follows_another() {
    let mut life = Life::new(
        "<event on='received'><queueToAgent agent='bo' required='true' maxWait='PT5M'>\
         <ended goto='done'/><expired goto='all'/></queueToAgent></event>\
         <event on='goto' name='all'><queue/><goto name='done'/></event>\
         <event on='goto' name='done'><finish/></event>",
    );
    life.wanted();
    life.after(5 * MINUTE_MS);
    assert_eq!(
        life.wanted(),
        ["wait over", "no longer to bo", "stage 2", "queue"]
    );
    assert_eq!(life.world.standing, Standing::Queued);
}

#[test]
fn an_exit_that_is_left_out_goes_on_with_the_next_action() {
    let mut life = Life::new("<event on='received'><queue/><notify name='n'/><finish/></event>");
    life.wanted();
    life.stands(Standing::InHands, Happening::Accepted);
    life.stands(Standing::Ended, ended("done"));
    assert_eq!(life.wanted(), ["notify n", "finish"]);
}

#[test]
fn a_wait_ends_with_its_time_or_its_event_and_says_which() {
    let stages = "<event on='received'><wait until='updated' for='PT30S'/>\
        <check when=\"woken == 'updated'\"><then goto='news'/></check><cancel/></event>\
        <event on='goto' name='news'><finish/></event>";
    let mut life = Life::new(stages);
    assert_eq!(life.due_in(), Some(30_000));
    life.hear(Happening::Accepted);
    life.after(29_999);
    assert!(life.flow.is_some());
    life.hear(Happening::Updated);
    assert_eq!(
        life.wanted(),
        ["stage 1", "waits 30000", "stage 2", "finish"]
    );
    let mut late = Life::new(stages);
    late.after(30_000);
    assert_eq!(
        late.wanted(),
        ["stage 1", "waits 30000", "cancel", "finish"]
    );
}

#[test]
fn a_wait_for_a_time_of_day_a_due_date_or_the_opening_ends_then() {
    let mut life = Life::new("<event on='received'><wait until='17:30'/><finish/></event>");
    assert_eq!(life.due_in(), Some(5 * HOUR_MS + 30 * MINUTE_MS));
    let world = World {
        due_by: Some(NOON.plus_ms(HOUR_MS)),
        ..World::default()
    };
    life = Life::within(
        world,
        "<event on='received'><wait until='dueBy'/><finish/></event>",
    );
    assert_eq!(life.due_in(), Some(HOUR_MS));
    life = Life::new("<event on='received'><wait until='dueBy'/><finish/></event>");
    assert_eq!(life.flow, None, "without a due date it is over at once");
    let opening = "<event on='received'><wait until='opening' for='P1D'/><finish/></event>";
    assert_eq!(Life::new(opening).flow, None, "they are open");
    for (until, due) in [(Some(NOON.plus_ms(HOUR_MS)), HOUR_MS), (None, 24 * HOUR_MS)] {
        let world = World {
            opening: Opening::Closed(until),
            ..World::default()
        };
        assert_eq!(Life::within(world, opening).due_in(), Some(due));
    }
}

#[test]
fn a_wait_for_acknowledgement_is_over_when_no_alert_is_open() {
    let stages = "<event on='received'><alert to='backoffice' text='one'/>\
        <alert to='backoffice' text='two'/><wait until='acknowledged' for='P1D'/>\
        <finish/></event>";
    let mut life = Life::new(stages);
    life.hear(Happening::Acknowledged);
    assert!(life.flow.is_some());
    life.hear(Happening::Acknowledged);
    assert_eq!(life.flow, None);
    let world = World {
        chargeable: false,
        ..World::default()
    };
    let silent = Life::within(world, stages);
    assert_eq!(
        silent.flow, None,
        "nothing was shown, nothing is waited for"
    );
}

#[test]
fn checks_lead_where_the_world_says() {
    let stages = "<event on='received'><checkOpeningHours><closed goto='c'/></checkOpeningHours>\
        <checkAvailability><busy goto='b'/><nobodySignedIn goto='n'/></checkAvailability>\
        <check when='item.priority &gt; 5'><then goto='p'/><otherwise goto='o'/></check></event>\
        <event on='goto' name='c'><finish/></event><event on='goto' name='b'><finish/></event>\
        <event on='goto' name='n'><finish/></event><event on='goto' name='p'><finish/></event>\
        <event on='goto' name='o'><finish/></event>";
    let stage_of = |set: fn(&mut World)| {
        let mut world = World::default();
        set(&mut world);
        Life::within(world, stages).wanted().swap_remove(1)
    };
    assert_eq!(
        stage_of(|world| world.opening = Opening::Closed(None)),
        "stage 2"
    );
    assert_eq!(
        stage_of(|world| world.availability = Availability::Busy),
        "stage 3"
    );
    let nobody: fn(&mut World) = |world| world.availability = Availability::NobodySignedIn;
    assert_eq!(stage_of(nobody), "stage 4");
    let urgent: fn(&mut World) = |world| world.priority = Priority::new(6).expect("in range");
    assert_eq!(stage_of(urgent), "stage 5");
    assert_eq!(stage_of(|_| ()), "stage 6");
}

#[test]
fn a_condition_that_cannot_be_evaluated_counts_as_false_and_is_shown() {
    let stages = "<event on='received'><check when=\"int(data.amount) &gt; 5\"><then goto='big'/>\
        </check><finish/></event><event on='goto' name='big'><cancel/></event>";
    let mut life = Life::new(stages);
    assert_eq!(life.wanted(), ["stage 1", "condition failed", "finish"]);
}

#[test]
fn a_button_runs_beside_the_queue_and_does_not_leave_it() {
    let stages = "<event on='received'><button name='go' label='Go' to='supervisor'/><queue/>\
        <finish/></event><event on='button' name='go'><forceQueue/></event>";
    let world = World {
        entrance_open: false,
        ..World::default()
    };
    let mut life = Life::within(world, stages);
    let button = "go".to_owned();
    life.hear(Happening::Pushed { button });
    assert_eq!(
        life.wanted(),
        ["stage 1", "button go", "queue", "stage 2", "force in"]
    );
    let flow = life.flow.as_ref().expect("it stands where it stood");
    assert_eq!(flow.stage, StageNumber(1));
    assert!(matches!(flow.rest, Rest::Queued { since: Some(_), .. }));
    life.stands(Standing::InHands, Happening::Accepted);
    life.stands(Standing::Ended, ended("done"));
    assert_eq!(life.wanted(), ["finish"]);
}

#[test]
fn buttons_go_away_with_their_stage() {
    let stages = "<event on='received'><button name='no' label='Refuse' to='supervisor'/>\
        <wait for='PT1H'/><goto name='next'/></event>\
        <event on='button' name='no'><goto name='next'/></event>\
        <event on='goto' name='next'><wait for='PT1H'/><finish/></event>";
    let mut life = Life::new(stages);
    life.wanted();
    life.after(HOUR_MS);
    assert_eq!(life.wanted(), ["no buttons", "stage 3", "waits 3600000"]);
    let mut pushed = Life::new(stages);
    pushed.wanted();
    let button = "no".to_owned();
    pushed.hear(Happening::Pushed { button });
    assert_eq!(pushed.wanted(), ["stage 2", "stage 3", "waits 3600000"]);
}

#[test]
fn elapsed_stages_run_once_for_each_time_their_stage_is_entered() {
    let stages = "<event on='received'><goto name='work'/></event>\
        <event on='goto' name='work'><wait for='PT1H'/><goto name='work'/></event>\
        <event on='elapsed' after='PT20M' in='work'><raisePriority by='1'/></event>\
        <event on='elapsed' after='PT90M'><notify name='long'/></event>";
    let mut life = Life::new(stages);
    life.wanted();
    for _ in 0..8 {
        life.after(20 * MINUTE_MS);
    }
    assert_eq!(
        life.wanted(),
        [
            "stage 3",
            "priority 6",
            "stage 2",
            "waits 3600000",
            "stage 3",
            "priority 7",
            "stage 4",
            "notify long",
            "stage 2",
            "waits 3600000",
            "stage 3",
            "priority 8",
        ]
    );
}

#[test]
fn what_became_due_while_nobody_looked_happens_in_the_order_of_time() {
    let stages = "<event on='received'><wait for='PT1H'/><goto name='b'/></event>\
        <event on='goto' name='b'><wait for='PT1H'/><finish/></event>\
        <event on='elapsed' after='PT10M' in='received'><notify name='first'/></event>";
    let mut life = Life::new(stages);
    life.wanted();
    life.after(5 * HOUR_MS);
    assert_eq!(
        life.wanted(),
        ["stage 3", "notify first", "stage 2", "waits 3600000"]
    );
    assert_eq!(
        life.due_in(),
        Some(HOUR_MS),
        "waits begin when they are reached"
    );
}

#[test]
fn an_event_with_a_stage_of_its_own_leaves_where_the_workflow_stood() {
    let stages = "<event on='received'><queue/><finish/></event>\
        <event on='updated'><raisePriority by='1'/><goto name='again'/></event>\
        <event on='goto' name='again'><queue/><finish/></event>\
        <event on='agentLost'><wait for='PT1M'/><goto name='again'/></event>\
        <event on='cancelled'><notify name='gone'/><finish/></event>\
        <event on='ended' result='refused'><startWorkflow name='care'/><finish/></event>";
    let mut life = Life::new(stages);
    life.wanted();
    life.hear(Happening::Updated);
    assert_eq!(
        life.wanted(),
        ["stage 2", "priority 6", "stage 3", "queue"],
        "it keeps standing where it stood"
    );
    life.hear(Happening::AgentLost);
    assert_eq!(life.wanted(), ["stage 4", "waits 60000", "leave queue"]);
    life.after(MINUTE_MS);
    life.wanted();
    life.stands(Standing::InHands, Happening::Accepted);
    let mut other = Life::new(stages);
    other.stands(Standing::Ended, Happening::Cancelled).wanted();
    life.stands(Standing::Ended, ended("refused"));
    assert_eq!(life.wanted(), ["stage 6", "start care", "finish"]);
    assert_eq!((life.flow, other.flow), (None, None));
}

#[test]
fn finishing_leaves_an_item_in_its_queue_and_ends_one_that_stands_nowhere() {
    let stages = "<event on='received'><transfer service='office'><failed goto='f'/></transfer>\
        <finish/></event><event on='goto' name='f'><finish/></event>";
    let mut life = Life::new(stages);
    assert_eq!(life.wanted(), ["stage 1", "transfer office", "finish"]);
    assert_eq!(life.world.standing, Standing::Queued);
    let world = World {
        transfers: false,
        ..World::default()
    };
    let mut failed = Life::within(world, stages);
    assert_eq!(
        failed.wanted(),
        ["stage 1", "transfer office", "stage 2", "finish"]
    );
    assert_eq!(failed.world.standing, Standing::Ended);
}

#[test]
fn nobody_can_be_queued_after_the_end() {
    let stages = "<event on='received'><queue/><goto name='again'/></event>\
        <event on='goto' name='again'><queue/><goto name='again'/></event>";
    let mut life = Life::new(stages);
    life.stands(Standing::InHands, Happening::Accepted);
    life.wanted();
    life.stands(Standing::Ended, ended("done"));
    assert_eq!(life.wanted(), ["stage 2", "finish"]);
}

#[test]
fn a_workflow_that_takes_too_many_steps_in_a_day_is_stopped_until_its_item_ends() {
    let stages = "<event on='received'><goto name='loop'/></event>\
        <event on='goto' name='loop'><wait for='PT0.001S'/><goto name='loop'/></event>";
    let stages = stages.replace("PT0.001S", "PT1S");
    let mut life = Life::new(&stages);
    let mut steps = 0;
    while life.due_in().is_some() {
        life.after(1_000);
        steps += 1;
        assert!(steps <= STEPS_PER_DAY_MAX, "it is stopped");
    }
    let flow = life.flow.clone().expect("shown, not lost");
    assert_eq!(flow.rest, Rest::Stopped(Stop::TooManySteps));
    assert_eq!(flow.open_alerts, 1);
    assert_eq!(
        life.wanted().last().expect("wanted"),
        "stopped tooManySteps"
    );
    life.hear(Happening::Updated).hear(Happening::Acknowledged);
    assert_eq!(life.wanted(), [""; 0]);
    life.stands(Standing::Ended, Happening::Cancelled);
    assert_eq!(life.flow, None);
}

#[test]
fn a_version_that_cannot_be_read_stops_its_workflow() {
    let mut life = Life::new(QUEUE);
    life.wanted();
    let flow = life.flow.take().expect("it stands at the queue");
    let stopped = stop(&flow, Stop::UnreadableVersion, &mut life.world);
    assert_eq!(
        (stopped.rest, stopped.due),
        (Rest::Stopped(Stop::UnreadableVersion), None)
    );
    assert_eq!(stopped.open_alerts, flow.open_alerts + 1, "it is an alert");
    assert_eq!(life.wanted(), ["stopped unreadableVersion"]);
}

#[test]
fn an_item_starts_ten_follow_ups_and_no_more() {
    let start = "<startWorkflow name='care'/>".repeat(11);
    let mut life = Life::new(&format!("<event on='received'>{start}<finish/></event>"));
    let wanted = life.wanted();
    let started = wanted.iter().filter(|word| *word == "start care").count();
    assert_eq!((started, wanted[11].as_str()), (10, "not started care"));
}
