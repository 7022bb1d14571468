//! Whoever reads an item is on record before they see it.
//!
//! A desktop that asks again and again writes one row in five minutes: what was just noted is
//! remembered, in a memory that is bounded, and gone with the process.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::code::Code;
use crate::domain::item::Item;
use crate::domain::refusal::{Problem, Refusal};
use crate::engine::reads::{ItemRead, NoteRead};
use crate::http::acting::Acting;
use crate::http::state::Shared;

/// How long a read stands for the same read after it.
const REPEAT: Duration = Duration::from_secs(5 * 60);
/// Reads remembered, at most; beyond them the oldest is forgotten, and noted once more.
const REMEMBERED_MAX: usize = 16_384;

/// The reads that were noted just now.
#[derive(Default)]
pub struct RecentReads {
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    known: HashSet<NoteRead>,
    /// The same, the oldest first.
    by_age: VecDeque<(Instant, NoteRead)>,
}

impl RecentReads {
    fn knows(&self, noted: &NoteRead, now: Instant) -> bool {
        let mut memory = self.lock();
        memory.forget(now);
        memory.known.contains(noted)
    }

    fn remember(&self, noted: NoteRead, now: Instant) {
        let mut memory = self.lock();
        memory.forget(now);
        if !memory.known.insert(noted.clone()) {
            return;
        }
        memory.by_age.push_back((now, noted));
        if memory.by_age.len() > REMEMBERED_MAX {
            memory.drop_oldest();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // At worst a read is noted twice.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn forget(&mut self, now: Instant) {
        let is_over = |(at, _): &(Instant, NoteRead)| now.duration_since(*at) >= REPEAT;
        while self.by_age.front().is_some_and(is_over) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, oldest)) = self.by_age.pop_front() {
            self.known.remove(&oldest);
        }
    }
}

/// Puts the read on record. While the store is full the log is the record: the work on the items
/// that are there must go on, and nobody can work on what they may not see.
///
/// # Errors
/// It is not on record: it must not be shown.
pub(super) async fn note(
    shared: &Shared,
    acting: &Acting,
    item: &Item,
    read: ItemRead,
) -> Result<(), Refusal> {
    let noted = NoteRead {
        actor: acting.actor.clone(),
        from: acting.from.clone(),
        tenant: item.tenant,
        item: item.id,
        read,
    };
    if shared.reads.knows(&noted, Instant::now()) {
        return Ok(());
    }
    match shared.engine.note_read(noted.clone()).await {
        Ok(()) => {
            shared.reads.remember(noted, Instant::now());
            Ok(())
        }
        Err(refusal) if refusal.code() == Code::StorageFull => {
            tracing::warn!(
                actor = ?noted.actor,
                from = noted.from.as_deref().unwrap_or_default(),
                verb = noted.read.audit_name(),
                item = %noted.item,
                "the store is full: this read is on record only here"
            );
            Ok(())
        }
        Err(refusal) => Err(Problem {
            message: "That you read this could not be put on record: ask again later.".to_owned(),
            ..refusal.first
        }
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ItemId, TenantId, UserId};
    use crate::domain::journal::Actor;

    fn read(user: u32, read: ItemRead) -> NoteRead {
        NoteRead {
            actor: Actor::User(UserId(user)),
            from: Some("192.0.2.1".to_owned()),
            tenant: TenantId(1),
            item: ItemId(uuid::Uuid::from_u128(1)),
            read,
        }
    }

    #[test]
    fn a_read_stands_for_its_repeats_for_five_minutes_from_the_first() {
        let reads = RecentReads::default();
        let start = Instant::now();
        let noted = read(1, ItemRead::Item);
        assert!(!reads.knows(&noted, start));
        reads.remember(noted.clone(), start);
        let just_before = start + REPEAT - Duration::from_millis(1);
        assert!(reads.knows(&noted, just_before));
        reads.remember(noted.clone(), just_before);
        assert!(!reads.knows(&noted, start + REPEAT));
    }

    #[test]
    fn another_user_address_or_part_of_the_item_is_another_read() {
        let reads = RecentReads::default();
        let now = Instant::now();
        let first = read(1, ItemRead::Attachment(1));
        reads.remember(first.clone(), now);
        let elsewhere = NoteRead {
            from: Some("192.0.2.2".to_owned()),
            ..first.clone()
        };
        for other in [
            read(2, ItemRead::Attachment(1)),
            read(1, ItemRead::Attachment(2)),
            read(1, ItemRead::Item),
            elsewhere,
        ] {
            assert!(!reads.knows(&other, now), "{other:?}");
        }
        assert!(reads.knows(&first, now));
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest_first() {
        let reads = RecentReads::default();
        let now = Instant::now();
        let last = u32::try_from(REMEMBERED_MAX).expect("it is small");
        (0..last).for_each(|user| reads.remember(read(user, ItemRead::Item), now));
        let known = |user| reads.knows(&read(user, ItemRead::Item), now);
        assert!(known(0) && known(last - 1));
        reads.remember(read(last, ItemRead::Item), now);
        assert!(!known(0) && known(1) && known(last));
        let memory = reads.lock();
        assert_eq!(memory.known.len(), REMEMBERED_MAX);
        assert_eq!(memory.by_age.len(), REMEMBERED_MAX);
    }
}
