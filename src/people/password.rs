//! Passwords: argon2id, a few at a time, off the async threads.
//!
//! A sign-in of somebody who does not exist, is deactivated or has no password takes the same time
//! as a wrong password: it is checked against a hash of nothing.

use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::access::PasswordHash;
use crate::domain::code::Code;
use crate::domain::refusal::{Problem, Refusal};

use super::secret;

/// Memory of one hash, in KiB: 19 MiB, OWASP's Password Storage Cheat Sheet for argon2id.
pub const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory; the same source.
pub const PASSES: u32 = 2;
/// Lanes; the same source.
pub const LANES: u32 = 1;
/// Hashes computed at a time: their memory is the product.
pub const HASHES_AT_A_TIME: usize = 2;
/// Hashes that wait or are computed; one more is `overloaded`.
pub const HASHES_WAITING_MAX: usize = 1_000;
/// Seconds after which it may be worth trying again.
const OVERLOADED_RETRY_AFTER_S: u32 = 5;
/// Characters of a password, at least.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Bytes of a password, at most: nobody shall make us hash a book.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// Why a password is not taken. Its text says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Too short.
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters")]
    Short,
    /// Too long.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    Long,
    /// The first that anybody would try.
    #[error("a password does not hold the user's name, and is not one character again and again")]
    Obvious,
}

/// Takes a password that somebody thought of, if it keeps the rules. (Length is what helps; rules
/// about kinds of characters do not: NIST SP 800-63B, 5.1.1.2.)
///
/// # Errors
/// What to change.
pub fn check_rules(password: &str, user_name: &str) -> Result<(), BadPassword> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(BadPassword::Long);
    }
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(BadPassword::Short);
    }
    let lower = password.to_lowercase();
    let mut chars = lower.chars();
    let first = chars.next();
    let is_one_char = chars.all(|char| Some(char) == first);
    // A name of one or two letters is in many good passwords.
    let name = user_name.to_lowercase();
    let holds_name = name.len() > 2 && lower.contains(&name);
    if is_one_char || holds_name {
        return Err(BadPassword::Obvious);
    }
    Ok(())
}

/// Hashes and checks passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    computing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    nobody: PasswordHash,
}

impl Passwords {
    /// Computes nothing yet.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new() -> Result<Passwords, secret::NoRandomness> {
        Ok(Passwords {
            computing: Arc::new(Semaphore::new(HASHES_AT_A_TIME)),
            waiting: Arc::new(Semaphore::new(HASHES_WAITING_MAX)),
            nobody: hash_of_nothing()?,
        })
    }

    /// The hash of a password that has passed [`check_rules`].
    ///
    /// # Errors
    /// `overloaded`, or `internalError` without random bytes.
    pub async fn hash(&self, password: String) -> Result<PasswordHash, Refusal> {
        let turn = self.turn().await?;
        turn.compute(move || {
            let salt = secret::new_salt().map_err(|error| internal(&error.to_string()))?;
            Ok(compute(&password, &salt))
        })
        .await
    }

    /// Waits until a password can be checked.
    ///
    /// # Errors
    /// `overloaded`.
    pub async fn turn(&self) -> Result<HashingTurn, Refusal> {
        let Ok(place) = self.waiting.clone().try_acquire_owned() else {
            return Err(overloaded());
        };
        let permit = self.computing.clone().acquire_owned().await;
        Ok(HashingTurn {
            permits: (place, permit.expect("the semaphore is never closed")),
            nobody: self.nobody.clone(),
        })
    }
}

/// One of the few hashes computed at a time.
pub struct HashingTurn {
    permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
    nobody: PasswordHash,
}

impl HashingTurn {
    /// Whether the password is that of the hash; never, but after the same time, without one.
    ///
    /// # Errors
    /// `internalError`.
    pub async fn verify(
        self,
        password: String,
        hash: Option<PasswordHash>,
    ) -> Result<bool, Refusal> {
        let is_somebody = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        self.compute(move || Ok(is_password(&password, &hash) && is_somebody))
            .await
    }

    /// Computes on a thread that may block. The turn lasts as long as the computation, which goes
    /// on when nobody waits for it any more.
    async fn compute<T: Send + 'static>(
        self,
        computation: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let computed = tokio::task::spawn_blocking(move || {
            let result = computation();
            drop(self.permits);
            result
        });
        computed
            .await
            .unwrap_or_else(|error| Err(internal(&error.to_string())))
    }
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.expect("the constants are within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// What looks like a hash and is that of no password: random bytes in its place. To check against
/// it takes as long as against any, and it needs none of the memory that computing one does.
fn hash_of_nothing() -> Result<PasswordHash, secret::NoRandomness> {
    let salt = STANDARD_NO_PAD.encode(secret::new_salt()?);
    let hash = STANDARD_NO_PAD.encode([secret::new_salt()?, secret::new_salt()?].concat());
    Ok(PasswordHash(format!(
        "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}"
    )))
}

fn compute(password: &str, salt: &[u8; 16]) -> PasswordHash {
    let hash: phc::PasswordHash = hasher()
        .hash_password_with_salt(password.as_bytes(), salt)
        .expect("password and salt are within argon2's limits");
    PasswordHash(hash.to_string())
}

/// Compares in constant time, with the parameters that stand in the hash. A hash that cannot be
/// read is nobody's.
fn is_password(password: &str, hash: &PasswordHash) -> bool {
    let hash = phc::PasswordHash::new(&hash.0);
    hash.is_ok_and(|hash| {
        let verified = hasher().verify_password(password.as_bytes(), &hash);
        verified.is_ok()
    })
}

fn overloaded() -> Refusal {
    Problem::new(Code::Overloaded, "Too many people sign in: try again.")
        .retry_after(OVERLOADED_RETRY_AFTER_S)
        .into()
}

fn internal(why: &str) -> Refusal {
    tracing::error!(error = why, "a password could not be hashed");
    Refusal::new(
        Code::InternalError,
        "The password could not be hashed: try again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let passwords = Passwords::new().expect("there is randomness");
        let hash = passwords.hash("correct horse battery".to_owned()).await;
        let hash = hash.expect("there is room");
        assert!(
            hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.0
        );
        for (password, known) in [
            ("correct horse battery", true),
            ("correct horse batterz", false),
            ("", false),
        ] {
            let turn = passwords.turn().await.expect("there is room");
            let verified = turn.verify(password.to_owned(), Some(hash.clone())).await;
            assert_eq!(verified.expect("computed"), known, "{password}");
        }
    }

    #[tokio::test]
    async fn the_same_password_never_has_the_same_hash() {
        let passwords = Passwords::new().expect("there is randomness");
        let hashes = [
            passwords.hash("correct horse battery".to_owned()).await,
            passwords.hash("correct horse battery".to_owned()).await,
        ];
        let [first, second] = hashes.map(|hash| hash.expect("there is room"));
        assert!(first != second);
    }

    #[test]
    fn the_hash_of_nothing_looks_like_any_other() {
        let nothing = hash_of_nothing().expect("there is randomness").0;
        let real = compute("correct horse", &[7; 16]).0;
        let shape = |hash: &str| -> Vec<usize> { hash.split('$').map(str::len).collect() };
        assert_eq!(shape(&nothing), shape(&real));
        let parameters = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(parameters(&nothing), parameters(&real));
        phc::PasswordHash::new(&nothing).expect("it can be checked against");
    }

    #[tokio::test]
    async fn nobody_has_no_password_and_a_spoilt_hash_neither() {
        let passwords = Passwords::new().expect("there is randomness");
        let spoilt = Some(PasswordHash("$argon2id$".to_owned()));
        for hash in [None, spoilt] {
            let turn = passwords.turn().await.expect("there is room");
            let verified = turn.verify("correct horse battery".to_owned(), hash).await;
            assert!(!verified.expect("computed"));
        }
    }

    #[tokio::test]
    async fn one_hash_too_many_is_overloaded() {
        let passwords = Passwords::new().expect("there is randomness");
        let places = passwords.waiting.clone();
        let all = u32::try_from(HASHES_WAITING_MAX).expect("a small number");
        let _all = places.try_acquire_many(all).expect("nobody waits");
        let refused = passwords.turn().await.err();
        let code = refused.map(|refusal| refusal.code());
        assert_eq!(code, Some(Code::Overloaded));
    }

    #[test]
    fn the_rules_ask_for_length_and_not_for_the_obvious() {
        let cases = [
            ("a2345678901".to_owned(), Err(BadPassword::Short)),
            ("a23456789012".to_owned(), Ok(())),
            ("a234567890123".to_owned(), Ok(())),
            ("å2345678901".to_owned(), Err(BadPassword::Short)),
            ("ab".repeat(127) + "c", Ok(())),
            ("ab".repeat(128), Ok(())),
            ("ab".repeat(128) + "c", Err(BadPassword::Long)),
            ("aaaaaaaaaaaaaa".to_owned(), Err(BadPassword::Obvious)),
            ("AaAaAaAaAaAaAa".to_owned(), Err(BadPassword::Obvious)),
            ("my-Anna-password".to_owned(), Err(BadPassword::Obvious)),
        ];
        for (password, expected) in cases {
            assert_eq!(check_rules(&password, "anna"), expected, "{password}");
        }
        check_rules("many long words", "a").expect("a short name is in many words");
    }
}
