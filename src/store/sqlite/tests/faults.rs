//! System calls that fail, injected from outside. Run by `strace`, for each call in turn:
//!
//! `strace -f -qq -o /dev/null -e inject=fsync,fdatasync:error=EIO:when=7 TEST_BINARY --ignored
//! --exact store::sqlite::tests::faults::nothing_committed_is_lost_whatever_fails`

use crate::domain::ids::Sequence;
use crate::store::contract::samples::{batch, item};
use crate::store::doctor::verify;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{Store, StoreError};

/// Items that are tried.
const ITEMS: u64 = 20;

#[test]
#[ignore = "needs strace to make calls fail"]
fn nothing_committed_is_lost_whatever_fails() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut committed = Vec::new();
    let mut sequence = 0;
    let mut fault = None;
    // A fault ends the process, as it were: the next store finds what the first has left.
    for _ in 0..3 {
        let opened = SqliteStore::open(dir.path(), SqliteOptions::default());
        let mut store = match opened {
            Ok(store) => store,
            Err(error) => {
                fault = Some(error);
                continue;
            }
        };
        let next = store.resume().expect("read").next_sequence.0;
        assert!(
            next > sequence,
            "item {sequence} was committed, next is {next}"
        );
        while sequence < ITEMS {
            let tried = sequence.max(next - 1) + 1;
            match store.commit(&batch([item(tried)])) {
                Ok(()) => {
                    sequence = tried;
                    committed.push(Sequence(tried));
                }
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            }
        }
    }
    let opened = SqliteStore::open(dir.path(), SqliteOptions::default());
    // The call that fails may be one of the last start.
    let opened = opened.or_else(|_| SqliteStore::open(dir.path(), SqliteOptions::default()));
    let mut store = opened.expect("it opens");
    let found = store.items(&committed).expect("read");
    assert_eq!(found.len(), committed.len());
    assert_eq!(store.resume().expect("read").next_sequence.0, ITEMS + 1);
    let damages = verify(store.path()).expect("read").damages();
    assert!(
        damages
            .iter()
            .all(|damage| damage.what.contains("without a name"))
    );
    match &fault {
        None | Some(StoreError::Fatal(_) | StoreError::Full(_) | StoreError::Failed(_)) => {}
        Some(other) => panic!("not an error of the disk: {other:?}"),
    }
    println!("fault: {fault:?}");
}
