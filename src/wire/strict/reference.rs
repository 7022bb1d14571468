//! Character and entity references. Source: XML 1.0 (5th ed.), 4.1 and 4.6.

use super::character::is_char;
use super::fault::{Fault, shown};
use std::borrow::Cow;

/// What a reference stands for. `name` is what stands between `&` and `;`, the `&` at byte
/// `offset`.
///
/// # Errors
/// A malformed fault at `offset` for an entity that is not one of the five, for digits that are
/// none, and for a character that XML does not allow.
pub(super) fn resolve(name: &str, offset: usize) -> Result<Cow<'static, str>, Fault> {
    match name {
        "amp" => Ok(Cow::Borrowed("&")),
        "lt" => Ok(Cow::Borrowed("<")),
        "gt" => Ok(Cow::Borrowed(">")),
        "quot" => Ok(Cow::Borrowed("\"")),
        "apos" => Ok(Cow::Borrowed("'")),
        "" => Err(bare_ampersand(offset)),
        other => match other.strip_prefix('#') {
            Some(number) => character(number, offset).map(|found| Cow::Owned(found.to_string())),
            None => Err(unknown_entity(other, offset)),
        },
    }
}

/// The `&` at `offset` begins no reference.
pub(super) fn bare_ampersand(offset: usize) -> Fault {
    Fault::malformed(
        offset,
        "Write &amp; for a plain & in text and attribute values.",
    )
}

fn unknown_entity(name: &str, offset: usize) -> Fault {
    let is_name = super::name::ncname_end(name, 0) == name.len();
    if !is_name {
        return bare_ampersand(offset);
    }
    let name = shown(name);
    Fault::malformed(
        offset,
        format!(
            "The entity &{name}; is not declared. Write the character itself or a reference such as \
             &#228; (only amp, lt, gt, quot and apos are known by name)."
        ),
    )
}

/// The character of `&#number;`.
fn character(number: &str, offset: usize) -> Result<char, Fault> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(hexadecimal) => (hexadecimal, 16),
        None => (number, 10),
    };
    let all_digits = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    if !all_digits {
        let number = shown(number);
        return Err(Fault::malformed(
            offset,
            format!(
                "&#{number}; is no character reference: write &#228; (decimal) or &#xE4; \
                 (hexadecimal, small x)."
            ),
        ));
    }
    // Only overflow can fail here, and no allowed character is that large.
    let code = u32::from_str_radix(digits, radix).ok();
    code.and_then(char::from_u32)
        .filter(|&found| is_char(found))
        .ok_or_else(|| {
            let number = shown(number);
            Fault::malformed(
                offset,
                format!(
                    "Remove &#{number};: XML does not allow this character, not even by reference."
                ),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_entities_and_character_references_resolve() {
        for (name, stands_for) in [
            ("amp", "&"),
            ("lt", "<"),
            ("gt", ">"),
            ("quot", "\""),
            ("apos", "'"),
            ("#65", "A"),
            ("#x41", "A"),
            ("#x00000000000041", "A"),
            ("#xe4", "ä"),
            ("#xE4", "ä"),
            ("#9", "\t"),
            ("#10", "\n"),
            ("#13", "\r"),
            ("#x10FFFF", "\u{10FFFF}"),
            ("#xFFFD", "\u{FFFD}"),
        ] {
            assert_eq!(resolve(name, 0).as_deref(), Ok(stands_for), "{name}");
        }
    }

    #[test]
    fn other_references_are_refused_where_they_stand() {
        for name in [
            "",
            " amp",
            "amp ",
            "AMP",
            "nbsp",
            "auml",
            "#",
            "#x",
            "#X41",
            "#6A",
            "#xG",
            "#-1",
            "#+65",
            "# 65",
            "#65 ",
            "#0",
            "#x0",
            "#1",
            "#xB",
            "#x1F",
            "#xD800",
            "#xDFFF",
            "#xFFFE",
            "#xFFFF",
            "#x110000",
            "#99999999999999999999",
            "#xFFFFFFFFFFFFFFFFF",
            "ämp",
            "a b",
        ] {
            let fault = resolve(name, 7).expect_err(name);
            assert_eq!(fault.offset, 7, "{name}");
        }
    }
}
