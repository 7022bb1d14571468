//! Items in agents' hands, what is kept of it, and the people it names: there from schema 2 on.

use rusqlite::Connection;

use super::{Report, count};
use crate::store::StoreError;
use crate::store::sqlite::reading;

/// Exactly one session of the item is accepted and open, and it is that of the row.
const HELD_WITHOUT_SESSION: &str = "\
    SELECT count(*) FROM item INDEXED BY item_held \
    WHERE state IN (5, 6) AND ( \
        agent IS NULL OR session IS NULL \
        OR NOT EXISTS ( \
            SELECT 1 FROM agent_session AS own \
            WHERE own.sequence = item.sequence AND own.offer = item.session \
                AND own.agent = item.agent AND own.ended_at IS NULL \
                AND own.accepted_at IS NOT NULL) \
        OR 1 <> ( \
            SELECT count(*) FROM agent_session AS open \
            WHERE open.sequence = item.sequence AND open.ended_at IS NULL \
                AND open.accepted_at IS NOT NULL))";
const HOLDER_WITHOUT_HOLDING: &str = "\
    SELECT count(*) FROM item NOT INDEXED \
    WHERE state NOT IN (5, 6) \
        AND (agent IS NOT NULL OR session IS NOT NULL OR parked_until IS NOT NULL)";
const SESSION_WITHOUT_HOLDING: &str = "\
    SELECT count(*) FROM agent_session LEFT JOIN item USING (sequence) \
    WHERE agent_session.ended_at IS NULL AND agent_session.accepted_at IS NOT NULL \
        AND (item.state IS NULL OR item.state NOT IN (5, 6))";
const HELD_ROWS: &str = "SELECT count(*) FROM item NOT INDEXED WHERE state IN (5, 6)";
const HELD_ENTRIES: &str = "SELECT count(*) FROM item INDEXED BY item_held WHERE state IN (5, 6)";
/// 10 is `handledByUser`.
const WITHOUT_RESULT: &str =
    "SELECT count(*) FROM item NOT INDEXED WHERE outcome = 10 AND result IS NULL";
const AGENT_SESSION_WITHOUT_ITEM: &str = "\
    SELECT count(*) FROM agent_session LEFT JOIN item USING (sequence) \
    WHERE item.sequence IS NULL";
const SERVICE_SESSION_WITHOUT_ITEM: &str = "\
    SELECT count(*) FROM service_session LEFT JOIN item USING (sequence) \
    WHERE item.sequence IS NULL";
const SERVICE_SESSION_GAPS: &str = "\
    SELECT count(*) FROM ( \
        SELECT 1 FROM service_session GROUP BY sequence \
        HAVING min(number) <> 1 OR max(number) <> count(*))";
const USERLESS_SIGN_INS: &str = "\
    SELECT (SELECT count(*) FROM session WHERE user NOT IN (SELECT number FROM user)) \
         + (SELECT count(*) FROM token WHERE user NOT IN (SELECT number FROM user))";
const USERLESS_ROWS: &str = "\
    SELECT (SELECT count(*) FROM item INDEXED BY item_held \
            WHERE state IN (5, 6) AND agent NOT IN (SELECT number FROM user)) \
         + (SELECT count(*) FROM agent_session WHERE agent NOT IN (SELECT number FROM user)) \
         + (SELECT count(*) FROM user_state WHERE user NOT IN (SELECT number FROM user))";
const WISHES: &str = "SELECT wish, count(*) FROM item WHERE wish IS NOT NULL GROUP BY wish";

/// Looks at all of it.
pub(super) fn look(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let count = |sql| count(connection, sql);
    for (sql, what) in [
        (
            HELD_WITHOUT_SESSION,
            "items in agents' hands have no agent session that says so, or several",
        ),
        (
            HOLDER_WITHOUT_HOLDING,
            "items that no agent has name an agent",
        ),
        (
            SESSION_WITHOUT_HOLDING,
            "agent sessions are open although no agent has their items",
        ),
        (
            WITHOUT_RESULT,
            "items were ended by their agents without a result",
        ),
        (AGENT_SESSION_WITHOUT_ITEM, "agent sessions are of no item"),
        (
            SERVICE_SESSION_WITHOUT_ITEM,
            "service sessions are of no item",
        ),
        (
            SERVICE_SESSION_GAPS,
            "items have gaps in their service sessions",
        ),
        (
            USERLESS_SIGN_INS,
            "sessions and tokens are of users who do not exist",
        ),
        (
            USERLESS_ROWS,
            "items, agent sessions and states are of users who do not exist",
        ),
    ] {
        report.damage(count(sql)?, what);
    }
    let entries = count(HELD_ENTRIES)?;
    report.damage(
        entries.abs_diff(count(HELD_ROWS)?),
        "too many or too few items in the index of agents",
    );
    report.damage(
        unreadable_wishes(connection)?,
        "wishes of items cannot be read",
    );
    Ok(())
}

fn unreadable_wishes(connection: &Connection) -> Result<u64, StoreError> {
    let mut unreadable = 0;
    let mut statement = connection.prepare(WISHES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let wish = row.get_ref(0)?.as_str().unwrap_or_default();
        if !reading::wish_is_readable(wish) {
            unreadable += row.get::<_, i64>(1)?.unsigned_abs();
        }
    }
    Ok(unreadable)
}
