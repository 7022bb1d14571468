//! Online backup and verified restore.
//!
//! A backup is a database of its own in one file, as the store was at one instant, made beside
//! running intake. While it is made, the write-ahead log cannot start anew and grows by what is
//! written meanwhile.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::StoreError;
use super::doctor::{self, Finding, Report};
use super::sqlite::open::{DirectoryLock, make_directory, reader, sync_directory};
use super::sqlite::{DATABASE_FILE, error};

/// Pages copied at a time: 1 MiB.
const STEP_PAGES: i32 = 256;
/// Pause between two steps, so that the disk has time for the intake.
const STEP_PAUSE: Duration = Duration::from_millis(1);
/// Reading anything begins the snapshot that is backed up.
const BEGIN_SNAPSHOT: &str = "BEGIN; SELECT value FROM meta LIMIT 1";

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Nothing is ever overwritten.
    #[error("{} is there already: name another file, or remove it", .0.display())]
    Exists(PathBuf),
    /// The directory to restore into has a store.
    #[error("{} has a store already: move it away, or name another directory", .0.display())]
    HasStore(PathBuf),
    /// The backup is not good enough to be restored.
    #[error("{} is damaged in {} ways, the first: {}", .path.display(), .findings.len(),
            .findings.first().map_or("", |finding| finding.what.as_str()))]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// What is wrong with it.
        findings: Vec<Finding>,
    },
    /// What the store says.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Pages copied.
    pub pages: u64,
    /// Pages there are.
    pub pages_total: u64,
}

/// Backs the store of `dir` up into `file`, which must not exist. The daemon may be running.
///
/// Ensures: `file` is there only when it is complete and synced; until then it is `FILE.part`.
///
/// # Errors
/// [`BackupError::Exists`]; otherwise what the store says, and `FILE.part` is gone.
pub fn backup(
    dir: &Path,
    file: &Path,
    progress: &mut dyn FnMut(Copied),
) -> Result<(), BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let from = reader(&dir.join(DATABASE_FILE))?;
    place(&from, file, progress)?;
    Ok(())
}

/// Restores a backup into `dir`, which must have no store and not be in use. The backup is verified
/// first.
///
/// Ensures: the store is there only when it is complete and synced.
///
/// # Errors
/// [`BackupError::HasStore`], [`BackupError::Damaged`], [`StoreError::Locked`]; otherwise what the
/// store says. The directory is as it was.
pub fn restore(
    backup: &Path,
    dir: &Path,
    progress: &mut dyn FnMut(Copied),
) -> Result<Report, BackupError> {
    let report = doctor::verify(backup)?;
    let damages = report.damages();
    if !damages.is_empty() {
        return Err(BackupError::Damaged {
            path: backup.to_owned(),
            findings: damages,
        });
    }
    make_directory(dir)?;
    let _lock = DirectoryLock::take(dir)?;
    let file = dir.join(DATABASE_FILE);
    if file.exists() || with_suffix(&file, "-wal").exists() {
        return Err(BackupError::HasStore(dir.to_owned()));
    }
    let from = reader(backup)?;
    place(&from, &file, progress)?;
    Ok(report)
}

/// Copies a database beside `file`, syncs it, and gives it its name.
fn place(
    from: &Connection,
    file: &Path,
    progress: &mut dyn FnMut(Copied),
) -> Result<(), StoreError> {
    let part = with_suffix(file, ".part");
    let outcome = write_part(from, &part, progress).and_then(|()| {
        fs::rename(&part, file).map_err(|error| error::io(&error, &file.display().to_string()))?;
        match file.parent() {
            Some(dir) if dir.as_os_str().is_empty() => sync_directory(Path::new(".")),
            Some(dir) => sync_directory(dir),
            None => Ok(()),
        }
    });
    if outcome.is_err() {
        // The error that is returned says more than one about the remains would.
        let _ = fs::remove_file(&part);
    }
    outcome
}

fn write_part(
    from: &Connection,
    part: &Path,
    progress: &mut dyn FnMut(Copied),
) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| error::io(&error, &part.display().to_string());
    OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(part)
        .map_err(failed)?;
    // One snapshot for the whole copy: otherwise each commit would make it begin again.
    from.execute_batch(BEGIN_SNAPSHOT)?;
    let mut to = Connection::open(part)?;
    copy(from, &mut to, progress)?;
    from.execute_batch("COMMIT")?;
    // The copy says that it has a write-ahead log; a backup is one file.
    to.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    to.close().map_err(|(_, error)| error)?;
    File::open(part)
        .and_then(|file| file.sync_all())
        .map_err(failed)
}

fn copy(
    from: &Connection,
    to: &mut Connection,
    progress: &mut dyn FnMut(Copied),
) -> Result<(), StoreError> {
    let backup = Backup::new(from, to)?;
    loop {
        let step = backup.step(STEP_PAGES)?;
        let at = backup.progress();
        let pages_total = at.pagecount.unsigned_abs();
        progress(Copied {
            pages: u64::from(pages_total - at.remaining.unsigned_abs()),
            pages_total: u64::from(pages_total),
        });
        match step {
            StepResult::Done => return Ok(()),
            // The writer is checkpointing, or there is more: go on after a moment.
            _ => std::thread::sleep(STEP_PAUSE),
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}
