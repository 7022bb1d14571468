//! The bank's example, from one end to the other: its core system posts a loan case with a link, it
//! rings, the agent opens the link and ends the case with a result and a note that is shared, and
//! the bank hears of it, signed, and finds the status by its own reference.

use serde_json::{Value, json};

use super::{Floor, KEY};
use crate::own::{LISTENERS, key_sha256};
use crate::receiver::{Receiver, Told, secret};

const USERS: &str = "name,role,services,skills\nanna,agent,loans,mortgages:5\nbo,agent,loans,\n";

fn config(receiver: &Receiver) -> String {
    format!(
        "{}[notify]\nallow_private = true\n\
         [tenants.bank.task_types.loanDecision]\noutcomes = [\"granted\", \"refused\"]\n\
         [tenants.bank.services.loans]\n\
         [tenants.bank.senders.core]\nkey_sha256 = \"{}\"\n\
         [tenants.bank.senders.core.notify]\nurl = \"http://{}/told\"\n\
         secret_file = \"secret\"\nevents = [\"queued\", \"accepted\", \"completed\"]\n",
        LISTENERS,
        key_sha256(KEY),
        receiver.address
    )
}

#[test]
fn a_loan_case_is_decided_and_the_bank_hears_of_it() {
    let folder = crate::daemon::folder("bank");
    let receiver = Receiver::start(&[]);
    std::fs::write(folder.path().join("secret"), secret()).expect("a file");
    let floor = Floor::start(folder.path(), &config(&receiver), USERS);
    let mut anna = floor.desk("anna");
    let mut bo = floor.desk("bo");
    anna.begin(&["loans"]);
    bo.begin(&["loans"]);

    let case = include_str!("../../fixtures/bank/loan-case.xml");
    let receipt = floor.sender().post(case).expect("an answer");
    assert_eq!(receipt.status, 201, "{}", receipt.text());

    let offer = anna.next_offer();
    assert_eq!(offer["title"], "Decide on a loan of 250,000");
    assert_eq!(offer["service"], "loans");
    let id = offer["item"].as_str().expect("it is text").to_owned();
    let none = bo.ask("GET", "me/offers", &Value::Null);
    assert_eq!(none, json!([]), "bo knows nothing of mortgages");

    let accepted = anna.ask("POST", &format!("items/{id}/accept"), &Value::Null);
    let item = anna.ask("GET", &format!("items/{id}"), &Value::Null);
    assert_eq!(item["state"], "connected");
    let link = &item["links"][0];
    let href = "https://cases.bank.example/LOAN-2026-4711?view=decision&lang=sv";
    assert_eq!(
        (&link["name"], &link["href"]),
        (&json!("Case file"), &json!(href))
    );

    let end = json!({
        "session": accepted["session"],
        "result": "granted",
        "note": "Granted over 25 years; the letter goes out today.",
        "share": true,
    });
    let ended = anna.ask("POST", &format!("items/{id}/end"), &end);
    assert_eq!(
        (&ended["state"], &ended["result"]),
        (&json!("ended"), &json!("granted"))
    );

    let told = receiver.wait_for(3);
    told.iter().for_each(Told::verify);
    let events = ["queued", "accepted", "completed"];
    for (number, (one, event)) in (1..).zip(told.iter().zip(events)) {
        let wanted = format!("sequence=\"{number}\" event=\"{event}\"");
        assert!(one.body.contains(&wanted), "{wanted}: {}", one.body);
    }
    let completed = &told[2].body;
    assert!(
        completed.contains("<result>granted</result>"),
        "{completed}"
    );
    assert!(
        completed.contains("the letter goes out today."),
        "{completed}"
    );

    let path = "/v1/work-items?reference=LOAN-2026-4711";
    let status = floor.sender().read(path).expect("an answer");
    let expected = include_str!("../../fixtures/bank/loan-case.status.xml");
    assert_eq!(shape(status.text()), shape(expected));

    let metrics = anna.client.read("/metrics").expect("an answer");
    let offers = "anteroom_offers_total{result=\"accepted\"} 1";
    assert!(metrics.text().contains(offers), "{}", metrics.text());

    let trace = floor.trace(&id);
    let lines: Vec<&str> = trace
        .iter()
        .filter_map(|line| line["event"].as_str())
        .collect();
    assert_eq!(lines, ["received", "accepted", "endedByUser"]);
}

/// Elements and attributes with their values; ids and times as `*`.
fn shape(text: &str) -> Vec<(String, String)> {
    const MADE_UP: [&str; 6] = [
        "id",
        "receivedAt",
        "storedAt",
        "queuedAt",
        "acceptedAt",
        "endedAt",
    ];
    let document = roxmltree::Document::parse(text).expect("it is XML");
    let shown = |name: &str, value: &str| {
        let value = if MADE_UP.contains(&name) { "*" } else { value };
        (name.to_owned(), value.trim().to_owned())
    };
    let elements = document.descendants().filter(roxmltree::Node::is_element);
    elements
        .flat_map(|node| {
            let attributes = node.attributes().map(|it| shown(it.name(), it.value()));
            let text = shown(node.tag_name().name(), node.text().unwrap_or_default());
            attributes.chain([text]).collect::<Vec<_>>()
        })
        .collect()
}
