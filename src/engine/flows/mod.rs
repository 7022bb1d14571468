//! Workflows at work: `command` says what people can ask; `case` is the world as one item's workflow
//! sees it; here it is let go on, and what it wants is written.
//!
//! A change of an item that has a workflow is heard by it in the same turn
//! ([`Engine::advance_workflows`]): one row, one version, one transaction.

pub mod command;

mod answers;
mod begin;
mod case;
mod handle;
mod start;
mod wants;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tracing::warn;

use crate::domain::content::Content;
use crate::domain::flow::{Rest, Stop};
use crate::domain::follow_up::{Closed, FollowUp, FollowUpKind};
use crate::domain::ids::Sequence;
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::JournalEvent;
use crate::domain::policy::Policy;
use crate::domain::session::AgentResult;
use crate::domain::time::Timestamp;
use crate::domain::workflow::{Action, Workflow, WorkflowDigest};
use crate::store::{Batch, Store, StoreError, WorkflowSource};
use crate::workflow::load_begun;
use crate::workflow::run::{Case, Effect, Happening, advance, stop};

use super::Engine;
use super::live::LiveEvent;
use super::turn::{Change, Heard, Turn};
use case::{Became, FlowCase, Surroundings};

/// The versions of workflows that items stand in.
#[derive(Debug, Default)]
pub(super) struct Versions {
    read: HashMap<WorkflowDigest, Arc<Workflow>>,
    stored: HashSet<WorkflowDigest>,
}

impl Versions {
    /// A version that the configuration has.
    pub(super) fn know(&mut self, workflow: &Arc<Workflow>) {
        self.read.insert(workflow.digest, workflow.clone());
    }

    /// Those of a configuration.
    pub(super) fn know_all(&mut self, policy: &Policy) {
        let tenants = policy.tenants.values();
        tenants
            .flat_map(|tenant| tenant.workflows.values())
            .for_each(|workflow| self.know(workflow));
    }

    /// After a commit: what it wrote is on disk.
    pub(super) fn committed(&mut self, batch: &Batch) {
        let written = batch.workflows.iter().map(|version| version.digest);
        self.stored.extend(written);
    }
}

/// What an item's workflow hears of a change; see [`JournalEvent`].
pub(super) fn happening_of(change: &Change) -> Happening {
    let datum = |wanted: &str| {
        let found = change.data.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    match change.event {
        JournalEvent::StartReached => Happening::Began,
        JournalEvent::Updated => Happening::Updated,
        JournalEvent::Accepted => Happening::Accepted,
        JournalEvent::Declined => Happening::Declined,
        JournalEvent::AgentLost => Happening::AgentLost,
        JournalEvent::Expired => Happening::Expired,
        JournalEvent::EndedByUser => Happening::Ended {
            result: datum("result"),
        },
        JournalEvent::CancelledByExternalSystem | JournalEvent::CancelledBySupervisor => {
            Happening::Cancelled
        }
        JournalEvent::ButtonPushed => Happening::Pushed {
            button: datum("name"),
        },
        JournalEvent::AlertAcknowledged => Happening::Acknowledged,
        JournalEvent::Received
        | JournalEvent::Released
        | JournalEvent::NoAnswer
        | JournalEvent::Rescinded
        | JournalEvent::Parked
        | JournalEvent::Resumed
        | JournalEvent::ParkingOver
        | JournalEvent::Requeued
        | JournalEvent::Transferred
        | JournalEvent::TransferFailed
        | JournalEvent::TakenFromAgent
        | JournalEvent::Reassigned
        | JournalEvent::Reprioritised
        | JournalEvent::Edited
        | JournalEvent::Reopened
        | JournalEvent::StageEntered
        | JournalEvent::WorkflowWaits
        | JournalEvent::QueuedByWorkflow
        | JournalEvent::MaximumWaitOver
        | JournalEvent::TakenByWorkflow
        | JournalEvent::ForcedIn
        | JournalEvent::SkillsRelaxed
        | JournalEvent::TransferredByWorkflow
        | JournalEvent::ConditionFailed
        | JournalEvent::ActionFailed
        | JournalEvent::AlertShown
        | JournalEvent::AlertSuppressed
        | JournalEvent::ButtonShown
        | JournalEvent::SenderTold
        | JournalEvent::FollowUpStarted
        | JournalEvent::FollowUpRefused
        | JournalEvent::WorkflowStopped
        | JournalEvent::WorkflowFinished
        | JournalEvent::CancelledByWorkflow => Happening::Moved,
    }
}

impl<S: Store> Engine<S> {
    /// Lets the workflows of all items that this turn has changed, or whose time has come, hear of it
    /// and go on.
    pub(super) fn advance_workflows(&mut self, turn: &mut Turn) -> Result<(), StoreError> {
        #[cfg(test)]
        self.hear_late_if_planted(turn);
        while let Some(heard) = turn.heard.pop_front() {
            self.advance_one(turn, heard)?;
        }
        Ok(())
    }

    fn advance_one(&mut self, turn: &mut Turn, heard: Heard) -> Result<(), StoreError> {
        let Heard {
            sequence,
            happening,
            row,
        } = heard;
        let row = match turn.row(sequence) {
            Some(row) => Some(row.clone()),
            None => row,
        };
        let Some((item, flow)) = row.and_then(|item| item.flow.clone().map(|flow| (item, flow)))
        else {
            return Ok(());
        };
        let version = self.version(flow.workflow)?;
        let content = match &version {
            Some(workflow) if needs_content(workflow) => self.content_in(turn, sequence)?,
            Some(_) | None => Content::default(),
        };
        let of = (content, version.as_deref());
        let became = self.go_on(&item, of, happening, turn.now);
        self.write_flow(turn, &item, became)
    }

    /// The values of an item as of now.
    pub(super) fn content_in(
        &mut self,
        turn: &Turn,
        sequence: Sequence,
    ) -> Result<Content, StoreError> {
        if let Some(content) = turn.content(sequence) {
            return Ok(content.clone());
        }
        let content = self.store.content(sequence)?;
        let missing = || StoreError::Conflict(format!("item {} has no content", sequence.0));
        content.ok_or_else(missing)
    }

    /// What becomes of an item as its workflow hears what happened. Writes nothing.
    fn go_on(
        &mut self,
        item: &Item,
        (content, workflow): (Content, Option<&Workflow>),
        happening: Happening,
        now: Timestamp,
    ) -> Became {
        let flow = item
            .flow
            .as_deref()
            .expect("only an item with a workflow goes on");
        let around = Surroundings {
            core: &self.core,
            directory: &self.directory,
            ids: &mut self.ids,
            tenant: self.directory.tenant(item.tenant).map(|tenant| &**tenant),
            now,
        };
        let names = (flow.name.as_str(), flow.stages);
        let mut case = FlowCase::new(around, names, item.clone(), content);
        let next = match workflow {
            Some(workflow) => advance(workflow, flow, happening, &mut case, now),
            None => {
                let stopped = match flow.rest {
                    Rest::Stopped(_) => flow.clone(),
                    Rest::Beginning | Rest::Waiting { .. } | Rest::Queued { .. } => {
                        stop(flow, Stop::UnreadableVersion, &mut case)
                    }
                };
                // The end of its item ends it, as it does one that can be read.
                let over = item.state == ItemState::Ended;
                if over {
                    case.carry_out(Effect::Finish);
                }
                (!over).then_some(stopped)
            }
        };
        let mut became = case.became;
        let started = u8::try_from(became.starts.len()).unwrap_or(u8::MAX);
        debug_assert!(next.as_ref().is_none_or(|next| next.started >= started));
        became.item.flow = next.map(Arc::new);
        #[cfg(test)]
        self.count_on_if_planted(item, &mut became.item);
        became
    }

    /// Writes what has become of an item whose row was `before`.
    fn write_flow(
        &mut self,
        turn: &mut Turn,
        before: &Item,
        became: Became,
    ) -> Result<(), StoreError> {
        let sequence = before.sequence;
        if became.lines.is_empty() && became.item == *before {
            return Ok(());
        }
        turn.revise(became.item.clone());
        for (line, then) in became.lines {
            turn.amend(sequence, line, |row| {
                let (version, journal_rows) = (row.version, row.journal_rows);
                *row = Item {
                    version,
                    journal_rows,
                    ..then
                };
            });
        }
        turn.revise(became.item.clone());
        if became.content_changed {
            turn.set_content(sequence, became.content.clone());
        }
        let row = turn.row(sequence).cloned().unwrap_or(became.item);
        turn.led.insert(sequence);
        self.apply(before, &row, turn.now);
        self.tell_hands(turn, before, &row);
        for (left, result) in &became.left {
            Self::leave_service(turn, left, *result);
        }
        if let Some(holder) = became.taken_from {
            self.end_session(turn, sequence, holder, AgentResult::Cancelled)?;
            self.wrap_up_by_task_type(turn, before, holder.agent)?;
        }
        let withdraws = became.withdraws;
        #[cfg(test)]
        let withdraws = withdraws && !self.keeps_buttons();
        if withdraws {
            self.withdraw_buttons(turn, sequence)?;
        }
        for follow_up in became.shown {
            self.put_follow_up(turn, follow_up, &row);
        }
        let depth = before.flow.as_ref().map_or(0, |flow| flow.depth);
        for workflow in became.starts {
            self.start_by_workflow(turn, (&row, depth), &workflow)?;
        }
        Ok(())
    }

    /// An agent who has the item, or had it until now, sees it at once.
    fn tell_hands(&self, turn: &mut Turn, before: &Item, row: &Item) {
        if let Some(holder) = row.holder.or(before.holder) {
            turn.live.push(LiveEvent::Item {
                sequence: row.sequence,
                id: row.id,
                service: row.service,
                agent: holder.agent,
                state: row.state,
                version: row.version,
                event: JournalEvent::StageEntered,
            });
        }
    }

    /// The buttons that an item's workflow showed go away.
    fn withdraw_buttons(&mut self, turn: &mut Turn, sequence: Sequence) -> Result<(), StoreError> {
        let stored = self.store.open_follow_ups(sequence)?;
        let shown_now = turn.batch.follow_ups.iter();
        let shown_now = shown_now.filter(|it| it.sequence == sequence && it.closed.is_none());
        let shown_now: Vec<FollowUp> = shown_now.cloned().collect();
        let stored = stored
            .into_iter()
            .filter(|it| turn.follow_up(it.id).is_none());
        let open: Vec<FollowUp> = stored.chain(shown_now).collect();
        for button in open {
            match button.kind {
                FollowUpKind::Button { .. } => {}
                FollowUpKind::Alert { .. } => continue,
            }
            let (at, by) = (turn.now, None);
            let closed = Some(Closed { at, by });
            let row = turn.row(sequence).cloned();
            let button = FollowUp { closed, ..button };
            match row {
                Some(row) => self.put_follow_up(turn, button, &row),
                None => turn.put_follow_up(button),
            }
        }
        Ok(())
    }

    /// Writes an alert or a button as it is now; people see it at once.
    fn put_follow_up(&self, turn: &mut Turn, follow_up: FollowUp, row: &Item) {
        turn.live.push(LiveEvent::FollowUp {
            follow_up: follow_up.clone(),
            item: row.id,
        });
        turn.put_follow_up(follow_up);
    }

    /// The version of a workflow that an item began with. `None`: this program cannot read it.
    fn version(&mut self, digest: WorkflowDigest) -> Result<Option<Arc<Workflow>>, StoreError> {
        if let Some(workflow) = self.versions.read.get(&digest) {
            return Ok(Some(workflow.clone()));
        }
        let Some(WorkflowSource { name, source, .. }) = self.store.workflow(digest)? else {
            warn!(%digest, "the version of a workflow is missing");
            return Ok(None);
        };
        match load_begun(&source) {
            Ok(workflow) => {
                let workflow = Arc::new(workflow);
                self.versions.know(&workflow);
                Ok(Some(workflow))
            }
            Err(faults) => {
                let fault = faults.first().map(|fault| fault.message.as_str());
                warn!(workflow = name, %digest, fault, "the version of a workflow cannot be read");
                Ok(None)
            }
        }
    }

    /// Makes sure that the version is on disk with the item that begins with it.
    fn keep_version(&mut self, turn: &mut Turn, workflow: &Arc<Workflow>) {
        let digest = workflow.digest;
        let mut writing = turn.batch.workflows.iter();
        if self.versions.stored.contains(&digest) || writing.any(|it| it.digest == digest) {
            return;
        }
        self.versions.know(workflow);
        turn.batch.workflows.push(WorkflowSource {
            digest,
            name: workflow.name.clone(),
            source: workflow.source.clone(),
        });
    }
}

/// Whether a workflow looks at or changes the item's values, or goes back to whom the sender prefers:
/// they are read for that alone.
fn needs_content(workflow: &Workflow) -> bool {
    use crate::domain::facts::Fact;
    let mut conditions = workflow.conditions();
    let mut actions = workflow.stages.iter().flat_map(|stage| &stage.actions);
    conditions.any(|condition| condition.reads().contains(&Fact::Texts))
        || actions.any(|action| {
            matches!(
                action,
                Action::SetContactData { .. } | Action::QueueToAgent { .. }
            )
        })
}
