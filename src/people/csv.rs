//! Users from a file of comma-separated values (RFC 4180), as a pure function of its text.
//!
//! The first line names the columns, in any order; only `name` must be there, and a column that is
//! missing leaves what it is about as it was. Fields may be separated by commas, semicolons or
//! tabs, whichever the first line has. A field with several values separates them by `|`:
//!
//! ```text
//! name,display_name,role,services,supervisor_of,skills,profiles,capacity,work_groups,enabled
//! anna,Anna Ek,agent,loans|claims,,french:7|bonds:3,day=french:5|late=,2,north,yes
//! ```
//! There are no passwords in files: new users get generated ones.

use std::collections::{BTreeMap, BTreeSet};

use csv::{ReaderBuilder, StringRecord};

use crate::domain::people::{
    Capacity, Role, SkillLevel, Skills, USERS_MAX, UserName, UserPatch, Wording,
};

/// Bytes of a file, at most.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Problems that are shown, at most.
pub const PROBLEMS_MAX: usize = 20;
/// Separates the values of one field.
const VALUE_SEPARATOR: char = '|';
/// Separates the skills within one profile.
const SKILL_SEPARATOR: char = '+';

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands, from 1.
    pub line: u64,
    /// Whom it is about.
    pub name: UserName,
    /// What it says.
    pub patch: UserPatch,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: u64,
    /// From 1, in fields; `None`: the whole line.
    pub column: Option<usize>,
    /// The name of the column, if it has one.
    pub column_name: Option<String>,
    /// What to change.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(name) = &self.column_name {
            write!(f, " ({name})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What a column is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    DisplayName,
    Role,
    Services,
    SupervisorOf,
    Skills,
    Profiles,
    Capacity,
    WorkGroups,
    Enabled,
}

impl Column {
    const ALL: [Column; 10] = [
        Column::Name,
        Column::DisplayName,
        Column::Role,
        Column::Services,
        Column::SupervisorOf,
        Column::Skills,
        Column::Profiles,
        Column::Capacity,
        Column::WorkGroups,
        Column::Enabled,
    ];

    fn name(self) -> &'static str {
        match self {
            Column::Name => "name",
            Column::DisplayName => "display_name",
            Column::Role => "role",
            Column::Services => "services",
            Column::SupervisorOf => "supervisor_of",
            Column::Skills => "skills",
            Column::Profiles => "profiles",
            Column::Capacity => "capacity",
            Column::WorkGroups => "work_groups",
            Column::Enabled => "enabled",
        }
    }
}

/// Reads a file, all of it or nothing.
///
/// # Errors
/// The first [`PROBLEMS_MAX`] problems, in the order of the file; at least one.
pub fn read(text: &str) -> Result<Vec<Row>, Vec<Problem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > FILE_BYTES_MAX {
        let message = format!("the file has more than {FILE_BYTES_MAX} bytes: split it");
        return Err(vec![of_line(1, message)]);
    }
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let mut problems = Vec::new();
    let columns = match records.next() {
        Some(Ok(header)) => columns(&header, &mut problems),
        Some(Err(error)) => return Err(vec![of_line(1, error.to_string())]),
        None => {
            return Err(vec![of_line(
                1,
                "the first line names the columns".to_owned(),
            )]);
        }
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut rows = Vec::new();
    let mut lines = BTreeMap::new();
    for record in records {
        match record {
            Ok(record) => {
                let line = line_of(&record, text);
                let row = Fields::of(&columns, &record, line).read(&mut problems);
                rows.extend(row.filter(|row| is_first(row, &mut lines, &mut problems)));
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                problems.push(of_line(line, error.to_string()));
            }
        }
        if rows.len() > USERS_MAX {
            let message = format!("the file has more than {USERS_MAX} users");
            problems.push(of_line(1, message));
        }
        if problems.len() >= PROBLEMS_MAX {
            break;
        }
    }
    problems.truncate(PROBLEMS_MAX);
    if problems.is_empty() {
        Ok(rows)
    } else {
        Err(problems)
    }
}

/// The line in which a record begins. Its position is that of the empty lines before it.
fn line_of(record: &StringRecord, text: &str) -> u64 {
    let Some(position) = record.position() else {
        return 0;
    };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let line_ends = rest.iter().take_while(|byte| b"\r\n".contains(byte));
    let skipped = line_ends.filter(|byte| **byte == b'\n').count();
    position.line() + skipped as u64
}

/// The first separator in the first line.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let found = header.bytes().find(|byte| b",;\t".contains(byte));
    found.unwrap_or(b',')
}

fn columns(header: &StringRecord, problems: &mut Vec<Problem>) -> Vec<Column> {
    let mut columns = Vec::new();
    for (name, number) in header.iter().zip(1..) {
        let wrong = |message: String| Problem {
            line: 1,
            column: Some(number),
            column_name: None,
            message,
        };
        let name = name.trim();
        match Column::ALL.into_iter().find(|column| column.name() == name) {
            Some(column) if columns.contains(&column) => {
                problems.push(wrong(format!("the column {name} is there twice")));
            }
            Some(column) => columns.push(column),
            None => {
                let known = Column::ALL.map(Column::name).join(", ");
                problems.push(wrong(format!(
                    "there is no column {name:?}; there are {known}"
                )));
            }
        }
    }
    if problems.is_empty() && !columns.contains(&Column::Name) {
        problems.push(of_line(1, "the column name is missing".to_owned()));
    }
    columns
}

fn is_first(row: &Row, lines: &mut BTreeMap<UserName, u64>, problems: &mut Vec<Problem>) -> bool {
    match lines.insert(row.name.clone(), row.line) {
        None => true,
        Some(first) => {
            let message = format!("the user {} is in line {first} already", row.name);
            problems.push(of_line(row.line, message));
            false
        }
    }
}

fn of_line(line: u64, message: String) -> Problem {
    Problem {
        line,
        column: None,
        column_name: None,
        message,
    }
}

/// A line with its columns.
struct Fields<'a> {
    columns: &'a [Column],
    record: &'a StringRecord,
    line: u64,
}

impl<'a> Fields<'a> {
    fn of(columns: &'a [Column], record: &'a StringRecord, line: u64) -> Fields<'a> {
        Fields {
            columns,
            record,
            line,
        }
    }

    fn read(&self, problems: &mut Vec<Problem>) -> Option<Row> {
        let (fields, columns) = (self.record.len(), self.columns.len());
        if fields != columns {
            let message = format!(
                "{fields} fields where the first line has {columns}: a field that holds a \
                 separator or a quote stands in quotes, a quote in it twice"
            );
            problems.push(of_line(self.line, message));
            return None;
        }
        let before = problems.len();
        let mut name = None;
        let mut patch = UserPatch::default();
        for ((column, text), number) in self.columns.iter().zip(self.record).zip(1..) {
            let text = text.trim();
            let read = match column {
                Column::Name => text
                    .parse()
                    .map(|parsed| name = Some(parsed))
                    .map_err(|error: crate::domain::people::InvalidPerson| error.0),
                _ => put(*column, text, &mut patch),
            };
            if let Err(message) = read {
                problems.push(Problem {
                    line: self.line,
                    column: Some(number),
                    column_name: Some(column.name().to_owned()),
                    message,
                });
            }
        }
        (problems.len() == before).then_some(())?;
        Some(Row {
            line: self.line,
            name: name?,
            patch,
        })
    }
}

/// Puts what a field says into the patch.
fn put(column: Column, text: &str, patch: &mut UserPatch) -> Result<(), String> {
    match column {
        Column::Name => {}
        Column::DisplayName => {
            Wording::DisplayName.check(text).map_err(|error| error.0)?;
            patch.display_name = Some(text.to_owned());
        }
        Column::Role => {
            let roles = values(text).map(role).collect::<Result<_, _>>()?;
            patch.roles = Some(roles);
        }
        Column::Services => patch.services = Some(names(text)),
        Column::SupervisorOf => patch.supervisor_of = Some(names(text)),
        Column::Skills => patch.skills = Some(skills(text, VALUE_SEPARATOR)?),
        Column::Profiles => patch.profiles = Some(profiles(text)?),
        Column::Capacity => patch.capacity = Some(capacity(text)?),
        Column::WorkGroups => patch.work_groups = Some(names(text)),
        Column::Enabled => patch.enabled = Some(yes_or_no(text)?),
    }
    Ok(())
}

fn values(text: &str) -> impl Iterator<Item = &str> {
    let values = text.split(VALUE_SEPARATOR).map(str::trim);
    values.filter(|value| !value.is_empty())
}

fn names(text: &str) -> BTreeSet<String> {
    values(text).map(str::to_owned).collect()
}

/// A role by its name.
///
/// # Errors
/// What to change.
pub fn role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| {
        let known = Role::ALL.map(Role::name).join(", ");
        format!("there is no role {name:?}; there are {known}")
    })
}

/// Skills with their levels: `french:7|bonds:3`.
///
/// # Errors
/// What to change.
pub fn skills(text: &str, separator: char) -> Result<Skills, String> {
    let mut skills = Skills::new();
    let written = text.split(separator).map(str::trim);
    for skill in written.filter(|skill| !skill.is_empty()) {
        let level = skill.rsplit_once(':').and_then(|(name, level)| {
            let level = level.trim().parse().ok().and_then(SkillLevel::new)?;
            Some((name.trim(), level))
        });
        let Some((name, level)) = level else {
            return Err(format!(
                "{skill:?} is no skill with its level from 1 to 9, as in french:7"
            ));
        };
        Wording::Skill.check(name).map_err(|error| error.0)?;
        if skills.insert(name.to_owned(), level).is_some() {
            return Err(format!("the skill {name} is there twice"));
        }
    }
    Ok(skills)
}

/// Responsibility profiles: `day=french:5+bonds:1|late=`.
///
/// # Errors
/// What to change.
pub fn profiles(text: &str) -> Result<BTreeMap<String, Skills>, String> {
    let mut profiles = BTreeMap::new();
    for profile in values(text) {
        let Some((name, of_profile)) = profile.split_once('=') else {
            return Err(format!(
                "{profile:?} is no profile with its skills, as in day=french:5+bonds:1"
            ));
        };
        let name = name.trim();
        Wording::Profile.check(name).map_err(|error| error.0)?;
        let of_profile = skills(of_profile, SKILL_SEPARATOR)?;
        if profiles.insert(name.to_owned(), of_profile).is_some() {
            return Err(format!("the profile {name} is there twice"));
        }
    }
    Ok(profiles)
}

fn capacity(text: &str) -> Result<Capacity, String> {
    let capacity = text.parse().ok().and_then(Capacity::new);
    capacity.ok_or_else(|| "a capacity is a number from 1 to 10".to_owned())
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" | "1" => Ok(true),
        "no" | "false" | "0" => Ok(false),
        _ => Err("write yes or no".to_owned()),
    }
}

#[cfg(test)]
mod tests;
