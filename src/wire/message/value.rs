//! The simple types of `work-item.xsd`: each function takes the text of an element or attribute
//! and gives the value, or what the text must be instead. None repeats the text: it is the
//! sender's or its customer's.

use std::borrow::Cow;
use std::fmt;

use uuid::Uuid;

use crate::domain::ids::{ItemId, Priority};
use crate::domain::item::ItemState;
use crate::domain::time::Timestamp;
use crate::wire::time::{parse_duration, parse_instant};

/// What a text must be; completes "… must be".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// So many Unicode characters.
    Length { min: usize, max: usize },
    /// As the words say.
    Words(&'static str),
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Length { min: 0, max } => write!(f, "at most {max} characters long"),
            Shape::Length { min, max } => write!(f, "{min} to {max} characters long"),
            Shape::Words(words) => f.write_str(words),
        }
    }
}

/// White space as `xs:token` has it: every run becomes one space, none stays at the ends.
pub(super) fn collapse(text: Cow<'_, str>) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let is_space = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let mut after_space = true;
    let collapsed = bytes.iter().all(|&byte| {
        let good = !is_space(byte) || (byte == b' ' && !after_space);
        after_space = is_space(byte);
        good
    });
    if collapsed && (!after_space || bytes.is_empty()) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split([' ', '\t', '\n', '\r']) {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Cow::Owned(out)
}

/// A collapsed line of `min` to `max` characters.
fn line(text: Cow<'_, str>, min: usize, max: usize) -> Result<String, Shape> {
    let text = collapse(text);
    check_length(&text, min, max)?;
    Ok(text.into_owned())
}

/// Characters are counted only where the bytes could be too many.
fn check_length(text: &str, min: usize, max: usize) -> Result<(), Shape> {
    let long = text.len() > max && text.chars().count() > max;
    // No minimum is above one, so only the empty text is too short.
    if long || (min > 0 && text.is_empty()) {
        return Err(Shape::Length { min, max });
    }
    Ok(())
}

/// A collapsed name of `[A-Za-z0-9._-]`, 1 to `max` of them.
fn plain_name(text: Cow<'_, str>, max: usize, shape: &'static str) -> Result<String, Shape> {
    let text = collapse(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if text.is_empty() || text.len() > max || !text.bytes().all(plain) {
        return Err(Shape::Words(shape));
    }
    Ok(text.into_owned())
}

pub(super) fn reference(text: Cow<'_, str>) -> Result<String, Shape> {
    line(text, 1, 128)
}

pub(super) fn cursor(text: Cow<'_, str>) -> Result<String, Shape> {
    line(text, 1, 128)
}

pub(super) fn title(text: Cow<'_, str>) -> Result<String, Shape> {
    line(text, 1, 200)
}

/// What people call something: a user, a skill, a tag.
pub(super) fn label(text: Cow<'_, str>) -> Result<String, Shape> {
    line(text, 1, 64)
}

pub(super) fn link_name(text: Cow<'_, str>) -> Result<String, Shape> {
    line(text, 1, 100)
}

pub(super) fn reason(text: Cow<'_, str>) -> Result<String, Shape> {
    line(text, 0, 1_000)
}

/// Of a customer: `name` and `company`.
pub(super) fn customer_name(text: Cow<'_, str>) -> Result<String, Shape> {
    line(text, 0, 100)
}

pub(super) fn phone(text: Cow<'_, str>) -> Result<String, Shape> {
    line(text, 0, 40)
}

pub(super) fn email(text: Cow<'_, str>) -> Result<String, Shape> {
    line(text, 0, 254)
}

/// White space stays.
pub(super) fn description(text: Cow<'_, str>) -> Result<String, Shape> {
    check_length(&text, 0, 8_000)?;
    Ok(text.into_owned())
}

/// Only checks: the value stays as it is.
pub(super) fn contact_data_value(text: &str) -> Result<(), Shape> {
    check_length(text, 0, 1_024)
}

pub(super) fn service_name(text: Cow<'_, str>) -> Result<String, Shape> {
    plain_name(text, 32, "1 to 32 of the characters A-Z a-z 0-9 . _ -")
}

/// `taskType` and `origin`.
pub(super) fn name(text: Cow<'_, str>) -> Result<String, Shape> {
    plain_name(text, 64, "1 to 64 of the characters A-Z a-z 0-9 . _ -")
}

pub(super) fn key(text: Cow<'_, str>) -> Result<String, Shape> {
    plain_name(text, 100, "1 to 100 of the characters A-Z a-z 0-9 . _ -")
}

pub(super) fn boolean(text: Cow<'_, str>) -> Result<bool, Shape> {
    match collapse(text).as_ref() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Shape::Words("true or false")),
    }
}

pub(super) fn priority(text: Cow<'_, str>) -> Result<Priority, Shape> {
    let shape = Shape::Words("one digit, 0 (lowest) to 9");
    let value = whole_number(&collapse(text), 1).ok_or(shape)?;
    u8::try_from(value)
        .ok()
        .and_then(Priority::new)
        .ok_or(shape)
}

pub(super) fn rank(text: Cow<'_, str>) -> Result<u8, Shape> {
    positive(
        text,
        2,
        "a whole number, 1 (best) to 99, without sign and leading zero",
    )
}

pub(super) fn level(text: Cow<'_, str>) -> Result<u8, Shape> {
    positive(text, 1, "one digit, 1 to 9")
}

pub(super) fn version(text: Cow<'_, str>) -> Result<u32, Shape> {
    positive(
        text,
        9,
        "a whole number, 1 to 999999999, without sign and leading zero",
    )
}

fn positive<T: TryFrom<u32>>(
    text: Cow<'_, str>,
    digits_max: usize,
    shape: &'static str,
) -> Result<T, Shape> {
    whole_number(&collapse(text), digits_max)
        .filter(|&value| value > 0)
        .and_then(|value| T::try_from(value).ok())
        .ok_or(Shape::Words(shape))
}

/// At most `digits_max` (no more than 9) digits without sign and leading zero.
fn whole_number(text: &str, digits_max: usize) -> Option<u32> {
    let leading_zero = text.len() > 1 && text.starts_with('0');
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || leading_zero || text.len() > digits_max {
        return None;
    }
    text.parse().ok()
}

pub(super) fn time(text: Cow<'_, str>) -> Result<Timestamp, Shape> {
    parse_instant(&collapse(text)).ok_or(Shape::Words(
        "a time with its offset on a day that exists, years 2000 to 2999, for instance \
         2026-11-20T14:03:11.250Z",
    ))
}

/// Milliseconds.
pub(super) fn duration(text: Cow<'_, str>) -> Result<i64, Shape> {
    parse_duration(&collapse(text)).ok_or(Shape::Words(
        "a duration of days, hours, minutes and seconds above zero, each a whole number of at \
         most 6 digits, for instance P1DT12H or PT30S",
    ))
}

pub(super) fn item_id(text: Cow<'_, str>) -> Result<ItemId, Shape> {
    let text = collapse(text);
    // Uuid reads three more notations, none of them 36 characters long.
    let hyphenated = (text.len() == 36)
        .then(|| Uuid::try_parse(&text).ok())
        .flatten();
    hyphenated.map(ItemId).ok_or(Shape::Words(
        "an item id, for instance 019aa1c2-7d3b-7c44-9a51-0f6f2c7f1e02",
    ))
}

pub(super) fn item_state(text: Cow<'_, str>) -> Result<ItemState, Shape> {
    ItemState::parse(&collapse(text)).ok_or(Shape::Words(
        "one of scheduled, inWorkflow, buffered, queued, offered, connected, parked and ended",
    ))
}

/// `https?://`, a host, then anything, all without spaces, control characters and `"<>\^`{|}`.
pub(super) fn href(text: Cow<'_, str>) -> Result<String, Shape> {
    let text = collapse(text);
    if check_length(&text, 0, 2_000).is_err() {
        return Err(Shape::Length { min: 1, max: 2_000 });
    }
    let after_scheme = text
        .strip_prefix("https://")
        .or(text.strip_prefix("http://"));
    let good = after_scheme.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && rest.chars().all(stands_in_href)
    });
    if !good {
        return Err(Shape::Words(
            "an address that begins with http:// or https:// and a host, without spaces, control \
             characters and any of \" < > \\ ^ ` { | }",
        ));
    }
    Ok(text.into_owned())
}

fn stands_in_href(character: char) -> bool {
    !matches!(
        character,
        '\0'..=' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '\u{7f}'..='\u{a0}'
    )
}

pub(super) fn file_name(text: Cow<'_, str>) -> Result<String, Shape> {
    let text = collapse(text);
    if check_length(&text, 1, 255).is_err() {
        return Err(Shape::Length { min: 1, max: 255 });
    }
    let stands = |character: char| !matches!(character, '/' | '\\' | '\u{7f}'..='\u{9f}');
    if !text.chars().all(stands) || text.chars().all(|character| character == '.') {
        return Err(Shape::Words(
            "a plain file name without / and \\ and control characters, and not only dots",
        ));
    }
    Ok(text.into_owned())
}

/// `type/subtype`, RFC 6838, 4.2.
pub(super) fn media_type(text: Cow<'_, str>) -> Result<String, Shape> {
    let text = collapse(text);
    let restricted_name = |part: &str| {
        let mut bytes = part.bytes();
        bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    let good = text.len() <= 127
        && text
            .split_once('/')
            .is_some_and(|(top, sub)| restricted_name(top) && restricted_name(sub));
    if !good {
        return Err(Shape::Words(
            "a media type without parameters, at most 127 characters, for instance \
             application/pdf",
        ));
    }
    Ok(text.into_owned())
}

pub(super) fn sha256(text: Cow<'_, str>) -> Result<[u8; 32], Shape> {
    let text = collapse(text);
    parse_sha256(&text).ok_or(Shape::Words("a SHA-256 as 64 hexadecimal digits"))
}

fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(digest)
}

/// No content: white space at most.
pub(super) fn nothing(text: Cow<'_, str>) -> Result<(), Shape> {
    match collapse(text).is_empty() {
        true => Ok(()),
        false => Err(Shape::Words("empty")),
    }
}
