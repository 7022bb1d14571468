//! What systemd is told: readiness, a line of status, and that the engine is alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::MissedTickBehavior;
use tracing::{debug, warn};

/// The watchdog is fed this many times in its interval.
const FEEDS_PER_INTERVAL: u32 = 3;

/// Tells systemd that we serve.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells systemd that we are ending.
pub fn stopping(status: &str) {
    notify(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

/// Changes the line that `systemctl status` shows.
pub fn status(status: &str) {
    notify(&[NotifyState::Status(status)]);
}

/// Feeds the watchdog as long as the engine makes turns; returns at once where there is none.
/// Progress, not this task, is what counts: a hanging engine is ended by systemd.
pub async fn feed_watchdog(progress: Arc<AtomicU64>) {
    let Some(interval) = watchdog() else { return };
    let mut ticks = tokio::time::interval(interval / FEEDS_PER_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = None;
    loop {
        ticks.tick().await;
        let turns = progress.load(Ordering::Relaxed);
        if moved(&mut seen, turns) {
            notify(&[NotifyState::Watchdog]);
        } else {
            warn!(
                turns,
                "the engine makes no progress; the watchdog is not fed"
            );
        }
    }
}

/// Whether the counter moved since it was last seen. The first look counts as progress.
fn moved(seen: &mut Option<u64>, turns: u64) -> bool {
    seen.replace(turns) != Some(turns)
}

fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|interval| !interval.is_zero())
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!(%error, "systemd could not be told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_moving_counter_feeds_the_watchdog() {
        let mut seen = None;
        assert!(moved(&mut seen, 7), "the first look");
        assert!(!moved(&mut seen, 7), "it stood still");
        assert!(moved(&mut seen, 8), "it moved");
        assert!(!moved(&mut seen, 8), "it stood still again");
    }
}
