//! The policy of a rehearsal: that of a configuration with the workflow put in, or a small one in
//! which everything that the workflow names is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::calendar::{OpeningHours, Zone};
use crate::domain::content::Content;
use crate::domain::distribution::DistributionPolicy;
use crate::domain::facts::{Utc, WallClock};
use crate::domain::ids::Priority;
use crate::domain::people::UserName;
use crate::domain::policy::{
    ATTACHMENT_TYPES_DEFAULT, AgentPolicy, BUFFER_ITEMS_MAX_DEFAULT, Policy,
    QUEUE_ITEMS_MAX_DEFAULT, RESULTS_DEFAULT, SenderPolicy, ServicePolicy, TaskType, TenantPolicy,
    WORK_ITEM_KEY_DEFAULT,
};
use crate::domain::workflow::{Action, Audience, Event, Workflow};

use super::script::{Deed, Script, ScriptFault, Verb};
use super::{Play, RehearsalError};

/// The tenant of a rehearsal without a configuration.
const TENANT: &str = "rehearsal";
/// Who sends the message.
const SENDER: &str = "rehearsal";
/// What an item is that says nothing of it, in a rehearsal without a configuration.
const TASK_TYPE: &str = "task";

/// Where a rehearsal takes place.
pub(super) struct Setting {
    pub policy: Arc<Policy>,
    pub tenant: Arc<TenantPolicy>,
    pub sender: Arc<SenderPolicy>,
    /// Everybody whom workflow, message or script name.
    pub agents: BTreeSet<UserName>,
}

impl Setting {
    /// For the values of a message, `content.service` being the service that counts.
    pub(super) fn of(
        play: &Play,
        script: &Script,
        content: &Content,
    ) -> Result<Setting, RehearsalError> {
        let mut policy = match &play.policy {
            Some(policy) => (**policy).clone(),
            None => small(play, script, content),
        };
        let named = tenant_of(&policy, play.tenant.as_deref(), &content.service)?;
        let tenant = policy.tenants.get_mut(&named).expect("it was found there");
        let tenant = Arc::make_mut(tenant);
        put_in(tenant, play, &content.service);
        set_clocks(tenant, script)?;
        let tenant = Arc::new(tenant.clone());
        let sender = Arc::new(SenderPolicy {
            name: SENDER.to_owned(),
            tenant: named,
            key_sha256: Vec::new(),
            client_cert_subject: None,
            services: None,
            rate_per_minute: None,
            receipts: true,
            enabled: true,
            notify: None,
        });
        policy.senders.insert(SENDER.to_owned(), sender.clone());
        Ok(Setting {
            policy: Arc::new(policy),
            tenant,
            sender,
            agents: agents(play, script, content),
        })
    }
}

/// The tenant that has the service, or the one that is asked for.
fn tenant_of(
    policy: &Policy,
    wanted: Option<&str>,
    service: &str,
) -> Result<String, RehearsalError> {
    if let Some(wanted) = wanted {
        return match policy.tenants.contains_key(wanted) {
            true => Ok(wanted.to_owned()),
            false => Err(RehearsalError::Setting(format!(
                "the configuration has no tenant {wanted}"
            ))),
        };
    }
    let having = policy.tenants.values();
    let mut having = having.filter(|tenant| tenant.services.contains_key(service));
    match (having.next(), having.next()) {
        (Some(tenant), None) => Ok(tenant.name.clone()),
        (Some(_), Some(_)) => Err(RehearsalError::Setting(format!(
            "several tenants have a service {service}: say which with --tenant"
        ))),
        (None, _) => Err(RehearsalError::Setting(format!(
            "no tenant of the configuration has a service {service}: say another with --service"
        ))),
    }
}

/// Makes the workflow that of the service, and its follow-ups those that stand beside it.
fn put_in(tenant: &mut TenantPolicy, play: &Play, service: &str) {
    for follow_up in &play.follow_ups {
        tenant
            .workflows
            .insert(follow_up.name.clone(), follow_up.clone());
    }
    let workflow = &play.workflow;
    tenant
        .workflows
        .insert(workflow.name.clone(), workflow.clone());
    for (name, policy) in &mut tenant.services {
        let leads = policy.workflow.as_ref();
        if name == service || leads.is_some_and(|it| it.name == workflow.name) {
            Arc::make_mut(policy).workflow = Some(workflow.clone());
        }
    }
}

/// Zone and hours as the script has them.
fn set_clocks(tenant: &mut TenantPolicy, script: &Script) -> Result<(), RehearsalError> {
    let fault = |line: u32, message: String| RehearsalError::Script(ScriptFault { line, message });
    if let Some((line, name)) = &script.zone {
        let zone = Zone::parse(name).map_err(|error| fault(*line, error.to_string()))?;
        tenant.time_zone = zone.name().to_owned();
        tenant.clock = Arc::new(zone);
    }
    for (line, service, expression) in &script.hours {
        let hours = OpeningHours::compile(expression, &tenant.time_zone, None);
        let hours = hours.map_err(|error| fault(*line, error.to_string()))?;
        let Some(policy) = tenant.services.get_mut(service) else {
            return Err(fault(*line, format!("there is no service {service}")));
        };
        Arc::make_mut(policy).hours = Some(Arc::new(hours));
    }
    Ok(())
}

/// One tenant with everything that workflow, message and script name; open round the clock.
fn small(play: &Play, script: &Script, content: &Content) -> Policy {
    let led = || std::iter::once(&play.workflow).chain(&play.follow_ups);
    let actions = || led().flat_map(|workflow| actions_of(workflow));
    let mut services: BTreeSet<&str> = [content.service.as_str()].into();
    services.extend(actions().filter_map(service_of));
    services.extend(script.hours.iter().map(|(_, service, _)| service.as_str()));
    services.extend(
        script
            .steps
            .iter()
            .flat_map(|step| services_in(step.verb.as_ref())),
    );
    let groups = actions().filter_map(group_of).map(str::to_owned);
    let task_type = content.task_type.as_deref().unwrap_or(TASK_TYPE);
    let outcomes = results(led(), script);
    let task_types = BTreeMap::from([(
        task_type.to_owned(),
        TaskType {
            outcomes,
            wrap_up_ms: None,
        },
    )]);
    let clock: Arc<dyn WallClock> = Arc::new(Utc);
    let tenant = TenantPolicy {
        name: TENANT.to_owned(),
        work_item_key: WORK_ITEM_KEY_DEFAULT.to_owned(),
        attachment_types: ATTACHMENT_TYPES_DEFAULT.map(str::to_owned).into(),
        time_zone: "UTC".to_owned(),
        fair_use: None,
        task_types,
        services: services
            .into_iter()
            .map(|name| (name.to_owned(), Arc::new(service(name, task_type))))
            .collect(),
        agents: AgentPolicy::default(),
        workflows: BTreeMap::new(),
        work_groups: groups.collect(),
        clock,
        show_customer_identifiers: false,
    };
    Policy {
        tenants: [(TENANT.to_owned(), Arc::new(tenant))].into(),
        senders: BTreeMap::new(),
    }
}

fn service(name: &str, task_type: &str) -> ServicePolicy {
    ServicePolicy {
        name: name.to_owned(),
        title: name.to_owned(),
        task_type: Some(task_type.to_owned()),
        receipts: true,
        hours: None,
        priority: Priority::DEFAULT,
        lifetime_ms: None,
        buffer_items_max: BUFFER_ITEMS_MAX_DEFAULT,
        queue_items_max: QUEUE_ITEMS_MAX_DEFAULT,
        contact_data: Vec::new(),
        distribution: DistributionPolicy::default(),
        workflow: None,
    }
}

fn actions_of(workflow: &Workflow) -> impl Iterator<Item = &Action> {
    workflow.stages.iter().flat_map(|stage| &stage.actions)
}

/// The service that an action names.
fn service_of(action: &Action) -> Option<&str> {
    match action {
        Action::Transfer { service, .. } => Some(service),
        Action::CheckOpeningHours { service, .. } | Action::CheckAvailability { service, .. } => {
            service.as_deref()
        }
        _ => None,
    }
}

fn group_of(action: &Action) -> Option<&str> {
    match action {
        Action::Alert { to, .. } | Action::Button { to, .. } => match to {
            Audience::Group(name) => Some(name),
            Audience::Role(_) => None,
        },
        _ => None,
    }
}

fn services_in(verb: Option<&Verb>) -> Vec<&str> {
    use super::script::Attendance;
    match verb {
        Some(Verb::Entrance { service, .. } | Verb::Acts(_, Deed::Transfers(service))) => {
            vec![service]
        }
        Some(Verb::Agent(_, Attendance::Online { services, .. })) => {
            services.iter().flatten().map(String::as_str).collect()
        }
        _ => Vec::new(),
    }
}

/// The results that agents may choose: the usual ones, and those that workflow and script name.
fn results<'a>(led: impl Iterator<Item = &'a Arc<Workflow>>, script: &Script) -> Vec<String> {
    let waited_for = led
        .flat_map(|workflow| &workflow.stages)
        .filter_map(|stage| match &stage.event {
            Event::Ended { result } => result.clone(),
            _ => None,
        });
    let chosen = script.steps.iter().filter_map(|step| match &step.verb {
        Some(Verb::Acts(_, Deed::Ends { result, .. })) => Some(result.clone()),
        _ => None,
    });
    let usual = RESULTS_DEFAULT.map(str::to_owned).into_iter();
    let mut all: Vec<String> = Vec::new();
    for result in usual.chain(waited_for).chain(chosen) {
        if !all.contains(&result) {
            all.push(result);
        }
    }
    all
}

fn agents(play: &Play, script: &Script, content: &Content) -> BTreeSet<UserName> {
    let led = std::iter::once(&play.workflow).chain(&play.follow_ups);
    let actions = led.flat_map(|workflow| actions_of(workflow));
    let queued_to = actions.filter_map(|action| match action {
        Action::QueueToAgent { agent, .. } => agent.parse().ok(),
        _ => None,
    });
    let preferred = content.preferred_agents.iter().flat_map(|it| &it.agents);
    let preferred = preferred.filter_map(|agent| agent.name.parse().ok());
    let acting = script.steps.iter().filter_map(|step| match &step.verb {
        Some(Verb::Agent(name, _) | Verb::Acts(name, _)) => Some(name.clone()),
        _ => None,
    });
    queued_to.chain(preferred).chain(acting).collect()
}
