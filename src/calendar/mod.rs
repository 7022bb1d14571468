//! Opening hours: an OpenStreetMap expression, a time zone and a file of holidays become one pure
//! function of time, [`OpeningHours`], which the engine asks through [`crate::domain::time::Hours`].
//!
//! What is written in the configuration passes three doors, each refusing with words about what to
//! change ([`CalendarError`]): [`Zone`] (system tzdata), `expression` (syntax, and what has a
//! meaning on a map but none for an entrance), `holidays` (all-day events of an iCalendar file).
//! After `compile` nothing fails and nothing is remembered: every answer is computed from the time
//! asked about, so a restart or a jump of the clock cannot leave it wrong.
//!
//! **The rule.** A service is open at an instant when its expression says *open* for what the wall
//! clock of its zone shows at that instant. Hence, where the clock changes:
//! - an edge inside the hour that is left out takes effect at the instant after the gap;
//! - in the hour that is repeated an edge happens each time the clock shows it. The next edge is
//!   the earlier instant, or the later one where the earlier is not after the time asked about. At
//!   the moment the clock is put back the state may go back with it, which is an edge too.
//!
//! `unknown` counts as closed. Comments change nothing.

mod error;
mod expression;
mod holidays;
mod hours;
mod lines;
#[cfg(test)]
mod page;
#[cfg(test)]
mod properties;
mod zone;

pub use error::CalendarError;
pub use hours::OpeningHours;
pub use zone::Zone;

/// How far ahead of the time asked about a change is looked for: two years. A change further off
/// is reported as `until: None`, as is none at all; an answer with `None` therefore holds for this
/// long and need not be asked again sooner.
pub const HORIZON_MS: i64 = 731 * 86_400_000;
/// Characters in one expression.
pub const EXPRESSION_CHARS_MAX: usize = 1_000;
/// Distinct days in one file of holidays.
pub const HOLIDAYS_MAX: usize = 2_000;
/// Bytes of one file of holidays.
pub const HOLIDAYS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Changes listed by one call of [`OpeningHours::next_changes`].
pub const CHANGES_MAX: usize = 1_000;
