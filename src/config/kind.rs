//! What a key may hold: one kind per sort of value, each of which reads a value, judges it alone
//! and writes it back as TOML.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::document::{self, Node, Value};
use super::problem::{ConfigError, Problem};
use super::source::Place;
use super::units;
use crate::calendar::{self, CalendarError};
use crate::domain::ids::Priority;

/// A fault of a value and the part of it that is wrong.
pub struct Fault {
    /// What is wrong.
    pub error: ConfigError,
    /// Where.
    pub place: Place,
}

impl Fault {
    fn at(node: &Node, error: ConfigError) -> Fault {
        Fault {
            error,
            place: node.place.clone(),
        }
    }

    fn wrong_type(node: &Node, expected: impl Into<String>) -> Fault {
        Fault::at(
            node,
            ConfigError::WrongType {
                expected: expected.into(),
                found: node.value.type_name(),
            },
        )
    }

    fn out_of_range(node: &Node, allowed: String) -> Fault {
        Fault::at(node, ConfigError::OutOfRange { allowed })
    }

    /// This fault as a problem of the key at `path`.
    pub fn into_problem(self, path: &str) -> Problem {
        Problem {
            error: self.error,
            key: path.to_owned(),
            place: Some(self.place),
        }
    }
}

/// A sort of value.
pub trait Kind {
    /// What it is when read.
    type Output;

    /// Reads and judges a value.
    ///
    /// # Errors
    /// The first fault of the value.
    fn parse(&self, node: &Node) -> Result<Self::Output, Fault>;

    /// The value as TOML.
    fn show(&self, output: &Self::Output) -> toml::Value;
}

/// The text of a value; whatever comes from the environment is text as it is.
fn text<'n>(node: &'n Node, expected: &str) -> Result<&'n str, Fault> {
    match &node.value {
        Value::Text(text) | Value::Untyped(text) => Ok(text),
        _ => Err(Fault::wrong_type(node, expected)),
    }
}

/// The value; text from the environment is read as a TOML value where it is one.
pub fn typed(node: &Node) -> Node {
    match &node.value {
        Value::Untyped(text) => {
            document::parse_value(text, &node.place).unwrap_or_else(|| node.clone())
        }
        _ => node.clone(),
    }
}

/// `true` or `false`.
pub struct Flag;

impl Kind for Flag {
    type Output = bool;

    fn parse(&self, node: &Node) -> Result<bool, Fault> {
        match typed(node).value {
            Value::Boolean(flag) => Ok(flag),
            _ => Err(Fault::wrong_type(node, "true or false")),
        }
    }

    fn show(&self, flag: &bool) -> toml::Value {
        toml::Value::Boolean(*flag)
    }
}

/// A whole number between two limits, both allowed.
pub struct Integer {
    /// Least.
    pub min: u32,
    /// Most.
    pub max: u32,
}

impl Kind for Integer {
    type Output = u32;

    fn parse(&self, node: &Node) -> Result<u32, Fault> {
        let Value::Integer(number) = typed(node).value else {
            return Err(Fault::wrong_type(node, "an integer"));
        };
        u32::try_from(number)
            .ok()
            .filter(|number| (self.min..=self.max).contains(number))
            .ok_or_else(|| Fault::out_of_range(node, format!("{} to {}", self.min, self.max)))
    }

    fn show(&self, number: &u32) -> toml::Value {
        toml::Value::Integer(i64::from(*number))
    }
}

/// A priority, 0 to 9.
pub struct PriorityKind;

impl Kind for PriorityKind {
    type Output = Priority;

    fn parse(&self, node: &Node) -> Result<Priority, Fault> {
        let number = Integer { min: 0, max: 9 }.parse(node)?;
        let priority = u8::try_from(number).ok().and_then(Priority::new);
        priority.ok_or_else(|| Fault::out_of_range(node, "0 to 9".to_owned()))
    }

    fn show(&self, priority: &Priority) -> toml::Value {
        toml::Value::Integer(i64::from(priority.value()))
    }
}

/// A limit: a whole number, or `false` for none.
pub struct Limit {
    /// Most; the least is 1.
    pub max: u32,
}

impl Kind for Limit {
    type Output = Option<u32>;

    fn parse(&self, node: &Node) -> Result<Option<u32>, Fault> {
        match typed(node).value {
            Value::Boolean(false) => Ok(None),
            Value::Integer(_) => Integer {
                min: 1,
                max: self.max,
            }
            .parse(node)
            .map(Some),
            _ => Err(Fault::wrong_type(node, "an integer, or false for no limit")),
        }
    }

    fn show(&self, limit: &Option<u32>) -> toml::Value {
        match limit {
            Some(limit) => toml::Value::Integer(i64::from(*limit)),
            None => toml::Value::Boolean(false),
        }
    }
}

/// A duration, in milliseconds.
pub struct Duration {
    /// Shortest.
    pub min_ms: i64,
    /// Longest.
    pub max_ms: i64,
}

impl Kind for Duration {
    type Output = i64;

    fn parse(&self, node: &Node) -> Result<i64, Fault> {
        const EXPECTED: &str = "a duration such as \"30s\", \"5m\", \"4h\" or \"14d\"";
        let written = text(node, EXPECTED)?;
        let ms = units::parse_duration_ms(written).ok_or_else(|| {
            Fault::at(
                node,
                ConfigError::Invalid(format!("`{written}` is not {EXPECTED}")),
            )
        })?;
        match (self.min_ms..=self.max_ms).contains(&ms) {
            true => Ok(ms),
            false => Err(Fault::out_of_range(
                node,
                format!(
                    "{} to {}",
                    units::write_duration(self.min_ms),
                    units::write_duration(self.max_ms)
                ),
            )),
        }
    }

    fn show(&self, ms: &i64) -> toml::Value {
        toml::Value::String(units::write_duration(*ms))
    }
}

/// A size, in bytes; a bare integer is bytes.
pub struct Size {
    /// Least.
    pub min: u64,
    /// Most.
    pub max: u64,
}

impl Kind for Size {
    type Output = u64;

    fn parse(&self, node: &Node) -> Result<u64, Fault> {
        const EXPECTED: &str = "a size such as \"64MiB\", or an integer of bytes";
        let invalid = |text: &str| {
            Fault::at(
                node,
                ConfigError::Invalid(format!("`{text}` is not {EXPECTED}")),
            )
        };
        let bytes = match typed(node).value {
            Value::Integer(bytes) => u64::try_from(bytes).unwrap_or(0),
            Value::Text(text) | Value::Untyped(text) => {
                units::parse_size(&text).ok_or_else(|| invalid(&text))?
            }
            _ => return Err(Fault::wrong_type(node, EXPECTED)),
        };
        match (self.min..=self.max).contains(&bytes) {
            true => Ok(bytes),
            false => Err(Fault::out_of_range(
                node,
                format!(
                    "{} to {}",
                    units::write_size(self.min),
                    units::write_size(self.max)
                ),
            )),
        }
    }

    fn show(&self, bytes: &u64) -> toml::Value {
        toml::Value::String(units::write_size(*bytes))
    }
}

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

/// A word of a closed set.
pub struct OneOf<T: 'static> {
    /// The words and what they stand for.
    pub words: &'static [(&'static str, T)],
}

impl<T: Copy + PartialEq> Kind for OneOf<T> {
    type Output = T;

    fn parse(&self, node: &Node) -> Result<T, Fault> {
        let word = text(node, "a string")?;
        let found = self.words.iter().find(|(name, _)| *name == word);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = self.words.iter().map(|(name, _)| *name).collect();
            Fault::at(
                node,
                ConfigError::NotOneOf {
                    value: word.to_owned(),
                    allowed: names.join(", "),
                },
            )
        })
    }

    fn show(&self, value: &T) -> toml::Value {
        let found = self.words.iter().find(|(_, known)| known == value);
        toml::Value::String(found.map(|(name, _)| *name).unwrap_or("").to_owned())
    }
}

/// An IP address and a port.
pub struct Address;

impl Kind for Address {
    type Output = SocketAddr;

    fn parse(&self, node: &Node) -> Result<SocketAddr, Fault> {
        let written = text(node, "a string")?;
        written.parse().map_err(|_| {
            let reason = format!(
                "`{written}` is not an IP address with a port, such as 127.0.0.1:8480 or [::1]:8480"
            );
            Fault::at(node, ConfigError::Invalid(reason))
        })
    }

    fn show(&self, address: &SocketAddr) -> toml::Value {
        toml::Value::String(address.to_string())
    }
}

/// A path; a relative one starts at the folder of the file it is written in.
pub struct FilePath;

impl Kind for FilePath {
    type Output = PathBuf;

    fn parse(&self, node: &Node) -> Result<PathBuf, Fault> {
        Ok(node.place.resolve(path_text(node)?))
    }

    fn show(&self, path: &PathBuf) -> toml::Value {
        show_path(path)
    }
}

/// A path; a relative one starts at a folder given.
pub struct PathWithin<'a> {
    /// The folder.
    pub folder: &'a Path,
}

impl Kind for PathWithin<'_> {
    type Output = PathBuf;

    fn parse(&self, node: &Node) -> Result<PathBuf, Fault> {
        Ok(self.folder.join(path_text(node)?))
    }

    fn show(&self, path: &PathBuf) -> toml::Value {
        show_path(path)
    }
}

fn path_text(node: &Node) -> Result<&str, Fault> {
    let written = text(node, "a string")?;
    if written.contains("-----BEGIN") {
        let instead = "write the path of the file that holds it";
        return Err(Fault::at(node, ConfigError::Secret { instead }));
    }
    match written.is_empty() || written.contains('\0') {
        true => Err(Fault::at(
            node,
            ConfigError::Invalid("a path must not be empty".to_owned()),
        )),
        false => Ok(written),
    }
}

fn show_path(path: &Path) -> toml::Value {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    toml::Value::String(absolute.display().to_string())
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
    super::nearest::nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
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
                Some(c) => format!("`{c}` is not a hexadecimal digit"),
                None => format!("a SHA-256 has 64 hexadecimal digits, not {digits}"),
            };
            Fault::at(node, ConfigError::Invalid(reason))
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

/// Several values of one kind.
pub struct List<K> {
    /// The kind of each.
    pub of: K,
    /// Fewest.
    pub min: usize,
    /// Most.
    pub max: usize,
    /// Whether one value may stand without brackets.
    pub bare: bool,
}

impl<K: Kind> Kind for List<K> {
    type Output = Vec<(K::Output, Place)>;

    fn parse(&self, node: &Node) -> Result<Self::Output, Fault> {
        let list = match (typed(node).value, self.bare) {
            (Value::List(list), _) => list,
            (_, true) => vec![node.clone()],
            (_, false) => return Err(Fault::wrong_type(node, "an array")),
        };
        if !(self.min..=self.max).contains(&list.len()) {
            let allowed = format!("{} to {} values", self.min, self.max);
            return Err(Fault::out_of_range(node, allowed));
        }
        let mut output = Vec::new();
        let mut seen = BTreeSet::new();
        for element in &list {
            let value = self.of.parse(element)?;
            if !seen.insert(self.of.show(&value).to_string()) {
                let what = element.place.text().to_owned();
                let error = ConfigError::Duplicate { what, first: None };
                return Err(Fault::at(element, error));
            }
            output.push((value, element.place.clone()));
        }
        Ok(output)
    }

    fn show(&self, output: &Self::Output) -> toml::Value {
        let values = output.iter().map(|(value, _)| self.of.show(value));
        toml::Value::Array(values.collect())
    }
}
