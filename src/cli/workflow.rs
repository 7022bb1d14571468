//! `workflow`: files of workflows, written, checked, drawn and rehearsed without a daemon.

mod check;
mod new;
mod run;

use clap::Subcommand;

use super::Global;
use super::exit::{Exit, Failure};
use super::output::Output;

/// Write, check and rehearse workflows
#[derive(Debug, Subcommand)]
pub enum Workflow {
    /// Write a first workflow with its `received` event
    New(new::New),
    /// Check workflows; print their stages as a table and their graphs as text
    Check(check::Check),
    /// Run a workflow against a message with simulated time, as the daemon would
    Run(run::Run),
}

impl Workflow {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        match self {
            Workflow::New(new) => new.run(output),
            Workflow::Check(check) => check.run(global, output),
            Workflow::Run(run) => run.run(global, output),
        }
    }
}
