//! What a workflow names outside itself must be there.

use crate::domain::people::Role;
use crate::domain::workflow::{Action, Audience};
use crate::workflow::fault::{Faults, Rule};
use crate::workflow::known::{Known, has};
use crate::workflow::tree::Tree;

pub(super) fn check(tree: &Tree<'_>, known: &Known, faults: &mut Faults) {
    for (_, action) in tree.actions() {
        let named = named(&action.action, tree, known);
        if let Some((attribute, rule, message)) = named {
            faults.add(action.element.place_of(attribute), rule, message);
        }
    }
}

/// What an action names that is not there: the attribute, the rule, what to do. A bad value has
/// its own fault and is empty here.
fn named(action: &Action, tree: &Tree<'_>, known: &Known) -> Option<(&'static str, Rule, String)> {
    match action {
        Action::CheckOpeningHours { service, .. } | Action::CheckAvailability { service, .. } => {
            service_is_there(service.as_deref()?, known)
        }
        Action::Transfer { service, .. } => service_is_there(service, known),
        Action::QueueToAgent { agent, .. } => {
            let missing = !agent.is_empty() && !has(known.agents.as_ref(), agent);
            let message = format!("There is no agent {agent}: name one who is there.");
            missing.then_some(("agent", Rule::UnknownAgent, message))
        }
        Action::SetContactData { key, .. } => {
            let missing = !key.is_empty() && !has(known.keys.as_ref(), key);
            let message = format!("The service declares no key {key}: declare it.");
            missing.then_some(("key", Rule::UnknownKey, message))
        }
        Action::Alert { to, .. } | Action::Button { to, .. } => somebody_is_there(to, known),
        Action::StartWorkflow { name } if !name.is_empty() => {
            let itself = *name == tree.name;
            let message = "Lead back with goto: a workflow may not start itself.".to_owned();
            let missing = !has(known.workflows.as_ref(), name);
            match (itself, missing) {
                (true, _) => Some(("name", Rule::StartsItself, message)),
                (false, true) => {
                    let message = format!("There is no workflow {name}: name one that is there.");
                    Some(("name", Rule::UnknownWorkflow, message))
                }
                (false, false) => None,
            }
        }
        Action::StartWorkflow { .. }
        | Action::Wait { .. }
        | Action::SetPriority { .. }
        | Action::RaisePriority { .. }
        | Action::Check { .. }
        | Action::Queue(_)
        | Action::ForceQueue
        | Action::RelaxSkills
        | Action::Notify { .. }
        | Action::Cancel { .. }
        | Action::Goto(_)
        | Action::Finish => None,
    }
}

fn service_is_there(service: &str, known: &Known) -> Option<(&'static str, Rule, String)> {
    let missing = !service.is_empty() && !has(known.services.as_ref(), service);
    let message = format!("There is no service {service}: name one that is there.");
    missing.then_some(("service", Rule::UnknownService, message))
}

fn somebody_is_there(to: &Audience, known: &Known) -> Option<(&'static str, Rule, String)> {
    let message = match to {
        Audience::Role(Role::Agent | Role::Supervisor | Role::Admin) => return None,
        Audience::Role(Role::Auditor) => {
            "Name agent, supervisor, admin or a work group: auditors change nothing.".to_owned()
        }
        Audience::Group(name) if name.is_empty() || has(known.groups.as_ref(), name) => {
            return None;
        }
        Audience::Group(name) => {
            format!("There is no work group {name}: name one, or agent, supervisor or admin.")
        }
    };
    Some(("to", Rule::UnknownGroup, message))
}
