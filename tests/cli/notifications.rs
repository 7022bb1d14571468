//! Notifications as a receiver sees them: the real binary on one side, a small server on the other.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::{Arc, Mutex};

use anteroom::daemon::key_digest;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{anteroom, code, command, message, stderr, stdout, wait_for};
use crate::daemon::client::Client;

const KEY: &str = "the key of the sender of this test";
const SECRET: [u8; 32] = [7; 32];
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A notification as it came.
#[derive(Debug, Clone)]
struct Told {
    headers: Vec<(String, String)>,
    body: String,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1
    }

    /// The event, once the signature is verified.
    fn event(&self) -> &'static str {
        let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).expect("any length is a key");
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        mac.update(format!("{id}.{at}.{}", self.body).as_bytes());
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(self.header("webhook-signature"), format!("v1,{signature}"));
        let (queued, cancelled) = ("sequence=\"1\" event=\"queued\"", "event=\"cancelled\"");
        match (self.body.contains(queued), self.body.contains(cancelled)) {
            (true, false) => "queued",
            (false, true) => "cancelled",
            _ => panic!("neither the one nor the other: {}", self.body),
        }
    }
}

/// Takes notifications until the test's process ends.
struct Receiver {
    address: SocketAddr,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Receiver {
    /// Answers the first ones with these statuses, all others with 204.
    fn start(statuses: &[u16]) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let told = Arc::new(Mutex::new(Vec::new()));
        let taken = told.clone();
        let mut statuses: VecDeque<u16> = statuses.iter().copied().collect();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A daemon that was killed leaves half a request behind.
                if let Some((one, stream)) = stream.ok().and_then(read) {
                    taken.lock().expect("nobody panics with it").push(one);
                    answer(stream, statuses.pop_front().unwrap_or(204));
                }
            }
        });
        Receiver { address, told }
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().expect("nobody panics with it").clone()
    }

    fn wait_for(&self, count: usize) -> Vec<Told> {
        wait_for("notifications", || {
            Some(self.told()).filter(|told| told.len() >= count)
        })
    }
}

fn read(stream: TcpStream) -> Option<(Told, TcpStream)> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None if line == "\r\n" => break,
            None if line.starts_with("POST /told ") => {}
            None => return None,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?;
    let mut body = vec![0; length.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some((Told { headers, body }, reader.into_inner()))
}

fn answer(mut stream: TcpStream, status: u16) {
    let text = format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    // Whoever was killed meanwhile does not hear it.
    let _ = stream.write_all(text.as_bytes());
}

/// A daemon with a sender that is told; killed when dropped.
struct Telling {
    child: Child,
    folder: PathBuf,
}

impl Telling {
    fn start(folder: &Path, receiver: &Receiver) -> Telling {
        let secret = format!("whsec_{}\n", BASE64_STANDARD.encode(SECRET));
        fs::write(folder.join("secret"), secret).expect("a file");
        fs::write(folder.join("own.toml"), config(receiver.address)).expect("a file");
        let child = spawn(folder);
        let telling = Telling {
            child,
            folder: folder.to_owned(),
        };
        telling.address("intake");
        telling
    }

    fn kill_and_start_again(&mut self) {
        self.child.kill().expect("the process was ours to kill");
        self.child.wait().expect("the process was ours to wait for");
        self.child = spawn(&self.folder);
        self.address("intake");
    }

    /// The address that this start has logged.
    fn address(&self, listener: &str) -> SocketAddr {
        wait_for(listener, || {
            let log = fs::read_to_string(self.folder.join("log")).ok()?;
            let mut events = log
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            let event = events.find(|event| event["message"] == "listening")?;
            event[listener]
                .as_str()?
                .strip_prefix("http://")?
                .parse()
                .ok()
        })
    }

    fn sender(&self) -> Client {
        Client::new(self.address("intake"), Some(KEY))
    }

    fn post(&self, reference: &str) {
        let xml = [("content-type", "application/xml"), ("traceparent", TRACE)];
        let body = message("loans", reference);
        let answer = self
            .sender()
            .send("POST", "/v1/work-items", &xml, body.as_bytes())
            .expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    fn cli(&self, arguments: &[&str]) -> Output {
        anteroom(&self.folder, &[&["--data", "data"], arguments].concat())
    }

    fn parked(&self) -> Vec<serde_json::Value> {
        let output = self.cli(&["notifications", "--json"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let parse = |line: &str| serde_json::from_str(line).expect("it is JSON");
        stdout(&output).lines().map(parse).collect()
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        // Both fail only when the process is gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path) -> Child {
    let log = fs::File::create(folder.join("log")).expect("a file");
    command(folder)
        .args(["--config", "own.toml", "--data", "data", "serve"])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the binary starts")
}

fn config(receiver: SocketAddr) -> String {
    let digest = key_digest(KEY).map(|byte| format!("{byte:02x}")).concat();
    format!(
        "[listen]\nintake = \"127.0.0.1:0\"\nconsole = \"127.0.0.1:0\"\n\
         [notify]\nallow_private = true\n\
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
    let answer = daemon.sender().post(cancel).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    daemon.kill_and_start_again();
    let told = receiver.wait_for(3);
    let events: Vec<_> = told.iter().map(Told::event).collect();
    assert_eq!(events, ["queued", "queued", "cancelled"]);
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"));
    for one in &told {
        assert_eq!(one.header("traceparent"), TRACE);
    }
    let trace = daemon.cli(&["item", "a", "--trace", "--json"]);
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
    let replayed = daemon.cli(&["notifications", "replay", id]);
    assert_eq!(code(&replayed), 0, "{}", stderr(&replayed));
    assert_eq!(receiver.wait_for(3)[2].header("webhook-id"), id);
    assert_eq!(daemon.parked(), parked[1..]);
    let replayed = daemon.cli(&["notifications", "replay", "--all"]);
    assert_eq!(code(&replayed), 0, "{}", stderr(&replayed));
    let all = receiver.wait_for(4);
    assert_eq!(all[3].header("webhook-id"), parked[1]["id"]);
    assert_eq!(daemon.parked(), [serde_json::Value::Null; 0]);
    let mut console = Client::new(daemon.address("console"), None);
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
    let refused = daemon.cli(&["notifications", "replay", "first"]);
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
    let pid = daemon.child.id().to_string();
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
