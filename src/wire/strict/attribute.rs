//! Attributes of a start tag. Source: XML 1.0 (5th ed.), 3.1, 3.3.3 and 2.3 (`AttValue`).

use super::character::{is_space, skip_space};
use super::fault::{Fault, shown, shown_char};
use super::name::QName;
use super::reference;
use std::borrow::Cow;

/// One attribute as written, its value normalised, its prefix not yet resolved.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written<'a> {
    /// Byte where its name begins.
    pub(super) offset: usize,
    pub(super) name: QName<'a>,
    pub(super) value: Cow<'a, str>,
    /// Byte after the closing quote.
    pub(super) end: usize,
}

/// The attribute after the byte `from` of a tag whose closing `>` or `/>` stands at byte `close`;
/// `None` when only white space is left.
///
/// # Errors
/// A malformed fault where the first character stands that does not belong.
pub(super) fn read(text: &str, from: usize, close: usize) -> Result<Option<Written<'_>>, Fault> {
    let bytes = text.as_bytes();
    let offset = skip_space(bytes, from, close);
    if offset == close {
        return Ok(None);
    }
    let Some(name) = QName::read(text, offset) else {
        return Err(stray(text, offset));
    };
    if offset == from {
        let name = shown(name.full);
        return Err(Fault::malformed(
            offset,
            format!("Put a space before the attribute {name}."),
        ));
    }
    let equals = skip_space(bytes, offset + name.full.len(), close);
    if equals >= close || bytes[equals] != b'=' {
        if equals < close && !is_space(bytes[equals - 1]) {
            return Err(stray(text, equals));
        }
        let name = shown(name.full);
        let message = format!("Give the attribute {name} a value: {name}=\"…\".");
        return Err(Fault::malformed(offset, message));
    }
    let quote = skip_space(bytes, equals + 1, close);
    if quote >= close || !matches!(bytes[quote], b'"' | b'\'') {
        let name = shown(name.full);
        let message = format!("Put the value of the attribute {name} in quotes.");
        return Err(Fault::malformed(quote, message));
    }
    let (value, end) = value(text, quote, close, name.full)?;
    Ok(Some(Written {
        offset,
        name,
        value,
        end,
    }))
}

fn stray(text: &str, offset: usize) -> Fault {
    let found = text[offset..]
        .chars()
        .next()
        .map(shown_char)
        .unwrap_or_default();
    Fault::malformed(
        offset,
        format!("Remove {found}: it cannot stand here in a tag."),
    )
}

/// The value whose opening quote stands at byte `quote`, and the byte after its closing one.
fn value<'a>(
    text: &'a str,
    quote: usize,
    close: usize,
    name: &str,
) -> Result<(Cow<'a, str>, usize), Fault> {
    let bytes = text.as_bytes();
    let start = quote + 1;
    let mut plain = true;
    for (index, &byte) in bytes[start..close].iter().enumerate() {
        let at = start + index;
        if byte == bytes[quote] {
            let written = &text[start..at];
            let value = if plain {
                Cow::Borrowed(written)
            } else {
                normalise(written, start)?
            };
            return Ok((value, at + 1));
        }
        match byte {
            b'<' => {
                // An unfinished value is the likelier mistake, but the `<` is what the rule
                // forbids.
                let name = shown(name);
                let message = format!(
                    "Write &lt; for < in the value of the attribute {name}, or close its quote."
                );
                return Err(Fault::malformed(at, message));
            }
            b'&' | b'\t' | b'\n' | b'\r' => plain = false,
            _ => {}
        }
    }
    let name = shown(name);
    Err(Fault::malformed(
        quote,
        format!("Close the quote of the attribute {name}."),
    ))
}

/// `written` with references resolved and white space as spaces; `start` is its first byte in the
/// text.
///
/// White space by reference (`&#10;`) stays as it is; `\r\n` is one space.
fn normalise(written: &str, start: usize) -> Result<Cow<'_, str>, Fault> {
    let mut normal = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        normal.push_str(&rest[..at]);
        let special = &rest[at..];
        if let Some(reference) = special.strip_prefix('&') {
            let offset = start + written.len() - special.len();
            let semicolon = reference
                .find([';', '&'])
                .filter(|&end| reference[end..].starts_with(';'));
            let Some(end) = semicolon else {
                return Err(reference::bare_ampersand(offset));
            };
            normal.push_str(&reference::resolve(&reference[..end], offset)?);
            rest = &reference[end + 1..];
        } else {
            normal.push(' ');
            rest = special.strip_prefix("\r\n").unwrap_or(&special[1..]);
        }
    }
    normal.push_str(rest);
    Ok(Cow::Owned(normal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Reads `tag`, whose closing `>` is its last byte, after the name `a`.
    fn first(tag: &str) -> Result<Option<Written<'_>>, Fault> {
        read(tag, 2, tag.len() - 1)
    }

    fn value_of(tag: &str) -> Cow<'_, str> {
        first(tag).expect(tag).expect(tag).value
    }

    #[test]
    fn nothing_is_left_after_white_space() {
        assert_eq!(first("<a>"), Ok(None));
        assert_eq!(first("<a \t\r\n>"), Ok(None));
    }

    #[test]
    fn the_reading_goes_on_after_the_closing_quote() {
        let written = first("<a b = 'c' d='e'>").expect("good").expect("one");
        assert_eq!(
            (written.offset, written.name.full, written.end),
            (3, "b", 10)
        );
    }

    #[test]
    fn values_are_borrowed_when_nothing_changes() {
        assert!(matches!(
            value_of("<a b='x \"ö\" >'>"),
            Cow::Borrowed("x \"ö\" >")
        ));
        assert!(matches!(value_of("<a b=\"\">"), Cow::Borrowed("")));
    }

    #[rstest]
    #[case("<a b='\t1\n2\r3\r\n4\n\r5'>", " 1 2 3 4  5")]
    #[case("<a b='&#13;&#10;&#x9;'>", "\r\n\t")]
    #[case("<a b='&amp;lt;'>", "&lt;")]
    #[case("<a b='å&#228;ö'>", "åäö")]
    #[case("<a b='&apos;&quot;'>", "'\"")]
    fn values_are_normalised(#[case] tag: &str, #[case] value: &str) {
        assert_eq!(value_of(tag), value);
    }

    #[rstest]
    #[case::no_value("<a b>", 3)]
    #[case::no_value_before_another("<a b c='1'>", 3)]
    #[case::nothing_after_equals("<a b=>", 5)]
    #[case::unquoted("<a b=c>", 5)]
    #[case::mixed_quotes("<a b='c\">", 5)]
    #[case::unclosed("<a b='c>", 5)]
    #[case::less_than("<a b='x<y'>", 7)]
    #[case::bare_ampersand("<a b='x & y'>", 8)]
    #[case::ampersand_twice("<a b='&&amp;'>", 6)]
    #[case::ampersand_last("<a b='åå&'>", 10)]
    #[case::unknown_entity("<a b='x&nbsp;'>", 7)]
    #[case::illegal_reference("<a b='\n&#0;'>", 7)]
    #[case::slash("<a /b='c'>", 3)]
    #[case::equals_first("<a ='c'>", 3)]
    #[case::digit_first("<a 1='c'>", 3)]
    #[case::bad_name("<a b×='c'>", 4)]
    #[case::colon_first("<a :b='c'>", 3)]
    #[case::colon_last("<a b:='c'>", 4)]
    #[case::quoted_only("<a 'c'>", 3)]
    fn faults_stand_where_they_are(#[case] tag: &str, #[case] offset: usize) {
        let fault = first(tag).expect_err(tag);
        assert_eq!(fault.offset, offset, "{tag}: {fault:?}");
    }

    #[test]
    fn attributes_are_parted_by_white_space() {
        let fault = read("<a b='1'c='2'>", 8, 13).expect_err("no space");
        assert_eq!(
            fault,
            Fault::malformed(8, "Put a space before the attribute c.")
        );
    }
}
