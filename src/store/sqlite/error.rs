//! What SQLite's errors mean to us.

use rusqlite::{Error, ErrorCode, ffi};

use crate::store::StoreError;

impl From<Error> for StoreError {
    /// Sorts an error by what the caller can do about it. Must be called right where the error
    /// arose: SQLite tells apart "no room" and "over quota" only by the thread's `errno`.
    fn from(error: Error) -> StoreError {
        let errno = std::io::Error::last_os_error();
        match &error {
            Error::SqliteFailure(failure, _) => {
                classify(failure, is_no_room(&errno), error.to_string())
            }
            // A value of a type or range that we never write: the file is not as we left it.
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => StoreError::Fatal(error.to_string()),
            _ => StoreError::Failed(error.to_string()),
        }
    }
}

fn classify(failure: &ffi::Error, no_room: bool, text: String) -> StoreError {
    match failure.code {
        ErrorCode::DiskFull => StoreError::Full(text),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Fatal(text),
        ErrorCode::ConstraintViolation => StoreError::Conflict(text),
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => match failure.extended_code {
            ffi::SQLITE_IOERR_FSYNC
            | ffi::SQLITE_IOERR_DIR_FSYNC
            | ffi::SQLITE_IOERR_CORRUPTFS
            | ffi::SQLITE_IOERR_DATA
            | ffi::SQLITE_IOERR_SHORT_READ => StoreError::Fatal(text),
            _ if no_room => StoreError::Full(text),
            _ => StoreError::Failed(text),
        },
        _ => StoreError::Failed(text),
    }
}

/// ENOSPC, EDQUOT, EFBIG.
pub(in crate::store) fn is_no_room(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// An error of the file system.
pub(in crate::store) fn io(error: &std::io::Error, what: &str) -> StoreError {
    if is_no_room(error) {
        StoreError::Full(format!("{what}: {error}"))
    } else {
        StoreError::Failed(format!("{what}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32, no_room: bool) -> StoreError {
        classify(&ffi::Error::new(code), no_room, String::new())
    }

    #[test]
    fn a_full_disk_is_full_whatever_sqlite_calls_it() {
        assert!(matches!(of(ffi::SQLITE_FULL, false), StoreError::Full(_)));
        assert!(matches!(
            of(ffi::SQLITE_IOERR_WRITE, true),
            StoreError::Full(_)
        ));
        assert!(matches!(
            of(ffi::SQLITE_IOERR_WRITE, false),
            StoreError::Failed(_)
        ));
    }

    #[test]
    fn a_failed_sync_and_a_damaged_file_are_fatal() {
        for code in [
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_DIR_FSYNC,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_CORRUPT_INDEX,
            ffi::SQLITE_NOTADB,
        ] {
            assert!(matches!(of(code, true), StoreError::Fatal(_)), "{code}");
        }
    }
}
