//! Characters: which ones XML allows, white space, line ends.
//!
//! Source: XML 1.0 (5th ed.), 2.2 (`Char`), 2.3 (`S`), 2.11 (end-of-line handling).

use std::borrow::Cow;

/// Bytes looked at together; one flag for all of them lets the compiler use vector instructions.
const CHUNK: usize = 32;

/// What one pass over the whole text tells, so that no token needs a pass of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Survey {
    /// The first character that XML does not allow, or the length of the text.
    pub(super) illegal_at: usize,
    /// Some `\r` stands in the text, so line ends need normalising.
    pub(super) has_carriage_return: bool,
    /// Some `]` stands in the text, so `]]>` is possible.
    pub(super) has_bracket: bool,
}

impl Survey {
    /// Looks at every byte of `text` once.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut survey = Self {
            illegal_at: bytes.len(),
            has_carriage_return: false,
            has_bracket: false,
        };
        for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
            let mut suspect = false;
            for &byte in chunk {
                suspect |= is_suspect(byte);
            }
            if suspect && survey.note(bytes, index * CHUNK, chunk) {
                break;
            }
        }
        survey
    }

    /// Looks closer at a chunk that begins at `base`. True when an illegal character was found.
    fn note(&mut self, bytes: &[u8], base: usize, chunk: &[u8]) -> bool {
        for (index, &byte) in chunk.iter().enumerate() {
            match byte {
                b'\r' => self.has_carriage_return = true,
                b']' => self.has_bracket = true,
                b'\t' | b'\n' => {}
                0..0x20 => {
                    self.illegal_at = base + index;
                    return true;
                }
                // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
                0xEF => {
                    let rest = &bytes[base + index..];
                    if matches!(rest, [_, 0xBF, 0xBE..=0xBF, ..]) {
                        self.illegal_at = base + index;
                        return true;
                    }
                }
                0x20..=0xEE | 0xF0..=0xFF => {}
            }
        }
        false
    }
}

fn is_suspect(byte: u8) -> bool {
    ((byte < 0x20) & (byte != b'\n') & (byte != b'\t')) | (byte == b']') | (byte == 0xEF)
}

/// `Char`: what may stand in a document, literally or by reference.
pub(super) fn is_char(found: char) -> bool {
    matches!(found,
        '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// `S`: space, tab, line feed, carriage return and nothing else.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The first byte at or after `from` that is not white space, at most `end`.
pub(super) fn skip_space(bytes: &[u8], mut from: usize, end: usize) -> usize {
    while from < end && is_space(bytes[from]) {
        from += 1;
    }
    from
}

/// Text with every `\r\n` and lone `\r` as `\n`.
pub(super) fn normalise_line_ends(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'\r') {
        return Cow::Borrowed(text);
    }
    let mut normal = String::with_capacity(text.len());
    let mut lines = text.split('\r');
    normal.push_str(lines.next().unwrap_or_default());
    for line in lines {
        if !line.starts_with('\n') {
            normal.push('\n');
        }
        normal.push_str(line);
    }
    Cow::Owned(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survey_finds_the_first_illegal_character_wherever_it_stands() {
        for pad in 0..2 * CHUNK + 2 {
            for bad in [
                '\0', '\u{1}', '\u{B}', '\u{C}', '\u{1F}', '\u{FFFE}', '\u{FFFF}',
            ] {
                let text = format!("{}{bad}after\u{2}", "x".repeat(pad));
                assert_eq!(Survey::of(&text).illegal_at, pad, "{bad:?} after {pad}");
            }
        }
    }

    #[test]
    fn survey_lets_every_legal_character_pass() {
        for good in
            "\t\n\r ~\u{7F}\u{80}\u{9F}å€\u{D7FF}\u{E000}\u{FEFF}\u{FFFD}𝄞\u{10FFFF}".chars()
        {
            let text = format!("a{good}");
            assert_eq!(Survey::of(&text).illegal_at, text.len(), "{good:?}");
            assert!(is_char(good), "{good:?}");
        }
    }

    #[test]
    fn survey_agrees_with_the_char_production() {
        for code in (0..0x3000).chain(0xD000..=0x1_0010) {
            let Some(found) = char::from_u32(code) else {
                continue;
            };
            let text = found.to_string();
            assert_eq!(
                Survey::of(&text).illegal_at == text.len(),
                is_char(found),
                "{code:04X}"
            );
        }
    }

    #[test]
    fn survey_sees_carriage_returns_and_brackets() {
        let plain = Survey::of("abc\n\t");
        assert!(!plain.has_carriage_return && !plain.has_bracket);
        let both = Survey::of(&format!("{}\r{}]", "x".repeat(CHUNK), "y".repeat(CHUNK)));
        assert!(both.has_carriage_return && both.has_bracket);
    }

    #[test]
    fn line_ends_become_line_feeds() {
        assert_eq!(normalise_line_ends("a\r\nb\rc\nd"), "a\nb\nc\nd");
        assert_eq!(normalise_line_ends("\r\r\n\r"), "\n\n\n");
        assert!(matches!(normalise_line_ends("a\nb"), Cow::Borrowed("a\nb")));
    }
}
