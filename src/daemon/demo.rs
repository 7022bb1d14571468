//! The built-in demo's credentials: a random key kept over restarts, and the real addresses.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::config::DEMO_SENDER;

/// The file in the data folder.
pub const CREDENTIALS_FILE: &str = "demo-credentials.toml";
/// The service whose entrance is closed by hand in a new demo.
pub const CLOSED_SERVICE: &str = "claims";
/// Of a key.
const KEY_BYTES: usize = 32;

/// What the demo's sender and users need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The bearer key of the sender.
    pub key: String,
    /// The passwords of the users, by name.
    pub passwords: BTreeMap<String, String>,
    /// There was no file yet: this is a new demo.
    pub is_new: bool,
    path: PathBuf,
}

impl Credentials {
    /// Reads the credentials of a data folder, or thinks of new ones, which [`Credentials::write`]
    /// keeps.
    ///
    /// # Errors
    /// The file is there and cannot be read or understood: move it away to get a new key.
    pub fn load(data: &Path) -> io::Result<Credentials> {
        let path = data.join(CREDENTIALS_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let table: toml::Table = text
                    .parse()
                    .map_err(|error: toml::de::Error| in_file(&path, error.message()))?;
                Ok(Credentials {
                    key: key_in(&table, &path)?,
                    passwords: passwords_in(&table),
                    is_new: false,
                    path,
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Credentials {
                key: new_key()?,
                passwords: BTreeMap::new(),
                is_new: true,
                path,
            }),
            Err(error) => Err(in_file(&path, &error.to_string())),
        }
    }

    /// SHA-256 of the key, as the policy has it.
    pub fn key_sha256(&self) -> [u8; 32] {
        key_digest(&self.key)
    }

    /// Writes the file anew, whole or not at all, for its owner alone.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, intake: &str, console: &str) -> io::Result<()> {
        let mut text = format!(
            "# Written by `anteroom serve` at each start of the built-in demo.\n\
             intake = \"{intake}\"\n\
             console = \"{console}\"\n\
             \n\
             [sender.{DEMO_SENDER}]\n\
             key = \"{}\"\n",
            self.key
        );
        if !self.passwords.is_empty() {
            text.push_str("\n# Users sign in to the console: POST /api/v1/session.\n");
        }
        for (name, password) in &self.passwords {
            text.push_str(&format!("\n[user.{name}]\npassword = \"{password}\"\n"));
        }
        let unnamed = self.path.with_extension("toml.new");
        match fs::remove_file(&unnamed) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&unnamed)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unnamed, &self.path)
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Tells people on a terminal (or in a pipe) where the demo is and how to post a first work item.
pub fn greet(credentials: &Credentials, intake: &str, console: &str) {
    let path = credentials.path().display();
    let mut text = format!("intake   {intake}\nconsole  {console}\nkeys     {path}\n");
    if io::stdout().is_terminal() {
        text.push_str(&format!(
            "\nPost a first work item:\n\n{}\n\n",
            curl(&credentials.key, intake)
        ));
    }
    // Whoever closed standard output does not want to know; the log says the same.
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

/// A command line that posts a work item.
fn curl(key: &str, intake: &str) -> String {
    format!(
        "curl -H 'Authorization: Bearer {key}' -H 'Content-Type: application/xml' \\\n  \
         --data '<workItem xmlns=\"urn:anteroom:work-item:1\" reference=\"first-1\">\
         <service>loans</service><contactData><item key=\"workItemTask\">Call back</item>\
         </contactData></workItem>' \\\n  {intake}/v1/work-items"
    )
}

/// The address of a listener as a URL.
pub fn url(address: SocketAddr, has_tls: bool) -> String {
    let scheme = if has_tls { "https" } else { "http" };
    format!("{scheme}://{address}")
}

/// A new random key of 256 bits.
///
/// # Errors
/// The system has no randomness to give.
pub fn new_key() -> io::Result<String> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of a key.
pub fn key_digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn passwords_in(table: &toml::Table) -> BTreeMap<String, String> {
    let users = table.get("user").and_then(toml::Value::as_table);
    let passwords = users.into_iter().flatten().filter_map(|(name, user)| {
        let password = user.get("password")?.as_str()?;
        Some((name.clone(), password.to_owned()))
    });
    passwords.collect()
}

fn key_in(table: &toml::Table, path: &Path) -> io::Result<String> {
    let key = table
        .get("sender")
        .and_then(|senders| senders.get(DEMO_SENDER))
        .and_then(|sender| sender.get("key"))
        .and_then(toml::Value::as_str);
    key.map(str::to_owned)
        .ok_or_else(|| in_file(path, "it has no key under [sender.demo]"))
}

fn in_file(path: &Path, reason: &str) -> io::Error {
    io::Error::other(format!(
        "{}: {reason}; move it away to get a new key",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn key_and_passwords_are_kept_over_restarts() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut first = Credentials::load(folder.path()).expect("there is none");
        assert!(first.is_new);
        let password = ("agent1".to_owned(), "a password".to_owned());
        first.passwords = [password].into();
        first
            .write("http://127.0.0.1:1", "http://127.0.0.1:2")
            .expect("it is written");
        let second = Credentials::load(folder.path()).expect("it is there");
        assert!(!second.is_new);
        assert_eq!(second.key, first.key);
        assert_eq!(second.passwords, first.passwords);
        assert_eq!(second.key_sha256(), key_digest(&first.key));
    }

    #[test]
    fn two_keys_are_not_alike() {
        let keys = [new_key(), new_key()].map(|key| key.expect("there is randomness"));
        assert_ne!(keys[0], keys[1]);
        assert_eq!(keys[0].len(), 43);
    }

    #[test]
    fn only_the_owner_reads_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let credentials = Credentials::load(folder.path()).expect("there is none");
        credentials.write("a", "b").expect("it is written");
        let metadata = fs::metadata(credentials.path()).expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_without_a_key_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(CREDENTIALS_FILE), "intake = \"x\"").expect("a file");
        let error = Credentials::load(folder.path()).expect_err("it has no key");
        assert!(error.to_string().contains(CREDENTIALS_FILE), "{error}");
    }
}
