//! `backup`, `restore`, `doctor`: the database itself.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Output, stderr_is_terminal};
use super::{Global, complain};
use crate::config;
use crate::store::StoreError;
use crate::store::backup::{self, BackupError, Copied};
use crate::store::doctor::{self, Finding, Report, Severity};
use crate::store::sqlite::DATABASE_FILE;

/// How often a long copy says how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Write a copy of the database, beside a running daemon
#[derive(Debug, Args)]
pub struct Backup {
    /// The copy; must not exist yet
    file: PathBuf,
}

/// Put a backup in place; the daemon must be stopped
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    file: PathBuf,
}

impl Backup {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let data = global.data()?;
        let database = data.join(DATABASE_FILE);
        if !database.exists() {
            let text = format!(
                "there is no database in {}: name the data folder with --data",
                data.display()
            );
            return Err(Failure::new(Exit::Unavailable, text));
        }
        let mut progress = Progress::new();
        backup::backup(&data, &self.file, &mut |copied| progress.at(copied))?;
        let bytes = std::fs::metadata(&self.file).map_or(0, |metadata| metadata.len());
        if output.json {
            output.json(&json!({"file": self.file, "bytes": bytes}))?;
        } else {
            output.line(&format!("{}: {bytes} bytes", self.file.display()))?;
        }
        Ok(Exit::Ok)
    }
}

impl Restore {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let data = global.data()?;
        if !self.file.is_file() {
            let text = format!("there is no backup {}", self.file.display());
            return Err(Failure::new(Exit::Data, text));
        }
        let mut progress = Progress::new();
        let report = backup::restore(&self.file, &data, &mut |copied| progress.at(copied))?;
        if output.json {
            output.json(&in_json(&report))?;
        } else {
            output.line(&format!(
                "Restored {} items, {} of them open, into {}.",
                report.items,
                report.items_open,
                data.display()
            ))?;
        }
        Ok(Exit::Ok)
    }
}

/// Checks the database and the configuration.
pub(super) fn doctor(global: &Global, output: Output) -> Result<Exit, Failure> {
    let mut exit = Exit::Ok;
    match config::load(&global.flags(), config::process_environment()) {
        Ok(loaded) => {
            let warnings = config::render_warnings(&loaded.warnings, stderr_is_terminal());
            if !warnings.is_empty() {
                complain(warnings.trim_end());
            }
        }
        Err(errors) => {
            complain(errors.render(stderr_is_terminal()).trim_end());
            exit = Exit::Config;
        }
    }
    let data = match (&global.data, exit) {
        (Some(data), _) => data.clone(),
        (None, Exit::Config) => return Ok(exit),
        (None, _) => global.data()?,
    };
    let database = data.join(DATABASE_FILE);
    if !database.exists() {
        let text = format!(
            "there is no database in {}: name the data folder with --data",
            data.display()
        );
        return Err(Failure::new(Exit::Unavailable, text));
    }
    let report = doctor::verify(&database)?;
    print(output, &report)?;
    match report.damages().is_empty() {
        true => Ok(exit),
        false => Ok(exit.and(Exit::Data)),
    }
}

fn print(output: Output, report: &Report) -> Result<(), Failure> {
    if output.json {
        return output.json(&in_json(report));
    }
    output.line(&format!(
        "Schema {}, {} items ({} open), {} messages, {} attachments.",
        report.schema, report.items, report.items_open, report.messages, report.attachments
    ))?;
    for Finding {
        severity,
        what,
        advice,
    } in &report.findings
    {
        output.line(&format!("{}: {what}: {advice}", word(*severity)))?;
    }
    if report.findings.is_empty() {
        output.line("The database is sound.")?;
    }
    Ok(())
}

fn in_json(report: &Report) -> serde_json::Value {
    let findings = report.findings.iter().map(|finding| {
        json!({
            "severity": word(finding.severity),
            "what": finding.what,
            "advice": finding.advice,
        })
    });
    json!({
        "schema": report.schema,
        "items": report.items,
        "itemsOpen": report.items_open,
        "messages": report.messages,
        "attachments": report.attachments,
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Damage => "damage",
    }
}

/// Says on a terminal how far a copy is.
struct Progress {
    said_at: Instant,
    is_shown: bool,
}

impl Progress {
    fn new() -> Progress {
        Progress {
            said_at: Instant::now(),
            is_shown: stderr_is_terminal(),
        }
    }

    fn at(&mut self, copied: Copied) {
        if self.is_shown && self.said_at.elapsed() >= REPORT_EVERY {
            self.said_at = Instant::now();
            let percent = copied.pages * 100 / copied.pages_total.max(1);
            complain(&format!("{percent} % copied"));
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Failure {
        let exit = match &error {
            BackupError::Exists(_) | BackupError::HasStore(_) | BackupError::Damaged { .. } => {
                Exit::Data
            }
            BackupError::Store(StoreError::Locked(_)) => {
                let text = format!("{error}; restoring needs the daemon stopped");
                return Failure::new(Exit::Again, text);
            }
            BackupError::Store(_) => Exit::Failed,
        };
        Failure::new(exit, error)
    }
}
