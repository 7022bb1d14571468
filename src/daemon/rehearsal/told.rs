//! How the journal of a rehearsal reads: one line a journal line, one for each step of the script,
//! one where something begins to ring.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::facts::WallClock;
use crate::domain::flow::Rest;
use crate::domain::follow_up::FollowUpId;
use crate::domain::ids::{ItemId, Sequence};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::{JournalEntry, JournalEvent};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::engine::live::LiveEvent;
use crate::engine::view::View;
use crate::store::memory::MemoryStore;

use super::report::{Line, StageShown};
use super::script::Step;

/// Notes what happens, turn by turn.
pub(super) struct Teller {
    pub lines: Vec<Line>,
    /// Whether a step was refused.
    pub refused: bool,
    pub clock: Clock,
    /// Lines of each journal that are told.
    told: BTreeMap<Sequence, u32>,
    /// Where each item's workflow stood at the end of the last turn.
    stages: BTreeMap<Sequence, StageShown>,
    /// Names of stages that were entered.
    named: HashMap<(Sequence, u8), String>,
    items: HashMap<ItemId, String>,
    follow_ups: HashMap<FollowUpId, (&'static str, usize)>,
}

/// The clock on the tenant's wall.
#[derive(Clone)]
pub(super) struct Clock {
    wall: Arc<dyn WallClock>,
    start: Timestamp,
}

impl Clock {
    /// `2026-11-20`.
    pub(super) fn date(&self, at: Timestamp) -> String {
        let shown = self.wall.at(at);
        format!("{:04}-{:02}-{:02}", shown.year, shown.month, shown.day)
    }

    /// `09:30:00`.
    pub(super) fn time(&self, at: Timestamp) -> String {
        let shown = self.wall.at(at);
        let seconds = at.0.div_euclid(1_000).rem_euclid(60);
        format!("{:02}:{:02}:{seconds:02}", shown.hour, shown.minute)
    }

    /// The time alone where the day is that of `beside`.
    pub(super) fn beside(&self, at: Timestamp, beside: Timestamp) -> String {
        let (date, time) = (self.date(at), self.time(at));
        match date == self.date(beside) {
            true => time,
            false => format!("{date} {time}"),
        }
    }
}

impl Teller {
    pub(super) fn new(wall: Arc<dyn WallClock>, start: Timestamp) -> Teller {
        Teller {
            lines: Vec::new(),
            refused: false,
            clock: Clock { wall, start },
            told: BTreeMap::new(),
            stages: BTreeMap::new(),
            named: HashMap::new(),
            items: HashMap::new(),
            follow_ups: HashMap::new(),
        }
    }

    /// Tells what a turn has made true.
    pub(super) fn hear(&mut self, store: &MemoryStore, view: &View, live: &[LiveEvent]) {
        for row in store.rows() {
            let next = match self.items.len() {
                0 => String::new(),
                number => format!("follow-up {number}"),
            };
            self.items.entry(row.id).or_insert(next);
        }
        for row in store.rows() {
            let told = self.told.get(&row.sequence).copied().unwrap_or_default();
            for entry in store.journal(row.sequence).skip(told as usize) {
                self.told.insert(row.sequence, entry.number);
                self.tell(row, entry);
            }
            self.rest(row);
        }
        for event in live {
            let LiveEvent::Offered(offer) = event else {
                continue;
            };
            let names = offer
                .agents
                .iter()
                .filter_map(|agent| view.agents.get(agent));
            let names: Vec<&str> = names.map(|agent| &*agent.name).collect();
            let row = store.rows().find(|row| row.sequence == offer.sequence);
            if let Some(row) = row {
                let text = format!("rings at {}", names.join(", "));
                let data = vec![("agents".to_owned(), names.join(" "))];
                self.push(offer.made_at, Some(row), ("rings", data), text);
            }
        }
    }

    /// Where the workflow stands once a turn is over: stages beside it have run by then.
    fn rest(&mut self, row: &Item) {
        let begun = row.flow.as_ref().filter(|it| it.rest != Rest::Beginning);
        let Some(flow) = begun else {
            self.stages.remove(&row.sequence);
            return;
        };
        let name = self.named.get(&(row.sequence, flow.stage.0));
        let stage = StageShown {
            number: flow.stage.0,
            of: flow.stages,
            name: name.cloned().unwrap_or_default(),
        };
        self.stages.insert(row.sequence, stage);
    }

    fn tell(&mut self, row: &Item, entry: &JournalEntry) {
        let datum = |wanted: &str| {
            let found = entry.data.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let kind = match entry.event {
            JournalEvent::StageEntered => {
                let number = |name| datum(name).and_then(|text| text.parse().ok());
                let stage = StageShown {
                    number: number("stage").unwrap_or_default(),
                    of: number("stages").unwrap_or_default(),
                    name: datum("name").unwrap_or_default().to_owned(),
                };
                let at = (row.sequence, stage.number);
                self.named.insert(at, stage.name.clone());
                self.stages.insert(row.sequence, stage);
                None
            }
            JournalEvent::AlertShown => Some("alert"),
            JournalEvent::ButtonShown => Some("button"),
            _ => None,
        };
        let shown = datum("followUp").and_then(|id| id.parse::<FollowUpId>().ok());
        if let Some((kind, id)) = kind.zip(shown) {
            let of_kind = self.follow_ups.values().filter(|(known, _)| *known == kind);
            let number = of_kind.count() + 1;
            self.follow_ups.entry(id).or_insert((kind, number));
        }
        let data: Vec<(String, String)> = entry
            .data
            .iter()
            .filter(|(name, _)| *name != "session")
            .map(|(name, value)| ((*name).to_owned(), self.value(name, value, entry.at)))
            .collect();
        let text = fill(template(entry.event), &data);
        self.push(entry.at, Some(row), (entry.event.name(), data), text);
    }

    /// A value as people read it: ids are names, times those of the clock.
    fn value(&self, name: &str, value: &str, at: Timestamp) -> String {
        let readable = match name {
            "until" => {
                let until = value.parse().ok().map(Timestamp);
                until.map(|until| self.clock.beside(until, at))
            }
            "followUp" => value.parse().ok().and_then(|id| self.name_of(id)),
            "item" => {
                let id = value.parse::<ItemId>().ok();
                id.and_then(|id| self.items.get(&id)).cloned()
            }
            "state" => ItemState::parse(value).map(|state| place(state).to_owned()),
            _ => None,
        };
        readable.unwrap_or_else(|| value.to_owned())
    }

    /// What an item is called here; empty: it is the message's.
    pub(super) fn item_name(&self, id: ItemId) -> Option<String> {
        let name = self.items.get(&id)?;
        (!name.is_empty()).then(|| name.clone())
    }

    /// What an alert or a button is called here.
    pub(super) fn name_of(&self, id: FollowUpId) -> Option<String> {
        let (kind, number) = self.follow_ups.get(&id)?;
        Some(format!("{kind} {number}"))
    }

    /// The how manieth of its kind it is.
    pub(super) fn number_of(&self, id: FollowUpId) -> usize {
        self.follow_ups.get(&id).map_or(0, |(_, number)| *number)
    }

    /// The stage at which an item's workflow stands.
    pub(super) fn stage_of(&self, sequence: Sequence) -> Option<&StageShown> {
        self.stages.get(&sequence)
    }

    /// When something happened last.
    pub(super) fn last_at(&self) -> Timestamp {
        self.lines.last().map_or(self.clock.start, |line| line.at)
    }

    /// Nothing has happened for long.
    pub(super) fn quiet(&mut self, at: Timestamp) {
        let text = "nothing more happens by itself".to_owned();
        self.push(at, None, ("quiet", Vec::new()), text);
    }

    /// A step of the script begins.
    pub(super) fn step(&mut self, at: Timestamp, step: &Step) {
        let data = vec![("line".to_owned(), step.line.to_string())];
        self.push(at, None, ("step", data), format!("> {}", step.text));
    }

    /// What the last step asked for is refused.
    pub(super) fn refused(&mut self, at: Timestamp, refusal: &Refusal) {
        self.refused = true;
        let (code, message) = (refusal.code().name(), &refusal.first.message);
        let data = vec![("code".to_owned(), code.to_owned())];
        let text = format!("refused: {code}: {message}");
        self.push(at, None, ("refused", data), text);
    }

    fn push(
        &mut self,
        at: Timestamp,
        row: Option<&Item>,
        (event, data): (&'static str, Vec<(String, String)>),
        text: String,
    ) {
        let stage = row.and_then(|row| self.stages.get(&row.sequence));
        self.lines.push(Line {
            at,
            date: self.clock.date(at),
            time: self.clock.time(at),
            elapsed_ms: at.since_ms(self.clock.start),
            item: row.and_then(|row| self.item_name(row.id)),
            stage: stage.cloned(),
            event,
            data,
            text,
        });
    }
}

/// Where an item stands, in words.
pub(super) fn place(state: ItemState) -> &'static str {
    match state {
        ItemState::Scheduled => "waits for its start",
        ItemState::InWorkflow => "in the workflow",
        ItemState::Buffered => "before the closed entrance",
        ItemState::Queued => "in the queue",
        ItemState::Offered => "rings",
        ItemState::Connected => "in an agent's hands",
        ItemState::Parked => "put aside",
        ItemState::Ended => "ended",
    }
}

/// How a line reads: `{name}` is the datum of that name, and what stands in brackets is left out
/// where one in it is missing.
fn template(event: JournalEvent) -> &'static str {
    match event {
        JournalEvent::Received => "came: {state}",
        JournalEvent::StartReached => "its start has come: {state}",
        JournalEvent::Released => "the entrance lets it in: in the queue",
        JournalEvent::Updated => "changed by its sender: {fields}",
        JournalEvent::Expired => "its lifetime is over: {outcome}",
        JournalEvent::CancelledByExternalSystem => "taken back by its sender[: {reason}]",
        JournalEvent::CancelledBySupervisor => "ended by a supervisor[: {reason}]",
        JournalEvent::Accepted => "{agent} accepted it",
        JournalEvent::Declined => "{agent} declined it",
        JournalEvent::NoAnswer => "{agent} did not answer",
        JournalEvent::Rescinded => "no longer rings at {agent}[ ({reason})]",
        JournalEvent::EndedByUser => "{agent} ended it: {result}",
        JournalEvent::Parked => "{agent} put it aside until {until}",
        JournalEvent::Resumed => "{agent} goes on with it",
        JournalEvent::ParkingOver => "put aside long enough by {agent}: in the queue again",
        JournalEvent::Requeued => "{agent} put it back into the queue[: {note}]",
        JournalEvent::Transferred => "handed on[ to {service}][, first to {agent}]: {state}",
        JournalEvent::TransferFailed => "cannot go to {service} ({code}): it stays",
        JournalEvent::AgentLost => "{agent} is lost: in the queue again",
        JournalEvent::TakenFromAgent => "taken from {agent}[: {reason}]: in the queue again",
        JournalEvent::Reassigned => "first for {agents}",
        JournalEvent::Reprioritised => "priority {priority}",
        JournalEvent::Edited => "contact data set[ by {agent}]: {keys}",
        JournalEvent::Reopened => "opened again[ ({reason})]: {state}",
        JournalEvent::StageEntered => "stage {stage} of {stages}: {name}",
        JournalEvent::WorkflowWaits => "waits until {until}[: {because}]",
        JournalEvent::QueuedByWorkflow => "goes to the entrance[, first for {agent}]: {state}",
        JournalEvent::MaximumWaitOver => "has waited for its longest time",
        JournalEvent::TakenByWorkflow => "taken out of the queue: in the workflow",
        JournalEvent::ForcedIn => "let in past the closed entrance: in the queue",
        JournalEvent::SkillsRelaxed => "no longer asks for {skills}",
        JournalEvent::TransferredByWorkflow => "goes from {from} to {service}: {state}",
        JournalEvent::ConditionFailed => "a condition counts as false: {when} ({why})",
        JournalEvent::ActionFailed => "{action} is left out ({why})",
        JournalEvent::AlertShown => "[{followUp} ]for {to}: \"{text}\"",
        JournalEvent::AlertSuppressed => "not chargeable, so no alert for {to}: \"{text}\"",
        JournalEvent::AlertAcknowledged => "{followUp} is acknowledged",
        JournalEvent::ButtonShown => "{followUp} for {to}: {name}",
        JournalEvent::ButtonPushed => "{followUp} is pushed: {name}",
        JournalEvent::SenderTold => "the sender is told: {name}",
        JournalEvent::FollowUpStarted => "starts {item}, led by workflow {workflow}",
        JournalEvent::FollowUpRefused => "cannot start workflow {workflow} ({why})",
        JournalEvent::WorkflowStopped => "the workflow is stopped ({why})",
        JournalEvent::WorkflowFinished => "the workflow is over[, and the item with it: {outcome}]",
        JournalEvent::CancelledByWorkflow => "ended by the workflow[: {reason}]",
    }
}

/// A template with its data.
fn fill(template: &str, data: &[(String, String)]) -> String {
    let mut filled = String::new();
    for (index, part) in template.split('[').enumerate() {
        let (optional, rest) = match part.split_once(']') {
            Some((optional, rest)) if index > 0 => (optional, rest),
            Some(_) | None => ("", part),
        };
        filled.extend(put_in(optional, data));
        filled.push_str(&put_in(rest, data).unwrap_or_else(|| rest.to_owned()));
    }
    filled
}

/// A text with its data. `None`: one of them is missing.
fn put_in(text: &str, data: &[(String, String)]) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        let (_, value) = data.iter().find(|(known, _)| known == name)?;
        filled.push_str(before);
        filled.push_str(value);
        rest = behind;
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_is_missing_is_left_out_with_its_words() {
        let text = template(JournalEvent::WorkflowWaits);
        let both = data(&[("until", "09:00:30"), ("because", "credit check")]);
        assert_eq!(fill(text, &both), "waits until 09:00:30: credit check");
        assert_eq!(fill(text, &both[..1]), "waits until 09:00:30");
        let text = template(JournalEvent::Transferred);
        let to = data(&[("service", "office"), ("state", "in the queue")]);
        assert_eq!(fill(text, &to), "handed on to office: in the queue");
    }

    #[test]
    fn every_event_reads_as_a_sentence_with_its_brackets_closed() {
        for event in JournalEvent::ALL {
            let text = template(event);
            assert!(!text.is_empty(), "{event:?}");
            for (opened, closed) in [('[', ']'), ('{', '}')] {
                let count = |wanted| text.matches(wanted).count();
                assert_eq!(count(opened), count(closed), "{event:?}");
            }
        }
    }
}
