//! People who meet alerts and buttons: they push, they acknowledge, and they ask again after a kill.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::floor::Desk;
use crate::floor::lives::Tally;

/// How often they look at their list.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What people were told of what they did, by follow-up.
#[derive(Debug, Default)]
pub struct Handled {
    told: Mutex<BTreeMap<String, Answers>>,
}

/// What was answered about one follow-up, whoever asked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// It has just been done.
    pub first: u32,
    /// It had been done before.
    pub repeated: u32,
    /// Its stage had been left.
    pub refused: u32,
}

impl Handled {
    /// Everything so far.
    pub fn answers(&self) -> BTreeMap<String, Answers> {
        self.told.lock().expect("nobody panics with it").clone()
    }

    fn note(&self, id: &str, note: impl Fn(&mut Answers)) {
        let mut told = self.told.lock().expect("nobody panics with it");
        note(told.entry(id.to_owned()).or_default());
    }
}

/// Somebody who looks at the follow-ups and handles those that `wants` says, until all is over.
/// What was asked and not answered is asked again, though it may be off the list by then.
pub fn handle(
    mut desk: Desk,
    tally: &Tally,
    handled: &Handled,
    wants: impl Fn(&Value) -> bool,
    come_back: impl Fn(&mut Desk),
) {
    let mut asked = HashMap::new();
    let mut settled = HashSet::new();
    while !tally.over.load(Ordering::SeqCst) {
        if look(&mut desk, &wants, &settled, &mut asked).is_none()
            || ask_all(&mut desk, handled, &mut settled, &mut asked).is_none()
        {
            come_back(&mut desk);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Follow-ups to be handled, with the verb.
type Asked = HashMap<String, &'static str>;

fn look(
    desk: &mut Desk,
    wants: &impl Fn(&Value) -> bool,
    settled: &HashSet<String>,
    asked: &mut Asked,
) -> Option<()> {
    let page = desk.try_ask("GET", "follow-ups?limit=1000", &Value::Null)?;
    let page: Value = serde_json::from_slice(&page.body).expect("it is JSON");
    for one in page["followUps"].as_array().expect("a list") {
        let id = one["id"].as_str().expect("it is text");
        let verb = match one["kind"].as_str() {
            Some("alert") => "acknowledge",
            Some("button") => "push",
            other => panic!("{other:?} in {one}"),
        };
        if !settled.contains(id) && wants(one) {
            asked.insert(id.to_owned(), verb);
        }
    }
    Some(())
}

fn ask_all(
    desk: &mut Desk,
    handled: &Handled,
    settled: &mut HashSet<String>,
    asked: &mut Asked,
) -> Option<()> {
    let ids: Vec<String> = asked.keys().cloned().collect();
    for id in ids {
        let path = format!("follow-ups/{id}/{}", asked[&id]);
        let answer = desk.try_ask("POST", &path, &Value::Null)?;
        let body: Value = serde_json::from_slice(&answer.body).expect("it is JSON");
        match (answer.status, &body["repeated"]) {
            (200, Value::Bool(false)) => handled.note(&id, |it| it.first += 1),
            (200, Value::Bool(true)) => handled.note(&id, |it| it.repeated += 1),
            (409, _) => handled.note(&id, |it| it.refused += 1),
            other => panic!("{path}: {other:?}: {body}"),
        }
        asked.remove(&id);
        settled.insert(id);
    }
    Some(())
}
