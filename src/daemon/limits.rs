//! Limits of the process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tracing::warn;

/// Allows as many open files as the system lets us have: each connection is one.
pub fn raise_open_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        if soft < hard {
            setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
        } else {
            Ok(())
        }
    });
    if let Err(error) = raised {
        warn!(%error, "the limit of open files stays as it is");
    }
}
