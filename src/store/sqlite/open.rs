//! The data directory: made, locked, and its file opened as it must be.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::io;
use super::schema;
use crate::store::StoreError;

/// The database within the data directory.
pub const DATABASE_FILE: &str = "anteroom.db";
/// Locked while a process uses the data directory.
pub const LOCK_FILE: &str = "anteroom.lock";

/// Statements kept compiled; more than there are.
const STATEMENTS_MAX: usize = 64;
/// How long to wait for another connection's short exclusive moments (recovery, checkpoints).
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Cache of the writer, in KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// Cache of each reader, in KiB.
const READER_CACHE_KIB: i64 = 2 * 1024;
/// The write-ahead log's file is cut back to this after it grew beyond it (a backup was running).
const LOG_BYTES_KEPT: i64 = 64 * 1024 * 1024;

/// Holds the data directory for this process; let go by the system when the process ends.
pub(in crate::store) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the directory, which must exist.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it.
    pub(in crate::store) fn take(dir: &Path) -> Result<DirectoryLock, StoreError> {
        let path = dir.join(LOCK_FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| io(&error, &path.display().to_string()))?;
        match file.try_lock() {
            Ok(()) => Ok(DirectoryLock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(StoreError::Locked(dir.display().to_string())),
            Err(fs::TryLockError::Error(error)) => Err(io(&error, &path.display().to_string())),
        }
    }
}

/// Makes the directory, for its owner alone.
pub(in crate::store) fn make_directory(dir: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| io(&error, &dir.display().to_string()))
}

/// Syncs a directory, so that the names in it are durable.
pub(in crate::store) fn sync_directory(dir: &Path) -> Result<(), StoreError> {
    File::open(dir)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::Fatal(format!("{} cannot sync: {error}", dir.display())))
}

/// Opens (or makes) the database of a locked directory for writing and brings it to our schema.
pub(super) fn writer(dir: &Path) -> Result<Connection, StoreError> {
    let path = dir.join(DATABASE_FILE);
    make_file(&path)?;
    let mut connection = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Before anything is written: an older program must leave a newer file untouched.
    let found = schema::version(&connection)?;
    if found > schema::VERSION {
        return Err(StoreError::Newer {
            found,
            known: schema::VERSION,
        });
    }
    connection.pragma_update(None, "page_size", schema::PAGE_BYTES.cast_signed())?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Failed(format!(
            "{} cannot have a write-ahead log (journal mode is {mode})",
            path.display()
        )));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    // The store checkpoints by itself: SQLite's own way of it hides a failed sync.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    schema::migrate(&mut connection)?;
    sync_directory(dir)?;
    Ok(connection)
}

/// Opens an existing database to checkpoint it.
pub(super) fn checkpointer(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    Ok(connection)
}

/// Opens a database for reading only.
pub(in crate::store) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

/// Makes an empty file for its owner alone, if there is none. Closed again before SQLite opens it:
/// closing a file lets go of all locks this process has on it.
fn make_file(path: &PathBuf) -> Result<(), StoreError> {
    match OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io(&error, &path.display().to_string())),
    }
}
