//! Bytes to text: which encoding a body is in, and its strict decoding.
//!
//! Three sources may name the encoding: the byte order mark, the charset of `Content-Type` and the
//! XML declaration. Any two that disagree are refused; none means UTF-8. `UTF-16` agrees with
//! either byte order. Malformed sequences are refused, never replaced.
//!
//! - ISO-8859-1 is read as windows-1252, as browsers do, so the two names agree with each other.
//!   The bytes 81, 8D, 8F, 90 and 9D, which windows-1252 leaves open, become the control characters
//!   U+0081 … U+009D: that is what they are in ISO-8859-1, what the WHATWG Encoding Standard says
//!   for both names, and XML 1.0 allows these characters.
//! - US-ASCII is read as UTF-8, of which it is a part, so these two names agree as well.
//! - UTF-16 needs a byte order mark, or a charset that names the order (`utf-16le`, `utf-16be`).
//! - Exactly one byte order mark is taken off; a second one is a stray character in the text.

use crate::domain::code::Code;
use crate::wire::error::WireError;
use crate::wire::strict::declaration;
use encoding_rs::DecoderResult;
use std::borrow::Cow;

/// An encoding as a source names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    /// UTF-16 without a word about the byte order.
    Utf16,
    Utf16Le,
    Utf16Be,
    Windows1252,
    Latin9,
}

impl Encoding {
    /// The encoding of that name in any case, if a message may use it.
    fn named(name: &str) -> Option<Self> {
        const NAMES: [(&str, Encoding); 17] = [
            ("utf-8", Encoding::Utf8),
            ("utf8", Encoding::Utf8),
            ("us-ascii", Encoding::Utf8),
            ("ascii", Encoding::Utf8),
            ("utf-16", Encoding::Utf16),
            ("utf-16le", Encoding::Utf16Le),
            ("utf-16be", Encoding::Utf16Be),
            ("iso-8859-1", Encoding::Windows1252),
            ("iso8859-1", Encoding::Windows1252),
            ("iso_8859-1", Encoding::Windows1252),
            ("latin1", Encoding::Windows1252),
            ("windows-1252", Encoding::Windows1252),
            ("cp1252", Encoding::Windows1252),
            ("iso-8859-15", Encoding::Latin9),
            ("iso8859-15", Encoding::Latin9),
            ("iso_8859-15", Encoding::Latin9),
            ("latin-9", Encoding::Latin9),
        ];
        let found = NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|&(_, encoding)| encoding)
    }

    fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16 => "UTF-16",
            Encoding::Utf16Le => "UTF-16LE",
            Encoding::Utf16Be => "UTF-16BE",
            Encoding::Windows1252 => "windows-1252 (ISO-8859-1)",
            Encoding::Latin9 => "ISO-8859-15",
        }
    }

    /// Whether both may be true of one body.
    fn agrees(self, other: Self) -> bool {
        let is_wide = |one| matches!(one, Encoding::Utf16Le | Encoding::Utf16Be);
        match (self, other) {
            (Encoding::Utf16, wide) | (wide, Encoding::Utf16) if is_wide(wide) => true,
            (one, other) => one == other,
        }
    }
}

/// The text of `body`, without its byte order mark. `content_type_charset` is the `charset`
/// parameter of the `Content-Type`, if there was one.
///
/// Valid UTF-8 is borrowed, not copied.
///
/// # Errors
/// `encodingInvalid` for sources that disagree, an encoding that is not supported and a sequence
/// that the encoding does not allow (with its line and column); `malformedXml` for an XML
/// declaration that breaks its grammar. Answer the sender.
pub fn decode<'a>(
    body: &'a [u8],
    content_type_charset: Option<&str>,
) -> Result<Cow<'a, str>, WireError> {
    let charset = content_type_charset.map(charset_encoding).transpose()?;
    let (mark, body) = split_byte_order_mark(body)?;
    if let (Some(mark), Some(charset)) = (mark, charset)
        && !mark.agrees(charset)
    {
        return Err(disagreement(
            "byte order mark",
            mark,
            "Content-Type",
            charset,
        ));
    }
    // The mark is the more exact of two that agree: it knows the byte order.
    let (source, known) = match (mark, charset) {
        (Some(mark), _) => ("byte order mark", Some(mark)),
        (None, charset) => ("Content-Type", charset),
    };
    match known {
        Some(wide @ (Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be)) => {
            let text = decode_wide(body, wide)?;
            if let Some(declared) = declared_encoding(&text)?
                && !declared.agrees(wide)
            {
                return Err(disagreement(source, wide, "XML declaration", declared));
            }
            Ok(text)
        }
        Some(Encoding::Utf8 | Encoding::Windows1252 | Encoding::Latin9) | None => {
            let encoding = narrow_encoding(body, known.map(|known| (source, known)))?;
            decode_narrow(body, encoding)
        }
    }
}

fn charset_encoding(charset: &str) -> Result<Encoding, WireError> {
    let name = charset.trim().trim_matches('"');
    Encoding::named(name).ok_or_else(|| unsupported("Content-Type", name))
}

/// The encoding of a body whose ASCII characters are single bytes.
fn narrow_encoding(body: &[u8], known: Option<(&str, Encoding)>) -> Result<Encoding, WireError> {
    if known.is_none() && matches!(body, [0, b'<', ..] | [b'<', 0, ..]) {
        let message = "This looks like UTF-16: begin it with a byte order mark, or send the charset \
                       utf-16le or utf-16be in the Content-Type.";
        return Err(WireError::new(Code::EncodingInvalid, message));
    }
    // A declaration holds no `>` before its end, and none that is not ASCII is well-formed.
    let declared = match body.starts_with(b"<?xml") {
        true => {
            let end = body
                .iter()
                .position(|&byte| byte == b'>')
                .map_or(body.len(), |at| at + 1);
            std::str::from_utf8(&body[..end]).map_or(Ok(None), declared_encoding)?
        }
        false => None,
    };
    match (known, declared) {
        (Some((source, known)), Some(declared)) if !known.agrees(declared) => {
            Err(disagreement(source, known, "XML declaration", declared))
        }
        (Some((_, known)), _) => Ok(known),
        (None, Some(wide @ (Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be))) => {
            let wide = wide.name();
            let message = format!(
                "The XML declaration says {wide}, but the message is not: declare the encoding it is in."
            );
            Err(WireError::new(Code::EncodingInvalid, message))
        }
        (None, declared) => Ok(declared.unwrap_or(Encoding::Utf8)),
    }
}

fn declared_encoding(text: &str) -> Result<Option<Encoding>, WireError> {
    let declaration = declaration::read(text).map_err(|fault| fault.locate(text))?;
    let Some(declared) = declaration.and_then(|declaration| declaration.encoding) else {
        return Ok(None);
    };
    match Encoding::named(declared.value) {
        Some(encoding) => Ok(Some(encoding)),
        None => Err(unsupported("XML declaration", declared.value).at(text, declared.offset)),
    }
}

/// The encoding that the byte order mark tells, and the body after it.
fn split_byte_order_mark(body: &[u8]) -> Result<(Option<Encoding>, &[u8]), WireError> {
    match body {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => {
            Err(unsupported("byte order mark", "UTF-32"))
        }
        [0xEF, 0xBB, 0xBF, rest @ ..] => Ok((Some(Encoding::Utf8), rest)),
        [0xFF, 0xFE, rest @ ..] => Ok((Some(Encoding::Utf16Le), rest)),
        [0xFE, 0xFF, rest @ ..] => Ok((Some(Encoding::Utf16Be), rest)),
        _ => Ok((None, body)),
    }
}

fn decode_wide(body: &[u8], encoding: Encoding) -> Result<Cow<'_, str>, WireError> {
    match encoding {
        Encoding::Utf16Le => decode_with(encoding_rs::UTF_16LE, body, encoding),
        Encoding::Utf16Be => decode_with(encoding_rs::UTF_16BE, body, encoding),
        Encoding::Utf16 | Encoding::Utf8 | Encoding::Windows1252 | Encoding::Latin9 => {
            let message = "Begin a UTF-16 message with a byte order mark, or send the charset utf-16le \
                           or utf-16be.";
            Err(WireError::new(Code::EncodingInvalid, message))
        }
    }
}

fn decode_narrow(body: &[u8], encoding: Encoding) -> Result<Cow<'_, str>, WireError> {
    match encoding {
        Encoding::Windows1252 => decode_with(encoding_rs::WINDOWS_1252, body, encoding),
        Encoding::Latin9 => decode_with(encoding_rs::ISO_8859_15, body, encoding),
        Encoding::Utf8 | Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => {
            match std::str::from_utf8(body) {
                Ok(text) => Ok(Cow::Borrowed(text)),
                Err(error) => {
                    let good = &body[..error.valid_up_to()];
                    Err(malformed(encoding, &String::from_utf8_lossy(good)))
                }
            }
        }
    }
}

fn decode_with<'a>(
    decoder: &'static encoding_rs::Encoding,
    body: &'a [u8],
    encoding: Encoding,
) -> Result<Cow<'a, str>, WireError> {
    let text = decoder.decode_without_bom_handling_and_without_replacement(body);
    text.ok_or_else(|| malformed(encoding, &good_part(decoder, body)))
}

/// The text before the first malformed sequence; read only to say where it stands.
fn good_part(decoder: &'static encoding_rs::Encoding, body: &[u8]) -> String {
    let mut decoder = decoder.new_decoder_without_bom_handling();
    let mut good = String::new();
    let mut read = 0;
    loop {
        let rest = &body[read..];
        good.reserve(
            decoder
                .max_utf8_buffer_length_without_replacement(rest.len())
                .unwrap_or(4),
        );
        let (result, taken) = decoder.decode_to_string_without_replacement(rest, &mut good, true);
        read += taken;
        match result {
            DecoderResult::InputEmpty | DecoderResult::Malformed(_, _) => return good,
            DecoderResult::OutputFull => {}
        }
    }
}

fn malformed(encoding: Encoding, good: &str) -> WireError {
    let name = encoding.name();
    let message = format!(
        "The bytes here are not {name}: send the message in {name}, or name the encoding it is in."
    );
    WireError::new(Code::EncodingInvalid, message).at(good, good.len())
}

fn disagreement(source: &str, one: Encoding, other_source: &str, other: Encoding) -> WireError {
    let (one, other) = (one.name(), other.name());
    let message = format!(
        "The {source} says {one}, the {other_source} says {other}: make them agree, or leave one out."
    );
    WireError::new(Code::EncodingInvalid, message)
}

fn unsupported(source: &str, name: &str) -> WireError {
    let name: String = name
        .chars()
        .filter(char::is_ascii_graphic)
        .take(40)
        .collect();
    let says = match name.as_str() {
        "" => "names no encoding".to_owned(),
        name => format!("says {name}, which is not supported"),
    };
    let message = format!(
        "The {source} {says}: send UTF-8, UTF-16, ISO-8859-1, ISO-8859-15 \
         or windows-1252."
    );
    WireError::new(Code::EncodingInvalid, message)
}

#[cfg(test)]
mod tests;
