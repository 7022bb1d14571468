//! Durations (`30s`, `5m`, `4h`, `14d`) and sizes (`64KiB`, `40MiB`, `2GiB`) as the configuration
//! writes them.

const DURATION_UNITS: [(&str, i64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

const SIZE_UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// Milliseconds of a duration: a whole number and one unit.
pub fn parse_duration_ms(text: &str) -> Option<i64> {
    let (number, unit) = split(text)?;
    let (_, factor) = DURATION_UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<i64>().ok()?.checked_mul(*factor)
}

/// The shortest writing of a duration.
pub fn write_duration(ms: i64) -> String {
    for (unit, factor) in DURATION_UNITS {
        if ms % factor == 0 && ms != 0 {
            return format!("{}{unit}", ms / factor);
        }
    }
    "0s".to_owned()
}

/// Bytes of a size: a whole number and one unit.
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let (_, factor) = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// The shortest writing of a size.
pub fn write_size(bytes: u64) -> String {
    for (unit, factor) in SIZE_UNITS {
        if bytes.is_multiple_of(factor) && bytes != 0 {
            return format!("{}{unit}", bytes / factor);
        }
    }
    "0B".to_owned()
}

/// Digits and what follows them; `None` without digits in front.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    match at {
        0 => None,
        _ => Some((&text[..at], text[at..].trim_start())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_time_is_read() {
        for (text, ms) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("4h", 14_400_000),
            ("14d", 1_209_600_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration_ms(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "5",
            "m",
            "5 minutes",
            "1.5h",
            "-5s",
            "5M",
            "1h30m",
            "9999999999999999d",
        ] {
            assert_eq!(parse_duration_ms(text), None, "{text}");
        }
    }

    #[test]
    fn every_unit_of_size_is_read() {
        for (text, bytes) in [
            ("1B", 1),
            ("64KiB", 65_536),
            ("1MiB", 1 << 20),
            ("2 GiB", 2 << 30),
        ] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "64", "64MB", "64mib", "MiB", "-1B", "99999999999GiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for ms in [0, 1, 999, 1_000, 90_000, 3_600_000, 86_400_000 * 14] {
            assert_eq!(parse_duration_ms(&write_duration(ms)), Some(ms));
        }
        for bytes in [0, 1, 1_023, 1_024, 1 << 20, 3 << 30] {
            assert_eq!(parse_size(&write_size(bytes)), Some(bytes));
        }
    }
}
