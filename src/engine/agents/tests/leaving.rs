//! Agents who go, processes that end, configurations that change.

use super::*;
use crate::store::memory::CommitFault;

const KEPT: i64 = 15 * MINUTE;

fn lose(floor: &mut Floor, user: UserId) {
    let (reply, _answer) = oneshot::channel();
    let turned = floor.world.turn(vec![Command::LoseAgent(user, reply)]);
    turned.expect("no fault is planned");
    floor.world.settle().expect("no fault is planned");
}

#[test]
fn a_lost_agents_offer_is_taken_back_and_its_item_kept_for_a_time() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    floor.sign_in(BO);
    lose(&mut floor, ANNA);
    assert_eq!(floor.agent_state(ANNA), "offline");
    floor.world.advance(KEPT - 1);
    assert_eq!(floor.state("a"), ItemState::Connected);
    floor.world.advance(1);
    assert_eq!(floor.rings_at(BO), [1]);
    assert_eq!(floor.results("a")[0], (ANNA, Some(AgentResult::LoggedOut)));
    assert!(floor.journal("a").contains(&JournalEvent::AgentLost));
    assert_eq!(refused_in(floor.end(ANNA, "a")), Some(ItemState::Offered));
}

#[test]
fn an_agent_who_comes_back_in_time_still_has_its_item() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    lose(&mut floor, ANNA);
    floor.world.advance(KEPT - 1);
    floor.presence(ANNA, Presence::Online);
    floor.world.advance(KEPT);
    assert_eq!(floor.agent_state(ANNA), "connected");
    floor.end(ANNA, "a").expect("it is still hers");
}

#[test]
fn what_rang_when_the_process_ended_is_rescinded_at_the_next_start() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.world.restart();
    floor.world.settle().expect("no fault is planned");
    assert_eq!(floor.results("a"), [(ANNA, Some(AgentResult::Rescinded))]);
    assert_eq!(floor.journal("a").last(), Some(&JournalEvent::Rescinded));
    assert_eq!(floor.item("a").attempts, 1);
    assert_eq!(floor.agent_state(ANNA), "offline");
    floor.presence(ANNA, Presence::Online);
    assert_eq!(floor.rings_at(ANNA), [1], "the toggles were kept");
}

#[test]
fn items_in_hand_are_still_in_hand_after_a_restart() {
    let mut floor = Floor::signed_in(&[ANNA, BO]);
    floor.post("a");
    floor.post("b");
    let session = floor.accept(ANNA, "a");
    floor.accept(BO, "b");
    floor.act(BO, "b", park()).expect("parked");
    floor.world.restart();
    floor.world.settle().expect("no fault is planned");
    floor.presence(ANNA, Presence::Online);
    assert_eq!(floor.agent_state(ANNA), "connected");
    assert_eq!(floor.accept(ANNA, "a"), session);
    floor.end(ANNA, "a").expect("ended");
    floor.world.advance(4 * 60 * MINUTE);
    assert_eq!(floor.state("b"), ItemState::Queued);
}

#[test]
fn a_restart_gives_absent_agents_their_time_and_no_more() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    floor.world.restart();
    floor.world.settle().expect("no fault is planned");
    floor.world.advance(KEPT);
    assert_eq!(floor.state("a"), ItemState::Queued);
}

#[test]
fn nobody_hears_of_an_offer_that_was_not_stored() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor
        .world
        .engine
        .store
        .fail_next_commit(CommitFault::Failed);
    let refused = floor.world.submit(submission("a", "loans"));
    refused.expect_err("it was not stored");
    floor.world.advance(2 * SECOND);
    assert_eq!(floor.rings_at(ANNA), [0_u64; 0]);
    assert_eq!(floor.agent_state(ANNA), "ready");
    floor.post("a");
    assert_eq!(floor.rings_at(ANNA), [1]);
}

#[test]
fn a_failed_acceptance_leaves_the_item_ringing_afresh() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor
        .world
        .engine
        .store
        .fail_next_commit(CommitFault::Failed);
    let accept = ItemVerb::Accept { offer: None };
    assert_eq!(code(floor.act(ANNA, "a", accept)), Code::StorageFailed);
    floor.world.advance(2 * SECOND);
    assert_eq!(floor.rings_at(ANNA), [1]);
    assert_eq!(floor.results("a")[0], (ANNA, Some(AgentResult::Rescinded)));
    floor.accept(ANNA, "a");
}

#[test]
fn a_deactivated_users_items_go_back_into_their_queues() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    floor.act(ANNA, "a", park()).expect("parked");
    floor.post("b");
    floor.accept(ANNA, "b");
    let patch = UserPatch {
        enabled: Some(false),
        ..UserPatch::default()
    };
    floor.change("anna", patch);
    assert_eq!(floor.world.queue("loans"), [1, 2]);
    assert!(!floor.world.engine.view().agents.contains_key(&ANNA));
    let refused = floor.act(ANNA, "b", end_as("done"));
    assert_eq!(code(refused), Code::NotAuthorised);
}

#[test]
fn a_new_configuration_keeps_items_in_hand_and_presence() {
    let mut floor = Floor::signed_in(&[ANNA, BO]);
    floor.post("a");
    floor.accept(ANNA, "a");
    floor.post("b");
    let policy = (*floor.world.policy).clone();
    floor.world.reload(policy).expect("taken");
    floor.world.settle().expect("no fault is planned");
    assert_eq!(floor.agent_state(ANNA), "connected");
    assert_eq!(floor.rings_at(BO), [2]);
    floor.end(ANNA, "a").expect("ended");
}

#[test]
fn states_are_kept_with_their_times_where_the_tenant_says_so() {
    let mut floor = Floor::with(|_| {}, |tenant| tenant.agents.persist_user_states = true);
    floor.sign_in(ANNA);
    floor.post("a");
    floor.world.advance(SECOND);
    floor.accept(ANNA, "a");
    lose(&mut floor, ANNA);
    let all = (
        crate::domain::time::Timestamp(0),
        floor.world.now.plus_ms(1),
    );
    let states = floor.world.engine.store().user_states(ANNA, all.0, all.1);
    let names: Vec<&str> = states.iter().map(|state| state.state.as_str()).collect();
    assert_eq!(names, ["ready", "ringing", "connected"]);
    assert!(states.iter().all(|state| state.ended_at.is_some()));
    let kept = floor.world.engine.store().user_states(BO, all.0, all.1);
    assert!(kept.is_empty());
}

#[test]
fn states_are_not_kept_otherwise() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    let all = (
        crate::domain::time::Timestamp(0),
        floor.world.now.plus_ms(1),
    );
    let states = floor.world.engine.store().user_states(ANNA, all.0, all.1);
    assert!(states.is_empty());
}
