//! What the daemon holds after a campaign, compared with what people, senders and the receiver of
//! notifications were told.

use std::collections::BTreeMap;

use anteroom::domain::item::ItemState;
use anteroom::domain::journal::JournalEvent;
use anteroom::store::read::Reader;

use super::life::{Life, datum};
use super::people::Answers;
use crate::cli::{code, stdout};
use crate::floor::Floor;
use crate::receiver::Told;

/// A campaign when everything has ended.
pub struct Campaign {
    /// Receipted items: reference and id.
    pub items: Vec<(String, String)>,
    /// What people were told, by follow-up.
    pub handled: BTreeMap<String, Answers>,
    /// What the sender was told.
    pub told: Vec<Told>,
    pub floor: Floor,
}

/// Says everything that is wrong.
pub fn audit(campaign: &Campaign) -> Vec<String> {
    let data = campaign.floor.daemon.folder().join("data");
    let reader = Reader::open(&data).expect("the store is there");
    let items = campaign.items.iter();
    let lives: Vec<Life> = items.map(|(_, id)| life(&reader, id)).collect();
    let children: Vec<Life> = lives.iter().flat_map(|it| follow(&reader, it)).collect();
    let mut found = judge_campaign(&lives);
    for (life, (reference, _)) in lives.iter().zip(&campaign.items) {
        if life.reference != *reference {
            found.push(format!("{reference} is {}", life.reference));
        }
    }
    found.extend(judge_told(&campaign.told, &lives));
    let all: Vec<Life> = lives.into_iter().chain(children).collect();
    for life in &all {
        found.extend(life.judge());
        found.extend(judge_effects(life));
    }
    found.extend(judge_people(&campaign.handled, &all));
    found.extend(judge_daemon(&campaign.floor));
    found
}

fn life(reader: &Reader, id: &str) -> Life {
    let listed = reader.item(id.parse().expect("an id")).expect("it reads");
    let listed = listed.unwrap_or_else(|| panic!("{id} is lost"));
    let sequence = listed.item.sequence;
    Life {
        reference: listed.reference,
        lines: reader.journal(sequence).expect("it reads"),
        follow_ups: reader.follow_ups_of(sequence).expect("it reads"),
        row: listed.item,
    }
}

/// The items that its workflow has opened.
fn follow(reader: &Reader, of: &Life) -> Vec<Life> {
    let ids = of.data(JournalEvent::FollowUpStarted, "item");
    ids.into_iter().map(|id| life(reader, id)).collect()
}

/// Those that have not ended, or whose workflow is not over, follow-ups among them.
pub fn open<'a>(reader: &Reader, ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut open = Vec::new();
    for id in ids {
        let parent = life(reader, id);
        let children = follow(reader, &parent);
        for life in children.iter().chain([&parent]) {
            if life.row.state != ItemState::Ended || life.row.flow.is_some() {
                open.push(format!("{}: {:?}", life.reference, life.row));
            }
        }
    }
    open
}

/// How many notifications their journals promise.
pub fn promised<'a>(reader: &Reader, ids: impl Iterator<Item = &'a String>) -> usize {
    let lives = ids.map(|id| life(reader, id));
    lives.map(|life| life.count(JournalEvent::SenderTold)).sum()
}

/// The notifications by their ids, each with its item and the workflow's word; what came twice is
/// there once.
pub fn ids_told(told: &[Told]) -> BTreeMap<&str, (String, String)> {
    let read = |one: &Told| {
        one.verify();
        let document = roxmltree::Document::parse(&one.body).expect("it is XML");
        let root = document.root_element();
        assert_eq!(root.attribute("event"), Some("workflow"), "{}", one.body);
        let status = root.first_element_child().expect("a status");
        let item = status.attribute("id").expect("an id").to_owned();
        (item, root.attribute("name").expect("a name").to_owned())
    };
    let told = told.iter();
    told.map(|one| (one.header("webhook-id"), read(one)))
        .collect()
}

/// What stages did is done as often as they were entered.
fn judge_effects(life: &Life) -> Vec<String> {
    let stages = life.data(JournalEvent::StageEntered, "name");
    let times = |stage: &str| stages.iter().filter(|known| **known == stage).count();
    let told = life.data(JournalEvent::SenderTold, "name");
    let said = |name: &str| told.iter().filter(|known| **known == name).count();
    let alerts = life.count(JournalEvent::AlertShown) + life.count(JournalEvent::AlertSuppressed);
    let is = |workflow: &str| {
        let mut stages = life.all(JournalEvent::StageEntered);
        stages.all(|line| datum(line, "workflow") == workflow)
    };
    let (case, night) = (usize::from(is("case")), usize::from(is("night")));
    let child = usize::from(is("call-back"));
    let suppressed = life.count(JournalEvent::AlertSuppressed);
    let charged = usize::from(life.row.chargeable);
    let table = [
        ("marked", said("marked"), times("mark")),
        ("handed", said("handed"), times("handed")),
        ("decided", said("decided"), times("done")),
        ("refused", said("refused"), night * times("late")),
        (
            "let in",
            life.count(JournalEvent::ForcedIn),
            times("release"),
        ),
        ("alerts", alerts, child + night + times("late")),
        ("suppressed", suppressed, (1 - charged) * alerts),
        (
            "follow-ups",
            life.count(JournalEvent::FollowUpStarted),
            case * times("done"),
        ),
        ("buttons", life.count(JournalEvent::ButtonShown), {
            2 * times("held") + night
        }),
        ("stopped", life.count(JournalEvent::WorkflowStopped), 0),
    ];
    let wrong = table.into_iter().filter(|(_, done, wanted)| done != wanted);
    let reference = &life.reference;
    wrong
        .map(|(what, done, wanted)| format!("{reference}: {what} {done} times, not {wanted}"))
        .collect()
}

/// Whoever was told that something is done finds it done, once.
fn judge_people(handled: &BTreeMap<String, Answers>, lives: &[Life]) -> Vec<String> {
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    for event in [JournalEvent::ButtonPushed, JournalEvent::AlertAcknowledged] {
        for id in lives.iter().flat_map(|life| life.data(event, "followUp")) {
            *done.entry(id).or_default() += 1;
        }
    }
    let mut found = Vec::new();
    for (id, times) in &done {
        if *times != 1 {
            found.push(format!("{id} was handled {times} times"));
        }
    }
    for (id, answers) in handled {
        let told_done = answers.first + answers.repeated > 0;
        let right = match done.contains_key(id.as_str()) {
            true => answers.first <= 1 && answers.refused == 0,
            false => !told_done,
        };
        if !right {
            found.push(format!("{id}: {answers:?}"));
        }
    }
    found
}

/// Each `notify` was told under an id of its own, and nothing else was.
fn judge_told(told: &[Told], lives: &[Life]) -> Vec<String> {
    let mut by_name: BTreeMap<(String, String), usize> = BTreeMap::new();
    for key in ids_told(told).into_values() {
        *by_name.entry(key).or_default() += 1;
    }
    let mut promised: BTreeMap<(String, String), usize> = BTreeMap::new();
    for life in lives {
        for name in life.data(JournalEvent::SenderTold, "name") {
            let key = (life.row.id.to_string(), name.to_owned());
            *promised.entry(key).or_default() += 1;
        }
    }
    let differ = |a: &BTreeMap<_, _>, b: &BTreeMap<_, _>| {
        let here = a.iter().filter(|(key, times)| b.get(*key) != Some(*times));
        here.map(|it| format!("{it:?}")).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for (what, wrong) in [
        ("told otherwise than promised", differ(&by_name, &promised)),
        ("promised otherwise than told", differ(&promised, &by_name)),
    ] {
        found.extend(wrong.into_iter().map(|one| format!("{what}: {one}")));
    }
    found
}

/// No button is left open, and the doctor finds nothing.
fn judge_daemon(floor: &Floor) -> Vec<String> {
    let mut found = Vec::new();
    let open = floor.daemon.cli_json(&["follow-ups"]);
    let left = open.iter().filter(|one| one["kind"] != "alert");
    found.extend(left.map(|one| format!("still open: {one}")));
    let doctor = floor.daemon.cli(&["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&stdout(&doctor)).expect("it is JSON");
    if code(&doctor) != 0 || report["findings"] != serde_json::json!([]) {
        found.push(format!("doctor: {report}"));
    }
    found
}

/// A campaign in which one of these never happened has shown nothing of it.
fn judge_campaign(lives: &[Life]) -> Vec<String> {
    let wanted = [
        JournalEvent::Updated,
        JournalEvent::TakenByWorkflow,
        JournalEvent::TransferredByWorkflow,
        JournalEvent::ForcedIn,
        JournalEvent::ButtonPushed,
        JournalEvent::AlertAcknowledged,
        JournalEvent::AlertSuppressed,
        JournalEvent::SenderTold,
        JournalEvent::FollowUpStarted,
        JournalEvent::CancelledByWorkflow,
        JournalEvent::EndedByUser,
    ];
    let never = wanted.into_iter();
    let never = never.filter(|event| lives.iter().all(|life| life.count(*event) == 0));
    never
        .map(|event| format!("never: {}", event.name()))
        .collect()
}
