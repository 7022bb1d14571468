//! The semantic rules that need no store: what a tenant, a service and the clock say about a
//! message that its schema accepts. Numbers are those of the contract, "Semantic rules".
//!
//! The functions are pure: each gives a [`Finding`] with a [`Subject`], which the reader of the
//! message turns into line, column and path.

use std::collections::BTreeSet;

use crate::domain::code::Code;
use crate::domain::content::{ContactDatum, Content, Expiry, PreferredAgents};
use crate::domain::message::{Changes, Upload};
use crate::domain::policy::{
    ATTACHMENTS_BYTES_MAX, LIFETIME_MAX_MS, NOT_BEFORE_MAX_MS, SenderPolicy, ServicePolicy,
    TenantPolicy,
};
use crate::domain::rules::{ContactFault, check_contact_data, is_work_item, size_fault};
use crate::domain::time::Timestamp;

/// By whose rules a message is judged.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// The tenant it is for.
    pub tenant: &'a TenantPolicy,
    /// Whether an item of the tenant can come to somebody of that name.
    pub is_agent: &'a dyn Fn(&str) -> bool,
    /// Who sends it; `None`: somebody to whom every service is open.
    pub sender: Option<&'a SenderPolicy>,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `service`.
    Service,
    /// `taskType`.
    TaskType,
    /// `notBefore`.
    NotBefore,
    /// `lifetime`.
    Lifetime,
    /// `expiresAt`.
    ExpiresAt,
    /// The preferred agent of that index.
    Agent(usize),
    /// `contactData` as a whole.
    ContactData,
    /// Something missing at the end of `contactData`.
    ContactDataEnd,
    /// The contact datum of that index.
    Datum(usize),
    /// Its key.
    DatumKey(usize),
    /// The attachment of that index, and what of it.
    Attachment(usize, AttachmentPart),
}

/// What of an attachment a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentPart {
    /// Its bytes.
    Body,
    /// `@mediaType`.
    MediaType,
    /// `@sha256`.
    Digest,
}

impl AttachmentPart {
    /// The end of its path.
    pub fn path(self) -> &'static str {
        match self {
            AttachmentPart::Body => "",
            AttachmentPart::MediaType => "/@mediaType",
            AttachmentPart::Digest => "/@sha256",
        }
    }
}

/// A rule that a message breaks. The message never repeats a value of the sender's customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// The stable code.
    pub code: Code,
    /// What to change.
    pub message: String,
}

impl Finding {
    fn new(subject: Subject, code: Code, message: impl Into<String>) -> Finding {
        Finding {
            subject,
            code,
            message: message.into(),
        }
    }
}

/// The attachments of a message as far as rules look at them.
#[derive(Debug, Clone, Copy)]
pub struct Bodies<'a> {
    /// Decoded.
    pub uploads: &'a [Upload],
    /// Indexes of those whose body is not the one announced by `@sha256`.
    pub corrupt: &'a [usize],
}

/// Rules 1 to 8 for a `workItem` received at `now`. A service or value that the schema refused is
/// empty and not judged again.
pub fn check_submission(
    content: &Content,
    bodies: Bodies<'_>,
    judge: Judge<'_>,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let service = check_service(&mut findings, &content.service, judge);
    let data = &content.contact_data;
    check_work_item_key(&mut findings, data, judge.tenant);
    match service {
        Some(service) => {
            let faults = check_contact_data(data, service, &judge.tenant.work_item_key, true);
            findings.extend(faults.into_iter().map(place_contact_fault));
        }
        None => findings.extend(size_fault(data).map(place_contact_fault)),
    }
    check_times(&mut findings, content, now);
    check_agents(
        &mut findings,
        content.preferred_agents.as_ref(),
        judge.is_agent,
    );
    check_task_type(&mut findings, content.task_type.as_deref(), judge.tenant);
    check_bodies(&mut findings, bodies, judge.tenant);
    findings
}

/// Rules 4, 5, 7 and 8 for an `update` received at `now`, and what of rule 2 needs no item: the
/// work item key must not be made blank. What the update leaves is judged where the item is
/// known, by [`crate::domain::rules`].
pub fn check_update(
    changes: &Changes,
    bodies: Bodies<'_>,
    judge: Judge<'_>,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let key = &judge.tenant.work_item_key;
    if changes.contact_data.iter().any(|datum| datum.key == *key) {
        check_work_item_key(&mut findings, &changes.contact_data, judge.tenant);
    }
    check_expiry(&mut findings, changes.expiry, now, now);
    check_agents(
        &mut findings,
        changes.preferred_agents.as_ref(),
        judge.is_agent,
    );
    check_bodies(&mut findings, bodies, judge.tenant);
    findings.extend(size_fault(&changes.contact_data).map(place_contact_fault));
    findings
}

/// Rule 1. The sentence is the same whether the service does not exist or is not open.
fn check_service<'a>(
    findings: &mut Vec<Finding>,
    name: &str,
    judge: Judge<'a>,
) -> Option<&'a ServicePolicy> {
    if name.is_empty() {
        return None;
    }
    let open = judge.sender.is_none_or(|sender| sender.may_use(name));
    let service = judge.tenant.services.get(name).filter(|_| open);
    if service.is_none() {
        let message = "Name a service that is open to you: queryServices lists them.";
        findings.push(Finding::new(
            Subject::Service,
            Code::UnknownService,
            message,
        ));
    }
    service.map(AsRef::as_ref)
}

/// Rule 2.
fn check_work_item_key(findings: &mut Vec<Finding>, data: &[ContactDatum], tenant: &TenantPolicy) {
    let key = &tenant.work_item_key;
    if is_work_item(data, key) {
        return;
    }
    let blank = data.iter().position(|datum| datum.key == *key);
    let subject = blank.map_or(Subject::ContactDataEnd, Subject::Datum);
    let message = format!(
        "Give the contact data key {key} a value that is not blank: without it this is not a \
         work item."
    );
    findings.push(Finding::new(subject, Code::NotAWorkItem, message));
}

/// Where a rule about contact data points.
fn place_contact_fault(fault: ContactFault) -> Finding {
    let ContactFault { index, problem } = fault;
    let subject = match (index, problem.code) {
        (Some(index), Code::UnknownKey) => Subject::DatumKey(index),
        (Some(index), _) => Subject::Datum(index),
        (None, Code::MissingKey) => Subject::ContactDataEnd,
        (None, _) => Subject::ContactData,
    };
    Finding::new(subject, problem.code, problem.message)
}

/// Rule 4 for a new item.
fn check_times(findings: &mut Vec<Finding>, content: &Content, now: Timestamp) {
    let not_before = content.not_before.unwrap_or(now);
    if not_before.since_ms(now) > NOT_BEFORE_MAX_MS {
        let message = "notBefore may lie at most 6 days ahead.";
        findings.push(Finding::new(
            Subject::NotBefore,
            Code::TimeOutOfRange,
            message,
        ));
    }
    check_expiry(findings, content.expiry, now, not_before.max(now));
}

/// Rule 4 of an expiry that may lie at most 14 days after `from`.
fn check_expiry(
    findings: &mut Vec<Finding>,
    expiry: Option<Expiry>,
    now: Timestamp,
    from: Timestamp,
) {
    let (subject, message) = match expiry {
        Some(Expiry::Lifetime { ms }) if ms > LIFETIME_MAX_MS => {
            (Subject::Lifetime, "lifetime may be at most 14 days.")
        }
        Some(Expiry::At(at)) if at <= now => {
            (Subject::ExpiresAt, "expiresAt must be later than now.")
        }
        Some(Expiry::At(at)) if at.since_ms(from) > LIFETIME_MAX_MS => (
            Subject::ExpiresAt,
            "expiresAt may lie at most 14 days after the later of now and notBefore.",
        ),
        Some(Expiry::Lifetime { .. } | Expiry::At(_)) | None => return,
    };
    findings.push(Finding::new(subject, Code::TimeOutOfRange, message));
}

/// Rule 5. Agents that are not required may be unknown: the receipt warns of them.
fn check_agents(
    findings: &mut Vec<Finding>,
    preferred: Option<&PreferredAgents>,
    is_agent: &dyn Fn(&str) -> bool,
) {
    let Some(preferred) = preferred.filter(|preferred| preferred.required) else {
        return;
    };
    for (index, agent) in preferred.agents.iter().enumerate() {
        if !is_agent(&agent.name) {
            let message = "Name an agent that exists, or do not require the preferred agents.";
            findings.push(Finding::new(
                Subject::Agent(index),
                Code::UnknownAgent,
                message,
            ));
        }
    }
}

/// Rule 6. What a service gives its items by default is declared by that.
fn check_task_type(findings: &mut Vec<Finding>, name: Option<&str>, tenant: &TenantPolicy) {
    let Some(name) = name else {
        return;
    };
    let is_default = || {
        let mut services = tenant.services.values();
        services.any(|service| service.task_type.as_deref() == Some(name))
    };
    if !tenant.task_types.contains_key(name) && !is_default() {
        let message = "Name a task type that is declared, or leave it to the service.";
        findings.push(Finding::new(
            Subject::TaskType,
            Code::UnknownTaskType,
            message,
        ));
    }
}

/// Rule 7.
fn check_bodies(findings: &mut Vec<Finding>, bodies: Bodies<'_>, tenant: &TenantPolicy) {
    let mut decoded_bytes = 0;
    for (index, upload) in bodies.uploads.iter().enumerate() {
        if !is_allowed(&upload.media_type, &tenant.attachment_types) {
            let message = "Use one of the media types allowed: queryLimits lists them.";
            let subject = Subject::Attachment(index, AttachmentPart::MediaType);
            findings.push(Finding::new(subject, Code::AttachmentTypeRefused, message));
        }
        if bodies.corrupt.contains(&index) {
            let message = "Send the bytes that sha256 announces, or the SHA-256 of the decoded \
                           bytes sent.";
            let subject = Subject::Attachment(index, AttachmentPart::Digest);
            findings.push(Finding::new(subject, Code::AttachmentCorrupt, message));
        }
        let fitted_before = decoded_bytes <= ATTACHMENTS_BYTES_MAX;
        decoded_bytes += upload.body.len() as u64;
        if fitted_before && decoded_bytes > ATTACHMENTS_BYTES_MAX {
            let message = format!(
                "The attachments of one item may have {ATTACHMENTS_BYTES_MAX} bytes in all, \
                 decoded."
            );
            let subject = Subject::Attachment(index, AttachmentPart::Body);
            findings.push(Finding::new(subject, Code::TooLarge, message));
        }
    }
}

/// The set holds lower case; the case of a media type does not matter.
fn is_allowed(media_type: &str, allowed: &BTreeSet<String>) -> bool {
    allowed.contains(media_type) || allowed.contains(&media_type.to_ascii_lowercase())
}
