//! The canonical form of what a sender wrote, and its digest: two messages with the same content
//! have the same digest, however they are spelt.
//!
//! Content is the values as written, before defaults, after the white-space rules; times as
//! instants; attachments by name, type and SHA-256; contact data and tags unordered, other lists
//! ordered. Each value is written as a tag byte, its length and its bytes, so that no two contents
//! share a form. Digests are kept as long as items: the form must never change.

use sha2::{Digest, Sha256};

use crate::domain::content::SkillRequirement;
use crate::domain::content::{ContactDatum, Content, Customer, Expiry, Link, PreferredAgents};
use crate::domain::message::{Changes, Upload};

/// The first half of the SHA-256 over the canonical form of a `workItem`.
pub fn of_content(content: &Content, uploads: &[Upload]) -> [u8; 16] {
    let mut form = Form::default();
    form.text(1, &content.reference);
    form.text(2, &content.service);
    form.optional(
        3,
        content.chargeable.map(|chargeable| [u8::from(chargeable)]),
    );
    form.optional(4, content.title.as_ref());
    form.optional(5, content.description.as_ref());
    form.optional(6, content.task_type.as_ref());
    form.optional(7, content.origin.as_ref());
    form.optional(8, content.priority.map(|priority| [priority.value()]));
    let empty = Customer::default();
    form.customer(
        content
            .customer
            .as_ref()
            .filter(|&customer| *customer != empty),
    );
    let preferred = content.preferred_agents.as_ref();
    form.preferred_agents(preferred.filter(|list| list.required || !list.agents.is_empty()));
    form.skills(&content.skills);
    form.optional(12, content.not_before.map(|time| time.0.to_le_bytes()));
    form.optional(13, content.due_by.map(|time| time.0.to_le_bytes()));
    form.expiry(content.expiry);
    form.links(&content.links);
    form.tags(&content.tags);
    form.contact_data(&content.contact_data);
    form.uploads(uploads);
    form.optional(19, content.related_to.as_ref());
    form.digest()
}

/// The first half of the SHA-256 over the canonical form of an `update`'s changes. A list that is
/// written empty takes away, so here it differs from one that is not written.
pub fn of_changes(changes: &Changes, uploads: &[Upload]) -> [u8; 16] {
    let mut form = Form::default();
    form.optional(4, changes.title.as_ref());
    form.optional(5, changes.description.as_ref());
    form.optional(8, changes.priority.map(|priority| [priority.value()]));
    form.customer(changes.customer.as_ref());
    form.preferred_agents(changes.preferred_agents.as_ref());
    form.optional(13, changes.due_by.map(|time| time.0.to_le_bytes()));
    form.expiry(changes.expiry);
    if let Some(links) = &changes.links {
        form.value(15, &[]);
        form.links(links);
    }
    if let Some(tags) = &changes.tags {
        form.value(16, &[]);
        form.tags(tags);
    }
    form.contact_data(&changes.contact_data);
    form.uploads(uploads);
    form.digest()
}

/// The canonical form while it is written.
struct Form {
    bytes: Vec<u8>,
}

impl Default for Form {
    fn default() -> Form {
        Form {
            bytes: Vec::with_capacity(1_024),
        }
    }
}

impl Form {
    fn value(&mut self, tag: u8, value: &[u8]) {
        self.bytes.push(tag);
        self.bytes
            .extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(value);
    }

    fn text(&mut self, tag: u8, value: &str) {
        self.value(tag, value.as_bytes());
    }

    fn optional(&mut self, tag: u8, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.value(tag, value.as_ref());
        }
    }

    fn customer(&mut self, customer: Option<&Customer>) {
        let Some(customer) = customer else {
            return;
        };
        self.value(9, &[]);
        self.optional(31, customer.id.as_ref());
        self.optional(32, customer.name.as_ref());
        self.optional(33, customer.company.as_ref());
        self.optional(34, customer.phone.as_ref());
        self.optional(35, customer.email.as_ref());
    }

    fn preferred_agents(&mut self, preferred: Option<&PreferredAgents>) {
        let Some(preferred) = preferred else {
            return;
        };
        self.value(10, &[u8::from(preferred.required)]);
        for agent in &preferred.agents {
            self.text(41, &agent.name);
            self.value(42, &[agent.rank]);
        }
    }

    fn skills(&mut self, skills: &[SkillRequirement]) {
        for skill in skills {
            self.text(11, &skill.name);
            self.value(43, &[skill.level, u8::from(skill.optional)]);
        }
    }

    fn expiry(&mut self, expiry: Option<Expiry>) {
        match expiry {
            Some(Expiry::Lifetime { ms }) => self.value(14, &ms.to_le_bytes()),
            Some(Expiry::At(time)) => self.value(20, &time.0.to_le_bytes()),
            None => {}
        }
    }

    fn links(&mut self, links: &[Link]) {
        for link in links {
            self.text(44, &link.name);
            self.text(45, &link.href);
        }
    }

    fn tags(&mut self, tags: &[String]) {
        let mut sorted: Vec<&String> = tags.iter().collect();
        sorted.sort_unstable();
        for tag in sorted {
            self.text(46, tag);
        }
    }

    fn contact_data(&mut self, data: &[ContactDatum]) {
        let mut sorted: Vec<&ContactDatum> = data.iter().collect();
        sorted.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        for datum in sorted {
            self.text(17, &datum.key);
            self.text(47, &datum.value);
        }
    }

    fn uploads(&mut self, uploads: &[Upload]) {
        for upload in uploads {
            self.text(18, &upload.name);
            self.text(48, &upload.media_type);
            self.value(49, &upload.sha256);
        }
    }

    fn digest(self) -> [u8; 16] {
        let digest: [u8; 32] = Sha256::digest(&self.bytes).into();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        half
    }
}
