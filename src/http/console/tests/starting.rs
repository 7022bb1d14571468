//! What is refused at the door of whoever wants to start a workflow.

use serde_json::{Value, json};

use super::world::{open, person, refusal, waiting};

#[tokio::test]
async fn what_a_message_could_not_hold_is_refused_with_a_sentence() {
    let world = open().await;
    let item = waiting(&world, "case-1", "").await;
    let on_item = format!("/api/v1/items/{item}/start-workflow");
    let free = "/api/v1/follow-ups".to_owned();
    let supervisor = person(&world, "supervisor").await;
    let base = json!({"workflow": "loan", "service": "loans"});
    let long = |chars: usize| Value::from("x".repeat(chars));
    let keys: Value = (0..51).map(|number| (format!("k{number}"), "v")).collect();
    for (field, value, told, is_free_alone) in [
        ("workflow", json!("a b"), "workflow", false),
        ("service", json!(""), "service", false),
        ("reference", long(129), "reference", false),
        ("parameters", keys, "50 keys", false),
        (
            "parameters",
            json!({"a b": ""}),
            "A key of parameters",
            false,
        ),
        (
            "parameters",
            json!({"a": "x".repeat(1_025)}),
            "The value of a",
            false,
        ),
        ("colour", json!("red"), "colour", false),
        ("title", long(201), "title", true),
        ("title", json!(""), "title", true),
        (
            "customer",
            json!({"email": long(255)}),
            "customer.email",
            true,
        ),
        ("customer", json!({"age": "7"}), "age", true),
    ] {
        let mut body = base.clone();
        body[field] = value;
        let paths = [(&free, true), (&on_item, !is_free_alone)];
        for (path, _) in paths.iter().filter(|(_, applies)| *applies) {
            let answer = supervisor.ask("POST", path, body.clone(), 422).await;
            assert_eq!(refusal(&answer), (422, "invalidField".to_owned()), "{body}");
            let detail = answer.json()["detail"].as_str().expect("a text").to_owned();
            assert!(detail.contains(told), "{path} {field}: {detail}");
        }
    }
}

#[tokio::test]
async fn a_workflow_is_started_only_in_services_where_one_may_create_items() {
    let world = open().await;
    for (who, service, status, code) in [
        ("supervisor", "quiet", 422, "unknownService"),
        ("elsewhere", "loans", 422, "unknownService"),
        ("agent", "none", 422, "unknownService"),
        ("stranger", "loans", 422, "unknownService"),
        ("auditor", "loans", 403, "notAuthorised"),
    ] {
        let person = person(&world, who).await;
        let body = json!({"workflow": "loan", "service": service});
        let answer = person.ask("POST", "/api/v1/follow-ups", body, status).await;
        assert_eq!(refusal(&answer), (status, code.to_owned()), "{who}");
    }
}
