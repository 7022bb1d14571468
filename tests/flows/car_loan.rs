//! The car loan of the specification from one end to the other: it comes in after hours, the credit
//! check wakes it, a supervisor lets it in, an agent ends it, and the bank hears what was decided.

use serde_json::{Value, json};

use super::stream::Stream;
use super::{bank, message, update, write_files};
use crate::cli::{anteroom, code, stderr, wait_for};
use crate::floor::{Desk, Floor};
use crate::receiver::Receiver;

const USERS: &str = "name,role,services,supervisor_of,work_groups\nanna,agent,loans,,\n\
    sue,supervisor,,loans,\nbea,agent,,,backoffice\nsten,supervisor,,backoffice,\n";

fn config(receiver: &Receiver) -> String {
    let mut config = bank(receiver, &["car-loan.xml"]);
    config.push_str(
        "[tenants.bank.services.loans]\nworkflow = \"car-loan\"\nhours = \"off\"\n\
         [tenants.bank.services.backoffice]\n",
    );
    config
}

#[test]
fn a_car_loan_after_hours_is_let_in_ended_and_told() {
    let folder = crate::daemon::folder("car-loan");
    let receiver = Receiver::start(&[]);
    let source = include_str!("../../fixtures/workflows/car-loan.xml");
    write_files(folder.path(), &[("car-loan.xml", source)]);
    let check = ["workflow", "check", "car-loan.xml"];
    std::fs::write(folder.path().join("own.toml"), config(&receiver)).expect("a file");
    let checked = anteroom(
        folder.path(),
        &[&["--config", "own.toml"], &check[..]].concat(),
    );
    assert_eq!(code(&checked), 0, "{}", stderr(&checked));

    let floor = Floor::start(folder.path(), &config(&receiver), USERS);
    let [mut anna, mut sue, mut bea, mut sten] =
        ["anna", "sue", "bea", "sten"].map(|name| floor.desk(name));
    anna.begin(&["loans"]);
    let mut stream = Stream::open(floor.daemon.address("console"), &sue.token);

    let id = begin(&floor, &mut sue);
    let woken = floor.sender().post(&update("LN-1")).expect("an answer");
    assert_eq!(woken.status, 200, "{}", woken.text());
    assert!(status(&floor, "LN-1").contains("state=\"buffered\""));
    let item = sue.ask("GET", &format!("items/{id}"), &Value::Null);
    assert_eq!(
        (&item["workflow"]["stage"], &item["workflow"]["stages"]),
        (&3.into(), &9.into()),
        "{item}"
    );

    let button = handled_by_those_named(&mut [&mut bea, &mut sue, &mut sten, &mut anna], &id);
    let told = stream.next("followUp", &button);
    assert_eq!(
        (&told["state"], &told["item"]),
        (&"open".into(), &json!(id))
    );
    let told = stream.next("followUp", &button);
    assert_eq!(told["state"], "closed", "{told}");

    let offer = anna.next_offer();
    assert_eq!(offer["item"], json!(id));
    let accepted = anna.ask("POST", &format!("items/{id}/accept"), &Value::Null);
    let end = json!({ "session": accepted["session"], "result": "done" });
    anna.ask("POST", &format!("items/{id}/end"), &end);

    let told = receiver.wait_for(1);
    told[0].verify();
    for part in [
        "event=\"workflow\" name=\"loanDecided\"",
        "<result>done</result>",
    ] {
        assert!(told[0].body.contains(part), "{part}: {}", told[0].body);
    }
    assert_eq!(
        stages(&floor, &id),
        ["1 received", "3 after-hours", "4 release", "9 done"]
    );
}

/// The bank posts it; it waits for the credit check.
fn begin(floor: &Floor, sue: &mut Desk) -> String {
    let receipt = floor.sender().post(&message("loans", "LN-1"));
    let receipt = receipt.expect("an answer");
    assert_eq!(receipt.status, 201, "{}", receipt.text());
    let said = status(floor, "LN-1");
    assert!(said.contains("state=\"inWorkflow\""), "{said}");
    assert!(said.contains("<reason>inWorkflow</reason>"), "{said}");
    let document = roxmltree::Document::parse(&said).expect("it is XML");
    let mut nodes = document.descendants();
    let id = nodes.find_map(|node| node.attribute("id")).expect("an id");
    let item = sue.ask("GET", &format!("items/{id}"), &Value::Null);
    let workflow = &item["workflow"];
    assert_eq!(
        (&workflow["name"], &workflow["stage"], &workflow["because"]),
        (
            &"car-loan".into(),
            &1.into(),
            &"credit check is still running".into()
        ),
        "{item}"
    );
    id.to_owned()
}

/// The alert is the back office's, the button the supervisor's: each is handled by them, once, and
/// is nothing to the others. Returns the button's id.
fn handled_by_those_named(people: &mut [&mut Desk; 4], item: &str) -> String {
    let [bea, sue, sten, anna] = people;
    let list = |desk: &mut Desk| {
        let page = desk.ask("GET", "follow-ups", &Value::Null);
        page["followUps"].as_array().expect("a list").clone()
    };
    let (alerts, buttons) = (list(bea), list(sue));
    let [alert, button] = [&alerts[..], &buttons[..]].map(|list| match list {
        [one] => one.clone(),
        other => panic!("one: {other:?}"),
    });
    assert_eq!(
        (&alert["text"], &alert["item"]),
        (&"Came in after hours".into(), &json!(item))
    );
    assert_eq!(
        (&button["text"], &button["name"], &button["stage"]),
        (&"Let it in now".into(), &"release".into(), &3.into())
    );
    let [alert, button] = [alert, button].map(|one| one["id"].as_str().unwrap_or("").to_owned());
    assert_eq!((list(sten), list(anna)), (Vec::new(), Vec::new()));
    let (acknowledge, push) = (
        format!("follow-ups/{alert}/acknowledge"),
        format!("follow-ups/{button}/push"),
    );
    for (desk, path) in [(sue, &acknowledge), (bea, &push)] {
        refused(desk, path);
        refused(sten, path);
        refused(anna, path);
    }
    let [bea, sue, ..] = people;
    for (desk, path) in [(bea, &acknowledge), (sue, &push)] {
        for repeated in [false, true] {
            let handled = desk.ask("POST", path, &Value::Null);
            assert_eq!(handled["repeated"], repeated, "{handled}");
        }
        assert_eq!(list(desk), Vec::<Value>::new());
    }
    button
}

fn refused(desk: &mut Desk, path: &str) {
    let answer = desk.try_ask("POST", path, &Value::Null).expect("an answer");
    assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    assert!(answer.text().contains("unknownItem"), "{}", answer.text());
}

fn status(floor: &Floor, reference: &str) -> String {
    let path = format!("/v1/work-items?reference={reference}");
    let answer = floor.sender().read(&path).expect("an answer");
    answer.text().to_owned()
}

/// The stages of its trace, as the command line prints it.
fn stages(floor: &Floor, id: &str) -> Vec<String> {
    let finished = || {
        let trace = floor.trace(id);
        let last = trace.last().map(|line| line["event"] == "workflowFinished");
        last.unwrap_or(false).then_some(trace)
    };
    let trace = wait_for("the end of the workflow", finished);
    let entered = trace.iter().filter(|line| line["event"] == "stageEntered");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entered
        .map(|line| {
            format!(
                "{} {}",
                text(&line["data"]["stage"]),
                text(&line["data"]["name"])
            )
        })
        .collect()
}
