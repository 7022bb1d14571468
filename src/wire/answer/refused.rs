//! `error`, alone and as the answer to an entry of a batch.

use crate::domain::code::Retry;
use crate::domain::ids::ItemId;
use crate::domain::refusal::{PROBLEMS_MAX, Place, Problem, Refusal};

use super::root;
use super::writer::Writer;

pub(super) fn error(writer: &mut Writer<'_>, refusal: &Refusal) {
    root(writer, "error");
    body(writer, refusal);
}

pub(super) fn indexed_error(
    writer: &mut Writer<'_>,
    refusal: &Refusal,
    index: u64,
    reference: Option<&str>,
) {
    writer.start("error");
    writer.attribute_number("index", index);
    if let Some(reference) = reference {
        writer.attribute("reference", reference);
    }
    body(writer, refusal);
}

/// All but the start of an `error`.
fn body(writer: &mut Writer<'_>, refusal: &Refusal) {
    fault(writer, &refusal.first, refusal.existing);
    writer.attribute_bool("created", false);
    writer.leaf("message", &refusal.first.message);
    for problem in refusal.further.iter().take(PROBLEMS_MAX) {
        writer.start("problem");
        fault(writer, problem, None);
        writer.text(&problem.message);
        writer.end("problem");
    }
    writer.end("error");
}

/// The attributes of one problem.
fn fault(writer: &mut Writer<'_>, problem: &Problem, item: Option<ItemId>) {
    writer.attribute("code", problem.code.name());
    let retry = problem.code.retry();
    writer.attribute("retry", retry.name());
    // Seconds to wait make sense only where waiting helps.
    if let (Some(seconds), Retry::Later) = (problem.retry_after_s, retry) {
        writer.attribute_number("retryAfter", seconds);
    }
    if let Some(Place { line, column, path }) = &problem.place {
        writer.attribute_number("line", *line);
        writer.attribute_number("column", *column);
        if let Some(path) = path {
            writer.attribute("path", path);
        }
    }
    if let Some(state) = problem.state {
        writer.attribute("state", state.name());
    }
    if let Some(item) = item {
        writer.attribute_id("id", item);
    }
}
