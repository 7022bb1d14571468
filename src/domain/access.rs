//! What somebody shows to be known, and how long it holds. Of passwords and tokens only what
//! cannot be turned back is ever kept.

use std::fmt;

use super::ids::UserId;
use super::time::Timestamp;

/// Milliseconds without a request after which a session is over.
pub const SESSION_IDLE_MS: i64 = 12 * 3_600_000;
/// Milliseconds after which a session is over whatever happens in it.
pub const SESSION_ABSOLUTE_MS: i64 = 24 * 3_600_000;
/// Milliseconds between two notes of a session's last request: a crash shortens its idle time by
/// as much, at most.
pub const SESSION_NOTE_MS: i64 = 5 * 60_000;
/// Sessions of one user; one more ends the one that was used longest ago.
pub const SESSIONS_PER_USER_MAX: usize = 20;
/// Tokens of one user.
pub const TOKENS_PER_USER_MAX: usize = 20;
/// Characters of a token's label.
pub const LABEL_CHARS_MAX: usize = 64;

/// SHA-256 of a session's or an API client's token. The token has 256 random bits, so nothing
/// slower is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenDigest(pub [u8; 32]);

/// A password as it is kept: a PHC string of argon2id with its own salt and parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What its token is known by.
    pub digest: TokenDigest,
    /// Who.
    pub user: UserId,
    /// When they signed in.
    pub opened_at: Timestamp,
    /// Their last request, to [`SESSION_NOTE_MS`].
    pub seen_at: Timestamp,
}

impl Session {
    /// Whether it still holds. A clock that was set back does not end it.
    pub fn holds(&self, now: Timestamp) -> bool {
        now.since_ms(self.seen_at) < SESSION_IDLE_MS
            && now.since_ms(self.opened_at) < SESSION_ABSOLUTE_MS
    }

    /// Whether its last request is to be noted again.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now.since_ms(self.seen_at) >= SESSION_NOTE_MS
    }
}

/// A user's program may act for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// What it is known by.
    pub digest: TokenDigest,
    /// For whom it acts.
    pub user: UserId,
    /// What the user calls it, once among theirs.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None`: when it is revoked.
    pub expires_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it still holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: TokenDigest = TokenDigest([7; 32]);

    #[test]
    fn a_session_ends_idle_or_old() {
        let hour = 3_600_000;
        // (opened, seen, now, holds)
        let cases = [
            (0, 0, 0, true),
            (0, 0, 12 * hour - 1, true),
            (0, 0, 12 * hour, false),
            (0, 12 * hour, 24 * hour - 1, true),
            (0, 23 * hour, 24 * hour, false),
            (hour, hour, 0, true),
        ];
        for (opened, seen, now, holds) in cases {
            let session = Session {
                digest: DIGEST,
                user: UserId(1),
                opened_at: Timestamp(opened),
                seen_at: Timestamp(seen),
            };
            let case = format!("opened {opened} seen {seen} now {now}");
            assert_eq!(session.holds(Timestamp(now)), holds, "{case}");
        }
    }

    #[test]
    fn a_session_is_noted_every_five_minutes() {
        let session = Session {
            digest: DIGEST,
            user: UserId(1),
            opened_at: Timestamp(0),
            seen_at: Timestamp(1_000),
        };
        assert!(!session.is_stale(Timestamp(1_000 + SESSION_NOTE_MS - 1)));
        assert!(session.is_stale(Timestamp(1_000 + SESSION_NOTE_MS)));
    }

    #[test]
    fn a_token_ends_at_its_time_or_never() {
        let token = |expires_at: Option<i64>| ApiToken {
            digest: DIGEST,
            user: UserId(1),
            label: "robot".to_owned(),
            created_at: Timestamp(0),
            expires_at: expires_at.map(Timestamp),
        };
        assert!(token(None).holds(Timestamp(i64::MAX)));
        assert!(token(Some(10)).holds(Timestamp(9)));
        assert!(!token(Some(10)).holds(Timestamp(10)));
    }

    #[test]
    fn a_password_is_not_printed() {
        let hash = PasswordHash("$argon2id$secret".to_owned());
        assert!(!format!("{hash:?}").contains("secret"));
    }
}
