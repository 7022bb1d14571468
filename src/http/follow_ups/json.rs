//! Follow-ups as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::follow_up::{Closed, FollowUpKind};
use crate::domain::journal::Actor;
use crate::domain::time::Timestamp;
use crate::engine::flows::command::StartedFollowUp;
use crate::engine::people::People;
use crate::http::json::time;
use crate::store::read::ListedFollowUp;

use super::place;
use super::seen::{Found, Page};

/// An alert or a button of a workflow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FollowUp)]
pub struct FollowUpJson {
    id: String,
    /// `alert` or `button`.
    kind: &'static str,
    /// What the alert says, or what stands on the button.
    text: String,
    /// Of the button.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// For whom: a role or a work group.
    to: String,
    tenant: String,
    /// The item's service when it was shown.
    service: String,
    workflow: String,
    /// The stage that shows it, from 1.
    stage: u8,
    /// How many stages the workflow has.
    stages: u8,
    item: String,
    reference: String,
    title: Option<String>,
    item_state: &'static str,
    shown_at: String,
    /// How long it has stood, or stood until it was closed.
    age_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<ClosedJson>,
}

/// How an alert or a button went away.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FollowUpClosed)]
struct ClosedJson {
    at: String,
    /// Who; absent: its workflow left the stage, or finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

impl FollowUpJson {
    /// The follow-up as it stands at `now`.
    pub(in crate::http) fn of(found: Found, people: &People, now: Timestamp) -> FollowUpJson {
        let Found {
            listed:
                ListedFollowUp {
                    follow_up,
                    item,
                    reference,
                    title,
                    state,
                },
            tenant,
            service,
        } = found;
        let end = follow_up.closed.as_ref().map_or(now, |closed| closed.at);
        let name = match &follow_up.kind {
            FollowUpKind::Alert { .. } => None,
            FollowUpKind::Button { name, .. } => Some(name.clone()),
        };
        FollowUpJson {
            id: follow_up.id.to_string(),
            kind: follow_up.kind.name(),
            text: follow_up.kind.text().to_owned(),
            name,
            to: follow_up.to.name().to_owned(),
            tenant,
            service,
            workflow: follow_up.workflow,
            stage: follow_up.stage.0,
            stages: follow_up.stages,
            item: item.to_string(),
            reference,
            title,
            item_state: state.name(),
            shown_at: time(follow_up.shown_at),
            age_ms: end.since_ms(follow_up.shown_at).max(0),
            closed: follow_up.closed.map(|Closed { at, by }| ClosedJson {
                at: time(at),
                by: by.and_then(|by| name_of(by, people)),
            }),
        }
    }
}

/// A person by name; `None`: it was nobody.
fn name_of(by: Actor, people: &People) -> Option<String> {
    match by {
        Actor::User(id) => {
            let account = people.account(id);
            account.map(|account| account.user.name.to_string())
        }
        Actor::Operator(who) => Some(who),
        Actor::Engine | Actor::Sender(_) => None,
    }
}

/// A part of the list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FollowUps)]
pub struct PageJson {
    follow_ups: Vec<FollowUpJson>,
    /// For `after` of the next page; absent: this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How many are open, whatever the page; 1,000 stands for as many or more.
    open: u64,
}

impl PageJson {
    /// The page as it stands at `now`.
    pub(super) fn of(page: Page, people: &People, now: Timestamp) -> PageJson {
        let last = page.found.last().map(|found| &found.listed.follow_up);
        let next = last.filter(|_| page.more);
        PageJson {
            next: next.map(|last| place(last.shown_at, last.id)),
            follow_ups: page
                .found
                .into_iter()
                .map(|found| FollowUpJson::of(found, people, now))
                .collect(),
            open: page.open,
        }
    }
}

/// A follow-up that has been handled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HandledFollowUp)]
pub struct HandledJson {
    #[serde(flatten)]
    pub(super) follow_up: FollowUpJson,
    /// Somebody had done it before.
    pub(super) repeated: bool,
}

/// An item of its own that a workflow leads.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StartedWorkflow)]
pub struct StartedJson {
    /// Its id.
    item: String,
    reference: String,
    state: &'static str,
    version: u32,
    /// It was there before.
    repeated: bool,
}

impl From<StartedFollowUp> for StartedJson {
    fn from(started: StartedFollowUp) -> StartedJson {
        StartedJson {
            item: started.item.to_string(),
            reference: started.reference,
            state: started.state.name(),
            version: started.version,
            repeated: started.repeated,
        }
    }
}
