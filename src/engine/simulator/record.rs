//! What is remembered of every row from look to look, and what must never change behind anybody's
//! back: sequences, journals, times of first arrival, priorities.

use std::collections::{BTreeMap, HashMap};

use crate::domain::ids::{BlobId, ItemId, Priority, Sequence};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::JournalEvent;
use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;
use crate::engine::invariants::ends;
use crate::engine::world::World;
use crate::store::Store;

use super::Known;

/// A row at the last look.
struct Seen {
    id: ItemId,
    reference: String,
    bodies: Vec<(BlobId, u64)>,
    journal_rows: u32,
    version: u32,
    priority: Priority,
    queued_at: Option<Timestamp>,
    accepted_at: Option<Timestamp>,
}

/// All rows at the last look.
#[derive(Default)]
pub(super) struct Record {
    seen: BTreeMap<Sequence, Seen>,
    highest: u64,
}

impl Record {
    pub(super) fn check(
        &mut self,
        world: &World,
        rows: &[Item],
        told: &BTreeMap<(&'static str, String), Known>,
    ) {
        assert!(rows.len() >= self.seen.len(), "an item is gone");
        let highest = rows.last().map_or(0, |row| row.sequence.0);
        assert!(highest >= self.highest, "sequences went back");
        self.highest = highest;
        for row in rows {
            self.check_row(world, row);
        }
        self.check_bodies(world);
        self.check_told(world, rows, told);
        check_nothing_overdue(world, rows);
    }

    fn check_row(&mut self, world: &World, row: &Item) {
        let seen = self.seen.entry(row.sequence).or_insert_with(|| {
            let mut store = world.engine.store().crash();
            let content = store.content(row.sequence).expect("memory");
            let content = content.expect("it has content");
            let attachments = content.attachments.iter();
            Seen {
                id: row.id,
                reference: content.reference,
                bodies: attachments
                    .map(|file| (file.blob, file.length_bytes))
                    .collect(),
                journal_rows: 0,
                version: 0,
                priority: row.priority,
                queued_at: None,
                accepted_at: None,
            }
        });
        assert_eq!(seen.id, row.id, "a sequence was used twice");
        if (seen.version, seen.journal_rows) == (row.version, row.journal_rows) {
            return;
        }
        assert!(seen.version < row.version, "a line without a version");
        check_journal(world, row);
        let lines = world.engine.store().journal(row.sequence);
        let reordered = lines
            .filter(|line| line.number > seen.journal_rows)
            .any(|line| {
                matches!(
                    line.event,
                    JournalEvent::Updated | JournalEvent::Reprioritised
                )
            });
        assert!(
            reordered || seen.priority == row.priority,
            "{row:?} got another place"
        );
        for (was, is) in [
            (seen.queued_at, row.queued_at),
            (seen.accepted_at, row.accepted_at),
        ] {
            assert!(was.is_none() || was == is, "{row:?} forgot a first time");
        }
        seen.journal_rows = row.journal_rows;
        seen.version = row.version;
        seen.priority = row.priority;
        seen.queued_at = row.queued_at;
        seen.accepted_at = row.accepted_at;
    }

    /// Every body that an item names is there.
    fn check_bodies(&self, world: &World) {
        let bodies = self.seen.values().flat_map(|seen| &seen.bodies);
        for (blob, length_bytes) in bodies {
            let body = world.engine.store().blob(*blob);
            let body = body.expect("its body is there");
            assert_eq!(body.len() as u64, *length_bytes);
        }
    }

    /// Every receipt has exactly one item; nothing refused has one.
    fn check_told(
        &self,
        world: &World,
        rows: &[Item],
        told: &BTreeMap<(&'static str, String), Known>,
    ) {
        let mut by_reference: HashMap<(u32, &str), Vec<ItemId>> = HashMap::new();
        for row in rows {
            let of_workflows = world.engine.directory.follow_ups_of(row.tenant);
            if of_workflows.is_some_and(|sender| sender.id == row.sender) {
                continue;
            }
            let reference = self.seen[&row.sequence].reference.as_str();
            by_reference
                .entry((row.sender.0, reference))
                .or_default()
                .push(row.id);
        }
        for ((sender, reference), known) in told {
            let number = world.engine.directory.sender(sender).expect("known").id.0;
            let items = by_reference.remove(&(number, reference.as_str()));
            let items = items.unwrap_or_default();
            assert!(
                items.len() <= 1,
                "{sender}/{reference} was stored {} times",
                items.len()
            );
            match known.id {
                Some(id) => assert_eq!(items, [id], "{sender}/{reference} has a receipt"),
                None if known.unsure => {}
                None => assert_eq!(items, [], "{sender}/{reference} was refused"),
            }
        }
        assert!(
            by_reference.is_empty(),
            "items that nobody sent: {by_reference:?}"
        );
    }
}

/// A journal without gaps, in which the item ends once unless it was opened again, as its row says.
fn check_journal(world: &World, row: &Item) {
    let mut ended = false;
    let mut count = 0;
    for line in world.engine.store().journal(row.sequence) {
        count += 1;
        assert_eq!(line.number, count, "a gap in the journal of {row:?}");
        assert_eq!(count == 1, line.event == JournalEvent::Received);
        if ends(line) {
            assert!(!ended, "{row:?} ended twice");
            ended = true;
        } else if line.event == JournalEvent::Reopened {
            assert!(ended, "{row:?} was opened again");
            ended = false;
        }
    }
    assert_eq!(count, row.journal_rows);
    assert!(row.version <= count, "a line for each version at least");
    assert_eq!(ended, row.ended.is_some(), "{row:?}");
    assert_eq!(ended, row.state == ItemState::Ended, "{row:?}");
    let outcome = row.ended.as_ref().map(|ending| ending.outcome);
    if [Some(Outcome::LostInQueue), Some(Outcome::ExpiredInBuffer)].contains(&outcome) {
        assert_eq!(row.accepted_at, None, "it expired and was accepted");
    }
}

/// At rest nothing is late.
fn check_nothing_overdue(world: &World, rows: &[Item]) {
    let now = world.now;
    for row in rows.iter().filter(|row| row.ended.is_none()) {
        assert!(
            row.expiry_in_force().is_none_or(|at| at > now),
            "{row:?} should have expired"
        );
        if row.state == ItemState::Scheduled {
            assert!(
                row.not_before.is_some_and(|at| at > now),
                "{row:?} should have started"
            );
        }
        let parked_until = row.holder.and_then(|holder| holder.parked_until);
        assert!(
            parked_until.is_none_or(|until| until > now),
            "{row:?} should be back"
        );
    }
}
