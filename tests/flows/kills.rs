//! Kill -9 while workflows wait, queue, show buttons and alerts, tell senders and open follow-ups:
//! every item ends once, on a way that its workflow allows, and nothing that it did is lost or done
//! twice.
//!
//! The seed is printed; `ANTEROOM_SEED=n` repeats its choices, `ANTEROOM_KILLS=n` makes a longer
//! campaign.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anteroom::store::read::Reader;
use serde_json::{Value, json};

use super::audit::{self, Campaign};
use super::people::{Handled, handle};
use super::{bank, update, write_files};
use crate::crash::Random;
use crate::daemon::client::Client;
use crate::floor::lives::{Tally, work};
use crate::floor::{Desk, Floor};
use crate::receiver::Receiver;

/// Kills, unless `ANTEROOM_KILLS` says otherwise.
const KILLS: usize = 5;
/// Items posted for each.
const ITEMS: usize = 30;
/// A kill falls at the latest so long after a round has begun.
const ROUND_MAX_MS: u64 = 2_500;
/// Every third falls among the first posts.
const EARLY_MAX_MS: u64 = 80;
/// How long the last items may take, far above what they need.
const REST_MAX: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `kai` never signs in.
const USERS: &str = "name,role,services,supervisor_of,work_groups\n\
    anna,agent,cases|night|backoffice,,\nbo,agent,cases|night|backoffice,,\n\
    cy,agent,backoffice,,\nkai,agent,cases|night,,\n\
    sue,supervisor,,cases|night|backoffice,\nsam,supervisor,,cases|night|backoffice,\n\
    bea,agent,,,backoffice\n";

fn config(receiver: &Receiver) -> String {
    let files = ["case.xml", "night.xml", "call-back.xml"];
    let mut config = bank(receiver, &files);
    for (name, more) in [
        ("cases", "workflow = \"case\"\n"),
        ("night", "workflow = \"night\"\nhours = \"off\"\n"),
        ("backoffice", ""),
    ] {
        config.push_str(&format!(
            "[tenants.bank.services.{name}]\nno_answer_reset = \"1s\"\nwrap_up = \"0s\"\n{more}"
        ));
    }
    config
}

/// A third come after hours, every second waits for somebody who is not there, every fifth charges
/// nobody.
fn message(number: usize) -> String {
    let service = if is_night(number) { "night" } else { "cases" };
    let chargeable = !number.is_multiple_of(5);
    let preferred = match number.is_multiple_of(2) {
        true => "<preferredAgents required=\"true\"><agent>kai</agent></preferredAgents>",
        false => "",
    };
    format!(
        "<workItem xmlns=\"urn:anteroom:work-item:1\" reference=\"{}\" chargeable=\"{chargeable}\">\
         <service>{service}</service><title>Item {number}</title>{preferred}\
         <contactData><item key=\"workItemTask\">Call</item></contactData></workItem>",
        reference(number)
    )
}

fn is_night(number: usize) -> bool {
    number % 3 == 2
}

fn reference(number: usize) -> String {
    format!("flow-{number}")
}

/// What the sender knows.
#[derive(Default)]
struct Sent {
    /// Ids by number.
    receipts: BTreeMap<usize, String>,
    /// Those to be posted still, or again.
    open: BTreeSet<usize>,
}

impl Sent {
    /// Posts what is open, and updates every fourth, until the daemon is gone.
    fn post(&mut self, mut client: Client) {
        for number in self.open.clone() {
            if self.post_one(&mut client, number).is_err() {
                return;
            }
            self.open.remove(&number);
        }
    }

    fn post_one(&mut self, client: &mut Client, number: usize) -> io::Result<()> {
        let answer = client.post(&message(number))?;
        let receipt = answer.status;
        assert!(matches!(receipt, 200 | 201), "{}", answer.text());
        let document = roxmltree::Document::parse(answer.text()).expect("it is XML");
        let id = document.root_element().attribute("id").expect("an id");
        let before = self.receipts.insert(number, id.to_owned());
        assert!(before.is_none_or(|before| before == id), "{number} is two");
        if number % 4 == 1 {
            let answer = client.post(&update(&reference(number)))?;
            // What was posted before a kill may have ended since.
            let taken = answer.status == 200 || receipt == 200 && answer.status == 409;
            assert!(taken, "{}", answer.text());
        }
        Ok(())
    }
}

#[test]
fn workflows_survive_kills_while_people_push_and_acknowledge() {
    let mut random = Random::from_environment();
    let seed = random.0;
    eprintln!("ANTEROOM_SEED={seed}");
    let kills = std::env::var("ANTEROOM_KILLS").ok();
    let kills = kills.and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let folder = crate::daemon::folder("flows");
    let receiver = Receiver::start(&[204, 500]);
    let files = [
        ("case.xml", include_str!("case.xml")),
        ("night.xml", include_str!("night.xml")),
        ("call-back.xml", include_str!("call-back.xml")),
    ];
    write_files(folder.path(), &files);
    let floor = Floor::start(folder.path(), &config(&receiver), USERS);
    let campaign = run(Mutex::new(floor), &receiver, (kills, &mut random));
    let found = audit::audit(&campaign);
    assert!(found.is_empty(), "seed {seed}:\n{}", found.join("\n"));
}

/// Posts and kills in turn while people work, until everything has ended.
fn run(
    floor: Mutex<Floor>,
    receiver: &Receiver,
    (kills, random): (usize, &mut Random),
) -> Campaign {
    let tally = Tally::default();
    let handled = Handled::default();
    let sent = thread::scope(|scope| {
        let mut sent = Sent::default();
        let all = ["anna", "bo", "cy", "sue", "sam", "bea"];
        for (name, desk) in all.map(|name| (name, lock(&floor).desk(name))) {
            let (floor, tally, handled) = (&floor, &tally, &handled);
            scope.spawn(move || {
                let come_back = |desk: &mut Desk| lock(floor).reconnect(desk);
                match name {
                    "sue" | "sam" => handle(desk, tally, handled, pushes, come_back),
                    "bea" => handle(desk, tally, handled, acknowledges, come_back),
                    name => agent(desk, tally, services_of(name), come_back),
                }
            });
        }
        for round in 0..=kills {
            sent.open.extend(round * ITEMS..(round + 1) * ITEMS);
            let client = lock(&floor).sender();
            let posting = scope.spawn(move || {
                sent.post(client);
                sent
            });
            if round < kills {
                // The only wait by the clock in this test: a kill at a random moment is its point.
                thread::sleep(moment(random));
                lock(&floor).daemon.kill_and_start_again();
            }
            sent = posting.join().expect("the sender does not panic");
        }
        let rest = wait_for_rest(&floor, &sent, receiver);
        tally.over.store(true, Ordering::SeqCst);
        rest.unwrap_or_else(|open| panic!("after {REST_MAX:?}: {open}"));
        sent
    });
    let floor = floor.into_inner().expect("nobody panics with it");
    let told = receiver.told();
    let items = sent.receipts.into_iter();
    Campaign {
        items: items.map(|(number, id)| (reference(number), id)).collect(),
        handled: handled.answers(),
        told,
        floor,
    }
}

fn lock(floor: &Mutex<Floor>) -> std::sync::MutexGuard<'_, Floor> {
    floor.lock().expect("nobody panics with it")
}

fn moment(random: &mut Random) -> Duration {
    let max = match random.below(3) {
        0 => EARLY_MAX_MS,
        _ => ROUND_MAX_MS,
    };
    Duration::from_millis(random.below(max))
}

fn agent(mut desk: Desk, tally: &Tally, services: &[&str], come_back: impl Fn(&mut Desk)) {
    desk.begin(services);
    let active: BTreeMap<&str, bool> = services.iter().map(|name| (*name, true)).collect();
    let state = json!({ "presence": "online", "active": active });
    work(desk, tally, |desk| {
        // Two kills may follow each other closely.
        while !tally.over.load(Ordering::SeqCst) {
            come_back(desk);
            let begun = desk.try_ask("PUT", "me/state", &state);
            if begun.is_some_and(|answer| answer.status == 200) {
                break;
            }
        }
    });
}

fn services_of(name: &str) -> &'static [&'static str] {
    match name {
        "cy" => &["backoffice"],
        _ => &["cases", "night", "backoffice"],
    }
}

/// Lets everybody in, marks most, brings every second one back. Both supervisors want the same.
fn pushes(one: &Value) -> bool {
    match one["name"].as_str() {
        Some("release") => true,
        Some("mark") => !choice(one).is_multiple_of(3),
        Some("again") => choice(one).is_multiple_of(2),
        // Alerts are left.
        _ => false,
    }
}

fn acknowledges(one: &Value) -> bool {
    choice(one).is_multiple_of(2)
}

/// The same number for the same follow-up, whoever looks.
fn choice(one: &Value) -> u32 {
    let id = one["id"].as_str().expect("it is text");
    id.bytes().map(u32::from).sum()
}

/// Waits until every item and what followed from it has ended and its sender was told all.
fn wait_for_rest(floor: &Mutex<Floor>, sent: &Sent, receiver: &Receiver) -> Result<(), String> {
    let data = lock(floor).daemon.folder().join("data");
    let reader = Reader::open(&data).expect("the store is there");
    let started = Instant::now();
    loop {
        let open = audit::open(&reader, sent.receipts.values());
        let told = audit::ids_told(&receiver.told()).len();
        let promised = audit::promised(&reader, sent.receipts.values());
        if open.is_empty() && told >= promised {
            return Ok(());
        }
        if started.elapsed() > REST_MAX {
            let open: Vec<String> = open.into_iter().take(5).collect();
            return Err(format!("told {told} of {promised}, open {open:#?}"));
        }
        thread::sleep(LOOK_EVERY);
    }
}
