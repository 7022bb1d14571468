//! Follow-ups that people and workflows open.

use super::*;
use crate::domain::code::Code;
use crate::domain::content::{ContactDatum, Customer};
use crate::domain::item::{Item, ItemState};
use crate::domain::outcome::Outcome;
use crate::engine::agents::tests::{ANNA, BO};
use crate::engine::flows::command::FollowUpSubject;
use crate::engine::world::{HOUR, of_content, operator, submission};

const PLAIN: &str = "<event on='received'><queue/><finish/></event>";
const CARE: &str = "<event on='received'><alert to='backoffice' text='call back'/>\
    <wait until='acknowledged' for='P2D'/><finish/></event>";

fn care(by: By, subject: FollowUpSubject) -> StartFollowUp {
    StartFollowUp {
        by,
        workflow: "care".to_owned(),
        subject,
        service: None,
        parameters: Vec::new(),
        reference: None,
    }
}

fn free() -> FollowUpSubject {
    let customer = Some(Customer {
        id: Some("4711".to_owned()),
        ..Customer::default()
    });
    let title = Some("call back on Monday".to_owned());
    FollowUpSubject::Free { customer, title }
}

fn two() -> Floor {
    bank(&[workflow("plain", PLAIN), workflow("care", CARE)])
}

fn by_id(floor: &Floor, started: &StartedFollowUp) -> Item {
    let mut rows = floor.world.engine.store().rows();
    rows.find(|row| row.id == started.item)
        .expect("it is there")
        .clone()
}

#[test]
fn an_agent_opens_a_follow_up_of_the_item_in_hand() {
    let mut floor = two();
    floor.sign_in(ANNA);
    let mut sent = submission("r1", "loans");
    sent.content.customer = Some(Customer {
        name: Some("Ada".to_owned()),
        ..Customer::default()
    });
    floor.send(of_content(sent.content));
    floor.accept(ANNA, "r1");
    let id = floor.item("r1").id;
    let mut request = care(by(ANNA), FollowUpSubject::Item(id));
    request.parameters = vec![ContactDatum {
        key: "when".to_owned(),
        value: "Monday".to_owned(),
    }];
    let started = start(&mut floor, request).expect("opened");
    assert_eq!(
        (started.state, started.repeated),
        (ItemState::InWorkflow, false)
    );
    let item = by_id(&floor, &started);
    let mut store = floor.world.engine.store().crash();
    let content = store
        .content(item.sequence)
        .expect("memory")
        .expect("it has content");
    assert_eq!(content.related_to, Some(id.to_string()));
    assert_eq!(
        content.customer.expect("taken over").name.as_deref(),
        Some("Ada")
    );
    let keys: Vec<&str> = content
        .contact_data
        .iter()
        .map(|it| it.key.as_str())
        .collect();
    assert_eq!(keys, ["workItemTask", "when"]);
    assert_eq!(shown(&floor, &content.reference), ["call back"]);
    assert_eq!(
        floor.state("r1"),
        ItemState::Connected,
        "the item itself goes on"
    );
    let alert = open(&floor, &content.reference).remove(0);
    handle(&mut floor, by(SUE), &alert, FollowUpVerb::Acknowledge).expect("acknowledged");
    let ended = by_id(&floor, &started).ended.expect("it is done");
    assert_eq!(ended.outcome, Outcome::HandledByWorkflow);
}

#[test]
fn a_free_standing_follow_up_needs_a_service_and_lasts() {
    let mut floor = two();
    let refused = start(&mut floor, care(operator(), free()));
    assert_eq!(refused.expect_err("no service").code(), Code::InvalidField);
    let mut request = care(by(ANNA), free());
    request.service = Some("loans".to_owned());
    let started = start(&mut floor, request).expect("opened");
    floor.world.restart();
    floor.world.advance(47 * HOUR);
    assert_eq!(by_id(&floor, &started).state, ItemState::InWorkflow);
    floor.world.advance(HOUR);
    assert_eq!(by_id(&floor, &started).state, ItemState::Ended);
}

#[test]
fn a_repeated_opening_gets_the_first_answer() {
    let mut floor = two();
    let mut request = care(operator(), free());
    request.service = Some("loans".to_owned());
    request.reference = Some("f1".to_owned());
    let first = start(&mut floor, request.clone()).expect("opened");
    let again = start(&mut floor, request.clone()).expect("the same");
    assert_eq!((again.item, again.repeated), (first.item, true));
    request.parameters = vec![ContactDatum {
        key: "when".to_owned(),
        value: "Monday".to_owned(),
    }];
    let other = start(&mut floor, request);
    assert_eq!(other.expect_err("another").code(), Code::DuplicateReference);
}

#[test]
fn one_opens_nothing_about_what_one_may_not_see() {
    let mut floor = two();
    floor.sign_in(ANNA);
    floor.post("r1");
    floor.accept(ANNA, "r1");
    let id = floor.item("r1").id;
    let refused = start(&mut floor, care(by(BO), FollowUpSubject::Item(id)));
    assert_eq!(refused.expect_err("not bo's").code(), Code::UnknownItem);
    let mut unknown = care(by(ANNA), FollowUpSubject::Item(id));
    unknown.workflow = "nothing".to_owned();
    let refused = start(&mut floor, unknown);
    assert_eq!(
        refused.expect_err("no such workflow").code(),
        Code::InvalidField
    );
    let mut elsewhere = care(by(ANNA), FollowUpSubject::Item(id));
    elsewhere.service = Some("nowhere".to_owned());
    let refused = start(&mut floor, elsewhere);
    assert_eq!(
        refused.expect_err("no such service").code(),
        Code::UnknownService
    );
}

#[test]
fn workflows_open_follow_ups_three_deep_and_no_deeper() {
    let chain = "<event on='received'><startWorkflow name='b'/><finish/></event>";
    let back = "<event on='received'><startWorkflow name='a'/><finish/></event>";
    let mut floor = bank(&[workflow("a", chain), workflow("b", back)]);
    floor.post("r1");
    let rows = floor.world.engine.store().rows().count();
    assert_eq!(rows, 4, "the item and three follow-ups");
    let last = floor
        .world
        .engine
        .store()
        .rows()
        .last()
        .expect("a row")
        .sequence;
    let journal: Vec<_> = floor.world.engine.store().journal(last).collect();
    let refused = journal
        .iter()
        .find(|line| line.event == JournalEvent::FollowUpRefused);
    assert!(
        refused
            .expect("told")
            .data
            .contains(&("why", "tooDeep".to_owned()))
    );
}

#[test]
fn fair_use_counts_follow_ups() {
    let mut floor = two();
    let mut policy = (*floor.world.policy).clone();
    let bank = Arc::make_mut(policy.tenants.get_mut("bank").expect("it is there"));
    bank.fair_use = Some(1);
    floor.world.reload(policy).expect("a good policy");
    let mut request = care(operator(), free());
    request.service = Some("loans".to_owned());
    start(&mut floor, request.clone()).expect("one fits");
    let refused = start(&mut floor, request);
    assert_eq!(refused.expect_err("no more").code(), Code::FairUseExceeded);
}
