//! Ending items by somebody's word: the sender's cancel, a supervisor's abort.

use crate::domain::answer::Status;
use crate::domain::code::Code;
use crate::domain::item::{Ending, Item, ItemEvent, ItemState, transition};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::outcome::Outcome;
use crate::domain::refusal::{Problem, Refusal};
use crate::routing::core::Place;
use crate::store::{AuditEntry, Store, StoreError};

use super::Engine;
use super::command::{AbortItem, CancelItem, Command, Pending, Reply};
use super::find::{Found, unknown_item};
use super::submit::{Decision, unknown_sender};
use super::turn::{Change, Turn};

impl<S: Store> Engine<S> {
    pub(super) fn cancel(
        &mut self,
        turn: &mut Turn,
        request: Box<CancelItem>,
        reply: Reply<Status>,
    ) -> Result<(), StoreError> {
        let Some(sender) = self.directory.caller(&request.sender) else {
            turn.pending
                .push(Pending::Status(reply, Err(unknown_sender())));
            return Ok(());
        };
        let decision = match self.find(turn, sender, &request.cancel.address) {
            Err(error) => Err(error),
            Ok(Found::Busy) => {
                let again = |reply| Command::Cancel(request, reply);
                turn.defer(reply, again, Pending::Status);
                return Ok(());
            }
            Ok(Found::Nothing) => Ok(Err(unknown_item())),
            Ok(Found::Item(item)) => {
                let end = End {
                    event: ItemEvent::CancelledBySender,
                    journal: JournalEvent::CancelledByExternalSystem,
                    outcome: Outcome::CancelledByExternalSystem,
                    actor: Actor::Sender(sender.id),
                    reason: request.cancel.reason,
                };
                self.end(turn, *item, end)
            }
        };
        match decision {
            Ok(result) => turn.pending.push(Pending::Status(reply, result)),
            Err(error) => return turn.fail(error, reply, Pending::Status),
        }
        Ok(())
    }

    pub(super) fn abort(
        &mut self,
        turn: &mut Turn,
        request: Box<AbortItem>,
        reply: Reply<Status>,
    ) -> Result<(), StoreError> {
        if turn.is_new(request.id) {
            let again = |reply| Command::Abort(request, reply);
            turn.defer(reply, again, Pending::Status);
            return Ok(());
        }
        let decision = match self.store.find_id(request.id) {
            Err(error) => Err(error),
            Ok(None) => Ok(Err(unknown_item())),
            Ok(Some(item)) if turn.has_touched(&item) => {
                let again = |reply| Command::Abort(request, reply);
                turn.defer(reply, again, Pending::Status);
                return Ok(());
            }
            Ok(Some(item)) => {
                let audit = AuditEntry {
                    at: turn.now,
                    actor: request.actor.clone(),
                    verb: "item.abort",
                    tenant: Some(item.tenant),
                    object: item.id.to_string(),
                    data: Vec::new(),
                };
                let end = End {
                    event: ItemEvent::Aborted,
                    journal: JournalEvent::CancelledBySupervisor,
                    outcome: Outcome::CancelledBySupervisor,
                    actor: request.actor,
                    reason: request.reason,
                };
                turn.batch.audit.push(audit);
                self.end(turn, item, end)
            }
        };
        match decision {
            Ok(result) => turn.pending.push(Pending::Status(reply, result)),
            Err(error) => return turn.fail(error, reply, Pending::Status),
        }
        Ok(())
    }

    /// Ends an item by somebody's word. Ended that way before: its status again.
    fn end(&mut self, turn: &mut Turn, item: Item, end: End) -> Decision<Status> {
        let Some(content) = self.store.content(item.sequence)? else {
            return Err(StoreError::Conflict(format!(
                "item {} has no content",
                item.id
            )));
        };
        let repeated = item
            .ended
            .is_some_and(|ending| ending.outcome == end.outcome);
        let row = match transition(item.state, end.event) {
            Err(_) if repeated => item,
            Err(_) => return Ok(Err(wrong_state(&item, "ended again"))),
            Ok(state) => {
                let mut row = item.clone();
                row.state = state;
                row.ended = Some(Ending {
                    at: turn.now,
                    outcome: end.outcome,
                });
                let mut change = Change::of(row, end.journal, end.actor);
                change
                    .data
                    .extend(end.reason.map(|reason| ("reason", reason)));
                let row = turn.change(change);
                self.core
                    .apply(Some(&Place::from(&item)), &Place::from(&row), turn.now);
                row
            }
        };
        let entrance = self.entrance_of(&row);
        let service = self.service_name(row.service);
        Ok(Ok(Status::of(&row, content.reference, service, &entrance)))
    }
}

/// How somebody ends an item.
struct End {
    event: ItemEvent,
    journal: JournalEvent,
    outcome: Outcome,
    actor: Actor,
    reason: Option<String>,
}

/// The refusal of something that the item's state does not allow.
pub(super) fn wrong_state(item: &Item, what: &str) -> Refusal {
    let ending = item
        .ended
        .map(|ending| format!(" with outcome {}", ending.outcome.name()));
    let message = format!(
        "The item is {}{}: it cannot be {what}.",
        item.state.name(),
        ending.unwrap_or_default()
    );
    let mut problem = Problem::new(Code::WrongState, message);
    problem.state = Some(if item.ended.is_some() {
        ItemState::Ended
    } else {
        item.state
    });
    problem.into()
}
