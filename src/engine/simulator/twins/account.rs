//! All that a world keeps, as lines of text that are the same for twins: random ids are replaced by
//! what they are ids of.

use std::collections::HashMap;

use crate::domain::follow_up::FollowUp;
use crate::domain::ids::{ItemId, OfferId, Sequence};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::JournalEntry;
use crate::engine::world::World;
use crate::store::Store;

/// Characters of an id in text.
const ID_LENGTH: usize = 36;

/// Every alert and button of an item that its journal names, in order.
pub(super) fn follow_ups(world: &World, sequence: Sequence) -> Vec<FollowUp> {
    let mut store = world.engine.store().crash();
    let lines: Vec<JournalEntry> = store.journal(sequence).cloned().collect();
    let shown = lines.iter().filter(|line| {
        use crate::domain::journal::JournalEvent::{AlertShown, ButtonShown};
        [AlertShown, ButtonShown].contains(&line.event)
    });
    let ids = shown.filter_map(|line| {
        let datum = line.data.iter().find(|(name, _)| *name == "followUp");
        datum.and_then(|(_, value)| value.parse().ok())
    });
    let found: Vec<_> = ids.collect();
    let found = found.into_iter();
    let found = found.map(|id| store.follow_up(id).expect("memory"));
    found.map(|it| it.expect("the journal names it")).collect()
}

/// Rows, values, journals, follow-ups and notifications of a world.
pub(super) fn account(world: &World) -> Vec<String> {
    let rows: Vec<Item> = world.engine.store().rows().cloned().collect();
    let mut names = HashMap::new();
    for row in &rows {
        names.insert(row.id.to_string(), format!("item {}", row.sequence.0));
        for (index, shown) in follow_ups(world, row.sequence).iter().enumerate() {
            let name = format!("follow-up {} of {}", index + 1, row.sequence.0);
            names.insert(shown.id.to_string(), name);
        }
    }
    let lines = rows.iter().flat_map(|row| of_item(world, row));
    lines.map(|line| with_names(&line, &names)).collect()
}

fn of_item(world: &World, row: &Item) -> Vec<String> {
    let mut store = world.engine.store().crash();
    let mut item = row.clone();
    item.id = ItemId(uuid::Uuid::nil());
    // Made of texts that hold ids.
    item.content_digest = [0; 16];
    if let Some(holder) = &mut item.holder {
        holder.session = OfferId(0);
    }
    let content = store.content(row.sequence).expect("memory");
    let mut lines = vec![format!("{item:?}"), format!("{content:?}")];
    lines.extend(store.journal(row.sequence).map(|entry| {
        let mut entry = entry.clone();
        entry.data.retain(|(name, _)| *name != "session");
        format!("{entry:?}")
    }));
    let shown = follow_ups(world, row.sequence);
    lines.extend(shown.iter().map(|follow_up| format!("{follow_up:?}")));
    lines.extend(store.notifications(row.sequence).map(|(number, new, _)| {
        let status = &new.status;
        let place = (status.state, status.version, status.position);
        format!("{number} {:?} {:?} {place:?}", new.event, new.at)
    }));
    lines
}

/// The text with every known id replaced.
fn with_names(text: &str, names: &HashMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let id = rest.get(..ID_LENGTH).and_then(|id| names.get(id));
        match id {
            Some(name) => {
                out.push_str(name);
                rest = &rest[ID_LENGTH..];
            }
            None => {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    out
}

/// What twins met, to show that their lives were whole ones.
pub(super) fn words(world: &World) -> Vec<&'static str> {
    let store = world.engine.store();
    let mut words = Vec::new();
    for row in store.rows() {
        words.extend(store.journal(row.sequence).map(|line| line.event.name()));
        if row.state == ItemState::Ended && row.flow.is_some() {
            words.push("outlived");
        }
    }
    words
}

/// The difference of two accounts, short enough to read.
pub(super) fn difference(one: &[String], other: &[String]) -> Option<String> {
    let lines = one.iter().zip(other);
    let first = lines.enumerate().find(|(_, (one, other))| one != other);
    if let Some((index, (one, other))) = first {
        return Some(format!("line {index}\n  one   {one}\n  other {other}"));
    }
    let longer = if one.len() > other.len() { one } else { other };
    let more = longer.get(one.len().min(other.len()))?;
    Some(format!("only one has\n  {more}"))
}
