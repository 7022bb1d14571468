//! Agent sessions, service sessions and the states of agents in the store without a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::ids::{OfferId, Sequence, UserId};
use crate::domain::session::{
    AGENT_SESSIONS_SHOWN_MAX, AgentSession, ServiceSession, UserStateChange,
};
use crate::domain::time::Timestamp;
use crate::store::read::UserState;
use crate::store::{Batch, StoreError};

/// The key of an agent session.
type Key = (Sequence, OfferId, UserId);

/// What is committed.
#[derive(Debug, Clone, Default)]
pub(super) struct Sessions {
    of_agents: BTreeMap<Key, AgentSession>,
    ringing: BTreeSet<Key>,
    of_services: BTreeMap<Sequence, Vec<ServiceSession>>,
    states: BTreeMap<UserId, Vec<UserState>>,
}

impl Sessions {
    /// Whether the batch can be applied: what the CHECKs of the file say.
    pub(super) fn check(batch: &Batch) -> Result<(), StoreError> {
        let mut once = BTreeSet::new();
        for session in &batch.agent_sessions {
            let key = (session.sequence, session.offer, session.agent);
            if !once.insert(key) || i64::try_from(session.offer.0).is_err() {
                return Err(StoreError::Conflict(format!(
                    "{key:?} cannot be an agent session, or is written twice"
                )));
            }
        }
        Ok(())
    }

    /// Applies a batch that was checked.
    pub(super) fn apply(sessions: &mut Arc<Sessions>, batch: &Batch) {
        if batch.agent_sessions.is_empty()
            && batch.service_sessions.is_empty()
            && batch.user_states.is_empty()
        {
            return;
        }
        let sessions = Arc::make_mut(sessions);
        for session in &batch.agent_sessions {
            let key = (session.sequence, session.offer, session.agent);
            sessions.of_agents.insert(key, *session);
            if session.accepted_at.is_none() && session.ended.is_none() {
                sessions.ringing.insert(key);
            } else {
                sessions.ringing.remove(&key);
            }
        }
        for session in &batch.service_sessions {
            let of_item = sessions.of_services.entry(session.sequence).or_default();
            of_item.push(*session);
        }
        for change in &batch.user_states {
            sessions.change(change);
        }
    }

    fn change(&mut self, UserStateChange { user, at, state }: &UserStateChange) {
        let states = self.states.entry(*user).or_default();
        if let Some(open) = states.last_mut()
            && open.ended_at.is_none()
        {
            open.ended_at = Some(open.at.max(*at));
        }
        states.extend(state.as_ref().map(|(state, reason)| UserState {
            at: *at,
            state: (*state).to_owned(),
            reason: reason.clone(),
            ended_at: None,
        }));
    }

    /// The agent sessions of an item, the oldest first.
    pub(super) fn of_item(&self, sequence: Sequence) -> Vec<AgentSession> {
        let first = (sequence, OfferId(0), UserId(0));
        let last = (sequence, OfferId(u64::MAX), UserId(u32::MAX));
        let newest = self.of_agents.range(first..=last).rev();
        let newest = newest.take(AGENT_SESSIONS_SHOWN_MAX);
        let mut sessions: Vec<_> = newest.map(|(_, session)| *session).collect();
        sessions.reverse();
        sessions
    }

    /// The agent sessions that ring.
    pub(super) fn ringing(&self) -> Vec<AgentSession> {
        let ringing = self.ringing.iter();
        ringing.map(|key| self.of_agents[key]).collect()
    }

    /// The stays of an item in services that are over.
    pub(super) fn of_services(&self, sequence: Sequence) -> &[ServiceSession] {
        self.of_services.get(&sequence).map_or(&[], Vec::as_slice)
    }

    /// The states of a user from `from` to before `to`.
    pub(super) fn states(&self, user: UserId, from: Timestamp, to: Timestamp) -> Vec<UserState> {
        let all = self.states.get(&user).map_or(&[][..], Vec::as_slice);
        let begun = all.iter().map(|state| state.at);
        let first = begun.filter(|at| *at <= from).max().unwrap_or(from);
        let mut states: Vec<_> = all
            .iter()
            .filter(|state| {
                let lasts = state.ended_at.is_none_or(|ended_at| ended_at > from);
                (first..to).contains(&state.at) && (lasts || state.at >= from)
            })
            .cloned()
            .collect();
        states.sort_by_key(|state| state.at);
        states
    }
}
