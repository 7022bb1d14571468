//! What the distribution has decided, as rows, lines of journals and live events.
//!
//! An offer changes no row: its agent session is written open, so that a restart finds what rang.
//! Its end writes a line in the item's journal and closes the session.

use crate::domain::ids::Sequence;
use crate::domain::item::{Item, ItemEvent, transition};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::session::{AgentResult, AgentSession};
use crate::engine::Engine;
use crate::engine::live::LiveEvent;
use crate::engine::turn::{Change, Line, Turn};
use crate::routing::distribution::{Decision, OfferEnded};
use crate::routing::offers::{Offer, OfferEnd, RescindReason};
use crate::store::{Store, StoreError};
use crate::workflow::run::Happening;

/// Rounds of matching in one turn, at most: each follows from items that the last one set free.
const ROUNDS_MAX: usize = 64;

impl<S: Store> Engine<S> {
    /// Offers what can be offered, and writes what was decided. Workflows hear of it, and what they
    /// give up is offered again.
    pub(in crate::engine) fn distribute(&mut self, turn: &mut Turn) -> Result<(), StoreError> {
        self.match_all(turn)?;
        while !turn.heard.is_empty() {
            self.advance_workflows(turn)?;
            self.match_all(turn)?;
        }
        self.refresh_agents(turn);
        Ok(())
    }

    fn match_all(&mut self, turn: &mut Turn) -> Result<(), StoreError> {
        self.take_back_items(turn)?;
        for _ in 0..ROUNDS_MAX {
            let decisions = self.core.distribution_mut().match_now(turn.now);
            if decisions.is_empty() {
                break;
            }
            for decision in decisions {
                self.write_decision(turn, decision)?;
            }
            self.take_back_items(turn)?;
        }
        Ok(())
    }

    /// Writes what was decided so far, so that a workflow hears of it before anything is offered
    /// again.
    pub(super) fn write_decided(&mut self, turn: &mut Turn) -> Result<(), StoreError> {
        for decision in self.core.distribution_mut().take_decided() {
            self.write_decision(turn, decision)?;
        }
        Ok(())
    }

    fn write_decision(&mut self, turn: &mut Turn, decision: Decision) -> Result<(), StoreError> {
        match decision {
            Decision::Offered(offer) => {
                self.write_offer(turn, offer);
                Ok(())
            }
            Decision::OfferEnded(ended) => self.write_offer_end(turn, ended),
            Decision::AbsenceOver { agent, sequences } => {
                let lost = sequences.into_iter().map(|sequence| (agent, sequence));
                self.let_go.extend(lost);
                Ok(())
            }
        }
    }

    fn write_offer(&mut self, turn: &mut Turn, offer: Offer) {
        for agent in &offer.agents {
            turn.put_session(AgentSession {
                sequence: offer.sequence,
                offer: offer.id,
                agent: *agent,
                service: offer.service,
                offered_at: offer.made_at,
                accepted_at: None,
                ended: None,
            });
        }
        turn.live.push(LiveEvent::Offered(offer));
    }

    fn write_offer_end(&mut self, turn: &mut Turn, ended: OfferEnded) -> Result<(), StoreError> {
        turn.live.push(LiveEvent::OfferEnded {
            offer: ended.offer,
            item: ended.sequence,
            service: ended.service,
            agent: ended.agent,
            end: ended.end,
        });
        if ended.end == OfferEnd::Accepted {
            // The acceptance has written its row, its line and its session.
            return Ok(());
        }
        turn.put_session(AgentSession {
            sequence: ended.sequence,
            offer: ended.offer,
            agent: ended.agent,
            service: ended.service,
            offered_at: ended.made_at,
            accepted_at: None,
            ended: Some((turn.now, ended.end.result())),
        });
        let agent = self.user_name(ended.agent);
        let (event, actor, reason) = match ended.end {
            OfferEnd::Accepted => return Ok(()),
            OfferEnd::Declined => (JournalEvent::Declined, Actor::User(ended.agent), None),
            OfferEnd::NoAnswer => (JournalEvent::NoAnswer, Actor::Engine, None),
            OfferEnd::Rescinded(reason) => {
                let reason = Some(("reason", reason.name().to_owned()));
                (JournalEvent::Rescinded, Actor::Engine, reason)
            }
        };
        let data = [("agent", agent)].into_iter().chain(reason).collect();
        let line = Line { event, actor, data };
        self.note(turn, ended.sequence, line, u32::from(ended.over))
    }

    /// Adds a line to an item's journal, and to its count of offers.
    fn note(
        &mut self,
        turn: &mut Turn,
        sequence: Sequence,
        line: Line,
        attempts: u32,
    ) -> Result<(), StoreError> {
        let declined = line.event == JournalEvent::Declined;
        if let Some(row) = turn.row(sequence).cloned() {
            turn.amend(sequence, line, |item| item.attempts += attempts);
            if row.flow.is_some() && declined {
                turn.hear(&row, Happening::Declined);
            }
            return Ok(());
        }
        let Some(mut row) = self.store.items(&[sequence])?.pop() else {
            return Err(StoreError::Conflict(format!(
                "item {} was offered and has no row",
                sequence.0
            )));
        };
        row.attempts += attempts;
        let Line { event, actor, data } = line;
        let row = turn.change(Change {
            data,
            ..Change::of(row, event, actor)
        });
        if row.flow.is_some() && declined {
            turn.hear(&row, Happening::Declined);
        }
        Ok(())
    }

    /// Offers that rang when the process ended: their items are at their old places, and nobody
    /// hears of them any more.
    pub(super) fn rescind_left(
        &mut self,
        turn: &mut Turn,
        left: Vec<AgentSession>,
    ) -> Result<(), StoreError> {
        let mut left = left.into_iter().peekable();
        while let Some(session) = left.next() {
            let next = left.peek().map(|next| next.offer);
            self.write_offer_end(
                turn,
                OfferEnded {
                    offer: session.offer,
                    sequence: session.sequence,
                    service: session.service,
                    made_at: session.offered_at,
                    agent: session.agent,
                    end: OfferEnd::Rescinded(RescindReason::Restarted),
                    over: next != Some(session.offer),
                },
            )?;
        }
        Ok(())
    }

    /// Items whose agents were gone for too long, or get none any longer, go back into the queue.
    fn take_back_items(&mut self, turn: &mut Turn) -> Result<(), StoreError> {
        for (agent, sequence) in std::mem::take(&mut self.let_go) {
            if turn.holds_row(sequence) {
                self.let_go.push((agent, sequence));
                continue;
            }
            let Some(item) = self.store.items(&[sequence])?.pop() else {
                continue;
            };
            let holder = item.holder.filter(|holder| holder.agent == agent);
            let (Some(holder), Ok(state)) = (holder, transition(item.state, ItemEvent::AgentLost))
            else {
                continue;
            };
            let mut row = Item {
                state,
                holder: None,
                ..item.clone()
            };
            row.queued_at = row.queued_at.or(Some(turn.now));
            self.end_session(turn, sequence, holder, AgentResult::LoggedOut)?;
            let mut change = Change::of(row, JournalEvent::AgentLost, Actor::Engine);
            change.data.push(("agent", self.user_name(agent)));
            self.put_change(turn, &item, change);
        }
        Ok(())
    }
}
