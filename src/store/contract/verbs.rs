//! Every verb, good and bad.

use super::samples::*;
use super::{Subject, contract};
use crate::domain::ids::{SenderId, Sequence};
use crate::store::{KnownReference, Store, StoreError};

contract! { verbs:
    a_new_store_starts_at_one,
    a_committed_item_is_found_by_everything,
}

fn a_new_store_starts_at_one(mut subject: impl Subject) {
    let resume = subject.store().resume().expect("it resumes");
    assert_eq!(resume.next_sequence, Sequence(1));
    assert_eq!(resume.entrances, []);
}

fn a_committed_item_is_found_by_everything(mut subject: impl Subject) {
    let row = item(1);
    subject
        .store()
        .commit(&batch([row.clone()]))
        .expect("it is written");
    for _ in 0..2 {
        let store = subject.store();
        assert_eq!(store.find_id(row.id).expect("read"), Some(row.clone()));
        let known = store.find_reference(SenderId(1), "order-1").expect("read");
        assert_eq!(known, Some(KnownReference::Item(Box::new(row.clone()))));
        assert_eq!(
            store.content(Sequence(1)).expect("read"),
            Some(content("order-1"))
        );
        assert_eq!(store.open_items(Sequence(0), 9).expect("read").len(), 1);
        assert_eq!(store.resume().expect("read").next_sequence, Sequence(2));
        subject.reopen();
    }
}

fn _unused(_: StoreError) {}
