//! `status`, `statuses` and `services`.

use crate::domain::answer::{EntranceStatus, ServiceStatus, Status};

use super::receipt::estimated_wait;
use super::writer::Writer;
use super::{Level, open, root};

pub(super) fn status(writer: &mut Writer<'_>, status: &Status, level: Level) {
    open(writer, "status", level);
    writer.attribute_id("id", status.id);
    // Empty once the item was anonymised.
    if !status.reference.is_empty() {
        writer.attribute("reference", &status.reference);
    }
    writer.attribute("state", status.state.name());
    writer.attribute_number("version", status.version);
    writer.attribute_time("receivedAt", status.received_at);
    writer.attribute_time("storedAt", status.stored_at);
    writer.leaf("service", &status.service);
    if let Some(reason) = status.reason {
        writer.leaf("reason", reason.name());
    }
    if let Some(opens_at) = status.opens_at {
        writer.leaf_time("opensAt", opens_at);
    }
    if let Some(position) = status.position {
        writer.leaf_number("position", position);
    }
    let times = [
        ("dueBy", status.due_by),
        ("expiresAt", status.expires_at),
        ("notBefore", status.not_before),
        ("queuedAt", status.queued_at),
        ("acceptedAt", status.accepted_at),
        ("endedAt", status.ended_at),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            writer.leaf_time(name, time);
        }
    }
    writer.leaf_number("attempts", status.attempts);
    if let Some(outcome) = status.outcome {
        writer.start("outcome");
        writer.attribute_number("code", outcome.code());
        writer.attribute("group", outcome.group());
        writer.attribute_bool("handled", outcome.handled());
        writer.text(outcome.name());
        writer.end("outcome");
    }
    if let Some(result) = &status.result {
        writer.leaf("result", result);
    }
    if let Some(note) = &status.note {
        writer.leaf("note", note);
    }
    writer.end("status");
}

pub(super) fn statuses(writer: &mut Writer<'_>, statuses: &[Status], next: Option<&str>) {
    root(writer, "statuses");
    if let Some(next) = next {
        writer.attribute("next", next);
    }
    for one in statuses {
        status(writer, one, Level::Listed);
    }
    writer.end("statuses");
}

pub(super) fn services(writer: &mut Writer<'_>, services: &[ServiceStatus]) {
    root(writer, "services");
    for service in services {
        writer.start("service");
        writer.attribute("name", &service.name);
        writer.leaf("title", &service.title);
        entrance(writer, &service.entrance);
        writer.leaf_number("queued", service.queued);
        writer.leaf_number("buffered", service.buffered);
        if let Some(wait) = &service.estimated_wait {
            estimated_wait(writer, wait);
        }
        writer.end("service");
    }
    writer.end("services");
}

fn entrance(writer: &mut Writer<'_>, entrance: &EntranceStatus) {
    writer.start("entrance");
    writer.attribute("state", entrance.state_name());
    for reason in &entrance.reasons {
        writer.leaf("reason", reason.name());
    }
    // Open, and yet what is sent now is buffered behind older items.
    if entrance.reasons.is_empty() && entrance.releasing {
        writer.leaf("reason", "releasing");
    }
    if let Some(opens_at) = entrance.opens_at {
        writer.leaf_time("opensAt", opens_at);
    }
    writer.end("entrance");
}
