//! What an agent is doing, by layers, and whether a service may select it: pure functions of
//! factors, the only place that says so.
//!
//! The layers, the first that applies wins: presence offline; work at hand (ringing, connected,
//! wrap-up); what blocks (not available, no answer); presence away or busy; neither active
//! anywhere nor on duty; ready.

use std::collections::BTreeSet;

use super::ids::{Sequence, ServiceId};
use super::time::Timestamp;

/// Items an agent may have at once, at least.
pub const CAPACITY_MIN: u8 = 1;
/// Items an agent may have at once, at most.
pub const CAPACITY_MAX: u8 = 10;

/// Whether an agent is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Presence {
    /// Not signed in, or lost. Ends the reading: nothing is distributed.
    #[default]
    Offline,
    /// There and attentive.
    Online,
    /// There, with something else to do.
    Busy,
    /// Signed in, but no input came for a while.
    Away,
}

impl Presence {
    /// Every presence.
    pub const ALL: [Presence; 4] = [
        Presence::Offline,
        Presence::Online,
        Presence::Busy,
        Presence::Away,
    ];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Presence::Offline => "offline",
            Presence::Online => "online",
            Presence::Busy => "busy",
            Presence::Away => "away",
        }
    }

    /// The presence of that name.
    pub fn parse(name: &str) -> Option<Presence> {
        Presence::ALL
            .into_iter()
            .find(|presence| presence.name() == name)
    }
}

/// Whether an agent is on duty. Durable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Duty {
    /// Off duty.
    #[default]
    Off,
    /// On duty.
    On {
        /// The responsibility profile: which skills and levels apply now; `None`: the agent's own.
        profile: Option<String>,
    },
}

/// What a service asks of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SelectableBy {
    /// The service's own toggle.
    #[default]
    Active,
    /// To be on duty.
    Duty,
}

impl SelectableBy {
    /// The word in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            SelectableBy::Active => "active",
            SelectableBy::Duty => "duty",
        }
    }

    /// What is asked by that name.
    pub fn parse(name: &str) -> Option<SelectableBy> {
        [SelectableBy::Active, SelectableBy::Duty]
            .into_iter()
            .find(|by| by.name() == name)
    }
}

/// Whom a service may select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// What it asks for.
    pub selectable_by: SelectableBy,
    /// In which presence it may offer. Offline never counts.
    pub offer_when: BTreeSet<Presence>,
}

impl Default for Selection {
    fn default() -> Selection {
        Selection {
            selectable_by: SelectableBy::default(),
            offer_when: [Presence::Online].into(),
        }
    }
}

/// What keeps an agent that is there from being offered anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// It left an offer unanswered (RONA). Ended by the agent saying ready, or by time. Volatile.
    NoAnswer {
        /// Until then; `None`: until the agent says ready.
        until: Option<Timestamp>,
    },
    /// It said so, and why. Ended by the agent. Durable.
    NotAvailable {
        /// The agent's word, for example `break`.
        reason: String,
    },
}

impl Block {
    /// Whether it still holds.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        match self {
            Block::NoAnswer { until } => until.is_none_or(|until| now < until),
            Block::NotAvailable { .. } => true,
        }
    }
}

/// What takes one unit of an agent's capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// An offer. Ended by accept, decline, no answer, rescind. At most `offer_timeout`.
    Ringing,
    /// An item in work. Ended by end, park, requeue, transfer, cancel.
    Connected,
    /// Work after an item (ACW). Ended by time or the agent.
    WrapUp {
        /// Until then.
        until: Timestamp,
        /// It was made longer, which may happen once.
        extended: bool,
    },
}

impl Unit {
    /// Whether it still takes its unit.
    pub fn holds_at(self, now: Timestamp) -> bool {
        match self {
            Unit::Ringing | Unit::Connected => true,
            Unit::WrapUp { until, .. } => now < until,
        }
    }
}

/// Everything that an agent's state is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factors {
    /// Whether it is there. Volatile.
    pub presence: Presence,
    /// Whether it is on duty. Durable.
    pub duty: Duty,
    /// Where it is active. Durable.
    pub active: BTreeSet<ServiceId>,
    /// What keeps it from being offered anything.
    pub block: Option<Block>,
    /// What takes its capacity, by item. Parked items take none.
    pub units: Vec<(Sequence, Unit)>,
    /// Units it has, [`CAPACITY_MIN`] to [`CAPACITY_MAX`].
    pub capacity: u8,
}

impl Default for Factors {
    fn default() -> Factors {
        Factors {
            presence: Presence::default(),
            duty: Duty::default(),
            active: BTreeSet::new(),
            block: None,
            units: Vec::new(),
            capacity: CAPACITY_MIN,
        }
    }
}

impl Factors {
    /// Whether the agent is signed in.
    pub fn is_there(&self) -> bool {
        self.presence != Presence::Offline
    }

    /// Units that are taken.
    pub fn units_taken(&self, now: Timestamp) -> usize {
        let taken = self.units.iter().filter(|(_, unit)| unit.holds_at(now));
        taken.count()
    }

    /// Whether one more unit is free.
    pub fn has_room(&self, now: Timestamp) -> bool {
        self.units_taken(now) < usize::from(self.capacity)
    }

    fn holds(&self, wanted: impl Fn(Unit) -> bool, now: Timestamp) -> bool {
        let mut units = self.units.iter();
        units.any(|(_, unit)| unit.holds_at(now) && wanted(*unit))
    }

    fn block_at(&self, now: Timestamp) -> Option<&Block> {
        self.block.as_ref().filter(|block| block.holds_at(now))
    }
}

/// What an agent is doing: exactly one of these at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentState {
    /// Not signed in, or lost.
    Offline,
    /// An offer rings.
    Ringing,
    /// It has an item.
    Connected,
    /// Work after an item.
    WrapUp {
        /// Until then, the latest of several.
        until: Timestamp,
    },
    /// It said that it is not available.
    NotAvailable {
        /// The agent's word.
        reason: String,
    },
    /// It left an offer unanswered.
    NoAnswer {
        /// Until then; `None`: until the agent says ready.
        until: Option<Timestamp>,
    },
    /// No input came for a while.
    Away,
    /// It has something else to do.
    Busy,
    /// Active nowhere and not on duty.
    OffDuty,
    /// Nothing of the above.
    Ready,
}

impl AgentState {
    /// The word on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            AgentState::Offline => "offline",
            AgentState::Ringing => "ringing",
            AgentState::Connected => "connected",
            AgentState::WrapUp { .. } => "wrapUp",
            AgentState::NotAvailable { .. } => "notAvailable",
            AgentState::NoAnswer { .. } => "noAnswer",
            AgentState::Away => "away",
            AgentState::Busy => "busy",
            AgentState::OffDuty => "offDuty",
            AgentState::Ready => "ready",
        }
    }
}

/// The state of an agent with these factors.
pub fn state(factors: &Factors, now: Timestamp) -> AgentState {
    if factors.presence == Presence::Offline {
        return AgentState::Offline;
    }
    if let Some(state) = state_by_work(factors, now) {
        return state;
    }
    match factors.block_at(now) {
        Some(Block::NotAvailable { reason }) => {
            let reason = reason.clone();
            return AgentState::NotAvailable { reason };
        }
        Some(Block::NoAnswer { until }) => return AgentState::NoAnswer { until: *until },
        None => {}
    }
    match factors.presence {
        Presence::Offline => AgentState::Offline,
        Presence::Away => AgentState::Away,
        Presence::Busy => AgentState::Busy,
        Presence::Online if factors.duty == Duty::Off && factors.active.is_empty() => {
            AgentState::OffDuty
        }
        Presence::Online => AgentState::Ready,
    }
}

fn state_by_work(factors: &Factors, now: Timestamp) -> Option<AgentState> {
    if factors.holds(|unit| unit == Unit::Ringing, now) {
        return Some(AgentState::Ringing);
    }
    if factors.holds(|unit| unit == Unit::Connected, now) {
        return Some(AgentState::Connected);
    }
    let wrap_ups = factors.units.iter().filter_map(|(_, unit)| match unit {
        Unit::WrapUp { until, .. } if unit.holds_at(now) => Some(*until),
        Unit::Ringing | Unit::Connected | Unit::WrapUp { .. } => None,
    });
    wrap_ups.max().map(|until| AgentState::WrapUp { until })
}

/// Why a service may not select an agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSelectable {
    /// Not signed in, or lost.
    #[error("the agent is offline")]
    Offline,
    /// It said that it is not available.
    #[error("the agent is not available: {0}")]
    NotAvailable(String),
    /// It left an offer unanswered.
    #[error("the agent left an offer unanswered and has not said ready")]
    NoAnswer,
    /// The service offers nothing in this presence.
    #[error("the agent is {}", .0.name())]
    Presence(Presence),
    /// The service's toggle is off.
    #[error("the agent is not active in the service")]
    NotActive,
    /// The service asks for duty.
    #[error("the agent is off duty")]
    OffDuty,
    /// All units are taken.
    #[error("the agent's capacity is taken")]
    CapacityFull,
}

impl NotSelectable {
    /// The word on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            NotSelectable::Offline => "offline",
            NotSelectable::NotAvailable(_) => "notAvailable",
            NotSelectable::NoAnswer => "noAnswer",
            NotSelectable::Presence(presence) => presence.name(),
            NotSelectable::NotActive => "notActive",
            NotSelectable::OffDuty => "offDuty",
            NotSelectable::CapacityFull => "capacityFull",
        }
    }
}

/// Whether `service`, which asks for `selection`, may offer something to the agent. Membership and
/// skills are asked elsewhere.
///
/// # Errors
/// The first reason why not, in the order of the layers; shown to the agent and its supervisors.
pub fn selectable(
    factors: &Factors,
    service: ServiceId,
    selection: &Selection,
    now: Timestamp,
) -> Result<(), NotSelectable> {
    present(factors, service, selection, now)?;
    if factors.has_room(now) {
        Ok(())
    } else {
        Err(NotSelectable::CapacityFull)
    }
}

/// As [`selectable`], but for an agent who is merely busy with items too.
///
/// # Errors
/// Every reason of [`selectable`] but a full capacity.
pub fn present(
    factors: &Factors,
    service: ServiceId,
    selection: &Selection,
    now: Timestamp,
) -> Result<(), NotSelectable> {
    if factors.presence == Presence::Offline {
        return Err(NotSelectable::Offline);
    }
    match factors.block_at(now) {
        Some(Block::NotAvailable { reason }) => {
            return Err(NotSelectable::NotAvailable(reason.clone()));
        }
        Some(Block::NoAnswer { .. }) => return Err(NotSelectable::NoAnswer),
        None => {}
    }
    if !selection.offer_when.contains(&factors.presence) {
        return Err(NotSelectable::Presence(factors.presence));
    }
    match selection.selectable_by {
        SelectableBy::Active if !factors.active.contains(&service) => Err(NotSelectable::NotActive),
        SelectableBy::Duty if factors.duty == Duty::Off => Err(NotSelectable::OffDuty),
        SelectableBy::Active | SelectableBy::Duty => Ok(()),
    }
}

#[cfg(test)]
mod tests;
