//! What the engine can be asked about people.

use std::sync::Arc;

use crate::domain::access::{PasswordHash, TokenDigest};
use crate::domain::ids::UserId;
use crate::domain::journal::Actor;
use crate::domain::people::{StandingPatch, UserName, UserPatch};
use crate::domain::time::Timestamp;
use crate::store::people::Account;

use super::People;

/// Edits that are made all or not at all.
#[derive(Debug, Clone)]
pub struct ChangePeople {
    /// Who. What somebody sets for themselves is not audited, for it would tell when they were at
    /// work.
    pub actor: Actor,
    /// From where: an address, for the audit.
    pub from: Option<String>,
    /// In order.
    pub edits: Vec<Edit>,
    /// Decide, and change nothing.
    pub dry_run: bool,
}

/// One thing to change.
#[derive(Debug, Clone)]
pub enum Edit {
    /// A new user; what the patch does not say has its default: an agent of no service, with
    /// capacity 1.
    Add {
        /// Free until now.
        name: UserName,
        /// `None`: the only tenant there is.
        tenant: Option<String>,
        /// What is said.
        patch: UserPatch,
        /// `None`: cannot sign in yet.
        password: Option<PasswordHash>,
    },
    /// Another patch. Deactivating ends all sessions and tokens.
    Change {
        /// Whom.
        name: UserName,
        /// What.
        patch: UserPatch,
        /// The version that was read; `None`: whatever it is.
        if_version: Option<u32>,
    },
    /// A new password. Ends all sessions, that of `keep` aside.
    SetPassword {
        /// Whose.
        name: UserName,
        /// The new one.
        password: PasswordHash,
        /// The session in which it is changed.
        keep: Option<TokenDigest>,
    },
    /// What a user has set for themselves, or a supervisor for them.
    Stand {
        /// Whose.
        user: UserId,
        /// What.
        patch: StandingPatch,
    },
    /// Somebody has signed in.
    OpenSession {
        /// Who.
        user: UserId,
        /// The digest of the session's token.
        digest: TokenDigest,
        /// What the password was checked against: it must be in force still.
        verified: PasswordHash,
    },
    /// A session has been used.
    SeeSession(TokenDigest),
    /// Somebody has signed out. Nothing happens if the session is gone.
    CloseSession(TokenDigest),
    /// A token for a program of the user.
    CreateToken {
        /// Whose.
        user: UserId,
        /// The digest of the token.
        digest: TokenDigest,
        /// Free until now among the user's.
        label: String,
        /// When it ends; `None`: when it is revoked.
        expires_at: Option<Timestamp>,
    },
    /// An end to a token.
    RevokeToken {
        /// Whose.
        user: UserId,
        /// Which.
        label: String,
    },
}

impl Edit {
    /// The user that the edit is about, if there is one yet.
    pub(super) fn about(&self, people: &People) -> Option<UserId> {
        match self {
            Edit::Add { name, .. } | Edit::Change { name, .. } | Edit::SetPassword { name, .. } => {
                people.names.get(name).copied()
            }
            Edit::Stand { user, .. }
            | Edit::OpenSession { user, .. }
            | Edit::CreateToken { user, .. }
            | Edit::RevokeToken { user, .. } => Some(*user),
            Edit::SeeSession(digest) | Edit::CloseSession(digest) => {
                people.sessions.get(digest).map(|session| session.user)
            }
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct PeopleReply {
    /// The users that were added or changed, as they are now, in the order of the edits.
    pub accounts: Vec<Arc<Account>>,
}
