//! Starts the real binary on a data directory, reads what it wrote for its senders, ends it.
//!
//! Used by the integration tests and, by path, by the benchmarks. The daemon runs the built-in
//! demo on ports it picks itself; nothing outlives the test that started it.
#![allow(
    dead_code,
    reason = "each binary that includes this module uses a part of it"
)]

pub mod client;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use client::Client;

/// How long a start may take before the test gives up: far above what `goals.md` allows, so that
/// a slow machine is not taken for a fault.
const START_MAX: Duration = Duration::from_secs(60);
/// How long SIGTERM may take: the drain's own deadline and some room.
const DRAIN_MAX: Duration = Duration::from_secs(40);
/// How often a file or a process is looked at while waiting for it.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A running daemon. Dropping it kills the process, so a failed test leaves none behind.
pub struct Daemon {
    child: Child,
    data: PathBuf,
    settings: Vec<(String, String)>,
    credentials: Credentials,
}

/// What `<data>/demo-credentials.toml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Where senders post.
    pub intake: SocketAddr,
    /// Where people sign in.
    pub console: SocketAddr,
    /// The bearer key of the sender `demo`.
    pub key: String,
}

/// What tells one writing of the credentials file from another.
#[derive(PartialEq, Eq)]
struct Writing {
    modified: Option<SystemTime>,
    text: String,
}

/// The binary under test: the one cargo built, or the one `ANTEROOM_BIN` names (a packaged one).
pub fn binary() -> PathBuf {
    match std::env::var_os("ANTEROOM_BIN") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_BIN_EXE_anteroom")),
    }
}

/// A folder for one test's data, under the build folder, gone with the value.
pub fn folder(name: &str) -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix(&format!("{name}-"))
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("the build folder takes a temporary folder")
}

impl Daemon {
    /// Starts the demo on `data` and returns when senders can post.
    pub fn start(data: &Path) -> Daemon {
        Daemon::start_with(data, &[])
    }

    /// The same with settings of the form (`tenants.demo.services.claims.queue_items_max`,
    /// value), given as environment variables.
    pub fn start_with(data: &Path, settings: &[(&str, &str)]) -> Daemon {
        let settings: Vec<_> = settings
            .iter()
            .map(|(key, value)| (variable(key), (*value).to_owned()))
            .collect();
        let before = read_writing(data);
        let mut child = spawn(data, &settings);
        let credentials = wait_until_listening(&mut child, data, before.as_ref());
        Daemon {
            child,
            data: data.to_owned(),
            settings,
            credentials,
        }
    }

    /// Starts a daemon and kills it after `life`, ready or not.
    pub fn start_and_kill(data: &Path, life: Duration) {
        let mut child = spawn(data, &[]);
        std::thread::sleep(life);
        child.kill().expect("the process was ours to kill");
        child.wait().expect("the process was ours to wait for");
    }

    /// The addresses and the key in force.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A new keep-alive connection of the sender `demo` to the intake.
    pub fn sender(&self) -> Client {
        Client::new(self.credentials.intake, Some(&self.credentials.key))
    }

    /// A new connection without credentials to the console.
    pub fn console(&self) -> Client {
        Client::new(self.credentials.console, None)
    }

    /// SIGKILL, then waits until the process is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("the process was ours to kill");
        self.child.wait().expect("the process was ours to wait for");
    }

    /// Starts the daemon again, on the same data and with the same settings, after `kill`.
    pub fn restart(&mut self) {
        let before = read_writing(&self.data);
        self.child = spawn(&self.data, &self.settings);
        self.credentials = wait_until_listening(&mut self.child, &self.data, before.as_ref());
    }

    /// SIGTERM, then waits for the drain to end.
    pub fn terminate(self) -> ExitStatus {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for the drain that a signal has begun.
    pub fn ended(mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the process is ours to ask") {
                return status;
            }
            assert!(
                started.elapsed() < DRAIN_MAX,
                "no exit {DRAIN_MAX:?} after SIGTERM\n{}",
                log(&self.data)
            );
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Sends a signal by name, without `SIG`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid])
            .status()
            .expect("sh runs");
        assert!(status.success(), "kill -s {name} {pid} failed");
    }

    /// Runs the CLI beside the daemon, on the same data directory.
    pub fn cli<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Output {
        Command::new(binary())
            .arg("--data")
            .arg(&self.data)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs")
    }

    /// Runs the CLI with `--json` and returns its lines; a failed command fails the test.
    pub fn cli_json(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let output = self.cli(&[arguments, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "anteroom {arguments:?}: {}\n{text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|fault| panic!("not JSON: {fault}: {line}"))
        };
        text.lines().map(parse).collect()
    }

    /// The line of `anteroom services --json` about one service.
    pub fn service(&self, name: &str) -> serde_json::Value {
        let lines = self.cli_json(&["services"]);
        let line = lines.iter().find(|line| line["name"] == name);
        line.unwrap_or_else(|| panic!("no service {name} in {lines:?}"))
            .clone()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only when the process is gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `a.b_c` as `ANTEROOM__A__B_C`.
fn variable(key: &str) -> String {
    format!("ANTEROOM__{}", key.replace('.', "__").to_uppercase())
}

fn credentials_path(data: &Path) -> PathBuf {
    data.join("demo-credentials.toml")
}

/// The log stands beside the data directory, not in it: the directory is the daemon's.
fn log_path(data: &Path) -> PathBuf {
    data.with_extension("log")
}

/// The last lines the daemon wrote, for the message of a failed test.
pub fn log(data: &Path) -> String {
    let text = fs::read_to_string(log_path(data)).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn spawn(data: &Path, settings: &[(String, String)]) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log_path(data))
        .expect("the folder of the data directory takes a log");
    let copy = log.try_clone().expect("a file handle can be copied");
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        // What the one who runs the tests has set for a daemon of their own is not for this one.
        if name.to_string_lossy().starts_with("ANTEROOM__") {
            command.env_remove(name);
        }
    }
    command
        .args([
            "serve",
            "--intake",
            "127.0.0.1:0",
            "--console",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(data)
        .envs(settings.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(copy)
        .spawn()
        .expect("the binary starts")
}

/// Waits for a credentials file written by this start: with port 0 each start writes it anew.
fn wait_until_listening(child: &mut Child, data: &Path, before: Option<&Writing>) -> Credentials {
    let started = Instant::now();
    loop {
        let now = read_writing(data);
        if now.as_ref() != before
            && let Some(credentials) = now.and_then(|writing| parse(&writing.text))
        {
            return credentials;
        }
        if let Some(status) = child.try_wait().expect("the process is ours to ask") {
            panic!(
                "the daemon ended with {status} while starting\n{}",
                log(data)
            );
        }
        if started.elapsed() > START_MAX {
            let _ = child.kill();
            let _ = child.wait();
            panic!(
                "the daemon does not listen after {START_MAX:?}\n{}",
                log(data)
            );
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Text and time are those of one file: a new one may take its name at any moment.
fn read_writing(data: &Path) -> Option<Writing> {
    let mut file = File::open(credentials_path(data)).ok()?;
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(Writing {
        modified: modified.ok(),
        text,
    })
}

/// `None` while the file is not whole yet.
fn parse(text: &str) -> Option<Credentials> {
    let table: toml::Table = text.parse().ok()?;
    let address = |name: &str| {
        table
            .get(name)?
            .as_str()?
            .strip_prefix("http://")?
            .parse()
            .ok()
    };
    Some(Credentials {
        intake: address("intake")?,
        console: address("console")?,
        key: table
            .get("sender")?
            .get("demo")?
            .get("key")?
            .as_str()?
            .to_owned(),
    })
}
