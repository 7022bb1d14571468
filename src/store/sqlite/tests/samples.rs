//! A store with a bit of everything, made now or long ago.

use std::fs;
use std::io::Read;
use std::sync::Arc;

use tempfile::TempDir;

use super::store;
use crate::domain::access::{ApiToken, Session, TokenDigest};
use crate::domain::follow_up::FollowUp;
use crate::domain::ids::UserId;
use crate::domain::item::Item;
use crate::domain::journal::{Actor, JournalEntry, JournalEvent};
use crate::domain::outcome::Outcome;
use crate::domain::session::{AgentResult, AgentSession, ServiceResult, UserStateChange};
use crate::store::contract::people::full_account;
use crate::store::contract::samples::*;
use crate::store::people::{SessionChange, TokenChange};
use crate::store::sqlite::{DATABASE_FILE, SqliteOptions, SqliteStore};
use crate::store::{Batch, Names, Store, TenantNames};

/// A sound store with a bit of everything, references in runs among it. See [`rows`].
pub fn filled() -> (TempDir, SqliteStore) {
    let options = SqliteOptions {
        references_recent_max: 50,
        ..SqliteOptions::default()
    };
    let (dir, mut store) = store(options);
    number(&mut store);
    store.commit(&beginning()).expect("written");
    for life in lives() {
        store.commit(&life).expect("written");
    }
    while store.tidy().expect("tidied") {}
    (dir, store)
}

fn number(store: &mut SqliteStore) {
    let names = Names {
        tenants: vec![TenantNames {
            tenant: "one".to_owned(),
            services: vec!["claims".to_owned()],
            senders: vec!["crm".to_owned()],
        }],
    };
    store.number(&names).expect("numbered");
}

/// The items as they come, a person, and what workflows show.
fn beginning() -> Batch {
    let [seven, eight] = flowing();
    let rows = (1..=6).map(item).chain([seven, eight]);
    let mut first = batch(rows.chain((9..=120).map(item)));
    first.workflows = vec![workflow(1)];
    first.follow_ups = shown();
    first.chunks = vec![chunk(blob(1), 0, b"hello")];
    first.new_items[0].content.attachments = vec![attachment(blob(1), b"hello")];
    let people = &mut first.people;
    people.accounts = vec![full_account(1)];
    people.sessions = vec![SessionChange::Opened(Session {
        digest: TokenDigest([1; 32]),
        user: UserId(1),
        opened_at: NOON,
        seen_at: NOON,
    })];
    people.tokens = vec![TokenChange::Created(ApiToken {
        digest: TokenDigest([2; 32]),
        user: UserId(1),
        label: "script".to_owned(),
        created_at: NOON,
        expires_at: None,
    })];
    first
}

/// Items 7 and 8, led by workflows: 7 waits in it, 8 is queued.
pub fn flowing() -> [Item; 2] {
    [
        in_workflow(item(7), &workflow(1), Some(50)),
        led(item(8), &workflow(1), None),
    ]
}

/// What the workflows of items 7 and 8 show, the oldest first.
pub fn shown() -> Vec<FollowUp> {
    let operator = Actor::Operator("uid=0 pid=1".to_owned());
    vec![
        alert(1, 7, 1),
        button(2, 7, 2),
        closed(alert(3, 8, 3), Some(Actor::User(UserId(1)))),
        closed(alert(4, 8, 4), Some(operator)),
        closed(button(5, 8, 5), None),
    ]
}

/// Where items 1 to 6 come to stand: 2 with agent 1, 3 put aside, 4 ended, 5 with a wish, 6 rings.
pub fn rows() -> [Item; 6] {
    [
        item(1),
        connected(&item(2), 1, 20),
        parked(&connected(&item(3), 1, 30)),
        handled(&connected(&item(4), 1, 40), "called back"),
        Item {
            version: 2,
            wish: Some(Arc::new(full_wish())),
            ..item(5)
        },
        item(6),
    ]
}

/// The agent sessions of items 2, 3, 4 and 6.
pub fn agent_sessions() -> [AgentSession; 4] {
    [
        accepted(ringing(2, 20, 1)),
        accepted(ringing(3, 30, 1)),
        over(accepted(ringing(4, 40, 1)), AgentResult::Ended),
        ringing(6, 60, 1),
    ]
}

/// What brings the items where they stand.
fn lives() -> [Batch; 2] {
    let [_, two, three, four, five, _] = rows();
    let before = [connected(&item(3), 1, 30), connected(&item(4), 1, 40)];
    let change = |items: Vec<Item>| Batch {
        changed_items: items.into_iter().map(changed).collect(),
        ..Batch::default()
    };
    let first = Batch {
        agent_sessions: agent_sessions().to_vec(),
        user_states: vec![UserStateChange {
            user: UserId(1),
            at: NOON,
            state: Some(("online", None)),
        }],
        ..change(before.into())
    };
    let second = Batch {
        journal: vec![JournalEntry {
            sequence: four.sequence,
            number: 2,
            at: NOON.plus_ms(1_000_000),
            event: JournalEvent::EndedByUser,
            actor: Actor::User(UserId(1)),
            data: Vec::new(),
        }],
        service_sessions: vec![stay(4, 1, ServiceResult::Ended(Outcome::HandledByUser))],
        ..change(vec![two, three, four, five])
    };
    [first, second]
}

/// A data directory with the file of that schema, as the program of its time made it.
pub fn unpacked(schema: u32) -> TempDir {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/store");
    let packed = fs::read(format!("{folder}/schema-{schema}.db.gz"));
    let packed = packed.expect("the fixture is there");
    let dir = tempfile::tempdir().expect("a directory");
    let mut bytes = Vec::new();
    let mut reading = flate2::read::GzDecoder::new(packed.as_slice());
    reading.read_to_end(&mut bytes).expect("unpacked");
    fs::write(dir.path().join(DATABASE_FILE), bytes).expect("written");
    dir
}
