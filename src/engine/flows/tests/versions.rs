//! An item finishes on the version it began with.

use super::*;
use crate::domain::flow::{Rest, Stop};
use crate::domain::item::ItemState;
use crate::engine::world::{HOUR, SECOND};

const FIRST: &str = "<event on='received'><wait for='PT1H'/><setPriority to='1'/><queue/>\
    <finish/></event>";
const SECOND_VERSION: &str = "<event on='received'><wait for='PT2H'/><setPriority to='9'/><queue/>\
    <finish/></event>";

#[test]
fn a_new_version_is_for_new_items() {
    let mut floor = floor(FIRST);
    floor.post("r1");
    let next = with_workflows(&floor.world.policy, &[workflow("test", SECOND_VERSION)]);
    floor.world.reload(next).expect("a good policy");
    floor.post("r2");
    floor.world.advance(HOUR);
    assert_eq!(floor.item("r1").priority.value(), 1);
    floor.world.advance(HOUR);
    assert_eq!(floor.item("r2").priority.value(), 9);
}

#[test]
fn a_version_in_use_survives_a_restart_without_it() {
    let mut floor = floor(FIRST);
    floor.post("r1");
    floor.world.policy = Arc::new(with_workflows(&floor.world.policy, &[]));
    floor.world.restart();
    floor.post("r2");
    assert_eq!(
        floor.state("r2"),
        ItemState::Queued,
        "the service has no workflow now"
    );
    floor.world.advance(HOUR);
    let item = floor.item("r1");
    assert_eq!((item.state, item.priority.value()), (ItemState::Queued, 1));
}

#[test]
fn a_version_that_cannot_be_read_stops_its_items_and_tells_supervisors() {
    let good = workflow("test", FIRST);
    let broken = Arc::new(Workflow {
        source: "no workflow".into(),
        ..(*good).clone()
    });
    let mut floor = bank(&[broken]);
    floor.post("r1");
    floor.world.policy = Arc::new(with_workflows(&floor.world.policy, &[]));
    floor.world.restart();
    floor.world.advance(HOUR);
    let item = floor.item("r1");
    assert_eq!(item.state, ItemState::InWorkflow, "shown, not lost");
    let flow = item.flow.expect("it is stopped");
    assert_eq!(flow.rest, Rest::Stopped(Stop::UnreadableVersion));
    assert_eq!(shown(&floor, "r1").len(), 1);
    floor.world.advance(HOUR);
    assert_eq!(shown(&floor, "r1").len(), 1, "once");
    floor
        .world
        .cancel("core", "r1")
        .expect("it can be taken back");
    let item = floor.item("r1");
    assert_eq!((item.state, item.flow), (ItemState::Ended, None));
}

#[test]
fn a_version_is_written_once_for_many_items() {
    let mut floor = floor(FIRST);
    for number in 0..3 {
        floor.post(&format!("r{number}"));
        floor.world.advance(SECOND);
    }
    assert_eq!(floor.world.engine.versions.stored.len(), 1);
}
