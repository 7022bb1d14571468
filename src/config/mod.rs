//! The configuration: what was typed (`document`, with the place of every value) and what was
//! validated ([`Config`]) are two things, and between them every problem is collected, so that one
//! run of `anteroom check` shows all of them.
//!
//! Layers, later ones win key by key: built in < the file < `conf.d/*.toml` beside it in the order
//! of their names < environment (`ANTEROOM__LISTEN__INTAKE=127.0.0.1:9000`) < flags. Tables are
//! merged, everything else is replaced as a whole. Without a file there is the demo.
//! `docs/anteroom.toml` explains every key; a test keeps it complete.
//!
//! Way through: `layers` gathers texts and parses them into one `document`; `section` reads it
//! table by table, `kind` (with `number`, `word`, `address`) value by value; `settings`, `tenants`,
//! `senders`, `services`, `distribution` and `workflows` say which keys there are. serde has no part in it: it would stop at the
//! first fault of a table.

mod address;
mod distribution;
mod document;
mod effective;
mod hours;
mod kind;
mod later;
mod layers;
mod nearest;
mod notify;
mod number;
mod problem;
mod section;
mod senders;
mod services;
mod settings;
mod source;
mod tenants;
#[cfg(test)]
mod tests;
mod units;
mod word;
mod workflows;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::policy::Policy;

use effective::Effective;
use section::{Findings, Section};

pub use notify::Notify;
pub use problem::{ConfigError, ConfigErrors, Problem, render_warnings};
pub use senders::SENDER_KEYS_MAX;
pub use settings::{Control, Limits, Listen, Log, LogFormat, LogLevel, StoreConfig, Tls};
pub use source::{Origin, Place, Source};
pub use tenants::Privacy;
pub use workflows::{Surroundings, render_workflow_faults, workflow_text};

/// The file that is read unless `--config` names another.
pub const FILE_DEFAULT: &str = "/etc/anteroom/anteroom.toml";
/// The sender of the demo, whose key the daemon makes.
pub const DEMO_SENDER: &str = "demo";
/// The tenant of the demo.
pub const DEMO_TENANT: &str = "demo";
/// Where systemd says which folder the credentials are in.
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// What the command line says about the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--intake`.
    pub intake: Option<SocketAddr>,
    /// `--console`.
    pub console: Option<SocketAddr>,
}

/// A configuration that is right.
#[derive(Clone)]
pub struct Config {
    /// `[listen]`.
    pub listen: Listen,
    /// `[tls]`.
    pub tls: Option<Tls>,
    /// `[store]`.
    pub store: StoreConfig,
    /// `[control]`.
    pub control: Control,
    /// `[limits]`.
    pub limits: Limits,
    /// `[log]`.
    pub log: Log,
    /// `[notify]`.
    pub notify: Notify,
    /// `[tenants]`: the rules messages are judged by.
    pub policy: Policy,
    /// `[tenants.NAME.privacy]`, by tenant.
    pub privacy: BTreeMap<String, Privacy>,
    effective: Effective,
    surroundings: Vec<Surroundings>,
}

/// A configuration and what deserves a look in it.
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Not wrong, but hardly what was wanted.
    pub warnings: Vec<Problem>,
    /// There was no file: this is the built-in demo.
    pub is_demo: bool,
}

/// Reads all layers and checks them as a whole; used at start, at reload and by `check`.
/// `environment` holds the variables of the process, or what a test puts in their place.
///
/// # Errors
/// Every problem there is. Syntax errors are shown before anything else is judged.
pub fn load(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, ConfigErrors> {
    load_beside(Path::new(FILE_DEFAULT), flags, environment)
}

/// The variables of the process that concern the configuration, for [`load`].
pub fn process_environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .map(|(name, value)| {
            let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
            (text(name), text(value))
        })
        .filter(|(name, _)| layers::is_setting(name) || name == CREDENTIALS_VARIABLE)
        .collect()
}

/// What the files of workflows are checked against, tenant by tenant, whatever is wrong with those
/// that the configuration names.
///
/// # Errors
/// As [`load`], faults of workflows left out.
pub fn load_surroundings(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<Surroundings>, ConfigErrors> {
    let read = read_layers(Path::new(FILE_DEFAULT), flags, environment)?;
    let is_of_workflow = |problem: &Problem| matches!(problem.error, ConfigError::Workflow { .. });
    let mut problems = read.findings.problems;
    problems.retain(|problem| !is_of_workflow(problem));
    match problems.is_empty() {
        true => Ok(read.config.surroundings),
        false => Err(ConfigErrors {
            problems: in_order(problems),
        }),
    }
}

/// What was read, right or wrong.
struct Read {
    config: Config,
    findings: Findings,
    is_demo: bool,
}

fn load_beside(
    default_file: &Path,
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, ConfigErrors> {
    let Read {
        mut config,
        findings,
        is_demo,
    } = read_layers(default_file, flags, environment)?;
    if !findings.problems.is_empty() {
        return Err(ConfigErrors {
            problems: in_order(findings.problems),
        });
    }
    config.effective = findings.effective;
    let mut warnings = in_order(findings.warnings);
    if is_demo {
        warnings.retain(|warning| !is_built_in(warning));
    }
    Ok(Loaded {
        config,
        warnings,
        is_demo,
    })
}

/// Reads all layers; fails where they cannot be read at all.
fn read_layers(
    default_file: &Path,
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Read, ConfigErrors> {
    let environment: Vec<(String, String)> = environment.into_iter().collect();
    let layers = layers::gather(default_file, flags, &environment)
        .map_err(|problems| ConfigErrors { problems })?;
    let credentials = environment
        .iter()
        .find(|(name, _)| name == CREDENTIALS_VARIABLE)
        .map(|(_, folder)| PathBuf::from(folder));
    let mut findings = Findings::default();
    let mut root = Section::root(&mut findings, &layers.table);
    let config = read(&mut root, credentials.as_deref());
    root.finish();
    Ok(Read {
        config,
        findings,
        is_demo: layers.is_demo,
    })
}

fn read(root: &mut Section<'_, '_>, credentials: Option<&Path>) -> Config {
    let (listen, places) = settings::read_listen(root);
    let (tls, tls_was_tried) = settings::read_tls(root, credentials);
    // Faulty TLS is one problem, not two; an empty [tls] is none at all and protects nothing.
    settings::check_plaintext(root, &listen, places, tls_was_tried);
    let store = settings::read_store(root);
    let control = settings::read_control(root);
    let limits = settings::read_limits(root);
    let log = settings::read_log(root);
    let notify = notify::read_notify(root);
    let has_client_ca = tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
    let tenants = tenants::read_tenants(root, has_client_ca, credentials);
    Config {
        listen,
        tls,
        store,
        control,
        limits,
        log,
        notify,
        policy: tenants.policy,
        privacy: tenants.privacy,
        surroundings: tenants.surroundings,
        effective: Effective::default(),
    }
}

/// Layer by layer, line by line; what has no place comes first.
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| {
        let place = problem.place.as_ref();
        place.map(|place| (place.source.layer, place.span.start))
    });
    problems
}

/// The demo's sender gets its key from the daemon: that it has none yet is no news.
fn is_built_in(problem: &Problem) -> bool {
    let place = problem.place.as_ref();
    place.is_some_and(|place| place.source.origin == Origin::BuiltIn)
}

impl Config {
    /// What is in force, each value with where it is from, as TOML that is a configuration.
    pub fn effective(&self) -> String {
        self.effective.to_toml()
    }

    /// Where the control socket lies.
    pub fn control_socket(&self) -> PathBuf {
        self.store.data.join("control.sock")
    }

    /// Whether a listener at that address would carry keys over a network in the clear without
    /// leave to do so. For sockets handed over at start, which no file names.
    pub fn refuses_plaintext(&self, address: SocketAddr) -> bool {
        self.tls.is_none() && !self.listen.plaintext && !settings::is_loopback(address)
    }

    /// Gives a sender its keys, at most [`SENDER_KEYS_MAX`]; false when there is no such sender.
    pub fn set_sender_keys(&mut self, sender: &str, key_sha256: Vec<[u8; 32]>) -> bool {
        let Some(sender) = self.policy.senders.get_mut(sender) else {
            return false;
        };
        Arc::make_mut(sender).key_sha256 = key_sha256;
        true
    }

    /// The settings that differ in `new` and are taken at start only. Everything else is taken at
    /// a reload.
    pub fn needs_restart(&self, new: &Config) -> Vec<&'static str> {
        let differences = [
            ("listen", self.listen != new.listen),
            ("tls", self.tls.is_some() != new.tls.is_some()),
            ("store", self.store != new.store),
            ("control", self.control != new.control),
            (
                "limits.body_bytes_in_flight",
                self.limits.body_bytes_in_flight != new.limits.body_bytes_in_flight,
            ),
            (
                "limits.engine_queue_max",
                self.limits.engine_queue_max != new.limits.engine_queue_max,
            ),
            ("log", self.log != new.log),
        ];
        let changed = differences.into_iter().filter(|(_, differs)| *differs);
        changed.map(|(name, _)| name).collect()
    }
}
