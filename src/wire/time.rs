//! Instants and durations as text: ISO 8601, as the schema's patterns have them. Written by hand
//! because every message and every receipt passes here; jiff is the oracle in the tests.

use crate::domain::time::Timestamp;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// 0000-01-01T00:00:00.000Z, the earliest instant that four digits of a year can say.
const EARLIEST_MS: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z, the latest.
const LATEST_MS: i64 = 253_402_300_799_999;
/// Digits a fraction of a second may have.
const FRACTION_DIGITS_MAX: usize = 9;
/// Digits a number in a duration may have.
const DURATION_DIGITS_MAX: usize = 6;
/// Length of an instant as we write it.
const INSTANT_BYTES: usize = 24;

/// The instant of `2026-11-20T14:03:11.250Z` or `2026-11-20T15:03:11+01:00`: years 2000 to 2999,
/// hours to 23, minutes and seconds to 59, at most 9 digits of a second, `Z` or an offset of at
/// most 14 hours, on a day that exists. What is finer than a millisecond is left out (towards the
/// past). `None` for anything else.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || bytes[0] != b'2' {
        return None;
    }
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if punctuation.iter().any(|&(at, byte)| bytes[at] != byte) {
        return None;
    }
    let year = digits(&bytes[0..4])?;
    let month = digits(&bytes[5..7])?;
    let day = digits(&bytes[8..10])?;
    let hour = digits(&bytes[11..13])?;
    let minute = digits(&bytes[14..16])?;
    let second = digits(&bytes[17..19])?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction_ms, rest) = fraction(&bytes[19..])?;
    let offset_ms = zone_offset(rest)?;
    let local = days_from_civil(year, month, day) * DAY_MS
        + hour * HOUR_MS
        + minute * MINUTE_MS
        + second * SECOND_MS
        + fraction_ms;
    Some(Timestamp(local - offset_ms))
}

/// Milliseconds of `.250`, if it begins so, and what follows.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', after)) = bytes.split_first() else {
        return Some((0, bytes));
    };
    let length = after
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if length == 0 || length > FRACTION_DIGITS_MAX {
        return None;
    }
    let first_three = after[..length].iter().chain(b"00").take(3);
    let milliseconds = first_three.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some((milliseconds, &after[length..]))
}

/// Milliseconds east of Greenwich of `Z` or `+01:00`.
fn zone_offset(bytes: &[u8]) -> Option<i64> {
    let sign = match bytes {
        b"Z" => return Some(0),
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return None,
    };
    let hours = digits(&bytes[1..3])?;
    let minutes = digits(&bytes[4..6])?;
    let at_most_14_hours = hours <= 13 && minutes <= 59 || hours == 14 && minutes == 0;
    at_most_14_hours.then_some(sign * (hours * HOUR_MS + minutes * MINUTE_MS))
}

/// The number that ASCII digits say; `None` where a byte is not a digit.
fn digits(bytes: &[u8]) -> Option<i64> {
    let mut value = 0;
    for byte in bytes {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(value)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of so many days after 1970-01-01; the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// `2026-11-20T14:03:11.250Z`. Instants outside the years 0 to 9999 are written as the nearest
/// that is inside.
pub fn format_instant(instant: Timestamp) -> InstantText {
    let milliseconds = instant.0.clamp(EARLIEST_MS, LATEST_MS);
    let (year, month, day) = civil_from_days(milliseconds.div_euclid(DAY_MS));
    let in_day = milliseconds.rem_euclid(DAY_MS);
    let mut bytes = *b"0000-00-00T00:00:00.000Z";
    put(&mut bytes[0..4], year);
    put(&mut bytes[5..7], month);
    put(&mut bytes[8..10], day);
    put(&mut bytes[11..13], in_day / HOUR_MS);
    put(&mut bytes[14..16], in_day / MINUTE_MS % 60);
    put(&mut bytes[17..19], in_day / SECOND_MS % 60);
    put(&mut bytes[20..23], in_day % SECOND_MS);
    InstantText { bytes }
}

/// Writes `value` into all of `bytes`, with leading zeros.
fn put(bytes: &mut [u8], mut value: i64) {
    for byte in bytes.iter_mut().rev() {
        *byte = b'0' + u8::try_from(value % 10).expect("a digit of a number that is not negative");
        value /= 10;
    }
}

/// An instant as text, without an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstantText {
    bytes: [u8; INSTANT_BYTES],
}

impl InstantText {
    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("digits and punctuation are ASCII")
    }
}

/// Milliseconds of `P1DT12H` or `PT30S`: days, hours, minutes and seconds, each a whole number of
/// at most 6 digits, in all more than zero. `None` for anything else.
pub fn parse_duration(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes().strip_prefix(b"P")?;
    let mut total = 0;
    if let Some((count, after)) = component(rest, b'D') {
        total += count * DAY_MS;
        rest = after;
    }
    if let Some(mut clock) = rest.strip_prefix(b"T") {
        if clock.is_empty() {
            return None;
        }
        for (unit, unit_ms) in [(b'H', HOUR_MS), (b'M', MINUTE_MS), (b'S', SECOND_MS)] {
            if let Some((count, after)) = component(clock, unit) {
                total += count * unit_ms;
                clock = after;
            }
        }
        rest = clock;
    }
    (rest.is_empty() && total > 0).then_some(total)
}

/// The number before `unit` and what follows, if `bytes` begins with a number and `unit`.
fn component(bytes: &[u8], unit: u8) -> Option<(i64, &[u8])> {
    let length = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if length == 0 || length > DURATION_DIGITS_MAX || bytes.get(length) != Some(&unit) {
        return None;
    }
    Some((digits(&bytes[..length])?, &bytes[length + 1..]))
}

/// `P1DT12H`, `PT0.250S`: the shortest form with days, hours, minutes and seconds; a fraction only
/// where there are milliseconds. Less than nothing is written as `PT0S`.
pub fn format_duration(duration_ms: i64) -> String {
    let duration_ms = duration_ms.max(0);
    let mut text = String::from("P");
    let days = duration_ms / DAY_MS;
    if days > 0 {
        text.push_str(&format!("{days}D"));
    }
    let parts = [
        (duration_ms / HOUR_MS % 24, 'H'),
        (duration_ms / MINUTE_MS % 60, 'M'),
    ];
    let mut clock = String::new();
    for (count, unit) in parts {
        if count > 0 {
            clock.push_str(&format!("{count}{unit}"));
        }
    }
    let (seconds, milliseconds) = (duration_ms / SECOND_MS % 60, duration_ms % SECOND_MS);
    if milliseconds > 0 {
        clock.push_str(&format!("{seconds}.{milliseconds:03}S"));
    } else if seconds > 0 || (days == 0 && clock.is_empty()) {
        clock.push_str(&format!("{seconds}S"));
    }
    if !clock.is_empty() {
        text.push('T');
        text.push_str(&clock);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(text: &str) -> Option<i64> {
        parse_instant(text).map(|instant| instant.0)
    }

    #[test]
    fn instants_in_every_written_form_are_read() {
        let noon = Some(1_795_183_391_250);
        assert_eq!(instant("2026-11-20T14:03:11.250Z"), noon);
        assert_eq!(instant("2026-11-20T15:03:11.25+01:00"), noon);
        assert_eq!(instant("2026-11-20T00:03:11.250999999-14:00"), noon);
        assert_eq!(instant("2026-11-20T14:03:11Z"), Some(1_795_183_391_000));
        assert_eq!(instant("2000-01-01T00:00:00+14:00"), Some(946_634_400_000));
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-11-20",
            "2026-11-20T14:03:11",
            "2026-11-20 14:03:11Z",
            "2026-11-20T14:03Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T23:60:00Z",
            "2026-11-20T23:59:60Z",
            "2026-11-31T14:03:11Z",
            "2026-02-29T14:03:11Z",
            "2100-02-29T14:03:11Z",
            "2026-00-10T14:03:11Z",
            "2026-13-10T14:03:11Z",
            "2026-11-00T14:03:11Z",
            "1999-11-20T14:03:11Z",
            "3000-11-20T14:03:11Z",
            "2026-11-20T14:03:11.Z",
            "2026-11-20T14:03:11.1234567890Z",
            "2026-11-20T14:03:11z",
            "2026-11-20T14:03:11+1:00",
            "2026-11-20T14:03:11+14:01",
            "2026-11-20T14:03:11+15:00",
            "2026-11-20T14:03:11+01:60",
            "2026-11-20T14:03:11+0100",
            "-026-11-20T14:03:11Z",
            "2026-11-20T14:03:11Z ",
            "2026-11-20T14:03:1\u{e5}Z",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn leap_days_exist_in_leap_years_only() {
        for (year, leap) in [(2000, true), (2024, true), (2100, false), (2400, true)] {
            let text = format!("{year}-02-29T00:00:00Z");
            assert_eq!(instant(&text).is_some(), leap, "{year}");
        }
    }

    #[test]
    fn durations_are_read_within_their_pattern() {
        assert_eq!(parse_duration("PT30S"), Some(30_000));
        assert_eq!(parse_duration("P1DT12H"), Some(129_600_000));
        assert_eq!(
            parse_duration("P999999DT999999H999999M999999S"),
            Some(90_060_909_939_000)
        );
        assert_eq!(parse_duration("P000001D"), Some(DAY_MS));
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "PT0S",
            "P0D",
            "PT1",
            "P1H",
            "PT1D",
            "-PT1S",
            "PT1.5S",
            "P1Y",
            "P1M",
            "PT1S1M",
            "P1000000D",
            "PT1SX",
            "pt1s",
            "P1W",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_written_short_and_read_back() {
        assert_eq!(format_duration(0), "PT0S");
        assert_eq!(format_duration(-5), "PT0S");
        assert_eq!(format_duration(250), "PT0.250S");
        assert_eq!(format_duration(DAY_MS), "P1D");
        assert_eq!(format_duration(129_600_000), "P1DT12H");
        assert_eq!(format_duration(90_000), "PT1M30S");
    }

    #[test]
    fn instants_beyond_four_digits_of_a_year_are_written_as_the_nearest() {
        assert_eq!(
            format_instant(Timestamp(i64::MAX)).as_str(),
            "9999-12-31T23:59:59.999Z"
        );
        assert_eq!(
            format_instant(Timestamp(i64::MIN)).as_str(),
            "0000-01-01T00:00:00.000Z"
        );
    }

    proptest! {
        #[test]
        fn instants_are_written_as_jiff_writes_them(ms in EARLIEST_MS..=LATEST_MS) {
            let jiff = jiff::Timestamp::from_millisecond(ms.min(253_402_207_200_000)).unwrap();
            let ours = format_instant(Timestamp(jiff.as_millisecond()));
            prop_assert_eq!(ours.as_str(), format!("{jiff:.3}"));
        }

        #[test]
        fn instants_written_are_read_back(ms in 946_684_800_000_i64..32_503_680_000_000) {
            let text = format_instant(Timestamp(ms));
            prop_assert_eq!(parse_instant(text.as_str()), Some(Timestamp(ms)));
        }

        #[test]
        fn durations_written_are_read_back(seconds in 1..10_000_000_i64) {
            prop_assert_eq!(parse_duration(&format_duration(seconds * 1_000)), Some(seconds * 1_000));
        }

        #[test]
        fn any_text_is_judged_without_panic(text in "\\PC{0,40}|[0-9TZ:.+P-]{0,40}") {
            let _ = (parse_instant(&text), parse_duration(&text));
        }
    }
}
