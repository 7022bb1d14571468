//! Attendance with an engine behind it.

use std::time::Duration;

use super::*;
use crate::http::console::tests::world::{
    asking, at_work, open, open_with, session_of, shown, waiting,
};
use crate::http::tests::world::{Setting, World};

const MINUTE: Duration = Duration::from_secs(60);

fn presence_of(world: &World, name: &str) -> Presence {
    let view = world.shared.engine.view();
    let account = view.people.named(name).expect("there");
    presence(&view, account.user.id).expect("an agent")
}

async fn say(world: &World, name: &str, presence: Presence) {
    let people = world.shared.engine.people();
    let user = people.named(name).expect("there").user.id;
    let by = By {
        actor: Actor::User(user),
        user: Some(user),
        from: None,
    };
    let request = SetState {
        presence: Some(presence),
        ..SetState::of(by, user)
    };
    let set = world
        .shared
        .attendance
        .set_state(&world.shared.engine, request);
    set.await.expect("its own state");
}

async fn look(world: &World, token: &str) {
    let ask = shown(asking("GET", "/api/v1/me", ""), token);
    assert_eq!(world.ask_console(&ask).await.status, 200);
}

#[tokio::test]
async fn an_agent_is_lost_after_silence_and_back_with_its_next_request() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    look(&world, &token).await;
    assert_eq!(presence_of(&world, "agent"), Presence::Offline);
    say(&world, "agent", Presence::Busy).await;
    let attendance = &world.shared.attendance;
    attendance.look(&world.shared, MINUTE / 2).await;
    assert_eq!(presence_of(&world, "agent"), Presence::Busy);
    attendance.look(&world.shared, 2 * MINUTE).await;
    assert_eq!(presence_of(&world, "agent"), Presence::Offline);
    look(&world, &token).await;
    assert_eq!(presence_of(&world, "agent"), Presence::Busy);
}

#[tokio::test]
async fn who_went_offline_by_its_own_word_stays_so() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    say(&world, "agent", Presence::Online).await;
    say(&world, "agent", Presence::Offline).await;
    let attendance = &world.shared.attendance;
    attendance.look(&world.shared, 2 * MINUTE).await;
    look(&world, &token).await;
    assert_eq!(presence_of(&world, "agent"), Presence::Offline);
}

#[tokio::test]
async fn who_gives_no_input_is_away_and_asked_for_a_reason() {
    let mut setting = Setting::default();
    let demo = setting.policy.tenants.get_mut("demo").expect("there");
    Arc::make_mut(demo).agents.idle_after_ms = Some(120_000);
    let world = open_with(setting).await;
    let token = session_of(&world, "agent").await;
    let state = |method, body: &str| shown(asking(method, "/api/v1/me/state", body), &token);
    let online = state("PUT", r#"{"presence":"online"}"#);
    assert_eq!(
        world.ask_console(&online).await.json()["reasonAsked"],
        false
    );
    let (attendance, engine) = (&world.shared.attendance, &world.shared.engine);
    let people = engine.people();
    let agent = people.named("agent").expect("there").user.id;
    let stream = attendance.open(engine, agent, 1).await;
    let stream = stream.expect("there is room");
    attendance.look(&world.shared, MINUTE).await;
    assert_eq!(presence_of(&world, "agent"), Presence::Online);
    attendance.look(&world.shared, 3 * MINUTE).await;
    let away = world.ask_console(&state("GET", "")).await.json();
    assert_eq!(away["presence"], "away");
    assert_eq!(away["reasonAsked"], true);
    let back = state("PUT", r#"{"presence":"online","reason":"lunch"}"#);
    let back = world.ask_console(&back).await.json();
    assert_eq!(back["presence"], "online");
    assert_eq!(back["reasonAsked"], false);
    drop(stream);
}

#[tokio::test]
async fn whoever_goes_on_working_after_a_start_without_a_stream_is_there() {
    let world = open().await;
    let agent = at_work(&world, "agent", &["loans"]).await;
    let item = waiting(&world, "A-1", "").await;
    agent.act(&item, "accept", serde_json::json!({})).await;
    // As after a start: the engine has it offline, and nobody has seen it.
    let engine = &world.shared.engine;
    let people = engine.people();
    let user = people.named("agent").expect("there").user.id;
    engine.lose_agent(user).await.expect("the engine answers");
    let started = Attendance::default();
    started.requested(engine, user, Sign::Look).await;
    assert_eq!(presence_of(&world, "agent"), Presence::Online);
    let body = serde_json::json!({"result": "done"});
    agent.act(&item, "end", body).await;
    engine.lose_agent(user).await.expect("the engine answers");
    let started = Attendance::default();
    started.requested(engine, user, Sign::Look).await;
    assert_eq!(presence_of(&world, "agent"), Presence::Offline);
}
