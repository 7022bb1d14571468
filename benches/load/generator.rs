//! The load generator: keep-alive HTTP/1.1 over many connections on one thread, in a closed loop.
//!
//! It shares the machine with the server it measures, so it does next to nothing: requests are
//! built beforehand, an answer is read as far as its status and length. Every subject is measured
//! by this same code.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

use super::message::Request;

/// How long a measurement may last beyond its own time before it is given up: one deadline for
/// all, so that no timer is set per answer.
const OVERTIME_MAX: Duration = Duration::from_secs(30);
/// The slowest pace, per request, at which a counted run is still waited for.
const REQUEST_MAX: Duration = Duration::from_secs(1);
/// Head and body of one answer; a batch of 1,000 stays below.
const ANSWER_BYTES_MAX: usize = 4 << 20;
const ANSWER_BYTES_FIRST: usize = 8 << 10;

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// Count what is answered within `measured`, after `warm`.
    Elapsed {
        /// Answers in this time are not counted.
        warm: Duration,
        /// Answers in this time are.
        measured: Duration,
    },
    /// This many requests over all connections, each counted.
    Requests(u64),
}

/// What came out.
#[derive(Debug)]
pub struct Load {
    /// Answers with the wanted status.
    pub answers: u64,
    /// The time they are counted over.
    pub elapsed: Duration,
    /// Nanoseconds from the first byte sent to the last byte read, of all requests begun in it.
    pub latency: Histogram<u64>,
}

impl Load {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }

    /// A latency quantile in microseconds.
    pub fn quantile_us(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// What the connections of one measurement share.
struct Shared {
    next: Cell<u64>,
    requests_left: Cell<u64>,
    answers: Cell<u64>,
    count_from: Instant,
    until: Option<Instant>,
    latency: RefCell<Histogram<u64>>,
}

/// Sends `request` over `connections` connections, each item with a number of its own.
///
/// # Errors
/// When a connection fails or an answer is not the one wanted (201 for one item, 200 without an
/// `error` for a batch): a figure with refusals in it would mean nothing.
pub fn run(
    address: SocketAddr,
    request: &Request,
    connections: usize,
    until: Until,
) -> anyhow::Result<Load> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, drive(address, request, connections, until))
}

async fn drive(
    address: SocketAddr,
    request: &Request,
    connections: usize,
    until: Until,
) -> anyhow::Result<Load> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await.context("connect")?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let started = Instant::now();
    let (count_from, stop, requests) = match until {
        Until::Elapsed { warm, measured } => {
            (started + warm, Some(started + warm + measured), u64::MAX)
        }
        Until::Requests(requests) => (started, None, requests),
    };
    let shared = Rc::new(Shared {
        next: Cell::new(0),
        requests_left: Cell::new(requests),
        answers: Cell::new(0),
        count_from,
        until: stop,
        latency: RefCell::new(Histogram::new(3)?),
    });
    let mut connections = JoinSet::new();
    for stream in streams {
        connections.spawn_local(talk(stream, request.clone(), Rc::clone(&shared)));
    }
    let patience = OVERTIME_MAX
        + match until {
            Until::Elapsed { warm, measured } => warm + measured,
            Until::Requests(requests) => REQUEST_MAX.saturating_mul(requests.min(86_400) as u32),
        };
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            ended.context("a connection's task")??;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(patience, all_ended)
        .await
        .context("an answer does not come")??;
    let elapsed = match until {
        Until::Elapsed { measured, .. } => measured,
        Until::Requests(_) => started.elapsed(),
    };
    let latency = shared.latency.borrow().clone();
    Ok(Load {
        answers: shared.answers.get(),
        elapsed,
        latency,
    })
}

async fn talk(
    mut stream: TcpStream,
    mut request: Request,
    shared: Rc<Shared>,
) -> anyhow::Result<()> {
    let items = request.items() as u64;
    let mut buffer = vec![0; ANSWER_BYTES_FIRST];
    loop {
        let begun = Instant::now();
        if shared.requests_left.get() == 0 || shared.until.is_some_and(|until| begun >= until) {
            return Ok(());
        }
        shared.requests_left.set(shared.requests_left.get() - 1);
        let first = shared.next.get();
        shared.next.set(first + items);
        stream
            .write_all(request.numbered(first))
            .await
            .context("send")?;
        let (status, length) = read_answer(&mut stream, &mut buffer).await?;
        let ended = Instant::now();
        judge(status, &buffer[..length], items)?;
        let in_time = shared.until.is_none_or(|until| ended < until);
        if ended >= shared.count_from && in_time {
            shared.answers.set(shared.answers.get() + 1);
        }
        // Also of the last, which end too late to count: a stall must not hide behind the end.
        if begun >= shared.count_from {
            let nanoseconds = ended.duration_since(begun).as_nanos() as u64;
            shared.latency.borrow_mut().record(nanoseconds)?;
        }
    }
}

fn judge(status: u16, answer: &[u8], items: u64) -> anyhow::Result<()> {
    let right = match items {
        1 => status == 201,
        _ => status == 200 && !answer.windows(7).any(|window| window == b"<error "),
    };
    let shown = &answer[..answer.len().min(1_500)];
    ensure!(
        right,
        "the answer is not a receipt: {}",
        String::from_utf8_lossy(shown)
    );
    Ok(())
}

/// Reads one answer into `buffer`; returns its status and its whole length.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<(u16, usize)> {
    let mut filled = 0;
    let mut head = None;
    loop {
        if filled == buffer.len() {
            ensure!(
                filled < ANSWER_BYTES_MAX,
                "an answer of more than {ANSWER_BYTES_MAX} bytes"
            );
            buffer.resize(filled * 2, 0);
        }
        let room = &mut buffer[filled..];
        let read = stream.read(room).await.context("receive")?;
        ensure!(read > 0, "the server closed the connection");
        filled += read;
        if head.is_none() {
            head = parse_head(&buffer[..filled])?;
        }
        if let Some((status, length)) = head
            && filled >= length
        {
            ensure!(filled == length, "more than one answer to one request");
            return Ok((status, length));
        }
    }
}

/// Status and whole length, once the head is there.
fn parse_head(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).context("the head of the answer")?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.get(9..12))
        .context("no status line")?;
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            let body: usize = value.trim().parse().context("content-length")?;
            return Ok(Some((status.parse()?, end + 4 + body)));
        }
    }
    bail!("an answer without content-length: {head}")
}
