//! The users of the built-in demo.

use std::collections::BTreeMap;

use crate::domain::journal::Actor;
use crate::domain::people::{Capacity, Role, UserPatch};
use crate::domain::refusal::Refusal;
use crate::engine::handle::EngineHandle;
use crate::engine::people::change::{ChangePeople, Edit};

use super::password::Passwords;
use super::secret;

/// Their names and roles.
pub const DEMO_USERS: [(&str, Role); 4] = [
    ("agent1", Role::Agent),
    ("agent2", Role::Agent),
    ("supervisor", Role::Supervisor),
    ("admin", Role::Admin),
];

/// Adds the demo's users where they are missing, and gives one whose password is not in `known` a
/// new one. `tenant` is the demo's, `services` are all of its services.
///
/// Ensures: every name of [`DEMO_USERS`] has its password in what is returned; the caller keeps it
/// beside the demo's keys, and gives it as `known` at the next start.
///
/// # Errors
/// What the engine says; nothing was changed.
pub async fn ensure_demo_users(
    engine: &EngineHandle,
    passwords: &Passwords,
    tenant: &str,
    services: &[&str],
    known: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let people = engine.people();
    let mut edits = Vec::new();
    let mut all = BTreeMap::new();
    for (name, role) in DEMO_USERS {
        let exists = people.named(name).is_some();
        let password = match known.get(name) {
            Some(password) => password.clone(),
            None => secret::new_password().map_err(secret::refuse)?,
        };
        if !exists || !known.contains_key(name) {
            let hash = passwords.hash(password.clone()).await?;
            let user = name.parse().expect("the demo's names are good");
            edits.push(match exists {
                true => Edit::SetPassword {
                    name: user,
                    password: hash,
                    keep: None,
                },
                false => Edit::Add {
                    name: user,
                    tenant: Some(tenant.to_owned()),
                    patch: patch(role, services),
                    password: Some(hash),
                },
            });
        }
        all.insert(name.to_owned(), password);
    }
    if !edits.is_empty() {
        let change = ChangePeople {
            actor: Actor::Engine,
            from: None,
            edits,
            dry_run: false,
        };
        engine.change_people(change).await?;
    }
    Ok(all)
}

fn patch(role: Role, services: &[&str]) -> UserPatch {
    let services = services.iter().map(|name| (*name).to_owned()).collect();
    let (member, supervisor) = match role {
        Role::Agent => (Some(services), None),
        Role::Supervisor => (None, Some(services)),
        Role::Auditor | Role::Admin => (None, None),
    };
    UserPatch {
        roles: Some([role].into()),
        services: member,
        supervisor_of: supervisor,
        capacity: Some(Capacity::DEFAULT),
        ..UserPatch::default()
    }
}
