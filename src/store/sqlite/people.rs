//! People in the file. What nothing is looked up by stands in one column as JSON, written and read
//! by structs private to the store (see `content_column`).

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::row::{out_of_range, time};
use super::write::exactly_one;
use crate::domain::access::{ApiToken, PasswordHash, Session, TokenDigest};
use crate::domain::agent::Duty;
use crate::domain::ids::{ServiceId, TenantId, UserId};
use crate::domain::people::{Capacity, Role, SkillLevel, Skills, Standing, User, UserName};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::people::{Account, PeopleChanges, PeopleRows, SessionChange, TokenChange};

const USERS: &str = "\
    SELECT number, tenant, name, version, enabled, capacity, password, details \
    FROM user ORDER BY number";
const SESSIONS: &str = "SELECT digest, user, opened_at, seen_at FROM session ORDER BY digest";
const TOKENS: &str = "\
    SELECT digest, user, label, created_at, expires_at FROM token ORDER BY digest";
/// Numbers are never given again: users are not deleted.
const INSERT_USER: &str = "\
    INSERT INTO user (number, tenant, name, version, enabled, capacity, password, details) \
    SELECT ?1, ?2, ?3, 1, ?4, ?5, ?6, ?7 \
    WHERE ?1 > (SELECT coalesce(max(number), 0) FROM user)";
const UPDATE_USER: &str = "\
    UPDATE user SET version = ?4, enabled = ?5, capacity = ?6, password = ?7, details = ?8 \
    WHERE number = ?1 AND tenant = ?2 AND name = ?3 AND version = ?4 - 1";
const OPEN_SESSION: &str = "\
    INSERT INTO session (digest, user, opened_at, seen_at) \
    SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM user WHERE number = ?2)";
const SEE_SESSION: &str = "UPDATE session SET seen_at = ?2 WHERE digest = ?1";
const CLOSE_SESSION: &str = "DELETE FROM session WHERE digest = ?1";
const CREATE_TOKEN: &str = "\
    INSERT INTO token (digest, user, label, created_at, expires_at) \
    SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM user WHERE number = ?2)";
const REVOKE_TOKEN: &str = "DELETE FROM token WHERE digest = ?1";

/// The column `details`.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Details {
    display_name: String,
    roles: Vec<u8>,
    services: BTreeSet<u32>,
    supervisor_of: BTreeSet<u32>,
    skills: BTreeMap<String, u8>,
    profiles: BTreeMap<String, BTreeMap<String, u8>>,
    work_groups: BTreeSet<String>,
    active: BTreeSet<u32>,
    on_duty: bool,
    duty_profile: Option<String>,
    not_available: Option<String>,
}

/// The number of a role in the file. Stable.
pub(super) fn role_code(role: Role) -> u8 {
    match role {
        Role::Agent => 1,
        Role::Supervisor => 2,
        Role::Auditor => 3,
        Role::Admin => 4,
    }
}

impl Details {
    fn of(user: &User) -> Details {
        let numbers = |ids: &BTreeSet<ServiceId>| ids.iter().map(|id| id.0).collect();
        let levels = |skills: &Skills| {
            let skills = skills.iter();
            skills
                .map(|(name, level)| (name.clone(), level.value()))
                .collect()
        };
        let profiles = user.profiles.iter();
        let (on_duty, duty_profile) = match &user.standing.duty {
            Duty::Off => (false, None),
            Duty::On { profile } => (true, profile.clone()),
        };
        Details {
            display_name: user.display_name.clone(),
            roles: user.roles.iter().map(|role| role_code(*role)).collect(),
            services: numbers(&user.services),
            supervisor_of: numbers(&user.supervisor_of),
            skills: levels(&user.skills),
            profiles: profiles
                .map(|(name, skills)| (name.clone(), levels(skills)))
                .collect(),
            work_groups: user.work_groups.clone(),
            active: numbers(&user.standing.active),
            on_duty,
            duty_profile,
            not_available: user.standing.not_available.clone(),
        }
    }
}

/// The role of that number.
pub(super) fn role(code: u8) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role_code(*role) == code)
}

fn roles(codes: Vec<u8>) -> Option<BTreeSet<Role>> {
    codes.into_iter().map(role).collect()
}

fn skills(levels: BTreeMap<String, u8>) -> Option<Skills> {
    let levels = levels.into_iter();
    levels
        .map(|(name, level)| Some((name, SkillLevel::new(level)?)))
        .collect()
}

fn services(numbers: BTreeSet<u32>) -> BTreeSet<ServiceId> {
    numbers.into_iter().map(ServiceId).collect()
}

/// All people.
pub(super) fn people(connection: &Connection) -> Result<PeopleRows, StoreError> {
    let accounts = connection
        .prepare_cached(USERS)?
        .query_map([], account)?
        .collect::<rusqlite::Result<_>>()?;
    let sessions = connection
        .prepare_cached(SESSIONS)?
        .query_map([], |row| {
            Ok(Session {
                digest: TokenDigest(row.get(0)?),
                user: UserId(row.get(1)?),
                opened_at: Timestamp(row.get(2)?),
                seen_at: Timestamp(row.get(3)?),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let tokens = connection
        .prepare_cached(TOKENS)?
        .query_map([], |row| {
            Ok(ApiToken {
                digest: TokenDigest(row.get(0)?),
                user: UserId(row.get(1)?),
                label: row.get(2)?,
                created_at: Timestamp(row.get(3)?),
                expires_at: time(row, 4)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(PeopleRows {
        accounts,
        sessions,
        tokens,
    })
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    const NAME: usize = 2;
    const CAPACITY: usize = 5;
    const DETAILS: usize = 7;
    let name: UserName = row
        .get::<_, String>(NAME)?
        .parse()
        .map_err(|error| unreadable(NAME, error))?;
    let capacity: u8 = row.get(CAPACITY)?;
    let details: Details = serde_json::from_str(&row.get::<_, String>(DETAILS)?)
        .map_err(|error| unreadable(DETAILS, error))?;
    let wrong = || out_of_range(DETAILS, 0);
    let profiles = details.profiles.into_iter();
    let profiles = profiles.map(|(name, levels)| Some((name, skills(levels)?)));
    let user = User {
        id: UserId(row.get(0)?),
        tenant: TenantId(row.get(1)?),
        name,
        display_name: details.display_name,
        roles: roles(details.roles).ok_or_else(wrong)?,
        services: services(details.services),
        supervisor_of: services(details.supervisor_of),
        skills: skills(details.skills).ok_or_else(wrong)?,
        profiles: profiles.collect::<Option<_>>().ok_or_else(wrong)?,
        capacity: Capacity::new(capacity)
            .ok_or_else(|| out_of_range(CAPACITY, i64::from(capacity)))?,
        work_groups: details.work_groups,
        enabled: row.get(4)?,
        standing: Standing {
            active: services(details.active),
            duty: match details.on_duty {
                true => Duty::On {
                    profile: details.duty_profile,
                },
                false => Duty::Off,
            },
            not_available: details.not_available,
        },
        version: row.get(3)?,
    };
    let password = row.get::<_, Option<String>>(6)?.map(PasswordHash);
    Ok(Account { user, password })
}

fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let error = Box::new(error);
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error)
}

/// Writes the changes.
///
/// # Errors
/// The caller must roll back.
pub(super) fn write(tx: &Connection, changes: &PeopleChanges) -> Result<(), StoreError> {
    for account in &changes.accounts {
        put(tx, account)?;
    }
    for change in &changes.sessions {
        let rows = match change {
            SessionChange::Opened(session) => tx.prepare_cached(OPEN_SESSION)?.execute(params![
                session.digest.0.as_slice(),
                session.user.0,
                session.opened_at.0,
                session.seen_at.0,
            ])?,
            SessionChange::Seen(digest, at) => tx
                .prepare_cached(SEE_SESSION)?
                .execute(params![digest.0.as_slice(), at.0])?,
            SessionChange::Closed(digest) => tx
                .prepare_cached(CLOSE_SESSION)?
                .execute([digest.0.as_slice()])?,
        };
        exactly_one(rows, || "a session is not as expected".to_owned())?;
    }
    for change in &changes.tokens {
        let rows = match change {
            TokenChange::Created(token) => tx.prepare_cached(CREATE_TOKEN)?.execute(params![
                token.digest.0.as_slice(),
                token.user.0,
                token.label,
                token.created_at.0,
                token.expires_at.map(|time| time.0),
            ])?,
            TokenChange::Revoked(digest) => tx
                .prepare_cached(REVOKE_TOKEN)?
                .execute([digest.0.as_slice()])?,
        };
        exactly_one(rows, || "a token is not as expected".to_owned())?;
    }
    Ok(())
}

fn put(tx: &Connection, account: &Account) -> Result<(), StoreError> {
    let user = &account.user;
    let details = serde_json::to_string(&Details::of(user))
        .map_err(|error| StoreError::Failed(format!("a user cannot be written: {error}")))?;
    let password = account.password.as_ref().map(|hash| hash.0.as_str());
    let rows = if user.version == 1 {
        tx.prepare_cached(INSERT_USER)?.execute(params![
            user.id.0,
            user.tenant.0,
            user.name.as_str(),
            user.enabled,
            user.capacity.value(),
            password,
            details,
        ])?
    } else {
        tx.prepare_cached(UPDATE_USER)?.execute(params![
            user.id.0,
            user.tenant.0,
            user.name.as_str(),
            user.version,
            user.enabled,
            user.capacity.value(),
            password,
            details,
        ])?
    };
    exactly_one(rows, || {
        format!("user {} is not in the version before", user.id.0)
    })
}
