//! Ending items by their sender's word.

use crate::domain::answer::Status;
use crate::domain::code::Code;
use crate::domain::item::{Item, ItemEvent, ItemState};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::outcome::Outcome;
use crate::domain::refusal::{Problem, Refusal};
use crate::store::{Store, StoreError};

use super::Engine;
use super::agents::direct::End;
use super::command::{CancelItem, Command, Pending, Reply};
use super::find::{Found, unknown_item};
use super::submit::{Decision, unknown_sender};
use super::turn::Turn;

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

    /// Ends an item by its sender's word. Ended that way before: its status again.
    fn end(&mut self, turn: &mut Turn, item: Item, end: End) -> Decision<Status> {
        let content = self.content_of(&item)?;
        let before = item.ended.as_ref().map(|ending| ending.outcome);
        let repeated = before == Some(end.outcome);
        let row = match self.end_item(turn, &item, end)? {
            Some(row) => row,
            None if repeated => item,
            None => return Ok(Err(wrong_state(&item, "ended again"))),
        };
        let service = self.service_name(row.service);
        let now = self.whereabouts(&row);
        Ok(Ok(Status::of(&row, content.reference, service, &now)))
    }
}

/// The refusal of something that the item's state does not allow.
pub(super) fn wrong_state(item: &Item, what: &str) -> Refusal {
    let ending = item
        .ended
        .as_ref()
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
