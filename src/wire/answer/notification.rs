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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::domain::answer::Status;
    use crate::domain::ids::{ItemId, SenderId, Sequence};
    use crate::domain::item::ItemState;
    use crate::domain::notification::{Attempts, Notification, NotificationEvent, NotificationId};
    use crate::domain::outcome::Outcome;
    use crate::domain::time::Timestamp;
    use crate::wire::answer::write_notification;

    const NOON: Timestamp = Timestamp(1_795_176_000_000);

    fn notification(event: NotificationEvent) -> Notification {
        Notification {
            id: NotificationId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
            item: Sequence(1),
            number: 2,
            sender: SenderId(1),
            event,
            at: NOON,
            status: Status {
                id: ItemId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002)),
                reference: "loan<1>".to_owned(),
                state: ItemState::Ended,
                version: 2,
                received_at: NOON,
                stored_at: NOON,
                service: "loans".to_owned(),
                reason: None,
                opens_at: None,
                position: None,
                not_before: None,
                due_by: None,
                expires_at: None,
                queued_at: Some(NOON),
                accepted_at: None,
                ended_at: Some(NOON),
                attempts: 0,
                outcome: Some(Outcome::CancelledBySupervisor),
                result: None,
                note: None,
            },
            traceparent: None,
            attempts: Attempts::default(),
            next_at: Some(NOON),
        }
    }

    fn written(event: NotificationEvent) -> String {
        let mut out = Vec::new();
        write_notification(&notification(event), &mut out);
        String::from_utf8(out).expect("it is UTF-8")
    }

    #[test]
    fn a_notification_holds_the_status_of_its_item() {
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <notification xmlns=\"urn:anteroom:work-item:1\" \
            id=\"01900000-0000-7000-8000-000000000001\" sequence=\"2\" event=\"cancelled\">\n  \
              <status id=\"01900000-0000-7000-8000-000000000002\" reference=\"loan&lt;1&gt;\" \
              state=\"ended\" version=\"2\" receivedAt=\"2026-11-20T12:00:00.000Z\" \
              storedAt=\"2026-11-20T12:00:00.000Z\">\n    \
                <service>loans</service>\n    \
                <queuedAt>2026-11-20T12:00:00.000Z</queuedAt>\n    \
                <endedAt>2026-11-20T12:00:00.000Z</endedAt>\n    \
                <attempts>0</attempts>\n    \
                <outcome code=\"21\" group=\"cancelled\" handled=\"false\">\
                cancelledBySupervisor</outcome>\n  \
              </status>\n\
            </notification>\n";
        assert_eq!(written(NotificationEvent::Cancelled), expected);
    }

    #[test]
    fn a_workflows_notification_has_its_name() {
        let event = NotificationEvent::Workflow {
            name: "called".to_owned(),
        };
        assert!(written(event).contains(" event=\"workflow\" name=\"called\">"));
    }
}
