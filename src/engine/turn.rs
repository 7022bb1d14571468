//! The working set of one turn: what is decided but not yet committed.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::domain::code::Code;
use crate::domain::content::Content;
use crate::domain::follow_up::{FollowUp, FollowUpId};
use crate::domain::ids::{ItemId, OfferId, SenderId, Sequence, TenantId, UserId};
use crate::domain::item::Item;
use crate::domain::journal::{Actor, JournalEntry, JournalEvent};
use crate::domain::notification::NotificationEvent;
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::session::AgentSession;
use crate::domain::time::Timestamp;
use crate::store::{Batch, ChangedItem, NewItem, StoreError, TRACEPARENT};

use crate::workflow::run::Happening;

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
    /// What happened to items that have a workflow, in order.
    pub heard: VecDeque<Heard>,
    /// Items whose workflows went on.
    pub led: HashSet<Sequence>,
    changed: HashSet<Sequence>,
    /// Where the changed rows stand in the batch.
    changed_rows: HashMap<Sequence, usize>,
    /// Where the alerts and buttons stand in the batch.
    follow_ups: HashMap<FollowUpId, usize>,
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
        self.row(sequence).is_some()
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

    /// The row of an item as this turn has created or changed it.
    pub(super) fn row(&self, sequence: Sequence) -> Option<&Item> {
        self.new_item(sequence)
            .map(|new| &new.item)
            .or_else(|| self.changed_row(sequence))
    }

    fn new_item(&self, sequence: Sequence) -> Option<&NewItem> {
        let index = self.new_index(sequence)?;
        Some(&self.batch.new_items[index])
    }

    /// Where a new item stands in the batch: they are in the order of their sequences.
    fn new_index(&self, sequence: Sequence) -> Option<usize> {
        let new = &self.batch.new_items;
        new.binary_search_by_key(&sequence, |new| new.item.sequence)
            .ok()
    }

    /// The values of an item as this turn has created or changed them.
    pub(super) fn content(&self, sequence: Sequence) -> Option<&Content> {
        if let Some(new) = self.new_item(sequence) {
            return Some(&new.content);
        }
        let index = self.changed_rows.get(&sequence)?;
        self.batch.changed_items[*index].content.as_ref()
    }

    /// Gives an item, whose row this turn has written already, other values.
    pub(super) fn set_content(&mut self, sequence: Sequence, content: Content) {
        if let Some(index) = self.new_index(sequence) {
            self.batch.new_items[index].content = content;
        } else if let Some(index) = self.changed_rows.get(&sequence) {
            self.batch.changed_items[*index].content = Some(content);
        }
    }

    /// Writes a row once more without a further version, or for the first time with one. The version
    /// and the count of lines in `row` mean nothing.
    pub(super) fn revise(&mut self, row: Item) {
        let sequence = row.sequence;
        match self.row(sequence) {
            Some(written) => {
                let (version, journal_rows) = (written.version, written.journal_rows);
                let row = Item {
                    version,
                    journal_rows,
                    ..row
                };
                self.overwrite(row);
            }
            None => {
                let version = row.version + 1;
                self.changed.insert(sequence);
                let index = self.batch.changed_items.len();
                self.changed_rows.insert(sequence, index);
                self.batch.changed_items.push(ChangedItem {
                    item: Item { version, ..row },
                    content: None,
                    raw: None,
                });
            }
        }
    }

    fn overwrite(&mut self, row: Item) {
        let sequence = row.sequence;
        if let Some(index) = self.changed_rows.get(&sequence) {
            self.batch.changed_items[*index].item = row;
            return;
        }
        if let Some(index) = self.new_index(sequence) {
            self.batch.new_items[index].item = row;
        }
    }

    /// The alert or button as this turn has written it.
    pub(super) fn follow_up(&self, id: FollowUpId) -> Option<&FollowUp> {
        let index = self.follow_ups.get(&id)?;
        Some(&self.batch.follow_ups[*index])
    }

    /// Writes an alert or a button as it is now, in place of what this turn wrote of it before.
    pub(super) fn put_follow_up(&mut self, follow_up: FollowUp) {
        match self.follow_ups.get(&follow_up.id) {
            Some(index) => self.batch.follow_ups[*index] = follow_up,
            None => {
                let index = self.batch.follow_ups.len();
                self.follow_ups.insert(follow_up.id, index);
                self.batch.follow_ups.push(follow_up);
            }
        }
    }

    /// Notes that something happened to an item that has a workflow.
    pub(super) fn hear(&mut self, item: &Item, happening: Happening) {
        let (sequence, row) = (item.sequence, None);
        self.heard.push_back(Heard {
            sequence,
            happening,
            row,
        });
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
    pub(super) fn create(&mut self, created: Created<'_>) {
        let Created {
            mut item,
            content,
            raw,
            actor,
            traceparent,
        } = created;
        let index = self.batch.new_items.len();
        self.new_ids.insert(item.id, index);
        let references = self.new_references.entry(item.sender).or_default();
        references.insert(content.reference.clone(), index);
        let mut data = vec![("state", item.state.name().to_owned())];
        if let Some(trace) = traceparent {
            data.push((TRACEPARENT, trace.to_owned()));
            self.new_traces.insert(item.sequence, trace.to_owned());
        }
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
        let Some(mut item) = self.row(sequence).cloned() else {
            return false;
        };
        alter(&mut item);
        self.journal(&mut item, line.event, line.actor, line.data);
        self.overwrite(item);
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

/// Something that happened to an item that has a workflow.
pub(super) struct Heard {
    /// Which item.
    pub sequence: Sequence,
    /// What.
    pub happening: Happening,
    /// The row, where this turn has read but not written it.
    pub row: Option<Item>,
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

/// A new item.
pub(super) struct Created<'a> {
    /// Its first row.
    pub item: Item,
    /// Its values.
    pub content: Content,
    /// Its message, if it came with one.
    pub raw: Option<String>,
    /// By whom.
    pub actor: Actor,
    /// The trace its message came in with.
    pub traceparent: Option<&'a str>,
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
