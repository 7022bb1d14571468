//! Keys that are refused with a sentence of their own: those of later versions, so that nobody
//! believes they work, and those that would hold a secret.

/// Keys whose feature comes later, with what it is. `NAME` stands for any name.
pub(super) const LATER: [(&str, &str); 3] = [
    ("store.postgres", "several nodes over PostgreSQL come later"),
    (
        "tenants.NAME.services.NAME.levels.condition",
        "levels with a condition come later",
    ),
    (
        "tenants.NAME.services.NAME.sla",
        "service levels come later",
    ),
];

/// Keys that somebody might write a secret to, with where it belongs.
const SECRETS: [(&str, &str); 9] = [
    (
        "key",
        "keep the SHA-256 of the sender's key: `key_sha256`; `anteroom sender new` makes both",
    ),
    (
        "keys",
        "keep the SHA-256 of the sender's key: `key_sha256`; `anteroom sender new` makes both",
    ),
    (
        "api_key",
        "keep the SHA-256 of the sender's key: `key_sha256`",
    ),
    (
        "token",
        "keep the SHA-256 of the sender's key: `key_sha256`",
    ),
    (
        "password",
        "people's passwords are kept by the daemon: `anteroom user set`",
    ),
    ("secret", "name a systemd credential or a file"),
    ("passphrase", "name a systemd credential or a file"),
    (
        "private_key",
        "use `private_key_file` or `private_key_credential`",
    ),
    ("certificate", "use `certificate_file`"),
];

/// What the key at that path will do one day.
pub fn feature(pattern: &str) -> Option<&'static str> {
    let found = LATER.iter().find(|(known, _)| *known == pattern);
    found.map(|(_, feature)| *feature)
}

/// Where the secret belongs that a key of that name would hold.
pub fn secret(key: &str) -> Option<&'static str> {
    let key = key.to_lowercase();
    let found = SECRETS.iter().find(|(known, _)| *known == key);
    found.map(|(_, instead)| *instead)
}
