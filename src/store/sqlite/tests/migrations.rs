//! Files of every schema that ever landed.

use std::fs;
use std::io::Write;

use tempfile::TempDir;

use super::samples::{agent_sessions, filled, flowing, rows, shown, unpacked};
use super::store;
use crate::domain::ids::{Sequence, UserId};
use crate::domain::item::Item;
use crate::store::backup::backup;
use crate::store::contract::people::full_account;
use crate::store::contract::samples::*;
use crate::store::doctor::verify;
use crate::store::read::Reader;
use crate::store::sqlite::schema::{VERSION, version};
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{Store, StoreError};

/// What stands the same in every fixture: items 1 to 120, with all that belongs to them.
fn assert_as_it_was(reader: &Reader, row: impl Fn(u64) -> Item) {
    for sequence in 1..=120 {
        let key = Sequence(sequence);
        let listed = reader.item_by_sequence(key).expect("read");
        let listed = listed.expect("it is there");
        assert_eq!(listed.item, row(sequence));
        assert_eq!(listed.reference, reference(sequence));
        let found = reader.item_by_reference(listed.item.sender, &listed.reference);
        assert_eq!(found.expect("read"), Some(listed));
        let mut content = content(&reference(sequence));
        if sequence == 1 {
            content.attachments = vec![attachment(blob(1), b"hello")];
        }
        assert_eq!(reader.content(key).expect("read"), Some(content));
        let raw = reader.raw_messages(key).expect("good");
        assert_eq!(raw, Vec::from_iter(new(item(sequence)).raw));
        let journal = reader.journal(key).expect("good");
        assert_eq!(journal.len() as u32, row(sequence).journal_rows);
        assert_eq!(journal[0].at, item(sequence).stored_at);
    }
    assert!(reader.attachment(Sequence(1), 1).expect("good").is_some());
}

#[test]
fn the_file_of_schema_1_becomes_one_of_the_newest_with_everything_as_it_was() {
    let dir = unpacked(1);
    let early = Reader::open(dir.path());
    assert!(matches!(early.err(), Some(StoreError::Failed(_))));
    let store = SqliteStore::open(dir.path(), SqliteOptions::default());
    let mut store = store.expect("it opens");
    assert_eq!(version(&store.connection).expect("read"), VERSION);
    assert_eq!(store.resume().expect("read").next_sequence, Sequence(121));
    let people = store.people().expect("read");
    assert_eq!(people.accounts, [full_account(1)]);
    let open = store.open_items(Sequence(0), 1_000).expect("read");
    assert_eq!(open.len(), 120);
    for open in open {
        let row = item(open.sequence.0);
        assert_eq!(open.waiting_since, row.queued_at);
        assert_eq!((open.agent, open.wish), (None, None));
    }
    assert_eq!(store.ringing().expect("read"), []);
    assert_eq!(store.held_by(UserId(1)).expect("read"), []);
    let reader = Reader::open(dir.path()).expect("it opens");
    assert_as_it_was(&reader, item);
    assert_eq!(verify(store.path()).expect("read").findings, []);

    // And it is one to work with.
    let taken = connected(&item(7), 1, 70);
    let mut work = change(taken.clone());
    work.agent_sessions = vec![accepted(ringing(7, 70, 1))];
    store.commit(&work).expect("written");
    assert_eq!(store.items(&[Sequence(7)]).expect("read"), [taken]);
    assert_eq!(store.held_by(UserId(1)).expect("read"), [Sequence(7)]);
    assert_eq!(verify(store.path()).expect("read").findings, []);
}

/// The file of that schema, 2 or above, opens with all that schema 2 had. `flowing` are items 7 and
/// 8.
fn assert_opens_as_it_was(schema: u32, flowing: [Item; 2]) -> (TempDir, SqliteStore) {
    let dir = unpacked(schema);
    let store = SqliteStore::open(dir.path(), SqliteOptions::default());
    let mut store = store.expect("it opens");
    assert_eq!(store.resume().expect("read").next_sequence, Sequence(121));
    let people = store.people().expect("read");
    assert_eq!(people.accounts, [full_account(1)]);
    assert_eq!((people.sessions.len(), people.tokens.len()), (1, 1));
    let held = store.held_by(UserId(1)).expect("read");
    assert_eq!(held, [2, 3].map(Sequence));
    let sessions = agent_sessions();
    assert_eq!(store.ringing().expect("read"), [sessions[3]]);
    let reader = Reader::open(dir.path()).expect("it opens");
    let rows = [&rows()[..], &flowing].concat();
    assert_as_it_was(&reader, |sequence| {
        let row = rows.get(sequence as usize - 1);
        row.cloned().unwrap_or_else(|| item(sequence))
    });
    for session in sessions {
        let read = reader.agent_sessions(session.sequence).expect("read");
        assert_eq!(read, [session]);
    }
    let stays = reader.service_sessions(Sequence(4)).expect("read");
    assert_eq!(stays.len(), 1);
    let states = reader.user_states(UserId(1), NOON, NOON.plus_ms(1));
    assert_eq!(states.expect("read")[0].state, "online");
    assert_eq!(verify(store.path()).expect("read").findings, []);
    (dir, store)
}

#[test]
fn the_file_of_schema_2_becomes_one_of_the_newest_with_everything_as_it_was() {
    let (_dir, mut store) = assert_opens_as_it_was(2, [item(7), item(8)]);
    assert_eq!(version(&store.connection).expect("read"), VERSION);
    assert_eq!(store.flow_timers(Sequence(0), 9).expect("read"), []);

    // And it is one to work with.
    let begun = Item {
        version: 2,
        ..flowing()[0].clone()
    };
    let mut work = change(begun.clone());
    work.workflows = vec![workflow(1)];
    work.follow_ups = vec![alert(1, 7, 0)];
    store.commit(&work).expect("written");
    assert_eq!(store.items(&[Sequence(7)]).expect("read"), [begun]);
    let open = store.open_follow_ups(Sequence(7)).expect("read");
    assert_eq!(open, work.follow_ups);
    assert_eq!(verify(store.path()).expect("read").findings, []);
}

#[test]
fn the_file_of_schema_3_opens_with_everything_as_it_was() {
    let (_dir, mut store) = assert_opens_as_it_was(3, flowing());
    let timers = store.flow_timers(Sequence(0), 9).expect("read");
    assert_eq!(timers, [(Sequence(7), NOON.plus_ms(50))]);
    let version = store.workflow(workflow(1).digest).expect("read");
    assert_eq!(version, Some(workflow(1)));
    for follow_up in shown() {
        let read = store.follow_up(follow_up.id).expect("read");
        assert_eq!(read, Some(follow_up));
    }
}

/// An update must not leave an old file with less than a new one has.
#[test]
fn an_old_file_gets_the_tables_of_a_new_one() {
    let tables = |store: &SqliteStore| {
        let sql = "SELECT type, name, sql FROM sqlite_schema ORDER BY name";
        let mut statement = store.connection.prepare(sql).expect("valid SQL");
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<String>>(2)?))
        });
        let rows: Result<Vec<(String, String, _)>, _> = rows.expect("read").collect();
        rows.expect("read")
    };
    let (_new_dir, new) = store(SqliteOptions::default());
    for schema in 1..=VERSION {
        let dir = unpacked(schema);
        let old = SqliteStore::open(dir.path(), SqliteOptions::default());
        assert_eq!(tables(&old.expect("it opens")), tables(&new));
    }
}

/// Writes the fixture of the newest schema, once: `UPDATE_FIXTURES=1 cargo test --lib -- --ignored
/// the_fixture_of_the_newest_schema_is_written`. One that is there stays: it is what the program of
/// its time made.
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
    let packed = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(format!("{folder}/schema-{VERSION}.db.gz"));
    let packed = packed.expect("a fixture is written once and kept for ever");
    let mut packing = flate2::write::GzEncoder::new(packed, flate2::Compression::best());
    let bytes = fs::read(&file).expect("read");
    packing.write_all(&bytes).expect("packed");
    packing.finish().expect("packed");
}
