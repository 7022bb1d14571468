//! Alerts and buttons that workflows show to people.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::ids::{Sequence, ServiceId, TenantId};
use super::journal::Actor;
use super::time::Timestamp;
use super::workflow::{Audience, StageNumber};

/// The id of an alert or a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FollowUpId(pub Uuid);

impl fmt::Display for FollowUpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for FollowUpId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<FollowUpId, uuid::Error> {
        Uuid::from_str(text).map(FollowUpId)
    }
}

/// An alert or a button of one item's workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// Its id.
    pub id: FollowUpId,
    /// Of which item.
    pub sequence: Sequence,
    /// Of which tenant.
    pub tenant: TenantId,
    /// The item's service when it was shown.
    pub service: ServiceId,
    /// Name of the workflow.
    pub workflow: String,
    /// The stage that shows it.
    pub stage: StageNumber,
    /// Of how many.
    pub stages: u8,
    /// What it is.
    pub kind: FollowUpKind,
    /// To whom it is shown.
    pub to: Audience,
    /// Since when.
    pub shown_at: Timestamp,
    /// How it went away.
    pub closed: Option<Closed>,
}

impl FollowUp {
    /// Whether `next` is the same, unchanged or closed since: nothing else becomes of a follow-up,
    /// and what is closed stays as it is.
    pub fn may_become(&self, next: &FollowUp) -> bool {
        let closed_since = self.closed.is_none().then(|| FollowUp {
            closed: next.closed.clone(),
            ..self.clone()
        });
        closed_since.as_ref().unwrap_or(self) == next
    }
}

/// What a follow-up is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowUpKind {
    /// Stands until somebody acknowledges it.
    Alert {
        /// What it says.
        text: String,
    },
    /// Stands until somebody pushes it or its stage is left.
    Button {
        /// Of its `button` event.
        name: String,
        /// What stands on it.
        label: String,
    },
}

impl FollowUpKind {
    /// The word in the API.
    pub fn name(&self) -> &'static str {
        match self {
            FollowUpKind::Alert { .. } => "alert",
            FollowUpKind::Button { .. } => "button",
        }
    }

    /// What people read.
    pub fn text(&self) -> &str {
        match self {
            FollowUpKind::Alert { text } => text,
            FollowUpKind::Button { label, .. } => label,
        }
    }
}

/// How an alert or a button went away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// Who acknowledged or pushed it; `None`: its stage was left, or its workflow finished.
    pub by: Option<Actor>,
}
