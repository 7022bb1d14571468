//! Users over JSON: `/api/v1/users`, `/api/v1/user-imports`.
//!
//! Who acts is an [`Acting`] among the request's extensions, put there by whoever mounts the
//! routes: the control socket acts as admin of every tenant, the console as the user who signed in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use crate::domain::agent::Duty;
use crate::domain::code::Code;
use crate::domain::ids::{ServiceId, TenantId};
use crate::domain::journal::Actor;
use crate::domain::people::{Capacity, LEVEL_MAX, Role, SkillLevel, Skills, UserName, UserPatch};
use crate::domain::permission::{Action, Target, may};
use crate::domain::refusal::{Problem, Refusal};
use crate::engine::people::change::{ChangePeople, Edit};
use crate::engine::view::View;
use crate::people::csv;
use crate::people::import::import;
use crate::people::password::check_rules;
use crate::people::secret;
use crate::store::people::Account;

use super::answer;
use super::control::{invalid, json_body, json_body_of, shown};
use super::state::Shared;

/// Bytes of an import's body: the file, with its line ends written as JSON.
const IMPORT_BYTES_MAX: usize = 2 * csv::FILE_BYTES_MAX;

/// On whose behalf a request is carried out.
#[derive(Clone)]
pub struct Acting {
    /// For the audit.
    pub actor: Actor,
    /// The address, for the audit.
    pub from: Option<String>,
    /// Who signed in; `None`: the control socket.
    pub user: Option<Arc<Account>>,
}

impl Acting {
    fn may(&self, action: Action, tenant: TenantId) -> bool {
        let user = self.user.as_ref();
        user.is_none_or(|account| may(&account.user, action, Target::Tenant(tenant)))
    }

    /// The tenant in which somebody new belongs: one's own, or the one that is named.
    fn tenant(&self, view: &View, named: Option<String>) -> Result<Option<String>, Refusal> {
        let Some(account) = &self.user else {
            return Ok(named);
        };
        let own = account.user.tenant;
        let name = view.tenants.get(&own).map(|tenant| tenant.name.to_string());
        let is_own = named.is_none() || named == name;
        if is_own && self.may(Action::ChangeUsers, own) {
            return Ok(name);
        }
        Err(not_allowed())
    }
}

fn not_allowed() -> Refusal {
    Refusal::new(Code::NotAuthorised, "You may not change users there.")
}

/// The routes, which need [`Acting`] among the extensions.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v1/users", get(list).post(add))
        .route(
            "/api/v1/users/{user}",
            get(show).patch(change).delete(deactivate),
        )
        .route("/api/v1/user-imports", post(import_file))
}

/// A user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UserJson {
    tenant: String,
    name: String,
    display_name: String,
    roles: Vec<&'static str>,
    services: Vec<String>,
    supervisor_of: Vec<String>,
    skills: BTreeMap<String, u8>,
    profiles: BTreeMap<String, BTreeMap<String, u8>>,
    capacity: u8,
    work_groups: BTreeSet<String>,
    enabled: bool,
    active: Vec<String>,
    duty: &'static str,
    profile: Option<String>,
    not_available_reason: Option<String>,
    has_password: bool,
    version: u32,
    /// Generated just now; shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl UserJson {
    fn of(view: &View, account: &Account, password: Option<String>) -> UserJson {
        let user = account.user.clone();
        let tenant = view.tenants.get(&user.tenant);
        let names = |ids: &BTreeSet<ServiceId>| {
            let named = ids.iter().filter_map(|id| view.services.get(id));
            named.map(|service| service.name.to_string()).collect()
        };
        let levels = |skills: Skills| -> BTreeMap<String, u8> {
            let skills = skills.into_iter();
            skills.map(|(name, level)| (name, level.value())).collect()
        };
        let (duty, profile) = match user.standing.duty {
            Duty::Off => ("offDuty", None),
            Duty::On { profile } => ("onDuty", profile),
        };
        let profiles = user.profiles.into_iter();
        UserJson {
            tenant: tenant.map_or_else(String::new, |tenant| tenant.name.to_string()),
            name: user.name.to_string(),
            display_name: user.display_name,
            roles: user.roles.iter().map(|role| role.name()).collect(),
            services: names(&user.services),
            supervisor_of: names(&user.supervisor_of),
            skills: levels(user.skills),
            profiles: profiles
                .map(|(name, skills)| (name, levels(skills)))
                .collect(),
            capacity: user.capacity.value(),
            work_groups: user.work_groups,
            enabled: user.enabled,
            active: names(&user.standing.active),
            duty,
            profile,
            not_available_reason: user.standing.not_available,
            has_password: account.password.is_some(),
            version: user.version,
            password,
        }
    }
}

/// What `POST` and `PATCH` may say.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PatchJson {
    name: Option<String>,
    tenant: Option<String>,
    display_name: Option<String>,
    roles: Option<BTreeSet<String>>,
    services: Option<BTreeSet<String>>,
    supervisor_of: Option<BTreeSet<String>>,
    skills: Option<BTreeMap<String, u8>>,
    profiles: Option<BTreeMap<String, BTreeMap<String, u8>>>,
    capacity: Option<u8>,
    work_groups: Option<BTreeSet<String>>,
    enabled: Option<bool>,
    /// A password that somebody thought of.
    password: Option<String>,
    /// True: a generated one.
    new_password: Option<bool>,
    if_version: Option<u32>,
}

impl PatchJson {
    fn patch(&self) -> Result<UserPatch, Refusal> {
        let roles = self.roles.as_ref().map(|roles| {
            let roles = roles.iter();
            roles
                .map(|name| csv::role(name))
                .collect::<Result<BTreeSet<Role>, _>>()
        });
        let capacity = self.capacity.map(|value| {
            Capacity::new(value).ok_or_else(|| invalid("capacity is a number from 1 to 10."))
        });
        let profiles = self.profiles.as_ref().map(|profiles| {
            let profiles = profiles.iter();
            profiles
                .map(|(name, levels)| Ok((name.clone(), skills(levels)?)))
                .collect::<Result<_, Refusal>>()
        });
        Ok(UserPatch {
            display_name: self.display_name.clone(),
            roles: roles
                .transpose()
                .map_err(|error| invalid(format!("{error}.")))?,
            services: self.services.clone(),
            supervisor_of: self.supervisor_of.clone(),
            skills: self.skills.as_ref().map(skills).transpose()?,
            profiles: profiles.transpose()?,
            capacity: capacity.transpose()?,
            work_groups: self.work_groups.clone(),
            enabled: self.enabled,
        })
    }

    /// The password to set, and whether it was generated.
    fn new_password(&self, name: &UserName) -> Result<Option<(String, bool)>, Refusal> {
        match (&self.password, self.new_password) {
            (Some(_), Some(true)) => Err(invalid("Give password or newPassword, not both.")),
            (Some(password), Some(false) | None) => {
                check_rules(password, name.as_str()).map_err(|bad| invalid(format!("{bad}.")))?;
                Ok(Some((password.clone(), false)))
            }
            (None, Some(true)) => {
                let password = secret::new_password().map_err(secret::refuse)?;
                Ok(Some((password, true)))
            }
            (None, Some(false) | None) => Ok(None),
        }
    }
}

fn skills(levels: &BTreeMap<String, u8>) -> Result<Skills, Refusal> {
    let level = |(name, value): (&String, &u8)| match SkillLevel::new(*value) {
        Some(level) => Ok((name.clone(), level)),
        None => Err(invalid(format!(
            "The level of {name} is a number from 1 to {LEVEL_MAX}."
        ))),
    };
    levels.iter().map(level).collect()
}

fn user_name(text: &str) -> Result<UserName, Refusal> {
    text.parse().map_err(|error| invalid(format!("{error}.")))
}

async fn list(State(shared): State<Arc<Shared>>, Extension(acting): Extension<Acting>) -> Response {
    let view = shared.engine.view();
    let accounts = view.people.accounts();
    let seen = accounts.filter(|account| acting.may(Action::SeeUsers, account.user.tenant));
    let users: Vec<UserJson> = seen
        .map(|account| UserJson::of(&view, account, None))
        .collect();
    answer::json_ok(&users)
}

async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
) -> Response {
    let view = shared.engine.view();
    let found = find(&view, &acting, Action::SeeUsers, &name);
    shown(found.map(|account| answer::json_ok(&UserJson::of(&view, &account, None))))
}

/// The user of that name; one of another tenant is as if there were none.
fn find(view: &View, acting: &Acting, action: Action, name: &str) -> Result<Arc<Account>, Refusal> {
    let unknown = || Refusal::new(Code::NotFound, format!("There is no user {name}."));
    let account = view.people.named(name).ok_or_else(unknown)?;
    let tenant = account.user.tenant;
    if acting.may(action, tenant) {
        return Ok(account.clone());
    }
    Err(match acting.may(Action::SeeUsers, tenant) {
        true => not_allowed(),
        false => unknown(),
    })
}

async fn add(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    request: Request,
) -> Response {
    let added = async {
        let body: PatchJson = json_body(request).await?;
        let name = body
            .name
            .as_deref()
            .ok_or_else(|| invalid("name is missing."))?;
        let name = user_name(name)?;
        let tenant = acting.tenant(&shared.engine.view(), body.tenant.clone())?;
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

async fn change(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let changed = async {
        let body: PatchJson = json_body(request).await?;
        if body.name.is_some() || body.tenant.is_some() {
            return Err(invalid("A user keeps name and tenant: add another one."));
        }
        find(&shared.engine.view(), &acting, Action::ChangeUsers, &name)?;
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

async fn deactivate(
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
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ImportJson {
    csv: String,
    #[serde(default)]
    dry_run: bool,
    tenant: Option<String>,
}

/// What came of an import.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportedJson {
    dry_run: bool,
    added: usize,
    changed: usize,
    /// Of those who are new; shown this once.
    passwords: BTreeMap<String, String>,
}

async fn import_file(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    request: Request,
) -> Response {
    let imported = async {
        let body: ImportJson = json_body_of(request, IMPORT_BYTES_MAX).await?;
        let rows = csv::read(&body.csv).map_err(wrong_file)?;
        let view = shared.engine.view();
        let tenant = acting.tenant(&view, body.tenant)?;
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
