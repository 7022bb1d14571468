//! Medians and spreads, and what they were measured on.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

/// A median with the least and the greatest of what it is the median of.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// `None` of nothing.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => (values[middle - 1] + values[middle]) / 2.0,
            _ => values[middle],
        };
        Some(Spread { median, min, max })
    }

    /// `median (min–max)` with so many decimals.
    pub fn show(&self, decimals: usize) -> String {
        let Spread { median, min, max } = self;
        format!("{median:.decimals$} ({min:.decimals$}–{max:.decimals$})")
    }

    /// For the report file.
    pub fn json(&self) -> Value {
        json!({ "median": self.median, "min": self.min, "max": self.max })
    }
}

/// Processors, kernel and the file system under `folder`: figures mean nothing without them.
pub fn machine(folder: &Path) -> Value {
    let first_line = |path: &str| {
        fs::read_to_string(path)
            .ok()
            .and_then(|text| text.lines().next().map(str::to_owned))
    };
    json!({
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": first_line("/proc/sys/kernel/osrelease"),
        "fileSystem": file_system(folder),
    })
}

/// The type of the mount with the longest path that `folder` is under.
fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let fields = |line: &str| {
        let mut fields = line.split(' ').skip(1).map(str::to_owned);
        Some((PathBuf::from(fields.next()?), fields.next()?))
    };
    let mounts = mounts.lines().filter_map(fields);
    let under = mounts.filter(|(mount, _)| folder.starts_with(mount));
    Some(under.max_by_key(|(mount, _)| mount.as_os_str().len())?.1)
}

/// Writes a report beside the other build products; returns where.
///
/// # Errors
/// When the folder cannot be made or the file not be written.
pub fn write(name: &str, report: &Value) -> anyhow::Result<PathBuf> {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tmp
        .parent()
        .context("the build folder has a parent")?
        .join("bench");
    fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    fs::write(&path, serde_json::to_string_pretty(report)? + "\n")?;
    Ok(path)
}
