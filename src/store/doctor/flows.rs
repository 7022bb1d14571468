//! Items led by workflows, the versions they began with, and what is shown to people: there from
//! schema 3 on.

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::{Report, count};
use crate::domain::workflow::WorkflowDigest;
use crate::store::StoreError;
use crate::store::sqlite::reading;

const FLOW_ROWS: &str = "SELECT count(*) FROM item NOT INDEXED WHERE flow_due IS NOT NULL";
const FLOW_ENTRIES: &str =
    "SELECT count(*) FROM item INDEXED BY item_flow WHERE flow_due IS NOT NULL";
/// 1 is `inWorkflow`.
const WITHOUT_FLOW: &str = "\
    SELECT count(*) FROM item NOT INDEXED \
    WHERE flow IS NULL AND (state = 1 OR flow_due IS NOT NULL)";
const FOLLOW_UP_WITHOUT_ITEM: &str = "\
    SELECT count(*) FROM follow_up LEFT JOIN item USING (sequence) \
    WHERE item.sequence IS NULL OR item.tenant <> follow_up.tenant";
const FOLLOW_UP_NAMELESS: &str = "\
    SELECT count(*) FROM follow_up NOT INDEXED WHERE \
        service NOT IN (SELECT number FROM service) OR \
        closed_by_user IS NOT NULL AND closed_by_user NOT IN (SELECT number FROM user)";
const FLOWS: &str = "SELECT flow, flow_due FROM item NOT INDEXED WHERE flow IS NOT NULL";
const WORKFLOWS: &str = "SELECT digest, source FROM workflow";
const FOLLOW_UPS: &str = "\
    SELECT id, sequence, tenant, service, workflow, stage, stages, kind, name, text, role, \
           work_group, shown_at, closed_at, closed_by_sender, closed_by_user, closed_by_operator \
    FROM follow_up NOT INDEXED";

/// Looks at all of it.
pub(super) fn look(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let count = |sql| count(connection, sql);
    let entries = count(FLOW_ENTRIES)?;
    report.damage(
        entries.abs_diff(count(FLOW_ROWS)?),
        "too many or too few items in the index of workflows that are due",
    );
    for (sql, what) in [
        (WITHOUT_FLOW, "items in a workflow have no place in one"),
        (
            FOLLOW_UP_WITHOUT_ITEM,
            "follow-ups are of no item of their tenant",
        ),
        (
            FOLLOW_UP_NAMELESS,
            "follow-ups are of a service or were closed by a user who does not exist",
        ),
    ] {
        report.damage(count(sql)?, what);
    }
    workflows(connection, report)?;
    flows(connection, report)?;
    follow_ups(connection, report)
}

fn workflows(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let mut wrong = 0;
    let mut statement = connection.prepare(WORKFLOWS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let source = row.get_ref(1)?.as_str().unwrap_or_default();
        let digest: [u8; 32] = Sha256::digest(source).into();
        wrong += u64::from(row.get_ref(0)?.as_blob() != Ok(&digest));
    }
    report.damage(wrong, "versions of workflows do not match their digest");
    Ok(())
}

fn flows(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let (mut unreadable, mut due, mut versions) = (0, 0, 0);
    let mut statement = connection.prepare(FLOWS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Some(flow) = reading::flow(row.get_ref(0)?.as_str().unwrap_or_default()) else {
            unreadable += 1;
            continue;
        };
        due += u64::from(flow.due.map(|time| time.0) != row.get(1)?);
        versions += u64::from(!is_kept(connection, flow.workflow)?);
    }
    report.damage(
        unreadable,
        "places of items in their workflows cannot be read",
    );
    report.damage(
        due,
        "workflows of items would go on at another time than they say",
    );
    report.damage(
        versions,
        "items are in a version of a workflow that is not there",
    );
    Ok(())
}

fn is_kept(connection: &Connection, digest: WorkflowDigest) -> Result<bool, StoreError> {
    Ok(reading::workflow(connection, digest)?.is_some())
}

fn follow_ups(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let mut unreadable = 0;
    let mut statement = connection.prepare(FOLLOW_UPS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        unreadable += u64::from(reading::follow_up_row(row).is_err());
    }
    report.damage(unreadable, "follow-ups cannot be read");
    Ok(())
}
