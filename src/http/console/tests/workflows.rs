//! Workflows in force and their pictures.

use std::sync::Arc;

use serde_json::{Value, json};

use super::world::{loan, open, open_with, person, refusal};
use crate::http::tests::world::{Setting, work_item_with};

#[tokio::test]
async fn workflows_are_shown_with_their_stages_and_services() {
    let mut setting = Setting::default();
    let demo = setting.policy.tenants.get_mut("demo").expect("there");
    let demo = Arc::make_mut(demo);
    for name in ["loans", "quiet"] {
        let service = demo.services.get_mut(name).expect("there");
        Arc::make_mut(service).workflow = Some(Arc::new(loan()));
    }
    let world = open_with(setting).await;
    let expected = |services: Value| {
        let digest = loan().digest.to_string();
        json!({"tenant": "demo", "name": "loan", "digest": digest, "services": services,
        "stages": [
            {"stage": 1, "title": "received", "event": "received", "actions": [
                "alert backoffice: Look at <this>",
                "button “Let it in now” for supervisor (stage 2)",
                "wait until acknowledged, at most 1 h: the back office looks at it",
                "finish",
            ], "leads": ["the workflow ends"]},
            {"stage": 2, "title": "release", "event": "button “release”",
                "actions": ["finish"], "leads": ["the workflow ends"]},
        ]})
    };
    for (who, services) in [
        ("agent", json!(["loans"])),
        ("elsewhere", json!(["quiet"])),
        ("admin", json!(["loans", "quiet"])),
    ] {
        let person = person(&world, who).await;
        let listed = person.get("/api/v1/workflows").await;
        assert_eq!(listed, json!([expected(services.clone())]), "{who}");
        let one = person.get("/api/v1/workflows/loan").await;
        assert_eq!(one, expected(services), "{who}");
    }
    let stranger = person(&world, "stranger").await;
    assert_eq!(stranger.get("/api/v1/workflows").await, json!([]));
}

#[tokio::test]
async fn the_operator_says_which_tenant_where_several_have_it() {
    let mut setting = Setting::default();
    let demo = setting.policy.tenants.get_mut("demo").expect("there");
    let workflows = &mut Arc::make_mut(demo).workflows;
    workflows.insert("loan".to_owned(), Arc::new(loan()));
    // The other tenant is made from this one, workflow included.
    let world = open_with(setting).await;
    let all = world.operate("GET", "/api/v1/workflows", "").await.json();
    let tenants = all.as_array().expect("a list").iter();
    let tenants: Vec<&Value> = tenants.map(|one| &one["tenant"]).collect();
    assert_eq!(tenants, ["demo", "other"]);
    for (path, expected) in [
        ("/api/v1/workflows/loan", 422),
        ("/api/v1/workflows/loan/graph.svg", 422),
        ("/api/v1/workflows/loan?tenant=other", 200),
        ("/api/v1/workflows/loan?tenant=none", 404),
        ("/api/v1/workflows/none?tenant=demo", 404),
        ("/api/v1/workflows?tenant=none", 404),
        ("/api/v1/workflows?service=loans", 422),
    ] {
        assert_eq!(
            world.operate("GET", path, "").await.status,
            expected,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_picture_is_svg_under_the_strictest_policy() {
    let world = open().await;
    let agent = person(&world, "agent").await;
    let path = "/api/v1/workflows/loan/graph.svg";
    let picture = agent.ask("GET", path, Value::Null, 200).await;
    assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
    assert_eq!(picture.header("x-content-type-options"), Some("nosniff"));
    let policy = picture
        .header("content-security-policy")
        .expect("there is one");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("script-src"), "{policy}");
    assert!(
        picture.body.contains("Look at &lt;this&gt;"),
        "{}",
        picture.body
    );
    let none = "/api/v1/workflows/none/graph.svg";
    let none = agent.ask("GET", none, Value::Null, 404).await;
    assert_eq!(refusal(&none), (404, "notFound".to_owned()));
}

#[tokio::test]
async fn items_that_stand_in_a_workflow_are_listed_behind_those_that_wait() {
    let mut setting = Setting::default();
    let demo = setting.policy.tenants.get_mut("demo").expect("there");
    let quiet = Arc::make_mut(demo)
        .services
        .get_mut("quiet")
        .expect("there");
    Arc::make_mut(quiet).workflow = Some(Arc::new(loan()));
    let world = open_with(setting).await;
    assert_eq!(
        world.post(&work_item_with("w-1", "quiet", "")).await.status,
        204
    );
    let listed = world
        .operate("GET", "/api/v1/queue?service=quiet", "")
        .await;
    let listed = listed.json();
    assert_eq!(listed[0]["reference"], "w-1");
    assert_eq!(listed[0]["state"], "inWorkflow");
    assert_eq!(listed[0]["why"], "inWorkflow");
    assert_eq!(listed[0]["workflow"]["stage"], 1);
    let place = listed[0]["place"].as_str().expect("a place");
    let rest = format!("/api/v1/queue?service=quiet&after={place}");
    assert_eq!(world.operate("GET", &rest, "").await.json(), json!([]));
}
