//! Anteroom as a subject: the demo with room enough, posted to, ended.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::ensure;

use super::generator::{self, Load, Until};
use super::message::{Request, Shape};
use crate::daemon::Daemon;

/// The demo's own queue and buffer are small; a benchmark fills them in seconds. The most there is.
const SETTINGS: [(&str, &str); 4] = [
    ("tenants.demo.services.loans.queue_items_max", "10000000"),
    ("tenants.demo.services.loans.buffer_items_max", "10000000"),
    ("tenants.demo.services.claims.queue_items_max", "10000000"),
    ("tenants.demo.services.claims.buffer_items_max", "10000000"),
];

/// Starts the demo on `data`.
pub fn start(data: &Path) -> Daemon {
    Daemon::start_with(data, &SETTINGS)
}

/// The request that posts `shape`, with references no earlier request on the same data had.
///
/// # Errors
/// When the clock stands before 1970.
pub fn request(daemon: &Daemon, shape: Shape) -> anyhow::Result<Request> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let credentials = daemon.credentials();
    Ok(Request::new(
        credentials.intake,
        &credentials.key,
        shape,
        now.as_micros() as u64,
    ))
}

/// Posts to a running daemon.
///
/// # Errors
/// As [`generator::run`].
pub fn post(
    daemon: &Daemon,
    shape: Shape,
    connections: usize,
    until: Until,
) -> anyhow::Result<Load> {
    let request = request(daemon, shape)?;
    generator::run(daemon.credentials().intake, &request, connections, until)
}

/// Ends the daemon by a drain.
///
/// # Errors
/// When the drain fails.
pub fn end(daemon: Daemon) -> anyhow::Result<()> {
    let status = daemon.terminate();
    ensure!(status.success(), "the daemon ended with {status}");
    Ok(())
}
