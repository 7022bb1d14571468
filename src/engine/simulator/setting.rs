//! Where a life takes place: two tenants, services of every mode, the people who work there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::agent::{Presence, SelectableBy, Selection};
use crate::domain::distribution::{DistributionLevel, DistributionPolicy, Mode, SkillsAsked};
use crate::domain::people::{Capacity, Role, SkillLevel, Skills, UserName, UserPatch};
use crate::domain::policy::{
    AgentPolicy, KeyDeclaration, Policy, SenderPolicy, ServicePolicy, TaskType, TenantPolicy,
};
use crate::engine::people::change::Edit;
use crate::engine::world::{DAY, HOUR, MINUTE, OfficeHours, SECOND, policy, sender, service};

/// Queue and buffer of the small services: small enough to be full now and then.
pub(in crate::engine) const SMALL_QUEUE: u32 = 6;
pub(in crate::engine) const SMALL_BUFFER: u32 = 12;
/// Open items of the bank.
const FAIR_USE: u32 = 30;

/// Senders with the services they send to; one sends twice as much.
pub(super) const SENDERS: [(&str, &[&str]); 4] = [
    ("core", &BANK_SERVICES),
    ("core", &BANK_SERVICES),
    ("web", &BANK_SERVICES),
    ("isle", &["ferry"]),
];
pub(super) const BANK_SERVICES: [&str; 4] = ["loans", "claims", "office", "cases"];
pub(super) const SERVICES: [&str; 5] = ["loans", "claims", "office", "cases", "ferry"];
pub(super) const SKILLS: [&str; 2] = ["law", "french"];
/// Those who handle what workflows show.
pub(super) const BACK_OFFICE: &str = "backoffice";
/// Everybody who may work on items, and one who only supervises.
pub(super) const PEOPLE: [&str; 8] = ["anna", "bo", "cleo", "dan", "eva", "finn", "gro", "sue"];

pub(in crate::engine) fn full_policy() -> Policy {
    policy_with_limits(SMALL_QUEUE, SMALL_BUFFER)
}

/// The small services take that many.
pub(super) fn policy_with_limits(queue: u32, buffer: u32) -> Policy {
    let small = |name: &str| ServicePolicy {
        queue_items_max: queue,
        buffer_items_max: buffer,
        ..service(name)
    };
    let loans = ServicePolicy {
        contact_data: vec![KeyDeclaration {
            key: "phone".to_owned(),
            editable: true,
            ..KeyDeclaration::default()
        }],
        distribution: distribution_of_loans(),
        ..service("loans")
    };
    let claims = ServicePolicy {
        distribution: DistributionPolicy {
            mode: Mode::Broadcast,
            offer_timeout_ms: 8 * SECOND,
            ..DistributionPolicy::default()
        },
        ..small("claims")
    };
    let office = ServicePolicy {
        hours: Some(Arc::new(OfficeHours)),
        lifetime_ms: Some(2 * DAY),
        distribution: DistributionPolicy {
            mode: Mode::Pickup,
            ..DistributionPolicy::default()
        },
        ..small("office")
    };
    let mut whole = policy(vec![loans, claims, office, cases()], Some(FAIR_USE));
    let bank = whole.tenants.get_mut("bank").expect("it is there");
    let bank = Arc::make_mut(bank);
    bank.task_types = [("letter".to_owned(), letter())].into();
    bank.work_groups = [BACK_OFFICE.to_owned()].into();
    bank.agents = AgentPolicy {
        agent_lost_after_ms: 2 * MINUTE,
        park_default_ms: HOUR,
        persist_user_states: true,
        ..AgentPolicy::default()
    };
    let isle = isle(bank);
    whole.tenants.insert(isle.name.clone(), Arc::new(isle));
    let islander = SenderPolicy {
        tenant: "isle".to_owned(),
        ..sender("isle")
    };
    whole.senders.insert("isle".to_owned(), Arc::new(islander));
    whole
}

/// Levels that widen, wrap-up that can be made longer, a block after no answer that ends.
fn distribution_of_loans() -> DistributionPolicy {
    let level = |after_ms, skills, services_too: &[&str]| DistributionLevel {
        after_ms,
        skills,
        services_too: services_too.iter().map(|name| (*name).to_owned()).collect(),
    };
    DistributionPolicy {
        levels: vec![
            level(0, SkillsAsked::All, &[]),
            level(20 * SECOND, SkillsAsked::Required, &[]),
            level(2 * MINUTE, SkillsAsked::Required, &["claims"]),
        ],
        offer_timeout_ms: 5 * SECOND,
        wrap_up_ms: 10 * SECOND,
        wrap_up_extension_ms: Some(5 * SECOND),
        no_answer_reset_ms: Some(30 * SECOND),
        ..DistributionPolicy::default()
    }
}

/// For those on duty; its items have a wrap-up by their type.
fn cases() -> ServicePolicy {
    ServicePolicy {
        task_type: Some("letter".to_owned()),
        distribution: DistributionPolicy {
            selection: Selection {
                selectable_by: SelectableBy::Duty,
                offer_when: [Presence::Online, Presence::Busy].into(),
            },
            ..DistributionPolicy::default()
        },
        ..service("cases")
    }
}

fn letter() -> TaskType {
    TaskType {
        outcomes: vec!["sent".to_owned(), "lost".to_owned()],
        wrap_up_ms: Some(20 * SECOND),
    }
}

fn isle(like: &TenantPolicy) -> TenantPolicy {
    let ferry = ServicePolicy {
        distribution: DistributionPolicy {
            wrap_up_ms: 5 * SECOND,
            no_answer_reset_ms: None,
            ..DistributionPolicy::default()
        },
        ..service("ferry")
    };
    TenantPolicy {
        name: "isle".to_owned(),
        fair_use: None,
        services: [("ferry".to_owned(), Arc::new(ferry))].into(),
        agents: AgentPolicy::default(),
        ..like.clone()
    }
}

pub(super) fn policy_without_claims() -> Policy {
    let mut policy = full_policy();
    let bank = policy.tenants.get_mut("bank").expect("it is there");
    Arc::make_mut(bank).services.remove("claims");
    policy
}

fn names(names: &[&str]) -> Option<BTreeSet<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

pub(super) fn skills(levels: &[(&str, u8)]) -> Skills {
    let level = |value: u8| SkillLevel::new(value).expect("1 to 9");
    let levels = levels.iter();
    levels
        .map(|(name, value)| ((*name).to_owned(), level(*value)))
        .collect()
}

pub(super) fn user_name(name: &str) -> UserName {
    name.parse().expect("a name")
}

/// Everybody comes to work for the first time.
pub(super) fn everybody() -> Vec<Edit> {
    let add = |name: &str, tenant: &str, patch: UserPatch| Edit::Add {
        name: user_name(name),
        tenant: Some(tenant.to_owned()),
        patch,
        password: None,
    };
    let agent = |services: &[&str], capacity: u8, levels: &[(&str, u8)]| UserPatch {
        services: names(services),
        capacity: Capacity::new(capacity),
        skills: Some(skills(levels)),
        ..UserPatch::default()
    };
    let with_night = UserPatch {
        profiles: Some(BTreeMap::from([(
            "night".to_owned(),
            skills(&[("french", 5)]),
        )])),
        ..agent(
            &["loans", "cases", "office"],
            2,
            &[("law", 2), ("french", 1)],
        )
    };
    let both = |own: &[&str], others: &[&str], capacity| UserPatch {
        roles: Some([Role::Agent, Role::Supervisor].into()),
        supervisor_of: names(others),
        ..agent(own, capacity, &[("french", 3)])
    };
    let supervisor = UserPatch {
        work_groups: names(&[BACK_OFFICE]),
        roles: Some([Role::Supervisor].into()),
        supervisor_of: names(&BANK_SERVICES),
        ..UserPatch::default()
    };
    vec![
        add(
            "anna",
            "bank",
            agent(&["loans", "claims"], 1, &[("law", 5)]),
        ),
        add("bo", "bank", with_night),
        add(
            "cleo",
            "bank",
            both(&["claims", "office", "cases"], &["loans", "claims"], 3),
        ),
        add("dan", "bank", agent(&["loans", "claims"], 2, &[])),
        add(
            "eva",
            "bank",
            agent(&BANK_SERVICES, 1, &[("law", 3), ("french", 2)]),
        ),
        add("finn", "isle", agent(&["ferry"], 2, &[("law", 4)])),
        add("gro", "isle", both(&["ferry"], &["ferry"], 1)),
        add("sue", "bank", supervisor),
    ]
}
