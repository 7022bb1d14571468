//! From single figures to medians, spreads and ratios; as tables and as JSON.

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use serde_json::{Value, json};

use crate::load::figures::{self, Spread};
use crate::{Bench, COMPARED_AT, Cell};

/// What one measurement gave.
pub struct Figure {
    /// What was measured.
    pub cell: Cell,
    /// In which round, from 0.
    pub round: usize,
    /// Items per second.
    pub rate: f64,
    /// Median latency of one request.
    pub p50_us: f64,
    /// 99th percentile of the same.
    pub p99_us: f64,
}

/// What came out, a line a cell.
pub fn table(bench: &Bench<'_>, figures: &[Figure]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "",
        "items/s (min–max)",
        "p50 µs",
        "p99 µs (min–max)",
        "p99 ÷ p50",
    ]);
    for cell in bench.cells() {
        let of = |value: fn(&Figure) -> f64| spread(figures, cell, value);
        let columns = (of(|f| f.rate), of(|f| f.p50_us), of(|f| f.p99_us));
        if let (Some(rate), Some(p50), Some(p99)) = columns {
            table.add_row([
                bench.name(cell),
                rate.show(0),
                format!("{:.0}", p50.median),
                p99.show(0),
                format!("{:.2}", p99.median / p50.median),
            ]);
        }
    }
    table
}

/// Everything measured, and the ratios of `goals.md`, each taken within its round.
pub fn summarise(bench: &Bench<'_>, figures: &[Figure]) -> Value {
    let rounds: Vec<_> = figures
        .iter()
        .map(|figure| {
            json!({
                "subject": bench.name(figure.cell), "round": figure.round,
                "itemsPerSecond": figure.rate, "p50Us": figure.p50_us, "p99Us": figure.p99_us,
            })
        })
        .collect();
    let subject = |cell: Cell| {
        let of = |value: fn(&Figure) -> f64| spread(figures, cell, value).map(|s| s.json());
        json!({
            "subject": bench.name(cell), "itemsPerSecond": of(|f| f.rate),
            "p50Us": of(|f| f.p50_us), "p99Us": of(|f| f.p99_us),
        })
    };
    let subjects: Vec<_> = bench.cells().into_iter().map(subject).collect();
    let rate: fn(&Figure) -> f64 = |figure| figure.rate;
    let single = |connections| Cell::Single { connections };
    let mut ratios = Vec::new();
    let mut add = |name: String, above: Cell, below: Cell, value: fn(&Figure) -> f64| {
        if let Some(spread) = ratio(figures, above, below, value) {
            ratios.push(json!({ "name": name, "ratio": spread.json() }));
        }
    };
    for &connections in &bench.options.connections {
        let name = format!("accepts/s ÷ F at {connections}");
        add(name, single(connections), Cell::Fixed { connections }, rate);
    }
    add("accepts/s at 1 ÷ S".into(), single(1), Cell::Sync, rate);
    add("p50 at 1 ÷ S p50".into(), single(1), Cell::Sync, |figure| {
        figure.p50_us
    });
    let compared = format!("÷ single posts at {COMPARED_AT}");
    add(
        format!("items/s in batches {compared}"),
        Cell::Batches,
        single(COMPARED_AT),
        rate,
    );
    add(
        format!("with history {compared}"),
        Cell::Grown,
        single(COMPARED_AT),
        rate,
    );
    json!({
        "machine": figures::machine(bench.folder),
        "command": std::env::args().skip(1).collect::<Vec<_>>(),
        "receiptBytes": bench.receipt_bytes, "fixedThreads": bench.fixed_threads,
        "anteroomThreads": bench.threads, "rounds": rounds,
        "subjects": subjects, "ratios": ratios,
    })
}

fn spread(figures: &[Figure], cell: Cell, value: fn(&Figure) -> f64) -> Option<Spread> {
    Spread::of(
        figures
            .iter()
            .filter(|figure| figure.cell == cell)
            .map(value),
    )
}

/// The spread of the rounds' own ratios, so that a slow moment of the machine counts for both.
fn ratio(
    figures: &[Figure],
    above: Cell,
    below: Cell,
    value: fn(&Figure) -> f64,
) -> Option<Spread> {
    let of = |cell: Cell, round: usize| {
        figures
            .iter()
            .find(|figure| figure.cell == cell && figure.round == round)
            .map(value)
    };
    let rounds = figures.iter().map(|figure| figure.round).max()?;
    Spread::of((0..=rounds).filter_map(|round| Some(of(above, round)? / of(below, round)?)))
}

/// The ratios of a summary.
pub fn ratio_table(summary: &Value) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["ratio", "median (min–max)"]);
    for line in summary["ratios"].as_array().into_iter().flatten() {
        let part = |name: &str| line["ratio"][name].as_f64().unwrap_or_default();
        let spread = Spread {
            median: part("median"),
            min: part("min"),
            max: part("max"),
        };
        table.add_row([
            line["name"].as_str().unwrap_or_default().to_owned(),
            spread.show(2),
        ]);
    }
    table
}
