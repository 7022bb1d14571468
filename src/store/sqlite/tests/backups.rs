//! Backup, restore, and what the doctor finds.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::samples::{filled, unpacked};
use crate::domain::ids::Sequence;
use crate::store::backup::{BackupError, backup, restore};
use crate::store::contract::samples::{batch, item};
use crate::store::doctor::{Severity, doctor, verify};
use crate::store::sqlite::{DATABASE_FILE, SqliteOptions, SqliteStore};
use crate::store::{Store, StoreError};

#[test]
fn a_backup_is_restored_elsewhere_with_everything() {
    let (dir, mut store) = filled();
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("backup.db");
    let mut last = None;
    backup(dir.path(), &file, &mut |copied| last = Some(copied)).expect("backed up");
    let last = last.expect("progress was told");
    assert_eq!(last.pages, last.pages_total);
    store.commit(&batch([item(121)])).expect("written later");

    let names: Vec<_> = fs::read_dir(place.path()).expect("read").collect();
    assert_eq!(names.len(), 1, "one file, no remains");
    let target = place.path().join("restored");
    let report = restore(&file, &target, &mut |_| {}).expect("restored");
    assert_eq!((report.items, report.items_open), (120, 119));
    assert_eq!((report.messages, report.attachments), (120, 1));
    assert_eq!(doctor(&target).expect("looked at"), []);
    let restored = SqliteStore::open(&target, SqliteOptions::default());
    let mut restored = restored.expect("it opens");
    assert_eq!(
        restored.resume().expect("read").next_sequence,
        Sequence(121)
    );
}

#[test]
fn a_backup_beside_running_intake_is_one_instant() {
    let (dir, mut store) = filled();
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("backup.db");
    let done = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let backing = scope.spawn(|| {
            let result = backup(dir.path(), &file, &mut |_| {});
            done.store(true, Ordering::Relaxed);
            result
        });
        let mut next = 121;
        while !done.load(Ordering::Relaxed) {
            store.commit(&batch([item(next)])).expect("written");
            next += 1;
        }
        backing.join().expect("no panic").expect("backed up");
        next
    });
    let report = verify(&file).expect("read");
    assert_eq!(report.findings, []);
    assert!((120..written).contains(&report.items), "{}", report.items);
}

#[test]
fn nothing_is_ever_overwritten() {
    let (dir, store) = filled();
    let file = dir.path().join("backup.db");
    fs::write(&file, "precious").expect("written");
    let result = backup(dir.path(), &file, &mut |_| {});
    assert!(matches!(result, Err(BackupError::Exists(_))), "{result:?}");
    assert_eq!(fs::read(&file).expect("read"), b"precious");

    let good = dir.path().join("good.db");
    backup(dir.path(), &good, &mut |_| {}).expect("backed up");
    let result = restore(&good, dir.path(), &mut |_| {});
    let locked = BackupError::Store(StoreError::Locked(dir.path().display().to_string()));
    assert_eq!(
        result.expect_err("it is in use").to_string(),
        locked.to_string()
    );
    drop(store);
    let result = restore(&good, dir.path(), &mut |_| {});
    assert!(
        matches!(result, Err(BackupError::HasStore(_))),
        "{result:?}"
    );
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let (dir, _store) = filled();
    let file = dir.path().join("backup.db");
    backup(dir.path(), &file, &mut |_| {}).expect("backed up");
    let connection = Connection::open(&file).expect("it opens");
    let damage = "UPDATE body SET raw = raw || ' ' WHERE sequence = 7";
    connection.execute(damage, []).expect("damaged");
    connection.close().expect("closed");
    let target = dir.path().join("restored");
    match restore(&file, &target, &mut |_| {}) {
        Err(BackupError::Damaged { findings, .. }) => {
            assert_eq!(findings.len(), 1);
            assert!(findings[0].what.contains("checksum"), "{findings:?}");
        }
        other => panic!("expected it to be refused, got {other:?}"),
    }
    assert!(!target.exists());
}

#[test]
fn the_doctor_finds_each_kind_of_damage() {
    for (sql, expected) in [
        (
            "UPDATE body SET checksum = 0 WHERE sequence = 1",
            "checksum",
        ),
        (
            "UPDATE body SET content = '[' WHERE sequence = 1",
            "contents cannot be read",
        ),
        (
            "DELETE FROM body WHERE sequence = 1",
            "items have no content",
        ),
        (
            "DELETE FROM journal WHERE sequence = 1",
            "journals are shorter",
        ),
        (
            "UPDATE journal SET number = 2 WHERE sequence = 1",
            "journals have gaps",
        ),
        (
            "DELETE FROM reference_entry WHERE sequence = 60",
            "references cannot be found",
        ),
        (
            "UPDATE chunk SET bytes = x'0102030405'",
            "do not match their digest",
        ),
        (
            "UPDATE chunk SET bytes = x'01'",
            "attachments are incomplete",
        ),
        ("DELETE FROM sender_span", "missing in their senders' lists"),
        ("DELETE FROM service", "without a name"),
        (
            "UPDATE item SET sequence = 999 WHERE sequence = 120",
            "belong to no item",
        ),
    ] {
        assert_found(sql, expected);
    }
}

/// Damages a sound store so, and lets the doctor find it.
fn assert_found(sql: &str, expected: &str) {
    let (dir, store) = filled();
    drop(store);
    let path = dir.path().join(DATABASE_FILE);
    let connection = Connection::open(&path).expect("it opens");
    let lenient = connection.pragma_update(None, "ignore_check_constraints", true);
    lenient.expect("set");
    let rows = connection.execute(sql, []).expect("damaged");
    assert!(rows > 0, "{sql} changes nothing");
    connection.close().expect("closed");
    let report = verify(&path).expect("read");
    let found = report
        .damages()
        .iter()
        .any(|finding| finding.what.contains(expected));
    assert!(found, "{sql}: {:?}", report.findings);
}

#[test]
fn the_doctor_finds_each_kind_of_damage_about_agents() {
    for (sql, expected) in [
        (
            "UPDATE item SET session = 99 WHERE sequence = 2",
            "no agent session that says so",
        ),
        (
            "UPDATE agent_session SET ended_at = 1, result = 10 WHERE sequence = 3",
            "no agent session that says so",
        ),
        (
            "UPDATE agent_session SET accepted_at = NULL WHERE sequence = 2",
            "no agent session that says so",
        ),
        (
            "INSERT INTO agent_session (sequence, offer, agent, service, offered_at, accepted_at) \
             VALUES (2, 21, 1, 1, 0, 0)",
            "or several",
        ),
        (
            "UPDATE item SET agent = 1 WHERE sequence = 6",
            "name an agent",
        ),
        (
            "UPDATE agent_session SET accepted_at = 1 WHERE sequence = 6",
            "open although no agent has",
        ),
        (
            "UPDATE item SET result = NULL WHERE sequence = 4",
            "without a result",
        ),
        (
            "UPDATE agent_session SET sequence = 999 WHERE sequence = 6",
            "agent sessions are of no item",
        ),
        (
            "UPDATE service_session SET sequence = 999",
            "service sessions are of no item",
        ),
        (
            "UPDATE service_session SET number = 2",
            "gaps in their service sessions",
        ),
        ("UPDATE session SET user = 9", "sessions and tokens"),
        ("UPDATE token SET user = 9", "sessions and tokens"),
        (
            "UPDATE item SET agent = 9 WHERE sequence = 2",
            "users who do not exist",
        ),
        (
            "UPDATE agent_session SET agent = 9 WHERE sequence = 4",
            "agent sessions and states are of users",
        ),
        (
            "UPDATE user_state SET user = 9",
            "agent sessions and states are of users",
        ),
        (
            "UPDATE item SET wish = '[' WHERE sequence = 5",
            "wishes of items cannot be read",
        ),
    ] {
        assert_found(sql, expected);
    }
}

#[test]
fn a_sound_store_has_no_findings_even_while_it_is_in_use() {
    let (dir, _store) = filled();
    fs::set_permissions(
        dir.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .expect("set");
    assert_eq!(doctor(dir.path()).expect("looked at"), []);
    fs::set_permissions(
        dir.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .expect("set");
    let findings = doctor(dir.path()).expect("looked at");
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Warning);
}

#[test]
fn a_foreign_database_is_told_from_ours() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("other.db");
    let connection = Connection::open(&file).expect("it opens");
    connection
        .execute_batch("CREATE TABLE t (a)")
        .expect("made");
    connection.close().expect("closed");
    let report = verify(&file).expect("read");
    assert!(report.damages()[0].what.contains("no database of Anteroom"));
}

/// What was backed up before an update can be restored after it.
#[test]
fn a_backup_of_schema_1_is_sound_and_is_restored() {
    let dir = unpacked(1);
    let file = dir.path().join(DATABASE_FILE);
    assert_eq!(verify(&file).expect("read").schema, 1);
    let target = dir.path().join("restored");
    let report = restore(&file, &target, &mut |_| {}).expect("restored");
    assert_eq!(report.findings, []);
    let restored = SqliteStore::open(&target, SqliteOptions::default());
    let mut restored = restored.expect("it opens");
    let next = restored.resume().expect("read").next_sequence;
    assert_eq!(next, Sequence(121));
    assert_eq!(doctor(&target).expect("looked at"), []);
}

#[test]
fn the_doctor_finds_each_kind_of_damage_about_workflows() {
    for (sql, expected) in [
        (
            "UPDATE item SET flow = NULL, flow_due = NULL WHERE sequence = 7",
            "have no place in one",
        ),
        (
            "UPDATE item SET flow_due = 0 WHERE sequence = 1",
            "have no place in one",
        ),
        (
            "UPDATE item SET flow = replace(flow, 'waiting', 'walking') WHERE sequence = 7",
            "places of items in their workflows cannot be read",
        ),
        (
            "UPDATE item SET flow_due = flow_due + 1 WHERE sequence = 7",
            "at another time than they say",
        ),
        (
            "UPDATE item SET flow_due = 0 WHERE sequence = 8",
            "at another time than they say",
        ),
        ("DELETE FROM workflow", "version of a workflow"),
        (
            "UPDATE workflow SET source = source || ' '",
            "do not match their digest",
        ),
        (
            "UPDATE follow_up SET sequence = 999 WHERE sequence = 8",
            "of no item of their tenant",
        ),
        (
            "UPDATE follow_up SET tenant = 2 WHERE sequence = 7",
            "of no item of their tenant",
        ),
        (
            "UPDATE follow_up SET service = 9",
            "follow-ups are of a service",
        ),
        (
            "UPDATE follow_up SET closed_by_user = 9 WHERE closed_by_user = 1",
            "closed by a user who does not exist",
        ),
        (
            "UPDATE follow_up SET kind = 3 WHERE sequence = 7",
            "follow-ups cannot be read",
        ),
    ] {
        assert_found(sql, expected);
    }
}
