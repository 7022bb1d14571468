//! `notifications`: those that were given up, over the control socket.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value, json};

use super::Global;
use super::control::Control;
use super::exit::{Exit, Failure};
use super::look::{here, lines};
use super::output::{Column, Output, text};

const NOTIFICATIONS: &str = "/api/v1/notifications";
const REPLAY: &str = "/api/v1/notifications/replay";

/// Notifications listed or replayed at a time: as many as the daemon allows.
const PAGE: usize = 1_000;

const PARKED: [Column; 7] = [
    Column::text("ID", |line| text(line, "/id")),
    Column::text("SENDER", |line| text(line, "/sender")),
    Column::text("REFERENCE", |line| text(line, "/reference")),
    Column::text("EVENT", |line| text(line, "/event")),
    Column::text("AT", |line| here(line, "/at")),
    Column::number("FAILED", |line| text(line, "/failed")),
    Column::text("ERROR", |line| text(line, "/error")),
];

/// Show the notifications that were given up, or try them again
#[derive(Debug, Args)]
pub struct Notifications {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Try notifications again that were given up
    Replay {
        /// Ids, as the list shows them
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// All that are given up now
        #[arg(long)]
        all: bool,
    },
}

impl Notifications {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let control = Control::new(global)?;
        match self.verb {
            None => output.list(&parked(&control)?, &PARKED, "None was given up.")?,
            Some(Verb::Replay { ids, all }) => {
                let ids = match all {
                    true => parked(&control)?.iter().map(id).collect(),
                    false => ids,
                };
                replay(&control, &ids)?;
                match output.json {
                    true => output.json(&json!({ "ids": ids }))?,
                    false => output.line(&format!("{}: to be tried again", ids.len()))?,
                }
            }
        }
        Ok(Exit::Ok)
    }
}

/// All there are, page by page.
fn parked(control: &Control) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map(|last| format!("&after={}", id(last)));
        let after = after.unwrap_or_default();
        let path = format!("{NOTIFICATIONS}?limit={PAGE}{after}");
        let page = lines(control.get(&path)?);
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

fn replay(control: &Control, ids: &[String]) -> Result<(), Failure> {
    for page in ids.chunks(PAGE) {
        control.send(Method::POST, REPLAY, &json!({ "ids": page }))?;
    }
    Ok(())
}

fn id(parked: &Value) -> String {
    text(parked, "/id")
}
