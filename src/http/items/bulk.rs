//! What supervisors do with many items at once: `POST /api/v1/item-actions`.
//!
//! The items are named one by one, or as those of a service in one state. With `preview` they are
//! only counted. Without, each is judged by itself, in order; what is refused does not keep the
//! others from being done. A request that breaks off leaves the rest undone.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::code::Code;
use crate::domain::ids::{ItemId, ServiceId};
use crate::domain::item::ItemState;
use crate::domain::permission::{Action, Target};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::engine::agents::command::{ActOnItem, ItemVerb};
use crate::engine::run::clock;
use crate::engine::view::View;
use crate::http::acting::{Acting, not_allowed};
use crate::http::answer::{self, ProblemDetails, shown};
use crate::http::json_request::{invalid, json_body_of, short_reason};
use crate::http::routes::Routes;
use crate::http::state::Shared;
use crate::store::StoreError;
use crate::store::read::{Listed, QueuePlace, Reader};
use crate::wire::time::parse_duration;

use super::verbs;

/// Items of one request.
pub const ITEMS_MAX: usize = 10_000;
/// Bytes of one request: so many ids, and what is asked.
const BODY_BYTES_MAX: usize = 512 * 1024;
/// Items asked of the engine at a time: well below what its queue of commands holds.
const STEP: usize = 64;
/// Rows looked at in one reading, so that no reader is away for long.
const PAGE: usize = 1_000;

/// The routes.
pub fn routes() -> Routes {
    Routes::new().post("/api/v1/item-actions", act)
}

/// What is to be done, and with which items.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ItemActions)]
pub(in crate::http) struct ActionsJson {
    /// `abort`, `priority`, `reassign`, `release`, `reopen`, `requeue` or `transfer`.
    verb: String,
    /// Ids, at most 10,000; or else `service` and `state`.
    items: Option<Vec<String>>,
    service: Option<String>,
    /// Where the service's name is not unique; for the operator.
    tenant: Option<String>,
    /// `scheduled`, `inWorkflow`, `buffered`, `queued` (those that ring included), `connected` or
    /// `parked`.
    state: Option<String>,
    /// Only what was received longer ago, as in the XML: `PT2H`.
    older_than: Option<String>,
    /// Only items of that type.
    task_type: Option<String>,
    /// True: only count.
    #[serde(default)]
    preview: bool,
    reason: Option<String>,
    /// For `priority`.
    priority: Option<u8>,
    /// For `reassign`.
    agent: Option<String>,
    /// For `reassign`: never anybody else.
    #[serde(default)]
    required: bool,
    /// For `transfer`.
    to: Option<ToJson>,
}

/// Where items are handed on to.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TransferTarget)]
struct ToJson {
    service: Option<String>,
    agent: Option<String>,
    #[serde(default)]
    required: bool,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
#[schema(as = ItemActionsDone)]
pub(in crate::http) struct DoneJson {
    /// With `preview`: how many items it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    /// Without: how many it was done with.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Vec<RefusedJson>>,
    /// There are more than one request takes: ask again.
    more: bool,
}

/// An item with which it was not done.
#[derive(Serialize, ToSchema)]
#[schema(as = ItemActionRefused)]
struct RefusedJson {
    item: String,
    code: &'static str,
    message: String,
    /// The state it is in, where that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

/// Does something with many items, or counts them first.
#[utoipa::path(post, path = "/api/v1/item-actions", tag = "items",
    request_body = ActionsJson,
    responses((status = 200, body = DoneJson), ProblemDetails))]
pub(in crate::http) async fn act(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    request: Request,
) -> Response {
    let acted = async {
        acting.check_anywhere(Action::DirectItem)?;
        let body: ActionsJson = json_body_of(request, BODY_BYTES_MAX).await?;
        let verb = body.verb()?;
        let preview = body.preview;
        let (ids, more) = match body.selection(&shared.engine.view(), &acting)? {
            Selection::These(ids) => (ids, false),
            Selection::OfService(chosen) => choose(&shared, chosen).await?,
        };
        let done = match preview {
            true => count(&shared, &acting, ids, more).await?,
            false => carry_out(&shared, &acting, ids, more, &verb).await,
        };
        Ok(answer::json_ok(&done))
    };
    shown(acted.await)
}

/// Which items are meant.
enum Selection {
    These(Vec<ItemId>),
    OfService(Chosen),
}

/// Those of a service in one state.
struct Chosen {
    service: ServiceId,
    state: ItemState,
    received_before: Option<Timestamp>,
    task_type: Option<String>,
    /// Of the service, for items that name none.
    task_type_default: Option<String>,
}

impl ActionsJson {
    fn verb(&self) -> Result<ItemVerb, Refusal> {
        let reason = self.reason.clone().map(short_reason).transpose()?;
        match self.verb.as_str() {
            "abort" => Ok(ItemVerb::Abort { reason }),
            "release" => Ok(ItemVerb::Release { reason }),
            "reopen" => Ok(ItemVerb::Reopen { reason }),
            "requeue" => Ok(ItemVerb::Requeue {
                session: None,
                note: reason,
            }),
            "priority" => {
                let priority = self.priority;
                let priority = priority.ok_or_else(|| invalid("priority is missing."))?;
                let priority = verbs::priority(priority)?;
                Ok(ItemVerb::Reprioritise { priority, reason })
            }
            "reassign" => {
                let agent = self.agent.as_deref();
                let agent = agent.ok_or_else(|| invalid("agent is missing."))?;
                Ok(ItemVerb::Reassign {
                    agent: verbs::agent(agent)?,
                    required: self.required,
                    reason,
                })
            }
            "transfer" => {
                let to = self.to.as_ref();
                let to = to.ok_or_else(|| invalid("to is missing."))?;
                let (service, agent) = (to.service.clone(), to.agent.clone());
                Ok(ItemVerb::Transfer {
                    session: None,
                    to: verbs::target(service, agent, to.required)?,
                    note: reason,
                })
            }
            _ => Err(invalid(
                "verb is abort, priority, reassign, release, reopen, requeue or transfer.",
            )),
        }
    }

    fn selection(self, view: &View, acting: &Acting) -> Result<Selection, Refusal> {
        let by_service = self.service.is_some() && self.state.is_some();
        let narrowed = self.older_than.is_some() || self.task_type.is_some();
        let any_of_service = narrowed || self.service.is_some() || self.state.is_some();
        match self.items {
            Some(ids) if !any_of_service => {
                if ids.len() > ITEMS_MAX {
                    return Err(invalid(format!("items are at most {ITEMS_MAX}.")));
                }
                let ids = ids.iter().map(|id| {
                    id.parse()
                        .map_err(|_| invalid(format!("{id} is no id of an item.")))
                });
                Ok(Selection::These(ids.collect::<Result<_, _>>()?))
            }
            None if by_service => self.of_service(view, acting).map(Selection::OfService),
            Some(_) | None => Err(invalid(
                "Name either items, or a service and a state, which olderThan and taskType narrow.",
            )),
        }
    }

    fn of_service(self, view: &View, acting: &Acting) -> Result<Chosen, Refusal> {
        let name = self.service.unwrap_or_default();
        let home = acting.home(view)?.or(self.tenant);
        let tenant = home.as_deref().and_then(|home| view.tenant_named(home));
        let mut named = view.services.values().filter(|service| {
            service.name.as_ref() == name
                && (home.is_none() || tenant.is_some_and(|(id, _)| id == service.tenant))
                && acting.may_with(Action::SeeService, service)
        });
        let service = named.next().ok_or_else(|| {
            let message = format!("There is no service {name}.");
            Refusal::new(Code::NotFound, message)
        })?;
        if named.next().is_some() {
            return Err(invalid("Several tenants have a service of that name."));
        }
        if !acting.may_with(Action::DirectItem, service) {
            return Err(not_allowed());
        }
        let state = self.state.as_deref().and_then(ItemState::parse);
        let state = state.filter(|state| ![ItemState::Ended, ItemState::Offered].contains(state));
        let state = state.ok_or_else(|| {
            invalid("state is scheduled, inWorkflow, buffered, queued, connected or parked.")
        })?;
        let older_than = self.older_than.as_deref().map(parse_duration);
        if older_than == Some(None) {
            return Err(invalid("olderThan is a duration, for example PT2H."));
        }
        let policy = service.policy.as_ref();
        Ok(Chosen {
            service: service.id,
            state,
            received_before: older_than.flatten().map(|ms| clock().plus_ms(-ms)),
            task_type: self.task_type,
            task_type_default: policy.and_then(|policy| policy.task_type.clone()),
        })
    }
}

impl Chosen {
    fn takes(&self, reader: &Reader, listed: &Listed) -> Result<bool, StoreError> {
        let received_at = listed.item.received_at;
        if self.received_before.is_some_and(|at| received_at > at) {
            return Ok(false);
        }
        let Some(wanted) = &self.task_type else {
            return Ok(true);
        };
        let content = reader.content(listed.item.sequence)?;
        let task_type = content.and_then(|content| content.task_type);
        let task_type = task_type.as_ref().or(self.task_type_default.as_ref());
        Ok(task_type == Some(wanted))
    }
}

/// The first items chosen, in the order of their queue, and whether there are more.
async fn choose(shared: &Shared, chosen: Chosen) -> Result<(Vec<ItemId>, bool), Refusal> {
    let chosen = Arc::new(chosen);
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = chosen.clone();
        let (taken, last) = shared
            .read(move |reader| {
                let rows = reader.queue(page.service, page.state, after, PAGE)?;
                let last = rows.last().filter(|_| rows.len() == PAGE);
                let last = last.map(|last| QueuePlace {
                    priority: last.item.priority,
                    sequence: last.item.sequence,
                });
                let mut taken = Vec::new();
                for listed in &rows {
                    if page.takes(reader, listed)? {
                        taken.push(listed.item.id);
                    }
                }
                Ok((taken, last))
            })
            .await?;
        ids.extend(taken);
        if ids.len() > ITEMS_MAX {
            ids.truncate(ITEMS_MAX);
            return Ok((ids, true));
        }
        match last {
            Some(_) => after = last,
            None => return Ok((ids, false)),
        }
    }
}

/// How many of them there are that one may direct.
async fn count(
    shared: &Shared,
    acting: &Acting,
    ids: Vec<ItemId>,
    more: bool,
) -> Result<DoneJson, Refusal> {
    let acting = acting.clone();
    let counting = shared.read(move |reader| {
        let mut count = 0;
        for id in ids {
            let there = reader.item(id)?.map(|listed| listed.item);
            let there = there.map(|item| Target::Service(item.tenant, item.service));
            let may = there.is_some_and(|there| acting.may(Action::DirectItem, there));
            count += usize::from(may);
        }
        Ok(count)
    });
    Ok(DoneJson {
        count: Some(counting.await?),
        done: None,
        refused: None,
        more,
    })
}

async fn carry_out(
    shared: &Shared,
    acting: &Acting,
    ids: Vec<ItemId>,
    more: bool,
    verb: &ItemVerb,
) -> DoneJson {
    let mut done = 0;
    let mut refused = Vec::new();
    for step in ids.chunks(STEP) {
        // Asked in order, and answered by as few commits as the engine needs.
        let acts = step.iter().map(|item| {
            let act = ActOnItem {
                by: acting.by(),
                item: *item,
                verb: verb.clone(),
            };
            shared.engine.act(act)
        });
        for (item, result) in step.iter().zip(join_all(acts).await) {
            match result {
                Ok(_) => done += 1,
                Err(refusal) => refused.push(RefusedJson {
                    item: item.to_string(),
                    code: refusal.code().name(),
                    state: refusal.first.state.map(|state| state.name()),
                    message: refusal.first.message,
                }),
            }
        }
    }
    DoneJson {
        count: None,
        done: Some(done),
        refused: Some(refused),
        more,
    }
}
