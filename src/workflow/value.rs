//! The simple types of `workflow.xsd`: each function takes the value of an attribute and gives what
//! it says, or what it must be instead; the last completes "… must be".

use std::borrow::Cow;

use crate::domain::ids::Priority;
use crate::domain::workflow::{
    Audience, Awaited, CONDITION_CHARS_MAX, NAME_CHARS_MAX, TEXT_CHARS_MAX, Until, WAIT_MAX_MS,
};
use crate::wire::time::{parse_duration, parse_instant};

use super::element::Element;
use super::fault::{Faults, Rule};

/// Characters of a service's name, as the contract has it.
const SERVICE_CHARS_MAX: usize = 32;
/// Characters of a key of the contact data, as the contract has it.
const KEY_CHARS_MAX: usize = 100;
/// Characters of a value of the contact data, as the contract has it.
const VALUE_CHARS_MAX: usize = 1_024;
/// Days of the longest wait, for people.
const WAIT_MAX_DAYS: i64 = WAIT_MAX_MS / 86_400_000;

/// Why a value is none: what it must be.
pub(super) type Shape = Cow<'static, str>;

/// The attributes of one element as they are asked for; whatever nobody asked for is refused.
pub(super) struct Attributes<'a> {
    element: &'a Element,
    asked: Vec<&'static str>,
}

impl<'a> Attributes<'a> {
    pub(super) fn of(element: &'a Element) -> Attributes<'a> {
        Attributes {
            element,
            asked: Vec::new(),
        }
    }

    /// The value of an attribute that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        faults: &mut Faults,
        read: impl FnOnce(&str) -> Result<T, Shape>,
    ) -> Option<T> {
        self.asked.push(name);
        let attribute = self.element.attribute(name)?;
        match read(&attribute.value) {
            Ok(value) => Some(value),
            Err(shape) => {
                let message = format!("@{name} must be {shape}.");
                faults.add(attribute.at, Rule::Schema, message);
                None
            }
        }
    }

    /// The value of an attribute that must be there; `otherwise` where it is not, or is bad.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        faults: &mut Faults,
        otherwise: T,
        read: impl FnOnce(&str) -> Result<T, Shape>,
    ) -> T {
        if self.element.attribute(name).is_none() {
            let message = format!("Give {} the attribute {name}.", self.element.name);
            faults.add(self.element.at, Rule::Schema, message);
        }
        self.optional(name, faults, read).unwrap_or(otherwise)
    }

    /// Refuses the attributes that nobody asked for.
    pub(super) fn done(self, faults: &mut Faults) {
        let strays = self.element.attributes.iter();
        for stray in strays.filter(|it| !self.asked.contains(&it.name.as_str())) {
            let element = &self.element.name;
            let message = match element.as_str() {
                "event" => format!("Remove @{}: this event has no such attribute.", stray.name),
                _ => format!("Remove @{}: {element} has no such attribute.", stray.name),
            };
            faults.add(stray.at, Rule::Schema, message);
        }
    }
}

/// White space as `xs:token` has it: every run becomes one space, none stays at the ends.
fn collapse(text: &str) -> String {
    let words = text.split([' ', '\t', '\n', '\r']);
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn plain_name(text: &str, max: usize) -> Result<String, Shape> {
    let text = collapse(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if text.is_empty() || text.len() > max || !text.bytes().all(plain) {
        let shape = format!("1 to {max} of the characters A-Z a-z 0-9 . _ -");
        return Err(shape.into());
    }
    Ok(text)
}

/// Of a workflow, a stage, a button, a notification, a work group.
pub(super) fn name(text: &str) -> Result<String, Shape> {
    plain_name(text, NAME_CHARS_MAX)
}

pub(super) fn service(text: &str) -> Result<String, Shape> {
    plain_name(text, SERVICE_CHARS_MAX)
}

pub(super) fn key(text: &str) -> Result<String, Shape> {
    plain_name(text, KEY_CHARS_MAX)
}

fn line(text: &str, max: usize) -> Result<String, Shape> {
    let text = collapse(text);
    let long = text.chars().count() > max;
    match text.is_empty() || long {
        true => Err(format!("1 to {max} characters long").into()),
        false => Ok(text),
    }
}

/// A sentence for people.
pub(super) fn sentence(text: &str) -> Result<String, Shape> {
    line(text, TEXT_CHARS_MAX)
}

/// What people call something: a user, a result.
pub(super) fn label(text: &str) -> Result<String, Shape> {
    line(text, NAME_CHARS_MAX)
}

/// Of the contact data, white space kept.
pub(super) fn datum(text: &str) -> Result<String, Shape> {
    match text.chars().count() > VALUE_CHARS_MAX {
        true => Err(format!("at most {VALUE_CHARS_MAX} characters long").into()),
        false => Ok(text.to_owned()),
    }
}

/// A condition, white space kept.
pub(super) fn condition(text: &str) -> Result<String, Shape> {
    let blank = text.trim_matches([' ', '\t', '\n', '\r']).is_empty();
    match blank || text.chars().count() > CONDITION_CHARS_MAX {
        true => Err(format!("a condition of at most {CONDITION_CHARS_MAX} characters").into()),
        false => Ok(text.to_owned()),
    }
}

pub(super) fn audience(text: &str) -> Result<Audience, Shape> {
    name(text).map(|name| Audience::of(&name))
}

pub(super) fn boolean(text: &str) -> Result<bool, Shape> {
    match collapse(text).as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("true or false".into()),
    }
}

fn digit(text: &str) -> Option<u8> {
    match collapse(text).as_bytes() {
        [digit @ b'0'..=b'9'] => Some(digit - b'0'),
        _ => None,
    }
}

pub(super) fn priority(text: &str) -> Result<Priority, Shape> {
    let priority = digit(text).and_then(Priority::new);
    priority.ok_or("one digit, 0 (lowest) to 9".into())
}

pub(super) fn raise(text: &str) -> Result<u8, Shape> {
    let by = digit(text).filter(|by| *by > 0);
    by.ok_or("one digit, 1 to 9".into())
}

pub(super) fn duration(text: &str) -> Result<i64, Shape> {
    let duration = parse_duration(&collapse(text));
    let Some(ms) = duration.filter(|ms| *ms <= WAIT_MAX_MS) else {
        let shape = format!(
            "a duration of days, hours, minutes and seconds such as PT30S or P1DT12H, more than \
             nothing and at most {WAIT_MAX_DAYS} days"
        );
        return Err(shape.into());
    };
    Ok(ms)
}

pub(super) fn until(text: &str) -> Result<Until, Shape> {
    let text = collapse(text);
    let known = match text.as_str() {
        "dueBy" => Some(Until::Due),
        "opening" => Some(Until::Opening),
        word => Awaited::parse(word).map(Until::Event),
    };
    let local = || local_time(&text).map(|minute| Until::LocalTime { minute });
    let instant = || parse_instant(&text).map(Until::At);
    known.or_else(local).or_else(instant).ok_or(
        "updated, accepted, ended, agentLost, acknowledged, dueBy, opening, a time of day such as \
         08:30, or an instant with its offset such as 2026-11-20T08:30:00+01:00"
            .into(),
    )
}

/// Minutes after midnight of `08:30`.
fn local_time(text: &str) -> Option<u16> {
    let [h1, h2, b':', m1, m2] = text.as_bytes() else {
        return None;
    };
    let pair = |tens: u8, ones: u8| {
        let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
        digits.then(|| u16::from(tens - b'0') * 10 + u16::from(ones - b'0'))
    };
    let (hour, minute) = (pair(*h1, *h2)?, pair(*m1, *m2)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    fn at_most<T>(max: usize, read: impl Fn(&str) -> Result<T, Shape>) {
        for (length, good) in [(0, false), (1, true), (max - 1, true), (max, true)] {
            assert_eq!(read(&"a".repeat(length)).is_ok(), good, "{length}");
        }
        assert!(read(&"a".repeat(max + 1)).is_err());
    }

    #[test]
    fn texts_have_their_lengths() {
        at_most(64, name);
        at_most(32, service);
        at_most(100, key);
        at_most(200, sentence);
        at_most(64, label);
        at_most(1_000, condition);
        assert!(datum("").is_ok());
        assert!(datum(&"å".repeat(1_024)).is_ok());
        assert!(datum(&"å".repeat(1_025)).is_err());
        assert!(condition(" \n").is_err());
    }

    #[test]
    fn white_space_is_collapsed_where_it_says_nothing() {
        assert_eq!(name(" a-b \n").as_deref(), Ok("a-b"));
        assert_eq!(sentence("  so \t it  is").as_deref(), Ok("so it is"));
        assert_eq!(datum(" a  b ").as_deref(), Ok(" a  b "));
        assert!(name("a b").is_err());
        assert!(name("å").is_err());
    }

    #[test]
    fn digits_are_priorities() {
        assert_eq!(priority("0"), Ok(Priority::new(0).expect("in range")));
        assert_eq!(priority(" 9 "), Ok(Priority::new(9).expect("in range")));
        assert!(priority("10").is_err() && priority("").is_err() && priority("-1").is_err());
        assert_eq!((raise("1"), raise("9")), (Ok(1), Ok(9)));
        assert!(raise("0").is_err() && raise("10").is_err());
    }

    #[test]
    fn durations_end_after_366_days() {
        assert_eq!(duration("PT1S"), Ok(1_000));
        assert_eq!(duration("P366D"), Ok(WAIT_MAX_MS));
        assert_eq!(duration("P365DT23H59M59S"), Ok(WAIT_MAX_MS - 1_000));
        assert!(duration("P366DT1S").is_err());
        assert!(duration("PT0S").is_err() && duration("1h").is_err());
    }

    #[test]
    fn waits_end_at_words_times_and_instants() {
        assert_eq!(until("dueBy"), Ok(Until::Due));
        assert_eq!(until("opening"), Ok(Until::Opening));
        for awaited in Awaited::ALL {
            assert_eq!(until(awaited.word()), Ok(Until::Event(awaited)));
        }
        assert_eq!(until("00:00"), Ok(Until::LocalTime { minute: 0 }));
        assert_eq!(until("23:59"), Ok(Until::LocalTime { minute: 1_439 }));
        let instant = Until::At(Timestamp(1_795_183_391_000));
        assert_eq!(until("2026-11-20T15:03:11+01:00"), Ok(instant));
        for bad in [
            "24:00",
            "12:60",
            "8:30",
            "08:30:00",
            "a2:30",
            "queued",
            "",
            "2026-11-20",
        ] {
            assert!(until(bad).is_err(), "{bad}");
        }
    }
}
