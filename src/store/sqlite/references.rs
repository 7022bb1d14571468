//! Which item has a sender's reference, without a random B-tree in the way of new items.
//!
//! A reference is known by a 64-bit hash over (sender, reference) under the file's own random key.
//! Hashes of recent items stand in memory. A full memory is frozen and *spilled*, sorted, as one
//! run of `reference_entry`; runs are *merged* so that a look-up reads a few of them. Both happen
//! in slices, each in one transaction, and a look-up is right between any two of them:
//!
//! - Every reference of a sequence up to the *watermark* is in some run; those above it are read
//!   back into memory at start. The watermark moves with the last slice of a spill, so a crash in
//!   the middle leaves an entry twice, which does no harm.
//! - A merge moves entries: each is in exactly one run before and after each slice.
//!
//! A hash found is only a candidate: the caller compares the item's row. Entries of deleted items
//! stay until a merge meets them and are never taken for an item, for the row is gone.

use std::collections::BTreeSet;
use std::hash::Hasher;

use rusqlite::{Connection, params};
use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher24Wide};

use super::schema::{META_REFERENCE_KEY, META_WATERMARK};
use crate::domain::ids::SenderId;

/// Entries in memory at which a spill begins.
pub(super) const RECENT_MAX: usize = 100_000;
/// Runs above which housekeeping merges.
pub(super) const RUNS_MAX: usize = 3;
/// Runs above which merging no longer waits for a quiet moment.
const RUNS_FORCED: usize = 8;
/// A merge takes in the next larger run while that is at most so many times what it has.
const MERGE_FACTOR: u64 = 2;

/// Entries that a merge reads from each run beyond one and a half times its share.
const SHARE_EXTRA: u64 = 4;

const META: &str = "SELECT value FROM meta WHERE name = ?1";
const SET_META: &str = "UPDATE meta SET value = ?2 WHERE name = ?1";
const RUNS: &str = "SELECT run, entries FROM reference_run ORDER BY run";
const ABOVE_WATERMARK: &str =
    "SELECT sequence, sender, reference FROM item WHERE sequence > ?1 ORDER BY sequence";
pub(super) const RUN_LOOKUP: &str =
    "SELECT sequence FROM reference_entry WHERE run = ?1 AND hash = ?2";
pub(super) const RUN_HEAD: &str = "\
    SELECT hash, sequence FROM reference_entry WHERE run = ?1 \
    ORDER BY hash, sequence LIMIT ?2";
const INSERT_ENTRY: &str =
    "INSERT OR IGNORE INTO reference_entry (run, hash, sequence) VALUES (?1, ?2, ?3)";
pub(super) const DELETE_HEAD: &str =
    "DELETE FROM reference_entry WHERE run = ?1 AND (hash, sequence) <= (?2, ?3)";
const ADD_TO_RUN: &str = "\
    INSERT INTO reference_run (run, entries) VALUES (?1, ?2) \
    ON CONFLICT (run) DO UPDATE SET entries = entries + ?2";
const DELETE_RUN: &str = "DELETE FROM reference_run WHERE run = ?1";
const STORED_RUN_LOOKUP: &str = "\
    SELECT sequence FROM reference_entry \
    WHERE run IN (SELECT run FROM reference_run) AND hash = ?1";
const ABOVE_WATERMARK_SAME: &str = "\
    SELECT sequence FROM item \
    WHERE sequence > ?1 AND sender = ?2 AND reference = ?3 ORDER BY sequence";
const ERASED: &str = "SELECT EXISTS (SELECT 1 FROM erased_reference WHERE hash = ?1)";

/// The writer's knowledge of references.
pub(super) struct References {
    key: [u8; 16],
    /// Hash and sequence of the items above the watermark that are not being spilled.
    recent: BTreeSet<(i64, i64)>,
    recent_max: usize,
    spill: Option<Spill>,
    runs: Vec<Run>,
    merge: Option<Merge>,
}

/// Frozen entries on their way into a run.
struct Spill {
    run: i64,
    entries: Vec<(i64, i64)>,
    written: usize,
    /// The watermark once all are written.
    through: i64,
}

#[derive(Clone, Copy)]
struct Run {
    run: i64,
    entries: u64,
}

/// Runs on their way into another.
struct Merge {
    from: Vec<i64>,
    into: i64,
}

/// What a slice did in its transaction; to be told to [`References::done`] after the commit.
pub(super) enum Slice {
    /// So many more entries of the spill were written.
    Spilled(usize),
    /// So many entries were moved; runs that are now empty.
    Merged {
        /// Run and how many entries left it.
        taken: Vec<(i64, u64)>,
        /// Runs that have nothing left.
        emptied: Vec<i64>,
    },
}

impl References {
    /// Reads the key, the runs, and the references above the watermark.
    pub(super) fn load(connection: &Connection, recent_max: usize) -> rusqlite::Result<References> {
        let key = stored_key(connection)?;
        let watermark = watermark(connection)?;
        let mut references = References {
            key,
            recent: BTreeSet::new(),
            recent_max,
            spill: None,
            runs: connection
                .prepare(RUNS)?
                .query_map([], |row| {
                    Ok(Run {
                        run: row.get(0)?,
                        entries: row.get::<_, i64>(1)?.cast_unsigned(),
                    })
                })?
                .collect::<rusqlite::Result<_>>()?,
            merge: None,
        };
        let mut statement = connection.prepare(ABOVE_WATERMARK)?;
        let mut rows = statement.query([watermark])?;
        let mut recent = Vec::new();
        while let Some(row) = rows.next()? {
            let reference = row.get_ref(2)?.as_str()?;
            let hash = references.hash(SenderId(row.get(1)?), reference);
            recent.push((hash, row.get(0)?));
        }
        references.recent = recent.into_iter().collect();
        Ok(references)
    }

    /// The hash by which a reference is known.
    pub(super) fn hash(&self, sender: SenderId, reference: &str) -> i64 {
        hash(&self.key, sender, reference)
    }

    /// Takes note of a committed item.
    pub(super) fn insert(&mut self, hash: i64, sequence: i64) {
        self.recent.insert((hash, sequence));
    }

    /// The sequences whose references have that hash, ascending.
    pub(super) fn candidates(
        &self,
        connection: &Connection,
        hash: i64,
    ) -> rusqlite::Result<Vec<i64>> {
        let in_memory = self.recent.range((hash, i64::MIN)..=(hash, i64::MAX));
        let mut found: Vec<i64> = in_memory.map(|(_, sequence)| *sequence).collect();
        if let Some(spill) = &self.spill {
            let from = spill.entries.partition_point(|(other, _)| *other < hash);
            let same = spill.entries[from..]
                .iter()
                .take_while(|(other, _)| *other == hash);
            found.extend(same.map(|(_, sequence)| *sequence));
        }
        if !self.runs.is_empty() {
            let mut statement = connection.prepare_cached(RUN_LOOKUP)?;
            for run in &self.runs {
                for sequence in statement.query_map((run.run, hash), |row| row.get(0))? {
                    found.push(sequence?);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Whether an anonymised item had that reference.
    pub(super) fn is_erased(
        &self,
        connection: &Connection,
        sender: SenderId,
        reference: &str,
    ) -> rusqlite::Result<bool> {
        let hash = self.erased_hash(sender, reference);
        connection
            .prepare_cached(ERASED)?
            .query_row([hash.as_slice()], |row| row.get(0))
    }

    /// What remains of a reference after anonymising. Nothing can be compared with it any more, so
    /// it is wide enough that two references never share one.
    pub(super) fn erased_hash(&self, sender: SenderId, reference: &str) -> [u8; 16] {
        let mut hasher = SipHasher24Wide::new_with_key(&self.key);
        hasher.write(&sender.0.to_le_bytes());
        hasher.write(reference.as_bytes());
        hasher.finish128().as_bytes()
    }

    /// References held in memory, those of a spill under way among them.
    pub(super) fn held(&self) -> usize {
        self.recent.len() + self.spill.as_ref().map_or(0, |spill| spill.entries.len())
    }

    /// Whether a slice is waiting for a quiet moment.
    pub(super) fn has_work(&self) -> bool {
        self.spill.is_some()
            || self.recent.len() >= self.recent_max
            || self.merge.is_some()
            || self.runs.len() > RUNS_MAX
    }

    /// Whether a slice must be done even though items are waiting.
    pub(super) fn is_pressing(&self) -> bool {
        self.held() >= 2 * self.recent_max || self.runs.len() > RUNS_FORCED
    }

    /// Writes the next slice of about `entries_max` entries. Spilling goes before merging, for it
    /// is what bounds the memory.
    pub(super) fn slice(
        &mut self,
        tx: &Connection,
        entries_max: usize,
    ) -> rusqlite::Result<Option<Slice>> {
        if self.spill.is_none() && self.recent.len() >= self.recent_max {
            self.freeze();
        }
        if let Some(spill) = &self.spill {
            return spill.write(tx, entries_max).map(Some);
        }
        if self.merge.is_none() && self.runs.len() > RUNS_MAX {
            self.choose_merge();
        }
        match &self.merge {
            Some(merge) => merge.write(tx, &self.runs, entries_max).map(Some),
            None => Ok(None),
        }
    }

    /// The slice's transaction is durable.
    pub(super) fn done(&mut self, slice: Slice) {
        match slice {
            Slice::Spilled(count) => {
                let Some(spill) = &mut self.spill else { return };
                spill.written += count;
                let (run, finished) = (spill.run, spill.written == spill.entries.len());
                self.add_to_run(run, count as u64);
                if finished {
                    self.spill = None;
                }
            }
            Slice::Merged { taken, emptied } => {
                let Some(merge) = &mut self.merge else { return };
                merge.from.retain(|run| !emptied.contains(run));
                let (into, finished) = (merge.into, merge.from.is_empty());
                let mut moved = 0;
                for (run, count) in taken {
                    moved += count;
                    if let Some(run) = self.runs.iter_mut().find(|other| other.run == run) {
                        run.entries = run.entries.saturating_sub(count);
                    }
                }
                self.runs.retain(|run| !emptied.contains(&run.run));
                self.add_to_run(into, moved);
                if finished {
                    self.merge = None;
                }
            }
        }
    }

    fn add_to_run(&mut self, run: i64, entries: u64) {
        match self.runs.iter_mut().find(|other| other.run == run) {
            Some(known) => known.entries += entries,
            None => self.runs.push(Run { run, entries }),
        }
    }

    /// A number no run has and none in the making.
    fn next_run(&self) -> i64 {
        let making = self.spill.iter().map(|spill| spill.run);
        let making = making.chain(self.merge.iter().map(|merge| merge.into));
        let known = self.runs.iter().map(|run| run.run);
        known.chain(making).max().unwrap_or(0) + 1
    }

    fn freeze(&mut self) {
        let run = self.next_run();
        let entries: Vec<_> = std::mem::take(&mut self.recent).into_iter().collect();
        let through = entries.iter().map(|(_, sequence)| *sequence).max();
        self.spill = through.map(|through| Spill {
            run,
            entries,
            written: 0,
            through,
        });
    }

    /// The smallest two runs, and the next larger one while that is not much larger than what is
    /// taken already: so each entry is rewritten a number of times that hardly grows.
    fn choose_merge(&mut self) {
        let mut by_size = self.runs.clone();
        by_size.sort_by_key(|run| run.entries);
        let mut from = Vec::new();
        let mut sum = 0;
        for run in by_size {
            if from.len() >= 2 && run.entries > sum * MERGE_FACTOR {
                break;
            }
            sum += run.entries;
            from.push(run.run);
        }
        let into = self.next_run();
        self.merge = Some(Merge { from, into });
    }
}

/// What [`References::candidates`] answers, for a connection that has nothing in memory.
pub(super) fn stored_candidates(
    connection: &Connection,
    sender: SenderId,
    reference: &str,
) -> rusqlite::Result<Vec<i64>> {
    let key = stored_key(connection)?;
    let watermark = watermark(connection)?;
    let mut cold = connection.prepare_cached(STORED_RUN_LOOKUP)?;
    let mut found = cold
        .query_map([hash(&key, sender, reference)], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut recent = connection.prepare_cached(ABOVE_WATERMARK_SAME)?;
    for sequence in recent.query_map((watermark, sender.0, reference), |row| row.get(0))? {
        found.push(sequence?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The file's own key of the hashes.
pub(super) fn stored_key(connection: &Connection) -> rusqlite::Result<[u8; 16]> {
    connection.query_row(META, [META_REFERENCE_KEY], |row| row.get(0))
}

/// Every sequence up to this one has its reference in a run.
pub(in crate::store) fn watermark(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row(META, [META_WATERMARK], |row| row.get(0))
}

/// A reference's hash under `key`.
pub(super) fn hash(key: &[u8; 16], sender: SenderId, reference: &str) -> i64 {
    let mut hasher = SipHasher24::new_with_key(key);
    hasher.write(&sender.0.to_le_bytes());
    hasher.write(reference.as_bytes());
    hasher.finish().cast_signed()
}

impl Spill {
    fn write(&self, tx: &Connection, entries_max: usize) -> rusqlite::Result<Slice> {
        let left = &self.entries[self.written..];
        let slice = &left[..left.len().min(entries_max)];
        insert_entries(tx, self.run, slice)?;
        if slice.len() == left.len() {
            tx.prepare_cached(SET_META)?
                .execute((META_WATERMARK, self.through))?;
        }
        Ok(Slice::Spilled(slice.len()))
    }
}

impl Merge {
    /// Moves the smallest entries of all the runs. Reads somewhat more from each than its share of
    /// `entries_max`, since only those can be moved that are smaller than all that was not read.
    fn write(&self, tx: &Connection, runs: &[Run], entries_max: usize) -> rusqlite::Result<Slice> {
        let entries_of = |run: i64| {
            let known = runs.iter().find(|other| other.run == run);
            known.map_or(0, |known| known.entries)
        };
        let total: u64 = self.from.iter().map(|run| entries_of(*run)).sum();
        let mut heads = Vec::new();
        let mut bound = None;
        let mut statement = tx.prepare_cached(RUN_HEAD)?;
        for run in &self.from {
            let share = entries_max as u64 * entries_of(*run) / total.max(1);
            let share = share + share / 2 + SHARE_EXTRA;
            let head = statement
                .query_map((run, share.cast_signed()), |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let is_all = (head.len() as u64) < share;
            if let (false, Some(last)) = (is_all, head.last()) {
                bound = Some(bound.map_or(*last, |bound: (i64, i64)| bound.min(*last)));
            }
            heads.push((*run, head, is_all));
        }
        let bound = bound.unwrap_or((i64::MAX, i64::MAX));
        let mut entries = Vec::new();
        let mut taken = Vec::new();
        let mut emptied = Vec::new();
        for (run, head, is_all) in heads {
            let count = head.partition_point(|entry| *entry <= bound);
            tx.prepare_cached(DELETE_HEAD)?
                .execute((run, bound.0, bound.1))?;
            if is_all && count == head.len() {
                tx.prepare_cached(DELETE_RUN)?.execute([run])?;
                emptied.push(run);
            } else {
                tx.prepare_cached(ADD_TO_RUN)?
                    .execute((run, -(count as i64)))?;
            }
            taken.push((run, count as u64));
            entries.extend_from_slice(&head[..count]);
        }
        entries.sort_unstable();
        insert_entries(tx, self.into, &entries)?;
        Ok(Slice::Merged { taken, emptied })
    }
}

fn insert_entries(tx: &Connection, run: i64, entries: &[(i64, i64)]) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(INSERT_ENTRY)?;
    for (hash, sequence) in entries {
        insert.execute(params![run, hash, sequence])?;
    }
    tx.prepare_cached(ADD_TO_RUN)?
        .execute((run, entries.len() as i64))?;
    Ok(())
}
