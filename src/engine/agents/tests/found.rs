//! What lives of the simulator have found.

use super::*;

use crate::domain::answer::WaitingReason;
use crate::domain::content::SkillRequirement;
use crate::domain::distribution::OPTIONAL_DROPPED_AFTER_MS;
use crate::domain::policy::TaskType;
use crate::engine::agents::command::ActOnItem;
use crate::engine::world::{HOUR, with_lifetime};
use crate::routing::requirement::CLASSES_MAX;
use crate::store::memory::CommitFault;

/// As `Floor::with`, with `loans` items being letters that take a wrap-up of their own.
fn floor_of_letters() -> Floor {
    let letter = TaskType {
        outcomes: Vec::new(),
        wrap_up_ms: Some(30 * SECOND),
    };
    Floor::with(
        |loans| loans.task_type = Some("letter".to_owned()),
        |tenant| tenant.task_types = [("letter".to_owned(), letter)].into(),
    )
}

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

#[test]
fn who_put_an_item_aside_has_no_wrap_up_when_it_is_taken_away() {
    let mut floor = floor_of_letters();
    floor.sign_in(ANNA);
    floor.post("r1");
    floor.accept(ANNA, "r1");
    floor.act(ANNA, "r1", park()).expect("it is in hand");
    floor.post("r2");
    floor.accept(ANNA, "r2");
    floor.world.cancel("core", "r1").expect("it is open");
    let units = floor.agent(ANNA).factors.units.clone();
    assert_eq!(units.len(), 1, "{units:?}");
}

#[test]
fn an_item_that_expired_while_the_process_was_down_ends_although_it_rang() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.send(with_lifetime(submission("r1", "loans"), HOUR));
    assert_eq!(floor.rings_at(ANNA), [1]);
    floor.world.now = floor.world.now.plus_ms(HOUR);
    floor.world.restart();
    floor.world.settle().expect("no fault is planned");
    assert_eq!(floor.state("r1"), ItemState::Ended);
    let lines = [
        JournalEvent::Received,
        JournalEvent::Expired,
        JournalEvent::Rescinded,
    ];
    assert_eq!(floor.journal("r1"), lines);
    let rescinded = (ANNA, Some(AgentResult::Rescinded));
    assert_eq!(floor.results("r1"), [rescinded]);
}

#[test]
fn what_is_accepted_as_its_agent_is_deactivated_goes_back() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("r1");
    let (accepts, mut accepted) = oneshot::channel();
    let act = ActOnItem {
        by: by(ANNA),
        item: floor.item("r1").id,
        verb: ItemVerb::Accept { offer: None },
    };
    let change = ChangePeople {
        actor: Actor::Engine,
        from: None,
        edits: vec![Edit::Change {
            name: "anna".parse().expect("a name"),
            patch: UserPatch {
                enabled: Some(false),
                ..UserPatch::default()
            },
            if_version: None,
        }],
        dry_run: false,
    };
    let (changes, _changed) = oneshot::channel();
    let commands = vec![
        Command::Act(Box::new(act), accepts),
        Command::People(Box::new(change), changes),
    ];
    floor.world.turn(commands).expect("no fault is planned");
    let accepted = accepted.try_recv().expect("the turn answers");
    assert_eq!(accepted.expect("it rang").state, ItemState::Connected);
    floor.world.settle().expect("no fault is planned");
    assert_eq!(floor.state("r1"), ItemState::Queued);
    let logged_out = (ANNA, Some(AgentResult::LoggedOut));
    assert_eq!(floor.results("r1"), [logged_out]);
}

#[test]
fn a_reopened_item_finds_room_in_the_buffer_or_stays_ended() {
    let mut floor = Floor::with(|loans| loans.buffer_items_max = 2, |_| {});
    floor.entrance("loans", EntranceVerb::Close);
    floor.post("r1");
    let reopen = || ItemVerb::Reopen { reason: None };
    let cancel = |floor: &mut Floor, reference: &str| {
        floor.world.cancel("core", reference).expect("it is open");
    };
    cancel(&mut floor, "r1");
    floor.post("r2");
    let reopened = floor.act_by(operator(), "r1", reopen());
    assert_eq!(
        reopened.expect("there is room for one").state,
        ItemState::Buffered
    );
    cancel(&mut floor, "r2");
    floor.post("r3");
    let full = floor.act_by(operator(), "r2", reopen());
    assert_eq!(code(full), Code::BufferFull);
    assert_eq!(floor.state("r2"), ItemState::Ended);
}

#[test]
fn an_item_handed_on_to_its_own_service_begins_its_levels_anew() {
    let mut floor = Floor::new();
    let mut french = submission("r1", "loans");
    french.content.skills = vec![SkillRequirement {
        name: "french".to_owned(),
        level: 1,
        optional: true,
    }];
    floor.send(of_content(french.content));
    let why = |floor: &mut Floor| {
        let item = floor.item("r1");
        floor.world.engine.whereabouts(&item).reason
    };
    assert_eq!(why(&mut floor), Some(WaitingReason::NoAgentWithSkills));
    floor.world.advance(OPTIONAL_DROPPED_AFTER_MS);
    assert_eq!(why(&mut floor), Some(WaitingReason::NoAgentSignedIn));
    let handed_on = floor.act_by(operator(), "r1", transfer("loans"));
    assert_eq!(handed_on.expect("it waits").state, ItemState::Queued);
    assert_eq!(why(&mut floor), Some(WaitingReason::NoAgentWithSkills));
    floor.world.restart();
    assert_eq!(why(&mut floor), Some(WaitingReason::NoAgentWithSkills));
}

#[test]
fn an_item_whose_skills_find_no_class_goes_to_nobody_without_them() {
    let skill = |name: String| SkillRequirement {
        name,
        level: 1,
        optional: false,
    };
    let asking = || {
        let mut submission = submission("a", "loans");
        submission.content.skills = vec![skill("law".to_owned())];
        of_content(submission.content)
    };
    let mut floor = Floor::signed_in(&[ANNA]);
    for number in 0..CLASSES_MAX {
        let distribution = floor.world.engine.core.distribution_mut();
        distribution.class_of(&[skill(format!("s{number}"))]);
    }
    let refused = floor.world.submit(asking());
    assert_eq!(refused.expect_err("no class").code(), Code::Overloaded);
    floor.world.settle().expect("no fault is planned");
    floor.send(asking());
    assert_eq!(floor.state("a"), ItemState::Queued);
    assert_eq!(floor.rings_at(ANNA), [0_u64; 0], "she knows no law");
}
