//! `status`, `services`, `queue`, `item`: looking, over the control socket.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::Value;

use super::control::{Control, segment};
use super::exit::{Exit, Failure};
use super::output::{Column, Output, duration, text};
use super::{Global, act};

/// Show what waits, in the order in which it will be offered
#[derive(Debug, Args)]
pub struct Queue {
    /// Only this service
    service: Option<String>,
}

/// Show one item, or end it
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ItemCommand {
    #[command(subcommand)]
    verb: Option<ItemVerb>,
    #[command(flatten)]
    look: ItemLook,
}

#[derive(Debug, Subcommand)]
enum ItemVerb {
    /// End an item; its outcome is cancelledBySupervisor
    Abort {
        /// Id of the item
        id: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

#[derive(Debug, Args)]
struct ItemLook {
    /// Id of the item
    #[arg(required = true)]
    id: Option<String>,
    /// Its whole life
    #[arg(long, conflicts_with = "message")]
    trace: bool,
    /// The message that made it
    #[arg(long)]
    message: bool,
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

const QUEUE: [Column; 7] = [
    Column::number("POSITION", |line| text(line, "/position")),
    Column::text("SERVICE", |line| text(line, "/service")),
    Column::text("STATE", |line| text(line, "/state")),
    Column::number("PRIORITY", |line| text(line, "/priority")),
    Column::text("REFERENCE", |line| text(line, "/reference")),
    Column::text("RECEIVED", |line| here(line, "/receivedAt")),
    Column::text("ID", |line| text(line, "/id")),
];

const TRACE: [Column; 4] = [
    Column::text("TIME", |line| here(line, "/at")),
    Column::text("EVENT", |line| text(line, "/event")),
    Column::text("BY", |line| text(line, "/actor")),
    Column::text("DATA", |line| pairs(line.get("data"))),
];

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

impl ItemCommand {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        if let Some(ItemVerb::Abort { id, reason }) = self.verb {
            return act::abort(global, output, &id, reason.as_deref());
        }
        let ItemLook { id, trace, message } = self.look;
        let id = id.unwrap_or_default();
        let path = format!("/api/v1/items/{}", segment(&id));
        let control = Control::new(global)?;
        if trace {
            let answer = control.get(&format!("{path}/trace"))?;
            let journal = answer.get("journal").cloned().unwrap_or_default();
            output.list(&lines(journal), &TRACE, "Its trace is gone.")?;
        } else if message {
            let bytes = control.get_bytes(&format!("{path}/message"))?;
            output.raw(&bytes)?;
            if !bytes.ends_with(b"\n") {
                output.line("")?;
            }
        } else {
            print_object(output, &control.get(&path)?)?;
        }
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
fn print_object(output: Output, value: &Value) -> Result<(), Failure> {
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

fn age(value: &Value, pointer: &str) -> String {
    let ms = value.pointer(pointer).and_then(Value::as_u64);
    ms.map(duration).unwrap_or_default()
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

fn pairs(value: Option<&Value>) -> String {
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
    fn what_is_no_instant_is_shown_as_it_is() {
        assert_eq!(here(&json!({"at": "soon"}), "/at"), "soon");
        assert_eq!(here(&json!({}), "/at"), "");
    }
}
