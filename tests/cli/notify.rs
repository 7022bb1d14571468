//! What systemd is told, read from a socket in its place.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};

use super::{WAIT_MAX, anteroom, code, command, stderr};
use crate::daemon;

struct Notified {
    child: Child,
    socket: UnixDatagram,
}

impl Drop for Notified {
    fn drop(&mut self) {
        // Both fail only when the process is gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Notified {
    fn start(folder: &std::path::Path, watchdog_us: &str) -> Notified {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(WAIT_MAX)).expect("a timeout");
        let log = fs::File::create(folder.join("log")).expect("a file");
        let serve = ["--data", "data", "serve", "--intake", "127.0.0.1:0"];
        let child = command(folder)
            .args(serve)
            .args(["--console", "127.0.0.1:0"])
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", watchdog_us)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        Notified { child, socket }
    }

    /// Reads messages until one has `part`.
    fn wait_for(&self, part: &str) -> String {
        let mut bytes = [0; 4_096];
        loop {
            match self.socket.recv(&mut bytes) {
                Ok(length) => {
                    let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                    if text.lines().any(|line| line == part) {
                        return text;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("no {part}: {error}"),
            }
        }
    }
}

#[test]
fn systemd_hears_of_readiness_of_progress_and_of_the_end() {
    let folder = daemon::folder("notify");
    let daemon = Notified::start(folder.path(), "3000000");
    let ready = daemon.wait_for("READY=1");
    assert!(ready.contains("STATUS=serving"), "{ready}");
    let status = anteroom(folder.path(), &["--data", "data", "status"]);
    assert_eq!(code(&status), 0, "ready and yet: {}", stderr(&status));
    // The first look counts as progress; the second needs the engine to have made a turn.
    daemon.wait_for("WATCHDOG=1");
    daemon.wait_for("WATCHDOG=1");
    let pid = daemon.child.id().to_string();
    let sent = std::process::Command::new("sh")
        .args(["-c", "kill -s TERM \"$0\"", &pid])
        .status();
    assert!(sent.expect("sh runs").success());
    daemon.wait_for("STOPPING=1");
}
