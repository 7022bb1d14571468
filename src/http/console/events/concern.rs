//! Which events are whose affair.

use crate::domain::audience::FollowUpScope;
use crate::domain::ids::{ServiceId, TenantId, UserId};
use crate::domain::people::User;
use crate::domain::permission::{Action, Scope, Target, may, scope};
use crate::engine::live::LiveEvent;
use crate::engine::view::{ServiceView, View};

/// Whether the user is told of the event: an agent of what is its own, whoever may see the items
/// of a service or its agents of what happens there, of follow-ups those for whom they are.
pub fn concerns(user: &User, view: &View, event: &LiveEvent) -> bool {
    match event {
        LiveEvent::Offered(offer) => {
            offer.agents.contains(&user.id) || sees_items_of(user, view, offer.service)
        }
        LiveEvent::OfferEnded { agent, service, .. } | LiveEvent::Item { agent, service, .. } => {
            *agent == user.id || sees_items_of(user, view, *service)
        }
        LiveEvent::Agent { tenant, agent } => {
            *agent == user.id || sees_agent(user, view, *tenant, *agent)
        }
        LiveEvent::FollowUp { follow_up, item: _ } => {
            FollowUpScope::of(user, Action::SeeFollowUp).holds(follow_up)
        }
    }
}

/// Whether the user may see that agent, one of theirs that is.
pub fn sees_agent(user: &User, view: &View, tenant: TenantId, agent: UserId) -> bool {
    if tenant != user.tenant {
        return false;
    }
    match scope(user, Action::SeeAgents) {
        Scope::Tenant => true,
        Scope::Services(seen) => {
            let agent = view.agents.get(&agent);
            agent.is_some_and(|agent| !agent.services.is_disjoint(&seen))
        }
    }
}

/// Whether the user watches services: more than their own work is shown to them.
pub fn watches(user: &User) -> bool {
    match scope(user, Action::SeeAgents) {
        Scope::Tenant => true,
        Scope::Services(seen) => !seen.is_empty(),
    }
}

/// The services that the user may see.
pub fn services<'a>(
    user: &'a User,
    view: &'a View,
) -> impl Iterator<Item = &'a ServiceView> + use<'a> {
    let services = view.services.values().map(AsRef::as_ref);
    services.filter(|service| {
        may(
            user,
            Action::SeeService,
            Target::Service(service.tenant, service.id),
        )
    })
}

fn sees_items_of(user: &User, view: &View, service: ServiceId) -> bool {
    let service = view.services.get(&service);
    service.is_some_and(|service| {
        may(
            user,
            Action::SeeItem,
            Target::Service(service.tenant, service.id),
        )
    })
}
