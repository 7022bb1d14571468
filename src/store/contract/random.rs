//! Random batches leave the same in both stores.

use std::sync::Arc;

use proptest::prelude::*;

use super::samples::*;
use super::{InMemory, OnDisk, Subject};
use crate::domain::follow_up::FollowUp;
use crate::domain::ids::{OfferId, Priority, SenderId, Sequence, ServiceId, UserId};
use crate::domain::item::{Ending, Holder, Item, ItemState, Verdict};
use crate::domain::journal::Actor;
use crate::domain::outcome::Outcome;
use crate::domain::session::{
    AgentResult, AgentSession, ServiceResult, ServiceSession, UserStateChange,
};
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;
use crate::store::memory::MemoryStore;
use crate::store::read::UserState;
use crate::store::sqlite::SqliteOptions;
use crate::store::{Batch, KnownReference, OpenItem, Store, StoreError};

/// References are few, so that they come again; with so few in memory, most are in runs.
const REFERENCES: u64 = 40;
const OPTIONS: SqliteOptions = SqliteOptions {
    bytes_max: None,
    references_recent_max: 3,
};

#[derive(Debug, Clone)]
enum Step {
    New {
        skip: u64,
        sender: u32,
        reference: u64,
        priority: u8,
        wish: Option<u8>,
    },
    Change {
        sequence: u64,
        version: u32,
        to: To,
        session: Option<AgentSession>,
    },
    /// Sessions and states alone.
    Sessions(Box<Batch>),
    /// Alerts and buttons alone.
    FollowUps(Vec<FollowUp>),
    Tidy,
    Reopen,
}

/// What becomes of a row. Some of it fits no row in that state: a conflict.
#[derive(Debug, Clone)]
struct To {
    state: ItemState,
    agent: Option<u32>,
    until: bool,
    wish: Option<u8>,
    /// Whether a workflow leads it, and when that is due.
    flow: Option<Option<i64>>,
    /// The outcome, and whether the agent says something.
    end: (Outcome, bool),
}

const STATES: [ItemState; 7] = [
    ItemState::InWorkflow,
    ItemState::Buffered,
    ItemState::Queued,
    ItemState::Offered,
    ItemState::Connected,
    ItemState::Parked,
    ItemState::Ended,
];
const STATE_NAMES: [&str; 3] = ["online", "busy", "away"];

fn to() -> impl Strategy<Value = To> {
    let outcomes = prop::sample::select(Outcome::ALL.to_vec());
    let states = prop::sample::select(STATES.to_vec());
    let holder = (prop::option::of(1..4_u32), any::<bool>());
    let wish = prop::option::of(0..3_u8);
    let flow = prop::option::of(prop::option::of(0..9_i64));
    let end = (outcomes, any::<bool>());
    (states, any::<bool>(), holder, wish, flow, end).prop_map(
        |(state, fits, (agent, until), wish, flow, (outcome, said))| {
            let flow = match flow {
                None if fits && state == ItemState::InWorkflow => Some(None),
                flow => flow,
            };
            let held = matches!(state, ItemState::Connected | ItemState::Parked);
            let agent = if fits {
                held.then_some(agent.unwrap_or(1))
            } else {
                agent
            };
            let until = if fits {
                state == ItemState::Parked
            } else {
                until
            };
            let said = said && (!fits || outcome == Outcome::HandledByUser);
            let end = (outcome, said);
            To {
                state,
                agent,
                until,
                wish,
                flow,
                end,
            }
        },
    )
}

fn agent_session() -> impl Strategy<Value = AgentSession> {
    let results = prop::sample::select(AgentResult::ALL.to_vec());
    let end = prop::option::of(results);
    (1..9_u64, 0..4_u64, 1..4_u32, any::<bool>(), end).prop_map(
        |(item, offer, agent, is_accepted, end)| {
            let session = ringing(item, offer, agent);
            let session = if is_accepted {
                accepted(session)
            } else {
                session
            };
            end.map_or(session, |result| over(session, result))
        },
    )
}

fn sessions_and_states() -> impl Strategy<Value = Batch> {
    let agents = prop::collection::vec(agent_session(), 0..4);
    let all: Vec<_> = ServiceResult::all().collect();
    let stays = (1..9_u64, 1..3_u32, prop::sample::select(all));
    let stays = stays.prop_map(|(item, service, result)| stay(item, service, result));
    let names = prop::option::of(prop::sample::select(STATE_NAMES.to_vec()));
    let states = (1..4_u32, 0..50_i64, names, any::<bool>());
    let states = states.prop_map(|(user, at, name, reason)| UserStateChange {
        user: UserId(user),
        at: NOON.plus_ms(at),
        state: name.map(|name| (name, reason.then(|| "lunch".to_owned()))),
    });
    let stays = prop::collection::vec(stays, 0..3);
    let states = prop::collection::vec(states, 0..3);
    (agents, stays, states).prop_map(|(agent_sessions, service_sessions, user_states)| Batch {
        agent_sessions,
        service_sessions,
        user_states,
        ..Batch::default()
    })
}

/// One of few, so that they come again: as they were, closed, closed by another, or another.
fn follow_up() -> impl Strategy<Value = FollowUp> {
    let closer = prop::option::of((1..3_u32).prop_map(|user| Actor::User(UserId(user))));
    let end = prop::option::of(closer);
    (1..6_u64, 1..3_u64, any::<bool>(), 0..3_i64, end).prop_map(
        |(number, item, is_button, shown, end)| {
            let shown = if is_button { shown } else { 0 };
            let follow_up = match is_button {
                true => button(number, item, shown),
                false => alert(number, item, shown),
            };
            match end {
                None => follow_up,
                Some(by) => closed(follow_up, by),
            }
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wish = prop::option::of(0..3_u8);
    let step = prop_oneof![
        6 => (0..2_u64, 1..3_u32, 0..REFERENCES, 0..10_u8, wish).prop_map(
            |(skip, sender, reference, priority, wish)| {
                Step::New { skip, sender, reference, priority, wish }
            }
        ),
        8 => (1..9_u64, 2..9_u32, to(), prop::option::of(agent_session())).prop_map(
            |(sequence, version, to, session)| Step::Change { sequence, version, to, session }
        ),
        3 => sessions_and_states().prop_map(|batch| Step::Sessions(Box::new(batch))),
        4 => prop::collection::vec(follow_up(), 1..3).prop_map(Step::FollowUps),
        2 => Just(Step::Tidy),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..60)
}

/// One of three wishes.
fn wish(number: u8) -> Arc<Wish> {
    let mut wish = full_wish();
    wish.skills.truncate(usize::from(number));
    wish.required = number == 2;
    Arc::new(wish)
}

/// The row, gone on.
fn gone_on(row: Item, version: u32, to: &To) -> Item {
    let holder = to.agent.map(|agent| Holder {
        agent: UserId(agent),
        session: OfferId(u64::from(agent) * 10),
        parked_until: to.until.then_some(NOON.plus_ms(9)),
    });
    let (outcome, is_said) = to.end;
    let said = is_said.then(|| Verdict {
        result: "done".to_owned(),
        note: row.wish.is_some().then(|| "called back".to_owned()),
        share: to.until,
    });
    let at = NOON.plus_ms(i64::from(version));
    Item {
        state: to.state,
        version,
        holder,
        attempts: row.attempts + 1,
        accepted_at: row.accepted_at.or(holder.map(|_| at)),
        entered_at: to.wish.map(|_| at),
        wish: to.wish.map(wish),
        flow: to.flow.and_then(|due| led(item(1), &workflow(1), due).flow),
        ended: (to.state == ItemState::Ended).then(|| Ending {
            said: said.map(Arc::new),
            ..Ending::of(at, outcome)
        }),
        ..row
    }
}

/// The batch of a step; a change carries a new item with it, so that conflicts have something to
/// undo.
fn batch_of(step: &Step, next: u64, stored: &mut impl Store) -> Option<Batch> {
    match step {
        Step::New {
            skip,
            sender,
            reference,
            priority,
            wish: wished,
        } => {
            let row = Item {
                wish: wished.map(wish),
                sender: SenderId(*sender),
                service: ServiceId(*sender),
                priority: Priority::new(*priority).expect("in range"),
                ..item(next + skip)
            };
            let mut batch = batch([row]);
            batch.new_items[0].content.reference = format!("r-{reference}");
            Some(batch)
        }
        Step::Change {
            sequence,
            version,
            to,
            session,
        } => {
            let stored = stored.items(&[Sequence(*sequence)]).expect("read");
            let row = stored.into_iter().next().unwrap_or_else(|| item(*sequence));
            // Most of them come in the right version.
            let version = if *version >= 4 {
                row.version + 1
            } else {
                *version
            };
            let row = gone_on(row, version, to);
            let mut batch = batch([item(next)]);
            batch.new_items[0].content.reference = format!("c-{next}");
            batch.changed_items = vec![changed(row)];
            batch.agent_sessions = session.iter().copied().collect();
            Some(batch)
        }
        Step::Sessions(batch) => Some((**batch).clone()),
        Step::FollowUps(all) => Some(follow_ups(all.clone())),
        Step::Tidy | Step::Reopen => None,
    }
}

fn reference_is_free(store: &mut impl Store, batch: &Batch) -> bool {
    batch.new_items.iter().all(|new| {
        let known = store.find_reference(new.item.sender, &new.content.reference);
        known.expect("read").is_none()
    })
}

/// Everything that can be read.
#[derive(Debug, PartialEq)]
struct Seen {
    rows: Vec<Item>,
    open: Vec<OpenItem>,
    known: Vec<Option<u64>>,
    next: u64,
    held: Vec<Vec<Sequence>>,
    ringing: Vec<AgentSession>,
    agent_sessions: Vec<Vec<AgentSession>>,
    service_sessions: Vec<Vec<ServiceSession>>,
    states: Vec<Vec<UserState>>,
    timers: Vec<(Sequence, Timestamp)>,
    follow_ups: Vec<Option<FollowUp>>,
    open_follow_ups: Vec<Vec<FollowUp>>,
}

fn seen(subject: &mut impl Subject) -> Seen {
    let all: Vec<_> = (1..120).map(Sequence).collect();
    let service_sessions = all.iter().map(|of| subject.service_sessions(*of)).collect();
    let spans = [(-1, 60), (10, 20), (30, 31)];
    let states = [1, 2, 3].into_iter().flat_map(|user| {
        spans.map(|(from, to)| {
            let (from, to) = (NOON.plus_ms(from), NOON.plus_ms(to));
            subject.user_states(UserId(user), from, to)
        })
    });
    let states = states.collect();
    let store = subject.store();
    let mut known = Vec::new();
    for sender in [1, 2].map(SenderId) {
        for reference in 0..REFERENCES {
            let found = store.find_reference(sender, &format!("r-{reference}"));
            known.push(found.expect("read").map(|known| match known {
                KnownReference::Item(item) => item.sequence.0,
                KnownReference::Erased => 0,
            }));
        }
    }
    let held = [1, 2, 3].map(|agent| store.held_by(UserId(agent)).expect("read"));
    let sessions = all
        .iter()
        .map(|of| store.agent_sessions(*of).expect("read"));
    let agent_sessions = sessions.collect();
    let follow_ups = (1..6).map(|number| store.follow_up(alert(number, 1, 0).id).expect("read"));
    let follow_ups = follow_ups.collect();
    let shown = all
        .iter()
        .map(|of| store.open_follow_ups(*of).expect("read"));
    Seen {
        agent_sessions,
        follow_ups,
        open_follow_ups: shown.collect(),
        timers: store.flow_timers(Sequence(0), 1_000).expect("read"),
        rows: store.items(&all).expect("read"),
        open: store.open_items(Sequence(0), 1_000).expect("read"),
        known,
        next: store.resume().expect("read").next_sequence.0,
        held: held.to_vec(),
        ringing: store.ringing().expect("read"),
        service_sessions,
        states,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_batches_leave_the_same_in_both_stores(steps in steps()) {
        let mut disk = OnDisk::with(OPTIONS);
        let mut memory = InMemory(MemoryStore::new());
        for step in &steps {
            let next = memory.store().resume().expect("read").next_sequence.0;
            match batch_of(step, next, memory.store()) {
                Some(batch) => {
                    let free = reference_is_free(memory.store(), &batch);
                    prop_assert_eq!(free, reference_is_free(disk.store(), &batch));
                    if !free {
                        continue;
                    }
                    let (one, two) = (memory.store().commit(&batch), disk.store().commit(&batch));
                    match (&one, &two) {
                        (Ok(()), Ok(())) => {}
                        (Err(StoreError::Conflict(_)), Err(StoreError::Conflict(_))) => {}
                        _ => prop_assert!(false, "{:?} in memory, {:?} on disk", one, two),
                    }
                }
                None if matches!(step, Step::Tidy) => {
                    disk.store().tidy().expect("tidied");
                }
                None => {
                    disk.reopen();
                    memory.reopen();
                }
            }
        }
        prop_assert_eq!(seen(&mut memory), seen(&mut disk));
        disk.reopen();
        prop_assert_eq!(seen(&mut memory), seen(&mut disk));
    }
}
