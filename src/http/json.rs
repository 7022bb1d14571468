//! What the JSON interface shows: names in camelCase, times as in the XML.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::answer::{EntranceStatus, Status, Whereabouts};
use crate::domain::content::Content;
use crate::domain::item::Item;
use crate::domain::journal::Actor;
use crate::domain::time::Timestamp;
use crate::engine::people::People;
use crate::engine::view::{ServiceView, View};
use crate::store::Numbers;
use crate::store::read::{JournalLine, Listed};
use crate::wire::time::format_instant;

use super::look::Queued;

/// An instant as text.
pub fn time(at: Timestamp) -> String {
    format_instant(at).as_str().to_owned()
}

/// A service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Service)]
pub struct ServiceJson {
    tenant: String,
    name: String,
    title: String,
    retired: bool,
    entrance: EntranceJson,
    queued: u64,
    buffered: u64,
    scheduled: u64,
    oldest_age_ms: Option<i64>,
}

impl ServiceJson {
    /// The service as it stands at `now`.
    pub fn of(view: &View, service: &ServiceView, now: Timestamp) -> ServiceJson {
        let status = service.status(now);
        let tenant = view.tenants.get(&service.tenant);
        ServiceJson {
            tenant: tenant
                .map(|tenant| tenant.name.to_string())
                .unwrap_or_default(),
            name: status.name,
            title: status.title,
            retired: service.policy.is_none(),
            entrance: EntranceJson::of(&status.entrance),
            queued: status.queued,
            buffered: status.buffered,
            scheduled: service.scheduled,
            oldest_age_ms: status.oldest_age_ms,
        }
    }
}

/// An entrance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Entrance)]
pub struct EntranceJson {
    state: &'static str,
    reasons: Vec<&'static str>,
    releasing: bool,
    opens_at: Option<String>,
    closes_at: Option<String>,
    forced_until: Option<String>,
}

impl EntranceJson {
    /// The entrance at one instant.
    pub fn of(entrance: &EntranceStatus) -> EntranceJson {
        EntranceJson {
            state: entrance.state_name(),
            reasons: entrance
                .reasons
                .iter()
                .map(|reason| reason.name())
                .collect(),
            releasing: entrance.releasing,
            opens_at: entrance.opens_at.map(time),
            closes_at: entrance.closes_at.map(time),
            forced_until: entrance.forced_until.map(time),
        }
    }
}

/// An entrance that was just ordered, with its service's name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderedEntrance)]
pub struct OrderedJson {
    /// Of the service.
    pub name: String,
    /// As it is now.
    pub entrance: EntranceJson,
}

/// Where an item stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusJson {
    id: String,
    reference: String,
    service: String,
    state: &'static str,
    version: u32,
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
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemJson {
    #[serde(flatten)]
    status: StatusJson,
    tenant: String,
    sender: String,
    priority: u8,
    chargeable: bool,
    #[serde(flatten)]
    content: Option<ContentJson>,
}

impl ItemJson {
    /// The row with its current values, if they are still kept.
    pub fn of(status: Status, numbers: &Numbers, item: &Item, content: Option<Content>) -> Self {
        let tenant = numbers.tenants.iter().find(|(_, id)| *id == item.tenant);
        let sender = numbers.senders.iter().find(|(_, _, id)| *id == item.sender);
        ItemJson {
            status: status.into(),
            tenant: tenant.map(|(name, _)| name.clone()).unwrap_or_default(),
            sender: sender.map(|(_, name, _)| name.clone()).unwrap_or_default(),
            priority: item.priority.value(),
            chargeable: item.chargeable,
            content: content.map(ContentJson::from),
        }
    }
}

/// What a sender said about a piece of work.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentJson {
    title: Option<String>,
    description: Option<String>,
    task_type: Option<String>,
    origin: Option<String>,
    customer: Option<BTreeMap<&'static str, String>>,
    links: Vec<LinkJson>,
    tags: Vec<String>,
    contact_data: Vec<DatumJson>,
    attachments: Vec<AttachmentJson>,
    related_to: Option<String>,
}

#[derive(Debug, Serialize)]
struct LinkJson {
    name: String,
    href: String,
}

#[derive(Debug, Serialize)]
struct DatumJson {
    key: String,
    value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentJson {
    name: String,
    media_type: String,
    length_bytes: u64,
}

impl From<Content> for ContentJson {
    fn from(content: Content) -> ContentJson {
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
                .filter_map(|(name, value)| value.map(|value| (name, value)))
                .collect()
        });
        let links = content.links.into_iter().map(|link| LinkJson {
            name: link.name,
            href: link.href,
        });
        let data = content.contact_data.into_iter().map(|datum| DatumJson {
            key: datum.key,
            value: datum.value,
        });
        let attachments = content.attachments.into_iter().map(|file| AttachmentJson {
            name: file.name,
            media_type: file.media_type,
            length_bytes: file.length_bytes,
        });
        ContentJson {
            title: content.title,
            description: content.description,
            task_type: content.task_type,
            origin: content.origin,
            customer,
            links: links.collect(),
            tags: content.tags,
            contact_data: data.collect(),
            attachments: attachments.collect(),
            related_to: content.related_to,
        }
    }
}

/// A line of an item's life.
#[derive(Debug, Serialize)]
pub struct TraceJson {
    number: u32,
    at: String,
    event: &'static str,
    actor: String,
    data: BTreeMap<String, String>,
}

impl TraceJson {
    /// The line, its sender or user by name.
    pub fn of(numbers: &Numbers, people: &People, line: JournalLine) -> TraceJson {
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
        TraceJson {
            number: line.number,
            at: time(line.at),
            event: line.event.name(),
            actor,
            data: line.data.into_iter().collect(),
        }
    }
}

/// An item that waits.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingJson {
    position: u64,
    place: String,
    id: String,
    reference: String,
    service: String,
    state: &'static str,
    priority: u8,
    received_at: String,
    expires_at: Option<String>,
    why: Option<&'static str>,
    unroutable: bool,
}

impl WaitingJson {
    /// The item in its queue, with what the engine knows of it.
    pub(super) fn of(found: &Queued, now: &Whereabouts) -> WaitingJson {
        let Listed { item, reference } = &found.listed;
        WaitingJson {
            position: found.place.position,
            place: found.place.text(),
            id: item.id.to_string(),
            reference: reference.clone(),
            service: found.service.to_string(),
            state: now.state.name(),
            priority: item.priority.value(),
            received_at: time(item.received_at),
            expires_at: item.expires_at.map(time),
            why: now.reason.map(|reason| reason.name()),
            unroutable: now.unroutable,
        }
    }
}

/// A backup that is there.
#[derive(Debug, Serialize)]
pub struct BackedUpJson {
    /// Where.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// How the daemon stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DaemonJson {
    /// Of the program.
    pub version: &'static str,
    /// Since it serves.
    pub uptime_ms: u64,
    /// `open`, `storageFull` or `draining`.
    pub intake: &'static str,
    /// In the configuration or with open items.
    pub services: usize,
    /// Items in all queues.
    pub queued: u64,
    /// Items in front of all entrances.
    pub buffered: u64,
    /// Items that wait for their `notBefore`.
    pub scheduled: u64,
    /// Turns of the engine.
    pub engine_turns: u64,
    /// The database with its write-ahead log.
    pub store_bytes: u64,
    /// What bodies hold of their budget.
    pub body_bytes_in_flight: usize,
}
