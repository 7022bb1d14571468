//! Notifications in memory. The same answers as those of the store on disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::ids::{SenderId, Sequence};
use crate::domain::notification::{
    Attempt, AttemptResult, Attempts, DeliveryState, NewNotification, Notification, NotificationId,
};
use crate::domain::time::Timestamp;
use crate::store::{Batch, StoreError};

/// Every notification there ever was, by item and number.
#[derive(Debug, Clone, Default)]
pub(super) struct Outbox {
    rows: BTreeMap<(Sequence, u32), Row>,
    places: HashMap<NotificationId, (Sequence, u32)>,
    /// What may be tried next: sender, when, place.
    next: BTreeSet<(SenderId, Timestamp, (Sequence, u32))>,
}

#[derive(Debug, Clone)]
struct Row {
    new: NewNotification,
    state: DeliveryState,
    attempts: Attempts,
    next_at: Option<Timestamp>,
}

impl Outbox {
    /// Whether the batch can be applied.
    pub(super) fn check(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut ids = BTreeSet::new();
        for NewNotification { id, .. } in &batch.notifications {
            if self.places.contains_key(id) || !ids.insert(*id) {
                return Err(StoreError::Conflict(format!("notification {id} is there")));
            }
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, batch: &Batch) {
        for new in &batch.notifications {
            self.insert(new);
        }
        for attempt in &batch.attempts {
            self.mark(attempt);
        }
        for replay in &batch.replays {
            if let Some(place) = self.place(replay.id, DeliveryState::Parked) {
                self.set(place, DeliveryState::Due, Attempts::default());
                self.advance(place.0, replay.at);
            }
        }
    }

    fn insert(&mut self, new: &NewNotification) {
        let last = self.of_item(new.item).next_back();
        let place = (new.item, last.map_or(1, |((_, number), _)| number + 1));
        self.places.insert(new.id, place);
        let row = Row {
            new: new.clone(),
            state: DeliveryState::Due,
            attempts: Attempts::default(),
            next_at: None,
        };
        self.rows.insert(place, row);
        self.advance(new.item, new.at);
    }

    fn mark(&mut self, attempt: &Attempt) {
        let Some(place) = self.place(attempt.id, DeliveryState::Due) else {
            return;
        };
        let row = &self.rows[&place];
        let failed = |error: &String| Attempts {
            failed: row.attempts.failed + 1,
            failing_since: row.attempts.failing_since.or(Some(attempt.at)),
            error: Some(error.clone()),
        };
        match &attempt.result {
            AttemptResult::Delivered => {
                self.set(place, DeliveryState::Delivered, Attempts::default());
                self.advance(place.0, attempt.at);
            }
            AttemptResult::Failed { error, next_at } => {
                if row.next_at.is_some() {
                    let attempts = failed(error);
                    self.set(place, DeliveryState::Due, attempts);
                    self.put_in_front(place, *next_at);
                }
            }
            AttemptResult::Parked { error } => {
                let attempts = failed(error);
                self.set(place, DeliveryState::Parked, attempts);
                self.advance(place.0, attempt.at);
            }
        }
    }

    fn of_item(&self, item: Sequence) -> impl DoubleEndedIterator<Item = (&(Sequence, u32), &Row)> {
        self.rows.range((item, 0)..=(item, u32::MAX))
    }

    fn place(&self, id: NotificationId, state: DeliveryState) -> Option<(Sequence, u32)> {
        let place = *self.places.get(&id)?;
        (self.rows[&place].state == state).then_some(place)
    }

    /// Changes a row and takes it from the front.
    fn set(&mut self, place: (Sequence, u32), state: DeliveryState, attempts: Attempts) {
        let row = self.rows.get_mut(&place).expect("its place is known");
        if let Some(next_at) = row.next_at.take() {
            self.next.remove(&(row.new.sender, next_at, place));
        }
        row.state = state;
        row.attempts = attempts;
    }

    fn put_in_front(&mut self, place: (Sequence, u32), at: Timestamp) {
        let row = self.rows.get_mut(&place).expect("its place is known");
        row.next_at = Some(at);
        self.next.insert((row.new.sender, at, place));
    }

    /// The next of the item comes to the front, if nobody stands there.
    fn advance(&mut self, item: Sequence, at: Timestamp) {
        if self.of_item(item).any(|(_, row)| row.next_at.is_some()) {
            return;
        }
        let first = self
            .of_item(item)
            .find(|(_, row)| row.state == DeliveryState::Due)
            .map(|(place, row)| (*place, at.max(row.new.at)));
        if let Some((place, at)) = first {
            self.put_in_front(place, at);
        }
    }

    /// Of every sender the first that may be tried, with an empty reference.
    pub(super) fn next(&self, per_sender: usize) -> Vec<Notification> {
        let mut found: Vec<Notification> = Vec::new();
        let mut of_sender = 0;
        for (sender, _, place) in &self.next {
            if found.last().is_none_or(|last| last.sender != *sender) {
                of_sender = 0;
            }
            if of_sender < per_sender {
                found.push(self.notification(*place));
            }
            of_sender += 1;
        }
        found
    }

    /// A page of the parked ones, with an empty reference.
    pub(super) fn parked(&self, after: Option<NotificationId>, limit: usize) -> Vec<Notification> {
        let mut parked: Vec<_> = self
            .rows
            .iter()
            .filter(|(_, row)| row.state == DeliveryState::Parked)
            .filter(|(_, row)| after.is_none_or(|after| row.new.id > after))
            .map(|(place, row)| (row.new.id, *place))
            .collect();
        parked.sort();
        let page = parked.into_iter().take(limit);
        page.map(|(_, place)| self.notification(place)).collect()
    }

    fn notification(&self, place: (Sequence, u32)) -> Notification {
        let row = &self.rows[&place];
        let NewNotification {
            id,
            item,
            sender,
            event,
            at,
            status,
            traceparent,
        } = row.new.clone();
        Notification {
            id,
            item,
            number: place.1,
            sender,
            event,
            at,
            status,
            traceparent,
            attempts: row.attempts.clone(),
            next_at: row.next_at,
        }
    }

    /// Every notification of an item, by number, with how far it is.
    pub(super) fn all(
        &self,
        item: Sequence,
    ) -> impl Iterator<Item = (u32, &NewNotification, DeliveryState)> {
        self.of_item(item)
            .map(|((_, number), row)| (*number, &row.new, row.state))
    }
}
