//! What people can ask the engine to do with items and with their own state.

use crate::domain::agent::{Duty, Presence};
use crate::domain::content::ContactDatum;
use crate::domain::ids::{ItemId, OfferId, Priority, Sequence, TenantId, UserId};
use crate::domain::item::ItemState;
use crate::domain::journal::Actor;
use crate::domain::people::UserName;
use crate::domain::time::Timestamp;
use crate::store::AuditEntry;

/// Characters of an agent's note.
pub const NOTE_CHARS_MAX: usize = 4_000;
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 1_000;

/// Who asks, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// For journal and audit.
    pub actor: Actor,
    /// Who signed in; `None`: the control socket, which may do everything.
    pub user: Option<UserId>,
    /// An address, for the audit.
    pub from: Option<String>,
}

impl By {
    /// The audit of a verb about something of a tenant.
    pub(in crate::engine) fn audited(
        &self,
        at: Timestamp,
        verb: &'static str,
        (tenant, object): (TenantId, String),
    ) -> AuditEntry {
        let from = self.from.clone().map(|from| ("from", from));
        AuditEntry {
            at,
            actor: self.actor.clone(),
            verb,
            tenant: Some(tenant),
            object,
            data: from.into_iter().collect(),
        }
    }
}

/// Somebody does something with an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActOnItem {
    /// Who.
    pub by: By,
    /// Which.
    pub item: ItemId,
    /// What.
    pub verb: ItemVerb,
}

/// What can be done with an item. A `session` is the number that acceptance returned: a verb that
/// carries it and was carried out before gets its answer again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemVerb {
    /// Take the offer that rings; `offer` makes sure that it is that one.
    Accept {
        /// Its number.
        offer: Option<OfferId>,
    },
    /// Leave the offer to somebody else.
    Decline {
        /// Its number.
        offer: Option<OfferId>,
    },
    /// Take the item from the list of a service whose agents choose.
    Take,
    /// End it.
    End {
        /// See [`ItemVerb`].
        session: Option<OfferId>,
        /// One of the task type's set.
        result: String,
        /// In the agent's own words.
        note: Option<String>,
        /// Whether the sender may read the note.
        share: bool,
    },
    /// Put it aside.
    Park {
        /// See [`ItemVerb`].
        session: Option<OfferId>,
        /// Until then; `None`: for as long as the tenant says.
        until: Option<Timestamp>,
        /// Why.
        note: Option<String>,
    },
    /// Go on with it.
    Resume {
        /// See [`ItemVerb`].
        session: Option<OfferId>,
    },
    /// Put it back into its queue, at its old place.
    Requeue {
        /// See [`ItemVerb`].
        session: Option<OfferId>,
        /// Why.
        note: Option<String>,
    },
    /// Hand it on.
    Transfer {
        /// See [`ItemVerb`].
        session: Option<OfferId>,
        /// To whom.
        to: TransferTarget,
        /// Why.
        note: Option<String>,
    },
    /// Change editable contact data: each key gets the value, the others stay.
    Edit {
        /// The version that was read; `None`: whatever it is.
        if_version: Option<u32>,
        /// What.
        contact_data: Vec<ContactDatum>,
    },
    /// Make the wrap-up after it longer, once.
    ExtendWrapUp,
    /// End the wrap-up after it.
    EndWrapUp,
    /// A supervisor ends it.
    Abort {
        /// Why.
        reason: Option<String>,
    },
    /// A supervisor changes its priority.
    Reprioritise {
        /// The new one.
        priority: Priority,
        /// Why.
        reason: Option<String>,
    },
    /// A supervisor says who gets it first, or alone.
    Reassign {
        /// Who.
        agent: UserName,
        /// Never anybody else.
        required: bool,
        /// Why.
        reason: Option<String>,
    },
    /// A supervisor takes it from its agent, back to its place in the queue.
    Release {
        /// Why.
        reason: Option<String>,
    },
    /// A supervisor opens it again, within 7 days of its end.
    Reopen {
        /// Why.
        reason: Option<String>,
    },
}

impl ItemVerb {
    /// The word in addresses and, behind `item.`, in the audit.
    pub fn name(&self) -> &'static str {
        self.audit_name().trim_start_matches("item.")
    }

    /// The word in the audit.
    pub fn audit_name(&self) -> &'static str {
        match self {
            ItemVerb::Accept { .. } => "item.accept",
            ItemVerb::Decline { .. } => "item.decline",
            ItemVerb::Take => "item.take",
            ItemVerb::End { .. } => "item.end",
            ItemVerb::Park { .. } => "item.park",
            ItemVerb::Resume { .. } => "item.resume",
            ItemVerb::Requeue { .. } => "item.requeue",
            ItemVerb::Transfer { .. } => "item.transfer",
            ItemVerb::Edit { .. } => "item.contact-data",
            ItemVerb::ExtendWrapUp => "item.extend-wrap-up",
            ItemVerb::EndWrapUp => "item.end-wrap-up",
            ItemVerb::Abort { .. } => "item.abort",
            ItemVerb::Reprioritise { .. } => "item.priority",
            ItemVerb::Reassign { .. } => "item.reassign",
            ItemVerb::Release { .. } => "item.release",
            ItemVerb::Reopen { .. } => "item.reopen",
        }
    }
}

/// Where a transfer goes: at least one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransferTarget {
    /// Another service of the tenant; `None`: the item's own.
    pub service: Option<String>,
    /// An agent who gets it first.
    pub agent: Option<UserName>,
    /// Never anybody but that agent.
    pub required: bool,
}

/// What came of a verb. The same for its repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acted {
    /// The item's row.
    pub sequence: Sequence,
    /// Its id.
    pub id: ItemId,
    /// Where it stands now.
    pub state: ItemState,
    /// Of the row now.
    pub version: u32,
    /// The agent session that the verb began, went on with or ended.
    pub session: Option<OfferId>,
    /// The end of the wrap-up or of the parking that the verb set.
    pub until: Option<Timestamp>,
}

/// Somebody sets an agent's state; what is `None` is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetState {
    /// Who asks.
    pub by: By,
    /// Whose; another's only for a supervisor.
    pub user: UserId,
    /// Whether there. Volatile.
    pub presence: Option<Presence>,
    /// Services by name, on or off. Durable.
    pub active: std::collections::BTreeMap<String, bool>,
    /// On or off duty, with which profile. Durable.
    pub duty: Option<Duty>,
    /// Why not available; `Some(None)`: available. Durable.
    pub not_available: Option<Option<String>>,
    /// Ready again after an unanswered offer.
    pub ready: bool,
    /// Why it was away or offline, told on return; kept with the states where they are kept.
    pub reason: Option<String>,
}

impl SetState {
    /// Changes nothing yet.
    pub fn of(by: By, user: UserId) -> SetState {
        SetState {
            by,
            user,
            presence: None,
            active: std::collections::BTreeMap::new(),
            duty: None,
            not_available: None,
            ready: false,
            reason: None,
        }
    }
}
