//! What supervisors do with the items of their services: abort, reprioritise, reassign, release,
//! reopen.

use std::sync::Arc;

use crate::domain::ids::Priority;
use crate::domain::item::{Ending, Item, ItemEvent, ItemState, transition};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::outcome::Outcome;
use crate::domain::people::{User, UserName};
use crate::domain::permission::{Action, Target, may};
use crate::domain::refusal::Refusal;
use crate::domain::session::{AgentResult, ServiceResult};
use crate::domain::wish::Wish;
use crate::engine::Engine;
use crate::engine::end::wrong_state;
use crate::engine::submit::Decision;
use crate::engine::turn::{Change, Turn};
use crate::store::{Store, StoreError};

use super::act::{Case, in_state, invalid, wrong_verb};
use super::command::{Acted, REASON_CHARS_MAX};

/// Milliseconds after its end in which an item can be opened again.
const REOPEN_WITHIN_MS: i64 = 7 * 24 * 3_600_000;

/// How somebody other than its agent ends an item.
pub(in crate::engine) struct End {
    pub event: ItemEvent,
    pub journal: JournalEvent,
    pub outcome: Outcome,
    pub actor: Actor,
    pub reason: Option<String>,
}

impl<S: Store> Engine<S> {
    pub(super) fn may_direct(&self, user: &User, item: &Item) -> bool {
        let here = Target::Service(item.tenant, item.service);
        may(user, Action::DirectItem, here)
    }

    /// Ends an item by the word of its sender or a supervisor, wherever it stands: an agent who has
    /// it is told and keeps only its wrap-up. `None`: its state does not allow it.
    pub(in crate::engine) fn end_item(
        &mut self,
        turn: &mut Turn,
        item: &Item,
        end: End,
    ) -> Result<Option<Item>, StoreError> {
        let Ok(state) = transition(item.state, end.event) else {
            return Ok(None);
        };
        let mut row = Item {
            state,
            ended: Some(Ending::of(turn.now, end.outcome)),
            ..item.clone()
        };
        let agent = self.take_out_of_hands(turn, &mut row, AgentResult::Cancelled)?;
        Self::leave_service(turn, item, ServiceResult::Ended(end.outcome));
        let mut change = Change::of(row, end.journal, end.actor);
        let reason = end.reason.map(|reason| ("reason", reason));
        change.data.extend(reason);
        let row = self.put_change(turn, item, change);
        if let Some(agent) = agent {
            self.wrap_up_by_task_type(turn, item, agent)?;
        }
        Ok(Some(row))
    }

    pub(super) fn abort(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        reason: Option<String>,
    ) -> Decision<Acted> {
        let item = &case.item;
        let outcome = Outcome::CancelledBySupervisor;
        if item.ended.as_ref().is_some_and(|it| it.outcome == outcome) {
            return Ok(Ok(case.acted(item, None)));
        }
        if let Err(refusal) = check_reason(reason.as_deref()) {
            return Ok(Err(refusal));
        }
        let end = End {
            event: ItemEvent::Aborted,
            journal: JournalEvent::CancelledBySupervisor,
            outcome,
            actor: case.by.actor.clone(),
            reason,
        };
        Ok(match self.end_item(turn, item, end)? {
            Some(row) => Ok(case.acted(&row, None)),
            None => Err(wrong_state(item, "ended again")),
        })
    }

    pub(super) fn reprioritise(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        priority: Priority,
        reason: Option<String>,
    ) -> Result<Acted, Refusal> {
        let item = &case.item;
        check_reason(reason.as_deref())?;
        if item.state == ItemState::Ended {
            return Err(in_state(item, "its priority means nothing any longer"));
        }
        if item.priority == priority {
            return Ok(case.acted(item, None));
        }
        let row = Item {
            priority,
            ..item.clone()
        };
        let mut change = Change::of(row, JournalEvent::Reprioritised, case.by.actor.clone());
        let value = priority.value().to_string();
        change.data.push(("priority", value));
        change.data.extend(reason.map(|reason| ("reason", reason)));
        let row = self.put_change(turn, item, change);
        Ok(case.acted(&row, None))
    }

    pub(super) fn reassign(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        (agent, required): (UserName, bool),
        reason: Option<String>,
    ) -> Decision<Acted> {
        let item = &case.item;
        let checked = check_reason(reason.as_deref())
            .and_then(|()| self.agent_of(item, item.service, agent.as_str()));
        if let Err(refusal) = checked {
            return Ok(Err(refusal));
        }
        let state = match item.state {
            ItemState::Ended => return Ok(Err(in_state(item, "nobody gets it any more"))),
            ItemState::Connected | ItemState::Parked => {
                match transition(item.state, ItemEvent::TakenFromAgent) {
                    Ok(state) => state,
                    Err(wrong) => return Ok(Err(wrong_verb(item, &wrong))),
                }
            }
            ItemState::Scheduled
            | ItemState::InWorkflow
            | ItemState::Buffered
            | ItemState::Queued
            | ItemState::Offered => item.state,
        };
        let wish = Wish::first_to(item.wish.as_deref(), agent.as_str(), required, turn.now);
        let mut row = Item {
            state,
            wish: Some(Arc::new(wish)),
            ..item.clone()
        };
        let had = self.take_out_of_hands(turn, &mut row, AgentResult::Requeued)?;
        let mut change = Change::of(row, JournalEvent::Reassigned, case.by.actor.clone());
        change.data.push(("agents", agent.to_string()));
        change.data.extend(reason.map(|reason| ("reason", reason)));
        let row = self.put_change(turn, item, change);
        if let Some(had) = had {
            self.wrap_up_by_task_type(turn, item, had)?;
        }
        Ok(Ok(case.acted(&row, None)))
    }

    pub(super) fn release_from_agent(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        reason: Option<String>,
    ) -> Decision<Acted> {
        let item = &case.item;
        if let Err(refusal) = check_reason(reason.as_deref()) {
            return Ok(Err(refusal));
        }
        let state = match transition(item.state, ItemEvent::TakenFromAgent) {
            Ok(state) => state,
            Err(wrong) => return Ok(Err(wrong_verb(item, &wrong))),
        };
        let mut row = Item {
            state,
            ..item.clone()
        };
        let Some(agent) = self.take_out_of_hands(turn, &mut row, AgentResult::Requeued)? else {
            return Ok(Err(in_state(item, "nobody has it")));
        };
        let actor = case.by.actor.clone();
        let mut change = Change::of(row, JournalEvent::TakenFromAgent, actor);
        change.data.push(("agent", self.user_name(agent)));
        change.data.extend(reason.map(|reason| ("reason", reason)));
        self.asked = Some(agent);
        let row = self.put_change(turn, item, change);
        self.wrap_up_by_task_type(turn, item, agent)?;
        Ok(Ok(case.acted(&row, None)))
    }

    pub(super) fn reopen(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        reason: Option<String>,
    ) -> Result<Acted, Refusal> {
        let item = &case.item;
        check_reason(reason.as_deref())?;
        let placement = self.core.placement(item.service);
        let state = transition(item.state, ItemEvent::Reopened(placement))
            .map_err(|wrong| wrong_verb(item, &wrong))?;
        let ended_at = item.ended.as_ref().map(|ending| ending.at);
        if ended_at.is_some_and(|at| turn.now.since_ms(at) > REOPEN_WITHIN_MS) {
            return Err(in_state(item, "it ended more than 7 days ago"));
        }
        let service = self.core.service(item.service);
        let Some(service) = service.filter(|service| service.policy.is_some()) else {
            return Err(in_state(
                item,
                "its service is no longer in the configuration",
            ));
        };
        self.room_in(service, placement, false)?;
        let mut row = Item {
            state,
            ended: None,
            // It would expire again at once.
            expires_at: None,
            entered_at: Some(turn.now),
            ..item.clone()
        };
        if state == ItemState::Queued {
            row.queued_at = row.queued_at.or(Some(turn.now));
        }
        let mut change = Change::of(row, JournalEvent::Reopened, case.by.actor.clone());
        change.data.push(("state", state.name().to_owned()));
        change.data.extend(reason.map(|reason| ("reason", reason)));
        let row = self.put_change(turn, item, change);
        Ok(case.acted(&row, None))
    }
}

fn check_reason(reason: Option<&str>) -> Result<(), Refusal> {
    if reason.is_some_and(|reason| reason.chars().count() > REASON_CHARS_MAX) {
        let message = format!("A reason has at most {REASON_CHARS_MAX} characters.");
        return Err(invalid(message));
    }
    Ok(())
}
