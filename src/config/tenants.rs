//! What was validated: tenants with their senders, services and task types.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::hours;
use super::kind::{
    Duration, Flag, Integer, Limit, List, MediaType, Name, PriorityKind, Sha256, Text, Zone,
};
use super::nearest::nearest;
use super::problem::ConfigError;
use super::section::{Found, Named, Section};
use super::source::Place;
use crate::domain::ids::Priority;
use crate::domain::policy::{
    ATTACHMENT_TYPES_DEFAULT, BUFFER_ITEMS_MAX_DEFAULT, FAIR_USE_DEFAULT, KeyDeclaration,
    LIFETIME_MAX_MS, Policy, QUEUE_ITEMS_MAX_DEFAULT, RATE_PER_MINUTE_DEFAULT, SenderPolicy,
    ServicePolicy, TaskType, TenantPolicy, WORK_ITEM_KEY_DEFAULT,
};

/// Most keys a sender may have at a time: the old one and the new one.
pub const SENDER_KEYS_MAX: usize = 2;
const DAYS_MIN: u32 = 14;
const DAYS_MAX: u32 = 36_500;
const ITEMS_LIMIT_MAX: u32 = 10_000_000;
const LIST_MAX: usize = 1_000;
const OUTCOMES_MAX: usize = 100;
const DECLARATIONS_MAX: usize = 50;
const NAME: Name = Name { chars_max: 64 };
const SERVICE_NAME: Name = Name { chars_max: 32 };
const KEY_NAME: Name = Name { chars_max: 100 };

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
}

/// Reads `[tenants]`. `has_client_ca`: whether TLS asks senders for certificates.
pub fn read_tenants(root: &mut Section<'_, '_>, has_client_ca: bool) -> Tenants {
    let mut tenants = Tenants::default();
    let mut credentials = Credentials {
        has_client_ca,
        ..Credentials::default()
    };
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
    let privacy = read_privacy(section);
    let task_types = read_task_types(section);
    let services = read_services(section, &time_zone, &task_types);
    for named in section.named("senders", &NAME) {
        let mut inner = section.open("senders", &named);
        let sender = read_sender(&mut inner, &named, name, &services, credentials);
        inner.finish();
        if let Some(first) = credentials.names.get(&named.name) {
            let what = format!("the sender name `{}`", named.name);
            let first = Some(first.clone());
            let error = ConfigError::Duplicate { what, first };
            section.refuse("senders", Some(named.place), error);
        } else {
            credentials.names.insert(named.name.clone(), named.place);
            tenants.policy.senders.insert(named.name, Arc::new(sender));
        }
    }
    let tenant = TenantPolicy {
        name: name.to_owned(),
        work_item_key: work_item_key.value,
        attachment_types,
        time_zone,
        fair_use,
        task_types,
        services,
        agents: BTreeSet::new(),
    };
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
        inner.finish();
        let outcomes = outcomes.into_iter().map(|(outcome, _)| outcome).collect();
        task_types.insert(named.name, TaskType { outcomes });
    }
    task_types
}

fn read_services(
    section: &mut Section<'_, '_>,
    time_zone: &str,
    task_types: &BTreeMap<String, TaskType>,
) -> BTreeMap<String, Arc<ServicePolicy>> {
    let mut services = BTreeMap::new();
    for named in section.named("services", &SERVICE_NAME) {
        let mut inner = section.open("services", &named);
        let service = read_service(&mut inner, &named.name, time_zone, task_types);
        inner.finish();
        services.insert(named.name, Arc::new(service));
    }
    services
}

fn read_service(
    section: &mut Section<'_, '_>,
    name: &str,
    time_zone: &str,
    task_types: &BTreeMap<String, TaskType>,
) -> ServicePolicy {
    let items = |min| Integer {
        min,
        max: ITEMS_LIMIT_MAX,
    };
    let lifetime = Duration {
        min_ms: 1_000,
        max_ms: LIFETIME_MAX_MS,
    };
    let title = section.or("title", &Text { chars_max: 100 }, name.to_owned());
    let task_type = section.optional("task_type", &NAME);
    if let Some(Found { value, place }) = &task_type {
        let known = task_types.keys().map(String::as_str);
        refuse_unknown(
            section,
            "task_type",
            ("task type", value),
            place.clone(),
            known,
        );
    }
    ServicePolicy {
        name: name.to_owned(),
        title: title.value,
        task_type: task_type.map(|found| found.value),
        receipts: section.or("receipts", &Flag, true).value,
        hours: hours::read(section, time_zone),
        priority: section
            .or("priority", &PriorityKind, Priority::DEFAULT)
            .value,
        lifetime_ms: section
            .optional("lifetime", &lifetime)
            .map(|found| found.value),
        buffer_items_max: section
            .or("buffer_items_max", &items(0), BUFFER_ITEMS_MAX_DEFAULT)
            .value,
        queue_items_max: section
            .or("queue_items_max", &items(1), QUEUE_ITEMS_MAX_DEFAULT)
            .value,
        contact_data: read_declarations(section),
    }
}

fn read_declarations(section: &mut Section<'_, '_>) -> Vec<KeyDeclaration> {
    const KEY: &str = "contact_data";
    let tables = section.elements(KEY, DECLARATIONS_MAX);
    let mut declared: Vec<(u32, KeyDeclaration)> = Vec::new();
    let mut places: BTreeMap<String, Option<Place>> = BTreeMap::new();
    for (index, table) in tables.iter().enumerate() {
        let mut element = section.element(KEY, index, table);
        let (order, declaration, place) = read_declaration(&mut element, index);
        element.finish();
        let Some(declaration) = declaration else {
            continue;
        };
        if let Some(first) = places.get(&declaration.key) {
            let what = format!("the key `{}`", declaration.key);
            let first = first.clone();
            section.refuse(KEY, place, ConfigError::Duplicate { what, first });
            continue;
        }
        places.insert(declaration.key.clone(), place);
        declared.push((order, declaration));
    }
    declared.sort_by_key(|(order, _)| *order);
    let declared: Vec<KeyDeclaration> = declared.into_iter().map(|(_, key)| key).collect();
    let shown = declared.iter().enumerate().map(show_declaration).collect();
    let place = section.place_of(KEY);
    section.record(KEY, toml::Value::Array(shown), place.as_ref());
    declared
}

/// The order, the declaration unless its key is faulty, and the key's place.
fn read_declaration(
    element: &mut Section<'_, '_>,
    index: usize,
) -> (u32, Option<KeyDeclaration>, Option<Place>) {
    let values = List {
        of: Text { chars_max: 1_024 },
        min: 1,
        max: LIST_MAX,
        bare: false,
    };
    let position = Integer { min: 0, max: 9_999 };
    let key = element.required("key", &KEY_NAME);
    let label = element.optional("label", &Text { chars_max: 100 });
    let order = u32::try_from(index + 1).expect("there are few declarations");
    let order = element.or("order", &position, order).value;
    let required = element.or("required", &Flag, false).value;
    let values = element.listed("values", &values).unwrap_or_default();
    let searchable = element.or("searchable", &Flag, false).value;
    let editable = element.or("editable", &Flag, false).value;
    let hidden = element.or("hidden", &Flag, false).value;
    let Some(Found { value: key, place }) = key else {
        return (order, None, None);
    };
    let declaration = KeyDeclaration {
        label: label.map_or_else(|| key.clone(), |found| found.value),
        key,
        required,
        values: values.into_iter().map(|(value, _)| value).collect(),
        searchable,
        editable,
        hidden,
    };
    (order, Some(declaration), place)
}

fn show_declaration((index, declared): (usize, &KeyDeclaration)) -> toml::Value {
    let text = |text: &String| toml::Value::String(text.clone());
    let order = i64::try_from(index + 1).expect("there are few declarations");
    let mut table = toml::Table::from_iter([
        ("key".to_owned(), text(&declared.key)),
        ("label".to_owned(), text(&declared.label)),
        ("order".to_owned(), toml::Value::Integer(order)),
        (
            "required".to_owned(),
            toml::Value::Boolean(declared.required),
        ),
        (
            "searchable".to_owned(),
            toml::Value::Boolean(declared.searchable),
        ),
        (
            "editable".to_owned(),
            toml::Value::Boolean(declared.editable),
        ),
        ("hidden".to_owned(), toml::Value::Boolean(declared.hidden)),
    ]);
    if !declared.values.is_empty() {
        let values = declared.values.iter().map(text).collect();
        table.insert("values".to_owned(), toml::Value::Array(values));
    }
    toml::Value::Table(table)
}

/// What is unique over all tenants, because it says who a sender is.
#[derive(Default)]
struct Credentials {
    has_client_ca: bool,
    names: BTreeMap<String, Place>,
    keys: BTreeMap<[u8; 32], Place>,
    subjects: BTreeMap<String, Place>,
}

fn read_sender(
    section: &mut Section<'_, '_>,
    named: &Named<'_>,
    tenant: &str,
    services: &BTreeMap<String, Arc<ServicePolicy>>,
    credentials: &mut Credentials,
) -> SenderPolicy {
    let rate = Limit {
        max: ITEMS_LIMIT_MAX,
    };
    let key_sha256 = read_keys(section, credentials);
    let client_cert_subject = read_subject(section, credentials);
    if section.place_of("key_sha256").is_none() && client_cert_subject.is_none() {
        let text = "the sender has neither `key_sha256` nor `client_cert_subject`: \
                    it cannot sign in";
        section.warn("key_sha256", Some(named.place.clone()), text.to_owned());
    }
    SenderPolicy {
        name: named.name.clone(),
        tenant: tenant.to_owned(),
        key_sha256,
        client_cert_subject,
        services: read_allowed(section, services),
        rate_per_minute: section
            .or("rate_per_minute", &rate, Some(RATE_PER_MINUTE_DEFAULT))
            .value,
        receipts: section.or("receipts", &Flag, true).value,
        enabled: section.or("enabled", &Flag, true).value,
    }
}

fn read_keys(section: &mut Section<'_, '_>, credentials: &mut Credentials) -> Vec<[u8; 32]> {
    let kind = List {
        of: Sha256,
        min: 1,
        max: SENDER_KEYS_MAX,
        bare: true,
    };
    let mut keys = Vec::new();
    for (key, place) in section.listed("key_sha256", &kind).unwrap_or_default() {
        if let Some(first) = credentials.keys.get(&key) {
            let what = "this key".to_owned();
            let first = Some(first.clone());
            section.refuse(
                "key_sha256",
                Some(place),
                ConfigError::Duplicate { what, first },
            );
        } else {
            credentials.keys.insert(key, place);
            keys.push(key);
        }
    }
    keys
}

fn read_subject(section: &mut Section<'_, '_>, credentials: &mut Credentials) -> Option<String> {
    const KEY: &str = "client_cert_subject";
    let Found { value, place } = section.optional(KEY, &Text { chars_max: 1_000 })?;
    if !credentials.has_client_ca {
        let text = "certificates are asked for only where `client_ca_file` is set under [tls]";
        section.refuse(KEY, place.clone(), ConfigError::Missing(text.to_owned()));
    }
    if let Some(first) = credentials.subjects.get(&value) {
        let what = "this subject".to_owned();
        let first = Some(first.clone());
        section.refuse(KEY, place, ConfigError::Duplicate { what, first });
        return None;
    }
    if let Some(place) = place {
        credentials.subjects.insert(value.clone(), place);
    }
    Some(value)
}

fn read_allowed(
    section: &mut Section<'_, '_>,
    services: &BTreeMap<String, Arc<ServicePolicy>>,
) -> Option<BTreeSet<String>> {
    let kind = List {
        of: SERVICE_NAME,
        min: 1,
        max: LIST_MAX,
        bare: false,
    };
    let listed = section.listed("services", &kind)?;
    let mut allowed = BTreeSet::new();
    for (name, place) in listed {
        let known = services.keys().map(String::as_str);
        refuse_unknown(section, "services", ("service", &name), Some(place), known);
        allowed.insert(name);
    }
    Some(allowed)
}

fn refuse_unknown<'k>(
    section: &mut Section<'_, '_>,
    key: &str,
    (what, name): (&'static str, &str),
    place: Option<Place>,
    known: impl Iterator<Item = &'k str> + Clone,
) {
    if known.clone().any(|known| known == name) {
        return;
    }
    let error = ConfigError::UnknownReference {
        what,
        name: name.to_owned(),
        nearest: nearest(name, known).map(str::to_owned),
    };
    section.refuse(key, place, error);
}
