//! Notifications that were given up, over JSON: `/api/v1/notifications`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use crate::domain::notification::NotificationId;
use crate::domain::refusal::Refusal;
use crate::engine::notify::{
    ListParked, NOTIFICATIONS_PAGE_MAX, ParkedNotification, ReplayNotifications,
};

use super::answer::{self, shown};
use super::control::operator;
use super::json::time;
use super::json_request::{invalid, json_body, json_parameters};
use super::server::Peer;
use super::state::Shared;

/// The routes, for the control socket.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v1/notifications", get(parked))
        .route("/api/v1/notifications/replay", post(replay))
}

/// A notification that was given up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ParkedJson {
    id: String,
    tenant: String,
    sender: String,
    item: String,
    reference: String,
    service: String,
    sequence: u32,
    event: &'static str,
    name: Option<String>,
    at: String,
    failed: u32,
    failing_since: Option<String>,
    error: Option<String>,
}

impl From<ParkedNotification> for ParkedJson {
    fn from(parked: ParkedNotification) -> ParkedJson {
        let one = parked.notification;
        ParkedJson {
            id: one.id.to_string(),
            tenant: parked.tenant.to_string(),
            sender: parked.sender.to_string(),
            item: one.status.id.to_string(),
            reference: one.status.reference,
            service: one.status.service,
            sequence: one.number,
            event: one.event.kind().name(),
            name: one.event.workflow_name().map(str::to_owned),
            at: time(one.at),
            failed: one.attempts.failed,
            failing_since: one.attempts.failing_since.map(time),
            error: one.attempts.error,
        }
    }
}

async fn parked(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let listed = async {
        let parameters = json_parameters(&uri, &["after", "limit"])?;
        let after = parameters.get("after").map(|text| id(text)).transpose()?;
        let limit = match parameters.get("limit") {
            None => NOTIFICATIONS_PAGE_MAX,
            Some(text) => text
                .parse()
                .map_err(|_| invalid("limit is a whole number."))?,
        };
        let page = ListParked { after, limit };
        let parked = shared.engine.parked_notifications(page).await?;
        let parked: Vec<_> = parked.into_iter().map(ParkedJson::from).collect();
        Ok(answer::json_ok(&parked))
    };
    shown(listed.await)
}

/// What `POST …/replay` says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReplayJson {
    ids: Vec<String>,
}

async fn replay(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    let replayed = async {
        let ReplayJson { ids } = json_body(request).await?;
        let ids = ids.iter().map(|text| id(text)).collect::<Result<_, _>>()?;
        let actor = operator(peer);
        let replay = ReplayNotifications { actor, ids };
        shared.engine.replay_notifications(replay).await?;
        Ok(answer::nothing())
    };
    shown(replayed.await)
}

fn id(text: &str) -> Result<NotificationId, Refusal> {
    text.parse()
        .map_err(|_| invalid(format!("{text} is no id of a notification.")))
}
