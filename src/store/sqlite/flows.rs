//! Versions of workflows, the items whose workflow is due by itself, alerts and buttons.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::people::{role, role_code};
use super::row::{key, out_of_range, sequence, time};
use super::write::{actor_columns, exactly_one};
use crate::domain::follow_up::{Closed, FollowUp, FollowUpId, FollowUpKind};
use crate::domain::ids::{SenderId, Sequence, ServiceId, TenantId, UserId};
use crate::domain::journal::Actor;
use crate::domain::time::Timestamp;
use crate::domain::workflow::{Audience, StageNumber, WorkflowDigest};
use crate::store::{Batch, StoreError, WorkflowSource};

pub(super) const TIMERS: &str = "\
    SELECT sequence, flow_due FROM item INDEXED BY item_flow \
    WHERE flow_due IS NOT NULL AND sequence > ?1 ORDER BY sequence LIMIT ?2";
const INSERT_WORKFLOW: &str = "\
    INSERT INTO workflow (digest, name, source) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
pub(super) const WORKFLOW: &str = "SELECT digest, name, source FROM workflow WHERE digest = ?1";
/// Of an item of the same tenant.
pub(super) const INSERT_FOLLOW_UP: &str = "\
    INSERT INTO follow_up (id, sequence, tenant, service, workflow, stage, stages, kind, name, \
                           text, role, work_group, shown_at, closed_at, closed_by_sender, \
                           closed_by_user, closed_by_operator) \
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17 \
    WHERE EXISTS (SELECT 1 FROM item WHERE sequence = ?2 AND tenant = ?3)";
pub(super) const CLOSE_FOLLOW_UP: &str = "\
    UPDATE follow_up \
    SET closed_at = ?2, closed_by_sender = ?3, closed_by_user = ?4, closed_by_operator = ?5 \
    WHERE id = ?1 AND closed_at IS NULL";
pub(super) const FOLLOW_UP: &str = "\
    SELECT id, sequence, tenant, service, workflow, stage, stages, kind, name, text, role, \
           work_group, shown_at, closed_at, closed_by_sender, closed_by_user, closed_by_operator \
    FROM follow_up WHERE id = ?1";
pub(super) const OPEN_OF_ITEM: &str = "\
    SELECT id, sequence, tenant, service, workflow, stage, stages, kind, name, text, role, \
           work_group, shown_at, closed_at, closed_by_sender, closed_by_user, closed_by_operator \
    FROM follow_up INDEXED BY follow_up_of_item_open \
    WHERE sequence = ?1 AND closed_at IS NULL ORDER BY shown_at, id";

/// The newest; the caller turns them round.
pub(in crate::store) const FOLLOW_UPS_OF_ITEM: &str = "\
    SELECT id, sequence, tenant, service, workflow, stage, stages, kind, name, text, role, \
           work_group, shown_at, closed_at, closed_by_sender, closed_by_user, closed_by_operator \
    FROM follow_up INDEXED BY follow_up_of_item \
    WHERE sequence = ?1 ORDER BY shown_at DESC, id DESC LIMIT ?2";
pub(in crate::store) const FOLLOW_UPS_OF_TENANT: &str = "\
    SELECT shown_at, id FROM follow_up INDEXED BY follow_up_of_tenant \
    WHERE tenant = ?1 AND open = ?2 AND (shown_at, id) > (?3, ?4) AND shown_at <= ?5 \
    ORDER BY shown_at, id LIMIT ?6";
pub(in crate::store) const FOLLOW_UPS_OF_AUDIENCE: &str = "\
    SELECT shown_at, id FROM follow_up INDEXED BY follow_up_of_audience \
    WHERE tenant = ?1 AND open = ?2 AND role = ?7 AND work_group = ?8 \
        AND (shown_at, id) > (?3, ?4) AND shown_at <= ?5 \
    ORDER BY shown_at, id LIMIT ?6";
pub(in crate::store) const FOLLOW_UPS_OF_SERVICE: &str = "\
    SELECT shown_at, id FROM follow_up INDEXED BY follow_up_of_service \
    WHERE tenant = ?1 AND open = ?2 AND role = ?7 AND work_group = ?8 AND service = ?9 \
        AND (shown_at, id) > (?3, ?4) AND shown_at <= ?5 \
    ORDER BY shown_at, id LIMIT ?6";

/// The number of a work group among roles.
const WORK_GROUP: u8 = 0;
/// Kinds of follow-ups. Stable.
const ALERT: u8 = 1;
const BUTTON: u8 = 2;

/// Writes the versions, alerts and buttons of a batch whose items are written.
///
/// # Errors
/// The caller must roll back.
pub(super) fn write(tx: &Connection, batch: &Batch) -> Result<(), StoreError> {
    for version in &batch.workflows {
        let digest = version.digest.0.as_slice();
        tx.prepare_cached(INSERT_WORKFLOW)?.execute(params![
            digest,
            version.name,
            version.source
        ])?;
    }
    let mut once = HashSet::new();
    for next in &batch.follow_ups {
        if !once.insert(next.id) {
            return Err(StoreError::Conflict(format!(
                "follow-up {} is written twice",
                next.id
            )));
        }
        match follow_up(tx, next.id)? {
            None => add(tx, next)?,
            Some(known) if known == *next => {}
            Some(known) if known.may_become(next) => close(tx, next)?,
            Some(_) => {
                return Err(StoreError::Conflict(format!(
                    "follow-up {} is closed, or another",
                    next.id
                )));
            }
        }
    }
    Ok(())
}

fn add(tx: &Connection, follow_up: &FollowUp) -> Result<(), StoreError> {
    let (kind, name) = match &follow_up.kind {
        FollowUpKind::Alert { .. } => (ALERT, None),
        FollowUpKind::Button { name, .. } => (BUTTON, Some(name)),
    };
    let (role, work_group) = audience_columns(&follow_up.to);
    let (sender, user, operator) = actor_columns(closer(follow_up)?);
    let added = tx.prepare_cached(INSERT_FOLLOW_UP)?.execute(params![
        follow_up.id.0.as_bytes().as_slice(),
        key(follow_up.sequence),
        follow_up.tenant.0,
        follow_up.service.0,
        follow_up.workflow,
        follow_up.stage.0,
        follow_up.stages,
        kind,
        name,
        follow_up.kind.text(),
        role,
        work_group,
        follow_up.shown_at.0,
        closed_at(follow_up),
        sender,
        user,
        operator,
    ])?;
    exactly_one(added, || {
        format!(
            "follow-up {} is of item {}, which is not there",
            follow_up.id, follow_up.sequence.0
        )
    })
}

fn close(tx: &Connection, follow_up: &FollowUp) -> Result<(), StoreError> {
    let id = follow_up.id.0.as_bytes().as_slice();
    let (sender, user, operator) = actor_columns(closer(follow_up)?);
    let closed = tx.prepare_cached(CLOSE_FOLLOW_UP)?.execute(params![
        id,
        closed_at(follow_up),
        sender,
        user,
        operator
    ])?;
    exactly_one(closed, || format!("follow-up {} is not open", follow_up.id))
}

/// Who closed it, as it lies in the file: the engine stands for nobody.
fn closer(follow_up: &FollowUp) -> Result<&Actor, StoreError> {
    let closed = follow_up.closed.as_ref();
    match closed.and_then(|closed| closed.by.as_ref()) {
        None => Ok(&Actor::Engine),
        Some(Actor::Engine) => Err(StoreError::Conflict(format!(
            "follow-up {} cannot be closed by the engine",
            follow_up.id
        ))),
        Some(actor) => Ok(actor),
    }
}

fn closed_at(follow_up: &FollowUp) -> Option<i64> {
    follow_up.closed.as_ref().map(|closed| closed.at.0)
}

/// The role's number, or that of a work group with its name.
pub(in crate::store) fn audience_columns(audience: &Audience) -> (u8, &str) {
    match audience {
        Audience::Role(role) => (role_code(*role), ""),
        Audience::Group(name) => (WORK_GROUP, name),
    }
}

/// A page of the items whose workflow is due by itself.
pub(super) fn timers(
    connection: &Connection,
    after: Sequence,
    limit: usize,
) -> rusqlite::Result<Vec<(Sequence, Timestamp)>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(TIMERS)?
        .query_map((key(after), limit), |row| {
            Ok((sequence(row.get(0)?), Timestamp(row.get(1)?)))
        })?
        .collect()
}

/// The file of that version.
pub(in crate::store) fn workflow(
    connection: &Connection,
    digest: WorkflowDigest,
) -> rusqlite::Result<Option<WorkflowSource>> {
    connection
        .prepare_cached(WORKFLOW)?
        .query_row([digest.0.as_slice()], |row| {
            Ok(WorkflowSource {
                digest: WorkflowDigest(row.get(0)?),
                name: row.get(1)?,
                source: row.get(2)?,
            })
        })
        .optional()
}

/// The alert or button of that id.
pub(in crate::store) fn follow_up(
    connection: &Connection,
    id: FollowUpId,
) -> rusqlite::Result<Option<FollowUp>> {
    connection
        .prepare_cached(FOLLOW_UP)?
        .query_row([id.0.as_bytes().as_slice()], follow_up_row)
        .optional()
}

/// The open alerts and buttons of an item, the oldest first.
pub(super) fn open_follow_ups(
    connection: &Connection,
    sequence: Sequence,
) -> rusqlite::Result<Vec<FollowUp>> {
    connection
        .prepare_cached(OPEN_OF_ITEM)?
        .query_map([key(sequence)], follow_up_row)?
        .collect()
}

/// When a follow-up was shown, and its id.
pub(in crate::store) fn place(row: &Row<'_>) -> rusqlite::Result<(Timestamp, FollowUpId)> {
    let id = FollowUpId(Uuid::from_bytes(row.get(1)?));
    Ok((Timestamp(row.get(0)?), id))
}

/// Reads the columns of [`FOLLOW_UP`].
pub(in crate::store) fn follow_up_row(row: &Row<'_>) -> rusqlite::Result<FollowUp> {
    const KIND: usize = 7;
    const ROLE: usize = 10;
    let text = row.get(9)?;
    let kind = match row.get(KIND)? {
        ALERT => FollowUpKind::Alert { text },
        BUTTON => FollowUpKind::Button {
            name: row.get(8)?,
            label: text,
        },
        code => return Err(out_of_range(KIND, i64::from(code))),
    };
    let to = match row.get(ROLE)? {
        WORK_GROUP => Audience::Group(row.get(11)?),
        code => {
            let role = role(code).ok_or_else(|| out_of_range(ROLE, i64::from(code)))?;
            Audience::Role(role)
        }
    };
    let by = match (row.get(14)?, row.get(15)?, row.get(16)?) {
        (Some(sender), _, _) => Some(Actor::Sender(SenderId(sender))),
        (None, Some(user), _) => Some(Actor::User(UserId(user))),
        (None, None, Some(operator)) => Some(Actor::Operator(operator)),
        (None, None, None) => None,
    };
    Ok(FollowUp {
        id: FollowUpId(Uuid::from_bytes(row.get(0)?)),
        sequence: sequence(row.get(1)?),
        tenant: TenantId(row.get(2)?),
        service: ServiceId(row.get(3)?),
        workflow: row.get(4)?,
        stage: StageNumber(row.get(5)?),
        stages: row.get(6)?,
        kind,
        to,
        shown_at: Timestamp(row.get(12)?),
        closed: time(row, 13)?.map(|at| Closed { at, by }),
    })
}
