//! What an item asks of agents: part of its row, so that a restart needs no look at the sender's
//! texts.

use std::sync::Arc;

use super::content::{Content, PreferredAgent, PreferredAgents, SkillRequirement};
use super::time::Timestamp;

/// The rank of an agent who goes before all that a sender ranked.
pub const FIRST_RANK: u8 = 0;

/// What an item asks of agents. Never empty: an item without wishes has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Wish {
    /// What an agent must be able to do.
    pub skills: Vec<SkillRequirement>,
    /// Who should get it first, by user name; [`FIRST_RANK`] is a colleague's or supervisor's word.
    pub preferred: Vec<PreferredAgent>,
    /// Never anybody else.
    pub required: bool,
    /// The wait for the preferred agents counts from then; `None`: from when it was queued.
    pub since: Option<Timestamp>,
}

impl Wish {
    /// What the sender asks for. `None`: nothing.
    pub fn of(content: &Content) -> Option<Wish> {
        let mut wish = Wish {
            skills: content.skills.clone(),
            ..Wish::default()
        };
        wish.prefer_as(content.preferred_agents.as_ref());
        wish.some()
    }

    /// The same skills, with the agents that the sender prefers now.
    pub fn with_preferred(
        wish: Option<&Wish>,
        preferred: Option<&PreferredAgents>,
        now: Timestamp,
    ) -> Option<Wish> {
        let mut wish = wish.cloned().unwrap_or_default();
        wish.prefer_as(preferred);
        wish.since = (!wish.preferred.is_empty()).then_some(now);
        wish.some()
    }

    /// The same with one agent before all others, for as long as a preferred agent is waited for
    /// from `now`; with `required` for ever, and nobody else.
    pub fn first_to(wish: Option<&Wish>, agent: &str, required: bool, now: Timestamp) -> Wish {
        let mut wish = wish.cloned().unwrap_or_default();
        let name = agent.to_owned();
        wish.preferred
            .retain(|other| other.rank != FIRST_RANK && other.name != name);
        if required {
            wish.preferred.clear();
        }
        let rank = FIRST_RANK;
        wish.preferred.insert(0, PreferredAgent { name, rank });
        wish.required |= required;
        wish.since = Some(now);
        wish
    }

    /// Whether that agent goes before all whom the sender prefers.
    pub fn is_first_to(&self, agent: &str) -> bool {
        let mut preferred = self.preferred.iter();
        preferred.any(|it| it.rank == FIRST_RANK && it.name == agent)
    }

    /// The same as it comes into a queue: nobody was waited for in front of the entrance.
    pub fn from_now(wish: Option<Arc<Wish>>, now: Timestamp) -> Option<Arc<Wish>> {
        let mut wish = wish?;
        if wish.since.is_some() {
            Arc::make_mut(&mut wish).since = Some(now);
        }
        Some(wish)
    }

    /// The same without asking for skills.
    pub fn without_skills(wish: &Wish) -> Option<Wish> {
        let wish = Wish {
            skills: Vec::new(),
            ..wish.clone()
        };
        wish.some()
    }

    /// The same without anybody preferred: for an item that goes to other people's service.
    pub fn without_preferred(wish: Option<&Wish>) -> Option<Wish> {
        let skills = wish.map(|wish| wish.skills.clone()).unwrap_or_default();
        let wish = Wish {
            skills,
            ..Wish::default()
        };
        wish.some()
    }

    fn prefer_as(&mut self, preferred: Option<&PreferredAgents>) {
        let agents = preferred.map(|preferred| preferred.agents.clone());
        self.preferred = agents.unwrap_or_default();
        self.required = preferred.is_some_and(|preferred| preferred.required);
        self.required &= !self.preferred.is_empty();
    }

    fn some(self) -> Option<Wish> {
        (!self.skills.is_empty() || !self.preferred.is_empty()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(name: &str, rank: u8) -> PreferredAgent {
        let name = name.to_owned();
        PreferredAgent { name, rank }
    }

    fn names(wish: &Wish) -> Vec<&str> {
        let agents = wish.preferred.iter();
        agents.map(|agent| agent.name.as_str()).collect()
    }

    #[test]
    fn an_item_that_asks_for_nothing_has_no_wish() {
        assert_eq!(Wish::of(&Content::default()), None);
        let nobody = PreferredAgents::default();
        assert_eq!(
            Wish::with_preferred(None, Some(&nobody), Timestamp(1)),
            None
        );
    }

    #[test]
    fn a_colleagues_word_goes_before_the_senders_and_replaces_the_last_one() {
        let preferred = PreferredAgents {
            required: false,
            agents: vec![agent("anna", 1), agent("bo", 2)],
        };
        let wish = Wish::with_preferred(None, Some(&preferred), Timestamp(1));
        let first = Wish::first_to(wish.as_ref(), "bo", false, Timestamp(2));
        assert_eq!(names(&first), ["bo", "anna"]);
        let then = Wish::first_to(Some(&first), "cleo", false, Timestamp(3));
        assert_eq!(names(&then), ["cleo", "anna"]);
        assert_eq!(then.since, Some(Timestamp(3)));
        assert!(!then.required);
        let only = Wish::first_to(Some(&then), "dan", true, Timestamp(4));
        assert_eq!((names(&only), only.required), (vec!["dan"], true));
    }

    #[test]
    fn a_senders_requirement_outlives_a_parking() {
        let preferred = PreferredAgents {
            required: true,
            agents: vec![agent("anna", 1), agent("bo", 2)],
        };
        let wish = Wish::with_preferred(None, Some(&preferred), Timestamp(1));
        let parked = Wish::first_to(wish.as_ref(), "bo", false, Timestamp(2));
        assert_eq!(
            (names(&parked), parked.required),
            (vec!["bo", "anna"], true)
        );
    }
}
