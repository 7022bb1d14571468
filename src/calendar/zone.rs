//! Time zones of the system's tzdata, as stretches of time with one offset each.

use jiff::tz::TimeZone;

use super::CalendarError;
use crate::domain::facts::{LocalTime, WallClock};
use crate::domain::time::Timestamp;

/// Names that tzdata files carry but that say nothing about a place, or something else on every
/// machine.
const NOT_A_PLACE: [&str; 4] = ["localtime", "posixrules", "Factory", "Etc/Unknown"];
/// Changes of a clock that are looked through for a time of day.
const CHANGES_A_DAY_MAX: usize = 8;
/// Characters of a wrong name that an error repeats.
const NAME_CHARS_SHOWN: usize = 64;

/// A time zone by its IANA name, as the system's tzdata had it when it was parsed. A newer tzdata
/// is seen after a reload of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A stretch of time in which the clocks of a zone stand at one offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    offset_ms: i64,
    /// The instant at which it ends (exclusive); `None` for the last one.
    pub(super) end: Option<Timestamp>,
}

impl Stretch {
    /// What the clock on the wall shows at `time`, in milliseconds since 1970-01-01T00:00 there.
    pub(super) fn wall(self, time: Timestamp) -> i64 {
        time.0.saturating_add(self.offset_ms)
    }

    /// The instant of this stretch at which the clock on the wall shows `wall`.
    pub(super) fn instant(self, wall: i64) -> Timestamp {
        Timestamp(wall.saturating_sub(self.offset_ms))
    }
}

impl Zone {
    /// The zone called `name`, in any case of letters.
    ///
    /// # Errors
    /// `ZoneUnknown` when tzdata has no such name (the operator corrects it), `ZonesMissing` when
    /// there is no tzdata (the operator installs it).
    pub fn parse(name: &str) -> Result<Zone, CalendarError> {
        let unknown = || CalendarError::ZoneUnknown {
            name: name.chars().take(NAME_CHARS_SHOWN).collect(),
        };
        if NOT_A_PLACE
            .iter()
            .any(|refused| refused.eq_ignore_ascii_case(name))
        {
            return Err(unknown());
        }
        match TimeZone::get(name) {
            Ok(zone) => Ok(Zone(zone)),
            Err(_) if jiff::tz::db().is_definitively_empty() => Err(CalendarError::ZonesMissing),
            Err(_) => Err(unknown()),
        }
    }

    /// Its name in tzdata's own spelling.
    pub fn name(&self) -> &str {
        // Every zone made by `parse` came from tzdata by name, so the fallback is UTC's other name.
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The stretch that `time` lies in; `None` for times outside the years -9999 to 9999.
    pub(super) fn stretch_at(&self, time: Timestamp) -> Option<Stretch> {
        let instant = jiff::Timestamp::from_millisecond(time.0).ok()?;
        let next = self.0.following(instant).next();
        Some(Stretch {
            offset_ms: i64::from(self.0.to_offset(instant).seconds()) * 1_000,
            end: next.map(|change| Timestamp(change.timestamp().as_millisecond())),
        })
    }
}

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;
/// Milliseconds of a day.
const DAY_MS: i64 = 1_440 * MINUTE_MS;

impl WallClock for Zone {
    fn at(&self, now: Timestamp) -> LocalTime {
        let wall = self
            .stretch_at(now)
            .map_or(now.0, |stretch| stretch.wall(now));
        LocalTime::of_wall(wall)
    }

    fn next(&self, minute: u16, now: Timestamp) -> Timestamp {
        let mut from = now;
        // The clock changes at most a few times a day.
        for _ in 0..CHANGES_A_DAY_MAX {
            let Some(stretch) = self.stretch_at(from) else {
                break;
            };
            let wall = stretch.wall(from);
            let today = wall - wall.rem_euclid(DAY_MS) + i64::from(minute) * MINUTE_MS;
            let shown_today = today > wall || (from > now && today == wall);
            let next = stretch.instant(if shown_today { today } else { today + DAY_MS });
            match stretch.end {
                Some(end) if next >= end => {
                    let after = self.stretch_at(end).map_or(end.0, |it| it.wall(end));
                    let before = stretch.wall(end);
                    let wanted = stretch.wall(next);
                    // In the stretch that is left out: the first instant after it.
                    if (before..after).contains(&wanted) {
                        return end;
                    }
                    from = end;
                }
                Some(_) | None => return next,
            }
        }
        now.plus_ms(DAY_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        let parsed: jiff::Timestamp = text.parse().expect("a test's own time");
        Timestamp(parsed.as_millisecond())
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        assert_eq!(
            Zone::parse("europe/stockholm")
                .map(|z| z.name().to_owned())
                .as_deref(),
            Ok("Europe/Stockholm")
        );
        assert_eq!(
            Zone::parse("UTC").map(|z| z.name().to_owned()).as_deref(),
            Ok("UTC")
        );
    }

    #[test]
    fn names_that_are_no_place_are_refused_with_what_to_write() {
        let long = "x".repeat(10_000);
        let names = [
            "",
            "Europe/Stokholm",
            "CEST",
            "+01:00",
            "localtime",
            "posixrules",
            "Factory",
            "Etc/Unknown",
            "right/Europe/Stockholm",
            "posix/Europe/Stockholm",
            "../zoneinfo/UTC",
            "/etc/localtime",
            "zone.tab",
            "Europe",
            "UTC\0",
            &long,
        ];
        for name in names {
            let error = Zone::parse(name).expect_err(name);
            assert!(
                matches!(&error, CalendarError::ZoneUnknown { name } if name.len() <= NAME_CHARS_SHOWN),
                "{error:?}"
            );
            assert!(error.to_string().contains("such as Europe/Stockholm"));
        }
    }

    #[test]
    fn a_stretch_ends_where_the_clocks_change() {
        let zone = Zone::parse("Europe/Stockholm").expect("in tzdata");
        let end = instant("2026-10-25T01:00:00Z");
        let summer = zone.stretch_at(end.plus_ms(-1)).expect("in range");
        assert_eq!((summer.offset_ms, summer.end), (7_200_000, Some(end)));
        let winter = zone.stretch_at(end).expect("in range");
        assert_eq!(
            (winter.offset_ms, winter.end),
            (3_600_000, Some(instant("2027-03-28T01:00:00Z")))
        );
        assert_eq!(winter.instant(winter.wall(end)), end);
    }

    #[test]
    fn a_time_of_day_is_the_next_one_on_the_wall() {
        let zone = Zone::parse("Europe/Stockholm").expect("in tzdata");
        let half_past_two = 150;
        for (now, next) in [
            ("2026-06-01T12:00:00Z", "2026-06-02T00:30:00Z"),
            ("2026-06-02T00:30:00Z", "2026-06-03T00:30:00Z"),
            // The clock leaves 02:00 to 03:00 out.
            ("2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
            ("2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"),
            // And shows it twice.
            ("2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
            ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
            ("2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"),
        ] {
            assert_eq!(
                zone.next(half_past_two, instant(now)),
                instant(next),
                "{now}"
            );
        }
        let shown = zone.at(instant("2026-11-21T08:05:59Z"));
        assert_eq!((shown.hour, shown.minute, shown.weekday), (9, 5, 6));
    }

    #[test]
    fn a_zone_without_changes_is_one_stretch() {
        let zone = Zone::parse("Asia/Kolkata").expect("in tzdata");
        let stretch = zone
            .stretch_at(instant("2026-01-01T00:00:00Z"))
            .expect("in range");
        assert_eq!((stretch.offset_ms, stretch.end), (19_800_000, None));
    }

    #[test]
    fn times_no_calendar_has_are_in_no_stretch() {
        let zone = Zone::parse("UTC").expect("in tzdata");
        assert_eq!(zone.stretch_at(Timestamp(i64::MAX)), None);
        assert_eq!(zone.stretch_at(Timestamp(i64::MIN)), None);
    }
}
