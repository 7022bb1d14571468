//! How events look: names and values in JSON.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::domain::follow_up::FollowUp;
use crate::domain::ids::{ItemId, OfferId, Priority, Sequence, ServiceId, UserId};
use crate::engine::agents::view::AgentView;
use crate::engine::live::LiveEvent;
use crate::engine::view::View;
use crate::http::agents::json::AgentJson;
use crate::http::json::{ServiceJson, time};
use crate::store::StoreError;
use crate::store::read::Reader;

/// Agents as they are now.
pub type Agents = BTreeMap<UserId, AgentJson>;

/// What is told of items that are named by their rows alone.
pub type Facts = HashMap<Sequence, Fact>;

/// See [`Facts`].
#[derive(Debug, Clone)]
pub struct Fact {
    id: ItemId,
    priority: Priority,
    title: Option<String>,
}

/// Reads them; what is no longer kept is left out.
///
/// # Errors
/// As the store's.
pub fn facts(reader: &Reader, wanted: &BTreeSet<Sequence>) -> Result<Facts, StoreError> {
    let mut facts = Facts::new();
    for sequence in wanted {
        let Some(listed) = reader.item_by_sequence(*sequence)? else {
            continue;
        };
        let content = reader.content(*sequence)?;
        let fact = Fact {
            id: listed.item.id,
            priority: listed.item.priority,
            title: content.and_then(|content| content.title),
        };
        facts.insert(*sequence, fact);
    }
    Ok(facts)
}

/// The row that the event names without its id.
pub fn row_of(event: &LiveEvent) -> Option<Sequence> {
    match event {
        LiveEvent::Offered(offer) => Some(offer.sequence),
        LiveEvent::OfferEnded { item, .. } => Some(*item),
        LiveEvent::Item { .. } | LiveEvent::Agent { .. } | LiveEvent::FollowUp { .. } => None,
    }
}

/// Whose state the event tells.
pub fn agent_of(event: &LiveEvent) -> Option<UserId> {
    match event {
        LiveEvent::Agent { agent, .. } => Some(*agent),
        LiveEvent::Offered(_)
        | LiveEvent::OfferEnded { .. }
        | LiveEvent::Item { .. }
        | LiveEvent::FollowUp { .. } => None,
    }
}

/// What a stream sends.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum EventJson {
    /// How everything stands: whoever has it needs nothing from before.
    Snapshot(Box<SnapshotJson>),
    /// An item rings.
    Offered(OfferJson),
    /// It no longer rings at one agent.
    OfferEnded(OfferEndJson),
    /// An item in an agent's hands, or just out of them, has changed.
    Item(ItemChangeJson),
    /// An agent's state has changed.
    State(Box<AgentJson>),
    /// A workflow shows an alert or a button, or it is closed.
    FollowUp(FollowUpChangeJson),
    /// Counts or entrances of services have changed.
    Services(Vec<ServiceJson>),
}

impl EventJson {
    /// The name of the event.
    pub fn name(&self) -> &'static str {
        match self {
            EventJson::Snapshot(_) => "snapshot",
            EventJson::Offered(_) => "offered",
            EventJson::OfferEnded(_) => "offerEnded",
            EventJson::Item(_) => "item",
            EventJson::State(_) => "state",
            EventJson::FollowUp(_) => "followUp",
            EventJson::Services(_) => "services",
        }
    }

    /// The event as it is told; `None` where what it is about is no longer there, or was told. A
    /// state is told as it is now, so once is enough.
    pub fn of(
        event: &LiveEvent,
        view: &View,
        facts: &Facts,
        agents: &mut Agents,
    ) -> Option<EventJson> {
        match event {
            LiveEvent::Offered(offer) => {
                let ring = Ring {
                    id: offer.id,
                    sequence: offer.sequence,
                    service: offer.service,
                    agents: &offer.agents,
                    expires_at: time(offer.expires_at),
                };
                ring.shown(view, facts).map(EventJson::Offered)
            }
            LiveEvent::OfferEnded {
                offer,
                item,
                service,
                agent,
                end,
            } => Some(EventJson::OfferEnded(OfferEndJson {
                offer: offer.0,
                item: facts.get(item)?.id.to_string(),
                service: service_name(view, *service),
                agent: user_name(view, *agent),
                end: end.result().name(),
                reason: end.reason().map(|reason| reason.name()),
            })),
            LiveEvent::Item {
                sequence: _,
                id,
                service,
                agent,
                state,
                version,
                event,
            } => Some(EventJson::Item(ItemChangeJson {
                id: id.to_string(),
                service: service_name(view, *service),
                agent: user_name(view, *agent),
                state: state.name(),
                version: *version,
                event: event.name(),
            })),
            LiveEvent::Agent { tenant: _, agent } => {
                let agent = agents.remove(agent)?;
                Some(EventJson::State(Box::new(agent)))
            }
            LiveEvent::FollowUp { follow_up, item } => {
                let change = FollowUpChangeJson::of(follow_up, *item);
                Some(EventJson::FollowUp(change))
            }
        }
    }
}

/// How everything stands.
#[derive(Debug, Serialize)]
pub struct SnapshotJson {
    /// One's own state; `null` for who gets no items.
    pub state: Option<AgentJson>,
    /// What rings at oneself.
    pub offers: Vec<OfferJson>,
    /// Items in one's hands, parked ones too.
    pub items: Vec<String>,
    /// The other agents that one may see.
    pub agents: Vec<AgentJson>,
}

/// An offer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferJson {
    id: u64,
    item: String,
    service: String,
    title: Option<String>,
    priority: u8,
    agents: Vec<String>,
    expires_at: String,
}

/// What rings, where, until when.
struct Ring<'a> {
    id: OfferId,
    sequence: Sequence,
    service: ServiceId,
    agents: &'a [UserId],
    expires_at: String,
}

impl Ring<'_> {
    fn shown(self, view: &View, facts: &Facts) -> Option<OfferJson> {
        let fact = facts.get(&self.sequence)?;
        let agents = self.agents.iter();
        Some(OfferJson {
            id: self.id.0,
            item: fact.id.to_string(),
            service: service_name(view, self.service),
            title: fact.title.clone(),
            priority: fact.priority.value(),
            agents: agents.map(|agent| user_name(view, *agent)).collect(),
            expires_at: self.expires_at,
        })
    }
}

/// What rings at the agent, as far as it is known what that is.
pub fn offers_of(agent: &AgentView, view: &View, facts: &Facts) -> Vec<OfferJson> {
    let offers = agent.offers.iter().map(|offer| Ring {
        id: offer.id,
        sequence: offer.sequence,
        service: offer.service,
        agents: &offer.agents,
        expires_at: time(offer.expires_at),
    });
    offers.filter_map(|ring| ring.shown(view, facts)).collect()
}

/// The end of an offer for one agent.
#[derive(Debug, Serialize)]
pub struct OfferEndJson {
    offer: u64,
    item: String,
    service: String,
    agent: String,
    end: &'static str,
    reason: Option<&'static str>,
}

/// A change of an item.
#[derive(Debug, Serialize)]
pub struct ItemChangeJson {
    id: String,
    service: String,
    agent: String,
    state: &'static str,
    version: u32,
    event: &'static str,
}

/// An alert or a button that has come, or has gone.
#[derive(Debug, Serialize)]
pub struct FollowUpChangeJson {
    id: String,
    item: String,
    kind: &'static str,
    to: String,
    state: &'static str,
}

impl FollowUpChangeJson {
    fn of(follow_up: &FollowUp, item: ItemId) -> FollowUpChangeJson {
        FollowUpChangeJson {
            id: follow_up.id.to_string(),
            item: item.to_string(),
            kind: follow_up.kind.name(),
            to: follow_up.to.name().to_owned(),
            state: match follow_up.closed {
                None => "open",
                Some(_) => "closed",
            },
        }
    }
}

fn service_name(view: &View, id: ServiceId) -> String {
    let service = view.services.get(&id);
    service
        .map(|service| service.name.to_string())
        .unwrap_or_default()
}

fn user_name(view: &View, id: UserId) -> String {
    let account = view.people.account(id);
    account
        .map(|account| account.user.name.to_string())
        .unwrap_or_default()
}
