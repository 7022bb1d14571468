//! Names: the tables of XML 1.0 (5th ed.), 2.3, and qualified names, Namespaces in XML 1.0, 3 and 4.

/// A byte that may begin a name.
const START: u8 = 1;
/// A byte that may go on a name.
const INNER: u8 = 2;

/// The ASCII part of `NameStartChar` and `NameChar`, without the colon.
const ASCII: [u8; 128] = ascii_table();

const fn ascii_table() -> [u8; 128] {
    let mut table = [0; 128];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => START | INNER,
            b'0'..=b'9' | b'-' | b'.' => INNER,
            _ => 0,
        };
        byte += 1;
    }
    table
}

/// `NameStartChar` beyond ASCII.
fn is_wide_start(found: char) -> bool {
    matches!(found,
        '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// `NameChar` beyond ASCII.
fn is_wide_inner(found: char) -> bool {
    is_wide_start(found)
        || matches!(found, '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Where the name without colons (`NCName`) that begins at the byte `from` ends; `from` if none
/// does.
///
/// `from` must be a character boundary of `text`; the result is one too.
pub(super) fn ncname_end(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut wanted = START;
    while let Some(&byte) = bytes.get(at) {
        if byte < 128 {
            if ASCII[usize::from(byte)] & wanted == 0 {
                break;
            }
            at += 1;
        } else {
            let Some(found) = text[at..].chars().next() else {
                break;
            };
            let fits = if wanted == START {
                is_wide_start(found)
            } else {
                is_wide_inner(found)
            };
            if !fits {
                break;
            }
            at += found.len_utf8();
        }
        wanted = INNER;
    }
    at
}

/// A name as it stands in a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QName<'a> {
    /// The whole name, prefix and colon included.
    pub(super) full: &'a str,
    /// What stands before the colon; empty without one.
    pub(super) prefix: &'a str,
    /// What stands after the colon, or the whole name.
    pub(super) local: &'a str,
}

impl<'a> QName<'a> {
    /// The longest qualified name that begins at the byte `from`; `None` if none does.
    ///
    /// A colon that is not followed by a name is left over, so the caller meets it as a stray
    /// character.
    pub(super) fn read(text: &'a str, from: usize) -> Option<Self> {
        let prefix_end = ncname_end(text, from);
        if prefix_end == from {
            return None;
        }
        if text.as_bytes().get(prefix_end) == Some(&b':') {
            let local_end = ncname_end(text, prefix_end + 1);
            if local_end > prefix_end + 1 {
                return Some(Self {
                    full: &text[from..local_end],
                    prefix: &text[from..prefix_end],
                    local: &text[prefix_end + 1..local_end],
                });
            }
        }
        let full = &text[from..prefix_end];
        Some(Self {
            full,
            prefix: "",
            local: full,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_name(text: &str) -> bool {
        !text.is_empty() && ncname_end(text, 0) == text.len()
    }

    #[test]
    fn names_begin_with_letters_or_underscore() {
        for good in [
            "a",
            "Z",
            "_",
            "å",
            "Ω",
            "語",
            "\u{10000}",
            "\u{EFFFF}",
            "\u{200C}",
            "\u{2070}",
        ] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "1",
            "-",
            ".",
            ":",
            " ",
            "\u{B7}",
            "\u{300}",
            "×",
            "÷",
            "\u{37E}",
            "\u{F0000}",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn names_go_on_with_digits_and_marks() {
        for good in [
            "a1",
            "a-",
            "a.",
            "a\u{B7}",
            "a\u{300}",
            "a\u{36F}",
            "a\u{203F}",
            "a\u{2040}",
        ] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "a:",
            "a b",
            "a×",
            "a\u{2041}",
            "a\u{2190}",
            "a\u{3000}",
            "a\u{FFFE}",
            "a\u{E000}",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn each_edge_of_the_tables_is_right() {
        let starts = [
            (0xC0, 0xD6),
            (0xD8, 0xF6),
            (0xF8, 0x2FF),
            (0x370, 0x37D),
            (0x37F, 0x1FFF),
            (0x200C, 0x200D),
            (0x2070, 0x218F),
            (0x2C00, 0x2FEF),
            (0x3001, 0xD7FF),
            (0xF900, 0xFDCF),
            (0xFDF0, 0xFFFD),
            (0x10000, 0xEFFFF),
        ];
        let start = |code: u32| char::from_u32(code).is_some_and(is_wide_start);
        for (first, last) in starts {
            assert!(start(first) && start(last), "{first:X}..{last:X}");
            // 2FF|300, 36F|370 and 37D|37E|37F: every neighbour outside is outside the table.
            assert!(!start(first - 1) && !start(last + 1), "{first:X}..{last:X}");
        }
        for code in [0xB7, 0x300, 0x36F, 0x203F, 0x2040] {
            assert!(char::from_u32(code).is_some_and(is_wide_inner), "{code:X}");
        }
        for code in [0xB6, 0xB8, 0x203E, 0x2041] {
            assert!(!char::from_u32(code).is_some_and(is_wide_inner), "{code:X}");
        }
    }

    #[test]
    fn qualified_names_have_at_most_one_colon() {
        let whole = QName::read("a:b c", 0).expect("a name");
        assert_eq!((whole.full, whole.prefix, whole.local), ("a:b", "a", "b"));
        let plain = QName::read("<ab>", 1).expect("a name");
        assert_eq!((plain.full, plain.prefix, plain.local), ("ab", "", "ab"));
        for (text, read) in [("a:", "a"), ("a:1", "a"), ("a::b", "a"), ("a:b:c", "a:b")] {
            assert_eq!(
                QName::read(text, 0).map(|name| name.full),
                Some(read),
                "{text}"
            );
        }
        assert_eq!(QName::read(":a", 0), None);
    }
}
