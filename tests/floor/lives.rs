//! Twenty agents and four services: a thousand items with skills and preferred agents are all ended
//! exactly once, though the daemon is killed in the middle, and every trace is whole.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Desk, Floor, KEY};
use crate::own::{LISTENERS, key_sha256};

const AGENTS: usize = 20;
const ITEMS: usize = 1_000;
const SERVICES: [&str; 4] = ["loans", "claims", "cards", "funds"];
const SKILLS: [&str; 3] = ["finnish", "mortgages", "fraud"];
/// The kill falls when so many have ended.
const KILLED_AFTER: usize = ITEMS / 3;
/// All of it takes far less.
const LIVES_MAX: Duration = Duration::from_secs(240);
const LOOK_EVERY: Duration = Duration::from_millis(5);

fn config() -> String {
    let mut config = format!(
        "{}[tenants.bank]\nfair_use = false\n\
         [tenants.bank.senders.core]\nkey_sha256 = \"{}\"\nrate_per_minute = false\n",
        LISTENERS,
        key_sha256(KEY)
    );
    for name in SERVICES {
        config.push_str(&format!(
            "[tenants.bank.services.{name}]\nno_answer_reset = \"1s\"\npreferred_wait = \"1s\"\n"
        ));
    }
    config
}

/// Each agent is a member of two services or all, with one skill or all; the first five know all.
fn users() -> String {
    let mut file = "name,role,services,skills,capacity\n".to_owned();
    for number in 0..AGENTS {
        let knows_all = number < 5;
        let services = match knows_all {
            true => SERVICES.to_vec(),
            false => vec![SERVICES[number % 4], SERVICES[(number + 1) % 4]],
        };
        let skills = match knows_all {
            true => SKILLS.map(|skill| format!("{skill}:5")).join("|"),
            false => format!("{}:4", SKILLS[number % 3]),
        };
        let capacity = 1 + number % 2;
        let services = services.join("|");
        file.push_str(&format!(
            "agent{number},agent,{services},{skills},{capacity}\n"
        ));
    }
    file
}

fn message(number: usize) -> String {
    let service = SERVICES[number % 4];
    let skills = match number % 3 {
        0 => String::new(),
        1 => format!(
            "<skills><skill level=\"3\">{}</skill></skills>",
            SKILLS[number % 2]
        ),
        _ => "<skills><skill>fraud</skill><skill optional=\"true\">finnish</skill></skills>".into(),
    };
    let preferred = match number % 10 {
        0 => {
            "<preferredAgents required=\"true\"><agent rank=\"1\">agent1</agent>\
              </preferredAgents>"
        }
        1 | 2 => "<preferredAgents><agent rank=\"1\">agent3</agent></preferredAgents>",
        _ => "",
    };
    format!(
        "<workItem xmlns=\"urn:anteroom:work-item:1\" reference=\"life-{number}\">\
         <service>{service}</service><title>Item {number}</title>{preferred}{skills}\
         <contactData><item key=\"workItemTask\">Call</item></contactData></workItem>"
    )
}

/// What all agents share.
#[derive(Default)]
pub(crate) struct Tally {
    /// By item: how often an agent was told that it has ended it.
    ended: Mutex<BTreeMap<String, usize>>,
    count: AtomicUsize,
    pub(crate) over: AtomicBool,
}

impl Tally {
    fn note(&self, item: &str) {
        let mut ended = self.ended.lock().expect("nobody panics with it");
        *ended.entry(item.to_owned()).or_default() += 1;
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    fn ended(&self) -> usize {
        self.ended.lock().expect("nobody panics with it").len()
    }
}

/// An agent at work: takes what rings, ends what it has. Repeats itself where no answer came.
pub(crate) fn work(mut desk: Desk, tally: &Tally, come_back: impl Fn(&mut Desk)) {
    let mut unanswered = Vec::new();
    while !tally.over.load(Ordering::SeqCst) {
        if step(&mut desk, tally, &mut unanswered).is_none() {
            come_back(&mut desk);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The end of an item that nobody has answered yet.
struct End {
    item: String,
    body: Value,
}

fn step(desk: &mut Desk, tally: &Tally, unanswered: &mut Vec<End>) -> Option<()> {
    let list = |answer: crate::daemon::client::Answer| -> Option<Vec<Value>> {
        let value: Value = serde_json::from_slice(&answer.body).ok()?;
        value.as_array().cloned()
    };
    for offer in list(desk.try_ask("GET", "me/offers", &Value::Null)?)? {
        let item = offer["item"].as_str().expect("it is text");
        let body = json!({ "offer": offer["id"] });
        desk.try_ask("POST", &format!("items/{item}/accept"), &body)?;
    }
    for mine in list(desk.try_ask("GET", "me/items", &Value::Null)?)? {
        let item = mine["id"].as_str().expect("it is text").to_owned();
        let body = json!({ "session": mine["session"], "result": "done" });
        unanswered.push(End { item, body });
    }
    // What was asked before a kill is asked again: it gets the first answer.
    while let Some(End { item, body }) = unanswered.last() {
        let ended = desk.try_ask("POST", &format!("items/{item}/end"), body)?;
        assert_eq!(ended.status, 200, "{}", ended.text());
        tally.note(item);
        unanswered.pop();
    }
    Some(())
}

#[test]
fn a_thousand_items_are_ended_exactly_once_over_a_kill() {
    let folder = crate::daemon::folder("lives");
    let floor = Mutex::new(Floor::start(folder.path(), &config(), &users()));
    let tally = Tally::default();
    // Held while the daemon is away, so whoever comes back finds it there; tokens outlive a kill.
    let come_back = |desk: &mut Desk, name: &str| {
        floor.lock().expect("nobody panics with it").reconnect(desk);
        desk.begin(&member_of(name));
    };
    thread::scope(|scope| {
        for number in 0..AGENTS {
            let name = format!("agent{number}");
            let mut desk = floor.lock().expect("nobody panics with it").desk(&name);
            desk.begin(&member_of(&name));
            let (come_back, tally) = (&come_back, &tally);
            scope.spawn(move || work(desk, tally, |desk| come_back(desk, &name)));
        }
        let mut sender = floor.lock().expect("nobody panics with it").sender();
        for number in 0..ITEMS {
            let answer = sender.post(&message(number)).expect("an answer");
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
        wait_until(&tally, KILLED_AFTER);
        floor
            .lock()
            .expect("nobody panics with it")
            .daemon
            .kill_and_start_again();
        wait_until(&tally, ITEMS);
        tally.over.store(true, Ordering::SeqCst);
    });
    let floor = floor.into_inner().expect("nobody panics with it");
    audit(&floor, &tally);
}

fn member_of(name: &str) -> Vec<&'static str> {
    let number: usize = name["agent".len()..].parse().expect("a number");
    match number < 5 {
        true => SERVICES.to_vec(),
        false => vec![SERVICES[number % 4], SERVICES[(number + 1) % 4]],
    }
}

fn wait_until(tally: &Tally, count: usize) {
    let started = Instant::now();
    while tally.ended() < count {
        if started.elapsed() > LIVES_MAX {
            tally.over.store(true, Ordering::SeqCst);
            panic!("{} of {count} ended after {LIVES_MAX:?}", tally.ended());
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Every item ended once by its own trace, which has no gap.
fn audit(floor: &Floor, tally: &Tally) {
    let ended = tally.ended.lock().expect("nobody panics with it");
    assert_eq!(ended.len(), ITEMS);
    let reader = anteroom::store::read::Reader::open(&floor.daemon.folder().join("data"));
    let reader = reader.expect("the store is there");
    for (item, told) in ended.iter() {
        let id = item.parse().expect("an id");
        let row = reader
            .item(id)
            .expect("it reads")
            .expect("it is there")
            .item;
        let trace = reader.journal(row.sequence).expect("it reads");
        let numbers: Vec<u32> = trace.iter().map(|line| line.number).collect();
        let whole: Vec<u32> = (1..=row.journal_rows).collect();
        assert_eq!(numbers, whole, "{item}");
        let names: Vec<&str> = trace.iter().map(|line| line.event.name()).collect();
        let count = |name: &str| names.iter().filter(|known| **known == name).count();
        assert_eq!(
            count("endedByUser"),
            1,
            "{item}, told {told} times: {names:?}"
        );
        assert_eq!(names.first(), Some(&"received"), "{item}");
        let sessions = reader.agent_sessions(row.sequence).expect("it reads");
        let over = sessions.iter().all(|session| session.ended.is_some());
        assert!(over, "{item}: {sessions:?}");
    }
}
