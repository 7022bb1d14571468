//! One table of everything that becomes due. Times are absolute, so a clock that jumps makes them
//! early or late but never lost.

use std::collections::BTreeSet;

use crate::domain::ids::{OfferId, Sequence, ServiceId, UserId};
use crate::domain::time::Timestamp;

/// What becomes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A scheduled item's `notBefore`.
    Start(Sequence),
    /// An item's lifetime.
    Expire(Sequence),
    /// A parked item's time.
    Unpark(Sequence),
    /// An item's workflow has something to do.
    Flow(Sequence),
    /// An entrance may open or close: its opening hours or an order of a person change.
    Entrance(ServiceId),
}

/// What becomes due in the distribution of items. Each is checked again when it is: one that has
/// lost its meaning does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// An offer has rung long enough.
    OfferOver(OfferId),
    /// A waiting item widens to its next level.
    Widen(Sequence),
    /// A waiting item has waited for its preferred agents alone long enough.
    PreferredOver(Sequence),
    /// An agent's wrap-up ends.
    WrapUpOver(UserId),
    /// An agent's unanswered offer is forgiven.
    NoAnswerOver(UserId),
    /// The items of an agent that is gone have been kept long enough.
    AbsenceOver(UserId),
}

/// The timers of a node, in order of time.
#[derive(Debug)]
pub struct Timers<T = Timer> {
    set: BTreeSet<(Timestamp, T)>,
}

impl<T> Default for Timers<T> {
    fn default() -> Timers<T> {
        Timers {
            set: BTreeSet::new(),
        }
    }
}

impl<T: Copy + Ord> Timers<T> {
    /// Adds one; adding the same twice is the same as once.
    pub fn set(&mut self, at: Timestamp, timer: T) {
        self.set.insert((at, timer));
    }

    /// Takes one back. It need not be there.
    pub fn clear(&mut self, at: Timestamp, timer: T) {
        self.set.remove(&(at, timer));
    }

    /// The next time at which something is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.set.first().map(|(at, _)| *at)
    }

    /// All of them, in order of time.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = (Timestamp, T)> {
        self.set.iter().copied()
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.set.len()
    }

    /// Takes out the first timer due at `now`, if any.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<T> {
        let first = *self.set.first()?;
        if first.0 > now {
            return None;
        }
        self.set.remove(&first);
        Some(first.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_due_in_order_of_time_and_at_their_very_millisecond() {
        let mut timers = Timers::default();
        timers.set(Timestamp(20), Timer::Expire(Sequence(1)));
        timers.set(Timestamp(10), Timer::Start(Sequence(2)));
        assert_eq!(timers.next(), Some(Timestamp(10)));
        assert_eq!(timers.pop_due(Timestamp(9)), None);
        assert_eq!(
            timers.pop_due(Timestamp(10)),
            Some(Timer::Start(Sequence(2)))
        );
        assert_eq!(timers.pop_due(Timestamp(19)), None);
        assert_eq!(
            timers.pop_due(Timestamp(25)),
            Some(Timer::Expire(Sequence(1)))
        );
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_cleared_timer_never_comes_due() {
        let mut timers = Timers::default();
        timers.set(Timestamp(10), Timer::Expire(Sequence(1)));
        timers.clear(Timestamp(10), Timer::Expire(Sequence(1)));
        assert_eq!(timers.pop_due(Timestamp(99)), None);
    }
}
