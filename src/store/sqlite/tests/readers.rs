//! Reading beside the writer.

use super::store;
use crate::domain::ids::{Priority, SenderId, Sequence, ServiceId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::{Actor, JournalEvent};
use crate::store::contract::samples::*;
use crate::store::read::{Listed, QueuePlace, Reader, Readers};
use crate::store::sqlite::SqliteOptions;
use crate::store::{Batch, ChangedItem, Store, StoreError};

fn sequences(listed: Result<Vec<Listed>, StoreError>) -> Vec<u64> {
    let listed = listed.expect("read");
    listed.iter().map(|listed| listed.item.sequence.0).collect()
}

#[test]
fn a_reader_sees_each_commit_and_all_of_an_item() {
    let (dir, mut store) = store(SqliteOptions::default());
    let reader = Reader::open(dir.path()).expect("it opens");
    assert_eq!(reader.item(id(1)).expect("read"), None);
    store.commit(&batch([item(1)])).expect("written");
    let listed = reader.item(id(1)).expect("read").expect("it is there");
    assert_eq!(
        (listed.item, listed.reference.as_str()),
        (item(1), "order-1")
    );
    let by_sequence = reader.item_by_sequence(Sequence(1)).expect("read");
    assert_eq!(by_sequence.expect("it is there").item, item(1));
    let content_read = reader.content(Sequence(1)).expect("read");
    assert_eq!(content_read, Some(content("order-1")));
    let journal = reader.journal(Sequence(1)).expect("read");
    assert_eq!(journal.len(), 1);
    assert_eq!(journal[0].number, 1);
    assert_eq!(journal[0].event, JournalEvent::Received);
    assert_eq!(journal[0].actor, Actor::Sender(SenderId(1)));
    assert_eq!(journal[0].data, [("state".to_owned(), "queued".to_owned())]);
    assert_eq!(reader.journal(Sequence(2)).expect("read"), []);
}

#[test]
fn messages_come_back_first_first_and_never_when_damaged() {
    let (dir, mut store) = store(SqliteOptions::default());
    store.commit(&batch([item(1), item(2)])).expect("written");
    for version in [2, 3] {
        let row = Item { version, ..item(1) };
        let update = Batch {
            changed_items: vec![ChangedItem {
                item: row,
                content: None,
                raw: Some(format!("<update version=\"{version}\"/>")),
            }],
            ..Batch::default()
        };
        store.commit(&update).expect("written");
    }
    let reader = Reader::open(dir.path()).expect("it opens");
    let messages = reader.raw_messages(Sequence(1)).expect("good");
    let expected = [
        "<workItem reference=\"order-1\"/>",
        "<update version=\"2\"/>",
        "<update version=\"3\"/>",
    ];
    assert_eq!(messages, expected);
    for (sql, sequence) in [
        ("UPDATE message SET raw = replace(raw, '3', '4')", 1),
        (
            "UPDATE body SET checksum = checksum + 1 WHERE sequence = 2",
            2,
        ),
    ] {
        store.connection.execute(sql, []).expect("damaged");
        let read = reader.raw_messages(Sequence(sequence));
        assert!(matches!(read, Err(StoreError::Fatal(_))), "{read:?}");
    }
}

#[test]
fn an_attachment_comes_back_whole_and_never_when_damaged() {
    let (dir, mut store) = store(SqliteOptions::default());
    let mut batch = batch([item(1)]);
    batch.chunks = vec![chunk(blob(1), 0, b"hello "), chunk(blob(1), 1, b"world")];
    let named = attachment(blob(1), b"hello world");
    batch.new_items[0].content.attachments = vec![named.clone()];
    store.commit(&batch).expect("written");
    let reader = Reader::open(dir.path()).expect("it opens");
    let read = reader.attachment(Sequence(1), 1).expect("good");
    assert_eq!(read, Some((named, b"hello world".to_vec())));
    for number in [0, 2] {
        assert_eq!(reader.attachment(Sequence(1), number).expect("good"), None);
    }
    let damage = "UPDATE chunk SET bytes = x'00' WHERE number = 1";
    store.connection.execute(damage, []).expect("damaged");
    let read = reader.attachment(Sequence(1), 1);
    assert!(matches!(read, Err(StoreError::Fatal(_))));
}

/// Items 1 to 3,000, each third of sender 2, each tenth ended.
fn many(store: &mut crate::store::sqlite::SqliteStore) {
    for first in (1..=3_000).step_by(500) {
        let rows = (first..first + 500).map(|sequence| Item {
            sender: SenderId(if sequence % 3 == 0 { 2 } else { 1 }),
            ..item(sequence)
        });
        store.commit(&batch(rows)).expect("written");
    }
    let ends = (10..=3_000).step_by(10).map(|sequence| {
        changed(Item {
            sender: SenderId(if sequence % 3 == 0 { 2 } else { 1 }),
            ..ended(&item(sequence))
        })
    });
    let batch = Batch {
        changed_items: ends.collect(),
        ..Batch::default()
    };
    store.commit(&batch).expect("written");
}

#[test]
fn a_senders_list_pages_through_its_items_and_nobody_elses() {
    let (dir, mut store) = store(SqliteOptions::default());
    many(&mut store);
    let reader = Reader::open(dir.path()).expect("it opens");
    for (state, expected) in [
        (None, (3..=3_000).step_by(3).collect::<Vec<u64>>()),
        (Some(ItemState::Ended), (30..=3_000).step_by(30).collect()),
        (
            Some(ItemState::Queued),
            (3..=3_000).step_by(3).filter(|n| n % 10 != 0).collect(),
        ),
        (Some(ItemState::Buffered), Vec::new()),
    ] {
        let mut found = Vec::new();
        loop {
            let after = found.last().copied().map(Sequence);
            let page = reader.list_of_sender(SenderId(2), after, state, 70);
            let page = sequences(page);
            assert!(page.len() <= 70);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, expected, "{state:?}");
    }
    let none = reader.list_of_sender(SenderId(3), None, None, 70);
    assert_eq!(sequences(none), [0; 0]);
    let beyond = reader.list_of_sender(SenderId(2), Some(Sequence(u64::MAX)), None, 70);
    assert_eq!(sequences(beyond), [0; 0]);
}

#[test]
fn a_queue_is_listed_by_priority_then_age() {
    let (dir, mut store) = store(SqliteOptions::default());
    let rows = [(1, 5), (2, 9), (3, 5), (4, 0), (5, 9), (6, 5)].map(|(sequence, priority)| Item {
        priority: Priority::new(priority).expect("in range"),
        ..item(sequence)
    });
    store.commit(&batch(rows)).expect("written");
    store.commit(&change(ended(&item(6)))).expect("written");
    let reader = Reader::open(dir.path()).expect("it opens");
    let list = |after, limit| {
        let listed = reader.queue(ServiceId(1), ItemState::Queued, after, limit);
        sequences(listed)
    };
    assert_eq!(list(None, 10), [2, 5, 1, 3, 4]);
    assert_eq!(list(None, 3), [2, 5, 1]);
    let after = QueuePlace {
        priority: Priority::DEFAULT,
        sequence: Sequence(1),
    };
    assert_eq!(list(Some(after), 10), [3, 4]);
    assert_eq!(list(Some(after), 1), [3]);
    let other = reader.queue(ServiceId(2), ItemState::Queued, None, 10);
    assert_eq!(sequences(other), [0; 0]);
}

#[test]
fn a_reader_finds_references_in_runs_and_above_them() {
    let options = SqliteOptions {
        references_recent_max: 50,
        ..SqliteOptions::default()
    };
    let (dir, mut store) = store(options);
    store.commit(&batch((1..=60).map(item))).expect("written");
    while store.tidy().expect("tidied") {}
    store.commit(&batch((61..=70).map(item))).expect("written");
    let reader = Reader::open(dir.path()).expect("it opens");
    for sequence in 1..=70 {
        let found = reader.item_by_reference(SenderId(1), &reference(sequence));
        let found = found.expect("read").expect("it is there");
        assert_eq!(found.item.sequence.0, sequence);
    }
    let other = reader.item_by_reference(SenderId(2), &reference(1));
    assert_eq!(other.expect("read"), None);
}

#[test]
fn readers_are_shared_and_come_back() {
    let (dir, mut store) = store(SqliteOptions::default());
    store.commit(&batch([item(1)])).expect("written");
    let readers = Readers::open(dir.path(), 2).expect("they open");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let reader = readers.take();
                    assert!(reader.item(id(1)).expect("read").is_some());
                }
            });
        }
    });
}

#[test]
fn a_directory_without_a_store_cannot_be_read() {
    let dir = tempfile::tempdir().expect("a directory");
    assert!(Reader::open(dir.path()).is_err());
}
