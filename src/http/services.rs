//! Services and their entrances over JSON: `/api/v1/services`.
//!
//! A service that one may not see is as if there were none.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::code::Code;
use crate::domain::entrance::EntranceVerb;
use crate::domain::permission::Action;
use crate::domain::refusal::Refusal;
use crate::engine::command::OrderEntrance;
use crate::engine::run::clock;
use crate::engine::view::View;
use crate::wire::time::parse_instant;

use super::acting::{Acting, not_allowed};
use super::answer::{self, ProblemDetails, shown};
use super::json::{EntranceJson, OrderedJson, ServiceJson};
use super::json_request::{invalid, json_body, json_parameters, short_reason};
use super::routes::Routes;
use super::state::Shared;

/// The routes, which need [`Acting`] among the extensions.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/services", list)
        .put("/api/v1/services/{service}/entrance", entrance)
}

/// The services that one may see, with what waits there.
#[utoipa::path(get, path = "/api/v1/services", tag = "services",
    responses((status = 200, body = [ServiceJson]), ProblemDetails))]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
) -> Response {
    let view = shared.engine.view();
    let now = clock();
    let services = view.services.values();
    let seen = services.filter(|service| acting.may_with(Action::SeeService, service));
    let services: Vec<_> = seen
        .map(|service| ServiceJson::of(&view, service, now))
        .collect();
    answer::json_ok(&services)
}

/// What is ordered of an entrance.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = EntranceOrder)]
pub(super) struct OrderJson {
    /// `open` or `closed`.
    state: String,
    /// A time with an offset, after which the opening hours hold again.
    until: Option<String>,
    /// For people, at most 1,000 characters.
    reason: Option<String>,
    /// Where the service's name is not unique; for the operator.
    tenant: Option<String>,
}

/// Opens or closes an entrance by hand.
#[utoipa::path(put, path = "/api/v1/services/{service}/entrance", tag = "services",
    params(("service" = String, Path, description = "The service's name")),
    request_body = OrderJson,
    responses((status = 200, body = OrderedJson), ProblemDetails))]
pub(super) async fn entrance(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(service): Path<String>,
    request: Request,
) -> Response {
    shown(order_entrance(&shared, acting, service, request).await)
}

async fn order_entrance(
    shared: &Shared,
    acting: Acting,
    service: String,
    request: Request,
) -> Result<Response, Refusal> {
    may_order(&shared.engine.view(), &acting, &service)?;
    let order = json_order(&acting, &service, request).await?;
    // The tenant in which it was allowed is the one in which it is done.
    let tenant = match acting.home(&shared.engine.view())? {
        Some(home) if order.tenant.as_ref().is_none_or(|named| *named == home) => Some(home),
        Some(_) => return Err(unknown(&service)),
        None => order.tenant,
    };
    let order = OrderEntrance { tenant, ..order };
    let entrance = shared.engine.order_entrance(order).await?;
    Ok(answer::json_ok(&OrderedJson {
        name: service,
        entrance: EntranceJson::of(&entrance),
    }))
}

/// Refuses users of what they may not order. What the operator names, the engine finds.
fn may_order(view: &View, acting: &Acting, name: &str) -> Result<(), Refusal> {
    let Some(account) = &acting.user else {
        return Ok(());
    };
    let service = view.service(account.user.tenant, name);
    let service = service.filter(|service| acting.may_with(Action::SeeService, service));
    let service = service.ok_or_else(|| unknown(name))?;
    match acting.may_with(Action::OrderEntrance, service) {
        true => Ok(()),
        false => Err(not_allowed()),
    }
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(Code::NotFound, format!("There is no service {name}."))
}

/// The order that the request gives, for the tenant that it names.
async fn json_order(
    acting: &Acting,
    service: &str,
    request: Request,
) -> Result<OrderEntrance, Refusal> {
    let mut parameters = json_parameters(request.uri(), &["tenant"])?;
    let order: OrderJson = json_body(request).await?;
    let verb = match order.state.as_str() {
        "open" => EntranceVerb::Open,
        "closed" => EntranceVerb::Close,
        _ => return Err(invalid("state is open or closed.")),
    };
    let until = order.until.as_deref().map(parse_instant);
    if until == Some(None) {
        return Err(invalid(
            "until is a time with an offset, for example 2026-11-20T18:00:00+01:00.",
        ));
    }
    Ok(OrderEntrance {
        actor: acting.actor.clone(),
        tenant: order.tenant.or_else(|| parameters.remove("tenant")),
        service: service.to_owned(),
        verb,
        until: until.flatten(),
        reason: order.reason.map(short_reason).transpose()?,
    })
}
