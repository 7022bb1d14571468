//! Keeps `docs/opening-hours.md` true: every expression and the sample file in it are tried.

use super::{CalendarError, OpeningHours, holidays};
use crate::domain::time::{Hours, Timestamp};

const PAGE: &str = include_str!("../../docs/opening-hours.md");
const ZONE: &str = "Europe/Stockholm";

/// The lines of the page's block marked `mark`.
fn block(mark: &str) -> Vec<&'static str> {
    let fence = format!("```{mark}");
    let lines = PAGE.lines().skip_while(|line| *line != fence).skip(1);
    lines.take_while(|line| *line != "```").collect()
}

/// The expressions of a block, each before its remark.
fn expressions(mark: &str) -> Vec<&'static str> {
    let split = |line: &'static str| line.split_once(" # ").expect("a remark").0.trim_end();
    block(mark).into_iter().map(split).collect()
}

fn compile(expression: &str) -> Result<OpeningHours, CalendarError> {
    OpeningHours::compile(expression, ZONE, Some(block("ics").join("\n").as_bytes()))
}

fn changes(expression: &str, from: &str, count: usize) -> Vec<String> {
    let time = |text: &str| text.parse::<jiff::Timestamp>().expect("a test's own time");
    let hours = compile(expression).expect(expression);
    let shown = |at: Timestamp| {
        let zone = jiff::tz::TimeZone::get(ZONE).expect("in tzdata");
        let instant = jiff::Timestamp::from_millisecond(at.0).expect("in range");
        instant
            .to_zoned(zone)
            .strftime("%a %d %H:%M%:z")
            .to_string()
    };
    let from = Timestamp(time(from).as_millisecond());
    hours
        .next_changes(from, count)
        .into_iter()
        .map(|(at, _)| shown(at))
        .collect()
}

#[test]
fn every_example_on_the_page_is_taken() {
    let examples = expressions("hours");
    assert_eq!(examples.len(), 21);
    for example in examples {
        let hours = compile(example).expect(example);
        let changes = hours.next_changes(Timestamp(1_767_225_600_000), 3).len();
        let constant = ["24/7", "off", "Mo-Fr 08:00-17:00 unknown"].contains(&example);
        assert_eq!(changes, if constant { 0 } else { 3 }, "{example}");
    }
}

#[test]
fn every_refusal_on_the_page_is_one() {
    let refused = expressions("refused");
    assert_eq!(refused.len(), 9);
    for expression in refused {
        assert!(compile(expression).is_err(), "{expression}");
    }
    let error = OpeningHours::compile("PH off", ZONE, None).expect_err("no file");
    assert!(
        matches!(error, CalendarError::HolidaysMissing { .. }),
        "{error:?}"
    );
}

#[test]
fn the_sample_file_has_the_days_it_says() {
    let file = block("ics").join("\n");
    let days = holidays::read(file.as_bytes()).expect("the page's own file");
    let days: Vec<String> = days.iter().map(ToString::to_string).collect();
    assert_eq!(
        days,
        ["2026-12-24", "2026-12-25", "2026-12-26", "2027-01-01"]
    );
}

#[test]
fn rules_work_as_the_page_says() {
    let late = "2026-12-23T23:30:00Z";
    assert_eq!(
        changes("Mo-Fr 08:00-17:00; PH 10:00-13:00", late, 2),
        ["Thu 24 10:00+01:00", "Thu 24 13:00+01:00"]
    );
    let half = "Mo-Fr 08:00-17:00; PH -1 day 08:00-12:00; PH off";
    assert_eq!(
        changes(half, "2026-12-22T23:30:00Z", 3),
        [
            "Wed 23 08:00+01:00",
            "Wed 23 12:00+01:00",
            "Mon 28 08:00+01:00"
        ]
    );
    let wrong = "2026 Dec 24-2027 Jan 06 off; Mo-Fr 08:00-17:00";
    assert_eq!(changes(wrong, late, 1), ["Thu 24 08:00+01:00"]);
    let right = "Mo-Fr 08:00-17:00; 2026 Dec 24-2027 Jan 06 off";
    assert_eq!(changes(right, late, 1), ["Thu 07 08:00+01:00"]);
    let evening = "Mo-Fr 08:00-12:00, We 18:00-20:00";
    assert_eq!(changes(evening, "2026-11-24T23:00:00Z", 4).len(), 4);
    assert_eq!(
        changes(evening, "2026-11-24T23:00:00Z", 3)[2],
        "Wed 25 18:00+01:00"
    );
    let friday = "Mo-Fr 08:00-17:00; easter -2 days off";
    assert_eq!(
        changes(friday, "2027-03-25T20:00:00Z", 1),
        ["Mon 29 08:00+02:00"]
    );
    let lunch = "Mo-Fr 08:00-17:00; 12:00-13:00 off";
    assert_eq!(
        changes(lunch, "2026-11-24T23:00:00Z", 3)[1..],
        ["Wed 25 12:00+01:00", "Wed 25 13:00+01:00"]
    );
}

#[test]
fn the_two_nights_go_as_the_page_says() {
    let spring = "2026-03-28T23:30:00Z";
    assert_eq!(
        changes("Su 02:30-06:00", spring, 2),
        ["Sun 29 03:00+02:00", "Sun 29 06:00+02:00"]
    );
    assert_eq!(changes("Su 02:15-02:45", spring, 1), ["Sun 05 02:15+02:00"]);
    let autumn = "2026-10-24T22:30:00Z";
    let twice = [
        "Sun 25 02:30+02:00",
        "Sun 25 02:00+01:00",
        "Sun 25 02:30+01:00",
        "Sun 25 06:00+01:00",
    ];
    assert_eq!(changes("Su 02:30-06:00", autumn, 4), twice);
    assert_eq!(
        changes("Su 01:00-06:00", autumn, 2),
        ["Sun 25 01:00+02:00", "Sun 25 06:00+01:00"]
    );
}

#[test]
fn opening_is_inclusive_and_closing_exclusive() {
    let hours = OpeningHours::compile("08:00-17:00", "UTC", None).expect("plain");
    let at = |ms: i64| hours.at(Timestamp(ms)).open;
    assert_eq!(
        [
            at(28_799_999),
            at(28_800_000),
            at(61_199_999),
            at(61_200_000)
        ],
        [false, true, true, false]
    );
}
