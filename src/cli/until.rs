//! Times on the command line: `2026-11-20T18:00:00+01:00`, `18:00` (the next one here), `+2h`.

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// Reads a time that is later than `now`.
///
/// # Errors
/// A sentence that says what can be written.
pub fn parse(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let until = read(text, now).ok_or_else(|| {
        format!(
            "`{text}` is no time: write 2026-11-20T18:00:00+01:00, 18:00 (the next one, in this \
             machine's zone) or +2h"
        )
    })?;
    if until <= now.timestamp() {
        return Err(format!("`{text}` is not later than now"));
    }
    Ok(until)
}

fn read(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Some(duration) = text.strip_prefix('+') {
        let duration: SignedDuration = duration.parse().ok()?;
        return now.timestamp().checked_add(duration).ok();
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    let is_time_of_day = text.len() == 5 && text.as_bytes()[2] == b':';
    let time: Time = text.parse().ok().filter(|_| is_time_of_day)?;
    let today = now.with().time(time).build().ok()?;
    let next = match today > *now {
        true => today,
        false => now
            .checked_add(1.day())
            .ok()?
            .with()
            .time(time)
            .build()
            .ok()?,
    };
    Some(next.timestamp())
}

/// An instant as the JSON API writes and reads it: UTC with milliseconds.
pub fn to_api(timestamp: Timestamp) -> String {
    format!("{timestamp:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-11-20T17:30:00+01:00[Europe/Stockholm]"
            .parse()
            .expect("a time")
    }

    fn parsed(text: &str) -> Result<String, String> {
        parse(text, &now()).map(to_api)
    }

    #[test]
    fn a_time_of_day_is_the_next_one_here() {
        assert_eq!(parsed("18:00").as_deref(), Ok("2026-11-20T17:00:00.000Z"));
        assert_eq!(parsed("17:30").as_deref(), Ok("2026-11-21T16:30:00.000Z"));
        assert_eq!(parsed("08:00").as_deref(), Ok("2026-11-21T07:00:00.000Z"));
    }

    #[test]
    fn a_time_of_day_that_the_clock_change_leaves_out_is_still_a_time() {
        let before: Zoned = "2027-03-27T23:00:00+01:00[Europe/Stockholm]"
            .parse()
            .expect("a time");
        let until = parse("02:30", &before).map(to_api);
        assert_eq!(until.as_deref(), Ok("2027-03-28T01:30:00.000Z"));
    }

    #[test]
    fn durations_count_from_now() {
        assert_eq!(parsed("+2h").as_deref(), Ok("2026-11-20T18:30:00.000Z"));
        assert_eq!(parsed("+90m").as_deref(), Ok("2026-11-20T18:00:00.000Z"));
    }

    #[test]
    fn instants_have_an_offset() {
        assert_eq!(
            parsed("2026-11-20T18:00:00+01:00").as_deref(),
            Ok("2026-11-20T17:00:00.000Z")
        );
        assert!(parsed("2026-11-20T18:00:00").is_err());
    }

    #[test]
    fn what_is_past_or_no_time_is_refused() {
        assert!(parsed("2026-11-20T16:30:00Z").is_err());
        for text in ["", "soon", "25:00", "+", "-2h", "+0s", "1:00", "18"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }
}
