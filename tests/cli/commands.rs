//! Looking, acting, sending and keeping, with a running daemon.

use std::fs;

use super::{anteroom, code, message, stderr, stdout};
use crate::daemon::{self, Daemon};

/// A folder with two messages, and a daemon that has taken both.
fn with_two_items(name: &str) -> (tempfile::TempDir, Daemon) {
    let folder = daemon::folder(name);
    let daemon = Daemon::start(&folder.path().join("data"));
    for (file, service) in [("open.xml", "loans"), ("closed.xml", "claims")] {
        let path = folder.path().join(file);
        fs::write(&path, message(service, file)).expect("a file");
        let sent = daemon.cli(&["send".as_ref(), path.as_os_str()]);
        assert_eq!(code(&sent), 0, "{}", stderr(&sent));
    }
    (folder, daemon)
}

#[test]
fn the_demo_begins_with_one_entrance_closed_by_hand_and_keeps_it_as_people_left_it() {
    let folder = daemon::folder("cli");
    let mut daemon = Daemon::start(&folder.path().join("data"));
    assert_eq!(daemon.service("loans")["entrance"]["state"], "open");
    let claims = daemon.service("claims");
    assert_eq!(claims["entrance"]["state"], "closed");
    assert_eq!(claims["entrance"]["reasons"][0], "byHand");
    let key = daemon.credentials().key.clone();
    assert!(daemon.cli(&["entrance", "open", "claims"]).status.success());
    daemon.kill();
    daemon.restart();
    assert_eq!(daemon.service("claims")["entrance"]["state"], "open");
    assert_eq!(
        daemon.credentials().key,
        key,
        "the key changed over a restart"
    );
}

#[test]
fn what_was_sent_is_found_in_its_queue() {
    let (_folder, daemon) = with_two_items("cli");
    let status = &daemon.cli_json(&["status"])[0];
    assert_eq!(
        (&status["queued"], &status["buffered"]),
        (&1.into(), &1.into())
    );
    let queue = daemon.cli_json(&["queue", "loans"]);
    assert_eq!(queue.len(), 1);
    assert_eq!(queue[0]["reference"], "open.xml");
    let id = queue[0]["id"].as_str().expect("it is text");
    let item = &daemon.cli_json(&["item", id])[0];
    assert_eq!(item["state"], "queued");
    let trace = daemon.cli_json(&["item", id, "--trace"]);
    assert_eq!(trace[0]["event"], "received");
    let raw = daemon.cli(&["item", id, "--message"]);
    assert_eq!(stdout(&raw).trim_end(), message("loans", "open.xml"));
    let table = stdout(&daemon.cli(&["services"]));
    assert!(table.contains("closed (byHand)"), "{table}");
}

#[test]
fn an_entrance_opened_until_a_time_says_so_and_a_wrong_time_is_usage() {
    let (_folder, daemon) = with_two_items("cli");
    let opened = daemon.cli(&["entrance", "open", "claims", "--until", "+2h"]);
    assert_eq!(code(&opened), 0, "{}", stderr(&opened));
    assert!(
        stdout(&opened).contains("forced until"),
        "{}",
        stdout(&opened)
    );
    let wrong = daemon.cli(&["entrance", "close", "claims", "--until", "yesterday"]);
    assert_eq!(code(&wrong), 64, "{}", stderr(&wrong));
    let unknown = daemon.cli(&["entrance", "close", "cards"]);
    assert_eq!(code(&unknown), 65, "{}", stderr(&unknown));
    assert!(stderr(&unknown).contains("cards"), "{}", stderr(&unknown));
}

#[test]
fn an_aborted_item_ends_once() {
    let (_folder, daemon) = with_two_items("cli");
    let id = daemon.cli_json(&["queue", "loans"])[0]["id"].clone();
    let id = id.as_str().expect("it is text");
    let aborted = daemon.cli(&["item", "abort", id, "--reason", "a test"]);
    assert_eq!(code(&aborted), 0, "{}", stderr(&aborted));
    let item = &daemon.cli_json(&["item", id])[0];
    assert_eq!(item["outcome"], "cancelledBySupervisor");
    assert!(daemon.cli_json(&["queue", "loans"]).is_empty());
    let missing = daemon.cli(&["item", "no-such-item"]);
    assert_eq!(code(&missing), 65, "{}", stderr(&missing));
}

#[test]
fn items_are_directed_and_agents_shown_from_the_command_line() {
    let (_folder, daemon) = with_two_items("cli");
    let agents = daemon.cli_json(&["agents"]);
    let names: Vec<_> = agents.iter().map(|line| line["name"].as_str()).collect();
    assert_eq!(names, [Some("agent1"), Some("agent2")]);
    assert_eq!(agents[0]["state"], "offline");
    let table = stdout(&daemon.cli(&["agents"]));
    assert!(
        table.contains("agent1") && table.contains("offline"),
        "{table}"
    );
    let queue = stdout(&daemon.cli(&["queue", "loans"]));
    assert!(queue.contains("noAgentSignedIn"), "{queue}");
    let item = |arguments: &[&str]| {
        let lines = daemon.cli_json(&[&["item"], arguments].concat());
        lines.into_iter().next().expect("an item")
    };
    assert_eq!(item(&["priority", "open.xml", "9"])["priority"], 9);
    let required = item(&["reassign", "open.xml", "agent2", "--required"]);
    assert_eq!(required["why"], "preferredAgentOnly");
    let moved = item(&["transfer", "open.xml", "--service", "claims"]);
    assert_eq!(moved["state"], "buffered");
    item(&["abort", "open.xml"]);
    let reopened = daemon.cli(&["item", "reopen", "open.xml", "--reason", "a test"]);
    assert_eq!(
        stdout(&reopened),
        "open.xml: buffered claims entranceClosed\n"
    );
    for verb in ["release", "requeue"] {
        let nobody = daemon.cli(&["item", verb, "open.xml"]);
        assert_eq!(code(&nobody), 65, "{}", stderr(&nobody));
        assert!(stderr(&nobody).contains("buffered"), "{}", stderr(&nobody));
    }
}

#[test]
fn follow_ups_are_listed_and_what_there_is_not_is_refused() {
    let (_folder, daemon) = with_two_items("cli");
    for arguments in [&["follow-ups"][..], &["follow-ups", "--closed"]] {
        let none = daemon.cli(arguments);
        assert_eq!(code(&none), 0, "{}", stderr(&none));
        assert_eq!(stdout(&none), "There are none.\n");
        assert!(daemon.cli_json(arguments).is_empty());
    }
    let gone = "01a1fcc0-0000-7000-8000-000000000000";
    for (arguments, told) in [
        (&["follow-up", "acknowledge", gone][..], "unknownItem"),
        (&["follow-up", "push", gone], "unknownItem"),
        (
            &["follow-up", "start", "a b", "--service", "loans"],
            "workflow is a name",
        ),
        (
            &["item", "start-workflow", "open.xml", "w", "a b=1"],
            "A key of parameters",
        ),
    ] {
        let refused = daemon.cli(arguments);
        assert_eq!(code(&refused), 65, "{arguments:?}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(told), "{}", stderr(&refused));
    }
}

#[test]
fn send_says_what_was_refused_and_why() {
    let (folder, daemon) = with_two_items("cli");
    let bad = folder.path().join("bad.xml");
    fs::write(&bad, message("cards", "bad")).expect("a file");
    let sent = daemon.cli(&["send".as_ref(), bad.as_os_str()]);
    assert_eq!(code(&sent), 65);
    assert!(
        stdout(&sent).contains("unknownService at 1:"),
        "{}",
        stdout(&sent)
    );
}

#[test]
fn a_backup_made_beside_the_daemon_is_restored_with_everything() {
    let (folder, daemon) = with_two_items("cli");
    let backup = folder.path().join("backup.db");
    let made = daemon.cli(&["backup".as_ref(), backup.as_os_str()]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let twice = daemon.cli(&["backup".as_ref(), backup.as_os_str()]);
    assert_eq!(code(&twice), 65, "a backup is never overwritten");
    let doctor = &daemon.cli_json(&["doctor"])[0];
    assert_eq!(
        (&doctor["items"], &doctor["findings"]),
        (&2.into(), &serde_json::json!([]))
    );
    let into_running = daemon.cli(&["restore".as_ref(), backup.as_os_str()]);
    assert_eq!(code(&into_running), 75, "{}", stderr(&into_running));

    let new = folder.path().join("new");
    let restored = anteroom(
        folder.path(),
        &[
            "--data".as_ref(),
            new.as_os_str(),
            "restore".as_ref(),
            backup.as_os_str(),
        ],
    );
    assert_eq!(code(&restored), 0, "{}", stderr(&restored));
    let again = Daemon::start(&new);
    let queue = again.cli_json(&["queue"]);
    let mut references: Vec<_> = queue
        .iter()
        .map(|line| line["reference"].as_str())
        .collect();
    references.sort_unstable();
    assert_eq!(references, [Some("closed.xml"), Some("open.xml")]);
}

#[test]
fn a_second_daemon_on_the_same_folder_is_refused_by_a_sentence() {
    let (folder, daemon) = with_two_items("cli");
    let second = daemon.cli(&[
        "serve",
        "--intake",
        "127.0.0.1:0",
        "--console",
        "127.0.0.1:0",
    ]);
    assert_eq!(code(&second), 75);
    assert!(
        stderr(&second).contains("another anteroom already uses"),
        "{}",
        stderr(&second)
    );
    // The first one's control socket is still its own.
    assert_eq!(daemon.cli_json(&["services"]).len(), 2);
    drop(folder);
}

#[test]
fn an_address_that_is_taken_is_69_and_named() {
    let folder = daemon::folder("cli");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it has one").to_string();
    let arguments = [
        "--data",
        "data",
        "serve",
        "--console",
        "127.0.0.1:0",
        "--intake",
        &address,
    ];
    let output = anteroom(folder.path(), &arguments);
    assert_eq!(code(&output), 69, "{}", stderr(&output));
    assert!(stderr(&output).contains(&address), "{}", stderr(&output));
}
