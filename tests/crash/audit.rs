//! Compares what the daemon holds after a restart with what the senders were told. Every function
//! returns its findings as sentences; none means the promise was kept.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::journal::{self, Journal, Receipt, Told};
use crate::daemon::Daemon;
use crate::daemon::client::{Answer, Client};

/// Pages of 500: far more than any campaign fills, so that a cursor that stands still is noticed.
const PAGES_MAX: usize = 1_000;

/// Looks for every receipt by id, by reference and in the list, and judges the list's order.
pub fn audit(daemon: &Daemon, journal: &Journal) -> Vec<String> {
    let mut found = journal.surprises.clone();
    let mut client = daemon.sender();
    let listed = list(&mut client, &mut found);
    found.extend(judge_list(journal, &listed));
    for (told, id) in journal.receipts() {
        found.extend(look_up(&mut client, told, id));
    }
    found
}

/// Every item of the sender, as `query` lists it from the start and `GET ?since=` goes on.
fn list(client: &mut Client, found: &mut Vec<String>) -> Vec<Receipt> {
    let query = "<query xmlns=\"urn:anteroom:work-item:1\"/>";
    let mut answer = client
        .post(query)
        .unwrap_or_else(|fault| panic!("query: {fault}"));
    let mut listed = Vec::new();
    for _ in 0..PAGES_MAX {
        if answer.status != 200 {
            found.push(format!("the list: {} {}", answer.status, answer.text()));
            return listed;
        }
        let page = journal::receipts_in(answer.text());
        let next = journal::next_in(answer.text());
        let empty = page.is_empty();
        listed.extend(page);
        match next {
            Some(next) if !empty => {
                answer = read(
                    client,
                    &format!("/v1/work-items?since={}", percent_encoded(&next)),
                );
            }
            _ => return listed,
        }
    }
    found.push(format!("the list does not end after {PAGES_MAX} pages"));
    listed
}

/// A cursor is the daemon's own matter and may hold any character.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn judge_list(journal: &Journal, listed: &[Receipt]) -> Vec<String> {
    let mut found = Vec::new();
    let mut references = HashSet::new();
    let mut ids = HashSet::new();
    for item in listed {
        if !references.insert(item.reference.as_str()) || !ids.insert(item.id.as_str()) {
            found.push(format!("stored twice: {item:?}"));
        }
    }
    let by_reference: HashMap<_, _> = journal
        .told
        .iter()
        .map(|told| (told.reference.as_str(), told))
        .collect();
    for (told, id) in journal.receipts() {
        if !ids.contains(id) {
            found.push(format!("receipted but not listed: {told:?}"));
        }
    }
    // In the order of receipt, nothing stands behind what was sent only after its own answer.
    let mut latest: Option<&Told> = None;
    for item in listed {
        let Some(&told) = by_reference.get(item.reference.as_str()) else {
            found.push(format!("never sent: {item:?}"));
            continue;
        };
        if let Some(earlier) = latest
            && told.id.is_some()
            && told.answered < earlier.sent
        {
            found.push(format!(
                "out of order: {} before {}",
                earlier.reference, told.reference
            ));
        }
        if told.id.is_some() && latest.is_none_or(|earlier| earlier.sent < told.sent) {
            latest = Some(told);
        }
    }
    found
}

/// A receipted item, by its id and by its reference.
fn look_up(client: &mut Client, told: &Told, id: &str) -> Vec<String> {
    let mut found = Vec::new();
    let states: &[&str] = match told.service {
        "claims" => &["buffered"],
        // A campaign can fill the queue; then the entrance closes and newcomers are buffered.
        _ => &["queued", "buffered"],
    };
    let by_id = format!("/v1/work-items/{id}");
    let by_reference = format!("/v1/work-items?reference={}", told.reference);
    for path in [by_id, by_reference] {
        let answer = read(client, &path);
        let statuses = match answer.status {
            200 => journal::receipts_in(answer.text()),
            _ => Vec::new(),
        };
        let right = |status: &Receipt| {
            status.id == id
                && status.reference == told.reference
                && states.contains(&status.state.as_str())
        };
        if !matches!(statuses.as_slice(), [status] if right(status)) {
            found.push(format!(
                "{path} of {told:?}: {} {}",
                answer.status,
                answer.text()
            ));
        }
    }
    found
}

/// Sends it all again. What had a receipt, or was stored without one, answers as a duplicate with
/// the same id; what was never stored is created now and joins the receipted.
pub fn resend(daemon: &Daemon, told: &mut [Told]) -> Vec<String> {
    let mut client = daemon.sender();
    let mut found = Vec::new();
    for told in told {
        let stored = match &told.id {
            Some(id) => Some(id.clone()),
            None => find_unreceipted(&mut client, told, &mut found),
        };
        let sent = Instant::now();
        let answer = client
            .post(&told.message())
            .expect("a running daemon answers");
        let receipts = match answer.status {
            200 | 201 => journal::receipts_in(answer.text()),
            _ => Vec::new(),
        };
        let wanted = if stored.is_some() { 200 } else { 201 };
        match receipts.as_slice() {
            [receipt]
                if answer.status == wanted
                    && receipt.duplicate == stored.is_some()
                    && stored.as_ref().is_none_or(|id| *id == receipt.id) =>
            {
                if stored.is_none() {
                    told.sent = sent;
                }
                if told.id.is_none() {
                    told.id = Some(receipt.id.clone());
                    told.answered = Instant::now();
                }
            }
            _ => found.push(format!(
                "sent again {told:?}: {} {}",
                answer.status,
                answer.text()
            )),
        }
    }
    found
}

/// The id of an item that was stored though no receipt arrived, if it was.
fn find_unreceipted(client: &mut Client, told: &Told, found: &mut Vec<String>) -> Option<String> {
    let answer = read(
        client,
        &format!("/v1/work-items?reference={}", told.reference),
    );
    let statuses = match answer.status {
        200 => journal::receipts_in(answer.text()),
        404 => return None,
        _ => Vec::new(),
    };
    match statuses.as_slice() {
        [status] => Some(status.id.clone()),
        _ => {
            let (status, text) = (answer.status, answer.text());
            found.push(format!("asked for {}: {status} {text}", told.reference));
            None
        }
    }
}

fn read(client: &mut Client, path: &str) -> Answer {
    client
        .read(path)
        .unwrap_or_else(|fault| panic!("GET {path}: {fault}"))
}

#[cfg(test)]
mod tests {
    //! An audit that finds nothing is worth something only if it finds what is planted.

    use std::time::{Duration, Instant};

    use super::super::journal::{Journal, Receipt, Told};
    use super::judge_list;

    /// Three receipted one after another, and a fourth without a receipt.
    fn journal() -> Journal {
        let start = Instant::now();
        let told = |number: u64| Told {
            reference: format!("r{number}"),
            service: "loans",
            attached: false,
            sent: start + Duration::from_millis(10 * number),
            answered: start + Duration::from_millis(10 * number + 5),
            id: (number < 3).then(|| format!("id{number}")),
        };
        Journal {
            told: (0..4).map(told).collect(),
            surprises: Vec::new(),
        }
    }

    fn listed(numbers: &[u64]) -> Vec<Receipt> {
        let receipt = |number: &u64| Receipt {
            id: format!("id{number}"),
            reference: format!("r{number}"),
            state: "queued".to_owned(),
            duplicate: false,
            reason: String::new(),
        };
        numbers.iter().map(receipt).collect()
    }

    #[test]
    fn a_kept_promise_has_no_findings_with_or_without_the_unreceipted() {
        assert_eq!(
            judge_list(&journal(), &listed(&[0, 1, 2])),
            Vec::<String>::new()
        );
        assert_eq!(
            judge_list(&journal(), &listed(&[0, 1, 2, 3])),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_lost_receipt_a_double_a_wrong_order_and_a_stranger_are_each_found() {
        for (numbers, finding) in [
            (&[0, 2][..], "receipted but not listed"),
            (&[0, 1, 2, 3, 3], "stored twice"),
            (&[1, 0, 2], "out of order"),
            (&[0, 1, 2, 4], "never sent"),
        ] {
            let found = judge_list(&journal(), &listed(numbers));
            assert_eq!(found.len(), 1, "{numbers:?}: {found:?}");
            assert!(found[0].starts_with(finding), "{numbers:?}: {found:?}");
        }
    }
}
