//! The promise under kill -9: what has a receipt is found exactly once, in order; what has none is
//! stored at most once, and sending it again gives the receipt of that one.
//!
//! The seed of a campaign is printed; `ANTEROOM_SEED=n` repeats its choices (the scheduler's own
//! are not repeatable, so a fault may need several runs to show again).

mod audit;
mod journal;
mod sender;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::daemon::{self, Daemon};
use journal::Journal;
use sender::Habit;

const ROUNDS: usize = 10;
const SENDERS: usize = 8;
/// A round's kill waits for at most this many receipts.
const RECEIPTS_MAX: u64 = 400;
/// And then for at most this long, so that it falls anywhere in the work that follows.
const AFTERTHOUGHT_MAX_US: u64 = 20_000;
/// How long a start may run before the kill that interrupts it.
const INTERRUPTED_START_MAX_US: u64 = 60_000;
/// A round that gives no receipt for so long has a fault of another kind.
const SILENCE_MAX: Duration = Duration::from_secs(60);

#[test]
fn receipts_survive_ten_kills_in_a_row_under_eight_senders() {
    let mut random = Random::from_environment();
    let seed = random.0;
    eprintln!("ANTEROOM_SEED={seed}");
    let folder = daemon::folder("crash");
    let mut daemon = Daemon::start(&folder.path().join("data"));
    let mut journal = Journal::default();
    for round in 0..ROUNDS {
        let told = run_until_killed(&mut daemon, round, &mut random);
        assert!(
            told.receipts().count() > 0,
            "seed {seed}, round {round}: nothing was receipted"
        );
        let before = journal.told.len();
        journal.append(told);
        if random.below(3) == 0 {
            let life = Duration::from_micros(random.below(INTERRUPTED_START_MAX_US));
            Daemon::start_and_kill(daemon.data(), life);
        }
        daemon.restart();
        let found = audit::audit(&daemon, &journal);
        assert!(
            found.is_empty(),
            "seed {seed}, round {round}:\n{}",
            found.join("\n")
        );
        let resent = audit::resend(&daemon, &mut journal.told[before..]);
        assert!(
            resent.is_empty(),
            "seed {seed}, round {round}:\n{}",
            resent.join("\n")
        );
    }
    assert!(
        daemon.terminate().success(),
        "the drain after the campaign failed"
    );
}

/// Eight senders post until the daemon is killed; what each was told, joined.
fn run_until_killed(daemon: &mut Daemon, round: usize, random: &mut Random) -> Journal {
    let receipts_wanted = 1 + random.below(RECEIPTS_MAX);
    let afterthought = Duration::from_micros(random.below(AFTERTHOUGHT_MAX_US));
    let killed = AtomicBool::new(false);
    let (receipts, receipted) = mpsc::channel();
    thread::scope(|scope| {
        let start = |number: usize| {
            let client = daemon.sender();
            let name = format!("round{round}-sender{number}");
            let (receipts, killed) = (receipts.clone(), &killed);
            scope.spawn(move || {
                sender::post_until(client, &name, Habit::of(number), &receipts, || {
                    killed.load(Ordering::SeqCst)
                })
            })
        };
        let senders: Vec<_> = (0..SENDERS).map(start).collect();
        for _ in 0..receipts_wanted {
            if receipted.recv_timeout(SILENCE_MAX).is_err() {
                break;
            }
        }
        // The only wait by the clock in this test: a kill at a random moment is its point.
        thread::sleep(afterthought);
        daemon.kill();
        killed.store(true, Ordering::SeqCst);
        let mut told = Journal::default();
        for sender in senders {
            told.append(sender.join().expect("a sender does not panic"));
        }
        told
    })
}

const BUFFERED: usize = 1_000;
/// How long the release of those may take, far above what it needs.
const RELEASE_MAX: Duration = Duration::from_secs(60);

#[test]
fn closed_entrance_buffers_over_a_kill_until_opened_and_releases_in_order() {
    let folder = daemon::folder("entrance");
    let mut daemon = Daemon::start(&folder.path().join("data"));
    let mut told = post_to_closed_entrance(&daemon);
    daemon.kill();
    daemon.restart();
    let service = daemon.service("claims");
    assert_eq!(
        service["buffered"], BUFFERED,
        "after the restart: {service}"
    );
    assert_eq!(service["queued"], 0, "after the restart: {service}");

    let opened = daemon.cli(&["entrance", "open", "claims"]);
    assert!(
        opened.status.success(),
        "{}",
        String::from_utf8_lossy(&opened.stderr)
    );
    let started = std::time::Instant::now();
    while daemon.service("claims")["buffered"] != 0 {
        assert!(
            started.elapsed() < RELEASE_MAX,
            "not released: {}",
            daemon.service("claims")
        );
    }

    // Stable: within a priority the order of receipt stays.
    told.sort_by_key(|item| std::cmp::Reverse(item.priority));
    let queue = daemon.cli_json(&["queue", "claims"]);
    assert!(
        queue.iter().all(|line| line["state"] == "queued"),
        "a line is not queued"
    );
    let in_queue: Vec<_> = queue
        .iter()
        .map(|line| line["reference"].as_str())
        .collect();
    let expected: Vec<_> = told
        .iter()
        .map(|item| Some(item.reference.as_str()))
        .collect();
    assert_eq!(
        in_queue, expected,
        "the queue is not in order of priority, then receipt"
    );
    let ids: Vec<_> = queue.iter().map(|line| line["id"].as_str()).collect();
    assert_eq!(
        ids,
        told.iter()
            .map(|item| Some(item.id.as_str()))
            .collect::<Vec<_>>()
    );
    let positions: Vec<_> = queue.iter().map(|line| line["position"].as_u64()).collect();
    assert!(
        positions.is_sorted_by(|left, right| left.is_some() && left < right),
        "{positions:?}"
    );
}

struct Buffered {
    reference: String,
    id: String,
    priority: usize,
}

/// Posts one after another, so that the order of receipt is known.
fn post_to_closed_entrance(daemon: &Daemon) -> Vec<Buffered> {
    let mut client = daemon.sender();
    let mut told = Vec::new();
    for number in 0..BUFFERED {
        let reference = format!("claim-{number:04}");
        let priority = (number * 7) % 10;
        let message = journal::message(&reference, "claims", Some(priority), None);
        let answer = client.post(&message).expect("the daemon answers");
        assert_eq!(answer.status, 201, "{}", answer.text());
        let receipts = journal::receipts_in(answer.text());
        let [receipt] = receipts.as_slice() else {
            panic!("one receipt: {}", answer.text())
        };
        assert_eq!(receipt.state, "buffered", "{}", answer.text());
        assert_eq!(receipt.reason, "entranceClosed", "{}", answer.text());
        told.push(Buffered {
            reference,
            id: receipt.id.clone(),
            priority,
        });
    }
    told
}

/// splitmix64: enough for choosing moments, and the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn from_environment() -> Random {
        let given = std::env::var("ANTEROOM_SEED")
            .ok()
            .and_then(|text| text.parse().ok());
        let from_clock = || {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .expect("it is after 1970");
            u64::from(now.subsec_nanos()) ^ now.as_secs()
        };
        Random(given.unwrap_or_else(from_clock))
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
