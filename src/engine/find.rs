//! From a sender's address to the row it means. A sender sees only its own items.

use crate::domain::code::Code;
use crate::domain::ids::Sequence;
use crate::domain::item::Item;
use crate::domain::message::Address;
use crate::domain::refusal::Refusal;
use crate::store::{KnownReference, Store, StoreError};

use super::Engine;
use super::command::{Pending, Reply, ResolveItem};
use super::directory::SenderEntry;
use super::submit::{Decision, unknown_sender};
use super::turn::Turn;

/// What a sender's address leads to.
pub(super) enum Found {
    /// Nothing of this sender's.
    Nothing,
    /// An item that this turn has changed already.
    Busy,
    /// An item as it is stored.
    Item(Box<Item>),
}

impl<S: Store> Engine<S> {
    pub(super) fn resolve(
        &mut self,
        turn: &mut Turn,
        request: &ResolveItem,
        reply: Reply<Sequence>,
    ) -> Result<(), StoreError> {
        match self.sequence_at(turn, request) {
            Ok(result) => turn.pending.push(Pending::Resolved(reply, result)),
            Err(error) => return turn.fail(error, reply, Pending::Resolved),
        }
        Ok(())
    }

    /// The trace that the item's message came in with.
    pub(super) fn trace_of(
        &mut self,
        turn: &Turn,
        item: &Item,
    ) -> Result<Option<String>, StoreError> {
        match turn.is_new(item.id) {
            true => Ok(turn.new_trace(item.sequence)),
            false => self.store.traceparent(item.sequence),
        }
    }

    fn sequence_at(&mut self, turn: &Turn, request: &ResolveItem) -> Decision<Sequence> {
        let Some(sender) = self.directory.caller(&request.sender) else {
            return Ok(Err(unknown_sender()));
        };
        let new = match &request.address {
            Address::Reference(reference) => turn.new_by_reference(sender.id, reference),
            Address::Id(_) => None,
        };
        match new {
            Some(item) => Ok(Ok(item.sequence)),
            None => self.stored(sender, &request.address),
        }
    }

    fn stored(&mut self, sender: SenderEntry, address: &Address) -> Decision<Sequence> {
        let item = self.find_stored(sender, address)?;
        Ok(item.map(|item| item.sequence).ok_or_else(unknown_item))
    }

    pub(super) fn find(
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

/// The refusal of an address that leads to nothing of this sender's.
pub(super) fn unknown_item() -> Refusal {
    Refusal::new(
        Code::UnknownItem,
        "This sender has no such item: check the id or the reference.",
    )
}
