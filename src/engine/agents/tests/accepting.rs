//! Offers: ring, accept, decline, leave unanswered.

use super::*;
use crate::domain::distribution::Mode;
use crate::engine::agents::command::ActOnItem;

#[test]
fn a_queued_item_rings_at_the_agent_and_keeps_its_row() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    let item = floor.item("a");
    assert_eq!((item.state, item.version), (ItemState::Queued, 1));
    assert_eq!(floor.rings_at(ANNA), [1]);
    assert_eq!(floor.agent_state(ANNA), "ringing");
    assert_eq!(floor.results("a"), [(ANNA, None)]);
    assert_eq!(floor.journal("a"), [JournalEvent::Received]);
}

#[test]
fn acceptance_connects_and_its_repeat_gets_the_same_session() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    let session = floor.accept(ANNA, "a");
    let item = floor.item("a");
    assert_eq!(item.state, ItemState::Connected);
    assert_eq!((item.attempts, item.version), (1, 2));
    assert_eq!(item.accepted_at, Some(floor.world.now));
    assert_eq!(floor.accept(ANNA, "a"), session);
    let again = ItemVerb::Accept {
        offer: Some(session),
    };
    let repeated = floor.act(ANNA, "a", again).expect("a repeat");
    assert_eq!((repeated.version, repeated.session), (2, Some(session)));
    assert_eq!(floor.agent_state(ANNA), "connected");
    let lines = [JournalEvent::Received, JournalEvent::Accepted];
    assert_eq!(floor.journal("a"), lines);
    assert_eq!(floor.audited()[0], ("item.accept", Some(ANNA)));
}

#[test]
fn exactly_one_accept_of_a_broadcast_wins() {
    let mut floor = Floor::with(|loans| loans.distribution.mode = Mode::Broadcast, |_| {});
    floor.sign_in(ANNA);
    floor.sign_in(BO);
    floor.post("a");
    assert_eq!(
        (floor.rings_at(ANNA), floor.rings_at(BO)),
        (vec![1], vec![1])
    );
    let item = floor.item("a").id;
    let accept = |user| {
        let (reply, answer) = oneshot::channel();
        let verb = ItemVerb::Accept { offer: None };
        let act = ActOnItem {
            by: by(user),
            item,
            verb,
        };
        (Command::Act(Box::new(act), reply), answer)
    };
    let (first, mut first_answer) = accept(BO);
    let (second, mut second_answer) = accept(ANNA);
    floor.world.turn(vec![first, second]).expect("no fault");
    floor.world.settle().expect("no fault");
    assert!(first_answer.try_recv().expect("answered").is_ok());
    let lost = second_answer.try_recv().expect("answered");
    assert_eq!(refused_in(lost), Some(ItemState::Connected));
    let mut results = floor.results("a");
    results.sort();
    let rescinded = Some(AgentResult::Rescinded);
    assert_eq!(results, [(ANNA, rescinded), (BO, None)]);
    let item = floor.item("a");
    assert_eq!(
        (item.attempts, item.holder.map(|it| it.agent)),
        (1, Some(BO))
    );
    assert_eq!(floor.agent_state(ANNA), "ready");
}

#[test]
fn a_declined_item_goes_to_somebody_else_first() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.sign_in(BO);
    let decline = ItemVerb::Decline { offer: None };
    floor.act(ANNA, "a", decline.clone()).expect("declined");
    assert_eq!(floor.rings_at(BO), [1]);
    assert_eq!(floor.rings_at(ANNA), [0_u64; 0]);
    let repeated = floor.act(ANNA, "a", decline).expect("a repeat");
    assert_eq!(repeated.version, 2);
    assert_eq!(floor.item("a").attempts, 1);
    let lines = [JournalEvent::Received, JournalEvent::Declined];
    assert_eq!(floor.journal("a"), lines);
}

#[test]
fn an_unanswered_offer_blocks_its_agent_until_it_says_ready() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    floor.world.advance(RINGS);
    assert_eq!(floor.agent_state(ANNA), "noAnswer");
    assert_eq!(floor.rings_at(ANNA), [0_u64; 0]);
    assert_eq!(floor.results("a"), [(ANNA, Some(AgentResult::NoAnswer))]);
    let ready = SetState {
        ready: true,
        ..SetState::of(by(ANNA), ANNA)
    };
    floor.set(ANNA, ready).expect("one may be ready");
    assert_eq!(floor.rings_at(ANNA), [1]);
    let late = ItemVerb::Accept {
        offer: Some(floor.sessions("a")[0].offer),
    };
    assert_eq!(
        refused_in(floor.act(ANNA, "a", late)),
        Some(ItemState::Offered)
    );
}

#[test]
fn nobody_else_can_accept_what_rings_at_an_agent() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.post("a");
    let accept = ItemVerb::Accept { offer: None };
    assert_eq!(code(floor.act(BO, "a", accept.clone())), Code::UnknownItem);
    assert_eq!(code(floor.act(SUE, "a", accept)), Code::NotAuthorised);
    assert_eq!(floor.rings_at(ANNA), [1]);
}

#[test]
fn agents_take_items_of_a_pickup_service_from_its_list() {
    let mut floor = Floor::with(|loans| loans.distribution.mode = Mode::Pickup, |_| {});
    floor.sign_in(ANNA);
    floor.post("a");
    floor.post("b");
    assert_eq!(floor.rings_at(ANNA), [0_u64; 0]);
    let taken = floor.act(ANNA, "b", ItemVerb::Take).expect("taken");
    assert_eq!(taken.state, ItemState::Connected);
    let again = floor.act(ANNA, "b", ItemVerb::Take).expect("a repeat");
    assert_eq!(again.session, taken.session);
    let full = floor.act(ANNA, "a", ItemVerb::Take);
    assert_eq!(code(full), Code::CapacityFull);
    assert_eq!(
        refused_in(floor.act(BO, "b", ItemVerb::Take)),
        Some(ItemState::Connected)
    );
    floor.end(ANNA, "b").expect("ended");
}

#[test]
fn preferred_agents_go_first_and_required_ones_alone() {
    let mut floor = Floor::signed_in(&[ANNA, BO]);
    floor.send(preferring("a", "bo", false));
    assert_eq!(floor.rings_at(BO), [1]);
    floor.send(preferring("b", "bo", true));
    floor.world.advance(RINGS);
    assert_eq!(floor.rings_at(ANNA), [1], "the first one went elsewhere");
    floor.world.advance(10 * MINUTE);
    assert_eq!(floor.state("b"), ItemState::Queued);
    assert!(
        floor
            .sessions("b")
            .iter()
            .all(|session| session.agent == BO)
    );
}

#[test]
fn an_item_for_a_name_that_nobody_has_yet_waits_for_it() {
    let mut floor = Floor::signed_in(&[ANNA, BO]);
    floor.send(preferring("a", "cleo", true));
    assert_eq!(floor.sessions("a"), []);
    floor.add("cleo", Role::Agent, &["loans"]);
    floor.sign_in_to_loans(UserId(4));
    assert_eq!(floor.rings_at(UserId(4)), [1]);
}

impl Floor {
    fn sign_in_to_loans(&mut self, user: UserId) {
        let state = SetState {
            presence: Some(Presence::Online),
            active: [("loans".to_owned(), true)].into(),
            ..SetState::of(by(user), user)
        };
        self.set(user, state).expect("one may sign in");
    }
}

#[test]
fn agents_without_room_or_away_or_inactive_are_offered_nothing() {
    let mut floor = Floor::signed_in(&[ANNA]);
    floor.presence(ANNA, Presence::Away);
    floor.post("a");
    assert_eq!(floor.rings_at(ANNA), [0_u64; 0]);
    floor.presence(ANNA, Presence::Online);
    assert_eq!(floor.rings_at(ANNA), [1]);
    let not_available = SetState {
        not_available: Some(Some("lunch".to_owned())),
        ..SetState::of(by(ANNA), ANNA)
    };
    floor.set(ANNA, not_available).expect("one may lunch");
    assert_eq!(floor.rings_at(ANNA), [0_u64; 0]);
    let lunch = AgentState::NotAvailable {
        reason: "lunch".to_owned(),
    };
    assert_eq!(floor.agent(ANNA).state, lunch);
}
