//! New references for known messages, so that the same fixtures create new items each time.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hyper::body::Bytes;

use crate::cli::xml::Element;

/// Longest reference.
const REFERENCE_CHARS_MAX: usize = 128;
/// What a reference begins with in a message, in either kind of quotes.
const OPENINGS: [(&[u8], u8); 2] = [(b"reference=\"", b'"'), (b"reference='", b'\'')];

/// A byte order mark of UTF-16, and how its code units are read and written.
type Wide = ([u8; 2], fn([u8; 2]) -> u16, fn(u16) -> [u8; 2]);
const WIDE: [Wide; 2] = [
    ([0xff, 0xfe], u16::from_le_bytes, u16::to_le_bytes),
    ([0xfe, 0xff], u16::from_be_bytes, u16::to_be_bytes),
];

/// New references by the old.
pub type Names = BTreeMap<String, String>;

/// Makes the references of one run its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    run: String,
}

impl Freshness {
    /// References with `run` in them, which no run before was called.
    pub fn new(run: String) -> Freshness {
        Freshness { run }
    }

    /// The message with the references of round `round`, and the new ones by the old. UTF-16 is
    /// known by its byte order mark; every other encoding writes ASCII as ASCII.
    pub fn message(&self, message: &Bytes, round: u32) -> (Bytes, Names) {
        for (mark, from, to) in WIDE {
            if let Some(text) = message.strip_prefix(&mark) {
                let units = text.chunks_exact(2).map(|pair| from([pair[0], pair[1]]));
                let narrow = String::from_utf16_lossy(&units.collect::<Vec<_>>());
                let (fresh, names) = self.narrow(narrow.as_bytes(), round);
                let fresh = String::from_utf8_lossy(&fresh).into_owned();
                let wide = fresh.encode_utf16().flat_map(to);
                return (mark.into_iter().chain(wide).collect(), names);
            }
        }
        let (fresh, names) = self.narrow(message, round);
        (Bytes::from(fresh), names)
    }

    fn narrow(&self, message: &[u8], round: u32) -> (Vec<u8>, Names) {
        let mut names = Names::new();
        let mut out = Vec::with_capacity(message.len());
        let mut rest = message;
        while let Some((start, end)) = next_reference(rest) {
            out.extend_from_slice(&rest[..start]);
            let old = &rest[start..end];
            match std::str::from_utf8(old) {
                Ok(text) => {
                    let new = self.reference(text, round);
                    out.extend_from_slice(new.as_bytes());
                    names.insert(text.to_owned(), new.into_owned());
                }
                Err(_) => out.extend_from_slice(old),
            }
            rest = &rest[end..];
        }
        out.extend_from_slice(rest);
        (out, names)
    }

    /// The address with the reference of round `round`, where it asks for one, which goes into
    /// `names`.
    pub fn uri(&self, uri: &str, round: u32, names: &mut Names) -> String {
        let Some((path, query)) = uri.split_once('?') else {
            return uri.to_owned();
        };
        let mut parameters = Vec::new();
        for parameter in query.split('&') {
            match parameter.strip_prefix("reference=") {
                Some(old) => {
                    let new = self.reference(old, round).into_owned();
                    parameters.push(format!("reference={new}"));
                    names.insert(old.to_owned(), new);
                }
                None => parameters.push(parameter.to_owned()),
            }
        }
        format!("{path}?{}", parameters.join("&"))
    }

    /// A fresh reference that is as right or wrong as the old one was: one that is empty or too
    /// long stays, one at the limit keeps its length.
    fn reference<'a>(&self, old: &'a str, round: u32) -> Cow<'a, str> {
        let chars = old.chars().count();
        if old.trim().is_empty() || chars > REFERENCE_CHARS_MAX {
            return Cow::Borrowed(old);
        }
        let suffix = format!("-{}-{round}", self.run);
        let kept = REFERENCE_CHARS_MAX.saturating_sub(suffix.len()).min(chars);
        let kept: String = old.chars().take(kept).collect();
        Cow::Owned(kept + &suffix)
    }
}

/// The expected answer with the references that were sent.
pub fn renamed(expected: &Element, names: &Names) -> Element {
    let mut renamed_element = expected.clone();
    if let Some(reference) = renamed_element.attributes.get_mut("reference")
        && let Some(new) = names.get(reference)
    {
        reference.clone_from(new);
    }
    let children = expected.children.iter();
    renamed_element.children = children.map(|child| renamed(child, names)).collect();
    renamed_element
}

/// Begin and end of the next value of a `reference` attribute.
fn next_reference(bytes: &[u8]) -> Option<(usize, usize)> {
    let openings = OPENINGS.iter().filter_map(|(opening, quote)| {
        let found = bytes
            .windows(opening.len())
            .position(|window| window == *opening)?;
        let start = found + opening.len();
        let length = bytes[start..].iter().position(|byte| byte == quote)?;
        Some((start, start + length))
    });
    openings.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(message: &str, round: u32) -> String {
        let freshness = Freshness::new("run".to_owned());
        let (bytes, _) = freshness.message(&Bytes::from(message.to_owned()), round);
        String::from_utf8(bytes.to_vec()).expect("it was UTF-8")
    }

    #[test]
    fn every_reference_becomes_the_runs_own() {
        let message = "<workItems><workItem reference=\"a\"/><workItem reference='b'/></workItems>";
        assert_eq!(
            fresh(message, 2),
            "<workItems><workItem reference=\"a-run-2\"/><workItem reference='b-run-2'/></workItems>"
        );
    }

    #[test]
    fn utf_16_stays_utf_16() {
        let freshness = Freshness::new("run".to_owned());
        let wide = |text: &str| {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            [0xff, 0xfe].into_iter().chain(units).collect::<Bytes>()
        };
        let (fresh, names) = freshness.message(&wide("<w reference='å'/>"), 1);
        assert_eq!(fresh, wide("<w reference='å-run-1'/>"));
        assert_eq!(names["å"], "å-run-1");
    }

    #[test]
    fn references_at_the_limit_stay_there_and_faulty_ones_stay_faulty() {
        for (chars, expected) in [(127, 128), (128, 128), (129, 129), (0, 0)] {
            let message = format!("<w reference=\"{}\"/>", "x".repeat(chars));
            let length = fresh(&message, 1).len() - "<w reference=\"\"/>".len();
            assert_eq!(length, expected, "{chars}");
        }
    }

    #[test]
    fn an_address_asks_for_the_new_reference() {
        let freshness = Freshness::new("run".to_owned());
        let mut names = Names::new();
        let uri = freshness.uri("/v1/work-items?reference=a&x=1", 3, &mut names);
        assert_eq!(uri, "/v1/work-items?reference=a-run-3&x=1");
        assert_eq!(names["a"], "a-run-3");
        assert_eq!(freshness.uri("/v1/limits", 3, &mut names), "/v1/limits");
    }

    #[test]
    fn the_answer_is_expected_with_the_new_reference() {
        let freshness = Freshness::new("run".to_owned());
        let (_, names) = freshness.message(&Bytes::from("<w reference='a'/>"), 1);
        let expected = Element::parse("<receipts><receipt reference='a'/></receipts>");
        let new = renamed(&expected.expect("it is XML"), &names);
        assert_eq!(new.children[0].attribute("reference"), Some("a-run-1"));
    }

    #[test]
    fn a_message_without_references_stays() {
        assert_eq!(fresh("<ping/>", 1), "<ping/>");
        assert_eq!(fresh("<w reference=\"open", 1), "<w reference=\"open");
    }
}
