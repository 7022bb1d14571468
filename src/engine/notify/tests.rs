//! What senders are told, and when.

use super::*;
use crate::domain::entrance::EntranceVerb;
use crate::domain::ids::Sequence;
use crate::domain::message::Changes;
use crate::domain::notification::{AttemptResult, DeliveryState, EventKind};
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::engine::world::*;
use crate::store::memory::CommitFault;

/// A policy whose sender `core` is told of these events; `web` is told of nothing.
fn telling(events: impl IntoIterator<Item = EventKind>) -> Policy {
    let mut policy = policy(vec![service("loans")], None);
    let core = policy.senders.get_mut("core").expect("it is there");
    Arc::make_mut(core).notify = Some(Arc::new(NotifyPolicy {
        url: "https://bank.example/told".parse().expect("a URL"),
        secret_file: "/nowhere".into(),
        events: events.into_iter().collect(),
    }));
    policy
}

/// Number and word of every notification of an item.
fn told(world: &World, sequence: u64) -> Vec<(u32, &'static str)> {
    let store = world.engine.store();
    let all = store.notifications(Sequence(sequence));
    all.map(|(number, new, _)| (number, new.event.kind().name()))
        .collect()
}

fn ask<T>(world: &mut World, command: impl FnOnce(Reply<T>) -> NotifyCommand) -> T {
    asked(world, command).expect("it is done")
}

fn asked<T>(
    world: &mut World,
    command: impl FnOnce(Reply<T>) -> NotifyCommand,
) -> Result<T, Refusal> {
    let (reply, mut answer) = oneshot::channel();
    let command = Command::Notifications(Box::new(command(reply)));
    world.turn(vec![command]).expect("no fault is planned");
    answer.try_recv().expect("the turn answers")
}

fn mark(world: &mut World, id: NotificationId, result: AttemptResult) {
    let at = world.now;
    let attempts = vec![Attempt { id, at, result }];
    ask(world, |reply| NotifyCommand::Mark(attempts, reply));
}

#[test]
fn a_queued_and_a_cancelled_item_are_told_in_order() {
    let mut world = World::new(telling(EventKind::ALL));
    world.submit(submission("r1", "loans")).expect("taken");
    world.cancel("core", "r1").expect("cancelled");
    assert_eq!(told(&world, 1), [(1, "queued"), (2, "cancelled")]);
}

#[test]
fn what_agents_do_is_told_and_what_stays_among_them_is_not() {
    let mut world = World::new(telling(EventKind::ALL));
    world.submit(submission("r1", "loans")).expect("taken");
    let mut item = world.item("r1");
    let word = |event, item: &Item| notify_of(event, item, &[]).map(|told| told.kind().name());
    let told = JournalEvent::ALL.map(|event| word(event, &item));
    let told: Vec<_> = std::iter::zip(JournalEvent::ALL, told)
        .filter_map(|(event, word)| Some((event.name(), word?)))
        .collect();
    assert_eq!(
        told,
        [
            ("received", "queued"),
            ("startReached", "queued"),
            ("released", "queued"),
            ("expired", "expired"),
            ("cancelledByExternalSystem", "cancelled"),
            ("cancelledBySupervisor", "cancelled"),
            ("accepted", "accepted"),
            ("endedByUser", "completed"),
            ("transferred", "transferred"),
            ("reopened", "queued"),
            ("queuedByWorkflow", "queued"),
            ("forcedIn", "queued"),
            ("transferredByWorkflow", "transferred"),
            ("cancelledByWorkflow", "cancelled"),
        ]
    );
    item.state = ItemState::Buffered;
    assert_eq!(word(JournalEvent::Reopened, &item), None);
    assert_eq!(word(JournalEvent::Received, &item), None);
}

#[test]
fn a_supervisors_abort_is_told_as_cancelled() {
    let mut world = World::new(telling([EventKind::Cancelled]));
    world.submit(submission("r1", "loans")).expect("taken");
    let item = world.item("r1");
    world.abort(&item).expect("aborted");
    assert_eq!(told(&world, 1), [(1, "cancelled")]);
    let store = world.engine.store();
    let (_, new, _) = store.notifications(Sequence(1)).next().expect("told");
    let outcome = new.status.outcome.expect("it has ended");
    assert_eq!(outcome.name(), "cancelledBySupervisor");
}

#[test]
fn an_expired_item_is_told_with_the_status_it_ended_with() {
    let mut world = World::new(telling([EventKind::Expired]));
    let submission = with_lifetime(submission("r1", "loans"), MINUTE);
    world.submit(submission).expect("taken");
    world.advance(MINUTE);
    assert_eq!(told(&world, 1), [(1, "expired")]);
    let store = world.engine.store();
    let (_, new, _) = store.notifications(Sequence(1)).next().expect("told");
    assert_eq!(new.status.version, 2);
    assert_eq!(new.status.ended_at, Some(world.now));
    assert_eq!(new.at, world.now);
}

#[test]
fn a_buffered_item_is_told_when_it_comes_into_the_queue() {
    let mut world = World::new(telling(EventKind::ALL));
    let closed = world.entrance("loans", EntranceVerb::Close, None);
    closed.expect("closed");
    world.submit(submission("r1", "loans")).expect("taken");
    let start = world.now.plus_ms(MINUTE);
    let later = starting(submission("r2", "loans"), start);
    world.submit(later).expect("taken");
    assert_eq!(told(&world, 1), []);
    world.advance(MINUTE);
    assert_eq!(told(&world, 2), [], "it went into the buffer");
    let opened = world.entrance("loans", EntranceVerb::Open, None);
    opened.expect("opened");
    world.settle().expect("no fault is planned");
    assert_eq!(told(&world, 1), [(1, "queued")]);
    assert_eq!(told(&world, 2), [(1, "queued")]);
}

#[test]
fn nobody_is_told_what_he_did_not_ask_for() {
    let mut world = World::new(telling([EventKind::Expired]));
    world.submit(submission("r1", "loans")).expect("taken");
    world
        .update(update("r1", Changes::default()))
        .expect("taken");
    world.cancel("core", "r1").expect("cancelled");
    let other = world.submit_as("web", submission("r2", "loans"));
    other.expect("taken");
    assert_eq!((told(&world, 1), told(&world, 2)), (vec![], vec![]));
}

#[test]
fn a_repeated_message_tells_nobody_again() {
    let mut world = World::new(telling(EventKind::ALL));
    for _ in 0..2 {
        world.submit(submission("r1", "loans")).expect("taken");
    }
    for _ in 0..2 {
        world.cancel("core", "r1").expect("cancelled");
    }
    assert_eq!(told(&world, 1).len(), 2);
}

#[test]
fn what_was_not_committed_is_not_told() {
    let mut world = World::new(telling(EventKind::ALL));
    let store = &mut world.engine.store;
    store.fail_next_commit(CommitFault::Failed);
    let refused = world.submit(submission("r1", "loans"));
    assert!(refused.is_err());
    assert_eq!(world.engine.view().notifications, 0);
    world.submit(submission("r1", "loans")).expect("taken");
    assert_eq!(told(&world, 1), [(1, "queued")]);
    assert_eq!(world.engine.view().notifications, 1);
}

#[test]
fn what_is_due_survives_the_process_with_its_id() {
    let mut world = World::new(telling(EventKind::ALL));
    world.submit(submission("r1", "loans")).expect("taken");
    let before = ask(&mut world, |reply| NotifyCommand::Next(8, reply));
    world.restart();
    let after = ask(&mut world, |reply| NotifyCommand::Next(8, reply));
    assert_eq!(before, after);
    let [one] = &after[..] else {
        panic!("one is due");
    };
    assert_eq!(one.notification.status.reference, "r1");
    let to = one.to.as_ref().expect("core has an address");
    assert_eq!(to.url.to_string(), "https://bank.example/told");
}

#[test]
fn a_sender_without_an_address_any_longer_has_nowhere_to_send_to() {
    let mut world = World::new(telling(EventKind::ALL));
    world.submit(submission("r1", "loans")).expect("taken");
    let silent = policy(vec![service("loans")], None);
    world.reload(silent).expect("taken");
    let next = ask(&mut world, |reply| NotifyCommand::Next(8, reply));
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].to, None);
}

#[test]
fn a_parked_notification_is_listed_with_its_names_and_replayed_with_audit() {
    let mut world = World::new(telling(EventKind::ALL));
    world.submit(submission("r1", "loans")).expect("taken");
    let next = ask(&mut world, |reply| NotifyCommand::Next(8, reply));
    let id = next[0].notification.id;
    let error = "status 410".to_owned();
    mark(&mut world, id, AttemptResult::Parked { error });
    let page = ListParked {
        after: None,
        limit: NOTIFICATIONS_PAGE_MAX,
    };
    let parked = ask(&mut world, |reply| NotifyCommand::Parked(page, reply));
    assert_eq!(parked.len(), 1);
    let one = &parked[0];
    assert_eq!((&*one.tenant, &*one.sender), ("bank", "core"));
    let replay = ReplayNotifications {
        actor: Actor::Operator("uid=0 pid=1".to_owned()),
        ids: vec![id],
    };
    let written = world.engine.view().notifications;
    ask(&mut world, |reply| NotifyCommand::Replay(replay, reply));
    assert!(world.engine.view().notifications > written, "it is seen");
    let next = ask(&mut world, |reply| NotifyCommand::Next(8, reply));
    assert_eq!(next[0].notification.id, id);
    let audit = world.engine.store().audit();
    let last = audit.last().expect("it is audited");
    assert_eq!(
        (last.verb, &last.object),
        ("notification.replay", &id.to_string())
    );
}

#[test]
fn pages_and_replays_have_a_limit() {
    let mut world = World::new(telling(EventKind::ALL));
    let id = |number| NotificationId(uuid::Uuid::from_u128(number));
    for (count, good) in [
        (0, false),
        (1, true),
        (NOTIFICATIONS_PAGE_MAX, true),
        (NOTIFICATIONS_PAGE_MAX + 1, false),
    ] {
        let page = ListParked {
            after: None,
            limit: count,
        };
        let listed = asked(&mut world, |reply| NotifyCommand::Parked(page, reply));
        assert_eq!(listed.is_ok(), good, "{count}");
        let replay = ReplayNotifications {
            actor: Actor::Operator("uid=0 pid=1".to_owned()),
            ids: (0..count as u128).map(id).collect(),
        };
        let replayed = asked(&mut world, |reply| NotifyCommand::Replay(replay, reply));
        assert_eq!(replayed.is_ok(), good, "{count}");
    }
}

#[test]
fn a_delivered_notification_lets_the_next_of_its_item_out() {
    let mut world = World::new(telling(EventKind::ALL));
    world.submit(submission("r1", "loans")).expect("taken");
    world.cancel("core", "r1").expect("cancelled");
    let due = |world: &mut World| -> Vec<(NotificationId, u32, Option<Timestamp>)> {
        let next = ask(world, |reply| NotifyCommand::Next(8, reply));
        let short = |one: &Outgoing| {
            let one = &one.notification;
            (one.id, one.number, one.next_at)
        };
        next.iter().map(short).collect()
    };
    let first = due(&mut world);
    assert_eq!((first.len(), first[0].1), (1, 1));
    world.now = world.now.plus_ms(SECOND);
    mark(&mut world, first[0].0, AttemptResult::Delivered);
    let second = due(&mut world);
    assert_eq!((second.len(), second[0].1), (1, 2));
    assert_eq!(second[0].2, Some(world.now));
    mark(&mut world, second[0].0, AttemptResult::Delivered);
    let store = world.engine.store();
    let mut all = store.notifications(Sequence(1));
    assert!(all.all(|(_, _, state)| state == DeliveryState::Delivered));
}
