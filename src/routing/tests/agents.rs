//! "Agent" of the lifecycle.

use super::world::*;
use crate::domain::agent::{Duty, Presence};
use crate::domain::distribution::DistributionPolicy;
use crate::domain::ids::Sequence;
use crate::domain::item::ItemState;
use crate::domain::time::Timestamp;
use crate::routing::distribution::Decision;
use crate::routing::handover::NotExtendable;
use crate::routing::offers::{OfferEnd, RescindReason};

fn with_wrap_up() -> World {
    let loans = DistributionPolicy {
        wrap_up_ms: 10 * SECOND,
        ..direct()
    };
    World::new([Some(loans), Some(direct()), Some(direct())])
}

#[test]
fn nothing_is_offered_to_an_agent_that_is_offline() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.presence(ANN, Presence::Offline);
    world.queue(1);
    assert_eq!(world.rings_at(1), []);
    world.presence(ANN, Presence::Online);
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn an_agent_that_goes_has_its_offers_taken_back() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.presence(ANN, Presence::Offline);
    let end = OfferEnd::Rescinded(RescindReason::AgentChanged);
    assert_eq!(world.ends(1), [(ANN, end)]);
    assert_eq!(world.rings_at(1), []);
}

#[test]
fn an_agent_that_turns_its_toggle_off_has_its_offer_taken_back() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    assert_eq!(world.rings_at(1), [ANN]);
    world.with(|distribution, now| distribution.set_active(ANN, LOANS, false, now));
    assert_eq!(world.rings_at(1), [BO]);
}

#[test]
fn a_lost_agent_keeps_its_items_for_a_time_and_then_lets_them_go() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.accept(1, ANN);
    world.with(|distribution, now| distribution.agent_lost(ANN, 15 * MINUTE, now));
    assert_eq!(world.state(ANN).name(), "offline");
    world.pass(15 * MINUTE - 1);
    let over = Decision::AbsenceOver {
        agent: ANN,
        sequences: vec![Sequence(1)],
    };
    assert!(!world.decisions.contains(&over));
    world.pass(1);
    assert!(world.decisions.contains(&over));
}

#[test]
fn an_agent_that_comes_back_in_time_keeps_its_items() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.accept(1, ANN);
    world.with(|distribution, now| distribution.agent_lost(ANN, 15 * MINUTE, now));
    world.pass(MINUTE);
    world.presence(ANN, Presence::Online);
    assert_eq!(world.state(ANN).name(), "connected");
    world.decisions.clear();
    world.pass(60 * MINUTE);
    assert_eq!(world.decisions, []);
}

#[test]
fn after_a_start_connected_items_wait_for_their_agents_to_come_back() {
    let mut world = World::direct();
    let setup = agent(ANN, &[LOANS], &[]);
    world.with(|distribution, now| distribution.agent_changed(setup, now));
    let mut place = world.place(1);
    place.state = ItemState::Connected;
    place.agent = Some(ANN);
    world.put(place);
    world.with(|distribution, now| distribution.agent_lost(ANN, 15 * MINUTE, now));
    world.pass(15 * MINUTE);
    assert_eq!(world.decisions.len(), 1, "it has not come back");
    world.queue(2);
    world.presence(ANN, Presence::Online);
    assert_eq!(world.rings_at(2), [], "its capacity is taken by item 1");
}

#[test]
fn duty_and_its_profile_say_which_skills_apply_now() {
    let mut by_duty = direct();
    by_duty.selection.selectable_by = crate::domain::agent::SelectableBy::Duty;
    let mut world = World::new([Some(by_duty), Some(direct()), Some(direct())]);
    let mut ann = agent(ANN, &[LOANS], &[("law", 3)]);
    ann.profiles = [("night".to_owned(), vec![("french".to_owned(), 2)])].into();
    world.sign_in(ann);
    let class = world.class(&[wish("law", 3, false)]);
    let mut place = world.place(1);
    place.class = class;
    world.put(place);
    assert_eq!(world.rings_at(1), [], "off duty");
    let on = |profile: Option<&str>| Duty::On {
        profile: profile.map(str::to_owned),
    };
    world.with(|distribution, now| distribution.set_duty(ANN, on(Some("night")), now));
    assert_eq!(world.rings_at(1), [], "the night profile has no law");
    world.with(|distribution, now| distribution.set_duty(ANN, on(None), now));
    assert_eq!(world.rings_at(1), [ANN]);
    world.with(|distribution, now| distribution.set_duty(ANN, Duty::Off, now));
    assert_eq!(world.rings_at(1), [], "taken back");
}

#[test]
fn not_available_gets_nothing_until_it_is_taken_back() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    let lunch = Some("lunch".to_owned());
    world.with(|distribution, now| distribution.set_not_available(ANN, lunch, now));
    world.queue(1);
    assert_eq!(world.state(ANN).name(), "notAvailable");
    world.with(|distribution, now| distribution.ready(ANN, now));
    assert_eq!(world.rings_at(1), [], "ready is about unanswered offers");
    world.with(|distribution, now| distribution.set_not_available(ANN, None, now));
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn wrap_up_takes_a_unit_until_its_time() {
    let mut world = with_wrap_up();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.queue(2);
    world.accept(1, ANN);
    world.end(1);
    assert_eq!(world.state(ANN).name(), "wrapUp");
    world.pass(10 * SECOND - 1);
    assert_eq!(world.rings_at(2), []);
    world.pass(1);
    assert_eq!(world.rings_at(2), [ANN]);
}

#[test]
fn wrap_up_follows_requeue_transfer_and_cancel_but_not_parking() {
    for (state, wraps) in [
        (ItemState::Ended, true),
        (ItemState::Queued, true),
        (ItemState::Buffered, true),
        (ItemState::Parked, false),
    ] {
        let mut world = with_wrap_up();
        world.sign_in(agent(ANN, &[LOANS], &[]));
        world.queue(1);
        world.accept(1, ANN);
        world.change(1, |place| place.state = state);
        let in_wrap_up = world.state(ANN).name() == "wrapUp";
        assert_eq!(in_wrap_up, wraps, "{state:?}");
    }
}

#[test]
fn a_wrap_up_is_made_longer_once_and_ended_by_hand() {
    let mut world = with_wrap_up();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    let extend = |world: &mut World| {
        world.with(|it, now| it.extend_wrap_up(ANN, Sequence(1), 5 * SECOND, now))
    };
    assert_eq!(extend(&mut world), Err(NotExtendable::NoWrapUp));
    world.accept(1, ANN);
    world.end(1);
    let until = world.now.plus_ms(15 * SECOND);
    assert_eq!(extend(&mut world), Ok(until));
    assert_eq!(extend(&mut world), Err(NotExtendable::ExtendedBefore));
    world.pass(15 * SECOND - 1);
    assert_eq!(world.state(ANN).name(), "wrapUp");
    world.with(|distribution, now| distribution.end_wrap_up(ANN, Sequence(1), now));
    assert_eq!(world.state(ANN).name(), "ready");
    assert_eq!(extend(&mut world), Err(NotExtendable::NoWrapUp));
}

#[test]
fn a_task_type_gives_wrap_up_a_length_of_its_own() {
    let mut world = with_wrap_up();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.accept(1, ANN);
    world.end(1);
    let until = world.now.plus_ms(MINUTE);
    world.with(|distribution, now| distribution.set_wrap_up(ANN, Sequence(1), until, now));
    world.pass(MINUTE - 1);
    assert_eq!(world.state(ANN).name(), "wrapUp");
    world.pass(1);
    assert_eq!(world.state(ANN).name(), "ready");
}

#[test]
fn capacity_is_kept_at_its_limit() {
    let mut world = World::direct();
    let mut ann = agent(ANN, &[LOANS], &[]);
    ann.capacity = 3;
    world.sign_in(ann);
    for number in 1..=5 {
        world.queue(number);
    }
    world.accept(1, ANN);
    let ringing: Vec<u64> = (1..=5).filter(|n| world.offer(*n).is_some()).collect();
    assert_eq!(ringing, [2, 3], "one connected, two ringing");
    assert!(!world.core.distribution().has_room(ANN, world.now));
}

#[test]
fn a_parked_item_takes_no_unit_and_resume_needs_one() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.accept(1, ANN);
    let until = world.now.plus_ms(MINUTE);
    world.change(1, |place| {
        place.state = ItemState::Parked;
        place.parked_until = Some(until);
    });
    assert!(world.core.distribution().has_room(ANN, world.now));
    world.queue(2);
    assert_eq!(world.rings_at(2), [ANN]);
    assert!(!world.core.distribution().has_room(ANN, world.now));
    assert_eq!(world.core.pop_due(Timestamp(until.0 - 1)), None);
    let due = crate::routing::core::Due::Unpark(Sequence(1));
    assert_eq!(world.core.pop_due(until), Some(due));
}

#[test]
fn an_agent_that_is_deactivated_gives_its_items_up() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.accept(1, ANN);
    let items = world.with(|distribution, now| distribution.agent_gone(ANN, now));
    assert_eq!(items, [Sequence(1)]);
    world.change(1, |place| {
        place.state = ItemState::Queued;
        place.agent = None;
    });
    assert_eq!(world.why(1).map(|it| it.name()), Some("noAgentWithSkills"));
}

#[test]
fn a_changed_set_up_counts_at_once() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    let class = world.class(&[wish("law", 3, false)]);
    let mut place = world.place(1);
    place.class = class;
    world.put(place);
    assert_eq!(world.rings_at(1), []);
    let learned = agent(ANN, &[LOANS], &[("law", 3)]);
    world.with(|distribution, now| distribution.agent_changed(learned, now));
    assert_eq!(world.rings_at(1), [ANN]);
    let moved = agent(ANN, &[CLAIMS], &[("law", 3)]);
    world.with(|distribution, now| distribution.agent_changed(moved, now));
    assert_eq!(world.rings_at(1), [], "no longer a member");
}
