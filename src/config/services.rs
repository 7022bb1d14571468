//! What was validated: services and the keys of the contact data they declare.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::distribution::read_distribution;
use super::hours;
use super::kind::{Flag, List};
use super::number::{Duration, Integer, PriorityKind};
use super::problem::ConfigError;
use super::section::{Found, Section};
use super::source::Place;
use super::tenants::{ITEMS_LIMIT_MAX, KEY_NAME, LIST_MAX, NAME, SERVICE_NAME};
use super::word::Text;
use super::workflows::{Wanted, WorkflowRefKind};
use crate::domain::ids::Priority;
use crate::domain::policy::{
    BUFFER_ITEMS_MAX_DEFAULT, KeyDeclaration, LIFETIME_MAX_MS, QUEUE_ITEMS_MAX_DEFAULT,
    ServicePolicy, TaskType,
};

/// Most keys a service may declare: as many as an item may carry.
const DECLARATIONS_MAX: usize = 50;

/// Everything under `[tenants.NAME.services]`.
pub struct Services {
    /// By name; none has its workflow yet.
    pub policies: BTreeMap<String, Arc<ServicePolicy>>,
    /// The workflows that they shall have.
    pub workflows: Wanted,
}

/// Reads the tables under `[tenants.NAME.services]`.
pub fn read_services(
    section: &mut Section<'_, '_>,
    time_zone: &str,
    task_types: &BTreeMap<String, TaskType>,
) -> Services {
    let mut policies = BTreeMap::new();
    let mut workflows = Wanted::new();
    let tables = section.named("services", &SERVICE_NAME);
    let names: BTreeSet<String> = tables.iter().map(|named| named.name.clone()).collect();
    for named in tables {
        let mut inner = section.open("services", &named);
        let service = read_service(&mut inner, &named.name, time_zone, task_types, &names);
        if let Some(workflow) = inner.optional("workflow", &WorkflowRefKind) {
            workflows.insert(named.name.clone(), workflow);
        }
        inner.finish();
        policies.insert(named.name, Arc::new(service));
    }
    Services {
        policies,
        workflows,
    }
}

fn read_service(
    section: &mut Section<'_, '_>,
    name: &str,
    time_zone: &str,
    task_types: &BTreeMap<String, TaskType>,
    services: &BTreeSet<String>,
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
        section.refuse_unknown("task_type", ("task type", value), place.clone(), known);
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
        distribution: read_distribution(section, name, services),
        workflow: None,
    }
}

fn read_declarations(section: &mut Section<'_, '_>) -> Vec<KeyDeclaration> {
    const KEY: &str = "contact_data";
    let tables = section.elements(KEY, 0..=DECLARATIONS_MAX);
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
