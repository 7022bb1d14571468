//! What a stage leaves behind, and what whoever made it leave is told.

use super::*;
use crate::domain::item::ItemState;
use crate::domain::message::Changes;
use crate::engine::agents::command::ItemVerb;
use crate::engine::agents::tests::ANNA;
use crate::engine::world::{submission, update};

#[test]
fn a_button_of_a_stage_that_is_left_at_once_is_withdrawn() {
    let mut floor = floor(
        "<event on='received'><button name='early' label='Early' to='supervisor'/>\
         <goto name='work'/></event>\
         <event on='goto' name='work'><button name='late' label='Late' to='supervisor'/>\
         <queue/><finish/></event>\
         <event on='button' name='early'><raisePriority by='1'/></event>\
         <event on='button' name='late'><raisePriority by='1'/></event>",
    );
    let receipt = floor.world.submit(submission("r1", "loans"));
    assert!(receipt.is_ok());
    assert_eq!(shown(&floor, "r1"), ["[late]"]);
    let early = datum(&floor, "r1", JournalEvent::ButtonShown, "name");
    assert_eq!(early.as_deref(), Some("late"), "both are in the journal");
}

#[test]
fn an_answer_says_where_the_item_stands_after_its_workflow_has_heard_of_it() {
    let mut floor = floor(
        "<event on='received'><queue/><finish/></event>\
         <event on='updated'><wait for='PT1H'/><finish/></event>\
         <event on='accepted'><cancel/></event>",
    );
    let receipt = floor.world.submit(submission("r1", "loans"));
    assert_eq!(receipt.map(|it| it.state), Ok(ItemState::Queued));
    let changes = Changes {
        title: Some("other".to_owned()),
        ..Changes::default()
    };
    let receipt = floor.world.update(update("r1", changes)).expect("taken");
    assert_eq!(receipt.state, ItemState::InWorkflow);
    assert_eq!(receipt.version, floor.item("r1").version);
    let taken = floor.world.submit(submission("r2", "loans"));
    assert!(taken.is_ok());
    floor.sign_in(ANNA);
    let item = floor.item("r2");
    let verb = ItemVerb::Accept { offer: None };
    let acted = floor.world.act(by(ANNA), item.id, verb).expect("it rings");
    assert_eq!(acted.state, ItemState::Ended);
    assert_eq!(acted.version, floor.item("r2").version);
}
