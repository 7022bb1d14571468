//! A store that may not grow any more.

use super::store;
use crate::domain::ids::Sequence;
use crate::store::contract::samples::{batch, blob, change, chunk, ended, item};
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{Batch, CHUNK_BYTES_MAX, Store, StoreError};

fn limited(bytes_max: u64) -> SqliteOptions {
    SqliteOptions {
        bytes_max: Some(bytes_max),
        ..SqliteOptions::default()
    }
}

/// Commits items until there is no room; returns the first that found none.
fn fill(store: &mut SqliteStore) -> u64 {
    for sequence in 1..100_000 {
        let mut batch = batch([item(sequence)]);
        batch.new_items[0].raw = Some("x".repeat(10_000));
        match store.commit(&batch) {
            Ok(()) => {}
            Err(StoreError::Full(_)) => return sequence,
            Err(error) => panic!("expected it to be full, got {error:?}"),
        }
    }
    panic!("it is never full");
}

#[test]
fn a_full_store_refuses_items_but_not_the_work_on_those_it_has() {
    let (_dir, mut store) = store(limited(2_000_000));
    let refused = fill(&mut store);
    assert!((100..250).contains(&refused), "{refused} items");
    let probe = store.probe();
    assert!(matches!(probe, Err(StoreError::Full(_))), "{probe:?}");
    assert_eq!(
        store.resume().expect("read").next_sequence,
        Sequence(refused)
    );
    assert_eq!(store.find_id(item(refused).id).expect("read"), None);
    for sequence in 1..refused {
        store
            .commit(&change(ended(&item(sequence))))
            .expect("there is room");
    }
    let bytes = std::fs::metadata(store.path()).expect("size").len();
    assert!(bytes <= 2_000_000, "{bytes} bytes");
}

#[test]
fn a_full_store_takes_items_again_when_there_is_room() {
    let (_dir, mut store) = store(limited(2_000_000));
    let large = Batch {
        chunks: vec![chunk(blob(1), 0, &[7; CHUNK_BYTES_MAX])],
        ..Batch::default()
    };
    store.commit(&large).expect("written");
    let refused = fill(&mut store);
    assert!(store.probe().is_err());
    let dropped = Batch {
        dropped_blobs: vec![blob(1)],
        ..Batch::default()
    };
    store.commit(&dropped).expect("there is room for that");
    store.probe().expect("there is room");
    let mut batch = batch([item(refused)]);
    batch.new_items[0].raw = Some("x".repeat(10_000));
    store.commit(&batch).expect("there is room");
}

#[test]
fn a_larger_limit_makes_room_at_the_next_start() {
    let (dir, mut store) = store(limited(2_000_000));
    let refused = fill(&mut store);
    drop(store);
    let store = SqliteStore::open(dir.path(), limited(3_000_000));
    let mut store = store.expect("it opens");
    store.probe().expect("there is room");
    store
        .commit(&batch([item(refused)]))
        .expect("there is room");
}

/// `mount -t tmpfs -o size=8m none DIR; ANTEROOM_SMALL_DISK=DIR cargo test --lib -- --ignored
/// a_full_disk`
#[test]
#[ignore = "needs a small file system of its own"]
fn a_full_disk_is_full_and_everything_goes_on_when_there_is_room() {
    let place = std::env::var_os("ANTEROOM_SMALL_DISK").expect("a directory is named");
    let place = std::path::Path::new(&place);
    let (dir, ballast) = (place.join("data"), place.join("ballast"));
    std::fs::write(&ballast, vec![7; 2_000_000]).expect("written");
    let mut store = SqliteStore::open(&dir, SqliteOptions::default()).expect("it opens");
    let refused = fill(&mut store);
    for _ in 0..3 {
        let probe = store.probe();
        assert!(matches!(probe, Err(StoreError::Full(_))), "{probe:?}");
    }
    let resume = store.resume().expect("read");
    assert_eq!(resume.next_sequence, Sequence(refused));
    std::fs::remove_file(&ballast).expect("removed");
    store.probe().expect("there is room");
    store
        .commit(&batch([item(refused)]))
        .expect("there is room");
    drop(store);
    let mut store = SqliteStore::open(&dir, SqliteOptions::default()).expect("it opens");
    let open = store.open_items(Sequence(0), 100_000).expect("read");
    assert_eq!(open.len() as u64, refused);
    drop(store);
    std::fs::remove_dir_all(&dir).expect("removed");
}
