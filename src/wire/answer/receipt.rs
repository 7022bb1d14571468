//! `receipt` and `receipts`.

use crate::domain::answer::{EntryAnswer, EstimatedWait, Receipt, WaitingReason};

use super::writer::Writer;
use super::{refused, root};

pub(super) fn receipt(writer: &mut Writer<'_>, receipt: &Receipt) {
    root(writer, "receipt");
    body(writer, receipt);
}

pub(super) fn receipts(writer: &mut Writer<'_>, entries: &[EntryAnswer]) {
    root(writer, "receipts");
    for (index, entry) in (1_u64..).zip(entries) {
        match &entry.result {
            Ok(receipt) => {
                writer.start("receipt");
                writer.attribute_number("index", index);
                body(writer, receipt);
            }
            Err(refusal) => {
                let reference = entry.reference.as_deref();
                refused::indexed_error(writer, refusal, index, reference);
            }
        }
    }
    writer.end("receipts");
}

/// All but the start of a `receipt`.
fn body(writer: &mut Writer<'_>, receipt: &Receipt) {
    if let Some(id) = receipt.id {
        writer.attribute_id("id", id);
    }
    writer.attribute("reference", &receipt.reference);
    writer.attribute("state", receipt.state.name());
    // A dry run has no row: neither its version nor the time it was stored.
    if !receipt.dry_run {
        writer.attribute_number("version", receipt.version);
    }
    writer.attribute_bool("duplicate", receipt.duplicate);
    if receipt.dry_run {
        writer.attribute_bool("dryRun", true);
    }
    writer.attribute_time("receivedAt", receipt.received_at);
    if !receipt.dry_run {
        writer.attribute_time("storedAt", receipt.stored_at);
    }
    if let Some(expires_at) = receipt.expires_at {
        writer.attribute_time("expiresAt", expires_at);
    }
    writer.leaf("service", &receipt.service);
    if let Some(reason) = receipt.reason.filter(|reason| keeps_from_queue(*reason)) {
        writer.leaf("reason", reason.name());
    }
    if let Some(opens_at) = receipt.opens_at {
        writer.leaf_time("opensAt", opens_at);
    }
    if let Some(position) = receipt.position {
        writer.leaf_number("position", position);
    }
    if let Some(wait) = &receipt.estimated_wait {
        estimated_wait(writer, wait);
    }
    for warning in &receipt.warnings {
        writer.start("warning");
        writer.attribute("code", warning.code.name());
        writer.text(&warning.message);
        writer.end("warning");
    }
    writer.end("receipt");
}

/// A receipt gives a reason only while the item is not queued; why it waits in the queue stands in
/// its status.
fn keeps_from_queue(reason: WaitingReason) -> bool {
    match reason {
        WaitingReason::Scheduled
        | WaitingReason::InWorkflow
        | WaitingReason::QueueFull
        | WaitingReason::EntranceHeld
        | WaitingReason::EntranceClosed
        | WaitingReason::Releasing => true,
        WaitingReason::NoAgentWithSkills
        | WaitingReason::NoAgentSignedIn
        | WaitingReason::AgentsBusy
        | WaitingReason::PreferredAgentOnly
        | WaitingReason::ServiceRetired => false,
    }
}

/// In whole seconds, rounded up.
pub(super) fn estimated_wait(writer: &mut Writer<'_>, wait: &EstimatedWait) {
    writer.start("estimatedWait");
    writer.attribute_time("computedAt", wait.computed_at);
    writer.text_seconds(wait.wait_ms);
    writer.end("estimatedWait");
}
