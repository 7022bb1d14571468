//! What the configuration says, checked and complete: the rules that messages are judged by.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::distribution::DistributionPolicy;
use super::facts::WallClock;
use super::ids::Priority;
use super::notification::EventKind;
use super::notify_url::NotifyUrl;
use super::time::Hours;
use super::workflow::Workflow;

/// Most days `notBefore` may lie ahead, in milliseconds.
pub const NOT_BEFORE_MAX_MS: i64 = 6 * 24 * 3_600_000;
/// Longest lifetime, in milliseconds.
pub const LIFETIME_MAX_MS: i64 = 14 * 24 * 3_600_000;
/// Items in one `workItems`.
pub const BATCH_ITEMS_MAX: u32 = 1_000;
/// Largest message, inflated, in bytes.
pub const MESSAGE_BYTES_MAX: u64 = 40 * 1024 * 1024;
/// Attachments of one item, decoded, in bytes.
pub const ATTACHMENTS_BYTES_MAX: u64 = 25 * 1024 * 1024;
/// Contact data of one item: keys and values in UTF-8, in bytes.
pub const CONTACT_DATA_BYTES_MAX: u64 = 32_768;
/// Longest chain of `relatedTo`.
pub const RELATED_CHAIN_MAX: u32 = 12;
/// Items one page of `statuses` holds.
pub const STATUSES_PAGE: u32 = 500;
/// Default of `agent_lost_after`, in milliseconds.
pub const AGENT_LOST_AFTER_DEFAULT_MS: i64 = 15 * 60_000;
/// Longest `agent_lost_after`, in milliseconds; the shortest is none at all.
pub const AGENT_LOST_AFTER_MAX_MS: i64 = 24 * 3_600_000;
/// Shortest `idle_after`, in milliseconds.
pub const IDLE_AFTER_MIN_MS: i64 = 60_000;
/// Longest `idle_after`, in milliseconds.
pub const IDLE_AFTER_MAX_MS: i64 = 24 * 3_600_000;
/// Shortest time an item is parked, in milliseconds.
pub const PARK_MIN_MS: i64 = 60_000;
/// Default of `park_default`, in milliseconds.
pub const PARK_DEFAULT_MS: i64 = 4 * 3_600_000;
/// Default of `park_max`, in milliseconds.
pub const PARK_MAX_DEFAULT_MS: i64 = 24 * 3_600_000;
/// Longest `park_max`, in milliseconds.
pub const PARK_MAX_LIMIT_MS: i64 = 7 * 24 * 3_600_000;
/// Results of one task type, at most.
pub const OUTCOMES_MAX: usize = 20;
/// The results of a task type that names none.
pub const RESULTS_DEFAULT: [&str; 2] = ["done", "notDone"];
/// Default of `fair_use`.
pub const FAIR_USE_DEFAULT: u32 = 2_500;
/// Default of `rate_per_minute`.
pub const RATE_PER_MINUTE_DEFAULT: u32 = 6_000;
/// Default of `queue_items_max`.
pub const QUEUE_ITEMS_MAX_DEFAULT: u32 = 10_000;
/// Default of `buffer_items_max`.
pub const BUFFER_ITEMS_MAX_DEFAULT: u32 = 100_000;
/// The key that makes a contact a work item, unless a tenant names another.
pub const WORK_ITEM_KEY_DEFAULT: &str = "workItemTask";
/// Media types allowed unless a tenant names others.
pub const ATTACHMENT_TYPES_DEFAULT: [&str; 6] = [
    "application/pdf",
    "image/png",
    "image/jpeg",
    "text/plain",
    "audio/wav",
    "audio/mpeg",
];

/// Everything the configuration says about tenants and senders.
#[derive(Clone, Default)]
pub struct Policy {
    /// By name.
    pub tenants: BTreeMap<String, Arc<TenantPolicy>>,
    /// By name, unique per installation.
    pub senders: BTreeMap<String, Arc<SenderPolicy>>,
}

/// One tenant.
#[derive(Clone)]
pub struct TenantPolicy {
    /// Its name.
    pub name: String,
    /// The contact data key without which a message is no work item.
    pub work_item_key: String,
    /// Allowed media types, lower case.
    pub attachment_types: BTreeSet<String>,
    /// IANA name; for people's eyes and for opening hours.
    pub time_zone: String,
    /// Open items past the buffer; `None`: no limit.
    pub fair_use: Option<u32>,
    /// By name.
    pub task_types: BTreeMap<String, TaskType>,
    /// By name.
    pub services: BTreeMap<String, Arc<ServicePolicy>>,
    /// How its agents are treated, whatever they work on.
    pub agents: AgentPolicy,
    /// The workflows that its services and follow-ups use, by name.
    pub workflows: BTreeMap<String, Arc<Workflow>>,
    /// Work groups that workflows may name although nobody is in them yet.
    pub work_groups: BTreeSet<String>,
    /// The clock on its wall.
    pub clock: Arc<dyn WallClock>,
    /// Whether identifiers of customers are shown to everybody who sees their items; else only to
    /// those who may [`SeeIdentifiers`](super::permission::Action::SeeIdentifiers).
    pub show_customer_identifiers: bool,
}

/// How the agents of one tenant are treated, whatever they work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPolicy {
    /// How long the connected items of an agent who is gone are kept for it before they are
    /// queued again; 0: they are queued at once.
    pub agent_lost_after_ms: i64,
    /// After so long without input an agent is away; `None`: never.
    pub idle_after_ms: Option<i64>,
    /// How far ahead the end of parking may lie.
    pub park_max_ms: i64,
    /// How long an item is parked unless the agent says otherwise; at most `park_max_ms`.
    pub park_default_ms: i64,
    /// Whether the states of users are kept with their times.
    pub persist_user_states: bool,
}

impl Default for AgentPolicy {
    /// 15 minutes for an agent who is gone, never away by itself, parked for 4 hours and at most
    /// 24, no states kept.
    fn default() -> AgentPolicy {
        AgentPolicy {
            agent_lost_after_ms: AGENT_LOST_AFTER_DEFAULT_MS,
            idle_after_ms: None,
            park_max_ms: PARK_MAX_DEFAULT_MS,
            park_default_ms: PARK_DEFAULT_MS,
            persist_user_states: false,
        }
    }
}

impl TenantPolicy {
    /// Whether a task type has a wrap-up of its own.
    pub fn has_wrap_ups(&self) -> bool {
        let mut task_types = self.task_types.values();
        task_types.any(|task_type| task_type.wrap_up_ms.is_some())
    }
}

/// A kind of task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskType {
    /// The results an agent chooses from; empty: `done`, `notDone`.
    pub outcomes: Vec<String>,
    /// Wrap-up (ACW) after an item of the type, whatever its service says; 0: none; `None`: what
    /// the service says.
    pub wrap_up_ms: Option<i64>,
}

impl TaskType {
    /// The results an agent chooses from, for an item of that type or of none.
    pub fn results_of(task_type: Option<&TaskType>) -> Vec<&str> {
        match task_type.map(|task_type| task_type.outcomes.as_slice()) {
            None | Some([]) => RESULTS_DEFAULT.to_vec(),
            Some(outcomes) => outcomes.iter().map(String::as_str).collect(),
        }
    }
}

/// One service.
#[derive(Clone)]
pub struct ServicePolicy {
    /// Its name.
    pub name: String,
    /// For people; the name where none is set.
    pub title: String,
    /// What an item is unless it says otherwise.
    pub task_type: Option<String>,
    /// False: a created single item is answered 204 without a body.
    pub receipts: bool,
    /// `None`: always open.
    pub hours: Option<Arc<dyn Hours>>,
    /// What an item gets unless it says otherwise.
    pub priority: Priority,
    /// What an item gets unless it says otherwise, in milliseconds; `None`: it never expires.
    pub lifetime_ms: Option<i64>,
    /// Items in front of the entrance.
    pub buffer_items_max: u32,
    /// Items in the queue; the entrance closes there and reopens at 80 %.
    pub queue_items_max: u32,
    /// The declared keys; empty: any key is allowed.
    pub contact_data: Vec<KeyDeclaration>,
    /// How its items find their agents.
    pub distribution: DistributionPolicy,
    /// What decides about its items before, while and after they wait; one of its tenant's.
    pub workflow: Option<Arc<Workflow>>,
}

impl ServicePolicy {
    /// Items in the queue at which a full entrance opens again.
    pub fn queue_items_low_water(&self) -> u64 {
        u64::from(self.queue_items_max) * 8 / 10
    }
}

/// A key of the contact data that a service knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyDeclaration {
    /// The key.
    pub key: String,
    /// For people.
    pub label: String,
    /// An item without it is refused with `missingKey`.
    pub required: bool,
    /// The values allowed; empty: any.
    pub values: Vec<String>,
    /// Found by customer search.
    pub searchable: bool,
    /// An agent may change it.
    pub editable: bool,
    /// Agents do not see it.
    pub hidden: bool,
}

/// One sender.
#[derive(Debug, Clone)]
pub struct SenderPolicy {
    /// Its name.
    pub name: String,
    /// Name of its tenant.
    pub tenant: String,
    /// SHA-256 of the keys it may use, at most two.
    pub key_sha256: Vec<[u8; 32]>,
    /// Subject of its TLS client certificate, RFC 4514 text.
    pub client_cert_subject: Option<String>,
    /// The services open to it; `None`: all of its tenant.
    pub services: Option<BTreeSet<String>>,
    /// Items a minute; `None`: no limit.
    pub rate_per_minute: Option<u32>,
    /// False: a created single item is answered 204 without a body.
    pub receipts: bool,
    /// False: every message is refused with `notAuthorised`.
    pub enabled: bool,
    /// What it is told of its items, and where; `None`: it asks.
    pub notify: Option<Arc<NotifyPolicy>>,
}

/// How a sender is told of its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyPolicy {
    /// Where notifications are POSTed.
    pub url: NotifyUrl,
    /// Where the secrets are that sign them: one a line, the newest first. Read at start and at
    /// every reload.
    pub secret_file: PathBuf,
    /// What it is told of; never empty.
    pub events: BTreeSet<EventKind>,
}

impl SenderPolicy {
    /// Whether the sender may use the service of that name (if it exists).
    pub fn may_use(&self, service: &str) -> bool {
        self.services
            .as_ref()
            .is_none_or(|open| open.contains(service))
    }
}
