//! What happens, as it happens: `/api/v1/events`, server-sent events.
//!
//! Everything in a stream stands in the engine's [`Live`](crate::engine::live::Live) with a number.
//! A stream keeps the number of the last one it has sent and a few that it is about to send:
//! whoever reads slowly costs no memory, and whoever was away for long gets a new snapshot.
//! [`concern`] says who is told what, [`shown`] how it looks, [`stream`] when.

pub mod concern;
pub mod shown;
pub mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};

use crate::domain::permission::{Action, Target, may};
use crate::domain::refusal::Refusal;
use crate::engine::live::EventId;
use crate::http::acting::not_allowed;
use crate::http::answer::{ProblemDetails, shown as answered};
use crate::http::json_request::{invalid, json_parameters};
use crate::http::routes::Routes;
use crate::http::server::{Bounds, ServerLimits};
use crate::http::state::Shared;
use crate::people::sign_in::SignedIn;

use stream::Feed;

/// Silence on a stream, at most.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A connection is kept alive so many times in its idle timeout, at least.
const SIGNS_PER_TIMEOUT: u32 = 3;
/// The number of the last event that a client has seen.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// For proxies that would wait for the end of an answer.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The route.
pub fn routes() -> Routes {
    Routes::new().get("/api/v1/events", events)
}

/// What happens to oneself, and to the services and agents one may see, as server-sent events:
/// `snapshot`, `offered`, `offerEnded`, `item`, `state`, `followUp`, `services`. With the number of the last
/// event that one has, what came since comes first; when nobody knows any longer, or without a
/// number, a `snapshot`.
#[utoipa::path(get, path = "/api/v1/events", tag = "events",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "Of the last event that one has"),
        ("lastEventId" = Option<String>, Query, description = "The same, where one cannot set headers"),
    ),
    responses((status = 200, body = String, content_type = "text/event-stream"), ProblemDetails))]
pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    Extension(signed_in): Extension<SignedIn>,
    Extension(bounds): Extension<Bounds>,
    request: Request,
) -> Response {
    let opened = match last_seen(request) {
        Ok(last) => open(shared, signed_in, bounds, last).await,
        Err(refusal) => Err(refusal),
    };
    answered(opened)
}

async fn open(
    shared: Arc<Shared>,
    signed_in: SignedIn,
    bounds: Bounds,
    last: Option<EventId>,
) -> Result<Response, Refusal> {
    if !may(signed_in.user(), Action::KeepOwnState, Target::Own) {
        return Err(not_allowed());
    }
    let limits = bounds.limits;
    let user = signed_in.user().id;
    let slot = shared
        .attendance
        .open(&shared.engine, user, streams_max(&limits))
        .await?;
    let feed = Feed::new(shared, signed_in, slot, bounds.shutdown, last);
    let every = KEEP_ALIVE.min(limits.idle_timeout / SIGNS_PER_TIMEOUT);
    let stream = Sse::new(feed.into_stream()).keep_alive(KeepAlive::new().interval(every));
    let mut response = stream.into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// Streams hold their connections: some are left for everything else.
fn streams_max(limits: &ServerLimits) -> usize {
    let connections = limits.connections_max as usize;
    (connections * 3 / 4).max(1)
}

/// The header wins: a browser that reconnects sets it, and keeps the address it began with.
fn last_seen(request: Request) -> Result<Option<EventId>, Refusal> {
    let mut parameters = json_parameters(request.uri(), &["lastEventId"])?;
    let header = request.headers().get(LAST_EVENT_ID);
    let header = header.and_then(|value| value.to_str().ok());
    let said = header
        .map(str::to_owned)
        .or_else(|| parameters.remove("lastEventId"))
        .filter(|said| !said.is_empty());
    let Some(said) = said else {
        return Ok(None);
    };
    let number = said.parse().map_err(|_| {
        invalid("Last-Event-ID is the id of an event, as it was sent: a whole number.")
    })?;
    Ok(Some(EventId(number)))
}
