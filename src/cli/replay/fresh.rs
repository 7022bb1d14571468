//! New references for known messages, so that the same fixtures create new items each time.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hyper::body::Bytes;

use crate::cli::xml::Element;

/// Longest reference.
const REFERENCE_CHARS_MAX: usize = 128;
/// What a reference begins with in a message, in either kind of quotes.
const OPENINGS: [(&[u8], u8); 2] = [(b"reference=\"", b'"'), (b"reference='", b'\'')];

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

    /// The message with the references of round `round`, and the new ones by the old. Only in
    /// encodings that write ASCII as ASCII; others come back as they are.
    pub fn message(&self, message: &Bytes, round: u32) -> (Bytes, BTreeMap<String, String>) {
        let mut renamed = BTreeMap::new();
        let mut out = Vec::with_capacity(message.len());
        let mut rest: &[u8] = message;
        while let Some((start, end)) = next_reference(rest) {
            out.extend_from_slice(&rest[..start]);
            let old = &rest[start..end];
            match std::str::from_utf8(old) {
                Ok(text) => {
                    let new = self.reference(text, round);
                    out.extend_from_slice(new.as_bytes());
                    renamed.insert(text.to_owned(), new.into_owned());
                }
                Err(_) => out.extend_from_slice(old),
            }
            rest = &rest[end..];
        }
        out.extend_from_slice(rest);
        (Bytes::from(out), renamed)
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
pub fn renamed(expected: &Element, names: &BTreeMap<String, String>) -> Element {
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
    fn references_at_the_limit_stay_there_and_faulty_ones_stay_faulty() {
        for (chars, expected) in [(127, 128), (128, 128), (129, 129), (0, 0)] {
            let message = format!("<w reference=\"{}\"/>", "x".repeat(chars));
            let length = fresh(&message, 1).len() - "<w reference=\"\"/>".len();
            assert_eq!(length, expected, "{chars}");
        }
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
