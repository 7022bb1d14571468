//! An item's hot row: columns to [`Item`] and back.

use std::sync::Arc;

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::{flow_column, wish_column};
use crate::domain::ids::{
    ItemId, OfferId, Priority, SenderId, Sequence, ServiceId, TenantId, UserId,
};
use crate::domain::item::{Ending, Holder, Item, ItemState, Verdict};
use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;

pub(in crate::store) const ITEM_BY_SEQUENCE: &str = "\
    SELECT sequence, id, tenant, sender, service, state, priority, version, journal_rows, \
           received_at, stored_at, not_before, due_by, expires_at, queued_at, ended_at, outcome, \
           chargeable, content_digest, entered_at, accepted_at, attempts, agent, session, \
           parked_until, wish, reference, result, share, note, flow \
    FROM item WHERE sequence = ?1";

/// Where the reference stands in [`ITEM_BY_SEQUENCE`].
const REFERENCE: usize = 26;

pub(in crate::store) const SEQUENCE_BY_ID: &str = "SELECT sequence FROM item WHERE id = ?1";

/// The row and its reference, which stands in the row for lists' and replays' sake.
pub(in crate::store) fn item_by_sequence(
    connection: &Connection,
    sequence: i64,
) -> rusqlite::Result<Option<(Item, String)>> {
    connection
        .prepare_cached(ITEM_BY_SEQUENCE)?
        .query_row([sequence], |row| Ok((item(row)?, row.get(REFERENCE)?)))
        .optional()
}

/// The key of the item with that id.
pub(in crate::store) fn sequence_by_id(
    connection: &Connection,
    id: ItemId,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(SEQUENCE_BY_ID)?
        .query_row([id.0.as_bytes().as_slice()], |row| row.get(0))
        .optional()
}

/// Reads the columns of [`ITEM_BY_SEQUENCE`], all but the reference.
fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        sequence: sequence(row.get(0)?),
        id: ItemId(Uuid::from_bytes(row.get(1)?)),
        tenant: TenantId(row.get(2)?),
        sender: SenderId(row.get(3)?),
        service: ServiceId(row.get(4)?),
        state: state(row, 5)?,
        priority: priority(row, 6)?,
        version: row.get(7)?,
        journal_rows: row.get(8)?,
        received_at: Timestamp(row.get(9)?),
        stored_at: Timestamp(row.get(10)?),
        not_before: time(row, 11)?,
        due_by: time(row, 12)?,
        expires_at: time(row, 13)?,
        queued_at: time(row, 14)?,
        entered_at: time(row, 19)?,
        accepted_at: time(row, 20)?,
        attempts: row.get(21)?,
        holder: holder(row)?,
        wish: wish_column::Wishes::default().of(row, 25)?,
        flow: flow_column::of(row, 30)?,
        ended: ending(row)?,
        chargeable: row.get(17)?,
        content_digest: row.get(18)?,
    })
}

fn holder(row: &Row<'_>) -> rusqlite::Result<Option<Holder>> {
    let Some(agent) = row.get::<_, Option<u32>>(22)? else {
        return Ok(None);
    };
    Ok(Some(Holder {
        agent: UserId(agent),
        session: offer(row.get(23)?),
        parked_until: time(row, 24)?,
    }))
}

fn ending(row: &Row<'_>) -> rusqlite::Result<Option<Ending>> {
    let Some(at) = time(row, 15)? else {
        return Ok(None);
    };
    let said = match row.get::<_, Option<String>>(27)? {
        Some(result) => Some(Arc::new(Verdict {
            result,
            share: row.get(28)?,
            note: row.get(29)?,
        })),
        None => None,
    };
    let outcome = outcome(row, 16)?;
    Ok(Some(Ending { at, outcome, said }))
}

/// The number of a state in the file. Stable.
pub(in crate::store) fn state_code(state: ItemState) -> i64 {
    match state {
        ItemState::Scheduled => 0,
        ItemState::InWorkflow => 1,
        ItemState::Buffered => 2,
        ItemState::Queued => 3,
        ItemState::Offered => 4,
        ItemState::Connected => 5,
        ItemState::Parked => 6,
        ItemState::Ended => 7,
    }
}

/// The state in that column.
pub(in crate::store) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<ItemState> {
    let code: i64 = row.get(column)?;
    ItemState::ALL
        .into_iter()
        .find(|state| state_code(*state) == code)
        .ok_or_else(|| out_of_range(column, code))
}

/// The priority in that column.
pub(in crate::store) fn priority(row: &Row<'_>, column: usize) -> rusqlite::Result<Priority> {
    let value: u8 = row.get(column)?;
    Priority::new(value).ok_or_else(|| out_of_range(column, i64::from(value)))
}

/// The time in that column, if any.
pub(in crate::store) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
}

fn outcome(row: &Row<'_>, column: usize) -> rusqlite::Result<Outcome> {
    let code: u16 = row.get(column)?;
    Outcome::from_code(code).ok_or_else(|| out_of_range(column, i64::from(code)))
}

/// A number in the file that stands for nothing.
pub(in crate::store) fn out_of_range(column: usize, value: i64) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        Type::Integer,
        Box::new(FromSqlError::OutOfRange(value)),
    )
}

/// The key of a sequence. One beyond the range of keys becomes the largest key, which no item has.
pub(in crate::store) fn key(sequence: Sequence) -> i64 {
    i64::try_from(sequence.0).unwrap_or(i64::MAX)
}

/// The sequence of a key. Keys are positive (a CHECK says so).
pub(in crate::store) fn sequence(key: i64) -> Sequence {
    Sequence(key.cast_unsigned())
}

/// The number of an offer in the file. One beyond the range of the file becomes negative, which a
/// CHECK refuses.
pub(super) fn offer_number(offer: OfferId) -> i64 {
    offer.0.cast_signed()
}

/// The offer of a number in the file. None is negative (a CHECK says so).
pub(super) fn offer(number: i64) -> OfferId {
    OfferId(number.cast_unsigned())
}
