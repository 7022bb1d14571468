//! Answers as `schemas/answer.xsd` has them: UTF-8, times in UTC with milliseconds, children in the
//! schema's order.

mod limits;
mod notification;
mod receipt;
mod refused;
mod status;
pub(crate) mod writer;

use crate::domain::answer::Answer;
use crate::domain::notification::Notification;
use crate::wire::message::NAMESPACE;

use self::writer::Writer;

/// Writes the document that answers one message to the end of `out`.
///
/// Ensures: what is written is well-formed whatever the values hold.
pub fn write_answer(answer: &Answer, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    match answer {
        Answer::Receipt(receipt) => receipt::receipt(&mut writer, receipt),
        Answer::Receipts(entries) => receipt::receipts(&mut writer, entries),
        Answer::Status(status) => status::status(&mut writer, status, Level::Root),
        Answer::Statuses { statuses, next } => {
            status::statuses(&mut writer, statuses, next.as_deref());
        }
        Answer::Services(services) => status::services(&mut writer, services),
        Answer::Limits(limits) => limits::limits(&mut writer, limits),
        Answer::Pong { time, version } => {
            root(&mut writer, "pong");
            writer.attribute_time("time", *time);
            writer.attribute("version", version);
            writer.end("pong");
        }
        Answer::Error(refusal) => refused::error(&mut writer, refusal),
    }
}

/// Writes the document that tells a sender of one of its items to the end of `out`: the same on
/// every attempt.
///
/// Ensures: what is written is well-formed whatever the values hold.
pub fn write_notification(notification: &Notification, out: &mut Vec<u8>) {
    notification::notification(&mut Writer::new(out), notification);
}

/// Whether an element is the document or stands in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Listed,
}

/// Opens `name`; only the root declares the namespace.
fn open(writer: &mut Writer<'_>, name: &'static str, level: Level) {
    match level {
        Level::Root => root(writer, name),
        Level::Listed => writer.start(name),
    }
}

fn root(writer: &mut Writer<'_>, name: &'static str) {
    writer.start(name);
    writer.attribute("xmlns", NAMESPACE);
}

#[cfg(test)]
mod tests;
