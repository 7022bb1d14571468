//! Users over the control socket.

use serde_json::json;

use super::world::{Setting, World};

#[tokio::test]
async fn a_user_is_added_shown_changed_and_deactivated() {
    let world = World::open(Setting::default()).await;
    let body = r#"{"name":"anna","newPassword":true,"services":["loans"],"skills":{"french":7}}"#;
    let added = world.operate("POST", "/api/v1/users", body).await;
    assert_eq!(added.status, 200, "{:?}", added.json());
    let added = added.json();
    assert_eq!(added["password"].as_str().map(str::len), Some(20));
    assert_eq!(added["services"], json!(["loans"]));
    let shown = world.operate("GET", "/api/v1/users/anna", "").await.json();
    assert_eq!(shown["skills"], json!({"french": 7}));
    assert_eq!(shown.get("password"), None, "it is shown once");
    let change = r#"{"capacity":3,"ifVersion":1}"#;
    let changed = world.operate("PATCH", "/api/v1/users/anna", change).await;
    assert_eq!(changed.json()["capacity"], 3);
    let again = world.operate("PATCH", "/api/v1/users/anna", change).await;
    assert_eq!(
        (again.status, again.json()["code"].as_str()),
        (409, Some("versionConflict"))
    );
    let gone = world.operate("DELETE", "/api/v1/users/anna", "").await;
    assert_eq!(gone.json()["enabled"], false);
    let list = world.operate("GET", "/api/v1/users", "").await.json();
    assert_eq!(list[0]["name"], "anna");
    assert_eq!(list[0]["enabled"], false);
}

#[tokio::test]
async fn wrong_fields_are_refused_with_what_to_change() {
    let world = World::open(Setting::default()).await;
    for (body, status, code) in [
        ("{", 400, "malformedJson"),
        (r#"{"shoe":9}"#, 422, "invalidField"),
        ("{}", 422, "invalidField"),
        (r#"{"name":"a b"}"#, 422, "invalidField"),
        (r#"{"name":"a","password":"short"}"#, 422, "invalidField"),
        (r#"{"name":"a","capacity":11}"#, 422, "invalidField"),
        (r#"{"name":"a","roles":["boss"]}"#, 422, "invalidField"),
        (r#"{"name":"a","skills":{"x":10}}"#, 422, "invalidField"),
        (r#"{"name":"a","services":["none"]}"#, 422, "unknownService"),
    ] {
        let answer = world.operate("POST", "/api/v1/users", body).await;
        let json = answer.json();
        assert_eq!(
            (answer.status, json["code"].as_str()),
            (status, Some(code)),
            "{body}"
        );
    }
    for (method, body) in [("GET", ""), ("PATCH", "{}"), ("DELETE", "")] {
        let answer = world.operate(method, "/api/v1/users/nobody", body).await;
        assert_eq!(answer.status, 404, "{method}");
    }
    let list = world.operate("GET", "/api/v1/users", "").await.json();
    assert_eq!(list, json!([]));
}

#[tokio::test]
async fn a_file_is_imported_whole_or_not_at_all() {
    let world = World::open(Setting::default()).await;
    let import = |csv: &str, dry_run: bool| json!({"csv": csv, "dryRun": dry_run}).to_string();
    let path = "/api/v1/user-imports";
    let good = "name,services\nanna,loans\nbert,\n";
    let tried = world.operate("POST", path, &import(good, true)).await;
    let tried = tried.json();
    assert_eq!(
        (&tried["added"], &tried["passwords"]),
        (&json!(2), &json!({}))
    );
    let bad = "name,services\nanna,loans\nbert,none\n";
    let refused = world.operate("POST", path, &import(bad, false)).await;
    assert_eq!(refused.json()["code"], "unknownService");
    let broken = world
        .operate("POST", path, &import("name\na b\n", false))
        .await;
    let detail = broken.json()["detail"].as_str().map(str::to_owned);
    let detail = detail.expect("it says where");
    assert!(detail.starts_with("line 2, column 1 (name): "), "{detail}");
    let list = world.operate("GET", "/api/v1/users", "").await.json();
    assert_eq!(list, json!([]));
    let done = world
        .operate("POST", path, &import(good, false))
        .await
        .json();
    assert_eq!(
        done["passwords"].as_object().map(serde_json::Map::len),
        Some(2)
    );
    let again = world
        .operate("POST", path, &import(good, false))
        .await
        .json();
    assert_eq!((&again["added"], &again["changed"]), (&json!(0), &json!(2)));
}
