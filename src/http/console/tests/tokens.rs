//! Tokens of programs.

use serde_json::json;

use super::world::{PASSWORD, asking, open, refusal, session_of, shown};

const TOKENS: &str = "/api/v1/me/tokens";

#[tokio::test]
async fn a_token_is_shown_once_acts_as_its_user_and_ends_when_revoked() {
    let world = open().await;
    let session = session_of(&world, "agent").await;
    let make = json!({"label": "robot", "expiresAt": "2999-01-01T00:00:00Z"}).to_string();
    let made = shown(asking("POST", TOKENS, &make), &session);
    let made = world.ask_console(&made).await.json();
    let token = made["token"].as_str().expect("a token").to_owned();
    let listed = world
        .ask_console(&shown(asking("GET", TOKENS, ""), &session))
        .await;
    assert!(!listed.body.contains(&token), "it is shown once");
    let listed = listed.json();
    assert_eq!(listed[0]["label"], "robot");
    assert_eq!(listed[0]["expiresAt"], made["expiresAt"]);
    let who = shown(asking("GET", "/api/v1/session", ""), &token);
    let who = world.ask_console(&who).await.json();
    assert_eq!(
        (&who["means"], &who["user"]["name"]),
        (&json!("token"), &json!("agent"))
    );
    let label = "/api/v1/me/tokens/robot";
    let other = session_of(&world, "admin").await;
    let others = shown(asking("DELETE", label, ""), &other);
    assert_eq!(world.ask_console(&others).await.status, 404);
    let revoked = shown(asking("DELETE", label, ""), &session);
    assert_eq!(world.ask_console(&revoked).await.status, 204);
    let ended = shown(asking("GET", "/api/v1/me", ""), &token);
    assert_eq!(world.ask_console(&ended).await.status, 401);
}

#[tokio::test]
async fn a_program_neither_makes_tokens_nor_changes_the_password_nor_signs_out() {
    let world = open().await;
    let session = session_of(&world, "agent").await;
    let made = shown(asking("POST", TOKENS, r#"{"label":"robot"}"#), &session);
    let made = world.ask_console(&made).await.json();
    let token = made["token"].as_str().expect("a token").to_owned();
    let change = json!({"old": PASSWORD, "new": "another long password"}).to_string();
    for (method, path, body) in [
        ("POST", TOKENS, r#"{"label":"child"}"#),
        ("PUT", "/api/v1/me/password", change.as_str()),
        ("DELETE", "/api/v1/session", ""),
    ] {
        let answer = world
            .ask_console(&shown(asking(method, path, body), &token))
            .await;
        let expected = (403, "notAuthorised".to_owned());
        assert_eq!(refusal(&answer), expected, "{method} {path}");
    }
    let still = shown(asking("GET", "/api/v1/me", ""), &token);
    assert_eq!(world.ask_console(&still).await.status, 200);
}

#[tokio::test]
async fn a_wrong_token_is_not_made() {
    let world = open().await;
    let session = session_of(&world, "agent").await;
    for body in [
        "{}",
        r#"{"label":""}"#,
        r#"{"label":"a","expiresAt":"soon"}"#,
        r#"{"label":"a","expiresAt":"2001-01-01T00:00:00Z"}"#,
    ] {
        let answer = world
            .ask_console(&shown(asking("POST", TOKENS, body), &session))
            .await;
        assert_eq!(refusal(&answer), (422, "invalidField".to_owned()), "{body}");
    }
    let listed = world
        .ask_console(&shown(asking("GET", TOKENS, ""), &session))
        .await;
    assert_eq!(listed.json(), json!([]));
}
