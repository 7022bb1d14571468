//! Requeue and transfer.

use super::*;
use crate::domain::session::ServiceResult;

#[test]
fn a_requeued_item_keeps_its_place_and_goes_to_somebody_else_first() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    floor.post("b");
    floor.sign_in(BO);
    floor
        .act(BO, "b", ItemVerb::Decline { offer: None })
        .expect("declined");
    let session = floor.sessions("a")[0].offer;
    let back = ItemVerb::Requeue {
        session: Some(session),
        note: Some("wrong desk".to_owned()),
    };
    let queued = floor.act(ANNA, "a", back.clone()).expect("put back");
    assert_eq!(floor.world.queue("loans"), [1, 2], "at its old place");
    assert_eq!(floor.rings_at(BO), [1], "somebody else first");
    assert_eq!(floor.agent_state(ANNA), "wrapUp");
    let again = floor.act(ANNA, "a", back).expect("a repeat");
    assert_eq!(
        (again.session, queued.state),
        (Some(session), ItemState::Queued)
    );
}

#[test]
fn a_transfer_passes_the_entrance_of_its_target() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.entrance("claims", EntranceVerb::Close);
    floor.post("a");
    floor.accept(ANNA, "a");
    let moved = floor.act(ANNA, "a", transfer("claims")).expect("handed on");
    assert_eq!(moved.state, ItemState::Buffered);
    assert_eq!(floor.results("a"), [(ANNA, Some(AgentResult::Transferred))]);
    let item = floor.item("a");
    let stays = floor.world.engine.store().service_sessions(item.sequence);
    assert_eq!(stays[0].result, ServiceResult::TransferredByUser);
    assert_eq!(item.entered_at, Some(floor.world.now));
    floor.entrance("claims", EntranceVerb::Open);
    assert_eq!(floor.state("a"), ItemState::Queued);
    floor.world.advance(WRAP_UP);
    assert_eq!(floor.rings_at(ANNA), [1]);
}

#[test]
fn a_full_target_refuses_a_transfer_and_the_agent_keeps_the_item() {
    let mut floor = Floor::signed_in(&[ANNA]);
    let mut policy = (*floor.world.policy).clone();
    let bank = Arc::make_mut(policy.tenants.get_mut("bank").expect("it is there"));
    let claims = bank.services.get_mut("claims").expect("it is there");
    Arc::make_mut(claims).buffer_items_max = 1;
    floor.world.reload(policy).expect("taken");
    floor.entrance("claims", EntranceVerb::Close);
    floor.send(submission("full", "claims"));
    floor.post("a");
    floor.accept(ANNA, "a");
    assert_eq!(
        code(floor.act(ANNA, "a", transfer("claims"))),
        Code::BufferFull
    );
    let item = floor.item("a");
    assert_eq!(item.holder.map(|holder| holder.agent), Some(ANNA));
    assert_eq!(
        floor.journal("a").last(),
        Some(&JournalEvent::TransferFailed)
    );
    floor.end(ANNA, "a").expect("it can still be ended");
}

#[test]
fn a_transfer_to_an_agent_rings_there_first() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    floor.sign_in(BO);
    let to = |name: &str| ItemVerb::Transfer {
        session: None,
        to: TransferTarget {
            service: None,
            agent: Some(name.parse().expect("a name")),
            required: true,
        },
        note: None,
    };
    assert_eq!(code(floor.act(ANNA, "a", to("nobody"))), Code::UnknownAgent);
    assert_eq!(code(floor.act(ANNA, "a", to("sue"))), Code::UnknownAgent);
    floor.act(ANNA, "a", to("bo")).expect("handed on");
    assert_eq!(floor.rings_at(BO), [1]);
    floor
        .act(BO, "a", ItemVerb::Decline { offer: None })
        .expect("declined");
    assert_eq!(floor.rings_at(ANNA), [0_u64; 0], "for bo alone");
}

#[test]
fn the_wait_for_an_agent_begins_when_the_entrance_lets_the_item_in() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.entrance("claims", EntranceVerb::Close);
    floor.post("a");
    floor.accept(ANNA, "a");
    let to = ItemVerb::Transfer {
        session: None,
        to: TransferTarget {
            service: Some("claims".to_owned()),
            agent: Some("bo".parse().expect("a name")),
            required: false,
        },
        note: None,
    };
    floor.act(ANNA, "a", to).expect("handed on");
    floor.world.advance(60 * MINUTE);
    floor.sign_in(BO);
    floor.entrance("claims", EntranceVerb::Open);
    assert_eq!(floor.rings_at(ANNA), [0_u64; 0], "the longest idle");
    assert_eq!(floor.rings_at(BO), [1], "whom it was handed on to");
}

#[test]
fn a_transfer_leads_somewhere_that_exists() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    assert_eq!(
        code(floor.act(ANNA, "a", transfer("moon"))),
        Code::UnknownService
    );
    let nowhere = ItemVerb::Transfer {
        session: None,
        to: TransferTarget::default(),
        note: None,
    };
    assert_eq!(code(floor.act(ANNA, "a", nowhere)), Code::InvalidField);
    assert_eq!(floor.state("a"), ItemState::Connected);
}
