//! Commands that need no daemon: exit codes, judging, keys, manuals.

use std::fs;

use super::{anteroom, code, message, stderr, stdout};
use crate::daemon;

#[test]
fn usage_errors_are_64_and_help_is_none() {
    let folder = daemon::folder("cli");
    for wrong in [
        &["no-such-command"][..],
        &[],
        &["send"],
        &["serve", "--intake", "nowhere"],
        &["item"],
        &["sender", "new", "two words"],
    ] {
        let output = anteroom(folder.path(), wrong);
        assert_eq!(code(&output), 64, "{wrong:?}: {}", stderr(&output));
        assert!(!stderr(&output).is_empty(), "{wrong:?} says nothing");
    }
    for right in [&["--help"][..], &["send", "--help"], &["--version"]] {
        let output = anteroom(folder.path(), right);
        assert_eq!(code(&output), 0, "{right:?}: {}", stderr(&output));
    }
    let version = stdout(&anteroom(folder.path(), &["--version"]));
    assert_eq!(
        version.trim(),
        format!("anteroom {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn without_a_daemon_looking_and_acting_are_69_and_say_what_to_do() {
    let folder = daemon::folder("cli");
    for arguments in [
        &["status"][..],
        &["services"],
        &["queue"],
        &["item", "x"],
        &["item", "abort", "x"],
        &["entrance", "open", "loans"],
        &["backup", "b.db"],
        &["doctor"],
    ] {
        let mut with_data = vec!["--data", "nothing-here"];
        with_data.extend(arguments);
        let output = anteroom(folder.path(), &with_data);
        assert_eq!(code(&output), 69, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("--data"), "{}", stderr(&output));
    }
}

#[test]
fn check_shows_every_problem_with_line_and_caret() {
    let folder = daemon::folder("cli");
    let config = folder.path().join("bad.toml");
    fs::write(
        &config,
        "[listen]\nintak = \"127.0.0.1:0\"\n\n[log]\nlevel = \"loud\"\n",
    )
    .expect("a file");
    let output = anteroom(folder.path(), &["--config", "bad.toml", "check"]);
    assert_eq!(code(&output), 78);
    let shown = stderr(&output);
    for part in [
        "bad.toml:2:1",
        "^^^^^",
        "did you mean `intake`?",
        "bad.toml:5:9",
        "loud",
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    let lines = stdout(&anteroom(
        folder.path(),
        &["--config", "bad.toml", "check", "--json"],
    ));
    assert_eq!(lines.lines().count(), 2, "{lines}");
    for line in lines.lines() {
        let problem: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
        assert_eq!(problem["level"], "error");
    }
}

#[test]
fn serve_refuses_a_wrong_configuration_with_78() {
    let folder = daemon::folder("cli");
    fs::write(folder.path().join("bad.toml"), "nonsense = 1\n").expect("a file");
    let output = anteroom(folder.path(), &["--config", "bad.toml", "serve"]);
    assert_eq!(code(&output), 78, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("bad.toml:1:1"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn effective_settings_are_a_configuration_themselves() {
    let folder = daemon::folder("cli");
    let output = anteroom(folder.path(), &["check", "--effective"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let effective = stdout(&output);
    assert!(
        effective.contains("[tenants.demo.services.claims]"),
        "{effective}"
    );
    fs::write(folder.path().join("again.toml"), &effective).expect("a file");
    let again = anteroom(folder.path(), &["--config", "again.toml", "check"]);
    assert_eq!(code(&again), 0, "{}", stderr(&again));
}

#[test]
fn validate_judges_each_file_and_ends_with_65_on_any_refusal() {
    let folder = daemon::folder("cli");
    fs::write(folder.path().join("good.xml"), message("loans", "a")).expect("a file");
    fs::write(folder.path().join("bad.xml"), message("cards", "a")).expect("a file");
    let good = anteroom(folder.path(), &["validate", "good.xml"]);
    assert_eq!(code(&good), 0, "{}", stdout(&good));
    let both = anteroom(
        folder.path(),
        &["validate", "--json", "good.xml", "bad.xml"],
    );
    assert_eq!(code(&both), 65);
    let lines: Vec<serde_json::Value> = stdout(&both)
        .lines()
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    assert_eq!(lines[0]["accepted"], true);
    assert_eq!(lines[0]["code"], serde_json::Value::Null);
    assert_eq!(lines[1]["file"], "bad.xml");
    assert_eq!(lines[1]["accepted"], false);
    assert_eq!(lines[1]["code"], "unknownService");
    assert_eq!(lines[1]["problems"][0]["path"], "/workItem/service");
    let by_schema = anteroom(folder.path(), &["validate", "--schema-only", "bad.xml"]);
    assert_eq!(code(&by_schema), 0, "{}", stdout(&by_schema));
}

#[test]
fn a_new_key_opens_the_door_that_its_lines_describe() {
    let folder = daemon::folder("cli");
    let output = anteroom(folder.path(), &["sender", "new", "crm.1", "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let made: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("it is JSON");
    assert_eq!(made["tenant"], "demo");
    let digest = made["keySha256"].as_str().expect("it is text");
    let config = format!(
        "[tenants.demo.senders.\"crm.1\"]\nkey_sha256 = \"{digest}\"\n\
         [tenants.demo.services.loans]\n[listen]\nintake = \"127.0.0.1:0\"\n"
    );
    fs::write(folder.path().join("own.toml"), config).expect("a file");
    let checked = anteroom(folder.path(), &["--config", "own.toml", "check"]);
    assert_eq!(code(&checked), 0, "{}", stderr(&checked));
    assert_eq!(stderr(&checked), "");
}

#[test]
fn completions_and_manual_pages_name_the_commands() {
    let folder = daemon::folder("cli");
    for shell in ["bash", "zsh", "fish"] {
        let output = anteroom(folder.path(), &["completions", shell]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert!(stdout(&output).contains("entrance"), "{shell}");
    }
    let output = anteroom(folder.path(), &["man", "pages"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let page = fs::read_to_string(folder.path().join("pages/anteroom.1")).expect("it is there");
    assert!(page.contains("Exit codes"), "{page}");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let folder = daemon::folder("cli");
    let script = format!(
        "\"{}\" completions bash | head -n 1; exit ${{PIPESTATUS[0]}}",
        daemon::binary().display()
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .expect("bash runs");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}
