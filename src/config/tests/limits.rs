//! Every limit at its last good and its first bad value.

use super::*;

/// Section, key, good values, bad values.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const TENANT: &str = "tenants.a";
const SERVICE: &str = "tenants.a.services.s";
const SENDER: &str = "tenants.a.senders.s";
const TASK_TYPE: &str = "tenants.a.task_types.t";
const RETENTION: &str = "tenants.a.privacy.retention_days";

const ROWS: [Row; 31] = [
    (
        "listen",
        "connections_max",
        &["1", "65536"],
        &["0", "65537", "-1"],
    ),
    (
        "listen",
        "header_timeout",
        &["\"1s\"", "\"1h\""],
        &["\"999ms\"", "\"3601s\""],
    ),
    (
        "listen",
        "body_timeout",
        &["\"1s\"", "\"1h\""],
        &["\"999ms\"", "\"3601s\""],
    ),
    (
        "listen",
        "idle_timeout",
        &["\"1s\"", "\"1h\""],
        &["\"999ms\"", "\"3601s\""],
    ),
    (
        "store",
        "bytes_max",
        &["1048576", "\"1MiB\""],
        &["1048575", "\"1023KiB\"", "-1"],
    ),
    (
        "limits",
        "body_bytes_in_flight",
        &["56623104", "\"54MiB\"", "\"64GiB\""],
        &["56623103", "\"53MiB\"", "68719476737"],
    ),
    (
        "limits",
        "body_wait",
        &["\"100ms\"", "\"1m\""],
        &["\"99ms\"", "\"61s\""],
    ),
    (
        "limits",
        "engine_queue_max",
        &["16", "65536"],
        &["15", "65537"],
    ),
    ("limits", "drain", &["\"0s\"", "\"1h\""], &["\"3601s\""]),
    (
        TENANT,
        "fair_use",
        &["1", "10000000", "false"],
        &["0", "10000001"],
    ),
    (RETENTION, "records", &["14", "36500"], &["13", "36501"]),
    (RETENTION, "attachments", &["14", "36500"], &["13", "36501"]),
    (
        RETENTION,
        "raw_messages",
        &["14", "36500"],
        &["13", "36501"],
    ),
    (RETENTION, "audit", &["14", "36500"], &["13", "36501"]),
    (SERVICE, "priority", &["0", "9"], &["-1", "10"]),
    (
        SERVICE,
        "lifetime",
        &["\"1s\"", "\"14d\""],
        &["\"999ms\"", "\"1209601s\""],
    ),
    (
        SERVICE,
        "buffer_items_max",
        &["0", "10000000"],
        &["-1", "10000001"],
    ),
    (
        SERVICE,
        "queue_items_max",
        &["1", "10000000"],
        &["0", "10000001"],
    ),
    (
        SENDER,
        "rate_per_minute",
        &["1", "10000000", "false"],
        &["0", "10000001"],
    ),
    (
        TENANT,
        "agent_lost_after",
        &["\"0s\"", "\"24h\""],
        &["\"86400001ms\""],
    ),
    (
        TENANT,
        "idle_after",
        &["\"1m\"", "\"24h\""],
        &["\"59999ms\"", "\"86400001ms\""],
    ),
    (
        TENANT,
        "park_max",
        &["\"1m\"", "\"7d\""],
        &["\"59999ms\"", "\"604800001ms\""],
    ),
    (
        TENANT,
        "park_default",
        &["\"1m\"", "\"24h\""],
        &["\"59999ms\"", "\"86400001ms\""],
    ),
    (
        TASK_TYPE,
        "wrap_up",
        &["\"0s\"", "\"24h\""],
        &["\"86400001ms\""],
    ),
    (
        SERVICE,
        "offer_timeout",
        &["\"5s\"", "\"600s\""],
        &["\"4999ms\"", "\"600001ms\""],
    ),
    (
        SERVICE,
        "preferred_wait",
        &["\"0s\"", "\"24h\""],
        &["\"86400001ms\""],
    ),
    (
        SERVICE,
        "wrap_up",
        &["\"0s\"", "\"24h\""],
        &["\"86400001ms\""],
    ),
    (
        SERVICE,
        "wrap_up_extension",
        &["\"0s\"", "\"24h\""],
        &["\"86400001ms\""],
    ),
    (
        SERVICE,
        "no_answer_reset",
        &["\"0s\"", "\"24h\""],
        &["\"86400001ms\""],
    ),
    (
        SERVICE,
        "offer_when",
        &["[\"online\"]", "[\"online\", \"busy\", \"away\"]"],
        &["[]"],
    ),
    (SENDER, "key_sha256", &[], &["[]"]),
];

#[test]
fn the_last_good_value_is_taken_and_the_next_refused() {
    for (section, key, good, bad) in ROWS {
        for value in good {
            let folder = Folder::with(&format!("[{section}]\n{key} = {value}\n"));
            accepted(folder.load());
        }
        for value in bad {
            let lines = told(&format!("[{section}]\n{key} = {value}\n"));
            let column = key.len() + 4;
            let start = format!("anteroom.toml:2:{column} {section}.{key}: out of range, allowed:");
            assert_eq!(lines.len(), 1, "{section}.{key} = {value}: {lines:?}");
            assert!(lines[0].starts_with(&start), "{}", lines[0]);
        }
    }
}

#[test]
fn names_and_texts_are_as_long_as_the_contract_says() {
    for (chars_max, text) in [
        (64, "[tenants.NAME]\n"),
        (32, "[tenants.a.services.NAME]\n"),
        (64, "[tenants.a.senders.NAME]\n"),
        (64, "[tenants.a.task_types.NAME]\n"),
        (64, "[tenants.a.task_types.t]\noutcomes = [\"NAME\"]\n"),
        (100, "[tenants.a]\nwork_item_key = \"NAME\"\n"),
        (100, "[tenants.a.services.s]\ntitle = \"NAME\"\n"),
        (
            100,
            "[tenants.a.services.s]\ncontact_data = [{key = \"NAME\"}]\n",
        ),
        (
            1_024,
            "[tenants.a.services.s]\ncontact_data = [{key = \"k\", values = [\"NAME\"]}]\n",
        ),
    ] {
        let with = |chars: usize| text.replace("NAME", &"n".repeat(chars));
        accepted(Folder::with(&with(chars_max - 1)).load());
        accepted(Folder::with(&with(chars_max)).load());
        let lines = told(&with(chars_max + 1));
        assert_eq!(lines.len(), 1, "{lines:?}");
        let end = format!("out of range, allowed: 1 to {chars_max} characters");
        assert!(lines[0].ends_with(&end), "{}", lines[0]);
    }
}

#[test]
fn a_service_declares_as_many_keys_as_an_item_may_carry() {
    let with = |count: usize| {
        let keys: Vec<String> = (0..count).map(|n| format!("{{key = \"k{n}\"}}")).collect();
        format!(
            "[tenants.a.services.s]\ncontact_data = [{}]\n",
            keys.join(", ")
        )
    };
    let config = Folder::with(&with(50)).config();
    assert_eq!(
        config.policy.tenants["a"].services["s"].contact_data.len(),
        50
    );
    assert_eq!(
        told(&with(51)),
        [
            "anteroom.toml:2:16 tenants.a.services.s.contact_data: out of range, allowed: 0 to 50 \
             tables"
        ]
    );
}

#[test]
fn files_that_are_too_large_or_not_utf8_are_refused() {
    let folder = Folder::new();
    let bytes_max = 4 * 1024 * 1024;
    folder.write("anteroom.toml", vec![b'\n'; bytes_max]);
    accepted(folder.load());
    folder.write("anteroom.toml", vec![b'\n'; bytes_max + 1]);
    assert_eq!(
        folder.told(folder.load()),
        ["cannot read anteroom.toml: larger than 4194304 bytes"]
    );
    folder.write("anteroom.toml", b"# f\xf6r");
    assert_eq!(
        folder.told(folder.load()),
        ["cannot read anteroom.toml: byte 3 is not UTF-8"]
    );
}

#[test]
fn a_hundred_problems_are_shown_and_all_are_counted() {
    let rendered = |count: usize| {
        let text: String = (0..count).map(|n| format!("x{n} = 1\n")).collect();
        let errors = Folder::with(&text).load().err().expect("problems");
        let rendered = errors.render(false);
        let shown = rendered.matches("error: unknown key").count();
        (shown, rendered.lines().last().unwrap_or("").to_owned())
    };
    let all = "100 problems in the configuration".to_owned();
    assert_eq!(rendered(100), (100, all));
    let more = "101 problems in the configuration, the first 100 are shown".to_owned();
    assert_eq!(rendered(101), (100, more));
}
