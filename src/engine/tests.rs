//! What the engine decides, seen by what senders are told and what the store then holds.

use std::sync::Arc;

use crate::domain::answer::{ClosedReason, WaitingReason, WarningCode};
use crate::domain::code::Code;
use crate::domain::content::{Expiry, PreferredAgent, PreferredAgents};
use crate::domain::entrance::EntranceVerb;
use crate::domain::ids::Priority;
use crate::domain::item::ItemState;
use crate::domain::message::Changes;
use crate::domain::outcome::Outcome;
use crate::domain::policy::{LIFETIME_MAX_MS, ServicePolicy};
use crate::domain::time::Timestamp;
use crate::store::memory::CommitFault;

use super::view::Intake;
use super::world::{
    DAY, HOUR, MINUTE, OfficeHours, SECOND, World, of_content, policy, service, starting,
    submission, update, with_lifetime, with_priority,
};

fn open_world() -> World {
    World::new(policy(vec![service("loans")], None))
}

fn closed_world() -> World {
    let mut world = open_world();
    world
        .entrance("loans", EntranceVerb::Close, None)
        .expect("it closes");
    world
}

#[test]
fn an_open_entrance_lets_an_item_into_the_queue() {
    let mut world = open_world();
    let receipt = world.submit(submission("a", "loans")).expect("taken");
    assert_eq!(receipt.state, ItemState::Queued);
    assert_eq!((receipt.position, receipt.reason), (Some(1), None));
    assert_eq!(world.item("a").id, receipt.id.expect("it has an id"));
}

#[test]
fn closed_entrance_buffers_until_opened() {
    let mut world = closed_world();
    let receipt = world.submit(submission("a", "loans")).expect("taken");
    assert_eq!(receipt.state, ItemState::Buffered);
    assert_eq!(receipt.reason, Some(WaitingReason::EntranceClosed));
    assert_eq!(receipt.opens_at, None, "nobody knows when");
    let status = world
        .entrance("loans", EntranceVerb::Open, None)
        .expect("it opens");
    assert_eq!(status.reasons, []);
    world.settle().expect("no fault");
    assert_eq!(world.item("a").state, ItemState::Queued);
}

#[test]
fn buffered_items_enter_in_order_priority_first() {
    let mut world = closed_world();
    for (reference, priority) in [("a", 5), ("b", 9), ("c", 5), ("d", 0), ("e", 9)] {
        world
            .submit(with_priority(submission(reference, "loans"), priority))
            .expect("taken");
    }
    world.restart();
    world
        .entrance("loans", EntranceVerb::Open, None)
        .expect("it opens");
    world.settle().expect("no fault");
    assert_eq!(world.queue("loans"), [2, 5, 1, 3, 4]);
}

#[test]
fn a_newcomer_joins_the_buffer_while_it_drains() {
    let mut world = closed_world();
    for number in 0..200 {
        world
            .submit(submission(&format!("r{number}"), "loans"))
            .expect("taken");
    }
    world
        .entrance("loans", EntranceVerb::Open, None)
        .expect("it opens");
    let receipt = world.submit(submission("late", "loans")).expect("taken");
    assert_eq!(receipt.state, ItemState::Buffered);
    assert_eq!(receipt.reason, Some(WaitingReason::Releasing));
    world.settle().expect("no fault");
    assert_eq!(world.queue("loans"), (1..=201).collect::<Vec<u64>>());
}

#[test]
fn opening_hours_open_it_and_a_receipt_says_when() {
    let mut office = service("loans");
    office.hours = Some(Arc::new(OfficeHours));
    let mut world = World::new(policy(vec![office], None));
    world.advance(5 * HOUR);
    let receipt = world.submit(submission("a", "loans")).expect("taken");
    assert_eq!(receipt.reason, Some(WaitingReason::EntranceClosed));
    let opens_at = receipt.opens_at.expect("the hours are known");
    assert_eq!(opens_at, world.now.plus_ms(15 * HOUR));
    world.advance(15 * HOUR - 1);
    assert_eq!(world.item("a").state, ItemState::Buffered);
    world.advance(1);
    assert_eq!(world.item("a").state, ItemState::Queued);
}

#[test]
fn a_restart_across_an_opening_time_releases_at_once() {
    let mut office = service("loans");
    office.hours = Some(Arc::new(OfficeHours));
    let mut world = World::new(policy(vec![office], None));
    world.advance(5 * HOUR);
    world.submit(submission("a", "loans")).expect("taken");
    world.now = world.now.plus_ms(16 * HOUR);
    world.restart();
    world.settle().expect("no fault");
    assert_eq!(world.item("a").state, ItemState::Queued);
}

#[test]
fn a_full_queue_closes_the_entrance_until_the_low_water_mark() {
    let small = ServicePolicy {
        queue_items_max: 10,
        ..service("loans")
    };
    let mut world = World::new(policy(vec![small], None));
    for number in 1..=10 {
        let receipt = world
            .submit(submission(&format!("r{number}"), "loans"))
            .expect("taken");
        assert_eq!(receipt.state, ItemState::Queued, "{number}");
    }
    let receipt = world.submit(submission("r11", "loans")).expect("taken");
    assert_eq!(receipt.state, ItemState::Buffered);
    assert_eq!(receipt.reason, Some(WaitingReason::QueueFull));
    world.cancel("core", "r1").expect("cancelled");
    assert_eq!(
        world.service("loans").entrance.reasons,
        [ClosedReason::QueueFull]
    );
    world.cancel("core", "r2").expect("cancelled");
    world.settle().expect("no fault");
    assert_eq!(
        world.item("r11").state,
        ItemState::Queued,
        "8 of 10: open again"
    );
}

#[test]
fn a_full_buffer_refuses_and_nothing_is_created() {
    let small = ServicePolicy {
        buffer_items_max: 2,
        ..service("loans")
    };
    let mut world = World::new(policy(vec![small], None));
    world
        .entrance("loans", EntranceVerb::Close, None)
        .expect("it closes");
    for reference in ["a", "b"] {
        world.submit(submission(reference, "loans")).expect("taken");
    }
    let refusal = world.submit(submission("c", "loans")).expect_err("refused");
    assert_eq!(refusal.code(), Code::BufferFull);
    assert!(refusal.first.retry_after_s.is_some());
    assert_eq!(world.engine.store().rows().count(), 2);
    let again = world
        .submit(submission("a", "loans"))
        .expect("a repeat is not an item");
    assert!(again.duplicate);
}

#[test]
fn fair_use_counts_open_items_past_the_buffer() {
    let mut world = World::new(policy(vec![service("loans")], Some(5)));
    for number in 1..=5 {
        let receipt = world
            .submit(submission(&format!("r{number}"), "loans"))
            .expect("taken");
        let warned = receipt
            .warnings
            .iter()
            .any(|one| one.code == WarningCode::FairUseNear);
        assert_eq!(warned, number >= 4, "{number}");
    }
    let refusal = world
        .submit(submission("r6", "loans"))
        .expect_err("refused");
    assert_eq!(refusal.code(), Code::FairUseExceeded);
    world
        .entrance("loans", EntranceVerb::Close, None)
        .expect("it closes");
    world
        .submit(submission("r6", "loans"))
        .expect("buffered ones count against the buffer only");
    world.cancel("core", "r1").expect("cancelled");
    world
        .entrance("loans", EntranceVerb::Open, None)
        .expect("it opens");
    world.settle().expect("no fault");
    world.restart();
    let refusal = world
        .submit(submission("r7", "loans"))
        .expect_err("5 again, over the restart");
    assert_eq!(refusal.code(), Code::FairUseExceeded);
}

#[test]
fn a_repeat_gets_the_first_receipt_and_creates_nothing() {
    let mut world = open_world();
    let first = world.submit(submission("a", "loans")).expect("taken");
    world.advance(HOUR);
    world.restart();
    let again = world.submit(submission("a", "loans")).expect("a repeat");
    assert!(again.duplicate);
    assert_eq!((again.id, again.stored_at), (first.id, first.stored_at));
    assert_eq!(world.engine.store().rows().count(), 1);
    let other = world
        .submit(with_priority(submission("a", "loans"), 9))
        .expect_err("other");
    assert_eq!(
        (other.code(), other.existing),
        (Code::DuplicateReference, first.id)
    );
    world
        .submit_as("web", submission("a", "loans"))
        .expect("references are a sender's own");
}

#[test]
fn a_repeat_within_one_batch_is_a_duplicate_too() {
    let mut world = open_world();
    let entries = vec![
        submission("a", "loans"),
        submission("b", "loans"),
        submission("a", "loans"),
    ];
    let answers = world.submit_many(entries);
    let duplicates: Vec<bool> = answers
        .iter()
        .map(|entry| entry.result.as_ref().expect("taken").duplicate)
        .collect();
    assert_eq!(duplicates, [false, false, true]);
    assert_eq!(world.engine.store().rows().count(), 2);
}

#[test]
fn an_erased_reference_is_not_used_again() {
    let world = open_world();
    let mut store = world.engine.store().crash();
    let sender = world.engine.directory.sender("core").expect("known").id;
    store.erase_reference(sender, "a");
    let mut world = World::over(store, (*world.policy).clone(), world.now);
    let refusal = world.submit(submission("a", "loans")).expect_err("refused");
    assert_eq!(refusal.code(), Code::DuplicateReference);
}

#[test]
fn a_dry_run_answers_and_leaves_nothing() {
    let mut world = closed_world();
    world.submit(submission("a", "loans")).expect("taken");
    let mut dry = submission("b", "loans");
    dry.dry_run = true;
    let receipt = world.submit(dry).expect("it would be taken");
    assert!(receipt.dry_run);
    assert_eq!((receipt.id, receipt.position), (None, Some(2)));
    assert_eq!(world.engine.store().rows().count(), 1);
}

#[test]
fn not_before_schedules_and_then_passes_the_entrance() {
    let mut world = closed_world();
    let start = world.now.plus_ms(HOUR);
    let receipt = world
        .submit(starting(submission("a", "loans"), start))
        .expect("taken");
    assert_eq!(receipt.state, ItemState::Scheduled);
    assert_eq!(receipt.reason, Some(WaitingReason::Scheduled));
    world.advance(HOUR - 1);
    assert_eq!(world.item("a").state, ItemState::Scheduled);
    world.restart();
    world.advance(1);
    assert_eq!(world.item("a").state, ItemState::Buffered);
}

#[test]
fn a_lifetime_ends_an_item_where_it_waits() {
    let mut world = closed_world();
    world
        .submit(with_lifetime(submission("buffered", "loans"), HOUR))
        .expect("taken");
    world
        .entrance("loans", EntranceVerb::Open, None)
        .expect("it opens");
    world.settle().expect("no fault");
    world
        .entrance("loans", EntranceVerb::Close, None)
        .expect("it closes");
    world
        .submit(with_lifetime(submission("never", "loans"), HOUR))
        .expect("taken");
    world.advance(HOUR - 1);
    assert!(world.item("never").ended.is_none());
    world.advance(1);
    let outcome = |reference| world.item(reference).ended.expect("ended").outcome;
    assert_eq!(outcome("buffered"), Outcome::LostInQueue, "it was queued");
    assert_eq!(outcome("never"), Outcome::ExpiredInBuffer);
}

#[test]
fn without_a_lifetime_an_item_waits_for_years() {
    let mut world = closed_world();
    world.submit(submission("a", "loans")).expect("taken");
    world.advance(2_000 * DAY);
    assert_eq!(world.item("a").state, ItemState::Buffered);
}

#[test]
fn a_lifetime_counts_from_the_start_of_a_scheduled_item() {
    let mut world = open_world();
    let mut later = starting(submission("a", "loans"), world.now.plus_ms(DAY));
    later.content.expiry = Some(Expiry::Lifetime { ms: HOUR });
    let receipt = world.submit(later).expect("taken");
    assert_eq!(receipt.expires_at, Some(world.now.plus_ms(DAY + HOUR)));
}

#[test]
fn an_item_due_and_expired_while_the_daemon_was_away_expires() {
    let mut world = open_world();
    let mut item = starting(submission("a", "loans"), world.now.plus_ms(HOUR));
    item.content.expiry = Some(Expiry::Lifetime { ms: MINUTE });
    world.submit(item).expect("taken");
    world.now = world.now.plus_ms(DAY);
    world.restart();
    world.settle().expect("no fault");
    assert_eq!(
        world.item("a").ended.expect("ended").outcome,
        Outcome::ExpiredInBuffer
    );
    assert_eq!(world.item("a").version, 2, "one end, not two");
}

#[test]
fn a_warning_tells_of_an_item_that_expires_before_the_opening() {
    let mut world = open_world();
    let until = world.now.plus_ms(2 * HOUR);
    world
        .entrance("loans", EntranceVerb::Close, Some(until))
        .expect("it closes");
    let receipt = world
        .submit(with_lifetime(submission("a", "loans"), HOUR))
        .expect("taken");
    assert_eq!(receipt.opens_at, Some(until));
    let codes: Vec<_> = receipt
        .warnings
        .iter()
        .map(|warning| warning.code)
        .collect();
    assert_eq!(codes, [WarningCode::ExpiresBeforeOpening]);
}

#[test]
fn cancel_ends_an_item_and_may_be_repeated() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    assert_eq!(
        world.cancel("web", "a").expect_err("not its own").code(),
        Code::UnknownItem
    );
    let first = world.cancel("core", "a").expect("cancelled");
    assert_eq!(first.outcome, Some(Outcome::CancelledByExternalSystem));
    world.advance(HOUR);
    let again = world.cancel("core", "a").expect("a repeat");
    assert_eq!(
        (again.ended_at, again.version),
        (first.ended_at, first.version)
    );
    assert!(world.queue("loans").is_empty());
}

#[test]
fn an_item_ended_by_a_supervisor_cannot_be_cancelled() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    let item = world.item("a");
    world.abort(&item).expect("aborted");
    let refusal = world.cancel("core", "a").expect_err("refused");
    assert_eq!(refusal.code(), Code::WrongState);
    assert_eq!(refusal.first.state, Some(ItemState::Ended));
    assert_eq!(
        world.engine.store().audit().last().expect("audited").verb,
        "item.abort"
    );
}

#[test]
fn update_changes_order_and_version_and_an_empty_one_neither() {
    let mut world = open_world();
    for reference in ["a", "b"] {
        world.submit(submission(reference, "loans")).expect("taken");
    }
    let changes = Changes {
        priority: Priority::new(9),
        ..Changes::default()
    };
    let receipt = world.update(update("b", changes.clone())).expect("updated");
    assert_eq!((receipt.version, receipt.position), (2, Some(1)));
    assert_eq!(world.queue("loans"), [2, 1]);
    let same = world.update(update("b", changes)).expect("nothing changes");
    assert_eq!(same.version, 2);
    world.restart();
    assert_eq!(world.queue("loans"), [2, 1]);
}

#[test]
fn an_update_with_an_old_version_is_refused() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    let title = |title: &str| Changes {
        title: Some(title.to_owned()),
        ..Changes::default()
    };
    let mut first = update("a", title("one"));
    first.if_version = Some(1);
    assert_eq!(world.update(first).expect("updated").version, 2);
    let mut second = update("a", title("two"));
    second.if_version = Some(1);
    let refusal = world.update(second).expect_err("refused");
    assert_eq!(refusal.code(), Code::VersionConflict);
}

#[test]
fn a_repeated_request_id_answers_as_the_first_did() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    let with_id = |digest: u8, title: &str| {
        let changes = Changes {
            title: Some(title.to_owned()),
            ..Changes::default()
        };
        let mut update = update("a", changes);
        update.request_id = Some("q1".to_owned());
        update.content_digest = [digest; 16];
        update
    };
    assert_eq!(world.update(with_id(1, "one")).expect("updated").version, 2);
    let changes = Changes {
        title: Some("two".to_owned()),
        ..Changes::default()
    };
    world.update(update("a", changes)).expect("updated");
    let again = world.update(with_id(1, "one")).expect("a repeat");
    assert_eq!(again.version, 2);
    assert_eq!(world.item("a").version, 3);
    let other = world.update(with_id(2, "other")).expect_err("refused");
    assert_eq!(other.code(), Code::DuplicateReference);
}

#[test]
fn an_expiry_moved_out_of_range_is_refused_at_its_very_edges() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    for (ms, taken) in [
        (0, false),
        (1, true),
        (LIFETIME_MAX_MS, true),
        (LIFETIME_MAX_MS + 1, false),
    ] {
        let at = Expiry::At(world.now.plus_ms(ms));
        let result = world.update(update(
            "a",
            Changes {
                expiry: Some(at),
                ..Changes::default()
            },
        ));
        assert_eq!(result.is_ok(), taken, "{ms}");
        if let Err(refusal) = result {
            assert_eq!(refusal.code(), Code::TimeOutOfRange);
        }
    }
}

#[test]
fn an_update_of_the_lifetime_moves_the_timer() {
    let mut world = open_world();
    world
        .submit(with_lifetime(submission("a", "loans"), HOUR))
        .expect("taken");
    let changes = Changes {
        expiry: Some(Expiry::Lifetime { ms: DAY }),
        ..Changes::default()
    };
    world.update(update("a", changes)).expect("updated");
    world.advance(2 * HOUR);
    assert_eq!(world.item("a").state, ItemState::Queued);
    world.advance(DAY);
    assert_eq!(world.item("a").state, ItemState::Ended);
}

#[test]
fn relations_may_be_unknown_but_not_endless() {
    let mut world = open_world();
    let related = |reference: String, to: String| {
        let mut submission = submission(&reference, "loans");
        submission.content.related_to = Some(to);
        submission
    };
    let first = world
        .submit(related("r0".into(), "nobody".into()))
        .expect("taken");
    assert_eq!(first.warnings[0].code, WarningCode::UnknownRelated);
    for number in 1..=12 {
        let to = format!("r{}", number - 1);
        let receipt = world
            .submit(related(format!("r{number}"), to))
            .expect("taken");
        assert_eq!(receipt.warnings, [], "{number}");
    }
    let refusal = world
        .submit(related("r13".into(), "r12".into()))
        .expect_err("13 links");
    assert_eq!(refusal.code(), Code::RelatedTooDeep);
}

#[test]
fn a_failed_commit_refuses_everybody_and_leaves_nothing() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    world.engine.store.fail_next_commit(CommitFault::Failed);
    let refusal = world.submit(submission("b", "loans")).expect_err("refused");
    assert_eq!(refusal.code(), Code::StorageFailed);
    assert_eq!(world.queue("loans"), [1], "the core was made anew");
    let receipt = world.submit(submission("b", "loans")).expect("taken now");
    assert!(!receipt.duplicate);
    assert_eq!(world.queue("loans"), [1, 2]);
}

#[test]
fn a_full_store_refuses_at_the_door_until_a_probe_succeeds() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    world.engine.store.fail_next_commit(CommitFault::Full);
    world.engine.store.fail_probes(2);
    let refused = |world: &mut World, reference: &str| {
        world
            .submit(submission(reference, "loans"))
            .expect_err("refused")
            .code()
    };
    assert_eq!(refused(&mut world, "b"), Code::StorageFull);
    assert_eq!(refused(&mut world, "c"), Code::StorageFull);
    assert_eq!(world.engine.view().intake, Intake::StorageFull);
    world.cancel("core", "a").expect("what frees work goes on");
    world.advance(SECOND);
    world.advance(SECOND);
    assert_eq!(
        refused(&mut world, "c"),
        Code::StorageFull,
        "two probes failed"
    );
    world.advance(SECOND);
    world
        .submit(submission("c", "loans"))
        .expect("the third found room");
}

#[test]
fn a_service_out_of_the_configuration_is_retired_until_it_is_back() {
    let mut world = World::new(policy(vec![service("loans"), service("claims")], None));
    world.submit(submission("a", "claims")).expect("taken");
    world
        .reload(policy(vec![service("loans")], None))
        .expect("it has open items, so it is held");
    assert_eq!(
        world.service("claims").entrance.reasons,
        [ClosedReason::Held]
    );
    let refusal = world
        .submit(submission("b", "claims"))
        .expect_err("refused");
    assert_eq!(refusal.code(), Code::UnknownService);
    assert_eq!(world.queue("claims"), [1], "its items go on");
    world
        .reload(policy(vec![service("loans"), service("claims")], None))
        .expect("back");
    world.submit(submission("b", "claims")).expect("taken");
}

#[test]
fn a_tenant_with_open_items_cannot_be_taken_out() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    let mut other = policy(vec![service("loans")], None);
    let tenant = other.tenants.remove("bank").expect("it is there");
    other.tenants.insert("shop".to_owned(), tenant);
    other.tenants = other
        .tenants
        .into_iter()
        .map(|(name, tenant)| {
            let mut tenant = (*tenant).clone();
            tenant.name = name.clone();
            (name, Arc::new(tenant))
        })
        .collect();
    let message = world.reload(other).expect_err("refused");
    assert!(message.contains("bank has 1 open items"), "{message}");
    world
        .submit(submission("b", "loans"))
        .expect("the old configuration stays");
}

#[test]
fn sequences_are_never_reused_after_a_failure_or_a_restart() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    world.engine.store.fail_next_commit(CommitFault::Failed);
    drop(world.submit(submission("b", "loans")));
    world.restart();
    world.submit(submission("c", "loans")).expect("taken");
    let sequences: Vec<u64> = world
        .engine
        .store()
        .rows()
        .map(|row| row.sequence.0)
        .collect();
    assert_eq!(sequences, [1, 2]);
}

#[test]
fn a_clock_set_back_neither_loses_nor_reorders() {
    let mut world = open_world();
    world.submit(submission("a", "loans")).expect("taken");
    world.now = Timestamp(world.now.0 - DAY);
    world.submit(submission("b", "loans")).expect("taken");
    world.restart();
    assert_eq!(world.queue("loans"), [1, 2]);
}

#[test]
fn a_repeat_and_an_update_warn_as_the_first_receipt_did() {
    let mut world = open_world();
    let mut first = submission("a", "loans");
    first.content.related_to = Some("nobody".to_owned());
    let first = of_content(first.content);
    let codes = |receipt: &crate::domain::answer::Receipt| -> Vec<WarningCode> {
        receipt
            .warnings
            .iter()
            .map(|warning| warning.code)
            .collect()
    };
    world.submit(first.clone()).expect("taken");
    let again = world.submit(first).expect("a repeat");
    assert!(again.duplicate);
    assert_eq!(codes(&again), [WarningCode::UnknownRelated]);
    let wish = PreferredAgents {
        required: false,
        agents: vec![PreferredAgent {
            name: "nobody".to_owned(),
            rank: 1,
        }],
    };
    let changes = Changes {
        preferred_agents: Some(wish),
        ..Changes::default()
    };
    let receipt = world.update(update("a", changes)).expect("updated");
    assert_eq!(codes(&receipt), [WarningCode::UnknownAgent]);
}
