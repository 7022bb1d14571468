//! The configuration with what the daemon adds to it, read at start and again at every reload.

use tracing::{info, warn};

use crate::config::{self, Config, ConfigErrors, DEMO_SENDER, Flags, Loaded, Problem};

use super::ServeError;
use super::demo::Credentials;

/// A configuration to run with.
pub struct Setup {
    /// What was validated; in the demo with the sender's key.
    pub config: Config,
    /// The demo's credentials; `None` with a configuration of one's own.
    pub demo: Option<Credentials>,
    flags: Flags,
    warnings: Vec<Problem>,
}

impl Setup {
    /// Reads the configuration.
    ///
    /// # Errors
    /// It is wrong, or the demo's credentials cannot be read.
    pub fn load(flags: Flags) -> Result<Setup, ServeError> {
        let loaded = config::load(&flags, config::process_environment())?;
        let demo = match loaded.is_demo {
            true => {
                let data = &loaded.config.store.data;
                Some(Credentials::load(data).map_err(ServeError::Demo)?)
            }
            false => None,
        };
        Ok(Setup::of(loaded, demo, flags))
    }

    /// Reads the configuration again, as it was asked for at start.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_again(&self) -> Result<Setup, ConfigErrors> {
        let loaded = config::load(&self.flags, config::process_environment())?;
        // The key of a running demo stays, whatever became of its file.
        let demo = self.demo.clone().filter(|_| loaded.is_demo);
        Ok(Setup::of(loaded, demo, self.flags.clone()))
    }

    fn of(loaded: Loaded, demo: Option<Credentials>, flags: Flags) -> Setup {
        let Loaded {
            mut config,
            warnings,
            is_demo: _,
        } = loaded;
        if let Some(credentials) = &demo {
            config.set_sender_keys(DEMO_SENDER, vec![credentials.key_sha256()]);
        }
        Setup {
            config,
            demo,
            flags,
            warnings,
        }
    }

    /// Logs what deserves a look, once there is a log.
    pub fn log_warnings(&self) {
        for warning in &self.warnings {
            let place = warning.place.as_ref().map(config::Place::describe);
            warn!(
                key = warning.key,
                place = place.as_deref().unwrap_or_default(),
                "{}",
                warning.error
            );
        }
        if self.demo.is_some() {
            info!("there is no configuration file: running the built-in demo");
        }
    }
}
