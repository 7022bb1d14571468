//! Signing in and out: `/api/v1/session`.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::code::Code;
use crate::domain::refusal::Refusal;
use crate::engine::run::clock;
use crate::http::answer::{self, ProblemDetails, shown};
use crate::http::json_request::json_body;
use crate::http::routes::Routes;
use crate::http::server::Remote;
use crate::http::state::Shared;
use crate::http::users::json::UserJson;
use crate::people::sign_in::{Means, SignedIn};

use super::cookie;
use super::guard::{Site, site};

/// The route for those who are not known yet.
pub fn open_routes() -> Routes {
    Routes::new().post("/api/v1/session", sign_in)
}

/// The routes for those who are.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/session", who)
        .delete("/api/v1/session", sign_out)
}

/// What somebody signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SignIn)]
pub(super) struct SignInJson {
    /// The user's name.
    user: String,
    password: String,
}

/// A session that has begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionOpened)]
pub(super) struct OpenedJson {
    /// For `Authorization: Bearer`; shown this once.
    token: String,
    user: UserJson,
}

/// Who asks.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub(super) struct SessionJson {
    /// `session` after signing in, `token` for a program.
    means: &'static str,
    user: UserJson,
}

/// Signs in: opens a session and sets its cookie.
///
/// `notAuthenticated` does not say whether the name or the password is wrong; `rateLimited` says in
/// `Retry-After` how long to wait.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", security(()),
    request_body = SignInJson,
    responses((status = 200, body = OpenedJson), ProblemDetails))]
pub(super) async fn sign_in(
    State(shared): State<Arc<Shared>>,
    Extension(remote): Extension<Remote>,
    request: Request,
) -> Response {
    let signed_in = async {
        // Else a foreign page could have somebody work in a session that is not theirs.
        if site(request.headers(), request.uri()) == Site::Foreign {
            return Err(Refusal::new(
                Code::NotAuthorised,
                "Signing in is taken only from our own pages and from programs.",
            ));
        }
        let SignInJson { user, password } = json_body(request).await?;
        let opened = shared
            .sign_ins
            .sign_in(&user, password, remote.address, clock());
        let (token, account) = opened.await?;
        let cookie = cookie::set(&token, remote);
        let user = UserJson::of(&shared.engine.view(), &account, None);
        let response = answer::json_ok(&OpenedJson { token, user });
        Ok(with_cookie(response, &cookie))
    };
    shown(signed_in.await)
}

/// Who am I?
#[utoipa::path(get, path = "/api/v1/session", tag = "session",
    responses((status = 200, body = SessionJson), ProblemDetails))]
pub(super) async fn who(
    State(shared): State<Arc<Shared>>,
    Extension(signed_in): Extension<SignedIn>,
) -> Response {
    let means = match signed_in.means {
        Means::Session { .. } => "session",
        Means::ApiToken => "token",
    };
    let user = UserJson::of(&shared.engine.view(), &signed_in.account, None);
    answer::json_ok(&SessionJson { means, user })
}

/// Signs out: ends the session and clears its cookie.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session",
    responses((status = 204), ProblemDetails))]
pub(super) async fn sign_out(
    State(shared): State<Arc<Shared>>,
    Extension(remote): Extension<Remote>,
    Extension(signed_in): Extension<SignedIn>,
) -> Response {
    let signed_out = async {
        if signed_in.means == Means::ApiToken {
            return Err(Refusal::new(
                Code::NotAuthorised,
                "A token has no session: it ends with DELETE /api/v1/me/tokens/{label}.",
            ));
        }
        shared.sign_ins.sign_out(&signed_in, remote.address).await?;
        Ok(with_cookie(answer::nothing(), &cookie::clear(remote)))
    };
    shown(signed_out.await)
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    let cookie = HeaderValue::from_str(cookie).expect("names and tokens are ASCII");
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}
