//! Agents as JSON, and what may be said of one's state.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::domain::agent::{AgentState, Duty, Presence, Unit, selectable};
use crate::domain::ids::{Sequence, UserId};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::engine::agents::command::{By, SetState};
use crate::engine::agents::view::AgentView;
use crate::engine::view::View;
use crate::http::json::time;
use crate::http::json_request::invalid;

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Agent)]
pub struct AgentJson {
    tenant: String,
    name: String,
    display_name: String,
    /// `offline`, `online`, `busy`, `away`.
    presence: &'static str,
    /// What it is doing: `offline`, `ringing`, `connected`, `wrapUp`, `notAvailable`, `noAnswer`,
    /// `away`, `busy`, `offDuty`, `ready`.
    state: &'static str,
    since: String,
    /// When the state ends by itself, if it does.
    until: Option<String>,
    /// Its services, on or off.
    active: BTreeMap<String, bool>,
    /// `onDuty` or `offDuty`.
    duty: &'static str,
    profile: Option<String>,
    not_available_reason: Option<String>,
    /// Why it was away or offline, as it said on return.
    reason: Option<String>,
    /// It was made away for want of input: it should say why.
    reason_asked: bool,
    capacity: u8,
    units_taken: usize,
    units: Vec<UnitJson>,
    /// Services that can offer it nothing now, and why.
    not_selectable: BTreeMap<String, &'static str>,
}

/// What takes a unit of an agent's capacity.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentUnit)]
struct UnitJson {
    item: String,
    /// `ringing`, `connected`, `wrapUp`.
    kind: &'static str,
    /// The end of the wrap-up.
    until: Option<String>,
    /// The wrap-up was made longer, which may happen once.
    extended: bool,
}

/// Ids of the items that take units.
pub type ItemIds = BTreeMap<Sequence, String>;

impl AgentJson {
    /// The agent as it stands at `now`.
    pub fn of(
        view: &View,
        agent: &AgentView,
        items: &ItemIds,
        reason_asked: bool,
        now: Timestamp,
    ) -> AgentJson {
        let factors = &agent.factors;
        let account = view.people.account(agent.id);
        let tenant = view.tenants.get(&agent.tenant);
        let services = agent.services.iter();
        let services = services.filter_map(|id| view.services.get(id));
        let mut active = BTreeMap::new();
        let mut not_selectable = BTreeMap::new();
        for service in services {
            let name = service.name.to_string();
            active.insert(name.clone(), factors.active.contains(&service.id));
            let Some(policy) = &service.policy else {
                continue;
            };
            let selection = &policy.distribution.selection;
            if let Err(why) = selectable(factors, service.id, selection, now) {
                not_selectable.insert(name, why.name());
            }
        }
        let (duty, profile) = match &factors.duty {
            Duty::Off => ("offDuty", None),
            Duty::On { profile } => ("onDuty", profile.clone()),
        };
        let units = factors.units.iter().filter(|(_, unit)| unit.holds_at(now));
        let standing = account.map(|account| &account.user.standing);
        AgentJson {
            tenant: tenant.map_or_else(String::new, |tenant| tenant.name.to_string()),
            name: agent.name.to_string(),
            display_name: account.map_or_else(String::new, |it| it.user.display_name.clone()),
            presence: factors.presence.name(),
            state: agent.state.name(),
            since: time(agent.since),
            until: ends_at(&agent.state).map(time),
            active,
            duty,
            profile,
            not_available_reason: standing.and_then(|standing| standing.not_available.clone()),
            reason: agent.reason.clone(),
            reason_asked,
            capacity: factors.capacity,
            units_taken: factors.units_taken(now),
            units: units.map(|unit| UnitJson::of(*unit, items)).collect(),
            not_selectable,
        }
    }
}

fn ends_at(state: &AgentState) -> Option<Timestamp> {
    match state {
        AgentState::WrapUp { until } => Some(*until),
        AgentState::NoAnswer { until } => *until,
        AgentState::Offline
        | AgentState::Ringing
        | AgentState::Connected
        | AgentState::NotAvailable { .. }
        | AgentState::Away
        | AgentState::Busy
        | AgentState::OffDuty
        | AgentState::Ready => None,
    }
}

impl UnitJson {
    fn of((sequence, unit): (Sequence, Unit), items: &ItemIds) -> UnitJson {
        let (kind, until, extended) = match unit {
            Unit::Ringing => ("ringing", None, false),
            Unit::Connected => ("connected", None, false),
            Unit::WrapUp { until, extended } => ("wrapUp", Some(until), extended),
        };
        UnitJson {
            item: items.get(&sequence).cloned().unwrap_or_default(),
            kind,
            until: until.map(time),
            extended,
        }
    }
}

/// The items that take units of these agents.
pub fn items_of<'a>(agents: impl Iterator<Item = &'a AgentView>) -> BTreeSet<Sequence> {
    let units = agents.flat_map(|agent| agent.factors.units.iter());
    units.map(|(sequence, _)| *sequence).collect()
}

/// What is said of an agent's state. What is left out stays as it is.
#[derive(Deserialize, Default, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AgentStateChange)]
pub(in crate::http) struct StateJson {
    /// `offline`, `online`, `busy`, `away`.
    presence: Option<String>,
    /// Services by name, on or off.
    active: Option<BTreeMap<String, bool>>,
    /// `onDuty` or `offDuty`.
    duty: Option<String>,
    /// The responsibility profile while on duty; `null`: one's own skills.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    profile: Option<Option<String>>,
    /// Why not available; `null`: available.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    not_available_reason: Option<Option<String>>,
    /// True: ready again after an unanswered offer.
    ready: Option<bool>,
    /// Why one was away or offline.
    reason: Option<String>,
}

/// `null` is something else than nothing said.
fn said<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl StateJson {
    /// The change of that user's state.
    pub(in crate::http) fn change(
        self,
        by: By,
        user: UserId,
        now: &Duty,
    ) -> Result<SetState, Refusal> {
        let presence = self.presence.as_deref().map(|name| {
            let presence = Presence::parse(name);
            presence.ok_or_else(|| invalid("presence is offline, online, busy or away."))
        });
        let kept = match now {
            Duty::On { profile } => profile.clone(),
            Duty::Off => None,
        };
        let duty = match (self.duty.as_deref(), self.profile) {
            (None, None) => None,
            (Some("offDuty"), None | Some(None)) => Some(Duty::Off),
            (Some("onDuty"), profile) => Some(Duty::On {
                profile: profile.unwrap_or(kept),
            }),
            (None, Some(profile)) if *now != Duty::Off => Some(Duty::On { profile }),
            (None, Some(None)) => None,
            (Some("offDuty") | None, Some(Some(_))) => {
                return Err(invalid("A profile goes with duty onDuty."));
            }
            (Some(_), _) => return Err(invalid("duty is onDuty or offDuty.")),
        };
        Ok(SetState {
            presence: presence.transpose()?,
            active: self.active.unwrap_or_default(),
            duty,
            not_available: self.not_available_reason,
            ready: self.ready.unwrap_or(false),
            reason: self.reason,
            ..SetState::of(by, user)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::journal::Actor;

    fn change(body: &str, now: &Duty) -> Result<SetState, Refusal> {
        let body: StateJson = serde_json::from_str(body).expect("it is well formed");
        let by = By {
            actor: Actor::Engine,
            user: None,
            from: None,
        };
        body.change(by, UserId(1), now)
    }

    fn on(profile: Option<&str>) -> Duty {
        Duty::On {
            profile: profile.map(str::to_owned),
        }
    }

    #[test]
    fn a_profile_goes_with_duty() {
        let (day, own) = (on(Some("day")), on(None));
        let table = [
            ("{}", &Duty::Off, Some(None)),
            (r#"{"duty":"offDuty"}"#, &day, Some(Some(Duty::Off))),
            (r#"{"duty":"onDuty"}"#, &day, Some(Some(day.clone()))),
            (r#"{"duty":"onDuty"}"#, &Duty::Off, Some(Some(own.clone()))),
            (
                r#"{"duty":"onDuty","profile":null}"#,
                &day,
                Some(Some(own.clone())),
            ),
            (
                r#"{"duty":"onDuty","profile":"day"}"#,
                &Duty::Off,
                Some(Some(day.clone())),
            ),
            (r#"{"profile":"day"}"#, &own, Some(Some(day.clone()))),
            (r#"{"profile":"day"}"#, &Duty::Off, None),
            (r#"{"duty":"offDuty","profile":"day"}"#, &own, None),
            (r#"{"duty":"on"}"#, &own, None),
        ];
        for (body, now, expected) in table {
            let duty = change(body, now).ok().map(|change| change.duty);
            assert_eq!(duty, expected, "{body} {now:?}");
        }
    }

    #[test]
    fn null_makes_available_and_nothing_said_leaves_it() {
        let reason = |body: &str| change(body, &Duty::Off).expect("it is right").not_available;
        assert_eq!(reason("{}"), None);
        assert_eq!(reason(r#"{"notAvailableReason":null}"#), Some(None));
        let lunch = Some(Some("lunch".to_owned()));
        assert_eq!(reason(r#"{"notAvailableReason":"lunch"}"#), lunch);
    }
}
