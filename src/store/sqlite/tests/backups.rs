//! Backup, restore, and what the doctor finds.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::store;
use crate::domain::ids::Sequence;
use crate::store::backup::{BackupError, backup, restore};
use crate::store::contract::people::full_account;
use crate::store::contract::samples::{attachment, batch, blob, chunk, item};
use crate::store::doctor::{Severity, doctor, verify};
use crate::store::read::Reader;
use crate::store::sqlite::{DATABASE_FILE, SqliteOptions, SqliteStore};
use crate::store::{Names, Store, StoreError, TenantNames};

/// A sound store with a bit of everything, references in runs among it.
fn filled() -> (tempfile::TempDir, SqliteStore) {
    let options = SqliteOptions {
        references_recent_max: 50,
        ..SqliteOptions::default()
    };
    let (dir, mut store) = store(options);
    let names = Names {
        tenants: vec![TenantNames {
            tenant: "one".to_owned(),
            services: vec!["claims".to_owned()],
            senders: vec!["crm".to_owned()],
        }],
    };
    store.number(&names).expect("numbered");
    let mut first = batch((1..=120).map(item));
    first.chunks = vec![chunk(blob(1), 0, b"hello")];
    first.new_items[0].content.attachments = vec![attachment(blob(1), b"hello")];
    first.people.accounts = vec![full_account(1)];
    store.commit(&first).expect("written");
    while store.tidy().expect("tidied") {}
    (dir, store)
}

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
    assert_eq!((report.items, report.items_open), (120, 120));
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
        let (dir, store) = filled();
        drop(store);
        let path = dir.path().join(DATABASE_FILE);
        let connection = Connection::open(&path).expect("it opens");
        connection.execute(sql, []).expect("damaged");
        connection.close().expect("closed");
        let report = verify(&path).expect("read");
        let found = report
            .damages()
            .iter()
            .any(|finding| finding.what.contains(expected));
        assert!(found, "{sql}: {:?}", report.findings);
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

/// Every schema that ever landed opens, and all its items can be read.
#[test]
fn the_file_of_schema_1_opens() {
    let packed = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/store/schema-1.db.gz");
    let packed = fs::read(packed).expect("the fixture is there");
    let dir = tempfile::tempdir().expect("a directory");
    let mut unpacked = Vec::new();
    let mut reading = flate2::read::GzDecoder::new(packed.as_slice());
    std::io::Read::read_to_end(&mut reading, &mut unpacked).expect("unpacked");
    fs::write(dir.path().join(DATABASE_FILE), unpacked).expect("written");
    let store = SqliteStore::open(dir.path(), SqliteOptions::default());
    let mut store = store.expect("it opens");
    assert_eq!(store.resume().expect("read").next_sequence, Sequence(121));
    let people = store.people().expect("read");
    assert_eq!(people.accounts, [full_account(1)]);
    let reader = Reader::open(dir.path()).expect("it opens");
    for sequence in 1..=120 {
        let sequence = Sequence(sequence);
        assert!(reader.item_by_sequence(sequence).expect("read").is_some());
        assert!(reader.content(sequence).expect("read").is_some());
        assert_eq!(reader.raw_messages(sequence).expect("good").len(), 1);
        assert_eq!(reader.journal(sequence).expect("good").len(), 1);
    }
    assert!(reader.attachment(Sequence(1), 1).expect("good").is_some());
    assert_eq!(verify(store.path()).expect("read").findings, []);
}

/// Writes the fixture of the newest schema, once: `UPDATE_FIXTURES=1 cargo test --lib -- --ignored
/// the_fixture_of_the_newest_schema_is_written`.
#[test]
#[ignore = "writes a fixture"]
fn the_fixture_of_the_newest_schema_is_written() {
    assert!(
        std::env::var_os("UPDATE_FIXTURES").is_some(),
        "not asked for"
    );
    let (dir, _store) = filled();
    let file = dir.path().join("fixture.db");
    backup(dir.path(), &file, &mut |_| {}).expect("backed up");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/store");
    fs::create_dir_all(folder).expect("made");
    let name = format!("{folder}/schema-{}.db.gz", super::super::schema::VERSION);
    let packed = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(name);
    let packed = packed.expect("a fixture is written once and kept for ever");
    let mut packing = flate2::write::GzEncoder::new(packed, flate2::Compression::best());
    let bytes = fs::read(&file).expect("read");
    std::io::Write::write_all(&mut packing, &bytes).expect("packed");
    packing.finish().expect("packed");
}
