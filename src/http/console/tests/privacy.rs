//! What of customers is shown to whom.

use std::sync::Arc;

use serde_json::{Value, json};

use super::world::{Person, at_work, open_with, person, refusal, waiting};
use crate::http::tests::world::{Setting, World};

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
    }
}
