//! `check`: the configuration, read and judged as the daemon would.

use std::io::IsTerminal;

use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Output, stderr_is_terminal};
use super::{Global, complain};
use crate::config::{self, Problem, render_warnings};

/// Read the configuration and print every problem with its place
#[derive(Debug, Args)]
pub struct Check {
    /// Print what is in force and where each value is from
    #[arg(long)]
    effective: bool,
}

impl Check {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let color = stderr_is_terminal();
        let loaded = match config::load(&global.flags(), config::process_environment()) {
            Ok(loaded) => loaded,
            Err(errors) if output.json => {
                print_json(output, &errors.problems, "error")?;
                return Ok(Exit::Config);
            }
            Err(errors) => return Err(Failure::new(Exit::Config, errors.render(color).trim_end())),
        };
        if output.json {
            print_json(output, &loaded.warnings, "warning")?;
        } else {
            let warnings = render_warnings(&loaded.warnings, color);
            if !warnings.is_empty() {
                complain(warnings.trim_end());
            }
        }
        if self.effective {
            output.raw(loaded.config.effective().as_bytes())?;
        } else if !output.json && std::io::stdout().is_terminal() {
            let what = if loaded.is_demo {
                "There is no configuration file: the built-in demo is in force."
            } else {
                "The configuration is right."
            };
            output.line(what)?;
        }
        Ok(Exit::Ok)
    }
}

fn print_json(output: Output, problems: &[Problem], level: &str) -> Result<(), Failure> {
    problems.iter().try_for_each(|problem| {
        let place = problem.place.as_ref().map(config::Place::describe);
        output.json(&json!({
            "level": level,
            "key": problem.key,
            "message": problem.error.to_string(),
            "help": problem.error.help(),
            "place": place,
        }))
    })
}
