//! What every store must do, run over each of them.

mod agents;
mod blobs;
mod faults;
mod flows;
mod notifications;
pub(super) mod people;
mod random;
pub(super) mod samples;
mod verbs;

use tempfile::TempDir;

use super::Store;
use super::memory::MemoryStore;
use super::read::{JournalLine, Reader, UserState};
use super::sqlite::{SqliteOptions, SqliteStore};
use crate::domain::ids::{Sequence, UserId};
use crate::domain::journal::JournalEntry;
use crate::domain::session::ServiceSession;
use crate::domain::time::Timestamp;

/// A kind of store, with what is needed to end its process and start another.
trait Subject {
    type Store: Store;
    fn store(&mut self) -> &mut Self::Store;
    /// Ends the process and starts the next one.
    fn reopen(&mut self);
    /// As pages read them.
    fn service_sessions(&self, sequence: Sequence) -> Vec<ServiceSession>;
    /// As pages read them.
    fn user_states(&self, user: UserId, from: Timestamp, to: Timestamp) -> Vec<UserState>;
    /// As pages read it.
    fn journal(&self, sequence: Sequence) -> Vec<JournalLine>;
    /// As pages read them.
    fn raw_messages(&self, sequence: Sequence) -> Vec<String>;
}

struct OnDisk {
    dir: TempDir,
    options: SqliteOptions,
    store: Option<SqliteStore>,
}

impl OnDisk {
    fn new() -> OnDisk {
        OnDisk::with(SqliteOptions::default())
    }

    fn with(options: SqliteOptions) -> OnDisk {
        let dir = tempfile::tempdir().expect("a directory");
        let mut subject = OnDisk {
            dir,
            options,
            store: None,
        };
        subject.reopen();
        subject
    }

    fn reader(&self) -> Reader {
        Reader::open(self.dir.path()).expect("it opens")
    }
}

impl Subject for OnDisk {
    type Store = SqliteStore;

    fn store(&mut self) -> &mut SqliteStore {
        self.store.as_mut().expect("it is open")
    }

    fn reopen(&mut self) {
        self.store = None;
        let store = SqliteStore::open(self.dir.path(), self.options.clone());
        self.store = Some(store.expect("the store opens"));
    }

    fn service_sessions(&self, sequence: Sequence) -> Vec<ServiceSession> {
        let sessions = self.reader().service_sessions(sequence);
        sessions.expect("read")
    }

    fn user_states(&self, user: UserId, from: Timestamp, to: Timestamp) -> Vec<UserState> {
        self.reader().user_states(user, from, to).expect("read")
    }

    fn journal(&self, sequence: Sequence) -> Vec<JournalLine> {
        self.reader().journal(sequence).expect("read")
    }

    fn raw_messages(&self, sequence: Sequence) -> Vec<String> {
        self.reader().raw_messages(sequence).expect("read")
    }
}

struct InMemory(MemoryStore);

impl Subject for InMemory {
    type Store = MemoryStore;

    fn store(&mut self) -> &mut MemoryStore {
        &mut self.0
    }

    fn reopen(&mut self) {
        self.0 = self.0.crash();
    }

    fn service_sessions(&self, sequence: Sequence) -> Vec<ServiceSession> {
        self.0.service_sessions(sequence).to_vec()
    }

    fn user_states(&self, user: UserId, from: Timestamp, to: Timestamp) -> Vec<UserState> {
        self.0.user_states(user, from, to)
    }

    fn journal(&self, sequence: Sequence) -> Vec<JournalLine> {
        let line = |entry: &JournalEntry| JournalLine {
            number: entry.number,
            at: entry.at,
            event: entry.event,
            actor: entry.actor.clone(),
            data: Vec::from_iter(entry.data.iter().map(|(name, value)| {
                let name = (*name).to_owned();
                (name, value.clone())
            })),
        };
        self.0.journal(sequence).map(line).collect()
    }

    fn raw_messages(&self, sequence: Sequence) -> Vec<String> {
        let messages = self.0.raw_messages(sequence);
        messages.map(str::to_owned).collect()
    }
}

/// Makes one test of each named function for each store. (A function cannot make tests.)
macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod in_memory {
            $(#[test] fn $name() {
                super::$name(crate::store::contract::InMemory(
                    crate::store::memory::MemoryStore::new(),
                ));
            })+
        }
        mod on_disk {
            $(#[test] fn $name() {
                super::$name(crate::store::contract::OnDisk::new());
            })+
        }
    };
}
use contract;
