//! What `replay` shows: progress while it runs, differences and figures at its end.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use comfy_table::ContentArrangement;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::load::{Different, Load};
use crate::cli::complain;
use crate::cli::exit::Failure;
use crate::cli::output::{Output, plain_table, rendered, stderr_is_terminal};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Differences in the table.
const ROWS_MAX: usize = 100;
/// Characters of a value in the table.
const VALUE_CHARS_MAX: usize = 200;
/// The bar with rate and time left.
const BAR: &str = "{bar:30} {pos}/{len} {per_sec} {eta} left";

/// Says how far the sending is: a bar on a terminal, plain lines elsewhere.
pub struct Progress {
    bar: ProgressBar,
    begun: Instant,
    said_at: Mutex<Instant>,
    has_terminal: bool,
}

impl Progress {
    /// Of `total` messages.
    pub fn new(total: u64) -> Progress {
        let has_terminal = stderr_is_terminal();
        let target = match has_terminal {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let style = ProgressStyle::with_template(BAR);
        let bar = ProgressBar::with_draw_target(Some(total), target)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let now = Instant::now();
        Progress {
            bar,
            begun: now,
            said_at: Mutex::new(now),
            has_terminal,
        }
    }

    /// One message more is answered.
    pub fn step(&self) {
        self.bar.inc(1);
        if self.has_terminal {
            return;
        }
        let mut said_at = self.said_at.lock().unwrap_or_else(PoisonError::into_inner);
        if said_at.elapsed() >= LINE_EVERY {
            *said_at = Instant::now();
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or_default());
            let rate = rate(done, self.begun.elapsed());
            let left = (total.saturating_sub(done)) as f64 / rate.max(f64::MIN_POSITIVE);
            complain(&format!("{done}/{total} {rate:.0}/s {left:.0} s left"));
        }
    }

    /// Everything is answered.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Prints differences and figures.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(output: Output, load: &Load) -> Result<(), Failure> {
    if output.json {
        for different in &load.details {
            output.json(&difference_in_json(different))?;
        }
        return output.json(&figures_in_json(load));
    }
    if !load.details.is_empty() {
        output.line(&table(&load.details))?;
    }
    output.line(&figures(load))
}

fn table(details: &[Different]) -> String {
    let mut table = plain_table();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["MESSAGE", "WHERE", "EXPECTED", "FOUND"]);
    let rows = details.iter().flat_map(|different| {
        let differences = different.differences.iter();
        differences.map(|difference| (different.file.as_str(), difference))
    });
    let count = rows.clone().count();
    for (file, difference) in rows.take(ROWS_MAX) {
        table.add_row([
            file.to_owned(),
            difference.place.clone(),
            cut(&difference.expected),
            cut(&difference.found),
        ]);
    }
    let mut text = rendered(&mut table);
    if count > ROWS_MAX {
        text.push_str(&format!("\nand {} more\n", count - ROWS_MAX));
    }
    text
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

fn figures(load: &Load) -> String {
    let [p50, p90, p99, max] = percentiles(load);
    let mut text = format!(
        "{} sent, {} as expected, {} different, {} lost",
        load.sent, load.right, load.different, load.lost
    );
    if load.unjudged > 0 {
        text.push_str(&format!(", {} without an expected answer", load.unjudged));
    }
    text.push_str(&format!(
        "\n{:.1} s, {:.0} messages/s, latency p50 {p50:.2} ms, p90 {p90:.2} ms, p99 {p99:.2} ms, \
         max {max:.2} ms",
        load.elapsed.as_secs_f64(),
        rate(load.sent, load.elapsed),
    ));
    text
}

fn figures_in_json(load: &Load) -> Value {
    let [p50, p90, p99, max] = percentiles(load);
    json!({
        "sent": load.sent,
        "asExpected": load.right,
        "different": load.different,
        "lost": load.lost,
        "unjudged": load.unjudged,
        "seconds": load.elapsed.as_secs_f64(),
        "messagesPerSecond": rate(load.sent, load.elapsed),
        "latencyMs": {"p50": p50, "p90": p90, "p99": p99, "max": max},
    })
}

fn difference_in_json(different: &Different) -> Value {
    let differences = different.differences.iter().map(|difference| {
        json!({
            "place": difference.place,
            "expected": difference.expected,
            "found": difference.found,
        })
    });
    json!({
        "file": different.file,
        "round": different.round,
        "differences": differences.collect::<Vec<_>>(),
    })
}

/// p50, p90, p99 and the largest, in milliseconds.
fn percentiles(load: &Load) -> [f64; 4] {
    let of = |quantile: f64| load.latencies.value_at_quantile(quantile) as f64 / 1_000.0;
    let max = load.latencies.max() as f64 / 1_000.0;
    [of(0.5), of(0.9), of(0.99), max]
}

fn rate(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
}
