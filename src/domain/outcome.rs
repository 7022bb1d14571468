//! How an item ended.

/// The outcome of an item. The numeric code is stable: reports and exports rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// An agent ended it.
    HandledByUser,
    /// A workflow finished it.
    HandledByWorkflow,
    /// The sender took it back.
    CancelledByExternalSystem,
    /// A supervisor ended it.
    CancelledBySupervisor,
    /// A workflow cancelled it.
    CancelledByWorkflow,
    /// Its lifetime was over before it was ever queued.
    ExpiredInBuffer,
    /// Its lifetime was over while it was queued or offered.
    LostInQueue,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 7] = [
        Outcome::HandledByUser,
        Outcome::HandledByWorkflow,
        Outcome::CancelledByExternalSystem,
        Outcome::CancelledBySupervisor,
        Outcome::CancelledByWorkflow,
        Outcome::ExpiredInBuffer,
        Outcome::LostInQueue,
    ];

    /// The stable number; tens are the group.
    pub fn code(self) -> u16 {
        match self {
            Outcome::HandledByUser => 10,
            Outcome::HandledByWorkflow => 11,
            Outcome::CancelledByExternalSystem => 20,
            Outcome::CancelledBySupervisor => 21,
            Outcome::CancelledByWorkflow => 22,
            Outcome::ExpiredInBuffer => 30,
            Outcome::LostInQueue => 31,
        }
    }

    /// The outcome of that number.
    pub fn from_code(code: u16) -> Option<Outcome> {
        Outcome::ALL
            .into_iter()
            .find(|outcome| outcome.code() == code)
    }

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::HandledByUser => "handledByUser",
            Outcome::HandledByWorkflow => "handledByWorkflow",
            Outcome::CancelledByExternalSystem => "cancelledByExternalSystem",
            Outcome::CancelledBySupervisor => "cancelledBySupervisor",
            Outcome::CancelledByWorkflow => "cancelledByWorkflow",
            Outcome::ExpiredInBuffer => "expiredInBuffer",
            Outcome::LostInQueue => "lostInQueue",
        }
    }

    /// `handled`, `cancelled` or `lost`.
    pub fn group(self) -> &'static str {
        match self {
            Outcome::HandledByUser | Outcome::HandledByWorkflow => "handled",
            Outcome::CancelledByExternalSystem
            | Outcome::CancelledBySupervisor
            | Outcome::CancelledByWorkflow => "cancelled",
            Outcome::ExpiredInBuffer | Outcome::LostInQueue => "lost",
        }
    }

    /// Whether somebody or something did the work.
    pub fn handled(self) -> bool {
        self.group() == "handled"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_their_outcomes() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_code(outcome.code()), Some(outcome));
        }
    }
}
