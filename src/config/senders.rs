//! What was validated: senders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::kind::{Flag, List};
use super::notify::read_sender_notify;
use super::number::Limit;
use super::problem::ConfigError;
use super::section::{Found, Named, Section};
use super::source::Place;
use super::tenants::{ITEMS_LIMIT_MAX, LIST_MAX, SERVICE_NAME};
use super::word::{Sha256, Text};
use crate::domain::policy::{RATE_PER_MINUTE_DEFAULT, SenderPolicy, ServicePolicy};

/// Most keys a sender may have at a time: the old one and the new one.
pub const SENDER_KEYS_MAX: usize = 2;

/// What is unique over all tenants, because it says who a sender is.
#[derive(Default)]
pub struct Credentials {
    has_client_ca: bool,
    /// Where systemd puts credentials, if it did.
    folder: Option<PathBuf>,
    /// Where each sender's name was used first.
    pub names: BTreeMap<String, Place>,
    keys: BTreeMap<[u8; 32], Place>,
    subjects: BTreeMap<String, Place>,
}

impl Credentials {
    /// None yet. `has_client_ca`: whether TLS asks senders for certificates.
    pub fn new(has_client_ca: bool, folder: Option<&Path>) -> Credentials {
        Credentials {
            has_client_ca,
            folder: folder.map(Path::to_path_buf),
            ..Credentials::default()
        }
    }
}

/// Reads `[tenants.NAME.senders.NAME]`.
pub fn read_sender(
    section: &mut Section<'_, '_>,
    named: &Named<'_>,
    tenant: &str,
    services: &BTreeMap<String, Arc<ServicePolicy>>,
    credentials: &mut Credentials,
) -> SenderPolicy {
    let rate = Limit {
        max: ITEMS_LIMIT_MAX,
    };
    let key_sha256 = read_keys(section, credentials);
    let client_cert_subject = read_subject(section, credentials);
    if section.place_of("key_sha256").is_none() && client_cert_subject.is_none() {
        let text = "the sender has neither `key_sha256` nor `client_cert_subject`: \
                    it cannot sign in";
        section.warn("key_sha256", Some(named.place.clone()), text.to_owned());
    }
    SenderPolicy {
        name: named.name.clone(),
        tenant: tenant.to_owned(),
        key_sha256,
        client_cert_subject,
        services: read_allowed(section, services),
        rate_per_minute: section
            .or("rate_per_minute", &rate, Some(RATE_PER_MINUTE_DEFAULT))
            .value,
        receipts: section.or("receipts", &Flag, true).value,
        enabled: section.or("enabled", &Flag, true).value,
        notify: read_sender_notify(section, credentials.folder.as_deref()).map(Arc::new),
    }
}

fn read_keys(section: &mut Section<'_, '_>, credentials: &mut Credentials) -> Vec<[u8; 32]> {
    let kind = List {
        of: Sha256,
        min: 1,
        max: SENDER_KEYS_MAX,
        bare: true,
    };
    let mut keys = Vec::new();
    for (key, place) in section.listed("key_sha256", &kind).unwrap_or_default() {
        if let Some(first) = credentials.keys.get(&key) {
            let what = "this key".to_owned();
            let first = Some(first.clone());
            section.refuse(
                "key_sha256",
                Some(place),
                ConfigError::Duplicate { what, first },
            );
        } else {
            credentials.keys.insert(key, place);
            keys.push(key);
        }
    }
    keys
}

fn read_subject(section: &mut Section<'_, '_>, credentials: &mut Credentials) -> Option<String> {
    const KEY: &str = "client_cert_subject";
    let Found { value, place } = section.optional(KEY, &Text { chars_max: 1_000 })?;
    if !credentials.has_client_ca {
        let text = "certificates are asked for only where `client_ca_file` is set under [tls]";
        section.refuse(KEY, place.clone(), ConfigError::Missing(text.to_owned()));
    }
    if let Some(first) = credentials.subjects.get(&value) {
        let what = "this subject".to_owned();
        let first = Some(first.clone());
        section.refuse(KEY, place, ConfigError::Duplicate { what, first });
        return None;
    }
    if let Some(place) = place {
        credentials.subjects.insert(value.clone(), place);
    }
    Some(value)
}

fn read_allowed(
    section: &mut Section<'_, '_>,
    services: &BTreeMap<String, Arc<ServicePolicy>>,
) -> Option<BTreeSet<String>> {
    let kind = List {
        of: SERVICE_NAME,
        min: 1,
        max: LIST_MAX,
        bare: false,
    };
    let listed = section.listed("services", &kind)?;
    let mut allowed = BTreeSet::new();
    for (name, place) in listed {
        let known = services.keys().map(String::as_str);
        section.refuse_unknown("services", ("service", &name), Some(place), known);
        allowed.insert(name);
    }
    Some(allowed)
}
