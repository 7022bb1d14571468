//! Base64 as `xs:base64Binary` has it, decoded piece by piece: white space anywhere, padded, no
//! stray bits in the last group.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Characters decoded at once; a multiple of a group's four.
const CHUNK_BYTES: usize = 16 * 1024;

/// Takes base64 text in pieces, gives the bytes.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Characters of the chunk being filled, without white space.
    chunk: Vec<u8>,
    body: Vec<u8>,
    /// A padded group was decoded: nothing may follow.
    complete: bool,
    faulty: bool,
}

impl Decoder {
    pub(super) fn push(&mut self, piece: &str) {
        // A body usually comes in one piece: one allocation of its size instead of doubling.
        self.body.reserve(piece.len() / 4 * 3);
        for word in piece
            .as_bytes()
            .split(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
        {
            self.push_word(word);
        }
    }

    fn push_word(&mut self, mut word: &[u8]) {
        while !word.is_empty() && !self.faulty {
            let (now, later) = word.split_at(word.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            if self.chunk.len() == CHUNK_BYTES {
                self.decode_chunk();
            }
            word = later;
        }
    }

    fn decode_chunk(&mut self) {
        if self.chunk.is_empty() {
            return;
        }
        self.faulty |= self.complete || STANDARD.decode_vec(&self.chunk, &mut self.body).is_err();
        self.complete = self.chunk.ends_with(b"=");
        self.chunk.clear();
    }

    /// The bytes; `None` if the text was not base64.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        self.decode_chunk();
        (!self.faulty).then_some(self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(pieces: &[&str]) -> Option<Vec<u8>> {
        let mut decoder = Decoder::default();
        for piece in pieces {
            decoder.push(piece);
        }
        decoder.finish()
    }

    #[test]
    fn white_space_may_stand_anywhere() {
        assert_eq!(
            decode(&[" QU5U\r\n R", "U\t8= \n"]),
            Some(b"ANTEO".to_vec())
        );
        assert_eq!(decode(&[" \n"]), Some(Vec::new()));
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for text in [
            "QQ", "QQ=", "QQ==QQ==", "QR==", "QUJ=", "Q!==", "QQ-_", "=", "QUJD=", "Q=Q=",
        ] {
            assert_eq!(decode(&[text]), None, "{text}");
        }
    }

    #[test]
    fn nothing_follows_padding_even_in_the_next_chunk() {
        let mut text = "A".repeat(CHUNK_BYTES - 4);
        text.push_str("QQ==");
        assert_eq!(
            decode(&[&text]).map(|body| body.len()),
            Some((CHUNK_BYTES - 4) / 4 * 3 + 1)
        );
        text.push_str("QUJD");
        assert_eq!(decode(&[&text]), None);
    }

    proptest! {
        #[test]
        fn bytes_come_back(body in prop::collection::vec(any::<u8>(), 0..40_000), width in 1..200_usize) {
            let text = STANDARD.encode(&body);
            let lines: Vec<&str> = text.as_bytes().chunks(width)
                .map(|line| std::str::from_utf8(line).unwrap()).collect();
            prop_assert_eq!(decode(&[&lines.join("\n")]), Some(body));
        }
    }
}
