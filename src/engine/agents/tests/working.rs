//! Items in an agent's hands: end, park, resume, edit, wrap up.

use super::*;
use crate::domain::content::ContactDatum;
use crate::domain::outcome::Outcome;
use crate::domain::policy::{KeyDeclaration, TaskType};
use crate::domain::session::ServiceResult;
use crate::domain::time::Timestamp;
use crate::engine::world::HOUR;

#[test]
fn an_ended_item_has_its_result_and_its_agent_wraps_up() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    let session = floor.accept(ANNA, "a");
    floor.world.advance(MINUTE);
    let end = ItemVerb::End {
        session: Some(session),
        result: "notDone".to_owned(),
        note: Some("gone home".to_owned()),
        share: true,
    };
    let ended = floor.act(ANNA, "a", end.clone()).expect("ended");
    assert_eq!(ended.until, Some(floor.world.now.plus_ms(WRAP_UP)));
    let item = floor.item("a");
    let ending = item.ended.clone().expect("it has ended");
    let said = ending.said.expect("its agent said something");
    assert_eq!(ending.outcome, Outcome::HandledByUser);
    assert_eq!((said.result.as_str(), said.share), ("notDone", true));
    assert_eq!(item.holder, None);
    assert_eq!(floor.results("a"), [(ANNA, Some(AgentResult::Ended))]);
    let stays = floor.world.engine.store().service_sessions(item.sequence);
    assert_eq!(
        stays[0].result,
        ServiceResult::Ended(Outcome::HandledByUser)
    );
    let repeated = floor.act(ANNA, "a", end).expect("a repeat");
    assert_eq!(repeated.version, ended.version);
    let otherwise = floor.act(ANNA, "a", end_as("done"));
    assert_eq!(refused_in(otherwise), Some(ItemState::Ended));
    assert_eq!(floor.agent_state(ANNA), "wrapUp");
    floor.world.advance(WRAP_UP);
    assert_eq!(floor.agent_state(ANNA), "ready");
}

#[test]
fn only_results_of_the_task_type_are_taken() {
    let mut floor = Floor::with(
        |loans| loans.task_type = Some("loan".to_owned()),
        |tenant| {
            let loan = TaskType {
                outcomes: vec!["granted".to_owned(), "refused".to_owned()],
                wrap_up_ms: Some(MINUTE),
            };
            tenant.task_types.insert("loan".to_owned(), loan);
        },
    );
    floor.sign_in(ANNA);
    floor.post("a");
    floor.accept(ANNA, "a");
    let refusal = floor.end(ANNA, "a").expect_err("done is no result of it");
    assert_eq!(refusal.code(), Code::ValueNotInSet);
    assert!(
        refusal.first.message.contains("granted, refused"),
        "{refusal:?}"
    );
    assert_eq!(floor.state("a"), ItemState::Connected);
    let ended = floor.act(ANNA, "a", end_as("granted")).expect("ended");
    let until = floor.world.now.plus_ms(MINUTE);
    assert_eq!(
        ended.until,
        Some(until),
        "the task type's wrap-up goes first"
    );
}

#[test]
fn an_item_can_be_ended_only_by_the_agent_who_has_it_and_once() {
    let mut floor = Floor::signed_in(&[ANNA, BO]);
    floor.post("a");
    let session = floor.accept(ANNA, "a");
    assert_eq!(code(floor.end(BO, "a")), Code::UnknownItem);
    floor.act(ANNA, "a", requeue()).expect("put back");
    floor.accept(BO, "a");
    let late = ItemVerb::End {
        session: Some(session),
        result: "done".to_owned(),
        note: None,
        share: false,
    };
    assert_eq!(
        refused_in(floor.act(ANNA, "a", late)),
        Some(ItemState::Connected)
    );
    floor.end(BO, "a").expect("ended");
    assert_eq!(
        refused_in(floor.act(BO, "a", park())),
        Some(ItemState::Ended)
    );
}

#[test]
fn a_note_has_a_limit() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    let end = |chars: usize| ItemVerb::End {
        session: None,
        result: "done".to_owned(),
        note: Some("å".repeat(chars)),
        share: false,
    };
    assert_eq!(code(floor.act(ANNA, "a", end(4_001))), Code::InvalidField);
    floor.act(ANNA, "a", end(4_000)).expect("ended");
}

#[test]
fn a_parked_item_takes_no_unit_and_comes_back_to_its_agent() {
    let mut floor = Floor::signed_in(&[ANNA, BO]);
    floor.post("a");
    floor.accept(ANNA, "a");
    let until = Timestamp(floor.world.now.0 + HOUR);
    let park = ItemVerb::Park {
        session: None,
        until: Some(until),
        note: None,
    };
    let parked = floor.act(ANNA, "a", park.clone()).expect("parked");
    assert_eq!(
        (parked.state, parked.until),
        (ItemState::Parked, Some(until))
    );
    let again = floor.act(ANNA, "a", park).expect("a repeat");
    assert_eq!(again.version, parked.version);
    assert_eq!(floor.agent_state(ANNA), "ready");
    floor.world.advance(HOUR);
    assert_eq!(floor.rings_at(ANNA), [1], "the same agent first");
    let results = floor.results("a");
    assert_eq!(results[0], (ANNA, Some(AgentResult::Parked)));
    assert_eq!(floor.item("a").sequence.0, 1);
}

#[test]
fn resuming_needs_a_free_unit_and_goes_on_in_the_same_session() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    let session = floor.accept(ANNA, "a");
    floor.act(ANNA, "a", park()).expect("parked");
    floor.post("b");
    floor.accept(ANNA, "b");
    let resume = ItemVerb::Resume {
        session: Some(session),
    };
    assert_eq!(
        code(floor.act(ANNA, "a", resume.clone())),
        Code::CapacityFull
    );
    floor.act(ANNA, "b", park()).expect("parked");
    let resumed = floor.act(ANNA, "a", resume.clone()).expect("resumed");
    assert_eq!(
        (resumed.state, resumed.session),
        (ItemState::Connected, Some(session))
    );
    let again = floor.act(ANNA, "a", resume).expect("a repeat");
    assert_eq!(again.version, resumed.version);
}

#[test]
fn parking_has_a_default_and_a_longest_time() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.accept(ANNA, "a");
    let now = floor.world.now;
    let until = |ms: i64| ItemVerb::Park {
        session: None,
        until: Some(now.plus_ms(ms)),
        note: None,
    };
    assert_eq!(code(floor.act(ANNA, "a", until(0))), Code::InvalidField);
    assert_eq!(
        code(floor.act(ANNA, "a", until(24 * HOUR + 1))),
        Code::InvalidField
    );
    floor.act(ANNA, "a", until(24 * HOUR)).expect("parked");
    let resume = ItemVerb::Resume { session: None };
    floor.act(ANNA, "a", resume).expect("resumed");
    let parked = floor.act(ANNA, "a", park()).expect("parked");
    assert_eq!(parked.until, Some(now.plus_ms(4 * HOUR)));
}

#[test]
fn agents_change_only_editable_contact_data() {
    let mut floor = Floor::with(
        |loans| {
            let key = |key: &str, editable| KeyDeclaration {
                key: key.to_owned(),
                editable,
                ..KeyDeclaration::default()
            };
            loans.contact_data = vec![key("amount", true), key("branch", false)];
        },
        |_| {},
    );
    floor.sign_in(ANNA);
    floor.post("a");
    floor.accept(ANNA, "a");
    let edit = |key: &str, if_version| ItemVerb::Edit {
        if_version,
        contact_data: vec![ContactDatum {
            key: key.to_owned(),
            value: "5".to_owned(),
        }],
    };
    assert_eq!(
        code(floor.act(ANNA, "a", edit("branch", None))),
        Code::NotAuthorised
    );
    assert_eq!(
        code(floor.act(ANNA, "a", edit("amount", Some(1)))),
        Code::VersionConflict
    );
    let edited = floor
        .act(ANNA, "a", edit("amount", Some(2)))
        .expect("edited");
    assert_eq!(edited.version, 3);
    let same = floor
        .act(ANNA, "a", edit("amount", None))
        .expect("nothing changes");
    assert_eq!(same.version, 3);
    assert_eq!(floor.journal("a").last(), Some(&JournalEvent::Edited));
}

#[test]
fn a_wrap_up_is_extended_once_where_the_service_lets_it() {
    let mut floor = Floor::with(
        |loans| loans.distribution.wrap_up_extension_ms = Some(MINUTE),
        |_| {},
    );
    floor.sign_in(ANNA);
    floor.post("a");
    floor.accept(ANNA, "a");
    floor.end(ANNA, "a").expect("ended");
    let extended = floor
        .act(ANNA, "a", ItemVerb::ExtendWrapUp)
        .expect("extended");
    assert_eq!(
        extended.until,
        Some(floor.world.now.plus_ms(WRAP_UP + MINUTE))
    );
    let twice = floor.act(ANNA, "a", ItemVerb::ExtendWrapUp);
    assert_eq!(refused_in(twice), Some(ItemState::Ended));
    floor
        .act(ANNA, "a", ItemVerb::EndWrapUp)
        .expect("wrapped up");
    assert_eq!(floor.agent_state(ANNA), "ready");
}
