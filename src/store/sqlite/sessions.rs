//! Agent sessions, service sessions, and the states of agents.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};

use super::row::{key, offer, offer_number, out_of_range, sequence, time};
use crate::domain::ids::{Sequence, ServiceId, UserId};
use crate::domain::session::{
    AGENT_SESSIONS_SHOWN_MAX, AgentResult, AgentSession, ServiceResult, ServiceSession,
    UserStateChange,
};
use crate::domain::time::Timestamp;
use crate::store::read::UserState;
use crate::store::{Batch, StoreError};

pub(super) const PUT_AGENT_SESSION: &str = "\
    INSERT INTO agent_session (sequence, offer, agent, service, offered_at, accepted_at, \
                               ended_at, result) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
    ON CONFLICT (sequence, offer, agent) DO UPDATE \
    SET service = ?4, offered_at = ?5, accepted_at = ?6, ended_at = ?7, result = ?8";
/// The newest; the caller turns them round.
pub(super) const AGENT_SESSIONS: &str = "\
    SELECT sequence, offer, agent, service, offered_at, accepted_at, ended_at, result \
    FROM agent_session WHERE sequence = ?1 ORDER BY offer DESC, agent DESC LIMIT ?2";
pub(super) const RINGING: &str = "\
    SELECT sequence, offer, agent, service, offered_at, accepted_at, ended_at, result \
    FROM agent_session INDEXED BY agent_session_ringing \
    WHERE ended_at IS NULL AND accepted_at IS NULL ORDER BY sequence, offer, agent";
pub(super) const HELD_BY: &str = "\
    SELECT sequence FROM item INDEXED BY item_held \
    WHERE state IN (5, 6) AND agent = ?1 ORDER BY sequence";
const INSERT_SERVICE_SESSION: &str = "\
    INSERT INTO service_session (sequence, number, service, entered_at, left_at, result) \
    SELECT ?1, \
           (SELECT coalesce(max(number), 0) + 1 FROM service_session WHERE sequence = ?1), \
           ?2, ?3, ?4, ?5";
pub(super) const SERVICE_SESSIONS: &str = "\
    SELECT sequence, service, entered_at, left_at, result \
    FROM service_session WHERE sequence = ?1 ORDER BY number";
/// A clock that went back leaves no state that ended before it began.
pub(super) const CLOSE_STATE: &str = "\
    UPDATE user_state INDEXED BY user_state_open SET ended_at = max(at, ?2) \
    WHERE user = ?1 AND ended_at IS NULL";
const OPEN_STATE: &str = "INSERT INTO user_state (user, at, state, reason) VALUES (?1, ?2, ?3, ?4)";
/// From the state that began last before the time; what it would take from before that is over.
pub(super) const STATES: &str = "\
    SELECT at, state, reason, ended_at FROM user_state INDEXED BY user_state_at \
    WHERE user = ?1 AND at < ?3 AND at >= coalesce( \
        (SELECT max(at) FROM user_state INDEXED BY user_state_at WHERE user = ?1 AND at <= ?2), \
        ?2) \
        AND (ended_at IS NULL OR ended_at > ?2 OR at >= ?2) \
    ORDER BY at, number";

/// Writes the sessions and states of a batch.
///
/// # Errors
/// The caller must roll back.
pub(super) fn write(tx: &Connection, batch: &Batch) -> Result<(), StoreError> {
    agent_sessions_written(tx, &batch.agent_sessions)?;
    for session in &batch.service_sessions {
        tx.prepare_cached(INSERT_SERVICE_SESSION)?.execute(params![
            key(session.sequence),
            session.service.0,
            session.entered_at.0,
            session.left_at.0,
            session.result.code(),
        ])?;
    }
    for change in &batch.user_states {
        let UserStateChange { user, at, state } = change;
        tx.prepare_cached(CLOSE_STATE)?.execute((user.0, at.0))?;
        if let Some((state, reason)) = state {
            tx.prepare_cached(OPEN_STATE)?
                .execute((user.0, at.0, state, reason))?;
        }
    }
    Ok(())
}

fn agent_sessions_written(tx: &Connection, sessions: &[AgentSession]) -> Result<(), StoreError> {
    if sessions.is_empty() {
        return Ok(());
    }
    let mut put = tx.prepare_cached(PUT_AGENT_SESSION)?;
    let mut once = HashSet::with_capacity(sessions.len());
    for session in sessions {
        if !once.insert((session.sequence, session.offer, session.agent)) {
            return Err(StoreError::Conflict(format!(
                "an agent session of item {} is written twice",
                session.sequence.0
            )));
        }
        put.execute(params![
            key(session.sequence),
            offer_number(session.offer),
            session.agent.0,
            session.service.0,
            session.offered_at.0,
            session.accepted_at.map(|time| time.0),
            session.ended.map(|(at, _)| at.0),
            session.ended.map(|(_, result)| result.code()),
        ])?;
    }
    Ok(())
}

/// The agent sessions of an item, the oldest first.
pub(in crate::store) fn agent_sessions(
    connection: &Connection,
    sequence: Sequence,
) -> rusqlite::Result<Vec<AgentSession>> {
    let mut sessions = connection
        .prepare_cached(AGENT_SESSIONS)?
        .query_map(
            (key(sequence), AGENT_SESSIONS_SHOWN_MAX as i64),
            agent_session,
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    sessions.reverse();
    Ok(sessions)
}

/// The agent sessions that ring.
pub(super) fn ringing(connection: &Connection) -> rusqlite::Result<Vec<AgentSession>> {
    connection
        .prepare_cached(RINGING)?
        .query_map([], agent_session)?
        .collect()
}

fn agent_session(row: &Row<'_>) -> rusqlite::Result<AgentSession> {
    let ended = match time(row, 6)? {
        Some(at) => {
            let code: u8 = row.get(7)?;
            let result = AgentResult::from_code(code);
            Some((at, result.ok_or_else(|| out_of_range(7, i64::from(code)))?))
        }
        None => None,
    };
    Ok(AgentSession {
        sequence: sequence(row.get(0)?),
        offer: offer(row.get(1)?),
        agent: UserId(row.get(2)?),
        service: ServiceId(row.get(3)?),
        offered_at: Timestamp(row.get(4)?),
        accepted_at: time(row, 5)?,
        ended,
    })
}

/// The items that an agent has.
pub(in crate::store) fn held_by(
    connection: &Connection,
    agent: UserId,
) -> rusqlite::Result<Vec<Sequence>> {
    connection
        .prepare_cached(HELD_BY)?
        .query_map([agent.0], |row| row.get(0).map(sequence))?
        .collect()
}

/// The stays of an item in services that are over, the first first.
pub(in crate::store) fn service_sessions(
    connection: &Connection,
    of: Sequence,
) -> rusqlite::Result<Vec<ServiceSession>> {
    connection
        .prepare_cached(SERVICE_SESSIONS)?
        .query_map([key(of)], |row| {
            let code: u16 = row.get(4)?;
            let result = ServiceResult::from_code(code);
            Ok(ServiceSession {
                sequence: sequence(row.get(0)?),
                service: ServiceId(row.get(1)?),
                entered_at: Timestamp(row.get(2)?),
                left_at: Timestamp(row.get(3)?),
                result: result.ok_or_else(|| out_of_range(4, i64::from(code)))?,
            })
        })?
        .collect()
}

/// The states of a user from `from` to before `to`.
pub(in crate::store) fn user_states(
    connection: &Connection,
    user: UserId,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Vec<UserState>> {
    connection
        .prepare_cached(STATES)?
        .query_map((user.0, from.0, to.0), |row| {
            Ok(UserState {
                at: Timestamp(row.get(0)?),
                state: row.get(1)?,
                reason: row.get(2)?,
                ended_at: time(row, 3)?,
            })
        })?
        .collect()
}
