//! What agents and supervisors do with one item, over real sockets.

use serde_json::{Value, json};

use super::desk::setting;
use super::world::{at_work, open, open_with, person, waiting};
use crate::domain::policy::KeyDeclaration;
use crate::http::tests::world::{World, work_item};

fn key(name: &str) -> KeyDeclaration {
    KeyDeclaration {
        key: name.to_owned(),
        label: name.to_uppercase(),
        ..KeyDeclaration::default()
    }
}

#[tokio::test]
async fn a_verb_in_the_wrong_state_is_refused_with_the_state() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let id = waiting(&world, "case-1", "").await;
    let wrong = |state: &str| ("wrongState".to_owned(), json!(state));
    for verb in ["park", "resume", "requeue"] {
        let refused = agent.fails(&id, verb, Value::Null, 409).await;
        assert_eq!(refused.0, "wrongState", "{verb}");
    }
    agent.act(&id, "accept", Value::Null).await;
    let resumed = agent.act(&id, "resume", Value::Null).await;
    assert_eq!(resumed["state"], "connected", "it is what resume leads to");
    let end = json!({"result": "done", "session": 1});
    assert_eq!(agent.fails(&id, "end", end, 409).await, wrong("connected"));
    let unknown = agent
        .fails(&id, "end", json!({"result": "so-so"}), 422)
        .await;
    assert_eq!(unknown.0, "valueNotInSet");
    assert_eq!(
        agent.fails(&id, "end", json!({}), 422).await.0,
        "invalidField"
    );
    agent.act(&id, "end", json!({"result": "done"})).await;
    for verb in ["park", "requeue"] {
        let refused = agent.fails(&id, verb, Value::Null, 409).await;
        assert_eq!(refused, wrong("ended"), "{verb}");
    }
    let nobody = "01890000-0000-7000-8000-000000000000";
    for id in [nobody, "case-1"] {
        assert_eq!(
            agent.fails(id, "accept", Value::Null, 404).await.0,
            "unknownItem"
        );
    }
}

#[tokio::test]
async fn an_item_is_parked_resumed_requeued_and_handed_on() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let id = waiting(&world, "case-1", "").await;
    let accepted = agent.act(&id, "accept", Value::Null).await;
    let until = json!({"until": "soon"});
    assert_eq!(agent.fails(&id, "park", until, 422).await.0, "invalidField");
    let parked = agent
        .act(&id, "park", json!({"note": "waits for papers"}))
        .await;
    assert_eq!(parked["state"], "parked");
    assert_eq!(parked["parkedUntil"], parked["until"]);
    assert_eq!(agent.get("/api/v1/me/items").await[0]["state"], "parked");
    let resumed = agent.act(&id, "resume", Value::Null).await;
    assert_eq!(
        (&resumed["state"], &resumed["session"]),
        (&json!("connected"), &accepted["session"])
    );
    let requeue = json!({"session": accepted["session"]});
    let requeued = agent.act(&id, "requeue", requeue.clone()).await;
    assert_eq!(requeued["session"], accepted["session"]);
    let again = agent.act(&id, "requeue", requeue).await;
    assert_eq!(
        again["version"], requeued["version"],
        "a repeat changes nothing"
    );

    let nowhere = json!({"service": "nowhere"});
    agent.act(&id, "accept", Value::Null).await;
    assert_eq!(
        agent.fails(&id, "transfer", nowhere, 422).await.0,
        "unknownService"
    );
    let nobody = json!({"agent": "nobody"});
    assert_eq!(
        agent.fails(&id, "transfer", nobody, 422).await.0,
        "unknownAgent"
    );
    assert_eq!(
        agent.fails(&id, "transfer", json!({}), 422).await.0,
        "invalidField"
    );
    let moved = agent
        .act(&id, "transfer", json!({"service": "quiet"}))
        .await;
    assert_eq!(
        (&moved["service"], &moved["state"]),
        (&json!("quiet"), &json!("queued"))
    );
    let trace = agent
        .ask(
            "GET",
            &format!("/api/v1/items/{id}/trace"),
            Value::Null,
            200,
        )
        .await;
    let file = format!("attachment; filename=\"item-{id}-trace.json\"");
    let header = trace.header("content-disposition").expect("a file");
    assert!(header.starts_with(&file), "{header}");
    let trace = trace.json();
    let sessions = trace["agentSessions"].as_array().expect("a list");
    let results: Vec<_> = sessions.iter().map(|one| one["result"].clone()).collect();
    assert_eq!(results, ["requeued", "transferred"]);
    assert_eq!(trace["serviceSessions"][0]["result"], "transferredByUser");
    let journal = trace["journal"].as_array().expect("a list");
    assert_eq!(journal[0]["event"], "received");
    assert!(journal.iter().any(|line| line["actor"] == "user agent"));
}

#[tokio::test]
async fn contact_data_is_edited_of_the_version_that_was_read_and_hidden_keys_stay_hidden() {
    let world = open_with(setting("loans", |loans| {
        let account = KeyDeclaration {
            editable: true,
            ..key("account")
        };
        let score = KeyDeclaration {
            hidden: true,
            ..key("score")
        };
        loans.contact_data = vec![key("workItemTask"), account, score];
    }))
    .await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let message = work_item("case-1").replace(
        "</contactData>",
        r#"<item key="account">1</item><item key="score">low</item></contactData>"#,
    );
    let taken = world.post(&message).await;
    let id = taken.attribute("id").expect("a receipt");
    agent.act(id, "accept", Value::Null).await;
    let path = format!("/api/v1/items/{id}");
    let read = agent.ask("GET", &path, Value::Null, 200).await;
    let tag = read.header("etag").expect("a version").to_owned();
    assert_eq!(tag, format!("\"{}\"", read.json()["version"]));
    let keys = |item: &Value| -> Vec<String> {
        let data = item["contactData"].as_array().expect("a list").iter();
        data.map(|datum| datum["key"].as_str().expect("a key").to_owned())
            .collect()
    };
    assert_eq!(keys(&read.json()), ["workItemTask", "account"]);
    assert_eq!(read.json()["contactData"][1]["editable"], true);
    assert_eq!(read.json()["contactData"][1]["label"], "ACCOUNT");
    let supervisor = person(&world, "supervisor").await;
    let whole = supervisor.get(&path).await;
    assert_eq!(keys(&whole), ["workItemTask", "account", "score"]);

    let edit = |value: &str| json!({"contactData": {"account": value}});
    let changed = agent.edit(id, edit("2"), Some(&tag), 200).await;
    assert_eq!(changed["contactData"][1]["value"], "2");
    let stale = agent.edit(id, edit("3"), Some(&tag), 409).await;
    assert_eq!(stale["code"], "versionConflict");
    agent.edit(id, edit("3"), Some("*"), 200).await;
    agent.edit(id, edit("4"), None, 200).await;
    for tag in ["1", "W/\"1\"", "\"1\", \"2\""] {
        let wrong = agent.edit(id, edit("5"), Some(tag), 422).await;
        assert_eq!(wrong["code"], "invalidField", "{tag}");
    }
    let hidden = json!({"contactData": {"score": "high"}});
    assert_eq!(
        agent.edit(id, hidden, None, 403).await["code"],
        "notAuthorised"
    );
    for (chars, status) in [(1_023, 200), (1_024, 200), (1_025, 422)] {
        agent.edit(id, edit(&"å".repeat(chars)), None, status).await;
    }
}

#[tokio::test]
async fn attachments_are_files_and_never_pages() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let file = r#"<attachments><attachment name="Lån &quot;1&quot;.txt" mediaType="text/plain">aGVq</attachment></attachments>"#;
    let id = waiting(&world, "case-1", file).await;
    let path = format!("/api/v1/items/{id}/attachments/1");
    let answer = agent.ask("GET", &path, Value::Null, 200).await;
    assert_eq!(answer.body, "hej");
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let disposition = answer.header("content-disposition").expect("a file");
    let expected = "attachment; filename=\"l_n__1_.txt\"; filename*=utf-8''l%c3%a5n%20%221%22.txt";
    assert_eq!(disposition, expected, "the head is in lower case");
    for number in ["0", "2", "one"] {
        let path = format!("/api/v1/items/{id}/attachments/{number}");
        let none = agent.ask("GET", &path, Value::Null, 404).await;
        assert_eq!(none.json()["code"], "notFound", "{number}");
    }
    let database = rusqlite_of(&world);
    let damaged = database.execute("UPDATE chunk SET bytes = x'686578'", ());
    assert_eq!(damaged.expect("a table"), 1);
    let damaged = agent.ask("GET", &path, Value::Null, 503).await;
    assert_eq!(damaged.json()["code"], "storageFailed");
}

fn rusqlite_of(world: &World) -> rusqlite::Connection {
    rusqlite::Connection::open(&world.shared.database).expect("a database")
}

#[tokio::test]
async fn a_message_is_not_for_agents() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let id = waiting(&world, "case-1", "").await;
    let path = format!("/api/v1/items/{id}/message");
    agent.ask("GET", &path, Value::Null, 403).await;
    let admin = person(&world, "admin").await;
    let message = admin.ask("GET", &path, Value::Null, 200).await;
    assert!(message.body.contains("case-1"));
    assert_eq!(
        message.header("content-type"),
        Some("application/xml; charset=utf-8")
    );
}

#[tokio::test]
async fn a_supervisor_directs_the_items_of_others() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let supervisor = person(&world, "supervisor").await;
    let id = waiting(&world, "case-1", "").await;
    agent.act(&id, "accept", Value::Null).await;
    let released = supervisor
        .act(&id, "release", json!({"reason": "on leave"}))
        .await;
    assert_eq!(released["agent"], Value::Null);
    let late = agent
        .fails(&id, "end", json!({"result": "done"}), 409)
        .await;
    assert_eq!(late.0, "wrongState");
    let first = supervisor
        .act(&id, "priority", json!({"priority": 9}))
        .await;
    assert_eq!(first["priority"], 9);
    assert_eq!(
        supervisor
            .fails(&id, "priority", json!({"priority": 10}), 422)
            .await
            .0,
        "invalidField"
    );
    let other = json!({"agent": "target", "required": true});
    let reassigned = supervisor.act(&id, "reassign", other).await;
    assert_eq!(reassigned["why"], "preferredAgentOnly");
    let aborted = supervisor.act(&id, "abort", Value::Null).await;
    assert_eq!(aborted["outcome"], "cancelledBySupervisor");
    let again = supervisor.act(&id, "abort", Value::Null).await;
    assert_eq!(again["version"], aborted["version"]);
    let reopened = supervisor
        .act(&id, "reopen", json!({"reason": "a mistake"}))
        .await;
    assert_eq!(
        (&reopened["state"], &reopened["outcome"]),
        (&json!("queued"), &Value::Null)
    );
    let strange = person(&world, "elsewhere").await;
    assert_eq!(
        strange.fails(&id, "abort", Value::Null, 404).await.0,
        "unknownItem"
    );
}

#[tokio::test]
async fn the_operator_directs_items_by_id_or_reference() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    waiting(&world, "case-1", "").await;
    let agents = world.operate("GET", "/api/v1/agents", "").await.json();
    let ringing = agents.as_array().expect("a list").iter();
    let ringing = ringing.filter(|one| one["state"] == "ringing").count();
    assert_eq!(ringing, 1);
    let path = |verb: &str| format!("/api/v1/items/case-1/{verb}");
    let accept = world.operate("POST", &path("accept"), "").await;
    assert_eq!(
        accept.json()["code"],
        "notAuthorised",
        "the operator is no agent"
    );
    let first = world
        .operate("POST", &path("priority"), r#"{"priority":9}"#)
        .await;
    assert_eq!(first.json()["priority"], 9, "{first:?}");
    let moved = world
        .operate("POST", &path("transfer"), r#"{"service":"quiet"}"#)
        .await;
    assert_eq!(moved.json()["service"], "quiet", "{moved:?}");
    assert_eq!(agent.get("/api/v1/me/offers").await, json!([]));
    let state = "/api/v1/agents/agent/state";
    let off = world
        .operate("PUT", state, r#"{"presence":"offline"}"#)
        .await;
    assert_eq!(off.json()["state"], "offline", "{off:?}");
    let queue = "/api/v1/services/quiet/queue?tenant=";
    for (tenant, count) in [("demo", 1), ("other", 0)] {
        let waiting = world.operate("GET", &format!("{queue}{tenant}"), "").await;
        let waiting = waiting.json();
        assert_eq!(waiting.as_array().expect("a list").len(), count, "{tenant}");
    }
}
