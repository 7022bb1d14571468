//! Anteroom as a subject: started on a data directory, posted to, ended.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};

use crate::daemon::Daemon;
use crate::load::generator::{self, Load, Until};
use crate::load::message::{Request, SINGLE, Shape};

/// The demo's own queue and buffer are small; a benchmark fills them in seconds.
const SETTINGS: [(&str, &str); 4] = [
    ("tenants.demo.services.loans.queue_items_max", "100000000"),
    ("tenants.demo.services.loans.buffer_items_max", "100000000"),
    ("tenants.demo.services.claims.queue_items_max", "100000000"),
    ("tenants.demo.services.claims.buffer_items_max", "100000000"),
];
/// Items of history: buffered at a closed entrance and expired a second later.
const HISTORY: Shape = Shape {
    service: "claims",
    items: 100,
    lifetime_s: Some(1),
};
/// How long the items of history may take to expire.
const EXPIRY_MAX: Duration = Duration::from_secs(120);

/// The bytes of a receipt and the names of the daemon's threads.
pub fn probe(folder: &Path) -> anyhow::Result<(usize, Vec<String>)> {
    let folder = tempfile::tempdir_in(folder)?;
    let daemon = Daemon::start_with(&folder.path().join("data"), &SETTINGS);
    let credentials = daemon.credentials();
    let mut request = Request::new(credentials.intake, &credentials.key, SINGLE, run_number());
    let message = String::from_utf8(request.numbered(0).to_vec())?;
    let (_, body) = message
        .split_once("\r\n\r\n")
        .context("a request has a body")?;
    let answer = daemon.sender().post(body)?;
    ensure!(
        answer.status == 201,
        "the first item: {} {}",
        answer.status,
        answer.text()
    );
    let mut threads = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{}/task", daemon.pid()))? {
        let name = std::fs::read_to_string(task?.path().join("comm"))?;
        threads.push(name.trim().to_owned());
    }
    threads.sort();
    end(daemon)?;
    Ok((answer.body.len(), threads))
}

/// Starts the daemon on `data`, posts, ends it.
pub fn post(data: &Path, shape: Shape, connections: usize, until: Until) -> anyhow::Result<Load> {
    let daemon = Daemon::start_with(data, &SETTINGS);
    let credentials = daemon.credentials();
    let request = Request::new(credentials.intake, &credentials.key, shape, run_number());
    let load = generator::run(credentials.intake, &request, connections, until, 0)?;
    end(daemon)?;
    Ok(load)
}

/// Posts items that expire at once, and waits until the last has ended.
pub fn make_history(data: &Path, items: u64) -> anyhow::Result<()> {
    let daemon = Daemon::start_with(data, &SETTINGS);
    let credentials = daemon.credentials();
    let request = Request::new(credentials.intake, &credentials.key, HISTORY, run_number());
    let until = Until::Requests(items.div_ceil(HISTORY.items as u64));
    let load = generator::run(credentials.intake, &request, 16, until, 0)?;
    eprintln!("history: {:.0} items/s", load.rate() * HISTORY.items as f64);
    let started = Instant::now();
    while daemon.service(HISTORY.service)["buffered"] != 0 {
        ensure!(
            started.elapsed() < EXPIRY_MAX,
            "items of one second do not expire"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    end(daemon)
}

fn end(daemon: Daemon) -> anyhow::Result<()> {
    let status = daemon.terminate();
    ensure!(status.success(), "the daemon ended with {status}");
    Ok(())
}

/// Sets the references of one measurement apart from those before it on the same data.
pub fn run_number() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_millis() as u64)
}
