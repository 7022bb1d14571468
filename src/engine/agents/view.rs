//! Agents in the engine's picture.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::agent::{AgentState, Factors, Presence};
use crate::domain::ids::{ServiceId, TenantId, UserId};
use crate::domain::session::UserStateChange;
use crate::domain::time::Timestamp;
use crate::routing::offers::Offer;
use crate::store::Store;

use crate::engine::Engine;
use crate::engine::live::LiveEvent;
use crate::engine::turn::Turn;

use super::agent_policy;

/// An agent as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentView {
    /// Its number.
    pub id: UserId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its name.
    pub name: Arc<str>,
    /// Where it is a member.
    pub services: BTreeSet<ServiceId>,
    /// What it is doing.
    pub state: AgentState,
    /// Since when.
    pub since: Timestamp,
    /// What the state is made of.
    pub factors: Factors,
    /// What rings at it.
    pub offers: Vec<Offer>,
    /// Why it was away or offline, as it said on return.
    pub reason: Option<String>,
}

impl<S: Store> Engine<S> {
    /// Takes new pictures of the agents that changed, tells of their new states, and keeps those
    /// where they are to be kept.
    pub(in crate::engine) fn refresh_agents(&mut self, turn: &mut Turn) {
        let touched = self.core.distribution_mut().take_touched();
        if touched.is_empty() {
            return;
        }
        let agents = Arc::make_mut(&mut self.agents);
        for id in touched {
            let distribution = self.core.distribution();
            let account = self.people.account(id);
            let (Some(factors), Some(account)) = (distribution.factors(id), account) else {
                agents.remove(&id);
                continue;
            };
            let user = &account.user;
            let state = crate::domain::agent::state(factors, turn.now);
            let before = agents.get(&id);
            let changed = before.is_none_or(|before| before.state != state);
            let since = match before {
                Some(before) if before.state.name() == state.name() => before.since,
                Some(_) | None => turn.now,
            };
            if changed && before.is_some() {
                turn.live.push(LiveEvent::Agent {
                    tenant: user.tenant,
                    agent: id,
                });
            }
            let keeps = agent_policy(&self.directory, user).persist_user_states;
            let reason = self.reasons.remove(&id);
            if keeps && since == turn.now && changed {
                turn.batch
                    .user_states
                    .push(state_change(id, &state, reason.clone(), turn.now));
            }
            let view = AgentView {
                id,
                tenant: user.tenant,
                name: user.name.as_str().into(),
                services: user.services.clone(),
                state,
                since,
                factors: factors.clone(),
                offers: distribution.offers_of(id).cloned().collect(),
                reason,
            };
            // Who is there decides how long an item may wait.
            for service in &view.services {
                self.core.touch(*service);
            }
            agents.insert(id, Arc::new(view));
        }
    }
}

/// A state as it is kept. Offline is where nothing is kept.
fn state_change(
    user: UserId,
    state: &AgentState,
    reason: Option<String>,
    at: Timestamp,
) -> UserStateChange {
    let state = match state {
        AgentState::Offline => None,
        AgentState::NotAvailable { reason } => Some((state.name(), Some(reason.clone()))),
        AgentState::Ringing
        | AgentState::Connected
        | AgentState::WrapUp { .. }
        | AgentState::NoAnswer { .. }
        | AgentState::Away
        | AgentState::Busy
        | AgentState::OffDuty
        | AgentState::Ready => Some((state.name(), reason)),
    };
    UserStateChange { user, at, state }
}

impl AgentView {
    /// Whether it is signed in.
    pub fn is_there(&self) -> bool {
        self.factors.presence != Presence::Offline
    }
}
