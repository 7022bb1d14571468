//! What only the store on disk must do.

mod backups;
mod faults;
mod files;
mod follow_ups;
mod migrations;
mod plans;
mod readers;
mod references;
mod room;
mod samples;

use tempfile::TempDir;

use super::{SqliteOptions, SqliteStore};

/// A new store in a directory of its own.
fn store(options: SqliteOptions) -> (TempDir, SqliteStore) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(dir.path(), options).expect("the store opens");
    (dir, store)
}
