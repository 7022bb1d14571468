//! What can be done with one item: `POST /api/v1/items/{id}/{verb}`.
//!
//! The engine says who may, and answers a repeat as it answered the first time. The answer is the
//! item as it is then, with `session` and, where the verb set one, `until`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::RequestExt;
use axum::extract::{Extension, FromRequest, Path, Request};
use axum::http::header::IF_MATCH;
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::domain::content::ContactDatum;
use crate::domain::ids::{ItemId, OfferId, Priority};
use crate::domain::people::UserName;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::engine::agents::command::{ActOnItem, ItemVerb, TransferTarget};
use crate::http::acting::Acting;
use crate::http::answer::{self, ProblemDetails, shown};
use crate::http::json_request::{invalid, json_body};
use crate::http::routes::Routes;
use crate::http::state::Shared;
use crate::wire::time::parse_instant;

use super::json::ItemJson;
use super::seen::{self, Seen, Sight, unknown_item};

/// Characters of a value of contact data, as in the schema of messages.
const VALUE_CHARS_MAX: usize = 1_024;

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .post("/api/v1/items/{id}/accept", accept)
        .post("/api/v1/items/{id}/decline", decline)
        .post("/api/v1/items/{id}/take", take)
        .post("/api/v1/items/{id}/end", end)
        .post("/api/v1/items/{id}/park", park)
        .post("/api/v1/items/{id}/resume", resume)
        .post("/api/v1/items/{id}/requeue", requeue)
        .post("/api/v1/items/{id}/transfer", transfer)
        .put("/api/v1/items/{id}/contact-data", edit)
        .post("/api/v1/items/{id}/extend-wrap-up", extend_wrap_up)
        .post("/api/v1/items/{id}/end-wrap-up", end_wrap_up)
        .post("/api/v1/items/{id}/abort", abort)
        .post("/api/v1/items/{id}/priority", prioritise)
        .post("/api/v1/items/{id}/reassign", reassign)
        .post("/api/v1/items/{id}/release", release)
        .post("/api/v1/items/{id}/reopen", reopen)
}

/// What is asked of an item, and by whom.
pub(in crate::http) struct Asked {
    shared: Arc<Shared>,
    acting: Acting,
    item: String,
    request: Request,
}

impl FromRequest<Arc<Shared>> for Asked {
    type Rejection = Response;

    async fn from_request(
        mut request: Request,
        shared: &Arc<Shared>,
    ) -> Result<Asked, Self::Rejection> {
        let acting = request.extract_parts::<Extension<Acting>>().await;
        let item = request.extract_parts::<Path<String>>().await;
        let (Ok(Extension(acting)), Ok(Path(item))) = (acting, item) else {
            return Err(answer::unknown_route().await);
        };
        Ok(Asked {
            shared: shared.clone(),
            acting,
            item,
            request,
        })
    }
}

impl Asked {
    /// Has the verb carried out that the body asks for, and shows the item as it is then.
    async fn act<B: DeserializeOwned>(
        self,
        verb: impl FnOnce(B) -> Result<ItemVerb, Refusal>,
    ) -> Response {
        let Asked {
            shared,
            acting,
            item,
            request,
        } = self;
        let acted = async {
            let verb = verb(json_body(request).await?)?;
            let item = item_id(&shared, &acting, item).await?;
            let by = acting.by();
            let acted = shared.engine.act(ActOnItem { by, item, verb }).await?;
            let seen = after(&shared, &acting, item).await?;
            let item = seen::show_one(&shared, seen).await?.after(&acted);
            let response = answer::json_ok(&item);
            Ok(answer::with_version(response, item.version()))
        };
        shown(acted.await)
    }

    /// The version in `If-Match`; `None`: whatever it is.
    fn version(&self) -> Result<Option<u32>, Refusal> {
        let Some(value) = self.request.headers().get(IF_MATCH) else {
            return Ok(None);
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(None);
        }
        let quoted = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        let version = quoted.and_then(|version| version.parse().ok());
        let version = version.ok_or_else(|| {
            invalid("If-Match is one ETag as the item was answered with, for example \"3\".")
        })?;
        Ok(Some(version))
    }
}

/// The id in the address; for the operator a reference too.
async fn item_id(shared: &Shared, acting: &Acting, name: String) -> Result<ItemId, Refusal> {
    match name.parse() {
        Ok(id) => Ok(id),
        Err(_) if acting.user.is_some() => Err(unknown_item()),
        Err(_) => Ok(seen::find(shared, acting, name).await?.listed.item.id),
    }
}

/// The item after the verb. Whoever has just handed it on sees it once more.
async fn after(shared: &Shared, acting: &Acting, id: ItemId) -> Result<Seen, Refusal> {
    let acting = acting.clone();
    let seen = shared.read(move |reader| {
        let Some(listed) = reader.item(id)? else {
            return Ok(None);
        };
        let sight = seen::sight(reader, &acting, &listed)?;
        let sight = sight.unwrap_or(Sight::AsAgent);
        Ok(Some(seen::read(reader, &acting, listed, sight)?))
    });
    seen.await?.ok_or_else(unknown_item)
}

/// Nothing needs to be said.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Nothing)]
pub(in crate::http) struct NothingJson {}

/// Which offer is answered.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = OfferAnswer)]
pub(in crate::http) struct OfferJson {
    /// Its id; without it, whatever rings.
    offer: Option<u64>,
}

/// How an item is ended.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = End)]
pub(in crate::http) struct EndJson {
    /// As acceptance answered it.
    session: Option<u64>,
    /// One of the item's `results`.
    result: String,
    /// At most 4,000 characters.
    note: Option<String>,
    /// Whether the sender may read the note.
    #[serde(default)]
    share: bool,
}

/// How an item is put aside.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Park)]
pub(in crate::http) struct ParkJson {
    session: Option<u64>,
    /// A time with an offset; without it as long as the tenant says.
    until: Option<String>,
    note: Option<String>,
}

/// Which session goes on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Resume)]
pub(in crate::http) struct ResumeJson {
    session: Option<u64>,
}

/// How an item is put back.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Requeue)]
pub(in crate::http) struct RequeueJson {
    session: Option<u64>,
    note: Option<String>,
}

/// Where an item is handed on to: a service, an agent, or an agent for a service.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Transfer)]
pub(in crate::http) struct TransferJson {
    session: Option<u64>,
    service: Option<String>,
    agent: Option<String>,
    /// Never to anybody but the agent.
    #[serde(default)]
    required: bool,
    note: Option<String>,
}

/// New values of editable contact data.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Edit)]
pub(in crate::http) struct EditJson {
    /// Keys with their values; the others stay.
    contact_data: BTreeMap<String, String>,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Reason)]
pub(in crate::http) struct ReasonJson {
    /// For people, at most 1,000 characters.
    reason: Option<String>,
}

/// A new priority.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPriority)]
pub(in crate::http) struct PriorityJson {
    /// 0 to 9.
    priority: u8,
    reason: Option<String>,
}

/// Who is to get an item.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Reassign)]
pub(in crate::http) struct ReassignJson {
    agent: String,
    /// Never anybody else.
    #[serde(default)]
    required: bool,
    reason: Option<String>,
}

/// Takes the offer that rings. Repeated, it answers the same session.
#[utoipa::path(post, path = "/api/v1/items/{id}/accept", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = OfferJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn accept(asked: Asked) -> Response {
    asked
        .act(|body: OfferJson| {
            let offer = body.offer.map(OfferId);
            Ok(ItemVerb::Accept { offer })
        })
        .await
}

/// Leaves the offer to somebody else.
#[utoipa::path(post, path = "/api/v1/items/{id}/decline", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = OfferJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn decline(asked: Asked) -> Response {
    asked
        .act(|body: OfferJson| {
            let offer = body.offer.map(OfferId);
            Ok(ItemVerb::Decline { offer })
        })
        .await
}

/// Takes an item from the list of a service whose agents choose.
#[utoipa::path(post, path = "/api/v1/items/{id}/take", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = NothingJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn take(asked: Asked) -> Response {
    asked
        .act(|body: NothingJson| {
            let NothingJson {} = body;
            Ok(ItemVerb::Take)
        })
        .await
}

/// Ends an item. The wrap-up that may follow is the agent's: `until`.
#[utoipa::path(post, path = "/api/v1/items/{id}/end", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = EndJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn end(asked: Asked) -> Response {
    asked
        .act(|body: EndJson| {
            Ok(ItemVerb::End {
                session: body.session.map(OfferId),
                result: body.result,
                note: body.note,
                share: body.share,
            })
        })
        .await
}

/// Puts an item aside until a time: it comes back to the same agent first.
#[utoipa::path(post, path = "/api/v1/items/{id}/park", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = ParkJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn park(asked: Asked) -> Response {
    asked
        .act(|body: ParkJson| {
            Ok(ItemVerb::Park {
                session: body.session.map(OfferId),
                until: body.until.as_deref().map(instant).transpose()?,
                note: body.note,
            })
        })
        .await
}

/// Goes on with a parked item.
#[utoipa::path(post, path = "/api/v1/items/{id}/resume", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = ResumeJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn resume(asked: Asked) -> Response {
    asked
        .act(|body: ResumeJson| {
            let session = body.session.map(OfferId);
            Ok(ItemVerb::Resume { session })
        })
        .await
}

/// Puts an item back into its queue, at its old place.
#[utoipa::path(post, path = "/api/v1/items/{id}/requeue", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = RequeueJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn requeue(asked: Asked) -> Response {
    asked
        .act(|body: RequeueJson| {
            Ok(ItemVerb::Requeue {
                session: body.session.map(OfferId),
                note: body.note,
            })
        })
        .await
}

/// Hands an item on; it passes the entrance of another service.
#[utoipa::path(post, path = "/api/v1/items/{id}/transfer", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = TransferJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn transfer(asked: Asked) -> Response {
    asked
        .act(|body: TransferJson| {
            Ok(ItemVerb::Transfer {
                session: body.session.map(OfferId),
                to: target(body.service, body.agent, body.required)?,
                note: body.note,
            })
        })
        .await
}

/// Changes editable contact data; with `If-Match` only of the version that was read.
#[utoipa::path(put, path = "/api/v1/items/{id}/contact-data", tag = "items",
    params(
        ("id" = String, Path, description = "The item's id"),
        ("If-Match" = Option<String>, Header, description = "An `ETag` of the item"),
    ),
    request_body = EditJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn edit(asked: Asked) -> Response {
    let if_version = match asked.version() {
        Ok(if_version) => if_version,
        Err(refusal) => return answer::problem(&refusal),
    };
    asked
        .act(|body: EditJson| {
            let contact_data = body.contact_data.into_iter().map(datum);
            Ok(ItemVerb::Edit {
                if_version,
                contact_data: contact_data.collect::<Result<_, _>>()?,
            })
        })
        .await
}

/// Makes the wrap-up after an item longer, once.
#[utoipa::path(post, path = "/api/v1/items/{id}/extend-wrap-up", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = NothingJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn extend_wrap_up(asked: Asked) -> Response {
    asked
        .act(|body: NothingJson| {
            let NothingJson {} = body;
            Ok(ItemVerb::ExtendWrapUp)
        })
        .await
}

/// Ends the wrap-up after an item.
#[utoipa::path(post, path = "/api/v1/items/{id}/end-wrap-up", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = NothingJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn end_wrap_up(asked: Asked) -> Response {
    asked
        .act(|body: NothingJson| {
            let NothingJson {} = body;
            Ok(ItemVerb::EndWrapUp)
        })
        .await
}

/// Ends an item, wherever it stands. For supervisors.
#[utoipa::path(post, path = "/api/v1/items/{id}/abort", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = ReasonJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn abort(asked: Asked) -> Response {
    asked
        .act(|body: ReasonJson| {
            let reason = body.reason;
            Ok(ItemVerb::Abort { reason })
        })
        .await
}

/// Changes the priority of an item. For supervisors.
#[utoipa::path(post, path = "/api/v1/items/{id}/priority", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = PriorityJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn prioritise(asked: Asked) -> Response {
    asked
        .act(|body: PriorityJson| {
            Ok(ItemVerb::Reprioritise {
                priority: priority(body.priority)?,
                reason: body.reason,
            })
        })
        .await
}

/// Says who gets an item first, or alone. For supervisors.
#[utoipa::path(post, path = "/api/v1/items/{id}/reassign", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = ReassignJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn reassign(asked: Asked) -> Response {
    asked
        .act(|body: ReassignJson| {
            Ok(ItemVerb::Reassign {
                agent: agent(&body.agent)?,
                required: body.required,
                reason: body.reason,
            })
        })
        .await
}

/// Takes an item from its agent, back to its place in the queue. For supervisors.
#[utoipa::path(post, path = "/api/v1/items/{id}/release", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = ReasonJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn release(asked: Asked) -> Response {
    asked
        .act(|body: ReasonJson| {
            let reason = body.reason;
            Ok(ItemVerb::Release { reason })
        })
        .await
}

/// Opens an item again, within 7 days of its end. For supervisors.
#[utoipa::path(post, path = "/api/v1/items/{id}/reopen", tag = "items",
    params(("id" = String, Path, description = "The item's id")),
    request_body = ReasonJson,
    responses((status = 200, body = ItemJson), ProblemDetails))]
pub(in crate::http) async fn reopen(asked: Asked) -> Response {
    asked
        .act(|body: ReasonJson| {
            let reason = body.reason;
            Ok(ItemVerb::Reopen { reason })
        })
        .await
}

/// Where a transfer goes; that it goes somewhere the engine sees to.
pub(super) fn target(
    service: Option<String>,
    to: Option<String>,
    required: bool,
) -> Result<TransferTarget, Refusal> {
    Ok(TransferTarget {
        service,
        agent: to.as_deref().map(agent).transpose()?,
        required,
    })
}

pub(super) fn agent(name: &str) -> Result<UserName, Refusal> {
    name.parse()
        .map_err(|fault| invalid(format!("agent: {fault}.")))
}

pub(super) fn priority(value: u8) -> Result<Priority, Refusal> {
    Priority::new(value).ok_or_else(|| invalid("priority is a number from 0 to 9."))
}

fn instant(text: &str) -> Result<Timestamp, Refusal> {
    parse_instant(text).ok_or_else(|| {
        invalid("until is a time with an offset, for example 2026-11-20T18:00:00+01:00.")
    })
}

fn datum((key, value): (String, String)) -> Result<ContactDatum, Refusal> {
    if value.chars().count() > VALUE_CHARS_MAX {
        let message = format!("A value has at most {VALUE_CHARS_MAX} characters: {key}.");
        return Err(invalid(message));
    }
    Ok(ContactDatum { key, value })
}
