//! `docs/anteroom.toml` explains every key, `--effective` prints every key: both are kept true.

use super::*;

const DOCUMENTED: &str = include_str!("../../../docs/anteroom.toml");
const WORKFLOW: &str = "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"car-loan\">\
                        <event on=\"received\"><setContactData key=\"amount\" value=\"0\"/>\
                        <finish/></event></workflow>";
const NOT_TOGETHER: [&str; 2] = ["private_key_credential", "secret_credential"];

/// The keys of a text by section, `#key = value` included, as (section, key, value).
fn keys(text: &str) -> Vec<(String, String, String)> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.replace(['[', ']'], "");
        } else if let Some((key, value)) = setting(line) {
            keys.push((section.clone(), key.to_owned(), value.to_owned()));
        }
    }
    keys
}

fn setting(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim_start_matches('#').split_once(" = ")?;
    let is_key = key
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    is_key.then_some((key, value))
}

/// The documented text with every optional key switched on.
pub(super) fn all_on() -> String {
    let switch = |line: &str| match (
        setting(line),
        NOT_TOGETHER.iter().any(|key| line.contains(key)),
    ) {
        (Some(_), false) => format!("{}\n", line.trim_start_matches('#')),
        _ => format!("{line}\n"),
    };
    DOCUMENTED.lines().map(switch).collect()
}

fn folder_of(text: &str) -> Folder {
    let folder = Folder::with(text);
    folder.write("holidays.ics", super::problems::HOLIDAYS);
    for name in ["certificate", "private-key", "client-ca"] {
        folder.write(&format!("tls/{name}.pem"), "");
    }
    folder.write("secrets/core-banking", "");
    folder.write("workflows/car-loan.xml", WORKFLOW);
    folder
}

#[test]
fn the_documented_configuration_is_right_as_it_stands() {
    let loaded = accepted(folder_of(DOCUMENTED).load());
    assert_eq!(loaded.warnings, []);
    assert!(loaded.config.policy.senders.contains_key("core-banking"));
}

#[test]
fn the_documented_configuration_is_right_with_everything_on() {
    let loaded = accepted(folder_of(&all_on()).load());
    assert_eq!(loaded.warnings, []);
    assert!(loaded.config.tls.is_some());
}

#[test]
fn every_key_is_documented_and_no_other() {
    let folder = folder_of(DOCUMENTED);
    let gathered = layers::gather(&folder.path("anteroom.toml"), &Flags::default(), &[]);
    let table = gathered.map_err(|problems| ConfigErrors { problems });
    let table = table
        .map_err(|errors| errors.to_string())
        .expect("right")
        .table;
    let mut findings = Findings::default();
    read(&mut Section::root(&mut findings, &table), None);
    let is_table = |known: &str| {
        let inside = format!("{known}.");
        findings
            .known
            .iter()
            .any(|other| other.starts_with(&inside))
    };
    let known: BTreeSet<String> = findings
        .known
        .iter()
        .filter(|key| !is_table(key))
        .cloned()
        .collect();
    let documented: BTreeSet<String> = keys(DOCUMENTED)
        .into_iter()
        .map(|(section, key, _)| format!("{}.{key}", pattern(&section)))
        .collect();
    assert_eq!(documented, known);
}

/// A section with the names of users' taken out.
fn pattern(section: &str) -> String {
    let mut is_name = false;
    let parts = section.split('.').map(|part| {
        let shown = if is_name { "NAME" } else { part };
        is_name = !is_name && matches!(part, "tenants" | "senders" | "services" | "task_types");
        shown
    });
    parts.collect::<Vec<_>>().join(".")
}

#[test]
fn optional_keys_show_their_defaults() {
    let defaults: Vec<_> = keys(&folder_of(DOCUMENTED).config().effective());
    let mut compared = 0;
    for (section, key, value) in keys(DOCUMENTED) {
        let same = |line: &&(String, String, String)| (&line.0, &line.1) == (&section, &key);
        let Some((_, _, default)) = defaults.iter().find(same) else {
            continue;
        };
        // The path is shown as it is used.
        if let (Some(default), false) = (default.strip_suffix("  # built-in"), key == "sqlite") {
            assert_eq!(value, default, "{section}.{key}");
            compared += 1;
        }
    }
    assert_eq!(compared, 40);
}

#[test]
fn what_is_in_force_is_a_configuration_that_says_the_same() {
    for text in [DOCUMENTED.to_owned(), all_on()] {
        let folder = folder_of(&text);
        let first = folder.config().effective();
        folder.write("anteroom.toml", &first);
        let second = folder.config().effective();
        let without_origin = |text: &str| -> Vec<String> {
            let lines = text
                .lines()
                .map(|line| line.split("  # ").next().unwrap_or(""));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(without_origin(&first), without_origin(&second));
        assert!(first.contains("[tenants.north-bank.services.loans]\ntitle = \"Loans\"  # "));
    }
}

#[test]
fn the_demo_in_force_is_a_configuration() {
    let effective = accepted(Folder::new().load()).config.effective();
    assert!(
        effective.contains("fair_use = false  # built-in demo\n"),
        "{effective}"
    );
    accepted(Folder::with(&effective).load());
}

#[test]
fn every_value_in_force_says_where_it_is_from() {
    let folder = Folder::with("[log]\nlevel = \"warn\"\n[tenants.a.services.\"x.y\"]\n");
    folder.write("conf.d/a.toml", "\n[log]\nformat = \"json\"\n");
    let flags = Flags {
        intake: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        ..Flags::default()
    };
    let environment = [("ANTEROOM__LIMITS__DRAIN", "90s")];
    let config = accepted(folder.load_with(&flags, &environment)).config;
    let effective = folder.without_folder(&config.effective());
    for line in [
        "level = \"warn\"  # anteroom.toml:2",
        "format = \"json\"  # conf.d/a.toml:3",
        "intake = \"127.0.0.1:0\"  # flag --intake",
        "drain = \"90s\"  # environment ANTEROOM__LIMITS__DRAIN",
        "console = \"127.0.0.1:8481\"  # built-in",
        "# bytes_max is not set",
        "[tenants.a.services.\"x.y\"]",
    ] {
        assert!(
            effective.lines().any(|found| found == line),
            "{line}\n{effective}"
        );
    }
}
