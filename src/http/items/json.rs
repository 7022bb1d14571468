//! Items as JSON: where one stands and what its sender said; its life; its place in a queue.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::answer::{Status, Whereabouts};
use crate::domain::content::{Attachment, ContactDatum, Content, masked};
use crate::domain::item::ItemState;
use crate::domain::journal::Actor;
use crate::domain::policy::{KeyDeclaration, Policy, TaskType};
use crate::domain::session::{AgentSession, ServiceSession};
use crate::engine::agents::command::Acted;
use crate::engine::people::People;
use crate::engine::view::View;
use crate::http::follow_ups::json::FollowUpJson;
use crate::http::json::{EstimatedWaitJson, time};
use crate::http::look::Queued;
use crate::store::Numbers;
use crate::store::read::{JournalLine, Listed};

use super::flow::FlowJson;
use super::seen::Seen;

/// Where an item stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ItemStatus)]
pub struct StatusJson {
    id: String,
    reference: String,
    service: String,
    state: &'static str,
    version: u32,
    /// Why it waits, while it waits.
    why: Option<&'static str>,
    opens_at: Option<String>,
    received_at: String,
    stored_at: String,
    not_before: Option<String>,
    due_by: Option<String>,
    expires_at: Option<String>,
    queued_at: Option<String>,
    accepted_at: Option<String>,
    ended_at: Option<String>,
    attempts: u32,
    outcome: Option<&'static str>,
    result: Option<String>,
    note: Option<String>,
    position: Option<u64>,
}

impl From<Status> for StatusJson {
    fn from(status: Status) -> StatusJson {
        StatusJson {
            id: status.id.to_string(),
            reference: status.reference,
            service: status.service,
            state: status.state.name(),
            version: status.version,
            why: status.reason.map(|reason| reason.name()),
            opens_at: status.opens_at.map(time),
            received_at: time(status.received_at),
            stored_at: time(status.stored_at),
            not_before: status.not_before.map(time),
            due_by: status.due_by.map(time),
            expires_at: status.expires_at.map(time),
            queued_at: status.queued_at.map(time),
            accepted_at: status.accepted_at.map(time),
            ended_at: status.ended_at.map(time),
            attempts: status.attempts,
            outcome: status.outcome.map(|outcome| outcome.name()),
            result: status.result,
            note: status.note,
            position: status.position,
        }
    }
}

/// An item with what its sender said.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Item)]
pub struct ItemJson {
    #[serde(flatten)]
    status: StatusJson,
    tenant: String,
    sender: String,
    priority: u8,
    chargeable: bool,
    /// Of the outcome; stable.
    outcome_code: Option<u16>,
    /// Whether somebody or something did the work.
    handled: Option<bool>,
    /// Whether the sender may read the note.
    share: Option<bool>,
    /// Who has it, connected or parked.
    agent: Option<String>,
    /// The agent session in which it is, or which the verb began or ended.
    session: Option<u64>,
    parked_until: Option<String>,
    /// The end of the wrap-up or of the parking that the verb set.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Where it stands in its workflow; absent: none runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<FlowJson>,
    /// Alerts and buttons that its workflow has shown, the oldest first; absent in answers to verbs
    /// and in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    follow_ups: Option<Vec<FollowUpJson>>,
    /// Nobody who is set up could ever have it.
    unroutable: bool,
    estimated_wait: Option<EstimatedWaitJson>,
    /// What it can be ended with.
    results: Vec<String>,
    #[serde(flatten)]
    content: Option<ContentJson>,
}

impl ItemJson {
    /// The item as it stands now, as far as whoever asks may see it.
    pub(super) fn of(seen: Seen, now: &Whereabouts, view: &View, policy: &Policy) -> ItemJson {
        let identifies = seen.shows_identifiers(policy);
        let Seen {
            listed: Listed { item, reference },
            numbers,
            content,
            sight,
            ..
        } = seen;
        let tenant = numbers.tenants.iter().find(|(_, id)| *id == item.tenant);
        let tenant = tenant.map(|(name, _)| name.clone()).unwrap_or_default();
        let sender = numbers.senders.iter().find(|(_, _, id)| *id == item.sender);
        let service = service_name(&numbers, item.service);
        let rules = policy.tenants.get(&tenant);
        let in_force = rules.and_then(|tenant| tenant.services.get(&service));
        let declared = in_force.map(|service| service.contact_data.as_slice());
        let task_type = content.as_ref().and_then(|it| it.task_type.as_ref());
        let task_type = task_type.or(in_force.and_then(|service| service.task_type.as_ref()));
        let task_type = rules
            .zip(task_type)
            .and_then(|(tenant, name)| tenant.task_types.get(name));
        let results = TaskType::results_of(task_type);
        let mut status = Status::of(&item, reference, service, now);
        let said = item.ended.as_ref().and_then(|ending| ending.said.as_ref());
        // People here read what the sender may not.
        status.note = said.and_then(|said| said.note.clone());
        let holder = item.holder;
        let declared = declared.unwrap_or_default();
        ItemJson {
            outcome_code: status.outcome.map(|outcome| outcome.code()),
            handled: status.outcome.map(|outcome| outcome.handled()),
            share: said.map(|said| said.share),
            status: status.into(),
            tenant,
            sender: sender.map(|(_, name, _)| name.clone()).unwrap_or_default(),
            priority: item.priority.value(),
            chargeable: item.chargeable,
            agent: holder.map(|holder| user_name(&view.people, holder.agent)),
            session: holder.map(|holder| holder.session.0),
            parked_until: holder.and_then(|holder| holder.parked_until).map(time),
            until: None,
            workflow: item
                .flow
                .as_deref()
                .map(|flow| FlowJson::of(flow, rules.map(AsRef::as_ref))),
            follow_ups: None,
            unroutable: now.unroutable,
            estimated_wait: now.estimated_wait.map(EstimatedWaitJson::from),
            results: results.into_iter().map(str::to_owned).collect(),
            content: content.map(|mut content| {
                if !identifies {
                    hide_identifier(&mut content);
                }
                let shows = |datum: &ContactDatum| sight.shows(declared, &datum.key);
                ContentJson::of(content, declared, shows)
            }),
        }
    }

    /// The same as the answer to a verb.
    pub(super) fn after(self, acted: &Acted) -> ItemJson {
        ItemJson {
            session: acted.session.map(|session| session.0).or(self.session),
            until: acted.until.map(time),
            ..self
        }
    }

    /// The same with what its workflow has shown.
    pub(super) fn with(self, follow_ups: Vec<FollowUpJson>) -> ItemJson {
        ItemJson {
            follow_ups: Some(follow_ups),
            ..self
        }
    }

    /// Of the row.
    pub(super) fn version(&self) -> u32 {
        self.status.version
    }
}

fn hide_identifier(content: &mut Content) {
    let customer = content.customer.as_mut();
    if let Some(id) = customer.and_then(|customer| customer.id.as_mut()) {
        *id = masked(id);
    }
}

fn service_name(numbers: &Numbers, id: crate::domain::ids::ServiceId) -> String {
    let mut services = numbers.services.iter();
    let service = services.find(|(_, _, known)| *known == id);
    service.map(|(_, name, _)| name.clone()).unwrap_or_default()
}

fn user_name(people: &People, id: crate::domain::ids::UserId) -> String {
    let account = people.account(id);
    account.map_or_else(String::new, |account| account.user.name.to_string())
}

/// What a sender said about a piece of work.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ItemContent)]
struct ContentJson {
    title: Option<String>,
    description: Option<String>,
    task_type: Option<String>,
    origin: Option<String>,
    /// `id`, `name`, `company`, `phone`, `email`. The id is masked where the tenant hides it.
    customer: Option<BTreeMap<String, String>>,
    links: Vec<LinkJson>,
    tags: Vec<String>,
    contact_data: Vec<DatumJson>,
    attachments: Vec<AttachmentJson>,
    related_to: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
struct LinkJson {
    name: String,
    href: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContactDatum)]
struct DatumJson {
    key: String,
    value: String,
    /// For people.
    label: Option<String>,
    /// Whoever has the item may change it.
    editable: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attachment)]
struct AttachmentJson {
    /// In the address of its download, from 1.
    number: usize,
    name: String,
    media_type: String,
    length_bytes: u64,
}

impl AttachmentJson {
    fn of((index, file): (usize, Attachment)) -> AttachmentJson {
        AttachmentJson {
            number: index + 1,
            name: file.name,
            media_type: file.media_type,
            length_bytes: file.length_bytes,
        }
    }
}

impl ContentJson {
    fn of(
        content: Content,
        declared: &[KeyDeclaration],
        shows: impl Fn(&ContactDatum) -> bool,
    ) -> ContentJson {
        let customer = content.customer.map(|customer| {
            let fields = [
                ("id", customer.id),
                ("name", customer.name),
                ("company", customer.company),
                ("phone", customer.phone),
                ("email", customer.email),
            ];
            let written = fields.into_iter();
            written
                .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
                .collect()
        });
        let links = content.links.into_iter().map(|link| LinkJson {
            name: link.name,
            href: link.href,
        });
        let data = content.contact_data.into_iter().filter(shows);
        let data = data.map(|datum| {
            let known = declared.iter().find(|known| known.key == datum.key);
            DatumJson {
                label: known.map(|known| known.label.clone()),
                editable: known.is_some_and(|known| known.editable),
                key: datum.key,
                value: datum.value,
            }
        });
        let attachments = content.attachments.into_iter().enumerate();
        ContentJson {
            title: content.title,
            description: content.description,
            task_type: content.task_type,
            origin: content.origin,
            customer,
            links: links.collect(),
            tags: content.tags,
            contact_data: data.collect(),
            attachments: attachments.map(AttachmentJson::of).collect(),
            related_to: content.related_to,
        }
    }
}

/// The whole life of an item.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Trace)]
pub struct TraceJson {
    item: String,
    reference: String,
    service: String,
    state: &'static str,
    journal: Vec<LineJson>,
    agent_sessions: Vec<AgentSessionJson>,
    service_sessions: Vec<ServiceSessionJson>,
}

/// The rows of an item's life.
pub(super) struct Life {
    pub journal: Vec<JournalLine>,
    pub agent_sessions: Vec<AgentSession>,
    pub service_sessions: Vec<ServiceSession>,
}

impl TraceJson {
    /// The item with its life, senders and users by name.
    pub(super) fn of(seen: Seen, state: ItemState, life: Life, people: &People) -> TraceJson {
        let numbers = seen.numbers;
        let Listed { item, reference } = seen.listed;
        let journal = life.journal.into_iter();
        let agent_sessions = life.agent_sessions.into_iter();
        let service_sessions = life.service_sessions.into_iter();
        TraceJson {
            item: item.id.to_string(),
            reference,
            service: service_name(&numbers, item.service),
            state: state.name(),
            journal: journal
                .map(|line| LineJson::of(&numbers, people, line))
                .collect(),
            agent_sessions: agent_sessions
                .map(|session| AgentSessionJson::of(&numbers, people, session))
                .collect(),
            service_sessions: service_sessions
                .map(|session| ServiceSessionJson::of(&numbers, session))
                .collect(),
        }
    }
}

/// A line of an item's journal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TraceLine)]
struct LineJson {
    number: u32,
    at: String,
    event: &'static str,
    actor: String,
    data: BTreeMap<String, String>,
}

impl LineJson {
    fn of(numbers: &Numbers, people: &People, line: JournalLine) -> LineJson {
        let actor = match line.actor {
            Actor::Engine => "engine".to_owned(),
            Actor::Operator(who) => who,
            Actor::User(id) => people.account(id).map_or_else(
                || "user".to_owned(),
                |account| format!("user {}", account.user.name),
            ),
            Actor::Sender(id) => {
                let sender = numbers.senders.iter().find(|(_, _, known)| *known == id);
                sender.map_or_else(
                    || "sender".to_owned(),
                    |(_, name, _)| format!("sender {name}"),
                )
            }
        };
        LineJson {
            number: line.number,
            at: time(line.at),
            event: line.event.name(),
            actor,
            data: line.data.into_iter().map(readable).collect(),
        }
    }
}

/// A datum as people read it: the journal keeps times as numbers.
fn readable((name, value): (String, String)) -> (String, String) {
    let instant = match name.as_str() {
        "until" => value
            .parse()
            .ok()
            .map(|ms| time(crate::domain::time::Timestamp(ms))),
        _ => None,
    };
    (name, instant.unwrap_or(value))
}

/// One hand-over of an item to one agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentSession)]
struct AgentSessionJson {
    session: u64,
    agent: String,
    service: String,
    offered_at: String,
    accepted_at: Option<String>,
    ended_at: Option<String>,
    result: Option<&'static str>,
    result_code: Option<u8>,
}

impl AgentSessionJson {
    fn of(numbers: &Numbers, people: &People, session: AgentSession) -> AgentSessionJson {
        let (ended_at, result) = session.ended.unzip();
        AgentSessionJson {
            session: session.offer.0,
            agent: user_name(people, session.agent),
            service: service_name(numbers, session.service),
            offered_at: time(session.offered_at),
            accepted_at: session.accepted_at.map(time),
            ended_at: ended_at.map(time),
            result: result.map(|result| result.name()),
            result_code: result.map(|result| result.code()),
        }
    }
}

/// One stay of an item in one service that is over.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServiceSession)]
struct ServiceSessionJson {
    service: String,
    entered_at: String,
    left_at: String,
    result: &'static str,
    result_code: u16,
}

impl ServiceSessionJson {
    fn of(numbers: &Numbers, session: ServiceSession) -> ServiceSessionJson {
        ServiceSessionJson {
            service: service_name(numbers, session.service),
            entered_at: time(session.entered_at),
            left_at: time(session.left_at),
            result: session.result.name(),
            result_code: session.result.code(),
        }
    }
}

/// An item that waits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WaitingItem)]
pub struct WaitingJson {
    /// From 1.
    position: u64,
    /// For `after` of the next page.
    place: String,
    id: String,
    reference: String,
    title: Option<String>,
    service: String,
    state: &'static str,
    priority: u8,
    received_at: String,
    due_by: Option<String>,
    expires_at: Option<String>,
    why: Option<&'static str>,
    /// Where it stands in its workflow, while one runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<FlowJson>,
    unroutable: bool,
    estimated_wait: Option<EstimatedWaitJson>,
}

impl WaitingJson {
    /// The item in its queue, with what the engine knows of it.
    pub(in crate::http) fn of(found: &Queued, now: &Whereabouts) -> WaitingJson {
        let Listed { item, reference } = &found.listed;
        WaitingJson {
            position: found.place.position,
            place: found.place.text(),
            id: item.id.to_string(),
            reference: reference.clone(),
            title: found.title.clone(),
            service: found.service.to_string(),
            state: now.state.name(),
            priority: item.priority.value(),
            received_at: time(item.received_at),
            due_by: item.due_by.map(time),
            expires_at: item.expires_at.map(time),
            why: now.reason.map(|reason| reason.name()),
            workflow: item.flow.as_ref().map(|flow| FlowJson::of(flow, None)),
            unroutable: now.unroutable,
            estimated_wait: now.estimated_wait.map(EstimatedWaitJson::from),
        }
    }
}
