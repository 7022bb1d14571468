//! Users over JSON: `/api/v1/users`, `/api/v1/user-imports`.
//!
//! Whoever may not do a thing at all is told so before anything is looked up; a user of another
//! tenant is as if there were none.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::code::Code;
use crate::domain::people::{UserName, UserPatch};
use crate::domain::permission::Action;
use crate::domain::refusal::{Problem, Refusal};
use crate::engine::people::change::{ChangePeople, Edit};
use crate::engine::view::View;
use crate::people::csv;
use crate::people::import::import;
use crate::store::people::Account;

use super::acting::{Acting, not_allowed};
use super::answer::{self, ProblemDetails, shown};
use super::json_request::{invalid, json_body, json_body_of};
use super::routes::Routes;
use super::state::Shared;
use json::{PatchJson, UserJson};

pub mod json;

/// Bytes of an import's body: the file, with its line ends written as JSON.
const IMPORT_BYTES_MAX: usize = 2 * csv::FILE_BYTES_MAX;

/// The routes, which need [`Acting`] among the extensions.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/users", list)
        .post("/api/v1/users", add)
        .get("/api/v1/users/{user}", show)
        .patch("/api/v1/users/{user}", change)
        .delete("/api/v1/users/{user}", deactivate)
        .post("/api/v1/user-imports", import_file)
}

fn user_name(text: &str) -> Result<UserName, Refusal> {
    text.parse().map_err(|error| invalid(format!("{error}.")))
}

/// All users that one may see.
#[utoipa::path(get, path = "/api/v1/users", tag = "users",
    responses((status = 200, body = [UserJson]), ProblemDetails))]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
) -> Response {
    if let Err(refusal) = acting.check_at_home(Action::SeeUsers) {
        return answer::problem(&refusal);
    }
    let view = shared.engine.view();
    let accounts = view.people.accounts();
    let seen = accounts.filter(|account| acting.may_in(Action::SeeUsers, account.user.tenant));
    let users: Vec<UserJson> = seen
        .map(|account| UserJson::of(&view, account, None))
        .collect();
    answer::json_ok(&users)
}

/// One user.
#[utoipa::path(get, path = "/api/v1/users/{user}", tag = "users",
    params(("user" = String, Path, description = "The user's name")),
    responses((status = 200, body = UserJson), ProblemDetails))]
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
) -> Response {
    let view = shared.engine.view();
    let found = find(&view, &acting, Action::SeeUsers, &name);
    shown(found.map(|account| answer::json_ok(&UserJson::of(&view, &account, None))))
}

/// The user of that name, for somebody who may do that at all.
fn find(view: &View, acting: &Acting, action: Action, name: &str) -> Result<Arc<Account>, Refusal> {
    acting.check_at_home(action)?;
    let account = view.people.named(name);
    let account = account.filter(|account| acting.may_in(action, account.user.tenant));
    let account =
        account.ok_or_else(|| Refusal::new(Code::NotFound, format!("There is no user {name}.")))?;
    Ok(account.clone())
}

/// The tenant in which somebody new belongs: one's own, or, for the operator, the one that is
/// named.
fn tenant_of_new(
    view: &View,
    acting: &Acting,
    named: Option<String>,
) -> Result<Option<String>, Refusal> {
    let home = acting.home(view)?;
    match (home, named) {
        (None, named) => Ok(named),
        (Some(home), Some(named)) if named != home => Err(not_allowed()),
        (Some(home), Some(_) | None) => Ok(Some(home)),
    }
}

/// Adds a user, who has a name at least.
#[utoipa::path(post, path = "/api/v1/users", tag = "users",
    request_body = PatchJson,
    responses((status = 200, body = UserJson), ProblemDetails))]
pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    request: Request,
) -> Response {
    let added = async {
        acting.check_at_home(Action::ChangeUsers)?;
        let body: PatchJson = json_body(request).await?;
        let name = body
            .name
            .as_deref()
            .ok_or_else(|| invalid("name is missing."))?;
        let name = user_name(name)?;
        let tenant = tenant_of_new(&shared.engine.view(), &acting, body.tenant.clone())?;
        let password = body.new_password(&name)?;
        let hash = match &password {
            Some((password, _)) => Some(shared.passwords.hash(password.clone()).await?),
            None => None,
        };
        let edit = Edit::Add {
            name,
            tenant,
            patch: body.patch()?,
            password: hash,
        };
        edited(&shared, &acting, vec![edit], password).await
    };
    shown(added.await)
}

/// Changes what the body says of a user.
#[utoipa::path(patch, path = "/api/v1/users/{user}", tag = "users",
    params(("user" = String, Path, description = "The user's name")),
    request_body = PatchJson,
    responses((status = 200, body = UserJson), ProblemDetails))]
pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let changed = async {
        find(&shared.engine.view(), &acting, Action::ChangeUsers, &name)?;
        let body: PatchJson = json_body(request).await?;
        if body.name.is_some() || body.tenant.is_some() {
            return Err(invalid("A user keeps name and tenant: add another one."));
        }
        let name = user_name(&name)?;
        let mut edits = vec![Edit::Change {
            name: name.clone(),
            patch: body.patch()?,
            if_version: body.if_version,
        }];
        let password = body.new_password(&name)?;
        if let Some((password, _)) = &password {
            let only_this = body.patch()? == UserPatch::default() && body.if_version.is_none();
            if only_this {
                edits.clear();
            }
            edits.push(Edit::SetPassword {
                name,
                password: shared.passwords.hash(password.clone()).await?,
                keep: None,
            });
        }
        edited(&shared, &acting, edits, password).await
    };
    shown(changed.await)
}

/// Deactivates a user: users are never deleted.
#[utoipa::path(delete, path = "/api/v1/users/{user}", tag = "users",
    params(("user" = String, Path, description = "The user's name")),
    responses((status = 200, body = UserJson), ProblemDetails))]
pub(super) async fn deactivate(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
) -> Response {
    let deactivated = async {
        find(&shared.engine.view(), &acting, Action::ChangeUsers, &name)?;
        let edit = Edit::Change {
            name: user_name(&name)?,
            patch: UserPatch {
                enabled: Some(false),
                ..UserPatch::default()
            },
            if_version: None,
        };
        edited(&shared, &acting, vec![edit], None).await
    };
    shown(deactivated.await)
}

/// Has the edits made and shows the user they are about.
async fn edited(
    shared: &Shared,
    acting: &Acting,
    edits: Vec<Edit>,
    password: Option<(String, bool)>,
) -> Result<Response, Refusal> {
    let accounts = order(shared, acting, edits, false).await?;
    let generated = password.filter(|(_, generated)| *generated);
    let generated = generated.map(|(password, _)| password);
    let view = shared.engine.view();
    match accounts.last() {
        Some(account) => Ok(answer::json_ok(&UserJson::of(&view, account, generated))),
        None => Ok(answer::nothing()),
    }
}

async fn order(
    shared: &Shared,
    acting: &Acting,
    edits: Vec<Edit>,
    dry_run: bool,
) -> Result<Vec<Arc<Account>>, Refusal> {
    let change = ChangePeople {
        actor: acting.actor.clone(),
        from: acting.from.clone(),
        edits,
        dry_run,
    };
    Ok(shared.engine.change_people(change).await?.accounts)
}

/// What `POST /api/v1/user-imports` says.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = UserImport)]
pub(super) struct ImportJson {
    csv: String,
    #[serde(default)]
    dry_run: bool,
    tenant: Option<String>,
}

/// What came of an import.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UsersImported)]
pub(super) struct ImportedJson {
    dry_run: bool,
    added: usize,
    changed: usize,
    /// Of those who are new; shown this once.
    passwords: BTreeMap<String, String>,
}

/// Adds and changes users from a file: all of it or nothing.
#[utoipa::path(post, path = "/api/v1/user-imports", tag = "users",
    request_body = ImportJson,
    responses((status = 200, body = ImportedJson), ProblemDetails))]
pub(super) async fn import_file(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    request: Request,
) -> Response {
    let imported = async {
        acting.check_at_home(Action::ChangeUsers)?;
        let body: ImportJson = json_body_of(request, IMPORT_BYTES_MAX).await?;
        let rows = csv::read(&body.csv).map_err(wrong_file)?;
        let view = shared.engine.view();
        let tenant = tenant_of_new(&view, &acting, body.tenant)?;
        for row in &rows {
            if view.people.named(row.name.as_str()).is_some() {
                find(&view, &acting, Action::ChangeUsers, row.name.as_str())?;
            }
        }
        let count = rows.len();
        let (people, dry_run) = (&view.people, body.dry_run);
        let import = import(rows, people, &shared.passwords, tenant.as_deref(), dry_run).await?;
        let is_new = |edit: &&Edit| matches!(edit, Edit::Add { .. });
        let added = import.edits.iter().filter(is_new).count();
        order(&shared, &acting, import.edits, dry_run).await?;
        let passwords = import.passwords.into_iter();
        Ok(answer::json_ok(&ImportedJson {
            dry_run,
            added,
            changed: count - added,
            passwords: passwords
                .map(|(name, password)| (name.to_string(), password))
                .collect(),
        }))
    };
    shown(imported.await)
}

/// All problems of a file, in one text too, for a problem answer has a single detail.
fn wrong_file(problems: Vec<csv::Problem>) -> Refusal {
    let lines: Vec<String> = problems.iter().map(csv::Problem::to_string).collect();
    Problem::new(Code::InvalidField, lines.join("\n")).into()
}
