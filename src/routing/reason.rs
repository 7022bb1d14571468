//! Why an item waits, and whether anybody could ever have it.

use crate::domain::agent::{Duty, SelectableBy};
use crate::domain::ids::{AgentId, ServiceId};
use crate::domain::item::ItemState;

use super::buckets::BucketId;
use super::core::{Core, Place};
use super::distribution::Distribution;
use super::waiting::Standing;

/// Why an item waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitingReason {
    /// Its entrance is closed.
    EntranceClosed,
    /// Its entrance is open and lets older items in first.
    Releasing,
    /// `notBefore` is ahead.
    Scheduled,
    /// The service's workflow runs.
    InWorkflow,
    /// No agent has the skills it asks for now; or nobody is a member.
    NoAgentWithSkills,
    /// Agents who could have it are not signed in, or not active, or not on duty for it.
    NoAgentSignedIn,
    /// Agents who could have it are there, but have no unit free, are not available, left an offer
    /// unanswered, declined it, or (pickup) have not taken it.
    AgentsBusy,
    /// It waits for the agents it prefers.
    PreferredAgentOnly,
    /// Its service is no longer in the configuration.
    ServiceRetired,
}

impl WaitingReason {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            WaitingReason::EntranceClosed => "entranceClosed",
            WaitingReason::Releasing => "releasing",
            WaitingReason::Scheduled => "scheduled",
            WaitingReason::InWorkflow => "inWorkflow",
            WaitingReason::NoAgentWithSkills => "noAgentWithSkills",
            WaitingReason::NoAgentSignedIn => "noAgentSignedIn",
            WaitingReason::AgentsBusy => "agentsBusy",
            WaitingReason::PreferredAgentOnly => "preferredAgentOnly",
            WaitingReason::ServiceRetired => "serviceRetired",
        }
    }
}

impl Core {
    /// Why an item waits; `None`: it does not (it rings, is in somebody's hands, or has ended).
    pub fn why(&self, place: &Place) -> Option<WaitingReason> {
        let service = self.service(place.service);
        let retired = service.is_none_or(|service| service.policy.is_none());
        match place.state {
            ItemState::Scheduled => Some(WaitingReason::Scheduled),
            ItemState::InWorkflow => Some(WaitingReason::InWorkflow),
            ItemState::Buffered | ItemState::Queued if retired => {
                Some(WaitingReason::ServiceRetired)
            }
            ItemState::Buffered if service.is_some_and(|service| service.releasing()) => {
                Some(WaitingReason::Releasing)
            }
            ItemState::Buffered => Some(WaitingReason::EntranceClosed),
            ItemState::Queued => self.distribution().why_queued(place),
            ItemState::Offered | ItemState::Connected | ItemState::Parked | ItemState::Ended => {
                None
            }
        }
    }
}

impl Distribution {
    /// The bucket an item stands in or would go back to.
    pub(super) fn bucket_of(&self, place: &Place) -> Option<BucketId> {
        if let Some(record) = self.waiting.get(&place.sequence) {
            return Some(record.bucket);
        }
        let route = self.known_route(place.service, place.class)?;
        Some(route[0].bucket)
    }

    fn why_queued(&self, place: &Place) -> Option<WaitingReason> {
        match self.waiting.get(&place.sequence).map(|it| it.standing) {
            Some(Standing::Offered(_)) => return None,
            Some(Standing::Personal) => return Some(WaitingReason::PreferredAgentOnly),
            Some(Standing::Bucket) | None => {}
        }
        let bucket = self.buckets.bucket(self.bucket_of(place)?);
        if bucket.able.is_empty() {
            return Some(WaitingReason::NoAgentWithSkills);
        }
        let mut able = bucket.able.iter();
        let there = able.any(|id| {
            let mut services = bucket.key.services();
            let covers = self.agents[id].covers(&bucket.key.asked).is_some();
            covers && services.any(|service| self.is_signed_in(*id, service))
        });
        Some(if there {
            WaitingReason::AgentsBusy
        } else {
            WaitingReason::NoAgentSignedIn
        })
    }

    /// Whether an agent is signed in for a service, whatever keeps it from its items.
    fn is_signed_in(&self, id: AgentId, service: ServiceId) -> bool {
        let agent = &self.agents[&id];
        let desk = self.desks.get(&service);
        let member = agent.is_there() && agent.services.contains(&service);
        let asks = desk.and_then(|desk| desk.selection());
        member
            && asks.is_some_and(|selection| match selection.selectable_by {
                SelectableBy::Active => agent.factors.active.contains(&service),
                SelectableBy::Duty => agent.factors.duty != Duty::Off,
            })
    }

    /// Whether nobody who is set up could ever have the queued item, at whatever level: shown as
    /// *unroutable*.
    pub fn unroutable(&self, place: &Place) -> bool {
        if place.state != ItemState::Queued {
            return false;
        }
        let preferred = place.preferred.as_ref();
        let mut agents = preferred.into_iter().flat_map(|it| it.agents());
        let by_name = agents.any(|id| {
            let agent = self.agents.get(id);
            agent.is_some_and(|agent| agent.services.contains(&place.service))
        });
        if by_name {
            return false;
        }
        if preferred.is_some_and(|preferred| preferred.required) {
            return true;
        }
        let route = self.known_route(place.service, place.class);
        let mut steps = route.into_iter().flat_map(|route| route.iter());
        !steps.any(|step| !self.buckets.bucket(step.bucket).able.is_empty())
    }
}
