//! Reads one table of the tree key by key. What is asked for is what is known: the rest is unknown
//! keys. Every fault is noted and the reading goes on, so that all of them are shown at once.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::document::{Entry, Node, Table, Value};
use super::effective::Effective;
use super::kind::{Kind, List};
use super::later;
use super::nearest::nearest;
use super::problem::{ConfigError, Problem};
use super::source::Place;
use super::word::Name;

/// What has been found while reading.
#[derive(Default)]
pub struct Findings {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What deserves a look.
    pub warnings: Vec<Problem>,
    /// What is in force.
    pub effective: Effective,
    /// Every key asked for, with `NAME` for the names in its path.
    pub known: BTreeSet<String>,
}

/// A value and where it was set; no place: built in.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// The value.
    pub value: T,
    /// Where it was set.
    pub place: Option<Place>,
}

/// A table being read.
pub struct Section<'f, 't> {
    findings: &'f mut Findings,
    table: Option<&'t Table>,
    path: Vec<String>,
    pattern: Vec<&'static str>,
    asked: Vec<&'static str>,
    is_element: bool,
}

/// A table under a name of the user's.
pub struct Named<'t> {
    /// The name.
    pub name: String,
    /// Where it was written first.
    pub place: Place,
    /// What it holds.
    pub table: &'t Table,
}

impl<'f, 't> Section<'f, 't> {
    /// The whole configuration.
    pub fn root(findings: &'f mut Findings, table: &'t Table) -> Section<'f, 't> {
        Section {
            findings,
            table: Some(table),
            path: Vec::new(),
            pattern: Vec::new(),
            asked: Vec::new(),
            is_element: false,
        }
    }

    /// The table of that name; one that nobody wrote is empty.
    pub fn child(&mut self, key: &'static str) -> Section<'_, 't> {
        self.ask(key);
        let table = self.subtable(key);
        self.below(key.to_owned(), key, table)
    }

    /// The tables under `key` by the names users gave them, faulty names left out.
    pub fn named(&mut self, key: &'static str, kind: &Name) -> Vec<Named<'t>> {
        self.ask(key);
        let Some(table) = self.subtable(key) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, entries) in &table.entries {
            let path = self.path_of(&format!("{key}.{name}"));
            let mut inner = None;
            for entry in entries {
                match &entry.node.value {
                    Value::Table(table) => inner = Some((&entry.key, table)),
                    _ => self.wrong_type(&path, &entry.node, "a table"),
                }
            }
            match (kind.judge(name), inner) {
                (Some(error), _) => self.fault(&path, &entries[0].key, error),
                (None, Some((place, table))) => found.push(Named {
                    name: name.clone(),
                    place: place.clone(),
                    table,
                }),
                (None, None) => {}
            }
        }
        found
    }

    /// Reads one of the tables under `key`.
    pub fn open(&mut self, key: &'static str, named: &Named<'t>) -> Section<'_, 't> {
        let mut section = self.below(key.to_owned(), key, None);
        section.path.push(named.name.clone());
        section.pattern.push("NAME");
        section.table = Some(named.table);
        section
    }

    /// The tables of an array of tables, as many as `count` allows; of several layers the last
    /// wins. None where nothing is written.
    pub fn elements(&mut self, key: &'static str, count: RangeInclusive<usize>) -> Vec<Table> {
        self.ask(key);
        let path = self.path_of(key);
        let mut tables = Vec::new();
        for entry in self.entries(key) {
            let node = super::kind::typed(&entry.node);
            let Value::List(list) = node.value else {
                self.wrong_type(&path, &entry.node, "an array of tables");
                continue;
            };
            if !count.contains(&list.len()) {
                let allowed = format!("{} to {} tables", count.start(), count.end());
                let error = ConfigError::OutOfRange { allowed };
                self.fault(&path, &entry.node.place, error);
                continue;
            }
            tables.clear();
            for element in list {
                match element.value {
                    Value::Table(table) => tables.push(table),
                    _ => self.wrong_type(&path, &element, "a table"),
                }
            }
        }
        tables
    }

    /// Reads one table of an array. What it holds is in force as part of the array.
    pub fn element<'e>(
        &'e mut self,
        key: &'static str,
        index: usize,
        table: &'e Table,
    ) -> Section<'e, 'e> {
        let mut path = self.path.clone();
        path.push(format!("{key}[{}]", index + 1));
        let mut pattern = self.pattern.clone();
        pattern.push(key);
        Section {
            findings: self.findings,
            table: Some(table),
            path,
            pattern,
            asked: Vec::new(),
            is_element: true,
        }
    }

    /// The value of a key, if it is set.
    pub fn optional<K: Kind>(&mut self, key: &'static str, kind: &K) -> Option<Found<K::Output>> {
        let found = self.read(key, kind);
        match &found {
            Some(found) => self.record(key, kind.show(&found.value), found.place.as_ref()),
            None if self.is_element => {}
            None => self.findings.effective.unset(&self.path, key),
        }
        found
    }

    /// The values of a key that holds several, if it is set.
    pub fn listed<K: Kind>(
        &mut self,
        key: &'static str,
        kind: &List<K>,
    ) -> Option<Vec<(K::Output, Place)>> {
        self.optional(key, kind).map(|found| found.value)
    }

    /// The value of a key, or `default`.
    pub fn or<K: Kind>(
        &mut self,
        key: &'static str,
        kind: &K,
        default: K::Output,
    ) -> Found<K::Output> {
        let found = self.read(key, kind).unwrap_or(Found {
            value: default,
            place: None,
        });
        self.record(key, kind.show(&found.value), found.place.as_ref());
        found
    }

    /// The value of a key without which the table means nothing.
    pub fn required<K: Kind>(&mut self, key: &'static str, kind: &K) -> Option<Found<K::Output>> {
        let found = self.optional(key, kind);
        if found.is_none() && self.entries(key).is_empty() {
            let error = ConfigError::Missing(format!("`{key}` is missing"));
            let place = self.place();
            self.problem(&self.path.join("."), place, error);
        }
        found
    }

    /// Notes what is in force for a key that was read in a way of its own.
    pub fn record(&mut self, key: &str, value: toml::Value, place: Option<&Place>) {
        if !self.is_element {
            self.findings.effective.set(&self.path, key, value, place);
        }
    }

    /// Where a key was last set.
    pub fn place_of(&self, key: &str) -> Option<Place> {
        self.entries(key)
            .last()
            .map(|entry| entry.node.place.clone())
    }

    /// Where something of this table stands.
    pub fn place(&self) -> Option<Place> {
        let first = self.table?.entries.values().flatten().next();
        first.map(|entry| entry.key.clone())
    }

    /// Notes a fault of a key of this table.
    pub fn refuse(&mut self, key: &str, place: Option<Place>, error: ConfigError) {
        let path = self.path_of(key);
        self.problem(&path, place, error);
    }

    /// Notes a name that nothing has, unless it is among the known.
    pub fn refuse_unknown<'k>(
        &mut self,
        key: &str,
        (what, name): (&'static str, &str),
        place: Option<Place>,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        if known.clone().any(|known| known == name) {
            return;
        }
        let error = ConfigError::UnknownReference {
            what,
            name: name.to_owned(),
            nearest: nearest(name, known).map(str::to_owned),
        };
        self.refuse(key, place, error);
    }

    /// Notes something doubtful about a key of this table.
    pub fn warn(&mut self, key: &str, place: Option<Place>, text: String) {
        let key = self.path_of(key);
        self.findings.warnings.push(Problem {
            error: ConfigError::Doubtful(text),
            key,
            place,
        });
    }

    /// Ends the reading: keys nobody asked for are unknown.
    pub fn finish(self) {
        let Some(table) = self.table else { return };
        for (name, entries) in &table.entries {
            if self.asked.contains(&name.as_str()) {
                continue;
            }
            let error = self.stranger(name);
            for entry in entries {
                self.findings.problems.push(Problem {
                    error: error.clone(),
                    key: self.path.join("."),
                    place: Some(entry.key.clone()),
                });
            }
        }
    }

    fn stranger(&self, name: &str) -> ConfigError {
        let mut pattern = self.pattern.clone();
        pattern.push(name);
        if let Some(feature) = later::feature(&pattern.join(".")) {
            let key = name.to_owned();
            return ConfigError::NotAvailable { key, feature };
        }
        if let Some(instead) = later::secret(name) {
            return ConfigError::Secret { instead };
        }
        ConfigError::UnknownKey {
            key: name.to_owned(),
            nearest: nearest(name, self.asked.iter().copied()).map(str::to_owned),
            known: self.asked.clone(),
        }
    }

    /// The value of a key, if it is set, without a note of what is in force.
    pub fn read<K: Kind>(&mut self, key: &'static str, kind: &K) -> Option<Found<K::Output>> {
        self.ask(key);
        let path = self.path_of(key);
        let mut found = None;
        for entry in self.entries(key) {
            match kind.parse(&entry.node) {
                Ok(value) => {
                    let place = Some(entry.node.place.clone());
                    found = Some(Found { value, place });
                }
                Err(fault) => self.findings.problems.push(fault.into_problem(&path)),
            }
        }
        found
    }

    fn subtable(&mut self, key: &'static str) -> Option<&'t Table> {
        let path = self.path_of(key);
        let mut found = None;
        for entry in self.entries(key) {
            match &entry.node.value {
                Value::Table(table) => found = Some(table),
                _ => self.wrong_type(&path, &entry.node, "a table"),
            }
        }
        found
    }

    fn below(
        &mut self,
        name: String,
        pattern: &'static str,
        table: Option<&'t Table>,
    ) -> Section<'_, 't> {
        let mut path = self.path.clone();
        path.push(name);
        let mut patterns = self.pattern.clone();
        patterns.push(pattern);
        Section {
            findings: self.findings,
            table,
            path,
            pattern: patterns,
            asked: Vec::new(),
            is_element: self.is_element,
        }
    }

    fn entries(&self, key: &str) -> &'t [Entry] {
        let entries = self.table.and_then(|table| table.entries.get(key));
        entries.map(Vec::as_slice).unwrap_or(&[])
    }

    fn ask(&mut self, key: &'static str) {
        let mut pattern = self.pattern.clone();
        pattern.push(key);
        self.findings.known.insert(pattern.join("."));
        self.asked.push(key);
    }

    fn path_of(&self, key: &str) -> String {
        match self.path.is_empty() {
            true => key.to_owned(),
            false => format!("{}.{key}", self.path.join(".")),
        }
    }

    fn wrong_type(&mut self, path: &str, node: &Node, expected: &str) {
        let error = ConfigError::WrongType {
            expected: expected.to_owned(),
            found: node.value.type_name(),
        };
        self.fault(path, &node.place, error);
    }

    fn fault(&mut self, path: &str, place: &Place, error: ConfigError) {
        self.problem(path, Some(place.clone()), error);
    }

    fn problem(&mut self, path: &str, place: Option<Place>, error: ConfigError) {
        self.findings.problems.push(Problem {
            error,
            key: path.to_owned(),
            place,
        });
    }
}
