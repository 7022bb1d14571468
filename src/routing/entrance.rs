//! The entrance of a service: open, or closed for one or more reasons.
//!
//! What people ordered is durable ([`EntranceOrders`]); opening hours are evaluated at each instant
//! and never counted down; whether the queue is full is told by the queue.

use std::sync::Arc;

use crate::domain::answer::{ClosedReason, EntranceStatus};
use crate::domain::entrance::{EntranceOrder, EntranceOrders, EntranceVerb};
use crate::domain::time::{Hours, HoursNow, Timestamp};

/// Steps that the search for the next opening takes, at most: each is one edge of the opening
/// hours or the end of an order.
const OPENING_STEPS_MAX: usize = 64;

/// Longest time between two evaluations: a schedule that sees no change ahead looks only so far.
const EVALUATION_INTERVAL_MS: i64 = 24 * 3_600_000;

/// An entrance with its state at the instant it was last evaluated.
pub struct Entrance {
    hours: Option<Arc<dyn Hours>>,
    orders: EntranceOrders,
    queue_full: bool,
    held: bool,
    status: EntranceStatus,
    next_change: Option<Timestamp>,
}

impl Entrance {
    /// An entrance with its orders; evaluate it before use.
    pub fn new(hours: Option<Arc<dyn Hours>>, orders: EntranceOrders, held: bool) -> Entrance {
        Entrance {
            hours,
            orders,
            queue_full: false,
            held,
            status: EntranceStatus::default(),
            next_change: None,
        }
    }

    /// What held when it was last evaluated. `releasing` is not known here and always false.
    pub fn status(&self) -> &EntranceStatus {
        &self.status
    }

    /// Whether items may enter.
    pub fn is_open(&self) -> bool {
        self.status.reasons.is_empty()
    }

    /// What the opening hours say, whatever else keeps it closed: `None` while they say open or it
    /// is forced open, else until when they say closed (`None` in that: nobody knows).
    pub fn opening(&self, now: Timestamp) -> Option<Option<Timestamp>> {
        let hours = self.hours_at(now);
        let open = hours.open || self.forced_at(now).is_some();
        (!open).then_some(hours.until)
    }

    /// What people ordered.
    pub fn orders(&self) -> &EntranceOrders {
        &self.orders
    }

    /// Puts orders in place of those there are.
    pub fn set_orders(&mut self, orders: EntranceOrders, now: Timestamp) {
        self.orders = orders;
        self.evaluate(now);
    }

    /// Tells whether the queue is full. Returns whether that is news.
    pub fn set_queue_full(&mut self, full: bool, now: Timestamp) -> bool {
        let news = self.queue_full != full;
        if news {
            self.queue_full = full;
            self.evaluate(now);
        }
        news
    }

    /// When the state may next change by itself, or is to be evaluated again at the latest.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.next_change
    }

    /// Finds out what holds at `now`.
    pub fn evaluate(&mut self, now: Timestamp) {
        let hours = self.hours_at(now);
        let reasons = self.reasons_at(now, hours);
        let open = reasons.is_empty();
        self.status = EntranceStatus {
            opens_at: if open { None } else { self.next_opening(now) },
            closes_at: if open && hours.open {
                hours.until
            } else {
                None
            },
            forced_until: self.forced_at(now).and_then(|order| order.until),
            reasons,
            releasing: false,
        };
        let order_ends = [&self.orders.closed, &self.orders.forced_open]
            .into_iter()
            .flatten()
            .filter_map(|order| order.until)
            .filter(|until| *until > now);
        let again = now.plus_ms(EVALUATION_INTERVAL_MS);
        self.next_change = order_ends.chain(hours.until).chain([again]).min();
    }

    /// The orders that follow when a person opens or closes the entrance at `now`.
    ///
    /// Opening takes a closing by hand back. With `until` it also forces the entrance open until
    /// then; without, an entrance outside its opening hours is forced open until they begin.
    pub fn ordered(
        &self,
        verb: EntranceVerb,
        until: Option<Timestamp>,
        reason: Option<String>,
        now: Timestamp,
    ) -> EntranceOrders {
        match verb {
            EntranceVerb::Close => EntranceOrders {
                closed: Some(EntranceOrder {
                    until,
                    reason,
                    since: now,
                }),
                forced_open: None,
            },
            EntranceVerb::Open => {
                let hours = self.hours_at(now);
                let force = until.is_some() || !hours.open;
                let until = if hours.open {
                    until
                } else {
                    until.or(hours.until)
                };
                EntranceOrders {
                    closed: None,
                    forced_open: force.then_some(EntranceOrder {
                        until,
                        reason,
                        since: now,
                    }),
                }
            }
        }
    }

    fn hours_at(&self, now: Timestamp) -> HoursNow {
        match &self.hours {
            Some(hours) => hours.at(now),
            None => HoursNow {
                open: true,
                until: None,
            },
        }
    }

    fn forced_at(&self, now: Timestamp) -> Option<&EntranceOrder> {
        self.orders
            .forced_open
            .as_ref()
            .filter(|order| order.holds_at(now))
    }

    fn closed_at(&self, now: Timestamp) -> Option<&EntranceOrder> {
        self.orders
            .closed
            .as_ref()
            .filter(|order| order.holds_at(now))
    }

    fn reasons_at(&self, now: Timestamp, hours: HoursNow) -> Vec<ClosedReason> {
        let forced = self.forced_at(now).is_some();
        let mut reasons = Vec::new();
        if !hours.open && !forced {
            reasons.push(ClosedReason::Hours);
        }
        if self.closed_at(now).is_some() && !forced {
            reasons.push(ClosedReason::ByHand);
        }
        if self.queue_full {
            reasons.push(ClosedReason::QueueFull);
        }
        if self.held {
            reasons.push(ClosedReason::Held);
        }
        reasons
    }

    /// The first instant after `now` at which no reason is left; `None` where a reason has no
    /// known end.
    fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        if self.queue_full || self.held {
            return None;
        }
        let mut at = now;
        for _ in 0..OPENING_STEPS_MAX {
            let hours = self.hours_at(at);
            let mut ends = Vec::new();
            for reason in self.reasons_at(at, hours) {
                ends.push(match reason {
                    ClosedReason::Hours => hours.until?,
                    ClosedReason::ByHand => self.closed_at(at)?.until?,
                    ClosedReason::QueueFull | ClosedReason::Held => return None,
                });
            }
            match ends.into_iter().max() {
                None => return Some(at),
                Some(end) => at = end,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Open from minute 10 to 20 of every 60.
    struct TenToTwenty;

    impl Hours for TenToTwenty {
        fn at(&self, now: Timestamp) -> HoursNow {
            let hour = now.0.div_euclid(60) * 60;
            match now.0.rem_euclid(60) {
                0..10 => HoursNow {
                    open: false,
                    until: Some(Timestamp(hour + 10)),
                },
                10..20 => HoursNow {
                    open: true,
                    until: Some(Timestamp(hour + 20)),
                },
                _ => HoursNow {
                    open: false,
                    until: Some(Timestamp(hour + 70)),
                },
            }
        }
    }

    fn entrance(now: i64) -> Entrance {
        let mut entrance = Entrance::new(
            Some(Arc::new(TenToTwenty)),
            EntranceOrders::default(),
            false,
        );
        entrance.evaluate(Timestamp(now));
        entrance
    }

    fn order(entrance: &mut Entrance, verb: EntranceVerb, until: Option<i64>, now: i64) {
        let orders = entrance.ordered(verb, until.map(Timestamp), None, Timestamp(now));
        entrance.set_orders(orders, Timestamp(now));
    }

    #[test]
    fn opening_hours_open_and_close_it() {
        let mut entrance = entrance(0);
        assert_eq!(entrance.status().reasons, [ClosedReason::Hours]);
        assert_eq!(entrance.status().opens_at, Some(Timestamp(10)));
        assert_eq!(entrance.next_change(), Some(Timestamp(10)));
        entrance.evaluate(Timestamp(10));
        assert!(entrance.is_open());
        assert_eq!(entrance.status().closes_at, Some(Timestamp(20)));
    }

    #[test]
    fn a_closing_by_hand_into_the_closed_hours_opens_with_the_next_hours() {
        let mut entrance = entrance(12);
        order(&mut entrance, EntranceVerb::Close, Some(30), 12);
        assert_eq!(entrance.status().reasons, [ClosedReason::ByHand]);
        assert_eq!(entrance.status().opens_at, Some(Timestamp(70)));
    }

    #[test]
    fn a_closing_by_hand_without_end_has_no_opening() {
        let mut entrance = entrance(12);
        order(&mut entrance, EntranceVerb::Close, None, 12);
        assert_eq!(entrance.status().opens_at, None);
        order(&mut entrance, EntranceVerb::Open, None, 13);
        assert!(entrance.is_open());
        assert!(
            entrance.orders().forced_open.is_none(),
            "the hours keep it open"
        );
    }

    #[test]
    fn opening_outside_the_hours_forces_it_open_until_they_begin() {
        let mut entrance = entrance(30);
        order(&mut entrance, EntranceVerb::Open, None, 30);
        assert!(entrance.is_open());
        assert_eq!(entrance.status().forced_until, Some(Timestamp(70)));
        entrance.evaluate(Timestamp(70));
        assert!(entrance.is_open(), "the hours carry on");
        entrance.evaluate(Timestamp(80));
        assert!(!entrance.is_open(), "and end as usual");
    }

    #[test]
    fn forcing_open_ends_at_its_time_to_the_millisecond() {
        let mut entrance = entrance(30);
        order(&mut entrance, EntranceVerb::Open, Some(40), 30);
        entrance.evaluate(Timestamp(39));
        assert!(entrance.is_open());
        assert_eq!(entrance.next_change(), Some(Timestamp(40)));
        entrance.evaluate(Timestamp(40));
        assert_eq!(entrance.status().reasons, [ClosedReason::Hours]);
    }

    #[test]
    fn forcing_open_names_the_reasons_that_remain() {
        let mut entrance = entrance(30);
        entrance.set_queue_full(true, Timestamp(30));
        order(&mut entrance, EntranceVerb::Open, None, 30);
        assert_eq!(entrance.status().reasons, [ClosedReason::QueueFull]);
        assert_eq!(
            entrance.status().opens_at,
            None,
            "nobody knows when there will be room"
        );
    }

    #[test]
    fn a_clock_that_jumps_back_closes_it_again() {
        let mut entrance = entrance(12);
        assert!(entrance.is_open());
        entrance.evaluate(Timestamp(5));
        assert!(!entrance.is_open());
    }
}
