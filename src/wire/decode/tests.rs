//! Every encoding, every pair of sources, every way to be malformed.

use super::*;
use rstest::rstest;

const UTF_8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

fn utf_16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn utf_16be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn declared(encoding: &str) -> String {
    format!("<?xml version='1.0' encoding='{encoding}'?><a>å</a>")
}

/// The refusal, which must be `encodingInvalid`, as line and column if it stands somewhere.
fn invalid(body: &[u8], charset: Option<&str>) -> Option<(u32, u32)> {
    match decode(body, charset) {
        Ok(text) => panic!("{body:?} with {charset:?} was read as {text:?}"),
        Err(error) => {
            assert_eq!(error.code, Code::EncodingInvalid, "{error:?}");
            error
                .position
                .map(|position| (position.line, position.column))
        }
    }
}

#[test]
fn utf_8_is_the_default_and_borrowed() {
    for charset in [
        None,
        Some("utf-8"),
        Some("UTF-8"),
        Some("\"utf-8\""),
        Some(" us-ascii "),
    ] {
        let text = decode("<a>å€𝄞</a>".as_bytes(), charset);
        assert!(
            matches!(text, Ok(Cow::Borrowed("<a>å€𝄞</a>"))),
            "{charset:?}"
        );
    }
    assert_eq!(decode(b"", None).as_deref(), Ok(""));
}

#[test]
fn exactly_one_byte_order_mark_is_taken_off() {
    let once = [UTF_8_MARK, b"<a/>"].concat();
    assert!(matches!(decode(&once, None), Ok(Cow::Borrowed("<a/>"))));
    let twice = [UTF_8_MARK, UTF_8_MARK, b"<a/>"].concat();
    assert_eq!(decode(&twice, None).as_deref(), Ok("\u{FEFF}<a/>"));
    let wide = utf_16le("\u{FEFF}\u{FEFF}<a/>");
    assert_eq!(decode(&wide, None).as_deref(), Ok("\u{FEFF}<a/>"));
    assert_eq!(decode(UTF_8_MARK, None).as_deref(), Ok(""));
}

#[rstest]
#[case(None)]
#[case(Some("utf-16"))]
#[case(Some("UTF-16LE"))]
fn utf_16_little_endian_is_read_by_its_mark(#[case] charset: Option<&str>) {
    for encoding in ["UTF-16", "utf-16le"] {
        let text = declared(encoding);
        let body = utf_16le(&format!("\u{FEFF}{text}"));
        assert_eq!(decode(&body, charset).as_deref(), Ok(text.as_str()));
    }
    assert_eq!(
        decode(&utf_16le("\u{FEFF}<a>𝄞</a>"), charset).as_deref(),
        Ok("<a>𝄞</a>")
    );
}

#[rstest]
#[case(None)]
#[case(Some("utf-16"))]
#[case(Some("UTF-16BE"))]
fn utf_16_big_endian_is_read_by_its_mark(#[case] charset: Option<&str>) {
    let text = declared("UTF-16");
    assert_eq!(
        decode(&utf_16be(&format!("\u{FEFF}{text}")), charset).as_deref(),
        Ok(text.as_str())
    );
}

#[test]
fn utf_16_without_a_mark_is_read_by_a_charset_with_byte_order() {
    for text in [declared("UTF-16"), "<å/>".to_owned()] {
        assert_eq!(
            decode(&utf_16le(&text), Some("utf-16le")).as_deref(),
            Ok(text.as_str())
        );
        assert_eq!(
            decode(&utf_16be(&text), Some("utf-16be")).as_deref(),
            Ok(text.as_str())
        );
    }
    assert_eq!(invalid(&utf_16be("<a/>"), Some("utf-16")), None);
    assert_eq!(invalid(&utf_16be("<a/>"), None), None);
    assert_eq!(invalid(&utf_16le("<a/>"), None), None);
}

#[rstest]
#[case::latin_1("ISO-8859-1", b"\xE5\x80\xFF", "å€ÿ")]
#[case::windows("windows-1252", b"\xE5\x80\xFF", "å€ÿ")]
#[case::latin_9("ISO-8859-15", b"\xE5\xA4\xBD", "å€œ")]
#[case::left_open(
    "windows-1252",
    b"\x81\x8D\x8F\x90\x9D",
    "\u{81}\u{8D}\u{8F}\u{90}\u{9D}"
)]
fn single_byte_encodings_are_read(#[case] name: &str, #[case] bytes: &[u8], #[case] text: &str) {
    let with_charset = [b"<a>", bytes, b"</a>"].concat();
    let expected = format!("<a>{text}</a>");
    assert_eq!(
        decode(&with_charset, Some(name)).as_deref(),
        Ok(expected.as_str())
    );

    let declaration = format!("<?xml version='1.0' encoding='{name}'?>");
    let with_declaration = [declaration.as_bytes(), &with_charset].concat();
    let expected = declaration + &expected;
    for charset in [None, Some(name)] {
        assert_eq!(
            decode(&with_declaration, charset).as_deref(),
            Ok(expected.as_str())
        );
    }
}

#[test]
fn ascii_in_a_single_byte_encoding_is_borrowed() {
    assert!(matches!(
        decode(b"<a/>", Some("iso-8859-1")),
        Ok(Cow::Borrowed("<a/>"))
    ));
}

#[rstest]
#[case("iso-8859-1", "windows-1252")]
#[case("utf-8", "US-ASCII")]
#[case("us-ascii", "utf-8")]
fn different_names_of_one_decoding_agree(#[case] charset: &str, #[case] encoding: &str) {
    let body = format!("<?xml version='1.0' encoding='{encoding}'?><a/>");
    assert_eq!(
        decode(body.as_bytes(), Some(charset)).as_deref(),
        Ok(body.as_str())
    );
}

#[rstest]
#[case("utf-8", "iso-8859-1")]
#[case("iso-8859-1", "utf-8")]
#[case("iso-8859-1", "iso-8859-15")]
#[case("utf-8", "utf-16")]
#[case("iso-8859-15", "utf-16le")]
fn charset_and_declaration_must_agree(#[case] charset: &str, #[case] encoding: &str) {
    let body = format!("<?xml version='1.0' encoding='{encoding}'?><a/>");
    assert_eq!(invalid(body.as_bytes(), Some(charset)), None);
}

#[test]
fn mark_and_charset_must_agree() {
    let narrow = [UTF_8_MARK, b"<a/>"].concat();
    for charset in [
        "iso-8859-1",
        "windows-1252",
        "iso-8859-15",
        "utf-16",
        "utf-16le",
    ] {
        assert_eq!(invalid(&narrow, Some(charset)), None);
    }
    for charset in ["utf-8", "us-ascii", "utf-16be", "iso-8859-1"] {
        assert_eq!(invalid(&utf_16le("\u{FEFF}<a/>"), Some(charset)), None);
    }
    assert_eq!(invalid(&utf_16be("\u{FEFF}<a/>"), Some("utf-16le")), None);
}

#[test]
fn mark_and_declaration_must_agree() {
    let marked = |encoding: &str| format!("\u{FEFF}{}", declared(encoding));
    for encoding in ["iso-8859-1", "iso-8859-15", "utf-16"] {
        assert_eq!(invalid(marked(encoding).as_bytes(), None), None);
    }
    for encoding in ["utf-8", "us-ascii", "utf-16be", "iso-8859-1"] {
        assert_eq!(invalid(&utf_16le(&marked(encoding)), None), None);
    }
    assert_eq!(invalid(&utf_16be(&marked("utf-16le")), None), None);
}

#[test]
fn a_declaration_must_be_true_of_the_bytes() {
    for encoding in ["UTF-16", "UTF-16LE", "UTF-16BE"] {
        assert_eq!(invalid(declared(encoding).as_bytes(), None), None);
    }
    assert_eq!(
        invalid(&utf_16le(&declared("UTF-8")), Some("utf-16le")),
        None
    );
}

#[test]
fn other_encodings_are_refused_by_name() {
    for name in [
        "utf-7",
        "utf-32",
        "shift_jis",
        "iso-8859-2",
        "ebcdic-cp-us",
        "UCS-2",
        "utf-16 le",
        "",
    ] {
        assert_eq!(invalid(b"<a/>", Some(name)), None);
    }
    let body = "<?xml version='1.0'\n encoding='EUC-JP'?><a/>";
    assert_eq!(invalid(body.as_bytes(), None), Some((2, 2)));
    assert_eq!(invalid(body.as_bytes(), Some("utf-8")), Some((2, 2)));
    for mark in [&[0xFF, 0xFE, 0, 0][..], &[0, 0, 0xFE, 0xFF]] {
        assert_eq!(invalid(&[mark, b"<\0\0\0"].concat(), None), None);
    }
    let error = decode(b"<a/>", Some("x\r\n\u{1}<b>")).expect_err("no such charset");
    assert!(
        error.message.contains("says x<b>,"),
        "only visible ASCII is repeated: {error:?}"
    );
}

#[rstest]
#[case::lone_continuation(b"<a>\n\xC3\xA5\x80</a>", 2, 2)]
#[case::overlong(b"<a>\xC0\x80</a>", 1, 4)]
#[case::surrogate(b"<a>\xED\xA0\x80</a>", 1, 4)]
#[case::too_high(b"<a>\xF4\x90\x80\x80</a>", 1, 4)]
#[case::latin_1_unannounced(b"<a>\xE5</a>", 1, 4)]
#[case::cut_off(b"<a>\xE2\x82", 1, 4)]
#[case::in_the_declaration(b"<?xml version='1.0' \xE5?><a/>", 1, 21)]
fn malformed_utf_8_is_refused_where_it_stands(
    #[case] body: &[u8],
    #[case] line: u32,
    #[case] column: u32,
) {
    assert_eq!(invalid(body, None), Some((line, column)));
    let marked = [UTF_8_MARK, body].concat();
    assert_eq!(
        invalid(&marked, None),
        Some((line, column)),
        "the mark takes no column"
    );
}

#[rstest]
#[case::lone_high(&[0xD800, 0x3C], 2, 3)]
#[case::lone_low(&[0xDC00, 0x3C], 2, 3)]
#[case::swapped(&[0xDC00, 0xD800], 2, 3)]
#[case::cut_off(&[0xD83D], 2, 3)]
fn malformed_utf_16_is_refused_where_it_stands(
    #[case] units: &[u16],
    #[case] line: u32,
    #[case] column: u32,
) {
    let good = utf_16be("\u{FEFF}<a>\r\n𝄞å");
    let bad = units.iter().flat_map(|unit| unit.to_be_bytes());
    let body: Vec<u8> = good.into_iter().chain(bad).collect();
    assert_eq!(invalid(&body, None), Some((line, column)));
}

#[test]
fn an_odd_byte_at_the_end_of_utf_16_is_refused() {
    let mut body = utf_16le("\u{FEFF}<a/>");
    body.push(b' ');
    assert_eq!(invalid(&body, None), Some((1, 5)));
}

#[test]
fn a_broken_declaration_is_malformed_xml() {
    for body in [
        b"<?xml version='1.0' encoding='?><a/>".to_vec(),
        utf_16le("\u{FEFF}<?xml?><a/>"),
    ] {
        let error = decode(&body, None).expect_err("a broken declaration");
        assert_eq!(error.code, Code::MalformedXml);
        assert!(error.position.is_some());
    }
}

#[test]
fn every_cut_of_a_body_is_text_or_a_refusal() {
    let wide = utf_16le(&format!("\u{FEFF}{}", declared("UTF-16")));
    for body in [declared("utf-8").into_bytes(), wide] {
        for end in 0..body.len() {
            if let Err(error) = decode(&body[..end], None) {
                assert!(matches!(
                    error.code,
                    Code::EncodingInvalid | Code::MalformedXml
                ));
            }
        }
    }
}
