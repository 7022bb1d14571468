//! What the engine reads through its own connection.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::content_column;
use super::reading::journal_line;
use super::row::{item_by_sequence, key, priority, sequence, state, time};
use super::wish_column::Wishes;
use super::write::drop_blob;
use crate::domain::content::{Attachment, Content};
use crate::domain::entrance::{EntranceOrder, EntranceOrders};
use crate::domain::ids::{BlobId, SenderId, Sequence, ServiceId, TenantId, UserId};
use crate::domain::time::Timestamp;
use crate::store::{AnsweredRequest, Names, Numbers, OpenItem, StoreError, TRACEPARENT};

const ADD_TENANT: &str = "INSERT OR IGNORE INTO tenant (name) VALUES (?1)";
const ADD_SERVICE: &str = "\
    INSERT OR IGNORE INTO service (tenant, name) \
    SELECT number, ?2 FROM tenant WHERE name = ?1";
const ADD_SENDER: &str = "\
    INSERT OR IGNORE INTO sender (tenant, name) \
    SELECT number, ?2 FROM tenant WHERE name = ?1";
const TENANTS: &str = "SELECT name, number FROM tenant ORDER BY number";
const SERVICES: &str = "SELECT tenant, name, number FROM service ORDER BY number";
const SENDERS: &str = "SELECT tenant, name, number FROM sender ORDER BY number";
const SENDERS_OF_TENANT: &str = "SELECT number FROM sender WHERE tenant = ?1";
const LAST_SEQUENCE: &str = "\
    SELECT max((SELECT coalesce(max(sequence), 0) FROM item), \
               (SELECT value FROM meta WHERE name = 'sequence_floor'))";
const ENTRANCES: &str = "\
    SELECT service, closed_since, closed_until, closed_reason, forced_since, forced_until, \
           forced_reason \
    FROM entrance ORDER BY service";
const PENDING_BLOBS: &str = "SELECT blob FROM pending_blob";
pub(super) const OPEN_ITEMS: &str = "\
    SELECT sequence, service, state, priority, not_before, expires_at, received_at, queued_at, \
           entered_at, accepted_at, agent, parked_until, wish \
    FROM item INDEXED BY item_open \
    WHERE state < 7 AND sequence > ?1 ORDER BY sequence LIMIT ?2";
const CONTENT: &str = "SELECT content FROM body WHERE sequence = ?1";
const REFERENCE: &str = "SELECT reference FROM item WHERE sequence = ?1";
const ATTACHMENTS: &str = "\
    SELECT name, media_type, length_bytes, sha256, blob \
    FROM attachment WHERE sequence = ?1 ORDER BY number";
const JOURNAL_FIRST: &str = "\
    SELECT number, at, event, sender, user, operator, data \
    FROM journal WHERE sequence = ?1 AND number = 1";
const REQUEST: &str = "\
    SELECT content_digest, version, state, at \
    FROM request WHERE sequence = ?1 AND request_id = ?2";

/// Numbers the names that have no number yet.
pub(super) fn number(connection: &mut Connection, names: &Names) -> Result<Numbers, StoreError> {
    let tx = connection.transaction()?;
    for tenant in &names.tenants {
        tx.prepare_cached(ADD_TENANT)?.execute([&tenant.tenant])?;
        for service in &tenant.services {
            tx.prepare_cached(ADD_SERVICE)?
                .execute([&tenant.tenant, service])?;
        }
        for sender in &tenant.senders {
            tx.prepare_cached(ADD_SENDER)?
                .execute([&tenant.tenant, sender])?;
        }
    }
    let numbers = numbers(&tx)?;
    tx.commit()?;
    Ok(numbers)
}

/// All names with their numbers.
pub(in crate::store) fn numbers(connection: &Connection) -> Result<Numbers, StoreError> {
    let tenants = connection
        .prepare(TENANTS)?
        .query_map([], |row| Ok((row.get(0)?, TenantId(row.get(1)?))))?
        .collect::<rusqlite::Result<_>>()?;
    let services = connection
        .prepare(SERVICES)?
        .query_map([], |row| {
            Ok((TenantId(row.get(0)?), row.get(1)?, ServiceId(row.get(2)?)))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let senders = connection
        .prepare(SENDERS)?
        .query_map([], |row| {
            Ok((TenantId(row.get(0)?), row.get(1)?, SenderId(row.get(2)?)))
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Numbers {
        tenants,
        services,
        senders,
    })
}

/// The numbers of a tenant's senders.
pub(super) fn senders_of(
    connection: &Connection,
    tenant: TenantId,
) -> rusqlite::Result<Vec<SenderId>> {
    connection
        .prepare_cached(SENDERS_OF_TENANT)?
        .query_map([tenant.0], |row| row.get(0).map(SenderId))?
        .collect()
}

/// The largest sequence ever committed; 0 in a new store.
pub(super) fn last_sequence(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row(LAST_SEQUENCE, [], |row| row.get(0))
}

/// The orders about entrances.
pub(super) fn entrances(
    connection: &Connection,
) -> rusqlite::Result<Vec<(ServiceId, EntranceOrders)>> {
    let order = |row: &rusqlite::Row<'_>, from: usize| {
        let since = time(row, from)?;
        let until = time(row, from + 1)?;
        let reason = row.get(from + 2)?;
        Ok::<_, rusqlite::Error>(since.map(|since| EntranceOrder {
            until,
            reason,
            since,
        }))
    };
    connection
        .prepare(ENTRANCES)?
        .query_map([], |row| {
            let orders = EntranceOrders {
                closed: order(row, 1)?,
                forced_open: order(row, 4)?,
            };
            Ok((ServiceId(row.get(0)?), orders))
        })?
        .collect()
}

/// Drops the attachments whose item never came.
pub(super) fn drop_orphans(connection: &mut Connection) -> Result<(), StoreError> {
    let blobs: Vec<BlobId> = connection
        .prepare(PENDING_BLOBS)?
        .query_map([], |row| row.get(0).map(Uuid::from_bytes).map(BlobId))?
        .collect::<rusqlite::Result<_>>()?;
    if blobs.is_empty() {
        return Ok(());
    }
    let tx = connection.transaction()?;
    for blob in blobs {
        drop_blob(&tx, blob)?;
    }
    tx.commit()?;
    Ok(())
}

/// A page of what has not ended.
pub(super) fn open_items(
    connection: &Connection,
    after: Sequence,
    limit: usize,
) -> rusqlite::Result<Vec<OpenItem>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut wishes = Wishes::default();
    connection
        .prepare_cached(OPEN_ITEMS)?
        .query_map((key(after), limit), |row| {
            let (queued_at, entered_at) = (time(row, 7)?, time(row, 8)?);
            let accepted_at = time(row, 9)?;
            Ok(OpenItem {
                sequence: sequence(row.get(0)?),
                service: ServiceId(row.get(1)?),
                state: state(row, 2)?,
                priority: priority(row, 3)?,
                not_before: time(row, 4)?,
                expires_at: time(row, 5)?.filter(|_| accepted_at.is_none()),
                received_at: Timestamp(row.get(6)?),
                waiting_since: queued_at.max(entered_at),
                agent: row.get::<_, Option<u32>>(10)?.map(UserId),
                parked_until: time(row, 11)?,
                wish: wishes.of(row, 12)?,
            })
        })?
        .collect()
}

/// The trace that the item's message came in with.
pub(super) fn traceparent(
    connection: &Connection,
    sequence: Sequence,
) -> rusqlite::Result<Option<String>> {
    let first = connection
        .prepare_cached(JOURNAL_FIRST)?
        .query_row([key(sequence)], journal_line)
        .optional()?;
    let data = first.map(|line| line.data).unwrap_or_default();
    let trace = data.into_iter().find(|(name, _)| name == TRACEPARENT);
    Ok(trace.map(|(_, trace)| trace))
}

/// The current values of an item.
pub(in crate::store) fn content(
    connection: &Connection,
    sequence: Sequence,
) -> Result<Option<Content>, StoreError> {
    let text = |sql| {
        connection
            .prepare_cached(sql)?
            .query_row([key(sequence)], |row| row.get::<_, String>(0))
            .optional()
    };
    let (Some(column), Some(reference)) = (text(CONTENT)?, text(REFERENCE)?) else {
        return Ok(None);
    };
    let attachments = attachments(connection, sequence)?;
    content_column::read(&column, reference, attachments)
        .map(Some)
        .map_err(|error| {
            StoreError::Fatal(format!(
                "content of item {} is damaged: {error}",
                sequence.0
            ))
        })
}

/// An item's title, if it has one.
pub(in crate::store) fn title(
    connection: &Connection,
    sequence: Sequence,
) -> rusqlite::Result<Option<String>> {
    let title = connection
        .prepare_cached(CONTENT)?
        .query_row([key(sequence)], |row| {
            let column = row.get_ref(0)?.as_str()?;
            content_column::title(column).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
            })
        })
        .optional()?;
    Ok(title.flatten())
}

/// The attachments of an item, in order.
pub(in crate::store) fn attachments(
    connection: &Connection,
    sequence: Sequence,
) -> rusqlite::Result<Vec<Attachment>> {
    connection
        .prepare_cached(ATTACHMENTS)?
        .query_map([key(sequence)], |row| {
            Ok(Attachment {
                name: row.get(0)?,
                media_type: row.get(1)?,
                length_bytes: row.get::<_, i64>(2)?.cast_unsigned(),
                sha256: row.get(3)?,
                blob: BlobId(Uuid::from_bytes(row.get(4)?)),
            })
        })?
        .collect()
}

/// How a request was answered.
pub(super) fn request(
    connection: &Connection,
    sequence: Sequence,
    request_id: &str,
) -> rusqlite::Result<Option<AnsweredRequest>> {
    connection
        .prepare_cached(REQUEST)?
        .query_row(params![key(sequence), request_id], |row| {
            Ok(AnsweredRequest {
                sequence,
                request_id: request_id.to_owned(),
                content_digest: row.get(0)?,
                version: row.get(1)?,
                state: state(row, 2)?,
                at: Timestamp(row.get(3)?),
            })
        })
        .optional()
}

/// The rows of `sequences` that exist, in that order.
pub(super) fn items(
    connection: &Connection,
    sequences: &[Sequence],
) -> rusqlite::Result<Vec<crate::domain::item::Item>> {
    let mut items = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        let row = item_by_sequence(connection, key(*sequence))?;
        items.extend(row.map(|(item, _)| item));
    }
    Ok(items)
}
