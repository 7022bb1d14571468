//! Agents over JSON, for those who see to them: `/api/v1/agents`. One's own state is at
//! `/api/v1/me/state`.

pub mod json;

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;

use crate::domain::code::Code;
use crate::domain::ids::UserId;
use crate::domain::permission::{Action, Target};
use crate::domain::refusal::Refusal;
use crate::engine::agents::view::AgentView;
use crate::engine::run::clock;
use crate::engine::view::View;

use super::acting::Acting;
use super::answer::{self, ProblemDetails, shown};
use super::json_request::json_body;
use super::routes::Routes;
use super::state::Shared;
use json::{AgentJson, ItemIds, StateJson, items_of};

/// The routes, which need [`Acting`] among the extensions.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/agents", list)
        .put("/api/v1/agents/{agent}/state", set_state)
}

/// The agents of the services that one sees to.
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents",
    responses((status = 200, body = [AgentJson]), ProblemDetails))]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
) -> Response {
    let listed = async {
        acting.check_anywhere(Action::SeeAgents)?;
        let view = shared.engine.view();
        let agents = view.agents.values();
        let seen: Vec<_> = agents
            .filter(|agent| may(&acting, Action::SeeAgents, agent))
            .cloned()
            .collect();
        let shown = show(&shared, &view, &seen).await?;
        Ok(answer::json_ok(&shown))
    };
    shown(listed.await)
}

/// Sets an agent's state, for example off duty.
#[utoipa::path(put, path = "/api/v1/agents/{agent}/state", tag = "agents",
    params(("agent" = String, Path, description = "The agent's name")),
    request_body = StateJson,
    responses((status = 200, body = AgentJson), ProblemDetails))]
pub(super) async fn set_state(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let set = async {
        acting.check_anywhere(Action::DirectAgent)?;
        let view = shared.engine.view();
        let account = view.people.named(&name);
        let agent = account.and_then(|account| view.agents.get(&account.user.id));
        let agent = agent.filter(|agent| may(&acting, Action::SeeAgents, agent));
        let agent = agent.ok_or_else(|| {
            let message = format!("There is no agent {name}.");
            Refusal::new(Code::NotFound, message)
        })?;
        let body = json_body(request).await?;
        let agent = change(&shared, &acting, agent.id, body).await?;
        Ok(answer::json_ok(&agent))
    };
    shown(set.await)
}

/// Whether one may do that with an agent: by one of its services.
fn may(acting: &Acting, action: Action, agent: &AgentView) -> bool {
    let in_service = |service| acting.may(action, Target::Service(agent.tenant, service));
    acting.may_in(action, agent.tenant) || agent.services.iter().copied().any(in_service)
}

/// Has an agent's state changed, and shows it as it is then.
pub(super) async fn change(
    shared: &Shared,
    acting: &Acting,
    user: UserId,
    body: StateJson,
) -> Result<AgentJson, Refusal> {
    let view = shared.engine.view();
    let duty = view
        .people
        .account(user)
        .map(|account| account.user.standing.duty.clone());
    let change = body.change(acting.by(), user, &duty.unwrap_or_default())?;
    shared.attendance.set_state(&shared.engine, change).await?;
    one(shared, user).await
}

/// One agent as it is.
pub(super) async fn one(shared: &Shared, user: UserId) -> Result<AgentJson, Refusal> {
    let none = || {
        let message = "There is no such agent: nobody here gets items by that name.";
        Refusal::new(Code::NotFound, message)
    };
    let view = shared.engine.view();
    let agent = view.agents.get(&user).ok_or_else(none)?;
    let mut shown = show(shared, &view, std::slice::from_ref(agent)).await?;
    shown.pop().ok_or_else(none)
}

/// Agents as they are, in the order given.
pub(super) async fn show(
    shared: &Shared,
    view: &View,
    agents: &[Arc<AgentView>],
) -> Result<Vec<AgentJson>, Refusal> {
    let sequences = items_of(agents.iter().map(Arc::as_ref));
    let ids = match sequences.is_empty() {
        true => ItemIds::new(),
        false => {
            let reading = shared.read(move |reader| {
                let mut ids = ItemIds::new();
                for sequence in sequences {
                    let listed = reader.item_by_sequence(sequence)?;
                    ids.extend(listed.map(|listed| (sequence, listed.item.id.to_string())));
                }
                Ok(ids)
            });
            reading.await?
        }
    };
    let now = clock();
    let agents = agents.iter();
    Ok(agents
        .map(|agent| {
            let reason_asked = shared.attendance.asks_reason(agent.id);
            AgentJson::of(view, agent, &ids, reason_asked, now)
        })
        .collect())
}
