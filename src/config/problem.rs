//! What can be wrong with a configuration, and how it is shown: all of it at once, each with its
//! file, line, column and caret.

use std::fmt;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::source::Place;

/// Problems shown at once; each is drawn from its whole text.
const PROBLEMS_SHOWN_MAX: usize = 100;

/// One thing that is wrong. The text says what; the place is beside it in [`Problem`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read; put it there or give it to the daemon's user.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A text is not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A key that means nothing.
    #[error("unknown key `{key}`")]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The known key that may have been meant.
        nearest: Option<String>,
        /// Every key known there.
        known: Vec<&'static str>,
    },
    /// A key that a later version will know.
    #[error("`{key}` is not available in this version")]
    NotAvailable {
        /// The key.
        key: String,
        /// What it will do.
        feature: &'static str,
    },
    /// A secret stands in the configuration.
    #[error("a secret must not stand in the configuration")]
    Secret {
        /// Where it belongs.
        instead: &'static str,
    },
    /// Something else where the SHA-256 of a key belongs; quite likely the key itself.
    #[error("{0}")]
    Digest(String),
    /// A value of another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the key takes.
        expected: String,
        /// What stands there.
        found: &'static str,
    },
    /// A number, duration, size or length outside its limits.
    #[error("out of range, allowed: {allowed}")]
    OutOfRange {
        /// The limits in words.
        allowed: String,
    },
    /// A value of the right type that cannot be read.
    #[error("{0}")]
    Invalid(String),
    /// A word outside a closed set.
    #[error("`{value}` is not one of {allowed}")]
    NotOneOf {
        /// The word.
        value: String,
        /// The set.
        allowed: String,
    },
    /// A name that nothing has.
    #[error("no {what} is named `{name}`")]
    UnknownReference {
        /// What was looked for.
        what: &'static str,
        /// The name.
        name: String,
        /// The one that may have been meant.
        nearest: Option<String>,
    },
    /// Something that may be there once is there twice.
    #[error("{what} is already used")]
    Duplicate {
        /// What it is.
        what: String,
        /// Where it was used first.
        first: Option<Place>,
    },
    /// A key that must be set, is not.
    #[error("{0}")]
    Missing(String),
    /// Opening hours that cannot be understood.
    #[error("opening hours: {0}")]
    Hours(String),
    /// A rule of the language of workflows that a file of one breaks.
    #[error("{rule}: {message}")]
    Workflow {
        /// The rule's stable word.
        rule: &'static str,
        /// What to change.
        message: String,
    },
    /// A listener that would carry keys over a network in the clear.
    #[error("`{listener}` listens off the loopback ({address}) without TLS")]
    Plaintext {
        /// The listener.
        listener: &'static str,
        /// Its address.
        address: std::net::SocketAddr,
    },
    /// An environment variable that fits several names.
    #[error("`{segment}` fits several names: {names}")]
    Ambiguous {
        /// The part of the variable's name.
        segment: String,
        /// The names.
        names: String,
    },
    /// Not wrong, but hardly what was wanted. Only ever a warning.
    #[error("{0}")]
    Doubtful(String),
}

impl ConfigError {
    /// What to do about it, where more can be said than the message says.
    pub fn help(&self) -> Option<String> {
        match self {
            ConfigError::UnknownKey { nearest, known, .. } => Some(match nearest {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("known here: {}", known.join(", ")),
            }),
            ConfigError::UnknownReference { nearest, .. } => nearest
                .as_ref()
                .map(|word| format!("did you mean `{word}`?")),
            ConfigError::NotAvailable { feature, .. } => Some(format!(
                "{feature}; remove the key, it would have no effect"
            )),
            ConfigError::Secret { instead } => Some((*instead).to_owned()),
            ConfigError::Digest(_) => Some(
                "`anteroom sender new NAME` makes a key and its SHA-256; \
                 the key itself must not stand here"
                    .to_owned(),
            ),
            ConfigError::Plaintext { .. } => Some(
                "set [tls], or `plaintext = true` under [listen] if the network is trusted"
                    .to_owned(),
            ),
            ConfigError::Ambiguous { .. } => Some("set it in a file under conf.d/".to_owned()),
            ConfigError::Unreadable { .. }
            | ConfigError::Syntax(_)
            | ConfigError::WrongType { .. }
            | ConfigError::OutOfRange { .. }
            | ConfigError::Invalid(_)
            | ConfigError::NotOneOf { .. }
            | ConfigError::Duplicate { .. }
            | ConfigError::Missing(_)
            | ConfigError::Hours(_)
            | ConfigError::Workflow { .. }
            | ConfigError::Doubtful(_) => None,
        }
    }

    /// Whether the line in question may hold a secret, which must not reach a screen or a log.
    fn is_about_secrets(&self) -> bool {
        matches!(self, ConfigError::Secret { .. } | ConfigError::Digest(_))
    }

    fn first(&self) -> Option<&Place> {
        match self {
            ConfigError::Duplicate { first, .. } => first.as_ref(),
            _ => None,
        }
    }
}

/// A problem and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub error: ConfigError,
    /// The dotted path of the key it is about; empty where it is about none.
    pub key: String,
    /// Where it is; `None` where nothing was written.
    pub place: Option<Place>,
}

impl Problem {
    fn group(&self, level: Level<'static>) -> Group<'_> {
        let title = match self.key.as_str() {
            "" => self.error.to_string(),
            key => format!("{key}: {}", self.error),
        };
        let mut group = match &self.place {
            Some(place) if self.error.is_about_secrets() => {
                level.primary_title(title).element(origin(place))
            }
            _ => level.primary_title(title).elements(self.snippets()),
        };
        if let Some(help) = self.error.help() {
            group = group.element(Level::HELP.message(help));
        }
        group
    }

    fn snippets(&self) -> Vec<Snippet<'_, annotate_snippets::Annotation<'_>>> {
        let marked = |place: &Place, kind: AnnotationKind, label: &'static str| {
            let annotation = kind.span(place.span.clone());
            match label {
                "" => annotation,
                label => annotation.label(label),
            }
        };
        let Some(place) = &self.place else {
            return Vec::new();
        };
        let here = marked(place, AnnotationKind::Primary, "");
        let mut snippets = vec![snippet(place).annotation(here)];
        if let Some(first) = self.error.first() {
            let there = marked(first, AnnotationKind::Context, "used here first");
            if first.source == place.source {
                let both = snippets.remove(0).annotation(there);
                snippets.push(both);
            } else {
                snippets.push(snippet(first).annotation(there));
            }
        }
        snippets
    }
}

/// The place without its text.
fn origin(place: &Place) -> Origin<'_> {
    Origin::path(place.source.name.as_str())
        .line(place.line())
        .char_column(place.column())
}

fn snippet<'a>(place: &'a Place) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    Snippet::source(place.source.text.as_str()).path(place.source.name.as_str())
}

/// Everything that is wrong with a configuration, in the order of the layers and their lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl ConfigErrors {
    /// All problems with their lines and carets, and a last line that counts them. `color` for a
    /// terminal.
    pub fn render(&self, color: bool) -> String {
        let mut text = render(&self.problems, Level::ERROR, color);
        text.push_str(&match self.problems.len() {
            1 => "1 problem in the configuration\n".to_owned(),
            count @ ..=PROBLEMS_SHOWN_MAX => format!("{count} problems in the configuration\n"),
            count => format!(
                "{count} problems in the configuration, the first {PROBLEMS_SHOWN_MAX} are shown\n"
            ),
        });
        text
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// The warnings with their lines and carets; empty when there are none.
pub fn render_warnings(warnings: &[Problem], color: bool) -> String {
    render(warnings, Level::WARNING, color)
}

/// Faults of files that a configuration may name, with their lines and carets.
pub fn render_faults(faults: &[Problem], color: bool) -> String {
    render(faults, Level::ERROR, color)
}

fn render(problems: &[Problem], level: Level<'static>, color: bool) -> String {
    let renderer = match color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    problems
        .iter()
        .take(PROBLEMS_SHOWN_MAX)
        .map(|problem| format!("{}\n\n", renderer.render(&[problem.group(level.clone())])))
        .collect()
}
