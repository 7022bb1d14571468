//! How an item's place in its workflow lies in one column: JSON, written and read by structs private
//! to the store, so that renaming a field of the domain cannot change what old files mean.

use std::borrow::Cow;
use std::sync::Arc;

use rusqlite::Row;
use rusqlite::types::Type;
use serde::{Deserialize, Serialize};

use crate::domain::flow::{Flow, Rest, Steps, Stop, Woken};
use crate::domain::time::Timestamp;
use crate::domain::workflow::{Awaited, StageNumber, WorkflowDigest};

/// The word of [`Woken::Time`]; those of events are their own.
const TIME: &str = "time";

#[derive(Serialize, Deserialize)]
struct Column<'a> {
    /// Which version: hexadecimal.
    workflow: Cow<'a, str>,
    name: Cow<'a, str>,
    stages: u8,
    began_at: i64,
    stage: u8,
    stage_began_at: i64,
    rest: RestColumn<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fired: Vec<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    buttons: Vec<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    woken: Option<Cow<'a, str>>,
    open_alerts: u32,
    /// Day, steps taken on it.
    steps: (i64, u32),
    started: u8,
    depth: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RestColumn<'a> {
    Beginning,
    Waiting {
        action: u8,
        until: i64,
    },
    Queued {
        action: u8,
        waited_ms: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<i64>,
    },
    /// Why.
    Stopped(Cow<'a, str>),
}

/// The column of a flow.
pub(super) fn write(flow: &Flow) -> serde_json::Result<String> {
    // Taken apart as a whole, so that a new field cannot be forgotten here.
    let Flow {
        workflow,
        name,
        stages,
        began_at,
        stage,
        stage_began_at,
        rest,
        fired,
        buttons,
        woken,
        open_alerts,
        steps,
        started,
        depth,
        due,
    } = flow;
    serde_json::to_string(&Column {
        workflow: Cow::Owned(workflow.to_string()),
        name: Cow::Borrowed(name),
        stages: *stages,
        began_at: began_at.0,
        stage: stage.0,
        stage_began_at: stage_began_at.0,
        rest: written_rest(rest),
        fired: fired.iter().map(|stage| stage.0).collect(),
        buttons: buttons.iter().map(|name| Cow::Borrowed(&**name)).collect(),
        woken: woken.map(|woken| match woken {
            Woken::Time => Cow::Borrowed(TIME),
            Woken::Event(awaited) => Cow::Borrowed(awaited.word()),
        }),
        open_alerts: *open_alerts,
        steps: (steps.day, steps.taken),
        started: *started,
        depth: *depth,
        due: due.map(|time| time.0),
    })
}

fn written_rest(rest: &Rest) -> RestColumn<'static> {
    match rest {
        Rest::Beginning => RestColumn::Beginning,
        Rest::Waiting { action, until } => RestColumn::Waiting {
            action: *action,
            until: until.0,
        },
        Rest::Queued {
            action,
            waited_ms,
            since,
        } => RestColumn::Queued {
            action: *action,
            waited_ms: *waited_ms,
            since: since.map(|time| time.0),
        },
        Rest::Stopped(stop) => RestColumn::Stopped(Cow::Borrowed(stop.name())),
    }
}

/// The flow in a column.
///
/// # Errors
/// The column is not what [`write()`] makes: the file is damaged.
pub(in crate::store) fn read(column: &str) -> Result<Flow, String> {
    let column: Column<'_> = serde_json::from_str(column).map_err(|error| error.to_string())?;
    let woken = match column.woken.as_deref() {
        None => None,
        Some(TIME) => Some(Woken::Time),
        Some(word) => {
            let awaited = Awaited::parse(word).ok_or("an event without a meaning")?;
            Some(Woken::Event(awaited))
        }
    };
    let fired = column.fired.into_iter();
    let buttons = column.buttons.into_iter();
    Ok(Flow {
        workflow: digest(&column.workflow).ok_or("a digest without a meaning")?,
        name: column.name.into_owned(),
        stages: column.stages,
        began_at: Timestamp(column.began_at),
        stage: StageNumber(column.stage),
        stage_began_at: Timestamp(column.stage_began_at),
        rest: rest(column.rest).ok_or("a stop without a meaning")?,
        fired: fired.map(StageNumber).collect(),
        buttons: buttons.map(Cow::into_owned).collect(),
        woken,
        open_alerts: column.open_alerts,
        steps: Steps {
            day: column.steps.0,
            taken: column.steps.1,
        },
        started: column.started,
        depth: column.depth,
        due: column.due.map(Timestamp),
    })
}

fn rest(column: RestColumn<'_>) -> Option<Rest> {
    Some(match column {
        RestColumn::Beginning => Rest::Beginning,
        RestColumn::Waiting { action, until } => Rest::Waiting {
            action,
            until: Timestamp(until),
        },
        RestColumn::Queued {
            action,
            waited_ms,
            since,
        } => Rest::Queued {
            action,
            waited_ms,
            since: since.map(Timestamp),
        },
        RestColumn::Stopped(name) => {
            let mut known = Stop::ALL.into_iter();
            Rest::Stopped(known.find(|stop| stop.name() == name)?)
        }
    })
}

/// The digest of 64 lower-case hexadecimal digits.
fn digest(text: &str) -> Option<WorkflowDigest> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let byte = |[high, low]: &[u8; 2]| Some(nibble(*high)? << 4 | nibble(*low)?);
    let bytes: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
    Some(WorkflowDigest(bytes.try_into().ok()?))
}

/// The flow in that column of the row, if it has one.
pub(super) fn of(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Arc<Flow>>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else {
        return Ok(None);
    };
    let flow = read(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })?;
    Ok(Some(Arc::new(flow)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::samples::{NOON, bare_flow, full_flow};

    #[test]
    fn every_value_of_a_flow_comes_back() {
        let words = Awaited::ALL.map(Woken::Event);
        let woken = words.into_iter().chain([Woken::Time]).map(Some);
        for woken in woken.chain([None]) {
            let flow = Flow {
                woken,
                ..full_flow()
            };
            assert_eq!(read(&write(&flow).expect("it is written")), Ok(flow));
        }
        let queued = |since| Rest::Queued {
            action: 49,
            waited_ms: 7,
            since,
        };
        let waiting = Rest::Waiting {
            action: 0,
            until: NOON,
        };
        let stops = Stop::ALL.map(Rest::Stopped);
        let rests = [Rest::Beginning, queued(None), queued(Some(NOON)), waiting];
        for rest in rests.into_iter().chain(stops) {
            let flow = Flow {
                rest,
                ..bare_flow()
            };
            assert_eq!(read(&write(&flow).expect("it is written")), Ok(flow));
        }
    }

    /// Files that were written so must stay readable.
    #[test]
    fn the_column_keeps_its_shape() {
        let column = write(&bare_flow()).expect("it is written");
        let digest = "07".repeat(32);
        let expected = format!(
            "{{\"workflow\":\"{digest}\",\"name\":\"car-loan\",\"stages\":1,\"began_at\":{0},\
             \"stage\":1,\"stage_began_at\":{0},\"rest\":\"beginning\",\"open_alerts\":0,\
             \"steps\":[0,0],\"started\":0,\"depth\":0}}",
            NOON.0
        );
        assert_eq!(column, expected);
    }

    #[test]
    fn a_column_without_meaning_is_damage() {
        let good = write(&full_flow()).expect("it is written");
        for (part, wrong) in [
            ("0909", "0G09"),
            ("0909", "09A9"),
            ("0909", "090"),
            ("0909", "0909é"),
            ("\"0909", "\""),
            ("\"waiting\"", "\"walking\""),
            ("\"action\":3", "\"action\":256"),
            ("\"acknowledged\"", "\"forgotten\""),
            ("\"depth\":2", "\"depth\":256"),
            ("\"stage\":2", "\"stage\":-1"),
            ("\"steps\":[", "\"stops\":["),
            ("{", "["),
        ] {
            let column = good.replacen(part, wrong, 1);
            assert_ne!(column, good, "{part}");
            assert!(read(&column).is_err(), "{column}");
        }
        let stopped = Flow {
            rest: Rest::Stopped(Stop::TooManySteps),
            ..bare_flow()
        };
        let column = write(&stopped).expect("it is written");
        assert!(read(&column.replace("tooMany", "tooFew")).is_err());
    }
}
