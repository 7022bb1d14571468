//! Moves the write-ahead log into the database, beside the intake.
//!
//! A thread with a connection of its own copies most of the log while commits go on; since those
//! add to the log, the writer copies the small rest by itself when the thread is through. Only then
//! does SQLite start the log anew, so only so does it stay bounded under load. (SQLite's automatic
//! checkpoint does all of it within one unlucky commit, and hides a failed sync.)

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::open;
use crate::store::StoreError;

/// Pages in the log at which a checkpoint begins: 16 MiB.
const LOG_PAGES_MAX: u32 = 4_000;
/// Pages in the log at which a quiet moment is used for it.
const LOG_PAGES_TIDY: u32 = 1_000;

const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The writer's side.
pub(super) struct Checkpoints {
    /// Pages in the log, as SQLite said after the last commit.
    log_pages: Arc<AtomicU32>,
    /// Pages the log had at the last look.
    seen: u32,
    /// Pages that were in the log when it was copied last; 0 once it has started anew.
    copied: u32,
    progress: Arc<Mutex<Progress>>,
    requests: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Where the thread is.
enum Progress {
    Idle,
    Copying,
    Copied(Result<(), StoreError>),
}

impl Checkpoints {
    /// Starts the thread and listens to the writer's commits.
    pub(super) fn start(writer: &mut Connection, path: &Path) -> Result<Checkpoints, StoreError> {
        let log_pages = Arc::new(AtomicU32::new(0));
        let pages = Arc::clone(&log_pages);
        writer.wal_hook(Some(move |_: &mut Wal, count| {
            pages.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let connection = open::checkpointer(path)?;
        let progress = Arc::new(Mutex::new(Progress::Idle));
        let shared = Arc::clone(&progress);
        let (requests, waiting) = sync_channel(1);
        let thread = Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || copy_on_request(&connection, &waiting, &shared))
            .map_err(|error| StoreError::Failed(format!("no thread: {error}")))?;
        Ok(Checkpoints {
            log_pages,
            seen: 0,
            copied: 0,
            progress,
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    /// To be called after a commit.
    ///
    /// # Errors
    /// [`StoreError::Fatal`] when a sync failed.
    pub(super) fn after_commit(&mut self, writer: &Connection) -> Result<(), StoreError> {
        self.advance(writer, LOG_PAGES_MAX)
    }

    /// To be called in a quiet moment.
    ///
    /// # Errors
    /// [`StoreError::Fatal`] when a sync failed.
    pub(super) fn in_quiet(&mut self, writer: &Connection) -> Result<(), StoreError> {
        self.advance(writer, LOG_PAGES_TIDY)
    }

    fn advance(&mut self, writer: &Connection, pages_max: u32) -> Result<(), StoreError> {
        let pages = self.log_pages.load(Ordering::Relaxed);
        if pages < self.seen {
            self.copied = 0;
        }
        self.seen = pages;
        let progress = Arc::clone(&self.progress);
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *progress, Progress::Idle) {
            // While a reader (a backup) keeps the log from starting anew, it is copied again only
            // after it has grown by as much again.
            Progress::Idle if pages >= self.copied.saturating_add(pages_max) => {
                *progress = Progress::Copying;
                self.request()
            }
            Progress::Idle => Ok(()),
            Progress::Copying => {
                *progress = Progress::Copying;
                Ok(())
            }
            Progress::Copied(result) => {
                self.copied = pages;
                result.and_then(|()| copy(writer))
            }
        }
    }

    fn request(&self) -> Result<(), StoreError> {
        let sent = self.requests.as_ref().map(|requests| requests.try_send(()));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(StoreError::Fatal(
                "the checkpoint thread has ended".to_owned(),
            )),
        }
    }
}

impl Drop for Checkpoints {
    /// Waits for a checkpoint under way: closing the database would have to do it anyway.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

fn copy_on_request(connection: &Connection, requests: &Receiver<()>, progress: &Mutex<Progress>) {
    while requests.recv().is_ok() {
        let copied = Progress::Copied(copy(connection));
        *progress.lock().unwrap_or_else(PoisonError::into_inner) = copied;
    }
}

/// Copies what is in the log. No room is no error: the log keeps everything, and the next commits
/// will meet the same lack of room. Nor is a busy moment.
fn copy(connection: &Connection) -> Result<(), StoreError> {
    let outcome = connection
        .prepare_cached(CHECKPOINT)
        .and_then(|mut statement| statement.query_row([], |_| Ok(())));
    match outcome.map_err(StoreError::from) {
        Err(error @ StoreError::Fatal(_)) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
