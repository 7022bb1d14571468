//! What commands print: tables for people, JSON lines for programs. A reader that goes away early
//! ends the command in silence.

use std::io::{self, IsTerminal, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde_json::Value;

use super::exit::{Exit, Failure};

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// `--json`.
    pub json: bool,
}

/// A column of a table made from JSON.
pub struct Column {
    /// What stands above it.
    pub title: &'static str,
    /// What stands in it for one line.
    pub cell: fn(&Value) -> String,
    /// Numbers stand to the right.
    pub is_number: bool,
}

impl Column {
    /// A column of text.
    pub const fn text(title: &'static str, cell: fn(&Value) -> String) -> Column {
        Column {
            title,
            cell,
            is_number: false,
        }
    }

    /// A column of numbers.
    pub const fn number(title: &'static str, cell: fn(&Value) -> String) -> Column {
        Column {
            title,
            cell,
            is_number: true,
        }
    }
}

impl Output {
    /// Prints a line of text.
    ///
    /// # Errors
    /// Standard output cannot be written; end the command.
    pub fn line(self, text: &str) -> Result<(), Failure> {
        self.raw(format!("{text}\n").as_bytes())
    }

    /// Prints bytes as they are.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn raw(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::silent(Exit::Ok),
            _ => Failure::new(Exit::Failed, format!("cannot write the output: {error}")),
        })
    }

    /// Prints one JSON value on a line.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn json(self, value: &Value) -> Result<(), Failure> {
        self.line(&value.to_string())
    }

    /// Prints values: JSON lines, or a table. `none` is said to people when there are none.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn list(self, values: &[Value], columns: &[Column], none: &str) -> Result<(), Failure> {
        if self.json {
            return values.iter().try_for_each(|value| self.json(value));
        }
        if values.is_empty() {
            return self.line(none);
        }
        self.line(&table(values, columns))
    }
}

/// Whether people read standard error.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// A table without lines, as wide as it needs to be.
pub fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

/// A table as text: columns two blanks apart, none at the ends of lines.
pub fn rendered(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

fn table(values: &[Value], columns: &[Column]) -> String {
    let mut table = plain_table();
    table.set_header(columns.iter().map(|column| column.title));
    for value in values {
        table.add_row(columns.iter().map(|column| (column.cell)(value)));
    }
    for (index, column) in columns.iter().enumerate() {
        if column.is_number
            && let Some(column) = table.column_mut(index)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    rendered(&mut table)
}

/// The text of a field; a missing one is empty, lists are joined by commas.
pub fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(values)) => {
            let words = values.iter().map(|value| text(value, ""));
            words.collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}

/// Milliseconds as people say them: the two largest units.
pub fn duration(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
    ];
    let Some(first) = UNITS.iter().position(|(unit_ms, _)| ms >= *unit_ms) else {
        return format!("{ms}ms");
    };
    let (unit_ms, name) = UNITS[first];
    let whole = format!("{}{name}", ms / unit_ms);
    match UNITS.get(first + 1) {
        Some((next_ms, next)) if ms % unit_ms / next_ms > 0 => {
            format!("{whole} {}{next}", ms % unit_ms / next_ms)
        }
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_are_said_in_the_two_largest_units() {
        assert_eq!(duration(0), "0ms");
        assert_eq!(duration(999), "999ms");
        assert_eq!(duration(1_000), "1s");
        assert_eq!(duration(59_999), "59s");
        assert_eq!(duration(60_000), "1m");
        assert_eq!(duration(61_000), "1m 1s");
        assert_eq!(duration(3_660_000), "1h 1m");
        assert_eq!(duration(90_000_000), "1d 1h");
    }

    #[test]
    fn a_missing_field_is_empty_and_a_list_is_joined() {
        let value = json!({"a": {"b": ["x", "y"]}, "n": 3, "none": null});
        assert_eq!(text(&value, "/a/b"), "x, y");
        assert_eq!(text(&value, "/n"), "3");
        assert_eq!(text(&value, "/none"), "");
        assert_eq!(text(&value, "/other"), "");
    }
}
