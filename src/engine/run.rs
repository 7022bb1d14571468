//! The thread around the engine: it waits for commands or the next timer, reads the clock once a
//! turn, and stops when nobody can send any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::domain::time::Timestamp;
use crate::store::{Store, StoreError};

use super::Engine;
use super::command::Command;
use super::handle::EngineHandle;
use super::live::Live;
use super::view::View;

/// Commands taken in one turn, at most.
const COMMANDS_PER_TURN: usize = 256;
/// Bytes of commands taken in one turn, at most (one larger command goes alone).
const BYTES_PER_TURN: usize = 1024 * 1024;
/// The longest the engine sleeps, so that its progress can be seen.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// A running engine: its handle and its thread.
pub struct RunningEngine {
    /// What the other rooms hold.
    pub handle: EngineHandle,
    /// Turns made so far: stands still when the engine hangs.
    pub progress: Arc<AtomicU64>,
    /// Joined by the daemon after the last handle is dropped. Its error is fatal.
    pub thread: JoinHandle<Result<(), StoreError>>,
}

/// The clock of the machine.
pub fn clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Starts the engine's thread. It ends when every handle is dropped and all commands are answered,
/// or when the store fails fatally. Up to `commands_waiting_max` commands may wait for it; a door
/// that finds no place answers `overloaded`.
///
/// # Errors
/// The operating system gives no thread.
pub fn spawn<S: Store + 'static>(
    engine: Engine<S>,
    commands_waiting_max: usize,
) -> std::io::Result<RunningEngine> {
    let (sender, receiver) = sync_channel(commands_waiting_max);
    let (pictures, view) = watch::channel(Arc::new(engine.view()));
    let live = Arc::new(Live::new(clock()));
    let events = live.clone();
    let progress = Arc::new(AtomicU64::new(0));
    let turns = progress.clone();
    let thread = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || run(engine, &receiver, (&pictures, &events), &turns))?;
    Ok(RunningEngine {
        handle: EngineHandle::new(sender, view, live),
        progress,
        thread,
    })
}

/// The sending half that a handle keeps.
pub(super) type CommandSender = SyncSender<Command>;

fn run<S: Store>(
    mut engine: Engine<S>,
    commands: &Receiver<Command>,
    (pictures, live): (&watch::Sender<Arc<View>>, &Live),
    turns: &AtomicU64,
) -> Result<(), StoreError> {
    let mut due = Some(clock());
    let mut untidy = true;
    let mut turned_at = clock();
    loop {
        let (batch, open) = collect(commands, wait(due, untidy));
        if batch.is_empty() && !open {
            return Ok(());
        }
        let now = clock();
        // A clock that was set back closes entrances and makes the time of a probe far away.
        let set_back = now < turned_at;
        if batch.is_empty() && !set_back && due.is_none_or(|due| due > now) {
            untidy = engine.tidy()?;
        } else {
            // First the picture: whoever hears of an event finds it there.
            let mut publish = |view, events| {
                drop(pictures.send_replace(Arc::new(view)));
                live.publish(events, now);
            };
            due = match engine.turn(batch, now, &mut publish) {
                Ok(due) => due,
                Err(failure) => {
                    // Its unanswered commands must not be told that it stopped: see `Engine`.
                    std::mem::forget(engine);
                    return Err(failure);
                }
            };
            turned_at = now;
            untidy = true;
        }
        turns.fetch_add(1, Ordering::Relaxed);
    }
}

/// How long to wait for a command before something else is to be done.
fn wait(due: Option<Timestamp>, untidy: bool) -> Duration {
    if untidy {
        return Duration::ZERO;
    }
    let until_due = due.map(|due| due.since_ms(clock()).max(0).unsigned_abs());
    until_due.map_or(SLEEP_MAX, |ms| Duration::from_millis(ms).min(SLEEP_MAX))
}

/// Takes what waits, up to the limits of a turn. Also says whether anybody can still send.
fn collect(commands: &Receiver<Command>, wait: Duration) -> (Vec<Command>, bool) {
    let mut batch = Vec::new();
    let mut bytes = 0;
    match commands.recv_timeout(wait) {
        Ok(command) => {
            bytes += command.weight();
            batch.push(command);
        }
        Err(RecvTimeoutError::Timeout) => return (batch, true),
        Err(RecvTimeoutError::Disconnected) => return (batch, false),
    }
    while batch.len() < COMMANDS_PER_TURN && bytes < BYTES_PER_TURN {
        match commands.try_recv() {
            Ok(command) => {
                bytes += command.weight();
                batch.push(command);
            }
            Err(TryRecvError::Empty) => break,
            Err(TryRecvError::Disconnected) => return (batch, false),
        }
    }
    (batch, true)
}
