//! What supervisors do, and what they may not.

use super::*;
use crate::domain::ids::Priority;
use crate::domain::outcome::Outcome;
use crate::domain::policy::TaskType;
use crate::engine::world::DAY;

fn release() -> ItemVerb {
    ItemVerb::Release { reason: None }
}

fn reopen() -> ItemVerb {
    ItemVerb::Reopen { reason: None }
}

fn reassign(name: &str, required: bool) -> ItemVerb {
    ItemVerb::Reassign {
        agent: name.parse().expect("a name"),
        required,
        reason: None,
    }
}

#[test]
fn an_aborted_item_leaves_its_agent_only_the_wrap_up() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    let abort = ItemVerb::Abort { reason: None };
    floor.act(SUE, "a", abort.clone()).expect("aborted");
    let outcome = floor.item("a").ended.map(|ending| ending.outcome);
    assert_eq!(outcome, Some(Outcome::CancelledBySupervisor));
    assert_eq!(floor.results("a"), [(ANNA, Some(AgentResult::Cancelled))]);
    assert_eq!(floor.agent_state(ANNA), "wrapUp");
    assert_eq!(refused_in(floor.end(ANNA, "a")), Some(ItemState::Ended));
    floor.act(SUE, "a", abort).expect("a repeat");
    assert_eq!(floor.journal("a").len(), 3);
}

#[test]
fn supervisors_direct_items_of_their_services_alone() {
    let mut floor = Floor::signed_in(&[]);
    floor.send(submission("c", "claims"));
    floor.post("a");
    let priority = ItemVerb::Reprioritise {
        priority: Priority::new(9).expect("0 to 9"),
        reason: None,
    };
    assert_eq!(
        code(floor.act(SUE, "c", priority.clone())),
        Code::UnknownItem
    );
    assert_eq!(
        code(floor.act(ANNA, "a", priority.clone())),
        Code::UnknownItem
    );
    floor.act(SUE, "a", priority.clone()).expect("hers");
    floor
        .act_by(operator(), "c", priority)
        .expect("the machine's");
    assert_eq!(floor.item("a").priority.value(), 9);
    let acts = [("item.priority", Some(SUE)), ("item.priority", None)];
    assert_eq!(floor.audited(), acts);
}

#[test]
fn whoever_left_an_item_to_others_cannot_take_it_out_of_their_hands() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    let decline = ItemVerb::Decline { offer: None };
    floor.act(ANNA, "a", decline).expect("declined");
    floor.presence(ANNA, Presence::Busy);
    floor.sign_in(BO);
    floor.accept(BO, "a");
    let refused = floor.act(ANNA, "a", requeue());
    assert_eq!(refused_in(refused), Some(ItemState::Connected));
    let refused = floor.act(ANNA, "a", transfer("claims"));
    assert_eq!(refused_in(refused), Some(ItemState::Connected));
    let holder = floor.item("a").holder.map(|holder| holder.agent);
    assert_eq!(holder, Some(BO));
    floor.act(SUE, "a", requeue()).expect("she directs it");
    assert_eq!(floor.state("a"), ItemState::Queued);
}

#[test]
fn a_new_priority_moves_an_item_and_leaves_an_offer_standing() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.post("b");
    floor.post("c");
    let first = ItemVerb::Reprioritise {
        priority: Priority::new(9).expect("0 to 9"),
        reason: None,
    };
    floor.act(SUE, "c", first).expect("moved");
    assert_eq!(floor.world.queue("loans"), [3, 1, 2]);
    assert_eq!(floor.rings_at(ANNA), [1]);
}

#[test]
fn a_released_item_goes_back_to_its_place() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    assert_eq!(
        refused_in(floor.act(SUE, "a", reopen())),
        Some(ItemState::Connected)
    );
    floor.act(SUE, "a", release()).expect("taken away");
    assert_eq!(floor.results("a")[0], (ANNA, Some(AgentResult::Requeued)));
    assert_eq!(
        floor.journal("a").last(),
        Some(&JournalEvent::TakenFromAgent)
    );
    assert_eq!(
        refused_in(floor.act(SUE, "a", release())),
        Some(ItemState::Queued)
    );
}

#[test]
fn whoever_loses_an_item_to_a_supervisor_wraps_up_as_its_task_type_says() {
    let mut floor = Floor::with(
        |loans| loans.task_type = Some("loan".to_owned()),
        |tenant| {
            let loan = TaskType {
                outcomes: Vec::new(),
                wrap_up_ms: Some(5 * MINUTE),
            };
            tenant.task_types.insert("loan".to_owned(), loan);
        },
    );
    floor.sign_in(ANNA);
    for verb in [release(), reassign("bo", true)] {
        floor.post(verb.name());
        floor.accept(ANNA, verb.name());
        floor.act(SUE, verb.name(), verb.clone()).expect("hers");
        let taken_at = floor.world.now;
        let until = AgentState::WrapUp {
            until: taken_at.plus_ms(5 * MINUTE),
        };
        assert_eq!(floor.agent(ANNA).state, until);
        floor
            .act(SUE, verb.name(), ItemVerb::Abort { reason: None })
            .expect("over");
        floor.world.advance(5 * MINUTE);
    }
}

#[test]
fn a_supervisor_says_who_gets_an_item() {
    let mut floor = Floor::signed_in(&[ANNA, BO]);
    floor.post("a");
    assert_eq!(floor.rings_at(ANNA), [1]);
    floor
        .act(SUE, "a", reassign("bo", true))
        .expect("reassigned");
    assert_eq!(
        (floor.rings_at(ANNA), floor.rings_at(BO)),
        (vec![], vec![1])
    );
    floor.accept(BO, "a");
    floor
        .act(SUE, "a", reassign("anna", false))
        .expect("reassigned");
    assert_eq!(floor.rings_at(ANNA), [1]);
    assert_eq!(
        code(floor.act(SUE, "a", reassign("nobody", false))),
        Code::UnknownAgent
    );
}

#[test]
fn an_ended_item_is_opened_again_within_seven_days() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    floor.end(ANNA, "a").expect("ended");
    floor.world.advance(7 * DAY);
    floor.act(SUE, "a", reopen()).expect("opened");
    let item = floor.item("a");
    assert_eq!((item.state, item.ended), (ItemState::Queued, None));
    assert_eq!(floor.rings_at(ANNA), [1]);
    floor.accept(ANNA, "a");
    floor.end(ANNA, "a").expect("ended");
    floor.world.advance(7 * DAY + 1);
    assert_eq!(
        refused_in(floor.act(SUE, "a", reopen())),
        Some(ItemState::Ended)
    );
}

#[test]
fn supervisors_requeue_and_hand_on_what_others_have() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    floor.act(SUE, "a", requeue()).expect("put back");
    assert_eq!(floor.results("a")[0], (ANNA, Some(AgentResult::Requeued)));
    floor.world.advance(WRAP_UP);
    floor.act(SUE, "a", transfer("claims")).expect("handed on");
    assert_eq!(floor.results("a")[1], (ANNA, Some(AgentResult::Rescinded)));
    assert_eq!(
        code(floor.act(SUE, "a", transfer("loans"))),
        Code::UnknownItem
    );
}

#[test]
fn supervisors_set_their_agents_off_duty_and_others_may_not() {
    let mut floor = Floor::signed_in(&[ANNA, BO]);
    floor.post("a");
    let off = |user| SetState {
        active: [("loans".to_owned(), false), ("claims".to_owned(), false)].into(),
        ..SetState::of(by(user), ANNA)
    };
    let refusal = floor.set(BO, off(BO)).expect_err("not his");
    assert_eq!(refusal.code(), Code::NotAuthorised);
    floor.set(SUE, off(SUE)).expect("hers");
    assert_eq!(floor.agent_state(ANNA), "offDuty");
    assert_eq!(floor.rings_at(BO), [1]);
    assert!(floor.audited().contains(&("agent.state", Some(SUE))));
}
