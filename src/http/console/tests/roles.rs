//! Every route, asked by everybody.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::routes;
use super::world::{PASSWORD, asking, open, park, session_of, shown};
use crate::http::tests::world::{Answer, World, work_item_with};

/// Who asks: `supervisor` sees to the service `loans`, `elsewhere` to another, `stranger` is the
/// admin of another tenant.
const WHO: [&str; 7] = [
    "nobody",
    "agent",
    "supervisor",
    "elsewhere",
    "auditor",
    "admin",
    "stranger",
];

/// A route, what to ask of it, and the status for each of [`WHO`]. In the body, `WHO` stands for
/// who asks, and `PARKED` for a notification about an item of `loans` that was given up just now;
/// in the address, `ITEM` stands for an item that waits in `loans` since just now.
struct Row {
    method: &'static str,
    path: &'static str,
    asked: &'static str,
    body: Value,
    statuses: [u16; 7],
}

fn row(
    method: &'static str,
    path: &'static str,
    asked: &'static str,
    body: Value,
    statuses: [u16; 7],
) -> Row {
    Row {
        method,
        path,
        asked,
        body,
        statuses,
    }
}

const EVERYBODY: [u16; 7] = [200; 7];
const KNOWN: [u16; 7] = [401, 200, 200, 200, 200, 200, 200];
const KNOWN_DONE: [u16; 7] = [401, 204, 204, 204, 204, 204, 204];
/// Of what is in the tenant `demo`.
const AT_HOME: [u16; 7] = [401, 200, 200, 200, 200, 200, 404];
const ADMINS: [u16; 7] = [401, 403, 403, 403, 403, 200, 200];
const ADMIN_AT_HOME: [u16; 7] = [401, 403, 403, 403, 403, 200, 404];
/// Of an item of `loans` that nobody has.
const SEEING: [u16; 7] = [401, 404, 200, 404, 200, 200, 404];
/// What only its agent may, of an item that nobody has.
const AGENTS_OWN: [u16; 7] = [401, 404, 403, 404, 403, 403, 404];
const DIRECTING: [u16; 7] = [401, 404, 200, 404, 403, 200, 404];
/// The same where it must be in somebody's hands, or have ended.
const DIRECTING_IN_VAIN: [u16; 7] = [401, 404, 409, 404, 403, 409, 404];

/// A verb on an item that waits.
fn verb(path: &'static str, asked: &'static str, body: Value, statuses: [u16; 7]) -> Row {
    row("POST", path, asked, body, statuses)
}

/// What is done with items.
fn table_of_items() -> Vec<Row> {
    let none = || Value::Null;
    let seen =
        |(path, asked): (&'static str, &'static str)| row("GET", path, asked, none(), SEEING);
    let own =
        |(path, asked): (&'static str, &'static str), body| verb(path, asked, body, AGENTS_OWN);
    let directed = |(path, asked): (&'static str, &'static str), body, statuses| {
        verb(path, asked, body, statuses)
    };
    let (edit, edited) = (
        "/api/v1/items/{id}/contact-data",
        "/api/v1/items/ITEM/contact-data",
    );
    vec![
        seen(("/api/v1/items/{id}", "/api/v1/items/ITEM")),
        seen(("/api/v1/items/{id}/trace", "/api/v1/items/ITEM/trace")),
        // Not for those who may not see the customer's identifier, which stands in it.
        row(
            "GET",
            "/api/v1/items/{id}/message",
            "/api/v1/items/ITEM/message",
            none(),
            [401, 404, 403, 404, 403, 200, 404],
        ),
        row(
            "GET",
            "/api/v1/items/{id}/attachments/{number}",
            "/api/v1/items/ITEM/attachments/1",
            none(),
            SEEING,
        ),
        own(
            ("/api/v1/items/{id}/accept", "/api/v1/items/ITEM/accept"),
            none(),
        ),
        own(
            ("/api/v1/items/{id}/decline", "/api/v1/items/ITEM/decline"),
            none(),
        ),
        own(
            ("/api/v1/items/{id}/end", "/api/v1/items/ITEM/end"),
            json!({"result": "done"}),
        ),
        own(
            ("/api/v1/items/{id}/park", "/api/v1/items/ITEM/park"),
            none(),
        ),
        own(
            ("/api/v1/items/{id}/resume", "/api/v1/items/ITEM/resume"),
            none(),
        ),
        row("PUT", edit, edited, json!({"contactData": {}}), AGENTS_OWN),
        own(
            (
                "/api/v1/items/{id}/extend-wrap-up",
                "/api/v1/items/ITEM/extend-wrap-up",
            ),
            none(),
        ),
        own(
            (
                "/api/v1/items/{id}/end-wrap-up",
                "/api/v1/items/ITEM/end-wrap-up",
            ),
            none(),
        ),
        // Whose service it is not may not even know that there is nothing to take.
        directed(
            ("/api/v1/items/{id}/take", "/api/v1/items/ITEM/take"),
            none(),
            [401, 409, 403, 404, 403, 403, 404],
        ),
        directed(
            ("/api/v1/items/{id}/requeue", "/api/v1/items/ITEM/requeue"),
            none(),
            DIRECTING_IN_VAIN,
        ),
        directed(
            ("/api/v1/items/{id}/transfer", "/api/v1/items/ITEM/transfer"),
            json!({"service": "quiet"}),
            DIRECTING,
        ),
        directed(
            ("/api/v1/items/{id}/abort", "/api/v1/items/ITEM/abort"),
            none(),
            DIRECTING,
        ),
        directed(
            ("/api/v1/items/{id}/priority", "/api/v1/items/ITEM/priority"),
            json!({"priority": 9}),
            DIRECTING,
        ),
        directed(
            ("/api/v1/items/{id}/reassign", "/api/v1/items/ITEM/reassign"),
            json!({"agent": "agent"}),
            DIRECTING,
        ),
        directed(
            ("/api/v1/items/{id}/release", "/api/v1/items/ITEM/release"),
            none(),
            DIRECTING_IN_VAIN,
        ),
        directed(
            ("/api/v1/items/{id}/reopen", "/api/v1/items/ITEM/reopen"),
            none(),
            DIRECTING_IN_VAIN,
        ),
    ]
}

/// What is done with queues and agents.
fn table_of_agents() -> Vec<Row> {
    let not_agents = [401, 200, 404, 404, 404, 404, 404];
    let state = "/api/v1/me/state";
    let (offers, items) = ("/api/v1/me/offers", "/api/v1/me/items");
    let many = json!({"verb": "abort", "service": "loans", "state": "queued", "preview": true});
    vec![
        row("GET", state, state, Value::Null, not_agents),
        row("PUT", state, state, json!({"duty": "onDuty"}), not_agents),
        row("GET", offers, offers, Value::Null, KNOWN),
        row("GET", items, items, Value::Null, KNOWN),
        row(
            "GET",
            "/api/v1/services/{service}/queue",
            "/api/v1/services/loans/queue",
            Value::Null,
            [401, 200, 200, 404, 200, 200, 404],
        ),
        row(
            "POST",
            "/api/v1/item-actions",
            "/api/v1/item-actions",
            many,
            [401, 403, 200, 404, 403, 200, 404],
        ),
        row(
            "GET",
            "/api/v1/agents",
            "/api/v1/agents",
            Value::Null,
            [401, 403, 200, 200, 200, 200, 200],
        ),
        row(
            "PUT",
            "/api/v1/agents/{agent}/state",
            "/api/v1/agents/agent/state",
            json!({"duty": "offDuty"}),
            [401, 403, 200, 404, 403, 200, 404],
        ),
    ]
}

/// What is done with workflows and follow-ups. That those that are there are for some and not for others is tried
/// in `follow_ups`.
fn table_of_follow_ups() -> Vec<Row> {
    let all = "/api/v1/follow-ups";
    let one = "/api/v1/follow-ups/{id}";
    let gone = "/api/v1/follow-ups/01a1fcc0-0000-7000-8000-000000000000";
    let (acknowledge, push) = (
        "/api/v1/follow-ups/{id}/acknowledge",
        "/api/v1/follow-ups/{id}/push",
    );
    let none = [401, 404, 404, 404, 404, 404, 404];
    let handled = [401, 404, 404, 404, 403, 404, 404];
    let nameless = json!({"workflow": "", "service": "loans"});
    let workflow = "/api/v1/workflows/{workflow}";
    let graph = "/api/v1/workflows/{workflow}/graph.svg";
    let (workflows, loan) = ("/api/v1/workflows", "/api/v1/workflows/loan");
    vec![
        row("GET", workflows, workflows, Value::Null, KNOWN),
        row("GET", workflow, loan, Value::Null, AT_HOME),
        row(
            "GET",
            graph,
            "/api/v1/workflows/loan/graph.svg",
            Value::Null,
            AT_HOME,
        ),
        row("GET", all, all, Value::Null, KNOWN),
        row("GET", one, gone, Value::Null, none),
        row(
            "POST",
            acknowledge,
            "/api/v1/follow-ups/01a1fcc0-0000-7000-8000-000000000000/acknowledge",
            Value::Null,
            handled,
        ),
        row(
            "POST",
            push,
            "/api/v1/follow-ups/01a1fcc0-0000-7000-8000-000000000000/push",
            Value::Null,
            handled,
        ),
        // Whoever may is told what else is wrong.
        row(
            "POST",
            all,
            all,
            nameless,
            [401, 422, 422, 422, 403, 422, 422],
        ),
        row(
            "POST",
            "/api/v1/items/{id}/start-workflow",
            "/api/v1/items/ITEM/start-workflow",
            json!({"workflow": ""}),
            [401, 404, 422, 404, 403, 422, 404],
        ),
    ]
}

/// In this order.
fn table() -> Vec<Row> {
    let none = Value::Null;
    let tokens = "/api/v1/me/tokens";
    let user = "/api/v1/users/{user}";
    let target = "/api/v1/users/target";
    let change = json!({"old": PASSWORD, "new": "another long password"});
    let sign_in = json!({"user": "agent", "password": PASSWORD});
    vec![
        row(
            "GET",
            "/api/v1/openapi.json",
            "/api/v1/openapi.json",
            none.clone(),
            EVERYBODY,
        ),
        row(
            "POST",
            "/api/v1/session",
            "/api/v1/session",
            sign_in,
            EVERYBODY,
        ),
        row(
            "GET",
            "/api/v1/session",
            "/api/v1/session",
            none.clone(),
            KNOWN,
        ),
        row(
            "DELETE",
            "/api/v1/session",
            "/api/v1/session",
            none.clone(),
            KNOWN_DONE,
        ),
        row("GET", "/api/v1/me", "/api/v1/me", none.clone(), KNOWN),
        row(
            "GET",
            "/api/v1/events",
            "/api/v1/events",
            none.clone(),
            KNOWN,
        ),
        row(
            "PUT",
            "/api/v1/me/password",
            "/api/v1/me/password",
            change,
            KNOWN_DONE,
        ),
        row("GET", tokens, tokens, none.clone(), KNOWN),
        row("POST", tokens, tokens, json!({"label": "robot"}), KNOWN),
        row(
            "DELETE",
            "/api/v1/me/tokens/{label}",
            "/api/v1/me/tokens/robot",
            none.clone(),
            KNOWN_DONE,
        ),
        row(
            "GET",
            "/api/v1/services",
            "/api/v1/services",
            none.clone(),
            KNOWN,
        ),
        row(
            "PUT",
            "/api/v1/services/{service}/entrance",
            "/api/v1/services/loans/entrance",
            json!({"state": "open"}),
            [401, 403, 200, 404, 403, 200, 404],
        ),
        row(
            "GET",
            "/api/v1/users",
            "/api/v1/users",
            none.clone(),
            [401, 403, 403, 403, 200, 200, 200],
        ),
        row(
            "POST",
            "/api/v1/users",
            "/api/v1/users",
            json!({"name": "new-WHO"}),
            ADMINS,
        ),
        row(
            "GET",
            user,
            target,
            none.clone(),
            [401, 403, 403, 403, 200, 200, 404],
        ),
        row("PATCH", user, target, json!({"capacity": 2}), ADMIN_AT_HOME),
        row("DELETE", user, target, none, ADMIN_AT_HOME),
        row(
            "POST",
            "/api/v1/user-imports",
            "/api/v1/user-imports",
            json!({"csv": "name\nimported-WHO\n"}),
            ADMINS,
        ),
        row(
            "GET",
            "/api/v1/notifications",
            "/api/v1/notifications",
            Value::Null,
            [401, 403, 200, 200, 200, 200, 200],
        ),
        row(
            "POST",
            "/api/v1/notifications/replay",
            "/api/v1/notifications/replay",
            json!({"ids": ["PARKED"]}),
            [401, 403, 204, 404, 403, 204, 404],
        ),
    ]
}

#[tokio::test]
async fn every_route_answers_everybody_as_the_table_says() {
    let world = open().await;
    let tables = [
        table(),
        table_of_items(),
        table_of_agents(),
        table_of_follow_ups(),
    ];
    let table: Vec<Row> = tables.into_iter().flatten().collect();
    let mounted = routes(&world.shared);
    let rows: BTreeSet<_> = table
        .iter()
        .map(|row| (row.method.to_owned(), row.path))
        .collect();
    assert_eq!(&rows, mounted.ways(), "the table names every route");
    let mut faults = Vec::new();
    for row in &table {
        for (who, expected) in WHO.into_iter().zip(row.statuses) {
            let answer = ask(&world, row, who).await;
            let code = answer.status;
            let is_named = match expected {
                401 => answer.body.contains(r#""code":"notAuthenticated""#),
                403 => answer.body.contains(r#""code":"notAuthorised""#),
                404 if row.asked.contains("ITEM") || row.asked.contains("follow-ups") => {
                    answer.body.contains(r#""code":"unknownItem""#)
                }
                404 => answer.body.contains(r#""code":"notFound""#),
                409 => answer.body.contains(r#""code":"wrongState","#),
                _ => true,
            };
            if code != expected || !is_named {
                let (method, path) = (row.method, row.path);
                faults.push(format!(
                    "{method} {path} by {who}: {code}, not {expected}; {}",
                    answer.body
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

async fn ask(world: &World, row: &Row, who: &str) -> Answer {
    let body = match &row.body {
        Value::Null => String::new(),
        body => body.to_string().replace("WHO", who),
    };
    let body = match body.contains("PARKED") {
        true => body.replace("PARKED", &park(world, "loans", who).await),
        false => body,
    };
    let asked = match row.asked.contains("ITEM") {
        true => row.asked.replace("ITEM", &waiting(world).await),
        false => row.asked.to_owned(),
    };
    let ask = asking(row.method, &asked, &body);
    let ask = match who {
        "nobody" => ask,
        who => shown(ask, &session_of(world, who).await),
    };
    world.ask_console(&ask).await
}

/// The id of a new item that waits in `loans`.
async fn waiting(world: &World) -> String {
    let file = r#"<attachments><attachment name="a.txt" mediaType="text/plain">YQ==</attachment></attachments>"#;
    let reference = uuid::Uuid::now_v7().to_string();
    let taken = world.post(&work_item_with(&reference, "loans", file)).await;
    taken.attribute("id").expect("a receipt").to_owned()
}

async fn seen(world: &World, who: &str, path: &str) -> Vec<(String, String)> {
    let ask = shown(asking("GET", path, ""), &session_of(world, who).await);
    let list = world.ask_console(&ask).await.json();
    let list = list.as_array().expect("a list").clone();
    let text = |one: &Value, field: &str| one[field].as_str().expect("a text").to_owned();
    list.iter()
        .map(|one| (text(one, "tenant"), text(one, "name")))
        .collect()
}

#[tokio::test]
async fn everybody_sees_their_own_services() {
    let world = open().await;
    let all: &[_] = &[("demo", "loans"), ("demo", "quiet")];
    for (who, expected) in [
        ("agent", &[("demo", "loans")][..]),
        ("supervisor", &[("demo", "loans")]),
        ("elsewhere", &[("demo", "quiet")]),
        ("auditor", all),
        ("admin", all),
        ("stranger", &[("other", "quiet")]),
    ] {
        let services = seen(&world, who, "/api/v1/services").await;
        let services: Vec<_> = services
            .iter()
            .map(|(tenant, name)| (tenant.as_str(), name.as_str()))
            .collect();
        assert_eq!(services, expected, "{who}");
    }
}

#[tokio::test]
async fn an_order_is_for_the_service_of_ones_own_tenant() {
    let world = open().await;
    let token = session_of(&world, "stranger").await;
    let path = "/api/v1/services/quiet/entrance";
    let order = |body: &str| shown(asking("PUT", path, body), &token);
    let foreign = order(r#"{"state":"closed","tenant":"demo"}"#);
    assert_eq!(world.ask_console(&foreign).await.status, 404);
    let query = asking(
        "PUT",
        &format!("{path}?tenant=demo"),
        r#"{"state":"closed"}"#,
    );
    let query = world.ask_console(&shown(query, &token)).await;
    assert_eq!(query.status, 404);
    let until = order(r#"{"state":"closed","until":"tomorrow"}"#);
    assert_eq!(world.ask_console(&until).await.status, 422);
    let own = order(r#"{"state":"closed","reason":"stocktaking"}"#);
    let closed = world.ask_console(&own).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    assert_eq!(closed.json()["entrance"]["state"], "closed");
    let view = world.shared.engine.view();
    let states: Vec<_> = view
        .services
        .values()
        .filter(|service| service.name.as_ref() == "quiet")
        .map(|service| {
            let tenant = view.tenants.get(&service.tenant).expect("there");
            (tenant.name.to_string(), service.entrance.state_name())
        })
        .collect();
    let expected = [("demo", "open"), ("other", "closed")];
    assert_eq!(
        states,
        expected.map(|(tenant, state)| (tenant.to_owned(), state))
    );
}

#[tokio::test]
async fn an_admin_sees_and_changes_the_users_of_one_tenant() {
    let world = open().await;
    let users = seen(&world, "stranger", "/api/v1/users").await;
    let own = ["stranger", "foreigner"].map(|name| ("other".to_owned(), name.to_owned()));
    assert_eq!(users, own);
    let token = session_of(&world, "stranger").await;
    for (method, path, body, expected) in [
        (
            "POST",
            "/api/v1/users",
            r#"{"name":"x","tenant":"demo"}"#,
            403,
        ),
        (
            "POST",
            "/api/v1/users",
            r#"{"name":"x","tenant":"none"}"#,
            403,
        ),
        (
            "POST",
            "/api/v1/users",
            r#"{"name":"x","services":["loans"]}"#,
            422,
        ),
        (
            "POST",
            "/api/v1/users",
            r#"{"name":"x","tenant":"other"}"#,
            200,
        ),
        (
            "PATCH",
            "/api/v1/users/agent",
            r#"{"newPassword":true}"#,
            404,
        ),
        ("PATCH", "/api/v1/users/nobody", "{}", 404),
        (
            "POST",
            "/api/v1/user-imports",
            r#"{"csv":"name\nagent\n"}"#,
            404,
        ),
        (
            "POST",
            "/api/v1/user-imports",
            r#"{"csv":"name\ny\n","tenant":"demo"}"#,
            403,
        ),
        (
            "POST",
            "/api/v1/user-imports",
            r#"{"csv":"name\ny\n"}"#,
            200,
        ),
    ] {
        let ask = shown(asking(method, path, body), &token);
        let answer = world.ask_console(&ask).await;
        assert_eq!(answer.status, expected, "{method} {path} {body} {answer:?}");
    }
    let people = world.shared.engine.people();
    let tenant = |name: &str| people.named(name).map(|account| account.user.tenant);
    assert!(tenant("x").is_some());
    assert_eq!(tenant("x"), tenant("stranger"));
    assert_eq!(tenant("y"), tenant("stranger"));
}

#[tokio::test]
async fn notifications_are_seen_and_replayed_by_who_sees_to_their_service() {
    let world = open().await;
    let loans = [
        park(&world, "loans", "l-1").await,
        park(&world, "loans", "l-2").await,
    ];
    let quiet = [park(&world, "quiet", "q-1").await];
    let ids = async |who: &str, query: &str| -> Vec<String> {
        let path = format!("/api/v1/notifications{query}");
        let ask = shown(asking("GET", &path, ""), &session_of(&world, who).await);
        let list = world.ask_console(&ask).await.json();
        let list = list.as_array().expect("a list").iter();
        list.map(|one| one["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    assert_eq!(ids("supervisor", "").await, loans);
    assert_eq!(ids("elsewhere", "").await, quiet);
    assert_eq!(ids("elsewhere", "?limit=1").await, quiet);
    assert_eq!(ids("supervisor", "?limit=1").await, loans[..1]);
    let after = format!("?limit=1&after={}", loans[0]);
    assert_eq!(ids("supervisor", &after).await, loans[1..]);
    assert_eq!(ids("auditor", "").await.len(), 3);
    assert!(ids("stranger", "").await.is_empty());
    let token = session_of(&world, "supervisor").await;
    let replay = async |ids: &[&String]| {
        let body = json!({ "ids": ids }).to_string();
        let ask = asking("POST", "/api/v1/notifications/replay", &body);
        world.ask_console(&shown(ask, &token)).await.status
    };
    assert_eq!(replay(&[&loans[0], &quiet[0]]).await, 404);
    assert_eq!(ids("auditor", "").await.len(), 3, "all of them or none");
    assert_eq!(replay(&[&loans[1], &loans[0]]).await, 204);
    assert_eq!(ids("auditor", "").await, quiet);
    assert_eq!(replay(&[]).await, 422);
    assert_eq!(replay(&[&"nonsense".to_owned()]).await, 422);
}
