//! Which layer wins, and how names reach the environment.

use super::*;

const DATA: &str = "/tmp/somewhere";

fn flags() -> Flags {
    Flags::default()
}

#[test]
fn later_layers_win_key_by_key() {
    let folder =
        Folder::with("[limits]\ndrain = \"1s\"\nbody_wait = \"1s\"\nengine_queue_max = 21\n");
    folder.write("conf.d/20-later.toml", "[limits]\ndrain = \"3s\"\n");
    folder.write(
        "conf.d/10-earlier.toml",
        "[limits]\ndrain = \"2s\"\nbody_wait = \"2s\"\n",
    );
    folder.write("conf.d/30-no.txt", "[limits]\ndrain = \"4s\"\n");
    let limits = folder.config().limits;
    assert_eq!(limits.drain_ms, 3_000);
    assert_eq!(limits.body_wait_ms, 2_000);
    assert_eq!(limits.engine_queue_max, 21);
    assert_eq!(limits.body_bytes_in_flight, 64 << 20);
    let environment = [("ANTEROOM__LIMITS__DRAIN", "5s")];
    let loaded = accepted(folder.load_with(&flags(), &environment));
    assert_eq!(loaded.config.limits.drain_ms, 5_000);
    assert_eq!(loaded.config.limits.body_wait_ms, 2_000);
}

#[test]
fn flags_win_over_everything() {
    let folder = Folder::with("[listen]\nintake = \"127.0.0.1:1\"\nconsole = \"127.0.0.1:2\"\n");
    let environment = [
        ("ANTEROOM__LISTEN__INTAKE", "127.0.0.1:3"),
        ("ANTEROOM__LISTEN__CONSOLE", "127.0.0.1:4"),
        ("ANTEROOM__STORE__DATA", "/elsewhere"),
    ];
    let flags = Flags {
        config: None,
        data: Some(PathBuf::from(DATA)),
        intake: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        console: None,
    };
    let config = accepted(folder.load_with(&flags, &environment)).config;
    assert_eq!(config.listen.intake.port(), 0);
    assert_eq!(config.listen.console.port(), 4);
    assert_eq!(config.store.data, Path::new(DATA));
    assert_eq!(config.store.sqlite, Path::new(DATA).join("anteroom.db"));
    assert_eq!(
        config.control_socket(),
        Path::new(DATA).join("control.sock")
    );
}

#[test]
fn flags_are_judged_like_everything_else() {
    let folder = Folder::with("");
    let flags = Flags {
        console: Some(SocketAddr::from(([0, 0, 0, 0], 80))),
        ..Flags::default()
    };
    assert_eq!(
        folder.told(folder.load_with(&flags, &[])),
        [
            "--console:1:11 listen.console: `console` listens off the loopback (0.0.0.0:80) \
             without TLS"
        ]
    );
}

#[test]
fn a_value_that_is_overridden_is_still_judged() {
    let folder = Folder::with("[limits]\ndrain = \"long\"\n");
    folder.write("conf.d/a.toml", "[limits]\ndrain = \"1s\"\n");
    let lines = folder.told(folder.load());
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with("anteroom.toml:2:9 limits.drain:"),
        "{}",
        lines[0]
    );
}

#[test]
fn tables_are_merged_and_lists_replaced() {
    let folder = Folder::with(
        "[tenants.a]\nattachment_types = [\"text/plain\"]\n[tenants.a.services.one]\n\
         contact_data = [{key = \"x\"}]\n",
    );
    folder.write(
        "conf.d/more.toml",
        "[tenants.a]\nattachment_types = [\"IMAGE/png\"]\n[tenants.a.services.two]\n\
         [tenants.a.services.one]\ntitle = \"One\"\ncontact_data = [{key = \"y\"}]\n",
    );
    let tenant = &folder.config().policy.tenants["a"];
    assert_eq!(
        tenant.attachment_types,
        BTreeSet::from(["image/png".to_owned()])
    );
    assert_eq!(tenant.services.keys().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(tenant.services["one"].title, "One");
    let keys = tenant.services["one"].contact_data.iter();
    assert_eq!(keys.map(|key| key.key.as_str()).collect::<Vec<_>>(), ["y"]);
}

#[test]
fn the_environment_takes_every_type_of_value() {
    let folder = Folder::with("");
    let environment = [
        ("ANTEROOM__LISTEN__PLAINTEXT", "true"),
        ("ANTEROOM__LISTEN__CONNECTIONS_MAX", "7"),
        ("ANTEROOM__STORE__BYTES_MAX", "2GiB"),
        ("ANTEROOM__LOG__LEVEL", "debug"),
        ("ANTEROOM__TENANTS__A__FAIR_USE", "false"),
        (
            "ANTEROOM__TENANTS__A__SERVICES__S__TITLE",
            "Loans = \"good\"",
        ),
        (
            "ANTEROOM__TENANTS__A__SERVICES__S__CONTACT_DATA",
            "[{key = \"k\"}]",
        ),
        ("ANTEROOM__TENANTS__A__SENDERS__B__KEY_SHA256", DIGEST),
        ("ANTEROOM__TENANTS__A__SENDERS__B__SERVICES", "[\"s\"]"),
        ("ANTEROOM_OTHER", "left alone"),
        ("PATH", "/bin"),
    ];
    let config = accepted(folder.load_with(&flags(), &environment)).config;
    assert!(config.listen.plaintext);
    assert_eq!(config.listen.connections_max, 7);
    assert_eq!(config.store.bytes_max, Some(2 << 30));
    assert_eq!(config.log.level, LogLevel::Debug);
    let tenant = &config.policy.tenants["a"];
    assert_eq!(tenant.fair_use, None);
    assert_eq!(tenant.services["s"].title, "Loans = \"good\"");
    assert_eq!(tenant.services["s"].contact_data[0].key, "k");
    let sender = &config.policy.senders["b"];
    assert_eq!(sender.key_sha256.len(), 1);
    assert_eq!(sender.services, Some(BTreeSet::from(["s".to_owned()])));
}

#[test]
fn faults_of_the_environment_are_marked_in_the_variable() {
    let folder = Folder::with("");
    let environment = [
        ("ANTEROOM__LIMITS__DRAIN", "soon"),
        ("ANTEROOM__LISEN__INTAKE", "127.0.0.1:1"),
        ("ANTEROOM__LISTEN__CONNECTIONS_MAX", "many"),
        ("ANTEROOM__TENANTS__A__SENDERS__S__SERVICES", "[\"x\"]"),
    ];
    assert_eq!(
        folder.told(folder.load_with(&flags(), &environment)),
        [
            "ANTEROOM__LIMITS__DRAIN:1:25 limits.drain: `soon` is not a duration such as \"30s\", \
             \"5m\", \"4h\" or \"14d\"",
            "ANTEROOM__LISEN__INTAKE:1:11 unknown key `lisen`",
            "ANTEROOM__LISTEN__CONNECTIONS_MAX:1:35 listen.connections_max: expected an integer, \
             found text",
            "ANTEROOM__TENANTS__A__SENDERS__S__SERVICES:1:45 tenants.a.senders.s.services: no \
             service is named `x`",
        ]
    );
    for (name, column) in [("ANTEROOM__", 11), ("ANTEROOM__LOG____LEVEL", 16)] {
        assert_eq!(
            folder.told(folder.load_with(&flags(), &[(name, "x")])),
            [format!(
                "{name}:1:{column} a name is missing between two `__`"
            )]
        );
    }
}

#[test]
fn underscores_in_variables_stand_for_dashes_dots_and_case() {
    let folder = Folder::with("[tenants.North-Bank]\n[tenants.North-Bank.services.\"a.b\"]\n");
    let environment = [
        ("ANTEROOM__TENANTS__NORTH_BANK__FAIR_USE", "3"),
        (
            "ANTEROOM__TENANTS__NORTH_BANK__SERVICES__A_B__PRIORITY",
            "9",
        ),
    ];
    let config = accepted(folder.load_with(&flags(), &environment)).config;
    assert_eq!(config.policy.tenants["North-Bank"].fair_use, Some(3));
    let service = &config.policy.tenants["North-Bank"].services["a.b"];
    assert_eq!(service.priority.value(), 9);
}

#[test]
fn variables_that_fit_two_names_are_refused() {
    let folder = Folder::with("[tenants.a-b]\n[tenants.\"a.b\"]\n");
    let variable = "ANTEROOM__TENANTS__A_B__FAIR_USE";
    assert_eq!(
        folder.told(folder.load_with(&flags(), &[(variable, "3")])),
        [format!(
            "{variable}:1:20 `A_B` fits several names: a-b, a.b"
        )]
    );
    folder.write("conf.d/exact.toml", "[tenants.a_b]\n");
    let config = accepted(folder.load_with(&flags(), &[(variable, "3")])).config;
    assert_eq!(config.policy.tenants["a_b"].fair_use, Some(3));
}

#[test]
fn without_a_file_the_demo_is_taken() {
    let folder = Folder::new();
    let loaded = accepted(folder.load());
    assert!(loaded.is_demo);
    assert_eq!(loaded.warnings, []);
    let config = loaded.config;
    assert_eq!(config.listen.intake.to_string(), "127.0.0.1:8480");
    assert_eq!(config.listen.console.to_string(), "127.0.0.1:8481");
    assert_eq!(config.store.data, Path::new("anteroom-data"));
    assert!(config.tls.is_none());
    let tenant = &config.policy.tenants[DEMO_TENANT];
    assert_eq!(tenant.fair_use, None);
    assert_eq!(
        tenant.services.keys().collect::<Vec<_>>(),
        ["claims", "loans"]
    );
    assert!(tenant.services["loans"].hours.is_none());
    let sender = &config.policy.senders[DEMO_SENDER];
    assert_eq!((sender.rate_per_minute, &sender.services), (None, &None));
    assert_eq!(sender.tenant, DEMO_TENANT);
}

#[test]
fn the_demo_takes_environment_and_flags() {
    let folder = Folder::new();
    let flags = Flags {
        data: Some(PathBuf::from(DATA)),
        ..Flags::default()
    };
    let environment = [("ANTEROOM__TENANTS__DEMO__FAIR_USE", "4")];
    let config = accepted(folder.load_with(&flags, &environment)).config;
    assert_eq!(config.store.data, Path::new(DATA));
    assert_eq!(config.policy.tenants["demo"].fair_use, Some(4));
}

#[test]
fn pieces_without_a_file_are_no_demo() {
    let folder = Folder::new();
    folder.write("conf.d/a.toml", "[tenants.a]\n");
    let loaded = accepted(folder.load());
    assert!(!loaded.is_demo);
    assert_eq!(
        loaded.config.policy.tenants.keys().collect::<Vec<_>>(),
        ["a"]
    );
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let folder = Folder::new();
    let flags = Flags {
        config: Some(folder.path("mine.toml")),
        ..Flags::default()
    };
    let lines = folder.told(folder.load_with(&flags, &[]));
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with("cannot read mine.toml: No such file"),
        "{}",
        lines[0]
    );
    folder.write("mine.toml", "[tenants.mine]\n");
    let loaded = accepted(folder.load_with(&flags, &[]));
    assert!(loaded.config.policy.tenants.contains_key("mine"));
    assert!(!loaded.is_demo);
}

#[test]
fn syntax_errors_of_all_files_are_shown_together() {
    let folder = Folder::with("x = \n");
    folder.write("conf.d/a.toml", "[a\n");
    let lines = folder.told(folder.load());
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("anteroom.toml:1:"));
    assert!(lines[1].starts_with("conf.d/a.toml:1:"));
}
