//! Reading beside the writer: what pages, lists and the command line show.
//!
//! A [`Reader`] has a read-only connection of its own and never stands in the writer's way. It sees
//! every commit that ended before its call began.

mod follow_ups;

use std::ops::Deref;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::sqlite::reading::{
    self, JOURNAL, MESSAGES, OPEN_OF_SENDER, QUEUE_LOWER, QUEUE_SAME, SPAN_OF_SENDER, SPANS,
};
use super::sqlite::{DATABASE_FILE, SPAN_ITEMS, schema};
use super::{Numbers, StoreError};
use crate::domain::content::{Attachment, Content};
use crate::domain::ids::{ItemId, Priority, SenderId, Sequence, ServiceId, UserId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::session::{AgentSession, ServiceSession};
use crate::domain::time::Timestamp;

pub use follow_ups::{
    FOLLOW_UPS_COUNTED_MAX, FOLLOW_UPS_OF_ITEM_MAX, FollowUpQuery, FollowUpState, ListedFollowUp,
};

/// An item in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its row.
    pub item: Item,
    /// Its sender's own id of it.
    pub reference: String,
}

/// A line of an item's journal as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLine {
    /// From 1, without gaps.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: JournalEvent,
    /// By whom.
    pub actor: Actor,
    /// camelCase names and values.
    pub data: Vec<(String, String)>,
}

/// A state that an agent was in, as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserState {
    /// From when on.
    pub at: Timestamp,
    /// By its name.
    pub state: String,
    /// The reason that was given.
    pub reason: Option<String>,
    /// Until when; `None`: it lasts.
    pub ended_at: Option<Timestamp>,
}

/// A place in a queue: the last row of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuePlace {
    /// Its priority.
    pub priority: Priority,
    /// Its sequence.
    pub sequence: Sequence,
}

/// A read-only connection to a store on disk.
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the store of a data directory for reading.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a file of a newer program; [`StoreError::Failed`] when there is no
    /// store, or one that the daemon has not yet brought to this program's schema.
    pub fn open(dir: &Path) -> Result<Reader, StoreError> {
        Reader::open_file(&dir.join(DATABASE_FILE))
    }

    /// The same for a database's file, for example a backup.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_file(path: &Path) -> Result<Reader, StoreError> {
        let connection = reading::open(path)?;
        let found = schema::version(&connection)?;
        if found > schema::VERSION {
            return Err(StoreError::Newer {
                found,
                known: schema::VERSION,
            });
        }
        if found < schema::VERSION {
            return Err(StoreError::Failed(format!(
                "{} has schema {found}; start the daemon once to bring it to {}",
                path.display(),
                schema::VERSION
            )));
        }
        Ok(Reader { connection })
    }

    /// All names with their numbers.
    ///
    /// # Errors
    /// Any.
    pub fn numbers(&self) -> Result<Numbers, StoreError> {
        reading::numbers(&self.connection)
    }

    /// The item with that id.
    ///
    /// # Errors
    /// Any.
    pub fn item(&self, id: ItemId) -> Result<Option<Listed>, StoreError> {
        match reading::sequence_by_id(&self.connection, id)? {
            Some(key) => self.by_key(key),
            None => Ok(None),
        }
    }

    /// The item with that sequence.
    ///
    /// # Errors
    /// Any.
    pub fn item_by_sequence(&self, sequence: Sequence) -> Result<Option<Listed>, StoreError> {
        self.by_key(reading::key(sequence))
    }

    /// The item with that reference of that sender. Reads through the rows that have no cold index
    /// yet (some 200,000 at most): for people and single questions, not for each message.
    ///
    /// # Errors
    /// Any.
    pub fn item_by_reference(
        &self,
        sender: SenderId,
        reference: &str,
    ) -> Result<Option<Listed>, StoreError> {
        for key in reading::reference_candidates(&self.connection, sender, reference)? {
            let listed = self.by_key(key)?;
            if let Some(listed) = listed
                && listed.item.sender == sender
                && listed.reference == reference
            {
                return Ok(Some(listed));
            }
        }
        Ok(None)
    }

    fn by_key(&self, key: i64) -> Result<Option<Listed>, StoreError> {
        let row = reading::item_by_sequence(&self.connection, key)?;
        Ok(row.map(|(item, reference)| Listed { item, reference }))
    }

    /// The current values of an item.
    ///
    /// # Errors
    /// Any; [`StoreError::Fatal`] when they are damaged.
    pub fn content(&self, sequence: Sequence) -> Result<Option<Content>, StoreError> {
        reading::content(&self.connection, sequence)
    }

    /// The life of an item, by ascending number.
    ///
    /// # Errors
    /// Any; [`StoreError::Fatal`] when it is damaged.
    pub fn journal(&self, sequence: Sequence) -> Result<Vec<JournalLine>, StoreError> {
        let mut statement = self.connection.prepare_cached(JOURNAL)?;
        let lines = statement.query_map([reading::key(sequence)], reading::journal_line)?;
        Ok(lines.collect::<rusqlite::Result<_>>()?)
    }

    /// The messages that made and changed an item, the first first. Empty once their retention has
    /// ended.
    ///
    /// # Errors
    /// Any; [`StoreError::Fatal`] when one does not match its checksum: never served as good.
    pub fn raw_messages(&self, sequence: Sequence) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(MESSAGES)?;
        let mut rows = statement.query([reading::key(sequence)])?;
        let mut messages = Vec::new();
        while let Some(row) = rows.next()? {
            let (raw, checksum): (String, i64) = (row.get(0)?, row.get(1)?);
            if reading::checksum(&raw) != checksum {
                return Err(StoreError::Fatal(format!(
                    "message {} of item {} does not match its checksum",
                    messages.len() + 1,
                    sequence.0
                )));
            }
            messages.push(raw);
        }
        Ok(messages)
    }

    /// An attachment of an item, by its place in the content from 1, with its body.
    ///
    /// # Errors
    /// Any; [`StoreError::Fatal`] when the body does not match its digest: never served as good.
    pub fn attachment(
        &self,
        sequence: Sequence,
        number: u32,
    ) -> Result<Option<(Attachment, Vec<u8>)>, StoreError> {
        let attachments = reading::attachments(&self.connection, sequence)?;
        let index = (number as usize).checked_sub(1);
        let Some(attachment) = index.and_then(|index| attachments.into_iter().nth(index)) else {
            return Ok(None);
        };
        let body = reading::blob(&self.connection, attachment.blob)?;
        let digest: [u8; 32] = Sha256::digest(&body).into();
        if digest != attachment.sha256 {
            return Err(StoreError::Fatal(format!(
                "attachment {number} of item {} does not match its digest",
                sequence.0
            )));
        }
        Ok(Some((attachment, body)))
    }

    /// The agent sessions of an item by offer, the oldest first; of very many the newest
    /// [`AGENT_SESSIONS_SHOWN_MAX`].
    ///
    /// [`AGENT_SESSIONS_SHOWN_MAX`]: crate::domain::session::AGENT_SESSIONS_SHOWN_MAX
    ///
    /// # Errors
    /// Any.
    pub fn agent_sessions(&self, sequence: Sequence) -> Result<Vec<AgentSession>, StoreError> {
        Ok(reading::agent_sessions(&self.connection, sequence)?)
    }

    /// The stays of an item in services that are over, the first first.
    ///
    /// # Errors
    /// Any.
    pub fn service_sessions(&self, sequence: Sequence) -> Result<Vec<ServiceSession>, StoreError> {
        Ok(reading::service_sessions(&self.connection, sequence)?)
    }

    /// The items that an agent has, connected or parked, by sequence.
    ///
    /// # Errors
    /// Any.
    pub fn held_by(&self, agent: UserId) -> Result<Vec<Listed>, StoreError> {
        let mut held = Vec::new();
        for sequence in reading::held_by(&self.connection, agent)? {
            // It may have gone on between the two looks.
            let listed = self.by_key(reading::key(sequence))?;
            held.extend(listed.filter(|listed| {
                let holder = listed.item.holder;
                holder.is_some_and(|holder| holder.agent == agent)
            }));
        }
        Ok(held)
    }

    /// The states that a user was in from `from` to before `to`, in order: the first may have begun
    /// earlier, the last may end later.
    ///
    /// # Errors
    /// Any.
    pub fn user_states(
        &self,
        user: UserId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<UserState>, StoreError> {
        Ok(reading::user_states(&self.connection, user, from, to)?)
    }

    /// A sender's items (in one state), by ascending sequence above `after`.
    ///
    /// Unfinished states are read from the index of unfinished items; otherwise only the stretches
    /// of sequences in which the sender has items are read.
    ///
    /// # Errors
    /// Any.
    pub fn list_of_sender(
        &self,
        sender: SenderId,
        after: Option<Sequence>,
        state: Option<ItemState>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let after = after.map_or(0, reading::key);
        match state {
            Some(state) if state != ItemState::Ended => {
                self.open_of_sender(sender, after, state, limit)
            }
            Some(_) | None => self.spans_of_sender(sender, after, state, limit),
        }
    }

    fn open_of_sender(
        &self,
        sender: SenderId,
        after: i64,
        state: ItemState,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut statement = self.connection.prepare_cached(OPEN_OF_SENDER)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let columns = (after, reading::state_code(state), sender.0, limit);
        let keys = statement.query_map(columns, |row| row.get::<_, i64>(0))?;
        let mut found = Vec::new();
        for key in keys {
            found.extend(self.by_key(key?)?);
        }
        Ok(found)
    }

    fn spans_of_sender(
        &self,
        sender: SenderId,
        after: i64,
        state: Option<ItemState>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut found = Vec::new();
        let mut spans = self.connection.prepare_cached(SPANS)?;
        let mut spans = spans.query((sender.0, after / SPAN_ITEMS))?;
        let mut within = self.connection.prepare_cached(SPAN_OF_SENDER)?;
        let state = state.map(reading::state_code);
        while found.len() < limit
            && let Some(row) = spans.next()?
        {
            let first = row.get::<_, i64>(0)? * SPAN_ITEMS;
            let left = i64::try_from(limit - found.len()).unwrap_or(i64::MAX);
            let columns = (
                first.max(after.saturating_add(1)),
                first + SPAN_ITEMS - 1,
                sender.0,
                state,
                left,
            );
            for key in within.query_map(columns, |row| row.get::<_, i64>(0))? {
                found.extend(self.by_key(key?)?);
            }
        }
        Ok(found)
    }

    /// A service's unfinished items in one state, in the order in which they come to agents:
    /// highest priority first, then by sequence.
    ///
    /// # Errors
    /// Any.
    pub fn queue(
        &self,
        service: ServiceId,
        state: ItemState,
        after: Option<QueuePlace>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let state = reading::state_code(state);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut keys: Vec<i64> = Vec::new();
        // The places behind one of the same priority, then those of lower priorities.
        let below = match after {
            Some(place) => {
                let priority = place.priority.value();
                let columns = (
                    service.0,
                    state,
                    priority,
                    reading::key(place.sequence),
                    limit,
                );
                let mut same = self.connection.prepare_cached(QUEUE_SAME)?;
                for key in same.query_map(columns, |row| row.get(0))? {
                    keys.push(key?);
                }
                i64::from(priority)
            }
            None => i64::MAX,
        };
        let left = limit - keys.len() as i64;
        let mut lower = self.connection.prepare_cached(QUEUE_LOWER)?;
        for key in lower.query_map((service.0, state, below, left), |row| row.get(0))? {
            keys.push(key?);
        }
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.extend(self.by_key(key)?);
        }
        Ok(found)
    }
}

/// Some readers to share between threads.
pub struct Readers {
    free: Mutex<Vec<Reader>>,
    returned: Condvar,
}

impl Readers {
    /// Opens `count` readers (at least one) of a data directory.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open(dir: &Path, count: usize) -> Result<Readers, StoreError> {
        let readers = (0..count.max(1)).map(|_| Reader::open(dir));
        Ok(Readers {
            free: Mutex::new(readers.collect::<Result<_, _>>()?),
            returned: Condvar::new(),
        })
    }

    /// Takes a reader, waiting for one if all are in use. Blocks: never to be called where tasks
    /// must go on.
    pub fn take(&self) -> Taken<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(reader) = free.pop() {
                return Taken {
                    readers: self,
                    reader: Some(reader),
                };
            }
            free = self
                .returned
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A reader in use; goes back when dropped.
pub struct Taken<'a> {
    readers: &'a Readers,
    reader: Option<Reader>,
}

impl Deref for Taken<'_> {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        self.reader.as_ref().expect("it is there until dropped")
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut free = self
            .readers
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        free.extend(self.reader.take());
        self.readers.returned.notify_one();
    }
}
