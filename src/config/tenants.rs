//! What was validated: tenants. Their senders and services have files of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::distribution::DISTRIBUTION_TIME;
use super::kind::{Flag, List};
use super::number::{Duration, Integer, Limit};
use super::problem::ConfigError;
use super::section::Section;
use super::senders::{Credentials, read_sender};
use super::services::{Services, read_services};
use super::word::{MediaType, Name, Zone};
use super::workflows::{Surroundings, read_work_groups, read_workflows};
use crate::domain::facts::{Utc, WallClock};
use crate::domain::policy::{
    AGENT_LOST_AFTER_MAX_MS, ATTACHMENT_TYPES_DEFAULT, AgentPolicy, FAIR_USE_DEFAULT,
    IDLE_AFTER_MAX_MS, IDLE_AFTER_MIN_MS, OUTCOMES_MAX, PARK_MAX_LIMIT_MS, PARK_MIN_MS, Policy,
    TaskType, TenantPolicy, WORK_ITEM_KEY_DEFAULT,
};

const DAYS_MIN: u32 = 14;
const DAYS_MAX: u32 = 36_500;
/// Names not listed otherwise by the contract.
pub const NAME: Name = Name { chars_max: 64 };
/// Names of services.
pub const SERVICE_NAME: Name = Name { chars_max: 32 };
/// Keys of the contact data.
pub const KEY_NAME: Name = Name { chars_max: 100 };
/// Most that any limit counted in items can be set to.
pub const ITEMS_LIMIT_MAX: u32 = 10_000_000;
/// Most values of a list.
pub const LIST_MAX: usize = 1_000;

/// What a tenant keeps about people, and how long it keeps anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy {
    /// Whether the states of users are kept with their times.
    pub persist_user_states: bool,
    /// Whether others than admin see customer identifiers.
    pub show_customer_identifiers: bool,
    /// Days that ended items are kept.
    pub records_days: u32,
    /// Days that attachments are kept after the item has ended.
    pub attachments_days: u32,
    /// Days that messages are kept as they came in.
    pub raw_messages_days: u32,
    /// Days that the audit log is kept.
    pub audit_days: u32,
}

/// Everything under `[tenants]`.
#[derive(Default)]
pub struct Tenants {
    /// The rules messages are judged by.
    pub policy: Policy,
    /// By tenant.
    pub privacy: BTreeMap<String, Privacy>,
    /// What their workflows are checked against, by tenant.
    pub surroundings: Vec<Surroundings>,
}

/// Reads `[tenants]`. `has_client_ca`: whether TLS asks senders for certificates; `folder`: where
/// systemd puts credentials, if it did.
pub fn read_tenants(
    root: &mut Section<'_, '_>,
    has_client_ca: bool,
    folder: Option<&Path>,
) -> Tenants {
    let mut tenants = Tenants::default();
    let mut credentials = Credentials::new(has_client_ca, folder);
    let named = root.named("tenants", &NAME);
    if named.is_empty() {
        let text = "no tenant is configured: nobody can send anything";
        root.warn("tenants", None, text.to_owned());
    }
    for tenant in named {
        let mut section = root.open("tenants", &tenant);
        read_tenant(&mut section, &tenant.name, &mut tenants, &mut credentials);
        section.finish();
    }
    tenants
}

fn read_tenant(
    section: &mut Section<'_, '_>,
    name: &str,
    tenants: &mut Tenants,
    credentials: &mut Credentials,
) {
    let fair_use = Limit {
        max: ITEMS_LIMIT_MAX,
    };
    let work_item_key = section.or("work_item_key", &KEY_NAME, WORK_ITEM_KEY_DEFAULT.to_owned());
    let attachment_types = read_attachment_types(section);
    let time_zone = section.or("time_zone", &Zone, "UTC".to_owned()).value;
    let fair_use = section
        .or("fair_use", &fair_use, Some(FAIR_USE_DEFAULT))
        .value;
    let mut agents = read_agents(section);
    let privacy = read_privacy(section);
    agents.persist_user_states = privacy.persist_user_states;
    let task_types = read_task_types(section);
    let Services {
        policies: mut services,
        workflows: wanted,
    } = read_services(section, &time_zone, &task_types);
    let around = (name, work_item_key.value.as_str());
    let workflows = read_workflows(section, around, &mut services, &wanted);
    let work_groups = read_work_groups(section);
    for named in section.named("senders", &NAME) {
        let mut inner = section.open("senders", &named);
        let sender = read_sender(&mut inner, &named, name, &services, credentials);
        inner.finish();
        match credentials.names.get(&named.name) {
            Some(first) => {
                let what = format!("the sender name `{}`", named.name);
                let first = Some(first.clone());
                let error = ConfigError::Duplicate { what, first };
                section.refuse("senders", Some(named.place), error);
            }
            None => {
                credentials.names.insert(named.name.clone(), named.place);
                tenants.policy.senders.insert(named.name, Arc::new(sender));
            }
        }
    }
    let clock: Arc<dyn WallClock> = match crate::calendar::Zone::parse(&time_zone) {
        Ok(zone) => Arc::new(zone),
        // Refused where it is written; nothing is made of this policy.
        Err(_) => Arc::new(Utc),
    };
    let tenant = TenantPolicy {
        name: name.to_owned(),
        work_item_key: work_item_key.value,
        attachment_types,
        time_zone,
        fair_use,
        task_types,
        services,
        agents,
        show_customer_identifiers: privacy.show_customer_identifiers,
        workflows: workflows.by_name,
        work_groups,
        clock,
    };
    tenants.surroundings.push(workflows.surroundings);
    tenants.privacy.insert(name.to_owned(), privacy);
    tenants
        .policy
        .tenants
        .insert(name.to_owned(), Arc::new(tenant));
}

fn read_attachment_types(section: &mut Section<'_, '_>) -> BTreeSet<String> {
    const KEY: &str = "attachment_types";
    let kind = List {
        of: MediaType,
        min: 0,
        max: LIST_MAX,
        bare: false,
    };
    let found = section.read(KEY, &kind);
    let place = found.as_ref().and_then(|found| found.place.clone());
    let types: Vec<String> = match found {
        Some(found) => found.value.into_iter().map(|(name, _)| name).collect(),
        None => ATTACHMENT_TYPES_DEFAULT.map(str::to_owned).to_vec(),
    };
    let shown = types.iter().cloned().map(toml::Value::String).collect();
    section.record(KEY, toml::Value::Array(shown), place.as_ref());
    types.into_iter().collect()
}

/// All but what the privacy table says.
fn read_agents(section: &mut Section<'_, '_>) -> AgentPolicy {
    let default = AgentPolicy::default();
    let lost_after = Duration {
        min_ms: 0,
        max_ms: AGENT_LOST_AFTER_MAX_MS,
    };
    let idle_after = Duration {
        min_ms: IDLE_AFTER_MIN_MS,
        max_ms: IDLE_AFTER_MAX_MS,
    };
    let park = |max_ms| Duration {
        min_ms: PARK_MIN_MS,
        max_ms,
    };
    let agent_lost_after = section.or("agent_lost_after", &lost_after, default.agent_lost_after_ms);
    let idle_after = section.optional("idle_after", &idle_after);
    let park_max = section
        .or("park_max", &park(PARK_MAX_LIMIT_MS), default.park_max_ms)
        .value;
    // A shorter limit alone shortens the default too.
    let park_default = default.park_default_ms.min(park_max);
    AgentPolicy {
        agent_lost_after_ms: agent_lost_after.value,
        idle_after_ms: idle_after.map(|found| found.value),
        park_max_ms: park_max,
        park_default_ms: section
            .or("park_default", &park(park_max), park_default)
            .value,
        ..default
    }
}

fn read_privacy(section: &mut Section<'_, '_>) -> Privacy {
    let mut privacy = section.child("privacy");
    let persist_user_states = privacy.or("persist_user_states", &Flag, false).value;
    let identifiers = privacy.or("show_customer_identifiers", &Flag, false).value;
    let mut retention = privacy.child("retention_days");
    let days = Integer {
        min: DAYS_MIN,
        max: DAYS_MAX,
    };
    let read = Privacy {
        persist_user_states,
        show_customer_identifiers: identifiers,
        records_days: retention.or("records", &days, 730).value,
        attachments_days: retention.or("attachments", &days, 90).value,
        raw_messages_days: retention.or("raw_messages", &days, 30).value,
        audit_days: retention.or("audit", &days, 730).value,
    };
    retention.finish();
    privacy.finish();
    read
}

fn read_task_types(section: &mut Section<'_, '_>) -> BTreeMap<String, TaskType> {
    let kind = List {
        of: NAME,
        min: 1,
        max: OUTCOMES_MAX,
        bare: false,
    };
    let mut task_types = BTreeMap::new();
    for named in section.named("task_types", &NAME) {
        let mut inner = section.open("task_types", &named);
        let outcomes = inner.listed("outcomes", &kind).unwrap_or_default();
        let wrap_up = inner.optional("wrap_up", &DISTRIBUTION_TIME);
        inner.finish();
        let task_type = TaskType {
            outcomes: outcomes.into_iter().map(|(outcome, _)| outcome).collect(),
            wrap_up_ms: wrap_up.map(|found| found.value),
        };
        task_types.insert(named.name, task_type);
    }
    task_types
}
