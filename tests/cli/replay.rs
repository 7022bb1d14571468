//! `replay`: fixtures that hold, fixtures that do not, and load.

use std::fs;
use std::path::Path;

use super::{code, message, stderr, stdout};
use crate::daemon::{self, Daemon};

const RECEIPT: &str = "<receipt xmlns=\"urn:anteroom:work-item:1\" id=\"*\" reference=\"a\" \
                       state=\"queued\" version=\"1\" duplicate=\"false\" receivedAt=\"*\" \
                       storedAt=\"*\"><service>loans</service><position>*</position></receipt>";

fn replay(daemon: &Daemon, folder: &Path, more: &[&str]) -> std::process::Output {
    let mut arguments = vec!["replay", folder.to_str().expect("it is UTF-8")];
    arguments.extend(more);
    daemon.cli(&arguments)
}

fn figures(output: &std::process::Output) -> serde_json::Value {
    let text = stdout(output);
    let last = text.lines().last().expect("it prints figures");
    serde_json::from_str(last).expect("it is JSON")
}

#[test]
fn answers_as_expected_are_0_and_others_65_with_what_differs() {
    let folder = daemon::folder("replay");
    let daemon = Daemon::start(&folder.path().join("data"));
    let fixtures = folder.path().join("fixtures");
    fs::create_dir(&fixtures).expect("a folder");
    fs::write(fixtures.join("a.xml"), message("loans", "a")).expect("a file");
    fs::write(fixtures.join("a.answer.xml"), RECEIPT).expect("a file");
    fs::write(fixtures.join("a.http"), "201\nContent-Encoding: gzip\n").expect("a file");
    fs::write(fixtures.join("b.xml"), "<ping").expect("a file");
    fs::write(fixtures.join("b.http"), "400\n").expect("a file");
    fs::write(fixtures.join("c.xml"), "").expect("a file");
    fs::write(
        fixtures.join("c.http"),
        "GET /v1/limits 401\nAuthorization:\n",
    )
    .expect("a file");
    let right = replay(&daemon, &fixtures, &[]);
    assert_eq!(code(&right), 0, "{}{}", stdout(&right), stderr(&right));
    assert!(
        stdout(&right).contains("3 as expected, 0 different"),
        "{}",
        stdout(&right)
    );

    // The second time it is a duplicate, answered 200.
    let again = replay(&daemon, &fixtures, &[]);
    assert_eq!(code(&again), 65);
    let shown = stdout(&again);
    assert!(
        shown.contains("/receipt/@duplicate") && shown.contains("status"),
        "{shown}"
    );
    let fresh = replay(
        &daemon,
        &fixtures,
        &["--fresh-references", "--repeat", "5", "--json"],
    );
    assert_eq!(code(&fresh), 0, "{}", stdout(&fresh));
    assert_eq!(figures(&fresh)["asExpected"], 15);
}

#[test]
fn update_writes_answers_that_then_hold_for_a_new_daemon() {
    let folder = daemon::folder("replay");
    let fixtures = folder.path().join("fixtures");
    fs::create_dir(&fixtures).expect("a folder");
    fs::write(fixtures.join("a.xml"), message("claims", "a")).expect("a file");
    fs::write(fixtures.join("b.xml"), message("cards", "b")).expect("a file");
    fs::write(fixtures.join("b.http"), "201\n").expect("a file");
    let first = Daemon::start(&folder.path().join("first"));
    let updated = std::process::Command::new(daemon::binary())
        .arg("--data")
        .arg(first.data())
        .arg("replay")
        .arg(&fixtures)
        .env("UPDATE_FIXTURES", "1")
        .output()
        .expect("the binary runs");
    assert_eq!(code(&updated), 0, "{}", stderr(&updated));
    assert_eq!(stdout(&updated).lines().count(), 3, "{}", stdout(&updated));
    assert_eq!(
        fs::read_to_string(fixtures.join("b.http")).expect("it is there"),
        "422\n"
    );
    let second = Daemon::start(&folder.path().join("second"));
    let replayed = replay(&second, &fixtures, &[]);
    assert_eq!(code(&replayed), 0, "{}", stdout(&replayed));
}

#[test]
fn load_is_counted_and_timed() {
    let folder = daemon::folder("replay");
    let daemon = Daemon::start(&folder.path().join("data"));
    let fixtures = folder.path().join("a.xml");
    fs::write(&fixtures, message("loans", "a")).expect("a file");
    let more = [
        "--fresh-references",
        "--repeat",
        "200",
        "--concurrency",
        "8",
        "--json",
    ];
    let output = replay(&daemon, &fixtures, &more);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let figures = figures(&output);
    assert_eq!(
        (&figures["sent"], &figures["unjudged"]),
        (&200.into(), &200.into())
    );
    let p99 = figures["latencyMs"]["p99"]
        .as_f64()
        .expect("it is a number");
    assert!(p99 > 0.0, "{figures}");
    assert_eq!(daemon.service("loans")["queued"], 200);
}

#[test]
fn without_a_daemon_replay_is_69() {
    let folder = daemon::folder("replay");
    let mut daemon = Daemon::start(&folder.path().join("data"));
    daemon.kill();
    let fixtures = folder.path().join("a.xml");
    fs::write(&fixtures, message("loans", "a")).expect("a file");
    let output = replay(&daemon, &fixtures, &[]);
    assert_eq!(code(&output), 69, "{}", stdout(&output));
}

#[test]
fn fresh_references_reach_answers_and_addresses() {
    let folder = daemon::folder("replay");
    let daemon = Daemon::start(&folder.path().join("data"));
    let fixtures = folder.path().join("fixtures");
    fs::create_dir(&fixtures).expect("a folder");
    fs::write(fixtures.join("a.xml"), message("loans", "a")).expect("a file");
    fs::write(fixtures.join("a.answer.xml"), RECEIPT).expect("a file");
    fs::write(fixtures.join("a.http"), "201\n").expect("a file");
    fs::write(fixtures.join("b.xml"), "").expect("a file");
    fs::write(
        fixtures.join("b.http"),
        "GET /v1/work-items?reference=a 200\n",
    )
    .expect("a file");
    for _ in ["new", "known"] {
        let fresh = replay(&daemon, &fixtures, &["--fresh-references", "--repeat", "3"]);
        assert_eq!(code(&fresh), 0, "{}", stdout(&fresh));
    }
}
