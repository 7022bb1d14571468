//! Notifications that were given up, over JSON: `/api/v1/notifications`.
//!
//! Of whose service or tenant one may not see, a notification is as if there were none.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::code::Code;
use crate::domain::notification::NotificationId;
use crate::domain::permission::Action;
use crate::domain::refusal::Refusal;
use crate::engine::notify::{
    ListParked, NOTIFICATIONS_PAGE_MAX, ParkedNotification, ReplayNotifications,
};
use crate::engine::view::View;

use super::acting::Acting;
use super::answer::{self, ProblemDetails, shown};
use super::json::time;
use super::json_request::{invalid, json_body, json_parameters};
use super::routes::Routes;
use super::state::Shared;

/// The routes, which need [`Acting`] among the extensions.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/notifications", parked)
        .post("/api/v1/notifications/replay", replay)
}

/// A notification that was given up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ParkedNotification)]
pub(super) struct ParkedJson {
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

/// Notifications that were given up, oldest first.
#[utoipa::path(get, path = "/api/v1/notifications", tag = "notifications",
    params(
        ("after" = Option<String>, Query, description = "The last id of the page before"),
        ("limit" = Option<usize>, Query, description = "1 to 1,000"),
    ),
    responses((status = 200, body = [ParkedJson]), ProblemDetails))]
pub(super) async fn parked(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    uri: Uri,
) -> Response {
    let listed = async {
        acting.check_anywhere(Action::SeeNotifications)?;
        let parameters = json_parameters(&uri, &["after", "limit"])?;
        let after = parameters.get("after").map(|text| id(text)).transpose()?;
        let limit = match parameters.get("limit") {
            None => NOTIFICATIONS_PAGE_MAX,
            Some(text) => text
                .parse()
                .map_err(|_| invalid("limit is a whole number."))?,
        };
        let page = ListParked { after, limit };
        let parked = seen(&shared, &acting, page).await?;
        let parked: Vec<_> = parked.into_iter().map(ParkedJson::from).collect();
        Ok(answer::json_ok(&parked))
    };
    shown(listed.await)
}

/// A page of those that one may see: the engine knows no users, so further pages of its own are
/// read until this one is full.
async fn seen(
    shared: &Shared,
    acting: &Acting,
    page: ListParked,
) -> Result<Vec<ParkedNotification>, Refusal> {
    let mut seen = Vec::new();
    let mut next = page;
    loop {
        let parked = shared.engine.parked_notifications(next).await?;
        let view = shared.engine.view();
        let is_last = parked.len() < next.limit;
        next = ListParked {
            after: parked.last().map(|last| last.notification.id),
            limit: NOTIFICATIONS_PAGE_MAX,
        };
        let may_see = |one: &ParkedNotification| may(acting, Action::SeeNotifications, &view, one);
        seen.extend(parked.into_iter().filter(may_see));
        if is_last || seen.len() >= page.limit {
            seen.truncate(page.limit);
            return Ok(seen);
        }
    }
}

/// Whether one may do that with a notification: by its service, or, where that is gone, by its
/// tenant.
fn may(acting: &Acting, action: Action, view: &View, parked: &ParkedNotification) -> bool {
    if acting.user.is_none() {
        return true;
    }
    let Some((tenant, _)) = view.tenant_named(&parked.tenant) else {
        return false;
    };
    match view.service(tenant, &parked.notification.status.service) {
        Some(service) => acting.may_with(action, service),
        None => acting.may_in(action, tenant),
    }
}

/// Which notifications are to be tried again.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NotificationReplay)]
pub(super) struct ReplayJson {
    /// 1 to 1,000.
    ids: Vec<String>,
}

/// Has parked notifications tried again, all of them or none.
#[utoipa::path(post, path = "/api/v1/notifications/replay", tag = "notifications",
    request_body = ReplayJson,
    responses((status = 204), ProblemDetails))]
pub(super) async fn replay(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    request: Request,
) -> Response {
    let replayed = async {
        acting.check_anywhere(Action::ReplayNotification)?;
        let ReplayJson { ids } = json_body(request).await?;
        let ids: Vec<_> = ids.iter().map(|text| id(text)).collect::<Result<_, _>>()?;
        may_replay(&shared, &acting, &ids).await?;
        let actor = acting.actor.clone();
        let replay = ReplayNotifications { actor, ids };
        shared.engine.replay_notifications(replay).await?;
        Ok(answer::nothing())
    };
    shown(replayed.await)
}

/// Refuses users of what they may not replay. What the operator names and is not parked, the
/// engine leaves as it is.
async fn may_replay(
    shared: &Shared,
    acting: &Acting,
    ids: &[NotificationId],
) -> Result<(), Refusal> {
    if acting.user.is_none() {
        return Ok(());
    }
    let mut left: BTreeSet<_> = ids.iter().copied().collect();
    while let Some(first) = left.first().copied() {
        let page = ListParked {
            after: before(first),
            limit: NOTIFICATIONS_PAGE_MAX,
        };
        let parked = shared.engine.parked_notifications(page).await?;
        let view = shared.engine.view();
        for one in parked {
            if may(acting, Action::ReplayNotification, &view, &one) {
                left.remove(&one.notification.id);
            }
        }
        // The first is the first of its page, or it is not there for this user.
        if left.first() == Some(&first) {
            let message = format!("No notification {first} is parked.");
            return Err(Refusal::new(Code::NotFound, message));
        }
    }
    Ok(())
}

/// The id below which nothing is left out; `None`: from the beginning.
fn before(NotificationId(id): NotificationId) -> Option<NotificationId> {
    let below = id.as_u128().checked_sub(1)?;
    Some(NotificationId(Uuid::from_u128(below)))
}

fn id(text: &str) -> Result<NotificationId, Refusal> {
    text.parse()
        .map_err(|_| invalid(format!("{text} is no id of a notification.")))
}
