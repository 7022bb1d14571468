//! What the JSON interface shows: names in camelCase, times as in the XML.

use std::path::PathBuf;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::answer::{EntranceStatus, EstimatedWait};
use crate::domain::time::Timestamp;
use crate::engine::view::{ServiceView, View};
use crate::wire::time::format_instant;

/// An instant as text.
pub fn time(at: Timestamp) -> String {
    format_instant(at).as_str().to_owned()
}

/// How long something may wait.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EstimatedWait)]
pub struct EstimatedWaitJson {
    wait_ms: i64,
    computed_at: String,
}

impl From<EstimatedWait> for EstimatedWaitJson {
    fn from(estimated: EstimatedWait) -> EstimatedWaitJson {
        EstimatedWaitJson {
            wait_ms: estimated.wait_ms,
            computed_at: time(estimated.computed_at),
        }
    }
}

/// A service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Service)]
pub struct ServiceJson {
    tenant: String,
    name: String,
    title: String,
    retired: bool,
    entrance: EntranceJson,
    queued: u64,
    buffered: u64,
    scheduled: u64,
    oldest_age_ms: Option<i64>,
    /// Absent when unknown.
    estimated_wait: Option<EstimatedWaitJson>,
}

impl ServiceJson {
    /// The service as it stands at `now`.
    pub fn of(view: &View, service: &ServiceView, now: Timestamp) -> ServiceJson {
        let status = service.status(now);
        let tenant = view.tenants.get(&service.tenant);
        ServiceJson {
            tenant: tenant
                .map(|tenant| tenant.name.to_string())
                .unwrap_or_default(),
            name: status.name,
            title: status.title,
            retired: service.policy.is_none(),
            entrance: EntranceJson::of(&status.entrance),
            queued: status.queued,
            buffered: status.buffered,
            scheduled: service.scheduled,
            oldest_age_ms: status.oldest_age_ms,
            estimated_wait: status.estimated_wait.map(EstimatedWaitJson::from),
        }
    }
}

/// An entrance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Entrance)]
pub struct EntranceJson {
    state: &'static str,
    reasons: Vec<&'static str>,
    releasing: bool,
    opens_at: Option<String>,
    closes_at: Option<String>,
    forced_until: Option<String>,
}

impl EntranceJson {
    /// The entrance at one instant.
    pub fn of(entrance: &EntranceStatus) -> EntranceJson {
        EntranceJson {
            state: entrance.state_name(),
            reasons: entrance
                .reasons
                .iter()
                .map(|reason| reason.name())
                .collect(),
            releasing: entrance.releasing,
            opens_at: entrance.opens_at.map(time),
            closes_at: entrance.closes_at.map(time),
            forced_until: entrance.forced_until.map(time),
        }
    }
}

/// An entrance that was just ordered, with its service's name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderedEntrance)]
pub struct OrderedJson {
    /// Of the service.
    pub name: String,
    /// As it is now.
    pub entrance: EntranceJson,
}

/// A backup that is there.
#[derive(Debug, Serialize)]
pub struct BackedUpJson {
    /// Where.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// How the daemon stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DaemonJson {
    /// Of the program.
    pub version: &'static str,
    /// Since it serves.
    pub uptime_ms: u64,
    /// `open`, `storageFull` or `draining`.
    pub intake: &'static str,
    /// In the configuration or with open items.
    pub services: usize,
    /// Items in all queues.
    pub queued: u64,
    /// Items in front of all entrances.
    pub buffered: u64,
    /// Items that wait for their `notBefore`.
    pub scheduled: u64,
    /// Turns of the engine.
    pub engine_turns: u64,
    /// The database with its write-ahead log.
    pub store_bytes: u64,
    /// What bodies hold of their budget.
    pub body_bytes_in_flight: usize,
}
