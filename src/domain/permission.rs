//! Who may do what, where: one table.
//!
//! [`reach`] is the table, [`may`] reads it for a user. Whoever acts asks it on the server, for
//! every action, with the place the action is about; what a page shows asks [`may_somewhere`].

use std::collections::BTreeSet;

use super::ids::{ServiceId, TenantId};
use super::people::{Role, User};

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// See and change one's own state, offers, items, password and tokens.
    KeepOwnState,
    /// Accept, decline, end, park, resume, requeue, transfer and edit one's own items.
    WorkOnItem,
    /// Take an item from the list of a service whose agents choose.
    PickItem,
    /// Create an item by form, start a follow-up.
    CreateItem,
    /// See a service: its entrance and its counts.
    SeeService,
    /// See waiting items and items of others, with their traces.
    SeeItem,
    /// See the state of agents.
    SeeAgents,
    /// Open and close the entrance, enter dated exceptions.
    OrderEntrance,
    /// Abort, reprioritise, reassign, requeue, transfer, release and reopen items of others.
    DirectItem,
    /// Set an agent off duty.
    DirectAgent,
    /// See alerts and buttons of workflows: those for one's role or work groups, else everything.
    SeeFollowUp,
    /// Acknowledge the alerts and push the buttons that are for one's role or work groups.
    HandleFollowUp,
    /// Search customers and see their items.
    SeeCustomers,
    /// See identifiers of customers unmasked where the tenant hides them.
    SeeIdentifiers,
    /// Export and anonymise a customer.
    EraseCustomer,
    /// See reports.
    SeeReports,
    /// See notifications.
    SeeNotifications,
    /// Replay a parked notification.
    ReplayNotification,
    /// See users with their roles and skills.
    SeeUsers,
    /// Add, change and deactivate users, set their passwords.
    ChangeUsers,
    /// See who did what.
    SeeAudit,
    /// See the configuration in force and the health of the daemon.
    SeeHealth,
    /// Back up and reload the configuration.
    RunDaemon,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 23] = [
        Action::KeepOwnState,
        Action::WorkOnItem,
        Action::PickItem,
        Action::CreateItem,
        Action::SeeService,
        Action::SeeItem,
        Action::SeeAgents,
        Action::OrderEntrance,
        Action::DirectItem,
        Action::DirectAgent,
        Action::SeeFollowUp,
        Action::HandleFollowUp,
        Action::SeeCustomers,
        Action::SeeIdentifiers,
        Action::EraseCustomer,
        Action::SeeReports,
        Action::SeeNotifications,
        Action::ReplayNotification,
        Action::SeeUsers,
        Action::ChangeUsers,
        Action::SeeAudit,
        Action::SeeHealth,
        Action::RunDaemon,
    ];
}

/// How far a role reaches with an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// Not at all.
    Nowhere,
    /// Only what is one's own.
    Own,
    /// The services one is a member of, and what is one's own.
    Membership,
    /// The services one is a supervisor of, and what is one's own.
    Supervised,
    /// Everything in one's tenant.
    Tenant,
}

/// What an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// The user's own state, items and tokens.
    Own,
    /// A service, and what belongs to it.
    Service(TenantId, ServiceId),
    /// Something of a tenant that belongs to no single service.
    Tenant(TenantId),
}

/// The table. A role has its own line only; that admin holds supervisor holds agent is said by
/// [`User::is`] and added by [`may`].
pub fn reach(role: Role, action: Action) -> Reach {
    use Reach::{Membership, Nowhere, Own, Supervised, Tenant};
    let [agent, supervisor, auditor, admin] = match action {
        Action::KeepOwnState => [Own, Own, Own, Own],
        Action::WorkOnItem => [Own, Own, Nowhere, Own],
        Action::PickItem => [Membership, Membership, Nowhere, Membership],
        Action::CreateItem => [Membership, Supervised, Nowhere, Tenant],
        Action::SeeService => [Membership, Supervised, Tenant, Tenant],
        Action::SeeItem => [Own, Supervised, Tenant, Tenant],
        Action::SeeAgents => [Nowhere, Supervised, Tenant, Tenant],
        Action::OrderEntrance => [Nowhere, Supervised, Nowhere, Tenant],
        Action::DirectItem => [Nowhere, Supervised, Nowhere, Tenant],
        Action::DirectAgent => [Nowhere, Supervised, Nowhere, Tenant],
        // What is one's own is what is for one of one's work groups.
        Action::SeeFollowUp => [Membership, Supervised, Tenant, Tenant],
        Action::HandleFollowUp => [Membership, Supervised, Nowhere, Tenant],
        Action::SeeCustomers => [Nowhere, Supervised, Tenant, Tenant],
        Action::SeeIdentifiers => [Nowhere, Nowhere, Nowhere, Tenant],
        Action::EraseCustomer => [Nowhere, Nowhere, Nowhere, Tenant],
        Action::SeeReports => [Nowhere, Supervised, Tenant, Tenant],
        Action::SeeNotifications => [Nowhere, Supervised, Tenant, Tenant],
        Action::ReplayNotification => [Nowhere, Supervised, Nowhere, Tenant],
        Action::SeeUsers => [Nowhere, Nowhere, Tenant, Tenant],
        Action::ChangeUsers => [Nowhere, Nowhere, Nowhere, Tenant],
        Action::SeeAudit => [Nowhere, Nowhere, Tenant, Tenant],
        Action::SeeHealth => [Nowhere, Nowhere, Tenant, Tenant],
        Action::RunDaemon => [Nowhere, Nowhere, Nowhere, Tenant],
    };
    match role {
        Role::Agent => agent,
        Role::Supervisor => supervisor,
        Role::Auditor => auditor,
        Role::Admin => admin,
    }
}

/// Whether the user may do that there. Somebody deactivated may nothing.
pub fn may(user: &User, action: Action, target: Target) -> bool {
    user.enabled
        && reaches(user, action).any(|reach| match target {
            Target::Own => reach >= Reach::Own,
            Target::Service(tenant, service) => {
                tenant == user.tenant && covers(user, reach, service)
            }
            Target::Tenant(tenant) => tenant == user.tenant && reach == Reach::Tenant,
        })
}

/// Whether there is anything the user may do that with: for what is shown, never for what is done.
pub fn may_somewhere(user: &User, action: Action) -> bool {
    user.enabled
        && reaches(user, action).any(|reach| match reach {
            Reach::Nowhere => false,
            Reach::Own | Reach::Tenant => true,
            Reach::Membership => !user.services.is_empty(),
            Reach::Supervised => !user.supervisor_of.is_empty(),
        })
}

/// Services an action may be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of the user's tenant.
    Tenant,
    /// These; may be none.
    Services(BTreeSet<ServiceId>),
}

/// The services with which the user may do that: what lists are narrowed to.
pub fn scope(user: &User, action: Action) -> Scope {
    let mut services = BTreeSet::new();
    if !user.enabled {
        return Scope::Services(services);
    }
    for reach in reaches(user, action) {
        match reach {
            Reach::Nowhere | Reach::Own => {}
            Reach::Membership => services.extend(&user.services),
            Reach::Supervised => services.extend(&user.supervisor_of),
            Reach::Tenant => return Scope::Tenant,
        }
    }
    Scope::Services(services)
}

/// How far each role that the user has, or holds in another, reaches.
fn reaches(user: &User, action: Action) -> impl Iterator<Item = Reach> {
    let held = Role::ALL.into_iter().filter(|role| user.is(*role));
    held.map(move |role| reach(role, action))
}

fn covers(user: &User, reach: Reach, service: ServiceId) -> bool {
    match reach {
        Reach::Nowhere | Reach::Own => false,
        Reach::Membership => user.services.contains(&service),
        Reach::Supervised => user.supervisor_of.contains(&service),
        Reach::Tenant => true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::ids::UserId;
    use crate::domain::people::{Capacity, Skills, Standing};

    const HOME: TenantId = TenantId(1);
    const MEMBER_OF: ServiceId = ServiceId(1);
    const SUPERVISED: ServiceId = ServiceId(2);
    const STRANGE: ServiceId = ServiceId(3);

    fn user(roles: &[Role]) -> User {
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
            work_groups: BTreeSet::new(),
            enabled: true,
            standing: Standing::default(),
            version: 1,
        }
    }

    /// What a user with one role may: own, member's service, supervised service, strange service,
    /// tenant; as letters `o m s x t`, or `-`.
    fn shown(role: Role, action: Action) -> String {
        let user = user(&[role]);
        let targets = [
            ('o', Target::Own),
            ('m', Target::Service(HOME, MEMBER_OF)),
            ('s', Target::Service(HOME, SUPERVISED)),
            ('x', Target::Service(HOME, STRANGE)),
            ('t', Target::Tenant(HOME)),
        ];
        let letters = targets.map(|(letter, target)| match may(&user, action, target) {
            true => letter,
            false => '-',
        });
        letters.into_iter().collect()
    }

    #[test]
    fn the_table_says_who_may_do_what_where() {
        // agent, supervisor, auditor, admin
        let expected = [
            (Action::KeepOwnState, ["o----", "o----", "o----", "o----"]),
            (Action::WorkOnItem, ["o----", "o----", "-----", "o----"]),
            (Action::PickItem, ["om---", "om---", "-----", "om---"]),
            (Action::CreateItem, ["om---", "oms--", "-----", "omsxt"]),
            (Action::SeeService, ["om---", "oms--", "omsxt", "omsxt"]),
            (Action::SeeItem, ["o----", "o-s--", "omsxt", "omsxt"]),
            (Action::SeeAgents, ["-----", "o-s--", "omsxt", "omsxt"]),
            (Action::OrderEntrance, ["-----", "o-s--", "-----", "omsxt"]),
            (Action::DirectItem, ["-----", "o-s--", "-----", "omsxt"]),
            (Action::DirectAgent, ["-----", "o-s--", "-----", "omsxt"]),
            (Action::SeeFollowUp, ["om---", "oms--", "omsxt", "omsxt"]),
            (Action::HandleFollowUp, ["om---", "oms--", "-----", "omsxt"]),
            (Action::SeeCustomers, ["-----", "o-s--", "omsxt", "omsxt"]),
            (Action::SeeIdentifiers, ["-----", "-----", "-----", "omsxt"]),
            (Action::EraseCustomer, ["-----", "-----", "-----", "omsxt"]),
            (Action::SeeReports, ["-----", "o-s--", "omsxt", "omsxt"]),
            (
                Action::SeeNotifications,
                ["-----", "o-s--", "omsxt", "omsxt"],
            ),
            (
                Action::ReplayNotification,
                ["-----", "o-s--", "-----", "omsxt"],
            ),
            (Action::SeeUsers, ["-----", "-----", "omsxt", "omsxt"]),
            (Action::ChangeUsers, ["-----", "-----", "-----", "omsxt"]),
            (Action::SeeAudit, ["-----", "-----", "omsxt", "omsxt"]),
            (Action::SeeHealth, ["-----", "-----", "omsxt", "omsxt"]),
            (Action::RunDaemon, ["-----", "-----", "-----", "omsxt"]),
        ];
        let actions: Vec<Action> = expected.iter().map(|(action, _)| *action).collect();
        assert_eq!(actions, Action::ALL, "every action is in the table");
        for (action, by_role) in expected {
            let shown = Role::ALL.map(|role| shown(role, action));
            assert_eq!(shown.each_ref().map(String::as_str), by_role, "{action:?}");
        }
    }

    #[test]
    fn the_auditor_changes_nothing_but_their_own_state() {
        let reading = [
            Action::KeepOwnState,
            Action::SeeService,
            Action::SeeItem,
            Action::SeeAgents,
            Action::SeeFollowUp,
            Action::SeeCustomers,
            Action::SeeReports,
            Action::SeeNotifications,
            Action::SeeUsers,
            Action::SeeAudit,
            Action::SeeHealth,
        ];
        for action in Action::ALL {
            let allowed = may_somewhere(&user(&[Role::Auditor]), action);
            assert_eq!(allowed, reading.contains(&action), "{action:?}");
        }
    }

    #[test]
    fn nobody_reaches_into_another_tenant() {
        let other = TenantId(2);
        let admin = user(&Role::ALL);
        for action in Action::ALL {
            assert!(!may(&admin, action, Target::Tenant(other)), "{action:?}");
            for service in [MEMBER_OF, SUPERVISED, STRANGE] {
                let target = Target::Service(other, service);
                assert!(!may(&admin, action, target), "{action:?}");
            }
        }
    }

    #[test]
    fn whoever_is_deactivated_or_has_no_role_may_nothing() {
        let mut off = user(&Role::ALL);
        off.enabled = false;
        for action in Action::ALL {
            for user in [&off, &user(&[])] {
                assert!(!may(user, action, Target::Own), "{action:?}");
                assert!(!may(user, action, Target::Tenant(HOME)), "{action:?}");
                assert!(!may_somewhere(user, action), "{action:?}");
                assert_eq!(scope(user, action), Scope::Services(BTreeSet::new()));
            }
        }
    }

    #[test]
    fn roles_add_up_and_lists_are_narrowed_to_them() {
        let both = user(&[Role::Supervisor]);
        let services = [MEMBER_OF, SUPERVISED].into();
        assert_eq!(scope(&both, Action::SeeService), Scope::Services(services));
        let supervised = [SUPERVISED].into();
        assert_eq!(scope(&both, Action::SeeItem), Scope::Services(supervised));
        let auditor = user(&[Role::Agent, Role::Auditor]);
        assert_eq!(scope(&auditor, Action::SeeItem), Scope::Tenant);
        assert!(may(&auditor, Action::WorkOnItem, Target::Own));
    }

    #[test]
    fn a_supervisor_of_nothing_sees_no_button() {
        let mut idle = user(&[Role::Supervisor]);
        idle.supervisor_of.clear();
        assert!(!may_somewhere(&idle, Action::OrderEntrance));
        assert!(may_somewhere(
            &user(&[Role::Supervisor]),
            Action::OrderEntrance
        ));
    }
}
