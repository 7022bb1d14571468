//! Handing items on: back into the queue, to another service, to an agent.

use std::sync::Arc;

use crate::domain::code::Code;
use crate::domain::ids::{OfferId, ServiceId};
use crate::domain::item::{Item, ItemEvent, ItemState, Placement, transition};
use crate::domain::journal::JournalEvent;
use crate::domain::refusal::Refusal;
use crate::domain::session::{AgentResult, ServiceResult};
use crate::domain::wish::Wish;
use crate::engine::Engine;
use crate::engine::submit::Decision;
use crate::engine::turn::{Change, Turn};
use crate::routing::service::Service;
use crate::store::Store;

use super::act::{Case, Held, invalid, wrong_verb};
use super::command::{Acted, TransferTarget};
use super::gets_items;
use super::work::check_note;

/// A transfer that may be made.
struct Onward {
    service: ServiceId,
    wish: Option<Arc<Wish>>,
    placement: Placement,
}

impl<S: Store> Engine<S> {
    pub(super) fn requeue(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        session: Option<OfferId>,
        note: Option<String>,
    ) -> Decision<Acted> {
        let item = &case.item;
        let event = ItemEvent::Requeued;
        let (holder, state) = match (item.holder, case.holder(None)) {
            // A supervisor puts back what is in somebody else's hands.
            (Some(holder), None) if session.is_none() && self.directs(case) => {
                match transition(item.state, event) {
                    Ok(state) => (holder, state),
                    Err(wrong) => return Ok(Err(wrong_verb(item, &wrong))),
                }
            }
            _ => match self.held(case, session, event, AgentResult::Requeued)? {
                Ok(Held::Now(holder, state)) => (holder, state),
                Ok(Held::Before(session)) => return Ok(Ok(self.acted_before(case, session))),
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        if let Err(refusal) = check_note(note.as_deref()) {
            return Ok(Err(refusal));
        }
        let mut row = Item {
            state,
            ..item.clone()
        };
        self.take_out_of_hands(turn, &mut row, AgentResult::Requeued)?;
        #[cfg(test)]
        self.displace_if_planted(&mut row);
        let mut change = Change::of(row, JournalEvent::Requeued, case.by.actor.clone());
        change.data.push(("agent", self.user_name(holder.agent)));
        change.data.extend(note.map(|note| ("note", note)));
        self.asked = Some(holder.agent);
        let row = self.put_change(turn, item, change);
        self.wrap_up_by_task_type(turn, item, holder.agent)?;
        Ok(Ok(self.with_wrap_up(
            case.acted(&row, Some(holder.session)),
            holder.agent,
        )))
    }

    /// Whether whoever asks may direct the item, in whosever hands it is.
    fn directs(&self, case: &Case) -> bool {
        let user = case.user.as_ref().map(|account| &account.user);
        user.is_none_or(|user| self.may_direct(user, &case.item))
    }

    pub(super) fn transfer(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        session: Option<OfferId>,
        (to, note): (TransferTarget, Option<String>),
    ) -> Decision<Acted> {
        let item = &case.item;
        // Which placement does not matter for whether an item in this state may be handed on.
        let event = ItemEvent::TransferredTo(Placement::Queued);
        if session.is_some() || case.holder(None).is_some() || !self.directs(case) {
            match self.held(case, session, event, AgentResult::Transferred)? {
                Ok(Held::Now(..)) => {}
                Ok(Held::Before(session)) => return Ok(Ok(self.acted_before(case, session))),
                Err(refusal) => return Ok(Err(refusal)),
            }
        } else if let Err(wrong) = transition(item.state, event) {
            return Ok(Err(wrong_verb(item, &wrong)));
        }
        if let Err(refusal) = check_note(note.as_deref()) {
            return Ok(Err(refusal));
        }
        let onward = match self.onward(turn, item, &to) {
            Ok(onward) => onward,
            Err(refusal) if refusal.code() == Code::BufferFull => {
                self.note_failed_transfer(turn, case, &to, &refusal);
                return Ok(Err(refusal));
            }
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.hand_on(turn, case, onward, (to, note))
    }

    fn hand_on(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        onward: Onward,
        (to, note): (TransferTarget, Option<String>),
    ) -> Decision<Acted> {
        let item = &case.item;
        let state = match transition(item.state, ItemEvent::TransferredTo(onward.placement)) {
            Ok(state) => state,
            Err(wrong) => return Ok(Err(wrong_verb(item, &wrong))),
        };
        let mut row = Item {
            state,
            service: onward.service,
            entered_at: Some(turn.now),
            wish: onward.wish,
            ..item.clone()
        };
        if state == ItemState::Queued {
            row.queued_at = row.queued_at.or(Some(turn.now));
        }
        let held_in = item.holder.map(|holder| holder.session);
        let agent = self.take_out_of_hands(turn, &mut row, AgentResult::Transferred)?;
        Self::leave_service(turn, item, ServiceResult::TransferredByUser);
        let mut change = Change::of(row, JournalEvent::Transferred, case.by.actor.clone());
        change.data.push(("from", self.service_name(item.service)));
        change
            .data
            .push(("service", self.service_name(onward.service)));
        let target = to.agent.map(|agent| ("agent", agent.to_string()));
        change.data.extend(target);
        change.data.push(("state", state.name().to_owned()));
        change.data.extend(note.map(|note| ("note", note)));
        self.asked = agent;
        let row = self.put_change(turn, item, change);
        let Some(agent) = agent else {
            return Ok(Ok(case.acted(&row, None)));
        };
        self.wrap_up_by_task_type(turn, item, agent)?;
        Ok(Ok(self.with_wrap_up(case.acted(&row, held_in), agent)))
    }

    /// Where a transfer leads, and whether there is room.
    fn onward(&self, turn: &Turn, item: &Item, to: &TransferTarget) -> Result<Onward, Refusal> {
        let service = match &to.service {
            None if to.agent.is_none() => {
                return Err(invalid("Say to which service or agent the item goes."));
            }
            None => item.service,
            Some(name) => self
                .directory
                .service(item.tenant, name)
                .ok_or_else(|| no_such_service(name))?,
        };
        let in_force = self.core.service(service).filter(|it| it.policy.is_some());
        let Some(target) = in_force else {
            return Err(no_such_service(to.service.as_deref().unwrap_or_default()));
        };
        let wish = match &to.agent {
            Some(agent) => {
                self.agent_of(item, service, agent.as_str())?;
                let wish = item.wish.as_deref();
                let base = match service == item.service {
                    true => wish.cloned(),
                    false => Wish::without_preferred(wish),
                };
                let base = base.as_ref();
                Some(Wish::first_to(base, agent.as_str(), to.required, turn.now))
            }
            None => Wish::without_preferred(item.wish.as_deref()),
        };
        let placement = self.core.placement(service);
        let waits_there = item.state == ItemState::Buffered && item.service == service;
        self.room_in(target, placement, waits_there)?;
        Ok(Onward {
            service,
            wish: wish.map(Arc::new),
            placement,
        })
    }

    /// Makes sure that one more fits in front of a service's entrance, if it comes to stand there.
    pub(super) fn room_in(
        &self,
        service: &Service,
        placement: Placement,
        waits_there: bool,
    ) -> Result<(), Refusal> {
        if service.has_room(placement, waits_there) {
            return Ok(());
        }
        let message = format!(
            "The buffer of service {} holds its {} items: the item stays where it is.",
            service.name,
            service.buffer_items_max()
        );
        Err(Refusal::new(Code::BufferFull, message))
    }

    /// Makes sure that an agent of that name can get items of the service.
    pub(super) fn agent_of(
        &self,
        item: &Item,
        service: ServiceId,
        name: &str,
    ) -> Result<(), Refusal> {
        let account = self.people.named(name);
        let user = account.map(|account| &account.user);
        let user = user.filter(|user| user.tenant == item.tenant && gets_items(user));
        let Some(user) = user else {
            return Err(Refusal::new(
                Code::UnknownAgent,
                format!("There is no agent {name}."),
            ));
        };
        if !user.services.contains(&service) {
            let message = format!("{name} is no member of {}.", self.service_name(service));
            return Err(Refusal::new(Code::UnknownAgent, message));
        }
        Ok(())
    }

    /// The target took no more: the item stays, and its journal says so.
    fn note_failed_transfer(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        to: &TransferTarget,
        refusal: &Refusal,
    ) {
        let item = &case.item;
        let target = to.service.clone();
        let target = target.unwrap_or_else(|| self.service_name(item.service));
        let actor = case.by.actor.clone();
        let mut change = Change::of(item.clone(), JournalEvent::TransferFailed, actor);
        change.data.push(("service", target));
        change.data.push(("code", refusal.code().name().to_owned()));
        self.put_change(turn, item, change);
        Self::leave_service(turn, item, ServiceResult::TransferFailed);
    }
}

fn no_such_service(name: &str) -> Refusal {
    Refusal::new(
        Code::UnknownService,
        format!("There is no service {name} to hand the item on to."),
    )
}
