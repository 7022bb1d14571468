//! `workflow run`: plays a workflow through with simulated time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use super::check::known_around;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, stderr_is_terminal};
use crate::cli::{Global, input};
use crate::config::{self, Surroundings, render_workflow_faults, workflow_text};
use crate::daemon::rehearsal::{
    Line, Play, RehearsalError, Report, SCRIPT_BYTES_MAX, StageShown, Standing, VERBS, rehearse,
};
use crate::domain::answer::Answer;
use crate::domain::policy::{MESSAGE_BYTES_MAX, Policy};
use crate::domain::refusal::Refusal;
use crate::domain::workflow::{Action, Workflow};
use crate::wire::answer::write_answer;
use crate::wire::time::format_instant;
use crate::workflow::{Known, load};

/// Workflows beside the one that is run that are looked for, at most.
const FOLLOW_UPS_MAX: usize = 100;

/// Run a workflow against a message with simulated time, as the daemon would
#[derive(Debug, Args)]
#[command(after_help = VERBS)]
pub struct Run {
    /// The workflow
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The message that makes the item, a workItem as a sender would send it
    #[arg(long, value_name = "MESSAGE.xml")]
    item: PathBuf,
    /// What happens: one step a line; `-` is standard input
    #[arg(long, value_name = "STEPS")]
    script: PathBuf,
    /// As if the message were for this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// The tenant of the configuration, where several have the service
    #[arg(long, value_name = "NAME", requires = "config")]
    tenant: Option<String>,
}

impl Run {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let (policy, around) = match &global.config {
            Some(_) => {
                let environment = config::process_environment();
                let around = config::load_surroundings(&global.flags(), environment)?;
                (Some(Arc::new(global.load()?.config.policy)), around)
            }
            None => (None, Vec::new()),
        };
        let workflow = read_workflow(&self.file, &around)?;
        let play = Play {
            follow_ups: follow_ups(&self.file, &workflow, policy.as_deref(), &around)?,
            workflow,
            message: input::read(&self.item, MESSAGE_BYTES_MAX)?,
            script: text(&self.script, SCRIPT_BYTES_MAX)?,
            policy,
            tenant: self.tenant.clone(),
            service: self.service.clone(),
        };
        let report = match rehearse(&play) {
            Ok(report) => report,
            Err(error) => return self.stopped(error, output),
        };
        match output.json {
            true => print_json(output, &report)?,
            false => output.raw(report.to_string().as_bytes())?,
        }
        Ok(match report.refused {
            true => Exit::Data,
            false => Exit::Ok,
        })
    }

    /// Nothing was played.
    fn stopped(&self, error: RehearsalError, output: Output) -> Result<Exit, Failure> {
        let script = self.script.display();
        match error {
            RehearsalError::Refused(refusal) => {
                print_refusal(refusal, output)?;
                Ok(Exit::Data)
            }
            RehearsalError::Script(fault) => {
                let text = format!("{script}:{}: {}", fault.line, fault.message);
                Err(Failure::new(Exit::Data, text))
            }
            RehearsalError::Setting(text) | RehearsalError::Restless(text) => {
                Err(Failure::new(Exit::Data, text))
            }
            RehearsalError::Start(error) => Err(Failure::new(Exit::Failed, error)),
            RehearsalError::Engine(error) => Err(Failure::new(Exit::Failed, error)),
        }
    }
}

fn text(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    let bytes = input::read(path, bytes_max as u64)?;
    let name = path.display();
    if bytes.len() > bytes_max {
        let text = format!("{name}: more than {bytes_max} bytes");
        return Err(Failure::new(Exit::Data, text));
    }
    let wrong = |_| Failure::new(Exit::Data, format!("{name}: this is not UTF-8"));
    String::from_utf8(bytes).map_err(wrong)
}

/// Reads a workflow and checks it as `workflow check` does. Which follow-ups there are is seen when
/// they are looked for.
fn read_workflow(path: &Path, around: &[Surroundings]) -> Result<Arc<Workflow>, Failure> {
    let known = Known {
        workflows: None,
        ..known_around(around, path)
    };
    let unreadable = |reason: String| {
        let text = format!("cannot read {}: {reason}", path.display());
        Failure::new(Exit::Data, text)
    };
    let source = workflow_text(path).map_err(unreadable)?;
    load(&source, &known).map(Arc::new).map_err(|faults| {
        let shown = render_workflow_faults(path, &source, &faults, stderr_is_terminal());
        Failure::new(Exit::Data, shown.trim_end())
    })
}

/// The workflows that a workflow starts, and those that these start: `NAME.xml` beside its file,
/// unless the configuration has them.
fn follow_ups(
    file: &Path,
    workflow: &Arc<Workflow>,
    policy: Option<&Policy>,
    around: &[Surroundings],
) -> Result<Vec<Arc<Workflow>>, Failure> {
    let mut found = Vec::<Arc<Workflow>>::new();
    let mut known: BTreeSet<String> = [workflow.name.clone()].into();
    let tenants = policy
        .into_iter()
        .flat_map(|policy| policy.tenants.values());
    let configured = tenants.flat_map(|tenant| tenant.workflows.keys().cloned());
    known.extend(configured);
    let mut wanted = started_by(workflow);
    while let Some(name) = wanted.pop() {
        if !known.insert(name.clone()) || found.len() == FOLLOW_UPS_MAX {
            continue;
        }
        let beside = file.with_file_name(format!("{name}.xml"));
        if !beside.exists() {
            let text = format!(
                "workflow {name} is started, but there is no {}: put it there, or name a \
                 configuration that has it with --config",
                beside.display()
            );
            return Err(Failure::new(Exit::Data, text));
        }
        let follow_up = read_workflow(&beside, around)?;
        if follow_up.name != name {
            let text = format!(
                "{}: its name is {}, not {name}",
                beside.display(),
                follow_up.name
            );
            return Err(Failure::new(Exit::Data, text));
        }
        wanted.extend(started_by(&follow_up));
        found.push(follow_up);
    }
    Ok(found)
}

fn started_by(workflow: &Workflow) -> Vec<String> {
    let actions = workflow.stages.iter().flat_map(|stage| &stage.actions);
    let started = actions.filter_map(|action| match action {
        Action::StartWorkflow { name } => Some(name.clone()),
        _ => None,
    });
    started.collect()
}

/// A refused message is answered as the daemon would.
fn print_refusal(refusal: Refusal, output: Output) -> Result<(), Failure> {
    if output.json {
        return output.json(&json!({
            "event": "refusedMessage",
            "code": refusal.code().name(),
            "message": refusal.first.message,
        }));
    }
    let mut answer = Vec::new();
    write_answer(&Answer::Error(refusal), &mut answer);
    answer.push(b'\n');
    output.raw(&answer)
}

fn print_json(output: Output, report: &Report) -> Result<(), Failure> {
    let lines = report.lines.iter();
    lines
        .map(line_in_json)
        .try_for_each(|line| output.json(&line))?;
    let standings = report.standings.iter();
    standings
        .map(|standing| standing_in_json(standing, report))
        .try_for_each(|standing| output.json(&standing))
}

fn stage_in_json(stage: Option<&StageShown>) -> Value {
    match stage {
        None => Value::Null,
        Some(stage) => json!({"number": stage.number, "of": stage.of, "name": stage.name}),
    }
}

fn line_in_json(line: &Line) -> Value {
    let data = line.data.iter();
    let data: Map<String, Value> = data
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    json!({
        "at": format_instant(line.at).as_str(),
        "elapsedMs": line.elapsed_ms,
        "item": line.item,
        "stage": stage_in_json(line.stage.as_ref()),
        "event": line.event,
        "data": data,
        "text": line.text,
    })
}

fn standing_in_json(standing: &Standing, report: &Report) -> Value {
    let open = standing.open.iter().map(|it| {
        json!({
            "name": it.name, "kind": it.kind, "to": it.to, "text": it.text, "stage": it.stage,
        })
    });
    json!({
        "at": format_instant(report.ended_at).as_str(),
        "event": "end",
        "item": standing.item,
        "state": standing.state,
        "service": standing.service,
        "priority": standing.priority,
        "outcome": standing.outcome,
        "result": standing.result,
        "agent": standing.agent,
        "stage": stage_in_json(standing.stage.as_ref()),
        "rest": standing.rest,
        "nextDue": standing.next_due.map(|due| format_instant(due).as_str().to_owned()),
        "open": open.collect::<Vec<_>>(),
    })
}
