//! Buckets: waiting items that may go to the same agents, in order. An agent looks only at the
//! heads of the buckets it reaches, so an item it cannot serve is never in its way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::ids::{Sequence, ServiceId, UserId};

use super::order::{Precedence, WaitingOrder};
use super::requirement::Asked;

/// A bucket, as the core numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketId(u32);

/// What the items of a bucket have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BucketKey {
    /// Their service.
    pub service: ServiceId,
    /// Services whose agents may have them too, sorted.
    pub services_too: Box<[ServiceId]>,
    /// What they ask for.
    pub asked: Asked,
}

impl BucketKey {
    /// The services whose agents may have them.
    pub fn services(&self) -> impl Iterator<Item = ServiceId> + '_ {
        [self.service]
            .into_iter()
            .chain(self.services_too.iter().copied())
    }
}

/// One bucket.
#[derive(Debug)]
pub struct Bucket {
    /// What its items have in common.
    pub key: BucketKey,
    /// Its items are offered; false where agents choose from the list or the service is retired.
    pub offers: bool,
    /// Its items.
    order: WaitingOrder,
    /// Agents that could have its items if they signed in.
    pub able: BTreeSet<UserId>,
    /// Agents that may have its items now, free or busy, with their sum of levels.
    pub present: BTreeMap<UserId, u32>,
    /// Items in it that somebody declined or left unanswered.
    pub asked_before: BTreeSet<Sequence>,
}

impl Bucket {
    /// Its items, first served first.
    pub fn in_precedence(&self) -> impl Iterator<Item = Precedence> + '_ {
        self.order.in_precedence()
    }
}

/// The buckets of a node.
#[derive(Debug, Default)]
pub struct Buckets {
    buckets: Vec<Bucket>,
    /// Beside the buckets, because this is all that most decisions look at.
    heads: Vec<Option<Precedence>>,
    index: HashMap<BucketKey, BucketId>,
}

impl Buckets {
    /// The bucket of that key; the second is true when it is new.
    pub fn with_key(&mut self, key: BucketKey, offers: bool) -> (BucketId, bool) {
        if let Some(id) = self.index.get(&key) {
            return (*id, false);
        }
        let id = BucketId(self.buckets.len() as u32);
        self.index.insert(key.clone(), id);
        self.heads.push(None);
        self.buckets.push(Bucket {
            key,
            offers,
            order: WaitingOrder::default(),
            able: BTreeSet::new(),
            present: BTreeMap::new(),
            asked_before: BTreeSet::new(),
        });
        (id, true)
    }

    /// The bucket of that number.
    pub fn bucket(&self, id: BucketId) -> &Bucket {
        &self.buckets[id.0 as usize]
    }

    /// The bucket of that number, to note agents and asked items in it.
    pub fn bucket_mut(&mut self, id: BucketId) -> &mut Bucket {
        &mut self.buckets[id.0 as usize]
    }

    /// Its first item.
    pub fn head(&self, id: BucketId) -> Option<Precedence> {
        self.heads[id.0 as usize]
    }

    /// Adds an item; `asked_before` if somebody declined it or left it unanswered.
    pub fn insert(&mut self, id: BucketId, precedence: Precedence, asked_before: bool) {
        let bucket = &mut self.buckets[id.0 as usize];
        bucket
            .order
            .insert(precedence.priority(), precedence.sequence());
        if asked_before {
            bucket.asked_before.insert(precedence.sequence());
        }
        let head = &mut self.heads[id.0 as usize];
        *head = Some(head.map_or(precedence, |head| head.min(precedence)));
    }

    /// Takes an item out, which must be there.
    pub fn remove(&mut self, id: BucketId, precedence: Precedence) {
        let bucket = &mut self.buckets[id.0 as usize];
        let was_there = bucket
            .order
            .remove(precedence.priority(), precedence.sequence());
        assert!(was_there, "a waiting item is in its bucket");
        bucket.asked_before.remove(&precedence.sequence());
        let head = &mut self.heads[id.0 as usize];
        if *head == Some(precedence) {
            *head = bucket.order.in_precedence().next();
        }
    }

    /// All buckets with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (BucketId, &Bucket)> {
        (0..).map(BucketId).zip(&self.buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Priority;

    fn precedence(priority: u8, sequence: u64) -> Precedence {
        let priority = Priority::new(priority).expect("0 to 9");
        Precedence::new(priority, Sequence(sequence))
    }

    #[test]
    fn the_head_is_always_the_first_served() {
        let mut buckets = Buckets::default();
        let key = BucketKey {
            service: ServiceId(1),
            services_too: [].into(),
            asked: [].into(),
        };
        let (id, new) = buckets.with_key(key.clone(), true);
        assert!(new);
        assert_eq!(buckets.with_key(key, true), (id, false));
        assert_eq!(buckets.head(id), None);
        for (priority, sequence, head) in [(5, 2, (5, 2)), (5, 1, (5, 1)), (7, 3, (7, 3))] {
            buckets.insert(id, precedence(priority, sequence), false);
            assert_eq!(buckets.head(id), Some(precedence(head.0, head.1)));
        }
        buckets.remove(id, precedence(7, 3));
        assert_eq!(buckets.head(id), Some(precedence(5, 1)));
        buckets.remove(id, precedence(5, 2));
        assert_eq!(buckets.head(id), Some(precedence(5, 1)));
        buckets.remove(id, precedence(5, 1));
        assert_eq!(buckets.head(id), None);
    }
}
