//! Why an item waits, and whether anybody could ever have it.

use crate::domain::agent::{Duty, SelectableBy};
use crate::domain::answer::WaitingReason;
use crate::domain::ids::{ServiceId, UserId};
use crate::domain::item::ItemState;

use super::buckets::BucketId;
use super::core::{Core, Place};
use super::distribution::Distribution;
use super::waiting::Standing;

impl Core {
    /// Why an item waits; `None`: it does not (it rings, is in somebody's hands, or has ended).
    pub fn why(&self, place: &Place) -> Option<WaitingReason> {
        let service = self.service(place.service);
        let retired = service.is_none_or(|service| service.policy.is_none());
        match place.state {
            ItemState::Scheduled => Some(WaitingReason::Scheduled),
            ItemState::InWorkflow => Some(WaitingReason::InWorkflow),
            ItemState::Buffered => {
                let entrance = service.map(|service| service.entrance_status());
                let reason = entrance.and_then(|entrance| entrance.waiting_reason());
                // An item can still stand in front of an entrance that has just let in the others.
                Some(reason.unwrap_or(WaitingReason::Releasing))
            }
            ItemState::Queued if retired => Some(WaitingReason::ServiceRetired),
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
    fn is_signed_in(&self, id: UserId, service: ServiceId) -> bool {
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
