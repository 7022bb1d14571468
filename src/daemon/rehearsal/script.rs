//! The script of a rehearsal: what people and systems do, and when. One line a step.

use crate::domain::content::ContactDatum;
use crate::domain::ids::Priority;
use crate::domain::people::{Skills, UserName};
use crate::domain::time::Timestamp;
use crate::wire::time::parse_instant;

use super::words::{Words, duration_of, minute_of};

/// Bytes of a script.
pub const SCRIPT_BYTES_MAX: usize = 256 * 1024;
/// Steps of a script.
pub const STEPS_MAX: usize = 1_000;
/// When a script begins that does not say it: 2026-11-20T09:00:00Z, a Friday.
pub const START_DEFAULT: Timestamp = Timestamp(1_795_165_200_000);

/// What is understood, as it is shown to whoever wrote something else.
pub const VERBS: &str = "\
first lines:  start 2026-11-20T09:00:00Z | zone Europe/Stockholm | hours SERVICE Mo-Fr 08:00-17:00
time before:  +10m ... | 17:30 ... | 2026-11-20T17:30:00Z ...
the sender:   send | update priority 7 | update title TEXT | update dueBy +2h | data KEY=VALUE | cancel [REASON]
agents:       agent NAME online [skills A:3,B] [services A,B] | agent NAME offline | agent NAME lost
              NAME accepts | declines | ends RESULT [note TEXT] | requeues | parks 2h | resumes | ready
              NAME transfers SERVICE
supervisors:  push BUTTON | acknowledge [TEXT] | close SERVICE | open SERVICE | abort [REASON]
the clock:    wait 2h | until end | until STATE | restart";

/// A line of a script that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptFault {
    /// From 1.
    pub line: u32,
    /// What to change.
    pub message: String,
}

/// A script that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// When it begins.
    pub start: Timestamp,
    /// The zone of the clocks; `None`: that of the policy, or UTC.
    pub zone: Option<(u32, String)>,
    /// Opening hours of services: line, service, expression.
    pub hours: Vec<(u32, String, String)>,
    /// In order; at most [`STEPS_MAX`].
    pub steps: Vec<Step>,
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// From 1.
    pub line: u32,
    /// As it was written, without its time and comment.
    pub text: String,
    /// When it happens.
    pub when: When,
    /// What; `None`: the time alone.
    pub verb: Option<Verb>,
}

/// When a step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once after the step before it.
    Now,
    /// So many milliseconds after the step before it.
    After(i64),
    /// Then.
    At(Timestamp),
    /// As soon as the clock shows so many minutes after midnight.
    Clock(u16),
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// The sender sends the message. A script without it begins so.
    Send,
    /// The sender changes the item.
    Update(Change),
    /// The sender takes the item back.
    Cancel(Option<String>),
    /// An agent signs in or out, or is gone without a word.
    Agent(UserName, Attendance),
    /// An agent does something.
    Acts(UserName, Deed),
    /// Somebody pushes the button of that name.
    Push(String),
    /// Somebody takes note of the oldest alert, or of the oldest that says that.
    Acknowledge(Option<String>),
    /// A supervisor closes or opens an entrance.
    Entrance {
        /// Which service.
        service: String,
        /// Whether it opens.
        opens: bool,
    },
    /// A supervisor ends the item.
    Abort(Option<String>),
    /// The process dies, and another starts from what was stored.
    Restart,
    /// Time passes, in milliseconds.
    Wait(i64),
    /// Time passes until something holds.
    Until(Aim),
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Every item has ended and every workflow is over, or nothing more happens by itself.
    End,
    /// The item is in the state of that word.
    State(crate::domain::item::ItemState),
}

/// What a sender changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The priority.
    Priority(Priority),
    /// The title.
    Title(String),
    /// The due date: milliseconds from now, or an instant.
    DueBy(When),
    /// One key of the contact data.
    Datum(ContactDatum),
}

/// How an agent comes and goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Attendance {
    /// Signs in and is there.
    Online {
        /// What the agent can do; `None`: as before.
        skills: Option<Skills>,
        /// Where the agent works; `None`: as before, at first everywhere.
        services: Option<Vec<String>>,
    },
    /// Signs out.
    Offline,
    /// The connection is gone.
    Lost,
}

/// What an agent does with what rings or is in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Takes what rings.
    Accepts,
    /// Leaves what rings to others.
    Declines,
    /// Ends what is in hand.
    Ends {
        /// One of the task type's set.
        result: String,
        /// In the agent's own words.
        note: Option<String>,
    },
    /// Puts it back into its queue.
    Requeues,
    /// Puts it aside for so long; `None`: as long as the tenant says.
    Parks(Option<i64>),
    /// Goes on with it.
    Resumes,
    /// Hands it on to a service.
    Transfers(String),
    /// Is ready again after an offer that nobody answered.
    Ready,
}

/// Reads a script.
///
/// # Errors
/// The first line that cannot be understood.
pub fn read(text: &str) -> Result<Script, ScriptFault> {
    let mut script = Script {
        start: START_DEFAULT,
        zone: None,
        hours: Vec::new(),
        steps: Vec::new(),
    };
    if text.len() > SCRIPT_BYTES_MAX {
        let message = format!("a script has at most {SCRIPT_BYTES_MAX} bytes");
        return Err(ScriptFault { line: 1, message });
    }
    for (line, written) in (1..).zip(text.lines()) {
        let fault = |message: String| ScriptFault { line, message };
        let meant = written.split('#').next().unwrap_or_default().trim();
        if meant.is_empty() {
            continue;
        }
        let (when, rest) = timed(meant);
        if when == When::Now && head(&mut script, line, rest).map_err(fault)? {
            continue;
        }
        if script.steps.len() == STEPS_MAX {
            return Err(fault(format!("a script has at most {STEPS_MAX} steps")));
        }
        let verb = (!rest.is_empty()).then(|| verb(rest)).transpose();
        script.steps.push(Step {
            line,
            text: rest.to_owned(),
            when,
            verb: verb.map_err(fault)?,
        });
    }
    Ok(script)
}

/// The time before a step, and the step.
fn timed(text: &str) -> (When, &str) {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match time(first) {
        Some(when) => (when, rest.trim()),
        None => (When::Now, text),
    }
}

/// `+10m`, `17:30` or an instant.
fn time(text: &str) -> Option<When> {
    let after = text.strip_prefix('+').and_then(duration_of);
    let after = after.map(When::After);
    after
        .or_else(|| minute_of(text).map(When::Clock))
        .or_else(|| parse_instant(text).map(When::At))
}

/// Reads a line that stands before all steps. Returns whether it is one.
fn head(script: &mut Script, line: u32, text: &str) -> Result<bool, String> {
    let mut words = Words::of(text);
    let word = words.next().unwrap_or_default();
    if !["start", "zone", "hours"].contains(&word) {
        return Ok(false);
    }
    if !script.steps.is_empty() {
        return Err(format!("`{word}` stands before all steps"));
    }
    match word {
        "start" => {
            let instant = words.needed("a time such as 2026-11-20T09:00:00Z")?;
            script.start = parse_instant(instant)
                .ok_or_else(|| format!("`{instant}` is no time such as 2026-11-20T09:00:00Z"))?;
            words.end()?;
        }
        "zone" => {
            let zone = words.needed("a zone such as Europe/Stockholm")?;
            script.zone = Some((line, zone.to_owned()));
            words.end()?;
        }
        _ => {
            let service = words.needed("a service")?.to_owned();
            let hours = words.needed_rest("opening hours such as Mo-Fr 08:00-17:00")?;
            script.hours.push((line, service, hours));
        }
    }
    Ok(true)
}

fn verb(text: &str) -> Result<Verb, String> {
    let mut words = Words::of(text);
    let first = words.next().unwrap_or_default();
    let verb = match first {
        "send" => Verb::Send,
        "update" => Verb::Update(change(&mut words)?),
        "data" => Verb::Update(Change::Datum(datum(&mut words)?)),
        "cancel" => Verb::Cancel(words.rest()),
        "abort" => Verb::Abort(words.rest()),
        "agent" => attendance(&mut words)?,
        "push" => Verb::Push(words.needed("the name of a button")?.to_owned()),
        "acknowledge" => Verb::Acknowledge(words.rest()),
        "open" | "close" => Verb::Entrance {
            service: words.needed("a service")?.to_owned(),
            opens: first == "open",
        },
        "restart" => Verb::Restart,
        "wait" => Verb::Wait(words.duration()?),
        "until" => Verb::Until(aim(&mut words)?),
        name => deed(name, &mut words)?,
    };
    words.end()?;
    Ok(verb)
}

fn aim(words: &mut Words<'_>) -> Result<Aim, String> {
    use crate::domain::item::ItemState;
    let word = words.needed("`end` or a state")?;
    let state = || {
        let states = ItemState::ALL.map(ItemState::name).join(", ");
        ItemState::parse(word)
            .ok_or_else(|| format!("`{word}` is neither `end` nor a state ({states})"))
    };
    match word {
        "end" => Ok(Aim::End),
        _ => state().map(Aim::State),
    }
}

fn change(words: &mut Words<'_>) -> Result<Change, String> {
    match words.needed("priority, title, dueBy or data")? {
        "priority" => {
            let value = words.needed("a priority from 0 to 9")?;
            let priority = value.parse().ok().and_then(Priority::new);
            let wrong = || format!("`{value}` is no priority from 0 to 9");
            priority.map(Change::Priority).ok_or_else(wrong)
        }
        "title" => {
            let title = words.needed_rest("a title")?;
            match title.chars().count() {
                1..=200 => Ok(Change::Title(title)),
                _ => Err("a title has at most 200 characters".to_owned()),
            }
        }
        "dueBy" => {
            let written = words.needed("a time such as +2h, 17:30 or 2026-11-20T17:30:00Z")?;
            let wrong = || format!("`{written}` is no time such as +2h or 17:30");
            time(written).map(Change::DueBy).ok_or_else(wrong)
        }
        "data" => datum(words).map(Change::Datum),
        other => Err(format!(
            "`{other}` cannot be updated here: priority, title, dueBy and data can"
        )),
    }
}

fn datum(words: &mut Words<'_>) -> Result<ContactDatum, String> {
    let written = words.needed_rest("KEY=VALUE")?;
    let wrong = || format!("`{written}` is not KEY=VALUE");
    let (key, value) = written.split_once('=').ok_or_else(wrong)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !(1..=100).contains(&key.len()) || !key.bytes().all(allowed) || value.chars().count() > 1_024
    {
        return Err(wrong());
    }
    Ok(ContactDatum {
        key: key.to_owned(),
        value: value.to_owned(),
    })
}

fn attendance(words: &mut Words<'_>) -> Result<Verb, String> {
    let name = words.user()?;
    let attendance = match words.needed("online, offline or lost")? {
        "offline" => Attendance::Offline,
        "lost" => Attendance::Lost,
        "online" => {
            let (mut skills, mut services) = (None, None);
            while let Some(word) = words.next() {
                match word {
                    "skills" => skills = Some(words.skills()?),
                    "services" => {
                        let listed = words.needed("services, separated by commas")?;
                        services = Some(listed.split(',').map(str::to_owned).collect());
                    }
                    other => return Err(format!("`{other}` is neither skills nor services")),
                }
            }
            Attendance::Online { skills, services }
        }
        other => {
            return Err(format!(
                "`{other}` is none of online, offline, lost: what agent {name} does"
            ));
        }
    };
    Ok(Verb::Agent(name, attendance))
}

fn deed(name: &str, words: &mut Words<'_>) -> Result<Verb, String> {
    let unknown = || format!("`{name}` begins no step.\n{VERBS}");
    let word = words.next().ok_or_else(unknown)?;
    let deed = match word {
        "accepts" => Deed::Accepts,
        "declines" => Deed::Declines,
        "ends" => {
            let result = words.needed("a result")?.to_owned();
            let note = match words.next() {
                None => None,
                Some("note") => Some(words.needed_rest("a note")?),
                Some(other) => return Err(format!("`{other}` is not `note`")),
            };
            Deed::Ends { result, note }
        }
        "requeues" => Deed::Requeues,
        "parks" => Deed::Parks(words.next().map(parked_for).transpose()?),
        "resumes" => Deed::Resumes,
        "transfers" => Deed::Transfers(words.needed("a service")?.to_owned()),
        "ready" => Deed::Ready,
        _ => return Err(unknown()),
    };
    let name = name.parse().map_err(|_| unknown())?;
    Ok(Verb::Acts(name, deed))
}

fn parked_for(text: &str) -> Result<i64, String> {
    duration_of(text).ok_or_else(|| format!("`{text}` is no time such as 2h or 1h30m"))
}

#[cfg(test)]
mod tests;
