//! What was validated: the settings of the daemon itself. Those of tenants are in `tenants.rs`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::address::{Address, FilePath, PathWithin};
use super::kind::{Flag, OneOf};
use super::number::{Duration, Integer, Size};
use super::problem::ConfigError;
use super::section::{Found, Section};
use super::source::Place;
use super::word::Name;
use crate::domain::policy::MESSAGE_BYTES_MAX;

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600 * SECOND_MS;
const DATA_DEFAULT: &str = "/var/lib/anteroom";
const DATABASE_DEFAULT: &str = "anteroom.db";
/// Where systemd puts the credentials of our unit.
pub const CREDENTIALS_DEFAULT: &str = "/run/credentials/anteroom.service";
/// Three quarters of the budget must hold the largest message.
const BODY_BYTES_IN_FLIGHT_MIN: u64 = 54 * 1024 * 1024;
const _: () = assert!(BODY_BYTES_IN_FLIGHT_MIN / 4 * 3 >= MESSAGE_BYTES_MAX);

/// Where senders and people reach the daemon, and how long it waits for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// XML, for senders.
    pub intake: SocketAddr,
    /// HTML and JSON, for people.
    pub console: SocketAddr,
    /// Whether a listener off the loopback may go without TLS.
    pub plaintext: bool,
    /// Connections of each listener.
    pub connections_max: u32,
    /// From the connection or the last answer to the end of the request's head.
    pub header_timeout_ms: i64,
    /// From the end of the head to the end of the body.
    pub body_timeout_ms: i64,
    /// A connection without a request.
    pub idle_timeout_ms: i64,
}

/// TLS for the listeners. The files are read at start and again at every reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The chain, PEM.
    pub certificate_file: PathBuf,
    /// The key, PEM: the file named, or that of the systemd credential named.
    pub private_key_file: PathBuf,
    /// Who signs the senders' certificates, PEM.
    pub client_ca_file: Option<PathBuf>,
}

/// Where everything is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The data folder: database, control socket, lock.
    pub data: PathBuf,
    /// The database file.
    pub sqlite: PathBuf,
    /// Size of the database from which an alert is raised; `None`: never.
    pub bytes_max: Option<u64>,
}

/// The control socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// A group whose members may use it beside its owner.
    pub group: Option<String>,
}

/// Bounds of what is taken in at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of bodies being read or waiting, inflated, over all connections.
    pub body_bytes_in_flight: u64,
    /// How long a body waits for room before it is refused with `overloaded`.
    pub body_wait_ms: i64,
    /// Commands that wait for the engine.
    pub engine_queue_max: u32,
    /// How long requests begun may take to finish at shutdown.
    pub drain_ms: i64,
}

/// What is logged and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The least important that is logged.
    pub level: LogLevel,
    /// How it is written.
    pub format: LogFormat,
}

/// How important an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something deserves a look.
    Warn,
    /// What happens in the large.
    Info,
    /// What happens in the small.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// To journald when it listens, text on a terminal, JSON otherwise.
    Auto,
    /// To journald.
    Journal,
    /// Lines for people.
    Text,
    /// Lines of JSON.
    Json,
}

const LEVELS: OneOf<LogLevel> = OneOf {
    words: &[
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ],
};

const FORMATS: OneOf<LogFormat> = OneOf {
    words: &[
        ("auto", LogFormat::Auto),
        ("journal", LogFormat::Journal),
        ("text", LogFormat::Text),
        ("json", LogFormat::Json),
    ],
};

/// Reads `[listen]`; the places of the two addresses come back for the checks over sections.
pub fn read_listen(root: &mut Section<'_, '_>) -> (Listen, [Option<Place>; 2]) {
    let mut section = root.child("listen");
    let timeout = Duration {
        min_ms: SECOND_MS,
        max_ms: HOUR_MS,
    };
    let intake = section.or("intake", &Address, SocketAddr::from(([127, 0, 0, 1], 8480)));
    let console = section.or(
        "console",
        &Address,
        SocketAddr::from(([127, 0, 0, 1], 8481)),
    );
    let connections = Integer {
        min: 1,
        max: 65_536,
    };
    let listen = Listen {
        intake: intake.value,
        console: console.value,
        plaintext: section.or("plaintext", &Flag, false).value,
        connections_max: section.or("connections_max", &connections, 1_024).value,
        header_timeout_ms: section.or("header_timeout", &timeout, 10 * SECOND_MS).value,
        body_timeout_ms: section.or("body_timeout", &timeout, 60 * SECOND_MS).value,
        idle_timeout_ms: section.or("idle_timeout", &timeout, 60 * SECOND_MS).value,
    };
    if intake.value == console.value && intake.value.port() != 0 {
        let what = format!("the address {}", console.value);
        let place = console.place.clone().or(intake.place.clone());
        let first = intake.place.clone().filter(|_| console.place.is_some());
        section.refuse("console", place, ConfigError::Duplicate { what, first });
    }
    section.finish();
    (listen, [intake.place, console.place])
}

/// Refuses listeners that would carry keys over a network in the clear.
pub fn check_plaintext(
    root: &mut Section<'_, '_>,
    listen: &Listen,
    places: [Option<Place>; 2],
    tls_was_tried: bool,
) {
    if tls_was_tried || listen.plaintext {
        return;
    }
    let listeners = [("intake", listen.intake), ("console", listen.console)];
    for ((listener, address), place) in listeners.into_iter().zip(places) {
        if !is_loopback(address) {
            let error = ConfigError::Plaintext { listener, address };
            root.refuse(&format!("listen.{listener}"), place, error);
        }
    }
}

/// Whether nothing but this machine can reach an address.
pub fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Reads `[tls]`, and whether anything is written there. `credentials` is the folder in which
/// systemd puts credentials, if it did.
pub fn read_tls(root: &mut Section<'_, '_>, credentials: Option<&Path>) -> (Option<Tls>, bool) {
    let mut section = root.child("tls");
    let certificate = section.optional("certificate_file", &FilePath);
    let key_file = section.optional("private_key_file", &FilePath);
    let key_credential = section.optional("private_key_credential", &Name { chars_max: 255 });
    let client_ca = section.optional("client_ca_file", &FilePath);
    for (key, found) in [
        ("certificate_file", &certificate),
        ("private_key_file", &key_file),
        ("client_ca_file", &client_ca),
    ] {
        if let Some(found) = found {
            refuse_missing_file(&mut section, key, found);
        }
    }
    let private_key_file = match (key_file, key_credential) {
        (Some(_), Some(credential)) => {
            let text = "set either `private_key_file` or `private_key_credential`, not both";
            let error = ConfigError::Invalid(text.to_owned());
            section.refuse("private_key_credential", credential.place, error);
            None
        }
        (Some(file), None) => Some(file.value),
        (None, Some(credential)) => {
            let folder = credentials.unwrap_or(Path::new(CREDENTIALS_DEFAULT));
            Some(folder.join(credential.value))
        }
        (None, None) => None,
    };
    let tls = match (certificate, private_key_file) {
        (Some(certificate), Some(private_key_file)) => Some(Tls {
            certificate_file: certificate.value,
            private_key_file,
            client_ca_file: client_ca.map(|found| found.value),
        }),
        (certificate, key) => {
            refuse_half_tls(&mut section, certificate.is_some(), key.is_some());
            None
        }
    };
    let was_tried = section.place().is_some();
    section.finish();
    (tls, was_tried)
}

/// TLS is either whole or absent; keys that are there but faulty have been refused already.
fn refuse_half_tls(section: &mut Section<'_, '_>, has_certificate: bool, has_key: bool) {
    let Some(place) = section.place() else { return };
    let is_written = |section: &Section<'_, '_>, key| section.place_of(key).is_some();
    if !has_certificate && !is_written(section, "certificate_file") {
        let error = ConfigError::Missing("TLS needs `certificate_file`".to_owned());
        section.refuse("certificate_file", Some(place.clone()), error);
    }
    let key_is_written =
        is_written(section, "private_key_file") || is_written(section, "private_key_credential");
    if !has_key && !key_is_written {
        let text = "TLS needs `private_key_file` or `private_key_credential`";
        let error = ConfigError::Missing(text.to_owned());
        section.refuse("private_key_file", Some(place), error);
    }
}

/// Only a file that is not there is refused: `check` may run as somebody who cannot read it.
pub fn refuse_missing_file(section: &mut Section<'_, '_>, key: &str, found: &Found<PathBuf>) {
    if let Ok(false) = found.value.try_exists() {
        let error = ConfigError::Unreadable {
            path: found.value.clone(),
            reason: "there is no such file".to_owned(),
        };
        section.refuse(key, found.place.clone(), error);
    }
}

/// Reads `[store]`.
pub fn read_store(root: &mut Section<'_, '_>) -> StoreConfig {
    let mut section = root.child("store");
    let data = section
        .or("data", &FilePath, PathBuf::from(DATA_DEFAULT))
        .value;
    let within = PathWithin { folder: &data };
    let sqlite = section
        .or("sqlite", &within, data.join(DATABASE_DEFAULT))
        .value;
    let bytes = Size {
        min: 1 << 20,
        max: 1 << 50,
    };
    let store = StoreConfig {
        sqlite,
        bytes_max: section
            .optional("bytes_max", &bytes)
            .map(|found| found.value),
        data,
    };
    section.finish();
    store
}

/// Reads `[control]`.
pub fn read_control(root: &mut Section<'_, '_>) -> Control {
    let mut section = root.child("control");
    let group = section.optional("group", &Name { chars_max: 32 });
    section.finish();
    Control {
        group: group.map(|found| found.value),
    }
}

/// Reads `[limits]`.
pub fn read_limits(root: &mut Section<'_, '_>) -> Limits {
    let mut section = root.child("limits");
    let bytes = Size {
        min: BODY_BYTES_IN_FLIGHT_MIN,
        max: 64 << 30,
    };
    let wait = Duration {
        min_ms: 100,
        max_ms: 60 * SECOND_MS,
    };
    let queue = Integer {
        min: 16,
        max: 65_536,
    };
    let drain = Duration {
        min_ms: 0,
        max_ms: HOUR_MS,
    };
    let limits = Limits {
        body_bytes_in_flight: section.or("body_bytes_in_flight", &bytes, 64 << 20).value,
        body_wait_ms: section.or("body_wait", &wait, 5 * SECOND_MS).value,
        engine_queue_max: section.or("engine_queue_max", &queue, 1_024).value,
        drain_ms: section.or("drain", &drain, 25 * SECOND_MS).value,
    };
    section.finish();
    limits
}

/// Reads `[log]`.
pub fn read_log(root: &mut Section<'_, '_>) -> Log {
    let mut section = root.child("log");
    let log = Log {
        level: section.or("level", &LEVELS, LogLevel::Info).value,
        format: section.or("format", &FORMATS, LogFormat::Auto).value,
    };
    section.finish();
    log
}
