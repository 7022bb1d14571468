//! The XML declaration. Source: XML 1.0 (5th ed.), 2.8, 2.9 and 4.3.3.

use super::character::{is_space, skip_space};
use super::fault::Fault;

/// What the declaration says that a reader must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Declaration<'a> {
    /// The declared encoding, in the sender's spelling.
    pub(crate) encoding: Option<Pseudo<'a>>,
    /// Byte after the closing `?>`.
    pub(crate) end: usize,
}

/// A value in the declaration and where its name begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pseudo<'a> {
    pub(crate) offset: usize,
    pub(crate) value: &'a str,
}

/// The declaration that `text` begins with, if it begins with one.
///
/// # Errors
/// A malformed fault where the declaration breaks its grammar.
pub(crate) fn read(text: &str) -> Result<Option<Declaration<'_>>, Fault> {
    let bytes = text.as_bytes();
    let begins = text.starts_with("<?xml")
        && bytes
            .get(5)
            .is_none_or(|&byte| is_space(byte) || byte == b'?');
    if !begins {
        return Ok(None);
    }
    let mut at = 5;
    let Some(version) = pseudo(text, &mut at, "version")? else {
        let message = "Begin the XML declaration with version=\"1.0\".";
        return Err(Fault::malformed(0, message));
    };
    if !is_version(version.value) {
        return Err(Fault::malformed(version.offset, "Write version=\"1.0\"."));
    }
    let encoding = pseudo(text, &mut at, "encoding")?;
    if let Some(encoding) = encoding.filter(|found| !is_encoding_name(found.value)) {
        let message =
            "Write an encoding such as encoding=\"UTF-8\": letters, digits, '.', '_', '-'.";
        return Err(Fault::malformed(encoding.offset, message));
    }
    let standalone = pseudo(text, &mut at, "standalone")?;
    if let Some(standalone) = standalone.filter(|found| !matches!(found.value, "yes" | "no")) {
        let message = "Write standalone=\"yes\" or standalone=\"no\", or leave it out.";
        return Err(Fault::malformed(standalone.offset, message));
    }
    at = skip_space(bytes, at, bytes.len());
    if !text[at..].starts_with("?>") {
        let message = "End the XML declaration with ?>. It may hold version, encoding and standalone, \
                       in this order, each after a space.";
        return Err(Fault::malformed(at, message));
    }
    Ok(Some(Declaration {
        encoding,
        end: at + 2,
    }))
}

/// Reads ` name="value"` at `at` and moves past it; `None`, and nothing moves, if another name
/// stands there.
fn pseudo<'a>(text: &'a str, at: &mut usize, name: &str) -> Result<Option<Pseudo<'a>>, Fault> {
    let bytes = text.as_bytes();
    let offset = skip_space(bytes, *at, bytes.len());
    if offset == *at || !text[offset..].starts_with(name) {
        return Ok(None);
    }
    let broken = || {
        Fault::malformed(
            offset,
            format!("Write {name}=\"…\" in the XML declaration."),
        )
    };
    let equals = skip_space(bytes, offset + name.len(), bytes.len());
    if bytes.get(equals) != Some(&b'=') {
        return Err(broken());
    }
    let quote = skip_space(bytes, equals + 1, bytes.len());
    let mark = *bytes
        .get(quote)
        .filter(|&&byte| matches!(byte, b'"' | b'\''))
        .ok_or_else(broken)?;
    let start = quote + 1;
    let length = bytes[start..]
        .iter()
        .position(|&byte| byte == mark || byte == b'>');
    let end = start + length.ok_or_else(broken)?;
    if bytes[end] != mark {
        return Err(broken());
    }
    *at = end + 1;
    Ok(Some(Pseudo {
        offset,
        value: &text[start..end],
    }))
}

/// `VersionNum`: the fifth edition reads every 1.x as 1.0.
fn is_version(value: &str) -> bool {
    let minor = value.strip_prefix("1.");
    minor.is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `EncName`.
fn is_encoding_name(value: &str) -> bool {
    let mut bytes = value.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(text: &str) -> Option<&str> {
        read(text)
            .expect(text)
            .expect(text)
            .encoding
            .map(|found| found.value)
    }

    #[test]
    fn good_declarations_are_read() {
        assert_eq!(encoding("<?xml version='1.0'?>"), None);
        assert_eq!(encoding("<?xml version = \"1.7\" ?><a/>"), None);
        assert_eq!(
            encoding("<?xml\tversion='1.0'\r\nencoding='UTF-8'?>"),
            Some("UTF-8")
        );
        let all = "<?xml version='1.0' encoding=\"a._-1\" standalone='yes' ?>";
        assert_eq!(encoding(all), Some("a._-1"));
        assert_eq!(encoding("<?xml version='1.0' standalone='no'?>"), None);
    }

    #[test]
    fn what_is_no_declaration_is_left_alone() {
        for text in [
            "",
            "<a/>",
            " <?xml version='1.0'?>",
            "<?xml-stylesheet?>",
            "<?xmlx?>",
            "<?XML ?>",
        ] {
            assert_eq!(read(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn bad_declarations_are_refused() {
        for text in [
            "<?xml?>",
            "<?xml ?>",
            "<?xml",
            "<?xml version='1.0'",
            "<?xml version='1.0'>",
            "<?xml version?>",
            "<?xml version=1.0?>",
            "<?xml version='1.0?>",
            "<?xml version='1.0\"?>",
            "<?xml version=''?>",
            "<?xml version='1.'?>",
            "<?xml version='2.0'?>",
            "<?xml version='1.0 '?>",
            "<?xml version='1.x'?>",
            "<?xml Version='1.0'?>",
            "<?xml encoding='UTF-8'?>",
            "<?xml encoding='UTF-8' version='1.0'?>",
            "<?xml version='1.0'encoding='UTF-8'?>",
            "<?xml version='1.0' encoding=''?>",
            "<?xml version='1.0' encoding=' UTF-8'?>",
            "<?xml version='1.0' encoding='8utf'?>",
            "<?xml version='1.0' encoding='ütf'?>",
            "<?xml version='1.0' standalone='YES'?>",
            "<?xml version='1.0' standalone='yes' encoding='UTF-8'?>",
            "<?xml version='1.0' standalone=''?>",
            "<?xml version='1.0' version='1.0'?>",
            "<?xml version='1.0' bogus='1'?>",
            "<?xml version='1.0' ??>",
            "<?xml version='1.0' encoding='UTF-8'standalone='yes'?>",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
