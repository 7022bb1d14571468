//! Files of workflows: written, checked, mended, drawn; and taken or refused by a running daemon.

use std::fs;
use std::path::Path;

use super::{anteroom, code, stderr, stdout};
use crate::daemon;

/// A workflow that alerts a group and finishes.
fn alerting(group: &str) -> String {
    format!(
        "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"loans\">\n  <event on=\"received\">\n    \
         <alert to=\"{group}\" text=\"A loan has come in\"/>\n    <finish/>\n  </event>\n</workflow>\n"
    )
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a file");
}

#[test]
fn a_new_workflow_is_right_and_overwrites_nothing() {
    let folder = daemon::folder("workflow");
    let new = &["workflow", "new", "car-loan", "--out", "car-loan.xml"];
    let output = anteroom(folder.path(), new);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let output = anteroom(folder.path(), &["workflow", "check", "car-loan.xml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("workflow car-loan"));
    let output = anteroom(folder.path(), new);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let output = anteroom(folder.path(), &["workflow", "new", "two words"]);
    assert_eq!(code(&output), 64, "{}", stderr(&output));
    let printed = anteroom(folder.path(), &["workflow", "new", "car-loan"]);
    let kept = fs::read_to_string(folder.path().join("car-loan.xml")).expect("a file");
    assert_eq!(stdout(&printed), kept);
}

#[test]
fn a_right_workflow_is_shown_as_a_table_and_as_a_graph() {
    let folder = daemon::folder("workflow");
    write(folder.path(), "loans.xml", &alerting("backoffice"));
    let output = anteroom(folder.path(), &["workflow", "check", "loans.xml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "loans.xml: it is right\n\n\
         STAGE  EVENT     ACTIONS                               LEADS TO\n\
         1      received  alert backoffice: A loan has come in  the workflow ends\n\
         \x20                finish\n\n\
         workflow loans, 1 stage\n\n1 received\n    alert backoffice: A loan has come in\n    \
         finish\n      → the workflow ends\n\n"
    );
    let output = anteroom(folder.path(), &["workflow", "check", "--json", "loans.xml"]);
    let line: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("it is JSON");
    assert_eq!(line["name"], "loans");
    assert_eq!(line["stages"][0]["event"], "received");
    assert_eq!(line["edges"][0]["to"], "the workflow ends");
}

#[test]
fn faults_are_shown_with_line_caret_and_rule() {
    let folder = daemon::folder("workflow");
    let text = alerting("backoffice").replace("<finish/>", "<goto name=\"nowhere\"/>");
    write(folder.path(), "loans.xml", &text);
    let output = anteroom(folder.path(), &["workflow", "check", "loans.xml"]);
    assert_eq!(code(&output), 65);
    let shown = stderr(&output);
    assert!(shown.contains("error: unknownStage: "), "{shown}");
    assert!(shown.contains("--> loans.xml:4:"), "{shown}");
    assert!(
        shown.contains("4 |     <goto name=\"nowhere\"/>"),
        "{shown}"
    );
    assert!(shown.contains("1 fault in loans.xml"), "{shown}");
    let output = anteroom(folder.path(), &["workflow", "check", "--json", "loans.xml"]);
    assert_eq!(code(&output), 65);
    let line: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("it is JSON");
    assert_eq!(
        (&line["rule"], &line["line"]),
        (&"unknownStage".into(), &4.into())
    );
    let output = anteroom(folder.path(), &["workflow", "check", "none.xml"]);
    assert_eq!(code(&output), 65, "{}", stderr(&output));
}

#[test]
fn with_a_configuration_its_names_are_checked_too() {
    let folder = daemon::folder("workflow");
    let transfer = "<transfer service=\"clams\"><failed goto=\"end\"/></transfer><finish/>";
    let end = "</event><event on=\"goto\" name=\"end\"><finish/></event></workflow>";
    let text = alerting("backoffice")
        .replace("<finish/>", transfer)
        .replace("</event>\n</workflow>", end);
    write(folder.path(), "loans.xml", &text);
    write(
        folder.path(),
        "own.toml",
        "[tenants.bank]\nworkflows = [\"loans.xml\"]\n[tenants.bank.services.claims]\n",
    );
    let output = anteroom(folder.path(), &["workflow", "check", "loans.xml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let check = &["workflow", "check", "--config", "own.toml", "loans.xml"];
    let output = anteroom(folder.path(), check);
    assert_eq!(code(&output), 65, "{}", stdout(&output));
    assert!(
        stderr(&output).contains("unknownService"),
        "{}",
        stderr(&output)
    );
    write(folder.path(), "loans.xml", &text.replace("clams", "claims"));
    let output = anteroom(folder.path(), check);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn missing_button_events_are_added_when_asked_for() {
    let folder = daemon::folder("workflow");
    let button = "<button name=\"release\" label=\"Let it in\" to=\"supervisor\"/><wait for=\"PT1H\"/><finish/>";
    let text = alerting("backoffice").replace("<finish/>", button);
    write(folder.path(), "loans.xml", &text);
    let output = anteroom(folder.path(), &["workflow", "check", "loans.xml"]);
    assert_eq!(code(&output), 65);
    assert!(
        stderr(&output).contains("buttonWithoutEvent"),
        "{}",
        stderr(&output)
    );
    let output = anteroom(folder.path(), &["workflow", "check", "--fix", "loans.xml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("button events were added"));
    let mended = fs::read_to_string(folder.path().join("loans.xml")).expect("a file");
    assert!(
        mended.contains("<event on=\"button\" name=\"release\""),
        "{mended}"
    );
    let output = anteroom(folder.path(), &["workflow", "check", "--fix", "loans.xml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_picture_is_drawn_of_one_workflow() {
    let folder = daemon::folder("workflow");
    write(folder.path(), "loans.xml", &alerting("backoffice"));
    let draw = &["workflow", "check", "--svg", "loans.svg", "loans.xml"];
    let output = anteroom(folder.path(), draw);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let picture = fs::read_to_string(folder.path().join("loans.svg")).expect("a file");
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    let output = anteroom(folder.path(), &[&draw[..], &["loans.xml"]].concat());
    assert_eq!(code(&output), 64, "{}", stderr(&output));
}
