//! The only way XML leaves: an indenting writer that escapes everything it is given.

use crate::domain::ids::ItemId;
use crate::domain::time::Timestamp;
use crate::wire::time::{format_duration, format_instant};

/// Digits of the largest `u64`.
const NUMBER_DIGITS_MAX: usize = 20;

/// What was written last in the innermost open element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Its start tag, which still takes attributes.
    StartTag,
    Text,
    /// A child.
    EndTag,
}

/// Writes one document. Names are ours and go out as they are, values are escaped.
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    depth: usize,
    last: Last,
}

impl<'o> Writer<'o> {
    /// Begins a document.
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Writer<'o> {
        out.extend_from_slice(br#"<?xml version="1.0" encoding="UTF-8"?>"#);
        Writer {
            out,
            depth: 0,
            last: Last::EndTag,
        }
    }

    /// Begins an element that may stand inside another document, or be one.
    pub(crate) fn fragment(out: &'o mut Vec<u8>) -> Writer<'o> {
        Writer {
            out,
            depth: 0,
            last: Last::EndTag,
        }
    }

    /// Opens an element; its attributes come next.
    pub(crate) fn start(&mut self, name: &'static str) {
        self.close_start_tag();
        self.line();
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        self.depth += 1;
        self.last = Last::StartTag;
    }

    /// Closes the innermost open element, which is called `name`.
    pub(crate) fn end(&mut self, name: &'static str) {
        self.depth -= 1;
        match self.last {
            Last::StartTag => self.out.extend_from_slice(b"/>"),
            Last::Text => self.end_tag(name),
            Last::EndTag => {
                self.line();
                self.end_tag(name);
            }
        }
        self.last = Last::EndTag;
        if self.depth == 0 {
            self.out.push(b'\n');
        }
    }

    fn end_tag(&mut self, name: &str) {
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    fn close_start_tag(&mut self) {
        if self.last == Last::StartTag {
            self.out.push(b'>');
        }
    }

    fn line(&mut self) {
        self.out.push(b'\n');
        self.out.extend(std::iter::repeat_n(b' ', 2 * self.depth));
    }

    /// An attribute of the start tag written last.
    pub(crate) fn attribute(&mut self, name: &'static str, value: &str) {
        self.attribute_start(name);
        self.escape(value, true);
        self.out.push(b'"');
    }

    fn attribute_start(&mut self, name: &'static str) {
        debug_assert_eq!(self.last, Last::StartTag, "attributes stand in a start tag");
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
    }

    pub(crate) fn attribute_bool(&mut self, name: &'static str, value: bool) {
        self.attribute(name, if value { "true" } else { "false" });
    }

    pub(crate) fn attribute_number(&mut self, name: &'static str, value: impl Into<u64>) {
        self.attribute_start(name);
        self.number(value.into());
        self.out.push(b'"');
    }

    pub(crate) fn attribute_time(&mut self, name: &'static str, value: Timestamp) {
        self.attribute_start(name);
        self.out
            .extend_from_slice(format_instant(value).as_str().as_bytes());
        self.out.push(b'"');
    }

    pub(crate) fn attribute_id(&mut self, name: &'static str, value: ItemId) {
        self.attribute_start(name);
        let mut buffer = uuid::Uuid::encode_buffer();
        let text = value.0.hyphenated().encode_lower(&mut buffer);
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
    }

    /// Text of the innermost open element.
    pub(crate) fn text(&mut self, text: &str) {
        self.close_start_tag();
        self.escape(text, false);
        self.last = Last::Text;
    }

    /// An element without attributes that holds `text`.
    pub(crate) fn leaf(&mut self, name: &'static str, text: &str) {
        self.start(name);
        self.text(text);
        self.end(name);
    }

    pub(crate) fn leaf_number(&mut self, name: &'static str, value: impl Into<u64>) {
        self.start(name);
        self.text_number(value);
        self.end(name);
    }

    pub(crate) fn leaf_time(&mut self, name: &'static str, value: Timestamp) {
        self.leaf(name, format_instant(value).as_str());
    }

    pub(crate) fn leaf_duration(&mut self, name: &'static str, duration_ms: i64) {
        self.start(name);
        self.text_seconds(duration_ms);
        self.end(name);
    }

    pub(crate) fn text_number(&mut self, value: impl Into<u64>) {
        self.close_start_tag();
        self.number(value.into());
        self.last = Last::Text;
    }

    /// A duration in whole seconds, rounded up.
    pub(crate) fn text_seconds(&mut self, duration_ms: i64) {
        let whole_ms = duration_ms.saturating_add(999) / 1_000 * 1_000;
        self.text(&format_duration(whole_ms));
    }

    fn number(&mut self, mut value: u64) {
        let mut digits = [0; NUMBER_DIGITS_MAX];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + u8::try_from(value % 10).expect("a decimal digit");
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    /// What XML cannot hold at all (an agent's note may have it) becomes U+FFFD.
    fn escape(&mut self, text: &str, in_attribute: bool) {
        let harmless = |byte: u8| byte >= b' ' && !matches!(byte, b'&' | b'<' | b'>' | b'"' | 0xEF);
        if text.bytes().all(harmless) {
            self.out.extend_from_slice(text.as_bytes());
            return;
        }
        let mut buffer = [0; 4];
        for character in text.chars() {
            let written: &str = match character {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' if in_attribute => "&quot;",
                '\t' if in_attribute => "&#9;",
                '\n' if in_attribute => "&#10;",
                '\r' => "&#13;",
                '\t' | '\n' => character.encode_utf8(&mut buffer),
                '\0'..'\u{20}' | '\u{FFFE}' | '\u{FFFF}' => "\u{FFFD}",
                _ => character.encode_utf8(&mut buffer),
            };
            self.out.extend_from_slice(written.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        write(&mut writer);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn elements_are_indented_and_texts_are_not() {
        let text = written(|writer| {
            writer.start("a");
            writer.attribute_number("n", u64::MAX);
            writer.leaf("b", "1 < 2");
            writer.start("c");
            writer.attribute("v", "\"\n");
            writer.end("c");
            writer.leaf_number("d", 0_u64);
            writer.end("a");
        });
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a n=\"18446744073709551615\">\n  \
             <b>1 &lt; 2</b>\n  <c v=\"&quot;&#10;\"/>\n  <d>0</d>\n</a>\n"
        );
    }

    proptest! {
        #[test]
        fn whatever_text_is_written_an_xml_reader_reads_it(value in any::<String>()) {
            let text = written(|writer| {
                writer.start("a");
                writer.attribute("v", &value);
                writer.text(&value);
                writer.end("a");
            });
            let read = roxmltree::Document::parse(&text).unwrap();
            let holds = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..) && !matches!(c, '\u{FFFE}' | '\u{FFFF}');
            let kept: String = value.chars().map(|c| if holds(c) { c } else { '\u{FFFD}' }).collect();
            prop_assert_eq!(read.root_element().attribute("v"), Some(kept.as_str()));
            prop_assert_eq!(read.root_element().text().unwrap_or_default(), kept);
        }
    }
}
