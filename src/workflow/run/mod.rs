//! The interpreter: a pure function of where an item stands in its workflow, what has happened, and
//! what it is told of the world.
//!
//! [`advance`] goes as far as it can and returns where the workflow stands then. There is one
//! position; `button` and `elapsed` stages run at once beside what is outstanding there. What it
//! wants done are [`Effect`]s, given to its [`Case`] in order, so that each sees those before it.

mod case;
mod due;
mod steps;

#[cfg(test)]
mod lives;
#[cfg(test)]
pub(crate) mod tests;

pub use case::{Availability, Case, Effect, Happening, Opening, PreferredBy, StageRef, Standing};

use crate::domain::flow::{Flow, Rest, Steps, Stop, Woken};
use crate::domain::time::Timestamp;
use crate::domain::workflow::{Action, Awaited, Event, StageNumber, Until, Workflow};

use due::{Moment, action_at, next, queue_at};
use steps::Run;

/// Where an item stands that is to begin a workflow. `depth`: how many follow-ups, each started by
/// the one before, lead here.
pub fn begin(workflow: &Workflow, depth: u8, now: Timestamp) -> Flow {
    Flow {
        workflow: workflow.digest,
        name: workflow.name.clone(),
        stages: u8::try_from(workflow.stages.len()).unwrap_or(u8::MAX),
        began_at: now,
        stage: StageNumber(1),
        stage_began_at: now,
        rest: Rest::Beginning,
        fired: Vec::new(),
        buttons: Vec::new(),
        woken: None,
        open_alerts: 0,
        steps: Steps::default(),
        started: 0,
        depth,
        due: None,
    }
}

/// Lets a workflow hear what happened and go as far as it can. `None`: it is over.
///
/// Ensures: what is returned stands at a wait, a queue, or is stopped, and [`Flow::due`] says when it
/// is next due by itself, which is later than `now`.
pub fn advance(
    workflow: &Workflow,
    flow: &Flow,
    happening: Happening,
    case: &mut dyn Case,
    now: Timestamp,
) -> Option<Flow> {
    let mut run = Run::new(workflow, flow.clone(), case, now);
    if matches!(flow.rest, Rest::Stopped(_)) {
        hear_stopped(&mut run, happening);
    } else {
        // The clock of the queue stops before anything else is decided.
        run.read_queue_clock();
        run.follow_due_date();
        hear(&mut run, happening);
        catch_up(&mut run);
    }
    run.settle();
    (!run.over).then_some(run.flow)
}

/// Stops a workflow that cannot go on.
pub fn stop(flow: &Flow, stop: Stop, case: &mut dyn Case) -> Flow {
    if !flow.buttons.is_empty() {
        case.carry_out(Effect::WithdrawButtons);
    }
    case.carry_out(Effect::Stopped(stop));
    Flow {
        rest: Rest::Stopped(stop),
        buttons: Vec::new(),
        open_alerts: flow.open_alerts + 1,
        due: None,
        ..flow.clone()
    }
}

/// Does everything that time alone has made due, the earliest first.
fn catch_up(run: &mut Run<'_>) {
    while !run.over
        && let Some((at, moment)) = next(run.workflow, &run.flow, run.case.due_by())
        && at <= run.now
    {
        match moment {
            Moment::Elapsed(stage) => {
                run.flow.fired.push(stage);
                run.run_beside(stage);
            }
            Moment::WaitOver => run.wake(Woken::Time),
            Moment::QueueOver => {
                run.case.carry_out(Effect::WaitOver);
                run.leave_queue_by(|queue| queue.expired);
            }
        }
        run.read_queue_clock();
    }
}

fn hear(run: &mut Run<'_>, happening: Happening) {
    if run.flow.rest == Rest::Beginning {
        return hear_first(run, &happening);
    }
    match happening {
        Happening::Began | Happening::Time | Happening::Moved => {}
        Happening::Updated => run.hear_event(Awaited::Updated, |event| *event == Event::Updated),
        Happening::Accepted => run.hear_event(Awaited::Accepted, |event| *event == Event::Accepted),
        Happening::AgentLost => {
            run.hear_event(Awaited::AgentLost, |event| *event == Event::AgentLost);
        }
        Happening::Declined => run.leave_queue_by(|queue| queue.declined),
        Happening::Ended { result } => hear_ended(run, &result),
        Happening::Cancelled => run.enter_or_finish(|event| *event == Event::Cancelled),
        Happening::Expired => run.enter_or_finish(|event| *event == Event::Expired),
        Happening::Pushed { button } => {
            run.flow.buttons.retain(|shown| *shown != button);
            let wanted = |event: &Event| matches!(event, Event::Button { name } if *name == button);
            if let Some(stage) = run.workflow.find(wanted) {
                run.run_beside(stage);
            }
        }
        Happening::Acknowledged => {
            run.flow.open_alerts = run.flow.open_alerts.saturating_sub(1);
            if run.flow.open_alerts == 0 && run.awaits(Awaited::Acknowledged) {
                run.wake(Woken::Event(Awaited::Acknowledged));
            }
        }
    }
}

/// Before it has begun, nothing but the end of its item concerns it.
fn hear_first(run: &mut Run<'_>, happening: &Happening) {
    match happening {
        Happening::Began => run.enter_event(|event| *event == Event::Received),
        Happening::Ended { .. } | Happening::Cancelled | Happening::Expired => run.finish(),
        Happening::Time
        | Happening::Moved
        | Happening::Updated
        | Happening::Accepted
        | Happening::Declined
        | Happening::AgentLost
        | Happening::Pushed { .. }
        | Happening::Acknowledged => {}
    }
}

fn hear_ended(run: &mut Run<'_>, by_result: &str) {
    if run.awaits(Awaited::Ended) {
        return run.wake(Woken::Event(Awaited::Ended));
    }
    let for_result = |event: &Event| matches!(event, Event::Ended { result: Some(result) } if result == by_result);
    let for_any = |event: &Event| matches!(event, Event::Ended { result: None });
    let stage = run.workflow.find(for_result);
    match stage.or_else(|| run.workflow.find(for_any)) {
        Some(stage) => run.enter(stage),
        None => run.end_queue(),
    }
}

/// Nothing moves a stopped workflow but the end of its item.
fn hear_stopped(run: &mut Run<'_>, happening: Happening) {
    match happening {
        Happening::Ended { .. } | Happening::Cancelled | Happening::Expired => run.finish(),
        Happening::Acknowledged => {
            run.flow.open_alerts = run.flow.open_alerts.saturating_sub(1);
        }
        Happening::Began
        | Happening::Time
        | Happening::Moved
        | Happening::Updated
        | Happening::Accepted
        | Happening::Declined
        | Happening::AgentLost
        | Happening::Pushed { .. } => {}
    }
}

impl Run<'_> {
    /// A wait for the due date and nothing else ends when the item is due now.
    fn follow_due_date(&mut self) {
        let Rest::Waiting { action, .. } = self.flow.rest else {
            return;
        };
        let waits_for = action_at(self.workflow, self.flow.stage, action);
        if let Some(Action::Wait {
            until: Some(Until::Due),
            for_ms: None,
            ..
        }) = waits_for
        {
            let until = self.case.due_by().unwrap_or(self.now);
            self.flow.rest = Rest::Waiting { action, until };
        }
    }

    /// Whether it stands at a wait for that.
    fn awaits(&self, awaited: Awaited) -> bool {
        let Rest::Waiting { action, .. } = self.flow.rest else {
            return false;
        };
        matches!(
            action_at(self.workflow, self.flow.stage, action),
            Some(Action::Wait { until: Some(Until::Event(event)), .. }) if *event == awaited
        )
    }

    /// A wait for it goes before a stage of its own.
    fn hear_event(&mut self, awaited: Awaited, wanted: impl Fn(&Event) -> bool) {
        if self.awaits(awaited) {
            self.wake(Woken::Event(awaited));
        } else {
            self.enter_event(wanted);
        }
    }

    fn enter_event(&mut self, wanted: impl Fn(&Event) -> bool) {
        if let Some(stage) = self.workflow.find(wanted) {
            self.enter(stage);
        }
    }

    fn enter_or_finish(&mut self, wanted: impl Fn(&Event) -> bool) {
        match self.workflow.find(wanted) {
            Some(stage) => self.enter(stage),
            None => self.finish(),
        }
    }

    /// The wait is over: on with the next action.
    fn wake(&mut self, woken: Woken) {
        if let Rest::Waiting { action, .. } = self.flow.rest {
            self.flow.woken = Some(woken);
            self.go_on(self.flow.stage, usize::from(action) + 1);
        }
    }

    /// An agent has ended the item that it had queued.
    fn end_queue(&mut self) {
        let Rest::Queued { action, .. } = self.flow.rest else {
            return;
        };
        if let Some(queue) = queue_at(self.workflow, self.flow.stage, action) {
            match queue.ended {
                Some(stage) => self.enter(stage),
                None => self.go_on(self.flow.stage, usize::from(action) + 1),
            }
        }
    }

    /// The item leaves the queue by that exit, if it is linked and the item still waits there.
    fn leave_queue_by(
        &mut self,
        exit: impl Fn(&crate::domain::workflow::Queue) -> Option<StageNumber>,
    ) {
        let Rest::Queued { action, .. } = self.flow.rest else {
            return;
        };
        let queue = queue_at(self.workflow, self.flow.stage, action);
        let stage = queue.and_then(exit);
        if let (Some(stage), Standing::Queued) = (stage, self.case.standing()) {
            self.took_exit = true;
            self.enter(stage);
        }
    }
}
