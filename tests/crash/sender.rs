//! One sender: posts, writes down what it is told, stops when the connection breaks.

use std::sync::mpsc;
use std::time::Instant;

use super::journal::{self, Journal, Told};
use crate::daemon::client::Client;

/// How many items one batch of a batching sender holds.
const BATCH_ITEMS: usize = 7;
/// Every so many items an attaching sender sends one with an attachment.
const ATTACH_EVERY: usize = 5;

/// What kind of messages a sender sends.
#[derive(Debug, Clone, Copy)]
pub enum Habit {
    /// One item a message.
    Single,
    /// `workItems`.
    Batches,
    /// One item a message, some with an attachment of several chunks.
    Attaching,
}

impl Habit {
    /// Of eight senders five post single items, two batches, one attachments.
    pub fn of(number: usize) -> Habit {
        match number {
            5 | 6 => Habit::Batches,
            7 => Habit::Attaching,
            _ => Habit::Single,
        }
    }
}

/// Posts until the connection breaks. Says each receipt to `receipts`. `killed` tells whether the
/// daemon has been killed: a connection that breaks before that is a fault.
pub fn post_until(
    mut client: Client,
    name: &str,
    habit: Habit,
    receipts: &mpsc::Sender<()>,
    killed: impl Fn() -> bool,
) -> Journal {
    let mut journal = Journal::default();
    let mut number = 0;
    while !killed() {
        let size = if matches!(habit, Habit::Batches) {
            BATCH_ITEMS
        } else {
            1
        };
        let items: Vec<_> = (number..number + size).map(|n| item(name, n)).collect();
        number += size;
        let attached = matches!(habit, Habit::Attaching) && number.is_multiple_of(ATTACH_EVERY);
        if !post(&mut client, &items, attached, &mut journal) {
            break;
        }
        for _ in &items {
            // The receiver goes when it has counted enough; that is no fault.
            let _ = receipts.send(());
        }
    }
    journal
}

/// `loans` is open, `claims` closed: both ways of being taken are in every round.
fn item(name: &str, number: usize) -> (String, &'static str) {
    let service = if number.is_multiple_of(2) {
        "loans"
    } else {
        "claims"
    };
    (format!("{name}-{number:05}"), service)
}

/// Whether the sender may go on. What it was told is in the journal either way.
fn post(
    client: &mut Client,
    items: &[(String, &'static str)],
    attached: bool,
    journal: &mut Journal,
) -> bool {
    let sent = Instant::now();
    let mut told: Vec<_> = items
        .iter()
        .map(|(reference, service)| Told {
            reference: reference.clone(),
            service,
            attached,
            sent,
            answered: sent,
            id: None,
        })
        .collect();
    let message = match told.as_slice() {
        [single] => single.message(),
        _ => journal::batch(items),
    };
    let wanted = if items.len() == 1 { 201 } else { 200 };
    let answer = client.post(&message);
    let answered = Instant::now();
    let mut going_on = false;
    if let Ok(answer) = answer {
        let receipts = match answer.status {
            200 | 201 => journal::receipts_in(answer.text()),
            _ => Vec::new(),
        };
        going_on = answer.status == wanted && receipts.len() == told.len();
        if !going_on {
            journal
                .surprises
                .push(format!("{}: {}", answer.status, answer.text()));
        }
        for receipt in receipts {
            match told
                .iter_mut()
                .find(|told| told.reference == receipt.reference)
            {
                Some(told) => {
                    told.id = Some(receipt.id);
                    told.answered = answered;
                }
                None => journal
                    .surprises
                    .push(format!("a receipt not asked for: {receipt:?}")),
            }
        }
    }
    journal.told.append(&mut told);
    going_on
}
