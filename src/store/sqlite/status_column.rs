//! How the status in a notification lies in one column: JSON, written and read by a struct private
//! to the store, so that renaming a field of the domain cannot change what old files mean.
//!
//! Id and reference stand in the item's row and are not here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::row::state_code;
use crate::domain::answer::{Status, WaitingReason};
use crate::domain::ids::ItemId;
use crate::domain::item::ItemState;
use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;

#[derive(Serialize, Deserialize)]
struct Column<'a> {
    /// As in the item's row, `offered` included.
    state: i64,
    version: u32,
    received_at: i64,
    stored_at: i64,
    service: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opens_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_by: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queued_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Cow<'a, str>>,
}

/// The column of a status.
pub(super) fn write(status: &Status) -> serde_json::Result<String> {
    // Taken apart as a whole, so that a new field cannot be forgotten here.
    let Status {
        id: _,
        reference: _,
        state,
        version,
        received_at,
        stored_at,
        service,
        reason,
        opens_at,
        position,
        not_before,
        due_by,
        expires_at,
        queued_at,
        accepted_at,
        ended_at,
        attempts,
        outcome,
        result,
        note,
    } = status;
    let ms = |time: &Option<Timestamp>| time.map(|time| time.0);
    serde_json::to_string(&Column {
        state: state_code(*state),
        version: *version,
        received_at: received_at.0,
        stored_at: stored_at.0,
        service: Cow::Borrowed(service),
        reason: reason.map(|reason| Cow::Borrowed(reason.name())),
        opens_at: ms(opens_at),
        position: *position,
        not_before: ms(not_before),
        due_by: ms(due_by),
        expires_at: ms(expires_at),
        queued_at: ms(queued_at),
        accepted_at: ms(accepted_at),
        ended_at: ms(ended_at),
        attempts: *attempts,
        outcome: outcome.map(Outcome::code),
        result: result.as_deref().map(Cow::Borrowed),
        note: note.as_deref().map(Cow::Borrowed),
    })
}

/// The status in a column, with what stands in the item's row.
pub(super) fn read(column: &str, id: ItemId, reference: String) -> Result<Status, String> {
    let column: Column<'_> = serde_json::from_str(column).map_err(|error| error.to_string())?;
    let mut states = ItemState::ALL.into_iter();
    let state = states.find(|state| state_code(*state) == column.state);
    let outcome = match column.outcome {
        None => None,
        Some(code) => Some(Outcome::from_code(code).ok_or("an outcome without a meaning")?),
    };
    let time = |ms: Option<i64>| ms.map(Timestamp);
    Ok(Status {
        id,
        reference,
        state: state.ok_or("a state without a meaning")?,
        version: column.version,
        received_at: Timestamp(column.received_at),
        stored_at: Timestamp(column.stored_at),
        service: column.service.into_owned(),
        reason: column.reason.as_deref().and_then(reason),
        opens_at: time(column.opens_at),
        position: column.position,
        not_before: time(column.not_before),
        due_by: time(column.due_by),
        expires_at: time(column.expires_at),
        queued_at: time(column.queued_at),
        accepted_at: time(column.accepted_at),
        ended_at: time(column.ended_at),
        attempts: column.attempts,
        outcome,
        result: column.result.map(Cow::into_owned),
        note: column.note.map(Cow::into_owned),
    })
}

fn reason(name: &str) -> Option<WaitingReason> {
    let mut known = WaitingReason::ALL.into_iter();
    known.find(|reason| reason.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::samples::{NOON, id};

    fn full() -> Status {
        Status {
            id: id(1),
            reference: "order-1".to_owned(),
            state: ItemState::Offered,
            version: 3,
            received_at: NOON,
            stored_at: NOON.plus_ms(1),
            service: "loans".to_owned(),
            reason: Some(WaitingReason::NoAgentSignedIn),
            opens_at: Some(NOON.plus_ms(2)),
            position: Some(10),
            not_before: Some(NOON.plus_ms(3)),
            due_by: Some(NOON.plus_ms(4)),
            expires_at: Some(NOON.plus_ms(5)),
            queued_at: Some(NOON.plus_ms(6)),
            accepted_at: Some(NOON.plus_ms(7)),
            ended_at: Some(NOON.plus_ms(8)),
            attempts: 9,
            outcome: Some(Outcome::HandledByUser),
            result: Some("done".to_owned()),
            note: Some("called \"back\"".to_owned()),
        }
    }

    #[test]
    fn every_value_of_a_status_comes_back() {
        let column = write(&full()).expect("it is written");
        assert!(
            !column.contains("order-1"),
            "the reference stands elsewhere"
        );
        assert_eq!(read(&column, id(1), "order-1".to_owned()), Ok(full()));
    }

    #[test]
    fn a_status_of_the_first_schema_is_read() {
        let column = "{\"state\":3,\"version\":1,\"received_at\":1,\"stored_at\":2,\
                      \"service\":\"loans\",\"attempts\":0}";
        let status = read(column, id(1), "order-1".to_owned()).expect("it is read");
        assert_eq!(
            (status.position, status.result, status.note),
            (None, None, None)
        );
    }

    #[test]
    fn every_reason_comes_back() {
        for known in WaitingReason::ALL {
            assert_eq!(reason(known.name()), Some(known));
        }
    }

    #[test]
    fn a_column_without_meaning_is_damage() {
        for (column, what) in [
            ("{}", "missing"),
            ("x", "expected"),
            (
                "{\"state\":8,\"version\":1,\"received_at\":0,\"stored_at\":0,\
                 \"service\":\"s\",\"attempts\":0}",
                "a state",
            ),
            (
                "{\"state\":7,\"version\":1,\"received_at\":0,\"stored_at\":0,\
                 \"service\":\"s\",\"attempts\":0,\"outcome\":1}",
                "an outcome",
            ),
        ] {
            let error = read(column, id(1), String::new()).expect_err(column);
            assert!(error.contains(what), "{error}");
        }
    }
}
