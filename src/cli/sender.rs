//! `sender`: keys for senders. Only the digest of a key goes into the configuration.

use clap::Subcommand;
use serde_json::json;

use super::Global;
use super::exit::{Exit, Failure};
use super::output::Output;
use crate::daemon::{key_digest, new_key};

/// Make keys for senders
#[derive(Debug, Subcommand)]
pub enum Sender {
    /// Print a new key, once, and the lines that let it in
    New {
        /// Name of the sender
        name: String,
        /// Its tenant; needed where the configuration has several
        #[arg(long)]
        tenant: Option<String>,
    },
}

impl Sender {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let Sender::New { name, tenant } = self;
        let is_name = !name.is_empty()
            && name.len() <= NAME_CHARS_MAX
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !is_name {
            let text = format!(
                "`{name}` is no name for a sender: use up to {NAME_CHARS_MAX} of A-Z a-z 0-9 . _ -"
            );
            return Err(Failure::new(Exit::Usage, text));
        }
        let tenant = match tenant {
            Some(tenant) => tenant,
            None => only_tenant(global)?,
        };
        let key = new_key().map_err(|error| Failure::new(Exit::Failed, error))?;
        let digest = hex(&key_digest(&key));
        if output.json {
            output.json(&json!({
                "tenant": tenant,
                "sender": name,
                "key": key,
                "keySha256": digest,
            }))?;
            return Ok(Exit::Ok);
        }
        let (tenant, sender) = (toml_key(&tenant), toml_key(&name));
        output.line(&format!(
            "Give this key to the sender; it is kept nowhere and cannot be shown again:\n\n  \
             {key}\n\n\
             Put this into the configuration, then `systemctl reload anteroom`. While a key is \
             changed,\na sender may have two: key_sha256 = [\"old\", \"new\"].\n\n\
             [tenants.{tenant}.senders.{sender}]\nkey_sha256 = \"{digest}\""
        ))?;
        Ok(Exit::Ok)
    }
}

/// Longest name of a sender.
const NAME_CHARS_MAX: usize = 64;

fn only_tenant(global: &Global) -> Result<String, Failure> {
    let policy = global.load()?.config.policy;
    let mut tenants = policy.tenants.into_keys();
    match (tenants.next(), tenants.next()) {
        (Some(tenant), None) => Ok(tenant),
        (None, _) => Err(Failure::new(
            Exit::Usage,
            "the configuration has no tenant: name the sender's with --tenant",
        )),
        (Some(_), Some(_)) => Err(Failure::new(
            Exit::Usage,
            "the configuration has several tenants: name the sender's with --tenant",
        )),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name as a part of a TOML key.
fn toml_key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    match name.bytes().all(is_bare) {
        true => name.to_owned(),
        false => toml::Value::String(name.to_owned()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_dots_are_quoted_in_toml() {
        assert_eq!(toml_key("crm-1_a"), "crm-1_a");
        assert_eq!(toml_key("crm.1"), "\"crm.1\"");
    }

    #[test]
    fn digests_are_lower_case_hex() {
        assert_eq!(hex(&[0, 15, 255]), "000fff");
    }
}
