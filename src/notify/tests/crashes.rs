//! The process dies between any two steps: commit of the cause · look at what is due · POST ·
//! answer · commit of the mark. Nothing is lost; what comes twice has the same id.

use tokio::sync::Semaphore;

use super::receiver::{Received, Receiver};
use super::world::{QUICK, World};
use crate::domain::notification::DeliveryState;
use crate::store::StoreError;
use crate::store::memory::CommitFault;

#[tokio::test]
async fn dying_between_the_commit_and_the_look_loses_nothing() {
    let mut receiver = Receiver::start().await;
    let url = format!("http://{}/", receiver.address);
    let world = World::idle(&url, QUICK);
    world.submit("r1").await;
    assert!(receiver.is_quiet());
    let world = world.crash().await;
    assert_eq!(receiver.next().await.short(), "1 queued");
    world.settle().await;
    assert_eq!(world.store.states(1), [DeliveryState::Delivered]);
}

#[tokio::test]
async fn dying_between_the_post_and_its_answer_repeats_it_with_the_same_id() {
    let mut receiver = Receiver::start().await;
    let gate = receiver.gate.clone();
    gate.forget_permits(Semaphore::MAX_PERMITS);
    let world = World::telling(&receiver);
    world.submit("r1").await;
    let first = receiver.next().await;
    let world = world.crash().await;
    gate.add_permits(1);
    let second = receiver.next().await;
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    world.settle().await;
    assert_eq!(world.store.states(1), [DeliveryState::Delivered]);
    assert!(receiver.is_quiet());
}

/// The store fails as if the process had died at the commit of the mark.
async fn dying_at_the_mark(fault: CommitFault, comes_again: bool) {
    let mut receiver = Receiver::start().await;
    let mut world = World::telling(&receiver);
    world.store.fail_at_mark(fault);
    world.submit("r1").await;
    world.engine.handle.stopped().await;
    world.stop().await;
    let first = receiver.next().await;
    assert!(receiver.is_quiet(), "without an engine nothing is sent");
    let world = world.crash().await;
    world.cancel("r1").await;
    if comes_again {
        let second = receiver.next().await;
        assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    }
    assert_eq!(receiver.next().await.short(), "2 cancelled");
    world.settle().await;
    assert_eq!(world.store.states(1), [DeliveryState::Delivered; 2]);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn dying_before_the_mark_is_stored_repeats_it() {
    dying_at_the_mark(CommitFault::Before, true).await;
}

#[tokio::test]
async fn dying_after_the_mark_is_stored_repeats_nothing() {
    dying_at_the_mark(CommitFault::AfterButLost, false).await;
}

#[tokio::test]
async fn a_mark_that_could_not_be_stored_repeats_it_in_the_same_process() {
    let mut receiver = Receiver::start().await;
    let world = World::telling(&receiver);
    world.store.fail_at_mark(CommitFault::Failed);
    world.submit("r1").await;
    let first = receiver.next().await;
    // Something new wakes the delivery before its pause is over.
    while world.delivery().counters.read().unmarked == 0 {
        tokio::task::yield_now().await;
    }
    world.submit("r2").await;
    let again = receiver.take(2).await;
    let repeated = |one: &&Received| one.header("webhook-id") == first.header("webhook-id");
    assert_eq!(again.iter().filter(repeated).count(), 1);
    world.settle().await;
    assert_eq!(world.delivery().counters.read().delivered, 2);
}

#[tokio::test]
async fn an_engine_that_ends_by_itself_ends_the_delivery() {
    let receiver = Receiver::start().await;
    let mut world = World::telling(&receiver);
    world.store.fail_at_mark(CommitFault::Before);
    world.submit("r1").await;
    world.engine.handle.stopped().await;
    world.stop().await;
    let ended = World::ended(world.engine);
    assert!(matches!(ended, Err(StoreError::Fatal(_))), "{ended:?}");
}
