//! Signing in and out, and what a cookie is good for.

use super::world::{
    PASSWORD, asking, change, in_cookie, open, refusal, session_of, shown, signing_in,
};
use crate::domain::people::UserPatch;
use crate::engine::people::change::Edit;
use crate::people::throttle::NAME_BURST;

#[tokio::test]
async fn signing_in_gives_a_token_and_a_cookie_that_both_hold() {
    let world = open().await;
    let signed_in = world.ask_console(&signing_in("agent", PASSWORD)).await;
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    let json = signed_in.json();
    let token = json["token"].as_str().expect("a token").to_owned();
    assert_eq!(json["user"]["name"], "agent");
    let cookie = signed_in.header("set-cookie").expect("a cookie");
    let expected = format!("anteroom-session={token}; path=/; httponly; samesite=lax");
    assert_eq!(cookie, expected.to_lowercase());
    for ask in [shown, in_cookie] {
        let who = ask(asking("GET", "/api/v1/session", ""), &token);
        let who = world.ask_console(&who).await.json();
        assert_eq!(who["means"], "session");
        assert_eq!(who["user"]["roles"], serde_json::json!(["agent"]));
    }
    let me = shown(asking("GET", "/api/v1/me", ""), &token);
    let me = world.ask_console(&me).await.json();
    assert_eq!(me["services"], serde_json::json!(["loans"]));
    assert_eq!(me["capacity"], 1);
}

#[tokio::test]
async fn whoever_cannot_sign_in_is_not_told_why() {
    let world = open().await;
    let off = Edit::Change {
        name: "target".parse().expect("a name"),
        patch: UserPatch {
            enabled: Some(false),
            ..UserPatch::default()
        },
        if_version: None,
    };
    let before = session_of(&world, "target").await;
    change(&world, vec![off]).await;
    let mut details = Vec::new();
    for (name, password) in [
        ("agent", "wrong horse battery"),
        ("nobody", PASSWORD),
        ("target", PASSWORD),
        ("no name at all", PASSWORD),
        ("agent", &"x".repeat(10_000)),
    ] {
        let answer = world.ask_console(&signing_in(name, password)).await;
        let expected = (401, "notAuthenticated".to_owned());
        assert_eq!(refusal(&answer), expected, "{name}");
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(
            answer.header("www-authenticate"),
            Some(r#"bearer realm="anteroom""#)
        );
        details.push(answer.json()["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1, "{details:?}");
    let ended = shown(asking("GET", "/api/v1/me", ""), &before);
    assert_eq!(world.ask_console(&ended).await.status, 401);
}

#[tokio::test]
async fn what_is_no_sign_in_is_refused() {
    let world = open().await;
    let long = format!(
        r#"{{"user":"agent","password":"{}"}}"#,
        "x".repeat(64 * 1024)
    );
    for (body, status, code) in [
        ("{", 400, "malformedJson"),
        ("", 422, "invalidField"),
        (r#"{"user":"agent"}"#, 422, "invalidField"),
        (
            r#"{"user":"agent","password":"a","more":1}"#,
            422,
            "invalidField",
        ),
        (&long, 413, "tooLarge"),
    ] {
        let ask = asking("POST", "/api/v1/session", body);
        let answer = world.ask_console(&ask).await;
        assert_eq!(refusal(&answer), (status, code.to_owned()));
    }
}

#[tokio::test]
async fn after_too_many_wrong_passwords_one_waits() {
    let world = open().await;
    for _ in 0..NAME_BURST {
        let wrong = signing_in("agent", "wrong horse battery");
        assert_eq!(world.ask_console(&wrong).await.status, 401);
    }
    let throttled = world.ask_console(&signing_in("agent", PASSWORD)).await;
    assert_eq!(refusal(&throttled), (429, "rateLimited".to_owned()));
    let seconds = throttled.header("retry-after").expect("a time to wait");
    let seconds: u32 = seconds.parse().expect("a number");
    assert!((1..=30).contains(&seconds), "{seconds}");
    let other = world.ask_console(&signing_in("supervisor", PASSWORD)).await;
    assert_eq!(other.status, 200, "others are not held up");
}

#[tokio::test]
async fn with_a_cookie_a_change_is_taken_from_our_own_pages_alone() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let cases: [(&[(&str, &str)], u16); 8] = [
        (&[], 403),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("sec-fetch-site", "same-origin")], 200),
        (&[("sec-fetch-site", "none")], 200),
        (&[("origin", "http://localhost")], 200),
    ];
    for (index, (headers, expected)) in cases.into_iter().enumerate() {
        let body = format!(r#"{{"label":"robot {index}"}}"#);
        let ask = asking("POST", "/api/v1/me/tokens", &body);
        let ask = headers
            .iter()
            .fold(in_cookie(ask, &token), |ask, (name, value)| {
                ask.header(name, value)
            });
        let answer = world.ask_console(&ask).await;
        assert_eq!(answer.status, expected, "{headers:?}");
        if expected == 403 {
            assert_eq!(refusal(&answer).1, "notAuthorised");
        }
    }
    let read = in_cookie(asking("GET", "/api/v1/me", ""), &token);
    let read = read.header("sec-fetch-site", "cross-site");
    assert_eq!(
        world.ask_console(&read).await.status,
        200,
        "it changes nothing"
    );
}

#[tokio::test]
async fn nobody_is_signed_in_by_a_foreign_page() {
    let world = open().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        let ask = signing_in("agent", PASSWORD).header(name, value);
        let answer = world.ask_console(&ask).await;
        assert_eq!(refusal(&answer), (403, "notAuthorised".to_owned()));
    }
    let ours = signing_in("agent", PASSWORD).header("origin", "http://localhost");
    assert_eq!(world.ask_console(&ours).await.status, 200);
}

#[tokio::test]
async fn a_shown_token_needs_no_origin_and_hides_the_cookie() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let make = asking("POST", "/api/v1/me/tokens", r#"{"label":"robot"}"#);
    let made = shown(make, &token).header("sec-fetch-site", "cross-site");
    assert_eq!(world.ask_console(&made).await.status, 200);
    for authorization in ["Bearer unknown", "Basic YTpi", "Bearer", ""] {
        let read = in_cookie(asking("GET", "/api/v1/me", ""), &token);
        let read = read.header("authorization", authorization);
        let answer = world.ask_console(&read).await;
        let expected = (401, "notAuthenticated".to_owned());
        assert_eq!(refusal(&answer), expected, "{authorization:?}");
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookie() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let other = session_of(&world, "agent").await;
    let forged = in_cookie(asking("DELETE", "/api/v1/session", ""), &token);
    assert_eq!(world.ask_console(&forged).await.status, 403);
    let out = in_cookie(asking("DELETE", "/api/v1/session", ""), &token);
    let out = world
        .ask_console(&out.header("sec-fetch-site", "same-origin"))
        .await;
    assert_eq!(out.status, 204);
    assert_eq!(
        out.header("set-cookie"),
        Some("anteroom-session=; path=/; httponly; samesite=lax; max-age=0")
    );
    for (token, expected) in [(&token, 401), (&other, 200)] {
        let read = shown(asking("GET", "/api/v1/session", ""), token);
        assert_eq!(world.ask_console(&read).await.status, expected);
    }
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let world = open().await;
    let here = session_of(&world, "agent").await;
    let there = session_of(&world, "agent").await;
    let new = "a longer horse battery";
    let put = |old: &str, new: &str| {
        let body = serde_json::json!({"old": old, "new": new}).to_string();
        shown(asking("PUT", "/api/v1/me/password", &body), &here)
    };
    for (old, new, expected) in [
        ("wrong horse battery", new, 401),
        (PASSWORD, "short", 422),
        (PASSWORD, "the agent's own one", 422),
        (PASSWORD, new, 204),
    ] {
        let answer = world.ask_console(&put(old, new)).await;
        assert_eq!(answer.status, expected, "{answer:?}");
    }
    for (token, expected) in [(&here, 200), (&there, 401)] {
        let read = shown(asking("GET", "/api/v1/me", ""), token);
        assert_eq!(world.ask_console(&read).await.status, expected);
    }
    for (password, expected) in [(PASSWORD, 401), (new, 200)] {
        let answer = world.ask_console(&signing_in("agent", password)).await;
        assert_eq!(answer.status, expected);
    }
}

#[tokio::test]
async fn who_signed_in_and_from_where_is_audited() {
    let world = open().await;
    world.ask_console(&signing_in("agent", PASSWORD)).await;
    let database = rusqlite::Connection::open(&world.shared.database).expect("a database");
    let found: i64 = database
        .query_row(
            "SELECT count(*) FROM audit WHERE verb = 'session.open' AND object = 'agent' \
             AND data LIKE '%127.0.0.1%'",
            (),
            |row| row.get(0),
        )
        .expect("a number");
    assert_eq!(found, 1);
}
