//! `item`: one item, looked at or acted on, over the control socket.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Map, Value, json};

use super::Global;
use super::control::{Control, segment};
use super::exit::{Exit, Failure};
use super::follow_up::{Told, outcome};
use super::look::{here, lines, pairs, print_object};
use super::output::{Column, Output, text};

/// Show one item, or act on it as a supervisor
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ItemCommand {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Args)]
struct Look {
    /// Id or reference of the item
    #[arg(required = true)]
    id: Option<String>,
    /// Its whole life
    #[arg(long, conflicts_with = "message")]
    trace: bool,
    /// The message that made it
    #[arg(long)]
    message: bool,
}

/// Which item, and why.
#[derive(Debug, Args)]
struct About {
    /// Id or reference of the item
    id: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// End an item; its outcome is cancelledBySupervisor
    Abort {
        #[command(flatten)]
        about: About,
    },
    /// Put an item that an agent has back into its queue, at its old place
    Requeue {
        #[command(flatten)]
        about: About,
    },
    /// Hand an item on to a service, an agent, or an agent for a service
    Transfer {
        #[command(flatten)]
        about: About,
        #[command(flatten)]
        to: To,
    },
    /// Change the priority of an item
    Priority {
        #[command(flatten)]
        about: About,
        /// 0 (lowest) to 9
        priority: u8,
    },
    /// Say who gets an item first
    Reassign {
        #[command(flatten)]
        about: About,
        /// The agent
        agent: String,
        /// Never anybody else
        #[arg(long)]
        required: bool,
    },
    /// Take an item from its agent, back to its place in the queue
    Release {
        #[command(flatten)]
        about: About,
    },
    /// Start a workflow on an item: a follow-up with the item's customer and contact data
    StartWorkflow {
        /// Id or reference of the item
        id: String,
        /// Name of the workflow
        workflow: String,
        /// The service whose entrance its `queue` goes to [default: the item's]
        #[arg(long)]
        service: Option<String>,
        #[command(flatten)]
        told: Told,
    },
    /// Open an item again, within 7 days of its end
    Reopen {
        #[command(flatten)]
        about: About,
    },
}

/// Where a transfer goes.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct To {
    /// The service
    #[arg(long)]
    service: Option<String>,
    /// The agent who gets it first
    #[arg(long)]
    agent: Option<String>,
    /// Never anybody but the agent
    #[arg(long, requires = "agent")]
    required: bool,
}

/// The verb that makes an item of its own.
const START_WORKFLOW: &str = "start-workflow";

const TRACE: [Column; 4] = [
    Column::text("TIME", |line| here(line, "/at")),
    Column::text("EVENT", |line| text(line, "/event")),
    Column::text("BY", |line| text(line, "/actor")),
    Column::text("DATA", |line| pairs(line.get("data"))),
];

impl ItemCommand {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        match self.verb {
            Some(verb) => verb.run(global, output),
            None => self.look.run(global, output),
        }
    }
}

impl Look {
    fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let Look { id, trace, message } = self;
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

impl Verb {
    fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let (word, id, body) = self.asked();
        let path = format!("/api/v1/items/{}/{word}", segment(&id));
        let answer = Control::new(global)?.send(Method::POST, &path, &Value::Object(body))?;
        if output.json {
            output.json(&answer)?;
        } else if word == START_WORKFLOW {
            output.line(&outcome(&answer))?;
        } else {
            let words = ["/state", "/service", "/outcome", "/why"];
            let words = words.map(|pointer| text(&answer, pointer));
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let said: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            output.line(&format!("{id}: {}", said.join(" ")))?;
        }
        Ok(Exit::Ok)
    }

    /// The verb in the address, the item, and what the verb is told.
    fn asked(self) -> (&'static str, String, Map<String, Value>) {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| {
            body.insert(name.to_owned(), value);
        };
        // What agents call a note is the same to whoever reads the journal.
        let mut why = "reason";
        let (word, about) = match self {
            Verb::Abort { about } => ("abort", about),
            Verb::Release { about } => ("release", about),
            Verb::Reopen { about } => ("reopen", about),
            Verb::Requeue { about } => {
                why = "note";
                ("requeue", about)
            }
            Verb::Transfer { about, to } => {
                why = "note";
                put("service", json!(to.service));
                put("agent", json!(to.agent));
                put("required", json!(to.required));
                ("transfer", about)
            }
            Verb::Priority { about, priority } => {
                put("priority", json!(priority));
                ("priority", about)
            }
            Verb::Reassign {
                about,
                agent,
                required,
            } => {
                put("agent", json!(agent));
                put("required", json!(required));
                ("reassign", about)
            }
            Verb::StartWorkflow {
                id,
                workflow,
                service,
                told,
            } => {
                let mut body = told.body();
                body.insert("workflow".to_owned(), json!(workflow));
                body.insert("service".to_owned(), json!(service));
                return (START_WORKFLOW, id, body);
            }
        };
        if let Some(reason) = &about.reason {
            put(why, json!(reason));
        }
        (word, about.id, body)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        item: ItemCommand,
    }

    fn asked(arguments: &[&str]) -> Option<(&'static str, String, Value)> {
        let line = [&["item"], arguments].concat();
        let verb = Line::try_parse_from(line).ok()?.item.verb?;
        let (word, id, body) = verb.asked();
        Some((word, id, Value::Object(body)))
    }

    #[test]
    fn what_is_typed_becomes_what_the_daemon_is_asked() {
        let table: [(&[&str], &str, Value); 7] = [
            (
                &[
                    "start-workflow",
                    "a",
                    "call-back",
                    "when=noon",
                    "--service",
                    "cards",
                ],
                "start-workflow",
                json!({"workflow": "call-back", "service": "cards", "reference": null,
                    "parameters": {"when": "noon"}}),
            ),
            (&["abort", "a"], "abort", json!({})),
            (
                &["requeue", "a", "--reason", "ill"],
                "requeue",
                json!({"note": "ill"}),
            ),
            (
                &["priority", "a", "9", "--reason", "urgent"],
                "priority",
                json!({"priority": 9, "reason": "urgent"}),
            ),
            (
                &["reassign", "a", "anna", "--required"],
                "reassign",
                json!({"agent": "anna", "required": true}),
            ),
            (
                &["transfer", "a", "--service", "cards"],
                "transfer",
                json!({"service": "cards", "agent": null, "required": false}),
            ),
            (&["reopen", "a"], "reopen", json!({})),
        ];
        for (arguments, word, body) in table {
            let expected = Some((word, "a".to_owned(), body));
            assert_eq!(asked(arguments), expected, "{arguments:?}");
        }
    }

    #[test]
    fn a_transfer_goes_somewhere_and_only_an_agent_is_required() {
        assert_eq!(asked(&["transfer", "a"]), None);
        assert_eq!(
            asked(&["transfer", "a", "--service", "s", "--required"]),
            None
        );
        let to_agent = asked(&["transfer", "a", "--agent", "anna", "--required"]);
        assert!(to_agent.is_some());
    }
}
