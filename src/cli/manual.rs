//! `completions` and `man`: made from the command line's own description.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::exit::{Exit, Failure};
use super::output::Output;

/// Print completions for a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// Print the manual page, or write all of them to a folder
#[derive(Debug, Args)]
pub struct Man {
    /// Folder for one page a command
    dir: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(self, output: Output) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        let mut command = Cli::command();
        let name = command.get_name().to_owned();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        output.raw(&script)?;
        Ok(Exit::Ok)
    }
}

impl Man {
    pub(super) fn run(self, output: Output) -> Result<Exit, Failure> {
        let failed = |error: std::io::Error| Failure::new(Exit::Failed, error);
        match self.dir {
            Some(dir) => {
                std::fs::create_dir_all(&dir).map_err(failed)?;
                clap_mangen::generate_to(Cli::command(), dir).map_err(failed)?;
            }
            None => {
                let mut page = Vec::new();
                let man = clap_mangen::Man::new(Cli::command());
                man.render(&mut page).map_err(failed)?;
                output.raw(&page)?;
            }
        }
        Ok(Exit::Ok)
    }
}
