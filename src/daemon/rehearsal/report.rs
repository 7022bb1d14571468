//! What comes out of a rehearsal: what happened, and where everything stands at its end.

use std::fmt;

use crate::domain::flow::Rest;
use crate::domain::follow_up::FollowUp;
use crate::domain::item::Item;
use crate::domain::time::Timestamp;

use super::house::House;
use super::told::{Clock, place};

/// Milliseconds of the units of a time that has passed.
const UNITS: [(i64, &str); 4] = [
    (86_400_000, "d"),
    (3_600_000, "h"),
    (60_000, "m"),
    (1_000, "s"),
];

/// What a rehearsal shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name of the service.
    pub service: String,
    /// Name of the workflow.
    pub workflow: String,
    /// Zone of the clocks.
    pub zone: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What happened, in order.
    pub lines: Vec<Line>,
    /// Where the item and its follow-ups stand at the end.
    pub standings: Vec<Standing>,
    /// A step of the script was refused.
    pub refused: bool,
    ended: String,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// The day by the tenant's clock: `2026-11-20`.
    pub date: String,
    /// The time by the tenant's clock: `09:30:00`.
    pub time: String,
    /// Milliseconds since the rehearsal began.
    pub elapsed_ms: i64,
    /// Which follow-up; `None`: the item of the message, or a step of the script.
    pub item: Option<String>,
    /// Where its workflow stands.
    pub stage: Option<StageShown>,
    /// The word of the journal; `step`, `refused`, `rings`, `quiet` beside those.
    pub event: &'static str,
    /// What belongs to it; ids are short names.
    pub data: Vec<(String, String)>,
    /// In words.
    pub text: String,
}

/// A stage as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StageShown {
    /// From 1.
    pub number: u8,
    /// Of how many.
    pub of: u8,
    /// Its own name, else the word of its event.
    pub name: String,
}

/// Where an item stands at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which follow-up; `None`: the item of the message.
    pub item: Option<String>,
    /// The state's word.
    pub state: &'static str,
    /// The service it belongs to now.
    pub service: String,
    /// Its priority.
    pub priority: u8,
    /// The outcome's word, once it has ended.
    pub outcome: Option<&'static str>,
    /// What the agent chose.
    pub result: Option<String>,
    /// Who has it.
    pub agent: Option<String>,
    /// Where its workflow stands; `None`: it is over.
    pub stage: Option<StageShown>,
    /// What is outstanding there, in words.
    pub rest: Option<&'static str>,
    /// When the workflow is next due by itself.
    pub next_due: Option<Timestamp>,
    /// Alerts and buttons that are open.
    pub open: Vec<OpenFollowUp>,
    place: &'static str,
    due_text: Option<String>,
}

/// An alert or a button that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFollowUp {
    /// What it is called here.
    pub name: String,
    /// `alert` or `button`.
    pub kind: &'static str,
    /// The role or work group.
    pub to: String,
    /// What people read.
    pub text: String,
    /// The stage that shows it.
    pub stage: u8,
}

impl Report {
    /// Of what has happened in a house.
    pub(super) fn of(house: House, began_at: Timestamp) -> Report {
        let open = house.open_follow_ups().unwrap_or_default();
        let standings = house.rows().map(|row| Standing::of(&house, row, &open));
        let standings = standings.collect();
        let clock = &house.teller.clock;
        Report {
            service: house.service.clone(),
            workflow: house.workflow.clone(),
            zone: house.setting.tenant.time_zone.clone(),
            began_at,
            ended_at: house.now,
            ended: clock.beside(house.now, began_at),
            standings,
            refused: house.teller.refused,
            lines: house.teller.lines,
        }
    }
}

impl Standing {
    fn of(house: &House, row: &Item, open: &[FollowUp]) -> Standing {
        let teller = &house.teller;
        let view = house.view();
        let state = house.state(row);
        let agent = row.holder.and_then(|holder| view.agents.get(&holder.agent));
        let said = row.ended.as_ref().and_then(|ended| ended.said.as_ref());
        let service = view.services.get(&row.service);
        let open = open.iter().filter(|it| it.sequence == row.sequence);
        let next_due = row.flow_due();
        Standing {
            item: teller.item_name(row.id),
            state: state.name(),
            service: service.map_or_else(String::new, |service| service.name.to_string()),
            priority: row.priority.value(),
            outcome: row.ended.as_ref().map(|ended| ended.outcome.name()),
            result: said.map(|said| said.result.clone()),
            agent: agent.map(|agent| agent.name.to_string()),
            stage: teller.stage_of(row.sequence).cloned(),
            rest: row.flow.as_ref().map(|flow| rest_in_words(flow.rest)),
            next_due,
            open: open
                .map(|it| OpenFollowUp {
                    name: teller.name_of(it.id).unwrap_or_default(),
                    kind: it.kind.name(),
                    to: it.to.name().to_owned(),
                    text: it.kind.text().to_owned(),
                    stage: it.stage.0,
                })
                .collect(),
            place: place(state),
            due_text: next_due.map(|due| due_in_words(&teller.clock, due, house.now)),
        }
    }
}

fn due_in_words(clock: &Clock, due: Timestamp, now: Timestamp) -> String {
    let passes = passed(due.since_ms(now));
    format!("{} (in {passes})", clock.beside(due, now))
}

fn rest_in_words(rest: Rest) -> &'static str {
    match rest {
        Rest::Beginning => "is to begin",
        Rest::Waiting { .. } => "waits",
        Rest::Queued { .. } => "stands at a queue",
        Rest::Stopped(_) => "is stopped",
    }
}

/// A time that has passed, in its two largest units: `1h 30m`.
fn passed(ms: i64) -> String {
    let Some(first) = UNITS.iter().position(|(unit_ms, _)| ms >= *unit_ms) else {
        return "0s".to_owned();
    };
    let (unit_ms, unit) = UNITS[first];
    let whole = format!("{}{unit}", ms / unit_ms);
    match UNITS.get(first + 1) {
        Some((next_ms, next)) if ms % unit_ms / next_ms > 0 => {
            format!("{whole} {}{next}", ms % unit_ms / next_ms)
        }
        Some(_) | None => whole,
    }
}

impl fmt::Display for StageShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.number, self.of, self.name)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            workflow,
            service,
            zone,
            ..
        } = self;
        writeln!(
            f,
            "workflow {workflow}, service {service}, clocks of {zone}"
        )?;
        let stages = self.lines.iter().filter_map(|line| line.stage.as_ref());
        let width = stages.map(|stage| stage.to_string().chars().count()).max();
        let width = width.unwrap_or_default();
        let mut date = "";
        for line in &self.lines {
            if line.date != date {
                date = &line.date;
                writeln!(f, "\n{date}")?;
            }
            let elapsed = format!("+{}", passed(line.elapsed_ms));
            let stage = line.stage.as_ref().map(StageShown::to_string);
            let stage = stage.unwrap_or_default();
            let item = line.item.as_ref().map(|item| format!("{item}: "));
            let item = item.unwrap_or_default();
            let shown = format!(
                "{}  {elapsed:<8}  {stage:<width$}  {item}{}",
                line.time, line.text
            );
            writeln!(f, "{}", shown.trim_end())?;
        }
        let took = passed(self.ended_at.since_ms(self.began_at));
        writeln!(f, "\nat the end, {} (+{took}):", self.ended)?;
        self.standings.iter().try_for_each(|it| write!(f, "{it}"))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let item = self.item.as_deref().unwrap_or("the item");
        write!(f, "  {item}: {}", self.place)?;
        let (agent, result) = (self.agent.as_deref(), self.result.as_deref());
        agent.iter().try_for_each(|agent| write!(f, " ({agent})"))?;
        match self.outcome {
            Some(outcome) => write!(f, ", {outcome}")?,
            None => write!(f, ", service {}, priority {}", self.service, self.priority)?,
        }
        result
            .iter()
            .try_for_each(|it| write!(f, ", result {it}"))?;
        match (&self.stage, self.rest) {
            (Some(stage), Some(rest)) => {
                writeln!(f, "\n    workflow: {rest} in stage {stage}")?;
            }
            (None, Some(rest)) => writeln!(f, "\n    workflow: {rest}")?,
            (Some(_) | None, None) => writeln!(f, "\n    workflow: over")?,
        }
        for open in &self.open {
            let OpenFollowUp { name, to, text, .. } = open;
            writeln!(
                f,
                "    open: {name} for {to}: \"{text}\" (stage {})",
                open.stage
            )?;
        }
        let due = self.due_text.iter();
        due.into_iter()
            .try_for_each(|due| writeln!(f, "    next due: {due}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_has_passed_is_said_in_its_two_largest_units() {
        for (ms, text) in [
            (0, "0s"),
            (999, "0s"),
            (1_000, "1s"),
            (61_000, "1m 1s"),
            (3_600_000, "1h"),
            (5_400_000, "1h 30m"),
            (90_061_000, "1d 1h"),
        ] {
            assert_eq!(passed(ms), text, "{ms}");
        }
    }
}
