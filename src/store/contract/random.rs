//! Random batches leave the same in both stores.

use proptest::prelude::*;

use super::samples::*;
use super::{InMemory, OnDisk, Subject};
use crate::domain::ids::{Priority, SenderId, Sequence, ServiceId};
use crate::domain::item::{Item, ItemState};
use crate::store::memory::MemoryStore;
use crate::store::sqlite::SqliteOptions;
use crate::store::{Batch, KnownReference, Store, StoreError};

/// References are few, so that they come again; with so few in memory, most are in runs.
const REFERENCES: u64 = 40;
const OPTIONS: SqliteOptions = SqliteOptions {
    bytes_max: None,
    references_recent_max: 3,
};

#[derive(Debug, Clone)]
enum Step {
    New {
        skip: u64,
        sender: u32,
        reference: u64,
        priority: u8,
    },
    Change {
        sequence: u64,
        version: u32,
        state: ItemState,
    },
    Tidy,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let states = prop::sample::select(vec![
        ItemState::InWorkflow,
        ItemState::Buffered,
        ItemState::Queued,
        ItemState::Offered,
        ItemState::Connected,
        ItemState::Ended,
    ]);
    let step = prop_oneof![
        6 => (0..2_u64, 1..3_u32, 0..REFERENCES, 0..10_u8).prop_map(
            |(skip, sender, reference, priority)| Step::New { skip, sender, reference, priority }
        ),
        3 => (1..30_u64, 2..4_u32, states).prop_map(
            |(sequence, version, state)| Step::Change { sequence, version, state }
        ),
        2 => Just(Step::Tidy),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..60)
}

/// The batch of a step; a change carries a new item with it, so that conflicts have something to
/// undo.
fn batch_of(step: &Step, next: u64, stored: &mut impl Store) -> Option<Batch> {
    match step {
        Step::New {
            skip,
            sender,
            reference,
            priority,
        } => {
            let row = Item {
                sender: SenderId(*sender),
                service: ServiceId(*sender),
                priority: Priority::new(*priority).expect("in range"),
                ..item(next + skip)
            };
            let mut batch = batch([row]);
            batch.new_items[0].content.reference = format!("r-{reference}");
            Some(batch)
        }
        Step::Change {
            sequence,
            version,
            state,
        } => {
            let stored = stored.items(&[Sequence(*sequence)]).expect("read");
            let row = Item {
                version: *version - 1,
                ..stored.into_iter().next().unwrap_or_else(|| item(*sequence))
            };
            let row = match state {
                ItemState::Ended => ended(&row),
                _ => Item {
                    state: *state,
                    version: *version,
                    ..row
                },
            };
            let mut batch = batch([item(next)]);
            batch.new_items[0].content.reference = format!("c-{next}");
            batch.changed_items = vec![changed(row)];
            Some(batch)
        }
        Step::Tidy | Step::Reopen => None,
    }
}

fn reference_is_free(store: &mut impl Store, batch: &Batch) -> bool {
    batch.new_items.iter().all(|new| {
        let known = store.find_reference(new.item.sender, &new.content.reference);
        known.expect("read").is_none()
    })
}

/// Everything that can be read.
type Seen = (Vec<Item>, Vec<u64>, Vec<Option<u64>>, u64);

fn seen(store: &mut impl Store) -> Seen {
    let all: Vec<_> = (1..120).map(Sequence).collect();
    let rows = store.items(&all).expect("read");
    let open = store.open_items(Sequence(0), 1_000).expect("read");
    let open = open.iter().map(|open| open.sequence.0).collect();
    let mut known = Vec::new();
    for sender in [1, 2].map(SenderId) {
        for reference in 0..REFERENCES {
            let found = store.find_reference(sender, &format!("r-{reference}"));
            known.push(found.expect("read").map(|known| match known {
                KnownReference::Item(item) => item.sequence.0,
                KnownReference::Erased => 0,
            }));
        }
    }
    let next = store.resume().expect("read").next_sequence.0;
    (rows, open, known, next)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_batches_leave_the_same_in_both_stores(steps in steps()) {
        let mut disk = OnDisk::with(OPTIONS);
        let mut memory = InMemory(MemoryStore::new());
        for step in &steps {
            let next = memory.store().resume().expect("read").next_sequence.0;
            match batch_of(step, next, memory.store()) {
                Some(batch) => {
                    let free = reference_is_free(memory.store(), &batch);
                    prop_assert_eq!(free, reference_is_free(disk.store(), &batch));
                    if !free {
                        continue;
                    }
                    let (one, two) = (memory.store().commit(&batch), disk.store().commit(&batch));
                    match (&one, &two) {
                        (Ok(()), Ok(())) => {}
                        (Err(StoreError::Conflict(_)), Err(StoreError::Conflict(_))) => {}
                        _ => prop_assert!(false, "{:?} in memory, {:?} on disk", one, two),
                    }
                }
                None if matches!(step, Step::Tidy) => {
                    disk.store().tidy().expect("tidied");
                }
                None => {
                    disk.reopen();
                    memory.reopen();
                }
            }
        }
        prop_assert_eq!(seen(memory.store()), seen(disk.store()));
        disk.reopen();
        prop_assert_eq!(seen(memory.store()), seen(disk.store()));
    }
}
