//! Offers: accept, decline, no answer, rescind, broadcast, pickup.

use super::world::*;
use crate::domain::agent::Presence;
use crate::domain::distribution::{DistributionPolicy, Mode};
use crate::domain::ids::UserId;
use crate::domain::item::ItemState;
use crate::routing::handover::NotTakeable;
use crate::routing::offers::{NotOffered, OfferEnd, RescindReason};

#[test]
fn accepting_makes_one_connection_and_repeating_it_is_noticed() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    let offer = world.offer_id(1);
    world.accept(1, ANN);
    assert_eq!(world.ends(1), [(ANN, OfferEnd::Accepted)]);
    assert_eq!(world.state(ANN).name(), "connected");
    let again = world.core.distribution().may_accept(offer, ANN);
    assert_eq!(again, Err(NotOffered));
}

#[test]
fn an_offer_is_only_for_its_agent() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    let offer = world.offer_id(1);
    let other = world.core.distribution().may_accept(offer, BO);
    assert_eq!(other, Err(NotOffered));
    let declined = world.with(|distribution, now| distribution.decline(offer, BO, now));
    assert_eq!(declined, Err(NotOffered));
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn an_unanswered_offer_is_over_to_the_millisecond_and_blocks_its_agent() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.pass(20 * SECOND - 1);
    assert_eq!(world.rings_at(1), [ANN]);
    world.pass(1);
    assert_eq!(world.ends(1), [(ANN, OfferEnd::NoAnswer)]);
    assert_eq!(world.state(ANN).name(), "noAnswer");
    assert_eq!(world.rings_at(1), []);
    world.pass(60 * MINUTE);
    assert_eq!(world.rings_at(1), [], "until it says ready");
    world.with(|distribution, now| distribution.ready(ANN, now));
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn no_answer_is_forgiven_in_time_where_the_service_says_so() {
    let loans = DistributionPolicy {
        no_answer_reset_ms: Some(MINUTE),
        ..direct()
    };
    let mut world = World::new([Some(loans), Some(direct()), Some(direct())]);
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.pass(20 * SECOND);
    world.pass(MINUTE - 1);
    assert_eq!(world.rings_at(1), []);
    world.pass(1);
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn declined_and_unanswered_items_go_to_somebody_else_first() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    assert_eq!(world.rings_at(1), [ANN]);
    world.decline(1, ANN);
    assert_eq!(world.rings_at(1), [BO]);
    world.decline(1, BO);
    assert_eq!(world.rings_at(1), [ANN], "everybody was asked: a new round");
    world.pass(20 * SECOND);
    assert_eq!(world.rings_at(1), [BO]);
}

#[test]
fn an_agent_that_declined_waits_for_the_busy_ones_to_be_asked_but_gets_other_items() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    world.accept(1, ANN);
    world.queue(2);
    assert_eq!(world.rings_at(2), [BO]);
    world.decline(2, BO);
    assert_eq!(world.rings_at(2), [], "ann is busy and was not asked");
    world.queue(3);
    assert_eq!(world.rings_at(3), [BO]);
    world.presence(ANN, Presence::Offline);
    world.accept(3, BO);
    world.end(3);
    assert_eq!(world.rings_at(2), [BO], "nobody else is there");
}

#[test]
fn when_the_last_one_not_asked_goes_the_item_comes_back_to_those_who_were() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    world.accept(1, ANN);
    world.queue(2);
    world.decline(2, BO);
    assert_eq!(world.rings_at(2), []);
    world.presence(ANN, Presence::Away);
    assert_eq!(world.rings_at(2), [BO]);
}

#[test]
fn cancel_takes_an_offer_back() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.end(1);
    let end = OfferEnd::Rescinded(RescindReason::ItemChanged);
    assert_eq!(world.ends(1), [(ANN, end)]);
    assert_eq!(world.state(ANN).name(), "ready");
}

#[test]
fn a_changed_priority_leaves_the_offer_standing() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    let offer = world.offer_id(1);
    world.change(1, |place| place.priority = priority(9));
    assert_eq!(world.offer_id(1), offer);
    world.queue(2);
    world.pass(20 * SECOND);
    world.with(|distribution, now| distribution.ready(ANN, now));
    assert_eq!(world.rings_at(1), [ANN], "and counts when it comes back");
}

#[test]
fn a_newly_required_agent_takes_the_offer_from_another() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    let bo = world.prefers(&[(BO, 1)], true);
    world.change(1, |place| place.preferred = bo);
    assert_eq!(world.rings_at(1), [BO]);
    let wish = world.prefers(&[(ANN, 1)], false);
    world.change(1, |place| place.preferred = wish);
    assert_eq!(
        world.rings_at(1),
        [BO],
        "a mere wish leaves the offer standing"
    );
}

#[test]
fn rescinding_asks_again_without_counting() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    let first = world.offer_id(1);
    world.with(|it, now| it.rescind(crate::domain::ids::Sequence(1), now));
    assert_eq!(world.rings_at(1), [ANN]);
    assert_ne!(world.offer_id(1), first);
}

fn broadcast() -> World {
    World::new([
        Some(of_mode(Mode::Broadcast)),
        Some(direct()),
        Some(of_mode(Mode::Pickup)),
    ])
}

#[test]
fn a_broadcast_rings_at_the_ten_longest_idle() {
    for count in [9, 10, 11] {
        let mut world = broadcast();
        for number in 1..=count {
            world.sign_in(agent(UserId(number), &[LOANS], &[]));
        }
        world.queue(1);
        let expected: Vec<UserId> = (1..=count.min(10)).map(UserId).collect();
        assert_eq!(world.rings_at(1), expected);
    }
}

#[test]
fn of_a_broadcast_the_first_accept_wins_and_frees_the_others() {
    let mut world = broadcast();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    let offer = world.offer_id(1);
    world.accept(1, BO);
    let lost = OfferEnd::Rescinded(RescindReason::AcceptedByOther);
    assert_eq!(world.ends(1), [(ANN, lost), (BO, OfferEnd::Accepted)]);
    let late = world.core.distribution().may_accept(offer, ANN);
    assert_eq!(late, Err(NotOffered));
    assert_eq!(world.state(ANN).name(), "ready");
}

#[test]
fn a_broadcast_goes_on_ringing_at_those_who_did_not_decline() {
    let mut world = broadcast();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    let offer = world.offer_id(1);
    world.decline(1, ANN);
    assert_eq!(world.rings_at(1), [BO]);
    assert_eq!(world.offer_id(1), offer);
    world.decline(1, BO);
    assert_eq!(world.rings_at(1), [ANN, BO], "a new round");
}

#[test]
fn an_unanswered_broadcast_blocks_nobody() {
    let mut world = broadcast();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    world.pass(20 * SECOND);
    let ends = [(ANN, OfferEnd::NoAnswer), (BO, OfferEnd::NoAnswer)];
    assert_eq!(world.ends(1), ends);
    assert_eq!(world.rings_at(1), [ANN, BO], "it rings again");
}

#[test]
fn nothing_of_a_pickup_service_rings_but_agents_may_take_it() {
    let mut world = broadcast();
    world.sign_in(agent(ANN, &[OFFICE], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    let mut place = world.place(1);
    place.service = OFFICE;
    world.put(place.clone());
    assert_eq!(world.rings_at(1), []);
    let now = world.now;
    let may = |world: &World, agent, place| world.core.distribution().may_take(agent, place, now);
    assert_eq!(may(&world, ANN, &place), Ok(()));
    assert_eq!(may(&world, BO, &place), Err(NotTakeable::NotCovered));
    assert_eq!(may(&world, CY, &place), Err(NotTakeable::UnknownAgent));
    world.change(1, |place| {
        place.state = ItemState::Connected;
        place.agent = Some(ANN);
    });
    assert_eq!(world.state(ANN).name(), "connected");
    let place = world.rows[&crate::domain::ids::Sequence(1)].clone();
    assert_eq!(may(&world, ANN, &place), Err(NotTakeable::NotToPickUp));
    let mut second = world.place(2);
    second.service = OFFICE;
    world.put(second.clone());
    let refused = may(&world, ANN, &second).expect_err("her capacity is taken");
    assert_eq!(refused.to_string(), "the agent's capacity is taken");
}

#[test]
fn an_item_of_a_pickup_service_waits_for_its_preferred_agents() {
    let mut world = broadcast();
    world.sign_in(agent(ANN, &[OFFICE], &[]));
    world.sign_in(agent(BO, &[OFFICE], &[]));
    let mut place = world.place(1);
    place.service = OFFICE;
    place.preferred = world.prefers(&[(BO, 1)], false);
    world.put(place.clone());
    let may = |world: &World, agent| {
        let distribution = world.core.distribution();
        distribution.may_take(agent, &place, world.now)
    };
    assert_eq!(may(&world, ANN), Err(NotTakeable::PreferredAgentOnly));
    assert_eq!(may(&world, BO), Ok(()));
    world.pass(30 * SECOND);
    assert_eq!(may(&world, ANN), Ok(()));
}

#[test]
fn a_core_made_anew_keeps_people_and_offers_afresh() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[CLAIMS], &[]));
    world.queue(1);
    let offer = world.offer_id(1);
    let policies = [Some(direct()), Some(direct()), Some(direct())];
    let mut anew = core_of(policies, world.now);
    for setup in [agent(ANN, &[LOANS], &[]), agent(BO, &[CLAIMS], &[])] {
        anew.distribution_mut().agent_changed(setup, world.now);
    }
    anew.apply(
        None,
        &world.rows[&crate::domain::ids::Sequence(1)],
        world.now,
    );
    let mut old = std::mem::replace(&mut world.core, anew);
    let now = world.now;
    let old = std::mem::take(old.distribution_mut());
    world.with(|distribution, _| distribution.adopt(old, now));
    assert_eq!(world.rings_at(1), [ANN]);
    assert!(world.offer_id(1) > offer);
    assert_eq!(world.state(BO).name(), "ready");
}
