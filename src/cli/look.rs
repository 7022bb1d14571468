//! `status`, `services`, `queue`, `agents`: looking, over the control socket.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::Global;
use super::control::{Control, segment};
use super::exit::{Exit, Failure};
use super::output::{Column, Output, duration, text};

/// Show what waits, in the order in which it will be offered
#[derive(Debug, Args)]
pub struct Queue {
    /// Only this service
    service: Option<String>,
}

/// Items asked for at a time.
const QUEUE_PAGE: usize = 10_000;
/// Items shown, at most.
const QUEUE_ITEMS_MAX: usize = 1_000_000;

const SERVICES: [Column; 6] = [
    Column::text("SERVICE", |line| text(line, "/name")),
    Column::text("TITLE", |line| text(line, "/title")),
    Column::text("ENTRANCE", |line| {
        entrance_in_words(line.get("entrance").unwrap_or(&Value::Null))
    }),
    Column::number("QUEUED", |line| text(line, "/queued")),
    Column::number("BUFFERED", |line| text(line, "/buffered")),
    Column::number("OLDEST", |line| age(line, "/oldestAgeMs")),
];

const QUEUE: [Column; 9] = [
    Column::number("POSITION", |line| text(line, "/position")),
    Column::text("SERVICE", |line| text(line, "/service")),
    Column::text("STATE", |line| text(line, "/state")),
    Column::number("PRIORITY", |line| text(line, "/priority")),
    Column::text("REFERENCE", |line| text(line, "/reference")),
    Column::text("RECEIVED", |line| here(line, "/receivedAt")),
    Column::text("WHY", why),
    Column::text("STAGE", stage),
    Column::text("ID", |line| text(line, "/id")),
];

const AGENTS: [Column; 7] = [
    Column::text("AGENT", |line| text(line, "/name")),
    Column::text("STATE", |line| text(line, "/state")),
    Column::text("SINCE", |line| here(line, "/since")),
    Column::number("UNITS", |line| {
        let (taken, all) = (text(line, "/unitsTaken"), text(line, "/capacity"));
        format!("{taken}/{all}")
    }),
    Column::text("DUTY", |line| text(line, "/duty")),
    Column::text("ACTIVE", |line| switched_on(line.get("active"))),
    Column::text("REASON", |line| text(line, "/notAvailableReason")),
];

/// Where an item stands in its workflow, if one leads it.
fn stage(line: &Value) -> String {
    let part = |name: &str| text(line, &format!("/workflow/{name}"));
    match line.get("workflow") {
        Some(_) => format!("{} {}/{}", part("name"), part("stage"), part("stages")),
        None => String::new(),
    }
}

/// Shows how the daemon stands.
pub(super) fn status(global: &Global, output: Output) -> Result<Exit, Failure> {
    let answer = Control::new(global)?.get("/api/v1/status")?;
    print_object(output, &answer)?;
    Ok(Exit::Ok)
}

/// Shows the services with their entrances.
pub(super) fn services(global: &Global, output: Output) -> Result<Exit, Failure> {
    let answer = Control::new(global)?.get("/api/v1/services")?;
    output.list(&lines(answer), &SERVICES, "There are no services.")?;
    Ok(Exit::Ok)
}

/// Shows the agents and what they are doing.
pub(super) fn agents(global: &Global, output: Output) -> Result<Exit, Failure> {
    let answer = Control::new(global)?.get("/api/v1/agents")?;
    output.list(&lines(answer), &AGENTS, "There are no agents.")?;
    Ok(Exit::Ok)
}

impl Queue {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let mut path = format!("/api/v1/queue?limit={QUEUE_PAGE}");
        if let Some(service) = &self.service {
            path.push_str(&format!("&service={}", segment(service)));
        }
        let control = Control::new(global)?;
        let mut waiting = lines(control.get(&path)?);
        let mut page = waiting.len();
        while page == QUEUE_PAGE && waiting.len() < QUEUE_ITEMS_MAX {
            let last = waiting.last().map(|line| text(line, "/place"));
            let after = segment(&last.unwrap_or_default());
            let next = lines(control.get(&format!("{path}&after={after}"))?);
            page = next.len();
            waiting.extend(next);
        }
        output.list(&waiting, &QUEUE, "Nothing waits.")?;
        Ok(Exit::Ok)
    }
}

/// The elements of an answer that is a list.
pub(super) fn lines(answer: Value) -> Vec<Value> {
    match answer {
        Value::Array(lines) => lines,
        Value::Null => Vec::new(),
        other => vec![other],
    }
}

/// An object's fields one below the other, names as in the JSON.
pub(super) fn print_object(output: Output, value: &Value) -> Result<(), Failure> {
    let Value::Object(fields) = value else {
        return output.json(value);
    };
    if output.json {
        return output.json(value);
    }
    let mut table = super::output::plain_table();
    for (name, value) in fields {
        let shown = match value {
            Value::Null => continue,
            Value::Object(_) => pairs(Some(value)),
            Value::Array(_) => list(value),
            _ => here(value, ""),
        };
        if !shown.is_empty() {
            table.add_row([name.as_str(), shown.as_str()]);
        }
    }
    output.line(&super::output::rendered(&mut table))
}

/// An entrance in words: `open`, `closed (hours, byHand), opens 2026-11-21 08:00`.
pub(super) fn entrance_in_words(entrance: &Value) -> String {
    let mut words = text(entrance, "/state");
    let reasons = text(entrance, "/reasons");
    if !reasons.is_empty() {
        words.push_str(&format!(" ({reasons})"));
    }
    for (pointer, verb) in [
        ("/opensAt", "opens"),
        ("/closesAt", "closes"),
        ("/forcedUntil", "forced until"),
    ] {
        let at = here(entrance, pointer);
        if !at.is_empty() {
            words.push_str(&format!(", {verb} {at}"));
        }
    }
    words
}

/// An instant as the clock on this machine's wall shows it; anything else as it is.
pub(super) fn here(value: &Value, pointer: &str) -> String {
    let written = text(value, pointer);
    match written.parse::<Timestamp>() {
        Ok(at) => {
            let local = at.to_zoned(jiff::tz::TimeZone::system());
            local.strftime("%Y-%m-%d %H:%M:%S").to_string()
        }
        Err(_) => written,
    }
}

pub(super) fn age(value: &Value, pointer: &str) -> String {
    let ms = value.pointer(pointer).and_then(Value::as_u64);
    ms.map(duration).unwrap_or_default()
}

/// Why an item waits, and whether it does so in vain.
fn why(line: &Value) -> String {
    let why = text(line, "/why");
    match line.get("unroutable").and_then(Value::as_bool) {
        Some(true) => format!("{why}, unroutable"),
        Some(false) | None => why,
    }
}

/// The names that are on.
fn switched_on(switches: Option<&Value>) -> String {
    let Some(Value::Object(switches)) = switches else {
        return String::new();
    };
    let on = switches.iter().filter(|(_, on)| on.as_bool() == Some(true));
    let on: Vec<&str> = on.map(|(name, _)| name.as_str()).collect();
    on.join(", ")
}

/// A list in a line: words, or objects by their pairs.
fn list(value: &Value) -> String {
    let Value::Array(values) = value else {
        return String::new();
    };
    let words = values.iter().map(|value| match value {
        Value::Object(_) => pairs(Some(value)),
        _ => text(value, ""),
    });
    words.collect::<Vec<_>>().join(", ")
}

pub(super) fn pairs(value: Option<&Value>) -> String {
    let Some(Value::Object(fields)) = value else {
        return String::new();
    };
    let pairs = fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{name}={}", text(value, "")));
    pairs.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entrance_says_why_it_is_closed() {
        let closed = json!({"state": "closed", "reasons": ["byHand"], "opensAt": null});
        assert_eq!(entrance_in_words(&closed), "closed (byHand)");
        let open = json!({"state": "open", "reasons": []});
        assert_eq!(entrance_in_words(&open), "open");
    }

    #[test]
    fn an_item_that_waits_in_vain_says_so() {
        let line = json!({"why": "noAgentWithSkills", "unroutable": true});
        assert_eq!(why(&line), "noAgentWithSkills, unroutable");
        let line = json!({"why": "agentsBusy", "unroutable": false});
        assert_eq!(why(&line), "agentsBusy");
        assert_eq!(why(&json!({"why": null})), "");
    }

    #[test]
    fn only_what_is_on_is_named() {
        let switches = json!({"cards": false, "claims": true, "loans": true});
        assert_eq!(switched_on(Some(&switches)), "claims, loans");
        assert_eq!(switched_on(None), "");
    }

    #[test]
    fn what_is_no_instant_is_shown_as_it_is() {
        assert_eq!(here(&json!({"at": "soon"}), "/at"), "soon");
        assert_eq!(here(&json!({}), "/at"), "");
    }
}
