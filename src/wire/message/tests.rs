//! What is read, what is refused, and where: schema first, then rules.

mod batch;
mod limits;
mod rules;
mod schema;
mod verbs;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::code::Code;
use crate::domain::distribution::DistributionPolicy;
use crate::domain::facts::Utc;
use crate::domain::ids::Priority;
use crate::domain::message::{Message, Submission, Update};
use crate::domain::policy::{
    ATTACHMENT_TYPES_DEFAULT, AgentPolicy, BUFFER_ITEMS_MAX_DEFAULT, KeyDeclaration,
    QUEUE_ITEMS_MAX_DEFAULT, SenderPolicy, ServicePolicy, TaskType, TenantPolicy,
    WORK_ITEM_KEY_DEFAULT,
};
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::wire::rules::Judge;
use crate::wire::time::parse_instant;

use super::{ReadContext, read_message};

/// 2026-11-20T12:00:00Z.
fn now() -> Timestamp {
    parse_instant("2026-11-20T12:00:00Z").unwrap()
}

fn service(name: &str) -> ServicePolicy {
    ServicePolicy {
        name: name.into(),
        title: name.into(),
        task_type: None,
        receipts: true,
        hours: None,
        priority: Priority::DEFAULT,
        lifetime_ms: None,
        buffer_items_max: BUFFER_ITEMS_MAX_DEFAULT,
        queue_items_max: QUEUE_ITEMS_MAX_DEFAULT,
        contact_data: Vec::new(),
        distribution: DistributionPolicy::default(),
        workflow: None,
    }
}

/// Services `loans` (any keys), `claims` (declared keys, task type `claim`), `closed` (not open
/// to the sender); task type `callback`; agents `ann` and `bo`.
fn tenant() -> TenantPolicy {
    let declare = |key: &str, required: bool, values: &[&str]| KeyDeclaration {
        key: key.into(),
        required,
        values: values.iter().map(|value| value.to_string()).collect(),
        ..KeyDeclaration::default()
    };
    let claims = ServicePolicy {
        task_type: Some("claim".into()),
        contact_data: vec![
            declare("policyNumber", true, &[]),
            declare("kind", false, &["car", "house"]),
        ],
        ..service("claims")
    };
    let services = [service("loans"), claims, service("closed")];
    TenantPolicy {
        name: "demo".into(),
        work_item_key: WORK_ITEM_KEY_DEFAULT.into(),
        attachment_types: ATTACHMENT_TYPES_DEFAULT.map(String::from).into(),
        time_zone: "Europe/Stockholm".into(),
        fair_use: None,
        task_types: BTreeMap::from([("callback".into(), TaskType::default())]),
        services: services
            .map(|service| (service.name.clone(), Arc::new(service)))
            .into(),
        agents: AgentPolicy::default(),
        show_customer_identifiers: false,
        workflows: Default::default(),
        work_groups: Default::default(),
        clock: Arc::new(Utc),
    }
}

fn sender() -> SenderPolicy {
    SenderPolicy {
        name: "crm".into(),
        tenant: "demo".into(),
        key_sha256: Vec::new(),
        client_cert_subject: None,
        services: Some(
            [
                "loans".to_string(),
                "claims".to_string(),
                "gone".to_string(),
            ]
            .into(),
        ),
        rate_per_minute: None,
        receipts: true,
        enabled: true,
        notify: None,
    }
}

/// By the schema alone.
fn read(text: &str) -> Result<Message, Refusal> {
    read_message(
        text,
        &ReadContext {
            now: now(),
            judge: None,
        },
    )
}

fn is_agent(name: &str) -> bool {
    ["ann", "bo"].contains(&name)
}

/// By schema and rules.
fn judge(text: &str) -> Result<Message, Refusal> {
    let (tenant, sender) = (tenant(), sender());
    let judge = Some(Judge {
        tenant: &tenant,
        is_agent: &is_agent,
        sender: Some(&sender),
    });
    read_message(text, &ReadContext { now: now(), judge })
}

fn created(message: Result<Message, Refusal>) -> Submission {
    match message {
        Ok(Message::Create(submission)) => *submission,
        other => panic!("not a workItem that is taken: {other:?}"),
    }
}

fn updated(message: Result<Message, Refusal>) -> Update {
    match message {
        Ok(Message::Update(update)) => *update,
        other => panic!("not an update that is taken: {other:?}"),
    }
}

/// A `workItem` that breaks no rule but has `children` beside its service and contact data.
fn work_item(children: &str) -> String {
    format!(
        r#"<workItem xmlns="urn:anteroom:work-item:1" reference="R1"><service>loans</service>{children}{DATA}</workItem>"#
    )
}

const DATA: &str = r#"<contactData><item key="workItemTask">Call back</item></contactData>"#;

/// A `workItem` for the service with these contact data items.
fn with_data(service: &str, items: &str) -> String {
    format!(
        r#"<workItem xmlns="urn:anteroom:work-item:1" reference="R1"><service>{service}</service><contactData>{items}</contactData></workItem>"#
    )
}

fn update(children: &str) -> String {
    format!(r#"<update xmlns="urn:anteroom:work-item:1" reference="R1">{children}</update>"#)
}

/// Every problem of a refusal as `code line:column path`.
fn listed(refusal: &Refusal) -> Vec<String> {
    std::iter::once(&refusal.first)
        .chain(&refusal.further)
        .map(shown)
        .collect()
}

fn shown(problem: &Problem) -> String {
    let place = problem
        .place
        .as_ref()
        .expect("a problem of a message has a place");
    let path = place.path.as_deref().unwrap_or("-");
    format!(
        "{} {}:{} {path}",
        problem.code.name(),
        place.line,
        place.column
    )
}

/// The one problem the schema has with `text`, as `path` of a `schemaInvalid`.
fn schema_fault(text: &str) -> String {
    let refusal = read(text).expect_err(text);
    assert!(refusal.further.is_empty(), "{text}: {refusal:?}");
    assert_eq!(refusal.code(), Code::SchemaInvalid, "{text}");
    refusal.first.place.unwrap().path.unwrap()
}
