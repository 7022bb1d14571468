//! Before, in and after the queue.

use super::*;
use crate::domain::code::Code;
use crate::domain::content::SkillRequirement;
use crate::domain::entrance::EntranceVerb;
use crate::domain::item::ItemState;
use crate::domain::message::Changes;
use crate::domain::outcome::Outcome;
use crate::domain::session::{AgentResult, ServiceResult};
use crate::engine::agents::command::ItemVerb;
use crate::engine::agents::tests::{ANNA, BO, end_as, preferring, requeue};
use crate::engine::world::{HOUR, MINUTE, SECOND, of_content, starting, submission, update};
use crate::store::memory::CommitFault;

const PLAIN: &str = "<event on='received'><queue><ended goto='done'/></queue></event>\
    <event on='goto' name='done'><notify name='decided'/><finish/></event>";

const WAITS: &str = "<event on='received'><wait until='updated' for='PT30S' because='credit check'/>\
    <queue/><finish/></event>";

const LIMITED: &str = "<event on='received'><queue maxWait='PT10M'><ended goto='done'/>\
    <expired goto='late'/><declined goto='no'/></queue></event>\
    <event on='goto' name='done'><finish/></event>\
    <event on='goto' name='late'><transfer service='claims'><failed goto='done'/></transfer>\
    <finish/></event>\
    <event on='goto' name='no'><wait for='PT1M'/><goto name='done'/></event>";

#[test]
fn an_item_goes_through_its_workflow_into_the_queue_and_out_of_it() {
    let mut floor = floor(PLAIN);
    floor.sign_in(ANNA);
    let receipt = floor
        .world
        .submit(submission("r1", "loans"))
        .expect("taken");
    assert_eq!(receipt.state, ItemState::Queued);
    assert_eq!(receipt.position, Some(1));
    floor.world.settle().expect("no fault is planned");
    let item = floor.item("r1");
    assert_eq!((item.version, item.journal_rows), (1, 3));
    floor.accept(ANNA, "r1");
    floor.end(ANNA, "r1").expect("ended");
    let item = floor.item("r1");
    assert_eq!(item.flow, None);
    assert_eq!(
        item.ended.expect("it has ended").outcome,
        Outcome::HandledByUser
    );
    assert_eq!(
        journal_from(&floor, "r1", 1),
        [
            "received",
            "stageEntered",
            "queuedByWorkflow",
            "accepted",
            "endedByUser",
            "stageEntered",
            "senderTold",
            "workflowFinished",
        ]
    );
    let stage = |name| datum(&floor, "r1", JournalEvent::StageEntered, name);
    assert_eq!(stage("stage").as_deref(), Some("2"));
    assert_eq!(stage("stages").as_deref(), Some("2"));
    assert_eq!(stage("name").as_deref(), Some("done"));
}

#[test]
fn a_wait_holds_an_item_before_the_entrance_until_its_time() {
    let mut floor = floor(WAITS);
    floor.sign_in(ANNA);
    let receipt = floor
        .world
        .submit(submission("r1", "loans"))
        .expect("taken");
    assert_eq!(receipt.state, ItemState::InWorkflow);
    assert!(rings_nowhere(&floor, &[ANNA]));
    floor.world.advance(30 * SECOND - 1);
    assert_eq!(floor.state("r1"), ItemState::InWorkflow);
    floor.world.advance(1);
    assert_eq!(floor.state("r1"), ItemState::Queued);
    assert_eq!(floor.rings_at(ANNA), [1]);
    assert_eq!(floor.item("r1").version, 2, "one turn, one version");
}

#[test]
fn a_wait_ends_with_the_senders_update() {
    let mut floor = floor(WAITS);
    floor.post("r1");
    let title = Some("checked".to_owned());
    let changes = Changes {
        title,
        ..Changes::default()
    };
    let receipt = floor.world.update(update("r1", changes)).expect("changed");
    floor.world.settle().expect("no fault is planned");
    assert_eq!(floor.state("r1"), ItemState::Queued);
    assert_eq!(receipt.version, floor.item("r1").version);
}

#[test]
fn timers_of_workflows_outlive_a_restart() {
    let mut floor = floor(WAITS);
    floor.post("r1");
    floor.world.advance(10 * SECOND);
    floor.world.restart();
    floor.world.advance(20 * SECOND - 1);
    assert_eq!(floor.state("r1"), ItemState::InWorkflow);
    floor.world.advance(1);
    assert_eq!(floor.state("r1"), ItemState::Queued);
    let mut late = self::floor(WAITS);
    late.post("r1");
    late.world.now = late.world.now.plus_ms(HOUR);
    late.world.restart();
    late.world.advance(0);
    assert_eq!(
        late.state("r1"),
        ItemState::Queued,
        "what was due happens at the start"
    );
}

#[test]
fn a_failed_commit_takes_a_step_back_and_it_is_taken_once() {
    let mut floor = floor(WAITS);
    floor.post("r1");
    floor.world.now = floor.world.now.plus_ms(30 * SECOND);
    floor
        .world
        .engine
        .store
        .fail_next_commit(CommitFault::Failed);
    floor.world.turn(Vec::new()).expect("it goes on");
    assert_eq!(floor.state("r1"), ItemState::InWorkflow);
    floor.world.advance(2 * SECOND);
    assert_eq!(floor.state("r1"), ItemState::Queued);
    assert_eq!(
        journal_from(&floor, "r1", 1),
        [
            "received",
            "stageEntered",
            "workflowWaits",
            "queuedByWorkflow"
        ]
    );
}

#[test]
fn a_scheduled_item_begins_its_workflow_when_it_starts() {
    let mut floor = floor(WAITS);
    let start = floor.world.now.plus_ms(HOUR);
    floor.send(starting(submission("r1", "loans"), start));
    assert_eq!(floor.state("r1"), ItemState::Scheduled);
    floor.world.restart();
    floor.world.advance(HOUR);
    assert_eq!(floor.state("r1"), ItemState::InWorkflow);
    floor.world.advance(30 * SECOND);
    assert_eq!(floor.state("r1"), ItemState::Queued);
    floor.send(starting(submission("r2", "loans"), start.plus_ms(2 * HOUR)));
    floor.world.cancel("core", "r2").expect("cancelled");
    assert_eq!(floor.item("r2").flow, None, "it had not begun");
}

#[test]
fn the_queue_is_behind_the_entrance() {
    let mut floor = floor(LIMITED);
    floor.sign_in(ANNA);
    floor.entrance("loans", EntranceVerb::Close);
    floor.post("r1");
    assert_eq!(floor.state("r1"), ItemState::Buffered);
    floor.world.advance(HOUR);
    assert_eq!(
        floor.state("r1"),
        ItemState::Buffered,
        "its maximum wait does not run"
    );
    floor.entrance("loans", EntranceVerb::Open);
    assert_eq!(floor.state("r1"), ItemState::Queued);
    assert_eq!(floor.rings_at(ANNA), [1]);
}

#[test]
fn the_maximum_wait_leads_on_and_a_transfer_changes_the_service() {
    let mut floor = floor(LIMITED);
    floor.post("r1");
    floor.world.advance(10 * MINUTE);
    let item = floor.item("r1");
    let claims = floor.world.service("claims").id;
    assert_eq!((item.state, item.service), (ItemState::Queued, claims));
    assert_eq!(item.flow, None);
    assert_eq!(
        journal_from(&floor, "r1", 4),
        [
            "maximumWaitOver",
            "stageEntered",
            "transferredByWorkflow",
            "workflowFinished"
        ]
    );
    let store = floor.world.engine.store();
    let stays = store.service_sessions(item.sequence);
    assert_eq!(stays[0].result, ServiceResult::TransferredByWorkflow);
    floor.sign_in(BO);
    assert_eq!(floor.rings_at(BO), [1]);
}

#[test]
fn a_full_buffer_refuses_a_transfer_and_the_workflow_goes_the_other_way() {
    let stages = "<event on='received'><transfer service='claims'><ok goto='ok'/>\
        <failed goto='f'/></transfer></event>\
        <event on='goto' name='ok'><finish/></event>\
        <event on='goto' name='f'><alert to='supervisor' text='full'/><queue/><finish/></event>";
    let mut floor = bank(&[workflow("test", stages)]);
    let mut policy = (*floor.world.policy).clone();
    let bank = Arc::make_mut(policy.tenants.get_mut("bank").expect("it is there"));
    Arc::make_mut(bank.services.get_mut("claims").expect("it is there")).buffer_items_max = 1;
    floor.world.reload(policy).expect("a good policy");
    floor.entrance("claims", EntranceVerb::Close);
    floor.post("r1");
    assert_eq!(floor.state("r1"), ItemState::Buffered);
    floor.post("r2");
    let item = floor.item("r2");
    let loans = floor.world.service("loans").id;
    assert_eq!((item.state, item.service), (ItemState::Queued, loans));
    assert_eq!(shown(&floor, "r2"), ["full"]);
    let why = datum(&floor, "r2", JournalEvent::TransferFailed, "code");
    assert_eq!(why.as_deref(), Some("bufferFull"));
}

#[test]
fn an_offer_that_rings_is_taken_back_when_the_workflow_leaves_the_queue() {
    let mut floor = floor(LIMITED);
    floor.sign_in(ANNA);
    floor.world.advance(0);
    floor.world.now = floor.world.now.plus_ms(0);
    floor.post("r1");
    assert_eq!(floor.rings_at(ANNA), [1]);
    floor
        .act(ANNA, "r1", ItemVerb::Decline { offer: None })
        .expect("declined");
    assert_eq!(floor.state("r1"), ItemState::InWorkflow);
    assert!(rings_nowhere(&floor, &[ANNA, BO]));
    assert_eq!(floor.results("r1"), [(ANNA, Some(AgentResult::Declined))]);
    floor.world.advance(MINUTE);
    let outcome = floor.item("r1").ended.expect("it has ended").outcome;
    assert_eq!(outcome, Outcome::HandledByWorkflow);
}

#[test]
fn a_colleague_at_whom_it_rings_in_the_same_turn_loses_the_offer_too() {
    let mut floor = floor(LIMITED);
    floor.sign_in(ANNA);
    floor.sign_in(BO);
    floor.post("r1");
    let first = if floor.rings_at(ANNA) == [1] {
        ANNA
    } else {
        BO
    };
    floor
        .act(first, "r1", ItemVerb::Decline { offer: None })
        .expect("declined");
    assert_eq!(floor.state("r1"), ItemState::InWorkflow);
    assert!(rings_nowhere(&floor, &[ANNA, BO]));
}

#[test]
fn requeueing_gives_the_rest_of_the_maximum_wait() {
    let mut floor = floor(LIMITED);
    floor.sign_in(ANNA);
    floor.world.advance(0);
    floor.presence(ANNA, crate::domain::agent::Presence::Offline);
    floor.post("r1");
    floor.world.advance(6 * MINUTE);
    floor.sign_in(ANNA);
    floor.accept(ANNA, "r1");
    floor.world.advance(HOUR);
    floor.act(ANNA, "r1", requeue()).expect("back in the queue");
    floor.presence(ANNA, crate::domain::agent::Presence::Offline);
    floor.world.advance(4 * MINUTE - SECOND);
    assert!(floor.item("r1").flow.is_some());
    floor.world.advance(SECOND);
    assert_eq!(floor.item("r1").flow, None);
}

#[test]
fn a_cancelling_workflow_takes_the_item_out_of_an_agents_hands() {
    let stages = "<event on='received'><queue/><finish/></event>\
        <event on='elapsed' after='PT1H'><cancel reason='too old'/></event>";
    let mut floor = floor(stages);
    floor.sign_in(ANNA);
    floor.post("r1");
    floor.accept(ANNA, "r1");
    floor.world.advance(HOUR);
    let item = floor.item("r1");
    assert_eq!(
        item.ended.expect("it has ended").outcome,
        Outcome::CancelledByWorkflow
    );
    assert_eq!(floor.agent_state(ANNA), "wrapUp");
    assert_eq!(floor.results("r1"), [(ANNA, Some(AgentResult::Cancelled))]);
    let refused = floor.act(ANNA, "r1", end_as("done"));
    assert_eq!(refused.expect_err("it has ended").code(), Code::WrongState);
}

#[test]
fn the_senders_cancel_ends_the_workflow_unless_it_has_a_stage_for_it() {
    let mut floor = floor(WAITS);
    floor.post("r1");
    floor.world.cancel("core", "r1").expect("cancelled");
    let item = floor.item("r1");
    assert_eq!((item.state, item.flow.is_none()), (ItemState::Ended, true));
    let stages = "<event on='received'><queue/><finish/></event>\
        <event on='cancelled'><alert to='backoffice' text='gone'/><wait for='P1D'/><finish/></event>";
    let mut floor = self::floor(stages);
    floor.post("r1");
    floor.world.cancel("core", "r1").expect("cancelled");
    assert_eq!(shown(&floor, "r1"), ["gone"]);
    floor.world.restart();
    floor.world.advance(24 * HOUR);
    let item = floor.item("r1");
    assert_eq!(item.flow, None, "it has outlived the item, and the restart");
    let outcome = item.ended.expect("it has ended").outcome;
    assert_eq!(outcome, Outcome::CancelledByExternalSystem);
}

#[test]
fn skills_are_relaxed_and_agents_preferred() {
    let stages = "<event on='received'><queueToAgent agent='bo' required='true' maxWait='PT5M'>\
        <ended goto='done'/><expired goto='all'/></queueToAgent></event>\
        <event on='goto' name='all'><relaxSkills/><queue/><goto name='done'/></event>\
        <event on='goto' name='done'><finish/></event>";
    let mut floor = floor(stages);
    floor.sign_in(ANNA);
    let mut sent = submission("r1", "loans");
    sent.content.skills = vec![SkillRequirement {
        name: "swedish".to_owned(),
        level: 3,
        optional: false,
    }];
    floor.send(of_content(sent.content));
    assert!(rings_nowhere(&floor, &[ANNA]));
    floor.world.advance(5 * MINUTE);
    assert_eq!(floor.item("r1").wish, None, "it asks for nobody any longer");
    assert_eq!(floor.rings_at(ANNA), [1]);
    let journal = floor.journal("r1");
    assert!(
        !journal.contains(&JournalEvent::TakenByWorkflow),
        "it keeps its place"
    );
}

#[test]
fn an_agent_who_declines_what_is_for_them_alone_leaves_it_to_others() {
    let stages = "<event on='received'><queueToAgent agent='anna' required='true'>\
        <declined goto='all'/></queueToAgent><finish/></event>\
        <event on='goto' name='all'><queue/><finish/></event>";
    let mut floor = floor(stages);
    floor.sign_in(ANNA);
    floor.sign_in(BO);
    floor.send(preferring("r1", "sue", false));
    assert_eq!(floor.rings_at(ANNA), [1]);
    let decline = ItemVerb::Decline { offer: None };
    floor.act(ANNA, "r1", decline).expect("declined");
    let wish = floor.item("r1").wish.expect("its sender prefers sue");
    assert_eq!(
        (wish.preferred[0].name.as_str(), wish.required),
        ("sue", false)
    );
    assert_eq!(floor.rings_at(BO), [1], "sue is not there");
}

#[test]
fn contact_data_is_set_and_looked_at() {
    let stages = "<event on='received'><setContactData key='step' value='two'/>\
        <check when=\"data.step == 'two' &amp;&amp; has(data.workItemTask)\"><then goto='y'/></check>\
        <cancel/></event><event on='goto' name='y'><setPriority to='8'/><queue/><finish/></event>";
    let mut floor = floor(stages);
    floor.post("r1");
    let item = floor.item("r1");
    assert_eq!((item.state, item.priority.value()), (ItemState::Queued, 8));
    let mut store = floor.world.engine.store().crash();
    let content = store
        .content(item.sequence)
        .expect("memory")
        .expect("it has content");
    let step = content
        .contact_data
        .iter()
        .find(|datum| datum.key == "step");
    assert_eq!(step.expect("it is set").value, "two");
}

#[test]
fn a_dry_run_says_where_the_item_would_stand_and_leaves_nothing() {
    let mut floor = floor(PLAIN);
    let mut dry = submission("r1", "loans");
    dry.dry_run = true;
    let receipt = floor.world.submit(dry).expect("it would be taken");
    assert_eq!((receipt.state, receipt.id), (ItemState::Queued, None));
    assert_eq!(floor.world.engine.store().rows().count(), 0);
    assert_eq!(floor.world.queue("loans"), [0; 0]);
}

#[test]
fn an_item_that_is_queued_already_is_told_as_queued_once() {
    let stages = "<event on='received'><queue/><finish/></event>\
        <event on='updated'><goto name='again'/></event>\
        <event on='goto' name='again'><queue/><finish/></event>";
    let mut floor = floor(stages);
    floor.sign_in(ANNA);
    floor.post("r1");
    let offers = floor.rings_at(ANNA);
    let change = |title: &str| Changes {
        title: Some(title.to_owned()),
        ..Changes::default()
    };
    floor
        .world
        .update(update("r1", change("one")))
        .expect("changed");
    floor.world.settle().expect("no fault is planned");
    assert_eq!(floor.rings_at(ANNA), offers, "it goes on ringing");
    floor.accept(ANNA, "r1");
    floor
        .world
        .update(update("r1", change("two")))
        .expect("changed");
    floor.world.settle().expect("no fault is planned");
    assert_eq!(
        floor.state("r1"),
        ItemState::Connected,
        "it stays in anna's hands"
    );
    floor.end(ANNA, "r1").expect("ended");
    let journal = floor.journal("r1");
    let queued = journal
        .iter()
        .filter(|it| **it == JournalEvent::QueuedByWorkflow);
    assert_eq!(queued.count(), 1);
    assert_eq!(floor.item("r1").flow, None);
}
