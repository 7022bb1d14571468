//! The description of the whole interface: `/api/v1/openapi.json`.
//!
//! Each handler describes itself with `#[utoipa::path]`, each JSON type with `ToSchema`; here they
//! are listed. That the list is whole is tested.

use axum::response::Response;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::http::answer::{self, ProblemDetails};
use crate::http::follow_ups::{self, start};
use crate::http::items::{self, bulk, verbs};
use crate::http::routes::Routes;
use crate::http::{agents, notifications, services, users, workflows};

use super::{desk, events, me, session};

/// The route, for everybody: a description tells nothing that the source does not.
pub fn routes() -> Routes {
    Routes::new().get("/api/v1/openapi.json", describe)
}

/// All that can be asked.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Anteroom",
        description = "Times are as in the XML, with an offset. Refusals are problem details (RFC \
                       9457) with the codes of the XML.",
    ),
    paths(
        agents::list,
        agents::set_state,
        bulk::act,
        describe,
        desk::items,
        desk::offers,
        desk::set_state,
        desk::state,
        events::events,
        follow_ups::acknowledge,
        follow_ups::list,
        follow_ups::push,
        follow_ups::show,
        items::attachment,
        items::message,
        items::queue,
        items::show,
        items::trace,
        me::change_password,
        me::create_token,
        me::revoke_token,
        me::show,
        me::tokens,
        notifications::parked,
        notifications::replay,
        services::entrance,
        services::list,
        session::sign_in,
        session::sign_out,
        session::who,
        start::start,
        start::start_of_item,
        users::add,
        users::change,
        users::deactivate,
        users::import_file,
        users::list,
        users::show,
        verbs::abort,
        verbs::accept,
        verbs::decline,
        verbs::edit,
        verbs::end,
        verbs::end_wrap_up,
        verbs::extend_wrap_up,
        verbs::park,
        verbs::prioritise,
        verbs::reassign,
        verbs::release,
        verbs::reopen,
        verbs::requeue,
        verbs::resume,
        verbs::take,
        verbs::transfer,
        workflows::list,
        workflows::picture,
        workflows::show,
    ),
    components(schemas(ProblemDetails)),
    modifiers(&Schemes, &Names),
    security(("token" = []), ("cookie" = []))
)]
pub(super) struct Description;

/// By what somebody is known.
struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let cookie = ApiKeyValue::new("anteroom-session");
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(cookie));
        components.add_security_scheme("token", token);
        components.add_security_scheme("cookie", cookie);
    }
}

/// What can be said of every route alike: a name that no other has, from its room and its handler,
/// and a word for answers that are as one expects.
struct Names;

impl Modify for Names {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for path in openapi.paths.paths.values_mut() {
            let ways = [
                &mut path.get,
                &mut path.post,
                &mut path.put,
                &mut path.patch,
                &mut path.delete,
            ];
            ways.into_iter().flatten().for_each(name);
        }
    }
}

fn name(way: &mut Operation) {
    let tag = way.tags.iter().flatten().next();
    if let (Some(tag), Some(handler)) = (tag, &way.operation_id) {
        way.operation_id = Some(format!("{tag}_{handler}"));
    }
    for response in way.responses.responses.values_mut() {
        match response {
            RefOr::T(response) if response.description.is_empty() => {
                response.description = "Done.".to_owned();
            }
            RefOr::T(_) | RefOr::Ref(_) => {}
        }
    }
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "openapi", security(()),
    responses((status = 200, content_type = "application/json")))]
pub(super) async fn describe() -> Response {
    answer::json_ok(&Description::openapi())
}
