//! A user as JSON, and what may be said about one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::agent::Duty;
use crate::domain::ids::ServiceId;
use crate::domain::people::{Capacity, LEVEL_MAX, Role, SkillLevel, Skills, UserName, UserPatch};
use crate::domain::refusal::Refusal;
use crate::engine::view::View;
use crate::people::csv;
use crate::people::password::check_rules;
use crate::people::secret;
use crate::store::people::Account;

use crate::http::json_request::invalid;

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserJson {
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
    /// The user, by names; `password` is one that was generated just now.
    pub fn of(view: &View, account: &Account, password: Option<String>) -> UserJson {
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
#[derive(Deserialize, Default, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = UserPatch)]
pub(in crate::http) struct PatchJson {
    pub(super) name: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) roles: Option<BTreeSet<String>>,
    pub(super) services: Option<BTreeSet<String>>,
    pub(super) supervisor_of: Option<BTreeSet<String>>,
    pub(super) skills: Option<BTreeMap<String, u8>>,
    pub(super) profiles: Option<BTreeMap<String, BTreeMap<String, u8>>>,
    pub(super) capacity: Option<u8>,
    pub(super) work_groups: Option<BTreeSet<String>>,
    pub(super) enabled: Option<bool>,
    /// A password that somebody thought of.
    pub(super) password: Option<String>,
    /// True: a generated one.
    pub(super) new_password: Option<bool>,
    pub(super) if_version: Option<u32>,
}

impl PatchJson {
    pub(super) fn patch(&self) -> Result<UserPatch, Refusal> {
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
    pub(super) fn new_password(&self, name: &UserName) -> Result<Option<(String, bool)>, Refusal> {
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
