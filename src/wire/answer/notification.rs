//! `notification`.

use crate::domain::notification::Notification;

use super::writer::Writer;
use super::{Level, root, status};

pub(super) fn notification(writer: &mut Writer<'_>, notification: &Notification) {
    root(writer, "notification");
    writer.attribute("id", &notification.id.to_string());
    writer.attribute_number("sequence", notification.number);
    writer.attribute("event", notification.event.kind().name());
    if let Some(name) = notification.event.workflow_name() {
        writer.attribute("name", name);
    }
    status::status(writer, &notification.status, Level::Listed);
    writer.end("notification");
}
