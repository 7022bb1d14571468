//! What must hold of any hours at any time, tried at random: over random expressions, zones and
//! instants, an answer agrees with the wall clock at every moment up to the change it names.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDateTime};
use proptest::prelude::*;
use proptest::sample::select;

use super::{HORIZON_MS, OpeningHours, Zone, expression, holidays};
use crate::domain::time::{Hours, Timestamp};

/// Every edge of the generated expressions, and every change of the clocks since 1970 in `ZONES`, is
/// on a quarter of an hour.
const QUARTER_MS: i64 = 15 * 60_000;
const CASES: u32 = 64;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const ZONES: [&str; 8] = [
    "Europe/Stockholm",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "America/Nuuk",
    "Asia/Beirut",
    "UTC",
];
const DATES: [&str; 19] = [
    "",
    "",
    "",
    "",
    "Jun-Aug ",
    "Nov-Feb ",
    "2027 ",
    "2026-2040/2 ",
    "week 10-20 ",
    "week 01-53/2 ",
    "Dec 24-26 ",
    "Dec 24-Jan 02 ",
    "Feb 29 ",
    "easter -2 days ",
    "Mar Su[-1]-Oct Su[-1] ",
    "2027 Dec 24-2028 Jan 02 ",
    "2028+ ",
    "2027 Jun ",
    "Dec 31 +1 day ",
];
const WEEKDAYS: [&str; 12] = [
    "",
    "Mo-Fr ",
    "Mo-Sa ",
    "Sa ",
    "Su,Mo ",
    "Fr-Mo ",
    "We[1] ",
    "Su[-1] ",
    "Mo[2] +3 days ",
    "PH ",
    "PH -1 day ",
    "Mo-Fr,PH ",
];
const TIMES: [&str; 14] = [
    "09:00-17:00",
    "08:30-12:00,13:00-17:45",
    "22:00-26:00",
    "22:00-02:00",
    "00:00-24:00",
    "10:00-34:00",
    "23:45-24:00",
    "00:00-00:15",
    "20:00-48:00",
    "02:15-02:45",
    "01:30-02:30",
    "02:30-09:00",
    "00:30-01:30",
    "12:00-12:00",
];
const NIGHTS: [&str; 7] = [
    "02:15-02:45",
    "01:30-02:30",
    "02:30-09:00",
    "00:30-01:30",
    "22:00-24:15",
    "23:30-25:30",
    "00:00-00:30,01:00-01:15,01:45-02:00,02:30-02:45,03:00-03:30,23:30-23:45",
];
const KINDS: [&str; 6] = ["", "", " off", " unknown", " open \"a\"", " off \"b\""];

fn rule() -> impl Strategy<Value = String> {
    (
        select(&DATES[..]),
        select(&WEEKDAYS[..]),
        select(&TIMES[..]),
        select(&KINDS[..]),
    )
        .prop_map(|(dates, weekdays, times, kind)| format!("{dates}{weekdays}{times}{kind}"))
}

fn rules() -> impl Strategy<Value = String> {
    let more = prop::collection::vec((select(&["; ", ", ", " || "][..]), rule()), 0..4);
    (rule(), more).prop_map(|(first, more)| {
        more.iter()
            .fold(first, |text, (between, rule)| text + between + rule)
    })
}

/// Any hours, or as often hours of every night, whose edges meet the changes of the clocks.
fn expressions() -> impl Strategy<Value = String> {
    prop_oneof![rules(), select(&NIGHTS[..]).prop_map(str::to_owned)]
}

/// Anywhere in twelve years, or as often within four hours of a change of the zone's clocks.
fn instant() -> impl Strategy<Value = (&'static str, Timestamp)> {
    let from = 1_735_689_600_000_i64; // 2025-01-01T00:00:00Z
    let times = (
        select(&ZONES[..]),
        from..from + 12 * 365 * DAY_MS,
        any::<bool>(),
        0..8 * HOUR_MS,
    );
    times.prop_map(|(zone, at, near, shift)| {
        let stretch = Zone::parse(zone)
            .expect("in tzdata")
            .stretch_at(Timestamp(at));
        let change = stretch.and_then(|stretch| stretch.end).filter(|_| near);
        (
            zone,
            change.map_or(Timestamp(at), |change| change.plus_ms(shift - 4 * HOUR_MS)),
        )
    })
}

fn file_of_holidays() -> String {
    let mut file = String::from("BEGIN:VCALENDAR\r\n");
    for year in 2025..=2036 {
        for day in [
            "0101", "0106", "0401", "0501", "0606", "1025", "1224", "1225", "1226", "1231",
        ] {
            write!(
                file,
                "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:{year}{day}\r\nEND:VEVENT\r\n"
            )
            .expect("writing to a string");
        }
    }
    file + "END:VCALENDAR\r\n"
}

/// The wall clock by jiff alone, the state by the library's own question about one moment.
struct Oracle {
    zone: jiff::tz::TimeZone,
    hours: opening_hours::OpeningHours,
}

impl Oracle {
    fn new(text: &str, zone: &str) -> Oracle {
        let days = holidays::read(file_of_holidays().as_bytes()).expect("well-formed");
        let public = std::sync::Arc::new(days.into_iter().collect());
        let holidays = opening_hours::ContextHolidays::new(public, Default::default());
        let context = opening_hours::Context::default().with_holidays(holidays);
        let hours: opening_hours::OpeningHours = text.parse().expect(text);
        let zone = jiff::tz::TimeZone::get(zone).expect("in tzdata");
        Oracle {
            zone,
            hours: hours.with_context(context),
        }
    }

    fn open(&self, at: i64) -> bool {
        let wall = jiff::Timestamp::from_millisecond(at)
            .expect("in range")
            .to_zoned(self.zone.clone())
            .datetime();
        let seconds = wall
            .to_zoned(jiff::tz::TimeZone::UTC)
            .expect("in range")
            .timestamp();
        let naive: NaiveDateTime = DateTime::from_timestamp_millis(seconds.as_millisecond())
            .expect("in range")
            .naive_utc();
        self.hours.is_open(naive)
    }
}

/// Enough for every run of the tests; `PROPTEST_CASES` asks for more.
fn cases() -> ProptestConfig {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        ProptestConfig::default()
    } else {
        ProptestConfig::with_cases(CASES)
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn an_answer_holds_at_every_moment_until_the_change_it_names(
        text in expressions(),
        (zone, now) in instant(),
        moments in prop::collection::vec(0.0..1.0_f64, 32),
    ) {
        let file = file_of_holidays();
        let hours = OpeningHours::compile(&text, zone, Some(file.as_bytes()));
        prop_assume!(!matches!(hours, Err(super::CalendarError::Refused { .. })));
        let hours = hours.expect(&text);
        let oracle = Oracle::new(&text, zone);
        let answer = hours.at(now);
        prop_assert_eq!(answer.open, oracle.open(now.0));
        if let Some(until) = answer.until {
            prop_assert!(until > now && until < now.plus_ms(HORIZON_MS));
            prop_assert_eq!(hours.at(until).open, !answer.open);
            prop_assert_eq!(oracle.open(until.0), !answer.open);
            prop_assert_eq!(oracle.open(until.0 - 1), answer.open);
            prop_assert_eq!(hours.at(until.plus_ms(-1)), if until.plus_ms(-1) > now { answer } else { hours.at(now) });
        }
        let end = answer.until.unwrap_or(now.plus_ms(HORIZON_MS)).0;
        let first = (now.0 / QUARTER_MS + 1) * QUARTER_MS;
        let quarters = (first..end.min(now.0 + 8 * DAY_MS)).step_by(QUARTER_MS as usize);
        let anywhere = moments.iter().map(|part| now.0 + ((end - now.0) as f64 * part) as i64);
        for at in quarters.chain(anywhere) {
            prop_assert_eq!(oracle.open(at), answer.open, "{} in {} at {} within {:?}", text, zone, at, answer);
        }
        for part in &moments {
            let at = Timestamp(now.0 + ((end - now.0) as f64 * part) as i64);
            if answer.until.is_some() {
                prop_assert_eq!(hours.at(at), answer, "asked again in between");
            }
        }
    }

    #[test]
    fn changes_in_turn_alternate_and_only_go_forward(text in expressions(), (zone, now) in instant()) {
        let file = file_of_holidays();
        let hours = OpeningHours::compile(&text, zone, Some(file.as_bytes()));
        prop_assume!(!matches!(hours, Err(super::CalendarError::Refused { .. })));
        let hours = hours.expect(&text);
        let mut before = (now, hours.at(now).open);
        for change in hours.next_changes(now, 12) {
            prop_assert!(change.0 > before.0 && change.1 != before.1, "{:?} then {:?}", before, change);
            before = change;
        }
    }

    #[test]
    fn no_text_makes_the_reading_of_expressions_fail_otherwise_than_by_an_error(
        words in prop::collection::vec(select(&["Mo", "-", "Fr", " ", "08:00", "17:00", ",", "; ", " || ", "PH", "SH",
            "off", "\"", "é", "24/7", "week", "53", "Feb", "30", "2027", "/", "+", "[", "5", "]", " -1 days",
            "easter", "(", "sunset", ")", "48:00", "99999", "\n", ":", "Dec 31", "9999"][..]), 0..24),
    ) {
        let text = words.concat();
        match expression::parse(&text) {
            Ok(parsed) => {
                let hours = OpeningHours::compile(&text, "Asia/Beirut", Some(file_of_holidays().as_bytes()));
                let hours = hours.expect("parsed a moment ago");
                prop_assert!(parsed.always.is_none_or(|_| hours.at(Timestamp(0)).until.is_none()));
                let _ = (hours.at(Timestamp(0)), hours.at(Timestamp(4_102_444_800_000)), hours.at(Timestamp(253_402_300_799_999)));
            }
            Err(error) => prop_assert!(error.offset().is_none_or(|offset| text.is_char_boundary(offset))),
        }
    }

    #[test]
    fn no_file_makes_the_reading_of_holidays_fail_otherwise_than_by_an_error(
        lines in prop::collection::vec(select(&["BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:", "END:",
            "END;X=:y", "DTSTART;VALUE=DATE:20261224", "DTEND:20261226", "DURATION:P1D", " folded", "", "DTSTART", ":", ";", "SUMMARY:é\\n",
            "ATTENDEE;EMAIL=\"a@b\":x", "X;Y=\"", "begin:vevent", "\u{feff}", "20261224"][..]), 0..16),
        end in select(&["\n", "\r\n", "\r", ""][..]),
        framed in any::<bool>(),
    ) {
        let body = lines.join(end);
        let file = if framed {
            format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\n{body}\nEND:VEVENT\nEND:VCALENDAR\n")
        } else {
            body
        };
        if let Ok(days) = holidays::read(file.as_bytes()) {
            prop_assert!(!days.is_empty());
        }
    }
}
