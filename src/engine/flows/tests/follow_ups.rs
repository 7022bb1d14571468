//! Alerts and buttons.

use super::*;
use crate::domain::code::Code;
use crate::domain::entrance::EntranceVerb;
use crate::domain::item::ItemState;
use crate::engine::agents::tests::{ANNA, BO};
use crate::engine::world::{HOUR, MINUTE, of_content, operator, submission};

const AFTER_HOURS: &str = "<event on='received'><alert to='backoffice' text='after hours'/>\
    <button name='release' label='Let it in' to='supervisor'/><queue/><finish/></event>\
    <event on='button' name='release'><forceQueue/></event>\
    <event on='elapsed' after='PT30M'><check when='openAlerts &gt; 0'><then goto='up'/></check>\
    </event>\
    <event on='goto' name='up'><alert to='supervisor' text='nobody looked'/><queue/><finish/>\
    </event>";

#[test]
fn a_pushed_button_lets_an_item_in_past_a_closed_entrance() {
    let mut floor = floor(AFTER_HOURS);
    floor.sign_in(ANNA);
    floor.entrance("loans", EntranceVerb::Close);
    floor.post("r1");
    assert_eq!(floor.state("r1"), ItemState::Buffered);
    assert_eq!(shown(&floor, "r1"), ["[release]", "after hours"]);
    let handled = push(&mut floor, "r1").expect("pushed");
    assert!(!handled.repeated);
    assert_eq!(floor.state("r1"), ItemState::Queued);
    assert_eq!(floor.rings_at(ANNA), [1]);
    assert_eq!(shown(&floor, "r1"), ["after hours"]);
    assert_eq!(floor.audited().last(), Some(&("followUp.push", Some(SUE))));
    let again = handle(&mut floor, by(SUE), &handled.follow_up, FollowUpVerb::Push);
    let again = again.expect("the same answer");
    assert!(again.repeated);
    assert_eq!(again.follow_up, handled.follow_up);
    let pushed = floor.journal("r1");
    let pushed = pushed
        .iter()
        .filter(|it| **it == JournalEvent::ButtonPushed);
    assert_eq!(pushed.count(), 1, "nothing happens twice");
}

#[test]
fn an_alert_that_nobody_acknowledges_escalates() {
    let mut floor = floor(AFTER_HOURS);
    floor.post("r1");
    floor.post("r2");
    let alert = open(&floor, "r2");
    let is_alert = |it: &&FollowUp| matches!(it.kind, FollowUpKind::Alert { .. });
    let alert = alert.iter().find(is_alert).expect("an alert").clone();
    handle(&mut floor, by(SUE), &alert, FollowUpVerb::Acknowledge).expect("acknowledged");
    floor.world.restart();
    floor.world.advance(30 * MINUTE);
    assert_eq!(shown(&floor, "r1"), ["after hours", "nobody looked"]);
    assert_eq!(shown(&floor, "r2"), ["[release]"]);
    assert_eq!(floor.state("r1"), ItemState::Queued, "it keeps its place");
}

#[test]
fn only_those_named_see_a_follow_up_and_the_machine_may_everything() {
    let mut floor = floor(AFTER_HOURS);
    floor.post("r1");
    let open = open(&floor, "r1");
    for follow_up in &open {
        for verb in [FollowUpVerb::Acknowledge, FollowUpVerb::Push] {
            let refused = handle(&mut floor, by(BO), follow_up, verb);
            assert_eq!(refused.expect_err("not for bo").code(), Code::UnknownItem);
        }
    }
    for follow_up in &open {
        let (right, wrong) = match follow_up.kind {
            FollowUpKind::Alert { .. } => (FollowUpVerb::Acknowledge, FollowUpVerb::Push),
            FollowUpKind::Button { .. } => (FollowUpVerb::Push, FollowUpVerb::Acknowledge),
        };
        let refused = handle(&mut floor, operator(), follow_up, wrong);
        assert_eq!(
            refused.expect_err("the other verb").code(),
            Code::WrongState
        );
        handle(&mut floor, operator(), follow_up, right).expect("handled");
    }
    assert_eq!(shown(&floor, "r1"), [""; 0]);
}

#[test]
fn a_button_whose_stage_was_left_is_gone_and_refuses() {
    let mut floor = floor(AFTER_HOURS);
    floor.post("r1");
    let open = open(&floor, "r1");
    let is_button = |it: &&FollowUp| matches!(it.kind, FollowUpKind::Button { .. });
    let button = open.iter().find(is_button).expect("a button").clone();
    floor.world.advance(30 * MINUTE);
    assert_eq!(shown(&floor, "r1"), ["after hours", "nobody looked"]);
    let refused = handle(&mut floor, by(SUE), &button, FollowUpVerb::Push);
    assert_eq!(refused.expect_err("withdrawn").code(), Code::WrongState);
}

#[test]
fn an_alert_stays_after_the_end_and_can_be_acknowledged_then() {
    let mut floor = floor(AFTER_HOURS);
    floor.post("r1");
    floor.world.cancel("core", "r1").expect("cancelled");
    assert_eq!(shown(&floor, "r1"), ["after hours"], "the button has gone");
    let alert = open(&floor, "r1").remove(0);
    handle(&mut floor, by(SUE), &alert, FollowUpVerb::Acknowledge).expect("acknowledged");
    assert_eq!(shown(&floor, "r1"), [""; 0]);
}

#[test]
fn items_that_are_not_chargeable_alert_nobody() {
    let mut floor = floor(AFTER_HOURS);
    let mut sent = submission("r1", "loans");
    sent.content.chargeable = Some(false);
    floor.send(of_content(sent.content));
    assert_eq!(shown(&floor, "r1"), ["[release]"]);
    assert!(floor.journal("r1").contains(&JournalEvent::AlertSuppressed));
    floor.world.advance(HOUR);
    assert_eq!(shown(&floor, "r1"), ["[release]"], "and nothing escalates");
}

#[test]
fn two_pushes_in_one_turn_are_one() {
    use tokio::sync::oneshot;
    let mut floor = floor(AFTER_HOURS);
    floor.post("r1");
    let open = open(&floor, "r1");
    let is_button = |it: &&FollowUp| matches!(it.kind, FollowUpKind::Button { .. });
    let id = open.iter().find(is_button).expect("a button").id;
    let mut answers = Vec::new();
    let mut commands = Vec::new();
    for by in [by(SUE), operator()] {
        let (reply, answer) = oneshot::channel();
        let verb = FollowUpVerb::Push;
        let request = HandleFollowUp { by, id, verb };
        commands.push(Command::Flows(Box::new(FlowCommand::Handle(
            request, reply,
        ))));
        answers.push(answer);
    }
    floor.world.turn(commands).expect("no fault is planned");
    floor.world.settle().expect("no fault is planned");
    let repeated: Vec<bool> = answers
        .iter_mut()
        .map(|answer| {
            answer
                .try_recv()
                .expect("answered")
                .expect("handled")
                .repeated
        })
        .collect();
    assert_eq!(repeated, [false, true]);
}
