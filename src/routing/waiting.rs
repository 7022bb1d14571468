//! What is remembered of a waiting item beyond its place in one bucket: the levels ahead of it, the
//! agents it prefers, who was asked before, its offer. Most items have nothing of it and no record.

use std::sync::Arc;

use crate::domain::ids::{OfferId, ServiceId, UserId};
use crate::domain::time::Timestamp;

use super::buckets::BucketId;
use super::order::Precedence;

/// The agents an item should go to first: its sender's wish, the agent who parked it, a
/// supervisor's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferred {
    /// Best first.
    agents: Vec<UserId>,
    /// Never anybody else.
    pub required: bool,
    /// The wait for them counts from then.
    pub since: Timestamp,
}

impl Preferred {
    /// From agents with their ranks, 1 the best; of equal ranks the first named goes first.
    /// `None`: nobody is preferred. With `required` there may be nobody: then nobody gets it.
    pub fn new(
        mut ranked: Vec<(UserId, u8)>,
        required: bool,
        since: Timestamp,
    ) -> Option<Preferred> {
        ranked.sort_by_key(|(_, rank)| *rank);
        let mut agents: Vec<UserId> = Vec::with_capacity(ranked.len());
        for (agent, _) in ranked {
            if !agents.contains(&agent) {
                agents.push(agent);
            }
        }
        (required || !agents.is_empty()).then_some(Preferred {
            agents,
            required,
            since,
        })
    }

    /// Best first.
    pub fn agents(&self) -> &[UserId] {
        &self.agents
    }
}

/// From a time of waiting on, the bucket an item belongs into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Milliseconds of waiting.
    pub after_ms: i64,
    /// The bucket.
    pub bucket: BucketId,
}

/// The buckets of a requirement class in one service, as its levels widen: at least one, each
/// different from the one before it.
pub type Route = Arc<[Step]>;

/// Where a waiting item can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In the personal orders of its preferred agents.
    Personal,
    /// In its bucket.
    Bucket,
    /// Nowhere: it rings.
    Offered(OfferId),
}

/// The record of a waiting item. See the module.
#[derive(Debug)]
pub struct Waiting {
    /// Its place in the order.
    pub precedence: Precedence,
    /// Where it belongs.
    pub service: ServiceId,
    /// The bucket it belongs into now.
    pub bucket: BucketId,
    /// The levels it passes; `None`: its bucket is the only one.
    pub route: Option<Route>,
    /// Where it stands on its route.
    pub step: usize,
    /// Levels count from then.
    pub since: Timestamp,
    /// Who should get it first.
    pub preferred: Option<Arc<Preferred>>,
    /// Who declined it or left it unanswered, in this round.
    pub asked: Vec<UserId>,
    /// Where it can be found.
    pub standing: Standing,
}

impl Waiting {
    /// When it widens next.
    pub fn widens_at(&self) -> Option<Timestamp> {
        let next = self.route.as_ref()?.get(self.step + 1)?;
        Some(self.since.plus_ms(next.after_ms))
    }

    /// Goes on to the level that holds at `now`; never back, whatever the clock does.
    pub fn widen(&mut self, now: Timestamp) {
        while self.widens_at().is_some_and(|at| at <= now) {
            self.step += 1;
        }
        if let Some(route) = &self.route {
            self.bucket = route[self.step].bucket;
        }
    }

    /// Whether everything about it can be told from its place and its bucket.
    pub fn is_plain(&self) -> bool {
        self.standing == Standing::Bucket
            && self.route.is_none()
            && self.preferred.is_none()
            && self.asked.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferred_agents_stand_by_rank_each_once() {
        let ranked = [(3, 2), (1, 1), (2, 1), (3, 9)];
        let ranked = ranked.map(|(agent, rank)| (UserId(agent), rank)).to_vec();
        let preferred = Preferred::new(ranked, false, Timestamp(0)).expect("somebody");
        assert_eq!(preferred.agents(), [UserId(1), UserId(2), UserId(3)]);
        assert_eq!(Preferred::new(Vec::new(), false, Timestamp(0)), None);
        let nobody = Preferred::new(Vec::new(), true, Timestamp(0)).expect("required");
        assert!(nobody.agents().is_empty());
    }
}
