//! What probes and Prometheus ask on the console's listener: is the process alive, does it do its
//! work, what has it counted.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;
use tokio::time::{Instant, sleep};

use crate::domain::code::Code;
use crate::domain::message::Address;
use crate::domain::policy::SenderPolicy;
use crate::domain::refusal::Refusal;
use crate::engine::command::ResolveItem;
use crate::engine::view::Intake;

use super::answer;
use super::metrics;
use super::state::Shared;

/// A turn of the engine must come within this time.
const ENGINE_TURN_MAX: Duration = Duration::from_secs(5);
/// How often the count of turns is looked at while one is waited for.
const ENGINE_LOOK: Duration = Duration::from_millis(20);
/// Room on the disk below which the daemon is not ready: the write-ahead log, and some.
const DISK_ROOM_BYTES_MIN: u64 = 64 * 1024 * 1024;
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The routes of probes and metrics.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(exposition))
        .with_state(shared)
}

async fn alive() -> Response {
    answer::probe(true, "ok\n".to_owned())
}

async fn ready(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let checks = [
        ("intake", serves(&shared)),
        ("store", is_writable(&shared)),
        ("disk", has_room(&shared.database)),
        ("engine", makes_progress(&shared).await),
    ];
    let healthy = checks.iter().all(|(_, check)| check.is_ok());
    let verbose = uri.query().is_some_and(|query| query.contains("verbose"));
    if !verbose {
        let text = if healthy { "ok\n" } else { "not ready\n" };
        return answer::probe(healthy, text.to_owned());
    }
    let mut text = String::new();
    for (name, check) in checks {
        // Writing to memory does not fail.
        let _ = match check {
            Ok(()) => writeln!(text, "[+] {name}: ok"),
            Err(why) => writeln!(text, "[-] {name}: {why}"),
        };
    }
    answer::probe(healthy, text)
}

async fn exposition(State(shared): State<Arc<Shared>>) -> Response {
    match metrics::exposition(&shared) {
        Ok(text) => answer::text_ok(OPEN_METRICS, text),
        Err(_) => answer::problem(&Refusal::new(
            Code::InternalError,
            "The metrics cannot be written.",
        )),
    }
}

fn serves(shared: &Shared) -> Result<(), String> {
    shared.is_serving().map_err(|refusal| refusal.first.message)
}

fn is_writable(shared: &Shared) -> Result<(), String> {
    match shared.engine.view().intake {
        Intake::Open => Ok(()),
        Intake::StorageFull => Err("full: new items are refused until there is room".to_owned()),
    }
}

fn has_room(database: &Path) -> Result<(), String> {
    let disk = rustix::fs::statvfs(database).map_err(|error| error.to_string())?;
    let room = disk.f_bavail.saturating_mul(disk.f_frsize);
    if room < DISK_ROOM_BYTES_MIN {
        return Err(format!("{room} bytes left on the disk"));
    }
    Ok(())
}

/// Asks the engine something that costs nothing, so that even an idle one makes a turn at once; an
/// engine whose queue is full is watched instead.
async fn makes_progress(shared: &Shared) -> Result<(), String> {
    let before = shared.progress.load(Ordering::Relaxed);
    let waited = Instant::now();
    let question = shared.engine.resolve(ResolveItem {
        sender: nobody(),
        address: Address::Reference(String::new()),
    });
    let answered = tokio::time::timeout(ENGINE_TURN_MAX, question).await;
    if let Ok(Err(refusal)) = &answered
        && refusal.code() != Code::Overloaded
        && refusal.code() != Code::InternalError
    {
        return Ok(());
    }
    while shared.progress.load(Ordering::Relaxed) == before {
        if waited.elapsed() >= ENGINE_TURN_MAX {
            let seconds = ENGINE_TURN_MAX.as_secs();
            return Err(format!("no turn within {seconds} s"));
        }
        sleep(ENGINE_LOOK).await;
    }
    Ok(())
}

/// A sender that no configuration can name: its question is refused without a look at the store.
fn nobody() -> Arc<SenderPolicy> {
    Arc::new(SenderPolicy {
        name: String::new(),
        tenant: String::new(),
        key_sha256: Vec::new(),
        client_cert_subject: None,
        services: None,
        rate_per_minute: None,
        receipts: false,
        enabled: false,
        notify: None,
    })
}
