//! The live agents: what they are made of, and what the core keeps about each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::agent::{Block, CAPACITY_MAX, CAPACITY_MIN, Duty, Factors, Unit};
use crate::domain::ids::{Sequence, ServiceId, UserId};
use crate::domain::time::Timestamp;

use super::buckets::BucketId;
use super::order::WaitingOrder;
use super::requirement::{Requirements, SkillId, level_sum};

/// An agent as the store knows it: when the core starts, and whenever one of these changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSetup {
    /// Its number.
    pub id: UserId,
    /// Its name; decides between equals.
    pub name: Arc<str>,
    /// Where it is a member.
    pub services: BTreeSet<ServiceId>,
    /// Its own skills and levels.
    pub skills: Vec<(String, u8)>,
    /// Skills and levels by responsibility profile.
    pub profiles: BTreeMap<String, Vec<(String, u8)>>,
    /// Items it may have at once, [`CAPACITY_MIN`] to [`CAPACITY_MAX`]; others are brought there.
    pub capacity: u8,
    /// Where its toggle is on.
    pub active: BTreeSet<ServiceId>,
    /// Whether it is on duty, and with which profile.
    pub duty: Duty,
    /// Why it is not available; `None`: it is.
    pub not_available: Option<String>,
}

type Held = BTreeMap<SkillId, u8>;

/// An agent at work.
#[derive(Debug)]
pub struct Agent {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is a member.
    pub services: BTreeSet<ServiceId>,
    own: Held,
    profiles: BTreeMap<String, Held>,
    /// What its state is made of.
    pub factors: Factors,
    /// Since when it has had nothing in hand; decides between equals.
    pub idle_since: Timestamp,
    /// Gone: its items are kept until then.
    pub absent_until: Option<Timestamp>,
    /// Services that may offer to it, were it not busy.
    pub present_in: BTreeSet<ServiceId>,
    /// It is present somewhere and has a unit free.
    pub free: bool,
    /// Buckets whose items it may have now, free or busy.
    pub reach: Vec<BucketId>,
    /// Items that wait for it by name, by their service.
    pub personal: BTreeMap<ServiceId, WaitingOrder>,
}

impl Agent {
    /// A new agent, offline.
    pub fn new(setup: AgentSetup, requirements: &mut Requirements, now: Timestamp) -> Agent {
        let mut agent = Agent {
            name: setup.name.clone(),
            services: BTreeSet::new(),
            own: Held::new(),
            profiles: BTreeMap::new(),
            factors: Factors::default(),
            idle_since: now,
            absent_until: None,
            present_in: BTreeSet::new(),
            free: false,
            reach: Vec::new(),
            personal: BTreeMap::new(),
        };
        agent.change(setup, requirements);
        agent
    }

    /// Takes over a changed set-up; presence, units and an unanswered offer stay.
    pub fn change(&mut self, setup: AgentSetup, requirements: &mut Requirements) {
        let mut held = |skills: Vec<(String, u8)>| -> Held {
            let skills = skills.into_iter();
            skills
                .map(|(name, level)| (requirements.skill(&name), level))
                .collect()
        };
        self.own = held(setup.skills);
        let profiles = setup.profiles.into_iter();
        self.profiles = profiles
            .map(|(name, skills)| (name, held(skills)))
            .collect();
        self.name = setup.name;
        self.services = setup.services;
        self.factors.capacity = setup.capacity.clamp(CAPACITY_MIN, CAPACITY_MAX);
        self.factors.active = setup.active;
        self.factors.duty = setup.duty;
        self.set_not_available(setup.not_available);
    }

    /// Not available with a reason, or available again. An unanswered offer stays one.
    pub fn set_not_available(&mut self, reason: Option<String>) {
        match (reason, &self.factors.block) {
            (Some(reason), _) => self.factors.block = Some(Block::NotAvailable { reason }),
            (None, Some(Block::NotAvailable { .. })) => self.factors.block = None,
            (None, Some(Block::NoAnswer { .. }) | None) => {}
        }
    }

    /// The skills that apply now: those of its responsibility profile, or its own. A profile that
    /// is gone has none.
    fn skills_in_force(&self) -> Option<&Held> {
        match &self.factors.duty {
            Duty::On {
                profile: Some(name),
            } => self.profiles.get(name),
            Duty::On { profile: None } | Duty::Off => Some(&self.own),
        }
    }

    /// The sum of its levels now over what is asked; `None` where it does not suffice.
    pub fn covers(&self, asked: &[(SkillId, u8)]) -> Option<u32> {
        level_sum(self.skills_in_force()?, asked)
    }

    /// Whether it could ever do what is asked: with its own skills or those of a profile.
    pub fn could_cover(&self, asked: &[(SkillId, u8)]) -> bool {
        let mut held = [&self.own].into_iter().chain(self.profiles.values());
        held.any(|held| level_sum(held, asked).is_some())
    }

    /// Whether it is signed in.
    pub fn is_there(&self) -> bool {
        self.factors.is_there()
    }

    /// Takes a unit for an item.
    pub fn hold(&mut self, sequence: Sequence, unit: Unit) {
        self.factors.units.push((sequence, unit));
    }

    /// Gives units of an item back. Returns whether there was one.
    pub fn drop_units(&mut self, sequence: Sequence, which: impl Fn(Unit) -> bool) -> bool {
        let units = &mut self.factors.units;
        let before = units.len();
        units.retain(|(item, unit)| *item != sequence || !which(*unit));
        units.len() < before
    }

    /// The items it is connected to.
    pub fn connected(&self) -> Vec<Sequence> {
        let units = self.factors.units.iter();
        let connected = units.filter(|(_, unit)| *unit == Unit::Connected);
        connected.map(|(sequence, _)| *sequence).collect()
    }
}
