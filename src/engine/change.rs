//! Changing items that exist: update, cancel, abort.

use crate::domain::answer::{Receipt, Status};
use crate::domain::code::Code;
use crate::domain::content::{Attachment, Content, Expiry};
use crate::domain::item::{Ending, Item, ItemEvent, ItemState, transition};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::message::{Address, Changes, Update};
use crate::domain::outcome::Outcome;
use crate::domain::policy::{ATTACHMENTS_BYTES_MAX, LIFETIME_MAX_MS};
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::rules::{CONTACT_DATA_ITEMS_MAX, check_contact_data, is_work_item};
use crate::domain::time::Timestamp;
use crate::routing::core::Place;
use crate::store::{AnsweredRequest, AuditEntry, KnownReference, Store, StoreError};

use super::Engine;
use super::command::{AbortItem, CancelItem, Command, Pending, Reply, ResolveItem, UpdateItem};
use super::directory::SenderEntry;
use super::submit::{Decision, unknown_sender};
use super::turn::{Change, Turn};

/// Attachments of one item.
const ATTACHMENTS_MAX: usize = 10;

/// What a sender's address leads to.
enum Found {
    /// Nothing of this sender's.
    Nothing,
    /// An item that this turn has changed already.
    Busy,
    /// An item as it is stored.
    Item(Box<Item>),
}

impl<S: Store> Engine<S> {
    pub(super) fn update(
        &mut self,
        turn: &mut Turn,
        request: Box<UpdateItem>,
        reply: Reply<Receipt>,
    ) -> Result<(), StoreError> {
        let Some(sender) = self.directory.sender(&request.sender.name) else {
            turn.pending
                .push(Pending::Receipt(reply, Err(unknown_sender())));
            return Ok(());
        };
        let found = self.find(turn, sender, &request.update.address)?;
        let blobs: Vec<_> = request.attachments.iter().map(|file| file.blob).collect();
        let result = match found {
            Found::Busy => {
                turn.deferred.push(Command::Update(request, reply));
                return Ok(());
            }
            Found::Nothing => Err(unknown_item()),
            Found::Item(item) => self.update_item(turn, sender, *item, *request)?,
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
        let Some(before) = self.store.content(item.sequence)? else {
            return Err(StoreError::Conflict(format!(
                "item {} has no content",
                item.id
            )));
        };
        if let Some(request_id) = &update.request_id
            && let Some(known) = self.store.find_request(item.sequence, request_id)?
        {
            return Ok(self.repeat(&item, before.reference, &known, &update));
        }
        if let Err(refusal) = self.may_update(&item, &update) {
            return Ok(Err(refusal));
        }
        let after = merged(&before, &update.changes, attachments);
        let mut row = item.clone();
        row.priority = update.changes.priority.unwrap_or(item.priority);
        row.due_by = after.due_by;
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
            row = turn.change(change);
            self.core
                .apply(Some(&Place::from(&item)), &Place::from(&row), turn.now);
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
        Ok(Ok(self.receipt(&row, before.reference, Vec::new())))
    }

    /// The answer to an `@requestId` that was answered before.
    fn repeat(
        &self,
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
            if let Some(service) = service {
                let key = &tenant.work_item_key;
                let faults = check_contact_data(&after.contact_data, service, key, true);
                problems.extend(faults.into_iter().map(|fault| fault.problem));
            }
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

    pub(super) fn cancel(
        &mut self,
        turn: &mut Turn,
        request: Box<CancelItem>,
        reply: Reply<Status>,
    ) -> Result<(), StoreError> {
        let Some(sender) = self.directory.sender(&request.sender.name) else {
            turn.pending
                .push(Pending::Status(reply, Err(unknown_sender())));
            return Ok(());
        };
        let result = match self.find(turn, sender, &request.cancel.address)? {
            Found::Busy => {
                turn.deferred.push(Command::Cancel(request, reply));
                return Ok(());
            }
            Found::Nothing => Err(unknown_item()),
            Found::Item(item) => {
                let end = End {
                    event: ItemEvent::CancelledBySender,
                    journal: JournalEvent::CancelledByExternalSystem,
                    outcome: Outcome::CancelledByExternalSystem,
                    actor: Actor::Sender(sender.id),
                    reason: request.cancel.reason,
                };
                self.end(turn, *item, end)?
            }
        };
        turn.pending.push(Pending::Status(reply, result));
        Ok(())
    }

    pub(super) fn abort(
        &mut self,
        turn: &mut Turn,
        request: Box<AbortItem>,
        reply: Reply<Status>,
    ) -> Result<(), StoreError> {
        if turn.is_new(request.id) {
            turn.deferred.push(Command::Abort(request, reply));
            return Ok(());
        }
        let result = match self.store.find_id(request.id)? {
            None => Err(unknown_item()),
            Some(item) if turn.has_touched(&item) => {
                turn.deferred.push(Command::Abort(request, reply));
                return Ok(());
            }
            Some(item) => {
                let audit = AuditEntry {
                    at: turn.now,
                    actor: request.actor.clone(),
                    verb: "item.abort",
                    tenant: Some(item.tenant),
                    object: item.id.to_string(),
                    data: Vec::new(),
                };
                let end = End {
                    event: ItemEvent::Aborted,
                    journal: JournalEvent::CancelledBySupervisor,
                    outcome: Outcome::CancelledBySupervisor,
                    actor: request.actor,
                    reason: request.reason,
                };
                turn.batch.audit.push(audit);
                self.end(turn, item, end)?
            }
        };
        turn.pending.push(Pending::Status(reply, result));
        Ok(())
    }

    /// Ends an item by somebody's word. Ended that way before: its status again.
    fn end(&mut self, turn: &mut Turn, item: Item, end: End) -> Decision<Status> {
        let Some(content) = self.store.content(item.sequence)? else {
            return Err(StoreError::Conflict(format!(
                "item {} has no content",
                item.id
            )));
        };
        let repeated = item
            .ended
            .is_some_and(|ending| ending.outcome == end.outcome);
        let row = match transition(item.state, end.event) {
            Err(_) if repeated => item,
            Err(_) => return Ok(Err(wrong_state(&item, "ended again"))),
            Ok(state) => {
                let mut row = item.clone();
                row.state = state;
                row.ended = Some(Ending {
                    at: turn.now,
                    outcome: end.outcome,
                });
                let mut change = Change::of(row, end.journal, end.actor);
                change
                    .data
                    .extend(end.reason.map(|reason| ("reason", reason)));
                let row = turn.change(change);
                self.core
                    .apply(Some(&Place::from(&item)), &Place::from(&row), turn.now);
                row
            }
        };
        let entrance = self.entrance_of(&row);
        let service = self.service_name(row.service);
        Ok(Ok(Status::of(&row, content.reference, service, &entrance)))
    }

    pub(super) fn resolve(
        &mut self,
        turn: &mut Turn,
        request: &ResolveItem,
        reply: Reply<crate::domain::ids::Sequence>,
    ) -> Result<(), StoreError> {
        let result = match self.directory.sender(&request.sender.name) {
            None => Err(unknown_sender()),
            Some(sender) => match &request.address {
                Address::Reference(reference) => {
                    match turn.new_by_reference(sender.id, reference) {
                        Some(item) => Ok(item.sequence),
                        None => self.stored(sender, &request.address)?,
                    }
                }
                Address::Id(_) => self.stored(sender, &request.address)?,
            },
        };
        turn.pending.push(Pending::Resolved(reply, result));
        Ok(())
    }

    fn stored(
        &mut self,
        sender: SenderEntry,
        address: &Address,
    ) -> Decision<crate::domain::ids::Sequence> {
        let item = self.find_stored(sender, address)?;
        Ok(item.map(|item| item.sequence).ok_or_else(unknown_item))
    }

    fn find(
        &mut self,
        turn: &Turn,
        sender: SenderEntry,
        address: &Address,
    ) -> Result<Found, StoreError> {
        let is_new = match address {
            Address::Id(id) => turn.is_new(*id),
            Address::Reference(reference) => turn.new_by_reference(sender.id, reference).is_some(),
        };
        if is_new {
            return Ok(Found::Busy);
        }
        Ok(match self.find_stored(sender, address)? {
            None => Found::Nothing,
            Some(item) if turn.has_touched(&item) => Found::Busy,
            Some(item) => Found::Item(Box::new(item)),
        })
    }

    /// The item at the address, if it is this sender's own.
    fn find_stored(
        &mut self,
        sender: SenderEntry,
        address: &Address,
    ) -> Result<Option<Item>, StoreError> {
        let item = match address {
            Address::Id(id) => self.store.find_id(*id)?,
            Address::Reference(reference) => {
                match self.store.find_reference(sender.id, reference)? {
                    Some(KnownReference::Item(item)) => Some(*item),
                    Some(KnownReference::Erased) | None => None,
                }
            }
        };
        Ok(item.filter(|item| item.sender == sender.id))
    }
}

/// How somebody ends an item.
struct End {
    event: ItemEvent,
    journal: JournalEvent,
    outcome: Outcome,
    actor: Actor,
    reason: Option<String>,
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

fn wrong_state(item: &Item, what: &str) -> Refusal {
    let ending = item
        .ended
        .map(|ending| format!(" with outcome {}", ending.outcome.name()));
    let message = format!(
        "The item is {}{}: it cannot be {what}.",
        item.state.name(),
        ending.unwrap_or_default()
    );
    let mut problem = Problem::new(Code::WrongState, message);
    problem.state = Some(if item.ended.is_some() {
        ItemState::Ended
    } else {
        item.state
    });
    problem.into()
}

fn unknown_item() -> Refusal {
    Refusal::new(
        Code::UnknownItem,
        "This sender has no such item: check the id or the reference.",
    )
}
