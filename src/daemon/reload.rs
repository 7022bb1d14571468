//! Taking a new configuration: checked as a whole and taken as a whole, or the old one stays.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_rustls::rustls::ServerConfig;
use tracing::{error, info, warn};

use crate::config::{Config, Tls};
use crate::domain::policy::Policy;
use crate::http::state::{ReloadHook, Shared};
use crate::http::tls::{TlsError, TlsFiles, server_config};
use crate::notify::delivery::{self, Delivery};

use super::setup::Setup;
use super::strangers::strangers;

/// Requests for a reload that may wait.
const WAITING_MAX: usize = 4;

/// Somebody on the control socket wants a reload, and what to tell them.
pub type ReloadRequest = oneshot::Sender<Result<(), String>>;

/// The two ends between the control socket and the daemon's loop.
pub fn hook() -> (ReloadHook, mpsc::Receiver<ReloadRequest>) {
    let (requests, asked) = mpsc::channel::<ReloadRequest>(WAITING_MAX);
    let hook: ReloadHook = Box::new(move || {
        let requests = requests.clone();
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let ending = || "the daemon is about to stop".to_owned();
            requests.send(reply).await.map_err(|_| ending())?;
            answer.await.map_err(|_| ending())?
        })
    });
    (hook, asked)
}

/// What of the running daemon a reload changes.
pub struct Changeable {
    /// The doors, and through them the engine.
    pub shared: Arc<Shared>,
    /// `None`: the listeners were opened without TLS.
    pub tls: Option<watch::Sender<Arc<ServerConfig>>>,
    /// What tells senders.
    pub delivery: Delivery,
}

impl Changeable {
    /// Puts the configuration in force that the files now hold.
    ///
    /// # Errors
    /// A sentence that says why the old one stays; it is logged too.
    pub async fn reload(&self, setup: &mut Setup) -> Result<(), String> {
        match self.try_reload(setup).await {
            Ok(new) => {
                new.log_warnings();
                *setup = new;
                info!("the configuration was taken anew");
                Ok(())
            }
            Err(reason) => {
                error!(
                    reason,
                    "the configuration was not taken; the old one stays in force"
                );
                Err(reason)
            }
        }
    }

    async fn try_reload(&self, setup: &Setup) -> Result<Setup, String> {
        let new = setup.load_again().map_err(|errors| errors.to_string())?;
        let config = &new.config;
        let tls = match (&self.tls, &config.tls) {
            (Some(_), Some(tls)) => Some(acceptor(tls).map_err(|error| error.to_string())?),
            (_, None) | (None, _) => None,
        };
        let policy = Arc::new(config.policy.clone());
        check_secrets(&policy).await?;
        let strangers = strangers(&policy, &self.shared.engine.view());
        if !strangers.is_empty() {
            return Err(strangers.join("; "));
        }
        // The engine may refuse (a tenant with open items is missing), so it comes first.
        self.shared.engine.reload(policy.clone()).await?;
        self.shared.set_policy(policy);
        self.delivery.set_allow_private(config.notify.allow_private);
        if let (Some(sender), Some(tls)) = (&self.tls, tls) {
            sender.send_replace(tls);
        }
        warn_of_restart(&setup.config, config);
        Ok(new)
    }
}

/// Whether every notification could be signed.
///
/// # Errors
/// What is wrong, sender by sender, in one text; each is logged too.
pub async fn check_secrets(policy: &Policy) -> Result<(), String> {
    let faults = delivery::check_secrets(policy).await;
    for fault in &faults {
        error!("{fault}");
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("; ")),
    }
}

/// Reads the certificates that the configuration names.
///
/// # Errors
/// They cannot be used.
pub fn acceptor(tls: &Tls) -> Result<Arc<ServerConfig>, TlsError> {
    server_config(&TlsFiles {
        certificate_file: tls.certificate_file.clone(),
        private_key_file: tls.private_key_file.clone(),
        client_ca_file: tls.client_ca_file.clone(),
    })
}

fn warn_of_restart(old: &Config, new: &Config) {
    let settings = old.needs_restart(new);
    if !settings.is_empty() {
        warn!(
            settings = settings.join(", "),
            "these settings are taken at the next start only"
        );
    }
}
