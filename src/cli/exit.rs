//! How a command ends: the exit codes of sysexits, and what is said about a failure.

use std::fmt::Display;

use crate::config::ConfigErrors;
use crate::daemon::ServeError;
use crate::store::StoreError;

/// What the calling script learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing to report.
    Ok,
    /// The daemon or this program failed; systemd starts the daemon again.
    Failed,
    /// The command line is wrong (EX_USAGE).
    Usage,
    /// The data is wrong: a message, a file, an answer that differs (EX_DATAERR).
    Data,
    /// Somebody needed is not there: the daemon, an address (EX_UNAVAILABLE).
    Unavailable,
    /// It may work later (EX_TEMPFAIL).
    Again,
    /// The configuration is wrong (EX_CONFIG).
    Config,
}

impl Exit {
    /// The number the system gets.
    pub fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 64,
            Exit::Data => 65,
            Exit::Unavailable => 69,
            Exit::Again => 75,
            Exit::Config => 78,
        }
    }

    /// The graver of two, for a command that goes on after a failure: wrong data stays wrong,
    /// while what is unavailable now may be there later.
    pub fn and(self, other: Exit) -> Exit {
        let rank = |exit: Exit| match exit {
            Exit::Ok => 0,
            Exit::Again => 1,
            Exit::Unavailable => 2,
            Exit::Data => 3,
            Exit::Config => 4,
            Exit::Usage => 5,
            Exit::Failed => 6,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

/// Why a command ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the calling script learns.
    pub exit: Exit,
    /// For people, on standard error; empty: everything is said already.
    pub message: String,
}

impl Failure {
    /// A failure with a sentence that says what to do.
    pub fn new(exit: Exit, message: impl Display) -> Failure {
        Failure {
            exit,
            message: message.to_string(),
        }
    }

    /// An end without anything more to say.
    pub fn silent(exit: Exit) -> Failure {
        Failure::new(exit, "")
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Failure {
        Failure::new(Exit::Config, errors.render(false).trim_end())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let exit = match &error {
            StoreError::Locked(_) | StoreError::Full(_) => Exit::Again,
            StoreError::Newer { .. } => Exit::Data,
            StoreError::Failed(_) | StoreError::Conflict(_) | StoreError::Fatal(_) => Exit::Failed,
        };
        Failure::new(exit, error)
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Failure {
        match error {
            ServeError::Config(errors) => errors.into(),
            ServeError::Store(error) => error.into(),
            ServeError::Policy(_) | ServeError::Secrets(_) | ServeError::Tls(_) => {
                Failure::new(Exit::Config, error)
            }
            ServeError::Socket(_) => Failure::new(Exit::Unavailable, error),
            ServeError::Demo(_) | ServeError::System(_) | ServeError::EngineStopped(_) => {
                Failure::new(Exit::Failed, error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_data_outweighs_what_may_work_later() {
        assert_eq!(Exit::Again.and(Exit::Data), Exit::Data);
        assert_eq!(Exit::Data.and(Exit::Again), Exit::Data);
        assert_eq!(Exit::Ok.and(Exit::Again), Exit::Again);
    }

    #[test]
    fn a_second_daemon_may_try_again() {
        let failure = Failure::from(StoreError::Locked("data".to_owned()));
        assert_eq!(failure.exit, Exit::Again);
        assert!(
            failure
                .message
                .contains("another anteroom already uses data")
        );
    }
}
