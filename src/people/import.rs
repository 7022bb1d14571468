//! From the rows of a file to users: those who are there are changed, the others added with
//! generated passwords.

use std::collections::BTreeMap;

use crate::domain::people::UserName;
use crate::domain::refusal::Refusal;
use crate::engine::people::People;
use crate::engine::people::change::Edit;

use super::csv::Row;
use super::password::Passwords;
use super::secret;

/// What to ask of the engine, and what to tell people once.
pub struct Import {
    /// In the order of the file.
    pub edits: Vec<Edit>,
    /// Passwords of those who are new.
    pub passwords: BTreeMap<UserName, String>,
}

/// New passwords are generated and hashed one after the other, some 20 ms each; a dry run makes
/// none.
///
/// # Errors
/// `overloaded`, or `internalError` without random bytes; nothing was changed.
pub async fn import(
    rows: Vec<Row>,
    people: &People,
    passwords: &Passwords,
    tenant: Option<&str>,
    dry_run: bool,
) -> Result<Import, Refusal> {
    let mut import = Import {
        edits: Vec::with_capacity(rows.len()),
        passwords: BTreeMap::new(),
    };
    for Row { name, patch, .. } in rows {
        if people.named(name.as_str()).is_some() {
            import.edits.push(Edit::Change {
                name,
                patch,
                if_version: None,
            });
            continue;
        }
        let password = match dry_run {
            true => None,
            false => {
                let password = secret::new_password().map_err(secret::refuse)?;
                let hash = passwords.hash(password.clone()).await?;
                import.passwords.insert(name.clone(), password);
                Some(hash)
            }
        };
        import.edits.push(Edit::Add {
            name,
            tenant: tenant.map(str::to_owned),
            patch,
            password,
        });
    }
    Ok(import)
}
