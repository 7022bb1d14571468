//! The real binary with a configuration of its own, in place of the demo's.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::cli::{anteroom, code, command, stderr, stdout, wait_for};
use crate::daemon::client::Client;

/// A running daemon; killed when dropped. Its configuration is `own.toml` in its folder, its data
/// lie in `data`, its log in `log`.
pub struct OwnDaemon {
    child: Child,
    folder: PathBuf,
}

impl OwnDaemon {
    /// Starts a daemon on `config` and returns when it listens.
    pub fn start(folder: &Path, config: &str) -> OwnDaemon {
        fs::write(folder.join("own.toml"), config).expect("a file");
        let daemon = OwnDaemon {
            child: spawn(folder),
            folder: folder.to_owned(),
        };
        daemon.address("intake");
        daemon
    }

    /// SIGKILL, and another process on the same data.
    pub fn kill_and_start_again(&mut self) {
        self.child.kill().expect("the process was ours to kill");
        self.child.wait().expect("the process was ours to wait for");
        self.child = spawn(&self.folder);
        self.address("intake");
    }

    /// Writes another configuration and asks for it to be taken.
    pub fn reload(&self, config: &str) {
        fs::write(self.folder.join("own.toml"), config).expect("a file");
        let sent = Command::new("sh")
            .args(["-c", "kill -s HUP \"$0\"", &self.pid().to_string()])
            .status();
        assert!(sent.expect("sh runs").success());
    }

    /// What this start has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Where everything of it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The address that this start has logged.
    pub fn address(&self, listener: &str) -> SocketAddr {
        wait_for(listener, || {
            let log = fs::read_to_string(self.folder.join("log")).ok()?;
            let mut events = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let event = events.find(|event| event["message"] == "listening")?;
            event[listener]
                .as_str()?
                .strip_prefix("http://")?
                .parse()
                .ok()
        })
    }

    /// A new connection of the sender with that key to the intake.
    pub fn sender(&self, key: &str) -> Client {
        Client::new(self.address("intake"), Some(key))
    }

    /// Runs the CLI beside the daemon.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        anteroom(&self.folder, &[&["--data", "data"], arguments].concat())
    }

    /// Runs the CLI with `--json` and returns its lines; a failed command fails the test.
    pub fn cli_json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.cli(&[arguments, &["--json"]].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let parse = |line: &str| serde_json::from_str(line).expect("it is JSON");
        stdout(&output).lines().map(parse).collect()
    }
}

impl Drop for OwnDaemon {
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

/// The beginning of a configuration: listeners on ports that the system picks.
pub const LISTENERS: &str = "[listen]\nintake = \"127.0.0.1:0\"\nconsole = \"127.0.0.1:0\"\n";

/// A key as a configuration has it.
pub fn key_sha256(key: &str) -> String {
    let digest = anteroom::daemon::key_digest(key);
    digest.map(|byte| format!("{byte:02x}")).concat()
}
