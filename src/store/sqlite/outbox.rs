//! Notifications to senders, from the transaction that causes them until they are delivered.
//!
//! Of an item's notifications that are due, only the first has a time (`next_at`): the others wait
//! behind it. So a sender's next ones are one walk along an index.

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::row::{key, sequence, time};
use super::status_column;
use crate::domain::ids::{ItemId, SenderId};
use crate::domain::notification::{
    Attempt, AttemptResult, Attempts, NewNotification, Notification, NotificationEvent,
    NotificationId,
};
use crate::domain::time::Timestamp;
use crate::store::{Batch, Replay, StoreError};

/// The number follows the last of the item. It has a time only if nothing of the item is due.
const INSERT: &str = "\
    INSERT INTO notification (item, number, id, sender, event, name, at, state, next_at, failed, \
                              failing_since, error, status, traceparent) \
    SELECT ?1, \
           (SELECT coalesce(max(number), 0) + 1 FROM notification WHERE item = ?1), \
           ?2, ?3, ?4, ?5, ?6, 0, \
           CASE WHEN EXISTS (SELECT 1 FROM notification WHERE item = ?1 AND state = 0) \
                THEN NULL ELSE ?6 END, \
           0, NULL, NULL, ?7, ?8";
const DELIVERED: &str = "\
    UPDATE notification \
    SET state = 2, next_at = NULL, failed = 0, failing_since = NULL, error = NULL, \
        status = NULL, traceparent = NULL \
    WHERE id = ?1 AND state = 0 RETURNING item";
const FAILED: &str = "\
    UPDATE notification \
    SET next_at = ?2, failed = failed + 1, failing_since = coalesce(failing_since, ?3), error = ?4 \
    WHERE id = ?1 AND state = 0 AND next_at IS NOT NULL";
const PARKED: &str = "\
    UPDATE notification \
    SET state = 1, next_at = NULL, failed = failed + 1, \
        failing_since = coalesce(failing_since, ?2), error = ?3 \
    WHERE id = ?1 AND state = 0 RETURNING item";
/// The next of the item comes to the front, if nobody stands there.
const ADVANCE: &str = "\
    UPDATE notification SET next_at = max(?2, at) \
    WHERE item = ?1 \
        AND number = (SELECT min(number) FROM notification WHERE item = ?1 AND state = 0) \
        AND NOT EXISTS \
            (SELECT 1 FROM notification WHERE item = ?1 AND state = 0 AND next_at IS NOT NULL)";
const REPLAY: &str = "\
    UPDATE notification SET state = 0, failed = 0, failing_since = NULL, error = NULL \
    WHERE id = ?1 AND state = 1 RETURNING item";
/// Walks from sender to sender without looking at what lies between.
pub(super) const SENDERS: &str = "\
    WITH RECURSIVE waiting (sender) AS ( \
        SELECT min(sender) FROM notification WHERE next_at IS NOT NULL \
        UNION ALL \
        SELECT (SELECT min(sender) FROM notification \
                WHERE next_at IS NOT NULL AND sender > waiting.sender) \
        FROM waiting WHERE waiting.sender IS NOT NULL) \
    SELECT sender FROM waiting WHERE sender IS NOT NULL";
pub(super) const NEXT: &str = "\
    SELECT notification.item, number, notification.id, notification.sender, event, name, at, \
           next_at, failed, failing_since, error, status, traceparent, item.id, item.reference \
    FROM notification INDEXED BY notification_next JOIN item ON item.sequence = notification.item \
    WHERE next_at IS NOT NULL AND notification.sender = ?1 ORDER BY next_at LIMIT ?2";
pub(super) const LIST_PARKED: &str = "\
    SELECT notification.item, number, notification.id, notification.sender, event, name, at, \
           next_at, failed, failing_since, error, status, traceparent, item.id, item.reference \
    FROM notification INDEXED BY notification_parked \
        JOIN item ON item.sequence = notification.item \
    WHERE notification.state = 1 AND notification.id > ?1 ORDER BY notification.id LIMIT ?2";

/// Writes what a batch says about notifications. Its items are written already.
pub(super) fn write(tx: &Connection, batch: &Batch) -> Result<(), StoreError> {
    for notification in &batch.notifications {
        insert(tx, notification)?;
    }
    for attempt in &batch.attempts {
        mark(tx, attempt)?;
    }
    for Replay { id, at } in &batch.replays {
        let replayed = items(tx, REPLAY, params![id_column(*id)])?;
        advance(tx, replayed, *at)?;
    }
    Ok(())
}

fn insert(tx: &Connection, notification: &NewNotification) -> Result<(), StoreError> {
    let status = status_column::write(&notification.status)
        .map_err(|error| StoreError::Failed(format!("a status cannot be written: {error}")))?;
    tx.prepare_cached(INSERT)?.execute(params![
        key(notification.item),
        id_column(notification.id),
        notification.sender.0,
        notification.event.kind().code(),
        notification.event.workflow_name(),
        notification.at.0,
        status,
        notification.traceparent,
    ])?;
    Ok(())
}

fn mark(tx: &Connection, attempt: &Attempt) -> rusqlite::Result<()> {
    let id = id_column(attempt.id);
    match &attempt.result {
        AttemptResult::Delivered => {
            let done = items(tx, DELIVERED, params![id])?;
            advance(tx, done, attempt.at)
        }
        AttemptResult::Failed { error, next_at } => {
            let mut failed = tx.prepare_cached(FAILED)?;
            failed.execute(params![id, next_at.0, attempt.at.0, error])?;
            Ok(())
        }
        AttemptResult::Parked { error } => {
            let done = items(tx, PARKED, params![id, attempt.at.0, error])?;
            advance(tx, done, attempt.at)
        }
    }
}

/// Runs an update of at most one row and returns its item.
fn items(tx: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<i64>> {
    let mut statement = tx.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| row.get(0))?;
    rows.collect()
}

fn advance(tx: &Connection, items: Vec<i64>, at: Timestamp) -> rusqlite::Result<()> {
    for item in items {
        tx.prepare_cached(ADVANCE)?.execute((item, at.0))?;
    }
    Ok(())
}

/// Of every sender the first that may be tried.
pub(super) fn next(
    connection: &Connection,
    per_sender: usize,
) -> Result<Vec<Notification>, StoreError> {
    let senders: Vec<u32> = connection
        .prepare_cached(SENDERS)?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut found = Vec::new();
    for sender in senders {
        read(connection, NEXT, (sender, limit(per_sender)), &mut found)?;
    }
    Ok(found)
}

/// A page of the parked ones.
pub(super) fn parked(
    connection: &Connection,
    after: Option<NotificationId>,
    count: usize,
) -> Result<Vec<Notification>, StoreError> {
    // Nothing is below the empty blob.
    let after = after.map_or(Vec::new(), |after| id_column(after).to_vec());
    let mut found = Vec::new();
    read(connection, LIST_PARKED, (after, limit(count)), &mut found)?;
    Ok(found)
}

fn read(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    found: &mut Vec<Notification>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        found.push(notification(row)?);
    }
    Ok(())
}

fn notification(row: &Row<'_>) -> Result<Notification, StoreError> {
    let id = NotificationId(Uuid::from_bytes(row.get(2)?));
    let damaged = |what: &str| StoreError::Fatal(format!("notification {id} is damaged: {what}"));
    let event = NotificationEvent::from_code(row.get(4)?, row.get(5)?)
        .ok_or_else(|| damaged("its event has no meaning"))?;
    let item = ItemId(Uuid::from_bytes(row.get(13)?));
    let status: String = row.get(11)?;
    let status = status_column::read(&status, item, row.get(14)?).map_err(|what| damaged(&what))?;
    Ok(Notification {
        id,
        item: sequence(row.get(0)?),
        number: row.get(1)?,
        sender: SenderId(row.get(3)?),
        event,
        at: Timestamp(row.get(6)?),
        status,
        traceparent: row.get(12)?,
        attempts: Attempts {
            failed: row.get(8)?,
            failing_since: time(row, 9)?,
            error: row.get(10)?,
        },
        next_at: time(row, 7)?,
    })
}

fn id_column(id: NotificationId) -> [u8; 16] {
    id.0.into_bytes()
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
