//! The data directory and the file's own marks.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use super::store;
use crate::domain::ids::Sequence;
use crate::store::contract::samples::{batch, item};
use crate::store::sqlite::schema::{APPLICATION_ID, VERSION};
use crate::store::sqlite::{DATABASE_FILE, SqliteOptions, SqliteStore};
use crate::store::{Store, StoreError};

#[test]
fn directory_and_files_are_their_owners_alone() {
    let parent = tempfile::tempdir().expect("a directory");
    let dir = parent.path().join("data/anteroom");
    let mut store = SqliteStore::open(&dir, SqliteOptions::default()).expect("it opens");
    store.commit(&batch([item(1)])).expect("written");
    let mode = |path: &std::path::Path| {
        let metadata = fs::metadata(path).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&dir), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 4, "database, log, its index, lock");
}

#[test]
fn a_second_process_is_kept_out_until_the_first_has_ended() {
    let (dir, first) = store(SqliteOptions::default());
    let second = SqliteStore::open(dir.path(), SqliteOptions::default());
    match second.err() {
        Some(StoreError::Locked(path)) => assert!(dir.path().ends_with(path)),
        other => panic!("expected it to be locked, got {other:?}"),
    }
    drop(first);
    SqliteStore::open(dir.path(), SqliteOptions::default()).expect("it is free again");
}

#[test]
fn a_newer_file_is_refused_and_left_untouched() {
    let (dir, first) = store(SqliteOptions::default());
    drop(first);
    let path = dir.path().join(DATABASE_FILE);
    let connection = Connection::open(&path).expect("it opens");
    connection
        .pragma_update(None, "user_version", VERSION + 1)
        .expect("set");
    connection.close().expect("closed");
    let before = fs::read(&path).expect("read");
    let opened = SqliteStore::open(dir.path(), SqliteOptions::default());
    match opened.err() {
        Some(StoreError::Newer { found, known }) => {
            assert_eq!((found, known), (VERSION + 1, VERSION));
        }
        other => panic!("expected it to be too new, got {other:?}"),
    }
    assert!(fs::read(&path).expect("read") == before);
}

#[test]
fn what_is_no_database_is_fatal() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join(DATABASE_FILE), [b'x'; 10_000]).expect("written");
    let opened = SqliteStore::open(dir.path(), SqliteOptions::default());
    let error = opened.err();
    assert!(matches!(error, Some(StoreError::Fatal(_))), "{error:?}");
}

#[test]
fn the_file_says_whose_it_is_and_is_written_as_promised() {
    let (_dir, store) = store(SqliteOptions::default());
    let number = |name: &str| -> i64 {
        let value = store
            .connection
            .pragma_query_value(None, name, |row| row.get(0));
        value.expect("a number")
    };
    assert_eq!(number("application_id"), i64::from(APPLICATION_ID));
    assert_eq!(number("user_version"), i64::from(VERSION));
    assert_eq!(number("synchronous"), 2, "FULL");
    assert_eq!(number("secure_delete"), 1);
    assert_eq!(number("trusted_schema"), 0);
    let mode: String = store
        .connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .expect("a word");
    assert_eq!(mode, "wal");
}

#[test]
fn a_sequence_is_not_given_again_after_its_item_was_deleted() {
    let (dir, mut store) = store(SqliteOptions::default());
    store.commit(&batch([item(1), item(2)])).expect("written");
    let deleted = store.connection.execute("DELETE FROM item", []);
    assert_eq!(deleted.expect("deleted"), 2);
    drop(store);
    let store = SqliteStore::open(dir.path(), SqliteOptions::default());
    let resume = store.expect("it opens").resume().expect("read");
    assert_eq!(resume.next_sequence, Sequence(3));
}

/// Under load nobody is idle; still the log must start anew from time to time.
#[test]
fn the_log_stays_bounded_under_load() {
    let (dir, mut store) = store(SqliteOptions::default());
    let pragma = store.connection.pragma_update(None, "synchronous", "OFF");
    pragma.expect("set");
    let raw = Some("x".repeat(40_000));
    for first in (1..6_000_u64).step_by(100) {
        let mut batch = batch((first..first + 100).map(item));
        for new in &mut batch.new_items {
            new.raw.clone_from(&raw);
            // As the engine does: what it reads begins the transaction that writes.
            let known = store.find_reference(new.item.sender, &new.content.reference);
            assert_eq!(known.expect("read"), None);
        }
        store.commit(&batch).expect("written");
    }
    let size = |name: &str| {
        fs::metadata(dir.path().join(name))
            .expect("it is there")
            .len()
    };
    let written = size(DATABASE_FILE);
    let log = size("anteroom.db-wal");
    assert!(written > 150_000_000, "{written} bytes");
    assert!(log < written / 2, "the log has {log} bytes of {written}");
}
