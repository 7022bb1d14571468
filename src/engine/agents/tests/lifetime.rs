//! Expiry, cancel and estimates while agents are about.

use super::*;
use crate::domain::outcome::Outcome;
use crate::engine::world::{HOUR, with_lifetime};

#[test]
fn an_item_expires_while_it_rings() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.send(with_lifetime(submission("a", "loans"), 5 * SECOND));
    assert_eq!(floor.rings_at(ANNA), [1]);
    floor.world.advance(5 * SECOND);
    let outcome = floor.item("a").ended.map(|ending| ending.outcome);
    assert_eq!(outcome, Some(Outcome::LostInQueue));
    assert_eq!(floor.results("a"), [(ANNA, Some(AgentResult::Rescinded))]);
    assert_eq!(floor.agent_state(ANNA), "ready");
}

#[test]
fn an_item_that_was_once_accepted_never_expires() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.send(with_lifetime(submission("a", "loans"), 5 * SECOND));
    floor.accept(ANNA, "a");
    floor.act(ANNA, "a", requeue()).expect("put back");
    floor.presence(ANNA, Presence::Offline);
    floor.world.advance(24 * HOUR);
    assert_eq!(floor.state("a"), ItemState::Queued);
    floor.world.restart();
    floor.world.advance(24 * HOUR);
    assert_eq!(floor.state("a"), ItemState::Queued);
}

#[test]
fn a_senders_cancel_takes_the_item_from_its_agent() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    floor.world.cancel("core", "a").expect("cancelled");
    assert_eq!(floor.results("a"), [(ANNA, Some(AgentResult::Cancelled))]);
    assert_eq!(floor.agent_state(ANNA), "wrapUp");
    let outcome = floor.item("a").ended.map(|ending| ending.outcome);
    assert_eq!(outcome, Some(Outcome::CancelledByExternalSystem));
    floor.world.cancel("core", "a").expect("a repeat");
}

#[test]
fn the_wait_is_estimated_once_something_was_handled() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    let first = floor.world.submit(submission("b", "loans")).expect("taken");
    assert_eq!(first.estimated_wait, None);
    floor.accept(ANNA, "a");
    floor.world.advance(MINUTE);
    floor.end(ANNA, "a").expect("ended");
    floor.world.advance(WRAP_UP);
    floor.accept(ANNA, "b");
    floor.post("c");
    let second = floor.world.submit(submission("d", "loans")).expect("taken");
    let wait = second.estimated_wait.expect("something is known");
    assert_eq!(wait.wait_ms, 2 * MINUTE);
    assert!(floor.world.service("loans").estimated_wait.is_some());
    floor.presence(ANNA, Presence::Away);
    assert_eq!(floor.world.service("loans").estimated_wait, None);
    let third = floor.world.submit(submission("e", "loans")).expect("taken");
    assert_eq!(third.estimated_wait, None, "nobody is there");
}
