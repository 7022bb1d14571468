//! People in the store: few and small, so they are read whole at the start and kept in memory by
//! the engine; what changes comes in a [`super::Batch`] like everything else.

use crate::domain::access::{ApiToken, PasswordHash, Session, TokenDigest};
use crate::domain::people::User;
use crate::domain::time::Timestamp;

/// A user with what they sign in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: User,
    /// `None`: cannot sign in with a password.
    pub password: Option<PasswordHash>,
}

/// All people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleRows {
    /// By ascending number, those that are deactivated included.
    pub accounts: Vec<Account>,
    /// By digest; may hold ones that are over.
    pub sessions: Vec<Session>,
    /// By digest; may hold ones that are over.
    pub tokens: Vec<ApiToken>,
}

/// What happens to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionChange {
    /// Its user exists and its digest is new.
    Opened(Session),
    /// Its last request; it exists.
    Seen(TokenDigest, Timestamp),
    /// It exists, and from now on does not.
    Closed(TokenDigest),
}

/// What happens to a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenChange {
    /// Its user exists; its digest is new, and so is its label among theirs.
    Created(ApiToken),
    /// It exists, and from now on does not.
    Revoked(TokenDigest),
}

/// What happens to people in one batch; users first, then the rest in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleChanges {
    /// New rows, each user at most once: version 1 with a number above all others, or exactly one
    /// more than the stored version, with the same name and tenant.
    pub accounts: Vec<Account>,
    /// In order.
    pub sessions: Vec<SessionChange>,
    /// In order.
    pub tokens: Vec<TokenChange>,
}

impl PeopleChanges {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let PeopleChanges {
            accounts,
            sessions,
            tokens,
        } = self;
        accounts.is_empty() && sessions.is_empty() && tokens.is_empty()
    }
}
