//! `workflow new`: a first workflow to go on from.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::domain::workflow::NAME_CHARS_MAX;
use crate::workflow::new_source;

/// Write a first workflow with its `received` event
#[derive(Debug, Args)]
pub struct New {
    /// What it is called: 1 to 64 letters, digits, dots, underscores and dashes
    #[arg(value_parser = name)]
    name: String,
    /// Write it to this file, which must not be there yet [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self, output: Output) -> Result<Exit, Failure> {
        let source = new_source(&self.name);
        let Some(path) = self.out else {
            output.raw(source.as_bytes())?;
            return Ok(Exit::Ok);
        };
        let failed = |error: std::io::Error| {
            Failure::new(
                Exit::Failed,
                format!("cannot write {}: {error}", path.display()),
            )
        };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(failed)?;
        file.write_all(source.as_bytes()).map_err(failed)?;
        Ok(Exit::Ok)
    }
}

/// A name as the language has it.
fn name(text: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
    match fits && text.chars().all(is_allowed) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "a workflow's name has 1 to {NAME_CHARS_MAX} letters a to z, digits, dots, underscores \
             and dashes"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_1_to_64_plain_characters() {
        for right in ["a", "car-loan_2.b", &"x".repeat(63), &"x".repeat(64)] {
            assert_eq!(name(right).as_deref(), Ok(right));
        }
        for wrong in ["", "two words", "å", "a/b", &"x".repeat(65)] {
            name(wrong).expect_err(wrong);
        }
    }
}
