//! Opening hours as a pure function of time.

use std::sync::Arc;

use chrono::NaiveDate;
use compact_calendar::CompactCalendar;
use opening_hours::{Context, ContextHolidays, RuleKind};

use super::{CHANGES_MAX, CalendarError, HORIZON_MS, Zone, expression, holidays};
use crate::domain::time::{Hours, HoursNow, Timestamp};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

/// The opening hours of a service, ready to be asked.
///
/// Asking computes, nothing is kept. The days from the time asked about to the next change are read
/// one by one: a week with holidays costs some 2 µs to 5 µs, the wait for a season 100 µs, hours that
/// never change over the whole horizon 0.5 ms, and the most awkward thousand characters found 80 ms
/// (a plain `24/7` or `off` costs nothing). So who asks often keeps the answer until `until`, and
/// for [`HORIZON_MS`] where that is `None`: it holds that long.
///
/// Days are read one by one rather than by the library's own search for the next change, because
/// that search (opening-hours 2.1.4) misses changes: it takes `Mo-Fr 22:00-02:00 || off` for
/// constant and jumps over the end of `Dec 24-26 20:00-48:00`.
#[derive(Debug, Clone)]
pub struct OpeningHours {
    hours: opening_hours::OpeningHours,
    zone: Zone,
    always_open: Option<bool>,
    names_holidays: bool,
    last_holiday: Option<NaiveDate>,
}

impl OpeningHours {
    /// Reads `expression` (OpenStreetMap syntax) for the clocks of `zone` (IANA name), with `PH`
    /// standing for the days of the iCalendar file `holidays_ics`.
    ///
    /// # Errors
    /// What is to be changed and where; see [`CalendarError`]. A holidays file is checked whether
    /// or not the expression names `PH`.
    pub fn compile(
        expression: &str,
        zone: &str,
        holidays_ics: Option<&[u8]>,
    ) -> Result<OpeningHours, CalendarError> {
        let zone = Zone::parse(zone)?;
        let parsed = expression::parse(expression)?;
        let days = holidays_ics.map(holidays::read).transpose()?;
        if let (Some(place), None) = (parsed.names_holidays_at, &days) {
            let expression::Place { offset, character } = place;
            return Err(CalendarError::HolidaysMissing { offset, character });
        }
        let days = days.unwrap_or_default();
        let public: CompactCalendar = days.iter().copied().collect();
        let holidays = ContextHolidays::new(Arc::new(public), Arc::default());
        Ok(OpeningHours {
            hours: parsed
                .hours
                .with_context(Context::default().with_holidays(holidays)),
            zone,
            always_open: parsed.always.map(is_open),
            names_holidays: parsed.names_holidays_at.is_some(),
            last_holiday: days.last().copied(),
        })
    }

    /// Whether the expression says anything about holidays. A holidays file beside an expression
    /// that does not is without effect, which is worth a warning.
    pub fn names_holidays(&self) -> bool {
        self.names_holidays
    }

    /// The last day in the holidays file, as `YYYY-MM-DD`: after it every day is an ordinary one.
    pub fn last_holiday(&self) -> Option<String> {
        self.last_holiday.map(|day| day.to_string())
    }

    /// The next changes after `now`, each with whether the service is open from then on. At most
    /// `count`, at most [`CHANGES_MAX`], and none after a stretch longer than the horizon.
    pub fn next_changes(&self, now: Timestamp, count: usize) -> Vec<(Timestamp, bool)> {
        let mut changes = Vec::new();
        let mut at = self.at(now);
        while let (Some(until), true) = (at.until, changes.len() < count.min(CHANGES_MAX)) {
            at = self.at(until);
            changes.push((until, at.open));
        }
        changes
    }

    /// What the wall clock's states are from `from` until `to` (exclusive), both in milliseconds of
    /// wall time, each with the moment it begins (the first with `from`).
    fn wall_states(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, bool)> {
        let days = from.div_euclid(DAY_MS)..=to.saturating_sub(1).div_euclid(DAY_MS);
        let ranges = days.flat_map(|day| {
            let date = i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days);
            let schedule = date
                .map(|date| self.hours.schedule_at(date))
                .unwrap_or_default();
            schedule.into_iter().map(move |range| {
                let wall = |minutes: u16| day * DAY_MS + i64::from(minutes) * MINUTE_MS;
                let start = wall(range.range.start.mins_from_midnight());
                (
                    start,
                    wall(range.range.end.mins_from_midnight()),
                    is_open(range.kind),
                )
            })
        });
        ranges
            .filter(move |(start, end, _)| *end > from && *start < to)
            .map(move |(start, _, open)| (start.max(from), open))
    }
}

impl Hours for OpeningHours {
    /// Ensures that `open` holds from `now` until `until` and no longer, in the years 1900 to 9998.
    /// Earlier and later nothing is open but what is always open.
    fn at(&self, now: Timestamp) -> HoursNow {
        if let Some(open) = self.always_open {
            return HoursNow { open, until: None };
        }
        let horizon = now.plus_ms(HORIZON_MS);
        let mut known = None;
        let mut from = now;
        while let Some(stretch) = self.zone.stretch_at(from) {
            let end = stretch.end.map_or(horizon, |end| end.min(horizon));
            for (wall, open) in self.wall_states(stretch.wall(from), stretch.wall(end)) {
                let was = *known.get_or_insert(open);
                if was != open {
                    return HoursNow {
                        open: was,
                        until: Some(stretch.instant(wall)),
                    };
                }
            }
            if end >= horizon {
                break;
            }
            from = end;
        }
        HoursNow {
            open: known.unwrap_or(false),
            until: None,
        }
    }
}

/// Unknown counts as closed: nobody is promised that somebody is there.
fn is_open(kind: RuleKind) -> bool {
    match kind {
        RuleKind::Open => true,
        RuleKind::Closed | RuleKind::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLIDAYS: &[u8] = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\n\
        DTEND;VALUE=DATE:20261227\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    fn time(text: &str) -> Timestamp {
        let parsed: jiff::Timestamp = text.parse().expect("a test's own time");
        Timestamp(parsed.as_millisecond())
    }

    fn hours(expression: &str, zone: &str) -> OpeningHours {
        OpeningHours::compile(expression, zone, Some(HOLIDAYS)).expect(expression)
    }

    fn now(open: bool, until: &str) -> HoursNow {
        HoursNow {
            open,
            until: Some(time(until)),
        }
    }

    #[test]
    fn a_week_opens_and_closes_by_the_clock_of_its_zone() {
        let hours = hours("Mo-Fr 08:00-17:00", "Europe/Stockholm");
        assert_eq!(
            hours.at(time("2026-11-20T06:59:59.999Z")),
            now(false, "2026-11-20T07:00:00Z")
        );
        assert_eq!(
            hours.at(time("2026-11-20T07:00:00Z")),
            now(true, "2026-11-20T16:00:00Z")
        );
        assert_eq!(
            hours.at(time("2026-11-20T15:59:59.999Z")),
            now(true, "2026-11-20T16:00:00Z")
        );
        assert_eq!(
            hours.at(time("2026-11-20T16:00:00Z")),
            now(false, "2026-11-23T07:00:00Z")
        );
        assert_eq!(
            hours.at(time("2026-07-01T05:00:00Z")),
            now(false, "2026-07-01T06:00:00Z")
        );
    }

    #[test]
    fn holidays_close_where_the_expression_says_so() {
        let closing = hours("Mo-Fr 08:00-17:00; PH off", "UTC");
        assert_eq!(
            closing.at(time("2026-12-23T17:00:00Z")),
            now(false, "2026-12-28T08:00:00Z")
        );
        let short = hours("Mo-Fr 08:00-17:00; PH 10:00-12:00", "UTC");
        assert_eq!(
            short.at(time("2026-12-23T17:00:00Z")),
            now(false, "2026-12-24T10:00:00Z")
        );
        assert_eq!(
            short.at(time("2026-12-26T11:00:00Z")),
            now(true, "2026-12-26T12:00:00Z")
        );
        let silent = hours("Mo-Fr 08:00-17:00", "UTC");
        assert_eq!(
            silent.at(time("2026-12-24T07:00:00Z")),
            now(false, "2026-12-24T08:00:00Z")
        );
        assert_eq!(
            (closing.names_holidays(), silent.names_holidays()),
            (true, false)
        );
        assert_eq!(closing.last_holiday().as_deref(), Some("2026-12-26"));
    }

    #[test]
    fn holidays_named_without_a_file_are_refused() {
        let error =
            OpeningHours::compile("Mo-Fr 08:00-17:00; PH off", "UTC", None).expect_err("no file");
        assert_eq!(error.offset(), Some(19));
        let words = "at character 20: the expression names PH but no holidays_ics is set: \
                     set it, or take PH out";
        assert_eq!(error.to_string(), words);
    }

    #[test]
    fn a_holidays_file_is_checked_even_where_nothing_names_it() {
        let error = OpeningHours::compile("24/7", "UTC", Some(b"hello")).expect_err("no calendar");
        assert!(
            matches!(error, CalendarError::Holidays { line: 1, .. }),
            "{error:?}"
        );
    }

    #[test]
    fn hours_that_cross_midnight_are_one_stretch() {
        for expression in ["Fr 22:00-26:00", "Fr 22:00-02:00"] {
            let hours = hours(expression, "UTC");
            assert_eq!(
                hours.at(time("2026-11-20T23:59:59Z")),
                now(true, "2026-11-21T02:00:00Z")
            );
            assert_eq!(
                hours.at(time("2026-11-21T00:00:00Z")),
                now(true, "2026-11-21T02:00:00Z")
            );
        }
    }

    #[test]
    fn always_open_and_always_closed_never_change() {
        let never = |open| HoursNow { open, until: None };
        assert_eq!(hours("24/7", "UTC").at(Timestamp(0)), never(true));
        assert_eq!(hours("24/7 off", "UTC").at(Timestamp(0)), never(false));
        assert_eq!(hours("Mo-Fr, Sa-Su", "UTC").at(Timestamp(0)), never(true));
        assert_eq!(hours("24/7", "UTC").next_changes(Timestamp(0), 5), []);
    }

    #[test]
    fn unknown_is_closed_and_comments_change_nothing() {
        let unknown = hours(
            "08:00-12:00 open, 12:00-13:00 unknown, 13:00-17:00 open",
            "UTC",
        );
        assert_eq!(
            unknown.at(time("2026-11-20T11:00:00Z")),
            now(true, "2026-11-20T12:00:00Z")
        );
        assert_eq!(
            unknown.at(time("2026-11-20T12:00:00Z")),
            now(false, "2026-11-20T13:00:00Z")
        );
        let comments = hours("08:00-12:00 open \"a\", 12:00-17:00 open \"b\"", "UTC");
        assert_eq!(
            comments.at(time("2026-11-20T11:00:00Z")),
            now(true, "2026-11-20T17:00:00Z")
        );
    }

    #[test]
    fn an_edge_in_the_hour_left_out_takes_the_instant_after_it() {
        let hours = hours("Su 02:30-04:00", "Europe/Stockholm");
        let gap = "2026-03-29T01:00:00Z";
        assert_eq!(hours.at(time("2026-03-29T00:59:00Z")), now(false, gap));
        assert_eq!(hours.at(time(gap)), now(true, "2026-03-29T02:00:00Z"));
    }

    #[test]
    fn hours_wholly_in_the_hour_left_out_do_not_happen() {
        let hours = hours("Su 02:15-02:45", "Europe/Stockholm");
        assert_eq!(
            hours.at(time("2026-03-28T12:00:00Z")),
            now(false, "2026-04-05T00:15:00Z")
        );
    }

    #[test]
    fn an_edge_in_the_repeated_hour_comes_each_time_the_clock_shows_it() {
        let hours = hours("Su 02:30-08:00", "Europe/Stockholm");
        let back = "2026-10-25T01:00:00Z";
        assert_eq!(
            hours.at(time("2026-10-25T00:15:00Z")),
            now(false, "2026-10-25T00:30:00Z")
        );
        assert_eq!(hours.at(time("2026-10-25T00:30:00Z")), now(true, back));
        assert_eq!(hours.at(time(back)), now(false, "2026-10-25T01:30:00Z"));
        assert_eq!(
            hours.at(time("2026-10-25T01:30:00Z")),
            now(true, "2026-10-25T07:00:00Z")
        );
    }

    #[test]
    fn a_clock_put_back_into_hours_of_the_same_state_is_no_edge() {
        let hours = hours("Sa 12:00-36:00", "Europe/Stockholm");
        assert_eq!(
            hours.at(time("2026-10-24T10:00:00Z")),
            now(true, "2026-10-25T11:00:00Z")
        );
    }

    #[test]
    fn half_an_hour_of_summer_time_is_enough() {
        // Lord Howe goes back from 02:00 (+11:00) to 01:30 (+10:30) at 2026-04-04T15:00Z.
        let hours = hours("Su 01:45-05:00", "Australia/Lord_Howe");
        let changes = hours.next_changes(time("2026-04-04T12:00:00Z"), 4);
        let wanted = [
            (time("2026-04-04T14:45:00Z"), true),
            (time("2026-04-04T15:00:00Z"), false),
            (time("2026-04-04T15:15:00Z"), true),
            (time("2026-04-04T18:30:00Z"), false),
        ];
        assert_eq!(changes, wanted);
    }

    #[test]
    fn a_day_that_a_zone_left_out_has_no_hours() {
        // Samoa went from the end of Thursday 2011-12-29 to Saturday 2011-12-31.
        let hours = hours("Fr 00:00-24:00", "Pacific/Apia");
        let changes = hours.next_changes(time("2011-12-29T00:00:00Z"), 1);
        assert_eq!(changes, [(time("2012-01-05T10:00:00Z"), true)]);
    }

    #[test]
    fn leap_days_and_years_are_dates_like_others() {
        let leap = hours("Feb 29 10:00-12:00", "UTC");
        assert_eq!(
            leap.at(time("2027-03-01T00:00:00Z")),
            now(false, "2028-02-29T10:00:00Z")
        );
        let year = hours("Dec 31 20:00-26:00", "UTC");
        assert_eq!(
            year.at(time("2026-12-31T23:00:00Z")),
            now(true, "2027-01-01T02:00:00Z")
        );
    }

    #[test]
    fn changes_that_the_library_jumps_over_are_found() {
        let fallback = hours("Mo-Fr 22:00-02:00 || off", "UTC");
        assert_eq!(
            fallback.at(time("2026-11-21T12:00:00Z")),
            now(false, "2026-11-23T22:00:00Z")
        );
        let spilling = hours("Dec 24-26 20:00-48:00", "UTC");
        assert_eq!(
            spilling.at(time("2026-12-26T12:00:00Z")),
            now(true, "2026-12-28T00:00:00Z")
        );
    }

    #[test]
    fn a_change_is_seen_up_to_the_horizon() {
        let hours = hours("2029 Mar 01", "UTC");
        let edge = time("2029-03-01T00:00:00Z");
        let until = |ahead: i64| hours.at(edge.plus_ms(-ahead)).until;
        assert_eq!(until(HORIZON_MS - 1), Some(edge));
        assert_eq!(until(HORIZON_MS), None);
        assert_eq!(until(HORIZON_MS + 1), None);
    }

    #[test]
    fn changes_are_listed_in_turn_and_no_more_than_asked() {
        let hours = hours("Mo-Fr 08:00-17:00", "UTC");
        let friday = time("2026-11-20T12:00:00Z");
        assert_eq!(hours.next_changes(friday, 0), []);
        let two = [
            (time("2026-11-20T17:00:00Z"), false),
            (time("2026-11-23T08:00:00Z"), true),
        ];
        assert_eq!(hours.next_changes(friday, 2), two);
        for (count, got) in [(999, 999), (1_000, 1_000), (1_001, 1_000)] {
            assert_eq!(hours.next_changes(friday, count).len(), got);
        }
    }

    #[test]
    fn times_no_calendar_has_are_closed() {
        let hours = hours("Mo-Fr 08:00-17:00", "UTC");
        for time in [
            Timestamp(i64::MIN),
            Timestamp(i64::MAX),
            time("1850-01-01T12:00:00Z"),
        ] {
            assert_eq!(
                hours.at(time),
                HoursNow {
                    open: false,
                    until: None
                }
            );
        }
    }
}
