//! What is wrong with opening hours as configured, and what to change.

use super::{EXPRESSION_CHARS_MAX, HOLIDAYS_BYTES_MAX, HOLIDAYS_MAX};

/// Why hours, a zone or a file of holidays are refused. Raised while a configuration is read, never
/// while hours are evaluated; the operator mends the place named and loads again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Nothing but blanks.
    #[error("the expression is empty: write opening hours such as `Mo-Fr 08:00-17:00`, or `24/7`")]
    ExpressionEmpty,
    /// Longer than the limit.
    #[error(
        "the expression has {chars} characters, at most {EXPRESSION_CHARS_MAX} are taken: \
         shorten it, or move dates into the holidays file"
    )]
    ExpressionTooLong {
        /// Characters found.
        chars: usize,
    },
    /// Not in the syntax of opening hours.
    #[error("not understood at character {character}: {expected}")]
    Syntax {
        /// Bytes before the place.
        offset: usize,
        /// The same place for people: characters, counted from 1.
        character: usize,
        /// What could have stood there.
        expected: String,
    },
    /// A number or a range that no calendar has; the parser names the value, not its place.
    #[error("not understood: {reason}")]
    Value {
        /// The parser's words.
        reason: String,
    },
    /// Understood, but refused: it would not mean what a reader of the line expects.
    #[error("{}{reason}", at_character(*.character))]
    Refused {
        /// Bytes before the word in question, where it is a word.
        offset: Option<usize>,
        /// The same place for people: characters, counted from 1.
        character: Option<usize>,
        /// What is wrong with it and what to write instead.
        reason: &'static str,
    },
    /// `PH` without a file that says when it is.
    #[error(
        "{}the expression names PH but no holidays_ics is set: set it, or take PH out",
        at_character(Some(*.character))
    )]
    HolidaysMissing {
        /// Bytes before `PH`.
        offset: usize,
        /// The same place for people: characters, counted from 1.
        character: usize,
    },
    /// The iCalendar file is refused at a line.
    #[error("holidays, line {line}: {reason}")]
    Holidays {
        /// Line of the file as it stands on disk, from 1.
        line: usize,
        /// What is wrong and what to change; never text from the file.
        reason: &'static str,
    },
    /// A file without one holiday, which can only be a mistake.
    #[error(
        "the holidays file has no holiday in it: it needs at least one VEVENT with \
         DTSTART;VALUE=DATE that is not cancelled"
    )]
    HolidaysEmpty,
    /// More bytes than the limit.
    #[error("the holidays file has {bytes} bytes, at most {HOLIDAYS_BYTES_MAX} are taken")]
    HolidaysTooLarge {
        /// Bytes found.
        bytes: usize,
    },
    /// More days than the limit.
    #[error(
        "holidays, line {line}: more than {HOLIDAYS_MAX} days; keep only the years that are needed"
    )]
    HolidaysTooMany {
        /// Line of the event that passes the limit, from 1.
        line: usize,
    },
    /// No such zone in the system's tzdata.
    #[error(
        "`{name}` is no time zone of this system: write a name such as Europe/Stockholm \
         (`timedatectl list-timezones` lists them)"
    )]
    ZoneUnknown {
        /// The name as written, cut to a sane length.
        name: String,
    },
    /// The system has no tzdata at all.
    #[error("this system has no time zones: install the package tzdata")]
    ZonesMissing,
}

impl CalendarError {
    /// Bytes of the expression before the place meant, for drawing a caret; `None` when the error
    /// is about no one place in the expression.
    pub fn offset(&self) -> Option<usize> {
        match self {
            CalendarError::Syntax { offset, .. }
            | CalendarError::HolidaysMissing { offset, .. } => Some(*offset),
            CalendarError::Refused { offset, .. } => *offset,
            CalendarError::ExpressionEmpty
            | CalendarError::ExpressionTooLong { .. }
            | CalendarError::Value { .. }
            | CalendarError::Holidays { .. }
            | CalendarError::HolidaysEmpty
            | CalendarError::HolidaysTooLarge { .. }
            | CalendarError::HolidaysTooMany { .. }
            | CalendarError::ZoneUnknown { .. }
            | CalendarError::ZonesMissing => None,
        }
    }
}

fn at_character(character: Option<usize>) -> String {
    character
        .map(|character| format!("at character {character}: "))
        .unwrap_or_default()
}
