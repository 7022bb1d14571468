//! Why a message could not be read: the one error of decoding and strict XML.

use crate::domain::code::Code;

/// A place in a message. Both count from 1, in Unicode characters, as the sender's editor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line; `\n`, `\r\n` and a lone `\r` each end one.
    pub line: u32,
    /// The character within the line. A byte order mark does not count.
    pub column: u32,
}

/// The refusal of a message that cannot be read, ready to become an `error` answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WireError {
    /// The stable code of the answer.
    pub code: Code,
    /// One or two sentences that say what to change.
    pub message: String,
    /// Where the fault stands, if it stands anywhere in the text.
    pub position: Option<Position>,
}

impl WireError {
    /// A refusal that stands nowhere in the text.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            position: None,
        }
    }

    /// The same refusal, standing at the byte `offset` of `text`.
    pub fn at(mut self, text: &str, offset: usize) -> Self {
        self.position = Some(position(text, offset));
        self
    }
}

/// The line and column of the byte `offset` in `text`.
///
/// Costs a walk from the start of the text, so it is called only when something is wrong. An offset
/// past the end means the end; one inside a character means that character.
pub fn position(text: &str, offset: usize) -> Position {
    let bytes = text.as_bytes();
    let before = &bytes[..offset.min(bytes.len())];
    let mut line = 1;
    let mut line_start = 0;
    for (at, &byte) in before.iter().enumerate() {
        // The `\n` of `\r\n` ends the line; until it is passed, the `\r` is one more character.
        let ends_line = byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        if ends_line {
            line += 1;
            line_start = at + 1;
        }
    }
    let mut end = before.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let column = text[line_start..end].chars().count() + 1;
    Position {
        line: narrow(line),
        column: narrow(column),
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, offset: usize) -> (u32, u32) {
        let Position { line, column } = position(text, offset);
        (line, column)
    }

    #[test]
    fn position_counts_from_one() {
        assert_eq!(at("", 0), (1, 1));
        assert_eq!(at("ab", 1), (1, 2));
        assert_eq!(at("ab", 99), (1, 3), "past the end means the end");
    }

    #[test]
    fn every_kind_of_line_end_counts_once() {
        assert_eq!(at("a\nb", 2), (2, 1));
        assert_eq!(at("a\r\nb", 3), (2, 1));
        assert_eq!(at("a\rb", 2), (2, 1));
        assert_eq!(at("a\n\rb", 3), (3, 1));
        assert_eq!(
            at("a\r\nb", 2),
            (1, 3),
            "between \\r and \\n the line has not ended"
        );
    }

    #[test]
    fn columns_are_characters_not_bytes() {
        assert_eq!(at("åäö<", 6), (1, 4));
        assert_eq!(at("x\n𝄞<", 6), (2, 2));
        assert_eq!(
            at("å<", 1),
            (1, 1),
            "inside a character means that character"
        );
    }
}
