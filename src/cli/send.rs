//! `send`: posts messages, for scripts and timers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use hyper::body::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::intake::{Answer, Connection, Target, WORK_ITEMS};
use super::output::Output;
use super::xml::Element;
use super::{Global, complain, input};
use crate::domain::policy::MESSAGE_BYTES_MAX;

/// Post messages to a daemon
#[derive(Debug, Args)]
pub struct Send {
    /// Messages; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The intake [default: that of the demo in the data folder]
    #[arg(long)]
    url: Option<String>,
    /// File with the sender's key [default: that of the demo]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl Send {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let target = Target::new(global, self.url.as_deref(), self.key_file.as_deref())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(Exit::Failed, error))?;
        let mut connection = Connection::new(Arc::new(target));
        let headers = HeaderMap::new();
        let mut exit = Exit::Ok;
        for file in &self.files {
            let message = input::read(file, MESSAGE_BYTES_MAX)?;
            let body = Bytes::from(message);
            let sending = connection.send(Method::POST, WORK_ITEMS, &headers, body);
            match runtime.block_on(sending) {
                Ok(answer) => exit = exit.and(print(output, file, &answer)?),
                Err(failure) => {
                    complain(&format!("{}: {}", file.display(), failure.message));
                    exit = exit.and(failure.exit);
                }
            }
        }
        Ok(exit)
    }
}

fn print(output: Output, file: &Path, answer: &Answer) -> Result<Exit, Failure> {
    let root = Element::parse(&answer.body).unwrap_or_default();
    let mut exit = exit_of(answer.status);
    let refused = root.children.iter().filter(|child| child.name == "error");
    if root.name == "receipts" && refused.count() > 0 {
        exit = exit.and(Exit::Data);
    }
    if output.json {
        output.json(&in_json(file, answer, &root))?;
        return Ok(exit);
    }
    let entries = match root.name.as_str() {
        "receipts" => root.children.as_slice(),
        _ => std::slice::from_ref(&root),
    };
    for entry in entries {
        output.line(&format!(
            "{}: {}",
            file.display(),
            words(entry, answer.status)
        ))?;
    }
    Ok(exit)
}

/// An answer or one of its entries in a line.
fn words(entry: &Element, status: u16) -> String {
    let attribute = |name: &str| entry.attribute(name).unwrap_or_default();
    let message = || {
        entry
            .child("message")
            .map_or("", |child| child.text.as_str())
    };
    match entry.name.as_str() {
        "receipt" if attribute("dryRun") == "true" => "right; nothing created".to_owned(),
        "receipt" => {
            let again = match attribute("duplicate") {
                "true" => ", known already",
                _ => "",
            };
            format!("{} {}{again}", attribute("id"), attribute("state"))
        }
        "error" => {
            let place = match (entry.attribute("line"), entry.attribute("column")) {
                (Some(line), Some(column)) => format!(" at {line}:{column}"),
                _ => String::new(),
            };
            format!("{}{place}: {}", attribute("code"), message())
        }
        "status" => format!("{} {}", attribute("id"), attribute("state")),
        "" => format!("answered with status {status}"),
        name => name.to_owned(),
    }
}

fn in_json(file: &Path, answer: &Answer, root: &Element) -> Value {
    json!({
        "file": file,
        "status": answer.status,
        "answer": root.name,
        "id": root.attribute("id"),
        "state": root.attribute("state"),
        "code": root.attribute("code"),
        "message": root.child("message").map(|child| child.text.as_str()),
        "body": answer.body,
    })
}

/// What a status means for the script that sends.
fn exit_of(status: u16) -> Exit {
    match status {
        200..=299 => Exit::Ok,
        408 | 429 | 500..=599 => Exit::Again,
        _ => Exit::Data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_apart_from_what_stays_wrong() {
        assert_eq!(exit_of(201), Exit::Ok);
        assert_eq!(exit_of(422), Exit::Data);
        assert_eq!(exit_of(429), Exit::Again);
        assert_eq!(exit_of(503), Exit::Again);
    }

    #[test]
    fn an_error_is_said_with_its_place() {
        let text = "<error code=\"schemaInvalid\" line=\"3\" column=\"5\">\
                    <message>Add a service.</message></error>";
        let entry = Element::parse(text).expect("it is XML");
        assert_eq!(words(&entry, 422), "schemaInvalid at 3:5: Add a service.");
    }
}
