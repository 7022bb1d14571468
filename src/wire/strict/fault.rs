//! A fault at a byte of the text, before anybody has counted its line and column.

use crate::domain::code::Code;
use crate::wire::error::WireError;

/// How many characters of the sender's own text a message repeats.
const SHOWN_MAX: usize = 40;

/// What is wrong and where; lines are counted only when it becomes a [`WireError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Byte of the text where the offending construct begins.
    pub(crate) offset: usize,
    code: Code,
    message: String,
}

impl Fault {
    /// The text is not well-formed at `offset`.
    pub(crate) fn malformed(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            code: Code::MalformedXml,
            message: message.into(),
        }
    }

    /// A limit is passed at `offset`.
    pub(crate) fn too_large(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            code: Code::TooLarge,
            message: message.into(),
        }
    }

    /// A document type declaration stands at `offset`.
    pub(crate) fn doctype(offset: usize) -> Self {
        let message = "Remove the <!DOCTYPE …> declaration: messages may not have one.";
        Self {
            offset,
            code: Code::DoctypeRefused,
            message: message.to_owned(),
        }
    }

    /// The fault as an answerable error, with line and column in `text`.
    pub(crate) fn locate(self, text: &str) -> WireError {
        WireError::new(self.code, self.message).at(text, self.offset)
    }
}

/// The sender's own text as a message may repeat it: cut short, never a whole body.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

/// A character as a message names it: itself if it can be seen, and its code point.
pub(crate) fn shown_char(found: char) -> String {
    let code = u32::from(found);
    if found.is_control() || found.is_whitespace() || matches!(code, 0xFEFF | 0xFFFE | 0xFFFF) {
        format!("U+{code:04X}")
    } else {
        format!("'{found}' (U+{code:04X})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_is_cut_after_the_limit() {
        let exact = "å".repeat(SHOWN_MAX);
        assert_eq!(shown(&exact), exact);
        assert_eq!(shown(&format!("{exact}å")), format!("{exact}…"));
    }

    #[test]
    fn invisible_characters_are_shown_by_number() {
        assert_eq!(shown_char('\u{1}'), "U+0001");
        assert_eq!(shown_char('\u{FFFF}'), "U+FFFF");
        assert_eq!(shown_char('<'), "'<' (U+003C)");
    }
}
