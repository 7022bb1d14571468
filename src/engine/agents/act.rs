//! From a verb to its item: finds the row, asks whether one may, carries the verb out, writes the
//! audit. What a verb is refused with names the state the item is in.

use std::sync::Arc;

use crate::domain::code::Code;
use crate::domain::content::Content;
use crate::domain::ids::{OfferId, Sequence, UserId};
use crate::domain::item::{Holder, Item, ItemEvent, ItemState, Verdict, WrongState, transition};
use crate::domain::people::User;
use crate::domain::permission::{Action, Target, may};
use crate::domain::policy::TaskType;
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::session::{AgentResult, AgentSession, ServiceResult, ServiceSession};
use crate::engine::Engine;
use crate::engine::command::{Command, Pending, Reply};
use crate::engine::flows::happening_of;
use crate::engine::live::LiveEvent;
use crate::engine::submit::Decision;
use crate::engine::turn::{Change, Turn};
use crate::store::{Store, StoreError};

use super::command::{ActOnItem, Acted, By, ItemVerb};

impl<S: Store> Engine<S> {
    pub(in crate::engine) fn act(
        &mut self,
        turn: &mut Turn,
        request: Box<ActOnItem>,
        reply: Reply<Acted>,
    ) -> Result<(), StoreError> {
        let found = match turn.is_new(request.item) {
            true => None,
            false => match self.store.find_id(request.item) {
                Ok(Some(item)) if !turn.has_touched(&item) => Some(item),
                Ok(Some(_)) => None,
                Ok(None) => {
                    turn.pending
                        .push(Pending::Acted(reply, Err(unknown_item())));
                    return Ok(());
                }
                Err(error) => return turn.fail(error, reply, Pending::Acted),
            },
        };
        let Some(item) = found else {
            let again = |reply| Command::Act(request, reply);
            turn.defer(reply, again, Pending::Acted);
            return Ok(());
        };
        match self.decide_verb(turn, *request, item) {
            Ok(result) => turn.pending.push(Pending::Acted(reply, result)),
            Err(error) => return turn.fail(error, reply, Pending::Acted),
        }
        Ok(())
    }

    fn decide_verb(&mut self, turn: &mut Turn, request: ActOnItem, item: Item) -> Decision<Acted> {
        let ActOnItem { by, verb, .. } = request;
        let user = match self.asking(&by) {
            Ok(user) => user,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let audit = by.audited(
            turn.now,
            verb.audit_name(),
            (item.tenant, item.id.to_string()),
        );
        let case = Case { by, user, item };
        let rings = self
            .core
            .distribution()
            .offer_for(case.item.sequence)
            .is_some();
        let decision = match self.may_act(&case, &verb)? {
            Err(refusal) => return Ok(Err(refusal)),
            Ok(()) => self.carry_out_verb(turn, &case, verb)?,
        };
        if decision.is_ok() {
            turn.batch.audit.push(audit);
        }
        Ok(decision.map_err(|refusal| match rings {
            true => as_offered(refusal),
            false => refusal,
        }))
    }

    /// Who asks, as of now: somebody may have been deactivated since the door let them in.
    pub(in crate::engine) fn asking(
        &self,
        by: &By,
    ) -> Result<Option<Arc<crate::store::people::Account>>, Refusal> {
        let Some(id) = by.user else { return Ok(None) };
        let account = self.people.account(id);
        match account.filter(|account| account.user.enabled) {
            Some(account) => Ok(Some(account.clone())),
            None => Err(not_authorised("You may do nothing here any longer.")),
        }
    }

    /// Whether one may do that with the item. What one may not even see is unknown.
    fn may_act(&mut self, case: &Case, verb: &ItemVerb) -> Decision<()> {
        let Some(account) = &case.user else {
            return Ok(Ok(()));
        };
        let (user, item) = (&account.user, &case.item);
        if user.tenant != item.tenant {
            return Ok(Err(unknown_item()));
        }
        let here = Target::Service(item.tenant, item.service);
        let (own, by_right) = match verb {
            ItemVerb::Accept { .. }
            | ItemVerb::Decline { .. }
            | ItemVerb::End { .. }
            | ItemVerb::Park { .. }
            | ItemVerb::Resume { .. }
            | ItemVerb::Edit { .. }
            | ItemVerb::ExtendWrapUp
            | ItemVerb::EndWrapUp => (true, None),
            ItemVerb::Take => (false, Some(Action::PickItem)),
            ItemVerb::Requeue { .. } | ItemVerb::Transfer { .. } => {
                (true, Some(Action::DirectItem))
            }
            ItemVerb::Abort { .. }
            | ItemVerb::Reprioritise { .. }
            | ItemVerb::Reassign { .. }
            | ItemVerb::Release { .. }
            | ItemVerb::Reopen { .. } => (false, Some(Action::DirectItem)),
        };
        if by_right.is_some_and(|action| may(user, action, here)) {
            return Ok(Ok(()));
        }
        let knows = self.had(user, item)?;
        let may_work = may(user, Action::WorkOnItem, Target::Own);
        if own && knows && may_work {
            return Ok(Ok(()));
        }
        Ok(Err(match knows || may(user, Action::SeeItem, here) {
            true => not_authorised("You may not do that with this item."),
            false => unknown_item(),
        }))
    }

    /// Whether the item rings at the user, is in their hands, or was once.
    pub(in crate::engine) fn had(&mut self, user: &User, item: &Item) -> Result<bool, StoreError> {
        let has = item.holder.is_some_and(|holder| holder.agent == user.id);
        let offer = self.core.distribution().offer_for(item.sequence);
        if has || offer.is_some_and(|offer| offer.agents.contains(&user.id)) {
            return Ok(true);
        }
        let sessions = self.store.agent_sessions(item.sequence)?;
        Ok(sessions.iter().any(|session| session.agent == user.id))
    }

    fn carry_out_verb(&mut self, turn: &mut Turn, case: &Case, verb: ItemVerb) -> Decision<Acted> {
        match verb {
            ItemVerb::Accept { offer } => self.accept(turn, case, offer),
            ItemVerb::Decline { offer } => self.decline(turn, case, offer),
            ItemVerb::Take => self.take(turn, case),
            ItemVerb::End {
                session,
                result,
                note,
                share,
            } => {
                let verdict = Verdict {
                    result,
                    note,
                    share,
                };
                self.end_by_user(turn, case, session, verdict)
            }
            ItemVerb::Park {
                session,
                until,
                note,
            } => self.park(turn, case, session, until, note),
            ItemVerb::Resume { session } => self.resume_item(turn, case, session),
            ItemVerb::Requeue { session, note } => self.requeue(turn, case, session, note),
            ItemVerb::Transfer { session, to, note } => {
                self.transfer(turn, case, session, (to, note))
            }
            ItemVerb::Edit {
                if_version,
                contact_data,
            } => self.edit(turn, case, if_version, contact_data),
            ItemVerb::ExtendWrapUp => Ok(self.extend_wrap_up(turn, case)),
            ItemVerb::EndWrapUp => Ok(self.end_wrap_up(turn, case)),
            ItemVerb::Abort { reason } => self.abort(turn, case, reason),
            ItemVerb::Reprioritise { priority, reason } => {
                Ok(self.reprioritise(turn, case, priority, reason))
            }
            ItemVerb::Reassign {
                agent,
                required,
                reason,
            } => self.reassign(turn, case, (agent, required), reason),
            ItemVerb::Release { reason } => self.release_from_agent(turn, case, reason),
            ItemVerb::Reopen { reason } => Ok(self.reopen(turn, case, reason)),
        }
    }

    /// The item is in the user's hands; else the answer to a verb that was carried out before, if
    /// `session` (or, without one, the user's last session) ended with `done`, else `wrongState`.
    pub(super) fn held(
        &mut self,
        case: &Case,
        session: Option<OfferId>,
        event: ItemEvent,
        done: AgentResult,
    ) -> Decision<Held> {
        let item = &case.item;
        let user = case.user_id();
        if let Some(holder) = case.holder(session) {
            return Ok(match transition(item.state, event) {
                Ok(state) => Ok(Held::Now(holder, state)),
                Err(wrong) => Err(wrong_verb(item, &wrong)),
            });
        }
        let sessions = self.store.agent_sessions(item.sequence)?;
        let mut mine = sessions.iter().rev();
        let mine = mine
            .find(|it| Some(it.agent) == user && session.is_none_or(|session| session == it.offer));
        let is_repeat = |it: &&AgentSession| it.ended.is_some_and(|(_, result)| result == done);
        Ok(match mine.filter(is_repeat) {
            Some(session) => Ok(Held::Before(session.offer)),
            None => Err(in_state(item, "it is not in your hands")),
        })
    }

    /// Closes the agent session in which the item was.
    pub(in crate::engine) fn end_session(
        &mut self,
        turn: &mut Turn,
        sequence: Sequence,
        holder: Holder,
        result: AgentResult,
    ) -> Result<AgentSession, StoreError> {
        let sessions = self.store.agent_sessions(sequence)?;
        let mut sessions = sessions.into_iter();
        let session = sessions.find(|it| it.offer == holder.session && it.agent == holder.agent);
        let Some(session) = session else {
            let message = format!("item {} is held in no session", sequence.0);
            return Err(StoreError::Conflict(message));
        };
        turn.put_session(AgentSession {
            ended: Some((turn.now, result)),
            ..session
        });
        Ok(session)
    }

    /// Writes a changed row and tells the core; an agent who has the item, or had it until now,
    /// sees it at once.
    pub(in crate::engine) fn put_change(
        &mut self,
        turn: &mut Turn,
        before: &Item,
        change: Change,
    ) -> Item {
        let event = change.event;
        if change.item.flow.is_some() {
            turn.hear(&change.item, happening_of(&change));
        }
        let row = turn.change(change);
        self.apply(before, &row, turn.now);
        if let Some(holder) = row.holder.or(before.holder) {
            turn.live.push(LiveEvent::Item {
                sequence: row.sequence,
                id: row.id,
                service: row.service,
                agent: holder.agent,
                state: row.state,
                version: row.version,
                event,
            });
        }
        row
    }

    /// The stay of an item in its service is over.
    pub(in crate::engine) fn leave_service(turn: &mut Turn, item: &Item, result: ServiceResult) {
        turn.batch.service_sessions.push(ServiceSession {
            sequence: item.sequence,
            service: item.service,
            entered_at: item.stay_began_at(),
            left_at: turn.now,
            result,
        });
    }

    /// The item goes out of its agent's hands, if it is in any; the agent keeps only its wrap-up.
    pub(in crate::engine) fn take_out_of_hands(
        &mut self,
        turn: &mut Turn,
        row: &mut Item,
        result: AgentResult,
    ) -> Result<Option<UserId>, StoreError> {
        let Some(holder) = row.holder.take() else {
            return Ok(None);
        };
        self.end_session(turn, row.sequence, holder, result)?;
        Ok(Some(holder.agent))
    }

    pub(in crate::engine) fn content_of(&mut self, item: &Item) -> Result<Content, StoreError> {
        let content = self.store.content(item.sequence)?;
        content.ok_or_else(|| StoreError::Conflict(format!("item {} has no content", item.id)))
    }

    /// Wrap-up lengths of task types go before those of services.
    pub(in crate::engine) fn wrap_up_by_task_type(
        &mut self,
        turn: &Turn,
        item: &Item,
        agent: UserId,
    ) -> Result<(), StoreError> {
        // Whoever put it aside has had its unit back since then.
        let worked = item.state == ItemState::Connected;
        let tenant = self.directory.tenant(item.tenant);
        if !worked || tenant.is_none_or(|tenant| !tenant.has_wrap_ups()) {
            return Ok(());
        }
        let task_type = self.task_type_of(item)?;
        if let Some(ms) = task_type.and_then(|task_type| task_type.wrap_up_ms) {
            let until = turn.now.plus_ms(ms);
            let distribution = self.core.distribution_mut();
            distribution.set_wrap_up(agent, item.sequence, until, turn.now);
        }
        Ok(())
    }

    /// What kind of task an item is: by its own word, else by its service's. A tenant without kinds
    /// costs no look at the item's values.
    pub(super) fn task_type_of(&mut self, item: &Item) -> Result<Option<TaskType>, StoreError> {
        let tenant = self.directory.tenant(item.tenant).cloned();
        let Some(tenant) = tenant.filter(|tenant| !tenant.task_types.is_empty()) else {
            return Ok(None);
        };
        let service = self.core.service(item.service);
        let policy = service.and_then(|service| service.policy.clone());
        let own = self.content_of(item)?.task_type;
        let name = own.or_else(|| policy?.task_type.clone());
        Ok(name.and_then(|name| tenant.task_types.get(&name).cloned()))
    }

    pub(in crate::engine) fn user_name(&self, id: UserId) -> String {
        let account = self.people.account(id);
        account
            .map(|account| account.user.name.to_string())
            .unwrap_or_default()
    }
}

/// A verb's case: who asks, and the row.
pub(super) struct Case {
    pub by: By,
    pub user: Option<Arc<crate::store::people::Account>>,
    pub item: Item,
}

impl Case {
    pub(super) fn user_id(&self) -> Option<UserId> {
        self.user.as_ref().map(|account| account.user.id)
    }

    /// Who has the item, if that is whoever asks, in that session (`None`: in whichever).
    pub(super) fn holder(&self, session: Option<OfferId>) -> Option<Holder> {
        self.item.holder.filter(|holder| {
            Some(holder.agent) == self.user_id()
                && session.is_none_or(|session| session == holder.session)
        })
    }

    /// The answer about a row as it is now.
    pub(super) fn acted(&self, row: &Item, session: Option<OfferId>) -> Acted {
        Acted {
            sequence: row.sequence,
            id: row.id,
            state: row.state,
            version: row.version,
            session,
            until: None,
        }
    }
}

/// Whether an item is in the user's hands now, or the verb was carried out before.
pub(super) enum Held {
    /// It is; the state that follows.
    Now(Holder, ItemState),
    /// It was, in that session, which ended by this very verb.
    Before(OfferId),
}

/// The refusal of a verb that the item's state does not allow.
pub(super) fn wrong_verb(item: &Item, wrong: &WrongState) -> Refusal {
    in_state(item, &format!("it cannot be {}", wrong.event.name()))
}

/// The row of an item that rings says `queued`; people see `offered`.
fn as_offered(mut refusal: Refusal) -> Refusal {
    if refusal.first.state == Some(ItemState::Queued) {
        refusal.first.state = Some(ItemState::Offered);
        let message = &mut refusal.first.message;
        *message = message.replacen("The item is queued", "The item is offered", 1);
    }
    refusal
}

/// One may not even know whether it exists.
pub(in crate::engine) fn unknown_item() -> Refusal {
    Refusal::new(Code::UnknownItem, "There is no such item.")
}

/// `wrongState`, with the state.
pub(super) fn in_state(item: &Item, what: &str) -> Refusal {
    let message = format!("The item is {}: {what}.", item.state.name());
    let mut problem = Problem::new(Code::WrongState, message);
    problem.state = Some(item.state);
    problem.into()
}

pub(super) fn not_authorised(message: &str) -> Refusal {
    Refusal::new(Code::NotAuthorised, message)
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, message.into())
}
