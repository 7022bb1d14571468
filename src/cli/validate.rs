//! `validate`: judges messages offline, by the schema and the rules that need no store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::output::Output;
use super::{Global, input};
use crate::config::DEMO_SENDER;
use crate::daemon::clock;
use crate::domain::code::Code;
use crate::domain::message::{Message, RefusedEntry, Submission};
use crate::domain::policy::{MESSAGE_BYTES_MAX, Policy, SenderPolicy, TenantPolicy};
use crate::domain::refusal::{Problem, Refusal};
use crate::wire::decode::decode;
use crate::wire::message::{ReadContext, read_message};
use crate::wire::rules::Judge;

/// Judge messages offline as the daemon would
#[derive(Debug, Args)]
pub struct Validate {
    /// Messages; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Judge by the schema alone
    #[arg(long, conflicts_with = "sender")]
    schema_only: bool,
    /// Judge as if this sender sent them [default: the demo's; else whoever may use everything]
    #[arg(long, value_name = "NAME")]
    sender: Option<String>,
    /// Encoding that the Content-Type would name
    #[arg(long, value_name = "NAME")]
    charset: Option<String>,
}

/// By whose rules.
struct Rules {
    tenant: Arc<TenantPolicy>,
    sender: Option<Arc<SenderPolicy>>,
}

impl Validate {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let rules = match self.schema_only {
            true => None,
            false => Some(rules(
                &global.load()?.config.policy,
                self.sender.as_deref(),
            )?),
        };
        let judge = rules.as_ref().map(|rules| Judge {
            tenant: &rules.tenant,
            is_agent: &is_anybody,
            sender: rules.sender.as_deref(),
        });
        let mut exit = Exit::Ok;
        for file in &self.files {
            let body = input::read(file, MESSAGE_BYTES_MAX)?;
            let problems = problems(&body, self.charset.as_deref(), judge);
            print(output, file, &problems)?;
            if !problems.is_empty() {
                exit = Exit::Data;
            }
        }
        Ok(exit)
    }
}

fn rules(policy: &Policy, sender: Option<&str>) -> Result<Rules, Failure> {
    let tenant_of = |sender: &SenderPolicy| policy.tenants.get(&sender.tenant).cloned();
    let known = policy.senders.get(sender.unwrap_or(DEMO_SENDER)).cloned();
    if let Some(known) = known
        && let Some(tenant) = tenant_of(&known)
    {
        return Ok(Rules {
            tenant,
            sender: Some(known),
        });
    }
    if let Some(name) = sender {
        let text = format!("the configuration has no sender {name}");
        return Err(Failure::new(Exit::Usage, text));
    }
    let mut tenants = policy.tenants.values();
    match (tenants.next(), tenants.next()) {
        (Some(tenant), None) => Ok(Rules {
            tenant: tenant.clone(),
            sender: None,
        }),
        (None, _) | (Some(_), Some(_)) => Err(Failure::new(
            Exit::Usage,
            "say with --sender who would send the messages, or judge with --schema-only",
        )),
    }
}

/// Users are in the daemon's store: offline nobody knows them, and all names pass.
fn is_anybody(_name: &str) -> bool {
    true
}

/// Everything that is wrong with a message, the first first.
fn problems(body: &[u8], charset: Option<&str>, judge: Option<Judge<'_>>) -> Vec<Problem> {
    if body.len() as u64 > MESSAGE_BYTES_MAX {
        let text = format!("A message may have {MESSAGE_BYTES_MAX} bytes, inflated.");
        return vec![Problem::new(Code::TooLarge, text)];
    }
    let text = match decode(body, charset) {
        Ok(text) => text,
        Err(error) => return of_refusal(error.into()),
    };
    let context = ReadContext {
        now: clock(),
        judge,
    };
    match read_message(&text, &context) {
        Ok(message) => of_message(message),
        Err(refusal) => of_refusal(refusal),
    }
}

fn of_refusal(refusal: Refusal) -> Vec<Problem> {
    let mut problems = vec![refusal.first];
    problems.extend(refusal.further);
    problems
}

fn of_message(message: Message) -> Vec<Problem> {
    match message {
        Message::Create(submission) => submission.problems,
        Message::Batch(entries) => entries.into_iter().flat_map(of_entry).collect(),
        Message::Update(update) => update.problems,
        Message::Cancel(_)
        | Message::Query(_)
        | Message::QueryServices(_)
        | Message::QueryLimits
        | Message::Ping => Vec::new(),
    }
}

fn of_entry(entry: Result<Submission, RefusedEntry>) -> Vec<Problem> {
    match entry {
        Ok(submission) => submission.problems,
        Err(refused) => of_refusal(refused.refusal),
    }
}

fn print(output: Output, file: &Path, problems: &[Problem]) -> Result<(), Failure> {
    if output.json {
        return output.json(&json!({
            "file": file,
            "accepted": problems.is_empty(),
            "code": problems.first().map(|first| first.code.name()),
            "problems": problems.iter().map(in_json).collect::<Vec<_>>(),
        }));
    }
    let name = file.display();
    if problems.is_empty() {
        return output.line(&format!("{name}: accepted"));
    }
    problems.iter().try_for_each(|problem| {
        let (mut at, mut path) = (String::new(), String::new());
        if let Some(place) = &problem.place {
            at = format!(":{}:{}", place.line, place.column);
            path = place
                .path
                .as_ref()
                .map_or(path, |path| format!(" [{path}]"));
        }
        let (code, message) = (problem.code.name(), &problem.message);
        output.line(&format!("{name}{at}: {code}: {message}{path}"))
    })
}

fn in_json(problem: &Problem) -> Value {
    let place = problem.place.as_ref();
    json!({
        "code": problem.code.name(),
        "message": problem.message,
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "path": place.and_then(|place| place.path.as_deref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, load};

    fn demo() -> Policy {
        let flags = Flags {
            config: None,
            ..Flags::default()
        };
        let loaded = load(&flags, Vec::new()).unwrap_or_else(|errors| panic!("{errors}"));
        loaded.config.policy
    }

    fn codes(text: &str, by_rules: bool) -> Vec<&'static str> {
        let policy = demo();
        let rules = rules(&policy, None).expect("the demo has one sender");
        let judge = Judge {
            tenant: &rules.tenant,
            is_agent: &is_anybody,
            sender: rules.sender.as_deref(),
        };
        let problems = problems(text.as_bytes(), None, by_rules.then_some(judge));
        problems.iter().map(|problem| problem.code.name()).collect()
    }

    const ORDER: &str = "<workItem xmlns=\"urn:anteroom:work-item:1\" reference=\"r\">\
                         <service>loans</service><contactData><item key=\"workItemTask\">x</item>\
                         </contactData></workItem>";

    #[test]
    fn a_good_message_has_no_problems() {
        assert_eq!(codes(ORDER, true), [""; 0]);
    }

    #[test]
    fn rules_are_left_out_when_only_the_schema_counts() {
        let foreign = ORDER.replace("loans", "cards");
        assert_eq!(codes(&foreign, true), ["unknownService"]);
        assert_eq!(codes(&foreign, false), [""; 0]);
    }

    #[test]
    fn a_bad_entry_of_a_batch_is_a_problem() {
        let bad = ORDER.replace("reference=\"r\"", "");
        let batch =
            format!("<workItems xmlns=\"urn:anteroom:work-item:1\">{ORDER}{bad}</workItems>");
        assert_eq!(codes(&batch, true), ["schemaInvalid"]);
    }

    #[test]
    fn malformed_text_stops_at_the_first_fault() {
        assert_eq!(codes("<workItem>", true), ["malformedXml"]);
    }
}
