//! The text that is kept of a message: as sent, but with the text of each attachment replaced by
//! its digest, and an entry of a batch cut out so that it stands alone.

use std::ops::Range;

/// Length of `sha256:HEX`.
const DIGEST_TEXT_BYTES: usize = 7 + 64;

/// Text of an attachment, to be replaced by `sha256:HEX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Byte of the message where the attachment's content begins.
    pub start: usize,
    /// Byte of the `<` of its end tag.
    pub end: usize,
    /// Of the decoded body.
    pub sha256: [u8; 32],
}

/// The element around the entries of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root<'a> {
    /// Its start tag as written.
    pub start_tag: &'a str,
    /// Its name as written, with its prefix.
    pub qname: &'a str,
}

/// The raw text of a message that is kept as a whole. A declaration of another encoding than UTF-8
/// is left out: the text is kept in UTF-8.
pub fn whole(text: &str, cuts: &[Cut]) -> String {
    let kept = foreign_declaration_end(text)..text.len();
    let mut raw = String::with_capacity(length_with_cuts(&kept, cuts));
    push_with_cuts(&mut raw, text, kept, cuts);
    raw
}

/// The raw text of the entry of a batch that stands at `entry` in `text`.
pub fn entry(text: &str, root: &Root<'_>, entry: Range<usize>, cuts: &[Cut]) -> String {
    let around = root.start_tag.len() + root.qname.len() + "</>".len();
    let mut raw = String::with_capacity(around + length_with_cuts(&entry, cuts));
    raw.push_str(root.start_tag);
    push_with_cuts(&mut raw, text, entry, cuts);
    raw.push_str("</");
    raw.push_str(root.qname);
    raw.push('>');
    raw
}

fn push_with_cuts(raw: &mut String, text: &str, range: Range<usize>, cuts: &[Cut]) {
    let mut at = range.start;
    for cut in cuts.iter().filter(|cut| cut.start < cut.end) {
        raw.push_str(&text[at..cut.start]);
        raw.push_str("sha256:");
        push_hex(raw, &cut.sha256);
        at = cut.end;
    }
    raw.push_str(&text[at..range.end]);
}

/// Bytes of `range` once the cuts are made: an attachment's text is most of its message.
fn length_with_cuts(range: &Range<usize>, cuts: &[Cut]) -> usize {
    let cut_out: usize = cuts.iter().map(|cut| cut.end - cut.start).sum();
    range.len() - cut_out + cuts.len() * DIGEST_TEXT_BYTES
}

/// Lower-case hexadecimal digits.
fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Byte after an XML declaration that names another encoding than UTF-8; 0 without one.
fn foreign_declaration_end(text: &str) -> usize {
    let declaration = text
        .starts_with("<?xml")
        .then(|| text.find("?>").map(|end| &text[..end + 2]))
        .flatten()
        .unwrap_or_default();
    let foreign =
        declaration.contains("encoding") && !declaration.to_ascii_lowercase().contains("utf-8");
    if foreign { declaration.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_becomes_its_digest() {
        let text = "<a>QQ==</a><b/>";
        let cut = Cut {
            start: 3,
            end: 7,
            sha256: [0xAF; 32],
        };
        assert_eq!(
            whole(text, &[cut]),
            format!("<a>sha256:{}</a><b/>", "af".repeat(32))
        );
    }

    #[test]
    fn an_empty_attachment_stays_as_it_is() {
        let cut = Cut {
            start: 4,
            end: 4,
            sha256: [0; 32],
        };
        assert_eq!(whole("<a/>", &[cut]), "<a/>");
    }

    #[test]
    fn an_entry_stands_alone() {
        let text = "<w:l xmlns:w='u'> <w:i>1</w:i> <w:i>2</w:i> </w:l>";
        let root = Root {
            start_tag: &text[..17],
            qname: "w:l",
        };
        let raw = entry(text, &root, 31..43, &[]);
        assert_eq!(raw, "<w:l xmlns:w='u'><w:i>2</w:i></w:l>");
    }

    #[test]
    fn only_a_foreign_encoding_is_left_out() {
        let utf8 = "<?xml version='1.0' encoding='UTF-8'?><a/>";
        assert_eq!(whole(utf8, &[]), utf8);
        assert_eq!(
            whole("<?xml version='1.0'?><a/>", &[]),
            "<?xml version='1.0'?><a/>"
        );
        assert_eq!(
            whole("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", &[]),
            "<a/>"
        );
    }
}
