//! How the sender's values lie in one column: JSON, written and read by structs private to the
//! store, so that renaming a field of the domain cannot change what old files mean.
//!
//! The reference stands in the item's row and the attachments in their own table; neither is here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::content::{
    Attachment, ContactDatum, Content, Customer, Expiry, Link, PreferredAgent, PreferredAgents,
    SkillRequirement,
};
use crate::domain::ids::Priority;
use crate::domain::time::Timestamp;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Column<'a> {
    service: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chargeable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerColumn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_agents: Option<PreferredColumn<'a>>,
    /// Name, level, whether optional.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skills: Vec<(Cow<'a, str>, u8, bool)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_by: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifetime_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    /// Name, href.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Cow<'a, str>>,
    /// Key, value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact_data: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    related_to: Option<Cow<'a, str>>,
}

/// Whether required, then names and ranks.
type PreferredColumn<'a> = (bool, Vec<(Cow<'a, str>, u8)>);

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct CustomerColumn<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Cow<'a, str>>,
}

/// The column's text, without reference and attachments.
///
/// # Errors
/// Never in practice: strings and numbers can always be written.
pub(in crate::store) fn write(content: &Content) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Column {
        service: text(&content.service),
        chargeable: content.chargeable,
        title: maybe(content.title.as_ref()),
        description: maybe(content.description.as_ref()),
        task_type: maybe(content.task_type.as_ref()),
        origin: maybe(content.origin.as_ref()),
        priority: content.priority.map(Priority::value),
        customer: content.customer.as_ref().map(write_customer),
        preferred_agents: content.preferred_agents.as_ref().map(|wish| {
            let agents = wish.agents.iter();
            (
                wish.required,
                agents
                    .map(|agent| (text(&agent.name), agent.rank))
                    .collect(),
            )
        }),
        skills: content
            .skills
            .iter()
            .map(|skill| (text(&skill.name), skill.level, skill.optional))
            .collect(),
        not_before: content.not_before.map(|time| time.0),
        due_by: content.due_by.map(|time| time.0),
        lifetime_ms: match content.expiry {
            Some(Expiry::Lifetime { ms }) => Some(ms),
            Some(Expiry::At(_)) | None => None,
        },
        expires_at: match content.expiry {
            Some(Expiry::At(time)) => Some(time.0),
            Some(Expiry::Lifetime { .. }) | None => None,
        },
        links: content
            .links
            .iter()
            .map(|link| (text(&link.name), text(&link.href)))
            .collect(),
        tags: content.tags.iter().map(|tag| text(tag)).collect(),
        contact_data: content
            .contact_data
            .iter()
            .map(|datum| (text(&datum.key), text(&datum.value)))
            .collect(),
        related_to: maybe(content.related_to.as_ref()),
    })
}

fn write_customer(customer: &Customer) -> CustomerColumn<'_> {
    CustomerColumn {
        id: maybe(customer.id.as_ref()),
        name: maybe(customer.name.as_ref()),
        company: maybe(customer.company.as_ref()),
        phone: maybe(customer.phone.as_ref()),
        email: maybe(customer.email.as_ref()),
    }
}

/// The values of a column, with the reference and attachments that stand elsewhere.
///
/// # Errors
/// The column is not what [`write()`] makes: the file is damaged.
pub(in crate::store) fn read(
    column: &str,
    reference: String,
    attachments: Vec<Attachment>,
) -> Result<Content, serde_json::Error> {
    let column: Column<'_> = serde_json::from_str(column)?;
    Ok(Content {
        reference,
        service: column.service.into_owned(),
        chargeable: column.chargeable,
        title: owned(column.title),
        description: owned(column.description),
        task_type: owned(column.task_type),
        origin: owned(column.origin),
        priority: column.priority.and_then(Priority::new),
        customer: column.customer.map(read_customer),
        preferred_agents: column.preferred_agents.map(read_preferred),
        skills: column
            .skills
            .into_iter()
            .map(|(name, level, optional)| SkillRequirement {
                name: name.into_owned(),
                level,
                optional,
            })
            .collect(),
        not_before: column.not_before.map(Timestamp),
        due_by: column.due_by.map(Timestamp),
        expiry: match (column.lifetime_ms, column.expires_at) {
            (Some(ms), _) => Some(Expiry::Lifetime { ms }),
            (None, Some(at)) => Some(Expiry::At(Timestamp(at))),
            (None, None) => None,
        },
        links: column
            .links
            .into_iter()
            .map(|(name, href)| Link {
                name: name.into_owned(),
                href: href.into_owned(),
            })
            .collect(),
        tags: column.tags.into_iter().map(Cow::into_owned).collect(),
        contact_data: column
            .contact_data
            .into_iter()
            .map(|(key, value)| ContactDatum {
                key: key.into_owned(),
                value: value.into_owned(),
            })
            .collect(),
        attachments,
        related_to: owned(column.related_to),
    })
}

fn read_customer(column: CustomerColumn<'_>) -> Customer {
    Customer {
        id: owned(column.id),
        name: owned(column.name),
        company: owned(column.company),
        phone: owned(column.phone),
        email: owned(column.email),
    }
}

fn read_preferred((required, agents): PreferredColumn<'_>) -> PreferredAgents {
    PreferredAgents {
        required,
        agents: agents
            .into_iter()
            .map(|(name, rank)| PreferredAgent {
                name: name.into_owned(),
                rank,
            })
            .collect(),
    }
}

fn text(value: &str) -> Cow<'_, str> {
    Cow::Borrowed(value)
}

fn maybe(value: Option<&String>) -> Option<Cow<'_, str>> {
    value.map(|value| Cow::Borrowed(value.as_str()))
}

fn owned(value: Option<Cow<'_, str>>) -> Option<String> {
    value.map(Cow::into_owned)
}

/// The title alone.
///
/// # Errors
/// As [`read()`].
pub(super) fn title(column: &str) -> serde_json::Result<Option<String>> {
    #[derive(Deserialize)]
    struct Title {
        title: Option<String>,
    }
    let Title { title } = serde_json::from_str(column)?;
    Ok(title)
}
