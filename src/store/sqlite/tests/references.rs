//! References through their whole life: in memory, in a spill under way, in runs, in a merge.

use super::store;
use crate::domain::ids::{SenderId, Sequence};
use crate::store::contract::samples::{batch, item, reference};
use crate::store::doctor::verify;
use crate::store::sqlite::references::RUNS_MAX;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{KnownReference, Store};

fn few_in_memory() -> SqliteOptions {
    SqliteOptions {
        references_recent_max: 50,
        ..SqliteOptions::default()
    }
}

fn number(store: &SqliteStore, sql: &str) -> i64 {
    let number = store.connection.query_row(sql, [], |row| row.get(0));
    number.expect("a number")
}

fn runs(store: &SqliteStore) -> usize {
    let runs = number(store, "SELECT count(*) FROM reference_run");
    let used = number(store, "SELECT count(DISTINCT run) FROM reference_entry");
    assert_eq!(runs, used, "the list of runs is true");
    usize::try_from(runs).expect("few")
}

/// Every reference up to `last` leads to its item, and the next one to none.
fn assert_found(store: &mut SqliteStore, last: u64) {
    for sequence in 1..=last {
        let found = store.find_reference(SenderId(1), &reference(sequence));
        match found.expect("read") {
            Some(KnownReference::Item(item)) => assert_eq!(item.sequence, Sequence(sequence)),
            other => panic!("expected item {sequence}, got {other:?}"),
        }
    }
    let missing = store.find_reference(SenderId(1), &reference(last + 1));
    assert_eq!(missing.expect("read"), None);
}

fn commit(store: &mut SqliteStore, first: u64, last: u64) {
    store
        .commit(&batch((first..=last).map(item)))
        .expect("written");
}

#[test]
fn references_are_found_after_every_slice_of_housekeeping() {
    let (_dir, mut store) = store(few_in_memory());
    for round in 0..12 {
        commit(&mut store, round * 60 + 1, round * 60 + 60);
        while store.tidy().expect("tidied") {
            assert_found(&mut store, round * 60 + 60);
        }
        assert_found(&mut store, round * 60 + 60);
    }
    assert!(runs(&store) <= RUNS_MAX, "{} runs", runs(&store));
    let entries = number(&store, "SELECT count(*) FROM reference_entry");
    let counted = number(&store, "SELECT sum(entries) FROM reference_run");
    assert_eq!(entries, counted);
    assert_eq!(entries, 720);
}

#[test]
fn under_load_memory_and_runs_stay_bounded_without_a_quiet_moment() {
    let (_dir, mut store) = store(few_in_memory());
    for round in 0..200 {
        commit(&mut store, round * 16 + 1, round * 16 + 16);
        let held = store.references.held();
        assert!(held <= 4 * 50, "{held} references in memory");
    }
    assert!(runs(&store) <= 20, "{} runs", runs(&store));
    assert_found(&mut store, 3_200);
    assert_eq!(
        verify(store.path()).expect("it is read").findings.len(),
        1,
        "no names"
    );
}

#[test]
fn a_restart_in_the_middle_of_anything_loses_no_reference() {
    let (dir, mut first) = store(few_in_memory());
    commit(&mut first, 1, 8);
    let mut open = Some(first);
    let mut last = 8;
    // Seven items a round beside a limit of 50, and slices of 28: stops in all kinds of middles.
    for round in 0..60 {
        let mut store = match open.take() {
            Some(store) if round % 7 != 0 => store,
            closed => {
                drop(closed);
                SqliteStore::open(dir.path(), few_in_memory()).expect("it opens")
            }
        };
        commit(&mut store, last + 1, last + 7);
        last += 7;
        if round % 5 == 0 {
            store.tidy().expect("tidied");
        }
        assert_found(&mut store, last);
        open = Some(store);
    }
}

#[test]
fn a_hash_that_two_references_share_leads_to_the_right_one() {
    let (_dir, mut store) = store(few_in_memory());
    commit(&mut store, 1, 3);
    // As if the references of items 2 and 3, and one that nobody has, all had the hash of 1.
    let hash = store.references.hash(SenderId(1), &reference(1));
    for sequence in [2, 3] {
        store.references.insert(hash, sequence);
    }
    assert_found(&mut store, 3);
    let nobodys = store.references.hash(SenderId(1), "nobody's");
    store.references.insert(nobodys, 1);
    store
        .connection
        .execute("INSERT INTO reference_entry VALUES (1, ?1, 2)", [nobodys])
        .expect("written");
    let known = store.find_reference(SenderId(1), "nobody's");
    assert_eq!(known.expect("read"), None);
}

#[test]
fn a_reference_of_a_deleted_item_is_free_again() {
    let (_dir, mut store) = store(few_in_memory());
    commit(&mut store, 1, 60);
    while store.tidy().expect("tidied") {}
    let deleted = store
        .connection
        .execute("DELETE FROM item WHERE sequence = 5", []);
    assert_eq!(deleted.expect("deleted"), 1);
    let known = store.find_reference(SenderId(1), &reference(5));
    assert_eq!(known.expect("read"), None);
}

#[test]
fn an_erased_reference_is_known_as_erased() {
    let (_dir, mut store) = store(SqliteOptions::default());
    let hash = store.references.erased_hash(SenderId(1), "gone");
    store
        .connection
        .execute(
            "INSERT INTO erased_reference VALUES (?1)",
            [hash.as_slice()],
        )
        .expect("written");
    let mut known = |sender, reference| {
        let known = store.find_reference(SenderId(sender), reference);
        known.expect("read")
    };
    assert_eq!(known(1, "gone"), Some(KnownReference::Erased));
    assert_eq!(known(2, "gone"), None);
    assert_eq!(known(1, "gone2"), None);
}
