//! What is one's own: `/api/v1/me`, with password and tokens.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::ApiToken;
use crate::domain::permission::{Action, Target, may};
use crate::domain::refusal::Refusal;
use crate::engine::run::clock;
use crate::http::acting::not_allowed;
use crate::http::answer::{self, ProblemDetails, shown};
use crate::http::json::time;
use crate::http::json_request::{invalid, json_body};
use crate::http::routes::Routes;
use crate::http::server::Remote;
use crate::http::state::Shared;
use crate::http::users::json::UserJson;
use crate::people::sign_in::SignedIn;
use crate::wire::time::parse_instant;

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/me", show)
        .put("/api/v1/me/password", change_password)
        .get("/api/v1/me/tokens", tokens)
        .post("/api/v1/me/tokens", create_token)
        .delete("/api/v1/me/tokens/{label}", revoke_token)
}

fn may_keep(signed_in: &SignedIn) -> Result<(), Refusal> {
    match may(signed_in.user(), Action::KeepOwnState, Target::Own) {
        true => Ok(()),
        false => Err(not_allowed()),
    }
}

/// Oneself, as others who may see users see one.
#[utoipa::path(get, path = "/api/v1/me", tag = "me",
    responses((status = 200, body = UserJson), ProblemDetails))]
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(signed_in): Extension<SignedIn>,
) -> Response {
    let view = shared.engine.view();
    let user = || answer::json_ok(&UserJson::of(&view, &signed_in.account, None));
    shown(may_keep(&signed_in).map(|()| user()))
}

/// A change of one's password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PasswordChange)]
pub(super) struct PasswordJson {
    old: String,
    /// 12 characters at least.
    new: String,
}

/// Changes one's password. Ends all other sessions; tokens stay.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "me",
    request_body = PasswordJson,
    responses((status = 204), ProblemDetails))]
pub(super) async fn change_password(
    State(shared): State<Arc<Shared>>,
    Extension(remote): Extension<Remote>,
    Extension(signed_in): Extension<SignedIn>,
    request: Request,
) -> Response {
    let changed = async {
        may_keep(&signed_in)?;
        let PasswordJson { old, new } = json_body(request).await?;
        let change = (old, new);
        let sign_ins = &shared.sign_ins;
        let changed = sign_ins.change_password(&signed_in, change, remote.address, clock());
        changed.await?;
        Ok(answer::nothing())
    };
    shown(changed.await)
}

/// A token, as far as it can be shown again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub(super) struct TokenJson {
    label: String,
    created_at: String,
    /// `null`: when it is revoked.
    expires_at: Option<String>,
}

impl From<&ApiToken> for TokenJson {
    fn from(token: &ApiToken) -> TokenJson {
        TokenJson {
            label: token.label.clone(),
            created_at: time(token.created_at),
            expires_at: token.expires_at.map(time),
        }
    }
}

/// The tokens of one's programs, by label.
#[utoipa::path(get, path = "/api/v1/me/tokens", tag = "me",
    responses((status = 200, body = [TokenJson]), ProblemDetails))]
pub(super) async fn tokens(
    State(shared): State<Arc<Shared>>,
    Extension(signed_in): Extension<SignedIn>,
) -> Response {
    let listed = || {
        let people = shared.engine.people();
        let tokens = people.tokens_of(signed_in.user().id);
        let mut tokens: Vec<_> = tokens
            .map(|token| TokenJson::from(token.as_ref()))
            .collect();
        tokens.sort_by(|one, other| one.label.cmp(&other.label));
        answer::json_ok(&tokens)
    };
    shown(may_keep(&signed_in).map(|()| listed()))
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewToken)]
pub(super) struct NewTokenJson {
    /// What one calls it, once among one's own.
    label: String,
    /// A time with an offset; without it the token holds until it is revoked.
    expires_at: Option<String>,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TokenMade)]
pub(super) struct TokenMadeJson {
    label: String,
    /// For `Authorization: Bearer`; shown this once.
    token: String,
    expires_at: Option<String>,
}

/// Makes a token for a program that acts as oneself.
#[utoipa::path(post, path = "/api/v1/me/tokens", tag = "me",
    request_body = NewTokenJson,
    responses((status = 200, body = TokenMadeJson), ProblemDetails))]
pub(super) async fn create_token(
    State(shared): State<Arc<Shared>>,
    Extension(remote): Extension<Remote>,
    Extension(signed_in): Extension<SignedIn>,
    request: Request,
) -> Response {
    let created = async {
        may_keep(&signed_in)?;
        let NewTokenJson { label, expires_at } = json_body(request).await?;
        let end = expires_at.as_deref().map(parse_instant);
        let end = match end {
            Some(None) => return Err(invalid("expiresAt is a time with an offset.")),
            Some(Some(end)) if end <= clock() => {
                return Err(invalid("expiresAt is not later than now."));
            }
            Some(Some(end)) => Some(end),
            None => None,
        };
        let (sign_ins, address) = (&shared.sign_ins, remote.address);
        let token = sign_ins.create_token(&signed_in, label.clone(), end, address);
        Ok(answer::json_ok(&TokenMadeJson {
            token: token.await?,
            label,
            expires_at: end.map(time),
        }))
    };
    shown(created.await)
}

/// Ends a token of one's own.
#[utoipa::path(delete, path = "/api/v1/me/tokens/{label}", tag = "me",
    params(("label" = String, Path, description = "What one calls it")),
    responses((status = 204), ProblemDetails))]
pub(super) async fn revoke_token(
    State(shared): State<Arc<Shared>>,
    Extension(remote): Extension<Remote>,
    Extension(signed_in): Extension<SignedIn>,
    Path(label): Path<String>,
) -> Response {
    let revoked = async {
        may_keep(&signed_in)?;
        let sign_ins = &shared.sign_ins;
        let revoked = sign_ins.revoke_token(&signed_in, label, remote.address);
        revoked.await?;
        Ok(answer::nothing())
    };
    shown(revoked.await)
}
