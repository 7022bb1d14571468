//! Reads of customers' data, put on record: who looked at what, when, from where.

use crate::domain::ids::{ItemId, TenantId};
use crate::domain::journal::Actor;
use crate::store::{AuditEntry, Store};

use super::Engine;
use super::command::{Pending, Reply};
use super::turn::Turn;

/// What is looked at of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemRead {
    /// Where it stands, with what its sender said.
    Item,
    /// Its life.
    Trace,
    /// The message that made it.
    Message,
    /// One of its attachments, from 1.
    Attachment(u32),
}

impl ItemRead {
    /// In the audit.
    pub fn audit_name(self) -> &'static str {
        match self {
            ItemRead::Item => "item.read",
            ItemRead::Trace => "item.trace",
            ItemRead::Message => "item.message",
            ItemRead::Attachment(_) => "item.attachment",
        }
    }
}

/// Somebody looks at an item. It has no place for what they see.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NoteRead {
    /// Who.
    pub actor: Actor,
    /// Their address.
    pub from: Option<String>,
    /// Of the item.
    pub tenant: TenantId,
    /// Which.
    pub item: ItemId,
    /// What of it.
    pub read: ItemRead,
}

impl<S: Store> Engine<S> {
    /// Writes a row of the audit. While the store is full it writes none: what room is left is for
    /// the work on the items that are there, and nobody can make a core anew for every look.
    pub(super) fn note_read(&mut self, turn: &mut Turn, noted: NoteRead, reply: Reply<()>) {
        let result = self.intake_is_open();
        if result.is_ok() {
            let from = noted.from.map(|from| ("from", from));
            let number = match noted.read {
                ItemRead::Attachment(number) => Some(("attachment", number.to_string())),
                ItemRead::Item | ItemRead::Trace | ItemRead::Message => None,
            };
            turn.batch.audit.push(AuditEntry {
                at: turn.now,
                actor: noted.actor,
                verb: noted.read.audit_name(),
                tenant: Some(noted.tenant),
                object: noted.item.to_string(),
                data: from.into_iter().chain(number).collect(),
            });
        }
        turn.pending.push(Pending::Done(reply, result));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::domain::code::Code;
    use crate::domain::ids::UserId;
    use crate::domain::refusal::Refusal;
    use crate::engine::command::Command;
    use crate::engine::world::{World, policy, service, submission};
    use crate::store::memory::CommitFault;

    fn world() -> World {
        let mut world = World::new(policy(vec![service("loans")], None));
        world.submit(submission("a", "loans")).expect("taken");
        world
    }

    fn asked(world: &mut World, read: ItemRead) -> Result<(), Refusal> {
        let item = world.item("a");
        let noted = NoteRead {
            actor: Actor::User(UserId(7)),
            from: Some("192.0.2.1".to_owned()),
            tenant: item.tenant,
            item: item.id,
            read,
        };
        let (reply, mut answer) = oneshot::channel();
        let command = Command::NoteRead(Box::new(noted), reply);
        world.turn(vec![command]).expect("not fatal");
        answer.try_recv().expect("the turn answers")
    }

    #[test]
    fn a_read_is_on_record_with_who_when_and_from_where() {
        let mut world = world();
        for (read, verb) in [
            (ItemRead::Item, "item.read"),
            (ItemRead::Trace, "item.trace"),
            (ItemRead::Message, "item.message"),
            (ItemRead::Attachment(2), "item.attachment"),
        ] {
            asked(&mut world, read).expect("there is room");
            let item = world.item("a");
            let audit = world.engine.store().audit();
            let row = audit.last().expect("it is written");
            assert_eq!((row.verb, row.at), (verb, world.now));
            assert_eq!(row.actor, Actor::User(UserId(7)));
            assert_eq!(row.tenant, Some(item.tenant));
            assert_eq!(row.object, item.id.to_string());
            assert_eq!(row.data[0], ("from", "192.0.2.1".to_owned()));
            let number = row.data.get(1).cloned();
            let expected = matches!(read, ItemRead::Attachment(_));
            let expected = expected.then(|| ("attachment", "2".to_owned()));
            assert_eq!(number, expected, "{verb}");
        }
        assert_eq!(world.engine.store().audit().len(), 4);
    }

    #[test]
    fn a_read_that_could_not_be_stored_is_refused_and_leaves_no_row() {
        for (fault, code) in [
            (CommitFault::Full, Code::StorageFull),
            (CommitFault::Failed, Code::StorageFailed),
        ] {
            let mut world = world();
            world.engine.store.fail_next_commit(fault);
            let refusal = asked(&mut world, ItemRead::Item).expect_err("it failed");
            assert_eq!(refusal.code(), code);
            assert_eq!(world.engine.store().audit(), []);
        }
    }

    #[test]
    fn a_full_store_is_not_asked_to_keep_reads() {
        let mut world = world();
        world.engine.store.fail_next_commit(CommitFault::Full);
        asked(&mut world, ItemRead::Item).expect_err("no room");
        world.engine.store.fail_probes(1);
        let refusal = asked(&mut world, ItemRead::Item).expect_err("still no room");
        assert_eq!(refusal.code(), Code::StorageFull);
        world.advance(1_000);
        world.advance(1_000);
        asked(&mut world, ItemRead::Item).expect("there is room again");
        assert_eq!(world.engine.store().audit().len(), 1);
    }
}
