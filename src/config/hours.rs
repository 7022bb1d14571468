//! Opening hours of a service: compiled while the configuration is read, so that a mistake is shown
//! with a caret under the word that is wrong.

use std::sync::Arc;

use super::address::FilePath;
use super::layers::read_limited;
use super::problem::ConfigError;
use super::section::{Found, Section};
use super::settings::refuse_missing_file;
use super::word::Text;
use crate::calendar::{CalendarError, EXPRESSION_CHARS_MAX, HOLIDAYS_BYTES_MAX, OpeningHours};
use crate::domain::time::Hours;

/// Reads `hours` and `holidays_ics`; `None`: always open, or refused.
pub fn read(section: &mut Section<'_, '_>, time_zone: &str) -> Option<Arc<dyn Hours>> {
    let kind = Text {
        chars_max: EXPRESSION_CHARS_MAX,
    };
    let hours = section.optional("hours", &kind);
    let holidays_file = section.optional("holidays_ics", &FilePath);
    let holidays = match &holidays_file {
        Some(file) => Some(read_holidays(section, file)?),
        None => None,
    };
    let Some(Found { value, place }) = hours else {
        if let Some(file) = holidays_file {
            let text = "without `hours` the service is always open, holidays or not";
            section.warn("holidays_ics", file.place, text.to_owned());
        }
        return None;
    };
    match OpeningHours::compile(&value, time_zone, holidays.as_deref()) {
        Ok(compiled) => {
            if let (Some(file), false) = (holidays_file, compiled.names_holidays()) {
                let text = "`hours` says nothing about `PH`: the holidays have no effect";
                section.warn("holidays_ics", file.place, text.to_owned());
            }
            Some(Arc::new(compiled))
        }
        Err(error) => {
            refuse(section, &error, &Found { value, place }, holidays_file);
            None
        }
    }
}

fn read_holidays(
    section: &mut Section<'_, '_>,
    file: &Found<std::path::PathBuf>,
) -> Option<Vec<u8>> {
    if let Ok(false) = file.value.try_exists() {
        refuse_missing_file(section, "holidays_ics", file);
        return None;
    }
    let bytes_max = u64::try_from(HOLIDAYS_BYTES_MAX).expect("a file's size fits 64 bits");
    match read_limited(&file.value, bytes_max) {
        Ok(bytes) => Some(bytes),
        Err(reason) => {
            let path = file.value.clone();
            let error = ConfigError::Unreadable { path, reason };
            section.refuse("holidays_ics", file.place.clone(), error);
            None
        }
    }
}

/// Shows a fault where it is: in the expression, from the word in question on, or at the file.
fn refuse(
    section: &mut Section<'_, '_>,
    error: &CalendarError,
    hours: &Found<String>,
    file: Option<Found<std::path::PathBuf>>,
) {
    let told = ConfigError::Hours(error.to_string());
    match error {
        CalendarError::Holidays { .. }
        | CalendarError::HolidaysEmpty
        | CalendarError::HolidaysTooLarge { .. }
        | CalendarError::HolidaysTooMany { .. } => {
            let place = file.and_then(|found| found.place);
            section.refuse("holidays_ics", place, told);
        }
        CalendarError::ExpressionEmpty
        | CalendarError::ExpressionTooLong { .. }
        | CalendarError::Syntax { .. }
        | CalendarError::Value { .. }
        | CalendarError::Refused { .. }
        | CalendarError::HolidaysMissing { .. } => {
            let place = hours.place.as_ref().map(|place| match error.offset() {
                Some(offset) => place.inside(&hours.value, offset..word_end(&hours.value, offset)),
                None => place.clone(),
            });
            section.refuse("hours", place, told);
        }
        // The tenant's zone has been judged where it is written; here it was replaced by UTC.
        CalendarError::ZoneUnknown { .. } | CalendarError::ZonesMissing => {}
    }
}

/// The end of the word that begins `offset` bytes into the text.
fn word_end(text: &str, offset: usize) -> usize {
    let rest = text.get(offset..).unwrap_or("");
    let is_word = |c: char| c.is_alphanumeric();
    let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    offset + length.max(first)
}
