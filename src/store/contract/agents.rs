//! Items in agents' hands, and what is kept of it.

use std::sync::Arc;

use super::samples::*;
use super::{Subject, contract};
use crate::domain::ids::{OfferId, Sequence, ServiceId, UserId};
use crate::domain::item::{Ending, Holder, Item, ItemState, Verdict};
use crate::domain::outcome::Outcome;
use crate::domain::session::{
    AGENT_SESSIONS_SHOWN_MAX, AgentResult, AgentSession, ServiceResult, UserStateChange,
};
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;
use crate::store::read::UserState;
use crate::store::{Batch, OpenItem, Store, StoreError};

contract! {
    a_new_items_place_among_agents_comes_back,
    a_life_with_agents_comes_back_at_each_step,
    an_open_item_says_what_routing_needs,
    an_accepted_item_is_read_back_without_an_expiry,
    wishes_change_and_go,
    equal_wishes_are_read_once_for_a_page,
    a_holder_fits_its_state_or_is_a_conflict,
    a_verdict_without_its_outcome_is_a_conflict,
    an_agent_has_what_is_connected_or_parked,
    agent_sessions_are_added_and_replaced,
    the_newest_agent_sessions_are_shown,
    only_what_is_neither_accepted_nor_ended_rings,
    every_result_of_an_agent_session_comes_back,
    an_agent_session_twice_in_a_batch_is_a_conflict,
    stays_in_services_come_in_the_order_written,
    a_change_of_state_ends_the_one_before,
    states_are_read_by_time,
    a_clock_that_goes_back_ends_no_state_before_it_began,
}

fn assert_conflict(store: &mut impl Store, batch: &Batch) {
    let seen = |store: &mut dyn Store| {
        let rows = store.items(&[Sequence(1), Sequence(2)]).expect("read");
        (rows, store.agent_sessions(Sequence(1)).expect("read"))
    };
    let before = seen(store);
    match store.commit(batch) {
        Err(StoreError::Conflict(_)) => {}
        other => panic!("expected a conflict, got {other:?}"),
    }
    store.resume().expect("it goes on");
    assert_eq!(seen(store), before);
}

fn row(subject: &mut impl Subject, sequence: u64) -> Item {
    let rows = subject.store().items(&[Sequence(sequence)]);
    rows.expect("read").remove(0)
}

fn open(subject: &mut impl Subject) -> Vec<OpenItem> {
    let open = subject.store().open_items(Sequence(0), 100);
    open.expect("read")
}

fn written(subject: &mut impl Subject, batch: &Batch) {
    subject.store().commit(batch).expect("it is written");
}

fn a_new_items_place_among_agents_comes_back(mut subject: impl Subject) {
    let taken = connected(&item(1), 7, u64::MAX >> 1);
    let put_aside = parked(&connected(&item(2), 8, 0));
    let handled = handled(&item(3), "called back");
    let rows = [taken, put_aside, handled].map(|row| Item {
        version: 1,
        entered_at: Some(NOON.plus_ms(3)),
        attempts: u32::MAX,
        wish: Some(Arc::new(full_wish())),
        ..row
    });
    written(&mut subject, &batch(rows.clone()));
    subject.reopen();
    for (expected, sequence) in rows.into_iter().zip(1..) {
        assert_eq!(row(&mut subject, sequence), expected);
        let found = subject.store().find_id(id(sequence)).expect("read");
        assert_eq!(found, Some(expected));
    }
}

fn a_life_with_agents_comes_back_at_each_step(mut subject: impl Subject) {
    let first = item(1);
    written(&mut subject, &batch([first.clone()]));
    let taken = connected(&first, 7, 70);
    let put_aside = parked(&taken);
    let resumed = connected(&put_aside, 7, 70);
    let requeued = Item {
        state: ItemState::Queued,
        version: resumed.version + 1,
        holder: None,
        wish: Some(Arc::new(full_wish())),
        ..resumed.clone()
    };
    let transferred = Item {
        service: ServiceId(2),
        version: requeued.version + 1,
        entered_at: Some(NOON.plus_ms(600_000)),
        wish: None,
        ..requeued.clone()
    };
    let again = connected(&transferred, 8, 80);
    let handled = handled(&again, "called back");
    let reopened = Item {
        state: ItemState::Queued,
        version: handled.version + 1,
        ended: None,
        ..handled.clone()
    };
    let life = [
        taken,
        put_aside,
        resumed,
        requeued,
        transferred,
        again,
        handled,
        reopened,
    ];
    for step in life {
        written(&mut subject, &change(step.clone()));
        assert_eq!(row(&mut subject, 1), step);
        subject.reopen();
        assert_eq!(row(&mut subject, 1), step);
    }
}

fn an_open_item_says_what_routing_needs(mut subject: impl Subject) {
    let queued = Item {
        wish: Some(Arc::new(full_wish())),
        ..item(1)
    };
    let transferred = Item {
        entered_at: Some(NOON.plus_ms(9_000)),
        ..item(2)
    };
    let buffered = Item {
        state: ItemState::Buffered,
        queued_at: None,
        ..item(3)
    };
    let put_aside = Item {
        version: 1,
        ..parked(&connected(&item(4), 7, 70))
    };
    let rows = [queued, transferred, buffered, put_aside];
    written(&mut subject, &batch(rows.clone()));
    subject.reopen();
    for (open, row) in open(&mut subject).into_iter().zip(&rows) {
        assert_eq!(open.waiting_since, row.waiting_since());
        assert_eq!(open.agent, row.holder.map(|holder| holder.agent));
        assert_eq!(open.wish, row.wish);
        let until = row.holder.and_then(|holder| holder.parked_until);
        assert_eq!(open.parked_until, until);
    }
    let open = open(&mut subject);
    assert_eq!(open[0].waiting_since, Some(NOON.plus_ms(2)));
    assert_eq!(open[1].waiting_since, Some(NOON.plus_ms(9_000)));
    assert_eq!(open[2].waiting_since, None);
    assert_eq!(open[3].agent, Some(UserId(7)));
    assert_eq!(open[3].parked_until, Some(NOON.plus_ms(560_000)));
}

fn an_accepted_item_is_read_back_without_an_expiry(mut subject: impl Subject) {
    let expires_at = Some(NOON.plus_ms(1));
    let waiting = Item {
        expires_at,
        ..item(1)
    };
    written(&mut subject, &batch([waiting.clone()]));
    assert_eq!(open(&mut subject)[0].expires_at, expires_at);
    let taken = connected(&waiting, 7, 70);
    let requeued = Item {
        state: ItemState::Queued,
        version: 3,
        holder: None,
        ..taken.clone()
    };
    for step in [taken, requeued] {
        written(&mut subject, &change(step));
        assert_eq!(open(&mut subject)[0].expires_at, None);
        assert_eq!(row(&mut subject, 1).expires_at, expires_at);
    }
}

fn wishes_change_and_go(mut subject: impl Subject) {
    written(&mut subject, &batch([item(1)]));
    let bare = Wish {
        skills: full_wish().skills,
        ..Wish::default()
    };
    let wishes = [Some(full_wish()), Some(bare), None];
    for (version, wish) in (2..).zip(wishes) {
        let wish = wish.map(Arc::new);
        let changed = Item {
            version,
            wish: wish.clone(),
            ..item(1)
        };
        written(&mut subject, &change(changed));
        subject.reopen();
        assert_eq!(row(&mut subject, 1).wish, wish);
        assert_eq!(open(&mut subject)[0].wish, wish);
    }
}

fn equal_wishes_are_read_once_for_a_page(mut subject: impl Subject) {
    let wish = Arc::new(full_wish());
    let rows = (1..=3).map(|sequence| Item {
        wish: Some(Arc::clone(&wish)),
        ..item(sequence)
    });
    written(&mut subject, &batch(rows));
    subject.reopen();
    let wishes: Vec<_> = open(&mut subject)
        .into_iter()
        .map(|open| open.wish.expect("a wish"))
        .collect();
    assert_eq!(*wishes[0], full_wish());
    for other in &wishes[1..] {
        assert!(Arc::ptr_eq(&wishes[0], other));
    }
}

fn a_holder_fits_its_state_or_is_a_conflict(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    let until = Some(NOON);
    let with = |state, holder: Option<(u64, Option<Timestamp>)>| Item {
        state,
        version: 2,
        holder: holder.map(|(session, parked_until)| Holder {
            agent: UserId(7),
            session: OfferId(session),
            parked_until,
        }),
        ..item(1)
    };
    let wrong = [
        with(ItemState::Queued, Some((1, None))),
        with(ItemState::Buffered, Some((1, until))),
        with(ItemState::Connected, None),
        with(ItemState::Connected, Some((1, until))),
        with(ItemState::Connected, Some((1 << 63, None))),
        with(ItemState::Parked, None),
        with(ItemState::Parked, Some((1, None))),
        Item {
            holder: with(ItemState::Connected, Some((1, None))).holder,
            ..ended(&item(1))
        },
    ];
    for row in wrong {
        assert_conflict(store, &change(row.clone()));
        let new = Item {
            sequence: Sequence(2),
            id: id(2),
            version: 1,
            ..row
        };
        assert_conflict(store, &batch([new]));
    }
    let good = with(ItemState::Parked, Some(((1 << 63) - 1, until)));
    store.commit(&change(good)).expect("written");
}

fn a_verdict_without_its_outcome_is_a_conflict(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    let said = Arc::new(Verdict {
        result: "done".to_owned(),
        note: None,
        share: false,
    });
    let end = |outcome| Item {
        ended: Some(Ending {
            said: Some(Arc::clone(&said)),
            ..Ending::of(NOON, outcome)
        }),
        ..ended(&item(1))
    };
    for outcome in Outcome::ALL {
        if outcome != Outcome::HandledByUser {
            assert_conflict(store, &change(end(outcome)));
        }
    }
    let good = end(Outcome::HandledByUser);
    store.commit(&change(good.clone())).expect("written");
    assert_eq!(row(&mut subject, 1), good);
}

/// What agents 7, 8 and 9 have.
fn held(subject: &mut impl Subject) -> [Vec<u64>; 3] {
    [7, 8, 9].map(|agent| {
        let held = subject.store().held_by(UserId(agent)).expect("read");
        held.into_iter().map(|sequence| sequence.0).collect()
    })
}

fn an_agent_has_what_is_connected_or_parked(mut subject: impl Subject) {
    written(&mut subject, &batch((1..=4).map(item)));
    let (one, two) = (connected(&item(1), 7, 70), connected(&item(2), 7, 71));
    let other = connected(&item(3), 8, 72);
    let three = Batch {
        changed_items: [&two, &one, &other].map(|row| changed(row.clone())).into(),
        ..Batch::default()
    };
    written(&mut subject, &three);
    written(&mut subject, &change(parked(&two)));
    assert_eq!(held(&mut subject), [vec![1, 2], vec![3], vec![]]);
    written(&mut subject, &change(handled(&one, "")));
    let handed_on = connected(&parked(&two), 9, 73);
    written(&mut subject, &change(handed_on));
    assert_eq!(held(&mut subject), [vec![], vec![3], vec![2]]);
    subject.reopen();
    assert_eq!(held(&mut subject), [vec![], vec![3], vec![2]]);
}

fn of_item(subject: &mut impl Subject, sequence: u64) -> Vec<AgentSession> {
    let sessions = subject.store().agent_sessions(Sequence(sequence));
    sessions.expect("read")
}

fn agent_sessions_are_added_and_replaced(mut subject: impl Subject) {
    let (one, two, three) = (ringing(1, 10, 7), ringing(1, 10, 8), ringing(1, 9, 8));
    let foreign = ringing(2, 10, 7);
    let mut first = batch([item(1), item(2)]);
    first.agent_sessions = vec![two, one, foreign, three];
    written(&mut subject, &first);
    assert_eq!(of_item(&mut subject, 1), [three, one, two]);
    let taken = AgentSession {
        service: ServiceId(3),
        ..accepted(one)
    };
    let lost = over(two, AgentResult::Rescinded);
    written(&mut subject, &sessions([taken, lost]));
    subject.reopen();
    assert_eq!(of_item(&mut subject, 1), [three, taken, lost]);
    assert_eq!(of_item(&mut subject, 2), [foreign]);
    assert_eq!(of_item(&mut subject, 3), []);
}

fn the_newest_agent_sessions_are_shown(mut subject: impl Subject) {
    let more = AGENT_SESSIONS_SHOWN_MAX as u64 + 1;
    let session = |offer| over(ringing(1, offer, 7), AgentResult::Declined);
    let but_one = (1..more).map(session).collect::<Vec<_>>();
    written(&mut subject, &batch([item(1)]));
    written(&mut subject, &sessions(but_one.clone()));
    assert_eq!(of_item(&mut subject, 1), but_one);
    written(&mut subject, &sessions([session(more)]));
    let newest = (2..=more).map(session).collect::<Vec<_>>();
    assert_eq!(of_item(&mut subject, 1), newest);
}

fn only_what_is_neither_accepted_nor_ended_rings(mut subject: impl Subject) {
    let (one, two) = (ringing(1, 11, 7), ringing(2, 10, 8));
    let three = ringing(2, 10, 9);
    let mut first = batch([item(1), item(2)]);
    first.agent_sessions = vec![three, two, one];
    written(&mut subject, &first);
    subject.reopen();
    assert_eq!(subject.store().ringing().expect("read"), [one, two, three]);
    let now = [accepted(two), over(three, AgentResult::Rescinded)];
    written(&mut subject, &sessions(now));
    subject.reopen();
    assert_eq!(subject.store().ringing().expect("read"), [one]);
    let end = over(accepted(two), AgentResult::Ended);
    written(
        &mut subject,
        &sessions([end, over(one, AgentResult::NoAnswer)]),
    );
    subject.reopen();
    assert_eq!(subject.store().ringing().expect("read"), []);
}

fn every_result_of_an_agent_session_comes_back(mut subject: impl Subject) {
    let results = AgentResult::ALL.into_iter().zip(1..);
    let all: Vec<_> = results
        .map(|(result, offer)| over(ringing(1, offer, 7), result))
        .collect();
    let mut first = batch([item(1)]);
    first.agent_sessions.clone_from(&all);
    written(&mut subject, &first);
    subject.reopen();
    assert_eq!(of_item(&mut subject, 1), all);
}

fn an_agent_session_twice_in_a_batch_is_a_conflict(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    let one = ringing(1, 10, 7);
    assert_conflict(store, &sessions([one, accepted(one)]));
    let beyond = ringing(1, 1 << 63, 7);
    assert_conflict(store, &sessions([one, beyond]));
    let last = ringing(1, (1 << 63) - 1, 7);
    store.commit(&sessions([one, last])).expect("written");
}

fn stays_in_services_come_in_the_order_written(mut subject: impl Subject) {
    let stays = |results: Vec<(u64, ServiceResult)>| Batch {
        service_sessions: results
            .into_iter()
            .zip((1..9).rev())
            .map(|((item, result), service)| stay(item, service, result))
            .collect(),
        ..Batch::default()
    };
    written(&mut subject, &batch([item(1), item(2)]));
    let first = stays(vec![
        (1, ServiceResult::TransferFailed),
        (2, ServiceResult::TransferredByWorkflow),
        (1, ServiceResult::TransferredByUser),
    ]);
    let second = stays(vec![(1, ServiceResult::Ended(Outcome::HandledByUser))]);
    written(&mut subject, &first);
    written(&mut subject, &second);
    subject.reopen();
    let (one, two) = (&first.service_sessions, &second.service_sessions);
    let read = subject.service_sessions(Sequence(1));
    assert_eq!(read, [one[0], one[2], two[0]]);
    assert_eq!(subject.service_sessions(Sequence(2)), [one[1]]);
    assert_eq!(subject.service_sessions(Sequence(3)), []);
}

/// At NOON plus `at`.
fn to_state(user: u32, at: i64, state: Option<&'static str>) -> UserStateChange {
    UserStateChange {
        user: UserId(user),
        at: NOON.plus_ms(at),
        state: state.map(|state| (state, Some(format!("because {at}")))),
    }
}

fn changes(changes: impl Into<Vec<UserStateChange>>) -> Batch {
    Batch {
        user_states: changes.into(),
        ..Batch::default()
    }
}

fn kept(at: i64, state: &str, ended_at: Option<i64>) -> UserState {
    UserState {
        at: NOON.plus_ms(at),
        state: state.to_owned(),
        reason: Some(format!("because {at}")),
        ended_at: ended_at.map(|ms| NOON.plus_ms(ms)),
    }
}

fn all_states(subject: &impl Subject, user: u32) -> Vec<UserState> {
    let (from, to) = (NOON.plus_ms(-100_000), NOON.plus_ms(100_000));
    subject.user_states(UserId(user), from, to)
}

fn a_change_of_state_ends_the_one_before(mut subject: impl Subject) {
    let first = [
        to_state(1, 0, Some("online")),
        to_state(2, 0, None),
        to_state(2, 5, Some("busy")),
        to_state(1, 10, Some("away")),
    ];
    written(&mut subject, &changes(first));
    subject.reopen();
    let two = [kept(0, "online", Some(10)), kept(10, "away", None)];
    assert_eq!(all_states(&subject, 1), two);
    assert_eq!(all_states(&subject, 2), [kept(5, "busy", None)]);
    let second = [to_state(1, 20, None), to_state(1, 30, None)];
    written(&mut subject, &changes(second));
    written(&mut subject, &changes([to_state(1, 40, Some("online"))]));
    let three = [
        kept(0, "online", Some(10)),
        kept(10, "away", Some(20)),
        kept(40, "online", None),
    ];
    assert_eq!(all_states(&subject, 1), three);
    assert_eq!(all_states(&subject, 2), [kept(5, "busy", None)]);
    assert_eq!(all_states(&subject, 3), []);
    let mut bare = to_state(3, 1, None);
    bare.state = Some(("online", None));
    written(&mut subject, &changes([bare]));
    assert_eq!(all_states(&subject, 3)[0].reason, None);
}

fn states_are_read_by_time(mut subject: impl Subject) {
    let states = [
        to_state(1, 0, Some("a")),
        to_state(1, 10, Some("b")),
        to_state(1, 10, Some("c")),
        to_state(1, 20, None),
        to_state(1, 30, Some("d")),
    ];
    written(&mut subject, &changes(states));
    for (from, to, expected) in [
        (-10, 0, ""),
        (-10, 1, "a"),
        (0, 10, "a"),
        (9, 11, "abc"),
        (10, 11, "bc"),
        (11, 20, "c"),
        (19, 31, "cd"),
        (20, 30, ""),
        (20, 31, "d"),
        (31, 32, "d"),
    ] {
        let (from_time, to_time) = (NOON.plus_ms(from), NOON.plus_ms(to));
        let read = subject.user_states(UserId(1), from_time, to_time);
        let names: String = read.into_iter().map(|state| state.state).collect();
        assert_eq!(names, expected, "{from} to {to}");
    }
}

fn a_clock_that_goes_back_ends_no_state_before_it_began(mut subject: impl Subject) {
    written(&mut subject, &changes([to_state(1, 10, Some("online"))]));
    written(&mut subject, &changes([to_state(1, 5, Some("away"))]));
    let both = [kept(5, "away", None), kept(10, "online", Some(10))];
    assert_eq!(all_states(&subject, 1), both);
}
