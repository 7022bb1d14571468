//! What must hold between any two steps of a life, seen by the rows and the core alone.

use crate::domain::ids::Sequence;
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::{JournalEntry, JournalEvent};
use crate::store::Store;

use super::simulator::setting::SMALL_BUFFER;
use super::world::World;

/// Whether a line says that the item has ended.
pub(super) fn ends(line: &JournalEntry) -> bool {
    match line.event {
        // A workflow may be over without its item.
        JournalEvent::WorkflowFinished => line.data.iter().any(|(name, _)| *name == "outcome"),
        JournalEvent::Expired
        | JournalEvent::CancelledByExternalSystem
        | JournalEvent::CancelledBySupervisor
        | JournalEvent::CancelledByWorkflow
        | JournalEvent::EndedByUser => true,
        JournalEvent::Received
        | JournalEvent::StartReached
        | JournalEvent::Released
        | JournalEvent::Updated
        | JournalEvent::Accepted
        | JournalEvent::Declined
        | JournalEvent::NoAnswer
        | JournalEvent::Rescinded
        | JournalEvent::Parked
        | JournalEvent::Resumed
        | JournalEvent::ParkingOver
        | JournalEvent::Requeued
        | JournalEvent::Transferred
        | JournalEvent::TransferFailed
        | JournalEvent::AgentLost
        | JournalEvent::TakenFromAgent
        | JournalEvent::Reassigned
        | JournalEvent::Reprioritised
        | JournalEvent::Edited
        | JournalEvent::Reopened
        | JournalEvent::StageEntered
        | JournalEvent::WorkflowWaits
        | JournalEvent::QueuedByWorkflow
        | JournalEvent::MaximumWaitOver
        | JournalEvent::TakenByWorkflow
        | JournalEvent::ForcedIn
        | JournalEvent::SkillsRelaxed
        | JournalEvent::TransferredByWorkflow
        | JournalEvent::ConditionFailed
        | JournalEvent::ActionFailed
        | JournalEvent::AlertShown
        | JournalEvent::AlertSuppressed
        | JournalEvent::AlertAcknowledged
        | JournalEvent::ButtonShown
        | JournalEvent::ButtonPushed
        | JournalEvent::SenderTold
        | JournalEvent::FollowUpStarted
        | JournalEvent::FollowUpRefused
        | JournalEvent::WorkflowStopped => false,
    }
}

/// The core's queues, buffers and counters are those that the rows say, in their order.
pub(super) fn check_places<S: Store>(world: &World<S>, rows: &[Item]) {
    for service in world.engine.core.services() {
        let waiting = |state: ItemState| {
            let mut items: Vec<&Item> = rows
                .iter()
                .filter(|row| row.service == service.id && row.state == state)
                .collect();
            items.sort_by_key(|row| (std::cmp::Reverse(row.priority), row.sequence));
            items
                .into_iter()
                .map(|row| row.sequence)
                .collect::<Vec<Sequence>>()
        };
        let name = &service.name;
        assert_eq!(
            service.queue.iter().collect::<Vec<_>>(),
            waiting(ItemState::Queued),
            "{name}"
        );
        assert_eq!(
            service.buffer.iter().collect::<Vec<_>>(),
            waiting(ItemState::Buffered),
            "{name}"
        );
        assert_eq!(
            service.scheduled,
            waiting(ItemState::Scheduled).len() as u64,
            "{name}"
        );
    }
    for tenant in world.engine.directory.tenant_ids() {
        let of_tenant = rows.iter().filter(|row| row.tenant == tenant);
        let open = of_tenant.filter(|row| row.state.counts_for_fair_use());
        let known = world.engine.core.tenant(tenant);
        let taken = known.map_or(0, |tenant| tenant.fair_use_taken);
        assert_eq!(taken, open.count() as u64);
    }
}

/// No limit is passed, and a buffered item's entrance is closed.
pub(super) fn check_limits<S: Store>(world: &World<S>) {
    for service in world.engine.core.services() {
        let Some(policy) = &service.policy else {
            continue;
        };
        // A reload may have taken the limits beneath what waits already.
        let buffer_max = match service.name.as_ref() {
            "claims" | "office" => 2 * SMALL_BUFFER,
            _ => policy.buffer_items_max,
        };
        let name = &service.name;
        let before = service.buffer.len() as u64 + service.scheduled;
        assert!(before <= u64::from(buffer_max), "{name}");
        assert!(
            service.queue.len() < policy.queue_items_max as usize || !service.entrance.is_open(),
            "{name}: a full queue takes more"
        );
        assert!(
            service.buffer.is_empty() || !service.entrance.is_open(),
            "{}: at rest an open entrance has released everything",
            service.name
        );
    }
}
