//! What people do with items and what they are told: an answer is true when it comes, it stays
//! true over restarts unless something later changes the item, and a repeat gets it again.

use crate::domain::code::Code;
use crate::domain::ids::{ItemId, OfferId, UserId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::Actor;
use crate::domain::outcome::Outcome;
use crate::domain::refusal::Refusal;
use crate::domain::session::AgentResult;
use crate::engine::agents::command::{Acted, By, ItemVerb};
use crate::engine::world::operator;
use crate::store::Store;
use crate::store::memory::CommitFault;

use super::Life;

/// What somebody was told last of an item.
pub(super) struct Told {
    acted: Acted,
    holder: Option<(UserId, OfferId)>,
}

impl Life {
    pub(super) fn by(user: Option<UserId>) -> By {
        let signed_in = |user| By {
            actor: Actor::User(user),
            user: Some(user),
            from: None,
        };
        user.map_or_else(operator, signed_in)
    }

    pub(super) fn row(&self, id: ItemId) -> Item {
        let mut rows = self.world.engine.store().rows();
        let row = rows.find(|row| row.id == id);
        row.expect("it was there before").clone()
    }

    /// Somebody does something with an item; now and then the commit fails, or the answer is lost
    /// and they try again.
    pub(super) fn ask(
        &mut self,
        user: Option<UserId>,
        item: ItemId,
        verb: ItemVerb,
    ) -> Result<Acted, Refusal> {
        if self.roll(64) == 0 {
            self.world.engine.store.fail_reads(1);
        } else if self.roll(16) == 0 {
            let fault = self.pick(&[
                CommitFault::Before,
                CommitFault::AfterButLost,
                CommitFault::Full,
                CommitFault::Failed,
            ]);
            self.world.engine.store.fail_next_commit(fault);
        }
        let holder = self.row(item).holder.map(|holder| holder.agent);
        let answer = self.world.act(Life::by(user), item, verb.clone());
        match &answer {
            Ok(acted) => {
                self.met.insert(verb.name());
                self.believe(user, &verb, acted);
                // Who hands on what somebody else has cannot name a session of their own.
                let directs = holder != user && is_handing_on(&verb);
                // What a workflow took away at once cannot be accepted again.
                let taken_away = acted.state == ItemState::Ended && accepts(&verb);
                if !directs && !taken_away && self.roll(3) == 0 {
                    self.repeat(user, verb, acted);
                }
            }
            Err(refusal) if refusal.code() == Code::StorageFailed => {
                self.settle();
                self.after_silence(user, item, verb);
            }
            Err(_) => {}
        }
        // A verb that was refused wrote nothing, so its fault is still planned.
        self.settle();
        answer
    }

    /// The answer says what is stored.
    fn believe(&mut self, user: Option<UserId>, verb: &ItemVerb, acted: &Acted) {
        let row = self.row(acted.id);
        assert_eq!(row.version, acted.version, "{verb:?} of {row:?}");
        assert_eq!(row.state, acted.state, "{verb:?} of {row:?}");
        let holder = row.holder.map(|holder| (holder.agent, holder.session));
        match verb {
            ItemVerb::Accept { .. } | ItemVerb::Take if row.state == ItemState::Ended => {
                let outcome = row.ended.as_ref().map(|ending| ending.outcome);
                assert_eq!(outcome, Some(Outcome::CancelledByWorkflow));
                self.met.insert("cancelled when accepted");
            }
            ItemVerb::Accept { .. } | ItemVerb::Take | ItemVerb::Resume { .. } => {
                assert_eq!(row.state, ItemState::Connected);
                assert_eq!(holder, user.zip(acted.session));
            }
            ItemVerb::Park { .. } => {
                let until = row.holder.and_then(|holder| holder.parked_until);
                assert_eq!((row.state, until), (ItemState::Parked, acted.until));
            }
            ItemVerb::End { .. } => {
                let outcome = row.ended.as_ref().map(|ending| ending.outcome);
                assert_eq!(outcome, Some(Outcome::HandledByUser));
                assert!(self.was_carried_out(user, verb, acted.session, &row));
            }
            ItemVerb::Abort { .. } => assert_eq!(row.state, ItemState::Ended),
            ItemVerb::Reprioritise { priority, .. } => assert_eq!(row.priority, *priority),
            ItemVerb::Reassign { .. } | ItemVerb::Release { .. } | ItemVerb::Reopen { .. } => {
                assert_eq!(holder, None);
                assert_ne!(row.state, ItemState::Ended);
            }
            ItemVerb::Decline { .. } => {
                assert!(self.was_carried_out(user, verb, acted.session, &row));
            }
            ItemVerb::Requeue { .. } | ItemVerb::Transfer { .. } => assert_eq!(holder, None),
            ItemVerb::Edit { .. } | ItemVerb::ExtendWrapUp | ItemVerb::EndWrapUp => {}
        }
        let acted = *acted;
        self.answers.insert(acted.id, Told { acted, holder });
    }

    /// Whether the sessions say that the user did it.
    fn was_carried_out(
        &self,
        user: Option<UserId>,
        verb: &ItemVerb,
        session: Option<OfferId>,
        row: &Item,
    ) -> bool {
        let done = match verb {
            ItemVerb::Accept { .. } | ItemVerb::Take => {
                let holder = row.holder.map(|holder| (holder.agent, holder.session));
                return holder.is_some() && holder == user.zip(session);
            }
            ItemVerb::Park { .. } => {
                let parked = row.state == ItemState::Parked;
                let holder = row.holder.map(|holder| (holder.agent, holder.session));
                return parked && holder == user.zip(session);
            }
            ItemVerb::Decline { .. } => AgentResult::Declined,
            ItemVerb::End { .. } => AgentResult::Ended,
            ItemVerb::Requeue { .. } => AgentResult::Requeued,
            ItemVerb::Transfer { .. } => AgentResult::Transferred,
            ItemVerb::Resume { .. }
            | ItemVerb::Edit { .. }
            | ItemVerb::ExtendWrapUp
            | ItemVerb::EndWrapUp
            | ItemVerb::Abort { .. }
            | ItemVerb::Reprioritise { .. }
            | ItemVerb::Reassign { .. }
            | ItemVerb::Release { .. }
            | ItemVerb::Reopen { .. } => return false,
        };
        let mut store = self.world.engine.store().crash();
        let sessions = store.agent_sessions(row.sequence).expect("memory");
        sessions.iter().any(|it| {
            Some(it.agent) == user
                && Some(it.offer) == session
                && it.ended.is_some_and(|(_, how)| how == done)
        })
    }

    /// The answer was lost on the way: the repeat gets it again.
    fn repeat(&mut self, user: Option<UserId>, verb: ItemVerb, first: &Acted) {
        let Some(again) = with_session(verb, first.session) else {
            return;
        };
        let answer = self.world.act(Life::by(user), first.id, again.clone());
        if self.world.dead || self.world.engine.rests(self.world.now) {
            // The fault that was planned for the first came upon the repeat.
            return;
        }
        assert_eq!(answer.as_ref(), Ok(first), "{again:?}");
        self.met.insert("repeated");
    }

    /// Nobody answered: if it was done all the same, the repeat says so, or meets the next fault.
    fn after_silence(&mut self, user: Option<UserId>, item: ItemId, verb: ItemVerb) {
        let session = session_of(&verb);
        let row = self.row(item);
        if session.is_none() || !self.was_carried_out(user, &verb, session, &row) {
            return;
        }
        let answer = self.world.act(Life::by(user), item, verb.clone());
        let acted = match answer {
            Ok(acted) => acted,
            Err(refusal) if refusal.code() == Code::StorageFailed => return,
            Err(refusal) => panic!("{verb:?} was done: {refusal:?}"),
        };
        assert_eq!(acted.session, session);
        self.met.insert("repeated");
    }

    /// What was told holds for as long as nothing later changed the item.
    pub(super) fn check_answers(&self, rows: &[Item]) {
        for row in rows {
            let Some(told) = self.answers.get(&row.id) else {
                continue;
            };
            assert!(row.version >= told.acted.version, "{row:?} went back");
            if row.version == told.acted.version {
                let holder = row.holder.map(|holder| (holder.agent, holder.session));
                assert_eq!((row.state, holder), (told.acted.state, told.holder));
            }
        }
    }
}

fn accepts(verb: &ItemVerb) -> bool {
    matches!(verb, ItemVerb::Accept { .. } | ItemVerb::Take)
}

fn is_handing_on(verb: &ItemVerb) -> bool {
    matches!(verb, ItemVerb::Requeue { .. } | ItemVerb::Transfer { .. })
}

/// The number that a verb carries.
fn session_of(verb: &ItemVerb) -> Option<OfferId> {
    match verb {
        ItemVerb::Accept { offer } | ItemVerb::Decline { offer } => *offer,
        ItemVerb::End { session, .. }
        | ItemVerb::Park { session, .. }
        | ItemVerb::Resume { session }
        | ItemVerb::Requeue { session, .. }
        | ItemVerb::Transfer { session, .. } => *session,
        ItemVerb::Take
        | ItemVerb::Edit { .. }
        | ItemVerb::ExtendWrapUp
        | ItemVerb::EndWrapUp
        | ItemVerb::Abort { .. }
        | ItemVerb::Reprioritise { .. }
        | ItemVerb::Reassign { .. }
        | ItemVerb::Release { .. }
        | ItemVerb::Reopen { .. } => None,
    }
}

/// The repeat of a verb, with the session it was told; `None`: it is not one that has an answer to
/// repeat.
fn with_session(verb: ItemVerb, told: Option<OfferId>) -> Option<ItemVerb> {
    Some(match verb {
        ItemVerb::Accept { .. } => ItemVerb::Accept { offer: told },
        ItemVerb::Decline { .. } => ItemVerb::Decline { offer: told },
        ItemVerb::End {
            result,
            note,
            share,
            ..
        } => ItemVerb::End {
            session: told,
            result,
            note,
            share,
        },
        ItemVerb::Park { until, note, .. } => ItemVerb::Park {
            session: told,
            until,
            note,
        },
        ItemVerb::Resume { .. } => ItemVerb::Resume { session: told },
        ItemVerb::Requeue { note, .. } => ItemVerb::Requeue {
            session: Some(told?),
            note,
        },
        ItemVerb::Transfer { to, note, .. } => ItemVerb::Transfer {
            session: Some(told?),
            to,
            note,
        },
        ItemVerb::Take => ItemVerb::Take,
        ItemVerb::Abort { reason } => ItemVerb::Abort { reason },
        ItemVerb::EndWrapUp => ItemVerb::EndWrapUp,
        ItemVerb::Reprioritise { priority, reason } => ItemVerb::Reprioritise { priority, reason },
        ItemVerb::Edit { .. }
        | ItemVerb::ExtendWrapUp
        | ItemVerb::Reassign { .. }
        | ItemVerb::Release { .. }
        | ItemVerb::Reopen { .. } => return None,
    })
}
