//! Acknowledging alerts and pushing buttons.

use crate::domain::audience::FollowUpScope;
use crate::domain::code::Code;
use crate::domain::follow_up::{Closed, FollowUp, FollowUpKind};
use crate::domain::item::Item;
use crate::domain::journal::JournalEvent;
use crate::domain::permission::Action;
use crate::domain::refusal::{Problem, Refusal};
use crate::engine::Engine;
use crate::engine::agents::command::By;
use crate::engine::command::{Command, Pending, Reply};
use crate::engine::submit::Decision;
use crate::engine::turn::{Change, Turn};
use crate::store::{Store, StoreError};

use super::command::{FlowCommand, FlowPending, FollowUpVerb, HandleFollowUp, HandledFollowUp};

impl FollowUpVerb {
    fn audit_name(self) -> &'static str {
        match self {
            FollowUpVerb::Acknowledge => "followUp.acknowledge",
            FollowUpVerb::Push => "followUp.push",
        }
    }
}

/// A follow-up with the row of its item, or that its item is busy.
enum Found {
    Case(Box<(FollowUp, Item)>),
    Busy,
}

impl<S: Store> Engine<S> {
    pub(in crate::engine) fn carry_out_flow(
        &mut self,
        turn: &mut Turn,
        command: FlowCommand,
    ) -> Result<(), StoreError> {
        match command {
            FlowCommand::Handle(request, reply) => self.handle_follow_up(turn, request, reply),
            FlowCommand::Start(request, reply) => {
                let again =
                    |request, reply| Command::Flows(Box::new(FlowCommand::Start(request, reply)));
                let pending = |reply, result| Pending::Flows(FlowPending::Started(reply, result));
                match self.start_follow_up(turn, &request) {
                    Ok(Some(result)) => turn.pending.push(pending(reply, result)),
                    Ok(None) => {
                        turn.defer(reply, |reply| again(request, reply), pending);
                    }
                    Err(error) => return turn.fail(error, reply, pending),
                }
                Ok(())
            }
        }
    }

    fn handle_follow_up(
        &mut self,
        turn: &mut Turn,
        request: HandleFollowUp,
        reply: Reply<HandledFollowUp>,
    ) -> Result<(), StoreError> {
        let pending = |reply, result| Pending::Flows(FlowPending::Handled(reply, result));
        let found = match self.find_follow_up(turn, &request) {
            Ok(found) => found,
            Err(error) => return turn.fail(error, reply, pending),
        };
        let result = match found {
            Err(refusal) => Err(refusal),
            Ok(Found::Busy) => {
                let again = |reply| Command::Flows(Box::new(FlowCommand::Handle(request, reply)));
                turn.defer(reply, again, pending);
                return Ok(());
            }
            Ok(Found::Case(case)) => {
                let (follow_up, item) = *case;
                self.decide_follow_up(turn, &request, follow_up, &item)
            }
        };
        turn.pending.push(pending(reply, result));
        Ok(())
    }

    /// The follow-up, if one may handle it. What one may not even see is unknown.
    fn find_follow_up(&mut self, turn: &Turn, request: &HandleFollowUp) -> Decision<Found> {
        let user = match self.asking(&request.by) {
            Ok(user) => user,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let stored = match turn.follow_up(request.id) {
            Some(written) => Some(written.clone()),
            None => self.store.follow_up(request.id)?,
        };
        let may = |action: Action, follow_up: &FollowUp| match &user {
            Some(account) => FollowUpScope::of(&account.user, action).holds(follow_up),
            None => true,
        };
        let Some(follow_up) = stored.filter(|it| may(Action::SeeFollowUp, it)) else {
            return Ok(Err(unknown_follow_up()));
        };
        if !may(Action::HandleFollowUp, &follow_up) {
            let message = "You may see follow-ups, not handle them.";
            return Ok(Err(Refusal::new(Code::NotAuthorised, message)));
        }
        if turn.row(follow_up.sequence).is_some() {
            return Ok(Ok(Found::Busy));
        }
        let Some(item) = self.store.items(&[follow_up.sequence])?.pop() else {
            let message = format!("follow-up {} has no item", follow_up.id);
            return Err(StoreError::Conflict(message));
        };
        if turn.has_touched(&item) {
            return Ok(Ok(Found::Busy));
        }
        Ok(Ok(Found::Case(Box::new((follow_up, item)))))
    }

    fn decide_follow_up(
        &mut self,
        turn: &mut Turn,
        request: &HandleFollowUp,
        follow_up: FollowUp,
        item: &Item,
    ) -> Result<HandledFollowUp, Refusal> {
        let (event, name) = match (&follow_up.kind, request.verb) {
            (FollowUpKind::Alert { .. }, FollowUpVerb::Acknowledge) => {
                (JournalEvent::AlertAcknowledged, None)
            }
            (FollowUpKind::Button { name, .. }, FollowUpVerb::Push) => {
                (JournalEvent::ButtonPushed, Some(("name", name.clone())))
            }
            (FollowUpKind::Alert { .. }, FollowUpVerb::Push) => {
                return Err(wrong(item, "This is an alert: acknowledge it."));
            }
            (FollowUpKind::Button { .. }, FollowUpVerb::Acknowledge) => {
                return Err(wrong(item, "This is a button: push it."));
            }
        };
        match &follow_up.closed {
            Some(closed) if closed.by.is_some() => {
                return Ok(HandledFollowUp {
                    follow_up,
                    item: item.id,
                    repeated: true,
                });
            }
            Some(_) => {
                let message = "The workflow has left the stage of this button: it does nothing any \
                               longer.";
                return Err(wrong(item, message));
            }
            None => {}
        }
        let By { actor, .. } = &request.by;
        let by = Some(actor.clone());
        let closed = Some(Closed { at: turn.now, by });
        let follow_up = FollowUp {
            closed,
            ..follow_up
        };
        let mut change = Change::of(item.clone(), event, actor.clone());
        change.data.push(("followUp", follow_up.id.to_string()));
        change.data.extend(name);
        let row = self.put_change(turn, item, change);
        self.put_follow_up(turn, follow_up.clone(), &row);
        let about = (item.tenant, item.id.to_string());
        let audit = request
            .by
            .audited(turn.now, request.verb.audit_name(), about);
        turn.batch.audit.push(audit);
        Ok(HandledFollowUp {
            follow_up,
            item: item.id,
            repeated: false,
        })
    }
}

fn wrong(item: &Item, message: &str) -> Refusal {
    let mut problem = Problem::new(Code::WrongState, message);
    problem.state = Some(item.state);
    problem.into()
}

fn unknown_follow_up() -> Refusal {
    Refusal::new(Code::UnknownItem, "There is no such follow-up.")
}
