//! Reading a document to its end with our reader and with the two oracles.

use anteroom::wire::decode::decode;
use anteroom::wire::error::WireError;
use anteroom::wire::strict::{StrictReader, XmlEvent, XmlLimits};

/// Limits that no document of the suite reaches.
pub const NO_LIMITS: XmlLimits = XmlLimits {
    depth_max: usize::MAX,
    elements_max: usize::MAX,
    attributes_max: usize::MAX,
};

/// Decodes and reads a whole document.
pub fn read_bytes(body: &[u8]) -> Result<(), WireError> {
    read_text(&decode(body, None)?)
}

/// Reads a whole document; every event must keep the promises of the reader.
pub fn read_text(text: &str) -> Result<(), WireError> {
    let mut reader = StrictReader::new(text, NO_LIMITS);
    let mut open = 0;
    loop {
        let before = reader.offset();
        match reader.next()? {
            XmlEvent::Start(tag) => {
                assert!(text[tag.offset..].starts_with('<') && tag.qname.ends_with(tag.local));
                open += 1;
            }
            XmlEvent::Text(characters) => {
                assert!(open > 0 && !characters.is_empty() && reader.offset() > before);
            }
            XmlEvent::End { offset } => {
                assert!(text[offset..].starts_with('<'));
                open -= 1;
            }
            XmlEvent::Eof => {
                assert_eq!((open, reader.offset()), (0, text.len()));
                assert_eq!(reader.next(), Ok(XmlEvent::Eof));
                return Ok(());
            }
        }
    }
}

/// Whether roxmltree accepts the document, a document type declaration forbidden.
pub fn roxmltree_accepts(text: &str) -> bool {
    roxmltree::Document::parse(text).is_ok()
}

/// Whether uppsala accepts the document, a document type declaration forbidden.
pub fn uppsala_accepts(text: &str) -> bool {
    uppsala::Parser::new()
        .with_forbid_dtd(true)
        .parse(text)
        .is_ok()
}
