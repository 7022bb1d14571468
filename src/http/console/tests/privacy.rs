//! What of customers is shown to whom, and who is on record for having looked.

use std::sync::Arc;

use serde_json::{Value, json};

use super::world::{Person, at_work, open, open_with, person, refusal, waiting};
use crate::http::tests::world::{Setting, World, work_item_with};

const CUSTOMER: &str = "<customer id='19700101-0001'><name>Anna Berg</name>\
     <phone>+46 8 123 456</phone><email>anna@example.org</email></customer>";
const MASKED: &str = "•••••••••••01";
const PLAIN: &str = "19700101-0001";

/// With the tenant `demo` showing identifiers or not.
async fn world_that(shows: bool) -> World {
    let mut setting = Setting::default();
    let demo = setting.policy.tenants.get_mut("demo").expect("there");
    Arc::make_mut(demo).show_customer_identifiers = shows;
    open_with(setting).await
}

/// Verb, user or operator, and data of each row about a read, in order.
fn reads(world: &World, item: &str) -> Vec<(String, String, Value)> {
    let database = rusqlite::Connection::open(&world.shared.database).expect("a database");
    let mut rows = database
        .prepare(
            "SELECT verb, coalesce(user.name, substr(operator, 1, 4)), data FROM audit \
             LEFT JOIN user ON user.number = audit.user \
             WHERE object = ?1 AND verb IN \
             ('item.read', 'item.trace', 'item.message', 'item.attachment') ORDER BY audit.number",
        )
        .expect("a query");
    let rows = rows.query_map([item], |row| {
        let data: Option<String> = row.get(2)?;
        let data = data.map(|data| serde_json::from_str(&data).expect("JSON"));
        Ok((row.get(0)?, row.get(1)?, data.unwrap_or_default()))
    });
    let rows = rows.expect("rows");
    rows.collect::<Result<_, _>>().expect("rows")
}

async fn customer(person: &Person<'_>, item: &str) -> Value {
    person.get(&format!("/api/v1/items/{item}")).await["customer"].clone()
}

#[tokio::test]
async fn an_identifier_is_masked_for_all_but_admins_unless_the_tenant_shows_it() {
    for shows in [false, true] {
        let world = world_that(shows).await;
        let agent = at_work(&world, "agent", &["loans"]).await;
        let item = waiting(&world, "case-1", CUSTOMER).await;
        for (who, knows) in [
            ("agent", shows),
            ("supervisor", shows),
            ("auditor", shows),
            ("admin", true),
        ] {
            let person = person(&world, who).await;
            let shown = customer(&person, &item).await;
            let id = if knows { PLAIN } else { MASKED };
            let expected = json!({"id": id, "name": "Anna Berg", "phone": "+46 8 123 456",
                "email": "anna@example.org"});
            assert_eq!(shown, expected, "{who} {shows}");
        }
        let id = if shows { PLAIN } else { MASKED };
        let accepted = agent.act(&item, "accept", Value::Null).await;
        assert_eq!(accepted["customer"]["id"], id, "in the answer to a verb");
        let held = agent.get("/api/v1/me/items").await;
        assert_eq!(held[0]["customer"]["id"], id, "among what is in hand");
        let path = format!("/api/v1/items/{item}");
        let operator = world.operate("GET", &path, "").await.json();
        assert_eq!(operator["customer"]["id"], PLAIN);
    }
}

#[tokio::test]
async fn the_message_is_for_those_who_may_see_the_identifier_in_it() {
    for (shows, for_others) in [(false, 403), (true, 200)] {
        let world = world_that(shows).await;
        // It rings at the agent, who sees the item but never its message.
        at_work(&world, "agent", &["loans"]).await;
        let item = waiting(&world, "case-1", CUSTOMER).await;
        let path = format!("/api/v1/items/{item}/message");
        for (who, status) in [
            ("agent", 403),
            ("supervisor", for_others),
            ("auditor", for_others),
            ("admin", 200),
        ] {
            let person = person(&world, who).await;
            let answer = person.ask("GET", &path, Value::Null, status).await;
            assert_eq!(answer.body.contains(PLAIN), status == 200, "{who} {shows}");
            if status == 403 {
                assert_eq!(refusal(&answer), (403, "notAuthorised".to_owned()));
                let says_why = answer.body.contains("identifier");
                assert_eq!(says_why, who != "agent", "{answer:?}");
            }
        }
        let operator = world.operate("GET", &path, "").await;
        assert!(operator.body.contains(PLAIN));
        let expected = if shows { 4 } else { 2 };
        assert_eq!(
            reads(&world, &item).len(),
            expected,
            "what was refused was not read"
        );
    }
}

#[tokio::test]
async fn who_read_what_of_an_item_and_from_where_is_on_record() {
    let world = open().await;
    let attached = "<attachments><attachment name=\"a.txt\" mediaType=\"text/plain\">aGVq\
         </attachment></attachments>";
    let item = waiting(&world, "case-1", &format!("{CUSTOMER}{attached}")).await;
    let admin = person(&world, "admin").await;
    for path in ["", "/trace", "/message", "/attachments/1"] {
        let path = format!("/api/v1/items/{item}{path}");
        for _ in 0..3 {
            admin.ask("GET", &path, Value::Null, 200).await;
        }
    }
    let path = format!("/api/v1/items/{item}");
    let none = format!("{path}/attachments/2");
    admin.ask("GET", &none, Value::Null, 404).await;
    let auditor = person(&world, "auditor").await;
    auditor.get(&path).await;
    let stranger = person(&world, "stranger").await;
    stranger.ask("GET", &path, Value::Null, 404).await;
    assert_eq!(world.operate("GET", &path, "").await.status, 200);
    let from = json!([["from", "127.0.0.1"]]);
    let row = |verb: &str, who: &str, data| (verb.to_owned(), who.to_owned(), data);
    assert_eq!(
        reads(&world, &item),
        [
            row("item.read", "admin", from.clone()),
            row("item.trace", "admin", from.clone()),
            row("item.message", "admin", from.clone()),
            row(
                "item.attachment",
                "admin",
                json!([["from", "127.0.0.1"], ["attachment", "1"]])
            ),
            row("item.read", "auditor", from),
            row("item.read", "uid=", Value::Null),
        ],
        "repeats, and what was not there, leave no row"
    );
}

#[tokio::test]
async fn a_full_store_does_not_keep_people_from_their_items() {
    let world = open_with(Setting {
        store_bytes_max: Some(2_000_000),
        ..Setting::default()
    })
    .await;
    let admin = person(&world, "admin").await;
    let item = waiting(&world, "case-1", CUSTOMER).await;
    let large = format!("<description>{}</description>", "x".repeat(8_000));
    let mut count = 0;
    let refused = loop {
        count += 1;
        let message = work_item_with(&format!("big-{count}"), "loans", &large);
        let answer = world.post(&message).await;
        if answer.status != 201 {
            break answer;
        }
        assert!(count < 2_000, "it is never full");
    };
    assert_eq!(refused.fault(), (503, "storageFull"));
    assert_eq!(customer(&admin, &item).await["id"], PLAIN);
    assert_eq!(reads(&world, &item), [], "its record is in the log");
}
