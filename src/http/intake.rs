//! The senders' door: routes, and the way every request through it goes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use axum::http::header::EXPECT;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::time::Instant;
use tracing::{Instrument, debug, error, info_span};

use crate::domain::code::Code;
use crate::domain::message::{Address, Cancel, Message, Query};
use crate::domain::refusal::Refusal;
use crate::engine::run::clock;

use super::answer::{self, Reply};
use super::auth::Caller;
use super::body::{self, TakenBody};
use super::media::{self, BodyKind};
use super::message;
use super::query;
use super::state::Shared;

/// What a sender may write, as published.
const WORK_ITEM_XSD: &str = include_str!("../../schemas/work-item.xsd");
/// What it is answered, as published.
const ANSWER_XSD: &str = include_str!("../../schemas/answer.xsd");
/// What a workflow may say, as published.
const WORKFLOW_XSD: &str = include_str!("../../schemas/workflow.xsd");
const SCHEMA_TYPE: &str = "application/xml; charset=utf-8";
/// Length of a `traceparent` of version 00.
const TRACEPARENT_BYTES: usize = 55;

/// The routes of the intake listener.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/work-items", post(post_message).get(list_or_find))
        .route("/v1/work-items/{id}", get(find).delete(cancel))
        .route("/v1/services", get(services))
        .route("/v1/services/{name}", get(service))
        .route("/v1/limits", get(limits))
        .route("/schemas/work-item.xsd", get(work_item_xsd))
        .route("/schemas/answer.xsd", get(answer_xsd))
        .route("/schemas/workflow.xsd", get(workflow_xsd))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(shared)
}

async fn post_message(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match traceparent(&parts) {
        None => posted(&shared, &parts, body).await,
        Some(traceparent) => {
            let span = info_span!("message", traceparent);
            posted(&shared, &parts, body).instrument(span).await
        }
    }
}

async fn posted(shared: &Shared, parts: &Parts, body: Body) -> Response {
    let begun = Instant::now();
    let Admitted { caller, kind } = match admit(shared, parts) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            // A client that waits for leave to send gets the answer instead.
            if !parts.headers.contains_key(EXPECT) {
                body::discard(body).await;
            }
            return finish(shared, begun, None, Err(refusal));
        }
    };
    let at = clock();
    let taken = body::take(body, kind.packing, &shared.budget, shared.body_timeout).await;
    let TakenBody { bytes, share } = match taken {
        Ok(taken) => taken,
        // The connection may still hold the rest of the body.
        Err(refusal) => {
            return answer::closing(finish(shared, begun, Some(&caller), Err(refusal)));
        }
    };
    let reply = match message::read(shared, &caller, kind.charset, bytes, at).await {
        Ok(read) => {
            let traceparent = traceparent(parts);
            let came = message::Came { at, traceparent };
            message::carry_out(shared, &caller, read.message, came).await
        }
        Err(refusal) => Err(refusal),
    };
    let response = finish(shared, begun, Some(&caller), reply);
    // Given back only now that the answer is made.
    drop(share);
    response
}

/// A message whose body may come.
struct Admitted<'a> {
    caller: Arc<Caller>,
    kind: BodyKind<'a>,
}

/// The checks that need no body: serving, known, with a token left, of a kind that can be read.
/// Takes the token.
fn admit<'a>(shared: &Shared, parts: &'a Parts) -> Result<Admitted<'a>, Refusal> {
    shared.is_serving()?;
    let caller = shared
        .callers()
        .authenticate(&parts.headers, &parts.extensions)?;
    message::take_token(&caller, clock())?;
    media::accepts_xml(&parts.headers)?;
    Ok(Admitted {
        kind: BodyKind::of(&parts.headers)?,
        caller,
    })
}

/// A request without a body: the same verbs in other clothes.
async fn ask(shared: &Shared, parts: &Parts, message: Result<Message, Refusal>) -> Response {
    let begun = Instant::now();
    let admitted = shared.is_serving().and_then(|()| {
        let callers = shared.callers();
        callers.authenticate(&parts.headers, &parts.extensions)
    });
    let caller = match admitted {
        Ok(caller) => caller,
        Err(refusal) => return finish(shared, begun, None, Err(refusal)),
    };
    let message = media::accepts_xml(&parts.headers).and(message);
    let reply = match message {
        Ok(message) => {
            let came = message::Came {
                at: clock(),
                traceparent: None,
            };
            message::carry_out(shared, &caller, message, came).await
        }
        Err(refusal) => Err(refusal),
    };
    finish(shared, begun, Some(&caller), reply)
}

/// Counts, logs and makes the response.
fn finish(
    shared: &Shared,
    begun: Instant,
    caller: Option<&Caller>,
    reply: Result<Reply, Refusal>,
) -> Response {
    match reply {
        Ok(reply) => {
            shared.metrics.answered(None, begun.elapsed());
            answer::reply(reply)
        }
        Err(refusal) => {
            shared
                .metrics
                .answered(Some(refusal.code()), begun.elapsed());
            log_refusal(caller, &refusal);
            let ends = refusal.code() == Code::Draining;
            let response = answer::refused(refusal);
            if ends {
                answer::closing(response)
            } else {
                response
            }
        }
    }
}

fn log_refusal(caller: Option<&Caller>, refusal: &Refusal) {
    let sender = caller.map_or("unknown", |caller| caller.sender.name.as_str());
    let code = refusal.code().name();
    match refusal.code() {
        Code::InternalError | Code::StorageFailed => {
            error!(sender, code, "a message could not be carried out");
        }
        _ => {
            let path = refusal.first.place.as_ref();
            let path = path.and_then(|place| place.path.as_deref());
            debug!(sender, code, path, "a message was refused");
        }
    }
}

async fn find(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let message = query::parameters(&parts.uri, &[])
        .and_then(|_| query::item_id(&id))
        .map(|id| Message::Query(Query::One(Address::Id(id))));
    ask(&shared, &parts, message).await
}

async fn cancel(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    body::discard(body).await;
    let message = cancelling(&id, &parts.uri);
    ask(&shared, &parts, message).await
}

fn cancelling(id: &str, uri: &Uri) -> Result<Message, Refusal> {
    let mut parameters = query::parameters(uri, &["reason"])?;
    let reason = parameters.remove("reason");
    Ok(Message::Cancel(Cancel {
        address: Address::Id(query::item_id(id)?),
        reason: reason.map(query::reason).transpose()?,
    }))
}

async fn list_or_find(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let message = query::parameters(&parts.uri, &["reference", "since", "state"])
        .and_then(query::of_parameters)
        .map(Message::Query);
    ask(&shared, &parts, message).await
}

async fn services(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    ask(&shared, &parts, Ok(Message::QueryServices(None))).await
}

async fn service(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    ask(&shared, &parts, Ok(Message::QueryServices(Some(name)))).await
}

async fn limits(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    ask(&shared, &parts, Ok(Message::QueryLimits)).await
}

async fn work_item_xsd() -> Response {
    answer::text_ok(SCHEMA_TYPE, WORK_ITEM_XSD)
}

async fn answer_xsd() -> Response {
    answer::text_ok(SCHEMA_TYPE, ANSWER_XSD)
}

async fn workflow_xsd() -> Response {
    answer::text_ok(SCHEMA_TYPE, WORKFLOW_XSD)
}

async fn unknown_route() -> Response {
    answer::refused(Refusal::new(
        Code::NotFound,
        "There is nothing at this address: messages go to POST /v1/work-items.",
    ))
}

async fn wrong_method() -> Response {
    answer::refused(Refusal::new(
        Code::MethodNotAllowed,
        "This address does not know the method: the Allow header names those it knows.",
    ))
}

/// The `traceparent` of a request, if it is one by the W3C's rules.
fn traceparent(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get("traceparent")?.to_str().ok()?;
    let shape = |(index, byte): (usize, u8)| match index {
        2 | 35 | 52 => byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    };
    let fits = value.len() == TRACEPARENT_BYTES && value.bytes().enumerate().all(shape);
    fits.then_some(value)
}
