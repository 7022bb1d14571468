//! Kinds of values that are words: text, names, time zones, digests, media types.

use super::document::Node;
use super::kind::{Fault, Kind, text};
use super::nearest::nearest;
use super::problem::ConfigError;
use crate::calendar::{self, CalendarError};

/// Text of one line for people, and values of keys.
pub struct Text {
    /// Most characters; the least is one.
    pub chars_max: usize,
}

impl Kind for Text {
    type Output = String;

    fn parse(&self, node: &Node) -> Result<String, Fault> {
        let written = text(node, "a string")?;
        let invalid = |reason: &str| Fault::at(node, ConfigError::Invalid(reason.to_owned()));
        if written.chars().any(char::is_control) {
            return Err(invalid("control characters and line ends are not allowed"));
        }
        if written.trim() != written {
            return Err(invalid("no spaces at the ends"));
        }
        match (1..=self.chars_max).contains(&written.chars().count()) {
            true => Ok(written.to_owned()),
            false => Err(Fault::out_of_range(
                node,
                format!("1 to {} characters", self.chars_max),
            )),
        }
    }

    fn show(&self, text: &String) -> toml::Value {
        toml::Value::String(text.clone())
    }
}

/// A name as the contract allows it.
pub struct Name {
    /// Most characters; the least is one.
    pub chars_max: usize,
}

impl Name {
    /// What is wrong with a name, if anything is.
    pub fn judge(&self, name: &str) -> Option<ConfigError> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !(1..=self.chars_max).contains(&name.chars().count()) {
            let allowed = format!("1 to {} characters", self.chars_max);
            return Some(ConfigError::OutOfRange { allowed });
        }
        match name.chars().all(is_allowed) {
            true => None,
            false => Some(ConfigError::Invalid(format!(
                "`{name}` is not a name: letters a to z, digits, `.`, `_` and `-` are allowed"
            ))),
        }
    }
}

impl Kind for Name {
    type Output = String;

    fn parse(&self, node: &Node) -> Result<String, Fault> {
        let name = text(node, "a string")?;
        match self.judge(name) {
            None => Ok(name.to_owned()),
            Some(error) => Err(Fault::at(node, error)),
        }
    }

    fn show(&self, name: &String) -> toml::Value {
        toml::Value::String(name.clone())
    }
}

/// An IANA time zone that this machine knows.
pub struct Zone;

impl Kind for Zone {
    type Output = String;

    fn parse(&self, node: &Node) -> Result<String, Fault> {
        let name = text(node, "a string")?;
        match calendar::Zone::parse(name) {
            Ok(zone) => Ok(zone.name().to_owned()),
            Err(CalendarError::ZoneUnknown { name }) => {
                let nearest = nearest_zone(&name);
                let what = "time zone";
                Err(Fault::at(
                    node,
                    ConfigError::UnknownReference {
                        what,
                        name,
                        nearest,
                    },
                ))
            }
            Err(error) => Err(Fault::at(node, ConfigError::Invalid(error.to_string()))),
        }
    }

    fn show(&self, name: &String) -> toml::Value {
        toml::Value::String(name.clone())
    }
}

fn nearest_zone(name: &str) -> Option<String> {
    let known: Vec<String> = jiff::tz::db()
        .available()
        .map(|zone| zone.to_string())
        .collect();
    nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
}

/// The SHA-256 of a key: 64 hexadecimal digits.
pub struct Sha256;

impl Kind for Sha256 {
    type Output = [u8; 32];

    fn parse(&self, node: &Node) -> Result<[u8; 32], Fault> {
        let written = text(node, "a string")?;
        parse_sha256(written).ok_or_else(|| {
            let digits = written.chars().count();
            let reason = match written.chars().find(|c| !c.is_ascii_hexdigit()) {
                Some(_) => "a SHA-256 has hexadecimal digits only".to_owned(),
                None => format!("a SHA-256 has 64 hexadecimal digits, not {digits}"),
            };
            Fault::at(node, ConfigError::Digest(reason))
        })
    }

    fn show(&self, digest: &[u8; 32]) -> toml::Value {
        toml::Value::String(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits: [u8; 64] = digits?.try_into().ok()?;
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Some(digest)
}

/// A media type without parameters, in lower case when read.
pub struct MediaType;

impl Kind for MediaType {
    type Output = String;

    fn parse(&self, node: &Node) -> Result<String, Fault> {
        const CHARS_MAX: usize = 127;
        let written = text(node, "a string")?;
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c))
        };
        let is_type = written
            .split_once('/')
            .is_some_and(|(major, minor)| is_word(major) && is_word(minor));
        match is_type && written.len() <= CHARS_MAX {
            true => Ok(written.to_ascii_lowercase()),
            false => Err(Fault::at(
                node,
                ConfigError::Invalid(format!(
                    "`{written}` is not a media type such as application/pdf"
                )),
            )),
        }
    }

    fn show(&self, name: &String) -> toml::Value {
        toml::Value::String(name.clone())
    }
}
