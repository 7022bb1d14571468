//! `workflow`: files of workflows, written, checked and drawn without a daemon.

mod check;
mod new;

use clap::Subcommand;

use super::Global;
use super::exit::{Exit, Failure};
use super::output::Output;

/// Write and check workflows
#[derive(Debug, Subcommand)]
pub enum Workflow {
    /// Write a first workflow with its `received` event
    New(new::New),
    /// Check workflows; print their stages as a table and their graphs as text
    Check(check::Check),
}

impl Workflow {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        match self {
            Workflow::New(new) => new.run(output),
            Workflow::Check(check) => check.run(global, output),
        }
    }
}
