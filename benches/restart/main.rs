//! What a kill costs: time to the first receipt and to readiness with N unfinished items, the
//! memory they take, and how fast an opened entrance lets them in while the intake goes on.
//! `cargo bench --bench restart -- --items 1000000`.

#[path = "../../tests/daemon/mod.rs"]
mod daemon;
#[path = "../load/mod.rs"]
mod load;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use serde_json::{Value, json};

use daemon::Daemon;
use load::anteroom;
use load::figures::{self, Spread};
use load::generator::{Load, Until};
use load::message::{SINGLE, Shape};

/// The demo's entrance of `claims` is closed by hand, so what is posted there stays buffered.
const BUFFERED: Shape = Shape {
    service: "claims",
    items: 100,
    lifetime_s: None,
};
const PREFILL_CONNECTIONS: usize = 16;
/// Senders that go on beside the release.
const BESIDE_CONNECTIONS: usize = 8;
const BESIDE: Duration = Duration::from_secs(2);
const READY_MAX: Duration = Duration::from_secs(60);
const RELEASE_MAX: Duration = Duration::from_secs(300);
/// How often the release is looked at: seldom, because each look starts a process.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A figure: its name, as shown, as reported.
type Line = (&'static str, String, Value);

#[derive(Parser, Debug)]
#[command(about = "Restart, memory and release with many buffered items")]
struct Options {
    /// Buffered items
    #[arg(long, default_value_t = 100_000)]
    items: u64,
    /// How often the daemon is killed and started again
    #[arg(long, default_value_t = 5)]
    restarts: usize,
    /// Seconds without load before memory is read
    #[arg(long, default_value_t = 2.0)]
    settle: f64,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.restarts > 0, "nothing to measure");
    let folder = daemon::folder("restart");
    let settle = Duration::from_secs_f64(options.settle);
    let mut lines: Vec<Line> = Vec::new();

    let mut daemon = anteroom::start(&folder.path().join("data"));
    std::thread::sleep(settle);
    let empty = memory(daemon.pid())?;
    lines.push((
        "PSS, empty, MB",
        format!("{:.1}", megabytes(empty)),
        json!(empty),
    ));

    let prefill = Until::Requests(options.items.div_ceil(BUFFERED.items as u64));
    let filled = anteroom::post(&daemon, BUFFERED, PREFILL_CONNECTIONS, prefill)?;
    let rate = filled.rate() * BUFFERED.items as f64;
    lines.push((
        "items/s posted in batches",
        format!("{rate:.0}"),
        json!(rate),
    ));
    let items = filled.answers * BUFFERED.items as u64;
    ensure!(
        daemon.service(BUFFERED.service)["buffered"] == items,
        "not all are buffered"
    );

    let restarts: Vec<Restart> = (0..options.restarts)
        .map(|_| restart(&mut daemon))
        .collect::<Result<_, _>>()?;
    let first_receipts = restarts.iter().map(|restart| restart.first_receipt);
    lines.push(milliseconds("start to first receipt, ms", first_receipts)?);
    let ready = restarts.iter().map(|restart| restart.ready);
    lines.push(milliseconds("start to ready, ms", ready)?);
    std::thread::sleep(settle);
    let full = memory(daemon.pid())?;
    lines.push((
        "PSS, all buffered, MB",
        format!("{:.1}", megabytes(full)),
        json!(full),
    ));
    let each = full.saturating_sub(empty) as f64 / items as f64;
    lines.push(("bytes a buffered item", format!("{each:.0}"), json!(each)));

    lines.extend(release(&daemon)?);
    std::thread::sleep(settle);
    let queued = memory(daemon.pid())?;
    lines.push((
        "PSS, all queued, MB",
        format!("{:.1}", megabytes(queued)),
        json!(queued),
    ));
    anteroom::end(daemon)?;
    report(folder.path(), items, &lines)
}

/// One kill and what came after it, counted from the start of the new process.
struct Restart {
    first_receipt: Duration,
    ready: Duration,
}

fn restart(daemon: &mut Daemon) -> anyhow::Result<Restart> {
    daemon.kill();
    let started = Instant::now();
    daemon.restart();
    // A socket is bound before all is read back; one item is one measure, so it is posted once.
    anteroom::post(daemon, SINGLE, 1, Until::Requests(1))?;
    let first_receipt = started.elapsed();
    loop {
        if daemon
            .console()
            .read("/readyz")
            .is_ok_and(|answer| answer.status == 200)
        {
            let ready = started.elapsed();
            return Ok(Restart {
                first_receipt,
                ready,
            });
        }
        ensure!(
            started.elapsed() < READY_MAX,
            "not ready after {READY_MAX:?}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn milliseconds(name: &'static str, times: impl Iterator<Item = Duration>) -> anyhow::Result<Line> {
    let spread = Spread::of(times.map(|time| time.as_secs_f64() * 1_000.0));
    let spread = spread.context("there was a restart")?;
    Ok((name, spread.show(0), spread.json()))
}

/// Opens the entrance while senders go on; how long until the buffer is empty, and what the
/// senders feel of it.
fn release(daemon: &Daemon) -> anyhow::Result<Vec<Line>> {
    let beside = || {
        let until = Until::Elapsed {
            warm: Duration::ZERO,
            measured: BESIDE,
        };
        anteroom::post(daemon, SINGLE, BESIDE_CONNECTIONS, until)
    };
    let before = beside()?;
    let (during, released) = std::thread::scope(|scope| {
        let senders = scope.spawn(beside);
        let released = open_and_wait(daemon);
        let during = senders.join().expect("the senders do not panic");
        anyhow::Ok((during?, released?))
    })?;
    let p99 = |load: &Load| load.quantile_us(0.99);
    let ratio = p99(&during) / p99(&before);
    let seconds = released.as_secs_f64();
    Ok(vec![
        ("release, s", format!("{seconds:.2}"), json!(seconds)),
        (
            "intake p99 before, µs",
            format!("{:.0}", p99(&before)),
            json!(p99(&before)),
        ),
        (
            "intake p99 beside the release, µs",
            format!("{:.0}", p99(&during)),
            json!(p99(&during)),
        ),
        ("the same ÷ before", format!("{ratio:.2}"), json!(ratio)),
    ])
}

fn open_and_wait(daemon: &Daemon) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let opened = daemon.cli(&["entrance", "open", BUFFERED.service]);
    ensure!(
        opened.status.success(),
        "{}",
        String::from_utf8_lossy(&opened.stderr)
    );
    loop {
        let service = daemon.service(BUFFERED.service);
        if service["buffered"] == 0 {
            return Ok(started.elapsed());
        }
        ensure!(
            started.elapsed() < RELEASE_MAX,
            "not released after {RELEASE_MAX:?}: {service}"
        );
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Proportional set size in bytes.
fn memory(pid: u32) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .context("no Pss line")?;
    Ok(kilobytes.parse::<u64>()? * 1_024)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn report(folder: &Path, items: u64, lines: &[Line]) -> anyhow::Result<()> {
    let mut table = Table::new();
    table
        .load_style(ASCII_MARKDOWN)
        .set_header([format!("{items} buffered items"), String::new()]);
    let mut figures = serde_json::Map::new();
    for (name, shown, value) in lines {
        table.add_row([(*name).to_owned(), shown.clone()]);
        figures.insert((*name).to_owned(), value.clone());
    }
    let machine = figures::machine(folder);
    let report = json!({ "machine": machine, "items": items, "figures": figures });
    let path = figures::write("restart.json", &report)?;
    println!("{table}\n{}", path.display());
    Ok(())
}
