//! `follow-ups` and `follow-up`: alerts and buttons of workflows, and workflows that people start,
//! over the control socket.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Map, Value, json};

use super::Global;
use super::control::{Control, segment};
use super::exit::{Exit, Failure};
use super::look::{age, lines};
use super::output::{Column, Output, text};

const FOLLOW_UPS: &str = "/api/v1/follow-ups";
/// Follow-ups asked for at a time: as many as the daemon allows.
const PAGE: usize = 1_000;

const COLUMNS: [Column; 8] = [
    Column::text("ID", |line| text(line, "/id")),
    Column::text("KIND", |line| text(line, "/kind")),
    Column::text("TO", |line| text(line, "/to")),
    Column::text("SERVICE", |line| text(line, "/service")),
    Column::text("WORKFLOW", workflow),
    Column::text("REFERENCE", |line| text(line, "/reference")),
    Column::number("AGE", |line| age(line, "/ageMs")),
    Column::text("TEXT", said),
];

/// Show what workflows ask of people: alerts and buttons, the oldest first
#[derive(Debug, Args)]
pub struct FollowUps {
    /// Those that are closed
    #[arg(long)]
    closed: bool,
}

/// Handle an alert or a button, or start a workflow
#[derive(Debug, Subcommand)]
pub enum FollowUp {
    /// Take note of an alert
    Acknowledge {
        /// Its id, as the list shows it
        id: String,
    },
    /// Push a button
    Push {
        /// Its id, as the list shows it
        id: String,
    },
    /// Start a workflow for a customer, or for nobody
    Start(Start),
}

/// Which workflow, for whom.
#[derive(Debug, Args)]
pub struct Start {
    /// Name of the workflow
    workflow: String,
    /// The service whose entrance its `queue` goes to
    #[arg(long)]
    service: String,
    /// The customer's identifier
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// One line [default: the workflow's name]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[command(flatten)]
    told: Told,
}

/// What a workflow that somebody starts is told.
#[derive(Debug, Args)]
pub(super) struct Told {
    /// Contact data of the follow-up
    #[arg(value_name = "KEY=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Your own id of it: a repeat starts nothing
    #[arg(long)]
    reference: Option<String>,
}

impl Told {
    /// Its fields of a body.
    pub(super) fn body(self) -> Map<String, Value> {
        let parameters: BTreeMap<String, String> = self.parameters.into_iter().collect();
        let mut body = Map::new();
        body.insert("parameters".to_owned(), json!(parameters));
        body.insert("reference".to_owned(), json!(self.reference));
        body
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("write it as KEY=VALUE".to_owned()),
    }
}

impl FollowUps {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let control = Control::new(global)?;
        let state = if self.closed { "closed" } else { "open" };
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!("{FOLLOW_UPS}?state={state}&limit={PAGE}{after}");
            let page = control.get(&path)?;
            all.extend(lines(page.get("followUps").cloned().unwrap_or_default()));
            match page.get("next").and_then(Value::as_str) {
                Some(next) => after = format!("&after={}", segment(next)),
                None => break,
            }
        }
        output.list(&all, &COLUMNS, "There are none.")?;
        Ok(Exit::Ok)
    }
}

impl FollowUp {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let (path, body) = self.asked();
        let answer = Control::new(global)?.send(Method::POST, &path, &body)?;
        if output.json {
            output.json(&answer)?;
        } else {
            output.line(&outcome(&answer))?;
        }
        Ok(Exit::Ok)
    }

    /// Where to ask, and what.
    fn asked(self) -> (String, Value) {
        let handled = |id: &str, verb: &str| {
            let path = format!("{FOLLOW_UPS}/{}/{verb}", segment(id));
            (path, json!({}))
        };
        match self {
            FollowUp::Acknowledge { id } => handled(&id, "acknowledge"),
            FollowUp::Push { id } => handled(&id, "push"),
            FollowUp::Start(start) => {
                let mut body = start.told.body();
                body.insert("workflow".to_owned(), json!(start.workflow));
                body.insert("service".to_owned(), json!(start.service));
                body.insert("title".to_owned(), json!(start.title));
                if let Some(id) = start.customer {
                    body.insert("customer".to_owned(), json!({ "id": id }));
                }
                (FOLLOW_UPS.to_owned(), Value::Object(body))
            }
        }
    }
}

/// What became of it, in a line: of what was started its item, of what was handled its text.
pub(super) fn outcome(answer: &Value) -> String {
    let before = match answer.get("repeated").and_then(Value::as_bool) {
        Some(true) => ", as before",
        Some(false) | None => "",
    };
    let item = text(answer, "/item");
    match answer.get("kind") {
        None => format!("{item}: {}{before}", text(answer, "/state")),
        Some(_) => format!("{}: closed{before}", text(answer, "/text")),
    }
}

/// `car-loan 3/7`.
fn workflow(line: &Value) -> String {
    let [name, stage, stages] = ["/workflow", "/stage", "/stages"].map(|it| text(line, it));
    format!("{name} {stage}/{stages}")
}

/// What it says, and of a closed one who closed it.
fn said(line: &Value) -> String {
    let said = text(line, "/text");
    match line.get("closed") {
        None | Some(Value::Null) => said,
        Some(closed) => {
            let by = text(closed, "/by");
            let by = if by.is_empty() { "its workflow" } else { &by };
            format!("{said} (closed by {by})")
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        follow_up: FollowUp,
    }

    fn asked(arguments: &[&str]) -> Option<(String, Value)> {
        let line = [&["follow-up"], arguments].concat();
        Some(Line::try_parse_from(line).ok()?.follow_up.asked())
    }

    #[test]
    fn what_is_typed_becomes_what_the_daemon_is_asked() {
        let body = json!({"workflow": "call-back", "service": "loans", "title": "Call Anna",
            "customer": {"id": "4711"}, "reference": "r-1",
            "parameters": {"phone": "+46=8", "when": ""}});
        let plain = json!({"workflow": "w", "service": "s", "title": null, "reference": null,
            "parameters": {}});
        let table: [(&[&str], &str, Value); 4] = [
            (
                &["acknowledge", "a"],
                "/api/v1/follow-ups/a/acknowledge",
                json!({}),
            ),
            (&["push", "a/b"], "/api/v1/follow-ups/a%2Fb/push", json!({})),
            (
                &[
                    "start",
                    "call-back",
                    "--service",
                    "loans",
                    "--customer",
                    "4711",
                    "--title",
                    "Call Anna",
                    "phone=+46=8",
                    "when=",
                    "--reference",
                    "r-1",
                ],
                FOLLOW_UPS,
                body,
            ),
            (&["start", "w", "--service", "s"], FOLLOW_UPS, plain),
        ];
        for (arguments, path, body) in table {
            let expected = Some((path.to_owned(), body));
            assert_eq!(asked(arguments), expected, "{arguments:?}");
        }
    }

    #[test]
    fn a_parameter_has_a_key() {
        for wrong in ["phone", "=1", ""] {
            assert_eq!(
                asked(&["start", "w", "--service", "s", wrong]),
                None,
                "{wrong}"
            );
        }
    }

    #[test]
    fn answers_are_said_in_a_line() {
        let started = json!({"item": "i", "state": "inWorkflow", "repeated": false});
        assert_eq!(outcome(&started), "i: inWorkflow");
        let pushed = json!({"item": "i", "kind": "button", "text": "Let it in", "repeated": true});
        assert_eq!(outcome(&pushed), "Let it in: closed, as before");
        let closed = json!({"text": "Late", "closed": {"at": "t", "by": "anna"}});
        assert_eq!(said(&closed), "Late (closed by anna)");
        let left = json!({"text": "Late", "closed": {"at": "t"}});
        assert_eq!(said(&left), "Late (closed by its workflow)");
        assert_eq!(said(&json!({"text": "Late"})), "Late");
    }
}
