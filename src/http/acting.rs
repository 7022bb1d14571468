//! On whose behalf a request is carried out, put among its extensions by whoever mounts the routes:
//! the control socket acts as admin of every tenant, the console as the user who signed in.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::code::Code;
use crate::domain::ids::TenantId;
use crate::domain::journal::Actor;
use crate::domain::permission::{Action, Scope, Target, may, scope};
use crate::domain::refusal::Refusal;
use crate::engine::agents::command::By;
use crate::engine::view::{ServiceView, View};
use crate::store::people::Account;

/// See the module.
#[derive(Clone)]
pub struct Acting {
    /// For the audit.
    pub actor: Actor,
    /// The address, for the audit.
    pub from: Option<String>,
    /// Who signed in; `None`: the control socket.
    pub user: Option<Arc<Account>>,
}

impl Acting {
    /// The same for the engine, which asks once more whether it may be done.
    pub fn by(&self) -> By {
        By {
            actor: self.actor.clone(),
            user: self.user.as_ref().map(|account| account.user.id),
            from: self.from.clone(),
        }
    }

    /// Whether that may be done there.
    pub fn may(&self, action: Action, target: Target) -> bool {
        let user = self.user.as_ref();
        user.is_none_or(|account| may(&account.user, action, target))
    }

    /// The same with everything in a tenant.
    pub fn may_in(&self, action: Action, tenant: TenantId) -> bool {
        self.may(action, Target::Tenant(tenant))
    }

    /// The same with one service.
    pub fn may_with(&self, action: Action, service: &ServiceView) -> bool {
        self.may(action, Target::Service(service.tenant, service.id))
    }

    /// Refuses whoever may not do that at home, before anything is looked up.
    ///
    /// # Errors
    /// `notAuthorised`.
    pub fn check_at_home(&self, action: Action) -> Result<(), Refusal> {
        match &self.user {
            None => Ok(()),
            Some(account) if self.may_in(action, account.user.tenant) => Ok(()),
            Some(_) => Err(not_allowed()),
        }
    }

    /// Refuses whoever may do that with no service at all.
    ///
    /// # Errors
    /// `notAuthorised`.
    pub fn check_anywhere(&self, action: Action) -> Result<(), Refusal> {
        let nowhere = Scope::Services(BTreeSet::new());
        match &self.user {
            Some(account) if scope(&account.user, action) == nowhere => Err(not_allowed()),
            Some(_) | None => Ok(()),
        }
    }

    /// The name of the user's tenant; `None` for the control socket, which has all.
    ///
    /// # Errors
    /// `notAuthorised` for a user whose tenant is out of the configuration.
    pub fn home(&self, view: &View) -> Result<Option<String>, Refusal> {
        let Some(account) = &self.user else {
            return Ok(None);
        };
        let tenant = view.tenants.get(&account.user.tenant);
        let tenant = tenant.ok_or_else(not_allowed)?;
        Ok(Some(tenant.name.to_string()))
    }
}

/// What somebody is told who may not do what they ask for.
pub fn not_allowed() -> Refusal {
    Refusal::new(Code::NotAuthorised, "You may not do that.")
}
