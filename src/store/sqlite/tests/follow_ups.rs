//! Alerts and buttons as people read them.

use std::time::Instant;

use tempfile::TempDir;
use uuid::Uuid;

use super::store;
use crate::domain::audience::{FollowUpScope, Shown};
use crate::domain::follow_up::{FollowUp, FollowUpId};
use crate::domain::ids::{Sequence, ServiceId, TenantId, UserId};
use crate::domain::item::Item;
use crate::domain::journal::Actor;
use crate::domain::workflow::Audience;
use crate::store::contract::samples::*;
use crate::store::read::{
    FOLLOW_UPS_COUNTED_MAX, FOLLOW_UPS_OF_ITEM_MAX, FollowUpQuery, FollowUpState, Reader,
};
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{Batch, Store};

const AUDIENCES: [&str; 5] = ["agent", "supervisor", "admin", "backoffice", "legal"];
const BOTH: [FollowUpState; 2] = [FollowUpState::Open, FollowUpState::Closed];

fn opened(rows: impl IntoIterator<Item = Item>) -> (TempDir, SqliteStore, Reader) {
    let (dir, mut store) = store(SqliteOptions::default());
    store.commit(&batch(rows)).expect("written");
    let reader = Reader::open(dir.path()).expect("it opens");
    (dir, store, reader)
}

/// Of every audience, service, tenant and state; many shown in the same millisecond, and none in
/// the order of their numbers.
fn mixed(count: u64) -> Vec<FollowUp> {
    let numbers = 0..count;
    numbers
        .map(|number| {
            let shown = (number * 37 % count / 4) as i64;
            let tenant = 1 + number % 11 / 10;
            let follow_up = FollowUp {
                tenant: TenantId(tenant as u32),
                service: ServiceId((number % 7) as u32),
                to: Audience::of(AUDIENCES[(number % 5) as usize]),
                ..alert(number, tenant, shown)
            };
            match number % 3 {
                0 => closed(follow_up, Some(Actor::User(UserId(1)))),
                _ => follow_up,
            }
        })
        .collect()
}

fn part(to: &str, services: Option<&[u32]>) -> Shown {
    let services = services.map(|of| of.iter().copied().map(ServiceId).collect());
    let to = Audience::of(to);
    Shown { to, services }
}

fn query(scope: &FollowUpScope, state: FollowUpState, limit: usize) -> FollowUpQuery {
    FollowUpQuery {
        scope: scope.clone(),
        state,
        after: None,
        limit,
    }
}

/// All pages, each with at most `limit`.
fn paged(
    reader: &Reader,
    scope: &FollowUpScope,
    state: FollowUpState,
    limit: usize,
) -> Vec<FollowUp> {
    let mut query = query(scope, state, limit);
    let mut all: Vec<FollowUp> = Vec::new();
    loop {
        let page = reader.follow_ups(&query).expect("read");
        assert!(page.len() <= limit);
        all.extend(page.into_iter().map(|listed| listed.follow_up));
        let last = all.last().map(|last| (last.shown_at, last.id));
        if last == query.after {
            return all;
        }
        query.after = last;
    }
}

#[test]
fn a_scopes_pages_hold_what_is_in_it_once_and_in_order() {
    let other = Item {
        tenant: TenantId(2),
        ..item(2)
    };
    let (_dir, mut store, reader) = opened([item(1), other]);
    let mut all = mixed(600);
    store.commit(&follow_ups(all.clone())).expect("written");
    all.sort_by_key(|follow_up| (follow_up.shown_at, follow_up.id));
    let of = |shown: Vec<Shown>| FollowUpScope::Audiences(TenantId(1), shown);
    for scope in [
        FollowUpScope::Tenant(TenantId(1)),
        FollowUpScope::Tenant(TenantId(2)),
        FollowUpScope::Tenant(TenantId(3)),
        of(vec![]),
        of(vec![part("backoffice", None)]),
        of(vec![part("agent", Some(&[3]))]),
        of(vec![part("agent", Some(&[]))]),
        of(vec![
            part("agent", Some(&[1, 2])),
            part("supervisor", Some(&[2, 5, 6])),
            part("legal", None),
        ]),
        // Nothing is in it twice.
        of(vec![
            part("agent", Some(&[1, 2])),
            part("agent", Some(&[2, 3])),
            part("legal", Some(&[4])),
            part("legal", None),
            part("legal", Some(&[5])),
        ]),
    ] {
        for state in BOTH {
            let is_open = state == FollowUpState::Open;
            let expected = all
                .iter()
                .filter(|it| scope.holds(it) && it.closed.is_none() == is_open);
            let expected: Vec<_> = expected.cloned().collect();
            for limit in [1, 7, expected.len().max(1), 1_000] {
                let case = format!("{scope:?} {state:?} {limit}");
                assert_eq!(paged(&reader, &scope, state, limit), expected, "{case}");
            }
            let count = reader.count_follow_ups(&query(&scope, state, 0));
            assert_eq!(count.expect("read"), expected.len() as u64);
            let none = reader.follow_ups(&query(&scope, state, 0));
            assert_eq!(none.expect("read"), []);
        }
    }
}

#[test]
fn a_page_goes_on_behind_what_was_closed_meanwhile() {
    let (_dir, mut store, reader) = opened([item(1)]);
    let three = [alert(1, 1, 1), alert(2, 1, 2), alert(3, 1, 3)];
    store.commit(&follow_ups(three.clone())).expect("written");
    let scope = FollowUpScope::Tenant(TenantId(1));
    let mut second = query(&scope, FollowUpState::Open, 2);
    second.after = Some((three[1].shown_at, three[1].id));
    let [_, gone, _] = three.clone();
    store
        .commit(&follow_ups([closed(gone, None)]))
        .expect("written");
    let page = reader.follow_ups(&second).expect("read");
    assert_eq!(page.len(), 1);
    assert_eq!(page[0].follow_up, three[2]);
}

#[test]
fn a_listed_follow_up_says_which_item_it_is_of() {
    let (_dir, mut store, reader) = opened([item(1)]);
    let mut second = batch([in_workflow(item(2), &workflow(1), None)]);
    second.new_items[0].content = full_content("order-2");
    second.follow_ups = vec![alert(1, 1, 1), button(2, 2, 2)];
    store.commit(&second).expect("written");
    store.commit(&change(ended(&item(1)))).expect("written");
    let scope = FollowUpScope::Tenant(TenantId(1));
    let page = reader.follow_ups(&query(&scope, FollowUpState::Open, 9));
    let page = page.expect("read");
    let said: Vec<_> = page
        .iter()
        .map(|it| {
            (
                it.item,
                &*it.reference,
                it.title.as_deref(),
                it.state.name(),
            )
        })
        .collect();
    let title = full_content("").title;
    assert_eq!(
        said,
        [
            (id(1), "order-1", None, "ended"),
            (id(2), "order-2", title.as_deref(), "inWorkflow"),
        ]
    );
}

#[test]
fn no_more_than_a_thousand_follow_ups_are_counted() {
    let (_dir, mut store, reader) = opened([item(1)]);
    let scope = FollowUpScope::Audiences(
        TenantId(1),
        vec![part("supervisor", None), part("backoffice", Some(&[1]))],
    );
    let max = FOLLOW_UPS_COUNTED_MAX as u64;
    let count = || {
        let count = reader.count_follow_ups(&query(&scope, FollowUpState::Open, 1));
        count.expect("read")
    };
    let alerts: Vec<_> = (1..max / 2).map(|number| alert(number, 1, 0)).collect();
    store.commit(&follow_ups(alerts)).expect("written");
    let buttons: Vec<_> = (max / 2..max).map(|number| button(number, 1, 0)).collect();
    store.commit(&follow_ups(buttons)).expect("written");
    assert_eq!(count(), max - 1);
    for number in [max, max + 1] {
        let one_more = follow_ups([alert(number, 1, 0)]);
        store.commit(&one_more).expect("written");
        assert_eq!(count(), max);
    }
}

#[test]
fn an_items_newest_follow_ups_are_shown_open_and_closed() {
    let (_dir, mut store, reader) = opened([item(1), item(2)]);
    let few = [
        alert(9, 2, 1),
        closed(button(8, 2, 2), None),
        closed(alert(7, 2, 3), Some(Actor::User(UserId(1)))),
    ];
    store.commit(&follow_ups(few.clone())).expect("written");
    assert_eq!(reader.follow_ups_of(Sequence(2)).expect("read"), few);
    let max = FOLLOW_UPS_OF_ITEM_MAX as u64;
    let all: Vec<_> = (0..=max)
        .map(|number| alert(100 + number, 1, number as i64))
        .collect();
    store.commit(&follow_ups(all.clone())).expect("written");
    let newest = reader.follow_ups_of(Sequence(1)).expect("read");
    assert_eq!(newest, all[1..]);
    assert_eq!(reader.follow_ups_of(Sequence(3)).expect("read"), []);
}

#[test]
fn a_version_of_a_workflow_is_read_beside_the_writer() {
    let (_dir, mut store, reader) = opened([]);
    let version = workflow(1);
    assert_eq!(reader.workflow_version(version.digest).expect("read"), None);
    let kept = Batch {
        workflows: vec![version.clone()],
        ..Batch::default()
    };
    store.commit(&kept).expect("written");
    let read = reader.workflow_version(version.digest).expect("read");
    assert_eq!(read, Some(version));
}

/// `cargo test --lib -- --ignored --nocapture pages_of_a_hundred_thousand`
#[test]
#[ignore = "measures"]
fn pages_of_a_hundred_thousand_open_follow_ups() {
    let (_dir, mut store, reader) = opened((1..=1_000).map(item));
    let start = Instant::now();
    for first in (0..100_000_u64).step_by(1_000) {
        let some: Vec<_> = (first..first + 1_000)
            .map(|number| FollowUp {
                id: FollowUpId(Uuid::from_u128(u128::from(number))),
                service: ServiceId((number % 50) as u32),
                to: Audience::of(AUDIENCES[(number % 5) as usize]),
                ..alert(number, 1 + number % 1_000, number as i64)
            })
            .collect();
        store.commit(&follow_ups(some)).expect("written");
    }
    println!("written: {:?} each", start.elapsed() / 100_000);
    let services: Vec<_> = (0..50).collect();
    for (what, scope) in [
        ("tenant", FollowUpScope::Tenant(TenantId(1))),
        (
            "50 services and a group",
            FollowUpScope::Audiences(
                TenantId(1),
                vec![part("agent", Some(&services)), part("legal", None)],
            ),
        ),
    ] {
        let mut page = query(&scope, FollowUpState::Open, 100);
        page.after = Some((NOON.plus_ms(50_000), FollowUpId(Uuid::nil())));
        for _ in 0..2 {
            let start = Instant::now();
            assert_eq!(reader.follow_ups(&page).expect("read").len(), 100);
            let paged = start.elapsed();
            let start = Instant::now();
            assert_eq!(reader.count_follow_ups(&page).expect("read"), 1_000);
            println!("{what}: a page {paged:?}, the count {:?}", start.elapsed());
        }
    }
}
