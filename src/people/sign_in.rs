//! From a name with its password, or a token, to a user.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::access::TokenDigest;
use crate::domain::code::Code;
use crate::domain::ids::UserId;
use crate::domain::journal::Actor;
use crate::domain::people::{User, UserName};
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::engine::handle::EngineHandle;
use crate::engine::people::People;
use crate::engine::people::change::{ChangePeople, Edit};
use crate::store::people::Account;

use super::password::{PASSWORD_BYTES_MAX, Passwords, check_rules};
use super::secret;
use super::throttle::{ADDRESS_PACE, NAME_PACE, Throttle};

/// Addresses of one IPv6 network count as one: the first 64 bits.
const NETWORK_BITS: u32 = 64;

/// By what somebody was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// They signed in with a password.
    Session {
        /// Its last request is to be noted: see [`SignIns::note`].
        is_stale: bool,
    },
    /// A program of theirs showed a token.
    ApiToken,
}

/// Somebody who was known.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub account: Arc<Account>,
    /// By what.
    pub means: Means,
    /// Of the token that was shown.
    pub digest: TokenDigest,
}

impl SignedIn {
    /// The user.
    pub fn user(&self) -> &User {
        &self.account.user
    }

    /// Who acts, for journal and audit.
    pub fn actor(&self) -> Actor {
        Actor::User(self.account.user.id)
    }
}

/// Who has that token, as of the picture: of a session or of an API client, not over, and of
/// somebody who is not deactivated.
pub fn known(people: &People, token: &str, now: Timestamp) -> Option<SignedIn> {
    if !secret::could_be_token(token) {
        return None;
    }
    known_by(people, secret::digest(token), now)
}

/// The same from the token's digest: whether somebody who was known still is.
fn known_by(people: &People, digest: TokenDigest, now: Timestamp) -> Option<SignedIn> {
    let session = people.session(&digest);
    let (user, means) = match session.filter(|session| session.holds(now)) {
        Some(session) => {
            let is_stale = session.is_stale(now);
            (session.user, Means::Session { is_stale })
        }
        None => {
            let token = people.token(&digest).filter(|token| token.holds(now))?;
            (token.user, Means::ApiToken)
        }
    };
    let account = people.account(user)?;
    account.user.enabled.then(|| SignedIn {
        account: account.clone(),
        means,
        digest,
    })
}

struct Throttles {
    names: Throttle<UserName>,
    addresses: Throttle<IpAddr>,
}

/// The door for people. One for the whole daemon.
pub struct SignIns {
    engine: EngineHandle,
    passwords: Passwords,
    throttles: Mutex<Throttles>,
}

impl SignIns {
    /// A door that nobody has tried yet.
    pub fn new(engine: EngineHandle, passwords: Passwords) -> SignIns {
        let throttles = Throttles {
            names: Throttle::new(NAME_PACE),
            addresses: Throttle::new(ADDRESS_PACE),
        };
        SignIns {
            engine,
            passwords,
            throttles: Mutex::new(throttles),
        }
    }

    /// Opens a session: its token, and who it is.
    ///
    /// # Errors
    /// `notAuthenticated` without saying what was wrong; `rateLimited`; `overloaded`; what the
    /// engine says.
    pub async fn sign_in(
        &self,
        name: &str,
        password: String,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(String, Arc<Account>), Refusal> {
        let account = self.verify(name, password, address, now).await?;
        let verified = account.password.clone().ok_or_else(wrong)?;
        let (token, digest) = secret::new_token().map_err(secret::refuse)?;
        let open = Edit::OpenSession {
            user: account.user.id,
            digest,
            verified,
        };
        let actor = Actor::User(account.user.id);
        self.change(actor, address, vec![open]).await?;
        Ok((token, account))
    }

    /// The user of that name, if the password is theirs.
    async fn verify(
        &self,
        name: &str,
        password: String,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Arc<Account>, Refusal> {
        // Tries are counted when it is their turn, so that those who wait do not count.
        let turn = self.passwords.turn().await?;
        let key: Option<UserName> = name.parse().ok();
        let network = network(address);
        self.take(key.as_ref(), network, now)?;
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(wrong());
        }
        let people = self.engine.people();
        let account = people.named(name).filter(|account| account.user.enabled);
        let hash = account.and_then(|account| account.password.clone());
        let verified = turn.verify(password, hash).await?;
        match account {
            Some(account) if verified => {
                self.give_back(&account.user.name, network);
                Ok(account.clone())
            }
            Some(_) | None => {
                tracing::warn!(%address, "a sign-in failed");
                Err(wrong())
            }
        }
    }

    fn take(
        &self,
        name: Option<&UserName>,
        network: IpAddr,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut throttles = self.throttles();
        let taken = throttles.addresses.take(network, now);
        let taken = match (taken, name) {
            (Ok(()), Some(name)) => {
                let taken = throttles.names.take(name.clone(), now);
                if taken.is_err() {
                    throttles.addresses.give_back(&network);
                }
                taken
            }
            (taken, _) => taken,
        };
        taken.map_err(|wait_ms| {
            let seconds = wait_ms.unsigned_abs().div_ceil(1_000);
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            Problem::new(
                Code::RateLimited,
                "Too many tries to sign in: wait, then try again.",
            )
            .retry_after(seconds)
            .into()
        })
    }

    fn give_back(&self, name: &UserName, network: IpAddr) {
        let mut throttles = self.throttles();
        throttles.addresses.give_back(&network);
        throttles.names.give_back(name);
    }

    fn throttles(&self) -> std::sync::MutexGuard<'_, Throttles> {
        // Buckets are whole after every step, so a panic elsewhere has not spoilt them.
        self.throttles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Who shows that token.
    ///
    /// # Errors
    /// `notAuthenticated`.
    pub fn authenticate(&self, token: &str, now: Timestamp) -> Result<SignedIn, Refusal> {
        known(&self.engine.people(), token, now).ok_or_else(|| {
            Refusal::new(
                Code::NotAuthenticated,
                "The session or token is not known, or is over: sign in again.",
            )
        })
    }

    /// Who that is by now, for those who ask for long: `None` when the session or token is over or
    /// the user deactivated.
    pub fn still(&self, signed_in: &SignedIn, now: Timestamp) -> Option<SignedIn> {
        known_by(&self.engine.people(), signed_in.digest, now)
    }

    /// Notes the last request of a session, where that is due.
    ///
    /// # Errors
    /// What the engine says; the session goes on all the same.
    pub async fn note(&self, signed_in: &SignedIn, address: IpAddr) -> Result<(), Refusal> {
        match signed_in.means {
            Means::Session { is_stale } if is_stale => {
                let edits = vec![Edit::SeeSession(signed_in.digest)];
                self.change(signed_in.actor(), address, edits).await
            }
            Means::Session { .. } | Means::ApiToken => Ok(()),
        }
    }

    /// Ends the session. A token is not ended so, but revoked.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn sign_out(&self, signed_in: &SignedIn, address: IpAddr) -> Result<(), Refusal> {
        match signed_in.means {
            Means::Session { .. } => {
                let edits = vec![Edit::CloseSession(signed_in.digest)];
                self.change(signed_in.actor(), address, edits).await
            }
            Means::ApiToken => Ok(()),
        }
    }

    /// Changes one's own password. Ends all other sessions.
    ///
    /// # Errors
    /// `notAuthenticated` for a wrong old one, `notAuthorised` with a token; `invalidField` with
    /// what to change.
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        (old, new): (String, String),
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if signed_in.means == Means::ApiToken {
            return Err(Refusal::new(
                Code::NotAuthorised,
                "A program cannot change the password: sign in.",
            ));
        }
        let name = signed_in.user().name.clone();
        check_rules(&new, name.as_str())
            .map_err(|bad| Refusal::new(Code::InvalidField, format!("{bad}.")))?;
        self.verify(name.as_str(), old, address, now).await?;
        let edit = Edit::SetPassword {
            name,
            password: self.passwords.hash(new).await?,
            keep: Some(signed_in.digest),
        };
        self.change(signed_in.actor(), address, vec![edit]).await
    }

    /// Makes a token for a program of the user, which is shown this once.
    ///
    /// # Errors
    /// `notAuthorised` with a token: a lost one shall not make others; what the engine says.
    pub async fn create_token(
        &self,
        signed_in: &SignedIn,
        label: String,
        expires_at: Option<Timestamp>,
        address: IpAddr,
    ) -> Result<String, Refusal> {
        if signed_in.means == Means::ApiToken {
            return Err(Refusal::new(
                Code::NotAuthorised,
                "A program cannot make tokens: sign in.",
            ));
        }
        let (token, digest) = secret::new_token().map_err(secret::refuse)?;
        let edit = Edit::CreateToken {
            user: signed_in.user().id,
            digest,
            label,
            expires_at,
        };
        self.change(signed_in.actor(), address, vec![edit]).await?;
        Ok(token)
    }

    /// Ends a token of the user.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn revoke_token(
        &self,
        signed_in: &SignedIn,
        label: String,
        address: IpAddr,
    ) -> Result<(), Refusal> {
        let user: UserId = signed_in.user().id;
        let edits = vec![Edit::RevokeToken { user, label }];
        self.change(signed_in.actor(), address, edits).await
    }

    async fn change(&self, actor: Actor, from: IpAddr, edits: Vec<Edit>) -> Result<(), Refusal> {
        let change = ChangePeople {
            actor,
            from: Some(from.to_string()),
            edits,
            dry_run: false,
        };
        self.engine.change_people(change).await.map(drop)
    }
}

/// What is throttled together with an address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let mask = u128::MAX << (u128::BITS - NETWORK_BITS);
            IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
        }
    }
}

fn wrong() -> Refusal {
    Refusal::new(
        Code::NotAuthenticated,
        "The user name or the password is wrong.",
    )
}

#[cfg(test)]
mod tests;
