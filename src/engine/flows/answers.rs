//! Answers of a turn that its workflows have made untrue.

use std::collections::HashMap;

use crate::domain::answer::Receipt;
use crate::domain::ids::ItemId;
use crate::domain::item::Item;
use crate::engine::Engine;
use crate::engine::command::Pending;
use crate::engine::turn::Turn;
use crate::store::Store;

impl<S: Store> Engine<S> {
    /// Whoever changed an item is told where it stands now, after its workflow has heard of it.
    pub(in crate::engine) fn answer_as_it_became(&mut self, turn: &mut Turn) {
        if turn.led.is_empty() {
            return;
        }
        let led = turn.led.iter().filter_map(|it| turn.changed_row(*it));
        let led: HashMap<ItemId, Item> = led.map(|row| (row.id, row.clone())).collect();
        let mut pending = std::mem::take(&mut turn.pending);
        for answer in &mut pending {
            match answer {
                Pending::Acted(_, Ok(acted)) if turn.led.contains(&acted.sequence) => {
                    if let Some(row) = turn.row(acted.sequence) {
                        (acted.state, acted.version) = (row.state, row.version);
                    }
                }
                Pending::Receipt(_, Ok(receipt)) => self.read_again(&led, receipt),
                Pending::Acted(..)
                | Pending::Receipt(..)
                | Pending::Entries(..)
                | Pending::Status(..)
                | Pending::Entrance(..)
                | Pending::Resolved(..)
                | Pending::Notifications(_)
                | Pending::Flows(_)
                | Pending::People(..)
                | Pending::Done(..)
                | Pending::Located(..) => {}
            }
        }
        turn.pending = pending;
        let mut requests = std::mem::take(&mut turn.batch.requests);
        for request in &mut requests {
            // A repeat is told what the first was.
            let row = turn.changed_row(request.sequence);
            if let Some(row) = row.filter(|row| row.version == request.version) {
                request.state = row.state;
            }
        }
        turn.batch.requests = requests;
    }

    /// Of a new item the receipt was written after its workflow had begun.
    fn read_again(&mut self, led: &HashMap<ItemId, Item>, receipt: &mut Receipt) {
        let row = receipt.id.and_then(|id| led.get(&id));
        let row = row.filter(|row| row.version == receipt.version);
        if let Some(row) = row.filter(|_| !receipt.duplicate && !receipt.dry_run) {
            let warnings = std::mem::take(&mut receipt.warnings);
            *receipt = self.receipt(row, receipt.reference.clone(), warnings);
        }
    }
}
