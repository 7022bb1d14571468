//! What senders are told: written with the change that causes it, tried in order, parked, replayed.

use uuid::Uuid;

use super::samples::*;
use super::{Subject, contract};
use crate::domain::answer::{Status, Whereabouts};
use crate::domain::ids::{SenderId, Sequence};
use crate::domain::notification::{
    Attempt, AttemptResult, Attempts, NewNotification, Notification, NotificationEvent,
    NotificationId,
};
use crate::domain::time::Timestamp;
use crate::store::{Batch, Replay, Store, StoreError};

contract! {
    a_notification_is_written_with_its_cause_or_not_at_all,
    everything_of_a_notification_comes_back_with_its_items_names,
    numbers_of_an_item_have_no_gaps,
    the_next_of_an_item_comes_after_the_former_was_delivered,
    a_failed_one_comes_later_and_still_before_its_successors,
    a_parked_one_does_not_hold_up_its_successors,
    a_replayed_one_is_tried_like_a_new_one,
    a_replayed_one_waits_until_the_front_of_its_item_is_free,
    marks_of_what_is_not_due_change_nothing,
    every_sender_gets_its_share_of_the_next_ones,
    parked_ones_come_in_pages_by_id,
    a_taken_notification_id_is_a_conflict,
}

fn nid(number: u64) -> NotificationId {
    NotificationId(Uuid::from_u64_pair(0x0190_0000_0000_7000, number))
}

/// Notification `number` of the item: `queued`, at NOON plus its number.
fn told(number: u64, item_number: u64) -> NewNotification {
    let row = item(item_number);
    let now = Whereabouts {
        state: row.state,
        reason: None,
        opens_at: None,
        position: Some(number),
        unroutable: false,
        estimated_wait: None,
    };
    NewNotification {
        id: nid(number),
        item: row.sequence,
        sender: row.sender,
        event: NotificationEvent::Queued,
        at: NOON.plus_ms(number as i64),
        status: Status::of(&row, String::new(), "claims".to_owned(), &now),
        traceparent: None,
    }
}

fn telling(notifications: Vec<NewNotification>) -> Batch {
    Batch {
        notifications,
        ..Batch::default()
    }
}

fn attempt(number: u64, at: Timestamp, result: AttemptResult) -> Batch {
    Batch {
        attempts: vec![Attempt {
            id: nid(number),
            at,
            result,
        }],
        ..Batch::default()
    }
}

fn parked(error: &str) -> AttemptResult {
    AttemptResult::Parked {
        error: error.to_owned(),
    }
}

fn failed(error: &str, next_at: Timestamp) -> AttemptResult {
    AttemptResult::Failed {
        error: error.to_owned(),
        next_at,
    }
}

fn replay(number: u64, at: Timestamp) -> Batch {
    Batch {
        replays: vec![Replay {
            id: nid(number),
            at,
        }],
        ..Batch::default()
    }
}

fn next(subject: &mut impl Subject) -> Vec<Notification> {
    subject.reopen();
    subject.store().next_notifications(100).expect("read")
}

/// Id and time of the next ones.
fn due(subject: &mut impl Subject) -> Vec<(u64, i64)> {
    let next = next(subject);
    let short = |one: &Notification| {
        let (_, number) = one.id.0.as_u64_pair();
        (number, one.next_at.expect("it is due").since_ms(NOON))
    };
    next.iter().map(short).collect()
}

fn commit(subject: &mut impl Subject, batch: &Batch) {
    subject.store().commit(batch).expect("written");
}

/// Item 1 with the notifications 1 to 3.
fn three(subject: &mut impl Subject) {
    let mut first = batch([item(1)]);
    first.notifications = vec![told(1, 1), told(2, 1)];
    commit(subject, &first);
    commit(subject, &telling(vec![told(3, 1)]));
}

fn a_notification_is_written_with_its_cause_or_not_at_all(mut subject: impl Subject) {
    let mut good = batch([item(1)]);
    good.notifications = vec![told(1, 1)];
    commit(&mut subject, &good);
    let mut stale = change(item(1));
    stale.notifications = vec![told(2, 1)];
    let result = subject.store().commit(&stale);
    assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
    subject.store().resume().expect("read");
    assert_eq!(due(&mut subject), [(1, 1)]);
}

fn everything_of_a_notification_comes_back_with_its_items_names(mut subject: impl Subject) {
    let new = NewNotification {
        event: NotificationEvent::Workflow {
            name: "called".to_owned(),
        },
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        ..told(1, 1)
    };
    let mut first = batch([item(1)]);
    first.notifications = vec![new.clone()];
    commit(&mut subject, &first);
    let status = Status {
        reference: reference(1),
        ..new.status
    };
    let expected = Notification {
        id: new.id,
        item: new.item,
        number: 1,
        sender: new.sender,
        event: new.event,
        at: new.at,
        status,
        traceparent: new.traceparent,
        attempts: Attempts::default(),
        next_at: Some(new.at),
    };
    assert_eq!(next(&mut subject), [expected]);
}

fn numbers_of_an_item_have_no_gaps(mut subject: impl Subject) {
    three(&mut subject);
    let mut seen = Vec::new();
    for number in 1..=3 {
        let next = next(&mut subject);
        seen.extend(next.iter().map(|one| one.number));
        let done = attempt(number, NOON, AttemptResult::Delivered);
        commit(&mut subject, &done);
    }
    commit(&mut subject, &telling(vec![told(4, 1)]));
    seen.extend(next(&mut subject).iter().map(|one| one.number));
    assert_eq!(seen, [1, 2, 3, 4]);
}

fn the_next_of_an_item_comes_after_the_former_was_delivered(mut subject: impl Subject) {
    three(&mut subject);
    assert_eq!(due(&mut subject), [(1, 1)]);
    let at = NOON.plus_ms(50);
    commit(&mut subject, &attempt(1, at, AttemptResult::Delivered));
    assert_eq!(due(&mut subject), [(2, 50)]);
    commit(&mut subject, &attempt(2, at, AttemptResult::Delivered));
    assert_eq!(due(&mut subject), [(3, 50)]);
    commit(&mut subject, &attempt(3, at, AttemptResult::Delivered));
    assert_eq!(due(&mut subject), []);
}

fn a_failed_one_comes_later_and_still_before_its_successors(mut subject: impl Subject) {
    three(&mut subject);
    for (at, error) in [(10, "refused"), (20, "status 500")] {
        let later = NOON.plus_ms(at * 100);
        let mark = attempt(1, NOON.plus_ms(at), failed(error, later));
        commit(&mut subject, &mark);
    }
    assert_eq!(due(&mut subject), [(1, 2_000)]);
    let expected = Attempts {
        failed: 2,
        failing_since: Some(NOON.plus_ms(10)),
        error: Some("status 500".to_owned()),
    };
    assert_eq!(next(&mut subject)[0].attempts, expected);
}

fn a_parked_one_does_not_hold_up_its_successors(mut subject: impl Subject) {
    three(&mut subject);
    let at = NOON.plus_ms(50);
    commit(&mut subject, &attempt(1, at, parked("status 410")));
    assert_eq!(due(&mut subject), [(2, 50)]);
    let parked = subject.store().parked_notifications(None, 10);
    let parked = parked.expect("read");
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].id, parked[0].next_at), (nid(1), None));
    let expected = Attempts {
        failed: 1,
        failing_since: Some(at),
        error: Some("status 410".to_owned()),
    };
    assert_eq!(parked[0].attempts, expected);
    assert_eq!(parked[0].status.reference, reference(1));
}

fn a_replayed_one_is_tried_like_a_new_one(mut subject: impl Subject) {
    let mut first = batch([item(1)]);
    first.notifications = vec![told(1, 1)];
    commit(&mut subject, &first);
    commit(&mut subject, &attempt(1, NOON, parked("gone")));
    assert_eq!(due(&mut subject), []);
    commit(&mut subject, &replay(1, NOON.plus_ms(70)));
    assert_eq!(due(&mut subject), [(1, 70)]);
    assert_eq!(next(&mut subject)[0].attempts, Attempts::default());
    let parked = subject.store().parked_notifications(None, 10);
    assert_eq!(parked.expect("read"), []);
}

fn a_replayed_one_waits_until_the_front_of_its_item_is_free(mut subject: impl Subject) {
    three(&mut subject);
    commit(&mut subject, &attempt(1, NOON, parked("gone")));
    commit(&mut subject, &replay(1, NOON.plus_ms(70)));
    assert_eq!(due(&mut subject), [(2, 2)], "it may be under way");
    let at = NOON.plus_ms(80);
    commit(&mut subject, &attempt(2, at, AttemptResult::Delivered));
    assert_eq!(due(&mut subject), [(1, 80)], "before the third");
    commit(&mut subject, &attempt(1, at, AttemptResult::Delivered));
    assert_eq!(due(&mut subject), [(3, 80)]);
}

fn marks_of_what_is_not_due_change_nothing(mut subject: impl Subject) {
    three(&mut subject);
    commit(&mut subject, &attempt(1, NOON, AttemptResult::Delivered));
    let later = NOON.plus_ms(99);
    for batch in [
        attempt(1, later, AttemptResult::Delivered),
        attempt(1, later, failed("late", later)),
        attempt(1, later, parked("late")),
        attempt(3, later, failed("not its turn", later)),
        attempt(9, later, AttemptResult::Delivered),
        replay(1, later),
        replay(2, later),
        replay(9, later),
    ] {
        commit(&mut subject, &batch);
        assert_eq!(due(&mut subject), [(2, 2)], "{batch:?}");
    }
    let parked = subject.store().parked_notifications(None, 10);
    assert_eq!(parked.expect("read"), []);
}

fn every_sender_gets_its_share_of_the_next_ones(mut subject: impl Subject) {
    let mut many = batch((1..=6).map(item));
    many.notifications = (1..=6).rev().map(|number| told(number, number)).collect();
    for notification in &mut many.notifications[..2] {
        notification.sender = SenderId(7);
    }
    commit(&mut subject, &many);
    let next = subject.store().next_notifications(2).expect("read");
    let short = |one: &Notification| (one.sender.0, one.item);
    let found: Vec<_> = next.iter().map(short).collect();
    let expected = [(1, 1), (1, 2), (7, 5), (7, 6)];
    assert_eq!(
        found,
        expected.map(|(sender, item)| (sender, Sequence(item)))
    );
}

fn parked_ones_come_in_pages_by_id(mut subject: impl Subject) {
    let mut many = batch((1..=5).map(item));
    many.notifications = (1..=5).map(|number| told(number, number)).collect();
    commit(&mut subject, &many);
    for number in [4, 2, 5, 1] {
        commit(&mut subject, &attempt(number, NOON, parked("gone")));
    }
    let mut page = |after, limit| -> Vec<NotificationId> {
        let page = subject.store().parked_notifications(after, limit);
        page.expect("read").iter().map(|one| one.id).collect()
    };
    assert_eq!(page(None, 2), [nid(1), nid(2)]);
    assert_eq!(page(Some(nid(2)), 2), [nid(4), nid(5)]);
    assert_eq!(page(Some(nid(5)), 2), []);
}

fn a_taken_notification_id_is_a_conflict(mut subject: impl Subject) {
    three(&mut subject);
    for taken in [
        telling(vec![told(1, 1)]),
        telling(vec![told(4, 1), told(4, 1)]),
    ] {
        let result = subject.store().commit(&taken);
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
        subject.store().resume().expect("read");
    }
    assert_eq!(due(&mut subject), [(1, 1)]);
}
