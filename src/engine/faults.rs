//! What must not happen when things go wrong: stores that fail, senders that leave, services that
//! drain under load, policies that change beneath a message.

use std::sync::Arc;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::domain::answer::WarningCode;
use crate::domain::code::Code;
use crate::domain::entrance::EntranceVerb;
use crate::domain::ids::{BlobId, Priority};
use crate::domain::item::ItemState;
use crate::domain::message::{Changes, Submission};
use crate::domain::policy::{Policy, SenderPolicy, ServicePolicy, TenantPolicy};
use crate::store::memory::{CommitFault, MemoryStore};

use super::command::{Command, Submit, UpdateItem};
use super::world::{
    HOUR, MINUTE, World, policy, service, submission, update, with_attachment, with_lifetime,
};

fn open_world() -> World {
    World::new(policy(vec![service("loans")], None))
}

fn blob(number: u128) -> BlobId {
    BlobId(Uuid::from_u128(number))
}

#[test]
fn a_buffer_drains_beside_intake_that_is_faster_than_its_step() {
    let roomy = ServicePolicy {
        buffer_items_max: 10_000,
        queue_items_max: 100_000,
        ..service("loans")
    };
    let mut world = World::new(policy(vec![roomy], None));
    world
        .entrance("loans", EntranceVerb::Close, None)
        .expect("it closes");
    let mut number = 0;
    let mut batch = |count: usize| -> Vec<Submission> {
        number += count;
        let numbers = number - count..number;
        numbers
            .map(|number| submission(&format!("r{number}"), "loans"))
            .collect()
    };
    world.submit_many(batch(1_000));
    world
        .entrance("loans", EntranceVerb::Open, None)
        .expect("it opens");
    for _ in 0..30 {
        world.submit_many(batch(200));
    }
    let left = world.service("loans").buffered;
    assert!(left <= 200, "{left} wait though the entrance is open");
}

/// Two tenants with a service each; the sender belongs to the one named.
fn two_tenants(of_sender: &str) -> Policy {
    let mut policy = policy(vec![service("loans")], None);
    let bank = policy.tenants["bank"].clone();
    let shop = TenantPolicy {
        name: "shop".to_owned(),
        ..(*bank).clone()
    };
    policy.tenants.insert("shop".to_owned(), Arc::new(shop));
    let core = SenderPolicy {
        tenant: of_sender.to_owned(),
        ..(*policy.senders["core"]).clone()
    };
    policy.senders.insert("core".to_owned(), Arc::new(core));
    policy
}

#[test]
fn a_sender_that_moved_and_came_back_serves_its_own_tenant() {
    let mut world = World::new(two_tenants("bank"));
    world.reload(two_tenants("shop")).expect("it moves");
    world.reload(two_tenants("bank")).expect("it comes back");
    world.submit(submission("a", "loans")).expect("taken");
    let view = world.engine.view();
    let (bank, _) = view.tenant_named("bank").expect("there");
    assert_eq!(world.item("a").tenant, bank);
}

#[test]
fn a_message_judged_before_its_sender_moved_is_refused() {
    let mut world = World::new(two_tenants("bank"));
    let judged_by = world.policy.clone();
    world.reload(two_tenants("shop")).expect("it moves");
    world.policy = judged_by;
    let refusal = world.submit(submission("a", "loans")).expect_err("refused");
    assert_eq!(refusal.code(), Code::NotAuthenticated);
}

#[test]
fn a_sender_out_of_the_configuration_is_refused() {
    let mut world = open_world();
    let before = world.policy.clone();
    let mut without = (*before).clone();
    without.senders.remove("core");
    world.reload(without).expect("it goes");
    world.policy = before;
    let refusal = world.submit(submission("a", "loans")).expect_err("refused");
    assert_eq!(refusal.code(), Code::NotAuthenticated);
}

#[test]
fn timers_rest_after_a_failed_commit_instead_of_spinning() {
    for fault in [CommitFault::Full, CommitFault::Failed] {
        let mut world = open_world();
        world
            .submit(with_lifetime(submission("a", "loans"), HOUR))
            .expect("taken");
        world.now = world.now.plus_ms(HOUR);
        world.engine.store.fail_next_commit(fault);
        let due = world.engine.turn(Vec::new(), world.now, &mut |_, _| {});
        let due = due.expect("not fatal").expect("something is due");
        assert!(due > world.now, "{fault:?}: the turn begins again at once");
        world.now = due;
        world.settle().expect("no fault");
        assert_eq!(world.item("a").state, ItemState::Ended, "{fault:?}");
    }
}

#[test]
fn a_body_whose_item_never_comes_is_dropped() {
    let mut world = open_world();
    world.store_body(blob(1), b"body").expect("stored");
    world.advance(9 * MINUTE);
    assert!(world.engine.store().blob(blob(1)).is_some(), "on its way");
    world.advance(2 * MINUTE);
    assert_eq!(world.engine.store().blob(blob(1)), None);
}

#[test]
fn a_body_of_an_item_stays() {
    let mut world = open_world();
    world.store_body(blob(1), b"body").expect("stored");
    world
        .submit(with_attachment(submission("a", "loans"), blob(1), 4))
        .expect("taken");
    world.advance(HOUR);
    assert_eq!(world.engine.store().blob(blob(1)), Some(b"body".to_vec()));
}

#[test]
fn bodies_of_a_failed_commit_are_dropped() {
    let mut world = open_world();
    world.store_body(blob(1), b"body").expect("stored");
    world.engine.store.fail_next_commit(CommitFault::Full);
    world
        .submit(with_attachment(submission("a", "loans"), blob(1), 4))
        .expect_err("no room");
    world.advance(2_000);
    assert_eq!(world.engine.store().blob(blob(1)), None);
}

#[test]
fn a_missing_body_refuses_its_own_item_alone() {
    let mut world = open_world();
    world.store_body(blob(1), b"body").expect("stored");
    let answers = world.submit_many(vec![
        submission("a", "loans"),
        with_attachment(submission("b", "loans"), blob(2), 4),
        with_attachment(submission("c", "loans"), blob(1), 5),
    ]);
    let codes: Vec<_> = answers
        .iter()
        .map(|entry| entry.result.as_ref().err().map(|refusal| refusal.code()))
        .collect();
    let failed = Some(Code::StorageFailed);
    assert_eq!(codes, [None, failed, failed]);
}

#[test]
fn changes_of_one_item_that_pile_up_are_refused() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    let mut answers = Vec::new();
    let mut commands = Vec::new();
    for number in 0..1_000 {
        let changes = Changes {
            title: Some(format!("title {number}")),
            ..Changes::default()
        };
        let (reply, answer) = oneshot::channel();
        let request = UpdateItem {
            sender: world.policy.senders["core"].clone(),
            update: update("a", changes),
            attachments: Vec::new(),
        };
        commands.push(Command::Update(Box::new(request), reply));
        answers.push(answer);
    }
    world.turn(commands).expect("no fault");
    assert!(world.engine.deferred.len() <= 256, "they grow for ever");
    world.settle().expect("no fault");
    let mut results = answers
        .iter_mut()
        .map(|answer| answer.try_recv().expect("all are told"));
    let refused = results.by_ref().filter_map(Result::err);
    let refused: Vec<_> = refused.map(|refusal| refusal.code()).collect();
    assert_eq!(refused, vec![Code::Overloaded; 1_000 - 257]);
    assert_eq!(world.item("a").version, 1 + 257);
}

#[test]
fn a_failed_read_is_told_as_a_failure_of_the_store() {
    let mut world = open_world();
    let mut answers = Vec::new();
    let mut commands = Vec::new();
    for reference in ["a", "b"] {
        let (reply, answer) = oneshot::channel();
        let submit = Submit {
            sender: world.policy.senders["core"].clone(),
            received_at: world.now,
            submission: submission(reference, "loans"),
            traceparent: None,
        };
        commands.push(Command::Submit(Box::new(submit), reply));
        answers.push(answer);
    }
    world.engine.store.fail_reads(1);
    world.turn(commands).expect("not fatal");
    world.settle().expect("no fault");
    let first = answers[0].try_recv().expect("it is told");
    assert_eq!(first.expect_err("refused").code(), Code::StorageFailed);
    let second = answers[1].try_recv().expect("it is told");
    assert!(second.is_ok(), "it was asked again");
}

#[test]
fn commands_outlive_a_failed_read_of_the_timers() {
    let mut world = open_world();
    world
        .submit(with_lifetime(submission("a", "loans"), HOUR))
        .expect("taken");
    world.now = world.now.plus_ms(HOUR);
    world.engine.store.fail_reads(1);
    let (reply, mut answer) = oneshot::channel();
    let submit = Submit {
        sender: world.policy.senders["core"].clone(),
        received_at: world.now,
        submission: submission("b", "loans"),
        traceparent: None,
    };
    let command = Command::Submit(Box::new(submit), reply);
    world.turn(vec![command]).expect("not fatal");
    world.settle().expect("no fault");
    answer.try_recv().expect("it is told").expect("and taken");
}

#[test]
fn a_probe_that_cannot_sync_is_fatal() {
    let mut world = open_world();
    world.engine.store.fail_next_commit(CommitFault::Full);
    world.submit(submission("a", "loans")).expect_err("no room");
    world.engine.store.fail_next_probe_fatally();
    world.now = world.now.plus_ms(1_000);
    assert!(
        world
            .engine
            .turn(Vec::new(), world.now, &mut |_, _| {})
            .is_err()
    );
}

#[test]
fn a_full_disk_does_not_keep_the_daemon_from_starting() {
    let world = open_world();
    let mut store = MemoryStore::new();
    store.fail_next_sweep();
    let mut world = World::over(store, (*world.policy).clone(), world.now);
    let refusal = world.submit(submission("a", "loans")).expect_err("refused");
    assert_eq!(refusal.code(), Code::StorageFull);
    world.advance(1_000);
    world
        .submit(submission("a", "loans"))
        .expect("there is room");
}

#[test]
fn relations_within_one_batch_are_seen() {
    let mut world = open_world();
    let chain = (0..14).map(|number: u32| {
        let mut submission = submission(&format!("r{number}"), "loans");
        let before = number.checked_sub(1);
        submission.content.related_to = before.map(|number| format!("r{number}"));
        submission
    });
    let answers = world.submit_many(chain.collect());
    for answer in &answers[..13] {
        let receipt = answer.result.as_ref().expect("taken");
        let unknown =
            |warning: &crate::domain::answer::Warning| warning.code == WarningCode::UnknownRelated;
        assert!(!receipt.warnings.iter().any(unknown), "{answer:?}");
    }
    let last = answers[13].result.as_ref().expect_err("13 links");
    assert_eq!(last.code(), Code::RelatedTooDeep);
}

#[test]
fn a_repeat_in_the_turn_of_a_change_sees_the_change() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    world.submit(submission("b", "loans")).expect("taken");
    let changes = Changes {
        priority: Priority::new(9),
        ..Changes::default()
    };
    let sender = world.policy.senders["core"].clone();
    let (reply, _answer) = oneshot::channel();
    let change = UpdateItem {
        sender: sender.clone(),
        update: update("b", changes),
        attachments: Vec::new(),
    };
    let change = Command::Update(Box::new(change), reply);
    let (reply, mut answer) = oneshot::channel();
    let submit = Submit {
        sender,
        received_at: world.now,
        submission: submission("b", "loans"),
        traceparent: None,
    };
    let repeat = Command::Submit(Box::new(submit), reply);
    world.turn(vec![change, repeat]).expect("no fault");
    let receipt = answer.try_recv().expect("told").expect("a repeat");
    assert!(receipt.duplicate);
    assert_eq!((receipt.version, receipt.position), (2, Some(1)));
}
