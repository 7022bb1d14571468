//! Random secrets: tokens of sessions and API clients, and passwords that nobody thinks of.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::domain::access::TokenDigest;
use crate::domain::code::Code;
use crate::domain::refusal::Refusal;

/// Of a token.
const TOKEN_BYTES: usize = 32;
/// Characters of a generated password: 20 of 32 are 100 bits.
const PASSWORD_CHARS: usize = 20;
/// Of a generated password; without those that look alike.
const PASSWORD_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Longest text that is looked up as a token.
const TOKEN_CHARS_MAX: usize = 128;

/// The system gives no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes: {0}")]
pub struct NoRandomness(String);

/// What somebody is told whose secret could not be made.
pub fn refuse(error: NoRandomness) -> Refusal {
    tracing::error!(%error, "a secret could not be made");
    Refusal::new(
        Code::InternalError,
        "No password or token could be made: try again.",
    )
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], NoRandomness> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| NoRandomness(error.to_string()))?;
    Ok(bytes)
}

/// A new token of 256 random bits, as text, with its digest.
///
/// # Errors
/// See [`NoRandomness`].
pub fn new_token() -> Result<(String, TokenDigest), NoRandomness> {
    let token = BASE64_URL_SAFE_NO_PAD.encode(random::<TOKEN_BYTES>()?);
    let digest = digest(&token);
    Ok((token, digest))
}

/// What is kept of a token. What the time of looking it up could tell is something about a digest,
/// from which no way leads to the token.
pub fn digest(token: &str) -> TokenDigest {
    TokenDigest(Sha256::digest(token.as_bytes()).into())
}

/// Whether a text could be a token at all.
pub fn could_be_token(text: &str) -> bool {
    (1..=TOKEN_CHARS_MAX).contains(&text.len())
}

/// A new random password, easy to read out.
///
/// # Errors
/// See [`NoRandomness`].
pub fn new_password() -> Result<String, NoRandomness> {
    let bytes = random::<PASSWORD_CHARS>()?;
    let chars = bytes.map(|byte| char::from(PASSWORD_ALPHABET[usize::from(byte % 32)]));
    Ok(chars.into_iter().collect())
}

/// A new random salt.
///
/// # Errors
/// See [`NoRandomness`].
pub fn new_salt() -> Result<[u8; 16], NoRandomness> {
    random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_256_bits_and_are_not_alike() {
        let (first, digest_of_first) = new_token().expect("there is randomness");
        let (second, _) = new_token().expect("there is randomness");
        assert_eq!(first.len(), 43);
        assert_ne!(first, second);
        assert_eq!(digest(&first), digest_of_first);
    }

    #[test]
    fn a_digest_is_sha_256() {
        // FIPS 180-2, "abc".
        let TokenDigest(bytes) = digest("abc");
        assert_eq!(bytes[..4], [0xba, 0x78, 0x16, 0xbf]);
    }

    #[test]
    fn generated_passwords_are_readable_and_keep_the_rules() {
        let password = new_password().expect("there is randomness");
        assert_eq!(password.len(), PASSWORD_CHARS);
        assert!(
            password
                .bytes()
                .all(|byte| PASSWORD_ALPHABET.contains(&byte))
        );
        crate::people::password::check_rules(&password, "anna").expect("it is long");
        assert_ne!(password, new_password().expect("there is randomness"));
    }

    #[test]
    fn what_could_be_a_token_is_limited() {
        let could = [0, 1, 127, 128, 129].map(|chars| could_be_token(&"x".repeat(chars)));
        assert_eq!(could, [false, true, true, true, false]);
    }
}
