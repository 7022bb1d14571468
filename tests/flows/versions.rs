//! A workflow is versioned by its content: a bad one is refused, a new one is for new items, and what
//! is under way finishes on what it began with, even when the configuration has it no longer.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::{bank, message, update, write_files};
use crate::cli::wait_for;
use crate::floor::KEY;
use crate::own::OwnDaemon;
use crate::receiver::{Receiver, Told};

/// A workflow that waits for its sender and then says which version it is.
fn waiting(version: &str) -> String {
    format!(
        "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"w\">\n<event on=\"received\">\n\
         <wait until=\"updated\" for=\"PT1H\"/>\n<notify name=\"{version}\"/>\n<finish/>\n\
         </event>\n</workflow>\n"
    )
}

fn config(receiver: &Receiver, led: bool) -> String {
    match led {
        true => {
            let config = bank(receiver, &["w.xml"]);
            format!("{config}[tenants.bank.services.loans]\nworkflow = \"w\"\n")
        }
        false => format!("{}[tenants.bank.services.loans]\n", bank(receiver, &[])),
    }
}

fn post(daemon: &OwnDaemon, text: &str) {
    let answer = daemon.sender(KEY).post(text).expect("an answer");
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
}

fn wait_for_log(daemon: &OwnDaemon, part: &str) -> Value {
    wait_for(part, || {
        let log = daemon.log();
        let line = log.lines().find(|line| line.contains(part))?;
        serde_json::from_str(line).ok()
    })
}

/// What workflows have told so far, reference and name, once there are so many; what came again after
/// a kill counts once.
fn told(receiver: &Receiver, count: usize) -> Vec<(String, String)> {
    let read = |one: &Told| {
        let document = roxmltree::Document::parse(&one.body).expect("it is XML");
        let root = document.root_element();
        let status = root.first_element_child().expect("a status");
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let reference = text(status.attribute("reference"));
        (reference, text(root.attribute("name")))
    };
    let mut told = wait_for("notifications", || {
        let told = receiver.told();
        let by_id = told.iter().map(|one| (one.header("webhook-id"), read(one)));
        let by_id: BTreeMap<&str, _> = by_id.collect();
        (by_id.len() >= count).then(|| by_id.into_values().collect::<Vec<_>>())
    });
    told.sort();
    told
}

fn outcome(daemon: &OwnDaemon, reference: &str) -> Value {
    let item = &daemon.cli_json(&["item", reference])[0];
    item["outcome"].clone()
}

#[test]
fn items_finish_on_the_version_that_they_began_with() {
    let folder = crate::daemon::folder("versions");
    let receiver = Receiver::start(&[]);
    write_files(folder.path(), &[("w.xml", &waiting("first"))]);
    let file = folder.path().join("w.xml");
    let daemon = OwnDaemon::start(folder.path(), &config(&receiver, true));
    for reference in ["a", "b"] {
        post(&daemon, &message("loans", reference));
    }

    let bad = waiting("bad").replace("<finish/>\n", "");
    fs::write(&file, bad).expect("a file");
    daemon.reload(&config(&receiver, true));
    let fault = wait_for_log(&daemon, "unlinkedEnd").to_string();
    assert!(fault.contains("w.xml:4:1"), "{fault}");
    wait_for_log(&daemon, "the old one stays in force");
    post(&daemon, &message("loans", "c"));

    fs::write(&file, waiting("second")).expect("a file");
    daemon.reload(&config(&receiver, true));
    wait_for_log(&daemon, "the configuration was taken anew");
    for reference in ["d", "e"] {
        post(&daemon, &message("loans", reference));
    }
    for reference in ["a", "d"] {
        post(&daemon, &update(reference));
    }
    let pair = |reference: &str, version: &str| (reference.to_owned(), version.to_owned());
    let mut expected = vec![pair("a", "first"), pair("d", "second")];
    assert_eq!(told(&receiver, 2), expected);

    drop(daemon);
    fs::remove_file(&file).expect("it was there");
    let daemon = OwnDaemon::start(folder.path(), &config(&receiver, false));
    for reference in ["b", "c", "e"] {
        post(&daemon, &update(reference));
    }
    expected.insert(1, pair("b", "first"));
    expected.insert(2, pair("c", "first"));
    expected.push(pair("e", "second"));
    assert_eq!(told(&receiver, 5), expected);
    for (reference, _) in &expected {
        assert_eq!(
            outcome(&daemon, reference),
            "handledByWorkflow",
            "{reference}"
        );
    }
    post(&daemon, &message("loans", "f"));
    assert_eq!(daemon.cli_json(&["item", "f"])[0]["state"], "queued");
}
