//! `replay`: sends fixture messages and compares the answers; with a rate, repeats and fresh
//! references it is a load generator. `fixtures/README.md` says how fixtures are written.
//!
//! `fixture` finds and reads them, `stand_in` puts in what is known only now, `fresh` gives them
//! new references, `load` sends, `compare` judges, `update` rewrites, `report` prints.

mod compare;
mod fixture;
mod fresh;
mod load;
mod report;
mod stand_in;
mod update;

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::Global;
use super::exit::{Exit, Failure};
use super::intake::Target;
use super::output::Output;

use fixture::Fixture;
use fresh::Freshness;
use load::Plan;

/// Connections there may be.
const CONCURRENCY_MAX: usize = 4_096;
/// When set to `1`, answers are rewritten instead of compared.
const UPDATE_VARIABLE: &str = "UPDATE_FIXTURES";

/// Send fixture messages and compare the answers; also a load generator
///
/// Each NAME.xml is posted in the order of the names; the answer must be that in NAME.answer.xml,
/// where ids and times match anything and so does every value written as `*`. NAME.http says the
/// status and headers where they matter. {fresh} stands for a word that no round before had,
/// {tomorrow} for a time and {id} for the id answered before. UPDATE_FIXTURES=1 in the environment
/// rewrites the answers.
#[derive(Debug, Args)]
pub struct Replay {
    /// Messages, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The intake [default: that of the demo in the data folder]
    #[arg(long)]
    url: Option<String>,
    /// File with the sender's key [default: that of the demo]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Connections at a time; with more than one the order of messages is not kept
    #[arg(long, value_name = "N", default_value = "1")]
    concurrency: NonZeroUsize,
    /// Messages a second in all [default: as fast as they are answered]
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// Send everything so many times
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    /// Give every round references that no round before had
    #[arg(long)]
    fresh_references: bool,
}

impl Replay {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        if self.concurrency.get() > CONCURRENCY_MAX {
            let text = format!("--concurrency: at most {CONCURRENCY_MAX}");
            return Err(Failure::new(Exit::Usage, text));
        }
        let fixtures = fixture::find(&self.paths)?;
        let target = Target::new(global, self.url.as_deref(), self.key_file.as_deref())?;
        let target = Arc::new(target);
        let freshness = match self.fresh_references {
            true => Some(Freshness::new(run_name())),
            false => None,
        };
        if std::env::var(UPDATE_VARIABLE).is_ok_and(|value| value == "1") {
            return self.update(&fixtures, target, output);
        }
        let plan = Plan {
            fixtures,
            target,
            concurrency: self.concurrency.get(),
            rate: self.rate,
            rounds: self.repeat.get(),
            freshness,
        };
        let load = runtime()?.block_on(load::run(plan))?;
        report::print(output, &load)?;
        Ok(load.exit())
    }

    fn update(
        &self,
        fixtures: &[Fixture],
        target: Arc<Target>,
        output: Output,
    ) -> Result<Exit, Failure> {
        if self.fresh_references || self.repeat.get() > 1 {
            let text =
                format!("{UPDATE_VARIABLE} goes with neither --repeat nor --fresh-references");
            return Err(Failure::new(Exit::Usage, text));
        }
        let rewritten = runtime()?.block_on(update::rewrite(fixtures, target))?;
        for path in &rewritten {
            output.line(&path.display().to_string())?;
        }
        Ok(Exit::Ok)
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, error))
}

/// Something that no earlier run was called: the time in microseconds, in letters and digits.
fn run_name() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut left = since.as_micros();
    let mut name = Vec::new();
    while left > 0 {
        let digit = u32::try_from(left % 36).expect("a remainder is small");
        name.push(char::from_digit(digit, 36).expect("it is a digit in base 36"));
        left /= 36;
    }
    name.into_iter().rev().collect()
}
