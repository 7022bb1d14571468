//! `user`: people, over the control socket.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Map, Value, json};

use super::Global;
use super::control::{Control, segment};
use super::exit::{Exit, Failure};
use super::output::{Column, Output, text};
use crate::people::csv;

const USERS: &str = "/api/v1/users";
const IMPORTS: &str = "/api/v1/user-imports";
/// Separates the skills of the command line.
const SKILL_SEPARATOR: char = ',';

/// Look after users
#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a user and print the generated password, once
    Add {
        /// What the user signs in with
        name: String,
        /// Tenant of the user; needed where there are several
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        fields: Box<Fields>,
    },
    /// Change a user; what is not named stays as it is
    Set {
        /// Whom
        name: String,
        /// Generate a new password and print it, once; ends all sessions
        #[arg(long)]
        new_password: bool,
        /// Let a deactivated user in again
        #[arg(long)]
        activate: bool,
        #[command(flatten)]
        fields: Box<Fields>,
    },
    /// List the users
    List,
    /// Deactivate a user: sessions and tokens end at once, the name stays in traces
    Remove {
        /// Whom
        name: String,
    },
    /// Add and change users from a file of comma-separated values, all of them or none
    Import {
        /// The file; its first line names the columns: name, display_name, role, services,
        /// supervisor_of, skills, profiles, capacity, work_groups, enabled
        file: PathBuf,
        /// Tenant of new users; needed where there are several
        #[arg(long)]
        tenant: Option<String>,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
}

/// What can be said about a user. Lists are separated by commas; an empty list is empty.
#[derive(Debug, Args, Default)]
pub struct Fields {
    /// What people read
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// agent, supervisor, auditor, admin
    #[arg(long, value_name = "ROLES")]
    role: Option<String>,
    /// Services the user gets items of
    #[arg(long, value_name = "SERVICES")]
    services: Option<String>,
    /// Services the user sees to as a supervisor
    #[arg(long, value_name = "SERVICES")]
    supervisor_of: Option<String>,
    /// Skills with levels from 1 to 9: french:7,bonds:3
    #[arg(long, value_name = "SKILLS")]
    skills: Option<String>,
    /// Responsibility profiles: day=french:5+bonds:1|late=
    #[arg(long, value_name = "PROFILES")]
    profiles: Option<String>,
    /// Items at a time, 1 to 10
    #[arg(long, value_name = "NUMBER")]
    capacity: Option<u8>,
    /// For lists, reports and what workflows show
    #[arg(long, value_name = "GROUPS")]
    work_groups: Option<String>,
}

impl Fields {
    fn body(&self) -> Result<Map<String, Value>, Failure> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            body.extend(value.map(|value| (name.to_owned(), value)));
        };
        let list = |text: &Option<String>| text.as_deref().map(|text| json!(names(text)));
        let usage = |text: String| Failure::new(Exit::Usage, text);
        put(
            "displayName",
            self.display_name.as_ref().map(|text| json!(text)),
        );
        put("roles", list(&self.role));
        put("services", list(&self.services));
        put("supervisorOf", list(&self.supervisor_of));
        put("workGroups", list(&self.work_groups));
        put("capacity", self.capacity.map(|capacity| json!(capacity)));
        if let Some(text) = &self.skills {
            let skills = csv::skills(text, SKILL_SEPARATOR);
            let skills = skills.map_err(|text| usage(format!("--skills: {text}")))?;
            put("skills", Some(levels(&skills)));
        }
        if let Some(text) = &self.profiles {
            let profiles = csv::profiles(text);
            let profiles = profiles.map_err(|text| usage(format!("--profiles: {text}")))?;
            let profiles = profiles.iter();
            let profiles: BTreeMap<&String, Value> = profiles
                .map(|(name, skills)| (name, levels(skills)))
                .collect();
            put("profiles", Some(json!(profiles)));
        }
        Ok(body)
    }
}

fn names(text: &str) -> BTreeSet<&str> {
    let names = text.split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).collect()
}

fn levels(skills: &crate::domain::people::Skills) -> Value {
    let skills = skills.iter();
    let levels: BTreeMap<&String, u8> = skills.map(|(name, level)| (name, level.value())).collect();
    json!(levels)
}

impl User {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let control = Control::new(global)?;
        match self {
            User::Add {
                name,
                tenant,
                fields,
            } => {
                let mut body = fields.body()?;
                body.insert("name".to_owned(), json!(name));
                body.insert("newPassword".to_owned(), json!(true));
                body.extend(tenant.map(|tenant| ("tenant".to_owned(), json!(tenant))));
                let added = control.send(Method::POST, USERS, &Value::Object(body))?;
                changed(output, &added, "added")
            }
            User::Set {
                name,
                new_password,
                activate,
                fields,
            } => {
                let mut body = fields.body()?;
                if new_password {
                    body.insert("newPassword".to_owned(), json!(true));
                }
                if activate {
                    body.insert("enabled".to_owned(), json!(true));
                }
                if body.is_empty() {
                    let text = "name what to change: see `anteroom user set --help`";
                    return Err(Failure::new(Exit::Usage, text));
                }
                let path = format!("{USERS}/{}", segment(&name));
                let answer = control.send(Method::PATCH, &path, &Value::Object(body))?;
                changed(output, &answer, "changed")
            }
            User::List => list(output, &control.get(USERS)?),
            User::Remove { name } => {
                let path = format!("{USERS}/{}", segment(&name));
                let answer = control.send(Method::DELETE, &path, &json!({}))?;
                changed(output, &answer, "deactivated")
            }
            User::Import {
                file,
                tenant,
                dry_run,
            } => {
                let shown = file.display();
                let text = fs::read_to_string(&file)
                    .map_err(|error| Failure::new(Exit::Data, format!("{shown}: {error}")))?;
                // Wrong here is wrong there; so nothing need be running to try a file.
                csv::read(&text).map_err(|problems| {
                    let lines = problems.iter().map(|problem| format!("{shown}: {problem}"));
                    Failure::new(Exit::Data, lines.collect::<Vec<_>>().join("\n"))
                })?;
                let body = json!({ "csv": text, "dryRun": dry_run, "tenant": tenant });
                imported(output, &control.send(Method::POST, IMPORTS, &body)?)
            }
        }
    }
}

fn changed(output: Output, user: &Value, word: &str) -> Result<Exit, Failure> {
    if output.json {
        output.json(user)?;
        return Ok(Exit::Ok);
    }
    output.line(&format!("{}: {word}", text(user, "/name")))?;
    if let Some(password) = user.get("password").and_then(Value::as_str) {
        output.line(&format!("password (not shown again): {password}"))?;
    }
    Ok(Exit::Ok)
}

fn list(output: Output, users: &Value) -> Result<Exit, Failure> {
    const COLUMNS: [Column; 7] = [
        Column::text("USER", |user| text(user, "/name")),
        Column::text("NAME", |user| text(user, "/displayName")),
        Column::text("TENANT", |user| text(user, "/tenant")),
        Column::text("ROLES", |user| joined(user, "roles")),
        Column::text("SERVICES", |user| joined(user, "services")),
        Column::number("CAPACITY", |user| text(user, "/capacity")),
        Column::text("ENABLED", |user| text(user, "/enabled")),
    ];
    let users = users.as_array().map(Vec::as_slice).unwrap_or_default();
    output.list(users, &COLUMNS, "nobody yet: `anteroom user add NAME`")?;
    Ok(Exit::Ok)
}

fn joined(user: &Value, name: &str) -> String {
    let values = user.get(name).and_then(Value::as_array);
    let words = values.into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(" ")
}

fn imported(output: Output, answer: &Value) -> Result<Exit, Failure> {
    if output.json {
        output.json(answer)?;
        return Ok(Exit::Ok);
    }
    let (added, changed) = (text(answer, "/added"), text(answer, "/changed"));
    let dry_run = answer.get("dryRun").and_then(Value::as_bool) == Some(true);
    let word = if dry_run { "would be " } else { "" };
    output.line(&format!("{added} {word}added, {changed} {word}changed"))?;
    let passwords = answer.get("passwords").and_then(Value::as_object);
    for (name, password) in passwords.into_iter().flatten() {
        let password = password.as_str().unwrap_or_default();
        output.line(&format!("{name}\t{password}"))?;
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_sent() {
        assert!(
            Fields::default()
                .body()
                .expect("nothing is wrong")
                .is_empty()
        );
        let fields = Fields {
            role: Some("agent, supervisor".to_owned()),
            services: Some(String::new()),
            skills: Some("french:7,bonds:3".to_owned()),
            profiles: Some("day=french:5|late=".to_owned()),
            capacity: Some(2),
            ..Fields::default()
        };
        let expected = json!({
            "roles": ["agent", "supervisor"],
            "services": [],
            "skills": { "bonds": 3, "french": 7 },
            "profiles": { "day": { "french": 5 }, "late": {} },
            "capacity": 2,
        });
        let body = Value::Object(fields.body().expect("it is right"));
        assert_eq!(body, expected);
    }

    #[test]
    fn a_wrong_skill_is_refused_before_anything_is_sent() {
        let fields = Fields {
            skills: Some("french:10".to_owned()),
            ..Fields::default()
        };
        let failure = fields.body().expect_err("10 is no level");
        assert_eq!(failure.exit, Exit::Usage);
        assert!(
            failure.message.starts_with("--skills: "),
            "{}",
            failure.message
        );
    }
}
