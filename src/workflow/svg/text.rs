//! How wide a text will be, about: there is no font here. Said rather too wide than too narrow.

/// The width of a text in pixels at that font size.
pub fn width(text: &str, size: i32) -> i32 {
    let permille: i32 = text.chars().map(permille).sum();
    (permille * size + 999) / 1_000
}

/// How wide a character is, in thousandths of the font size.
fn permille(character: char) -> i32 {
    match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 330,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' | '"' | '“' | '”' => 440,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '→' | '…' | '=' | '<' | '>' | '&' | '+' => 950,
        'A'..='Z' => 740,
        '\u{1100}'.. => 1_050,
        _ => 610,
    }
}

/// As much of a text as fits, in one line; what is cut off shows as `…`.
pub fn shortened(text: &str, size: i32, width_max: i32) -> String {
    let flat: String = text
        .chars()
        .map(
            |character| match character.is_whitespace() || character.is_control() {
                true => ' ',
                false => character,
            },
        )
        .collect();
    if width(&flat, size) <= width_max {
        return flat;
    }
    let mut left = width_max * 1_000 / size - permille('…');
    let fitting = flat.chars().take_while(|character| {
        left -= permille(*character);
        left >= 0
    });
    let kept: String = fitting.collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_and_what_does_not_is_cut_to_fit() {
        let text = "wait until updated";
        let fits = width(text, 12);
        assert_eq!(shortened(text, 12, fits), text);
        let cut = shortened(text, 12, fits - 1);
        assert!(cut.ends_with('…') && cut.len() < text.len() + '…'.len_utf8());
        assert!(width(&cut, 12) < fits);
    }

    #[test]
    fn every_width_is_kept_whatever_the_characters() {
        for text in [
            "MMMMMMMMMM",
            "iiiiiiiiiiiiii",
            "案件の確認をお願いします",
            "a\n\tb   c",
        ] {
            for room in 20..120 {
                assert!(
                    width(&shortened(text, 12, room), 12) <= room,
                    "{text} {room}"
                );
            }
        }
    }
}
