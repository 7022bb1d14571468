//! Notifications as a receiver sees them: the real binary on one side, a small server on the other.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use super::{anteroom, code, message, stderr, stdout, wait_for};
use crate::daemon::client::Client;
use crate::own::{LISTENERS, OwnDaemon, key_sha256};
use crate::receiver::{Receiver, Told, secret};

const KEY: &str = "the key of the sender of this test";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A daemon with a sender that is told.
struct Telling {
    daemon: OwnDaemon,
}

impl Telling {
    fn start(folder: &Path, receiver: &Receiver) -> Telling {
        fs::write(folder.join("secret"), secret()).expect("a file");
        let daemon = OwnDaemon::start(folder, &config(receiver.address));
        Telling { daemon }
    }

    fn post(&self, reference: &str) {
        let xml = [("content-type", "application/xml"), ("traceparent", TRACE)];
        let body = message("loans", reference);
        let answer = self
            .daemon
            .sender(KEY)
            .send("POST", "/v1/work-items", &xml, body.as_bytes())
            .expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    fn parked(&self) -> Vec<serde_json::Value> {
        self.daemon.cli_json(&["notifications"])
    }
}

/// The event, once the signature is verified.
fn event(told: &Told) -> &'static str {
    told.verify();
    let (queued, cancelled) = ("sequence=\"1\" event=\"queued\"", "event=\"cancelled\"");
    match (told.body.contains(queued), told.body.contains(cancelled)) {
        (true, false) => "queued",
        (false, true) => "cancelled",
        _ => panic!("neither the one nor the other: {}", told.body),
    }
}

fn config(receiver: SocketAddr) -> String {
    let digest = key_sha256(KEY);
    format!(
        "{LISTENERS}[notify]\nallow_private = true\n\
         [tenants.bank.services.loans]\n\
         [tenants.bank.senders.core]\nkey_sha256 = \"{digest}\"\n\
         [tenants.bank.senders.core.notify]\nurl = \"http://{receiver}/told\"\n\
         secret_file = \"secret\"\nevents = [\"queued\", \"cancelled\"]\n"
    )
}

#[test]
fn a_sender_is_told_in_order_after_a_failure_and_a_crash() {
    let folder = crate::daemon::folder("told");
    let receiver = Receiver::start(&[500]);
    let mut daemon = Telling::start(folder.path(), &receiver);
    daemon.post("a");
    receiver.wait_for(1);
    let cancel = "<cancel xmlns=\"urn:anteroom:work-item:1\" reference=\"a\"/>";
    let answer = daemon.daemon.sender(KEY).post(cancel).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    daemon.daemon.kill_and_start_again();
    let told = receiver.wait_for(3);
    let events: Vec<_> = told.iter().map(event).collect();
    assert_eq!(events, ["queued", "queued", "cancelled"]);
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"));
    for one in &told {
        assert_eq!(one.header("traceparent"), TRACE);
    }
    let trace = daemon.daemon.cli(&["item", "a", "--trace", "--json"]);
    assert!(stdout(&trace).contains(TRACE), "{}", stdout(&trace));
}

#[test]
fn a_parked_notification_is_listed_and_replayed() {
    let folder = crate::daemon::folder("told");
    let receiver = Receiver::start(&[410, 410]);
    let daemon = Telling::start(folder.path(), &receiver);
    daemon.post("a");
    daemon.post("b");
    let parked = wait_for("both are parked", || {
        Some(daemon.parked()).filter(|parked| parked.len() == 2)
    });
    assert_eq!(parked[0]["sender"], "core");
    assert_eq!(parked[0]["event"], "queued");
    assert_eq!(parked[0]["failed"], 1);
    let id = parked[0]["id"].as_str().expect("it is text");
    let replayed = daemon.daemon.cli(&["notifications", "replay", id]);
    assert_eq!(code(&replayed), 0, "{}", stderr(&replayed));
    assert_eq!(receiver.wait_for(3)[2].header("webhook-id"), id);
    assert_eq!(daemon.parked(), parked[1..]);
    let replayed = daemon.daemon.cli(&["notifications", "replay", "--all"]);
    assert_eq!(code(&replayed), 0, "{}", stderr(&replayed));
    let all = receiver.wait_for(4);
    assert_eq!(all[3].header("webhook-id"), parked[1]["id"]);
    assert_eq!(daemon.parked(), [serde_json::Value::Null; 0]);
    let mut console = Client::new(daemon.daemon.address("console"), None);
    wait_for("the metrics say so", || {
        let metrics = console.read("/metrics").expect("an answer");
        let says = |line: &str| metrics.text().lines().any(|known| known == line);
        let lines = [
            "anteroom_notifications_total{result=\"delivered\"} 2",
            "anteroom_notifications_total{result=\"failed\"} 2",
            "anteroom_notifications_total{result=\"parked\"} 2",
            "anteroom_notifications_in_flight 0",
        ];
        lines.into_iter().all(says).then_some(())
    });
}

#[test]
fn what_is_no_id_is_refused() {
    let folder = crate::daemon::folder("told");
    let receiver = Receiver::start(&[]);
    let daemon = Telling::start(folder.path(), &receiver);
    let refused = daemon.daemon.cli(&["notifications", "replay", "first"]);
    assert_eq!(code(&refused), 65);
    assert!(stderr(&refused).contains("first"), "{}", stderr(&refused));
}

#[test]
fn without_a_good_secret_neither_start_nor_reload() {
    let folder = crate::daemon::folder("told");
    let receiver = Receiver::start(&[]);
    let daemon = Telling::start(folder.path(), &receiver);
    let secret = folder.path().join("secret");
    let good = fs::read(&secret).expect("a file");
    fs::write(&secret, "nothing of the kind").expect("a file");
    let pid = daemon.daemon.pid().to_string();
    let sent = std::process::Command::new("sh")
        .args(["-c", "kill -s HUP \"$0\"", &pid])
        .status();
    assert!(sent.expect("sh runs").success());
    wait_for("the refusal", || {
        let log = fs::read_to_string(folder.path().join("log")).ok()?;
        let says = |text: &str| log.contains(text);
        (says("sender core: ") && says("the old one stays in force")).then_some(())
    });
    drop(daemon);
    let serve = ["--config", "own.toml", "--data", "data", "serve"];
    let refused = anteroom(folder.path(), &serve);
    assert_eq!(code(&refused), 78, "{}", stderr(&refused));
    assert!(stderr(&refused).contains("sender core: "));
    fs::write(&secret, good).expect("a file");
    drop(Telling::start(folder.path(), &receiver));
}
