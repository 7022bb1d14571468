//! What agents say about themselves, and what becomes of those who are gone.

use crate::domain::agent::Presence;
use crate::domain::code::Code;
use crate::domain::ids::UserId;
use crate::domain::people::{StandingPatch, Wording};
use crate::domain::permission::{Action, Target, may};
use crate::domain::refusal::Refusal;
use crate::engine::Engine;
use crate::engine::command::{Command, Pending, Reply};
use crate::engine::people::change::{ChangePeople, Edit};
use crate::engine::turn::Turn;
use crate::store::{Store, StoreError};

use super::act::{invalid, not_authorised};
use super::agent_policy;
use super::command::SetState;

impl<S: Store> Engine<S> {
    pub(in crate::engine) fn set_state(
        &mut self,
        turn: &mut Turn,
        request: Box<SetState>,
        reply: Reply<()>,
    ) -> Result<(), StoreError> {
        if turn.has_touched_user(request.user) {
            let again = |reply| Command::SetState(request, reply);
            turn.defer(reply, again, Pending::Done);
            return Ok(());
        }
        match self.decide_state(turn, *request) {
            Ok(result) => turn.pending.push(Pending::Done(reply, result)),
            Err(error) => return turn.fail(error, reply, Pending::Done),
        }
        Ok(())
    }

    fn decide_state(
        &mut self,
        turn: &mut Turn,
        request: SetState,
    ) -> Result<Result<(), Refusal>, StoreError> {
        if let Err(refusal) = self.may_set_state(&request) {
            return Ok(Err(refusal));
        }
        let SetState {
            by,
            user,
            presence,
            active,
            duty,
            not_available,
            ready,
            reason,
        } = request;
        if let Some(reason) = &reason
            && let Err(fault) = Wording::Reason.check(reason)
        {
            return Ok(Err(invalid(format!("{fault}."))));
        }
        let durable = !active.is_empty() || duty.is_some() || not_available.is_some();
        if durable {
            let patch = StandingPatch {
                active,
                duty,
                not_available,
            };
            let change = ChangePeople {
                actor: by.actor.clone(),
                from: by.from.clone(),
                edits: vec![Edit::Stand { user, patch }],
                dry_run: false,
            };
            if let Err(refusal) = self.decide_people(turn, change)? {
                return Ok(Err(refusal));
            }
        }
        self.audit_state_of_another(turn, &by, user);
        if let Some(reason) = reason {
            self.reasons.insert(user, reason);
        }
        if ready {
            self.core.distribution_mut().ready(user, turn.now);
        }
        match presence {
            Some(Presence::Offline) => self.agent_leaves(turn, user),
            Some(there) => {
                let distribution = self.core.distribution_mut();
                distribution.set_presence(user, there, turn.now);
            }
            None => {}
        }
        Ok(Ok(()))
    }

    /// Own states are one's own affair; another's are a supervisor's.
    fn may_set_state(&self, request: &SetState) -> Result<(), Refusal> {
        let account = self.people.account(request.user);
        let known = self.core.distribution().factors(request.user).is_some();
        let Some(account) = account.filter(|_| known) else {
            let message = "There is no such agent: nobody here gets items by that name.";
            return Err(Refusal::new(Code::NotFound, message));
        };
        let Some(asking) = request.by.user else {
            return Ok(());
        };
        let asking = self.people.account(asking).map(|account| &account.user);
        let Some(asking) = asking.filter(|user| user.enabled) else {
            return Err(not_authorised("You may do nothing here any longer."));
        };
        let theirs = &account.user;
        let allowed = match asking.id == theirs.id {
            true => may(asking, Action::KeepOwnState, Target::Own),
            false => theirs.services.iter().any(|service| {
                let there = Target::Service(theirs.tenant, *service);
                may(asking, Action::DirectAgent, there)
            }),
        };
        match allowed {
            true => Ok(()),
            false => Err(not_authorised("You may not set that agent's state.")),
        }
    }

    fn audit_state_of_another(&self, turn: &mut Turn, by: &super::command::By, user: UserId) {
        let account = self.people.account(user);
        let Some(account) = account.filter(|_| by.user != Some(user)) else {
            return;
        };
        let whose = (account.user.tenant, account.user.name.to_string());
        let audit = by.audited(turn.now, "agent.state", whose);
        turn.batch.audit.push(audit);
    }

    /// An agent has gone without a word: as if it had said so.
    pub(in crate::engine) fn lose_agent(&mut self, turn: &mut Turn, user: UserId) {
        self.agent_leaves(turn, user);
    }

    /// Offline: its offers are taken back, its connected items kept for a time.
    fn agent_leaves(&mut self, turn: &Turn, user: UserId) {
        let Some(account) = self.people.account(user) else {
            return;
        };
        let keep_ms = agent_policy(&self.directory, &account.user).agent_lost_after_ms;
        let distribution = self.core.distribution_mut();
        distribution.agent_lost(user, keep_ms, turn.now);
    }
}
