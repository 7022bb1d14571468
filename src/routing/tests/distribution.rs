//! "Distribution" of the lifecycle: who gets what, in which order.

use super::world::*;
use crate::domain::agent::Presence;
use crate::domain::ids::Sequence;
use crate::domain::item::ItemState;

fn skilled(world: &mut World, number: u64, wishes: &[(&str, u8)]) {
    let wishes: Vec<_> = wishes
        .iter()
        .map(|(name, level)| wish(name, *level, false))
        .collect();
    let class = world.class(&wishes);
    let mut place = world.place(number);
    place.class = class;
    world.put(place);
}

#[test]
fn the_longest_idle_gets_it() {
    let mut world = World::direct();
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    assert_eq!(world.rings_at(1), [BO]);
    world.accept(1, BO);
    world.pass(SECOND);
    world.end(1);
    world.queue(2);
    assert_eq!(world.rings_at(2), [ANN], "bo worked last");
}

#[test]
fn the_highest_level_goes_before_the_longest_idle() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[("law", 3), ("french", 9)]));
    world.sign_in(agent(BO, &[LOANS], &[("law", 5)]));
    skilled(&mut world, 1, &[("law", 3)]);
    assert_eq!(world.rings_at(1), [BO], "french was not asked for");
}

#[test]
fn between_equals_the_name_decides() {
    let mut world = World::direct();
    let now = world.now;
    for id in [BO, ANN] {
        let distribution = world.core.distribution_mut();
        distribution.agent_changed(agent(id, &[LOANS], &[]), now);
        distribution.set_presence(id, Presence::Online, now);
    }
    world.queue(1);
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn a_free_agent_gets_the_highest_priority_then_the_first_received() {
    let mut world = World::direct();
    for (number, value) in [(1, 5), (2, 7), (3, 7), (4, 5)] {
        let mut place = world.place(number);
        place.priority = priority(value);
        world.put(place);
    }
    world.sign_in(agent(ANN, &[LOANS], &[]));
    for number in [2, 3, 1, 4] {
        assert_eq!(world.rings_at(number), [ANN]);
        world.accept(number, ANN);
        world.end(number);
    }
}

#[test]
fn an_item_nobody_can_serve_blocks_nobody() {
    let mut world = World::direct();
    skilled(&mut world, 1, &[("astrology", 9)]);
    world.queue(2);
    world.sign_in(agent(ANN, &[LOANS], &[]));
    assert_eq!(world.rings_at(1), []);
    assert_eq!(world.rings_at(2), [ANN]);
}

#[test]
fn requeue_and_parking_keep_the_place() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    for number in 1..=3 {
        world.queue(number);
    }
    world.accept(1, ANN);
    world.change(1, |place| {
        place.state = ItemState::Queued;
        place.agent = None;
    });
    assert_eq!(world.rings_at(1), [ANN], "before 2 and 3");
}

#[test]
fn an_agent_gets_items_of_its_services_only() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[CLAIMS], &[]));
    world.queue(1);
    assert_eq!(world.rings_at(1), []);
    world.change(1, |place| place.service = CLAIMS);
    assert_eq!(world.rings_at(1), [ANN], "transferred");
}

#[test]
fn preferred_agents_come_first_by_rank_whatever_their_skills() {
    let mut world = World::direct();
    for id in [ANN, BO, CY] {
        world.sign_in(agent(id, &[LOANS], &[]));
    }
    let class = world.class(&[wish("law", 3, false)]);
    let mut place = world.place(1);
    place.class = class;
    place.preferred = world.prefers(&[(ANN, 2), (CY, 1)], false);
    world.put(place);
    assert_eq!(world.rings_at(1), [CY]);
    world.decline(1, CY);
    assert_eq!(world.rings_at(1), [ANN]);
    world.decline(1, ANN);
    assert_eq!(world.rings_at(1), [], "the others lack the skill");
}

#[test]
fn a_busy_preferred_agent_is_waited_for_but_not_for_ever() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.accept(1, ANN);
    world.sign_in(agent(BO, &[LOANS], &[]));
    let mut place = world.place(2);
    place.preferred = world.prefers(&[(ANN, 1)], false);
    world.put(place);
    assert_eq!(world.why(2).map(|it| it.name()), Some("preferredAgentOnly"));
    world.pass(30 * SECOND - 1);
    assert_eq!(world.rings_at(2), []);
    world.pass(1);
    assert_eq!(world.rings_at(2), [BO]);
}

#[test]
fn a_preferred_agent_that_is_not_there_is_not_waited_for() {
    let mut world = World::direct();
    world.sign_in(agent(BO, &[LOANS], &[]));
    let mut place = world.place(1);
    place.preferred = world.prefers(&[(ANN, 1)], false);
    world.put(place);
    assert_eq!(world.rings_at(1), [BO]);
}

#[test]
fn when_the_preferred_agent_goes_the_item_goes_to_others() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    let mut place = world.place(1);
    place.preferred = world.prefers(&[(BO, 1)], false);
    world.put(place);
    assert_eq!(world.rings_at(1), [BO]);
    world.presence(BO, Presence::Offline);
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn a_required_agent_is_waited_for_for_ever() {
    let mut world = World::direct();
    world.sign_in(agent(BO, &[LOANS], &[]));
    let mut place = world.place(1);
    place.preferred = world.prefers(&[(ANN, 1)], true);
    world.put(place);
    world.pass(24 * 60 * MINUTE);
    assert_eq!(world.rings_at(1), []);
    assert_eq!(world.why(1).map(|it| it.name()), Some("preferredAgentOnly"));
    world.sign_in(agent(ANN, &[LOANS], &[]));
    assert_eq!(world.rings_at(1), [ANN], "set up only now");
}

#[test]
fn preferred_items_stand_in_line_with_the_others() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    world.accept(1, ANN);
    world.queue(2);
    let mut place = world.place(3);
    place.preferred = world.prefers(&[(ANN, 1)], true);
    world.put(place);
    world.end(1);
    assert_eq!(world.rings_at(2), [ANN], "received before");
}

#[test]
fn the_agent_who_parked_it_is_preferred_afterwards() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    world.queue(1);
    world.accept(1, ANN);
    world.change(1, |place| place.state = ItemState::Parked);
    world.pass(60 * MINUTE);
    let ann = world.prefers(&[(ANN, 1)], false);
    world.change(1, |place| {
        place.state = ItemState::Queued;
        place.agent = None;
        place.preferred = ann;
    });
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn a_toggle_that_is_off_keeps_only_its_own_service_away() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[LOANS, CLAIMS], &[]));
    world.with(|distribution, now| distribution.set_active(ANN, LOANS, false, now));
    world.queue(1);
    let mut place = world.place(2);
    place.service = CLAIMS;
    world.put(place);
    assert!(world.offer(1).is_none());
    let sequence = world.offer(2).map(|offer| offer.sequence);
    assert_eq!(sequence, Some(Sequence(2)));
}
