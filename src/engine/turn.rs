//! The working set of one turn: what is decided but not yet committed.

use std::collections::{HashMap, HashSet};

use crate::domain::code::Code;
use crate::domain::content::Content;
use crate::domain::ids::{ItemId, OfferId, SenderId, Sequence, TenantId, UserId};
use crate::domain::item::Item;
use crate::domain::journal::{Actor, JournalEntry, JournalEvent};
use crate::domain::notification::NotificationEvent;
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::session::AgentSession;
use crate::domain::time::Timestamp;
use crate::store::{Batch, ChangedItem, NewItem, StoreError, TRACEPARENT};

use super::command::{Command, Pending, Reply};
use super::live::LiveEvent;
use super::notify::notify_of;
use super::trouble::storage_failed;

/// Commands that may wait for the next turn because their item has changed in this one. Each turn
/// carries out one per item, so a sender that changes one item faster than that must be slowed.
const DEFERRED_MAX: usize = 256;
/// Seconds such a sender should wait.
const DEFERRED_RETRY_AFTER_S: u32 = 1;

/// One turn. Each item is changed at most once in it: a second command about the same item waits
/// for the next turn, so that every version has a row of its own.
#[derive(Default)]
pub(super) struct Turn {
    /// The one reading of the clock.
    pub now: Timestamp,
    /// What will be written.
    pub batch: Batch,
    /// Answers that wait for the commit.
    pub pending: Vec<Pending>,
    /// Commands about items that this turn has changed already.
    pub deferred: Vec<Command>,
    /// What agents and supervisors see at once.
    pub live: Vec<LiveEvent>,
    /// What senders may want to be told, with the row as it became.
    pub events: Vec<(Item, NotificationEvent)>,
    changed: HashSet<Sequence>,
    /// Where the changed rows stand in the batch.
    changed_rows: HashMap<Sequence, usize>,
    /// Where the agent sessions stand in the batch.
    sessions: HashMap<(Sequence, OfferId, UserId), usize>,
    users: HashSet<UserId>,
    new_traces: HashMap<Sequence, String>,
    new_ids: HashMap<ItemId, usize>,
    new_references: HashMap<SenderId, HashMap<String, usize>>,
}

impl Turn {
    pub(super) fn new(now: Timestamp) -> Turn {
        Turn {
            now,
            ..Turn::default()
        }
    }

    /// Whether this turn has changed or created the item.
    pub(super) fn has_touched(&self, item: &Item) -> bool {
        self.changed.contains(&item.sequence) || self.new_ids.contains_key(&item.id)
    }

    /// The item that this turn created for the reference.
    pub(super) fn new_by_reference(&self, sender: SenderId, reference: &str) -> Option<&Item> {
        let index = self.new_references.get(&sender)?.get(reference)?;
        Some(&self.batch.new_items[*index].item)
    }

    /// The row as this turn has changed it.
    pub(super) fn changed_row(&self, sequence: Sequence) -> Option<&Item> {
        let index = self.changed_rows.get(&sequence)?;
        Some(&self.batch.changed_items[*index].item)
    }

    /// The newest item that this turn created in the tenant under that id or (any sender's)
    /// reference.
    pub(super) fn new_related(&self, tenant: TenantId, name: &str) -> Option<&NewItem> {
        let by_id = name.parse::<ItemId>().ok();
        let by_id = by_id.and_then(|id| self.new_ids.get(&id));
        let references = self.new_references.values();
        let by_reference = references.filter_map(|references| references.get(name));
        let found = by_reference.chain(by_id);
        let found = found.map(|index| &self.batch.new_items[*index]);
        found
            .filter(|new| new.item.tenant == tenant)
            .max_by_key(|new| new.item.sequence)
    }

    /// Whether this turn has written the item's row already.
    pub(super) fn holds_row(&self, sequence: Sequence) -> bool {
        let new = &self.batch.new_items;
        self.changed_rows.contains_key(&sequence)
            || new
                .binary_search_by_key(&sequence, |new| new.item.sequence)
                .is_ok()
    }

    /// Writes an agent session as it is now, in place of what this turn wrote of it before.
    pub(super) fn put_session(&mut self, session: AgentSession) {
        let key = |it: &AgentSession| (it.sequence, it.offer, it.agent);
        let sessions = &mut self.batch.agent_sessions;
        match self.sessions.get(&key(&session)) {
            Some(index) => sessions[*index] = session,
            None => {
                self.sessions.insert(key(&session), sessions.len());
                sessions.push(session);
            }
        }
    }

    /// Keeps later commands about the item for the next turn.
    pub(super) fn touch(&mut self, item: &Item) {
        self.changed.insert(item.sequence);
    }

    /// Whether this turn has changed or added the user.
    pub(super) fn has_touched_user(&self, user: UserId) -> bool {
        self.users.contains(&user)
    }

    /// Keeps later commands about the users for the next turn.
    pub(super) fn touch_users(&mut self, users: impl Iterator<Item = UserId>) {
        self.users.extend(users);
    }

    /// Whether this turn created an item with that id.
    pub(super) fn is_new(&self, id: ItemId) -> bool {
        self.new_ids.contains_key(&id)
    }

    /// The trace of an item that this turn created.
    pub(super) fn new_trace(&self, sequence: Sequence) -> Option<String> {
        self.new_traces.get(&sequence).cloned()
    }

    /// Whether the next command about a changed item is refused.
    pub(super) fn deferring_is_full(&self) -> bool {
        self.deferred.len() >= DEFERRED_MAX
    }

    /// Keeps a command about a changed item for the next turn, as long as there is a place.
    pub(super) fn defer<T>(
        &mut self,
        reply: Reply<T>,
        command: impl FnOnce(Reply<T>) -> Command,
        pending: impl FnOnce(Reply<T>, Result<T, Refusal>) -> Pending,
    ) {
        if !self.deferring_is_full() {
            self.deferred.push(command(reply));
        } else {
            let refusal = Problem::new(
                Code::Overloaded,
                "Too many changes of this item wait: nothing was changed, send it again.",
            );
            let refusal = refusal.retry_after(DEFERRED_RETRY_AFTER_S).into();
            self.pending.push(pending(reply, Err(refusal)));
        }
    }

    /// A read failed while a command was decided: whoever sent it is told with the others of the
    /// turn.
    pub(super) fn fail<T>(
        &mut self,
        error: StoreError,
        reply: Reply<T>,
        pending: impl FnOnce(Reply<T>, Result<T, Refusal>) -> Pending,
    ) -> Result<(), StoreError> {
        self.pending.push(pending(reply, Err(storage_failed())));
        Err(error)
    }

    /// Writes a new item with the first line of its journal.
    pub(super) fn create(
        &mut self,
        mut item: Item,
        content: Content,
        raw: String,
        traceparent: Option<&str>,
    ) {
        let index = self.batch.new_items.len();
        self.new_ids.insert(item.id, index);
        let references = self.new_references.entry(item.sender).or_default();
        references.insert(content.reference.clone(), index);
        let mut data = vec![("state", item.state.name().to_owned())];
        if let Some(trace) = traceparent {
            data.push((TRACEPARENT, trace.to_owned()));
            self.new_traces.insert(item.sequence, trace.to_owned());
        }
        let actor = Actor::Sender(item.sender);
        self.journal(&mut item, JournalEvent::Received, actor, data);
        self.batch.new_items.push(NewItem { item, content, raw });
    }

    /// Writes a changed row with a line in its journal: the version grows by one.
    pub(super) fn change(&mut self, change: Change) -> Item {
        let Change {
            mut item,
            event,
            actor,
            data,
            content,
            raw,
        } = change;
        item.version += 1;
        self.journal(&mut item, event, actor, data);
        self.changed.insert(item.sequence);
        self.changed_rows
            .insert(item.sequence, self.batch.changed_items.len());
        self.batch.changed_items.push(ChangedItem {
            item: item.clone(),
            content,
            raw,
        });
        item
    }

    /// Adds a line to the journal of an item that this turn has created or changed already: no
    /// further version, for the row is written once. Returns whether it had.
    pub(super) fn amend(
        &mut self,
        sequence: Sequence,
        line: Line,
        alter: impl FnOnce(&mut Item),
    ) -> bool {
        let changed = self.changed_rows.get(&sequence).copied();
        let new = &self.batch.new_items;
        let new = new.binary_search_by_key(&sequence, |new| new.item.sequence);
        let mut item = match (changed, new) {
            (Some(index), _) => self.batch.changed_items[index].item.clone(),
            (None, Ok(index)) => self.batch.new_items[index].item.clone(),
            (None, Err(_)) => return false,
        };
        alter(&mut item);
        self.journal(&mut item, line.event, line.actor, line.data);
        match (changed, new) {
            (Some(index), _) => self.batch.changed_items[index].item = item,
            (None, Ok(index)) => self.batch.new_items[index].item = item,
            (None, Err(_)) => {}
        }
        true
    }

    fn journal(
        &mut self,
        item: &mut Item,
        event: JournalEvent,
        actor: Actor,
        data: Vec<(&'static str, String)>,
    ) {
        item.journal_rows += 1;
        if let Some(told) = notify_of(event, item, &data) {
            self.events.push((item.clone(), told));
        }
        self.batch.journal.push(JournalEntry {
            sequence: item.sequence,
            number: item.journal_rows,
            at: self.now,
            event,
            actor,
            data,
        });
    }
}

/// A line of a journal.
pub(super) struct Line {
    /// What happened.
    pub event: JournalEvent,
    /// By whom.
    pub actor: Actor,
    /// What belongs to it.
    pub data: Vec<(&'static str, String)>,
}

/// A change of one row.
pub(super) struct Change {
    /// The new row, still with its old version.
    pub item: Item,
    /// What happened.
    pub event: JournalEvent,
    /// By whom.
    pub actor: Actor,
    /// What belongs to it.
    pub data: Vec<(&'static str, String)>,
    /// The new values, if they changed.
    pub content: Option<Content>,
    /// The message that did it.
    pub raw: Option<String>,
}

impl Change {
    /// A change of the row alone.
    pub(super) fn of(item: Item, event: JournalEvent, actor: Actor) -> Change {
        Change {
            item,
            event,
            actor,
            data: Vec::new(),
            content: None,
            raw: None,
        }
    }
}
