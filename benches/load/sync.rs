//! S: a loop of 4 KiB append and fdatasync. What the disk itself allows one writer at a time.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::generator::Load;

const APPEND_BYTES: usize = 4 << 10;

/// Appends and syncs for `measured` in a file of its own in `folder`, which is removed after.
///
/// # Errors
/// When the file cannot be written or synced.
pub fn run(folder: &Path, measured: Duration) -> anyhow::Result<Load> {
    let path = folder.join("append-and-sync");
    let mut file = File::options().create_new(true).append(true).open(&path)?;
    let page = [b'x'; APPEND_BYTES];
    let mut latency = Histogram::new(3)?;
    let started = Instant::now();
    while started.elapsed() < measured {
        let begun = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        latency.record(begun.elapsed().as_nanos() as u64)?;
    }
    let elapsed = started.elapsed();
    std::fs::remove_file(&path)?;
    Ok(Load {
        answers: latency.len(),
        elapsed,
        latency,
    })
}
