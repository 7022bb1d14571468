//! Items that workflows lead, the versions they began with, and what is shown to people.

use super::samples::*;
use super::{Subject, contract};
use crate::domain::follow_up::FollowUp;
use crate::domain::ids::{SenderId, Sequence, ServiceId, TenantId, UserId};
use crate::domain::item::Item;
use crate::domain::journal::{Actor, JournalEntry, JournalEvent};
use crate::domain::people::Role;
use crate::domain::workflow::{Audience, StageNumber};
use crate::store::{Batch, Store, StoreError};

contract! {
    a_place_in_a_workflow_comes_back_until_it_is_over,
    an_item_in_a_workflow_has_a_place_there,
    what_is_due_by_itself_comes_by_sequence_in_pages_ended_or_not,
    a_version_of_a_workflow_is_kept_once,
    every_value_of_a_follow_up_comes_back,
    a_follow_up_is_closed_once_and_by_somebody,
    a_follow_up_never_changes_otherwise,
    a_follow_up_needs_its_item,
    a_follow_up_that_cannot_be_is_a_conflict,
    an_items_open_follow_ups_come_oldest_first,
    an_item_without_a_message_is_kept,
    every_event_of_a_journal_comes_back,
}

fn written(subject: &mut impl Subject, batch: &Batch) {
    subject.store().commit(batch).expect("written");
}

fn assert_conflict(store: &mut impl Store, batch: &Batch) {
    match store.commit(batch) {
        Err(StoreError::Conflict(_)) => {}
        other => panic!("expected a conflict, got {other:?}"),
    }
    store.resume().expect("it goes on");
}

fn row(subject: &mut impl Subject, sequence: u64) -> Item {
    let rows = subject.store().items(&[Sequence(sequence)]);
    rows.expect("read").remove(0)
}

fn open(subject: &mut impl Subject, sequence: u64) -> Vec<FollowUp> {
    let open = subject.store().open_follow_ups(Sequence(sequence));
    open.expect("read")
}

fn read(subject: &mut impl Subject, follow_up: &FollowUp) -> Option<FollowUp> {
    subject.store().follow_up(follow_up.id).expect("read")
}

fn a_place_in_a_workflow_comes_back_until_it_is_over(mut subject: impl Subject) {
    let version = workflow(1);
    let begun = in_workflow(item(1), &version, Some(10));
    let queued = Item {
        version: 2,
        ..led(item(1), &version, None)
    };
    let outlived = Item {
        flow: led(item(1), &version, Some(20)).flow,
        ..handled(&connected(&queued, 7, 70), "a note in front of it")
    };
    let over = Item {
        version: 5,
        flow: None,
        ..outlived.clone()
    };
    let mut first = batch([begun.clone()]);
    first.workflows = vec![version];
    written(&mut subject, &first);
    assert_eq!(row(&mut subject, 1), begun);
    for step in [queued.clone(), connected(&queued, 7, 70), outlived, over] {
        written(&mut subject, &change(step.clone()));
        subject.reopen();
        assert_eq!(row(&mut subject, 1), step);
    }
}

fn an_item_in_a_workflow_has_a_place_there(mut subject: impl Subject) {
    let placeless = |item| Item {
        flow: None,
        ..in_workflow(item, &workflow(1), None)
    };
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    assert_conflict(store, &batch([placeless(item(2))]));
    let version = 2;
    let next = Item { version, ..item(1) };
    assert_conflict(store, &change(placeless(next.clone())));
    let good = in_workflow(next, &workflow(1), None);
    store.commit(&change(good)).expect("written");
}

fn what_is_due_by_itself_comes_by_sequence_in_pages_ended_or_not(mut subject: impl Subject) {
    let version = workflow(1);
    let due = |sequence: u64| in_workflow(item(sequence), &version, Some(-(sequence as i64)));
    let rows = [
        due(1),
        item(2),
        led(item(3), &version, None),
        due(4),
        due(5),
        due(6),
    ];
    written(&mut subject, &batch(rows));
    let done = Item {
        flow: None,
        ..ended(&due(5))
    };
    for step in [ended(&due(4)), done] {
        written(&mut subject, &change(step));
    }
    subject.reopen();
    let mut page = |after, limit| {
        let timers = subject.store().flow_timers(Sequence(after), limit);
        let timers = timers.expect("read").into_iter();
        timers
            .map(|(sequence, at)| (sequence.0, at.since_ms(NOON)))
            .collect::<Vec<_>>()
    };
    assert_eq!(page(0, 9), [(1, -1), (4, -4), (6, -6)]);
    assert_eq!(page(0, 2), [(1, -1), (4, -4)]);
    assert_eq!(page(4, 2), [(6, -6)]);
    assert_eq!(page(6, 2), []);
    assert_eq!(page(0, 0), []);
    assert_eq!(page(u64::MAX, 2), []);
}

fn a_version_of_a_workflow_is_kept_once(mut subject: impl Subject) {
    let (one, two) = (workflow(1), workflow(2));
    let versions = |workflows| Batch {
        workflows,
        ..Batch::default()
    };
    written(&mut subject, &versions(vec![one.clone(), one.clone()]));
    let mut renamed = one.clone();
    renamed.name = "loan-of-a-car".to_owned();
    written(&mut subject, &versions(vec![renamed, two.clone()]));
    subject.reopen();
    for version in [one, two] {
        let read = subject.store().workflow(version.digest).expect("read");
        assert_eq!(read, Some(version));
    }
    let unknown = subject.store().workflow(workflow(3).digest);
    assert_eq!(unknown.expect("read"), None);
}

fn every_value_of_a_follow_up_comes_back(mut subject: impl Subject) {
    written(&mut subject, &batch([item(1)]));
    let closers = [
        None,
        Some(Actor::Sender(SenderId(3))),
        Some(Actor::User(UserId(4))),
        Some(Actor::Operator("uid=0 pid=7".to_owned())),
    ];
    let mut all: Vec<_> = closers
        .into_iter()
        .zip(1..)
        .map(|(by, number)| closed(button(number, 1, 0), by))
        .collect();
    let audiences = Role::ALL.map(Audience::Role);
    let audiences = audiences
        .into_iter()
        .chain([Audience::of("zurück"), Audience::Group("admin".to_owned())]);
    all.extend(audiences.zip(10..).map(|(to, number)| FollowUp {
        to,
        service: ServiceId(number as u32),
        stage: StageNumber(100),
        stages: 100,
        ..alert(number, 1, -1)
    }));
    written(&mut subject, &follow_ups(all.clone()));
    subject.reopen();
    for follow_up in all {
        assert_eq!(read(&mut subject, &follow_up), Some(follow_up));
    }
    assert_eq!(read(&mut subject, &alert(99, 1, 0)), None);
}

fn a_follow_up_is_closed_once_and_by_somebody(mut subject: impl Subject) {
    let by = |user| Some(Actor::User(UserId(user)));
    let mut first = batch([item(1)]);
    first.follow_ups = vec![alert(1, 1, 0), button(2, 1, 0)];
    written(&mut subject, &first);
    assert_conflict(
        subject.store(),
        &follow_ups([closed(alert(1, 1, 0), Some(Actor::Engine))]),
    );
    // What stands as it stood is no change.
    written(&mut subject, &follow_ups([alert(1, 1, 0)]));
    let taken = closed(alert(1, 1, 0), by(7));
    written(&mut subject, &follow_ups([taken.clone()]));
    written(&mut subject, &follow_ups([taken.clone()]));
    subject.reopen();
    let open_now = open(&mut subject, 1);
    assert_eq!(open_now, [button(2, 1, 0)]);
    let later = closed(alert(1, 1, 1), by(7)).closed;
    for other in [
        closed(alert(1, 1, 0), by(8)),
        closed(alert(1, 1, 0), None),
        alert(1, 1, 0),
        FollowUp {
            closed: later,
            ..taken.clone()
        },
    ] {
        assert_conflict(subject.store(), &follow_ups([other]));
    }
    assert_eq!(read(&mut subject, &taken), Some(taken));
    written(&mut subject, &follow_ups([closed(button(2, 1, 0), None)]));
    assert_eq!(open(&mut subject, 1), []);
}

fn a_follow_up_never_changes_otherwise(mut subject: impl Subject) {
    let one = button(1, 1, 0);
    let mut first = batch([item(1), item(2)]);
    first.follow_ups = vec![one.clone()];
    written(&mut subject, &first);
    let with = |change: &dyn Fn(&mut FollowUp)| {
        let mut other = closed(one.clone(), None);
        change(&mut other);
        other
    };
    for other in [
        with(&|it| it.sequence = Sequence(2)),
        with(&|it| it.tenant = TenantId(2)),
        with(&|it| it.service = ServiceId(2)),
        with(&|it| it.workflow = "other".to_owned()),
        with(&|it| it.stage = StageNumber(3)),
        with(&|it| it.stages = 8),
        with(&|it| it.kind = alert(1, 1, 0).kind),
        with(&|it| it.to = Audience::of("agent")),
        with(&|it| it.shown_at = NOON.plus_ms(1)),
    ] {
        assert_conflict(subject.store(), &follow_ups([other]));
    }
    assert_eq!(open(&mut subject, 1), [one]);
}

fn a_follow_up_needs_its_item(mut subject: impl Subject) {
    let store = subject.store();
    let mut with_item = batch([item(1)]);
    with_item.follow_ups = vec![alert(1, 2, 0)];
    assert_conflict(store, &with_item);
    assert_conflict(store, &follow_ups([alert(1, u64::MAX, 0)]));
    with_item.follow_ups = vec![alert(1, 1, 0)];
    store.commit(&with_item).expect("written");
    let foreign = FollowUp {
        tenant: TenantId(2),
        ..alert(2, 1, 0)
    };
    assert_conflict(store, &follow_ups([foreign]));
    let later = follow_ups([alert(2, 1, 0)]);
    store.commit(&later).expect("written");
}

fn a_follow_up_that_cannot_be_is_a_conflict(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&batch([item(1)])).expect("written");
    let staged = |stage, stages| FollowUp {
        stage: StageNumber(stage),
        stages,
        ..alert(1, 1, 0)
    };
    let twice = [alert(1, 1, 0), closed(alert(1, 1, 0), None)];
    for wrong in [
        follow_ups([staged(0, 7)]),
        follow_ups([staged(8, 7)]),
        follow_ups(twice),
        follow_ups([closed(alert(1, 1, 0), Some(Actor::Engine))]),
    ] {
        assert_conflict(store, &wrong);
        assert_eq!(store.open_follow_ups(Sequence(1)).expect("read"), []);
    }
    store.commit(&follow_ups([staged(7, 7)])).expect("written");
}

fn an_items_open_follow_ups_come_oldest_first(mut subject: impl Subject) {
    let mut first = batch([item(1), item(2)]);
    first.follow_ups = vec![
        alert(5, 1, 30),
        button(1, 1, 20),
        closed(alert(2, 1, 10), None),
        alert(4, 1, 20),
        alert(3, 2, 0),
    ];
    written(&mut subject, &first);
    subject.reopen();
    let expected = [button(1, 1, 20), alert(4, 1, 20), alert(5, 1, 30)];
    assert_eq!(open(&mut subject, 1), expected);
    assert_eq!(open(&mut subject, 2), [alert(3, 2, 0)]);
    assert_eq!(open(&mut subject, 3), []);
}

fn an_item_without_a_message_is_kept(mut subject: impl Subject) {
    let mut first = batch([item(1), item(2)]);
    first.new_items[0].raw = None;
    written(&mut subject, &first);
    let version = 2;
    let mut update = change(Item { version, ..item(1) });
    update.changed_items[0].raw = Some("<update/>".to_owned());
    assert_eq!(subject.raw_messages(Sequence(1)), [""; 0]);
    written(&mut subject, &update);
    subject.reopen();
    assert_eq!(subject.raw_messages(Sequence(1)), ["<update/>"]);
    let second = subject.raw_messages(Sequence(2));
    assert_eq!(second, ["<workItem reference=\"order-2\"/>"]);
    let content_read = subject.store().content(Sequence(1)).expect("read");
    assert_eq!(content_read, Some(content("order-1")));
}

fn every_event_of_a_journal_comes_back(mut subject: impl Subject) {
    let actors = [
        Actor::Engine,
        Actor::Sender(SenderId(2)),
        Actor::User(UserId(3)),
        Actor::Operator("uid=1 pid=2".to_owned()),
    ];
    let mut life = batch([item(1)]);
    let events = JournalEvent::ALL.into_iter().zip(1..);
    life.journal = events
        .zip(actors.iter().cycle())
        .map(|((event, number), actor)| JournalEntry {
            sequence: Sequence(1),
            number,
            at: NOON.plus_ms(i64::from(number)),
            event,
            actor: actor.clone(),
            data: vec![("event", event.name().to_owned())],
        })
        .collect();
    written(&mut subject, &life);
    subject.reopen();
    let lines = subject.journal(Sequence(1));
    assert_eq!(lines.len(), JournalEvent::ALL.len());
    for (line, entry) in lines.into_iter().zip(life.journal) {
        assert_eq!((line.number, line.at), (entry.number, entry.at));
        assert_eq!((line.event, line.actor), (entry.event, entry.actor));
        let data = [("event".to_owned(), entry.event.name().to_owned())];
        assert_eq!(line.data, data);
    }
}
