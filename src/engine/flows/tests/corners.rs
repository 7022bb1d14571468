//! Several things at once.

use super::*;
use crate::domain::code::Code;
use crate::domain::item::ItemState;
use crate::domain::message::Changes;
use crate::domain::outcome::Outcome;
use crate::domain::session::AgentResult;
use crate::engine::agents::command::ItemVerb;
use crate::engine::agents::tests::{ANNA, BO, park, preferring, requeue, transfer};
use crate::engine::command::UpdateItem;
use crate::engine::flows::command::FollowUpSubject;
use crate::engine::world::{HOUR, MINUTE, SECOND, operator, submission, update, with_lifetime};

#[test]
fn a_button_whose_stage_is_left_in_the_turn_that_shows_it_is_gone() {
    let stages = "<event on='received'><button name='b' label='B' to='supervisor'/>\
        <goto name='on'/></event><event on='goto' name='on'><queue/><finish/></event>\
        <event on='button' name='b'><cancel/></event>";
    let mut floor = floor(stages);
    floor.post("r1");
    assert_eq!(shown(&floor, "r1"), [""; 0]);
}

#[test]
fn a_push_in_the_turn_in_which_time_leaves_the_stage_does_nothing() {
    let stages = "<event on='received'><button name='b' label='B' to='supervisor'/>\
        <wait for='PT1M'/><goto name='on'/></event>\
        <event on='goto' name='on'><queue/><finish/></event>\
        <event on='button' name='b'><cancel/></event>";
    let mut floor = floor(stages);
    floor.post("r1");
    let button = open(&floor, "r1").remove(0);
    floor.world.now = floor.world.now.plus_ms(MINUTE);
    let pushed = handle(&mut floor, by(SUE), &button, FollowUpVerb::Push);
    assert_eq!(floor.state("r1"), ItemState::Queued);
    assert_eq!(pushed.expect_err("too late").code(), Code::WrongState);
}

#[test]
fn nobody_opens_a_follow_up_in_a_retired_service() {
    let care = "<event on='received'><wait for='P1D'/><finish/></event>";
    let plain = "<event on='received'><queue/><finish/></event>";
    let mut floor = bank(&[workflow("plain", plain), workflow("care", care)]);
    floor.post("r1");
    let mut policy = (*floor.world.policy).clone();
    let bank = Arc::make_mut(policy.tenants.get_mut("bank").expect("it is there"));
    bank.services.remove("loans");
    floor.world.reload(policy).expect("a good policy");
    let request = StartFollowUp {
        by: operator(),
        workflow: "care".to_owned(),
        subject: FollowUpSubject::Item(floor.item("r1").id),
        service: None,
        parameters: Vec::new(),
        reference: None,
    };
    let refused = start(&mut floor, request);
    assert_eq!(refused.expect_err("retired").code(), Code::UnknownService);
}

#[test]
fn only_its_own_queue_asks_for_an_agent() {
    let stages = "<event on='received'><queueToAgent agent='bo' required='true' maxWait='PT5M'>\
        <expired goto='all'/></queueToAgent><finish/></event>\
        <event on='goto' name='all'><queue/><finish/></event>";
    let mut floor = floor(stages);
    floor.sign_in(ANNA);
    floor.post("r1");
    assert!(rings_nowhere(&floor, &[ANNA]));
    floor.world.advance(5 * MINUTE);
    assert_eq!(floor.rings_at(ANNA), [1]);
    floor.accept(ANNA, "r1");
    floor.sign_in(BO);
    floor.send(preferring("r2", "anna", true));
    assert_eq!(floor.rings_at(BO), [2]);
    floor
        .act(BO, "r2", ItemVerb::Decline { offer: None })
        .expect("declined");
    floor.world.advance(5 * MINUTE);
    let wish = floor.item("r2").wish.expect("the sender's");
    assert_eq!(
        (wish.preferred[0].name.as_str(), wish.required),
        ("anna", true),
        "what the sender asks for counts again"
    );
    assert!(rings_nowhere(&floor, &[BO]));
}

#[test]
fn time_an_update_and_an_acceptance_come_in_one_turn() {
    use tokio::sync::oneshot;
    let stages = "<event on='received'><queue/><finish/></event>\
        <event on='elapsed' after='PT1M'><raisePriority by='1'/><setContactData key='a' value='1'/></event>\
        <event on='updated'><setContactData key='b' value='2'/><queue/><finish/></event>\
        <event on='accepted'><notify name='n'/><queue/><finish/></event>";
    let mut floor = floor(stages);
    floor.sign_in(ANNA);
    floor.post("r1");
    floor.world.now = floor.world.now.plus_ms(MINUTE);
    let changes = Changes {
        title: Some("new".to_owned()),
        ..Changes::default()
    };
    let (reply, _answer) = oneshot::channel();
    let sender = floor.world.policy.senders["core"].clone();
    let update = UpdateItem {
        sender,
        update: update("r1", changes),
        attachments: Vec::new(),
    };
    let id = floor.item("r1").id;
    let (reply2, _answer2) = oneshot::channel();
    let act = crate::engine::agents::command::ActOnItem {
        by: by(ANNA),
        item: id,
        verb: ItemVerb::Accept { offer: None },
    };
    floor
        .world
        .turn(vec![
            Command::Update(Box::new(update), reply),
            Command::Act(Box::new(act), reply2),
        ])
        .expect("fine");
    floor.world.settle().expect("fine");
    let item = floor.item("r1");
    let mut store = floor.world.engine.store().crash();
    let content = store
        .content(item.sequence)
        .expect("memory")
        .expect("there");
    assert_eq!(content.title.as_deref(), Some("new"));
    let keys: Vec<_> = content
        .contact_data
        .iter()
        .map(|it| it.key.as_str())
        .collect();
    assert!(keys.contains(&"a") && keys.contains(&"b"), "{keys:?}");
    floor.world.restart();
    floor.world.settle().expect("fine");
}

#[test]
fn an_item_that_its_workflow_cancels_as_it_is_accepted_leaves_a_free_agent() {
    let stages = "<event on='received'><queue/><finish/></event>\
        <event on='accepted'><cancel/></event>";
    let mut floor = floor(stages);
    floor.sign_in(ANNA);
    floor.post("r1");
    floor
        .act(ANNA, "r1", ItemVerb::Accept { offer: None })
        .expect("it rang");
    assert_eq!(floor.state("r1"), ItemState::Ended);
    assert_eq!(floor.results("r1"), [(ANNA, Some(AgentResult::Cancelled))]);
    floor.world.advance(HOUR);
    floor.post("r2");
    assert_eq!(floor.rings_at(ANNA), [2]);
}

#[test]
fn a_parked_item_that_its_workflow_cancels_costs_no_wrap_up() {
    let stages = "<event on='received'><queue/><finish/></event>\
        <event on='elapsed' after='PT1H'><cancel/></event>";
    let mut floor = floor(stages);
    floor.sign_in(ANNA);
    floor.post("r1");
    floor.accept(ANNA, "r1");
    floor.act(ANNA, "r1", park()).expect("parked");
    floor.world.advance(HOUR);
    assert_eq!(floor.state("r1"), ItemState::Ended);
    assert_ne!(floor.agent_state(ANNA), "wrapUp");
    floor.post("r2");
    assert_eq!(floor.rings_at(ANNA), [2]);
}

#[test]
fn more_waits_end_at_once_than_one_turn_can_hear_of() {
    let stages = "<event on='received'><wait for='PT30S'/><queue/><finish/></event>";
    let mut floor = floor(stages);
    for number in 0..1_100 {
        floor
            .world
            .submit(submission(&format!("r{number}"), "loans"))
            .expect("taken");
    }
    floor.world.advance(30 * SECOND);
    let rows = floor.world.engine.store().rows();
    assert_eq!(
        rows.filter(|it| it.state != ItemState::Queued && it.state != ItemState::Buffered)
            .count(),
        0
    );
}

#[test]
fn a_lifetime_and_a_wait_end_at_the_same_instant() {
    let stages = "<event on='received'><wait for='PT1H'/><queue/><finish/></event>\
        <event on='expired'><wait for='PT1H'/><alert to='supervisor' text='x'/><finish/></event>";
    let mut floor = floor(stages);
    floor.send(with_lifetime(submission("r1", "loans"), HOUR));
    floor.world.advance(HOUR);
    let outcome = floor.item("r1").ended.expect("ended").outcome;
    assert_eq!(outcome, Outcome::ExpiredInBuffer);
    floor.world.advance(HOUR);
    assert_eq!(shown(&floor, "r1"), ["x"]);
    assert_eq!(floor.item("r1").flow, None);
}

#[test]
fn an_item_put_back_stays_queued_when_its_workflow_ends() {
    let stages = "<event on='received'><queue/><finish/></event>\
        <event on='accepted'><wait for='PT1H'/><finish/></event>";
    let mut floor = floor(stages);
    floor.sign_in(ANNA);
    floor.sign_in(BO);
    floor.post("r1");
    let who = if floor.rings_at(ANNA).is_empty() {
        BO
    } else {
        ANNA
    };
    floor.accept(who, "r1");
    floor.act(who, "r1", requeue()).expect("back");
    assert_eq!(floor.state("r1"), ItemState::Queued);
    floor.world.advance(2 * HOUR);
    assert_eq!(floor.item("r1").flow, None);
    assert_eq!(floor.state("r1"), ItemState::Queued);
}

const QUEUES: &str = "<event on='received'><queue/><finish/></event>";
const CARE: &str = "<event on='received'><wait for='P1D'/><finish/></event>";

fn care(floor: &Floor, by: By, reference: &str) -> StartFollowUp {
    StartFollowUp {
        by,
        workflow: "care".to_owned(),
        subject: FollowUpSubject::Item(floor.item(reference).id),
        service: None,
        parameters: Vec::new(),
        reference: None,
    }
}

#[test]
fn a_repeat_is_one_though_the_item_has_changed_since() {
    let mut floor = bank(&[workflow("plain", QUEUES), workflow("care", CARE)]);
    floor.post("r1");
    let mut request = care(&floor, operator(), "r1");
    request.reference = Some("mine".to_owned());
    let first = start(&mut floor, request.clone()).expect("opened");
    let changes = Changes {
        title: Some("another".to_owned()),
        ..Changes::default()
    };
    floor.world.update(update("r1", changes)).expect("changed");
    let again = start(&mut floor, request.clone()).expect("the first answer");
    assert_eq!((again.item, again.repeated), (first.item, true));
    floor.post("r2");
    request.subject = FollowUpSubject::Item(floor.item("r2").id);
    let refused = start(&mut floor, request).expect_err("of another item");
    assert_eq!(refused.code(), Code::DuplicateReference);
}

#[test]
fn nobody_opens_a_follow_up_where_one_may_create_nothing() {
    let mut floor = bank(&[workflow("plain", QUEUES), workflow("care", CARE)]);
    floor.post("r1");
    let in_service = |floor: &Floor, name: Option<&str>| StartFollowUp {
        service: name.map(str::to_owned),
        ..care(floor, by(SUE), "r1")
    };
    for (service, code) in [
        (None, None),
        (Some("loans"), None),
        (Some("claims"), Some(Code::NotAuthorised)),
        (Some("nowhere"), Some(Code::UnknownService)),
    ] {
        let request = in_service(&floor, service);
        let refused = start(&mut floor, request).err();
        assert_eq!(refused.map(|it| it.code()), code, "{service:?}");
    }
}

#[test]
fn items_in_workflows_take_their_share_of_the_fair_use() {
    let starts =
        "<event on='received'><startWorkflow name='care'/><wait for='P1D'/><finish/></event>";
    for (fair_use, taken, started) in [(1, true, 0), (2, true, 1), (3, true, 1)] {
        let mut floor = bank(&[workflow("starts", starts), workflow("care", CARE)]);
        let mut policy = (*floor.world.policy).clone();
        let bank = Arc::make_mut(policy.tenants.get_mut("bank").expect("it is there"));
        bank.fair_use = Some(fair_use);
        floor.world.reload(policy).expect("a good policy");
        assert_eq!(floor.world.submit(submission("r1", "loans")).is_ok(), taken);
        let rows = floor.world.engine.store().rows().count();
        assert_eq!(rows, 1 + started, "{fair_use}");
        let second = floor.world.submit(submission("r2", "loans"));
        let expected = (fair_use < 3).then_some(Code::FairUseExceeded);
        assert_eq!(second.err().map(|it| it.code()), expected, "{fair_use}");
    }
}

#[test]
fn a_repeated_change_is_told_where_the_first_led() {
    let stages = "<event on='received'><wait until='updated' for='PT1H'/><queue/><finish/></event>";
    let mut floor = floor(stages);
    floor.post("r1");
    let changes = Changes {
        title: Some("checked".to_owned()),
        ..Changes::default()
    };
    let mut change = update("r1", changes);
    change.request_id = Some("q1".to_owned());
    let first = floor.world.update(change.clone()).expect("changed");
    assert_eq!(first.state, ItemState::Queued);
    let again = floor.world.update(change).expect("the first answer");
    assert!(again.duplicate);
    assert_eq!((again.state, again.version), (first.state, first.version));
}

#[test]
fn a_supervisor_takes_an_item_out_of_a_workflow_that_stands_still() {
    let stages = "<event on='received'><wait for='P5D'/><queue/><finish/></event>";
    let mut floor = floor(stages);
    floor.post("r1");
    let before = floor.item("r1");
    assert_eq!(before.state, ItemState::InWorkflow);
    floor
        .world
        .act(operator(), before.id, transfer("claims"))
        .expect("handed on");
    floor.world.settle().expect("no fault is planned");
    let item = floor.item("r1");
    let claims = floor.world.service("claims").id;
    assert_eq!((item.state, item.service), (ItemState::Queued, claims));
    floor.sign_in(ANNA);
    floor.accept(ANNA, "r1");
    floor.end(ANNA, "r1").expect("ended");
    floor.world.advance(5 * 24 * HOUR);
    assert_eq!(
        floor.item("r1").flow,
        None,
        "its workflow is over in its own time"
    );
}
