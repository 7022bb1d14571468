//! How long the hot paths take. Run by hand, in release:
//! `cargo test --release --lib store::sqlite::timing -- --ignored --nocapture --test-threads 1`

use std::path::Path;
use std::time::{Duration, Instant};

use super::{SqliteOptions, SqliteStore};
use crate::domain::content::{ContactDatum, Content, Customer};
use crate::domain::ids::{SenderId, Sequence, ServiceId};
use crate::domain::item::ItemState;
use crate::store::contract::samples::{item, received, reference};
use crate::store::read::{QueuePlace, Reader};
use crate::store::{Batch, NewItem, Store};

/// An ordinary content of some 400 bytes.
fn ordinary(reference: String) -> Content {
    let datum = |key: &str, value: &str| ContactDatum {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    Content {
        reference,
        service: "claims".to_owned(),
        title: Some("Water damage, please call back".to_owned()),
        description: Some("The customer asks to be called back this afternoon.".to_owned()),
        customer: Some(Customer {
            id: Some("4711-0815".to_owned()),
            name: Some("Erika Example".to_owned()),
            ..Customer::default()
        }),
        tags: vec!["water".to_owned(), "private".to_owned()],
        contact_data: vec![
            datum("workItemTask", "Call back"),
            datum("claimNumber", "2026-11-20-000123"),
            datum("policy", "HH-123-456"),
            datum("channel", "web form"),
        ],
        ..Content::default()
    }
}

fn items(from: u64, count: u64, senders: u64) -> Batch {
    let new_items: Vec<_> = (from..from + count)
        .map(|sequence| {
            let mut item = item(sequence);
            item.sender = SenderId((sequence % senders) as u32 + 1);
            NewItem {
                item,
                content: ordinary(reference(sequence)),
                raw: Some("x".repeat(1_000)),
            }
        })
        .collect();
    Batch {
        journal: new_items.iter().map(|new| received(&new.item)).collect(),
        new_items,
        ..Batch::default()
    }
}

/// What one batch took.
struct Turn {
    took: Duration,
    busy: Duration,
}

/// Looks every reference up and commits, as the engine does. Returns the time of each batch.
fn accept(store: &mut SqliteStore, from: u64, total: u64, size: u64, senders: u64) -> Vec<Turn> {
    let mut times = Vec::new();
    for first in (from..from + total).step_by(size as usize) {
        let batch = items(first, size, senders);
        let (start, busy) = (Instant::now(), on_processor());
        for new in &batch.new_items {
            let known = store.find_reference(new.item.sender, &new.content.reference);
            assert_eq!(known.expect("read"), None);
        }
        store.commit(&batch).expect("written");
        times.push(Turn {
            took: start.elapsed(),
            busy: on_processor() - busy,
        });
    }
    times
}

/// Time this thread was on a processor: what is left when others use the machine too.
fn on_processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = stat.split(' ').next().expect("a number").parse();
    Duration::from_nanos(nanoseconds.expect("a number"))
}

fn report(what: &str, times: &mut [Turn], size: u64) {
    let count = (times.len() as u64 * size) as f64;
    let busy: Duration = times.iter().map(|turn| turn.busy).sum();
    let mut times: Vec<_> = times.iter().map(|turn| turn.took).collect();
    times.sort_unstable();
    let sum: Duration = times.iter().sum();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!(
        "{what}: {:.1} us an item ({:.1} at the median, {:.1} on the processor); \
         batch p50 {:?} p99 {:?} max {:?}",
        sum.as_secs_f64() * 1e6 / count,
        at(0.5).as_secs_f64() * 1e6 / size as f64,
        busy.as_secs_f64() * 1e6 / count,
        at(0.5),
        at(0.99),
        times[times.len() - 1],
    );
}

#[test]
#[ignore = "measures"]
fn new_items_in_batches() {
    for sync in ["OFF", "FULL"] {
        for (size, senders) in [(1, 2), (64, 2), (64, 64), (256, 2)] {
            let dir = tempfile::tempdir().expect("a directory");
            let mut store = SqliteStore::open(dir.path(), SqliteOptions::default()).expect("open");
            let pragma = store.connection.pragma_update(None, "synchronous", sync);
            pragma.expect("set");
            let total = if size == 1 { 3_000 } else { 60_000 };
            let mut times = accept(&mut store, 1, total, size, senders);
            let what = format!("sync {sync}, batches of {size}, {senders} senders");
            report(&what, &mut times, size);
        }
    }
}

#[test]
#[ignore = "measures"]
fn a_million_open_items() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = SqliteStore::open(dir.path(), SqliteOptions::default()).expect("open");
    for part in 0..4 {
        let mut times = accept(&mut store, 1 + part * 250_000, 250_000, 250, 2);
        report(&format!("part {part} of a million"), &mut times, 250);
    }
    let bytes = std::fs::metadata(store.path()).expect("size").len();
    println!("{} bytes an item", bytes / 1_000_000);
    drop(store);
    let start = Instant::now();
    let mut store = SqliteStore::open(dir.path(), SqliteOptions::default()).expect("open");
    println!("open: {:?}", start.elapsed());
    let start = Instant::now();
    let mut after = Sequence(0);
    let mut count = 0;
    loop {
        let page = store.open_items(after, 10_000).expect("read");
        let Some(last) = page.last() else { break };
        after = last.sequence;
        count += page.len();
    }
    println!("{count} open items: {:?}", start.elapsed());
    let start = Instant::now();
    let mut slices = 0;
    let mut longest = Duration::ZERO;
    loop {
        let slice = Instant::now();
        let more = store.tidy().expect("tidy");
        longest = longest.max(slice.elapsed());
        slices += 1;
        if !more {
            break;
        }
    }
    println!(
        "{slices} slices of housekeeping: {:?}, longest {longest:?}",
        start.elapsed()
    );
    let start = Instant::now();
    for sequence in 0..20_000_u64 {
        let missing = format!("missing-{sequence}");
        let known = store.find_reference(SenderId(1), &missing).expect("read");
        assert_eq!(known, None);
    }
    println!("a miss: {:?}", start.elapsed() / 20_000);
    lists(dir.path());
    let mut times = accept(&mut store, 1_000_001, 60_000, 64, 2);
    report("after a million", &mut times, 64);
}

/// A million items of two senders, read beside the writer.
fn lists(dir: &Path) {
    let reader = Reader::open(dir).expect("it opens");
    for (what, state, pages) in [
        ("a page of 500 of a sender", None, 100),
        ("the same, queued only", Some(ItemState::Queued), 100),
        (
            "the same, ended only (there are none)",
            Some(ItemState::Ended),
            1,
        ),
    ] {
        let start = Instant::now();
        let mut after = None;
        for _ in 0..pages {
            let page = reader.list_of_sender(SenderId(2), after, state, 500);
            after = page
                .expect("read")
                .last()
                .map(|listed| listed.item.sequence);
        }
        println!("{what}: {:?}", start.elapsed() / pages);
    }
    let start = Instant::now();
    let mut after = None;
    for _ in 0..100 {
        let page = reader.queue(ServiceId(1), ItemState::Queued, after, 100);
        after = page.expect("read").last().map(|listed| QueuePlace {
            priority: listed.item.priority,
            sequence: listed.item.sequence,
        });
    }
    println!("a page of 100 of a queue: {:?}", start.elapsed() / 100);
}
