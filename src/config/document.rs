//! What was typed: a tree of settings from all layers, each value with its place. Nothing is
//! judged here but TOML itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::problem::{ConfigError, Problem};
use super::source::{Place, Source};

/// Settings by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// For each key what the layers say, the earliest first; tables of all layers are one entry.
    pub entries: BTreeMap<String, Vec<Entry>>,
}

/// One key with its value in one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub key: Place,
    /// The value.
    pub node: Node,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer of 64 bits.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// An array.
    List(Vec<Node>),
    /// A table.
    Table(Table),
    /// From the environment or a flag: the key that takes it says what it is.
    Untyped(String),
    /// A type no key takes, by its name.
    Other(&'static str),
}

impl Value {
    /// The type in words.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Boolean(_) => "a boolean",
            Value::List(_) => "an array",
            Value::Table(_) => "a table",
            Value::Untyped(_) => "text",
            Value::Other(name) => name,
        }
    }
}

impl Table {
    /// Lays `later` over this: its values win, tables are merged.
    pub fn absorb(&mut self, later: Table) {
        for (name, entries) in later.entries {
            let mine = self.entries.entry(name).or_default();
            for entry in entries {
                merge(mine, entry);
            }
        }
    }

    /// The table of that name, if any layer has one.
    pub fn table(&self, name: &str) -> Option<&Table> {
        let entries = self.entries.get(name)?;
        entries.iter().find_map(|entry| match &entry.node.value {
            Value::Table(table) => Some(table),
            _ => None,
        })
    }
}

fn merge(mine: &mut Vec<Entry>, later: Entry) {
    let Value::Table(table) = later.node.value else {
        mine.push(later);
        return;
    };
    for entry in mine.iter_mut() {
        if let Value::Table(earlier) = &mut entry.node.value {
            earlier.absorb(table);
            return;
        }
    }
    mine.push(Entry {
        key: later.key,
        node: Node {
            place: later.node.place,
            value: Value::Table(table),
        },
    });
}

/// Reads a TOML document.
///
/// # Errors
/// Every syntax error of the text, with its place.
pub fn parse(source: &Arc<Source>) -> Result<Table, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if errors.is_empty() {
        return Ok(table_of(table.into_inner(), source, 0));
    }
    Err(errors
        .into_iter()
        .map(|error| Problem {
            error: ConfigError::Syntax(error.message().to_owned()),
            key: String::new(),
            place: Some(Place {
                source: Arc::clone(source),
                span: error.span().unwrap_or(0..0),
            }),
        })
        .collect())
}

/// Reads text from the environment as a TOML value; `None` when it is not one.
pub fn parse_value(text: &str, place: &Place) -> Option<Node> {
    let value = DeValue::parse(text).ok()?;
    let span = shift(value.span(), place.span.start);
    Some(node_of(
        value.into_inner(),
        span,
        &place.source,
        place.span.start,
    ))
}

fn table_of(table: DeTable<'_>, source: &Arc<Source>, offset: usize) -> Table {
    let mut entries = BTreeMap::new();
    for (key, value) in table {
        let span = shift(value.span(), offset);
        let entry = Entry {
            key: Place {
                source: Arc::clone(source),
                span: shift(key.span(), offset),
            },
            node: node_of(value.into_inner(), span, source, offset),
        };
        entries.insert(key.into_inner().into_owned(), vec![entry]);
    }
    Table { entries }
}

fn node_of(value: DeValue<'_>, span: Range<usize>, source: &Arc<Source>, offset: usize) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other("an integer beyond 64 bits"),
        },
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Float(_) => Value::Other("a float"),
        DeValue::Datetime(_) => Value::Other("a date or time"),
        DeValue::Array(array) => Value::List(
            array
                .into_iter()
                .map(|element| {
                    let span = shift(element.span(), offset);
                    node_of(element.into_inner(), span, source, offset)
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(table_of(table, source, offset)),
    };
    Node {
        place: Place {
            source: Arc::clone(source),
            span,
        },
        value,
    }
}

fn shift(span: Range<usize>, offset: usize) -> Range<usize> {
    span.start + offset..span.end + offset
}
