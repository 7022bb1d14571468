//! Whose follow-ups are whose: what a workflow shows is for those it names, and for whoever reaches
//! the whole tenant.

use std::collections::BTreeSet;

use super::follow_up::FollowUp;
use super::ids::{ServiceId, TenantId};
use super::people::{Role, User};
use super::permission::{Action, Target, may};
use super::workflow::Audience;

/// With which follow-ups of a tenant somebody may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowUpScope {
    /// With all of them.
    Tenant(TenantId),
    /// With those shown to one of these; may be none.
    Audiences(TenantId, Vec<Shown>),
}

/// An audience that somebody is part of, and in which services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// To whom it is shown.
    pub to: Audience,
    /// Of these services; `None`: of all of the tenant.
    pub services: Option<BTreeSet<ServiceId>>,
}

impl FollowUpScope {
    /// With which follow-ups the user may do that, [`Action::SeeFollowUp`] or
    /// [`Action::HandleFollowUp`]: agents with those for agents of the services they are a member of,
    /// supervisors with those for supervisors of the services they see to, both with those of their
    /// work groups.
    pub fn of(user: &User, action: Action) -> FollowUpScope {
        let tenant = user.tenant;
        if may(user, action, Target::Tenant(tenant)) {
            return FollowUpScope::Tenant(tenant);
        }
        let mut shown = Vec::new();
        if may(user, action, Target::Own) {
            for (role, services) in [
                (Role::Agent, &user.services),
                (Role::Supervisor, &user.supervisor_of),
            ] {
                if user.is(role) && !services.is_empty() {
                    let to = Audience::Role(role);
                    let services = Some(services.clone());
                    shown.push(Shown { to, services });
                }
            }
            let groups = user.work_groups.iter().cloned();
            shown.extend(groups.map(|group| Shown {
                to: Audience::Group(group),
                services: None,
            }));
        }
        FollowUpScope::Audiences(tenant, shown)
    }

    /// Whether the follow-up is among them.
    pub fn holds(&self, follow_up: &FollowUp) -> bool {
        match self {
            FollowUpScope::Tenant(tenant) => *tenant == follow_up.tenant,
            FollowUpScope::Audiences(tenant, shown) => {
                *tenant == follow_up.tenant && shown.iter().any(|shown| shown.holds(follow_up))
            }
        }
    }

    /// Of which tenant they are.
    pub fn tenant(&self) -> TenantId {
        match self {
            FollowUpScope::Tenant(tenant) | FollowUpScope::Audiences(tenant, _) => *tenant,
        }
    }
}

impl Shown {
    fn holds(&self, follow_up: &FollowUp) -> bool {
        let services = self.services.as_ref();
        self.to == follow_up.to
            && services.is_none_or(|services| services.contains(&follow_up.service))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::domain::follow_up::{FollowUpId, FollowUpKind};
    use crate::domain::ids::{Sequence, UserId};
    use crate::domain::people::{Capacity, Skills, Standing};
    use crate::domain::time::Timestamp;
    use crate::domain::workflow::StageNumber;

    const HOME: TenantId = TenantId(1);
    const MEMBER_OF: ServiceId = ServiceId(1);
    const SUPERVISED: ServiceId = ServiceId(2);
    const STRANGE: ServiceId = ServiceId(3);

    fn user(roles: &[Role], groups: &[&str]) -> User {
        User {
            id: UserId(1),
            tenant: HOME,
            name: "anna".parse().expect("a name"),
            display_name: "Anna".to_owned(),
            roles: roles.iter().copied().collect(),
            services: [MEMBER_OF].into(),
            supervisor_of: [SUPERVISED].into(),
            skills: Skills::new(),
            profiles: BTreeMap::new(),
            capacity: Capacity::DEFAULT,
            work_groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            enabled: true,
            standing: Standing::default(),
            version: 1,
        }
    }

    fn alert(service: ServiceId, to: &str) -> FollowUp {
        FollowUp {
            id: FollowUpId(Uuid::nil()),
            sequence: Sequence(1),
            tenant: HOME,
            service,
            workflow: "loan".to_owned(),
            stage: StageNumber(1),
            stages: 2,
            kind: FollowUpKind::Alert {
                text: "Look".to_owned(),
            },
            to: Audience::of(to),
            shown_at: Timestamp(0),
            closed: None,
        }
    }

    /// For each audience the services whose follow-ups the user may do that with, as letters
    /// `m s x` (member's, supervised, strange).
    fn reached(user: &User, action: Action) -> [String; 4] {
        let scope = FollowUpScope::of(user, action);
        ["agent", "supervisor", "admin", "back"].map(|to| {
            let services = [('m', MEMBER_OF), ('s', SUPERVISED), ('x', STRANGE)];
            let held = services
                .iter()
                .filter(|(_, service)| scope.holds(&alert(*service, to)));
            held.map(|(letter, _)| letter).collect()
        })
    }

    #[test]
    fn a_follow_up_is_for_those_it_names_and_for_who_reaches_the_tenant() {
        let all = ["msx"; 4];
        // roles, groups, seen, handled: by agent, supervisor, admin, group `back`
        type Row<'a> = (&'a [Role], &'a [&'a str], [&'a str; 4], [&'a str; 4]);
        let table: [Row; 8] = [
            (&[], &["back"], [""; 4], [""; 4]),
            (&[Role::Agent], &[], ["m", "", "", ""], ["m", "", "", ""]),
            (
                &[Role::Agent],
                &["back", "front"],
                ["m", "", "", "msx"],
                ["m", "", "", "msx"],
            ),
            (
                &[Role::Supervisor],
                &[],
                ["m", "s", "", ""],
                ["m", "s", "", ""],
            ),
            (&[Role::Auditor], &[], all, [""; 4]),
            (&[Role::Auditor], &["back"], all, [""; 4]),
            (&[Role::Auditor, Role::Agent], &[], all, ["m", "", "", ""]),
            (&[Role::Admin], &[], all, all),
        ];
        for (roles, groups, seen, handled) in table {
            let user = user(roles, groups);
            let case = format!("{roles:?} {groups:?}");
            assert_eq!(reached(&user, Action::SeeFollowUp), seen, "{case}");
            assert_eq!(reached(&user, Action::HandleFollowUp), handled, "{case}");
        }
    }

    #[test]
    fn nobody_reaches_follow_ups_of_another_tenant() {
        for role in Role::ALL {
            let user = user(&[role], &["back"]);
            let scope = FollowUpScope::of(&user, Action::SeeFollowUp);
            assert_eq!(scope.tenant(), HOME);
            for to in ["agent", "supervisor", "admin", "back"] {
                let foreign = FollowUp {
                    tenant: TenantId(2),
                    ..alert(MEMBER_OF, to)
                };
                assert!(!scope.holds(&foreign), "{role:?} {to}");
            }
        }
    }

    #[test]
    fn whoever_is_deactivated_reaches_nothing() {
        let mut off = user(&Role::ALL, &["back"]);
        off.enabled = false;
        for action in [Action::SeeFollowUp, Action::HandleFollowUp] {
            assert_eq!(reached(&off, action), [""; 4]);
        }
    }
}
