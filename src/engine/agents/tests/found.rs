//! What lives of the simulator have found.

use super::*;

use crate::store::memory::CommitFault;

#[test]
fn the_repeat_of_an_end_names_the_end_of_the_wrap_up_too() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("r1");
    let session = Some(floor.accept(ANNA, "r1"));
    let first = floor.end(ANNA, "r1").expect("it is in hand");
    assert_eq!(first.until, Some(floor.world.now.plus_ms(WRAP_UP)));
    let again = ItemVerb::End {
        session,
        result: "done".to_owned(),
        note: None,
        share: false,
    };
    assert_eq!(floor.act(ANNA, "r1", again), Ok(first));
}

#[test]
fn a_decline_answers_with_the_version_that_it_makes() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("r1");
    let decline = ItemVerb::Decline { offer: None };
    let acted = floor.act(ANNA, "r1", decline).expect("it rings");
    assert_eq!(acted.version, floor.item("r1").version);
}

#[test]
fn a_failed_commit_of_an_end_leaves_no_wrap_up_beside_the_item() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("r1");
    floor.accept(ANNA, "r1");
    floor
        .world
        .engine
        .store
        .fail_next_commit(CommitFault::Failed);
    assert_eq!(code(floor.end(ANNA, "r1")), Code::StorageFailed);
    assert_eq!(floor.state("r1"), ItemState::Connected);
    let units = floor.agent(ANNA).factors.units.clone();
    assert_eq!(units.len(), 1, "{units:?}");
}
