//! What agents do with the items that are theirs: accept, decline, take, end, park, resume, edit;
//! and the wrap-up after them.

use std::sync::Arc;

use crate::domain::code::Code;
use crate::domain::content::ContactDatum;
use crate::domain::ids::{OfferId, UserId};
use crate::domain::item::{Ending, Holder, Item, ItemEvent, ItemState, Verdict, transition};
use crate::domain::journal::JournalEvent;
use crate::domain::outcome::Outcome;
use crate::domain::policy::TaskType;
use crate::domain::refusal::Refusal;
use crate::domain::rules::check_contact_data;
use crate::domain::session::{AgentResult, AgentSession, ServiceResult};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::submit::Decision;
use crate::engine::turn::{Change, Turn};
use crate::routing::handover::NotTakeable;
use crate::store::Store;

use super::act::{Case, Held, in_state, invalid, not_authorised, wrong_verb};
use super::command::{Acted, NOTE_CHARS_MAX};

impl<S: Store> Engine<S> {
    pub(super) fn accept(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        wanted: Option<OfferId>,
    ) -> Decision<Acted> {
        let item = &case.item;
        let Some(user) = case.user_id() else {
            return Ok(Err(not_an_agent()));
        };
        if let Some(holder) = case.holder(wanted) {
            return Ok(Ok(case.acted(item, Some(holder.session))));
        }
        let offer = self.core.distribution().offer_for(item.sequence);
        let offer = offer.filter(|offer| {
            offer.agents.contains(&user) && wanted.is_none_or(|wanted| wanted == offer.id)
        });
        let Some(offer) = offer else {
            return Ok(Err(in_state(item, "it does not ring at you (any longer)")));
        };
        let session = AgentSession {
            sequence: item.sequence,
            offer: offer.id,
            agent: user,
            service: item.service,
            offered_at: offer.made_at,
            accepted_at: Some(turn.now),
            ended: None,
        };
        let state = match transition(ItemState::Offered, ItemEvent::Accepted) {
            Ok(state) => state,
            Err(wrong) => return Ok(Err(wrong_verb(item, &wrong))),
        };
        Ok(Ok(self.connect(turn, case, session, state)))
    }

    /// The item comes into the agent's hands.
    fn connect(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        session: AgentSession,
        state: ItemState,
    ) -> Acted {
        let item = &case.item;
        let row = Item {
            state,
            accepted_at: item.accepted_at.or(Some(turn.now)),
            attempts: item.attempts + 1,
            holder: Some(Holder {
                agent: session.agent,
                session: session.offer,
                parked_until: None,
            }),
            ..item.clone()
        };
        turn.put_session(session);
        let mut change = Change::of(row, JournalEvent::Accepted, case.by.actor.clone());
        change.data.push(("agent", self.user_name(session.agent)));
        change.data.push(("session", session.offer.0.to_string()));
        let row = self.put_change(turn, item, change);
        case.acted(&row, Some(session.offer))
    }

    pub(super) fn decline(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        wanted: Option<OfferId>,
    ) -> Decision<Acted> {
        let item = &case.item;
        let Some(user) = case.user_id() else {
            return Ok(Err(not_an_agent()));
        };
        let offer = self.core.distribution().offer_for(item.sequence);
        let offer = offer.map(|offer| offer.id);
        let offer = offer.filter(|offer| wanted.is_none_or(|wanted| wanted == *offer));
        if let Some(offer) = offer
            && self
                .core
                .distribution_mut()
                .decline(offer, user, turn.now)
                .is_ok()
        {
            if item.flow.is_some() {
                self.write_decided(turn)?;
            }
            // Later verbs about the item wait until its journal has the line.
            turn.touch(item);
            let acted = case.acted(item, Some(offer));
            let version = item.version + 1;
            return Ok(Ok(Acted { version, ..acted }));
        }
        let sessions = self.store.agent_sessions(item.sequence)?;
        let mut mine = sessions.iter().rev().filter(|it| it.agent == user);
        let mine = mine.find(|it| wanted.is_none_or(|wanted| wanted == it.offer));
        Ok(match mine {
            Some(session) if session.ended.map(|(_, how)| how) == Some(AgentResult::Declined) => {
                Ok(case.acted(item, Some(session.offer)))
            }
            Some(_) | None => Err(in_state(item, "it does not ring at you (any longer)")),
        })
    }

    pub(super) fn take(&mut self, turn: &mut Turn, case: &Case) -> Decision<Acted> {
        let item = &case.item;
        let Some(user) = case.user_id() else {
            return Ok(Err(not_an_agent()));
        };
        if let Some(holder) = case.holder(None) {
            return Ok(Ok(case.acted(item, Some(holder.session))));
        }
        let state = match transition(item.state, ItemEvent::Accepted) {
            Ok(state) => state,
            Err(wrong) => return Ok(Err(wrong_verb(item, &wrong))),
        };
        let place = self.place(item);
        if let Err(why) = self.core.distribution().may_take(user, &place, turn.now) {
            return Ok(Err(not_takeable(item, &why)));
        }
        let session = AgentSession {
            sequence: item.sequence,
            offer: self.core.distribution_mut().number_session(),
            agent: user,
            service: item.service,
            offered_at: turn.now,
            accepted_at: Some(turn.now),
            ended: None,
        };
        Ok(Ok(self.connect(turn, case, session, state)))
    }

    pub(super) fn end_by_user(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        session: Option<OfferId>,
        verdict: Verdict,
    ) -> Decision<Acted> {
        let item = &case.item;
        let event = ItemEvent::EndedByUser;
        let (holder, state) = match self.held(case, session, event, AgentResult::Ended)? {
            Ok(Held::Now(holder, state)) => (holder, state),
            Ok(Held::Before(session)) => {
                return Ok(
                    match item.ended.as_ref().and_then(|it| it.said.as_deref()) {
                        Some(said) if *said != verdict => {
                            Err(in_state(item, "you ended it otherwise"))
                        }
                        Some(_) | None => Ok(self.acted_before(case, session)),
                    },
                );
            }
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = check_note(verdict.note.as_deref()) {
            return Ok(Err(refusal));
        }
        if let Err(refusal) = self.check_result(item, &verdict.result)? {
            return Ok(Err(refusal));
        }
        let outcome = Outcome::HandledByUser;
        let ended = self.end_session(turn, item.sequence, holder, AgentResult::Ended)?;
        let mut row = Item {
            state,
            holder: None,
            ..item.clone()
        };
        let data = vec![
            ("agent", self.user_name(holder.agent)),
            ("result", verdict.result.clone()),
            ("outcome", outcome.name().to_owned()),
        ];
        row.ended = Some(Ending {
            at: turn.now,
            outcome,
            said: Some(Arc::new(verdict)),
        });
        Self::leave_service(turn, item, ServiceResult::Ended(outcome));
        let change = Change {
            data,
            ..Change::of(row, JournalEvent::EndedByUser, case.by.actor.clone())
        };
        let row = self.put_change(turn, item, change);
        self.wrap_up_by_task_type(turn, item, holder.agent)?;
        if let Some(accepted_at) = ended.accepted_at {
            let ms = turn.now.since_ms(accepted_at);
            self.core.distribution_mut().note_handled(item.service, ms);
        }
        Ok(Ok(self.with_wrap_up(
            case.acted(&row, Some(holder.session)),
            holder.agent,
        )))
    }

    /// Says until when the agent wraps up after the item, if it does.
    pub(super) fn with_wrap_up(&self, acted: Acted, agent: UserId) -> Acted {
        let distribution = self.core.distribution();
        let until = distribution.wrap_up_until(agent, acted.sequence);
        Acted { until, ..acted }
    }

    /// The answer to a verb that the user carried out before.
    pub(super) fn acted_before(&self, case: &Case, session: OfferId) -> Acted {
        let acted = case.acted(&case.item, Some(session));
        match case.user_id() {
            Some(user) => self.with_wrap_up(acted, user),
            None => acted,
        }
    }

    fn check_result(&mut self, item: &Item, result: &str) -> Decision<()> {
        let task_type = self.task_type_of(item)?;
        let known = TaskType::results_of(task_type.as_ref());
        if known.contains(&result) {
            return Ok(Ok(()));
        }
        let message = format!(
            "{result} is no result of this item: one of {}.",
            known.join(", ")
        );
        Ok(Err(Refusal::new(Code::ValueNotInSet, message)))
    }

    pub(super) fn park(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        session: Option<OfferId>,
        until: Option<Timestamp>,
        note: Option<String>,
    ) -> Decision<Acted> {
        let item = &case.item;
        if let Some(holder) = case.holder(session)
            && item.state == ItemState::Parked
        {
            let acted = case.acted(item, Some(holder.session));
            let until = holder.parked_until;
            return Ok(Ok(Acted { until, ..acted }));
        }
        let held = self.held(case, session, ItemEvent::Parked, AgentResult::Parked)?;
        let (holder, state) = match held {
            Ok(Held::Now(holder, state)) => (holder, state),
            Ok(Held::Before(session)) => return Ok(Ok(case.acted(item, Some(session)))),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let until =
            match check_note(note.as_deref()).and_then(|()| self.park_end(turn, item, until)) {
                Ok(until) => until,
                Err(refusal) => return Ok(Err(refusal)),
            };
        let row = Item {
            state,
            holder: Some(Holder {
                parked_until: Some(until),
                ..holder
            }),
            ..item.clone()
        };
        let mut change = Change::of(row, JournalEvent::Parked, case.by.actor.clone());
        change.data.push(("agent", self.user_name(holder.agent)));
        change.data.push(("until", until.0.to_string()));
        change.data.extend(note.map(|note| ("note", note)));
        let row = self.put_change(turn, item, change);
        let acted = case.acted(&row, Some(holder.session));
        let until = Some(until);
        Ok(Ok(Acted { until, ..acted }))
    }

    fn park_end(
        &self,
        turn: &Turn,
        item: &Item,
        until: Option<Timestamp>,
    ) -> Result<Timestamp, Refusal> {
        let tenant = self.directory.tenant(item.tenant);
        let policy = tenant
            .map(|tenant| tenant.agents.clone())
            .unwrap_or_default();
        let until = until.unwrap_or_else(|| turn.now.plus_ms(policy.park_default_ms));
        if until <= turn.now {
            return Err(invalid("until is not later than now."));
        }
        if until > turn.now.plus_ms(policy.park_max_ms) {
            let hours = policy.park_max_ms / 3_600_000;
            return Err(invalid(format!("until is more than {hours} hours ahead.")));
        }
        Ok(until)
    }

    pub(super) fn resume_item(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        session: Option<OfferId>,
    ) -> Decision<Acted> {
        let item = &case.item;
        let Some(holder) = case.holder(session) else {
            return Ok(Err(in_state(item, "you have not parked it")));
        };
        if item.state == ItemState::Connected {
            return Ok(Ok(case.acted(item, Some(holder.session))));
        }
        let state = match transition(item.state, ItemEvent::Resumed) {
            Ok(state) => state,
            Err(wrong) => return Ok(Err(wrong_verb(item, &wrong))),
        };
        let distribution = self.core.distribution();
        if !distribution.is_there(holder.agent) {
            return Ok(Err(in_state(
                item,
                "you are offline; sign in for work first",
            )));
        }
        if !distribution.has_room(holder.agent, turn.now) {
            let message = "All your units are taken: end or park something else first.";
            return Ok(Err(Refusal::new(Code::CapacityFull, message)));
        }
        let row = Item {
            state,
            holder: Some(Holder {
                parked_until: None,
                ..holder
            }),
            ..item.clone()
        };
        let mut change = Change::of(row, JournalEvent::Resumed, case.by.actor.clone());
        change.data.push(("agent", self.user_name(holder.agent)));
        change.data.push(("session", holder.session.0.to_string()));
        let row = self.put_change(turn, item, change);
        Ok(Ok(case.acted(&row, Some(holder.session))))
    }

    pub(super) fn edit(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        if_version: Option<u32>,
        contact_data: Vec<ContactDatum>,
    ) -> Decision<Acted> {
        let item = &case.item;
        let Some(holder) = case.holder(None) else {
            return Ok(Err(in_state(item, "it is not in your hands")));
        };
        if let Some(expected) = if_version.filter(|expected| *expected != item.version) {
            let message = format!(
                "The item has version {}, not {expected}: read it and decide again.",
                item.version
            );
            return Ok(Err(Refusal::new(Code::VersionConflict, message)));
        }
        let mut content = self.content_of(item)?;
        let before = content.clone();
        if let Err(refusal) = self.may_edit(item, &contact_data) {
            return Ok(Err(refusal));
        }
        for datum in contact_data {
            let mut known = content.contact_data.iter_mut();
            match known.find(|known| known.key == datum.key) {
                Some(known) => known.value = datum.value,
                None => content.contact_data.push(datum),
            }
        }
        if content == before {
            return Ok(Ok(case.acted(item, Some(holder.session))));
        }
        if let Err(refusal) = self.check_edited(item, &content) {
            return Ok(Err(refusal));
        }
        let keys = changed_keys(&before.contact_data, &content.contact_data);
        let mut change = Change::of(item.clone(), JournalEvent::Edited, case.by.actor.clone());
        change.data.push(("agent", self.user_name(holder.agent)));
        change.data.push(("keys", keys));
        change.content = Some(content);
        let row = self.put_change(turn, item, change);
        Ok(Ok(case.acted(&row, Some(holder.session))))
    }

    fn may_edit(&self, item: &Item, wanted: &[ContactDatum]) -> Result<(), Refusal> {
        let service = self.core.service(item.service);
        let policy = service.and_then(|service| service.policy.as_ref());
        let declared = policy.map(|policy| policy.contact_data.as_slice());
        let declared = declared.unwrap_or_default();
        let editable = |key: &str| {
            declared
                .iter()
                .any(|known| known.key == key && known.editable)
        };
        let Some(datum) = wanted.iter().find(|datum| !editable(&datum.key)) else {
            return Ok(());
        };
        Err(not_authorised(&format!(
            "The service does not let agents change {}.",
            datum.key
        )))
    }

    fn check_edited(
        &self,
        item: &Item,
        content: &crate::domain::content::Content,
    ) -> Result<(), Refusal> {
        let service = self.core.service(item.service);
        let policy = service.and_then(|service| service.policy.as_ref());
        let tenant = self.directory.tenant(item.tenant);
        let Some((policy, tenant)) = policy.zip(tenant) else {
            return Ok(());
        };
        let key = &tenant.work_item_key;
        let faults = check_contact_data(&content.contact_data, policy, key, true);
        let problems = faults.into_iter().map(|fault| fault.problem).collect();
        Refusal::of(problems).map_or(Ok(()), Err)
    }

    pub(super) fn extend_wrap_up(&mut self, turn: &Turn, case: &Case) -> Result<Acted, Refusal> {
        let (item, user) = (&case.item, case.user_id().ok_or_else(not_an_agent)?);
        let service = self.core.service(item.service);
        let policy = service.and_then(|service| service.policy.as_ref());
        let by_ms = policy.and_then(|policy| policy.distribution.wrap_up_extension_ms);
        let Some(by_ms) = by_ms else {
            return Err(not_authorised(
                "The service does not let a wrap-up be made longer.",
            ));
        };
        let distribution = self.core.distribution_mut();
        let until = distribution
            .extend_wrap_up(user, item.sequence, by_ms, turn.now)
            .map_err(|why| in_state(item, &why.to_string()))?;
        let acted = case.acted(item, None);
        let until = Some(until);
        Ok(Acted { until, ..acted })
    }

    pub(super) fn end_wrap_up(&mut self, turn: &Turn, case: &Case) -> Result<Acted, Refusal> {
        let (item, user) = (&case.item, case.user_id().ok_or_else(not_an_agent)?);
        let distribution = self.core.distribution_mut();
        distribution.end_wrap_up(user, item.sequence, turn.now);
        Ok(case.acted(item, None))
    }
}

/// Keys that have another value now, as the journal names them.
fn changed_keys(before: &[ContactDatum], after: &[ContactDatum]) -> String {
    let changed = after.iter().filter(|datum| !before.contains(datum));
    let keys: Vec<&str> = changed.map(|datum| datum.key.as_str()).collect();
    keys.join(" ")
}

pub(super) fn check_note(note: Option<&str>) -> Result<(), Refusal> {
    if note.is_some_and(|note| note.chars().count() > NOTE_CHARS_MAX) {
        return Err(invalid(format!(
            "A note has at most {NOTE_CHARS_MAX} characters."
        )));
    }
    Ok(())
}

fn not_takeable(item: &Item, why: &NotTakeable) -> Refusal {
    match why {
        NotTakeable::NotSelectable(why) if why.name() == "capacityFull" => Refusal::new(
            Code::CapacityFull,
            format!("{}.", capitalised(&why.to_string())),
        ),
        NotTakeable::UnknownAgent
        | NotTakeable::NotToPickUp
        | NotTakeable::NotCovered
        | NotTakeable::PreferredAgentOnly
        | NotTakeable::NotSelectable(_) => in_state(item, &why.to_string()),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

fn not_an_agent() -> Refusal {
    not_authorised("Only an agent can do that: sign in as one.")
}
