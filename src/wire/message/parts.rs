//! The children of a `workItem` and of an `update`: in any order, each at most once.

use crate::domain::content::SkillRequirement;
use crate::domain::content::{ContactDatum, Content, Customer, Expiry, Link, PreferredAgents};
use crate::domain::ids::Priority;
use crate::domain::message::Changes;
use crate::domain::time::Timestamp;
use crate::wire::error::WireError;
use crate::wire::rules::Subject;
use crate::wire::strict::StartTag;

use super::attachments::{Attachments, attachments};
use super::lists;
use super::value;
use super::walk::{Walk, ours};

/// A child element by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Service,
    Title,
    Description,
    TaskType,
    Origin,
    Priority,
    Customer,
    PreferredAgents,
    Skills,
    NotBefore,
    DueBy,
    Lifetime,
    ExpiresAt,
    Links,
    Tags,
    ContactData,
    Attachments,
    RelatedTo,
}

const FIELDS: usize = 18;

impl Field {
    fn named(name: &str) -> Option<Field> {
        Some(match name {
            "service" => Field::Service,
            "title" => Field::Title,
            "description" => Field::Description,
            "taskType" => Field::TaskType,
            "origin" => Field::Origin,
            "priority" => Field::Priority,
            "customer" => Field::Customer,
            "preferredAgents" => Field::PreferredAgents,
            "skills" => Field::Skills,
            "notBefore" => Field::NotBefore,
            "dueBy" => Field::DueBy,
            "lifetime" => Field::Lifetime,
            "expiresAt" => Field::ExpiresAt,
            "links" => Field::Links,
            "tags" => Field::Tags,
            "contactData" => Field::ContactData,
            "attachments" => Field::Attachments,
            "relatedTo" => Field::RelatedTo,
            _ => return None,
        })
    }

    /// Whether an `update` may change it.
    fn changes(self) -> bool {
        match self {
            Field::Title
            | Field::Description
            | Field::Priority
            | Field::Customer
            | Field::PreferredAgents
            | Field::DueBy
            | Field::Lifetime
            | Field::ExpiresAt
            | Field::Links
            | Field::Tags
            | Field::ContactData
            | Field::Attachments => true,
            Field::Service
            | Field::TaskType
            | Field::Origin
            | Field::Skills
            | Field::NotBefore
            | Field::RelatedTo => false,
        }
    }
}

/// Which of the two elements the children are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    WorkItem,
    Update,
}

/// Where an element of a list stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// From 1, among all elements of the list.
    pub(super) number: usize,
    /// Byte of its `<`.
    pub(super) offset: usize,
}

/// What the children say.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) service: Option<String>,
    title: Option<String>,
    description: Option<String>,
    task_type: Option<String>,
    origin: Option<String>,
    priority: Option<Priority>,
    customer: Option<Customer>,
    preferred_agents: Option<PreferredAgents>,
    skills: Vec<SkillRequirement>,
    not_before: Option<Timestamp>,
    due_by: Option<Timestamp>,
    expiry: Option<Expiry>,
    links: Option<Vec<Link>>,
    tags: Option<Vec<String>>,
    contact_data: Vec<ContactDatum>,
    related_to: Option<String>,
    pub(super) attachments: Attachments,
    pub(super) marks: Marks,
}

/// Where the children stand.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// By [`Field`]: the byte of the start tag's `<`; `None`: not written.
    starts: [Option<usize>; FIELDS],
    /// Byte of the `<` of `</contactData>`.
    contact_data_end: usize,
    /// Byte of the `<` of the parent's end tag.
    end: usize,
    data: Vec<Spot>,
    agents: Vec<Spot>,
}

impl Parts {
    /// Reads all children up to the parent's end, which is not left yet.
    pub(super) fn read(walk: &mut Walk<'_>, parent: Parent) -> Result<Parts, WireError> {
        let mut parts = Parts::default();
        while let Some(tag) = walk.child()? {
            let field = ours(&tag)
                .and_then(Field::named)
                .filter(|field| parent == Parent::WorkItem || field.changes());
            let Some(field) = field else {
                walk.stray_element(&tag)?;
                continue;
            };
            let start = &mut parts.marks.starts[field as usize];
            if start.is_some() {
                walk.repeated_element()?;
                continue;
            }
            *start = Some(tag.offset);
            parts.read_field(walk, field, &tag)?;
        }
        parts.marks.end = walk.end;
        if parent == Parent::WorkItem && parts.marks.starts[Field::Service as usize].is_none() {
            walk.fault_at(walk.end, "/service", || {
                "Name the service: <service>…</service>.".into()
            });
        }
        Ok(parts)
    }

    fn read_field<'a>(
        &mut self,
        walk: &mut Walk<'a>,
        field: Field,
        tag: &StartTag<'a>,
    ) -> Result<(), WireError> {
        match field {
            Field::Service => self.service = walk.leaf(tag, value::service_name)?,
            Field::Title => self.title = walk.leaf(tag, value::title)?,
            Field::Description => self.description = walk.leaf(tag, value::description)?,
            Field::TaskType => self.task_type = walk.leaf(tag, value::name)?,
            Field::Origin => self.origin = walk.leaf(tag, value::name)?,
            Field::Priority => self.priority = walk.leaf(tag, value::priority)?,
            Field::Customer => self.customer = Some(lists::customer(walk, tag)?),
            Field::PreferredAgents => {
                let spots = &mut self.marks.agents;
                self.preferred_agents = Some(lists::preferred_agents(walk, tag, spots)?);
            }
            Field::Skills => self.skills = lists::skills(walk, tag)?,
            Field::NotBefore => self.not_before = walk.leaf(tag, value::time)?,
            Field::DueBy => self.due_by = walk.leaf(tag, value::time)?,
            Field::Lifetime => {
                self.one_expiry(walk, Field::ExpiresAt);
                let ms = walk.leaf(tag, value::duration)?;
                self.expiry = ms.map(|ms| Expiry::Lifetime { ms }).or(self.expiry);
            }
            Field::ExpiresAt => {
                self.one_expiry(walk, Field::Lifetime);
                self.expiry = walk.leaf(tag, value::time)?.map(Expiry::At).or(self.expiry);
            }
            Field::Links => self.links = Some(lists::links(walk, tag)?),
            Field::Tags => self.tags = Some(lists::tags(walk, tag)?),
            Field::ContactData => {
                self.contact_data = lists::contact_data(walk, tag, &mut self.marks.data)?;
                self.marks.contact_data_end = walk.end;
            }
            Field::Attachments => self.attachments = attachments(walk, tag)?,
            Field::RelatedTo => self.related_to = walk.leaf(tag, value::reference)?,
        }
        Ok(())
    }

    /// Rule 4 and `xs:unique`: the other way to say an expiry must not stand there too.
    fn one_expiry(&self, walk: &mut Walk<'_>, other: Field) {
        if self.marks.starts[other as usize].is_some() {
            walk.fault_here("", || "Write lifetime or expiresAt, not both.".into());
        }
    }

    /// The children of a `workItem` as its content; a missing service, which is a fault already,
    /// is the empty name.
    pub(super) fn into_content(self, reference: Option<String>) -> (Content, Attachments, Marks) {
        let content = Content {
            reference: reference.unwrap_or_default(),
            service: self.service.unwrap_or_default(),
            chargeable: None,
            title: self.title,
            description: self.description,
            task_type: self.task_type,
            origin: self.origin,
            priority: self.priority,
            customer: self.customer,
            preferred_agents: self.preferred_agents,
            skills: self.skills,
            not_before: self.not_before,
            due_by: self.due_by,
            expiry: self.expiry,
            links: self.links.unwrap_or_default(),
            tags: self.tags.unwrap_or_default(),
            contact_data: self.contact_data,
            attachments: Vec::new(),
            related_to: self.related_to,
        };
        (content, self.attachments, self.marks)
    }

    /// The children of an `update` as its changes.
    pub(super) fn into_changes(self) -> (Changes, Attachments, Marks) {
        let changes = Changes {
            title: self.title,
            description: self.description,
            priority: self.priority,
            customer: self.customer,
            preferred_agents: self.preferred_agents,
            due_by: self.due_by,
            expiry: self.expiry,
            links: self.links,
            tags: self.tags,
            contact_data: self.contact_data,
        };
        (changes, self.attachments, self.marks)
    }
}

impl Marks {
    /// Where a rule's subject stands, and its path below the parent.
    pub(super) fn place(&self, subject: Subject, attachments: &[Spot]) -> (usize, String) {
        let spot = |spots: &[Spot], index: usize| {
            let missing = Spot {
                number: 0,
                offset: self.end,
            };
            spots.get(index).copied().unwrap_or(missing)
        };
        let field = |field: Field| self.starts[field as usize].unwrap_or(self.end);
        match subject {
            Subject::Service => (field(Field::Service), "/service".into()),
            Subject::TaskType => (field(Field::TaskType), "/taskType".into()),
            Subject::NotBefore => (field(Field::NotBefore), "/notBefore".into()),
            Subject::Lifetime => (field(Field::Lifetime), "/lifetime".into()),
            Subject::ExpiresAt => (field(Field::ExpiresAt), "/expiresAt".into()),
            Subject::Agent(index) => {
                let Spot { number, offset } = spot(&self.agents, index);
                (offset, format!("/preferredAgents/agent[{number}]"))
            }
            Subject::ContactData => (field(Field::ContactData), "/contactData".into()),
            Subject::ContactDataEnd => {
                let written = self.starts[Field::ContactData as usize].is_some();
                let end = if written {
                    self.contact_data_end
                } else {
                    self.end
                };
                (end, "/contactData".into())
            }
            Subject::Datum(index) => {
                let Spot { number, offset } = spot(&self.data, index);
                (offset, format!("/contactData/item[{number}]"))
            }
            Subject::DatumKey(index) => {
                let Spot { number, offset } = spot(&self.data, index);
                (offset, format!("/contactData/item[{number}]/@key"))
            }
            Subject::Attachment(index, suffix) => {
                let Spot { number, offset } = spot(attachments, index);
                (
                    offset,
                    format!("/attachments/attachment[{number}]{}", suffix.path()),
                )
            }
        }
    }
}
