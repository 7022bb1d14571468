//! Events and actions in words, one line each, for tables and pictures.

use crate::domain::workflow::{Action, Audience, Elapsed, Event, Queue, Until, Workflow};
use crate::wire::time::format_instant;

/// What begins a stage: `received`, `goto “work”`, `2 h after stage 2 began`.
pub fn event(event: &Event) -> String {
    match event {
        Event::Received => "received".to_owned(),
        Event::Goto { name } => format!("goto “{name}”"),
        Event::Button { name } => format!("button “{name}”"),
        Event::Elapsed { when, within } => {
            let inside = within.map(|number| format!(" in stage {number}"));
            let inside = inside.unwrap_or_default();
            match (when, within) {
                (Elapsed::After { ms }, Some(number)) => {
                    format!("{} after stage {number} began", duration(*ms))
                }
                (Elapsed::After { ms }, None) => {
                    format!("{} after the beginning", duration(*ms))
                }
                (Elapsed::BeforeDue { ms }, _) => format!("{} before due{inside}", duration(*ms)),
                (Elapsed::AfterDue { ms }, _) => format!("{} after due{inside}", duration(*ms)),
            }
        }
        Event::Updated => "updated by the sender".to_owned(),
        Event::Accepted => "accepted by an agent".to_owned(),
        Event::Ended { result: None } => "ended by an agent".to_owned(),
        Event::Ended {
            result: Some(result),
        } => format!("ended by an agent: {result}"),
        Event::Cancelled => "cancelled".to_owned(),
        Event::Expired => "expired".to_owned(),
        Event::AgentLost => "agent lost".to_owned(),
    }
}

/// What an action does, without where its exits lead.
pub fn action(action: &Action, workflow: &Workflow) -> String {
    let of = |service: &Option<String>| match service {
        Some(service) => format!(" of {service}"),
        None => String::new(),
    };
    match action {
        Action::Wait {
            until,
            for_ms,
            because,
        } => wait(*until, *for_ms, because.as_deref()),
        Action::SetPriority { to } => format!("set priority to {}", to.value()),
        Action::RaisePriority { by } => format!("raise priority by {by}"),
        Action::SetContactData { key, value } => format!("set {key} to “{value}”"),
        Action::CheckOpeningHours { service, .. } => {
            format!("check opening hours{}", of(service))
        }
        Action::CheckAvailability { service, .. } => format!("check availability{}", of(service)),
        Action::Check { when, .. } => format!("check {}", when.source()),
        Action::Queue(queue) => format!("queue{}", at_most(queue)),
        Action::QueueToAgent {
            agent,
            required,
            queue,
        } => {
            let order = if *required { "only" } else { "first" };
            format!("queue to {agent} {order}{}", at_most(queue))
        }
        Action::ForceQueue => "force into the queue".to_owned(),
        Action::RelaxSkills => "relax skills".to_owned(),
        Action::Transfer { service, .. } => format!("transfer to {service}"),
        Action::Alert { to, text } => format!("alert {}: {text}", to.name()),
        Action::Button { name, label, to } => button(name, label, to, workflow),
        Action::Notify { name } => format!("notify “{name}”"),
        Action::StartWorkflow { name } => format!("start workflow {name}"),
        Action::Cancel { reason: None } => "cancel the item".to_owned(),
        Action::Cancel {
            reason: Some(reason),
        } => format!("cancel the item: {reason}"),
        Action::Goto(number) => match workflow.stage(*number) {
            Some(stage) => format!("go to {}", stage.event.title()),
            None => "go".to_owned(),
        },
        Action::Finish => "finish".to_owned(),
    }
}

/// The word of an action in the file.
pub fn action_word(action: &Action) -> &'static str {
    match action {
        Action::Wait { .. } => "wait",
        Action::SetPriority { .. } => "setPriority",
        Action::RaisePriority { .. } => "raisePriority",
        Action::SetContactData { .. } => "setContactData",
        Action::CheckOpeningHours { .. } => "checkOpeningHours",
        Action::CheckAvailability { .. } => "checkAvailability",
        Action::Check { .. } => "check",
        Action::Queue(_) => "queue",
        Action::QueueToAgent { .. } => "queueToAgent",
        Action::ForceQueue => "forceQueue",
        Action::RelaxSkills => "relaxSkills",
        Action::Transfer { .. } => "transfer",
        Action::Alert { .. } => "alert",
        Action::Button { .. } => "button",
        Action::Notify { .. } => "notify",
        Action::StartWorkflow { .. } => "startWorkflow",
        Action::Cancel { .. } => "cancel",
        Action::Goto(_) => "goto",
        Action::Finish => "finish",
    }
}

fn button(name: &str, label: &str, to: &Audience, workflow: &Workflow) -> String {
    let to = to.name();
    let stage = workflow.find(|event| matches!(event, Event::Button { name: it } if it == name));
    match stage {
        Some(number) => format!("button “{label}” for {to} (stage {number})"),
        None => format!("button “{label}” for {to}"),
    }
}

fn at_most(queue: &Queue) -> String {
    match queue.max_wait_ms {
        Some(ms) => format!(", at most {}", duration(ms)),
        None => String::new(),
    }
}

fn wait(until: Option<Until>, for_ms: Option<i64>, because: Option<&str>) -> String {
    let mut text = match (until.map(until_words), for_ms.map(duration)) {
        (None, None) => "wait".to_owned(),
        (None, Some(time)) => format!("wait {time}"),
        (Some(until), None) => format!("wait until {until}"),
        (Some(until), Some(time)) => format!("wait until {until}, at most {time}"),
    };
    if let Some(because) = because {
        text.push_str(": ");
        text.push_str(because);
    }
    text
}

fn until_words(until: Until) -> String {
    match until {
        Until::Event(awaited) => awaited.word().to_owned(),
        Until::LocalTime { minute } => format!("{:02}:{:02}", minute / 60, minute % 60),
        Until::Due => "due".to_owned(),
        Until::Opening => "opening".to_owned(),
        Until::At(instant) => format_instant(instant).as_str().to_owned(),
    }
}

/// A time in all its units but those that are zero: `1 d 4 h`, `30 s`.
pub fn duration(ms: i64) -> String {
    const UNITS: [(i64, &str); 5] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let mut left = ms;
    let mut words = Vec::new();
    for (unit_ms, unit) in UNITS {
        let count = left / unit_ms;
        if count > 0 {
            words.push(format!("{count} {unit}"));
            left -= count * unit_ms;
        }
    }
    match words.is_empty() {
        true => "0 s".to_owned(),
        false => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::{Awaited, StageNumber};

    #[test]
    fn durations_name_every_unit_that_is_not_zero() {
        assert_eq!(duration(0), "0 s");
        assert_eq!(duration(999), "999 ms");
        assert_eq!(duration(1_000), "1 s");
        assert_eq!(duration(86_400_000 + 14_400_000), "1 d 4 h");
        assert_eq!(duration(3_661_000), "1 h 1 min 1 s");
    }

    #[test]
    fn a_wait_says_what_ends_it_and_why_it_is() {
        let until = Some(Until::Event(Awaited::Updated));
        assert_eq!(
            wait(until, Some(30_000), Some("credit check")),
            "wait until updated, at most 30 s: credit check"
        );
        assert_eq!(wait(None, Some(60_000), None), "wait 1 min");
        assert_eq!(
            wait(Some(Until::LocalTime { minute: 485 }), None, None),
            "wait until 08:05"
        );
    }

    #[test]
    fn elapsed_time_says_what_it_is_counted_from() {
        let elapsed = |when, within| event(&Event::Elapsed { when, within });
        let hours = 2 * 3_600_000;
        assert_eq!(
            elapsed(Elapsed::After { ms: hours }, Some(StageNumber(2))),
            "2 h after stage 2 began"
        );
        assert_eq!(
            elapsed(Elapsed::After { ms: hours }, None),
            "2 h after the beginning"
        );
        assert_eq!(
            elapsed(Elapsed::BeforeDue { ms: hours }, Some(StageNumber(3))),
            "2 h before due in stage 3"
        );
        assert_eq!(
            elapsed(Elapsed::AfterDue { ms: hours }, None),
            "2 h after due"
        );
    }
}
