//! Follow-ups that an agent starts: on an item in hand and free-standing, handled by the back office.

use serde_json::{Value, json};

use super::{bank, message, write_files};
use crate::cli::{code, stderr, wait_for};
use crate::floor::{Desk, Floor};
use crate::receiver::Receiver;

const CALL_BACK: &str = "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"call-back\">\
    <event on=\"received\"><alert to=\"backoffice\" text=\"Call the customer back\"/>\
    <wait until=\"acknowledged\" for=\"PT1H\"/>\
    <check when=\"woken == 'acknowledged'\"><otherwise goto=\"forgotten\"/></check><finish/></event>\
    <event on=\"goto\" name=\"forgotten\"><cancel/></event></workflow>";

const USERS: &str = "name,role,services,supervisor_of,work_groups\nanna,agent,loans,,\n\
    cy,agent,loans,,\nsue,supervisor,,loans,\nbea,agent,,,backoffice\n";

fn start() -> (tempfile::TempDir, Floor) {
    let folder = crate::daemon::folder("follow-ups");
    let receiver = Receiver::start(&[]);
    write_files(folder.path(), &[("call-back.xml", CALL_BACK)]);
    let config = format!(
        "{}[tenants.bank.services.loans]\n",
        bank(&receiver, &["call-back.xml"])
    );
    let floor = Floor::start(folder.path(), &config, USERS);
    (folder, floor)
}

/// The only alert that somebody sees of that item.
fn alert_of(desk: &mut Desk, item: &Value) -> String {
    let page = desk.ask("GET", "follow-ups", &Value::Null);
    let all = page["followUps"].as_array().expect("a list");
    let of_item: Vec<&Value> = all.iter().filter(|one| one["item"] == *item).collect();
    let [alert] = of_item[..] else {
        panic!("one of {item}: {page}")
    };
    assert_eq!(alert["kind"], "alert");
    alert["id"].as_str().expect("it is text").to_owned()
}

/// Opened by `POST`; a repeat with its reference opens nothing.
fn open(desk: &mut Desk, path: &str, body: &Value) -> Value {
    let mut ask = |status| {
        let answer = desk.try_ask("POST", path, body).expect("an answer");
        assert_eq!(answer.status, status, "{}", answer.text());
        serde_json::from_str::<Value>(answer.text()).expect("it is JSON")
    };
    let (first, again) = (ask(201), ask(200));
    assert_eq!(
        (&first["repeated"], &again["repeated"]),
        (&false.into(), &true.into())
    );
    assert_eq!(first["item"], again["item"]);
    assert_eq!(first["state"], "inWorkflow");
    first["item"].clone()
}

#[test]
fn an_agent_starts_follow_ups_and_the_back_office_handles_them() {
    let (_folder, floor) = start();
    let [mut anna, mut cy, mut sue, mut bea] =
        ["anna", "cy", "sue", "bea"].map(|name| floor.desk(name));
    anna.begin(&["loans"]);
    let receipt = floor.sender().post(&message("loans", "LN-1"));
    assert_eq!(receipt.expect("an answer").status, 201);
    let item = anna.next_offer()["item"].clone();
    let id = item.as_str().expect("it is text").to_owned();
    anna.ask("POST", &format!("items/{id}/accept"), &Value::Null);

    let body = json!({ "workflow": "call-back", "parameters": { "when": "Monday" },
        "reference": "cb-1" });
    let on_item = open(&mut anna, &format!("items/{id}/start-workflow"), &body);
    let body = json!({ "workflow": "call-back", "service": "loans", "title": "Call Bo",
        "customer": { "id": "17", "name": "Bo" }, "reference": "cb-2" });
    let free = open(&mut anna, "follow-ups", &body);

    for follow_up in [&on_item, &free] {
        let alert = alert_of(&mut bea, follow_up);
        let path = format!("follow-ups/{alert}/acknowledge");
        // Nobody else's: not even of whoever started it, or of the service's supervisor.
        for other in [&mut anna, &mut cy, &mut sue] {
            let answer = other.try_ask("POST", &path, &Value::Null);
            assert_eq!(answer.expect("an answer").status, 404);
            let page = other.ask("GET", "follow-ups", &Value::Null);
            assert_eq!(page["followUps"], json!([]));
        }
        assert_eq!(bea.ask("POST", &path, &Value::Null)["repeated"], false);
    }
    for (follow_up, related, customer) in
        [(&on_item, item, "Anna Berg"), (&free, Value::Null, "Bo")]
    {
        let path = format!("items/{}", follow_up.as_str().expect("it is text"));
        let shown = sue.ask("GET", &path, &Value::Null);
        assert_eq!(
            (&shown["state"], &shown["outcome"]),
            (&"ended".into(), &"handledByWorkflow".into()),
            "{shown}"
        );
        assert_eq!(shown["relatedTo"], related, "{shown}");
        assert_eq!(shown["customer"]["name"], customer, "{shown}");
    }
}

#[test]
fn the_operator_starts_and_handles_follow_ups_by_command() {
    let (_folder, floor) = start();
    let receipt = floor.sender().post(&message("loans", "LN-1"));
    assert_eq!(receipt.expect("an answer").status, 201);
    let on_item = ["item", "start-workflow", "LN-1", "call-back", "when=Monday"];
    let free = [
        "follow-up",
        "start",
        "call-back",
        "--service",
        "loans",
        "--customer",
        "17",
    ];
    let started = [&on_item[..], &free[..]].map(|line| floor.daemon.cli_json(line)[0].clone());
    let listed = floor.daemon.cli_json(&["follow-ups"]);
    assert_eq!(listed.len(), 2, "{listed:?}");
    for (started, listed) in started.iter().zip(&listed) {
        assert_eq!(started["item"], listed["item"]);
        let id = listed["id"].as_str().expect("it is text");
        let pushed = floor.daemon.cli(&["follow-up", "push", id]);
        assert_ne!(code(&pushed), 0, "an alert is no button");
        assert!(
            stderr(&pushed).contains("acknowledge it"),
            "{}",
            stderr(&pushed)
        );
        let line = ["follow-up", "acknowledge", id];
        let answers = [false, true].map(|_| floor.daemon.cli_json(&line)[0]["repeated"].clone());
        assert_eq!(answers, [false, true]);
        let id = started["item"].as_str().expect("it is text");
        let trace = floor.trace(id);
        let last = &trace.last().expect("a line")["event"];
        assert_eq!(last, "workflowFinished", "{trace:?}");
    }
    let closed = wait_for("both are closed", || {
        Some(floor.daemon.cli_json(&["follow-ups", "--closed"])).filter(|all| all.len() == 2)
    });
    assert!(
        closed.iter().all(|one| one["closed"]["by"].is_string()),
        "{closed:?}"
    );
    assert_eq!(floor.daemon.cli_json(&["follow-ups"]), Vec::<Value>::new());
}
