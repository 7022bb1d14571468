//! Levels that widen over time.

use super::world::*;
use crate::domain::agent::Presence;
use crate::domain::distribution::{DistributionPolicy, SkillsAsked};

fn widening() -> World {
    let loans = DistributionPolicy {
        levels: vec![
            level(0, SkillsAsked::All, &[]),
            level(30 * SECOND, SkillsAsked::Required, &[]),
            level(2 * MINUTE, SkillsAsked::Required, &["office", "nowhere"]),
        ],
        ..direct()
    };
    World::new([Some(loans), Some(direct()), Some(direct())])
}

fn lawyer(world: &mut World, number: u64) {
    let class = world.class(&[wish("law", 3, false), wish("french", 1, true)]);
    let mut place = world.place(number);
    place.class = class;
    world.put(place);
}

#[test]
fn optional_skills_are_dropped_to_the_millisecond() {
    let mut world = widening();
    world.sign_in(agent(ANN, &[LOANS], &[("law", 3)]));
    lawyer(&mut world, 1);
    world.pass(30 * SECOND - 1);
    assert_eq!(world.rings_at(1), []);
    assert_eq!(world.why(1).map(|it| it.name()), Some("noAgentWithSkills"));
    world.pass(1);
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn agents_of_further_services_come_last() {
    let mut world = widening();
    world.sign_in(agent(ANN, &[OFFICE], &[("law", 3)]));
    lawyer(&mut world, 1);
    world.pass(2 * MINUTE - 1);
    assert_eq!(world.rings_at(1), []);
    world.pass(1);
    assert_eq!(world.rings_at(1), [ANN]);
    assert_eq!(world.offer(1).map(|offer| offer.service), Some(LOANS));
}

#[test]
fn an_agent_of_a_further_service_must_be_selectable_there() {
    let mut world = widening();
    world.sign_in(agent(ANN, &[OFFICE], &[("law", 3)]));
    world.with(|distribution, now| distribution.set_active(ANN, OFFICE, false, now));
    lawyer(&mut world, 1);
    world.pass(2 * MINUTE);
    assert_eq!(world.rings_at(1), []);
    assert_eq!(world.why(1).map(|it| it.name()), Some("noAgentSignedIn"));
}

#[test]
fn the_time_of_waiting_counts_over_a_restart() {
    let mut world = widening();
    world.sign_in(agent(ANN, &[LOANS], &[("law", 3)]));
    let class = world.class(&[wish("law", 3, false), wish("french", 1, true)]);
    let mut place = world.place(1);
    place.class = class;
    place.waiting_since = Some(world.now.plus_ms(-30 * SECOND));
    world.put(place);
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn an_item_that_rings_while_it_widens_comes_back_to_the_wider_level() {
    let mut world = widening();
    world.sign_in(agent(ANN, &[LOANS], &[("law", 3), ("french", 1)]));
    world.sign_in(agent(BO, &[LOANS], &[("law", 3)]));
    world.pass(SECOND);
    lawyer(&mut world, 1);
    assert_eq!(world.rings_at(1), [ANN]);
    world.pass(19 * SECOND);
    world.decline(1, ANN);
    assert_eq!(world.rings_at(1), [ANN], "bo does not cover it yet");
    world.pass(11 * SECOND);
    world.decline(1, ANN);
    assert_eq!(world.rings_at(1), [BO]);
}

#[test]
fn a_widened_item_still_waits_in_its_place_among_others() {
    let mut world = widening();
    world.sign_in(agent(ANN, &[LOANS], &[("law", 3)]));
    world.presence(ANN, Presence::Away);
    lawyer(&mut world, 1);
    world.pass(30 * SECOND);
    world.queue(2);
    world.presence(ANN, Presence::Online);
    assert_eq!(world.rings_at(1), [ANN]);
}

#[test]
fn a_clock_that_jumps_back_narrows_nothing() {
    let mut world = widening();
    lawyer(&mut world, 1);
    world.pass(30 * SECOND);
    world.pass(-30 * SECOND);
    world.sign_in(agent(ANN, &[LOANS], &[("law", 3)]));
    assert_eq!(world.rings_at(1), [ANN]);
}
