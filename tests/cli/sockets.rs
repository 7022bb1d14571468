//! Sockets handed over at start, as systemd does it: by number, with their names beside.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};

use super::{anteroom, code, message, stderr, stdout, wait_for};
use crate::daemon::{self, client::Client};

/// What hands over standard input and standard error as descriptors 3 and 4, to the very process
/// that it becomes.
const LAUNCHER: &str = "exec 3<&0 4<&2 0</dev/null 2>log; \
                        LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=$NAMES exec \"$0\" \"$@\"";

struct Launched(Child);

impl Drop for Launched {
    fn drop(&mut self) {
        // Both fail only when the process is gone already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn launch(folder: &std::path::Path, names: &str, sockets: [TcpListener; 2]) -> Launched {
    let [first, second] = sockets.map(|socket| Stdio::from(OwnedFd::from(socket)));
    let child = std::process::Command::new("bash")
        .args(["-c", LAUNCHER])
        .arg(daemon::binary())
        .args(["--data", "data", "serve"])
        .env("NAMES", names)
        .current_dir(folder)
        .stdin(first)
        .stdout(Stdio::null())
        .stderr(second)
        .spawn()
        .expect("bash runs");
    Launched(child)
}

#[test]
fn connections_that_waited_in_a_socket_handed_over_are_answered() {
    let folder = daemon::folder("sockets");
    let [intake, console] = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let address = intake.local_addr().expect("it has one");
    // Made before there is any daemon: it waits in the socket's queue.
    let waiting = std::net::TcpStream::connect(address).expect("the socket listens");
    // Handed over in another order than their names are known in.
    let _daemon = launch(folder.path(), "console:intake", [console, intake]);
    let credentials = folder.path().join("data/demo-credentials.toml");
    let text = wait_for("credentials", || fs::read_to_string(&credentials).ok());
    assert!(
        text.contains(&format!("intake = \"http://{address}\"")),
        "{text}"
    );
    let table: toml::Table = text.parse().expect("it is TOML");
    let key = table["sender"]["demo"]["key"].as_str().expect("it is text");
    let mut sender = Client::new(address, Some(key));
    let answer = sender.post(&message("loans", "a")).expect("it answers");
    assert_eq!(answer.status, 201, "{}", answer.text());
    drop(waiting);
    let services = anteroom(folder.path(), &["--data", "data", "services", "--json"]);
    assert_eq!(code(&services), 0, "{}", stderr(&services));
    assert_eq!(stdout(&services).lines().count(), 2);
}

#[test]
fn a_socket_of_an_unknown_name_is_refused() {
    let folder = daemon::folder("sockets");
    let sockets = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let mut daemon = launch(folder.path(), "intake:other", sockets);
    let status = wait_for("it ends", || daemon.0.try_wait().expect("it is ours"));
    assert_eq!(status.code(), Some(69));
    let log = fs::read_to_string(folder.path().join("log")).expect("it is there");
    assert!(log.contains("FileDescriptorName="), "{log}");
}
