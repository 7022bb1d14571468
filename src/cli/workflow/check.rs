//! `workflow check`: files of workflows, checked as the daemon would, and drawn.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, plain_table, rendered, stderr_is_terminal};
use crate::cli::{Global, complain};
use crate::config::{self, Surroundings, render_workflow_faults, workflow_text};
use crate::domain::workflow::Workflow;
use crate::workflow::{Fault, Known, graph, graph_text, load, svg, table, with_missing_buttons};

/// Check workflows; print their stages as a table and their graphs as text. With --config, names of
/// services, workflows and contact data keys are checked too
#[derive(Debug, Args)]
pub struct Check {
    /// Files of workflows
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Add the events of buttons that have none to the file
    #[arg(long)]
    fix: bool,
    /// Draw the workflow to this file; takes one FILE
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
}

/// One file.
struct Source {
    path: PathBuf,
    text: String,
}

impl Check {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        if self.svg.is_some() && self.files.len() > 1 {
            let text = "--svg draws one workflow: name one file";
            return Err(Failure::new(Exit::Usage, text));
        }
        let around = match &global.config {
            Some(_) => config::load_surroundings(&global.flags(), config::process_environment())?,
            None => Vec::new(),
        };
        let mut sources = Vec::new();
        for path in &self.files {
            sources.push(self.read(path)?);
        }
        let mut exit = Exit::Ok;
        for source in &sources {
            match load(&source.text, &known(&around, source, &sources)) {
                Ok(workflow) => self.show(&source.path, &workflow, output)?,
                Err(faults) => {
                    complain_of(source, &faults, output)?;
                    exit = Exit::Data;
                }
            }
        }
        Ok(exit)
    }

    /// Reads a file; with `--fix`, mends it first.
    fn read(&self, path: &Path) -> Result<Source, Failure> {
        let text = workflow_text(path).map_err(|reason| {
            let text = format!("cannot read {}: {reason}", path.display());
            Failure::new(Exit::Data, text)
        })?;
        let mended = match self.fix {
            // What cannot be read at all is told when it is checked.
            true => with_missing_buttons(&text).unwrap_or(None),
            false => None,
        };
        if let Some(mended) = &mended {
            replace(path, mended)?;
            complain(&format!("{}: button events were added", path.display()));
        }
        Ok(Source {
            path: path.to_owned(),
            text: mended.unwrap_or(text),
        })
    }

    fn show(&self, path: &Path, workflow: &Workflow, output: Output) -> Result<(), Failure> {
        if let Some(picture) = &self.svg {
            replace(picture, &svg(workflow))?;
        }
        if output.json {
            return output.json(&as_json(path, workflow));
        }
        let mut stages = plain_table();
        stages.set_header(["STAGE", "EVENT", "ACTIONS", "LEADS TO"]);
        for row in table(workflow) {
            stages.add_row([
                row.number.to_string(),
                row.event,
                row.actions.join("\n"),
                row.leads.join("\n"),
            ]);
        }
        output.line(&format!("{}: it is right\n", path.display()))?;
        output.line(&rendered(&mut stages))?;
        output.line(&format!("\n{}", graph_text(workflow)))
    }
}

/// What the workflow may name: what its tenant has, and the other files given.
fn known(around: &[Surroundings], source: &Source, sources: &[Source]) -> Known {
    let mut known = known_around(around, &source.path);
    if let Some(names) = &mut known.workflows {
        let others = sources.iter().map(|it| load(&it.text, &Known::anything()));
        names.extend(others.flatten().map(|workflow| workflow.name));
    }
    known
}

/// What the workflow of that file may name: what its tenant has.
pub(super) fn known_around(around: &[Surroundings], path: &Path) -> Known {
    match around.iter().find(|tenant| tenant.names(path)) {
        Some(tenant) => tenant.known(path),
        // No tenant has it yet: it may become anybody's.
        None => {
            let mut tenants = around.iter().map(|tenant| tenant.known(path));
            let first = tenants.next().unwrap_or_default();
            tenants.fold(first, either)
        }
    }
}

/// What the one or the other knows.
fn either(one: Known, other: Known) -> Known {
    let both = |one: Option<std::collections::BTreeSet<String>>, other| match (one, other) {
        (Some(mut one), Some(other)) => {
            one.extend::<std::collections::BTreeSet<String>>(other);
            Some(one)
        }
        (None, _) | (_, None) => None,
    };
    Known {
        services: both(one.services, other.services),
        keys: both(one.keys, other.keys),
        agents: both(one.agents, other.agents),
        groups: both(one.groups, other.groups),
        workflows: both(one.workflows, other.workflows),
    }
}

fn complain_of(source: &Source, faults: &[Fault], output: Output) -> Result<(), Failure> {
    if output.json {
        return faults.iter().try_for_each(|fault| {
            output.json(&json!({
                "file": source.path.display().to_string(),
                "line": fault.line,
                "column": fault.column,
                "rule": fault.rule.word(),
                "message": fault.message,
            }))
        });
    }
    let shown = render_workflow_faults(&source.path, &source.text, faults, stderr_is_terminal());
    let count = match faults.len() {
        1 => "1 fault".to_owned(),
        count => format!("{count} faults"),
    };
    complain(&format!("{shown}{count} in {}", source.path.display()));
    Ok(())
}

fn as_json(path: &Path, workflow: &Workflow) -> Value {
    let stages = table(workflow).into_iter().map(|row| {
        json!({
            "number": row.number.0,
            "event": row.event,
            "actions": row.actions,
            "leads": row.leads,
        })
    });
    let graph = graph(workflow);
    let edges = graph.edges.iter().map(|edge| {
        json!({
            "from": edge.from.0,
            "label": edge.label(),
            "to": graph.words(edge.to),
        })
    });
    json!({
        "file": path.display().to_string(),
        "name": workflow.name,
        "digest": workflow.digest.to_string(),
        "stages": stages.collect::<Vec<_>>(),
        "edges": edges.collect::<Vec<_>>(),
    })
}

/// Writes a file as a whole: whoever reads it meanwhile sees the old one or the new one.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let text = format!("cannot write {}: {error}", path.display());
        Failure::new(Exit::Failed, text)
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, text).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)
}
