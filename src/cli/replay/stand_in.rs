//! Words in a fixture that stand for something known only when it is sent: `{fresh}`, `{tomorrow}`
//! and `{id}`. With them the same fixtures can be sent to the same daemon again and again.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use hyper::body::Bytes;
use jiff::Timestamp;

use super::fixture::Fixture;
use crate::cli::intake::Answer;
use crate::cli::xml::Element;

/// Stands for letters and digits that no round before had; as long as they are, so that columns
/// and lengths are those that a person counts in the file.
const FRESH: &str = "{fresh}";
/// Stands for a time one day ahead.
const TOMORROW: &str = "{tomorrow}";
/// Stands for the item id in the answer before.
const ID: &str = "{id}";
const DAY: Duration = Duration::from_hours(24);
/// One fresh word lasts this long; they come round again after 24 years.
const FRESH_STEP_MS: u128 = 10;
const DIGITS: [u8; 36] = *b"0123456789abcdefghijklmnopqrstuvwxyz";

/// What the words stand for in one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIns {
    fresh: String,
    tomorrow: String,
    id: String,
}

impl StandIns {
    /// Those of a round that is sent `now`; rounds of one run differ by their number.
    pub fn new(now: SystemTime, round: u32) -> StandIns {
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let steps = since.unwrap_or_default().as_millis() / FRESH_STEP_MS + u128::from(round);
        let tomorrow = Timestamp::try_from(now + DAY).unwrap_or_default();
        StandIns {
            fresh: fresh_word(steps),
            tomorrow: format!("{tomorrow:.3}"),
            id: String::new(),
        }
    }

    /// Takes the words of another round; the answer before stays the one before.
    pub fn renew(&mut self, round: StandIns) {
        let id = std::mem::take(&mut self.id);
        *self = StandIns { id, ..round };
    }

    /// Looks for an id in an answer.
    pub fn look(&mut self, answer: &Answer) {
        if let Ok(root) = Element::parse(&answer.body)
            && let Some(id) = root.attribute("id")
        {
            id.clone_into(&mut self.id);
        }
    }

    /// The fixture as it is sent and judged.
    pub fn put_into(&self, fixture: &mut Fixture) {
        for (word, value) in self.pairs() {
            fixture.message = replaced(&fixture.message, word, value);
            if fixture.uri.contains(word) {
                fixture.uri = fixture.uri.replace(word, value);
            }
            if let Some(answer) = &mut fixture.answer {
                replace_within(answer, word, value);
            }
        }
    }

    /// An answer as it is written into a fixture.
    pub fn take_out(&self, answer: &mut Element) {
        for (word, value) in self.pairs() {
            if !value.is_empty() {
                replace_within(answer, value, word);
            }
        }
    }

    fn pairs(&self) -> [(&str, &str); 3] {
        [
            (FRESH, &self.fresh),
            (TOMORROW, &self.tomorrow),
            (ID, &self.id),
        ]
    }
}

/// The last digits of a number, as many as [`FRESH`] has characters.
fn fresh_word(mut number: u128) -> String {
    let mut word = vec![0; FRESH.len()];
    for place in word.iter_mut().rev() {
        let digit = usize::try_from(number % 36).expect("a remainder is small");
        *place = DIGITS[digit];
        number /= 36;
    }
    String::from_utf8(word).expect("digits are ASCII")
}

/// How ASCII stands in a message: as it is in most encodings, as units of two bytes in UTF-16.
type Coding = fn(&str) -> Vec<u8>;
const CODINGS: [Coding; 3] = [as_it_is, little_units, big_units];

fn as_it_is(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn little_units(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn big_units(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Replaces a word of ASCII, whatever the message is encoded in.
fn replaced(message: &Bytes, word: &str, value: &str) -> Bytes {
    if !message.contains(&b'{') {
        return message.clone();
    }
    let mut bytes = Cow::Borrowed(message.as_ref());
    for coding in CODINGS {
        bytes = replaced_bytes(bytes, &coding(word), &coding(value));
    }
    Bytes::from(bytes.into_owned())
}

fn replaced_bytes<'a>(bytes: Cow<'a, [u8]>, from: &[u8], to: &[u8]) -> Cow<'a, [u8]> {
    let find = |rest: &[u8]| rest.windows(from.len()).position(|window| window == from);
    let Some(first) = find(&bytes) else {
        return bytes;
    };
    let mut out = Vec::with_capacity(bytes.len());
    let (mut at, mut found) = (0, Some(first));
    while let Some(length) = found {
        out.extend_from_slice(&bytes[at..at + length]);
        out.extend_from_slice(to);
        at += length + from.len();
        found = find(&bytes[at..]);
    }
    out.extend_from_slice(&bytes[at..]);
    Cow::Owned(out)
}

fn replace_within(element: &mut Element, from: &str, to: &str) {
    let texts = element.attributes.values_mut();
    for text in texts.chain([&mut element.text]) {
        if text.contains(from) {
            *text = text.replace(from, to);
        }
    }
    for child in &mut element.children {
        replace_within(child, from, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Duration = Duration::from_millis(1_795_000_000_000);

    fn stand_ins(round: u32) -> StandIns {
        StandIns::new(SystemTime::UNIX_EPOCH + NOON, round)
    }

    fn put(text: &[u8], stand_ins: &StandIns) -> Vec<u8> {
        let mut bytes = Bytes::copy_from_slice(text);
        for (word, value) in stand_ins.pairs() {
            bytes = replaced(&bytes, word, value);
        }
        bytes.to_vec()
    }

    #[test]
    fn fresh_words_differ_by_round_and_keep_their_length() {
        let words = [1, 2, 37].map(|round| stand_ins(round).fresh);
        assert!(words.iter().all(|word| word.len() == FRESH.len()));
        assert!(words[0] < words[1] && words[1] < words[2], "{words:?}");
    }

    #[test]
    fn words_are_replaced_in_every_encoding() {
        let stand_ins = stand_ins(1);
        let before = "a {fresh} b {fresh}";
        let after = before.replace(FRESH, &stand_ins.fresh);
        for coding in CODINGS {
            assert_eq!(put(&coding(before), &stand_ins), coding(&after));
        }
    }

    #[test]
    fn tomorrow_is_a_time_of_the_contract() {
        assert_eq!(
            put(b"{tomorrow}", &stand_ins(1)),
            b"2026-11-19T11:06:40.000Z"
        );
    }

    #[test]
    fn the_id_is_that_of_the_answer_before() {
        let mut stand_ins = stand_ins(1);
        for body in ["<receipt id='7'/>", "<pong/>", "no XML"] {
            let body = body.to_owned();
            stand_ins.look(&Answer { status: 200, body });
        }
        stand_ins.renew(super::StandIns::new(SystemTime::UNIX_EPOCH, 2));
        assert_eq!(put(b"<query id='{id}'/>", &stand_ins), b"<query id='7'/>");
    }

    #[test]
    fn what_was_put_in_is_taken_out_again() {
        let stand_ins = stand_ins(1);
        let before = "<receipts><receipt reference='a-{fresh}'>{tomorrow}</receipt></receipts>";
        let before = Element::parse(before).expect("it is XML");
        let mut answer = before.clone();
        for (word, value) in stand_ins.pairs() {
            replace_within(&mut answer, word, value);
        }
        assert_ne!(answer, before);
        stand_ins.take_out(&mut answer);
        assert_eq!(answer, before);
    }
}
