//! Every kind of problem, where it is and what it says; beside each the good neighbour that is
//! taken.

use super::*;

#[track_caller]
fn taken(text: &str) {
    accepted(Folder::with(text).load());
}

#[test]
fn syntax_errors_are_all_shown_and_nothing_else() {
    assert_eq!(
        told("[log]\nlevel = \nformat = json\n[frob]\nx = 1\n"),
        [
            "anteroom.toml:2:9 not TOML: string values must be quoted, expected literal string",
            "anteroom.toml:3:10 not TOML: string values must be quoted, expected literal string",
        ]
    );
    assert_eq!(
        told("[log]\nlevel = \"info\"\nlevel = \"warn\"\n"),
        ["anteroom.toml:3:1 not TOML: duplicate key"]
    );
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    let folder = Folder::with("[listen]\nintak = \"127.0.0.1:1\"\n[lisen]\n[frobnicate]\n");
    let errors = folder.load().err().expect("problems");
    let helps: Vec<Option<String>> = errors.problems.iter().map(|p| p.error.help()).collect();
    assert_eq!(
        folder.told(folder.load()),
        [
            "anteroom.toml:2:1 listen: unknown key `intak`",
            "anteroom.toml:3:2 unknown key `lisen`",
            "anteroom.toml:4:2 unknown key `frobnicate`",
        ]
    );
    assert_eq!(helps[0].as_deref(), Some("did you mean `intake`?"));
    assert_eq!(helps[1].as_deref(), Some("did you mean `listen`?"));
    assert_eq!(
        helps[2].as_deref(),
        Some("known here: listen, tls, store, control, limits, log, notify, tenants")
    );
}

#[test]
fn keys_of_later_versions_are_refused_by_name() {
    for (pattern, feature) in later::LATER {
        let path = pattern.replace("NAME", "x");
        let (table, key) = path.rsplit_once('.').expect("all are in a table");
        // Levels are an array of tables, and one of them says since when it holds.
        let (header, shown) = match table.ends_with(".levels") {
            true => (
                format!("[[{table}]]\nafter = \"0s\"\n"),
                format!("{table}[1]"),
            ),
            false => (format!("[{table}]\n"), table.to_owned()),
        };
        let folder = Folder::with(&format!("{header}{key} = {{}}\n"));
        let errors = folder.load().err().expect("problems");
        let line = header.lines().count() + 1;
        assert_eq!(
            folder.told(folder.load()),
            [format!(
                "anteroom.toml:{line}:1 {shown}: `{key}` is not available in this version"
            )]
        );
        let help = format!("{feature}; remove the key, it would have no effect");
        assert_eq!(errors.problems[0].error.help(), Some(help));
    }
}

#[test]
fn secrets_are_sent_where_they_belong() {
    assert_eq!(
        told(
            "[tls]\ncertificate_file = \"-----BEGIN CERTIFICATE-----\"\nprivate_key = \"x\"\n\
             [tenants.a.senders.s]\nkey = \"x\"\npassword = \"x\"\n"
        ),
        [
            "anteroom.toml:2:1 tls.private_key_file: TLS needs `private_key_file` or \
             `private_key_credential`",
            "anteroom.toml:2:20 tls.certificate_file: a secret must not stand in the configuration",
            "anteroom.toml:3:1 tls: a secret must not stand in the configuration",
            "anteroom.toml:5:1 tenants.a.senders.s: a secret must not stand in the configuration",
            "anteroom.toml:6:1 tenants.a.senders.s: a secret must not stand in the configuration",
        ]
    );
}

#[test]
fn wrong_types_say_what_was_expected() {
    assert_eq!(
        told(
            "listen = 5\n[limits]\ndrain = 25\nengine_queue_max = \"64\"\n[log]\nlevel = true\n\
             [tenants]\nb = 1\n[tenants.a]\nfair_use = true\nattachment_types = \"text/plain\"\n\
             privacy.persist_user_states = 1.5\n[tenants.a.services.s]\ncontact_data = {}\n\
             receipts = 1979-05-27\nqueue_items_max = 99999999999999999999\n"
        ),
        [
            "anteroom.toml:1:10 listen: expected a table, found an integer",
            "anteroom.toml:3:9 limits.drain: expected a duration such as \"30s\", \"5m\", \"4h\" \
             or \"14d\", found an integer",
            "anteroom.toml:4:20 limits.engine_queue_max: expected an integer, found a string",
            "anteroom.toml:6:9 log.level: expected a string, found a boolean",
            "anteroom.toml:8:5 tenants.b: expected a table, found an integer",
            "anteroom.toml:10:12 tenants.a.fair_use: expected an integer, or false for no limit, \
             found a boolean",
            "anteroom.toml:11:20 tenants.a.attachment_types: expected an array, found a string",
            "anteroom.toml:12:31 tenants.a.privacy.persist_user_states: expected true or false, \
             found a float",
            "anteroom.toml:14:16 tenants.a.services.s.contact_data: expected an array of tables, \
             found a table",
            "anteroom.toml:15:12 tenants.a.services.s.receipts: expected true or false, found a \
             date or time",
            "anteroom.toml:16:19 tenants.a.services.s.queue_items_max: expected an integer, found \
             an integer beyond 64 bits",
        ]
    );
}

#[test]
fn unknown_references_are_found() {
    let good = "[tenants.a.services.loans]\ntask_type = \"loan\"\n[tenants.a.task_types.loan]\n\
                [tenants.a.senders.s]\nservices = [\"loans\"]\n";
    taken(good);
    assert_eq!(
        told(
            &good
                .replace("types.loan]", "types.lone]")
                .replace("[\"loans\"]", "[\"x\"]")
        ),
        [
            "anteroom.toml:2:13 tenants.a.services.loans.task_type: no task type is named `loan`",
            "anteroom.toml:5:13 tenants.a.senders.s.services: no service is named `x`",
        ]
    );
}

#[test]
fn services_of_another_tenant_are_unknown() {
    assert_eq!(
        told("[tenants.a.services.loans]\n[tenants.b.senders.s]\nservices = [\"loans\"]\n"),
        ["anteroom.toml:3:13 tenants.b.senders.s.services: no service is named `loans`"]
    );
}

#[test]
fn time_zones_are_those_of_the_system() {
    taken("[tenants.a]\ntime_zone = \"Europe/Stockholm\"\n");
    let folder = Folder::with("[tenants.a]\ntime_zone = \"Europe/Stokholm\"\n");
    let errors = folder.load().err().expect("problems");
    let help = errors.problems[0].error.help();
    assert_eq!(help.as_deref(), Some("did you mean `Europe/Stockholm`?"));
    assert_eq!(
        folder.told(folder.load()),
        ["anteroom.toml:2:13 tenants.a.time_zone: no time zone is named `Europe/Stokholm`"]
    );
}

#[test]
fn opening_hours_are_marked_at_the_word() {
    taken("[tenants.a.services.s]\nhours = \"Mo-Fr 08:00-17:00\"\n");
    let lines = told("[tenants.a.services.s]\nhours = \"Mo-Fr 08:00-17:00; Xy off\"\n");
    let start = "anteroom.toml:2:29 tenants.a.services.s.hours: opening hours: not understood at \
                 character 20:";
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with(start), "{}", lines[0]);
    let escaped = told("[tenants.a.services.s]\nhours = \"\\u004do-Fr 08:00-17:00; Xy off\"\n");
    assert!(
        escaped[0].starts_with("anteroom.toml:2:9 "),
        "{}",
        escaped[0]
    );
}

#[test]
fn holidays_must_be_there_and_be_a_calendar() {
    let text = "[tenants.a.services.s]\nhours = \"Mo-Fr 08:00-17:00; PH off\"\n\
                holidays_ics = \"days.ics\"\n";
    let folder = Folder::with(text);
    assert_eq!(
        folder.told(folder.load()),
        [
            "anteroom.toml:3:16 tenants.a.services.s.holidays_ics: cannot read days.ics: there is \
             no such file"
        ]
    );
    folder.write(
        "days.ics",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
    );
    let lines = folder.told(folder.load());
    assert_eq!(lines.len(), 1);
    let start = "anteroom.toml:3:16 tenants.a.services.s.holidays_ics: opening hours: ";
    assert!(lines[0].starts_with(start), "{}", lines[0]);
    folder.write("days.ics", HOLIDAYS);
    assert!(
        folder.config().policy.tenants["a"].services["s"]
            .hours
            .is_some()
    );
}

/// One day.
pub(super) const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Anteroom//EN\r\n\
    BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20261224\r\n\
    SUMMARY:Christmas Eve\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn holidays_without_a_file_are_missing() {
    let lines = told("[tenants.a.services.s]\nhours = \"Mo-Fr 08:00-17:00; PH off\"\n");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("anteroom.toml:2:29 "), "{}", lines[0]);
}

#[test]
fn digests_have_sixty_four_hexadecimal_digits() {
    let with = |value: &str| format!("[tenants.a.senders.s]\nkey_sha256 = {value}\n");
    taken(&with(&format!("\"{DIGEST}\"")));
    taken(&with(&format!("\"{}\"", DIGEST.to_uppercase())));
    taken(&with(&format!("[\"{DIGEST}\", \"{OTHER_DIGEST}\"]")));
    let start = "anteroom.toml:2:14 tenants.a.senders.s.key_sha256:";
    for (value, what) in [
        (
            format!("\"{}\"", &DIGEST[1..]),
            "a SHA-256 has 64 hexadecimal digits, not 63",
        ),
        (
            format!("\"{DIGEST}0\""),
            "a SHA-256 has 64 hexadecimal digits, not 65",
        ),
        (
            format!("\"g{}\"", &DIGEST[1..]),
            "a SHA-256 has hexadecimal digits only",
        ),
        ("[]".to_owned(), "out of range, allowed: 1 to 2 values"),
    ] {
        assert_eq!(told(&with(&value)), [format!("{start} {what}")]);
    }
    let third = DIGEST.replace("0f", "2f");
    assert_eq!(
        told(&with(&format!(
            "[\"{DIGEST}\", \"{OTHER_DIGEST}\", \"{third}\"]"
        ))),
        [format!("{start} out of range, allowed: 1 to 2 values")]
    );
}

#[test]
fn what_says_who_a_sender_is_may_be_used_once() {
    let folder = Folder::new();
    folder.write("ca.pem", "");
    folder.write("cert.pem", "");
    folder.write("key.pem", "");
    folder.write(
        "anteroom.toml",
        format!(
            "[tls]\ncertificate_file = \"cert.pem\"\nprivate_key_file = \"key.pem\"\n\
             client_ca_file = \"ca.pem\"\n\
             [tenants.a.senders.one]\nkey_sha256 = \"{DIGEST}\"\nclient_cert_subject = \"CN=x\"\n\
             [tenants.a.senders.two]\nkey_sha256 = \"{DIGEST}\"\nclient_cert_subject = \"CN=x\"\n\
             [tenants.b.senders.one]\nkey_sha256 = \"{OTHER_DIGEST}\"\n"
        ),
    );
    assert_eq!(
        folder.told(folder.load()),
        [
            "anteroom.toml:9:14 tenants.a.senders.two.key_sha256: this key is already used",
            "anteroom.toml:10:23 tenants.a.senders.two.client_cert_subject: this subject is \
             already used",
            "anteroom.toml:11:20 tenants.b.senders: the sender name `one` is already used",
        ]
    );
}

#[test]
fn certificates_of_senders_need_somebody_who_signs_them() {
    assert_eq!(
        told("[tenants.a.senders.s]\nclient_cert_subject = \"CN=x\"\n"),
        [
            "anteroom.toml:2:23 tenants.a.senders.s.client_cert_subject: certificates are asked \
             for only where `client_ca_file` is set under [tls]"
        ]
    );
}

#[test]
fn listeners_off_the_loopback_need_tls_or_leave() {
    let line = "anteroom.toml:2:10 listen.intake: `intake` listens off the loopback \
                (0.0.0.0:8480) without TLS";
    let text = "[listen]\nintake = \"0.0.0.0:8480\"\n";
    assert_eq!(told(text), [line]);
    assert_eq!(told(&format!("{text}[tls]\n")), [line]);
    assert_eq!(told(&format!("{text}plaintext = false\n")), [line]);
    assert_eq!(told("[listen]\nconsole = \"[::]:1\"\n").len(), 1);
    assert_eq!(told("[listen]\nconsole = \"192.0.2.1:1\"\n").len(), 1);
    taken(&format!("{text}plaintext = true\n"));
    taken("[listen]\nintake = \"127.8.9.1:1\"\nconsole = \"[::1]:1\"\n");
    taken("[listen]\nintake = \"[::ffff:127.0.0.1]:1\"\n");
    let folder = Folder::with(&format!(
        "{text}[tls]\ncertificate_file = \"c.pem\"\nprivate_key_file = \"k.pem\"\n"
    ));
    folder.write("c.pem", "");
    folder.write("k.pem", "");
    assert!(folder.config().tls.is_some());
}

#[test]
fn addresses_are_numbers_with_a_port() {
    let what = "is not an IP address with a port, such as 127.0.0.1:8480 or [::1]:8480";
    for address in ["localhost:8480", "127.0.0.1", "8480", "127.0.0.1:65536", ""] {
        assert_eq!(
            told(&format!("[listen]\nintake = \"{address}\"\n")),
            [format!(
                "anteroom.toml:2:10 listen.intake: `{address}` {what}"
            )]
        );
    }
}

#[test]
fn two_listeners_need_two_addresses() {
    assert_eq!(
        told("[listen]\nintake = \"127.0.0.1:9\"\nconsole = \"127.0.0.1:9\"\n"),
        ["anteroom.toml:3:11 listen.console: the address 127.0.0.1:9 is already used"]
    );
    assert_eq!(
        told("[listen]\nintake = \"127.0.0.1:8481\"\n"),
        ["anteroom.toml:2:10 listen.console: the address 127.0.0.1:8481 is already used"]
    );
    taken("[listen]\nintake = \"127.0.0.1:0\"\nconsole = \"127.0.0.1:0\"\n");
}

#[test]
fn tls_is_whole_or_absent() {
    taken("[tls]\n");
    let folder = Folder::with("[tls]\nprivate_key_file = \"k.pem\"\n");
    folder.write("k.pem", "");
    folder.write("c.pem", "");
    assert_eq!(
        folder.told(folder.load()),
        ["anteroom.toml:2:1 tls.certificate_file: TLS needs `certificate_file`"]
    );
    folder.write("anteroom.toml", "[tls]\ncertificate_file = \"c.pem\"\n");
    assert_eq!(
        folder.told(folder.load()),
        [
            "anteroom.toml:2:1 tls.private_key_file: TLS needs `private_key_file` or \
             `private_key_credential`"
        ]
    );
    folder.write(
        "anteroom.toml",
        "[tls]\ncertificate_file = \"c.pem\"\nprivate_key_file = \"no.pem\"\n\
         private_key_credential = \"x\"\n",
    );
    assert_eq!(
        folder.told(folder.load()),
        [
            "anteroom.toml:3:20 tls.private_key_file: cannot read no.pem: there is no such file",
            "anteroom.toml:4:26 tls.private_key_credential: set either `private_key_file` or \
             `private_key_credential`, not both",
        ]
    );
}

#[test]
fn names_hold_what_the_contract_allows() {
    taken("[tenants.a.services.\"A-z_0.9\"]\n");
    let what = "is not a name: letters a to z, digits, `.`, `_` and `-` are allowed";
    assert_eq!(
        told("[tenants.\"a b\"]\n[tenants.a.services.\"lån\"]\n[tenants.a.senders.\"a:b\"]\n"),
        [
            format!("anteroom.toml:1:10 tenants.a b: `a b` {what}"),
            format!("anteroom.toml:2:21 tenants.a.services.lån: `lån` {what}"),
            format!("anteroom.toml:3:20 tenants.a.senders.a:b: `a:b` {what}"),
        ]
    );
}

#[test]
fn words_of_closed_sets_are_listed() {
    assert_eq!(
        told("[log]\nlevel = \"loud\"\nformat = \"xml\"\n"),
        [
            "anteroom.toml:2:9 log.level: `loud` is not one of error, warn, info, debug, trace",
            "anteroom.toml:3:10 log.format: `xml` is not one of auto, journal, text, json",
        ]
    );
}

#[test]
fn media_types_have_no_parameters() {
    for (wrong, _) in [
        ("text", 0),
        ("text/", 0),
        ("text/plain; charset=utf-8", 0),
        ("/x", 0),
    ] {
        assert_eq!(
            told(&format!("[tenants.a]\nattachment_types = [\"{wrong}\"]\n")),
            [format!(
                "anteroom.toml:2:21 tenants.a.attachment_types: `{wrong}` is not a media type \
                 such as application/pdf"
            )]
        );
    }
}

#[test]
fn values_of_a_list_stand_there_once() {
    assert_eq!(
        told("[tenants.a.task_types.t]\noutcomes = [\"x\", \"y\", \"x\"]\n"),
        ["anteroom.toml:2:23 tenants.a.task_types.t.outcomes: \"x\" is already used"]
    );
}

#[test]
fn declarations_of_keys_are_judged_one_by_one() {
    let text = "[tenants.a.services.s]\n\
                contact_data = [{key = \"a\"}, {key = \"a\", label = \"b\"}, {label = \"q\"}, 5, \
                {key = \"b c\"}]\n";
    assert_eq!(
        told(text),
        [
            "anteroom.toml:2:37 tenants.a.services.s.contact_data: the key `a` is already used",
            "anteroom.toml:2:57 tenants.a.services.s.contact_data[3]: `key` is missing",
            "anteroom.toml:2:71 tenants.a.services.s.contact_data: expected a table, found an \
             integer",
            "anteroom.toml:2:81 tenants.a.services.s.contact_data[4].key: `b c` is not a name: \
             letters a to z, digits, `.`, `_` and `-` are allowed",
        ]
    );
}

#[test]
fn doubtful_settings_are_warnings() {
    assert_eq!(
        warned(""),
        ["tenants: no tenant is configured: nobody can send anything"]
    );
    let folder = Folder::with(
        "[tenants.a.senders.s]\n[tenants.a.services.x]\nholidays_ics = \"d.ics\"\n\
         [tenants.a.services.y]\nhours = \"24/7\"\nholidays_ics = \"d.ics\"\n",
    );
    folder.write("d.ics", HOLIDAYS);
    let warnings = accepted(folder.load()).warnings;
    let lines: Vec<String> = warnings
        .iter()
        .map(|warning| folder.line(warning))
        .collect();
    assert_eq!(
        lines,
        [
            "anteroom.toml:1:20 tenants.a.senders.s.key_sha256: the sender has neither \
             `key_sha256` nor `client_cert_subject`: it cannot sign in",
            "anteroom.toml:3:16 tenants.a.services.x.holidays_ics: without `hours` the service is \
             always open, holidays or not",
            "anteroom.toml:6:16 tenants.a.services.y.holidays_ics: `hours` says nothing about \
             `PH`: the holidays have no effect",
        ]
    );
}
