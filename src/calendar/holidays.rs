//! Holidays from an iCalendar file: every all-day event is one or more days, and whatever would
//! need more than reading dates (recurrence, times of day) is refused with its line.
//!
//! Source: RFC 5545, sections 3.1 (lines), 3.6.1 (events), 3.8.2 (dates).

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use icalendar::parser::{Component, Property, read_calendar_simple};

use super::lines::{Lines, is_named};
use super::{CalendarError, HOLIDAYS_BYTES_MAX, HOLIDAYS_MAX};

/// What opening hours can be evaluated for.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

/// Reads the days of a file.
///
/// # Errors
/// With the line as it stands on disk. Texts of the file (summaries, descriptions) are in no error.
pub(super) fn read(file: &[u8]) -> Result<BTreeSet<NaiveDate>, CalendarError> {
    if file.len() > HOLIDAYS_BYTES_MAX {
        return Err(CalendarError::HolidaysTooLarge { bytes: file.len() });
    }
    let lines = Lines::unfold(file)?;
    let roots = read_calendar_simple(lines.text()).map_err(|error| {
        let line = lines.line_of(error.input);
        let reason = "not iCalendar: every BEGIN needs its END, every line a name and a colon, and \
                      the file is one VCALENDAR";
        CalendarError::Holidays { line, reason }
    })?;
    let mut days = BTreeSet::new();
    for root in &roots {
        if !is_named(root.name.as_str(), "VCALENDAR") {
            return lines.refuse(
                root.name.as_str(),
                "the file must begin with BEGIN:VCALENDAR",
            );
        }
        for event in root
            .components
            .iter()
            .filter(|part| is_named(part.name.as_str(), "VEVENT"))
        {
            add_days(event, &lines, &mut days)?;
        }
    }
    if days.is_empty() {
        Err(CalendarError::HolidaysEmpty)
    } else {
        Ok(days)
    }
}

/// The days of one event join `days`.
fn add_days(
    event: &Component<'_>,
    lines: &Lines,
    days: &mut BTreeSet<NaiveDate>,
) -> Result<(), CalendarError> {
    let name = event.name.as_str();
    for property in &event.properties {
        if ["RRULE", "RDATE", "EXRULE", "EXDATE", "RECURRENCE-ID"]
            .iter()
            .any(|refused| is_named(property.name.as_str(), refused))
        {
            return lines.refuse(
                property.name.as_str(),
                "recurring events are not read: write one event for each date",
            );
        }
    }
    let cancelled = only(event, "STATUS", lines)?
        .is_some_and(|status| is_named(status.val.as_str().trim(), "CANCELLED"));
    let Some(start) = only(event, "DTSTART", lines)? else {
        return lines.refuse(
            name,
            "the event has no DTSTART: write DTSTART;VALUE=DATE:YYYYMMDD",
        );
    };
    let first = date(start, lines)?;
    let after = match (
        only(event, "DTEND", lines)?,
        only(event, "DURATION", lines)?,
    ) {
        (None, None) => first + Days::new(1),
        (Some(end), None) => date(end, lines)?,
        (None, Some(duration)) => first + days_of(duration, lines)?,
        (Some(_), Some(both)) => {
            return lines.refuse(
                both.name.as_str(),
                "DTEND or DURATION, not both: remove one",
            );
        }
    };
    if after <= first {
        return lines.refuse(
            name,
            "DTEND is not after DTSTART: it is the first day that is no holiday any more",
        );
    }
    if cancelled {
        return Ok(());
    }
    for day in first.iter_days().take_while(|day| *day < after) {
        if days.insert(day) && days.len() > HOLIDAYS_MAX {
            return Err(CalendarError::HolidaysTooMany {
                line: lines.line_of(name),
            });
        }
    }
    Ok(())
}

/// The property of that name, which an event has at most once.
fn only<'e, 't>(
    event: &'e Component<'t>,
    name: &str,
    lines: &Lines,
) -> Result<Option<&'e Property<'t>>, CalendarError> {
    let mut found = event
        .properties
        .iter()
        .filter(|one| is_named(one.name.as_str(), name));
    let first = found.next();
    match found.next() {
        None => Ok(first),
        Some(second) => lines.refuse(
            second.name.as_str(),
            "a second one in the same event: remove one",
        ),
    }
}

/// A day written as `YYYYMMDD`. Without `VALUE=DATE` the eight digits are taken all the same.
fn date(property: &Property<'_>, lines: &Lines) -> Result<NaiveDate, CalendarError> {
    let text = property.val.as_str().trim();
    let name = property.name.as_str();
    if text.contains('T') {
        return lines.refuse(
            name,
            "only all-day events are read: write the day as ;VALUE=DATE:YYYYMMDD, without a time",
        );
    }
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let day = digits
        .then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok())
        .flatten();
    match day {
        Some(day) if YEARS.contains(&chrono::Datelike::year(&day)) => Ok(day),
        Some(_) | None => lines.refuse(name, "no such day: write it as ;VALUE=DATE:YYYYMMDD"),
    }
}

/// A length in whole days or weeks, `P1D` or `P2W`.
fn days_of(property: &Property<'_>, lines: &Lines) -> Result<Days, CalendarError> {
    let text = property.val.as_str().trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let count = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse::<u16>()
            .ok()
            .filter(|count| plain && *count > 0)
    };
    let days = text.strip_prefix('P').and_then(|length| {
        let weeks = length
            .strip_suffix('W')
            .and_then(count)
            .map(|weeks| u64::from(weeks) * 7);
        weeks.or_else(|| length.strip_suffix('D').and_then(count).map(u64::from))
    });
    match days {
        Some(days) => Ok(Days::new(days)),
        None => lines.refuse(
            property.name.as_str(),
            "only whole days are read: write the length as P1D, or the end as DTEND",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::DEPTH_MAX;
    use super::*;

    fn file(events: &str) -> String {
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
    }

    fn event(lines: &[&str]) -> String {
        let body: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        format!("BEGIN:VEVENT\r\n{body}END:VEVENT\r\n")
    }

    fn days(file: &str) -> Vec<String> {
        read(file.as_bytes())
            .expect(file)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn refused(file: &str) -> (usize, &'static str) {
        match read(file.as_bytes()).expect_err(file) {
            CalendarError::Holidays { line, reason } => (line, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_without_an_end_is_one_day() {
        let file = file(&event(&[
            "UID:1",
            "DTSTART;VALUE=DATE:20261225",
            "SUMMARY:Juldagen",
        ]));
        assert_eq!(days(&file), ["2026-12-25"]);
    }

    #[test]
    fn the_end_is_the_first_day_that_is_no_holiday() {
        let file = file(&event(&[
            "DTSTART;VALUE=DATE:20261230",
            "DTEND;VALUE=DATE:20270102",
        ]));
        assert_eq!(days(&file), ["2026-12-30", "2026-12-31", "2027-01-01"]);
    }

    #[test]
    fn a_length_in_days_or_weeks_is_read() {
        assert_eq!(
            days(&file(&event(&["DTSTART:20280228", "DURATION:P2D"]))),
            ["2028-02-28", "2028-02-29"]
        );
        assert_eq!(
            days(&file(&event(&["DTSTART:20280228", "DURATION:P1W"]))).len(),
            7
        );
        for length in [
            "P0D", "PT24H", "P1DT1H", "-P1D", "P99999D", "P", "1D", "P+1D",
        ] {
            let (line, reason) = refused(&file(&event(&[
                "DTSTART:20280228",
                &format!("DURATION:{length}"),
            ])));
            assert_eq!(
                (line, reason.starts_with("only whole days")),
                (5, true),
                "{length}: {reason}"
            );
        }
    }

    #[test]
    fn cancelled_events_are_no_holidays() {
        let cancelled = event(&["DTSTART:20260606", "STATUS:CANCELLED"]);
        let confirmed = event(&["DTSTART:20260619", "STATUS:CONFIRMED"]);
        assert_eq!(
            days(&file(&format!("{cancelled}{confirmed}"))),
            ["2026-06-19"]
        );
        assert_eq!(
            read(file(&cancelled).as_bytes()),
            Err(CalendarError::HolidaysEmpty)
        );
    }

    #[test]
    fn alarms_zones_case_folding_and_any_line_end_are_taken() {
        let text = "\u{feff}BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\r\nTZID:Europe/Stockholm\nBEGIN:STANDARD\n\
            DTSTART:19701025T030000\nRRULE:FREQ=YEARLY\nEND:STANDARD\nEND:VTIMEZONE\n\nbegin:vevent\ndtstart;va\n lue=date:2026\r\n\t1224\n\
            SUMMARY:Jul\n afton\nBEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:PT15M\nEND:VALARM\nend:vevent\nEND:VCALENDAR";
        assert_eq!(days(text), ["2026-12-24"]);
    }

    #[test]
    fn recurring_events_are_refused_at_their_line() {
        for line in [
            "RRULE:FREQ=YEARLY",
            "RDATE;VALUE=DATE:20270101",
            "EXDATE:20270101",
            "RECURRENCE-ID:20270101",
            "rrule:FREQ=YEARLY",
        ] {
            let fine = event(&["DTSTART:20260101"]);
            let (at, reason) = refused(&file(&format!(
                "{fine}{}",
                event(&["DTSTART:20260106", "SUMMARY:secret", line])
            )));
            assert_eq!(
                (at, reason),
                (
                    9,
                    "recurring events are not read: write one event for each date"
                ),
                "{line}"
            );
        }
    }

    #[test]
    fn a_refusal_counts_the_lines_on_disk_and_repeats_no_text() {
        let text = file(
            "\r\n\r\nBEGIN:VEVENT\r\nSUMMARY:very se\r\n cret in\r\n deed\r\nDTSTART:20260106T080000Z\r\nEND:VEVENT\r\n",
        );
        let error = read(text.as_bytes()).expect_err("timed");
        assert_eq!(
            error.to_string(),
            "holidays, line 9: only all-day events are read: write the day as ;VALUE=DATE:YYYYMMDD, without a time"
        );
    }

    #[test]
    fn events_that_are_not_whole_are_refused() {
        for (lines, at, words) in [
            (&["SUMMARY:x"][..], 3, "no DTSTART"),
            (&["DTSTART:20261301"][..], 4, "no such day"),
            (&["DTSTART:20270229"][..], 4, "no such day"),
            (&["DTSTART:2026-12-24"][..], 4, "no such day"),
            (&["DTSTART:"][..], 4, "no such day"),
            (&["DTSTART:18991231"][..], 4, "no such day"),
            (
                &["DTSTART:20261224", "DTEND:20261224"][..],
                3,
                "DTEND is not after",
            ),
            (
                &["DTSTART:20261224", "DTEND:20261223"][..],
                3,
                "DTEND is not after",
            ),
            (
                &["DTSTART:20261224", "DTEND:20261225T000000"][..],
                5,
                "only all-day",
            ),
            (
                &["DTSTART:20261224", "DTEND:20261225", "DURATION:P1D"][..],
                6,
                "not both",
            ),
            (
                &["DTSTART:20261224", "DTSTART:20261225"][..],
                5,
                "a second one",
            ),
        ] {
            let (line, reason) = refused(&file(&event(lines)));
            assert_eq!(line, at, "{lines:?}: {reason}");
            assert!(reason.contains(words), "{lines:?}: {reason}");
        }
    }

    #[test]
    fn files_that_are_no_calendar_are_refused() {
        for text in [
            "hello",
            "BEGIN:",
            "BEGIN:VCALENDAR",
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\nEND:VCALENDAR\n",
            "BEGIN:VCALENDAR\nEND:VCALENDAR\nrest",
            "END:VCALENDAR",
            "BEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\n",
            " x",
            "\u{0}",
        ] {
            let (line, _) = refused(text);
            assert!(line >= 1, "{text}");
        }
        assert_eq!(
            read(b"BEGIN:VCALENDAR\nX:\xff\nEND:VCALENDAR"),
            Err(CalendarError::Holidays {
                line: 2,
                reason: "not UTF-8: save the file as UTF-8"
            })
        );
        assert_eq!(read(file("").as_bytes()), Err(CalendarError::HolidaysEmpty));
    }

    #[test]
    fn two_calendars_in_one_file_are_refused_rather_than_half_read() {
        let one = file(&event(&["DTSTART:20260101"]));
        let two = file(&event(&["DTSTART:20260106"]));
        refused(&format!("{one}{two}"));
    }

    #[test]
    fn nesting_is_taken_up_to_its_limit() {
        let nested = |depth: usize| {
            let inner = depth - 1;
            format!(
                "BEGIN:VCALENDAR\n{}{}BEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\nEND:VCALENDAR\n",
                "BEGIN:X\n".repeat(inner),
                "END:X\n".repeat(inner)
            )
        };
        assert_eq!(days(&nested(DEPTH_MAX - 1)), ["2026-01-01"]);
        assert_eq!(days(&nested(DEPTH_MAX)), ["2026-01-01"]);
        assert_eq!(refused(&nested(DEPTH_MAX + 1)).0, DEPTH_MAX + 1);
        let folded = "BEG\n IN:X\n".repeat(100_000);
        assert_eq!(refused(&folded).0, 2 * DEPTH_MAX + 1);
    }

    #[test]
    fn days_are_taken_up_to_their_limit() {
        let of = |count: usize| {
            let first = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date");
            let after = first + Days::new(count as u64);
            file(&event(&[
                "DTSTART:20260101",
                &format!("DTEND:{}", after.format("%Y%m%d")),
            ]))
        };
        assert_eq!(days(&of(HOLIDAYS_MAX - 1)).len(), HOLIDAYS_MAX - 1);
        assert_eq!(days(&of(HOLIDAYS_MAX)).len(), HOLIDAYS_MAX);
        assert_eq!(
            read(of(HOLIDAYS_MAX + 1).as_bytes()),
            Err(CalendarError::HolidaysTooMany { line: 3 })
        );
        let for_ever = file(&event(&["DTSTART:19000101", "DTEND:99991231"]));
        assert_eq!(
            read(for_ever.as_bytes()),
            Err(CalendarError::HolidaysTooMany { line: 3 })
        );
    }

    #[test]
    fn bytes_are_taken_up_to_their_limit() {
        let of = |bytes: usize| {
            let rest = event(&["DTSTART:20260101"]);
            let long = "X-NOTE:0123456789\n".repeat((bytes - 300) / 18);
            let short = file(&format!("{long}X-NOTE:\r\n{rest}"));
            let missing = bytes - short.len();
            file(&format!("{long}X-NOTE:{}\r\n{rest}", "y".repeat(missing)))
        };
        for bytes in [HOLIDAYS_BYTES_MAX - 1, HOLIDAYS_BYTES_MAX] {
            assert_eq!(days(&of(bytes)), ["2026-01-01"]);
        }
        assert_eq!(
            read(of(HOLIDAYS_BYTES_MAX + 1).as_bytes()),
            Err(CalendarError::HolidaysTooLarge {
                bytes: HOLIDAYS_BYTES_MAX + 1
            })
        );
    }

    #[test]
    fn a_day_named_twice_is_one_holiday() {
        let one = event(&["DTSTART:20261224", "DTEND:20261226"]);
        let two = event(&["DTSTART:20261225"]);
        assert_eq!(
            days(&file(&format!("{one}{two}"))),
            ["2026-12-24", "2026-12-25"]
        );
    }
}
