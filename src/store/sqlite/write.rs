//! One batch, one transaction.

use std::hash::Hasher;

use rusqlite::{Connection, params};
use siphasher::sip::SipHasher13;

use super::row::{key, offer_number, state_code};
use super::{content_column, flow_column, flows, outbox, people, sessions, wish_column};
use crate::domain::content::{Attachment, Content};
use crate::domain::entrance::{EntranceOrder, EntranceOrders};
use crate::domain::ids::{BlobId, Sequence, ServiceId};
use crate::domain::item::{Holder, Item, Verdict};
use crate::domain::journal::{Actor, JournalEntry};
use crate::store::{AnsweredRequest, AuditEntry, Batch, ChangedItem, Chunk, NewItem, StoreError};

/// Key of the checksums. Fixed: they guard against damage, not against people.
const CHECKSUM_KEY: [u8; 16] = *b"anteroom message";

const INSERT_ITEM: &str = "\
    INSERT INTO item (sequence, id, tenant, sender, service, state, priority, version, \
                      journal_rows, received_at, stored_at, not_before, due_by, expires_at, \
                      queued_at, ended_at, outcome, chargeable, content_digest, reference, \
                      entered_at, accepted_at, attempts, agent, session, parked_until, wish, \
                      result, share, note, flow_due, flow) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
            ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)";
const INSERT_BODY: &str =
    "INSERT INTO body (sequence, content, raw, checksum) VALUES (?1, ?2, ?3, ?4)";
pub(super) const UPDATE_ITEM: &str = "\
    UPDATE item SET service = ?2, state = ?3, priority = ?4, version = ?5, journal_rows = ?6, \
                    not_before = ?7, due_by = ?8, expires_at = ?9, queued_at = ?10, \
                    ended_at = ?11, outcome = ?12, entered_at = ?14, accepted_at = ?15, \
                    attempts = ?16, agent = ?17, session = ?18, parked_until = ?19, wish = ?20, \
                    result = ?21, share = ?22, note = ?23, flow_due = ?24, flow = ?25 \
    WHERE sequence = ?1 AND version = ?5 - 1 AND id = ?13";
const UPDATE_CONTENT: &str = "UPDATE body SET content = ?2 WHERE sequence = ?1";
const INSERT_MESSAGE: &str = "\
    INSERT INTO message (sequence, number, raw, checksum) \
    SELECT ?1, 1 + max(1, coalesce(max(number), 1)), ?2, ?3 FROM message WHERE sequence = ?1";
const INSERT_JOURNAL: &str = "\
    INSERT INTO journal (sequence, number, at, event, sender, user, operator, data) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const INSERT_REQUEST: &str = "\
    INSERT INTO request (sequence, request_id, content_digest, version, state, at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const INSERT_AUDIT: &str = "\
    INSERT INTO audit (at, sender, user, operator, verb, tenant, object, data) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const SET_ENTRANCE: &str = "\
    INSERT OR REPLACE INTO entrance \
        (service, closed_since, closed_until, closed_reason, forced_since, forced_until, \
         forced_reason) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const CLEAR_ENTRANCE: &str = "DELETE FROM entrance WHERE service = ?1";
const DELETE_ATTACHMENTS: &str = "DELETE FROM attachment WHERE sequence = ?1";
const INSERT_ATTACHMENT: &str = "\
    INSERT INTO attachment (sequence, number, name, media_type, length_bytes, sha256, blob) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const INSERT_PENDING: &str = "INSERT INTO pending_blob (blob) VALUES (?1)";
const PENDING: &str = "SELECT EXISTS (SELECT 1 FROM pending_blob WHERE blob = ?1)";
const DELETE_PENDING: &str = "DELETE FROM pending_blob WHERE blob = ?1";
const INSERT_CHUNK: &str = "INSERT INTO chunk (blob, number, bytes) VALUES (?1, ?2, ?3)";
const DELETE_CHUNKS: &str = "DELETE FROM chunk WHERE blob = ?1";
pub(super) const CHUNK_COUNT: &str = "SELECT count(*) FROM chunk WHERE blob = ?1";
const CHUNK_BYTES: &str = "SELECT coalesce(sum(length(bytes)), 0) FROM chunk WHERE blob = ?1";

/// Writes everything of `batch`.
///
/// # Errors
/// The caller must roll back.
pub(super) fn batch(tx: &Connection, batch: &Batch) -> Result<(), StoreError> {
    chunks(tx, &batch.chunks)?;
    for blob in &batch.dropped_blobs {
        drop_blob(tx, *blob)?;
    }
    new_items(tx, &batch.new_items)?;
    changed_items(tx, &batch.changed_items)?;
    flows::write(tx, batch)?;
    journal(tx, &batch.journal)?;
    for (service, orders) in &batch.entrances {
        entrance(tx, *service, orders)?;
    }
    requests(tx, &batch.requests)?;
    people::write(tx, &batch.people)?;
    sessions::write(tx, batch)?;
    audit(tx, &batch.audit)?;
    outbox::write(tx, batch)
}

/// The checksum of a stored message.
pub(in crate::store) fn checksum(raw: &str) -> i64 {
    let mut hasher = SipHasher13::new_with_key(&CHECKSUM_KEY);
    hasher.write(raw.as_bytes());
    hasher.finish().cast_signed()
}

fn new_items(tx: &Connection, items: &[NewItem]) -> Result<(), StoreError> {
    if items.is_empty() {
        return Ok(());
    }
    let mut insert_item = tx.prepare_cached(INSERT_ITEM)?;
    let mut insert_body = tx.prepare_cached(INSERT_BODY)?;
    for NewItem { item, content, raw } in items {
        insert_item.execute(params![
            key(item.sequence),
            item.id.0.as_bytes().as_slice(),
            item.tenant.0,
            item.sender.0,
            item.service.0,
            state_code(item.state),
            item.priority.value(),
            item.version,
            item.journal_rows,
            item.received_at.0,
            item.stored_at.0,
            item.not_before.map(|time| time.0),
            item.due_by.map(|time| time.0),
            item.expires_at.map(|time| time.0),
            item.queued_at.map(|time| time.0),
            item.ended.as_ref().map(|ending| ending.at.0),
            item.ended.as_ref().map(|ending| ending.outcome.code()),
            item.chargeable,
            item.content_digest.as_slice(),
            content.reference,
            item.entered_at.map(|time| time.0),
            item.accepted_at.map(|time| time.0),
            item.attempts,
            item.holder.map(|holder| holder.agent.0),
            item.holder.map(|holder| offer_number(holder.session)),
            item.holder.and_then(parked_until),
            wish_column(item)?,
            said(item).map(|said| said.result.as_str()),
            said(item).map(|said| said.share),
            said(item).and_then(|said| said.note.as_deref()),
            item.flow_due().map(|time| time.0),
            flow_column(item)?,
        ])?;
        let column = column(content)?;
        let checksum = raw.as_deref().map(checksum);
        insert_body.execute(params![key(item.sequence), column, raw, checksum])?;
        attachments(tx, item.sequence, &content.attachments)?;
    }
    Ok(())
}

fn changed_items(tx: &Connection, items: &[ChangedItem]) -> Result<(), StoreError> {
    if items.is_empty() {
        return Ok(());
    }
    let mut update = tx.prepare_cached(UPDATE_ITEM)?;
    for ChangedItem { item, content, raw } in items {
        let changed = update.execute(params![
            key(item.sequence),
            item.service.0,
            state_code(item.state),
            item.priority.value(),
            item.version,
            item.journal_rows,
            item.not_before.map(|time| time.0),
            item.due_by.map(|time| time.0),
            item.expires_at.map(|time| time.0),
            item.queued_at.map(|time| time.0),
            item.ended.as_ref().map(|ending| ending.at.0),
            item.ended.as_ref().map(|ending| ending.outcome.code()),
            item.id.0.as_bytes().as_slice(),
            item.entered_at.map(|time| time.0),
            item.accepted_at.map(|time| time.0),
            item.attempts,
            item.holder.map(|holder| holder.agent.0),
            item.holder.map(|holder| offer_number(holder.session)),
            item.holder.and_then(parked_until),
            wish_column(item)?,
            said(item).map(|said| said.result.as_str()),
            said(item).map(|said| said.share),
            said(item).and_then(|said| said.note.as_deref()),
            item.flow_due().map(|time| time.0),
            flow_column(item)?,
        ])?;
        exactly_one(changed, || {
            format!(
                "item {} is not in version {}",
                item.sequence.0,
                item.version.saturating_sub(1)
            )
        })?;
        if let Some(content) = content {
            let column = column(content)?;
            tx.prepare_cached(UPDATE_CONTENT)?
                .execute((key(item.sequence), column))?;
            tx.prepare_cached(DELETE_ATTACHMENTS)?
                .execute([key(item.sequence)])?;
            attachments(tx, item.sequence, &content.attachments)?;
        }
        if let Some(raw) = raw {
            tx.prepare_cached(INSERT_MESSAGE)?.execute(params![
                key(item.sequence),
                raw,
                checksum(raw)
            ])?;
        }
    }
    Ok(())
}

fn parked_until(holder: Holder) -> Option<i64> {
    holder.parked_until.map(|time| time.0)
}

fn said(item: &Item) -> Option<&Verdict> {
    item.ended.as_ref()?.said.as_deref()
}

fn wish_column(item: &Item) -> Result<Option<String>, StoreError> {
    let Some(wish) = &item.wish else {
        return Ok(None);
    };
    wish_column::write(wish)
        .map(Some)
        .map_err(|error| StoreError::Failed(format!("a wish cannot be written: {error}")))
}

fn flow_column(item: &Item) -> Result<Option<String>, StoreError> {
    let Some(flow) = &item.flow else {
        return Ok(None);
    };
    flow_column::write(flow)
        .map(Some)
        .map_err(|error| StoreError::Failed(format!("a flow cannot be written: {error}")))
}

fn column(content: &Content) -> Result<String, StoreError> {
    content_column::write(content)
        .map_err(|error| StoreError::Failed(format!("content cannot be written: {error}")))
}

/// One row changed, as it should.
pub(super) fn exactly_one(changed: usize, what: impl FnOnce() -> String) -> Result<(), StoreError> {
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Conflict(what()))
    }
}

/// Names the blobs; from now on they are no orphans. A blob must be complete, for an item must
/// never promise bytes that are not there.
fn attachments(
    tx: &Connection,
    sequence: Sequence,
    attachments: &[Attachment],
) -> Result<(), StoreError> {
    if attachments.is_empty() {
        return Ok(());
    }
    let mut insert = tx.prepare_cached(INSERT_ATTACHMENT)?;
    let mut measure = tx.prepare_cached(CHUNK_BYTES)?;
    let mut adopt = tx.prepare_cached(DELETE_PENDING)?;
    for (attachment, number) in attachments.iter().zip(1_i64..) {
        let blob = attachment.blob.0.as_bytes().as_slice();
        let stored: i64 = measure.query_row([blob], |row| row.get(0))?;
        if stored.cast_unsigned() != attachment.length_bytes {
            return Err(StoreError::Conflict(format!(
                "blob {} has {stored} bytes, item {} names {}",
                attachment.blob.0, sequence.0, attachment.length_bytes
            )));
        }
        adopt.execute([blob])?;
        insert.execute(params![
            key(sequence),
            number,
            attachment.name,
            attachment.media_type,
            attachment.length_bytes.cast_signed(),
            attachment.sha256.as_slice(),
            blob,
        ])?;
    }
    Ok(())
}

fn chunks(tx: &Connection, chunks: &[Chunk]) -> Result<(), StoreError> {
    for chunk in chunks {
        let blob = chunk.blob.0.as_bytes().as_slice();
        let count: i64 = tx
            .prepare_cached(CHUNK_COUNT)?
            .query_row([blob], |row| row.get(0))?;
        if count != i64::from(chunk.number) {
            return Err(StoreError::Conflict(format!(
                "blob {} has {count} chunks, chunk {} cannot be next",
                chunk.blob.0, chunk.number
            )));
        }
        if chunk.number == 0 {
            tx.prepare_cached(INSERT_PENDING)?.execute([blob])?;
        } else if !is_pending(tx, chunk.blob)? {
            return Err(StoreError::Conflict(format!(
                "blob {} belongs to an item and cannot grow",
                chunk.blob.0
            )));
        }
        tx.prepare_cached(INSERT_CHUNK)?
            .execute(params![blob, chunk.number, chunk.bytes])?;
    }
    Ok(())
}

fn is_pending(tx: &Connection, blob: BlobId) -> rusqlite::Result<bool> {
    tx.prepare_cached(PENDING)?
        .query_row([blob.0.as_bytes().as_slice()], |row| row.get(0))
}

/// Drops a blob that no item names; leaves any other alone.
pub(super) fn drop_blob(tx: &Connection, blob: BlobId) -> rusqlite::Result<()> {
    let bytes = blob.0.as_bytes().as_slice();
    let pending = tx.prepare_cached(DELETE_PENDING)?.execute([bytes])?;
    if pending == 1 {
        tx.prepare_cached(DELETE_CHUNKS)?.execute([bytes])?;
    }
    Ok(())
}

fn journal(tx: &Connection, entries: &[JournalEntry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut insert = tx.prepare_cached(INSERT_JOURNAL)?;
    for entry in entries {
        let (sender, user, operator) = actor_columns(&entry.actor);
        insert.execute(params![
            key(entry.sequence),
            entry.number,
            entry.at.0,
            entry.event.code(),
            sender,
            user,
            operator,
            data_column(&entry.data)?,
        ])?;
    }
    Ok(())
}

/// Sender, user, operator. All empty: the engine.
pub(super) fn actor_columns(actor: &Actor) -> (Option<u32>, Option<u32>, Option<&str>) {
    match actor {
        Actor::Engine => (None, None, None),
        Actor::Sender(sender) => (Some(sender.0), None, None),
        Actor::User(user) => (None, Some(user.0), None),
        Actor::Operator(operator) => (None, None, Some(operator)),
    }
}

/// JSON: a list of name, value; nothing for no data.
fn data_column(data: &[(&'static str, String)]) -> Result<Option<String>, StoreError> {
    if data.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(data)
        .map(Some)
        .map_err(|error| StoreError::Failed(format!("data cannot be written: {error}")))
}

fn entrance(
    tx: &Connection,
    service: ServiceId,
    orders: &EntranceOrders,
) -> Result<(), StoreError> {
    if *orders == EntranceOrders::default() {
        tx.prepare_cached(CLEAR_ENTRANCE)?.execute([service.0])?;
        return Ok(());
    }
    let columns = |order: &Option<EntranceOrder>| match order {
        Some(order) => (
            Some(order.since.0),
            order.until.map(|time| time.0),
            order.reason.clone(),
        ),
        None => (None, None, None),
    };
    let closed = columns(&orders.closed);
    let forced = columns(&orders.forced_open);
    tx.prepare_cached(SET_ENTRANCE)?.execute(params![
        service.0, closed.0, closed.1, closed.2, forced.0, forced.1, forced.2,
    ])?;
    Ok(())
}

fn requests(tx: &Connection, requests: &[AnsweredRequest]) -> Result<(), StoreError> {
    for request in requests {
        tx.prepare_cached(INSERT_REQUEST)?.execute(params![
            key(request.sequence),
            request.request_id,
            request.content_digest.as_slice(),
            request.version,
            state_code(request.state),
            request.at.0,
        ])?;
    }
    Ok(())
}

fn audit(tx: &Connection, entries: &[AuditEntry]) -> Result<(), StoreError> {
    for entry in entries {
        let (sender, user, operator) = actor_columns(&entry.actor);
        tx.prepare_cached(INSERT_AUDIT)?.execute(params![
            entry.at.0,
            sender,
            user,
            operator,
            entry.verb,
            entry.tenant.map(|tenant| tenant.0),
            entry.object,
            data_column(&entry.data)?,
        ])?;
    }
    Ok(())
}
