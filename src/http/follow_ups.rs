//! Alerts and buttons of workflows over JSON, `/api/v1/follow-ups`, and the workflows that people
//! open themselves. [`seen`] says who may see which, [`start`] opens them, [`json`] is what is shown.
//!
//! A follow-up that is not for whoever asks is as if there were none.

pub mod json;
pub mod seen;
pub mod start;

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::domain::follow_up::FollowUpId;
use crate::domain::permission::{Action, Target};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::engine::flows::command::{FollowUpVerb, HandleFollowUp};
use crate::engine::run::clock;
use crate::store::read::FollowUpState;

use super::acting::{Acting, not_allowed};
use super::answer::{self, ProblemDetails, shown};
use super::json_request::{invalid, json_parameters};
use super::routes::Routes;
use super::state::Shared;
use json::{FollowUpJson, HandledJson, PageJson};
use seen::{Wanted, unknown};

/// Follow-ups of a page, unless the request says otherwise.
const LIMIT_DEFAULT: usize = 100;
/// Follow-ups of a page, at most.
const LIMIT_MAX: usize = 1_000;

/// The routes, which need [`Acting`] among the extensions.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/follow-ups", list)
        .get("/api/v1/follow-ups/{id}", show)
        .post("/api/v1/follow-ups/{id}/acknowledge", acknowledge)
        .post("/api/v1/follow-ups/{id}/push", push)
        .merge(start::routes())
}

/// The alerts and buttons that are for whoever asks, by role and service or by work group, the
/// oldest first; `open` counts all that are open, whatever the page.
#[utoipa::path(get, path = "/api/v1/follow-ups", tag = "follow-ups",
    params(
        ("state" = Option<String>, Query, description = "`open` (unless said otherwise) or `closed`"),
        ("after" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "1 to 1,000; 100 unless said otherwise"),
        ("tenant" = Option<String>, Query, description = "For the operator"),
    ),
    responses((status = 200, body = PageJson), ProblemDetails))]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    uri: Uri,
) -> Response {
    let listed = async {
        door(&acting, Action::SeeFollowUp)?;
        let (wanted, tenant) = wanted(&uri)?;
        let tenant = match acting.home(&shared.engine.view())? {
            Some(home) => Some(home),
            None => tenant,
        };
        let page = seen::page(&shared, &acting, tenant, wanted).await?;
        let people = shared.engine.people();
        Ok(answer::json_ok(&PageJson::of(page, &people, clock())))
    };
    shown(listed.await)
}

/// One alert or button.
#[utoipa::path(get, path = "/api/v1/follow-ups/{id}", tag = "follow-ups",
    params(("id" = String, Path, description = "The follow-up's id")),
    responses((status = 200, body = FollowUpJson), ProblemDetails))]
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(id): Path<String>,
) -> Response {
    let found = async {
        door(&acting, Action::SeeFollowUp)?;
        let found = seen::find(&shared, &acting, parse(&id)?).await?;
        let people = shared.engine.people();
        Ok(answer::json_ok(&FollowUpJson::of(found, &people, clock())))
    };
    shown(found.await)
}

/// Takes note of an alert: it leaves the list of everybody.
#[utoipa::path(post, path = "/api/v1/follow-ups/{id}/acknowledge", tag = "follow-ups",
    params(("id" = String, Path, description = "The alert's id")),
    responses((status = 200, body = HandledJson), ProblemDetails))]
pub(super) async fn acknowledge(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(id): Path<String>,
) -> Response {
    shown(handle(&shared, &acting, &id, FollowUpVerb::Acknowledge).await)
}

/// Pushes a button: its workflow goes on with the stage of that name.
#[utoipa::path(post, path = "/api/v1/follow-ups/{id}/push", tag = "follow-ups",
    params(("id" = String, Path, description = "The button's id")),
    responses((status = 200, body = HandledJson), ProblemDetails))]
pub(super) async fn push(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(id): Path<String>,
) -> Response {
    shown(handle(&shared, &acting, &id, FollowUpVerb::Push).await)
}

/// Has it handled. The engine says who may; who may not see it is not even told that.
async fn handle(
    shared: &Shared,
    acting: &Acting,
    id: &str,
    verb: FollowUpVerb,
) -> Result<Response, Refusal> {
    door(acting, Action::HandleFollowUp)?;
    let id = parse(id)?;
    seen::find(shared, acting, id).await?;
    let by = acting.by();
    let request = HandleFollowUp { by, id, verb };
    let handled = shared.engine.handle_follow_up(request).await?;
    // Its item has gone on in the same turn.
    let found = seen::find(shared, acting, id).await?;
    let people = shared.engine.people();
    let follow_up = FollowUpJson::of(found, &people, clock());
    let repeated = handled.repeated;
    Ok(answer::json_ok(&HandledJson {
        follow_up,
        repeated,
    }))
}

/// Refuses whoever may do that with no follow-up at all.
fn door(acting: &Acting, action: Action) -> Result<(), Refusal> {
    match acting.may(action, Target::Own) {
        true => Ok(()),
        false => Err(not_allowed()),
    }
}

fn parse(id: &str) -> Result<FollowUpId, Refusal> {
    id.parse().map_err(|_| unknown())
}

/// The part of the list that the address asks for, and the tenant that it names.
fn wanted(uri: &Uri) -> Result<(Wanted, Option<String>), Refusal> {
    let mut parameters = json_parameters(uri, &["state", "after", "limit", "tenant"])?;
    let state = match parameters.get("state").map(String::as_str) {
        None | Some("open") => FollowUpState::Open,
        Some("closed") => FollowUpState::Closed,
        Some(_) => return Err(invalid("state is open or closed.")),
    };
    let after = parameters.get("after").map(|text| parse_place(text));
    if after == Some(None) {
        return Err(invalid("after is the next of a page, as it was answered."));
    }
    let limit = parameters.get("limit").map(|text| text.parse());
    let limit = limit.unwrap_or(Ok(LIMIT_DEFAULT)).ok();
    let limit = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit));
    let wanted = Wanted {
        state,
        after: after.flatten(),
        limit: limit.ok_or_else(|| invalid("limit is a number from 1 to 1,000."))?,
    };
    Ok((wanted, parameters.remove("tenant")))
}

/// The place in the list behind which it goes on.
fn place(at: Timestamp, id: FollowUpId) -> String {
    format!("{}.{id}", at.0)
}

fn parse_place(text: &str) -> Option<(Timestamp, FollowUpId)> {
    let (at, id) = text.split_once('.')?;
    Some((Timestamp(at.parse().ok()?), id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_place_leads_back_to_itself() {
        let there = (Timestamp(1_795_000_000_123), FollowUpId(Uuid::now_v7()));
        assert_eq!(parse_place(&place(there.0, there.1)), Some(there));
        let id = there.1;
        for text in ["", "1", "1.", &format!("x.{id}"), &format!("1.{id}.2")] {
            assert_eq!(parse_place(text), None, "{text}");
        }
    }

    #[test]
    fn a_page_has_one_to_a_thousand_follow_ups_of_one_state() {
        let table = [
            ("", Some((FollowUpState::Open, LIMIT_DEFAULT))),
            ("?state=open&limit=1", Some((FollowUpState::Open, 1))),
            (
                "?state=closed&limit=1000",
                Some((FollowUpState::Closed, 1_000)),
            ),
            ("?limit=0", None),
            ("?limit=1001", None),
            ("?limit=many", None),
            ("?state=ended", None),
            ("?after=yesterday", None),
            ("?role=agent", None),
        ];
        for (query, expected) in table {
            let uri: Uri = format!("/{query}").parse().expect("an address");
            let found = wanted(&uri).map(|(wanted, _)| (wanted.state, wanted.limit));
            assert_eq!(found.ok(), expected, "{query}");
        }
    }
}
