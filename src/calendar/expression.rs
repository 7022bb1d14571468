//! The expression as written: parsed by `opening-hours`, then refused where a map reader could live
//! with it and an entrance could not.

use opening_hours_syntax::error::Error as ParserError;
use opening_hours_syntax::rules::day::{HolidayKind, MonthdayRange, WeekDayRange};
use opening_hours_syntax::rules::time::{TimeEvent, TimeSpan};
use opening_hours_syntax::rules::{OpeningHoursExpression, RuleSequence};
use pest::error::InputLocation;

use super::{CalendarError, EXPRESSION_CHARS_MAX};

const PUBLIC_HOLIDAY: &str = "PH";
const SCHOOL_HOLIDAY: &str = "SH";

/// An expression that means the same to its reader and to the evaluation.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) hours: opening_hours::OpeningHours,
    /// Where `PH` stands in the text, if it does.
    pub(super) names_holidays_at: Option<Place>,
    /// What it says, when it says the same at every instant.
    pub(super) always: Option<opening_hours::RuleKind>,
}

/// A place in the expression, for machines and for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) character: usize,
}

impl Place {
    fn new(text: &str, offset: usize) -> Place {
        let before = text
            .char_indices()
            .take_while(|(at, _)| *at < offset)
            .count();
        Place {
            offset,
            character: before + 1,
        }
    }
}

/// Reads `text`.
///
/// # Errors
/// With the place where the parser knows it; the operator corrects the expression.
pub(super) fn parse(text: &str) -> Result<Expression, CalendarError> {
    if text.trim().is_empty() {
        return Err(CalendarError::ExpressionEmpty);
    }
    let chars = text.chars().count();
    if chars > EXPRESSION_CHARS_MAX {
        return Err(CalendarError::ExpressionTooLong { chars });
    }
    let hours: opening_hours::OpeningHours =
        text.parse().map_err(|error| not_understood(text, error))?;
    let expression = hours.get_expression();
    for rule in &expression.rules {
        if let Some((word, reason)) = refusal(rule) {
            let place = word.and_then(|word| place_of(text, word));
            return Err(CalendarError::Refused {
                offset: place.map(|place| place.offset),
                character: place.map(|place| place.character),
                reason,
            });
        }
    }
    let names_holidays_at = names_holidays(&expression)
        .then(|| place_of(text, PUBLIC_HOLIDAY).unwrap_or_else(|| Place::new(text, 0)));
    Ok(Expression {
        always: always(&expression),
        hours,
        names_holidays_at,
    })
}

fn not_understood(text: &str, error: ParserError) -> CalendarError {
    let ParserError::Syntax(error) = error else {
        return CalendarError::Value {
            reason: error.to_string(),
        };
    };
    let offset = match error.location {
        InputLocation::Pos(offset) | InputLocation::Span((offset, _)) => offset,
    };
    let worded = error.renamed_rules(|rule| in_words(&format!("{rule:?}")).to_owned());
    let Place { offset, character } = Place::new(text, offset);
    let expected = worded.variant.message().into_owned();
    CalendarError::Syntax {
        offset,
        character,
        expected,
    }
}

/// The parser's names of what it expected, as an operator would say them. A name that is missing
/// here is shown as the parser has it.
fn in_words(rule: &str) -> &str {
    match rule {
        "EOI" => "the end",
        "any_rule_separator" => "`;` and another rule",
        "rules_modifier" => "`open` or `off`",
        "always_open" => "`24/7`",
        "small_range_selectors" | "weekday_selector" | "weekday_range" => {
            "weekdays such as Mo-Fr or times such as 08:00-17:00"
        }
        "wday" => "a weekday such as Mo",
        "timespan" | "time_selector" => "times such as 08:00-17:00",
        "time" | "hour_minutes" => "a time such as 08:00",
        "extended_time" | "extended_hour_minutes" => "a time such as 17:00",
        "holiday" | "holiday_sequence" => "`PH`",
        "week_selector" => "weeks such as week 10-20",
        "week" | "weeknum" => "a number of a week",
        "monthday_range" | "monthday_selector" => "dates such as Dec 24-26",
        "date_from" | "date_to" => "a date such as Dec 24",
        "month" => "a month such as Dec",
        "daynum" => "a day of the month",
        "year" | "year_selector" | "year_range" => "a year",
        "comment" => "a comment in quotes",
        "space" => "a space",
        other => other,
    }
}

/// Why a rule is refused, and the word in the text that shows where, if there is one.
fn refusal(rule: &RuleSequence) -> Option<(Option<&'static str>, &'static str)> {
    for span in &rule.time_selector.spans {
        if let Some(event) = sun_event(span) {
            return Some((
                Some(event.as_str()),
                "dawn, sunrise, sunset and dusk need coordinates, which a service has none of: \
                 write a time such as 08:00",
            ));
        }
        if span.open_end {
            return Some((
                None,
                "`+` after a time leaves the end open: write when it closes",
            ));
        }
        if span.repeats.is_some() {
            return Some((
                None,
                "`/` after times means single moments, not opening hours: take it out",
            ));
        }
    }
    if school_holidays(rule) {
        return Some((
            Some(SCHOOL_HOLIDAY),
            "SH (school holidays) is not kept here: put the days into the holidays file as PH, \
             or write them as dates",
        ));
    }
    if rule
        .day_selector
        .monthday
        .iter()
        .any(is_month_glued_to_year)
    {
        return Some((
            None,
            "write a space between year and month, as in `2027 Jun-Aug`",
        ));
    }
    let open = rule.kind == opening_hours::RuleKind::Open;
    if rule.is_constant() && open && !rule.comment.is_empty() {
        return Some((
            None,
            "a rule of nothing but a comment would be open all the time: write `off` before the \
             comment, or leave the comment out",
        ));
    }
    None
}

fn sun_event(span: &TimeSpan) -> Option<TimeEvent> {
    span.range
        .start
        .as_time_event()
        .or_else(|| span.range.end.as_time_event())
}

fn school_holidays(rule: &RuleSequence) -> bool {
    rule.day_selector.weekday.iter().any(|days| match days {
        WeekDayRange::Holiday {
            kind: HolidayKind::School,
            ..
        } => true,
        WeekDayRange::Holiday {
            kind: HolidayKind::Public,
            ..
        }
        | WeekDayRange::Fixed { .. } => false,
    })
}

fn names_holidays(expression: &OpeningHoursExpression) -> bool {
    expression
        .rules
        .iter()
        .flat_map(|rule| &rule.day_selector.weekday)
        .any(|days| match days {
            WeekDayRange::Holiday {
                kind: HolidayKind::Public,
                ..
            } => true,
            WeekDayRange::Holiday {
                kind: HolidayKind::School,
                ..
            }
            | WeekDayRange::Fixed { .. } => false,
        })
}

/// `2027Jun` is evaluated by opening-hours 2.1.4 as ending on the first of the month; `2027 Jun`,
/// which is read as a year and a month, is right.
fn is_month_glued_to_year(range: &MonthdayRange) -> bool {
    match range {
        MonthdayRange::Month { year, .. } => year.is_some(),
        MonthdayRange::Date { .. } => false,
    }
}

/// What the expression says when one rule says it of all time. Only the plain case is taken: the
/// library's own, wider test calls `Mo-Fr 22:00-02:00 || off` constant.
fn always(expression: &OpeningHoursExpression) -> Option<opening_hours::RuleKind> {
    match expression.rules.as_slice() {
        [rule] if rule.is_constant() => Some(rule.kind),
        _ => None,
    }
}

/// Where `word` first stands outside comments, in any case of letters.
fn place_of(text: &str, word: &str) -> Option<Place> {
    let mut inside = false;
    for (at, found) in text.char_indices() {
        if found == '"' {
            inside = !inside;
        }
        let here = text.get(at..at + word.len());
        if !inside && here.is_some_and(|here| here.eq_ignore_ascii_case(word)) {
            return Some(Place::new(text, at));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> CalendarError {
        parse(text).expect_err(text)
    }

    #[test]
    fn everyday_expressions_are_understood() {
        for text in [
            "24/7",
            "Mo-Fr 08:00-17:00",
            "mo-fr 8:00-17:00; PH off",
            "Fr 22:00-26:00",
            "off",
            "Mo-Fr 09:00-12:00,13:00-17:00; Dec 24-26 off \"Christmas\"",
            "2027 Jun-Aug Mo-Fr 09:00-15:00",
            "PH 10:00-14:00 open \"short\"",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn nothing_is_refused_as_empty() {
        assert_eq!(refused(""), CalendarError::ExpressionEmpty);
        assert_eq!(refused(" \t\n"), CalendarError::ExpressionEmpty);
    }

    #[test]
    fn length_is_taken_up_to_its_limit() {
        let of = |chars: usize| format!("Mo 08:00-17:00 open \"{}\"", "é".repeat(chars - 22));
        assert_eq!(
            of(EXPRESSION_CHARS_MAX).chars().count(),
            EXPRESSION_CHARS_MAX
        );
        assert!(parse(&of(EXPRESSION_CHARS_MAX - 1)).is_ok());
        assert!(parse(&of(EXPRESSION_CHARS_MAX)).is_ok());
        assert_eq!(
            refused(&of(EXPRESSION_CHARS_MAX + 1)),
            CalendarError::ExpressionTooLong {
                chars: EXPRESSION_CHARS_MAX + 1
            }
        );
    }

    #[test]
    fn a_slip_is_shown_with_its_place_and_what_could_stand_there() {
        let error = refused("Mo-Fr 09:00-1700");
        assert_eq!(error.offset(), Some(12));
        assert_eq!(
            error.to_string(),
            "not understood at character 13: expected a time such as 17:00"
        );
        let error = refused("Mo \"é\"; nonsense");
        assert_eq!(error.offset(), Some(9));
        assert!(
            error
                .to_string()
                .starts_with("not understood at character 9: expected "),
            "{error}"
        );
    }

    #[test]
    fn numbers_no_calendar_has_are_refused() {
        for text in [
            "Mo 08:00-48:30",
            "2028-2026 Mo 08:00-17:00",
            "week 20-10 Mo 08:00-17:00",
        ] {
            assert!(
                matches!(refused(text), CalendarError::Value { .. }),
                "{text}"
            );
        }
    }

    #[test]
    fn the_sun_is_refused_for_want_of_coordinates() {
        for (text, offset) in [
            ("sunrise-18:00", 0),
            ("Mo-Fr 08:00-Sunset", 12),
            ("Mo 08:00-09:00 \"no sunset\"; Tu dawn-dusk", 31),
            ("Su (sunset-02:00)-23:00", 4),
        ] {
            let error = refused(text);
            assert_eq!(error.offset(), Some(offset), "{text}");
            assert!(error.to_string().contains("need coordinates"), "{error}");
        }
    }

    #[test]
    fn school_holidays_are_refused_with_their_place() {
        let error = refused("Mo-Fr 08:00-17:00; SH off");
        assert_eq!(error.offset(), Some(19));
        assert!(
            error.to_string().starts_with("at character 20: SH"),
            "{error}"
        );
    }

    #[test]
    fn what_would_silently_mean_something_else_is_refused() {
        for (text, words) in [
            ("Mo-Fr 08:00+", "write when it closes"),
            ("Mo-Fr 08:00-17:00+", "write when it closes"),
            ("Mo-Fr 08:00-17:00/01:00", "single moments"),
            ("Mo-Fr 08:00-17:00/30", "single moments"),
            ("2027Jun 08:00-17:00", "space between year and month"),
            (
                "Mo-Fr 08:00-17:00 || \"by telephone\"",
                "nothing but a comment",
            ),
        ] {
            let error = refused(text);
            assert!(
                matches!(error, CalendarError::Refused { .. }),
                "{text}: {error:?}"
            );
            assert!(error.to_string().contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn holidays_are_found_outside_comments_only() {
        let at = |text: &str| {
            parse(text)
                .expect(text)
                .names_holidays_at
                .map(|place| place.offset)
        };
        assert_eq!(at("Mo-Fr 08:00-17:00 open \"PH too\""), None);
        assert_eq!(at("Mo-Fr 08:00-17:00 open \"PH\"; PH off"), Some(29));
    }

    #[test]
    fn only_one_rule_for_all_time_counts_as_always() {
        use opening_hours::RuleKind;
        let always = |text: &str| parse(text).expect(text).always;
        assert_eq!(always("24/7"), Some(RuleKind::Open));
        assert_eq!(always("24/7 off"), Some(RuleKind::Closed));
        assert_eq!(always("24/7 unknown"), Some(RuleKind::Unknown));
        assert_eq!(always("24/7; PH off"), None);
        assert_eq!(always("Mo-Fr 22:00-02:00 || off"), None);
    }
}
