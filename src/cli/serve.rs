//! `serve`: the daemon.

use std::net::SocketAddr;

use clap::Args;

use super::Global;
use super::exit::{Exit, Failure};
use crate::config::Flags;
use crate::daemon;

/// Run the daemon
#[derive(Debug, Args)]
pub struct Serve {
    /// Address of the intake, for senders (port 0 picks one)
    #[arg(long, value_name = "ADDR")]
    intake: Option<SocketAddr>,
    /// Address of the console, for people (port 0 picks one)
    #[arg(long, value_name = "ADDR")]
    console: Option<SocketAddr>,
}

impl Serve {
    pub(super) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let flags = Flags {
            intake: self.intake,
            console: self.console,
            ..global.flags()
        };
        daemon::serve(flags)?;
        Ok(Exit::Ok)
    }
}
