//! Many items at once.

use std::sync::Arc;

use serde_json::{Value, json};

use super::world::{at_work, open, open_with, person, waiting};
use crate::domain::policy::TaskType;
use crate::http::tests::world::{Setting, work_item};

const PATH: &str = "/api/v1/item-actions";

#[tokio::test]
async fn items_are_counted_first_and_then_each_is_judged_by_itself() {
    let world = open().await;
    let supervisor = person(&world, "supervisor").await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(waiting(&world, &format!("case-{number}"), "").await);
    }
    supervisor.act(&ids[1], "abort", Value::Null).await;
    let act = json!({"verb": "priority", "priority": 8, "items": ids, "reason": "urgent"});
    let mut preview = act.clone();
    preview["preview"] = json!(true);
    let counted = supervisor.ask("POST", PATH, preview, 200).await.json();
    assert_eq!(counted, json!({"count": 3, "more": false}));
    let done = supervisor.ask("POST", PATH, act, 200).await.json();
    assert_eq!(done["done"], 2);
    let refused = done["refused"].as_array().expect("a list");
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["item"], json!(ids[1]));
    assert_eq!(refused[0]["code"], "wrongState");
    assert_eq!(refused[0]["state"], "ended");
    for (id, priority) in ids.iter().zip([8, 5, 8]) {
        let item = supervisor.get(&format!("/api/v1/items/{id}")).await;
        assert_eq!(item["priority"], priority);
    }
}

#[tokio::test]
async fn the_items_of_a_service_are_narrowed_by_age_and_type() {
    let mut setting = Setting::default();
    let demo = setting.policy.tenants.get_mut("demo").expect("there");
    let task_types = &mut Arc::make_mut(demo).task_types;
    task_types.insert("mortgage".to_owned(), TaskType::default());
    let world = open_with(setting).await;
    let supervisor = person(&world, "supervisor").await;
    waiting(&world, "plain", "").await;
    let message = work_item("typed").replace(
        "<contactData>",
        "<taskType>mortgage</taskType><contactData>",
    );
    let typed = world.post(&message).await;
    assert_eq!(typed.status, 201, "{typed:?}");
    let ask = |more: Value| {
        let mut body = json!({"verb": "abort", "service": "loans", "state": "queued"});
        for (name, value) in more.as_object().expect("fields") {
            body[name] = value.clone();
        }
        body
    };
    for (more, count) in [
        (json!({}), 2),
        (json!({"taskType": "mortgage"}), 1),
        (json!({"taskType": "other"}), 0),
        (json!({"olderThan": "PT1H"}), 0),
        (json!({"state": "parked"}), 0),
    ] {
        let mut body = ask(more.clone());
        body["preview"] = json!(true);
        let counted = supervisor.ask("POST", PATH, body, 200).await.json();
        assert_eq!(counted["count"], count, "{more}");
    }
    let body = ask(json!({"taskType": "mortgage"}));
    let done = supervisor.ask("POST", PATH, body, 200).await.json();
    assert_eq!((&done["done"], &done["refused"]), (&json!(1), &json!([])));
    let moved = json!({
        "verb": "transfer", "to": {"service": "quiet"}, "service": "loans", "state": "queued",
    });
    let moved = supervisor.ask("POST", PATH, moved, 200).await.json();
    assert_eq!(moved["done"], 1);
    let left = supervisor.get("/api/v1/services/loans/queue").await;
    assert_eq!(left, json!([]));
}

#[tokio::test]
async fn a_request_that_is_not_clear_does_nothing() {
    let world = open().await;
    let supervisor = person(&world, "supervisor").await;
    let id = waiting(&world, "case-1", "").await;
    for body in [
        json!({"verb": "abort"}),
        json!({"verb": "abort", "service": "loans"}),
        json!({"verb": "abort", "items": [id], "service": "loans", "state": "queued"}),
        json!({"verb": "abort", "items": [id], "olderThan": "PT1H"}),
        json!({"verb": "abort", "items": ["case-1"]}),
        json!({"verb": "abort", "service": "loans", "state": "ended"}),
        json!({"verb": "abort", "service": "loans", "state": "offered"}),
        json!({"verb": "abort", "service": "loans", "state": "queued", "olderThan": "1h"}),
        json!({"verb": "accept", "items": [id]}),
        json!({"verb": "priority", "items": [id]}),
        json!({"verb": "reassign", "items": [id]}),
        json!({"verb": "transfer", "items": [id]}),
        json!({"verb": "abort", "items": [id], "reason": "x".repeat(1_001)}),
    ] {
        let refused = supervisor.ask("POST", PATH, body.clone(), 422).await;
        assert_eq!(refused.json()["code"], "invalidField", "{body}");
    }
    let item = supervisor.get(&format!("/api/v1/items/{id}")).await;
    assert_eq!(item["state"], "queued");
}

#[tokio::test]
async fn a_request_takes_ten_thousand_items_at_most() {
    let world = open().await;
    let supervisor = person(&world, "supervisor").await;
    let nobody = "01890000-0000-7000-8000-000000000000";
    for (count, status) in [(9_999, 200), (10_000, 200), (10_001, 422)] {
        let body = json!({"verb": "abort", "items": vec![nobody; count], "preview": true});
        supervisor.ask("POST", PATH, body, status).await;
    }
}

#[tokio::test]
async fn items_of_other_services_are_not_counted_and_not_touched() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let id = waiting(&world, "case-1", "").await;
    agent
        .ask("POST", PATH, json!({"verb": "abort", "items": [id]}), 403)
        .await;
    let elsewhere = person(&world, "elsewhere").await;
    let preview = json!({"verb": "abort", "items": [id], "preview": true});
    let counted = elsewhere.ask("POST", PATH, preview, 200).await.json();
    assert_eq!(counted["count"], 0);
    let act = json!({"verb": "abort", "items": [id]});
    let done = elsewhere.ask("POST", PATH, act, 200).await.json();
    assert_eq!(
        (&done["done"], &done["refused"][0]["code"]),
        (&json!(0), &json!("unknownItem"))
    );
}
