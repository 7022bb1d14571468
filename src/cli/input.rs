//! Files named on the command line; `-` is standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::exit::{Exit, Failure};

/// Reads a file whole, up to one byte more than `bytes_max`, so that the caller can tell.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| {
        Failure::new(
            Exit::Data,
            format!("cannot read {}: {error}", path.display()),
        )
    };
    let mut bytes = Vec::new();
    let limit = bytes_max.saturating_add(1);
    if path == Path::new("-") {
        let mut stdin = io::stdin().lock().take(limit);
        stdin.read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(limit)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    }
    Ok(bytes)
}
