//! Points in time as the whole house passes them: integer milliseconds, given by the engine's
//! single clock reading, never read here.

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This time moved by `ms` milliseconds (negative: earlier); saturates at the ends of `i64`.
    pub fn plus_ms(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this; negative when `earlier` is in fact later.
    pub fn since_ms(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What a schedule of opening hours says about one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoursNow {
    /// Whether the service is open at that instant.
    pub open: bool,
    /// The first later instant at which `open` differs; `None` when it never does (within the
    /// schedule's horizon).
    pub until: Option<Timestamp>,
}

/// Opening hours as a pure function of time. Evaluated at every decision, never counted down, so
/// clock jumps and restarts cannot leave it wrong.
pub trait Hours: Send + Sync {
    /// What holds at `now`.
    fn at(&self, now: Timestamp) -> HoursNow;
}
