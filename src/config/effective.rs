//! What is in force and where each value is from, as commented TOML that is itself a
//! configuration.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::source::Place;

/// The settings in force, by section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    sections: BTreeMap<Vec<String>, Vec<String>>,
}

impl Effective {
    /// Notes a value in force; without a place it is built in.
    pub fn set(&mut self, path: &[String], key: &str, value: toml::Value, place: Option<&Place>) {
        let from = place.map(Place::describe);
        let from = from.as_deref().unwrap_or("built-in");
        let line = format!("{} = {value}  # {from}", quoted(key));
        self.lines(path).push(line);
    }

    /// Notes a key that is not set and has no default.
    pub fn unset(&mut self, path: &[String], key: &str) {
        let line = format!("# {} is not set", quoted(key));
        self.lines(path).push(line);
    }

    /// All of it as TOML, sections in alphabetical order.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for (path, lines) in &self.sections {
            let names: Vec<String> = path.iter().map(|name| quoted(name)).collect();
            if !text.is_empty() {
                text.push('\n');
            }
            writeln!(text, "[{}]", names.join(".")).expect("a string takes any text");
            for line in lines {
                writeln!(text, "{line}").expect("a string takes any text");
            }
        }
        text
    }

    /// A section that is there even if nothing is set in it.
    pub fn lines(&mut self, path: &[String]) -> &mut Vec<String> {
        self.sections.entry(path.to_vec()).or_default()
    }
}

/// A key as TOML writes it.
fn quoted(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match !key.is_empty() && key.chars().all(is_bare) {
        true => key.to_owned(),
        false => toml::Value::String(key.to_owned()).to_string(),
    }
}
