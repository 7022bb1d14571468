//! Agents at their desks: the calls that are fixed, word by word.

use serde_json::{Value, json};

use super::world::{at_work, open, open_with, person, waiting};
use crate::domain::policy::ServicePolicy;
use crate::http::tests::world::{Setting, work_item_with};

/// A setting in which a service of `demo` is other than usual.
pub fn setting(service: &str, change: impl FnOnce(&mut ServicePolicy)) -> Setting {
    let mut setting = Setting::default();
    let demo = setting.policy.tenants.get_mut("demo").expect("there");
    let demo = std::sync::Arc::make_mut(demo);
    let service = demo.services.get_mut(service).expect("there");
    change(std::sync::Arc::make_mut(service));
    setting
}

#[tokio::test]
async fn an_item_rings_is_accepted_and_ended_and_its_sender_reads_what_became_of_it() {
    let world = open().await;
    let agent = person(&world, "agent").await;
    let before = agent.get("/api/v1/me/state").await;
    assert_eq!(
        (&before["state"], &before["active"]),
        (&json!("offline"), &json!({"loans": false}))
    );
    let state = json!({"presence": "online", "active": {"loans": true}});
    assert_eq!(agent.set(state).await["state"], "ready");
    let id = waiting(&world, "case-1", "<title>Loan of Anna</title>").await;
    let offers = agent.get("/api/v1/me/offers").await;
    let [offer] = offers.as_array().expect("a list").as_slice() else {
        panic!("one item rings: {offers}");
    };
    assert_eq!(
        (&offer["item"], &offer["service"], &offer["title"]),
        (&json!(id), &json!("loans"), &json!("Loan of Anna"))
    );
    assert!(offer["expiresAt"].is_string());
    let ringing = agent.get("/api/v1/me/state").await;
    assert_eq!(ringing["state"], "ringing");
    assert_eq!(ringing["units"][0]["item"], json!(id));
    assert_eq!(ringing["notSelectable"], json!({"loans": "capacityFull"}));
    assert_eq!(
        agent.get(&format!("/api/v1/items/{id}")).await["state"],
        "offered"
    );

    for _ in 0..2 {
        let accepted = agent
            .act(&id, "accept", json!({"offer": offer["id"]}))
            .await;
        assert_eq!(
            (&accepted["state"], &accepted["session"], &accepted["agent"]),
            (&json!("connected"), &offer["id"], &json!("agent"))
        );
    }
    assert_eq!(agent.get("/api/v1/me/offers").await, json!([]));
    assert_eq!(agent.get("/api/v1/me/items").await[0]["id"], json!(id));
    let end = json!({"session": offer["id"], "result": "done", "note": "Granted.", "share": true});
    let ended = agent.act(&id, "end", end.clone()).await;
    let again = agent.act(&id, "end", end).await;
    assert_eq!(
        ended["version"], again["version"],
        "a repeat changes nothing"
    );
    for (field, value) in [
        ("state", "ended"),
        ("outcome", "handledByUser"),
        ("result", "done"),
        ("note", "Granted."),
    ] {
        assert_eq!(ended[field], value, "{field}");
    }
    assert_eq!(
        (&ended["handled"], &ended["outcomeCode"]),
        (&json!(true), &json!(10))
    );
    let told = world.read("/v1/work-items?reference=case-1").await;
    for word in ["handledByUser", ">done<", "Granted."] {
        assert!(told.body.contains(word), "{word}: {told:?}");
    }
    assert_eq!(agent.get("/api/v1/me/items").await, json!([]));
}

#[tokio::test]
async fn a_note_that_is_not_shared_stays_in_the_house() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let id = waiting(&world, "case-1", "").await;
    agent.act(&id, "accept", Value::Null).await;
    let end = json!({"result": "notDone", "note": "Unfriendly."});
    let ended = agent.act(&id, "end", end).await;
    assert_eq!(
        (&ended["note"], &ended["share"]),
        (&json!("Unfriendly."), &json!(false))
    );
    let told = world.read("/v1/work-items?reference=case-1").await;
    assert!(!told.body.contains("Unfriendly."), "{told:?}");
}

#[tokio::test]
async fn wrap_up_takes_a_unit_until_it_is_over_and_is_made_longer_once() {
    let world = open_with(setting("loans", |loans| {
        loans.distribution.wrap_up_ms = 60_000;
        loans.distribution.wrap_up_extension_ms = Some(60_000);
    }))
    .await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let id = waiting(&world, "case-1", "").await;
    agent.act(&id, "accept", Value::Null).await;
    let ended = agent.act(&id, "end", json!({"result": "done"})).await;
    let state = agent.get("/api/v1/me/state").await;
    assert_eq!(
        (&state["state"], &state["until"]),
        (&json!("wrapUp"), &ended["until"])
    );
    assert_eq!(
        (&state["unitsTaken"], &state["units"][0]["kind"]),
        (&json!(1), &json!("wrapUp"))
    );
    let longer = agent.act(&id, "extend-wrap-up", Value::Null).await;
    assert!(longer["until"].as_str() > ended["until"].as_str());
    let twice = agent.fails(&id, "extend-wrap-up", Value::Null, 409).await;
    assert_eq!(twice, ("wrongState".to_owned(), json!("ended")));
    agent.act(&id, "end-wrap-up", Value::Null).await;
    assert_eq!(agent.get("/api/v1/me/state").await["state"], "ready");
    agent.act(&id, "end-wrap-up", Value::Null).await;
}

#[tokio::test]
async fn a_state_is_set_in_any_part_and_says_where_nothing_can_come_from() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let away = agent.set(json!({"notAvailableReason": "lunch"})).await;
    assert_eq!(away["state"], "notAvailable");
    assert_eq!(away["notAvailableReason"], "lunch");
    assert_eq!(away["notSelectable"], json!({"loans": "notAvailable"}));
    let busy = agent.set(json!({"presence": "busy"})).await;
    assert_eq!(
        busy["state"], "notAvailable",
        "the block stands above the presence"
    );
    let back = agent
        .set(json!({"notAvailableReason": null, "presence": "online"}))
        .await;
    assert_eq!(
        (&back["state"], &back["notSelectable"]),
        (&json!("ready"), &json!({}))
    );
    let duty = agent
        .set(json!({"duty": "onDuty", "active": {"loans": false}}))
        .await;
    assert_eq!(
        (&duty["duty"], &duty["profile"]),
        (&json!("onDuty"), &Value::Null)
    );
    assert_eq!(duty["notSelectable"], json!({"loans": "notActive"}));
    for (body, code) in [
        (json!({"active": {"quiet": true}}), "invalidField"),
        (json!({"active": {"nowhere": true}}), "unknownService"),
        (
            json!({"duty": "onDuty", "profile": "night"}),
            "invalidField",
        ),
        (json!({"presence": "here"}), "invalidField"),
        (json!({"duty": "on"}), "invalidField"),
        (json!({"mood": "good"}), "invalidField"),
    ] {
        let refused = agent
            .ask("PUT", "/api/v1/me/state", body.clone(), 422)
            .await;
        assert_eq!(refused.json()["code"], code, "{body}");
    }
    let off = agent.set(json!({"presence": "offline"})).await;
    assert_eq!(off["state"], "offline");
}

#[tokio::test]
async fn an_agent_is_ready_again_after_what_it_left_unanswered() {
    let world = open_with(setting("loans", |loans| {
        // Shorter than any configuration may say: the clock here is the real one.
        loans.distribution.offer_timeout_ms = 1;
    }))
    .await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let id = waiting(&world, "case-1", "").await;
    let mut state = agent.get("/api/v1/me/state").await;
    while state["state"] != "noAnswer" {
        tokio::task::yield_now().await;
        state = agent.get("/api/v1/me/state").await;
    }
    assert_eq!(state["notSelectable"], json!({"loans": "noAnswer"}));
    // Else it would ring again at once.
    let supervisor = person(&world, "supervisor").await;
    supervisor.act(&id, "abort", Value::Null).await;
    assert_eq!(agent.get("/api/v1/me/state").await["state"], "noAnswer");
    let ready = agent.set(json!({"ready": true})).await;
    assert_eq!(ready["state"], "ready");
}

#[tokio::test]
async fn a_declined_item_stays_in_sight_and_goes_to_somebody_else() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let id = waiting(&world, "case-1", "").await;
    let other = at_work(&world, "target", &["loans"]).await;
    other
        .ask("GET", &format!("/api/v1/items/{id}"), Value::Null, 404)
        .await;
    for _ in 0..2 {
        agent.act(&id, "decline", Value::Null).await;
    }
    assert_eq!(agent.get("/api/v1/me/offers").await, json!([]));
    assert_eq!(other.get("/api/v1/me/offers").await[0]["item"], json!(id));
    other.act(&id, "accept", Value::Null).await;
    let seen = agent.get(&format!("/api/v1/items/{id}")).await;
    assert_eq!(seen["agent"], "target");
    let late = agent.fails(&id, "accept", Value::Null, 409).await;
    assert_eq!(late, ("wrongState".to_owned(), json!("connected")));
}

#[tokio::test]
async fn agents_take_from_the_list_of_a_service_where_they_choose() {
    let world = open_with(setting("quiet", |quiet| {
        quiet.distribution.mode = crate::domain::distribution::Mode::Pickup;
    }))
    .await;
    let agent = at_work(&world, "agent", &["quiet"]).await;
    for reference in ["a", "b"] {
        let title = format!("<title>{reference}</title>");
        world
            .post(&work_item_with(reference, "quiet", &title))
            .await;
    }
    assert_eq!(agent.get("/api/v1/me/offers").await, json!([]));
    let queue = "/api/v1/services/quiet/queue";
    let first = agent.get(&format!("{queue}?limit=1")).await;
    assert_eq!(first.as_array().expect("a list").len(), 1);
    assert_eq!(
        (&first[0]["title"], &first[0]["position"]),
        (&json!("a"), &json!(1))
    );
    let place = first[0]["place"].as_str().expect("a place");
    let rest = agent.get(&format!("{queue}?after={place}")).await;
    assert_eq!(rest[0]["title"], "b");
    let id = rest[0]["id"].as_str().expect("an id");
    agent
        .ask("GET", &format!("/api/v1/items/{id}"), Value::Null, 404)
        .await;
    let taken = agent.act(id, "take", Value::Null).await;
    assert_eq!(taken["state"], "connected");
    let again = agent.act(id, "take", Value::Null).await;
    assert_eq!(again["session"], taken["session"]);
    let first = first[0]["id"].as_str().expect("an id");
    let (code, _) = agent.fails(first, "take", Value::Null, 409).await;
    assert_eq!(code, "capacityFull");
}
