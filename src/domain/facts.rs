//! What a condition may look at.

use super::content::ContactDatum;
use super::content::Customer;
use super::time::Timestamp;

/// Groups of facts that cost something to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fact {
    /// The sender's texts and the contact data ([`Facts::texts`]).
    Texts,
    /// The item's place in its queue ([`Facts::position`]).
    Position,
    /// The service and its agents ([`Facts::service`]).
    Service,
    /// The clock of the tenant ([`Facts::local`]).
    LocalTime,
}

/// What holds about an item at one instant. What no condition reads may be left at its default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The instant.
    pub now: Timestamp,
    /// The state's word.
    pub state: &'static str,
    /// 0 to 9.
    pub priority: u8,
    /// Reported.
    pub chargeable: bool,
    /// When its message reached the door.
    pub received_at: Timestamp,
    /// Its due date.
    pub due_by: Option<Timestamp>,
    /// How long it has waited for an agent since it first came into a queue, in milliseconds.
    pub waited_ms: i64,
    /// Offers of it that have ended.
    pub attempts: u32,
    /// Its result, once an agent has ended it.
    pub result: Option<String>,
    /// What the sender wrote.
    pub texts: Texts,
    /// From 1, in the queue or the buffer.
    pub position: Option<u64>,
    /// Its service.
    pub service: ServiceFacts,
    /// The clock of the tenant.
    pub local: LocalTime,
    /// Alerts of the workflow that nobody has acknowledged.
    pub open_alerts: u32,
    /// What ended the last wait: the word of an event, or `time`; empty before the first.
    pub woken: &'static str,
}

/// What the sender wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    /// The sender's own id.
    pub reference: String,
    /// One line.
    pub title: Option<String>,
    /// The task type as written.
    pub task_type: Option<String>,
    /// Where the contact came from.
    pub origin: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Whom it is about.
    pub customer: Customer,
    /// The free keys.
    pub contact_data: Vec<ContactDatum>,
}

/// An item's service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceFacts {
    /// Its name.
    pub name: String,
    /// Whether its entrance is open.
    pub open: bool,
    /// Items in its queue.
    pub queued: u64,
    /// Items before its entrance.
    pub buffered: u64,
    /// Agents who could be offered an item now.
    pub available: u64,
    /// Agents who are signed in for it.
    pub signed_in: u64,
}

/// An instant by the clock of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LocalTime {
    /// For example 2026.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 1 (Monday) to 7.
    pub weekday: u8,
}

/// The clock on a tenant's wall, as a pure function of time.
pub trait WallClock: Send + Sync {
    /// What it shows at `now`.
    fn at(&self, now: Timestamp) -> LocalTime;

    /// The first instant after `now` at which it shows `minute` minutes after midnight (or, on a
    /// day without that time, the first after it).
    fn next(&self, minute: u16, now: Timestamp) -> Timestamp;
}

/// The clock of a tenant in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc;

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;
/// Milliseconds of a day.
const DAY_MS: i64 = 1_440 * MINUTE_MS;

impl WallClock for Utc {
    fn at(&self, now: Timestamp) -> LocalTime {
        LocalTime::of_wall(now.0)
    }

    fn next(&self, minute: u16, now: Timestamp) -> Timestamp {
        let midnight = now.0 - now.0.rem_euclid(DAY_MS);
        let today = midnight + i64::from(minute) * MINUTE_MS;
        Timestamp(if today > now.0 { today } else { today + DAY_MS })
    }
}

impl LocalTime {
    /// What a clock shows that stands at `wall` milliseconds since 1970-01-01T00:00 of its own.
    pub fn of_wall(wall: i64) -> LocalTime {
        let days = wall.div_euclid(DAY_MS);
        let minutes = wall.rem_euclid(DAY_MS) / MINUTE_MS;
        let (year, month, day) = civil(days);
        LocalTime {
            year,
            month,
            day,
            hour: small(minutes / 60),
            minute: small(minutes % 60),
            // 1970-01-01 was a Thursday.
            weekday: small((days + 3).rem_euclid(7) + 1),
        }
    }
}

/// The day of the Gregorian calendar that is so many days after 1970-01-01 (Howard Hinnant,
/// *chrono-compatible low-level date algorithms*, `civil_from_days`).
fn civil(days: i64) -> (i16, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        i16::try_from(year).unwrap_or(i16::MAX),
        small(month),
        small(day),
    )
}

fn small(value: i64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        let parsed: jiff::Timestamp = text.parse().expect("a test's own time");
        Timestamp(parsed.as_millisecond())
    }

    #[test]
    fn the_clock_shows_what_the_calendar_says() {
        for days in (-400_000..400_000).step_by(97) {
            let at = Timestamp(days * DAY_MS + 13 * 3_600_000 + 7 * MINUTE_MS);
            let instant = jiff::Timestamp::from_millisecond(at.0).expect("in range");
            let civil = instant.to_zoned(jiff::tz::TimeZone::UTC);
            let shown = Utc.at(at);
            assert_eq!(i64::from(shown.year), i64::from(civil.year()));
            assert_eq!(i64::from(shown.month), i64::from(civil.month()));
            assert_eq!(i64::from(shown.day), i64::from(civil.day()));
            assert_eq!((shown.hour, shown.minute), (13, 7));
            let weekday = civil.weekday().to_monday_one_offset();
            assert_eq!(i64::from(shown.weekday), i64::from(weekday));
        }
    }

    #[test]
    fn the_next_time_of_day_is_later_than_now() {
        let noon = instant("2026-11-20T12:00:00Z");
        assert_eq!(Utc.next(720, noon.plus_ms(-1)), noon);
        assert_eq!(Utc.next(720, noon), instant("2026-11-21T12:00:00Z"));
        assert_eq!(Utc.next(721, noon), instant("2026-11-20T12:01:00Z"));
    }
}
