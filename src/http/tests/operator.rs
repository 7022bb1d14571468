//! Probes, metrics and the control socket.

use serde_json::json;

use super::world::{Setting, World, work_item, work_item_with};

#[tokio::test]
async fn a_daemon_at_work_is_alive_and_ready() {
    let world = World::open(Setting::default()).await;
    assert_eq!(world.probe("/livez").await.status, 200);
    let ready = world.probe("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "ok\n"));
    let verbose = world.probe("/readyz?verbose").await;
    for check in ["intake", "store", "disk", "engine"] {
        assert!(
            verbose.body.contains(&format!("[+] {check}: ok\n")),
            "{check}"
        );
    }
    world.shared.refuse_as_draining();
    let draining = world.probe("/readyz?verbose").await;
    assert_eq!(draining.status, 503);
    assert!(draining.body.starts_with("[-] intake: "), "{draining:?}");
    assert_eq!(world.probe("/livez").await.status, 200);
}

#[tokio::test]
async fn what_passes_the_door_is_counted() {
    let world = World::open(Setting::default()).await;
    let item = work_item("m-1");
    world.post(&item).await;
    world.post(&item).await;
    world.post("<x").await;
    let metrics = world.probe("/metrics").await;
    assert_eq!(metrics.status, 200);
    for line in [
        r#"anteroom_answers_total{code="ok"} 2"#,
        r#"anteroom_answers_total{code="malformedXml"} 1"#,
        r#"anteroom_receipts_total{kind="created"} 1"#,
        r#"anteroom_receipts_total{kind="replayed"} 1"#,
        "anteroom_request_duration_seconds_count 3",
        r#"anteroom_items{tenant="demo",service="loans",state="queued"} 1"#,
        r#"anteroom_entrance_open{tenant="demo",service="loans"} 1"#,
        "anteroom_bodies_in_flight_bytes 0",
    ] {
        assert!(metrics.body.contains(line), "{line} in {}", metrics.body);
    }
    assert!(metrics.body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn an_entrance_is_closed_and_opened_by_hand() {
    let world = World::open(Setting::default()).await;
    let path = "/api/v1/services/loans/entrance";
    let closed = world
        .operate("PUT", path, r#"{"state":"closed","reason":"holiday"}"#)
        .await;
    assert_eq!(closed.status, 200, "{closed:?}");
    assert_eq!(closed.json()["entrance"]["state"], "closed");
    assert_eq!(closed.json()["entrance"]["reasons"], json!(["byHand"]));
    let buffered = world.post(&work_item("c-1")).await;
    assert_eq!(buffered.attribute("state"), Some("buffered"));
    let services = world.operate("GET", "/api/v1/services", "").await.json();
    let loans = services.as_array().expect("a list").iter();
    let loans = loans.into_iter().find(|one| one["name"] == "loans");
    assert_eq!(loans.expect("there")["buffered"], 1);
    let opened = world
        .operate("PUT", &format!("{path}?tenant=demo"), r#"{"state":"open"}"#)
        .await;
    assert_eq!(opened.json()["entrance"]["state"], "open");
}

#[tokio::test]
async fn a_queue_is_listed_in_pages() {
    let world = World::open(Setting::default()).await;
    for (reference, priority) in [("p-1", 2), ("p-2", 9), ("p-3", 2)] {
        let priority = format!("<priority>{priority}</priority>");
        let item = work_item_with(reference, "loans", &priority);
        assert_eq!(world.post(&item).await.status, 201);
    }
    let path = "/api/v1/queue?service=loans&limit=2";
    let first = world.operate("GET", path, "").await.json();
    let shown = |page: &serde_json::Value| -> Vec<(u64, String)> {
        let items = page.as_array().expect("a list").iter();
        let item = |item: &serde_json::Value| {
            let position = item["position"].as_u64().expect("a number");
            let reference = item["reference"].as_str().expect("a text").to_owned();
            (position, reference)
        };
        items.map(item).collect()
    };
    let expected = vec![(1, "p-2".to_owned()), (2, "p-1".to_owned())];
    assert_eq!(shown(&first), expected);
    assert_eq!(first[0]["why"], "noAgentWithSkills");
    assert_eq!(first[0]["unroutable"], true);
    let after = first[1]["place"].as_str().expect("a place");
    let rest = world
        .operate("GET", &format!("{path}&after={after}"), "")
        .await;
    assert_eq!(shown(&rest.json()), vec![(3, "p-3".to_owned())]);
}

#[tokio::test]
async fn an_item_is_shown_with_its_life_and_ended_by_hand() {
    let world = World::open(Setting::default()).await;
    let message = work_item("i-1");
    let created = world.post(&message).await;
    let id = created.attribute("id").expect("an id");
    for name in [id, "i-1"] {
        let item = world
            .operate("GET", &format!("/api/v1/items/{name}"), "")
            .await;
        let item = item.json();
        assert_eq!(item["id"], id);
        assert_eq!(item["sender"], "crm");
        assert_eq!(item["contactData"][0]["value"], "call back");
    }
    let kept = world.operate("GET", "/api/v1/items/i-1/message", "").await;
    assert_eq!(kept.body, message);
    let path = format!("/api/v1/items/{id}/abort");
    let ended = world.operate("POST", &path, r#"{"reason":"twice"}"#).await;
    assert_eq!(ended.json()["outcome"], "cancelledBySupervisor");
    let trace = world
        .operate("GET", "/api/v1/items/i-1/trace", "")
        .await
        .json();
    let journal = &trace["journal"];
    assert_eq!(journal[0]["event"], "received");
    assert_eq!(journal[0]["actor"], "sender crm");
    assert_eq!(journal[1]["event"], "cancelledBySupervisor");
    assert_eq!(
        trace["serviceSessions"][0]["result"],
        "cancelledBySupervisor"
    );
    let actor = journal[1]["actor"].as_str().expect("a text");
    let pid = format!("pid={}", std::process::id());
    assert!(
        actor.starts_with("uid=") && actor.ends_with(&pid),
        "{actor}"
    );
}

#[tokio::test]
async fn faults_of_the_operator_are_problem_details() {
    let world = World::open(Setting::default()).await;
    let entrance = "/api/v1/services/loans/entrance";
    let table = [
        ("GET", "/api/v2", "", 404, "notFound"),
        ("DELETE", "/api/v1/status", "", 405, "methodNotAllowed"),
        ("GET", "/api/v1/items/none", "", 404, "unknownItem"),
        ("GET", "/api/v1/queue?service=none", "", 404, "notFound"),
        ("GET", "/api/v1/queue?limit=0", "", 422, "invalidField"),
        ("PUT", entrance, "{", 400, "malformedJson"),
        ("PUT", entrance, "{}", 422, "invalidField"),
        ("PUT", entrance, r#"{"state":"ajar"}"#, 422, "invalidField"),
        (
            "PUT",
            entrance,
            r#"{"state":"open","until":"soon"}"#,
            422,
            "invalidField",
        ),
        (
            "PUT",
            "/api/v1/services/none/entrance",
            r#"{"state":"open"}"#,
            404,
            "notFound",
        ),
        (
            "POST",
            "/api/v1/backup",
            r#"{"file":"here"}"#,
            422,
            "invalidField",
        ),
    ];
    for (method, path, body, status, code) in table {
        let answer = world.operate(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.json()["code"], code, "{method} {path} {body}");
    }
}

#[tokio::test]
async fn status_backup_and_reload_answer_the_operator() {
    let world = World::open(Setting::default()).await;
    world.post(&work_item("s-1")).await;
    let status = world.operate("GET", "/api/v1/status", "").await.json();
    assert_eq!(status["intake"], "open");
    assert_eq!(status["queued"], 1);
    assert!(status["storeBytes"].as_u64().expect("a number") > 0);
    let file = world.control.with_file_name("copy.db");
    let body = json!({ "file": file }).to_string();
    let backup = world.operate("POST", "/api/v1/backup", &body).await;
    assert_eq!(backup.status, 200, "{backup:?}");
    let size = std::fs::metadata(&file).expect("a copy").len();
    assert_eq!(backup.json()["bytes"], size);
    let again = world.operate("POST", "/api/v1/backup", &body).await;
    assert_eq!(
        again.json()["code"],
        "invalidField",
        "nothing is overwritten"
    );
    assert_eq!(
        world.operate("POST", "/api/v1/reload", "").await.status,
        204
    );
}
