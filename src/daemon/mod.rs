//! The daemon: start order, signals, reload, drain. The only room that knows all the others.
//!
//! Start: configuration → log → signals → store (with its lock) → engine → listeners → delivery of
//! notifications → the demo's users and credentials → "ready". The end goes the same way back: stop
//! accepting, finish requests and attempts begun, let go of the engine, which answers what waits, checkpoints and closes. Every step of the end
//! has a deadline; whatever is not done by then is cut off, and nothing that has a receipt is lost
//! by that.

mod demo;
mod limits;
mod log;
pub mod rehearsal;
mod reload;
mod running;
mod setup;
mod signals;
mod sockets;
mod strangers;
mod summary;
mod systemd;

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tracing::{error, info};

use crate::config::{ConfigErrors, Flags};
use crate::domain::policy::Policy;
use crate::engine::run::RunningEngine;
use crate::engine::{Engine, StartError, run};
use crate::http::tls::TlsError;
use crate::store::StoreError;
use crate::store::read::Readers;
use crate::store::sqlite::{DATABASE_FILE, SqliteOptions, SqliteStore};

use running::Ended;
use setup::Setup;
use sockets::SocketError;

pub use crate::engine::run::clock;
pub use demo::{CREDENTIALS_FILE, key_digest, new_key};

/// The control socket in the data folder.
pub const CONTROL_SOCKET: &str = "control.sock";
/// Connections for reading, beside the writer's.
const READERS: usize = 4;
/// How long tasks that do not end by themselves are waited for.
const TASKS_WAIT: Duration = Duration::from_secs(1);
/// How long the engine may take to answer what waits, checkpoint and close.
const ENGINE_WAIT: Duration = Duration::from_secs(5);

/// Why the daemon does not run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Correct the configuration.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// The configuration does not fit what is stored. Correct it.
    #[error("{0}")]
    Policy(String),
    /// Notifications could not be signed. Correct the files or the configuration.
    #[error("{0}")]
    Secrets(String),
    /// The certificates cannot be used. Correct them or the configuration.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
    /// See [`SocketError`].
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The demo's credentials cannot be read or written.
    #[error("the demo's credentials: {0}")]
    Demo(io::Error),
    /// The system refuses what every process may have: threads, handlers.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    /// The engine ended by itself. What it last answered is on disk; start again.
    #[error("the engine stopped: {0}")]
    EngineStopped(String),
}

impl From<StartError> for ServeError {
    fn from(error: StartError) -> ServeError {
        match error {
            StartError::Store(error) => ServeError::Store(error),
            StartError::Policy(text) => ServeError::Policy(text),
        }
    }
}

/// Runs the daemon until it is told to end. Called with no other thread running.
///
/// # Errors
/// It could not start, or the engine stopped by itself. Nothing with a receipt is lost.
pub fn serve(flags: Flags) -> Result<(), ServeError> {
    let handed_over = sockets::handed_over()?;
    let setup = Setup::load(flags)?;
    log::start(&setup.config.log)?;
    setup.log_warnings();
    limits::raise_open_files();
    let (signal_thread, signals) = signals::listen()?;
    let policy = Arc::new(setup.config.policy.clone());
    let (engine, readers) = start_engine(&setup, policy.clone())?;
    let runtime = runtime()?;
    let RunningEngine {
        handle,
        progress,
        thread,
    } = engine;
    let node = running::Node {
        setup,
        policy,
        engine: handle,
        progress,
        readers,
        signals,
        handed_over,
    };
    let ended = runtime.block_on(running::run(node));
    // Whatever still holds a handle of the engine is dropped here, at the latest.
    runtime.shutdown_timeout(TASKS_WAIT);
    let engine_ended = join_engine(thread, ENGINE_WAIT);
    signal_thread.stop();
    match (ended?, engine_ended) {
        (Ended::Drained, Ok(())) => {
            info!("ended");
            Ok(())
        }
        (Ended::EngineStopped, Ok(())) => Err(ServeError::EngineStopped("no reason".to_owned())),
        (Ended::Drained | Ended::EngineStopped, Err(reason)) => {
            error!(reason, "the engine stopped");
            Err(ServeError::EngineStopped(reason))
        }
    }
}

fn start_engine(
    setup: &Setup,
    policy: Arc<Policy>,
) -> Result<(RunningEngine, Arc<Readers>), ServeError> {
    let store = &setup.config.store;
    let database = store.data.join(DATABASE_FILE);
    if store.sqlite != database {
        let text = format!(
            "`sqlite` under [store] names {}, but this version keeps the database in {}: remove \
             the key, or set `data`",
            store.sqlite.display(),
            database.display()
        );
        return Err(ServeError::Policy(text));
    }
    let options = SqliteOptions {
        bytes_max: store.bytes_max,
        ..SqliteOptions::default()
    };
    let sqlite = SqliteStore::open(&store.data, options)?;
    let readers = Arc::new(Readers::open(&store.data, READERS)?);
    let engine = Engine::start(sqlite, policy, random(), clock())?;
    let commands_waiting_max = setup.config.limits.engine_queue_max as usize;
    Ok((run::spawn(engine, commands_waiting_max)?, readers))
}

/// Where ids take their randomness from.
fn random() -> crate::engine::ids::RandomSource {
    Box::new(|bytes: &mut [u8]| {
        getrandom::fill(bytes).expect("the system has randomness once it has started");
    })
}

/// One core is left to the engine and the disk: on two cores one worker took in a tenth more at 64
/// connections than two, and a fifth more at 256.
fn runtime() -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.saturating_sub(1).max(1))
        .thread_name("http")
        .enable_all()
        .build()
}

/// Waits for the engine's thread.
///
/// # Errors
/// A sentence: its error, its panic, or that it did not end in time.
fn join_engine(thread: JoinHandle<Result<(), StoreError>>, wait: Duration) -> Result<(), String> {
    let (done, ended) = mpsc::channel();
    let joining = std::thread::Builder::new()
        .name("engine-end".to_owned())
        .spawn(move || {
            let outcome = match thread.join() {
                Ok(outcome) => outcome.map_err(|error| error.to_string()),
                Err(_) => Err("it panicked".to_owned()),
            };
            // Nobody hears it after the deadline.
            let _ = done.send(outcome);
        });
    joining.map_err(|error| error.to_string())?;
    match ended.recv_timeout(wait) {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("it did not end within {} s", wait.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn an_engine_that_ended_well_has_no_reason() {
        let thread = std::thread::spawn(|| Ok(()));
        assert_eq!(join_engine(thread, LONG), Ok(()));
    }

    #[test]
    fn an_engine_that_failed_says_why() {
        let thread = std::thread::spawn(|| Err(StoreError::Fatal("no sync".to_owned())));
        let reason = join_engine(thread, LONG).expect_err("it failed");
        assert!(reason.contains("no sync"), "{reason}");
    }

    #[test]
    fn an_engine_that_hangs_is_not_waited_for() {
        let (_open, closed) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            // Ends with the test, when the other end is dropped.
            let _ = closed.recv();
            Ok(())
        });
        let reason = join_engine(thread, Duration::ZERO).expect_err("it hangs");
        assert!(reason.contains("did not end"), "{reason}");
    }
}
