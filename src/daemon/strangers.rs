//! People whom workflows name. The configuration cannot know them: users are in the store.

use std::collections::BTreeSet;

use tracing::warn;

use crate::domain::policy::{Policy, TenantPolicy};
use crate::engine::view::View;
use crate::workflow::{self, Known};

/// The agents and work groups that workflows name and nobody has, a sentence each. A group is known
/// where the configuration lists it or a user is in it.
pub fn strangers(policy: &Policy, view: &View) -> Vec<String> {
    let tenants = policy.tenants.values();
    tenants
        .flat_map(|tenant| {
            let known = known(tenant, view);
            let workflows = tenant.workflows.values();
            workflows.flat_map(move |workflow| {
                let faults = workflow::load(&workflow.source, &known).err();
                let (tenant, name) = (tenant.name.clone(), workflow.name.clone());
                let faults = faults.into_iter().flatten();
                faults.map(move |fault| format!("workflow {name} of {tenant}, {fault}"))
            })
        })
        .collect()
}

/// Logs them at start: somebody who was removed must not keep the daemon from starting.
pub fn warn_of_strangers(policy: &Policy, view: &View) {
    for stranger in strangers(policy, view) {
        warn!("{stranger}");
    }
}

/// The tenant's agents and groups, and nothing else.
fn known(tenant: &TenantPolicy, view: &View) -> Known {
    let id = view.tenant_named(&tenant.name).map(|(id, _)| id);
    let accounts = view.people.accounts();
    let own = accounts.filter(|account| Some(account.user.tenant) == id);
    let mut agents = BTreeSet::new();
    let mut groups = tenant.work_groups.clone();
    for account in own {
        let user = &account.user;
        groups.extend(user.work_groups.iter().cloned());
        if view.people.has_agent(user.tenant, user.name.as_str()) {
            agents.insert(user.name.as_str().to_owned());
        }
    }
    Known {
        agents: Some(agents),
        groups: Some(groups),
        ..Known::anything()
    }
}
