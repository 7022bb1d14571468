//! Bodies of attachments on their way to an item. Each is stored in pieces before the message that
//! names it is decided; one whose item never comes (its sender left, its message was refused, a
//! commit failed) is dropped, so that it does not fill the disk until the next start.

use std::collections::{HashMap, HashSet};

use crate::domain::code::Code;
use crate::domain::content::Attachment;
use crate::domain::ids::BlobId;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::store::{Batch, Chunk};

/// Milliseconds after its last piece that a body waits for its item: longer than any message is in
/// work.
const IDLE_MAX_MS: i64 = 10 * 60_000;
/// Bodies dropped in one turn, at most: each may have 100 pieces.
const DROPPED_PER_TURN: usize = 8;

/// The bodies that are stored and belong to no item. See the module.
#[derive(Default)]
pub(super) struct Uploads {
    waiting: HashMap<BlobId, Upload>,
    /// Bodies whose item will not come.
    abandoned: Vec<BlobId>,
}

struct Upload {
    length_bytes: u64,
    last_at: Timestamp,
}

impl Uploads {
    /// Takes note of a committed batch.
    pub(super) fn committed(&mut self, batch: &Batch, now: Timestamp) {
        for chunk in &batch.chunks {
            let upload = self.waiting.entry(chunk.blob).or_insert(Upload {
                length_bytes: 0,
                last_at: now,
            });
            upload.length_bytes += chunk.bytes.len() as u64;
            upload.last_at = now;
        }
        for blob in named(batch).chain(batch.dropped_blobs.iter().copied()) {
            self.waiting.remove(&blob);
        }
        self.abandoned
            .retain(|blob| self.waiting.contains_key(blob));
    }

    /// Takes note of a batch that was not stored: its items will not come.
    pub(super) fn failed(&mut self, batch: &Batch) {
        let pieces = batch.chunks.iter().map(|chunk| chunk.blob);
        let blobs = pieces
            .chain(named(batch))
            .chain(batch.dropped_blobs.iter().copied());
        for blob in blobs {
            self.abandon(blob);
        }
    }

    /// The rest of a body is not taken, so its item will not come.
    pub(super) fn abandon(&mut self, blob: BlobId) {
        if self.waiting.contains_key(&blob) && !self.abandoned.contains(&blob) {
            self.abandoned.push(blob);
        }
    }

    /// Refuses an item some of whose bodies are not there as a whole: stored, it would make the
    /// whole batch fail.
    pub(super) fn check(
        &self,
        attachments: &[Attachment],
        chunks: &[Chunk],
    ) -> Result<(), Refusal> {
        for attachment in attachments {
            let stored = self.waiting.get(&attachment.blob);
            let stored = stored.map_or(0, |upload| upload.length_bytes);
            let new = chunks.iter().filter(|chunk| chunk.blob == attachment.blob);
            let new: u64 = new.map(|chunk| chunk.bytes.len() as u64).sum();
            if stored + new != attachment.length_bytes {
                return Err(Refusal::new(
                    Code::StorageFailed,
                    "An attachment was not stored as a whole: nothing was created, send it again.",
                ));
            }
        }
        Ok(())
    }

    /// Some of the bodies that are to be dropped at `now`, but none whose item came at last with
    /// this batch. A clock that was set back makes all of them young again.
    pub(super) fn overdue(&mut self, batch: &Batch, now: Timestamp) -> Vec<BlobId> {
        for (blob, upload) in &mut self.waiting {
            upload.last_at = upload.last_at.min(now);
            let idle = now.since_ms(upload.last_at) >= IDLE_MAX_MS;
            if idle && !self.abandoned.contains(blob) {
                self.abandoned.push(*blob);
            }
        }
        let came: HashSet<BlobId> = named(batch).collect();
        let abandoned = self.abandoned.iter().copied();
        let abandoned = abandoned.filter(|blob| !came.contains(blob));
        abandoned.take(DROPPED_PER_TURN).collect()
    }

    /// When [`Uploads::overdue`] next has something.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.abandoned.is_empty() {
            return Some(now);
        }
        let idle = |upload: &Upload| upload.last_at.plus_ms(IDLE_MAX_MS);
        self.waiting.values().map(idle).min()
    }
}

/// The bodies that the items of a batch name; those of a changed item may have been its own before.
fn named(batch: &Batch) -> impl Iterator<Item = BlobId> + '_ {
    let new = batch.new_items.iter().map(|new| &new.content);
    let changed = batch.changed_items.iter();
    let changed = changed.filter_map(|changed| changed.content.as_ref());
    new.chain(changed)
        .flat_map(|content| content.attachments.iter().map(|file| file.blob))
}
