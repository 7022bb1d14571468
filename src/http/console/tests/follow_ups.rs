//! Follow-ups as people meet them: the workflow `loan` leads the items of `loans`, alerts the back
//! office and shows supervisors a button.

use std::sync::Arc;

use serde_json::{Value, json};

use super::world::{Person, at_work, change, loan, open_with, person, refusal, waiting};
use crate::domain::people::UserPatch;
use crate::engine::people::change::Edit;
use crate::http::tests::world::{Setting, World};

const CUSTOMER: &str = "<title>Loan of Anna</title>\
     <customer id='19700101-0001'><name>Anna Berg</name></customer>";

/// With `loan` as the workflow of `loans`, and `target` in the back office.
async fn led() -> World {
    let mut setting = Setting::default();
    let demo = setting.policy.tenants.get_mut("demo").expect("there");
    let loans = Arc::make_mut(demo).services.get_mut("loans");
    Arc::make_mut(loans.expect("there")).workflow = Some(Arc::new(loan()));
    let world = open_with(setting).await;
    let edit = Edit::Change {
        name: "target".parse().expect("a name"),
        patch: UserPatch {
            work_groups: Some(["backoffice".to_owned()].into()),
            ..UserPatch::default()
        },
        if_version: None,
    };
    change(&world, vec![edit]).await;
    world
}

/// What somebody has in a list: kinds with references, and how many are open.
async fn listed(person: &Person<'_>, query: &str) -> (Vec<String>, u64) {
    let page = person.get(&format!("/api/v1/follow-ups{query}")).await;
    let open = page["open"].as_u64().expect("a number");
    (in_words(&page), open)
}

/// Sorted, for what is shown in one turn has no order.
fn in_words(page: &Value) -> Vec<String> {
    let follow_ups = page["followUps"].as_array().expect("a list").iter();
    let words = follow_ups.map(|one| {
        let text = |name: &str| one[name].as_str().expect("a text").to_owned();
        format!("{} {}", text("kind"), text("reference"))
    });
    let mut words: Vec<String> = words.collect();
    words.sort();
    words
}

/// The id of the first of that kind that the admin sees.
async fn first(world: &World, kind: &str) -> String {
    let page = person(world, "admin").await.get("/api/v1/follow-ups").await;
    let follow_ups = page["followUps"].as_array().expect("a list");
    let found = follow_ups.iter().find(|one| one["kind"] == kind);
    let id = &found.expect("one of them")["id"];
    id.as_str().expect("an id").to_owned()
}

async fn item_of(person: &Person<'_>, id: &Value) -> Value {
    let id = id.as_str().expect("an id");
    person.get(&format!("/api/v1/items/{id}")).await
}

async fn handle(person: &Person<'_>, id: &str, verb: &str, status: u16) -> Value {
    let path = format!("/api/v1/follow-ups/{id}/{verb}");
    person.ask("POST", &path, Value::Null, status).await.json()
}

#[tokio::test]
async fn everybody_lists_what_is_for_them() {
    let world = led().await;
    let item = waiting(&world, "case-1", CUSTOMER).await;
    let (alert, button) = ("alert case-1", "button case-1");
    for (who, seen) in [
        ("agent", &[][..]),
        ("target", &[alert]),
        ("supervisor", &[button]),
        ("elsewhere", &[]),
        ("auditor", &[alert, button]),
        ("admin", &[alert, button]),
        ("stranger", &[]),
    ] {
        let (listed, open) = listed(&person(&world, who).await, "").await;
        assert_eq!(listed, seen, "{who}");
        assert_eq!(open, seen.len() as u64, "{who}");
    }
    let target = person(&world, "target").await;
    let page = target.get("/api/v1/follow-ups").await;
    let mut shown = page["followUps"][0].clone();
    let id = shown["id"].as_str().expect("an id").to_owned();
    let one = target.get(&format!("/api/v1/follow-ups/{id}")).await;
    assert_eq!(one["shownAt"], shown["shownAt"]);
    assert!(shown["ageMs"].as_i64().expect("a number") >= 0);
    for name in ["shownAt", "ageMs"] {
        shown.as_object_mut().expect("an object").remove(name);
    }
    let expected = json!({"id": id, "kind": "alert", "text": "Look at <this>", "to": "backoffice",
        "tenant": "demo", "service": "loans", "workflow": "loan", "stage": 1, "stages": 2,
        "item": item, "reference": "case-1", "title": "Loan of Anna", "itemState": "inWorkflow"});
    assert_eq!(shown, expected);
    let supervisor = person(&world, "supervisor").await;
    let item = item_of(&supervisor, &expected["item"]).await;
    let workflow = &item["workflow"];
    assert_eq!(workflow["name"], "loan");
    assert_eq!(
        (&workflow["stage"], &workflow["stages"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(workflow["because"], "the back office looks at it");
    assert!(workflow["waitingUntil"].is_string(), "{workflow}");
    assert_eq!(in_words(&item), [alert, button]);
}

#[tokio::test]
async fn what_is_not_for_somebody_is_as_if_there_were_none() {
    let world = led().await;
    waiting(&world, "case-1", "").await;
    let alert = first(&world, "alert").await;
    for (who, shown, handled) in [
        ("agent", 404, 404),
        ("supervisor", 404, 404),
        ("elsewhere", 404, 404),
        ("stranger", 404, 404),
        ("auditor", 200, 403),
    ] {
        let person = person(&world, who).await;
        let path = format!("/api/v1/follow-ups/{alert}");
        person.ask("GET", &path, Value::Null, shown).await;
        let refused = handle(&person, &alert, "acknowledge", handled).await;
        let code = if handled == 404 {
            "unknownItem"
        } else {
            "notAuthorised"
        };
        assert_eq!(refused["code"], code, "{who}");
    }
    let target = person(&world, "target").await;
    let refused = handle(&target, &alert, "push", 409).await;
    assert_eq!(refused["code"], "wrongState");
    let path = "/api/v1/follow-ups/nothing/push";
    let none = target.ask("POST", path, Value::Null, 404).await;
    assert_eq!(refusal(&none), (404, "unknownItem".to_owned()));
    assert_eq!(
        listed(&target, "").await,
        (vec!["alert case-1".to_owned()], 1)
    );
}

#[tokio::test]
async fn an_alert_is_acknowledged_once_and_its_workflow_goes_on() {
    let world = led().await;
    let item = waiting(&world, "case-1", "").await;
    let target = person(&world, "target").await;
    let supervisor = person(&world, "supervisor").await;
    let (alert, button) = (first(&world, "alert").await, first(&world, "button").await);
    let done = handle(&target, &alert, "acknowledge", 200).await;
    assert_eq!(done["id"], alert.as_str());
    assert_eq!(done["repeated"], false);
    assert_eq!(done["closed"]["by"], "target");
    assert_eq!(done["itemState"], "ended", "the wait was for this");
    let admin = person(&world, "admin").await;
    let again = handle(&admin, &alert, "acknowledge", 200).await;
    assert_eq!(again["repeated"], true);
    assert_eq!(again["closed"], done["closed"]);
    assert_eq!(listed(&admin, "").await, (Vec::new(), 0));
    let closed = admin.get("/api/v1/follow-ups?state=closed").await;
    assert_eq!(in_words(&closed), ["alert case-1", "button case-1"]);
    let closed = closed["followUps"].as_array().expect("a list");
    let gone = closed.iter().find(|one| one["kind"] == "button");
    let gone = &gone.expect("it is there")["closed"];
    assert!(gone["at"].is_string() && gone["by"].is_null(), "{gone}");
    let late = handle(&supervisor, &button, "push", 409).await;
    assert_eq!(
        (&late["code"], &late["state"]),
        (&json!("wrongState"), &json!("ended"))
    );
    let item = supervisor.get(&format!("/api/v1/items/{item}")).await;
    assert_eq!(item["outcome"], "handledByWorkflow");
    assert_eq!(item["workflow"], Value::Null);
    assert_eq!(in_words(&item), ["alert case-1", "button case-1"]);
}

#[tokio::test]
async fn a_button_is_pushed_and_the_operator_is_named() {
    let world = led().await;
    waiting(&world, "case-1", "").await;
    let button = first(&world, "button").await;
    let path = format!("/api/v1/follow-ups/{button}/push");
    let pushed = world.operate("POST", &path, "").await.json();
    assert_eq!(
        (&pushed["kind"], &pushed["name"]),
        (&json!("button"), &json!("release"))
    );
    let by = pushed["closed"]["by"].as_str().expect("a text");
    assert!(by.starts_with("uid="), "{by}");
    let target = person(&world, "target").await;
    let (left, open) = listed(&target, "").await;
    assert_eq!(
        (left, open),
        (vec!["alert case-1".to_owned()], 1),
        "alerts stay"
    );
}

#[tokio::test]
async fn a_list_comes_in_pages_from_the_oldest() {
    let world = led().await;
    for number in 1..=3 {
        waiting(&world, &format!("case-{number}"), "").await;
    }
    let target = person(&world, "target").await;
    let first = target.get("/api/v1/follow-ups?limit=2").await;
    assert_eq!(first["open"], 3);
    let next = first["next"].as_str().expect("there is more");
    let path = format!("/api/v1/follow-ups?limit=2&after={next}");
    let second = target.get(&path).await;
    assert_eq!(
        (&second["next"], &second["open"]),
        (&Value::Null, &json!(3))
    );
    let words = [in_words(&first), in_words(&second)];
    assert_eq!(words.each_ref().map(Vec::len), [2, 1]);
    let mut words = words.concat();
    words.sort();
    assert_eq!(words, ["alert case-1", "alert case-2", "alert case-3"]);
    let shown = [&first["followUps"], &second["followUps"]].map(|it| it.as_array());
    let shown = shown.iter().flatten().copied().flatten();
    let shown: Vec<_> = shown.map(|one| one["shownAt"].as_str()).collect();
    assert!(shown.is_sorted(), "{shown:?}");
    let exact = target.get("/api/v1/follow-ups?limit=3").await;
    assert_eq!(exact["next"], Value::Null);
    let all = world.operate("GET", "/api/v1/follow-ups", "").await.json();
    assert_eq!(all["open"], 6);
    for (tenant, status) in [("demo", 200), ("other", 200), ("none", 404)] {
        let path = format!("/api/v1/follow-ups?tenant={tenant}&limit=1");
        let answer = world.operate("GET", &path, "").await;
        assert_eq!(answer.status, status, "{tenant}");
        if status == 200 {
            let expected = if tenant == "demo" { 6 } else { 0 };
            assert_eq!(answer.json()["open"], expected, "{tenant}");
        }
    }
}

#[tokio::test]
async fn an_agent_starts_a_workflow_on_the_item_in_hand_once() {
    let world = led().await;
    // `quiet` has no workflow: its items come to agents at once.
    let agent = at_work(&world, "agent", &["quiet"]).await;
    let message = crate::http::tests::world::work_item_with("case-1", "quiet", CUSTOMER);
    assert_eq!(world.post(&message).await.status, 204);
    let offers = agent.get("/api/v1/me/offers").await;
    let item = offers[0]["item"].as_str().expect("it rings").to_owned();
    agent.act(&item, "accept", Value::Null).await;
    let path = format!("/api/v1/items/{item}/start-workflow");
    let body = json!({"workflow": "loan", "parameters": {"when": "Monday"}, "reference": "cb-1"});
    let started = agent.ask("POST", &path, body.clone(), 201).await.json();
    assert_eq!(started["reference"], "cb-1");
    assert_eq!(
        (&started["state"], &started["repeated"]),
        (&json!("inWorkflow"), &json!(false))
    );
    let again = agent.ask("POST", &path, body, 200).await.json();
    assert_eq!(again["repeated"], true);
    assert_eq!(again["item"], started["item"]);
    let other = json!({"workflow": "loan", "parameters": {"when": "Friday"}, "reference": "cb-1"});
    let refused = agent.ask("POST", &path, other, 409).await;
    assert_eq!(refusal(&refused), (409, "duplicateReference".to_owned()));
    let none = agent
        .ask("POST", &path, json!({"workflow": "none"}), 422)
        .await;
    assert_eq!(refusal(&none), (422, "invalidField".to_owned()));
    let admin = person(&world, "admin").await;
    let shown = item_of(&admin, &started["item"]).await;
    assert_eq!(shown["relatedTo"], item.as_str());
    assert_eq!(shown["service"], "quiet");
    assert_eq!(shown["customer"]["id"], "19700101-0001");
    assert_eq!(shown["title"], "Loan of Anna");
    let data = shown["contactData"].as_array().expect("a list").iter();
    let data: Vec<_> = data.map(|it| (&it["key"], &it["value"])).collect();
    assert!(
        data.contains(&(&json!("when"), &json!("Monday"))),
        "{data:?}"
    );
    assert_eq!(in_words(&shown), ["alert cb-1", "button cb-1"]);
    let target = person(&world, "target").await;
    assert_eq!(
        listed(&target, "").await.0,
        ["alert cb-1"],
        "the group has no service"
    );
}

#[tokio::test]
async fn a_free_standing_workflow_has_its_customer_and_its_title() {
    let world = led().await;
    let agent = person(&world, "agent").await;
    let customer = json!({"id": "4711", "name": " Anna  Berg "});
    let body = json!({"workflow": "loan", "service": "loans", "customer": customer,
        "title": "Call Anna back", "parameters": {"when": "Monday"}});
    let free = "/api/v1/follow-ups";
    let started = agent.ask("POST", free, body.clone(), 201).await.json();
    let admin = person(&world, "admin").await;
    let shown = item_of(&admin, &started["item"]).await;
    assert_eq!(
        shown["customer"],
        json!({"id": "4711", "name": "Anna Berg"})
    );
    assert_eq!(shown["title"], "Call Anna back");
    assert_eq!(shown["relatedTo"], Value::Null);
    let second = agent.ask("POST", free, body, 201).await.json();
    assert_ne!(
        second["item"], started["item"],
        "without a reference each is its own"
    );
    let plain = r#"{"workflow":"loan","service":"loans"}"#;
    let plain = world.operate("POST", free, plain).await;
    assert_eq!(plain.status, 201, "{plain:?}");
    assert_eq!(
        item_of(&admin, &plain.json()["item"]).await["title"],
        "loan"
    );
    // Two tenants have such a service.
    let either = r#"{"workflow":"loan","service":"quiet"}"#;
    let either = world.operate("POST", free, either).await;
    assert_eq!(refusal(&either), (422, "unknownService".to_owned()));
}
