//! Every waiting item can say why it waits.

use super::world::*;
use crate::domain::agent::Presence;
use crate::domain::entrance::{EntranceOrder, EntranceOrders};
use crate::domain::ids::Sequence;
use crate::domain::item::ItemState;

fn reason(world: &World, number: u64) -> Option<&'static str> {
    world.why(number).map(|reason| reason.name())
}

fn unroutable(world: &World, number: u64) -> bool {
    let place = &world.rows[&Sequence(number)];
    world.core.distribution().unroutable(place)
}

#[test]
fn nobody_with_the_skills_then_nobody_signed_in_then_everybody_busy() {
    let mut world = World::direct();
    let class = world.class(&[wish("law", 3, false)]);
    let mut place = world.place(1);
    place.class = class;
    world.put(place);
    assert_eq!(reason(&world, 1), Some("noAgentWithSkills"));
    assert!(unroutable(&world, 1));
    let ann = agent(ANN, &[LOANS], &[("law", 3)]);
    world.with(|distribution, now| distribution.agent_changed(ann, now));
    assert_eq!(reason(&world, 1), Some("noAgentSignedIn"));
    assert!(!unroutable(&world, 1));
    world.presence(ANN, Presence::Away);
    assert_eq!(reason(&world, 1), Some("agentsBusy"), "she is away");
    world.presence(ANN, Presence::Online);
    assert_eq!(reason(&world, 1), None, "it rings");
    world.accept(1, ANN);
    assert_eq!(reason(&world, 1), None, "it is in her hands");
}

#[test]
fn an_item_that_a_profile_could_serve_is_not_unroutable() {
    let mut world = World::direct();
    let mut ann = agent(ANN, &[LOANS], &[]);
    ann.profiles = [("night".to_owned(), vec![("law".to_owned(), 3)])].into();
    world.sign_in(ann);
    let class = world.class(&[wish("law", 3, false)]);
    let mut place = world.place(1);
    place.class = class;
    world.put(place);
    assert_eq!(reason(&world, 1), Some("noAgentSignedIn"));
    assert!(!unroutable(&world, 1));
}

#[test]
fn an_item_that_requires_somebody_outside_the_service_is_unroutable() {
    let mut world = World::direct();
    world.sign_in(agent(ANN, &[CLAIMS], &[]));
    world.sign_in(agent(BO, &[LOANS], &[]));
    let mut place = world.place(1);
    place.preferred = world.prefers(&[(ANN, 1)], true);
    world.put(place);
    assert!(unroutable(&world, 1));
    assert_eq!(reason(&world, 1), Some("preferredAgentOnly"));
}

#[test]
fn items_of_a_retired_service_are_not_offered_and_say_so() {
    let mut world = World::new([None, Some(direct()), Some(direct())]);
    world.sign_in(agent(ANN, &[LOANS], &[]));
    world.queue(1);
    assert_eq!(world.rings_at(1), []);
    assert_eq!(reason(&world, 1), Some("serviceRetired"));
}

#[test]
fn items_before_the_queue_name_their_state_or_their_entrance() {
    let mut world = World::direct();
    for (number, state, name) in [
        (1, ItemState::Scheduled, "scheduled"),
        (2, ItemState::InWorkflow, "inWorkflow"),
        (3, ItemState::Buffered, "releasing"),
    ] {
        let mut place = world.place(number);
        place.state = state;
        world.put(place);
        assert_eq!(reason(&world, number), Some(name));
    }
    let order = EntranceOrder {
        until: None,
        reason: None,
        since: world.now,
    };
    let orders = EntranceOrders {
        closed: Some(order),
        forced_open: None,
    };
    world.core.set_orders(LOANS, orders, world.now);
    assert_eq!(reason(&world, 3), Some("entranceClosed"));
}
