//! Anteroom as a subject: started on a data directory, posted to, ended.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::load::anteroom;
use crate::load::generator::{Load, Until};
use crate::load::message::{SINGLE, Shape};

/// Items of history: buffered at a closed entrance and expired a second later.
const HISTORY: Shape = Shape {
    service: "claims",
    items: 100,
    lifetime_s: Some(1),
};
const HISTORY_CONNECTIONS: usize = 16;
/// How long the items of history may take to expire.
const EXPIRY_MAX: Duration = Duration::from_secs(120);

/// The bytes of a receipt and the names of the daemon's threads.
pub fn probe(folder: &Path) -> anyhow::Result<(usize, Vec<String>)> {
    let folder = tempfile::tempdir_in(folder)?;
    let daemon = anteroom::start(&folder.path().join("data"));
    let mut request = anteroom::request(&daemon, SINGLE)?;
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
    anteroom::end(daemon)?;
    Ok((answer.body.len(), threads))
}

/// Starts the daemon on `data`, posts, ends it.
pub fn post(data: &Path, shape: Shape, connections: usize, until: Until) -> anyhow::Result<Load> {
    let daemon = anteroom::start(data);
    let load = anteroom::post(&daemon, shape, connections, until)?;
    anteroom::end(daemon)?;
    Ok(load)
}

/// Posts items that expire at once, and waits until the last has ended.
pub fn make_history(data: &Path, items: u64) -> anyhow::Result<()> {
    let daemon = anteroom::start(data);
    let until = Until::Requests(items.div_ceil(HISTORY.items as u64));
    let load = anteroom::post(&daemon, HISTORY, HISTORY_CONNECTIONS, until)?;
    eprintln!("history: {:.0} items/s", load.rate() * HISTORY.items as f64);
    let started = Instant::now();
    while daemon.service(HISTORY.service)["buffered"] != 0 {
        ensure!(
            started.elapsed() < EXPIRY_MAX,
            "items of one second do not expire"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    anteroom::end(daemon)
}
