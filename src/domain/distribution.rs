//! How the items of a service find their agents, as plain data. What these rules do is in
//! `routing`.

use super::agent::Selection;

/// Shortest time an offer rings, in milliseconds.
pub const OFFER_TIMEOUT_MIN_MS: i64 = 5_000;
/// Longest time an offer rings, in milliseconds.
pub const OFFER_TIMEOUT_MAX_MS: i64 = 600_000;
/// Default of `offer_timeout`, in milliseconds.
pub const OFFER_TIMEOUT_DEFAULT_MS: i64 = 20_000;
/// Default of `preferred_wait`, in milliseconds.
pub const PREFERRED_WAIT_DEFAULT_MS: i64 = 30_000;
/// Milliseconds until optional skills are dropped, unless the service says otherwise.
pub const OPTIONAL_DROPPED_AFTER_MS: i64 = 30_000;
/// Levels of one service, at most.
pub const LEVELS_MAX: usize = 8;
/// Longest wrap-up, preferred wait, no-answer reset or level, in milliseconds: one day.
pub const DISTRIBUTION_TIME_MAX_MS: i64 = 24 * 3_600_000;
/// Agents that a broadcast rings at once, at most.
pub const BROADCAST_AGENTS_MAX: usize = 10;

/// Who comes to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// One agent at a time: the most able, then the longest idle.
    #[default]
    Direct,
    /// Up to [`BROADCAST_AGENTS_MAX`] longest idle agents at once; the first accept wins.
    Broadcast,
    /// Nothing is offered: agents choose from the list.
    Pickup,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 3] = [Mode::Direct, Mode::Broadcast, Mode::Pickup];

    /// The word in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Direct => "direct",
            Mode::Broadcast => "broadcast",
            Mode::Pickup => "pickup",
        }
    }

    /// The mode of that name.
    pub fn parse(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// Which of an item's skills an agent must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SkillsAsked {
    /// The optional ones too.
    #[default]
    All,
    /// Only those that are not optional.
    Required,
}

impl SkillsAsked {
    /// The word in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            SkillsAsked::All => "all",
            SkillsAsked::Required => "required",
        }
    }
}

/// Whom an item may go to from a time on. Levels widen: what an earlier level allowed stays
/// allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DistributionLevel {
    /// Milliseconds of waiting after which it holds.
    pub after_ms: i64,
    /// Which skills are asked for.
    pub skills: SkillsAsked,
    /// Services of the same tenant whose agents may have it too, by name.
    pub services_too: Vec<String>,
}

/// How the items of one service find their agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributionPolicy {
    /// Who comes to whom.
    pub mode: Mode,
    /// By time of waiting, the first from 0 on.
    pub levels: Vec<DistributionLevel>,
    /// Whom it may select.
    pub selection: Selection,
    /// How long an offer rings.
    pub offer_timeout_ms: i64,
    /// How long an item waits for its preferred agents alone.
    pub preferred_wait_ms: i64,
    /// Wrap-up (ACW) after an item of the service; 0: none.
    pub wrap_up_ms: i64,
    /// What an agent may add to a wrap-up, once; `None`: nothing.
    pub wrap_up_extension_ms: Option<i64>,
    /// After an unanswered offer the agent gets nothing for so long; `None`: until it says ready.
    pub no_answer_reset_ms: Option<i64>,
}

impl Default for DistributionPolicy {
    fn default() -> DistributionPolicy {
        let required_later = DistributionLevel {
            after_ms: OPTIONAL_DROPPED_AFTER_MS,
            skills: SkillsAsked::Required,
            services_too: Vec::new(),
        };
        DistributionPolicy {
            mode: Mode::default(),
            levels: vec![DistributionLevel::default(), required_later],
            selection: Selection::default(),
            offer_timeout_ms: OFFER_TIMEOUT_DEFAULT_MS,
            preferred_wait_ms: PREFERRED_WAIT_DEFAULT_MS,
            wrap_up_ms: 0,
            wrap_up_extension_ms: None,
            no_answer_reset_ms: None,
        }
    }
}

/// Why a distribution policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DistributionFault {
    /// An offer that rings too short or too long.
    #[error("an offer rings for 5 to 600 seconds")]
    OfferTimeout,
    /// A time below zero or above a day.
    #[error("{0} is a time from 0 to 24 hours")]
    Time(&'static str),
    /// None, or too many.
    #[error("there are 1 to {LEVELS_MAX} levels")]
    Levels,
    /// A level that comes before the one above it, or a first one that does not begin at once.
    #[error("level {0} must begin later than the one before it, the first one at 0")]
    LevelOrder(usize),
    /// A service that may offer to nobody.
    #[error("there is no presence in which anything may be offered")]
    NoPresence,
}

impl DistributionPolicy {
    /// Whether the values are within their limits.
    ///
    /// # Errors
    /// The first [`DistributionFault`]; the configuration that says so is refused.
    pub fn check(&self) -> Result<(), DistributionFault> {
        if !(OFFER_TIMEOUT_MIN_MS..=OFFER_TIMEOUT_MAX_MS).contains(&self.offer_timeout_ms) {
            return Err(DistributionFault::OfferTimeout);
        }
        let times = [
            ("preferred_wait", Some(self.preferred_wait_ms)),
            ("wrap_up", Some(self.wrap_up_ms)),
            ("wrap_up_extension", self.wrap_up_extension_ms),
            ("no_answer_reset", self.no_answer_reset_ms),
        ];
        for (name, time) in times {
            if time.is_some_and(|ms| !(0..=DISTRIBUTION_TIME_MAX_MS).contains(&ms)) {
                return Err(DistributionFault::Time(name));
            }
        }
        if self.selection.offer_when.is_empty() {
            return Err(DistributionFault::NoPresence);
        }
        self.check_levels()
    }

    fn check_levels(&self) -> Result<(), DistributionFault> {
        if self.levels.is_empty() || self.levels.len() > LEVELS_MAX {
            return Err(DistributionFault::Levels);
        }
        let mut earliest = 0;
        for (index, level) in self.levels.iter().enumerate() {
            let latest = if index == 0 {
                0
            } else {
                DISTRIBUTION_TIME_MAX_MS
            };
            if !(earliest..=latest).contains(&level.after_ms) {
                return Err(DistributionFault::LevelOrder(index + 1));
            }
            earliest = level.after_ms + 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut DistributionPolicy)) -> Result<(), DistributionFault> {
        let mut policy = DistributionPolicy::default();
        change(&mut policy);
        policy.check()
    }

    #[test]
    fn the_defaults_are_within_their_limits() {
        assert_eq!(DistributionPolicy::default().check(), Ok(()));
    }

    #[test]
    fn an_offer_rings_for_5_to_600_seconds() {
        for (ms, good) in [
            (4_999, false),
            (5_000, true),
            (600_000, true),
            (600_001, false),
        ] {
            let result = with(|policy| policy.offer_timeout_ms = ms);
            assert_eq!(result.is_ok(), good, "{ms}");
        }
    }

    #[test]
    fn times_reach_from_nothing_to_a_day() {
        for (ms, good) in [
            (-1, false),
            (0, true),
            (86_400_000, true),
            (86_400_001, false),
        ] {
            let result = with(|policy| policy.wrap_up_ms = ms);
            assert_eq!(result.is_ok(), good, "{ms}");
            let result = with(|policy| policy.no_answer_reset_ms = Some(ms));
            assert_eq!(result.is_ok(), good, "{ms}");
        }
    }

    #[test]
    fn levels_begin_at_once_and_follow_each_other() {
        let at = |times: &[i64]| {
            let level = |after_ms: &i64| DistributionLevel {
                after_ms: *after_ms,
                ..DistributionLevel::default()
            };
            with(|policy| policy.levels = times.iter().map(level).collect())
        };
        assert_eq!(at(&[0]), Ok(()));
        assert_eq!(at(&[0, 1, 2]), Ok(()));
        assert_eq!(at(&[]), Err(DistributionFault::Levels));
        assert_eq!(at(&[1]), Err(DistributionFault::LevelOrder(1)));
        assert_eq!(at(&[0, 5, 5]), Err(DistributionFault::LevelOrder(3)));
        assert_eq!(at(&[0, 1, 2, 3, 4, 5, 6, 7]), Ok(()));
        assert_eq!(
            at(&[0, 1, 2, 3, 4, 5, 6, 7, 8]),
            Err(DistributionFault::Levels)
        );
    }

    #[test]
    fn somebody_must_be_selectable() {
        let nobody = with(|policy| policy.selection.offer_when.clear());
        assert_eq!(nobody, Err(DistributionFault::NoPresence));
    }

    #[test]
    fn names_lead_back_to_their_modes() {
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.name()), Some(mode));
        }
    }
}
