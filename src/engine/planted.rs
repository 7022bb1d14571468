//! Faults planted in a store or an engine, to show that the simulator's invariants see them.

use std::sync::Arc;

use crate::domain::flow::Rest;
use crate::domain::follow_up::{FollowUp, FollowUpId};
use crate::domain::ids::{ItemId, Priority, Sequence, UserId};
use crate::domain::item::Item;
use crate::domain::notification::{Notification, NotificationId};
use crate::domain::session::AgentSession;
use crate::domain::time::Timestamp;
use crate::domain::workflow::WorkflowDigest;
use crate::store::memory::MemoryStore;
use crate::store::{Batch, Store, StoreError, WorkflowSource};

use super::Engine;
use super::invariants::check_places;
use super::simulator::first_life_that_sees;
use super::simulator::setting::full_policy;
use super::simulator::twins::first_twins_that_differ;
use super::turn::Turn;
use super::world::{World, submission};

/// A fault of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plant {
    /// An offer takes no unit of its agent's capacity.
    LostDecrement,
    /// A requeued item goes to the end of its queue.
    RequeueElsewhere,
    /// The times of workflows are not read back when the core is made anew.
    FlowTimersForgotten,
    /// What happened is answered first, and its workflow hears of it in the next turn.
    StepAfterAnswer,
    /// Buttons stay when their stage is left.
    ButtonsKept,
    /// The maximum wait in a queue goes on in an agent's hands.
    WaitCountedInHands,
}

impl<S: Store> Engine<S> {
    /// Plants a fault for the rest of this engine's life.
    pub(super) fn plant(&mut self, plant: Plant) {
        self.planted = Some(plant);
        let distribution = self.core.distribution_mut();
        distribution.offers_take_no_unit = plant == Plant::LostDecrement;
    }

    /// Whether the times of workflows are left in the store, if that is the fault.
    pub(super) fn forgets_flow_timers(&self) -> bool {
        self.planted == Some(Plant::FlowTimersForgotten)
    }

    /// Exchanges what this turn's workflows should hear for what they should have heard in the last
    /// one, if that is the fault.
    pub(super) fn hear_late_if_planted(&mut self, turn: &mut Turn) {
        if self.planted == Some(Plant::StepAfterAnswer) {
            std::mem::swap(&mut self.heard_late, &mut turn.heard);
            for heard in &mut turn.heard {
                heard.row = self
                    .store
                    .items(&[heard.sequence])
                    .ok()
                    .and_then(|mut it| it.pop());
            }
        }
    }

    /// Whether buttons stay when their stage is left, if that is the fault.
    pub(super) fn keeps_buttons(&self) -> bool {
        self.planted == Some(Plant::ButtonsKept)
    }

    /// Lets the clock of a queue go on in an agent's hands, if that is the fault.
    pub(super) fn count_on_if_planted(&self, before: &Item, after: &mut Item) {
        let Some(flow) = &mut after.flow else { return };
        let was = before.flow.as_ref().map(|flow| flow.rest);
        if let (Rest::Queued { since: None, .. }, Some(was @ Rest::Queued { .. })) =
            (flow.rest, was)
            && self.planted == Some(Plant::WaitCountedInHands)
        {
            Arc::make_mut(flow).rest = was;
        }
    }

    /// Gives a requeued row a place of its own, if that is the fault.
    pub(super) fn displace_if_planted(&self, row: &mut Item) {
        if self.planted == Some(Plant::RequeueElsewhere) {
            row.priority = Priority::new(0).expect("0 to 9");
        }
    }
}

/// A store with a planted fault, to show that the invariants see it.
struct Faulty {
    store: MemoryStore,
    fault: StorePlant,
}

#[derive(Debug, Clone, Copy)]
enum StorePlant {
    /// Says a commit succeeded that never happened: a receipt before its commit.
    ReceiptBeforeCommit,
    /// Reads items back with their priorities forgotten: a wrong order after a restart.
    OrderLost,
    /// Reads only half of the items back.
    ItemsForgotten,
}

impl Store for Faulty {
    fn number(&mut self, names: &crate::store::Names) -> Result<crate::store::Numbers, StoreError> {
        self.store.number(names)
    }
    fn sweep(&mut self) -> Result<(), StoreError> {
        self.store.sweep()
    }
    fn resume(&mut self) -> Result<crate::store::Resume, StoreError> {
        self.store.resume()
    }
    fn people(&mut self) -> Result<crate::store::people::PeopleRows, StoreError> {
        self.store.people()
    }
    fn open_items(
        &mut self,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<crate::store::OpenItem>, StoreError> {
        let mut items = self.store.open_items(after, limit)?;
        match self.fault {
            StorePlant::OrderLost => items
                .iter_mut()
                .for_each(|item| item.priority = Priority::DEFAULT),
            StorePlant::ItemsForgotten => items.retain(|item| item.sequence.0.is_multiple_of(2)),
            StorePlant::ReceiptBeforeCommit => {}
        }
        Ok(items)
    }
    fn items(&mut self, sequences: &[Sequence]) -> Result<Vec<Item>, StoreError> {
        self.store.items(sequences)
    }
    fn find_id(&mut self, id: ItemId) -> Result<Option<Item>, StoreError> {
        self.store.find_id(id)
    }
    fn find_reference(
        &mut self,
        sender: crate::domain::ids::SenderId,
        reference: &str,
    ) -> Result<Option<crate::store::KnownReference>, StoreError> {
        self.store.find_reference(sender, reference)
    }
    fn find_related(
        &mut self,
        tenant: crate::domain::ids::TenantId,
        name: &str,
    ) -> Result<Option<Sequence>, StoreError> {
        self.store.find_related(tenant, name)
    }
    fn agent_sessions(&mut self, sequence: Sequence) -> Result<Vec<AgentSession>, StoreError> {
        self.store.agent_sessions(sequence)
    }

    fn ringing(&mut self) -> Result<Vec<AgentSession>, StoreError> {
        self.store.ringing()
    }

    fn held_by(&mut self, agent: UserId) -> Result<Vec<Sequence>, StoreError> {
        self.store.held_by(agent)
    }

    fn traceparent(&mut self, sequence: Sequence) -> Result<Option<String>, StoreError> {
        self.store.traceparent(sequence)
    }

    fn content(
        &mut self,
        sequence: Sequence,
    ) -> Result<Option<crate::domain::content::Content>, StoreError> {
        self.store.content(sequence)
    }
    fn find_request(
        &mut self,
        sequence: Sequence,
        request_id: &str,
    ) -> Result<Option<crate::store::AnsweredRequest>, StoreError> {
        self.store.find_request(sequence, request_id)
    }
    fn next_notifications(&mut self, per_sender: usize) -> Result<Vec<Notification>, StoreError> {
        self.store.next_notifications(per_sender)
    }
    fn parked_notifications(
        &mut self,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError> {
        self.store.parked_notifications(after, limit)
    }
    fn flow_timers(
        &mut self,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<(Sequence, Timestamp)>, StoreError> {
        self.store.flow_timers(after, limit)
    }
    fn workflow(&mut self, digest: WorkflowDigest) -> Result<Option<WorkflowSource>, StoreError> {
        self.store.workflow(digest)
    }
    fn follow_up(&mut self, id: FollowUpId) -> Result<Option<FollowUp>, StoreError> {
        self.store.follow_up(id)
    }
    fn open_follow_ups(&mut self, sequence: Sequence) -> Result<Vec<FollowUp>, StoreError> {
        self.store.open_follow_ups(sequence)
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        match self.fault {
            StorePlant::ReceiptBeforeCommit => Ok(()),
            StorePlant::OrderLost | StorePlant::ItemsForgotten => self.store.commit(batch),
        }
    }
    fn probe(&mut self) -> Result<(), StoreError> {
        self.store.probe()
    }
    fn tidy(&mut self) -> Result<bool, StoreError> {
        self.store.tidy()
    }
}

/// Submits items of mixed priority, restarts, and checks as the simulator does.
fn life_with(fault: StorePlant) {
    let start = Timestamp(super::world::MIDNIGHT);
    let store = Faulty {
        store: MemoryStore::new(),
        fault,
    };
    let mut world = World::over(store, full_policy(), start);
    let mut ids = Vec::new();
    for (number, priority) in [5, 9, 1, 7].into_iter().enumerate() {
        let submission = submission(&format!("r{number}"), "loans");
        let submission = super::world::with_priority(submission, priority);
        ids.push(world.submit(submission).expect("taken").id.expect("named"));
    }
    let store = Faulty {
        store: world.engine.store().store.crash(),
        fault,
    };
    let world = World::over(store, full_policy(), start);
    let rows: Vec<Item> = world.engine.store().store.rows().cloned().collect();
    let found: Vec<ItemId> = rows.iter().map(|row| row.id).collect();
    assert_eq!(found, ids, "every receipt has its item");
    check_places(&world, &rows);
}

#[test]
fn planted_faults_are_each_caught() {
    for fault in [
        StorePlant::ReceiptBeforeCommit,
        StorePlant::OrderLost,
        StorePlant::ItemsForgotten,
    ] {
        let caught = std::panic::catch_unwind(|| life_with(fault)).is_err();
        assert!(caught, "{fault:?} was not seen");
    }
}

#[test]
fn a_lost_decrement_of_capacity_is_seen_by_a_life() {
    assert_ne!(first_life_that_sees(Plant::LostDecrement), None);
}

#[test]
fn a_requeue_at_a_new_place_is_seen_by_a_life() {
    assert_ne!(first_life_that_sees(Plant::RequeueElsewhere), None);
}

#[test]
fn a_time_of_a_workflow_that_a_restart_forgets_is_seen() {
    assert_ne!(first_life_that_sees(Plant::FlowTimersForgotten), None);
}

#[test]
fn a_step_that_is_written_after_the_answer_is_seen_by_twins() {
    assert_ne!(first_twins_that_differ(Plant::StepAfterAnswer), None);
}

#[test]
fn a_button_that_outlives_its_stage_is_seen_by_a_life() {
    assert_ne!(first_life_that_sees(Plant::ButtonsKept), None);
}

#[test]
fn a_maximum_wait_that_goes_on_in_hands_is_seen_by_a_life() {
    assert_ne!(first_life_that_sees(Plant::WaitCountedInHands), None);
}
