//! The headers of Standard Webhooks 1.0: by them a receiver knows who sent a notification, that
//! nobody changed it, and that it is fresh. HMAC-SHA256 over `id.timestamp.body`.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret, as Standard Webhooks asks for.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Secrets that sign at a time: the new one, and old ones while receivers change over.
pub const SECRETS_MAX: usize = 4;
/// Largest file of secrets, in bytes.
const FILE_BYTES_MAX: usize = 4_096;

/// Why there are no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    /// Give the file to the daemon's user.
    #[error("the file of the secret cannot be read: {0}")]
    Unreadable(String),
    /// Not lines of text.
    #[error("the file of the secret is too large or no text: one whsec_… in each line")]
    NoLines,
    /// None or too many.
    #[error("the file of the secret has {0} secrets, allowed: 1 to 4, one in each line")]
    Count(usize),
    /// Not written as Standard Webhooks has it.
    #[error("secret {0} is not whsec_ and base64 of 24 to 64 bytes")]
    Malformed(usize),
}

/// One secret. Never shown.
struct Secret(Vec<u8>);

/// What signs the notifications of a sender: the newest first.
pub struct Secrets(Vec<Secret>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

impl Secrets {
    /// Reads a file of secrets, one in each line; empty lines are passed over.
    ///
    /// # Errors
    /// [`SecretFault`]; nothing can be signed.
    pub async fn read(path: &Path) -> Result<Secrets, SecretFault> {
        let bytes = tokio::fs::read(path).await;
        let bytes = bytes.map_err(|error| SecretFault::Unreadable(error.kind().to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| SecretFault::NoLines)?;
        Secrets::parse(&text)
    }

    /// The same from a text.
    ///
    /// # Errors
    /// [`SecretFault`]
    pub fn parse(text: &str) -> Result<Secrets, SecretFault> {
        if text.len() > FILE_BYTES_MAX {
            return Err(SecretFault::NoLines);
        }
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Vec<Option<Secret>> = lines.map(secret).collect();
        if !(1..=SECRETS_MAX).contains(&secrets.len()) {
            return Err(SecretFault::Count(secrets.len()));
        }
        if let Some(index) = secrets.iter().position(Option::is_none) {
            return Err(SecretFault::Malformed(index + 1));
        }
        Ok(Secrets(secrets.into_iter().flatten().collect()))
    }

    /// The value of `webhook-signature`: one signature for each secret, so that a receiver that
    /// knows any of them can verify it. `timestamp_s` is what `webhook-timestamp` says.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let signatures = self.0.iter().map(|secret| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("any length is a key");
            mac.update(format!("{id}.{timestamp_s}.").as_bytes());
            mac.update(body);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

fn secret(line: &str) -> Option<Secret> {
    let bytes = STANDARD.decode(line.strip_prefix(PREFIX)?).ok()?;
    SECRET_BYTES.contains(&bytes.len()).then_some(Secret(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published with Standard Webhooks' own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn of_bytes(count: usize) -> String {
        format!("{PREFIX}{}", STANDARD.encode(vec![7; count]))
    }

    #[test]
    fn the_published_vector_is_met() {
        let secrets = Secrets::parse(SECRET).expect("it is one");
        assert_eq!(secrets.sign(ID, TIMESTAMP, BODY), SIGNATURE);
    }

    #[test]
    fn whatever_is_signed_changes_the_signature() {
        let secrets = Secrets::parse(SECRET).expect("it is one");
        for other in [
            secrets.sign("msg_other", TIMESTAMP, BODY),
            secrets.sign(ID, TIMESTAMP + 1, BODY),
            secrets.sign(ID, TIMESTAMP, b"{}"),
            Secrets::parse(&of_bytes(24))
                .expect("it is one")
                .sign(ID, TIMESTAMP, BODY),
        ] {
            assert_ne!(other, SIGNATURE);
        }
    }

    #[test]
    fn while_secrets_change_over_each_signs() {
        let both = format!("{}\n\n{SECRET}\r\n", of_bytes(32));
        let secrets = Secrets::parse(&both).expect("they are two");
        let header = secrets.sign(ID, TIMESTAMP, BODY);
        let signatures: Vec<&str> = header.split(' ').collect();
        assert_eq!(signatures.len(), 2);
        assert_eq!(signatures[1], SIGNATURE);
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        for (count, good) in [(23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(Secrets::parse(&of_bytes(count)).is_ok(), good, "{count}");
        }
    }

    #[test]
    fn up_to_four_secrets_sign() {
        for (count, good) in [(0, false), (1, true), (SECRETS_MAX, true), (5, false)] {
            let text = format!("{SECRET}\n").repeat(count);
            let fault = (!good).then_some(SecretFault::Count(count));
            assert_eq!(Secrets::parse(&text).err(), fault);
        }
    }

    #[test]
    fn what_is_no_secret_is_named_by_its_line_and_not_shown() {
        for wrong in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_???", "whsec_"] {
            let fault = Secrets::parse(&format!("{SECRET}\n{wrong}")).expect_err(wrong);
            assert_eq!(fault, SecretFault::Malformed(2));
        }
        let shown = format!("{:?}", Secrets::parse(SECRET).expect("it is one"));
        assert_eq!(shown, "1 secrets");
    }
}
