//! What an agent is doing, who is selectable, and why items wait, as tables.

use anteroom::domain::agent::{
    Block, Duty, Factors, Presence, SelectableBy, Selection, Unit, selectable, state,
};
use anteroom::domain::answer::WaitingReason;
use anteroom::domain::ids::{Sequence, ServiceId};
use anteroom::domain::time::Timestamp;

use super::{code, row, table};

const NOW: Timestamp = Timestamp(1_000);
const LATER: Timestamp = Timestamp(2_000);
const SERVICE: ServiceId = ServiceId(1);

fn works() -> [(&'static str, Option<Unit>); 4] {
    let wrap_up = Unit::WrapUp {
        until: LATER,
        extended: false,
    };
    [
        ("an offer rings", Some(Unit::Ringing)),
        ("an item in hand", Some(Unit::Connected)),
        ("wraps up", Some(wrap_up)),
        ("nothing in hand", None),
    ]
}

fn blocks() -> [(&'static str, Option<Block>); 3] {
    let reason = "break".to_owned();
    [
        ("said not available", Some(Block::NotAvailable { reason })),
        (
            "left an offer unanswered",
            Some(Block::NoAnswer { until: None }),
        ),
        ("not blocked", None),
    ]
}

/// Active somewhere or on duty, or neither.
fn duties() -> [(&'static str, Factors); 3] {
    let active = Factors {
        active: [SERVICE].into(),
        ..Factors::default()
    };
    let on_duty = Factors {
        duty: Duty::On { profile: None },
        ..Factors::default()
    };
    [
        ("active in a service", active),
        ("on duty", on_duty),
        ("neither", Factors::default()),
    ]
}

/// The states of an agent with this work and block, by presence.
fn by_presence(factors: &Factors) -> Vec<&'static str> {
    let of = |presence| {
        let factors = Factors {
            presence,
            ..factors.clone()
        };
        state(&factors, NOW).name()
    };
    Presence::ALL.into_iter().map(of).collect()
}

/// Every combination of the layers; those below a layer that decides are left out, after making
/// sure that they change nothing.
pub fn states() -> String {
    let mut rows: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for (work, unit) in works() {
        for (blocking, block) in blocks() {
            for (duty, base) in duties() {
                let factors = Factors {
                    units: unit.map(|unit| (Sequence(1), unit)).into_iter().collect(),
                    block: block.clone(),
                    ..base
                };
                rows.push((vec![work, blocking, duty], by_presence(&factors)));
            }
        }
    }
    let decided = |layers: &[&str]| {
        let mut same = rows.iter().filter(|(names, _)| names.starts_with(layers));
        let first = &same.next().expect("there is one").1;
        same.all(|(_, states)| states == first)
    };
    let mut shown: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for (names, states) in &rows {
        let depth = (1..=names.len()).find(|depth| decided(&names[..*depth]));
        let layers = names[..depth.unwrap_or(names.len())].to_vec();
        if shown.last().is_none_or(|(last, _)| *last != layers) {
            shown.push((layers, states.clone()));
        }
    }
    let presences: Vec<String> = Presence::ALL.iter().map(|it| code(it.name())).collect();
    let mut heads = vec!["what holds"];
    heads.extend(presences.iter().map(String::as_str));
    table(
        &heads,
        shown.into_iter().map(|(layers, states)| {
            let states: Vec<String> = states.into_iter().map(code).collect();
            let layers = layers.join(", ");
            let mut cells = vec![layers.as_str()];
            cells.extend(states.iter().map(String::as_str));
            row(&cells)
        }),
    )
}

/// One thing wrong at a time, and what both kinds of services say to it.
pub fn selectable_table() -> String {
    let ready = Factors {
        presence: Presence::Online,
        duty: Duty::On { profile: None },
        active: [SERVICE].into(),
        ..Factors::default()
    };
    let with = |change: &dyn Fn(&mut Factors)| {
        let mut factors = ready.clone();
        change(&mut factors);
        factors
    };
    let blocked = |index: usize| with(&|it| it.block = blocks()[index].1.clone());
    let cases = [
        ("online, active, on duty, a unit free", ready.clone()),
        (
            "presence `offline`",
            with(&|it| it.presence = Presence::Offline),
        ),
        ("said not available", blocked(0)),
        ("left an offer unanswered", blocked(1)),
        ("presence `busy`", with(&|it| it.presence = Presence::Busy)),
        ("presence `away`", with(&|it| it.presence = Presence::Away)),
        ("not active in the service", with(&|it| it.active.clear())),
        ("off duty", with(&|it| it.duty = Duty::Off)),
        (
            "all units taken",
            with(&|it| it.units = vec![(Sequence(1), Unit::Connected)]),
        ),
    ];
    let said = |factors: &Factors, selectable_by| {
        let selection = Selection {
            selectable_by,
            ..Selection::default()
        };
        match selectable(factors, SERVICE, &selection, NOW) {
            Ok(()) => "selectable".to_owned(),
            Err(why) => code(why.name()),
        }
    };
    table(
        &[
            "what holds",
            "`selectable_by = \"active\"`",
            "`selectable_by = \"duty\"`",
        ],
        cases.iter().map(|(what, factors)| {
            let by_active = said(factors, SelectableBy::Active);
            let by_duty = said(factors, SelectableBy::Duty);
            row(&[what, &by_active, &by_duty])
        }),
    )
}

/// Every reason, with what a supervisor can do.
pub fn waiting_reasons() -> String {
    table(
        &["`why`", "meaning", "what helps"],
        WaitingReason::ALL.into_iter().map(|reason| {
            let (meaning, helps) = explained(reason);
            row(&[&code(reason.name()), meaning, helps])
        }),
    )
}

fn explained(reason: WaitingReason) -> (&'static str, &'static str) {
    match reason {
        WaitingReason::Scheduled => ("its `notBefore` is ahead", "time"),
        WaitingReason::InWorkflow => ("the service's workflow runs", "the workflow"),
        WaitingReason::QueueFull => (
            "the entrance is closed because the queue is full",
            "the queue falling to 80 % of `queue_items_max`",
        ),
        WaitingReason::EntranceHeld => (
            "the entrance is closed because the service is retired",
            "transferring or aborting it",
        ),
        WaitingReason::EntranceClosed => (
            "the entrance is closed by its hours or by hand",
            "its `opensAt`, or opening it",
        ),
        WaitingReason::Releasing => ("older items are still being let in", "a moment"),
        WaitingReason::NoAgentWithSkills => (
            "nobody in its services has the skills that its level asks for",
            "the next level, another skill or profile, a transfer",
        ),
        WaitingReason::NoAgentSignedIn => (
            "those who could have it are offline, or not active or on duty for it",
            "one of them signing in",
        ),
        WaitingReason::AgentsBusy => (
            "those who could have it have no unit free, are not available, left an offer \
             unanswered, declined it, or (`pickup`) have not taken it",
            "an end, *ready*, more agents",
        ),
        WaitingReason::PreferredAgentOnly => (
            "it waits for the agents it prefers, or requires",
            "the end of `preferred_wait`; when required, reassigning it",
        ),
        WaitingReason::ServiceRetired => (
            "queued, but its service is no longer in the configuration",
            "transferring or aborting it",
        ),
    }
}
