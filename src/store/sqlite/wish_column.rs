//! How what an item asks of agents lies in one column: JSON, written and read by a struct private to
//! the store, so that renaming a field of the domain cannot change what old files mean.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Row;
use rusqlite::types::Type;
use serde::{Deserialize, Serialize};

use crate::domain::content::{PreferredAgent, SkillRequirement};
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Column<'a> {
    /// Name, level, whether optional.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skills: Vec<(Cow<'a, str>, u8, bool)>,
    /// Name, rank.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    preferred: Vec<(Cow<'a, str>, u8)>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
}

/// The column of a wish.
pub(super) fn write(wish: &Wish) -> serde_json::Result<String> {
    // Taken apart as a whole, so that a new field cannot be forgotten here.
    let Wish {
        skills,
        preferred,
        required,
        since,
    } = wish;
    let skills = skills.iter();
    let preferred = preferred.iter();
    serde_json::to_string(&Column {
        skills: skills
            .map(|skill| (Cow::Borrowed(&*skill.name), skill.level, skill.optional))
            .collect(),
        preferred: preferred
            .map(|agent| (Cow::Borrowed(&*agent.name), agent.rank))
            .collect(),
        required: *required,
        since: since.map(|time| time.0),
    })
}

/// The wish in a column.
///
/// # Errors
/// The column is not what [`write()`] makes: the file is damaged.
pub(in crate::store) fn read(column: &str) -> serde_json::Result<Wish> {
    let column: Column<'_> = serde_json::from_str(column)?;
    let skills = column.skills.into_iter();
    let preferred = column.preferred.into_iter();
    Ok(Wish {
        skills: skills
            .map(|(name, level, optional)| SkillRequirement {
                name: name.into_owned(),
                level,
                optional,
            })
            .collect(),
        preferred: preferred
            .map(|(name, rank)| PreferredAgent {
                name: name.into_owned(),
                rank,
            })
            .collect(),
        required: column.required,
        since: column.since.map(Timestamp),
    })
}

/// The wishes of many rows, each distinct text read once: a million items may ask for the same.
#[derive(Default)]
pub(super) struct Wishes(HashMap<String, Arc<Wish>>);

impl Wishes {
    /// The wish in that column of the row, if it has one.
    pub(super) fn of(
        &mut self,
        row: &Row<'_>,
        column: usize,
    ) -> rusqlite::Result<Option<Arc<Wish>>> {
        let Some(text) = row.get_ref(column)?.as_str_or_null()? else {
            return Ok(None);
        };
        if let Some(known) = self.0.get(text) {
            return Ok(Some(Arc::clone(known)));
        }
        let wish = read(text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
        })?;
        let wish = Arc::new(wish);
        self.0.insert(text.to_owned(), Arc::clone(&wish));
        Ok(Some(wish))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::samples::full_wish;

    #[test]
    fn every_value_of_a_wish_comes_back() {
        let column = write(&full_wish()).expect("it is written");
        assert_eq!(read(&column).expect("it is read"), full_wish());
    }

    #[test]
    fn what_a_wish_does_not_ask_for_takes_no_room() {
        assert_eq!(write(&Wish::default()).expect("it is written"), "{}");
        assert_eq!(read("{}").expect("it is read"), Wish::default());
    }

    #[test]
    fn a_column_without_meaning_is_damage() {
        for column in ["", "[", "{\"skills\":[[\"french\"]]}", "{\"required\":1}"] {
            assert!(read(column).is_err(), "{column}");
        }
    }
}
