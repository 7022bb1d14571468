//! The statements and rows of [`crate::store::read`].

use std::path::Path;

use rusqlite::{Connection, Row};

use super::row::out_of_range;
use super::{content_column, flow_column, references, wish_column};
use crate::domain::flow::Flow;
use crate::domain::ids::{BlobId, SenderId, Sequence, UserId};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::read::JournalLine;

pub(in crate::store) use super::flows::{
    FOLLOW_UPS_OF_AUDIENCE, FOLLOW_UPS_OF_ITEM, FOLLOW_UPS_OF_SERVICE, FOLLOW_UPS_OF_TENANT,
    audience_columns, follow_up, follow_up_row, place, workflow,
};
pub(in crate::store) use super::load::{attachments, content, numbers, title};
pub(in crate::store) use super::references::watermark;
pub(in crate::store) use super::row::{item_by_sequence, key, sequence_by_id, state_code};
pub(in crate::store) use super::sessions::{
    agent_sessions, held_by, service_sessions, user_states,
};
pub(in crate::store) use super::write::checksum;

pub(in crate::store) const JOURNAL: &str = "\
    SELECT number, at, event, sender, user, operator, data \
    FROM journal WHERE sequence = ?1 ORDER BY number";
pub(in crate::store) const MESSAGES: &str = "\
    SELECT raw, checksum FROM ( \
        SELECT 1 AS number, raw, checksum FROM body WHERE sequence = ?1 AND raw IS NOT NULL \
        UNION ALL \
        SELECT number, raw, checksum FROM message WHERE sequence = ?1 \
    ) ORDER BY number";
const REFERENCE_ENTRY: &str = "\
    SELECT EXISTS ( \
        SELECT 1 FROM reference_entry \
        WHERE run IN (SELECT run FROM reference_run) AND hash = ?1 AND sequence = ?2)";
const BLOB: &str = "SELECT bytes FROM chunk WHERE blob = ?1 ORDER BY number";
/// Goes through the index of unfinished items, and to the row only of those in the state.
pub(in crate::store) const OPEN_OF_SENDER: &str = "\
    SELECT sequence FROM item INDEXED BY item_open \
    WHERE state < 7 AND sequence > ?1 AND state = ?2 AND sender = ?3 \
    ORDER BY sequence LIMIT ?4";
pub(in crate::store) const SPANS: &str =
    "SELECT span FROM sender_span WHERE span >= ?2 AND sender = ?1 ORDER BY span";
pub(in crate::store) const SPAN_OF_SENDER: &str = "\
    SELECT sequence FROM item \
    WHERE sequence BETWEEN ?1 AND ?2 AND sender = ?3 AND (?4 IS NULL OR state = ?4) \
    ORDER BY sequence LIMIT ?5";
pub(in crate::store) const QUEUE_SAME: &str = "\
    SELECT sequence FROM item INDEXED BY item_queue \
    WHERE state < 7 AND service = ?1 AND state = ?2 AND priority = ?3 AND sequence > ?4 \
    ORDER BY sequence LIMIT ?5";
pub(in crate::store) const QUEUE_LOWER: &str = "\
    SELECT sequence FROM item INDEXED BY item_queue \
    WHERE state < 7 AND service = ?1 AND state = ?2 AND priority < ?3 \
    ORDER BY priority DESC, sequence LIMIT ?4";

/// Opens a file for reading only.
pub(in crate::store) fn open(path: &Path) -> Result<Connection, StoreError> {
    super::open::reader(path)
}

/// The keys of the items that may have that reference.
pub(in crate::store) fn reference_candidates(
    connection: &Connection,
    sender: SenderId,
    reference: &str,
) -> rusqlite::Result<Vec<i64>> {
    references::stored_candidates(connection, sender, reference)
}

/// A row of [`JOURNAL`].
pub(in crate::store) fn journal_line(row: &Row<'_>) -> rusqlite::Result<JournalLine> {
    let code: u8 = row.get(2)?;
    let event = JournalEvent::from_code(code).ok_or_else(|| out_of_range(2, i64::from(code)))?;
    let (sender, user) = (row.get(3)?, row.get(4)?);
    let actor = match (sender, user, row.get(5)?) {
        (Some(sender), _, _) => Actor::Sender(SenderId(sender)),
        (None, Some(user), _) => Actor::User(UserId(user)),
        (None, None, Some(operator)) => Actor::Operator(operator),
        (None, None, None) => Actor::Engine,
    };
    let data = match row.get::<_, Option<String>>(6)? {
        None => Vec::new(),
        Some(data) => serde_json::from_str(&data).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(
                6,
                rusqlite::types::Type::Text,
                Box::new(error),
            )
        })?,
    };
    Ok(JournalLine {
        number: row.get(0)?,
        at: Timestamp(row.get(1)?),
        event,
        actor,
        data,
    })
}

/// A body, put together.
pub(in crate::store) fn blob(connection: &Connection, blob: BlobId) -> rusqlite::Result<Vec<u8>> {
    let mut statement = connection.prepare_cached(BLOB)?;
    let mut rows = statement.query([blob.0.as_bytes().as_slice()])?;
    let mut body = Vec::new();
    while let Some(row) = rows.next()? {
        body.extend_from_slice(row.get_ref(0)?.as_blob()?);
    }
    Ok(body)
}

/// Whether the values in a column of contents can be read.
pub(in crate::store) fn content_is_readable(column: &str) -> bool {
    content_column::read(column, String::new(), Vec::new()).is_ok()
}

/// Whether a wish in its column can be read.
pub(in crate::store) fn wish_is_readable(column: &str) -> bool {
    wish_column::read(column).is_ok()
}

/// The place in a workflow in its column, if that can be read.
pub(in crate::store) fn flow(column: &str) -> Option<Flow> {
    flow_column::read(column).ok()
}

/// The hash under which this file knows a reference.
pub(in crate::store) fn reference_hasher(
    connection: &Connection,
) -> rusqlite::Result<impl Fn(SenderId, &str) -> i64> {
    let key = references::stored_key(connection)?;
    Ok(move |sender, reference: &str| references::hash(&key, sender, reference))
}

/// Whether that item's reference stands in a run.
pub(in crate::store) fn reference_entry_exists(
    connection: &Connection,
    hash: i64,
    sequence: Sequence,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(REFERENCE_ENTRY)?
        .query_row((hash, key(sequence)), |row| row.get(0))
}
