//! Accepts per second of Anteroom beside F, a fixed hyper server, and S, a loop of append and
//! fdatasync, in interleaved rounds of one run: `cargo bench --bench accept -- --help`.
//!
//! Each measurement of Anteroom starts the release binary's demo on a data directory of its own
//! and ends it after, so nothing works in the background while another subject is measured. With
//! `--growth N` a second directory with N ended items of history is measured beside the fresh one.

#[path = "../../tests/daemon/mod.rs"]
mod daemon;
#[path = "../load/mod.rs"]
mod load;
mod report;
mod subject;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};

use load::figures;
use load::fixed::{self, Fixed};
use load::generator::{self, Load, Until};
use load::message::{Request, SINGLE, Shape};
use load::sync;
use report::Figure;

/// The connection count at which growth and batches are compared.
const COMPARED_AT: usize = 64;
const WARM_MAX: Duration = Duration::from_millis(500);

#[derive(Parser, Debug, Clone)]
#[command(about = "Accepts per second beside a fixed hyper server and a sync loop")]
struct Options {
    /// How often everything is measured; the order turns from round to round
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each measurement counts
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Connections, each with one request at a time
    #[arg(long, value_delimiter = ',', default_values_t = [1, 64, 256])]
    connections: Vec<usize>,
    /// Items in one `workItems`; 0 leaves batches out
    #[arg(long, default_value_t = 100)]
    batch_items: usize,
    /// Connections that post batches
    #[arg(long, default_value_t = 16)]
    batch_connections: usize,
    /// Items of history to compare with none
    #[arg(long, default_value_t = 0)]
    growth: u64,
    /// What to measure
    #[arg(long, value_delimiter = ',', default_values_t = Subject::value_variants().to_vec())]
    subjects: Vec<Subject>,
    /// Threads of the fixed server [default: the processors, as Anteroom's own runtime]
    #[arg(long)]
    fixed_threads: Option<usize>,
    /// Bytes of the fixed receipt [default: as long as Anteroom's]
    #[arg(long)]
    receipt_bytes: Option<usize>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    Sync,
    Fixed,
    Anteroom,
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.to_possible_value().ok_or(std::fmt::Error)?;
        f.write_str(value.get_name())
    }
}

/// One thing that is measured in every round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Sync,
    Fixed { connections: usize },
    Single { connections: usize },
    Batches,
    Grown,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, argument, threads, bytes] = arguments.as_slice()
        && argument == fixed::ARGUMENT
    {
        return fixed::serve(threads.parse()?, bytes.parse()?);
    }
    let options = Options::parse();
    ensure!(
        options.rounds > 0 && options.seconds > 0.0,
        "nothing to measure"
    );
    let folder = daemon::folder("accept");
    let bench = Bench::prepare(options, folder.path())?;
    let figures = bench.run()?;
    let summary = report::summarise(&bench, &figures);
    let path = figures::write("accept.json", &summary)?;
    println!(
        "{}\n{}\n{}",
        report::table(&bench, &figures),
        report::ratio_table(&summary),
        path.display()
    );
    Ok(())
}

struct Bench<'a> {
    options: Options,
    folder: &'a Path,
    fixed: Option<Fixed>,
    fixed_threads: usize,
    receipt_bytes: usize,
    /// Names of Anteroom's threads, to judge `fixed_threads` by.
    threads: Vec<String>,
}

impl<'a> Bench<'a> {
    /// Asks Anteroom for one receipt to know its size, starts F, makes the history.
    fn prepare(options: Options, folder: &'a Path) -> anyhow::Result<Bench<'a>> {
        let mut receipt_bytes = options.receipt_bytes.unwrap_or(400);
        let mut threads = Vec::new();
        if options.subjects.contains(&Subject::Anteroom) {
            let probed = subject::probe(folder)?;
            receipt_bytes = options.receipt_bytes.unwrap_or(probed.0);
            threads = probed.1;
        }
        let processors = std::thread::available_parallelism()?.get();
        let fixed_threads = options.fixed_threads.unwrap_or(processors);
        let fixed = match options.subjects.contains(&Subject::Fixed) {
            true => Some(Fixed::start(fixed_threads, receipt_bytes)?),
            false => None,
        };
        if options.growth > 0 {
            subject::make_history(&folder.join("grown"), options.growth)?;
        }
        Ok(Bench {
            options,
            folder,
            fixed,
            fixed_threads,
            receipt_bytes,
            threads,
        })
    }

    fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        let measured = |subject| self.options.subjects.contains(&subject);
        if measured(Subject::Sync) {
            cells.push(Cell::Sync);
        }
        for &connections in &self.options.connections {
            if measured(Subject::Fixed) {
                cells.push(Cell::Fixed { connections });
            }
            if measured(Subject::Anteroom) {
                cells.push(Cell::Single { connections });
            }
        }
        if measured(Subject::Anteroom) && self.options.batch_items > 0 {
            cells.push(Cell::Batches);
        }
        if measured(Subject::Anteroom) && self.options.growth > 0 {
            cells.push(Cell::Grown);
        }
        cells
    }

    /// Every cell once a round, each round beginning elsewhere and every other one backwards.
    fn run(&self) -> anyhow::Result<Vec<Figure>> {
        let cells = self.cells();
        ensure!(!cells.is_empty(), "nothing to measure");
        let mut figures = Vec::new();
        for round in 0..self.options.rounds {
            let mut order = cells.clone();
            order.rotate_left(round % cells.len());
            if round % 2 == 1 {
                order.reverse();
            }
            for cell in order {
                let figure = self
                    .measure(cell, round)
                    .with_context(|| format!("{cell:?}"))?;
                eprintln!(
                    "round {round}: {:<28} {:>9.0}/s  p50 {:>7.0} µs  p99 {:>7.0} µs",
                    self.name(cell),
                    figure.rate,
                    figure.p50_us,
                    figure.p99_us
                );
                figures.push(figure);
            }
        }
        Ok(figures)
    }

    fn measure(&self, cell: Cell, round: usize) -> anyhow::Result<Figure> {
        let measured = Duration::from_secs_f64(self.options.seconds);
        let until = Until::Elapsed {
            warm: WARM_MAX.min(measured / 4),
            measured,
        };
        let (load, items) = match cell {
            Cell::Sync => (sync::run(self.folder, measured)?, 1),
            Cell::Fixed { connections } => {
                let fixed = self.fixed.as_ref().context("the fixed server runs")?;
                let request = Request::new(fixed.address, &"k".repeat(43), SINGLE, 0);
                (
                    generator::run(fixed.address, &request, connections, until)?,
                    1,
                )
            }
            Cell::Single { connections } => (self.anteroom(SINGLE, connections, until)?, 1),
            Cell::Batches => {
                let shape = Shape {
                    items: self.options.batch_items,
                    ..SINGLE
                };
                (
                    self.anteroom(shape, self.options.batch_connections, until)?,
                    shape.items,
                )
            }
            Cell::Grown => (
                subject::post(&self.folder.join("grown"), SINGLE, COMPARED_AT, until)?,
                1,
            ),
        };
        Ok(Figure {
            cell,
            round,
            rate: load.rate() * items as f64,
            p50_us: load.quantile_us(0.5),
            p99_us: load.quantile_us(0.99),
        })
    }

    /// On a directory of its own, which is removed with its folder.
    fn anteroom(&self, shape: Shape, connections: usize, until: Until) -> anyhow::Result<Load> {
        let folder = tempfile::tempdir_in(self.folder)?;
        subject::post(&folder.path().join("data"), shape, connections, until)
    }

    fn name(&self, cell: Cell) -> String {
        match cell {
            Cell::Sync => "S append + fdatasync".to_owned(),
            Cell::Fixed { connections } => format!("F at {connections}"),
            Cell::Single { connections } => format!("Anteroom at {connections}"),
            Cell::Batches => {
                let Options {
                    batch_items,
                    batch_connections,
                    ..
                } = &self.options;
                format!("Anteroom, {batch_items} a batch at {batch_connections}")
            }
            Cell::Grown => {
                format!("Anteroom at {COMPARED_AT}, {} before", self.options.growth)
            }
        }
    }
}
