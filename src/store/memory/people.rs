//! People in the store without a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::access::{ApiToken, Session, TokenDigest};
use crate::domain::ids::UserId;
use crate::domain::people::UserName;
use crate::store::StoreError;
use crate::store::people::{Account, PeopleChanges, PeopleRows, SessionChange, TokenChange};

/// What is committed.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    accounts: BTreeMap<UserId, Account>,
    names: BTreeSet<UserName>,
    sessions: BTreeMap<TokenDigest, Session>,
    tokens: BTreeMap<TokenDigest, ApiToken>,
}

impl People {
    /// All of it, in the order of the file.
    pub(super) fn rows(&self) -> PeopleRows {
        PeopleRows {
            accounts: self.accounts.values().cloned().collect(),
            sessions: self.sessions.values().cloned().collect(),
            tokens: self.tokens.values().cloned().collect(),
        }
    }

    /// The same with the changes; an error leaves no trace, for nothing of it is kept.
    pub(super) fn with(
        self: &Arc<People>,
        changes: &PeopleChanges,
    ) -> Result<Arc<People>, StoreError> {
        if changes.is_empty() {
            return Ok(self.clone());
        }
        let mut people = People::clone(self);
        for account in &changes.accounts {
            people.put(account)?;
        }
        for change in &changes.sessions {
            people.change_session(change)?;
        }
        for change in &changes.tokens {
            people.change_token(change)?;
        }
        Ok(Arc::new(people))
    }

    fn put(&mut self, account: &Account) -> Result<(), StoreError> {
        let user = &account.user;
        let fits = match self.accounts.get(&user.id) {
            Some(Account { user: known, .. }) => {
                known.version.checked_add(1) == Some(user.version)
                    && (&user.name, user.tenant) == (&known.name, known.tenant)
            }
            None => {
                let last = self.accounts.last_key_value();
                let is_next = last.is_none_or(|(last, _)| *last < user.id);
                let is_taken = self.names.contains(&user.name);
                user.version == 1 && user.id.0 > 0 && is_next && !is_taken
            }
        };
        if !fits {
            return conflict(format!("user {} is not in the version before", user.id.0));
        }
        self.names.insert(user.name.clone());
        self.accounts.insert(user.id, account.clone());
        Ok(())
    }

    fn change_session(&mut self, change: &SessionChange) -> Result<(), StoreError> {
        let fits = match change {
            SessionChange::Opened(session) => {
                let known = self.accounts.contains_key(&session.user);
                let before = self.sessions.insert(session.digest, session.clone());
                known && before.is_none()
            }
            SessionChange::Seen(digest, at) => match self.sessions.get_mut(digest) {
                Some(session) => {
                    session.seen_at = *at;
                    true
                }
                None => false,
            },
            SessionChange::Closed(digest) => self.sessions.remove(digest).is_some(),
        };
        if fits {
            return Ok(());
        }
        conflict("a session is not as expected".to_owned())
    }

    fn change_token(&mut self, change: &TokenChange) -> Result<(), StoreError> {
        let fits = match change {
            TokenChange::Created(token) => {
                let known = self.accounts.contains_key(&token.user);
                let mut others = self.tokens.values();
                let is_taken = others.any(|other| {
                    other.digest == token.digest
                        || (other.user == token.user && other.label == token.label)
                });
                self.tokens.insert(token.digest, token.clone());
                known && !is_taken
            }
            TokenChange::Revoked(digest) => self.tokens.remove(digest).is_some(),
        };
        if fits {
            return Ok(());
        }
        conflict("a token is not as expected".to_owned())
    }
}

fn conflict<T>(what: String) -> Result<T, StoreError> {
    Err(StoreError::Conflict(what))
}
