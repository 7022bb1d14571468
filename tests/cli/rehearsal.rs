//! `workflow run`: what it answers, and its exit codes. What it plays is tried by the gallery.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use super::{anteroom, code, command, message, stderr, stdout};
use crate::daemon;

const QUEUE: &str = "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"plain\">\
    <event on=\"received\"><queue/><finish/></event></workflow>";

const RUN: [&str; 7] = [
    "workflow",
    "run",
    "plain.xml",
    "--item",
    "message.xml",
    "--script",
    "steps",
];

fn folder_with(workflow: &str, message: &str, script: &str) -> tempfile::TempDir {
    let folder = daemon::folder("rehearsal");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("a file");
    };
    write("plain.xml", workflow);
    write("message.xml", message);
    write("steps", script);
    folder
}

fn run(folder: &Path, more: &[&str]) -> std::process::Output {
    let mut arguments = RUN.to_vec();
    arguments.extend(more);
    anteroom(folder, &arguments)
}

#[test]
fn a_run_is_shown_and_ends_well() {
    let folder = folder_with(QUEUE, &message("loans", "r1"), "wait 1m\ncancel\n");
    let output = run(folder.path(), &[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("taken back by its sender"));
}

#[test]
fn json_lines_tell_what_happened_and_where_everything_stands() {
    let folder = folder_with(QUEUE, &message("loans", "r1"), "wait 1m\n");
    let output = run(folder.path(), &["--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let lines = stdout(&output);
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    assert_eq!(lines[0]["event"], "received");
    assert_eq!(lines[0]["at"], "2026-11-20T09:00:00.000Z");
    assert_eq!(lines[1]["stage"]["name"], "received");
    let end = lines.last().expect("an end");
    assert_eq!(end["event"], "end");
    assert_eq!(end["state"], "queued");
    assert_eq!(end["rest"], "stands at a queue");
}

#[test]
fn a_step_that_is_refused_is_shown_and_makes_65() {
    let folder = folder_with(QUEUE, &message("loans", "r1"), "anna accepts\n");
    let output = run(folder.path(), &[]);
    assert_eq!(code(&output), 65);
    assert!(stdout(&output).contains("refused: wrongState: Nothing rings at anna."));
}

#[test]
fn a_refused_message_is_answered_as_the_daemon_would() {
    let empty = message("loans", "r1").replace("Call back", " ");
    let folder = folder_with(QUEUE, &empty, "wait 1m\n");
    let output = run(folder.path(), &[]);
    assert_eq!(code(&output), 65);
    assert!(stdout(&output).contains("code=\"notAWorkItem\""));
}

#[test]
fn a_line_that_is_not_understood_is_named_with_all_that_is() {
    let folder = folder_with(QUEUE, &message("loans", "r1"), "send\nanna dances\n");
    let output = run(folder.path(), &[]);
    assert_eq!(code(&output), 65);
    let said = stderr(&output);
    assert!(said.contains("steps:2: `anna` begins no step."), "{said}");
    assert!(said.contains("until end"), "{said}");
}

#[test]
fn a_wrong_workflow_and_a_missing_follow_up_are_65() {
    let wrong = QUEUE.replace("<finish/>", "");
    let folder = folder_with(&wrong, &message("loans", "r1"), "");
    let output = run(folder.path(), &[]);
    assert_eq!(code(&output), 65);
    assert!(
        stderr(&output).contains("unlinkedEnd"),
        "{}",
        stderr(&output)
    );
    let starts = QUEUE.replace("<queue/>", "<startWorkflow name=\"other\"/>");
    let folder = folder_with(&starts, &message("loans", "r1"), "");
    let output = run(folder.path(), &[]);
    assert_eq!(code(&output), 65);
    assert!(stderr(&output).contains("other.xml"), "{}", stderr(&output));
}

#[test]
fn the_configuration_in_force_counts_where_it_is_named() {
    let folder = folder_with(QUEUE, &message("loans", "r1"), "wait 1s\n");
    let config = "[tenants.bank]\ntime_zone = \"Europe/Stockholm\"\n\
        [tenants.bank.services.loans]\nhours = \"Mo-Fr 12:00-13:00\"\npriority = 3\n";
    fs::write(folder.path().join("bank.toml"), config).expect("a file");
    let output = run(folder.path(), &["--config", "bank.toml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let shown = stdout(&output);
    assert!(shown.contains("clocks of Europe/Stockholm"), "{shown}");
    assert!(shown.contains("before the closed entrance, service loans, priority 3"));
    let elsewhere = run(
        folder.path(),
        &["--config", "bank.toml", "--service", "cards"],
    );
    assert_eq!(code(&elsewhere), 65);
    assert!(stderr(&elsewhere).contains("no tenant of the configuration has a service cards"));
    let asks = "<checkOpeningHours service=\"cards\"><open goto=\"a\"/></checkOpeningHours><queue/>\
        <finish/></event><event on=\"goto\" name=\"a\"><finish/>";
    let asking = QUEUE.replace("<queue/><finish/>", asks);
    fs::write(folder.path().join("plain.xml"), asking).expect("a file");
    let unknown = run(folder.path(), &["--config", "bank.toml"]);
    assert_eq!(code(&unknown), 65);
    let said = stderr(&unknown);
    assert!(said.contains("There is no service cards"), "{said}");
}

#[test]
fn a_script_may_come_from_standard_input() {
    let folder = folder_with(QUEUE, &message("loans", "r1"), "");
    let mut child = command(folder.path())
        .args(&RUN[..6])
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin
        .write_all(b"cancel no longer needed\n")
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(stdout(&output).contains("taken back by its sender: no longer needed"));
}
