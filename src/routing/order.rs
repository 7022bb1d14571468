//! Waiting items in the order they are served: priority descending, then sequence ascending.
//!
//! Eight to sixteen bytes an item: each priority is a lane of sorted chunks of sequences. New items
//! carry the highest sequence, so they append; leaving from the middle moves at most one chunk.

use std::cmp::Reverse;
use std::collections::VecDeque;

use crate::domain::ids::{Priority, Sequence};

/// Sequences in one chunk, at most: 4 KiB.
const CHUNK_MAX: usize = 512;
/// One lane for each priority, 0 to 9.
const LANES: usize = 10;

/// Where an item stands in the order of service: the smaller goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Precedence {
    priority: Reverse<Priority>,
    sequence: Sequence,
}

impl Precedence {
    /// Of an item.
    pub fn new(priority: Priority, sequence: Sequence) -> Precedence {
        Precedence {
            priority: Reverse(priority),
            sequence,
        }
    }

    /// Its priority.
    pub fn priority(self) -> Priority {
        self.priority.0
    }

    /// Which item.
    pub fn sequence(self) -> Sequence {
        self.sequence
    }
}

/// A set of waiting items that knows their order and each one's position.
#[derive(Debug, Default)]
pub struct WaitingOrder {
    lanes: [Lane; LANES],
}

impl WaitingOrder {
    /// Adds an item. It must not be in the set yet.
    pub fn insert(&mut self, priority: Priority, sequence: Sequence) {
        self.lanes[usize::from(priority.value())].insert(sequence.0);
    }

    /// Takes an item out. Returns whether it was there.
    pub fn remove(&mut self, priority: Priority, sequence: Sequence) -> bool {
        self.lanes[usize::from(priority.value())].remove(sequence.0)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.len == 0)
    }

    /// All items, first served first.
    pub fn iter(&self) -> impl Iterator<Item = Sequence> + '_ {
        self.lanes.iter().rev().flat_map(Lane::iter).map(Sequence)
    }

    /// All items with their priority, first served first.
    pub fn in_precedence(&self) -> impl Iterator<Item = Precedence> + '_ {
        let lanes = (0..LANES as u8).zip(&self.lanes).rev();
        lanes.flat_map(|(value, lane)| {
            let priority = Priority::new(value).expect("a lane is a priority");
            lane.iter()
                .map(move |sequence| Precedence::new(priority, Sequence(sequence)))
        })
    }

    /// The item that was received first, whatever its priority.
    pub fn oldest(&self) -> Option<Sequence> {
        self.lanes
            .iter()
            .filter_map(|lane| lane.iter().next())
            .min()
            .map(Sequence)
    }

    /// How many are served before an item of that priority that would come now.
    pub fn ahead_of_newcomer(&self, priority: Priority) -> u64 {
        let lane = usize::from(priority.value());
        self.lanes[lane..].iter().map(|lane| lane.len as u64).sum()
    }

    /// From 1: how many are served up to and with this item. `None` if it is not in the set.
    pub fn position(&self, priority: Priority, sequence: Sequence) -> Option<u64> {
        let lane = usize::from(priority.value());
        let ahead: usize = self.lanes[lane + 1..].iter().map(|lane| lane.len).sum();
        let within = self.lanes[lane].rank(sequence.0)?;
        Some((ahead + within + 1) as u64)
    }
}

/// One priority: ascending sequences in chunks, none of them empty.
#[derive(Debug, Default)]
struct Lane {
    chunks: VecDeque<Vec<u64>>,
    len: usize,
}

impl Lane {
    fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.chunks.iter().flatten().copied()
    }

    /// The chunk that holds `key` or would take it: the first whose last key is not below it.
    /// Newcomers go to the back and the served leave near the front, so both ends are tried first:
    /// a search over a million items touches memory that nothing else keeps warm.
    fn chunk_of(&self, key: u64) -> usize {
        let below = |chunk: Option<&Vec<u64>>| chunk?.last().map(|last| *last < key);
        if below(self.chunks.back()) == Some(true) {
            return self.chunks.len();
        }
        if below(self.chunks.front()) == Some(false) {
            return 0;
        }
        self.chunks
            .partition_point(|chunk| chunk.last().is_some_and(|last| *last < key))
    }

    fn insert(&mut self, key: u64) {
        self.len += 1;
        let index = self.chunk_of(key);
        if index == self.chunks.len() {
            match self.chunks.back_mut() {
                Some(last) if last.len() < CHUNK_MAX => last.push(key),
                Some(_) | None => self.chunks.push_back(vec![key]),
            }
            return;
        }
        let chunk = &mut self.chunks[index];
        match chunk.binary_search(&key) {
            Ok(_) => unreachable!("an item is inserted once"),
            Err(place) => chunk.insert(place, key),
        }
        if chunk.len() > CHUNK_MAX {
            let upper = chunk.split_off(CHUNK_MAX / 2);
            self.chunks.insert(index + 1, upper);
        }
    }

    fn remove(&mut self, key: u64) -> bool {
        let index = self.chunk_of(key);
        let Some(chunk) = self.chunks.get_mut(index) else {
            return false;
        };
        let Ok(place) = chunk.binary_search(&key) else {
            return false;
        };
        chunk.remove(place);
        if chunk.is_empty() {
            self.chunks.remove(index);
        }
        self.len -= 1;
        true
    }

    fn rank(&self, key: u64) -> Option<usize> {
        let index = self.chunk_of(key);
        let within = self.chunks.get(index)?.binary_search(&key).ok()?;
        let before: usize = self.chunks.iter().take(index).map(Vec::len).sum();
        Some(before + within)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn priority(value: u8) -> Priority {
        Priority::new(value).expect("0 to 9")
    }

    #[test]
    fn higher_priority_goes_first_then_first_received() {
        let mut order = WaitingOrder::default();
        for (value, sequence) in [(5, 1), (5, 2), (9, 3), (0, 4), (5, 5)] {
            order.insert(priority(value), Sequence(sequence));
        }
        let served: Vec<u64> = order.iter().map(|sequence| sequence.0).collect();
        assert_eq!(served, [3, 1, 2, 5, 4]);
        assert_eq!(order.position(priority(5), Sequence(2)), Some(3));
        assert_eq!(order.oldest(), Some(Sequence(1)));
    }

    #[test]
    fn an_item_under_another_priority_is_not_found() {
        let mut order = WaitingOrder::default();
        order.insert(priority(5), Sequence(1));
        assert!(!order.remove(priority(6), Sequence(1)));
        assert_eq!(order.position(priority(6), Sequence(1)), None);
        assert_eq!(order.len(), 1);
    }

    proptest! {
        #[test]
        fn order_and_positions_are_those_of_a_sorted_set(
            steps in prop::collection::vec((any::<bool>(), 0u8..10, 1u64..3_000), 0..4_000)
        ) {
            let mut order = WaitingOrder::default();
            let mut model = BTreeSet::new();
            for (insert, value, sequence) in steps {
                let key = (9 - value, sequence);
                if insert {
                    if model.insert(key) {
                        order.insert(priority(value), Sequence(sequence));
                    }
                } else {
                    let removed = order.remove(priority(value), Sequence(sequence));
                    prop_assert_eq!(removed, model.remove(&key));
                }
            }
            let ordered: Vec<Precedence> = order.in_precedence().collect();
            prop_assert!(ordered.is_sorted());
            let served: Vec<u64> = order.iter().map(|sequence| sequence.0).collect();
            prop_assert!(ordered.iter().map(|it| it.sequence().0).eq(served.iter().copied()));
            let expected: Vec<u64> = model.iter().map(|key| key.1).collect();
            prop_assert_eq!(served, expected);
            prop_assert_eq!(order.len(), model.len());
            for (index, (lane, sequence)) in model.iter().enumerate() {
                let position = order.position(priority(9 - lane), Sequence(*sequence));
                prop_assert_eq!(position, Some(index as u64 + 1));
            }
            prop_assert_eq!(
                order.oldest().map(|sequence| sequence.0),
                model.iter().map(|key| key.1).min()
            );
        }
    }
}
