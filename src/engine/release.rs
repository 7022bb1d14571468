//! What happens by itself: timers that fire and entrances that let items in.

use std::sync::Arc;

use crate::domain::ids::Sequence;
use crate::domain::item::{Ending, Holder, Item, ItemEvent, ItemState, Placement, transition};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::session::{AgentResult, ServiceResult};
use crate::domain::wish::Wish;
use crate::routing::core::Due;
use crate::store::{Store, StoreError};
use crate::workflow::run::Happening;

use super::Engine;
use super::turn::{Change, Heard, Turn};

/// Timers that fire in one turn, at most.
const TIMERS_PER_TURN: usize = 1_000;
/// Items let in by one turn that also has commands, beyond as many as it took in: intake must not
/// feel it, and yet the buffer must become empty while newcomers join it.
const RELEASES_PER_BUSY_TURN: usize = 64;
/// Items let in by one turn without commands.
const RELEASES_PER_IDLE_TURN: usize = 2_000;

impl<S: Store> Engine<S> {
    /// Lets due timers fire, earliest first.
    pub(super) fn fire_timers(&mut self, turn: &mut Turn) -> Result<(), StoreError> {
        let mut due = Vec::new();
        while due.len() < TIMERS_PER_TURN
            && let Some(next) = self.core.pop_due(turn.now)
        {
            due.push(next);
        }
        if due.is_empty() {
            return Ok(());
        }
        let sequences: Vec<Sequence> = due.iter().map(|due| sequence_of(*due)).collect();
        let items = self.store.items(&sequences)?;
        let mut items = items.into_iter().peekable();
        for due in due {
            // Rows come in the order asked for; one that is gone is left out.
            let Some(item) = items.next_if(|item| item.sequence == sequence_of(due)) else {
                continue;
            };
            if turn.has_touched(&item) {
                continue;
            }
            self.fire(turn, item, due)?;
        }
        Ok(())
    }

    /// The row decides whether the timer still means anything.
    fn fire(&mut self, turn: &mut Turn, item: Item, due: Due) -> Result<(), StoreError> {
        let expired = item.expiry_in_force().is_some_and(|at| at <= turn.now);
        let started = item.not_before.is_none_or(|start| start <= turn.now);
        match due {
            Due::Expire(_) | Due::Start(_) if expired => {
                let outcome = item.expiry_outcome();
                let Ok(state) = transition(item.state, ItemEvent::Expired) else {
                    return Ok(());
                };
                let mut row = item.clone();
                row.state = state;
                row.ended = Some(Ending::of(turn.now, outcome));
                Self::leave_service(turn, &item, ServiceResult::Ended(outcome));
                let mut change = Change::of(row, JournalEvent::Expired, Actor::Engine);
                change.data.push(("outcome", outcome.name().to_owned()));
                self.put_change(turn, &item, change);
            }
            Due::Start(_) if started && item.flow.is_some() => {
                let event = ItemEvent::WorkflowBegan;
                let Ok(state) = transition(item.state, event) else {
                    return Ok(());
                };
                let row = Item {
                    state,
                    ..item.clone()
                };
                let mut change = Change::of(row, JournalEvent::StartReached, Actor::Engine);
                change.data.push(("state", state.name().to_owned()));
                self.put_change(turn, &item, change);
            }
            Due::Start(_) if started => {
                let placement = self.core.placement(item.service);
                let event = ItemEvent::StartReached(placement);
                let Ok(state) = transition(item.state, event) else {
                    return Ok(());
                };
                let mut row = item.clone();
                row.state = state;
                if placement == Placement::Queued {
                    row.queued_at = Some(turn.now);
                    row.wish = Wish::from_now(row.wish, turn.now);
                }
                let mut change = Change::of(row, JournalEvent::StartReached, Actor::Engine);
                change.data.push(("state", state.name().to_owned()));
                self.put_change(turn, &item, change);
            }
            Due::Unpark(_) => return self.unpark(turn, &item),
            Due::Flow(_) => turn.heard.push_back(Heard {
                sequence: item.sequence,
                happening: Happening::Time,
                row: Some(item),
            }),
            Due::Expire(_) | Due::Start(_) => {}
        }
        Ok(())
    }

    /// The time an item was parked until has come: back to its old place, the same agent first.
    fn unpark(&mut self, turn: &mut Turn, item: &Item) -> Result<(), StoreError> {
        let over = |holder: &Holder| holder.parked_until.is_some_and(|until| until <= turn.now);
        let holder = item.holder.filter(over);
        let (Some(holder), Ok(state)) = (holder, transition(item.state, ItemEvent::ParkingOver))
        else {
            return Ok(());
        };
        let agent = self.user_name(holder.agent);
        let wish = Wish::first_to(item.wish.as_deref(), &agent, false, turn.now);
        let mut row = Item {
            state,
            wish: Some(Arc::new(wish)),
            ..item.clone()
        };
        self.take_out_of_hands(turn, &mut row, AgentResult::Parked)?;
        let mut change = Change::of(row, JournalEvent::ParkingOver, Actor::Engine);
        change.data.push(("agent", agent));
        self.put_change(turn, item, change);
        Ok(())
    }

    /// Lets items in through open entrances, in order, beside running intake.
    pub(super) fn release(&mut self, turn: &mut Turn, busy: bool) -> Result<(), StoreError> {
        let limit = if busy {
            RELEASES_PER_BUSY_TURN + turn.batch.new_items.len()
        } else {
            RELEASES_PER_IDLE_TURN
        };
        let sequences = self.core.releasable(limit);
        if sequences.is_empty() {
            return Ok(());
        }
        let committed = self.store.items(&sequences)?;
        if committed.len() < sequences.len() && turn.batch.new_items.is_empty() {
            return Err(StoreError::Conflict(
                "a buffered item has no row".to_owned(),
            ));
        }
        for item in committed {
            // Changed in this turn: it is let in by the next. The queue sorts by itself.
            if turn.has_touched(&item) {
                continue;
            }
            if item.state != ItemState::Buffered {
                return Err(StoreError::Conflict(format!(
                    "item {} is not buffered",
                    item.id
                )));
            }
            let state = transition(item.state, ItemEvent::Released)
                .expect("a buffered item can be released");
            let mut row = item.clone();
            row.state = state;
            row.queued_at = row.queued_at.or(Some(turn.now));
            row.wish = Wish::from_now(row.wish, turn.now);
            let change = Change::of(row, JournalEvent::Released, Actor::Engine);
            self.put_change(turn, &item, change);
        }
        Ok(())
    }
}

fn sequence_of(due: Due) -> Sequence {
    match due {
        Due::Start(sequence)
        | Due::Expire(sequence)
        | Due::Unpark(sequence)
        | Due::Flow(sequence) => sequence,
    }
}
