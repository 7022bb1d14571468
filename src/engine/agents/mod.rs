//! Agents at work: `command` says what can be asked, `act` finds the item and asks whether one may,
//! `work` and `hand_on` are the verbs of agents, `direct` those of supervisors, `state` what agents
//! say about themselves, `decided` makes rows of what the distribution has decided.

pub mod command;
pub mod view;

pub(super) mod act;
mod decided;
pub(super) mod direct;
mod hand_on;
mod state;
mod work;

#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeSet;

use crate::domain::ids::{Sequence, TenantId, UserId};
use crate::domain::people::{Role, Skills, User};
use crate::domain::policy::AgentPolicy;
use crate::domain::session::UserStateChange;
use crate::domain::time::Timestamp;
use crate::routing::agents::AgentSetup;
use crate::store::people::Account;
use crate::store::{Store, StoreError};

use super::Engine;
use super::directory::Directory;
use super::turn::Turn;

/// Whether a user gets items. Who is more than an agent is one too, but only as a member of a
/// service.
pub(super) fn gets_items(user: &User) -> bool {
    let is_member = user.is(Role::Agent) && !user.services.is_empty();
    user.enabled && (user.roles.contains(&Role::Agent) || is_member)
}

/// What the core is told of a user.
pub(super) fn setup_of(user: &User) -> AgentSetup {
    let levels = |skills: &Skills| {
        let skills = skills.iter();
        skills
            .map(|(name, level)| (name.clone(), level.value()))
            .collect()
    };
    let profiles = user.profiles.iter();
    AgentSetup {
        id: user.id,
        name: user.name.as_str().into(),
        services: user.services.clone(),
        skills: levels(&user.skills),
        profiles: profiles
            .map(|(name, skills)| (name.clone(), levels(skills)))
            .collect(),
        capacity: user.capacity.value(),
        active: user.standing.active.clone(),
        duty: user.standing.duty.clone(),
        not_available: user.standing.not_available.clone(),
    }
}

/// How the agents of a user's tenant are treated.
pub(super) fn agent_policy(directory: &Directory, user: &User) -> AgentPolicy {
    let tenant = directory.tenant(user.tenant);
    tenant
        .map(|tenant| tenant.agents.clone())
        .unwrap_or_default()
}

impl<S: Store> Engine<S> {
    /// After users were changed: the core learns it, and the items of whoever gets none any longer
    /// go back into their queues.
    pub(super) fn people_changed(
        &mut self,
        turn: &mut Turn,
        accounts: &[Account],
    ) -> Result<(), StoreError> {
        for account in accounts {
            let user = &account.user;
            let known = self.core.distribution().factors(user.id).is_some();
            if gets_items(user) {
                let setup = setup_of(user);
                let distribution = self.core.distribution_mut();
                distribution.agent_changed(setup, turn.now);
                self.rebuild_due |= !known && self.awaited.awaits(user.name.as_str());
            } else if known {
                // What was accepted in this turn stands in no row yet.
                let held = self.core.distribution_mut().agent_gone(user.id, turn.now);
                let mut held: BTreeSet<Sequence> = held.into_iter().collect();
                held.extend(self.store.held_by(user.id)?);
                let held = held.into_iter().map(|sequence| (user.id, sequence));
                self.let_go.extend(held);
            }
        }
        Ok(())
    }

    /// After the core was made anew: whoever is not there has been gone since now, if it has items.
    pub(super) fn miss_the_absent(&mut self, now: Timestamp) {
        let people = self.people.clone();
        for account in people.accounts() {
            let user = &account.user;
            let factors = self.core.distribution().factors(user.id);
            if factors.is_some_and(|factors| !factors.is_there()) {
                let keep_ms = agent_policy(&self.directory, user).agent_lost_after_ms;
                let distribution = self.core.distribution_mut();
                distribution.agent_lost(user.id, keep_ms, now);
            }
        }
    }

    /// Tenants that keep their users' states.
    pub(super) fn tenants_that_keep_states(&self) -> BTreeSet<TenantId> {
        let keeps = |id: &TenantId| {
            let tenant = self.directory.tenant(*id);
            tenant.is_some_and(|tenant| tenant.agents.persist_user_states)
        };
        self.directory.tenant_ids().filter(keeps).collect()
    }

    /// At a start, and where a tenant no longer keeps states: records that are open are closed.
    pub(super) fn close_states(&mut self, whose: impl Fn(&User) -> bool) {
        let accounts = self.people.accounts();
        let users = accounts.filter(|account| whose(&account.user));
        self.states_to_close
            .extend(users.map(|account| account.user.id));
    }

    /// What the last life left behind: states that are still open, offers that still ring.
    pub(super) fn tidy_up_after_restart(&mut self, turn: &mut Turn) -> Result<(), StoreError> {
        let at = turn.now;
        let closed = self.states_to_close.iter().map(|user: &UserId| {
            let (user, state) = (*user, None);
            UserStateChange { user, at, state }
        });
        turn.batch.user_states.extend(closed);
        let left = self.left_ringing.clone();
        self.rescind_left(turn, left)
    }

    /// After the commit: what was tidied up needs it no more.
    pub(super) fn tidied_up(&mut self) {
        self.states_to_close.clear();
        self.left_ringing.clear();
    }
}
