//! The words of one line of a script, taken from the left.

use crate::domain::people::{SkillLevel, Skills, UserName};

/// Milliseconds of the units of a duration.
const UNITS: [(char, i64); 4] = [
    ('d', 86_400_000),
    ('h', 3_600_000),
    ('m', 60_000),
    ('s', 1_000),
];
/// Digits a number in a duration may have.
const DIGITS_MAX: usize = 6;

/// What is left of a line.
pub(super) struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str) -> Words<'a> {
        Words { rest: text.trim() }
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let (word, rest) = self
            .rest
            .split_once(char::is_whitespace)
            .unwrap_or((self.rest, ""));
        self.rest = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    /// The next word, which must be there.
    pub(super) fn needed(&mut self, what: &str) -> Result<&'a str, String> {
        self.next().ok_or_else(|| format!("{what} is missing"))
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.rest);
        (!rest.is_empty()).then(|| rest.to_owned())
    }

    /// All that is left, which must be something.
    pub(super) fn needed_rest(&mut self, what: &str) -> Result<String, String> {
        self.rest().ok_or_else(|| format!("{what} is missing"))
    }

    /// Nothing may be left.
    pub(super) fn end(&mut self) -> Result<(), String> {
        match self.rest() {
            None => Ok(()),
            Some(rest) => Err(format!("`{rest}` is too much")),
        }
    }

    /// A time such as `2h`.
    pub(super) fn duration(&mut self) -> Result<i64, String> {
        let word = self.needed("a time such as 2h or 1h30m")?;
        duration_of(word).ok_or_else(|| format!("`{word}` is no time such as 2h or 1h30m"))
    }

    /// The name of a user.
    pub(super) fn user(&mut self) -> Result<UserName, String> {
        let word = self.needed("the name of an agent")?;
        word.parse().map_err(|error| format!("`{word}`: {error}"))
    }

    /// Skills as `swedish:3,loans`.
    pub(super) fn skills(&mut self) -> Result<Skills, String> {
        let word = self.needed("skills such as swedish:3")?;
        let skills = word.split(',').map(|skill| {
            let (name, level) = skill.split_once(':').unwrap_or((skill, "1"));
            let level = level.parse().ok().and_then(SkillLevel::new);
            let level = level.ok_or_else(|| format!("`{skill}` has no level from 1 to 9"))?;
            Ok((name.to_owned(), level))
        });
        skills.collect()
    }
}

/// Milliseconds of `2h`, `1h30m` or `1d`: larger units first, in all more than zero.
pub(super) fn duration_of(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0;
    for (unit, unit_ms) in UNITS {
        let Some((count, after)) = rest.split_once(unit) else {
            continue;
        };
        let digits = count.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !(1..=DIGITS_MAX).contains(&count.len()) {
            return None;
        }
        total += count.parse::<i64>().ok()? * unit_ms;
        rest = after;
    }
    (rest.is_empty() && total > 0).then_some(total)
}

/// Minutes after midnight of `17:30`.
pub(super) fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        let good = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units_the_larger_first() {
        for (text, ms) in [
            ("2h", Some(7_200_000)),
            ("1h30m", Some(5_400_000)),
            ("1d", Some(86_400_000)),
            ("90s", Some(90_000)),
            ("999999s", Some(999_999_000)),
            ("1000000s", None),
            ("0s", None),
            ("30m1h", None),
            ("2", None),
            ("h", None),
            ("-2h", None),
            ("", None),
        ] {
            assert_eq!(duration_of(text), ms, "{text}");
        }
    }

    #[test]
    fn clocks_show_hours_to_23_and_minutes_to_59() {
        for (text, minute) in [
            ("00:00", Some(0)),
            ("23:59", Some(1_439)),
            ("24:00", None),
            ("12:60", None),
            ("7:30", None),
        ] {
            assert_eq!(minute_of(text), minute, "{text}");
        }
    }
}
