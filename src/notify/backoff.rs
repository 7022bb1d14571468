//! When to try again, as a pure function: longer and longer, with jitter, until it is given up.

use crate::domain::notification::Attempts;
use crate::domain::time::Timestamp;

/// How long to wait between attempts, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Least pause.
    pub pause_min_ms: i64,
    /// Greatest pause.
    pub pause_max_ms: i64,
    /// From the first failure until it is given up.
    pub give_up_after_ms: i64,
}

impl Default for Schedule {
    /// 5 s to 6 h, for three days: some 26 attempts.
    fn default() -> Schedule {
        const SECOND_MS: i64 = 1_000;
        const HOUR_MS: i64 = 3_600 * SECOND_MS;
        Schedule {
            pause_min_ms: 5 * SECOND_MS,
            pause_max_ms: 6 * HOUR_MS,
            give_up_after_ms: 72 * HOUR_MS,
        }
    }
}

impl Schedule {
    /// When to try again after an attempt that failed at `now` and those before it; `None`: it is
    /// given up. The pause lies in the upper half of a span that doubles with each failure, where
    /// `random` says, so that what failed together does not come back together. The last attempt
    /// is made when the time is over, not before.
    pub fn next(&self, before: &Attempts, now: Timestamp, random: u32) -> Option<Timestamp> {
        let since = before.failing_since.unwrap_or(now);
        let end = since.plus_ms(self.give_up_after_ms);
        if now >= end {
            return None;
        }
        let doublings = before.failed.saturating_add(1).min(62);
        let span = self.pause_min_ms.saturating_mul(1 << doublings);
        let longest = span.min(self.pause_max_ms);
        let shortest = (longest / 2).max(self.pause_min_ms).min(longest);
        let share = (longest - shortest).saturating_mul(i64::from(random)) / i64::from(u32::MAX);
        Some(now.plus_ms(shortest + share).min(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_176_000_000);

    fn failed(failed: u32, ms_ago: i64) -> Attempts {
        Attempts {
            failed,
            failing_since: (failed > 0).then(|| NOW.plus_ms(-ms_ago)),
            error: None,
        }
    }

    fn pause(before: u32, random: u32) -> i64 {
        let next = Schedule::default().next(&failed(before, 60_000), NOW, random);
        next.expect("it is tried again").since_ms(NOW)
    }

    #[test]
    fn pauses_double_from_five_seconds_to_six_hours() {
        assert_eq!((pause(0, 0), pause(0, u32::MAX)), (5_000, 10_000));
        assert_eq!((pause(1, 0), pause(1, u32::MAX)), (10_000, 20_000));
        assert_eq!((pause(5, 0), pause(5, u32::MAX)), (160_000, 320_000));
        for many in [12, 13, 62, u32::MAX] {
            let span = (pause(many, 0), pause(many, u32::MAX));
            assert_eq!(span, (3 * 3_600_000, 6 * 3_600_000), "{many}");
        }
    }

    #[test]
    fn the_last_attempt_is_made_when_three_days_are_over() {
        const DAYS_MS: i64 = 72 * 3_600_000;
        let schedule = Schedule::default();
        let before_end = schedule.next(&failed(20, DAYS_MS - 1), NOW, 0);
        assert_eq!(before_end, Some(NOW.plus_ms(1)));
        assert_eq!(schedule.next(&failed(20, DAYS_MS), NOW, 0), None);
        assert_eq!(schedule.next(&failed(20, DAYS_MS + 1), NOW, 0), None);
    }

    #[test]
    fn a_clock_that_went_back_gives_nothing_up() {
        let next = Schedule::default().next(&failed(3, -60_000), NOW, 0);
        assert_eq!(next, Some(NOW.plus_ms(40_000)));
    }
}
