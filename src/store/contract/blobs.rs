//! Attachments: written ahead of their item, named by it, swept when it never comes.

use super::samples::*;
use super::{Subject, contract};
use crate::domain::ids::Sequence;
use crate::store::{Batch, ChangedItem, Chunk, Store, StoreError};

contract! {
    an_item_names_blobs_that_are_complete,
    blobs_and_their_item_may_come_in_one_batch,
    an_incomplete_blob_cannot_be_named,
    chunks_come_in_order_without_gaps,
    a_blob_of_an_item_neither_grows_nor_goes,
    a_dropped_blob_is_gone,
    a_blob_without_an_item_is_swept_at_the_start,
    an_update_adds_attachments,
    an_empty_attachment_needs_no_chunk,
}

const BODY: &[u8] = b"hello world";

fn chunks(chunks: Vec<Chunk>) -> Batch {
    Batch {
        chunks,
        ..Batch::default()
    }
}

/// A new item that names blob 1 as `body`.
fn naming(body: &[u8]) -> Batch {
    let mut batch = batch([item(1)]);
    batch.new_items[0].content.attachments = vec![attachment(blob(1), body)];
    batch
}

fn assert_conflict(store: &mut impl Store, batch: &Batch) {
    let result = store.commit(batch);
    assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
}

fn an_item_names_blobs_that_are_complete(mut subject: impl Subject) {
    let store = subject.store();
    let first = chunks(vec![chunk(blob(1), 0, b"hello ")]);
    store.commit(&first).expect("written");
    let second = chunks(vec![chunk(blob(1), 1, b"world")]);
    store.commit(&second).expect("written");
    store.commit(&naming(BODY)).expect("written");
    subject.reopen();
    subject.store().sweep().expect("swept");
    let content = subject.store().content(Sequence(1)).expect("read");
    let attachments = content.expect("it is there").attachments;
    assert_eq!(attachments, [attachment(blob(1), BODY)]);
    // Still whole: another item of the same length may name it.
    let mut other = batch([item(2)]);
    other.new_items[0].content.attachments = vec![attachment(blob(1), BODY)];
    subject.store().commit(&other).expect("written");
}

fn blobs_and_their_item_may_come_in_one_batch(mut subject: impl Subject) {
    let mut batch = naming(BODY);
    batch.chunks = vec![chunk(blob(1), 0, BODY)];
    subject.store().commit(&batch).expect("written");
}

fn an_incomplete_blob_cannot_be_named(mut subject: impl Subject) {
    let store = subject.store();
    assert_conflict(store, &naming(BODY));
    let part = chunks(vec![chunk(blob(1), 0, &BODY[1..])]);
    store.commit(&part).expect("written");
    assert_conflict(store, &naming(BODY));
    assert_eq!(store.resume().expect("read").next_sequence, Sequence(1));
}

fn chunks_come_in_order_without_gaps(mut subject: impl Subject) {
    let store = subject.store();
    assert_conflict(store, &chunks(vec![chunk(blob(1), 1, BODY)]));
    assert_conflict(store, &chunks(vec![chunk(blob(1), 0, b"")]));
    let too_long = vec![0; crate::store::CHUNK_BYTES_MAX + 1];
    assert_conflict(store, &chunks(vec![chunk(blob(1), 0, &too_long)]));
    let longest = chunks(vec![chunk(blob(1), 0, &too_long[1..])]);
    store.commit(&longest).expect("written");
    assert_conflict(store, &longest);
    assert_conflict(store, &chunks(vec![chunk(blob(1), 2, BODY)]));
}

fn a_blob_of_an_item_neither_grows_nor_goes(mut subject: impl Subject) {
    let store = subject.store();
    let mut batch = naming(BODY);
    batch.chunks = vec![chunk(blob(1), 0, BODY)];
    store.commit(&batch).expect("written");
    assert_conflict(store, &chunks(vec![chunk(blob(1), 1, BODY)]));
    store.commit(&dropping(1)).expect("written");
    let mut other = super::samples::batch([item(2)]);
    other.new_items[0].content.attachments = vec![attachment(blob(1), BODY)];
    store.commit(&other).expect("it is still there");
}

fn dropping(number: u64) -> Batch {
    Batch {
        dropped_blobs: vec![blob(number)],
        ..Batch::default()
    }
}

fn a_dropped_blob_is_gone(mut subject: impl Subject) {
    let store = subject.store();
    let whole = chunks(vec![chunk(blob(1), 0, BODY)]);
    store.commit(&whole).expect("written");
    store.commit(&dropping(1)).expect("written");
    store.commit(&dropping(2)).expect("nothing to drop");
    assert_conflict(store, &naming(BODY));
    store.commit(&whole).expect("it may come again");
}

fn a_blob_without_an_item_is_swept_at_the_start(mut subject: impl Subject) {
    let whole = chunks(vec![chunk(blob(1), 0, BODY)]);
    subject.store().commit(&whole).expect("written");
    subject.reopen();
    // Going on after a failed commit leaves it alone: its item may be on the way.
    subject.store().resume().expect("read");
    let grown = chunks(vec![chunk(blob(1), 1, BODY)]);
    subject.store().commit(&grown).expect("written");
    subject.store().sweep().expect("swept");
    assert_conflict(subject.store(), &naming(BODY));
}

fn an_update_adds_attachments(mut subject: impl Subject) {
    let store = subject.store();
    let mut first = naming(BODY);
    first.chunks = vec![chunk(blob(1), 0, BODY)];
    store.commit(&first).expect("written");
    let mut values = content("order-1");
    values.attachments = vec![attachment(blob(1), BODY), attachment(blob(2), b"two")];
    let mut row = item(1);
    row.version = 2;
    let update = Batch {
        chunks: vec![chunk(blob(2), 0, b"two")],
        changed_items: vec![ChangedItem {
            item: row,
            content: Some(values.clone()),
            raw: None,
        }],
        ..Batch::default()
    };
    store.commit(&update).expect("written");
    store.sweep().expect("nothing to sweep");
    assert_eq!(store.content(Sequence(1)).expect("read"), Some(values));
}

fn an_empty_attachment_needs_no_chunk(mut subject: impl Subject) {
    subject.store().commit(&naming(b"")).expect("written");
}
