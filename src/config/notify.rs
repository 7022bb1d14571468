//! What was validated: how senders are told of their items.

use std::path::{Path, PathBuf};

use super::address::FilePath;
use super::document::Node;
use super::kind::{Fault, Flag, Kind, List, OneOf, text};
use super::problem::ConfigError;
use super::section::Section;
use super::settings::{CREDENTIALS_DEFAULT, refuse_missing_file};
use super::word::Name;
use crate::domain::notification::EventKind;
use crate::domain::notify_url::NotifyUrl;
use crate::domain::policy::NotifyPolicy;

/// Notifications of every sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// Whether receivers may stand in private networks and on this machine.
    pub allow_private: bool,
}

/// Reads `[notify]`.
pub fn read_notify(root: &mut Section<'_, '_>) -> Notify {
    let mut section = root.child("notify");
    let allow_private = section.or("allow_private", &Flag, false).value;
    section.finish();
    Notify { allow_private }
}

const EVENTS: OneOf<EventKind> = OneOf {
    words: &[
        (EventKind::Queued.name(), EventKind::Queued),
        (EventKind::Accepted.name(), EventKind::Accepted),
        (EventKind::Completed.name(), EventKind::Completed),
        (EventKind::Cancelled.name(), EventKind::Cancelled),
        (EventKind::Expired.name(), EventKind::Expired),
        (EventKind::Transferred.name(), EventKind::Transferred),
        (EventKind::Workflow.name(), EventKind::Workflow),
    ],
};

/// Where notifications go.
struct Url;

impl Kind for Url {
    type Output = NotifyUrl;

    fn parse(&self, node: &Node) -> Result<NotifyUrl, Fault> {
        let written = text(node, "a string")?;
        written
            .parse()
            .map_err(|fault: crate::domain::notify_url::UrlFault| {
                Fault::at(node, ConfigError::Invalid(fault.to_string()))
            })
    }

    fn show(&self, url: &NotifyUrl) -> toml::Value {
        toml::Value::String(url.to_string())
    }
}

/// Reads `notify` of a sender; an empty one is none. `credentials` is the folder in which systemd
/// puts credentials, if it did.
pub fn read_sender_notify(
    section: &mut Section<'_, '_>,
    credentials: Option<&Path>,
) -> Option<NotifyPolicy> {
    let mut section = section.child("notify");
    let events = List {
        of: EVENTS,
        min: 1,
        max: EventKind::ALL.len(),
        bare: false,
    };
    let is_written = section.place().is_some();
    let (url, events) = match is_written {
        true => (
            section.required("url", &Url),
            section.required("events", &events),
        ),
        false => (
            section.optional("url", &Url),
            section.optional("events", &events),
        ),
    };
    let secret_file = read_secret(&mut section, credentials, is_written);
    section.finish();
    Some(NotifyPolicy {
        url: url?.value,
        events: events?.value.into_iter().map(|(kind, _)| kind).collect(),
        secret_file: secret_file?,
    })
}

fn read_secret(
    section: &mut Section<'_, '_>,
    credentials: Option<&Path>,
    is_written: bool,
) -> Option<PathBuf> {
    let file = section.optional("secret_file", &FilePath);
    let credential = section.optional("secret_credential", &Name { chars_max: 255 });
    if let Some(file) = &file {
        refuse_missing_file(section, "secret_file", file);
    }
    match (file, credential) {
        (Some(_), Some(credential)) => {
            let text = "set either `secret_file` or `secret_credential`, not both";
            let error = ConfigError::Invalid(text.to_owned());
            section.refuse("secret_credential", credential.place, error);
            None
        }
        (Some(file), None) => Some(file.value),
        (None, Some(credential)) => {
            let folder = credentials.unwrap_or(Path::new(CREDENTIALS_DEFAULT));
            Some(folder.join(credential.value))
        }
        (None, None) => {
            let faulty = ["secret_file", "secret_credential"]
                .iter()
                .any(|key| section.place_of(key).is_some());
            if is_written && !faulty {
                let text = "notifications need `secret_file` or `secret_credential`";
                let place = section.place();
                let error = ConfigError::Missing(text.to_owned());
                section.refuse("secret_file", place, error);
            }
            None
        }
    }
}
