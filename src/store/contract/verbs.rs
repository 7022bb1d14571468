//! Every verb, good and bad.

use super::samples::*;
use super::{Subject, contract};
use crate::domain::content::Expiry;
use crate::domain::entrance::{EntranceOrder, EntranceOrders};
use crate::domain::ids::{Priority, SenderId, Sequence, ServiceId, TenantId};
use crate::domain::item::{Item, ItemState};
use crate::store::{
    AnsweredRequest, Batch, ChangedItem, KnownReference, Names, NewItem, Store, StoreError,
    TenantNames,
};

contract! {
    a_new_store_starts_at_one,
    a_committed_item_is_found_by_everything_and_again_after_a_restart,
    every_value_of_a_content_comes_back,
    a_changed_content_replaces_the_first,
    items_come_in_the_order_asked_for_without_the_missing,
    open_items_come_by_sequence_in_pages,
    an_ended_item_is_not_open_any_more,
    a_row_changes_in_all_it_may_change_in,
    a_stale_version_is_a_conflict_and_nothing_is_written,
    a_change_of_a_missing_item_is_a_conflict,
    a_change_of_a_new_item_or_two_of_one_are_conflicts,
    a_sequence_not_above_the_last_is_a_conflict,
    a_taken_id_is_a_conflict,
    a_journal_line_cannot_be_written_twice,
    rows_against_the_state_machine_are_conflicts,
    after_a_conflict_the_next_batch_is_written,
    references_are_each_senders_own,
    related_items_are_found_within_their_tenant_newest_first,
    requests_are_remembered,
    entrance_orders_are_remembered_until_taken_back,
    names_keep_their_numbers,
    an_empty_batch_is_written,
    probing_and_tidying_leave_no_trace,
}

/// What a conflicting batch must leave: nothing.
fn assert_conflict(store: &mut impl Store, batch: &Batch) {
    let resume = store.resume().expect("read");
    let open = store.open_items(Sequence(0), 100).expect("read");
    match store.commit(batch) {
        Err(StoreError::Conflict(_)) => {}
        other => panic!("expected a conflict, got {other:?}"),
    }
    assert_eq!(store.resume().expect("read"), resume);
    assert_eq!(store.open_items(Sequence(0), 100).expect("read"), open);
}

fn a_new_store_starts_at_one(mut subject: impl Subject) {
    let resume = subject.store().resume().expect("it resumes");
    assert_eq!(resume.next_sequence, Sequence(1));
    assert_eq!(resume.entrances, []);
}

fn a_committed_item_is_found_by_everything_and_again_after_a_restart(mut subject: impl Subject) {
    let row = item(1);
    let written = subject.store().commit(&batch([row.clone()]));
    written.expect("it is written");
    for _ in 0..2 {
        let store = subject.store();
        assert_eq!(store.find_id(row.id).expect("read"), Some(row.clone()));
        let known = store.find_reference(SenderId(1), "order-1").expect("read");
        assert_eq!(known, Some(KnownReference::Item(Box::new(row.clone()))));
        let content_read = store.content(Sequence(1)).expect("read");
        assert_eq!(content_read, Some(content("order-1")));
        let rows = store.items(&[Sequence(1)]).expect("read");
        assert_eq!(rows, std::slice::from_ref(&row));
        let open = store.open_items(Sequence(0), 9).expect("read");
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].received_at, row.received_at);
        assert_eq!(store.resume().expect("read").next_sequence, Sequence(2));

        assert_eq!(store.find_id(id(2)).expect("read"), None);
        let unknown = store.find_reference(SenderId(1), "order-2").expect("read");
        assert_eq!(unknown, None);
        assert_eq!(store.content(Sequence(2)).expect("read"), None);
        subject.reopen();
    }
}

fn every_value_of_a_content_comes_back(mut subject: impl Subject) {
    let mut second = full_content("order-2");
    second.expiry = Some(Expiry::At(NOON));
    second.preferred_agents = None;
    second.chargeable = Some(true);
    let contents = [full_content("order-1"), second];
    for (content, sequence) in contents.iter().zip(1..) {
        let mut new_item = new(item(sequence));
        new_item.content = content.clone();
        let batch = Batch {
            new_items: vec![new_item],
            ..Batch::default()
        };
        subject.store().commit(&batch).expect("it is written");
    }
    subject.reopen();
    for (content, sequence) in contents.into_iter().zip(1..) {
        let read = subject.store().content(Sequence(sequence)).expect("read");
        assert_eq!(read, Some(content));
    }
}

fn a_changed_content_replaces_the_first(mut subject: impl Subject) {
    let first = item(1);
    subject
        .store()
        .commit(&batch([first.clone()]))
        .expect("written");
    let mut row = first;
    row.version = 2;
    let values = full_content("order-1");
    let update = Batch {
        changed_items: vec![ChangedItem {
            item: row,
            content: Some(values.clone()),
            raw: Some("<update/>".to_owned()),
        }],
        ..Batch::default()
    };
    subject.store().commit(&update).expect("written");
    let read = subject.store().content(Sequence(1)).expect("read");
    assert_eq!(read, Some(values));
}

fn items_come_in_the_order_asked_for_without_the_missing(mut subject: impl Subject) {
    let rows = [item(1), item(2), item(3)];
    subject
        .store()
        .commit(&batch(rows.clone()))
        .expect("written");
    let asked = [3, 9, 1].map(Sequence);
    let read = subject.store().items(&asked).expect("read");
    assert_eq!(read, [rows[2].clone(), rows[0].clone()]);
}

fn open_items_come_by_sequence_in_pages(mut subject: impl Subject) {
    let scheduled = Item {
        state: ItemState::Scheduled,
        not_before: Some(NOON.plus_ms(5_000)),
        queued_at: None,
        ..item(4)
    };
    let rows = [item(1), item(2), item(3), scheduled];
    subject.store().commit(&batch(rows)).expect("written");
    subject
        .store()
        .commit(&change(ended(&item(2))))
        .expect("written");
    let mut page = |after, limit| {
        let open = subject.store().open_items(Sequence(after), limit);
        let open = open.expect("read").into_iter();
        open.map(|open| open.sequence.0).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 2), [1, 3]);
    assert_eq!(page(3, 2), [4]);
    assert_eq!(page(4, 2), [0; 0]);
    assert_eq!(page(u64::MAX, 2), [0; 0]);
    assert_eq!(page(0, 0), [0; 0]);
    let open = subject.store().open_items(Sequence(3), 1).expect("read");
    assert_eq!(open[0].state, ItemState::Scheduled);
    assert_eq!(open[0].not_before, Some(NOON.plus_ms(5_000)));
}

fn an_ended_item_is_not_open_any_more(mut subject: impl Subject) {
    subject.store().commit(&batch([item(1)])).expect("written");
    let row = ended(&item(1));
    subject
        .store()
        .commit(&change(row.clone()))
        .expect("written");
    subject.reopen();
    let store = subject.store();
    assert_eq!(store.open_items(Sequence(0), 9).expect("read"), []);
    assert_eq!(store.items(&[Sequence(1)]).expect("read"), [row]);
    assert_eq!(store.resume().expect("read").next_sequence, Sequence(2));
}

fn a_row_changes_in_all_it_may_change_in(mut subject: impl Subject) {
    let first = Item {
        state: ItemState::Scheduled,
        not_before: Some(NOON),
        queued_at: None,
        ..item(1)
    };
    subject
        .store()
        .commit(&batch([first.clone()]))
        .expect("written");
    let row = Item {
        service: ServiceId(7),
        state: ItemState::Buffered,
        priority: Priority::new(9).expect("in range"),
        version: 2,
        journal_rows: 3,
        not_before: None,
        due_by: Some(NOON.plus_ms(1)),
        expires_at: Some(NOON.plus_ms(2)),
        queued_at: Some(NOON.plus_ms(3)),
        ..first
    };
    subject
        .store()
        .commit(&change(row.clone()))
        .expect("written");
    assert_eq!(subject.store().items(&[Sequence(1)]).expect("read"), [row]);
}

fn a_stale_version_is_a_conflict_and_nothing_is_written(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1), item(2)])).expect("written");
    for version in [1, 3] {
        let row = Item {
            version,
            ..ended(&item(2))
        };
        let mut mixed = batch([item(3)]);
        mixed.changed_items = vec![changed(ended(&item(1))), changed(row)];
        mixed.entrances = vec![(ServiceId(1), closed())];
        assert_conflict(store, &mixed);
        let known = store.find_reference(SenderId(1), "order-3").expect("read");
        assert_eq!(known, None);
    }
}

fn a_change_of_a_missing_item_is_a_conflict(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    assert_conflict(store, &change(ended(&item(2))));
    let foreign = Item {
        id: id(2),
        ..ended(&item(1))
    };
    assert_conflict(store, &change(foreign));
}

fn a_change_of_a_new_item_or_two_of_one_are_conflicts(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    let mut both = batch([item(2)]);
    both.changed_items = vec![changed(ended(&item(2)))];
    assert_conflict(store, &both);
    let second = Item {
        version: 2,
        ..item(1)
    };
    let twice = Batch {
        changed_items: vec![changed(second.clone()), changed(ended(&second))],
        ..Batch::default()
    };
    assert_conflict(store, &twice);
}

fn a_sequence_not_above_the_last_is_a_conflict(mut subject: impl Subject) {
    subject.store().commit(&batch([item(5)])).expect("written");
    subject.reopen();
    let store = subject.store();
    for sequences in [[5, 6], [4, 6], [7, 6], [7, 7]] {
        assert_conflict(store, &batch(sequences.map(item)));
    }
    store.commit(&batch([6, 9].map(item))).expect("written");
    assert_eq!(store.resume().expect("read").next_sequence, Sequence(10));
}

fn a_taken_id_is_a_conflict(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    let twin = Item {
        id: id(1),
        ..item(2)
    };
    assert_conflict(store, &batch([twin]));
    let twin = Item {
        id: id(3),
        ..item(4)
    };
    assert_conflict(store, &batch([item(3), twin]));
}

fn a_journal_line_cannot_be_written_twice(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    let again = Batch {
        journal: vec![received(&item(1))],
        ..Batch::default()
    };
    assert_conflict(store, &again);
    let mut number_0 = received(&item(1));
    number_0.number = 0;
    let below = Batch {
        journal: vec![number_0],
        ..Batch::default()
    };
    assert_conflict(store, &below);
}

fn rows_against_the_state_machine_are_conflicts(mut subject: impl Subject) {
    let store = subject.store();
    let in_state = |state| Item { state, ..item(1) };
    let rows = [
        in_state(ItemState::Offered),
        in_state(ItemState::Ended),
        in_state(ItemState::Scheduled),
        Item {
            queued_at: None,
            ..item(1)
        },
        Item {
            queued_at: None,
            ..in_state(ItemState::Connected)
        },
        Item {
            state: ItemState::Queued,
            ..ended(&item(1))
        },
        Item {
            version: 0,
            ..item(1)
        },
    ];
    for row in rows {
        assert_conflict(store, &batch([row]));
    }
}

fn after_a_conflict_the_next_batch_is_written(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    let _ = store.find_reference(SenderId(1), "order-2").expect("read");
    assert_conflict(store, &batch([item(1)]));
    store.commit(&batch([item(2)])).expect("written");
    subject.reopen();
    let open = subject.store().open_items(Sequence(0), 9).expect("read");
    assert_eq!(open.len(), 2);
}

fn references_are_each_senders_own(mut subject: impl Subject) {
    let mut other = new(Item {
        sender: SenderId(2),
        ..item(2)
    });
    other.content = content("order-1");
    let mut both = batch([item(1)]);
    both.new_items.push(other);
    subject.store().commit(&both).expect("written");
    for _ in 0..2 {
        for (sender, sequence) in [(1, 1), (2, 2)] {
            let known = subject.store().find_reference(SenderId(sender), "order-1");
            match known.expect("read") {
                Some(KnownReference::Item(found)) => assert_eq!(found.sequence.0, sequence),
                other => panic!("expected item {sequence}, got {other:?}"),
            }
        }
        subject.reopen();
    }
    let known = subject.store().find_reference(SenderId(3), "order-1");
    assert_eq!(known.expect("read"), None);
}

fn names(tenants: &[(&str, &[&str], &[&str])]) -> Names {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Names {
        tenants: tenants
            .iter()
            .map(|(tenant, services, senders)| TenantNames {
                tenant: (*tenant).to_owned(),
                services: owned(services),
                senders: owned(senders),
            })
            .collect(),
    }
}

fn related_items_are_found_within_their_tenant_newest_first(mut subject: impl Subject) {
    let store = subject.store();
    let numbered = names(&[
        ("one", &["claims"], &["crm", "web"]),
        ("two", &[], &["erp"]),
    ]);
    store.number(&numbered).expect("numbered");
    let of = |sequence, tenant, sender| {
        let mut new = new(Item {
            tenant: TenantId(tenant),
            sender: SenderId(sender),
            ..item(sequence)
        });
        new.content = content("same");
        new
    };
    let three = Batch {
        new_items: vec![of(1, 1, 1), of(2, 1, 2), of(3, 2, 3)],
        ..Batch::default()
    };
    store.commit(&three).expect("written");
    let mut related = |tenant, name: &str| {
        let found = store.find_related(TenantId(tenant), name).expect("read");
        found.map(|sequence| sequence.0)
    };
    assert_eq!(related(1, "same"), Some(2));
    assert_eq!(related(2, "same"), Some(3));
    assert_eq!(related(1, &id(1).to_string()), Some(1));
    assert_eq!(related(2, &id(1).to_string()), None);
    assert_eq!(related(1, "other"), None);
    assert_eq!(related(9, "same"), None);
}

fn requests_are_remembered(mut subject: impl Subject) {
    let answered = AnsweredRequest {
        sequence: Sequence(1),
        request_id: "r-1".to_owned(),
        content_digest: [7; 16],
        version: 2,
        state: ItemState::Offered,
        at: NOON,
    };
    let mut with_request = batch([item(1)]);
    with_request.requests = vec![answered.clone()];
    subject.store().commit(&with_request).expect("written");
    subject.reopen();
    let store = subject.store();
    let found = store.find_request(Sequence(1), "r-1").expect("read");
    assert_eq!(found, Some(answered.clone()));
    assert_eq!(store.find_request(Sequence(1), "r-2").expect("read"), None);
    assert_eq!(store.find_request(Sequence(2), "r-1").expect("read"), None);
    let again = Batch {
        requests: vec![answered],
        ..Batch::default()
    };
    assert_conflict(store, &again);
}

fn closed() -> EntranceOrders {
    EntranceOrders {
        closed: Some(EntranceOrder {
            until: Some(NOON.plus_ms(60_000)),
            reason: Some("flood".to_owned()),
            since: NOON,
        }),
        forced_open: None,
    }
}

fn entrance_orders_are_remembered_until_taken_back(mut subject: impl Subject) {
    let forced = EntranceOrders {
        closed: None,
        forced_open: Some(EntranceOrder {
            until: None,
            reason: None,
            since: NOON,
        }),
    };
    let set = |orders: &[(u32, EntranceOrders)]| Batch {
        entrances: orders
            .iter()
            .map(|(service, orders)| (ServiceId(*service), orders.clone()))
            .collect(),
        ..Batch::default()
    };
    let both = set(&[(2, forced.clone()), (1, closed())]);
    subject.store().commit(&both).expect("written");
    subject.reopen();
    let entrances = subject.store().resume().expect("read").entrances;
    let expected = [(ServiceId(1), closed()), (ServiceId(2), forced.clone())];
    assert_eq!(entrances, expected);
    let back = set(&[(1, EntranceOrders::default()), (2, closed())]);
    subject.store().commit(&back).expect("written");
    subject.reopen();
    let entrances = subject.store().resume().expect("read").entrances;
    assert_eq!(entrances, [(ServiceId(2), closed())]);
}

fn names_keep_their_numbers(mut subject: impl Subject) {
    let first = names(&[
        ("one", &["claims", "loans"], &["crm"]),
        ("two", &["claims"], &["erp"]),
    ]);
    let numbers = subject.store().number(&first).expect("numbered");
    assert_eq!(numbers.tenants.len(), 2);
    assert_eq!(numbers.services.len(), 3);
    subject.reopen();
    assert_eq!(subject.store().number(&first).expect("numbered"), numbers);
    let later = names(&[("two", &["cards", "claims"], &["crm"])]);
    let more = subject.store().number(&later).expect("numbered");
    assert_eq!(more.tenants, numbers.tenants);
    assert_eq!(more.services[..3], numbers.services[..]);
    assert_eq!(more.senders[..2], numbers.senders[..]);
    let (tenant, name, number) = &more.services[3];
    assert_eq!((tenant.0, name.as_str(), number.0), (2, "cards", 4));
    let (tenant, name, number) = &more.senders[2];
    assert_eq!((tenant.0, name.as_str(), number.0), (2, "crm", 3));
}

fn an_empty_batch_is_written(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&Batch::default()).expect("written");
    assert_eq!(store.resume().expect("read").next_sequence, Sequence(1));
}

fn probing_and_tidying_leave_no_trace(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    let resume = store.resume().expect("read");
    store.probe().expect("there is room");
    assert!(!store.tidy().expect("tidied"), "nothing is left to do");
    assert_eq!(store.resume().expect("read"), resume);
    let NewItem { item, .. } = new(item(1));
    assert_eq!(store.items(&[Sequence(1)]).expect("read"), [item]);
}
