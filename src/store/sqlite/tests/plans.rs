//! How SQLite answers the queries of the hot paths.

use super::store;
use crate::store::sqlite::flows::{
    CLOSE_FOLLOW_UP, FOLLOW_UP, INSERT_FOLLOW_UP, OPEN_OF_ITEM, TIMERS, WORKFLOW,
};
use crate::store::sqlite::outbox::{LIST_PARKED, NEXT, SENDERS};
use crate::store::sqlite::reading::{
    FOLLOW_UPS_OF_AUDIENCE, FOLLOW_UPS_OF_ITEM, FOLLOW_UPS_OF_SERVICE, FOLLOW_UPS_OF_TENANT,
    JOURNAL, MESSAGES, OPEN_OF_SENDER, QUEUE_LOWER, QUEUE_SAME, SPAN_OF_SENDER, SPANS,
};
use crate::store::sqlite::references::{DELETE_HEAD, RUN_HEAD, RUN_LOOKUP};
use crate::store::sqlite::row::{ITEM_BY_SEQUENCE, SEQUENCE_BY_ID};
use crate::store::sqlite::sessions::{
    AGENT_SESSIONS, CLOSE_STATE, HELD_BY, PUT_AGENT_SESSION, RINGING, SERVICE_SESSIONS, STATES,
};
use crate::store::sqlite::write::{CHUNK_COUNT, UPDATE_ITEM};
use crate::store::sqlite::{SqliteOptions, load};

fn plan(sql: &str) -> String {
    let (_dir, store) = store(SqliteOptions::default());
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let mut statement = store.connection.prepare(&sql).expect("valid SQL");
    let lines = statement.raw_query().mapped(|row| row.get::<_, String>(3));
    let lines: Result<Vec<_>, _> = lines.collect();
    lines.expect("a plan").join("; ")
}

#[test]
fn the_restart_reads_only_the_covering_index_of_unfinished_items() {
    assert_eq!(
        plan(load::OPEN_ITEMS),
        "SEARCH item USING COVERING INDEX item_open (sequence>?)"
    );
}

#[test]
fn items_are_found_by_one_search() {
    let row = "SEARCH item USING INTEGER PRIMARY KEY (rowid=?)";
    assert_eq!(plan(ITEM_BY_SEQUENCE), row);
    assert_eq!(plan(UPDATE_ITEM), row);
    assert_eq!(
        plan(SEQUENCE_BY_ID),
        "SEARCH item USING COVERING INDEX item_id (id=?)"
    );
}

#[test]
fn a_reference_is_looked_up_by_one_search_in_each_run() {
    let search = "SEARCH reference_entry USING PRIMARY KEY";
    assert_eq!(plan(RUN_LOOKUP), format!("{search} (run=? AND hash=?)"));
    assert_eq!(plan(RUN_HEAD), format!("{search} (run=?)"));
    let head = format!("{search} (run=? AND (hash,sequence)<(?,?))");
    assert_eq!(plan(DELETE_HEAD), head);
}

#[test]
fn a_queue_is_listed_in_order_without_sorting() {
    let search = "SEARCH item USING COVERING INDEX item_queue (service=? AND state=? AND priority";
    assert_eq!(plan(QUEUE_LOWER), format!("{search}<?)"));
    assert_eq!(plan(QUEUE_SAME), format!("{search}=? AND sequence>?)"));
}

#[test]
fn a_senders_list_reads_its_stretches_only() {
    assert_eq!(plan(SPANS), "SEARCH sender_span USING PRIMARY KEY (span>?)");
    assert_eq!(
        plan(SPAN_OF_SENDER),
        "SEARCH item USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    );
    assert_eq!(
        plan(OPEN_OF_SENDER),
        "SEARCH item USING INDEX item_open (sequence>?)"
    );
}

#[test]
fn the_rest_of_an_item_is_found_by_its_sequence() {
    assert_eq!(
        plan(JOURNAL),
        "SEARCH journal USING PRIMARY KEY (sequence=?)"
    );
    let messages = plan(MESSAGES);
    assert!(messages.contains("SEARCH body USING INTEGER PRIMARY KEY (rowid=?)"));
    assert!(
        messages.contains("SEARCH message USING INDEX"),
        "{messages}"
    );
    assert!(plan(CHUNK_COUNT).contains("SEARCH chunk USING COVERING INDEX"));
}

#[test]
fn what_is_to_be_told_next_is_read_in_order_without_sorting() {
    let item = "; SEARCH item USING INTEGER PRIMARY KEY (rowid=?)";
    let next = "SEARCH notification USING INDEX notification_next (sender=? AND next_at>?)";
    assert_eq!(plan(NEXT), format!("{next}{item}"));
    let parked = "SEARCH notification USING INDEX notification_parked (id>?)";
    assert_eq!(plan(LIST_PARKED), format!("{parked}{item}"));
    let senders = plan(SENDERS);
    assert!(!senders.contains("SCAN notification"), "{senders}");
}

#[test]
fn what_an_agent_has_is_read_from_the_index_of_what_anybody_has() {
    assert_eq!(plan(HELD_BY), "SEARCH item USING INDEX item_held (agent=?)");
}

#[test]
fn what_rings_is_found_without_looking_at_what_has_rung() {
    assert_eq!(
        plan(RINGING),
        "SCAN agent_session USING INDEX agent_session_ringing"
    );
}

#[test]
fn an_items_sessions_are_found_by_its_sequence_in_order() {
    let of_item = "USING PRIMARY KEY (sequence=?)";
    assert_eq!(
        plan(AGENT_SESSIONS),
        format!("SEARCH agent_session {of_item}")
    );
    assert_eq!(
        plan(SERVICE_SESSIONS),
        format!("SEARCH service_session {of_item}")
    );
    assert_eq!(plan(PUT_AGENT_SESSION), "", "by its key alone");
}

#[test]
fn an_agents_states_are_found_by_time() {
    assert_eq!(
        plan(CLOSE_STATE),
        "SEARCH user_state USING INDEX user_state_open (user=?)"
    );
    let states = plan(STATES);
    let by_time = "SEARCH user_state USING INDEX user_state_at (user=? AND at>? AND at<?)";
    assert!(states.starts_with(by_time), "{states}");
    assert!(!states.contains("SCAN user_state"), "{states}");
    assert!(!states.contains("TEMP B-TREE"), "{states}");
}

#[test]
fn what_is_due_by_itself_is_read_from_its_covering_index_alone() {
    assert_eq!(
        plan(TIMERS),
        "SEARCH item USING COVERING INDEX item_flow (sequence>?)"
    );
}

#[test]
fn versions_and_follow_ups_are_found_by_their_keys() {
    let version = plan(WORKFLOW);
    assert!(
        version.starts_with("SEARCH workflow USING INDEX"),
        "{version}"
    );
    let by_id = "SEARCH follow_up USING PRIMARY KEY (id=?)";
    assert_eq!(plan(FOLLOW_UP), by_id);
    assert_eq!(plan(CLOSE_FOLLOW_UP), by_id);
    assert_eq!(
        plan(INSERT_FOLLOW_UP),
        "SEARCH item EXISTS USING INTEGER PRIMARY KEY (rowid=?)"
    );
    assert_eq!(
        plan(OPEN_OF_ITEM),
        "SEARCH follow_up USING INDEX follow_up_of_item_open (sequence=?)"
    );
}

#[test]
fn each_list_of_follow_ups_is_read_from_an_index_in_order_without_sorting() {
    for (sql, index, columns) in [
        (FOLLOW_UPS_OF_TENANT, "tenant", ""),
        (
            FOLLOW_UPS_OF_AUDIENCE,
            "audience",
            " AND role=? AND work_group=?",
        ),
        (
            FOLLOW_UPS_OF_SERVICE,
            "service",
            " AND role=? AND work_group=? AND service=?",
        ),
    ] {
        let plan = plan(sql);
        let search = format!("SEARCH follow_up USING INDEX follow_up_of_{index}");
        let expected = format!("{search} (tenant=? AND open=?{columns} AND (shown_at,id)>(?,?)");
        assert!(plan.starts_with(&expected), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
    assert_eq!(
        plan(FOLLOW_UPS_OF_ITEM),
        "SEARCH follow_up USING INDEX follow_up_of_item (sequence=?)"
    );
}
