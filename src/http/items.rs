//! Items over JSON: `/api/v1/items` and the queues of services, for agents, supervisors and the
//! operator alike. [`seen`] says who may see which, [`verbs`] is what can be done with one, [`bulk`]
//! with many, [`json`] and [`flow`] what is shown, [`reads`] puts on record who saw it.

pub mod bulk;
pub mod flow;
pub mod json;
pub mod reads;
pub mod seen;
pub mod verbs;

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::domain::code::Code;
use crate::domain::permission::Action;
use crate::domain::refusal::Refusal;
use crate::engine::reads::ItemRead;
use crate::engine::view::View;
use crate::store::StoreError;

use super::acting::{Acting, not_allowed};
use super::answer::{self, ProblemDetails, shown};
use super::json_request::json_parameters;
use super::look;
use super::routes::Routes;
use super::state::Shared;
use json::{ItemJson, Life, TraceJson, WaitingJson};
use seen::Sight;

/// The routes, which need [`Acting`] among the extensions.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/items/{id}", show)
        .get("/api/v1/items/{id}/trace", trace)
        .get("/api/v1/items/{id}/message", message)
        .get("/api/v1/items/{id}/attachments/{number}", attachment)
        .get("/api/v1/services/{service}/queue", queue)
        .merge(verbs::routes())
        .merge(bulk::routes())
}

/// An item, with its version as `ETag`.
#[utoipa::path(get, path = "/api/v1/items/{id}", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
) -> Response {
    let found = async {
        let seen = seen::find(&shared, &acting, name).await?;
        reads::note(&shared, &acting, &seen.listed.item, ItemRead::Item).await?;
        let follow_ups = seen.follow_ups(&shared).await?;
        let item = seen::show_one(&shared, seen).await?.with(follow_ups);
        let response = answer::json_ok(&item);
        Ok(answer::with_version(response, item.version()))
    };
    shown(found.await)
}

/// The whole life of an item, to be kept as a file: its journal and its stays with agents and in
/// services.
#[utoipa::path(get, path = "/api/v1/items/{id}/trace", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    responses((status = 200, body = TraceJson), ProblemDetails))]
pub(super) async fn trace(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
) -> Response {
    let found = async {
        let seen = seen::find(&shared, &acting, name).await?;
        reads::note(&shared, &acting, &seen.listed.item, ItemRead::Trace).await?;
        let (id, sequence) = (seen.listed.item.id, seen.listed.item.sequence);
        let life = shared.read(move |reader| {
            Ok(Life {
                journal: reader.journal(sequence)?,
                agent_sessions: reader.agent_sessions(sequence)?,
                service_sessions: reader.service_sessions(sequence)?,
            })
        });
        let life = life.await?;
        let now = seen.locate(&shared).await?;
        let people = shared.engine.people();
        let trace = TraceJson::of(seen, now.state, life, &people);
        let response = answer::json_ok(&trace);
        Ok(answer::as_file(response, &format!("item-{id}-trace.json")))
    };
    shown(found.await)
}

/// The message that made an item, as long as it is kept; not for agents, and only for those who
/// may see the customer's identifier, which stands in it.
#[utoipa::path(get, path = "/api/v1/items/{id}/message", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    responses((status = 200, content_type = "application/xml", body = String), ProblemDetails))]
pub(super) async fn message(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
) -> Response {
    let found = async {
        let seen = seen::find(&shared, &acting, name).await?;
        if seen.sight != Sight::ByRight {
            return Err(not_allowed());
        }
        if !seen.shows_identifiers(&shared.policy()) {
            return Err(Refusal::new(
                Code::NotAuthorised,
                "The message may hold the customer's identifier, which you may not see.",
            ));
        }
        let item = &seen.listed.item;
        let sequence = item.sequence;
        let messages = shared.read(move |reader| reader.raw_messages(sequence));
        let first = messages.await?.into_iter().next();
        let first = first
            .ok_or_else(|| Refusal::new(Code::NotFound, "The message is not kept any longer."))?;
        reads::note(&shared, &acting, item, ItemRead::Message).await?;
        Ok(answer::text_ok("application/xml; charset=utf-8", first))
    };
    shown(found.await)
}

/// An attachment, always as a file to be kept, never to be opened in the page.
#[utoipa::path(get, path = "/api/v1/items/{id}/attachments/{number}", tag = "items",
    params(
        ("id" = String, Path, description = "The item's id"),
        ("number" = u32, Path, description = "From 1, as in the item's list"),
    ),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        ProblemDetails,
    ))]
pub(super) async fn attachment(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path((name, number)): Path<(String, String)>,
) -> Response {
    let found = async {
        let seen = seen::find(&shared, &acting, name).await?;
        let none = || Refusal::new(Code::NotFound, "The item has no such attachment.");
        let number: u32 = number.parse().map_err(|_| none())?;
        let sequence = seen.listed.item.sequence;
        let reading = shared.read(move |reader| match reader.attachment(sequence, number) {
            Err(StoreError::Fatal(why)) => Ok(Err(why)),
            read => Ok(Ok(read?)),
        });
        match reading.await? {
            Ok(Some((file, body))) => {
                let read = ItemRead::Attachment(number);
                reads::note(&shared, &acting, &seen.listed.item, read).await?;
                let response = answer::bytes_ok(&file.media_type, body);
                Ok(answer::as_file(response, &file.name))
            }
            Ok(None) => Err(none()),
            Err(why) => {
                tracing::error!(error = why, "an attachment is damaged");
                let message = "The attachment is damaged in the store: tell the operator.";
                Err(Refusal::new(Code::StorageFailed, message))
            }
        }
    };
    shown(found.await)
}

/// What waits in a service, in the order in which it comes to agents: the list that agents pick
/// from, and the supervisor's view of the queue.
#[utoipa::path(get, path = "/api/v1/services/{service}/queue", tag = "items",
    params(
        ("service" = String, Path, description = "The service's name"),
        ("after" = Option<String>, Query, description = "The last `place` of the page before"),
        ("limit" = Option<usize>, Query, description = "1 to 10,000"),
        ("tenant" = Option<String>, Query, description = "For the operator"),
    ),
    responses((status = 200, body = [WaitingJson]), ProblemDetails))]
pub(super) async fn queue(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(service): Path<String>,
    uri: Uri,
) -> Response {
    let found = async {
        let mut parameters = json_parameters(&uri, &["after", "limit", "tenant"])?;
        let view = shared.engine.view();
        may_list(&view, &acting, &service)?;
        if let Some(home) = acting.home(&view)? {
            parameters.insert("tenant".to_owned(), home);
        }
        parameters.insert("service".to_owned(), service);
        let page = look::Page::of(parameters)?.with_titles();
        let waiting: Vec<WaitingJson> = look::waiting(&shared, page).await?;
        Ok(answer::json_ok(&waiting))
    };
    shown(found.await)
}

/// Refuses users of what they may not list. What the operator names, the list finds.
fn may_list(view: &View, acting: &Acting, name: &str) -> Result<(), Refusal> {
    let Some(account) = &acting.user else {
        return Ok(());
    };
    let service = view.service(account.user.tenant, name);
    let service = service.filter(|service| acting.may_with(Action::SeeService, service));
    let Some(service) = service else {
        let message = format!("There is no service {name}.");
        return Err(Refusal::new(Code::NotFound, message));
    };
    let ways = [Action::SeeItem, Action::PickItem];
    match ways.iter().any(|way| acting.may_with(*way, service)) {
        true => Ok(()),
        false => Err(not_allowed()),
    }
}
