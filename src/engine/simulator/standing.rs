//! Where items stand in their workflows: rows, timers, follow-ups, journals and versions agree.

use std::collections::BTreeSet;

use crate::domain::flow::{Flow, Rest};
use crate::domain::follow_up::{FollowUp, FollowUpKind};
use crate::domain::ids::Sequence;
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::{JournalEntry, JournalEvent};
use crate::domain::time::Timestamp;
use crate::domain::workflow::{START_DEPTH_MAX, STARTS_MAX, STEPS_PER_DAY_MAX};
use crate::store::Store;

use super::Life;

impl Life {
    pub(super) fn check_flows(&mut self, rows: &[Item]) {
        self.check_flow_timers(rows);
        let mut own = 0;
        for row in rows {
            let of_workflows = self.world.engine.directory.follow_ups_of(row.tenant);
            own += usize::from(of_workflows.is_some_and(|sender| sender.id == row.sender));
            if self.flows.seen.get(&row.sequence) != Some(&row.version) {
                self.check_flow_of(row);
                self.flows.seen.insert(row.sequence, row.version);
            }
        }
        self.check_opened(rows, own);
    }

    /// Every time at which a workflow has something to do is set, and no other.
    fn check_flow_timers(&self, rows: &[Item]) {
        let due = rows
            .iter()
            .filter_map(|row| Some((row.flow_due()?, row.sequence)));
        let due: BTreeSet<(Timestamp, Sequence)> = due.collect();
        let set = self.world.engine.core.flow_timers();
        let set: BTreeSet<(Timestamp, Sequence)> = set.into_iter().collect();
        assert_eq!(set, due, "the times of workflows");
        let late = due.first().filter(|(at, _)| *at <= self.world.now);
        assert_eq!(late, None, "at rest nothing is due");
    }

    fn check_flow_of(&mut self, row: &Item) {
        let mut store = self.world.engine.store().crash();
        let open = store.open_follow_ups(row.sequence).expect("memory");
        for follow_up in &open {
            if !self.flows.shown.contains(&follow_up.id) {
                self.flows.shown.push(follow_up.id);
            }
        }
        let lines: Vec<&JournalEntry> = store.journal(row.sequence).collect();
        self.check_lines(row, &lines);
        let Some(flow) = row.flow.as_deref() else {
            assert_eq!(buttons(&open), Vec::<&str>::new(), "{row:?}");
            assert_ne!(row.state, ItemState::InWorkflow, "{row:?}");
            return;
        };
        check_rest(row, flow);
        let mut shown: Vec<&str> = flow.buttons.iter().map(String::as_str).collect();
        shown.sort_unstable();
        assert_eq!(buttons(&open), shown, "{row:?}");
        let alerts = open.len() - buttons(&open).len();
        assert_eq!(flow.open_alerts as usize, alerts, "{row:?}");
        check_stage(row, flow, &lines);
        let mut store = self.world.engine.store().crash();
        let version = store.workflow(flow.workflow).expect("memory");
        assert!(version.is_some(), "the version of {row:?} is gone");
        if let Rest::Stopped(why) = flow.rest {
            self.met.insert(why.name());
        }
    }

    /// No line of a journal opens an item that another has opened.
    fn check_lines(&mut self, row: &Item, lines: &[&JournalEntry]) {
        let seen = self.flows.seen.get(&row.sequence).copied();
        for line in lines {
            match line.event {
                JournalEvent::FollowUpStarted => {
                    let item = datum(line, "item").expect("it names its item");
                    let before = self.flows.named.insert(item.to_owned(), row.sequence);
                    let again = before.is_some_and(|before| before != row.sequence);
                    assert!(!again, "{item} was opened twice");
                    self.met.insert("opened by a workflow");
                }
                JournalEvent::ConditionFailed => {
                    self.met.insert("a condition failed");
                }
                _ => {}
            }
        }
        let named = self.flows.named.values().filter(|it| **it == row.sequence);
        let started = lines
            .iter()
            .filter(|it| it.event == JournalEvent::FollowUpStarted);
        assert_eq!(named.count(), started.count(), "{row:?}, seen {seen:?}");
    }

    /// Whatever a workflow leads by itself was opened by somebody or by the workflow of another.
    fn check_opened(&self, rows: &[Item], own: usize) {
        let ids: BTreeSet<String> = rows.iter().map(|row| row.id.to_string()).collect();
        let opened: BTreeSet<String> = self.flows.opened().map(|id| id.to_string()).collect();
        let named = self.flows.named.keys();
        for id in named.clone().chain(&opened) {
            assert!(ids.contains(id), "{id} was opened and is not there");
        }
        let known = named.filter(|id| !opened.contains(*id)).count() + opened.len();
        assert!(known <= own, "{known} of {own} were opened");
        assert!(
            own <= known + self.flows.unsure,
            "{known} of {own} were opened"
        );
    }
}

/// Names of the open buttons, in order.
fn buttons(open: &[FollowUp]) -> Vec<&str> {
    let names = open.iter().filter_map(|it| match &it.kind {
        FollowUpKind::Button { name, .. } => Some(name.as_str()),
        FollowUpKind::Alert { .. } => None,
    });
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
}

/// What is outstanding fits where the item stands.
fn check_rest(row: &Item, flow: &Flow) {
    let scheduled = row.state == ItemState::Scheduled;
    assert_eq!(flow.rest == Rest::Beginning, scheduled, "{row:?}");
    if let Rest::Queued {
        since, waited_ms, ..
    } = flow.rest
    {
        let stands = [ItemState::Buffered, ItemState::Queued, ItemState::Connected];
        let stands = stands.contains(&row.state) || row.state == ItemState::Parked;
        assert!(stands, "{row:?}");
        let counts = row.state == ItemState::Queued;
        assert_eq!(since.is_some(), counts, "{row:?}");
        assert!(waited_ms >= 0, "{row:?}");
    }
    assert!(flow.steps.taken <= STEPS_PER_DAY_MAX, "{row:?}");
    assert!(flow.started <= STARTS_MAX, "{row:?}");
    assert!(flow.depth <= START_DEPTH_MAX, "{row:?}");
}

/// The workflow stands in the stage that the journal names last, and has started what it names.
fn check_stage(row: &Item, flow: &Flow, lines: &[&JournalEntry]) {
    let entered = lines.iter().rev().find(|line| {
        let beside = ["button", "elapsed"];
        let event = datum(line, "event");
        line.event == JournalEvent::StageEntered && event.is_none_or(|it| !beside.contains(&it))
    });
    let stage = entered.and_then(|line| datum(line, "stage"));
    match flow.rest {
        Rest::Beginning => assert_eq!(stage, None, "{row:?}"),
        Rest::Waiting { .. } | Rest::Queued { .. } | Rest::Stopped(_) => {
            assert_eq!(stage, Some(flow.stage.to_string().as_str()), "{row:?}");
        }
    }
    let started = lines.iter().filter(|line| match line.event {
        JournalEvent::FollowUpStarted => true,
        JournalEvent::FollowUpRefused => datum(line, "why") != Some("tooMany"),
        _ => false,
    });
    assert_eq!(started.count(), usize::from(flow.started), "{row:?}");
}

fn datum<'a>(line: &'a JournalEntry, wanted: &str) -> Option<&'a str> {
    let found = line.data.iter().find(|(name, _)| *name == wanted);
    found.map(|(_, value)| value.as_str())
}
