//! The event streams that are open: so many for each user, so many in all.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::domain::ids::UserId;

/// Streams of one user; one more closes the oldest.
pub const STREAMS_PER_USER_MAX: usize = 8;

/// Streams in all are at the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many event streams are open")]
pub struct Full;

/// One stream.
struct Open {
    number: u64,
    close: Arc<Notify>,
}

/// See the module.
#[derive(Default)]
pub struct Streams {
    by_user: BTreeMap<UserId, VecDeque<Open>>,
    count: usize,
    last: u64,
}

impl Streams {
    /// One more for the user, of `max` in all: its number, and what rings when it is to close.
    ///
    /// # Errors
    /// [`Full`]; a user with a full set of streams is never refused.
    pub fn open(&mut self, user: UserId, max: usize) -> Result<(u64, Arc<Notify>), Full> {
        let own = self.by_user.get(&user).map_or(0, VecDeque::len);
        if own < STREAMS_PER_USER_MAX && self.count >= max {
            return Err(Full);
        }
        let own = self.by_user.entry(user).or_default();
        if own.len() >= STREAMS_PER_USER_MAX
            && let Some(oldest) = own.pop_front()
        {
            oldest.close.notify_one();
            self.count -= 1;
        }
        self.last += 1;
        self.count += 1;
        let close = Arc::new(Notify::new());
        own.push_back(Open {
            number: self.last,
            close: close.clone(),
        });
        Ok((self.last, close))
    }

    /// A stream has ended, by itself or because it was to close.
    pub fn close(&mut self, user: UserId, number: u64) {
        let Some(own) = self.by_user.get_mut(&user) else {
            return;
        };
        let before = own.len();
        own.retain(|open| open.number != number);
        self.count -= before - own.len();
        if own.is_empty() {
            self.by_user.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: UserId = UserId(1);
    const BEN: UserId = UserId(2);

    fn is_rung(close: &Notify) -> bool {
        let mut rung = std::pin::pin!(close.notified());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        rung.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn one_more_of_a_user_closes_the_oldest() {
        let mut streams = Streams::default();
        let open: Vec<_> = (0..STREAMS_PER_USER_MAX)
            .map(|_| streams.open(ANNA, 100).expect("there is room"))
            .collect();
        assert!(open.iter().all(|(_, close)| !is_rung(close)));
        streams.open(ANNA, 100).expect("there is room");
        assert!(is_rung(&open[0].1));
        assert!(!is_rung(&open[1].1));
        assert_eq!(streams.count, STREAMS_PER_USER_MAX);
        streams.close(ANNA, open[0].0);
        assert_eq!(streams.count, STREAMS_PER_USER_MAX, "it was counted out");
    }

    #[test]
    fn one_more_than_all_is_refused_but_not_to_who_has_a_full_set() {
        let mut streams = Streams::default();
        let max = STREAMS_PER_USER_MAX + 1;
        let (first, _) = streams.open(BEN, max).expect("there is room");
        for _ in 0..STREAMS_PER_USER_MAX {
            streams.open(ANNA, max).expect("there is room");
        }
        assert!(streams.open(BEN, max).is_err());
        assert!(streams.open(ANNA, max).is_ok());
        streams.close(BEN, first);
        assert!(streams.open(BEN, max).is_ok());
    }
}
