//! What a key may hold: one kind per sort of value, each of which reads a value, judges it alone
//! and writes it back as TOML. Numbers, words and addresses have files of their own.

use std::collections::BTreeSet;

use super::document::{self, Node, Value};
use super::problem::{ConfigError, Problem};
use super::source::Place;

/// A fault of a value and the part of it that is wrong.
pub struct Fault {
    /// What is wrong.
    pub error: ConfigError,
    /// Where.
    pub place: Place,
}

impl Fault {
    /// The whole value is wrong.
    pub fn at(node: &Node, error: ConfigError) -> Fault {
        Fault {
            error,
            place: node.place.clone(),
        }
    }

    /// The value is of another type.
    pub fn wrong_type(node: &Node, expected: impl Into<String>) -> Fault {
        Fault::at(
            node,
            ConfigError::WrongType {
                expected: expected.into(),
                found: node.value.type_name(),
            },
        )
    }

    /// The value is outside its limits.
    pub fn out_of_range(node: &Node, allowed: String) -> Fault {
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
pub fn text<'n>(node: &'n Node, expected: &str) -> Result<&'n str, Fault> {
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
