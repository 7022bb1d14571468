//! An agent's desk: one's own state, what rings, what is in hand: `/api/v1/me/state`, `me/offers`,
//! `me/items`.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::permission::{Action, Target};
use crate::domain::refusal::Refusal;
use crate::http::acting::{Acting, not_allowed};
use crate::http::agents;
use crate::http::agents::json::{AgentJson, StateJson};
use crate::http::answer::{self, ProblemDetails, shown};
use crate::http::items::json::ItemJson;
use crate::http::items::seen::{self, Seen};
use crate::http::json::time;
use crate::http::json_request::json_body;
use crate::http::routes::Routes;
use crate::http::state::Shared;
use crate::people::sign_in::SignedIn;

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/me/state", state)
        .put("/api/v1/me/state", set_state)
        .get("/api/v1/me/offers", offers)
        .get("/api/v1/me/items", items)
}

fn may_keep(acting: &Acting) -> Result<(), Refusal> {
    match acting.may(Action::KeepOwnState, Target::Own) {
        true => Ok(()),
        false => Err(not_allowed()),
    }
}

/// What one is doing, and where one can be offered nothing, and why.
#[utoipa::path(get, path = "/api/v1/me/state", tag = "me",
    responses((status = 200, body = AgentJson), ProblemDetails))]
pub(super) async fn state(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Extension(signed_in): Extension<SignedIn>,
) -> Response {
    let found = async {
        may_keep(&acting)?;
        let agent = agents::one(&shared, signed_in.user().id).await?;
        Ok(answer::json_ok(&agent))
    };
    shown(found.await)
}

/// Changes what the body says of one's own state.
#[utoipa::path(put, path = "/api/v1/me/state", tag = "me",
    request_body = StateJson,
    responses((status = 200, body = AgentJson), ProblemDetails))]
pub(super) async fn set_state(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Extension(signed_in): Extension<SignedIn>,
    request: Request,
) -> Response {
    let set = async {
        may_keep(&acting)?;
        let body: StateJson = json_body(request).await?;
        let agent = agents::change(&shared, &acting, signed_in.user().id, body).await?;
        Ok(answer::json_ok(&agent))
    };
    shown(set.await)
}

/// What rings.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Offer)]
pub(super) struct OfferJson {
    /// The number of the offer, and of the session that comes of it.
    id: u64,
    /// The item's id.
    item: String,
    service: String,
    title: Option<String>,
    priority: u8,
    made_at: String,
    expires_at: String,
}

/// What rings at oneself, the oldest first.
#[utoipa::path(get, path = "/api/v1/me/offers", tag = "me",
    responses((status = 200, body = [OfferJson]), ProblemDetails))]
pub(super) async fn offers(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Extension(signed_in): Extension<SignedIn>,
) -> Response {
    let found = async {
        may_keep(&acting)?;
        let view = shared.engine.view();
        let agent = view.agents.get(&signed_in.user().id);
        let mut offers = agent.map(|agent| agent.offers.clone()).unwrap_or_default();
        offers.sort_by_key(|offer| offer.id);
        let sequences: Vec<_> = offers.iter().map(|offer| offer.sequence).collect();
        let rows = shared.read(move |reader| {
            let sequences = sequences.into_iter();
            let rows = sequences.map(|sequence| {
                let content = reader.content(sequence)?;
                let title = content.and_then(|content| content.title);
                Ok((reader.item_by_sequence(sequence)?, title))
            });
            rows.collect::<Result<Vec<_>, _>>()
        });
        let rows = offers.into_iter().zip(rows.await?);
        let shown = rows.filter_map(|(offer, (listed, title))| {
            let item = listed?.item;
            let service = view.services.get(&offer.service)?;
            Some(OfferJson {
                id: offer.id.0,
                item: item.id.to_string(),
                service: service.name.to_string(),
                title,
                priority: item.priority.value(),
                made_at: time(offer.made_at),
                expires_at: time(offer.expires_at),
            })
        });
        Ok(answer::json_ok(&shown.collect::<Vec<_>>()))
    };
    shown(found.await)
}

/// What one has in hand, connected or parked.
#[utoipa::path(get, path = "/api/v1/me/items", tag = "me",
    responses((status = 200, body = [ItemJson]), ProblemDetails))]
pub(super) async fn items(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Extension(signed_in): Extension<SignedIn>,
) -> Response {
    let found = async {
        may_keep(&acting)?;
        let user = signed_in.user().id;
        let reading = shared.read(move |reader| {
            let mut held: Vec<Seen> = Vec::new();
            for listed in reader.held_by(user)? {
                if let Some(sight) = seen::sight(reader, &acting, &listed)? {
                    held.push(seen::read(reader, &acting, listed, sight)?);
                }
            }
            Ok(held)
        });
        let held = reading.await?;
        Ok(answer::json_ok(&seen::show(&shared, held).await?))
    };
    shown(found.await)
}
