//! How the items of a service find their agents, and what agents may do: read, refused, in force.

use super::*;
use crate::domain::agent::{Presence, SelectableBy, Selection};
use crate::domain::distribution::{DistributionLevel, DistributionPolicy, Mode, SkillsAsked};

const SERVICE: &str = "[tenants.a.services.s]\n";

fn policy(text: &str) -> DistributionPolicy {
    let config = Folder::with(text).config();
    config.policy.tenants["a"].services["s"]
        .distribution
        .clone()
}

/// The service `s` with these levels, and the service `other` beside it.
fn with_levels(levels: &str) -> String {
    format!("{SERVICE}levels = [{levels}]\n[tenants.a.services.other]\n")
}

fn level(after_ms: i64, skills: SkillsAsked, services_too: &[&str]) -> DistributionLevel {
    DistributionLevel {
        after_ms,
        skills,
        services_too: services_too.iter().map(|name| name.to_string()).collect(),
    }
}

#[test]
fn a_service_that_says_nothing_distributes_as_the_domain_does() {
    assert_eq!(policy(SERVICE), DistributionPolicy::default());
}

#[test]
fn every_key_of_distribution_reaches_the_policy() {
    let text = "mode = \"broadcast\"\nselectable_by = \"duty\"\noffer_when = [\"away\", \"online\"]\n\
                offer_timeout = \"5s\"\npreferred_wait = \"6s\"\nwrap_up = \"7s\"\n\
                wrap_up_extension = \"8s\"\nno_answer_reset = \"9s\"\n\
                levels = [{after = \"0s\"}, {after = \"1m\", services_too = [\"other\"]}]\n";
    let expected = DistributionPolicy {
        mode: Mode::Broadcast,
        levels: vec![
            level(0, SkillsAsked::All, &[]),
            level(60_000, SkillsAsked::All, &["other"]),
        ],
        selection: Selection {
            selectable_by: SelectableBy::Duty,
            offer_when: [Presence::Online, Presence::Away].into(),
        },
        offer_timeout_ms: 5_000,
        preferred_wait_ms: 6_000,
        wrap_up_ms: 7_000,
        wrap_up_extension_ms: Some(8_000),
        no_answer_reset_ms: Some(9_000),
    };
    let text = format!("{SERVICE}{text}[tenants.a.services.other]\n");
    assert_eq!(policy(&text), expected);
}

#[test]
fn every_word_of_distribution_is_known() {
    for mode in Mode::ALL {
        let text = format!("{SERVICE}mode = \"{}\"\n", mode.name());
        assert_eq!(policy(&text).mode, mode);
    }
    for by in [SelectableBy::Active, SelectableBy::Duty] {
        let text = format!("{SERVICE}selectable_by = \"{}\"\n", by.name());
        assert_eq!(policy(&text).selection.selectable_by, by);
    }
    for presence in Presence::ALL {
        let text = format!("{SERVICE}offer_when = [\"{}\"]\n", presence.name());
        match presence {
            Presence::Offline => assert_eq!(told(&text).len(), 1),
            Presence::Online | Presence::Busy | Presence::Away => {
                assert_eq!(policy(&text).selection.offer_when, [presence].into());
            }
        }
    }
}

#[test]
fn other_words_are_refused_with_those_that_are_known() {
    assert_eq!(
        told(&format!(
            "{SERVICE}mode = \"random\"\nselectable_by = \"luck\"\n\
             offer_when = [\"online\", \"offline\"]\n\
             levels = [{{after = \"0s\", skills = \"some\"}}]\n"
        )),
        [
            "anteroom.toml:2:8 tenants.a.services.s.mode: `random` is not one of direct, \
             broadcast, pickup",
            "anteroom.toml:3:17 tenants.a.services.s.selectable_by: `luck` is not one of active, \
             duty",
            "anteroom.toml:4:25 tenants.a.services.s.offer_when: `offline` is not one of online, \
             busy, away",
            "anteroom.toml:5:35 tenants.a.services.s.levels[1].skills: `some` is not one of all, \
             required",
        ]
    );
}

#[test]
fn a_level_asks_for_the_skills_of_the_one_before_it() {
    let levels = with_levels(
        "{after = \"0s\"}, {after = \"30s\", skills = \"required\"}, \
         {after = \"2m\", services_too = [\"other\"]}",
    );
    assert_eq!(
        policy(&levels).levels,
        [
            level(0, SkillsAsked::All, &[]),
            level(30_000, SkillsAsked::Required, &[]),
            level(120_000, SkillsAsked::Required, &["other"]),
        ]
    );
}

#[test]
fn a_level_that_would_narrow_is_pointed_out() {
    let text =
        with_levels("{after = \"0s\", skills = \"required\"}, {after = \"1s\", skills = \"all\"}");
    assert_eq!(
        warned(&text),
        [
            "anteroom.toml:2:72 tenants.a.services.s.levels[2].skills: levels only widen: one \
             before it asks for the required skills alone, and so does this one"
        ]
    );
    assert_eq!(policy(&text).levels[1].skills, SkillsAsked::Required);
}

#[test]
fn levels_begin_at_once_and_each_later_than_the_one_before() {
    let what = "must begin later than the one before it, the first one at 0";
    for (times, place) in [
        (
            &["1ms"][..],
            "2:20 tenants.a.services.s.levels[1].after: level 1",
        ),
        (
            &["0s", "0s"],
            "2:36 tenants.a.services.s.levels[2].after: level 2",
        ),
        (
            &["0s", "5s", "4999ms"],
            "2:52 tenants.a.services.s.levels[3].after: level 3",
        ),
    ] {
        let tables = times.iter().map(|time| format!("{{after = \"{time}\"}}"));
        let levels: Vec<String> = tables.collect();
        assert_eq!(
            told(&with_levels(&levels.join(", "))),
            [format!("anteroom.toml:{place} {what}")]
        );
    }
    let latest = with_levels("{after = \"0s\"}, {after = \"1ms\"}, {after = \"24h\"}");
    assert_eq!(policy(&latest).levels.len(), 3);
    assert_eq!(
        told(&with_levels("{after = \"0s\"}, {after = \"86401s\"}")),
        [
            "anteroom.toml:2:36 tenants.a.services.s.levels[2].after: out of range, allowed: 0s \
             to 1d"
        ]
    );
}

#[test]
fn a_service_has_one_to_eight_levels() {
    let with = |count: usize| {
        let tables = (0..count).map(|second| format!("{{after = \"{second}s\"}}"));
        let levels: Vec<String> = tables.collect();
        with_levels(&levels.join(", "))
    };
    for count in [1, 7, 8] {
        assert_eq!(policy(&with(count)).levels.len(), count);
    }
    for count in [0, 9] {
        assert_eq!(
            told(&with(count)),
            [
                "anteroom.toml:2:10 tenants.a.services.s.levels: out of range, allowed: 1 to 8 \
                 tables"
            ]
        );
    }
}

#[test]
fn faults_of_levels_are_all_shown() {
    let levels = "{skills = \"all\"}, {after = 5}, {after = \"9s\", until = \"10s\"}, 5";
    assert_eq!(
        told(&with_levels(levels)),
        [
            "anteroom.toml:2:12 tenants.a.services.s.levels[1]: `after` is missing",
            "anteroom.toml:2:38 tenants.a.services.s.levels[2].after: expected a duration such as \
             \"30s\", \"5m\", \"4h\" or \"14d\", found an integer",
            "anteroom.toml:2:57 tenants.a.services.s.levels[3]: unknown key `until`",
            "anteroom.toml:2:73 tenants.a.services.s.levels: expected a table, found an integer",
        ]
    );
}

#[test]
fn further_services_are_others_of_the_same_tenant() {
    let text = "[tenants.a.services.s]\n\
                levels = [{after = \"0s\", services_too = [\"othr\", \"s\", \"far\"]}]\n\
                [tenants.a.services.other]\n[tenants.b.services.far]\n";
    let folder = Folder::with(text);
    assert_eq!(
        folder.told(folder.load()),
        [
            "anteroom.toml:2:42 tenants.a.services.s.levels[1].services_too: no service is named \
             `othr`",
            "anteroom.toml:2:50 tenants.a.services.s.levels[1].services_too: `s` is the service \
             itself: name others of its tenant",
            "anteroom.toml:2:55 tenants.a.services.s.levels[1].services_too: no service is named \
             `far`",
        ]
    );
    let errors = folder.load().err().expect("problems");
    let help = errors.problems[0].error.help();
    assert_eq!(help.as_deref(), Some("did you mean `other`?"));
    let drawn = folder.without_folder(&errors.render(false));
    let caret = " --> anteroom.toml:2:50\n  |\n2 | levels = [{after = \"0s\", services_too = \
                 [\"othr\", \"s\", \"far\"]}]\n  |                                                  \
                 ^^^\n";
    assert!(drawn.contains(caret), "{drawn}");
}

#[test]
fn parking_ends_within_its_limit() {
    let tenant = |text: &str| format!("[tenants.a]\n{text}\n");
    let agents = |text: &str| {
        let config = Folder::with(&tenant(text)).config();
        config.policy.tenants["a"].agents.clone()
    };
    let exact = agents("park_max = \"2h\"\npark_default = \"2h\"");
    assert_eq!(
        (exact.park_max_ms, exact.park_default_ms),
        (7_200_000, 7_200_000)
    );
    let under = agents("park_max = \"2h\"\npark_default = \"7199s\"");
    assert_eq!(under.park_default_ms, 7_199_000);
    assert_eq!(
        told(&tenant("park_max = \"2h\"\npark_default = \"7201s\"")),
        ["anteroom.toml:3:16 tenants.a.park_default: out of range, allowed: 1m to 2h"]
    );
    assert_eq!(agents("park_max = \"2h\"").park_default_ms, 7_200_000);
    assert_eq!(agents("park_max = \"7d\"").park_default_ms, 4 * 3_600_000);
}

#[test]
fn user_states_are_kept_where_the_privacy_table_says_so() {
    for (value, kept) in [("true", true), ("false", false)] {
        let text = format!("[tenants.a.privacy]\npersist_user_states = {value}\n[tenants.b]\n");
        let config = Folder::with(&text).config();
        let tenants = &config.policy.tenants;
        assert_eq!(tenants["a"].agents.persist_user_states, kept);
        assert!(!tenants["b"].agents.persist_user_states);
    }
}

#[test]
fn identifiers_are_shown_only_where_the_privacy_table_says_so() {
    for (value, shown) in [("true", true), ("false", false)] {
        let text =
            format!("[tenants.a.privacy]\nshow_customer_identifiers = {value}\n[tenants.b]\n");
        let config = Folder::with(&text).config();
        let tenants = &config.policy.tenants;
        assert_eq!(tenants["a"].show_customer_identifiers, shown);
        assert!(!tenants["b"].show_customer_identifiers);
    }
}

#[test]
fn a_task_type_has_twenty_results_at_most() {
    let with = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("\"r{n}\"")).collect();
        format!(
            "[tenants.a.task_types.t]\noutcomes = [{}]\n",
            names.join(", ")
        )
    };
    for count in [1, 19, 20] {
        let config = Folder::with(&with(count)).config();
        let task_type = &config.policy.tenants["a"].task_types["t"];
        assert_eq!(task_type.outcomes.len(), count);
    }
    for count in [0, 21] {
        assert_eq!(
            told(&with(count)),
            [
                "anteroom.toml:2:12 tenants.a.task_types.t.outcomes: out of range, allowed: 1 to \
                 20 values"
            ]
        );
    }
}

#[test]
fn distribution_in_force_says_where_it_is_from() {
    let text = format!(
        "[tenants.a]\npark_max = \"3h\"\n{SERVICE}mode = \"pickup\"\n\
         levels = [{{after = \"0s\"}}, {{after = \"1m\", services_too = [\"other\"]}}]\n\
         [tenants.a.services.other]\n"
    );
    let folder = Folder::with(&text);
    let environment = [(
        "ANTEROOM__TENANTS__A__SERVICES__S__OFFER_WHEN",
        "[\"busy\"]",
    )];
    let config = accepted(folder.load_with(&Flags::default(), &environment)).config;
    let effective = folder.without_folder(&config.effective());
    for line in [
        "agent_lost_after = \"15m\"  # built-in",
        "# idle_after is not set",
        "park_max = \"3h\"  # anteroom.toml:2",
        "park_default = \"3h\"  # built-in",
        "mode = \"pickup\"  # anteroom.toml:4",
        "levels = [{ after = \"0s\", skills = \"all\" }, { after = \"1m\", services_too = \
         [\"other\"], skills = \"all\" }]  # anteroom.toml:5",
        "offer_when = [\"busy\"]  # environment ANTEROOM__TENANTS__A__SERVICES__S__OFFER_WHEN",
        "offer_timeout = \"20s\"  # built-in",
        "# no_answer_reset is not set",
    ] {
        assert!(
            effective.lines().any(|found| found == line),
            "{line}\n{effective}"
        );
    }
    folder.write("anteroom.toml", &effective);
    let again = folder.config();
    let read_back = &again.policy.tenants["a"].services["s"].distribution;
    assert_eq!(
        *read_back,
        config.policy.tenants["a"].services["s"].distribution
    );
}

#[test]
fn the_demo_wraps_up_for_five_seconds() {
    let config = accepted(Folder::new().load()).config;
    let tenant = &config.policy.tenants[DEMO_TENANT];
    let wrap_ups: Vec<(&str, i64)> = tenant
        .services
        .iter()
        .map(|(name, service)| (name.as_str(), service.distribution.wrap_up_ms))
        .collect();
    assert_eq!(wrap_ups, [("claims", 5_000), ("loans", 5_000)]);
}
