//! Who sends a message: by bearer key, by name and key (Basic), or by TLS client certificate.
//!
//! Keys are 256 random bits, of which only the SHA-256 is kept. A bearer key is looked up by its
//! hash: what the time of that look-up could tell is something about a hash, from which no way
//! leads to the key. Where a name comes with the key, hashes are compared in constant time.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{Extensions, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::domain::code::Code;
use crate::domain::policy::{Policy, SenderPolicy, TenantPolicy};
use crate::domain::refusal::Refusal;

use super::rate::Rate;
use super::server::ClientCertificate;

/// A sender that was recognised.
pub struct Caller {
    /// What the configuration says about it.
    pub sender: Arc<SenderPolicy>,
    /// Its tenant.
    pub tenant: Arc<TenantPolicy>,
    /// Its tokens; they outlive a new configuration.
    pub rate: Arc<Rate>,
}

/// All senders, to be found by what they show.
#[derive(Default)]
pub struct Callers {
    by_name: HashMap<String, Arc<Caller>>,
    by_key: HashMap<[u8; 32], Arc<Caller>>,
    by_subject: HashMap<String, Arc<Caller>>,
}

impl Callers {
    /// The senders of `policy`; those that `before` knew keep their tokens.
    pub fn new(policy: &Policy, before: &Callers) -> Callers {
        let mut callers = Callers::default();
        for sender in policy.senders.values() {
            // A policy is checked as a whole: every sender has its tenant.
            let Some(tenant) = policy.tenants.get(&sender.tenant) else {
                continue;
            };
            let known = before.by_name.get(&sender.name);
            let caller = Arc::new(Caller {
                sender: sender.clone(),
                tenant: tenant.clone(),
                rate: known.map(|known| known.rate.clone()).unwrap_or_default(),
            });
            for hash in &sender.key_sha256 {
                callers.by_key.insert(*hash, caller.clone());
            }
            if let Some(subject) = &sender.client_cert_subject {
                callers.by_subject.insert(subject.clone(), caller.clone());
            }
            callers.by_name.insert(sender.name.clone(), caller);
        }
        callers
    }

    /// Who sends a request with this head. What stands in `Authorization` goes before the client
    /// certificate.
    ///
    /// # Errors
    /// `notAuthenticated`, or `notAuthorised` for a sender that is switched off.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Arc<Caller>, Refusal> {
        let shown = match headers.get(AUTHORIZATION) {
            Some(value) => value.to_str().ok().and_then(|value| self.by_header(value)),
            None => extensions
                .get::<ClientCertificate>()
                .and_then(|certificate| self.by_subject.get(certificate.subject.as_ref())),
        };
        match shown {
            None => Err(Refusal::new(
                Code::NotAuthenticated,
                "Show who you are: Authorization: Bearer with the sender's key, Basic with its \
                 name and key, or its TLS client certificate.",
            )),
            Some(caller) if !caller.sender.enabled => Err(Refusal::new(
                Code::NotAuthorised,
                "This sender is switched off: ask who runs Anteroom.",
            )),
            Some(caller) => Ok(caller.clone()),
        }
    }

    fn by_header(&self, value: &str) -> Option<&Arc<Caller>> {
        let (scheme, rest) = value.split_once(' ')?;
        let shown = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.by_key.get(&hash(shown.as_bytes()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(shown).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let name = std::str::from_utf8(&decoded[..colon]).ok()?;
        let shown = hash(&decoded[colon + 1..]);
        let caller = self.by_name.get(name)?;
        let known = caller.sender.key_sha256.iter();
        let equal = known.fold(Choice::from(0), |equal, hash| equal | hash.ct_eq(&shown));
        bool::from(equal).then_some(caller)
    }
}

fn hash(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::world::{policy, sender};
    use axum::http::HeaderValue;

    fn callers() -> Callers {
        let mut policy = policy();
        let mut off = sender("off", "off-key");
        off.enabled = false;
        let mut named = sender("named", "named-key");
        named.client_cert_subject = Some("CN=crm,O=Bank".to_owned());
        for sender in [off, named] {
            policy.senders.insert(sender.name.clone(), Arc::new(sender));
        }
        Callers::new(&policy, &Callers::default())
    }

    fn found(authorization: Option<&str>, subject: Option<&str>) -> Result<String, Code> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            let value = HeaderValue::from_str(value).expect("a header value");
            headers.insert(AUTHORIZATION, value);
        }
        let mut extensions = Extensions::new();
        if let Some(subject) = subject {
            let subject = Arc::from(subject);
            extensions.insert(ClientCertificate { subject });
        }
        let caller = callers().authenticate(&headers, &extensions);
        caller
            .map(|caller| caller.sender.name.clone())
            .map_err(|refusal| refusal.code())
    }

    #[test]
    fn a_sender_is_known_by_what_it_shows() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let cases = [
            (Some("Bearer named-key".to_owned()), None, Ok("named")),
            (Some("bearer named-key".to_owned()), None, Ok("named")),
            (
                Some("Bearer wrong".to_owned()),
                None,
                Err(Code::NotAuthenticated),
            ),
            (
                Some("Bearer off-key".to_owned()),
                None,
                Err(Code::NotAuthorised),
            ),
            (Some(basic("named:named-key")), None, Ok("named")),
            (
                Some(basic("named:off-key")),
                None,
                Err(Code::NotAuthenticated),
            ),
            (
                Some(basic("nobody:named-key")),
                None,
                Err(Code::NotAuthenticated),
            ),
            (Some(basic("named")), None, Err(Code::NotAuthenticated)),
            (
                Some("Basic !".to_owned()),
                None,
                Err(Code::NotAuthenticated),
            ),
            (
                Some("Digest x".to_owned()),
                None,
                Err(Code::NotAuthenticated),
            ),
            (None, Some("CN=crm,O=Bank"), Ok("named")),
            (None, Some("CN=crm"), Err(Code::NotAuthenticated)),
            (None, None, Err(Code::NotAuthenticated)),
            (
                Some("Bearer wrong".to_owned()),
                Some("CN=crm,O=Bank"),
                Err(Code::NotAuthenticated),
            ),
        ];
        for (authorization, subject, expected) in cases {
            let found = found(authorization.as_deref(), subject);
            assert_eq!(
                found.as_deref().map_err(|code| *code),
                expected,
                "{authorization:?} {subject:?}"
            );
        }
    }

    #[test]
    fn tokens_outlive_a_new_configuration() {
        let before = callers();
        let after = Callers::new(&policy(), &before);
        let rate = |callers: &Callers| callers.by_name["crm"].rate.clone();
        assert!(Arc::ptr_eq(&rate(&before), &rate(&after)));
    }
}
