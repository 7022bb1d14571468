//! The faults that the in-memory store can plan, and what they leave.

use super::samples::*;
use crate::domain::ids::{SenderId, Sequence};
use crate::store::memory::{CommitFault, MemoryStore};
use crate::store::{KnownReference, Store, StoreError};

fn next(store: &mut MemoryStore) -> u64 {
    store.resume().expect("read").next_sequence.0
}

#[test]
fn a_crash_before_the_commit_leaves_nothing() {
    let mut store = MemoryStore::new();
    store.fail_next_commit(CommitFault::Before);
    let result = store.commit(&batch([item(1)]));
    assert!(matches!(result, Err(StoreError::Fatal(_))), "{result:?}");
    assert_eq!(next(&mut store.crash()), 1);
}

#[test]
fn a_crash_after_the_commit_leaves_everything() {
    let mut store = MemoryStore::new();
    store.fail_next_commit(CommitFault::AfterButLost);
    let result = store.commit(&batch([item(1)]));
    assert!(matches!(result, Err(StoreError::Fatal(_))), "{result:?}");
    let mut after = store.crash();
    assert_eq!(next(&mut after), 2);
    assert_eq!(after.items(&[Sequence(1)]).expect("read"), [item(1)]);
}

#[test]
fn planned_failures_come_once_each_in_order() {
    let mut store = MemoryStore::new();
    store.fail_next_commit(CommitFault::Full);
    store.fail_next_commit(CommitFault::Failed);
    let first = store.commit(&batch([item(1)]));
    assert!(matches!(first, Err(StoreError::Full(_))), "{first:?}");
    let second = store.commit(&batch([item(1)]));
    assert!(matches!(second, Err(StoreError::Failed(_))), "{second:?}");
    assert_eq!(next(&mut store), 1);
    store.commit(&batch([item(1)])).expect("written");
    assert_eq!(next(&mut store), 2);
}

#[test]
fn a_crash_forgets_planned_faults() {
    let mut store = MemoryStore::new();
    store.fail_next_commit(CommitFault::Full);
    store.fail_probes(1);
    let mut after = store.crash();
    after.probe().expect("there is room");
    after.commit(&batch([item(1)])).expect("written");
    assert!(store.probe().is_err());
    store.probe().expect("only one was planned");
}

#[test]
fn clones_part_ways_with_the_next_commit() {
    let mut store = MemoryStore::new();
    store.commit(&batch([item(1)])).expect("written");
    let mut other = store.clone();
    store.commit(&batch([item(2)])).expect("written");
    assert_eq!(next(&mut other), 2);
    other.commit(&batch([item(9)])).expect("written");
    assert_eq!((next(&mut store), next(&mut other)), (3, 10));
}

#[test]
fn an_erased_reference_is_known_as_erased() {
    let mut store = MemoryStore::new();
    store.commit(&batch([item(1)])).expect("written");
    store.erase_reference(SenderId(1), "order-1");
    let mut known = |sender| {
        let known = store.find_reference(SenderId(sender), "order-1");
        known.expect("read")
    };
    assert_eq!(known(1), Some(KnownReference::Erased));
    assert_eq!(known(2), None);
}
