//! What a sender says about one piece of work, after the white-space rules and before defaults.
//! Every value here has passed `schemas/work-item.xsd`.

use super::ids::{BlobId, Priority};
use super::time::Timestamp;

/// The values of one `workItem` as written. `None` and empty lists mean *not written*.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// The sender's own id of this piece of work, 1..128 characters.
    pub reference: String,
    /// The service whose queue the item is for, 1..32 of `[A-Za-z0-9._-]`.
    pub service: String,
    /// Reported; follow-ups show only chargeable items. `None`: not written (counts as true).
    pub chargeable: Option<bool>,
    /// One line, 1..200 characters.
    pub title: Option<String>,
    /// 0..8,000 characters, white space kept.
    pub description: Option<String>,
    /// 1..64 characters.
    pub task_type: Option<String>,
    /// Where the contact came from, 1..64 characters.
    pub origin: Option<String>,
    /// 0..9.
    pub priority: Option<Priority>,
    /// Whom it is about.
    pub customer: Option<Customer>,
    /// Who should get it first.
    pub preferred_agents: Option<PreferredAgents>,
    /// What an agent must be able to do, at most 10.
    pub skills: Vec<SkillRequirement>,
    /// Not to be offered earlier.
    pub not_before: Option<Timestamp>,
    /// Shown and reported.
    pub due_by: Option<Timestamp>,
    /// `lifetime` or `expiresAt`; both written is a rule problem and never gets this far.
    pub expiry: Option<Expiry>,
    /// At most 10.
    pub links: Vec<Link>,
    /// At most 20, each 1..64 characters.
    pub tags: Vec<String>,
    /// At most 50, each key once.
    pub contact_data: Vec<ContactDatum>,
    /// At most 10.
    pub attachments: Vec<Attachment>,
    /// Item id or reference of an earlier item, 1..128 characters.
    pub related_to: Option<String>,
}

/// Whom an item is about. Fields not written are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Customer {
    /// The customer identifier, 1..128 characters.
    pub id: Option<String>,
    /// At most 100 characters.
    pub name: Option<String>,
    /// At most 100 characters.
    pub company: Option<String>,
    /// At most 40 characters.
    pub phone: Option<String>,
    /// At most 254 characters.
    pub email: Option<String>,
}

/// Characters of a masked identifier that stay, at its end.
const CLEAR_CHARS: usize = 2;
/// Longest identifier, in characters, of which none stays: two of four would be half of it.
const COVERED_CHARS_MAX: usize = 4;

/// An identifier of a customer as it is shown to those who may not know it: enough to tell two
/// apart on a page, too little to look somebody up by.
pub fn masked(identifier: &str) -> String {
    let chars = identifier.chars().count();
    let covered = match chars <= COVERED_CHARS_MAX {
        true => chars,
        false => chars - CLEAR_CHARS,
    };
    let clear = identifier.chars().skip(covered);
    std::iter::repeat_n('•', covered).chain(clear).collect()
}

/// Who should get an item first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PreferredAgents {
    /// True: never anybody else.
    pub required: bool,
    /// At most 10, in the order written.
    pub agents: Vec<PreferredAgent>,
}

/// One preferred agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PreferredAgent {
    /// The user name, 1..64 characters.
    pub name: String,
    /// 1 (best) to 99.
    pub rank: u8,
}

/// One skill an item asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SkillRequirement {
    /// 1..64 characters.
    pub name: String,
    /// 1..9.
    pub level: u8,
    /// Dropped as the distribution widens.
    pub optional: bool,
}

/// How long an item may wait before its first acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// So many milliseconds from the later of receipt and `notBefore`.
    Lifetime {
        /// Milliseconds, positive.
        ms: i64,
    },
    /// At this instant.
    At(Timestamp),
}

/// A link the agent opens in a new tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// 1..100 characters.
    pub name: String,
    /// http or https, at most 2,000 characters.
    pub href: String,
}

/// One free key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactDatum {
    /// 1..100 of `[A-Za-z0-9._-]`.
    pub key: String,
    /// At most 1,024 characters, white space kept.
    pub value: String,
}

/// An attachment as the item holds it: its body lies in the store under `blob`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// A plain file name, 1..255 characters.
    pub name: String,
    /// For example `application/pdf`.
    pub media_type: String,
    /// Decoded length.
    pub length_bytes: u64,
    /// Of the decoded body.
    pub sha256: [u8; 32],
    /// Where the body lies.
    pub blob: BlobId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_identifier_keeps_its_length_and_two_characters_of_a_long_one() {
        for (plain, shown) in [
            ("", ""),
            ("7", "•"),
            ("471", "•••"),
            ("4711", "••••"),
            ("47110", "•••10"),
            ("19700101-0001", "•••••••••••01"),
            ("åäöåäö", "••••äö"),
        ] {
            assert_eq!(masked(plain), shown, "{plain}");
        }
    }
}
