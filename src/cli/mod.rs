//! The command line: what is typed, one file a command or small group, and how it ends.
//!
//! Looking and acting go over the control socket of a running daemon ([`control`]); judging,
//! backing up and restoring work on files. `exit` knows the exit codes, `output` how results are
//! printed.

mod act;
mod check;
mod control;
mod exit;
mod follow_up;
mod input;
mod intake;
mod item;
mod keep;
mod look;
mod manual;
mod notifications;
mod output;
mod replay;
mod send;
mod sender;
mod serve;
mod until;
mod user;
mod validate;
mod workflow;
mod xml;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Flags, Loaded};

use exit::{Exit, Failure};
use output::Output;

/// An XML work-item gateway: durable receipts, entrances, ordered release.
#[derive(Debug, Parser)]
#[command(
    name = "anteroom",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 64 usage, 65 bad data, 69 unavailable, \
                        75 try again, 78 configuration."
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Default, Args)]
struct Global {
    /// Configuration file [default: /etc/anteroom/anteroom.toml; without one, the built-in demo]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder: the database and the control socket of the daemon
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON lines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon
    Serve(serve::Serve),
    /// Read the configuration and print every problem with its place
    Check(check::Check),
    /// Post messages to a daemon
    Send(send::Send),
    /// Judge messages offline as the daemon would
    Validate(validate::Validate),
    /// Send fixture messages and compare the answers; also a load generator
    Replay(replay::Replay),
    /// Show how the daemon stands
    Status,
    /// Show the services with their entrances
    Services,
    /// Show what waits, in the order in which it will be offered
    Queue(look::Queue),
    /// Show one item, or act on it as a supervisor
    Item(item::ItemCommand),
    /// Show what workflows ask of people: alerts and buttons, the oldest first
    FollowUps(follow_up::FollowUps),
    /// Handle an alert or a button, or start a workflow
    #[command(subcommand)]
    FollowUp(follow_up::FollowUp),
    /// Show the agents and what they are doing
    Agents,
    /// Open or close the entrance of a service
    Entrance(act::Entrance),
    /// Make keys for senders
    #[command(subcommand)]
    Sender(sender::Sender),
    /// Look after users
    #[command(subcommand)]
    User(user::User),
    /// Show the notifications that were given up, or try them again
    Notifications(notifications::Notifications),
    /// Write, check and rehearse workflows
    #[command(subcommand)]
    Workflow(workflow::Workflow),
    /// Write a copy of the database, beside a running daemon
    Backup(keep::Backup),
    /// Put a backup in place; the daemon must be stopped
    Restore(keep::Restore),
    /// Check the database and the configuration
    Doctor,
    /// Print completions for a shell
    Completions(manual::Completions),
    /// Print the manual page, or write all of them to a folder
    Man(manual::Man),
}

/// Runs the command that `arguments` (the program's name first) ask for.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; they are no failure.
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            let _ = error.print();
            return exit.code().into();
        }
    };
    let exit = match dispatch(cli) {
        Ok(exit) => exit,
        Err(failure) => {
            if !failure.message.is_empty() {
                complain(&failure.message);
            }
            failure.exit
        }
    };
    exit.code().into()
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let Cli { global, command } = cli;
    let output = Output { json: global.json };
    match command {
        Command::Serve(serve) => serve.run(&global),
        Command::Check(check) => check.run(&global, output),
        Command::Send(send) => send.run(&global, output),
        Command::Validate(validate) => validate.run(&global, output),
        Command::Replay(replay) => replay.run(&global, output),
        Command::Status => look::status(&global, output),
        Command::Services => look::services(&global, output),
        Command::Queue(queue) => queue.run(&global, output),
        Command::Item(item) => item.run(&global, output),
        Command::FollowUps(follow_ups) => follow_ups.run(&global, output),
        Command::FollowUp(follow_up) => follow_up.run(&global, output),
        Command::Agents => look::agents(&global, output),
        Command::Entrance(entrance) => entrance.run(&global, output),
        Command::Sender(sender) => sender.run(&global, output),
        Command::User(user) => user.run(&global, output),
        Command::Notifications(notifications) => notifications.run(&global, output),
        Command::Workflow(workflow) => workflow.run(&global, output),
        Command::Backup(backup) => backup.run(&global, output),
        Command::Restore(restore) => restore.run(&global, output),
        Command::Doctor => keep::doctor(&global, output),
        Command::Completions(completions) => completions.run(output),
        Command::Man(man) => man.run(output),
    }
}

/// Says something on standard error; whoever closed it does not want to know.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

impl Global {
    fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            data: self.data.clone(),
            intake: None,
            console: None,
        }
    }

    /// Reads the configuration.
    fn load(&self) -> Result<Loaded, Failure> {
        Ok(config::load(&self.flags(), config::process_environment())?)
    }

    /// The data folder that `--data`, or else the configuration, names.
    fn data(&self) -> Result<PathBuf, Failure> {
        match &self.data {
            Some(data) => Ok(data.clone()),
            None => Ok(self.load()?.config.store.data),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_may_stand_before_and_after_the_command() {
        for arguments in [
            ["anteroom", "--data", "d", "services"],
            ["anteroom", "services", "--data", "d"],
        ] {
            let cli = Cli::try_parse_from(arguments).expect("it is right");
            assert_eq!(cli.global.data, Some(PathBuf::from("d")));
        }
    }
}
