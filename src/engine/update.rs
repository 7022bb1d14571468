//! A sender changes an item: what `update` may do, and what it leaves.

use std::sync::Arc;

use crate::domain::answer::Receipt;
use crate::domain::code::Code;
use crate::domain::content::{Attachment, Content, Expiry};
use crate::domain::item::{Item, ItemEvent, transition};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::message::{Changes, Update};
use crate::domain::policy::{ATTACHMENTS_BYTES_MAX, LIFETIME_MAX_MS};
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::rules::{CONTACT_DATA_ITEMS_MAX, check_contact_data, is_work_item, size_fault};
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;
use crate::store::{AnsweredRequest, Store, StoreError};

use super::Engine;
use super::command::{Command, Pending, Reply, UpdateItem};
use super::directory::SenderEntry;
use super::end::wrong_state;
use super::find::{Found, unknown_item};
use super::submit::{Decision, unknown_sender};
use super::turn::{Change, Turn};

/// Attachments of one item.
const ATTACHMENTS_MAX: usize = 10;

impl<S: Store> Engine<S> {
    pub(super) fn update(
        &mut self,
        turn: &mut Turn,
        request: Box<UpdateItem>,
        reply: Reply<Receipt>,
    ) -> Result<(), StoreError> {
        let blobs: Vec<_> = request.attachments.iter().map(|file| file.blob).collect();
        let Some(sender) = self.directory.caller(&request.sender) else {
            turn.batch.dropped_blobs.extend(blobs);
            turn.pending
                .push(Pending::Receipt(reply, Err(unknown_sender())));
            return Ok(());
        };
        let decision = match self.find(turn, sender, &request.update.address) {
            Err(error) => Err(error),
            Ok(Found::Busy) => {
                if turn.deferring_is_full() {
                    turn.batch.dropped_blobs.extend(blobs);
                }
                let again = |reply| Command::Update(request, reply);
                turn.defer(reply, again, Pending::Receipt);
                return Ok(());
            }
            Ok(Found::Nothing) => Ok(Err(unknown_item())),
            Ok(Found::Item(item)) => self.update_item(turn, sender, *item, *request),
        };
        let result = match decision {
            Ok(result) => result,
            Err(error) => return turn.fail(error, reply, Pending::Receipt),
        };
        if !matches!(&result, Ok(receipt) if !receipt.duplicate) {
            turn.batch.dropped_blobs.extend(blobs);
        }
        turn.pending.push(Pending::Receipt(reply, result));
        Ok(())
    }

    fn update_item(
        &mut self,
        turn: &mut Turn,
        sender: SenderEntry,
        item: Item,
        request: UpdateItem,
    ) -> Decision<Receipt> {
        let UpdateItem {
            update,
            attachments,
            ..
        } = request;
        let before = self.content_of(&item)?;
        if let Some(request_id) = &update.request_id
            && let Some(known) = self.store.find_request(item.sequence, request_id)?
        {
            return Ok(self.repeat(&item, before.reference, &known, &update));
        }
        if let Err(refusal) = self.may_update(&item, &update) {
            return Ok(Err(refusal));
        }
        if let Err(refusal) = self.uploads.check(&attachments, &turn.batch.chunks) {
            return Ok(Err(refusal));
        }
        let after = merged(&before, &update.changes, attachments);
        let mut row = item.clone();
        row.priority = update.changes.priority.unwrap_or(item.priority);
        row.due_by = after.due_by;
        if before.preferred_agents != after.preferred_agents {
            let preferred = after.preferred_agents.as_ref();
            let wish = Wish::with_preferred(row.wish.as_deref(), preferred, turn.now);
            row.wish = wish.map(Arc::new);
        }
        row.expires_at = match update.changes.expiry {
            Some(Expiry::At(at)) => Some(at),
            Some(Expiry::Lifetime { ms }) => Some(turn.now.plus_ms(ms)),
            None => item.expires_at,
        };
        let problems = self.problems_after(&row, &after, &update.changes, turn.now);
        if let Some(refusal) = Refusal::of(problems) {
            return Ok(Err(refusal));
        }
        let fields = changed_fields(&before, &after, &item, &row);
        if !fields.is_empty() {
            let change = Change {
                data: vec![("fields", fields.join(" "))],
                content: (before != after).then_some(after),
                raw: Some(update.raw),
                ..Change::of(row, JournalEvent::Updated, Actor::Sender(sender.id))
            };
            row = self.put_change(turn, &item, change);
        }
        if let Some(request_id) = update.request_id {
            turn.batch.requests.push(AnsweredRequest {
                sequence: row.sequence,
                request_id,
                content_digest: update.content_digest,
                version: row.version,
                state: row.state,
                at: turn.now,
            });
            turn.touch(&row);
        }
        let mut warnings = self.agent_warnings(&row, update.changes.preferred_agents.as_ref());
        warnings.extend(self.timing_warning(&row));
        Ok(Ok(self.receipt(&row, before.reference, warnings)))
    }

    /// The answer to an `@requestId` that was answered before.
    fn repeat(
        &mut self,
        item: &Item,
        reference: String,
        known: &AnsweredRequest,
        update: &Update,
    ) -> Result<Receipt, Refusal> {
        if known.content_digest != update.content_digest {
            return Err(Refusal::new(
                Code::DuplicateReference,
                "This requestId was used for another update of the item: give each change a new \
                 one.",
            ));
        }
        let receipt = self.receipt(item, reference, Vec::new());
        Ok(Receipt {
            version: known.version,
            state: known.state,
            duplicate: true,
            ..receipt
        })
    }

    fn may_update(&self, item: &Item, update: &Update) -> Result<(), Refusal> {
        self.intake_is_open()?;
        if transition(item.state, ItemEvent::Updated).is_err() {
            return Err(wrong_state(item, "changed"));
        }
        if let Some(expected) = update.if_version
            && expected != item.version
        {
            let message = format!(
                "The item has version {}, not {expected}: query it and decide again.",
                item.version
            );
            return Err(Refusal::new(Code::VersionConflict, message));
        }
        Refusal::of(update.problems.clone()).map_or(Ok(()), Err)
    }

    /// The semantic rules that the updated item would break.
    fn problems_after(
        &self,
        row: &Item,
        after: &Content,
        changes: &Changes,
        now: Timestamp,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        let tenant = self.directory.tenant(row.tenant);
        let service = self
            .core
            .service(row.service)
            .and_then(|service| service.policy.as_ref());
        if let (Some(tenant), false) = (tenant, changes.contact_data.is_empty()) {
            if !is_work_item(&after.contact_data, &tenant.work_item_key) {
                let message = format!("The work item key {} needs a value.", tenant.work_item_key);
                problems.push(Problem::new(Code::NotAWorkItem, message));
            }
            let faults = match service {
                Some(service) => {
                    let key = &tenant.work_item_key;
                    check_contact_data(&after.contact_data, service, key, true)
                }
                // Retired: its declarations are gone, the limit is not.
                None => size_fault(&after.contact_data).into_iter().collect(),
            };
            problems.extend(faults.into_iter().map(|fault| fault.problem));
        }
        if after.contact_data.len() > CONTACT_DATA_ITEMS_MAX {
            let message = format!("The item would have more than {CONTACT_DATA_ITEMS_MAX} keys.");
            problems.push(Problem::new(Code::ContactDataTooLarge, message));
        }
        if changes.expiry.is_some() {
            problems.extend(row.expires_at.and_then(|at| expiry_problem(at, now)));
        }
        let bytes: u64 = after.attachments.iter().map(|file| file.length_bytes).sum();
        if after.attachments.len() > ATTACHMENTS_MAX || bytes > ATTACHMENTS_BYTES_MAX {
            let message = format!(
                "The item would have {} attachments with {bytes} bytes; {ATTACHMENTS_MAX} with \
                 {ATTACHMENTS_BYTES_MAX} bytes in all are allowed.",
                after.attachments.len()
            );
            problems.push(Problem::new(Code::TooLarge, message));
        }
        problems
    }
}

/// The values after an update: lists replace as a whole, contact data merges, attachments add.
fn merged(before: &Content, changes: &Changes, attachments: Vec<Attachment>) -> Content {
    let mut after = before.clone();
    let Changes {
        title,
        description,
        priority,
        customer,
        preferred_agents,
        due_by,
        expiry,
        links,
        tags,
        contact_data,
    } = changes.clone();
    after.title = title.or(after.title);
    after.description = description.or(after.description);
    after.priority = priority.or(after.priority);
    after.customer = customer.or(after.customer);
    after.preferred_agents = match preferred_agents {
        Some(wish) if wish.agents.is_empty() => None,
        Some(wish) => Some(wish),
        None => after.preferred_agents,
    };
    after.due_by = due_by.or(after.due_by);
    after.expiry = expiry.or(after.expiry);
    after.links = links.unwrap_or(after.links);
    after.tags = tags.unwrap_or(after.tags);
    for datum in contact_data {
        match after
            .contact_data
            .iter_mut()
            .find(|known| known.key == datum.key)
        {
            Some(known) => known.value = datum.value,
            None => after.contact_data.push(datum),
        }
    }
    after.attachments.extend(attachments);
    after
}

/// Names of what an update really changes; empty: nothing.
fn changed_fields(before: &Content, after: &Content, item: &Item, row: &Item) -> Vec<&'static str> {
    let changes = [
        ("title", before.title != after.title),
        ("description", before.description != after.description),
        ("priority", item.priority != row.priority),
        ("customer", before.customer != after.customer),
        (
            "preferredAgents",
            before.preferred_agents != after.preferred_agents,
        ),
        ("dueBy", before.due_by != after.due_by),
        ("expiresAt", item.expires_at != row.expires_at),
        ("links", before.links != after.links),
        ("tags", before.tags != after.tags),
        ("contactData", before.contact_data != after.contact_data),
        ("attachments", before.attachments != after.attachments),
    ];
    changes
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(name, _)| name)
        .collect()
}

fn expiry_problem(at: Timestamp, now: Timestamp) -> Option<Problem> {
    let ahead_ms = at.since_ms(now);
    let message = if ahead_ms <= 0 {
        "The new expiry is not later than now: cancel the item instead."
    } else if ahead_ms > LIFETIME_MAX_MS {
        "The new expiry is more than 14 days from now."
    } else {
        return None;
    };
    Some(Problem::new(Code::TimeOutOfRange, message))
}
