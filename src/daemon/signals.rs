//! What the operating system asks for, in a thread of its own.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use tokio::sync::mpsc;
use tracing::warn;

/// Signals that may wait to be heard; more of the same say nothing new.
const WAITING_MAX: usize = 16;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// SIGTERM, SIGINT: finish what was begun, then end.
    Drain,
    /// SIGHUP: take the new configuration.
    Reload,
    /// SIGUSR1: log how things stand.
    Summary,
}

/// The thread that waits for signals. Its owner ends it.
pub struct SignalThread {
    handle: Handle,
    thread: JoinHandle<()>,
}

/// Starts to listen. The second signal that asks for a drain ends the process at once, whatever
/// the rest of it does: nothing that has a receipt is lost by that.
///
/// # Errors
/// The system refuses the handlers or the thread.
pub fn listen() -> io::Result<(SignalThread, mpsc::Receiver<Request>)> {
    // A file size limit shows as a failed write then, which the store knows how to answer.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])?;
    let handle = signals.handle();
    let (requests, heard) = mpsc::channel(WAITING_MAX);
    let thread = std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || pass_on(&mut signals, &requests))?;
    Ok((SignalThread { handle, thread }, heard))
}

fn pass_on(signals: &mut Signals, requests: &mpsc::Sender<Request>) {
    let mut draining = false;
    for signal in signals.forever() {
        let request = match signal {
            SIGHUP => Request::Reload,
            SIGUSR1 => Request::Summary,
            _ if draining => {
                warn!("asked to end a second time: ending at once");
                // Dies of the signal, as whoever sent it expects; it returns only on an error.
                if emulate_default_handler(signal).is_err() {
                    std::process::abort();
                }
                return;
            }
            _ => {
                draining = true;
                Request::Drain
            }
        };
        // A full channel already holds what this signal asks for.
        let _ = requests.try_send(request);
    }
}

impl SignalThread {
    /// Stops listening and waits for the thread.
    pub fn stop(self) {
        self.handle.close();
        if self.thread.join().is_err() {
            warn!("the thread that waits for signals panicked");
        }
    }
}
