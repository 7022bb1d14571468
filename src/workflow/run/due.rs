//! What a workflow that stands still is next due for.

use crate::domain::flow::{Flow, Rest};
use crate::domain::time::Timestamp;
use crate::domain::workflow::{Action, Elapsed, Event, Queue, StageNumber, Workflow};

/// What time alone makes happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// An `elapsed` stage begins.
    Elapsed(StageNumber),
    /// A wait is over.
    WaitOver,
    /// The maximum wait in a queue is over.
    QueueOver,
}

/// The first of all that is due, with when. Of several at one instant `elapsed` stages go first, in
/// document order: what they change still counts for where the workflow goes.
pub(super) fn next(
    workflow: &Workflow,
    flow: &Flow,
    due_by: Option<Timestamp>,
) -> Option<(Timestamp, Moment)> {
    let at_rest = match flow.rest {
        Rest::Waiting { until, .. } => Some((until, Moment::WaitOver)),
        Rest::Queued {
            action,
            waited_ms,
            since,
        } => {
            let queue = queue_at(workflow, flow.stage, action);
            let queue = queue.filter(|queue| queue.expired.is_some());
            let max_wait_ms = queue.and_then(|queue| queue.max_wait_ms);
            let over = since.zip(max_wait_ms);
            over.map(|(since, max_ms)| (since.plus_ms(max_ms - waited_ms), Moment::QueueOver))
        }
        Rest::Beginning | Rest::Stopped(_) => return None,
    };
    let elapsed = workflow.numbered().filter_map(|(number, stage)| {
        let Event::Elapsed { when, within } = &stage.event else {
            return None;
        };
        if flow.fired.contains(&number) || within.is_some_and(|within| within != flow.stage) {
            return None;
        }
        let at = match when {
            Elapsed::After { ms } if within.is_some() => flow.stage_began_at.plus_ms(*ms),
            Elapsed::After { ms } => flow.began_at.plus_ms(*ms),
            Elapsed::BeforeDue { ms } => due_by?.plus_ms(-ms),
            Elapsed::AfterDue { ms } => due_by?.plus_ms(*ms),
        };
        Some((at, Moment::Elapsed(number)))
    });
    elapsed.chain(at_rest).min()
}

/// The queue at which a workflow stands.
pub(super) fn queue_at(workflow: &Workflow, stage: StageNumber, action: u8) -> Option<&Queue> {
    match action_at(workflow, stage, action)? {
        Action::Queue(queue) | Action::QueueToAgent { queue, .. } => Some(queue),
        _ => None,
    }
}

/// The action at which a workflow stands.
pub(super) fn action_at(workflow: &Workflow, stage: StageNumber, action: u8) -> Option<&Action> {
    workflow.stage(stage)?.actions.get(usize::from(action))
}
