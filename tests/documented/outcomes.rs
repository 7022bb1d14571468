//! Outcomes and results, as tables.

use anteroom::domain::outcome::Outcome;
use anteroom::domain::session::{AgentResult, ServiceResult};

use super::{code, row, table};

const HEADS: [&str; 5] = ["code", "name", "group", "handled", "meaning"];

fn line(number: u16, name: &str, group: &str, handled: bool, meaning: &str) -> String {
    let handled = if handled { "yes" } else { "no" };
    row(&[
        &number.to_string(),
        &code(name),
        &code(group),
        handled,
        meaning,
    ])
}

/// How items end.
pub fn items() -> String {
    table(
        &HEADS,
        Outcome::ALL.into_iter().map(|outcome| {
            line(
                outcome.code(),
                outcome.name(),
                outcome.group(),
                outcome.handled(),
                item_meaning(outcome),
            )
        }),
    )
}

fn item_meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::HandledByUser => "an agent ended it, with a result",
        Outcome::HandledByWorkflow => "a workflow finished it",
        Outcome::CancelledByExternalSystem => "the sender took it back",
        Outcome::CancelledBySupervisor => "a supervisor aborted it",
        Outcome::CancelledByWorkflow => "a workflow cancelled it",
        Outcome::ExpiredInBuffer => {
            "its lifetime was over before it was ever queued: scheduled, in a workflow, buffered"
        }
        Outcome::LostInQueue => "its lifetime was over while it was queued or offered",
    }
}

/// How stays in a service end.
pub fn services() -> String {
    table(
        &HEADS,
        ServiceResult::all().map(|result| {
            line(
                result.code(),
                result.name(),
                result.group(),
                result.handled(),
                service_meaning(result),
            )
        }),
    )
}

fn service_meaning(result: ServiceResult) -> &'static str {
    match result {
        ServiceResult::Ended(_) => "the item ended here: the item's outcome",
        ServiceResult::TransferredByUser => "an agent or a supervisor handed it on",
        ServiceResult::TransferredByWorkflow => "a workflow handed it on",
        ServiceResult::TransferFailed => {
            "its target refused it (buffer full): the item stayed where it was"
        }
    }
}

/// How hand-overs to an agent end.
pub fn agents() -> String {
    table(
        &HEADS,
        AgentResult::ALL.into_iter().map(|result| {
            line(
                u16::from(result.code()),
                result.name(),
                result.group(),
                result.handled(),
                agent_meaning(result),
            )
        }),
    )
}

fn agent_meaning(result: AgentResult) -> &'static str {
    match result {
        AgentResult::Accepted => "the agent has the item (the session has not ended)",
        AgentResult::Declined => "the agent declined the offer",
        AgentResult::NoAnswer => "the agent left the offer unanswered (RONA)",
        AgentResult::Rescinded => {
            "the offer was taken back: cancel, expiry, somebody else was faster, the agent left"
        }
        AgentResult::Requeued => "the agent, or a supervisor, put the item back into the queue",
        AgentResult::Parked => "put aside, and its time came without a resume",
        AgentResult::Transferred => "handed on to another service or agent",
        AgentResult::Cancelled => "the sender or a supervisor ended the item in the agent's hands",
        AgentResult::LoggedOut => "the agent was gone for longer than its items wait for it",
        AgentResult::Ended => "the agent ended the item",
    }
}
