//! The JSON interface for whoever may open the control socket: as admin, each act audited with the
//! peer's user and process.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::Uri;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::domain::code::Code;
use crate::domain::journal::Actor;
use crate::domain::refusal::Refusal;
use crate::engine::view::Intake;
use crate::store;
use crate::store::backup::BackupError;

use super::acting::Acting;
use super::agents;
use super::answer::{self, shown};
use super::follow_ups;
use super::items;
use super::json::{BackedUpJson, DaemonJson};
use super::json_request::{invalid, json_body, json_parameters};
use super::look;
use super::notifications;
use super::server::Peer;
use super::services;
use super::state::Shared;
use super::users;
use super::workflows;

/// The routes of the control socket.
pub fn router(shared: Arc<Shared>) -> Router {
    let acting = services::routes()
        .merge(items::routes())
        .merge(follow_ups::routes())
        .merge(workflows::routes())
        .merge(agents::routes())
        .merge(users::routes())
        .merge(notifications::routes())
        .into_router();
    Router::new()
        .route("/api/v1/status", get(status))
        .route("/api/v1/queue", get(queue))
        .route("/api/v1/backup", post(backup))
        .route("/api/v1/reload", post(reload))
        .merge(acting.layer(middleware::from_fn(act_as_operator)))
        .fallback(answer::unknown_route)
        .method_not_allowed_fallback(answer::wrong_method)
        .with_state(shared)
}

async fn status(State(shared): State<Arc<Shared>>) -> Response {
    let view = shared.engine.view();
    let sum = |count: fn(&crate::engine::view::ServiceView) -> u64| {
        view.services.values().map(|service| count(service)).sum()
    };
    let intake = match (shared.is_serving(), view.intake) {
        (Err(_), _) => "draining",
        (Ok(()), Intake::StorageFull) => "storageFull",
        (Ok(()), Intake::Open) => "open",
    };
    answer::json_ok(&DaemonJson {
        version: env!("CARGO_PKG_VERSION"),
        uptime_ms: u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        intake,
        services: view.services.len(),
        queued: sum(|service| service.queued),
        buffered: sum(|service| service.buffered),
        scheduled: sum(|service| service.scheduled),
        engine_turns: shared.progress.load(Ordering::Relaxed),
        store_bytes: shared.store_bytes().await,
        body_bytes_in_flight: shared.budget.bytes_used(),
    })
}

async fn queue(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let found = async {
        let parameters = json_parameters(&uri, &["service", "tenant", "after", "limit"])?;
        let waiting = look::waiting(&shared, look::Page::of(parameters)?).await?;
        Ok(answer::json_ok(&waiting))
    };
    shown(found.await)
}

/// What `POST …/backup` says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BackupJson {
    file: PathBuf,
}

async fn backup(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let backed_up = async {
        let BackupJson { file } = json_body(request).await?;
        if !file.is_absolute() {
            return Err(invalid("file is an absolute path on the daemon's machine."));
        }
        back_up(&shared, file.clone()).await?;
        let metadata = tokio::fs::metadata(&file).await;
        Ok(answer::json_ok(&BackedUpJson {
            bytes: metadata.map_or(0, |metadata| metadata.len()),
            file,
        }))
    };
    shown(backed_up.await)
}

async fn back_up(shared: &Shared, file: PathBuf) -> Result<(), Refusal> {
    let Some(data) = shared.database.parent().map(PathBuf::from) else {
        return Err(invalid("The database has no folder."));
    };
    let copying =
        tokio::task::spawn_blocking(move || store::backup::backup(&data, &file, &mut |_| ()));
    let failure = match copying.await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(refused @ (BackupError::Exists(_) | BackupError::HasStore(_)))) => {
            return Err(invalid(refused.to_string()));
        }
        Ok(Err(failed)) => failed.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(error = failure, "a backup failed");
    Err(Refusal::new(
        Code::StorageFailed,
        format!("There is no backup: {failure}."),
    ))
}

async fn reload(State(shared): State<Arc<Shared>>) -> Response {
    let reloaded = (shared.reload)().await;
    shown(match reloaded {
        Ok(()) => Ok(answer::nothing()),
        Err(why) => Err(invalid(why)),
    })
}

async fn act_as_operator(
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(Acting {
        actor: operator(peer),
        from: None,
        user: None,
    });
    next.run(request).await
}

fn operator(peer: Peer) -> Actor {
    let pid = peer.pid.unwrap_or_default();
    Actor::Operator(format!("uid={} pid={pid}", peer.uid))
}
