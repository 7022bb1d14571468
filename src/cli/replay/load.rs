//! Sends the fixtures, over one or many connections, and times the answers.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::compare::{Difference, differences};
use super::fixture::Fixture;
use super::fresh::{Freshness, renamed};
use super::report::Progress;
use super::stand_in::StandIns;
use crate::cli::exit::{Exit, Failure};
use crate::cli::intake::{Answer, Connection, Target};

/// Answers that differ and are kept for the report.
const KEPT_MAX: usize = 200;
/// Latencies are kept in microseconds up to this, with three significant digits.
const LATENCY_US_MAX: u64 = 600_000_000;
const LATENCY_DIGITS: u8 = 3;
/// Messages lost in a row after which there is no point in going on.
const LOST_IN_A_ROW_MAX: u64 = 20;

/// What is to be sent.
pub struct Plan {
    /// In this order.
    pub fixtures: Vec<Fixture>,
    /// Whom to.
    pub target: Arc<Target>,
    /// Connections.
    pub concurrency: usize,
    /// Messages a second; `None`: as fast as they are answered.
    pub rate: Option<NonZeroU32>,
    /// How many times everything is sent.
    pub rounds: u32,
    /// New references for each round.
    pub freshness: Option<Freshness>,
}

/// What came of it.
#[derive(Debug)]
pub struct Load {
    /// Messages sent.
    pub sent: u64,
    /// Answers that are as expected.
    pub right: u64,
    /// Answers that are not.
    pub different: u64,
    /// Messages without a whole answer.
    pub lost: u64,
    /// Answers of which nothing was expected.
    pub unjudged: u64,
    /// From the first message to the last answer.
    pub elapsed: Duration,
    /// In microseconds; with a rate, from the time a message was due.
    pub latencies: Histogram<u64>,
    /// The first of those that differ.
    pub details: Vec<Different>,
}

/// An answer that differs.
#[derive(Debug)]
pub struct Different {
    /// The message's file.
    pub file: String,
    /// In which round.
    pub round: u32,
    /// How.
    pub differences: Vec<Difference>,
}

impl Load {
    /// What the calling script learns.
    pub fn exit(&self) -> Exit {
        let lost = match self.lost {
            0 => Exit::Ok,
            _ => Exit::Unavailable,
        };
        match self.different {
            0 => lost,
            _ => lost.and(Exit::Data),
        }
    }
}

/// Sends everything and waits for all answers.
///
/// # Errors
/// Message after message is lost: there is no daemon.
pub async fn run(plan: Plan) -> Result<Load, Failure> {
    let total = plan.fixtures.len() as u64 * u64::from(plan.rounds);
    let connections = usize::try_from(total).unwrap_or(usize::MAX);
    let connections = connections.min(plan.concurrency);
    let sending = Arc::new(Sending {
        state: Mutex::new(State {
            load: Load::empty()?,
            next: 0,
            lost_in_a_row: 0,
        }),
        progress: Progress::new(total),
        begun: Instant::now(),
        begun_at: SystemTime::now(),
        total,
        plan,
    });
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        senders.spawn(send_all(sending.clone()));
    }
    while let Some(ended) = senders.join_next().await {
        ended.map_err(|error| Failure::new(Exit::Failed, error))??;
    }
    sending.progress.finish();
    let elapsed = sending.begun.elapsed();
    let mut state = sending.state();
    state.load.elapsed = elapsed;
    Ok(std::mem::replace(&mut state.load, Load::empty()?))
}

/// What all connections share.
struct Sending {
    plan: Plan,
    total: u64,
    begun: Instant,
    /// What the words in the fixtures stand for is told from this time and the round.
    begun_at: SystemTime,
    progress: Progress,
    state: Mutex<State>,
}

struct State {
    load: Load,
    /// Number of the next message.
    next: u64,
    lost_in_a_row: u64,
}

impl Sending {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a message that nobody has sent yet.
    fn take(&self) -> Option<u64> {
        let mut state = self.state();
        let number = state.next;
        (number < self.total).then(|| {
            state.next += 1;
            number
        })
    }

    /// When a message is due.
    fn due(&self, number: u64) -> Option<Instant> {
        let rate = self.plan.rate?;
        let after = number as f64 / f64::from(rate.get());
        Some(self.begun + Duration::from_secs_f64(after))
    }
}

/// A connection, and what was answered on it before.
struct Line {
    connection: Connection,
    stand_ins: StandIns,
}

async fn send_all(sending: Arc<Sending>) -> Result<(), Failure> {
    let mut line = Line {
        connection: Connection::new(sending.plan.target.clone()),
        stand_ins: StandIns::new(sending.begun_at, 0),
    };
    while let Some(number) = sending.take() {
        let due = sending.due(number);
        if let Some(due) = due {
            sleep_until(due.into()).await;
        }
        send_one(&sending, &mut line, number, due).await?;
        sending.progress.step();
    }
    Ok(())
}

async fn send_one(
    sending: &Sending,
    line: &mut Line,
    number: u64,
    due: Option<Instant>,
) -> Result<(), Failure> {
    let fixtures = &sending.plan.fixtures;
    let count = fixtures.len() as u64;
    let index = usize::try_from(number % count).expect("it is an index");
    let round = u32::try_from(number / count + 1).expect("rounds are counted in 32 bits");
    let mut fixture = fresh(&fixtures[index], sending.plan.freshness.as_ref(), round);
    line.stand_ins.renew(StandIns::new(sending.begun_at, round));
    line.stand_ins.put_into(&mut fixture);
    let body = fixture.packed(fixture.message.clone());
    let begun = Instant::now();
    let (method, headers) = (fixture.method.clone(), &fixture.headers);
    let connection = &mut line.connection;
    let sent = connection.send(method, &fixture.uri, headers, body).await;
    // With a rate, waiting for a free connection is the daemon's time too.
    let latency = due.unwrap_or(begun).elapsed();
    let mut state = sending.state();
    state.load.sent += 1;
    match sent {
        Ok(answer) => {
            state.lost_in_a_row = 0;
            state.load.judge(&fixture, &answer, round, latency);
            line.stand_ins.look(&answer);
            Ok(())
        }
        Err(failure) => {
            state.load.lost += 1;
            state.lost_in_a_row += 1;
            match state.lost_in_a_row {
                LOST_IN_A_ROW_MAX.. => Err(failure),
                _ => Ok(()),
            }
        }
    }
}

fn fresh(fixture: &Fixture, freshness: Option<&Freshness>, round: u32) -> Fixture {
    let mut fixture = fixture.clone();
    if let Some(freshness) = freshness {
        let (message, mut names) = freshness.message(&fixture.message, round);
        fixture.message = message;
        fixture.uri = freshness.uri(&fixture.uri, round, &mut names);
        fixture.answer = fixture.answer.map(|answer| renamed(&answer, &names));
    }
    fixture
}

impl Load {
    fn empty() -> Result<Load, Failure> {
        let latencies = Histogram::new_with_bounds(1, LATENCY_US_MAX, LATENCY_DIGITS)
            .map_err(|error| Failure::new(Exit::Failed, error))?;
        Ok(Load {
            sent: 0,
            right: 0,
            different: 0,
            lost: 0,
            unjudged: 0,
            elapsed: Duration::ZERO,
            latencies,
            details: Vec::new(),
        })
    }

    fn judge(&mut self, fixture: &Fixture, answer: &Answer, round: u32, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(us.max(1));
        if fixture.answer.is_none() && fixture.status.is_none() {
            self.unjudged += 1;
            return;
        }
        let differences = differences(fixture, answer);
        if differences.is_empty() {
            self.right += 1;
            return;
        }
        self.different += 1;
        if self.details.len() < KEPT_MAX {
            self.details.push(Different {
                file: fixture.path.display().to_string(),
                round,
                differences,
            });
        }
    }
}
