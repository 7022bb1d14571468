//! Kinds of values that are numbers with limits: counts, priorities, durations, sizes.

use super::document::{Node, Value};
use super::kind::{Fault, Kind, text, typed};
use super::problem::ConfigError;
use super::units;
use crate::domain::ids::Priority;

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
