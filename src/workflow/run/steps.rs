//! Going through the actions of stages.

use crate::domain::flow::{Flow, Rest, Stop, Woken};
use crate::domain::ids::Priority;
use crate::domain::time::Timestamp;
use crate::domain::workflow::{
    Action, Awaited, Condition, Elapsed, Event, Exit, STARTS_MAX, Stage, StageNumber, Until,
    Workflow,
};

use super::case::{Availability, Case, Effect, Opening, PreferredBy, StageRef, Standing};
use super::due::{action_at, next};

/// One going-on of a workflow.
pub(super) struct Run<'a> {
    pub workflow: &'a Workflow,
    pub flow: Flow,
    pub case: &'a mut dyn Case,
    pub now: Timestamp,
    /// The workflow is over.
    pub over: bool,
    /// It has left a queue in which its item still waits: taken out as soon as the workflow stands
    /// still anywhere but at another queue.
    left_queue: bool,
    /// It left it by one of its exits, so the item does not stay there if the workflow is over.
    pub(super) took_exit: bool,
}

/// Where an action leads.
enum Lead {
    /// To the next action.
    On,
    /// To a stage.
    To(StageNumber),
    /// Nowhere for now: the workflow stands, or is over.
    Stands,
}

impl From<Exit> for Lead {
    fn from(exit: Exit) -> Lead {
        exit.map_or(Lead::On, Lead::To)
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        workflow: &'a Workflow,
        flow: Flow,
        case: &'a mut dyn Case,
        now: Timestamp,
    ) -> Run<'a> {
        Run {
            workflow,
            flow,
            case,
            now,
            over: false,
            left_queue: false,
            took_exit: false,
        }
    }

    /// Comes to a stage and goes through it, leaving where it stood.
    pub(super) fn enter(&mut self, stage: StageNumber) {
        self.go_on(stage, 0);
    }

    /// Goes on from an action of a stage until it stands still.
    pub(super) fn go_on(&mut self, mut number: StageNumber, mut action: usize) {
        self.leave_queue();
        loop {
            let Some(stage) = self.workflow.stage(number) else {
                return self.finish();
            };
            if action == 0 && !self.arrive(number, stage) {
                return;
            }
            match self.go_through(number, stage, action) {
                // The checker lets no stage end like this.
                Lead::On => {
                    #[cfg(test)]
                    super::lives::note_unlinked_end();
                    return self.finish();
                }
                Lead::To(next) => (number, action) = (next, 0),
                Lead::Stands => return,
            }
        }
    }

    /// Leaves an outstanding queue; the item keeps its place as long as it may be for another.
    fn leave_queue(&mut self) {
        let Rest::Queued { action, .. } = self.flow.rest else {
            return;
        };
        self.left_queue = true;
        let outstanding = action_at(self.workflow, self.flow.stage, action);
        let ended = self.case.standing() == Standing::Ended;
        if let (Some(Action::QueueToAgent { agent, .. }), false) = (outstanding, ended) {
            self.case.carry_out(Effect::NoLongerTo { agent });
        }
    }

    /// Runs a stage beside what is outstanding.
    pub(super) fn run_beside(&mut self, number: StageNumber) {
        let Some(stage) = self.workflow.stage(number) else {
            return;
        };
        if !self.step() {
            return;
        }
        self.case
            .carry_out(Effect::Entered(number, StageRef(stage)));
        match self.go_through(number, stage, 0) {
            Lead::To(next) => self.enter(next),
            Lead::On | Lead::Stands => {}
        }
    }

    /// Stands in a stage from now on. Returns whether the step may be taken.
    fn arrive(&mut self, number: StageNumber, stage: &Stage) -> bool {
        if !self.step() {
            return false;
        }
        self.withdraw_buttons();
        let workflow = self.workflow;
        // Only the time in a stage begins anew with it. A due date that is past stays past: what is
        // counted from it would be due at every arrival, and could lead there again at once.
        let of_this_stay = |fired: &StageNumber| {
            let stage = workflow.stage(*fired);
            matches!(
                stage.map(|stage| &stage.event),
                Some(Event::Elapsed {
                    when: Elapsed::After { .. },
                    within: Some(_)
                })
            )
        };
        self.flow.fired.retain(|fired| !of_this_stay(fired));
        self.flow.stage = number;
        self.flow.stage_began_at = self.now;
        self.case
            .carry_out(Effect::Entered(number, StageRef(stage)));
        true
    }

    fn go_through(&mut self, number: StageNumber, stage: &Stage, from: usize) -> Lead {
        for (index, action) in stage.actions.iter().enumerate().skip(from) {
            if !self.step() {
                return Lead::Stands;
            }
            let at = (number, u8::try_from(index).unwrap_or(u8::MAX));
            match self.act(at, action) {
                Lead::On => {}
                lead @ (Lead::To(_) | Lead::Stands) => return lead,
            }
        }
        Lead::On
    }

    fn act(&mut self, at: (StageNumber, u8), action: &Action) -> Lead {
        match action {
            Action::Wait {
                until,
                for_ms,
                because,
            } => return self.wait(at.1, (*until, *for_ms), because.as_deref()),
            Action::SetPriority { to } => self.case.carry_out(Effect::SetPriority(*to)),
            Action::RaisePriority { by } => {
                let raised = self.case.priority().value().saturating_add(*by).min(9);
                let raised = Priority::new(raised).unwrap_or(Priority::DEFAULT);
                self.case.carry_out(Effect::SetPriority(raised));
            }
            Action::SetContactData { key, value } => {
                self.case.carry_out(Effect::SetContactData { key, value });
            }
            Action::CheckOpeningHours { .. }
            | Action::CheckAvailability { .. }
            | Action::Check { .. } => return Lead::from(self.check(action)),
            Action::Queue(_) => return self.queue(at.1, None),
            Action::QueueToAgent {
                agent, required, ..
            } => {
                let required = *required;
                return self.queue(at.1, Some(PreferredBy { agent, required }));
            }
            Action::ForceQueue => return self.force_in(),
            Action::RelaxSkills => self.case.carry_out(Effect::RelaxSkills),
            Action::Transfer {
                service,
                ok,
                failed,
            } => return self.transfer(service, (*ok, *failed)),
            Action::Alert { to, text } => {
                let stage = at.0;
                self.flow.open_alerts += u32::from(self.case.alerts());
                self.case.carry_out(Effect::Alert { to, text, stage });
            }
            Action::Button { name, label, to } => self.show_button(at.0, (name, label), to),
            Action::Notify { name } => self.case.carry_out(Effect::Notify { name }),
            Action::StartWorkflow { name } => self.start(name),
            Action::Cancel { reason } => {
                let reason = reason.as_deref();
                self.case.carry_out(Effect::Cancel { reason });
                self.finish();
                return Lead::Stands;
            }
            Action::Goto(stage) => return Lead::To(*stage),
            Action::Finish => {
                self.finish();
                return Lead::Stands;
            }
        }
        Lead::On
    }

    /// Which exit the world chooses.
    fn check(&mut self, action: &Action) -> Exit {
        match action {
            Action::CheckOpeningHours {
                service,
                open,
                closed,
            } => match self.case.opening(service.as_deref()) {
                Opening::Open => *open,
                Opening::Closed(_) => *closed,
            },
            Action::CheckAvailability {
                service,
                available,
                busy,
                nobody_signed_in,
            } => match self.case.availability(service.as_deref()) {
                Availability::Available => *available,
                Availability::Busy => *busy,
                Availability::NobodySignedIn => *nobody_signed_in,
            },
            Action::Check {
                when,
                then,
                otherwise,
            } => match self.holds(when.as_ref()) {
                true => *then,
                false => *otherwise,
            },
            Action::Wait { .. }
            | Action::SetPriority { .. }
            | Action::RaisePriority { .. }
            | Action::SetContactData { .. }
            | Action::Queue(_)
            | Action::QueueToAgent { .. }
            | Action::ForceQueue
            | Action::RelaxSkills
            | Action::Transfer { .. }
            | Action::Alert { .. }
            | Action::Button { .. }
            | Action::Notify { .. }
            | Action::StartWorkflow { .. }
            | Action::Cancel { .. }
            | Action::Goto(_)
            | Action::Finish => None,
        }
    }

    fn wait(
        &mut self,
        action: u8,
        (until, for_ms): (Option<Until>, Option<i64>),
        because: Option<&str>,
    ) -> Lead {
        let limit = for_ms.map(|ms| self.now.plus_ms(ms));
        let comes = match until {
            None => None,
            Some(Until::Event(Awaited::Acknowledged)) if self.flow.open_alerts == 0 => {
                self.flow.woken = Some(Woken::Event(Awaited::Acknowledged));
                return Lead::On;
            }
            Some(Until::Event(_)) => None,
            Some(Until::LocalTime { minute }) => Some(self.case.next_local(minute)),
            Some(Until::Due) => Some(self.case.due_by().unwrap_or(self.now)),
            Some(Until::Opening) => match self.case.opening(None) {
                Opening::Open => Some(self.now),
                Opening::Closed(until) => until,
            },
            Some(Until::At(at)) => Some(at),
        };
        let until = limit.into_iter().chain(comes).min().unwrap_or(self.now);
        if until <= self.now {
            self.flow.woken = Some(Woken::Time);
            return Lead::On;
        }
        self.case.carry_out(Effect::Waits { until, because });
        self.stand(Rest::Waiting { action, until });
        Lead::Stands
    }

    fn holds(&mut self, condition: &dyn Condition) -> bool {
        let flow = &self.flow;
        let wanted = condition.reads();
        let facts = self.case.facts(wanted, flow.open_alerts, flow.woken);
        match condition.holds(&facts) {
            Ok(holds) => holds,
            Err(why) => {
                let (when, why) = (condition.source(), why.as_str());
                self.case.carry_out(Effect::ConditionFailed { when, why });
                false
            }
        }
    }

    fn queue(&mut self, action: u8, agent: Option<PreferredBy<'_>>) -> Lead {
        if self.case.standing() == Standing::Ended {
            // Nobody can get it any more.
            self.finish();
            return Lead::Stands;
        }
        self.case.carry_out(Effect::Queue { agent });
        self.left_queue = false;
        let (waited_ms, since) = (0, None);
        self.stand(Rest::Queued {
            action,
            waited_ms,
            since,
        });
        Lead::Stands
    }

    fn force_in(&mut self) -> Lead {
        match self.case.standing() {
            Standing::Ended => {
                self.finish();
                return Lead::Stands;
            }
            Standing::InWorkflow | Standing::Buffered => {
                self.case.carry_out(Effect::ForceIn);
                self.left_queue = false;
            }
            // Where it was to come.
            Standing::Queued => self.left_queue = false,
            Standing::InHands => {}
        }
        Lead::On
    }

    fn transfer(&mut self, service: &str, (ok, failed): (Exit, Exit)) -> Lead {
        let movable = match self.case.standing() {
            Standing::InWorkflow | Standing::Buffered | Standing::Queued => true,
            Standing::InHands | Standing::Ended => false,
        };
        if movable && self.case.transfer(service) {
            self.left_queue = false;
            Lead::from(ok)
        } else {
            Lead::from(failed)
        }
    }

    fn show_button(
        &mut self,
        stage: StageNumber,
        (name, label): (&str, &str),
        to: &crate::domain::workflow::Audience,
    ) {
        // Shown once, however often its stage comes by.
        if self.flow.buttons.iter().any(|shown| shown == name) {
            return;
        }
        self.flow.buttons.push(name.to_owned());
        self.case.carry_out(Effect::Button {
            name,
            label,
            to,
            stage,
        });
    }

    fn start(&mut self, workflow: &str) {
        if self.flow.started < STARTS_MAX {
            self.flow.started += 1;
            self.case.carry_out(Effect::Start { workflow });
        } else {
            self.case.carry_out(Effect::TooManyStarts { workflow });
        }
    }

    /// Stands still there.
    fn stand(&mut self, rest: Rest) {
        self.flow.rest = rest;
        if !matches!(rest, Rest::Queued { .. }) {
            self.take_out();
        }
        self.read_queue_clock();
    }

    /// The item leaves the queue that its workflow has left.
    fn take_out(&mut self) {
        let waits = matches!(self.case.standing(), Standing::Buffered | Standing::Queued);
        if std::mem::take(&mut self.left_queue) && waits {
            self.case.carry_out(Effect::LeaveQueue);
        }
    }

    /// Counts one step. Too many in a day: it is stopped.
    fn step(&mut self) -> bool {
        if self.over || matches!(self.flow.rest, Rest::Stopped(_)) {
            return false;
        }
        if self.flow.steps.take(self.now) {
            return true;
        }
        self.withdraw_buttons();
        self.flow.rest = Rest::Stopped(Stop::TooManySteps);
        self.flow.open_alerts += 1;
        self.case.carry_out(Effect::Stopped(Stop::TooManySteps));
        false
    }

    /// The workflow is over.
    pub(super) fn finish(&mut self) {
        self.withdraw_buttons();
        if self.took_exit {
            self.take_out();
        }
        self.case.carry_out(Effect::Finish);
        self.over = true;
    }

    fn withdraw_buttons(&mut self) {
        if !self.flow.buttons.is_empty() {
            self.flow.buttons.clear();
            self.case.carry_out(Effect::WithdrawButtons);
        }
    }

    /// Only time in the queue itself counts for its maximum wait.
    pub(super) fn read_queue_clock(&mut self) {
        let queued = self.case.standing() == Standing::Queued;
        let now = self.now;
        if let Rest::Queued {
            waited_ms, since, ..
        } = &mut self.flow.rest
        {
            match (*since, queued) {
                (None, true) => *since = Some(now),
                (Some(from), false) => {
                    *waited_ms += now.since_ms(from).max(0);
                    *since = None;
                }
                (None, false) | (Some(_), true) => {}
            }
        }
    }

    /// Says when it is next due.
    pub(super) fn settle(&mut self) {
        self.read_queue_clock();
        let next = next(self.workflow, &self.flow, self.case.due_by());
        self.flow.due = next.map(|(at, _)| at);
    }
}
