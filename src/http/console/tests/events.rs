//! Streams of events.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::world::{asking, change, loan, open, open_with, refusal, session_of, shown};
use crate::domain::agent::Presence;
use crate::domain::follow_up::{Closed, FollowUp, FollowUpId, FollowUpKind};
use crate::domain::ids::{ItemId, Sequence, TenantId, UserId};
use crate::domain::journal::Actor;
use crate::domain::people::UserPatch;
use crate::domain::workflow::{Audience, StageNumber};
use crate::engine::agents::command::{ActOnItem, By, ItemVerb, SetState};
use crate::engine::live::{EVENTS_KEPT_MAX, LiveEvent};
use crate::engine::people::change::Edit;
use crate::engine::run::clock;
use crate::http::attendance::streams::STREAMS_PER_USER_MAX;
use crate::http::tests::world::{Ask, Setting, World, work_item_with};

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody who listens.
struct Listener {
    stream: TcpStream,
    head: String,
    raw: Vec<u8>,
    text: String,
}

/// An event as it came.
#[derive(Debug)]
struct Told {
    name: String,
    id: Option<u64>,
    data: Value,
}

async fn listen(world: &World, ask: Ask, token: &str) -> Listener {
    let mut stream = TcpStream::connect(world.console).await.expect("connected");
    let bytes = shown(ask, token).bytes();
    stream.write_all(&bytes).await.expect("sent");
    let mut listener = Listener {
        stream,
        head: String::new(),
        raw: Vec::new(),
        text: String::new(),
    };
    let end = loop {
        let end = listener.raw.windows(4).position(|end| end == b"\r\n\r\n");
        match end {
            Some(at) => break at + 4,
            None => assert!(listener.more().await, "the head is whole"),
        }
    };
    let head = listener.raw.drain(..end).collect();
    listener.head = String::from_utf8(head).expect("ASCII");
    listener
}

fn events() -> Ask {
    asking("GET", "/api/v1/events", "")
}

impl Listener {
    async fn more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.raw);
        let read = timeout(PATIENCE, read).await.expect("something comes");
        read.unwrap_or(0) > 0
    }

    /// More text out of the chunks; false at the end of the stream.
    async fn chunk(&mut self) -> bool {
        loop {
            let end = self.raw.windows(2).position(|end| end == b"\r\n");
            if let Some(end) = end {
                let size = std::str::from_utf8(&self.raw[..end]).expect("ASCII");
                let size = usize::from_str_radix(size, 16).expect("a size");
                if size == 0 {
                    return false;
                }
                let whole = end + 2 + size + 2;
                if self.raw.len() >= whole {
                    let chunk: Vec<u8> = self.raw.drain(..whole).collect();
                    let text = &chunk[end + 2..end + 2 + size];
                    self.text
                        .push_str(std::str::from_utf8(text).expect("UTF-8"));
                    return true;
                }
            }
            if !self.more().await {
                return false;
            }
        }
    }

    /// The next block; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            if !self.chunk().await {
                return None;
            }
        }
    }

    async fn next(&mut self) -> Option<Told> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let mut lines = block.lines();
                lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            let (Some(name), Some(data)) = (field("event"), field("data")) else {
                continue;
            };
            return Some(Told {
                name: name.to_owned(),
                id: field("id").map(|id| id.parse().expect("a number")),
                data: serde_json::from_str(data).expect("JSON"),
            });
        }
    }

    /// The next event of that name; others are passed over.
    async fn until(&mut self, name: &str) -> Told {
        loop {
            let told = self.next().await.expect("the stream goes on");
            if told.name == name {
                return told;
            }
        }
    }

    /// Reads to the end of the stream.
    async fn end(&mut self) {
        while self.block().await.is_some() {}
    }
}

fn by(world: &World, name: &str) -> By {
    let people = world.shared.engine.people();
    let user = people.named(name).expect("there").user.id;
    By {
        actor: Actor::User(user),
        user: Some(user),
        from: None,
    }
}

async fn activate(world: &World, name: &str) {
    let by = by(world, name);
    let user = by.user.expect("a user");
    let request = SetState {
        active: [("loans".to_owned(), true)].into(),
        ..SetState::of(by, user)
    };
    let engine = &world.shared.engine;
    engine.set_state(request).await.expect("its own state");
}

async fn act(world: &World, name: &str, item: &Value, verb: ItemVerb) {
    let request = ActOnItem {
        by: by(world, name),
        item: item.as_str().expect("an id").parse().expect("an id"),
        verb,
    };
    let acted = world.shared.engine.act(request).await;
    acted.expect("it may be done");
}

async fn post(world: &World, reference: &str) {
    let item = work_item_with(reference, "loans", "<title>Call Anna</title>");
    let answer = world.post(&item).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[tokio::test]
async fn a_stream_begins_with_how_everything_stands_and_makes_its_agent_online() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let mut listener = listen(&world, events(), &token).await;
    let head = listener.head.to_ascii_lowercase();
    for expected in [
        "http/1.1 200",
        "content-type: text/event-stream\r\n",
        "cache-control: no-store\r\n",
        "x-accel-buffering: no\r\n",
    ] {
        assert!(head.contains(expected), "{head}");
    }
    assert_eq!(listener.block().await.as_deref(), Some("retry: 2000"));
    let told = listener.next().await.expect("it goes on");
    assert_eq!(told.name, "snapshot");
    assert!(told.id.is_some());
    assert_eq!(told.data["state"]["name"], "agent");
    assert_eq!(told.data["state"]["presence"], "online");
    assert_eq!(told.data["offers"], Value::Array(Vec::new()));
    assert_eq!(told.data["items"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn an_offer_is_told_to_its_end_and_nothing_is_missed_by_coming_back() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let mut listener = listen(&world, events(), &token).await;
    listener.until("snapshot").await;
    activate(&world, "agent").await;
    post(&world, "a-1").await;
    let offered = listener.until("offered").await;
    assert_eq!(offered.data["service"], "loans");
    assert_eq!(offered.data["title"], "Call Anna");
    assert_eq!(offered.data["priority"], 5);
    assert_eq!(offered.data["agents"][0], "agent");
    assert!(offered.data["expiresAt"].is_string());
    drop(listener);
    let item = &offered.data["item"];
    act(&world, "agent", item, ItemVerb::Accept { offer: None }).await;
    let id = offered.id.expect("a number").to_string();
    let by_header = events().header("last-event-id", &id);
    let by_address = asking("GET", &format!("/api/v1/events?lastEventId={id}"), "");
    for ask in [by_header, by_address] {
        let mut again = listen(&world, ask, &token).await;
        let mut told = Vec::new();
        while told.len() < 2 {
            let one = again.next().await.expect("it goes on");
            assert_ne!(one.name, "snapshot", "nothing was forgotten");
            if one.name != "state" {
                told.push(one);
            }
        }
        told.sort_by(|one, other| other.name.cmp(&one.name));
        assert_eq!(told[0].name, "offerEnded");
        assert_eq!(told[0].data["offer"], offered.data["id"]);
        assert_eq!(told[0].data["end"], "accepted");
        assert_eq!(told[1].name, "item");
        assert_eq!(told[1].data["id"], *item);
        assert_eq!(told[1].data["state"], "connected");
    }
    let mut late = listen(&world, events().header("last-event-id", "17"), &token).await;
    let told = late.next().await.expect("it goes on");
    assert_eq!(told.name, "snapshot", "nobody knows any longer");
    assert_eq!(told.data["items"][0], *item);
    assert_eq!(told.data["state"]["state"], "connected");
}

#[tokio::test]
async fn what_rings_is_in_the_snapshot() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let mut listener = listen(&world, events(), &token).await;
    listener.until("snapshot").await;
    activate(&world, "agent").await;
    post(&world, "a-1").await;
    let offered = listener.until("offered").await;
    let mut second = listen(&world, events(), &token).await;
    let told = second.until("snapshot").await;
    assert_eq!(told.data["offers"][0], offered.data);
}

#[tokio::test]
async fn who_watches_is_told_of_what_they_may_see_and_no_more() {
    let world = open().await;
    let agent = session_of(&world, "agent").await;
    let mut agents_own = listen(&world, events(), &agent).await;
    agents_own.until("snapshot").await;
    let mut watching = Vec::new();
    for who in ["supervisor", "auditor", "elsewhere", "stranger", "target"] {
        let token = session_of(&world, who).await;
        let mut listener = listen(&world, events(), &token).await;
        let told = listener.until("snapshot").await;
        let seen = told.data["agents"].as_array().expect("a list").len();
        watching.push((who, seen, listener));
    }
    activate(&world, "agent").await;
    post(&world, "a-1").await;
    let offered = agents_own.until("offered").await;
    act(
        &world,
        "agent",
        &offered.data["item"],
        ItemVerb::Accept { offer: None },
    )
    .await;
    let expected = [
        ("supervisor", 2, true),
        ("auditor", 2, true),
        ("elsewhere", 0, false),
        ("stranger", 1, false),
        ("target", 0, false),
    ];
    // What everybody is told at the end, so that nothing can still be on its way.
    for ((who, seen, mut listener), (_, agents, sees)) in watching.into_iter().zip(expected) {
        assert_eq!(seen, agents, "{who}");
        if sees {
            let told = listener.until("offered").await;
            assert_eq!(told.data, offered.data, "{who}");
            assert_eq!(listener.until("offerEnded").await.data["agent"], "agent");
        } else {
            world.shutdown.send_replace(Some(Instant::now() + PATIENCE));
            while let Some(told) = listener.next().await {
                let own = told.name == "services" || told.data["name"] == who;
                assert!(own, "{who} is told {told:?}");
            }
        }
    }
}

/// A follow-up of an item in that service, for those people.
fn follow_up(world: &World, service: &str, to: &str) -> FollowUp {
    let view = world.shared.engine.view();
    let (tenant, _) = view.tenant_named("demo").expect("there");
    FollowUp {
        id: FollowUpId(Uuid::now_v7()),
        sequence: Sequence(1),
        tenant,
        service: view.service(tenant, service).expect("there").id,
        workflow: "loan".to_owned(),
        stage: StageNumber(3),
        stages: 7,
        kind: FollowUpKind::Alert {
            text: "Nobody took it".to_owned(),
        },
        to: Audience::of(to),
        shown_at: clock(),
        closed: None,
    }
}

#[tokio::test]
async fn follow_ups_are_told_to_those_they_are_for() {
    let world = open().await;
    let edit = Edit::Change {
        name: "target".parse().expect("a name"),
        patch: UserPatch {
            work_groups: Some(["backoffice".to_owned()].into()),
            ..UserPatch::default()
        },
        if_version: None,
    };
    change(&world, vec![edit]).await;
    let mut listening = Vec::new();
    let who = [
        "agent",
        "target",
        "supervisor",
        "elsewhere",
        "auditor",
        "stranger",
    ];
    for who in who {
        let token = session_of(&world, who).await;
        let mut listener = listen(&world, events(), &token).await;
        listener.until("snapshot").await;
        listening.push((who, listener));
    }
    let item = ItemId(Uuid::now_v7());
    let shown = [
        ("loans", "agent"),
        ("loans", "supervisor"),
        ("quiet", "supervisor"),
        ("quiet", "backoffice"),
        ("quiet", "admin"),
    ];
    let mut told = shown.map(|(service, to)| follow_up(&world, service, to));
    let live = world.shared.engine.live();
    let tell = |follow_up: &FollowUp| {
        let follow_up = follow_up.clone();
        live.publish(vec![LiveEvent::FollowUp { follow_up, item }], clock());
    };
    told.iter().for_each(tell);
    for follow_up in &mut told {
        let (at, by) = (clock(), None);
        follow_up.closed = Some(Closed { at, by });
    }
    told.iter().for_each(tell);
    for (who, mut listener) in listening {
        let own: &[usize] = match who {
            "agent" => &[0],
            "target" => &[0, 3],
            "supervisor" => &[1],
            "elsewhere" => &[2],
            "auditor" => &[0, 1, 2, 3, 4],
            _ => &[],
        };
        for state in ["open", "closed"] {
            for index in own {
                let expected = serde_json::json!({"id": told[*index].id.to_string(),
                    "item": item.to_string(), "kind": "alert", "to": shown[*index].1,
                    "state": state});
                assert_eq!(listener.until("followUp").await.data, expected, "{who}");
            }
        }
        world.shutdown.send_replace(Some(Instant::now() + PATIENCE));
        while let Some(more) = listener.next().await {
            assert_ne!(more.name, "followUp", "{who} is told {more:?}");
        }
    }
}

#[tokio::test]
async fn what_a_workflow_shows_and_closes_is_told() {
    let mut setting = Setting::default();
    let demo = setting.policy.tenants.get_mut("demo").expect("there");
    let loans = Arc::make_mut(demo).services.get_mut("loans");
    Arc::make_mut(loans.expect("there")).workflow = Some(Arc::new(loan()));
    let world = open_with(setting).await;
    let token = session_of(&world, "supervisor").await;
    let mut listener = listen(&world, events(), &token).await;
    listener.until("snapshot").await;
    let posted = world.post(&work_item_with("a-1", "loans", "")).await;
    let item = posted.attribute("id").expect("a receipt");
    let told = listener.until("followUp").await.data;
    assert_eq!(
        (&told["kind"], &told["to"]),
        (&"button".into(), &"supervisor".into())
    );
    assert_eq!(
        (&told["item"], &told["state"]),
        (&item.into(), &"open".into())
    );
    let path = format!("/api/v1/items/{item}/abort");
    assert_eq!(world.operate("POST", &path, "").await.status, 200);
    let closed = listener.until("followUp").await.data;
    assert_eq!(
        (&closed["id"], &closed["state"]),
        (&told["id"], &"closed".into())
    );
}

#[tokio::test]
async fn a_stream_that_fell_behind_begins_anew_with_a_snapshot() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let live = world.shared.engine.live();
    let foreign = |count| {
        let event = LiveEvent::Agent {
            tenant: TenantId(99),
            agent: UserId(99),
        };
        live.publish(vec![event; count], clock());
    };
    let mut listener = listen(&world, events(), &token).await;
    let first = listener.until("snapshot").await;
    // What is still kept is passed over without a word, for it concerns others.
    foreign(EVENTS_KEPT_MAX / 2);
    activate(&world, "agent").await;
    let told = listener.next().await.expect("it goes on");
    assert_eq!(told.name, "state");
    foreign(EVENTS_KEPT_MAX + 1);
    let told = listener.next().await.expect("it goes on");
    assert_eq!(told.name, "snapshot");
    assert!(told.id > first.id);
}

#[tokio::test]
async fn services_are_told_to_who_watches_them_when_they_change() {
    let world = open().await;
    let token = session_of(&world, "supervisor").await;
    let mut listener = listen(&world, events(), &token).await;
    let first = listener.until("services").await;
    assert_eq!(first.id, None, "they have no number to come back to");
    let names = first.data.as_array().expect("a list").iter();
    let names: Vec<&Value> = names.map(|service| &service["name"]).collect();
    assert_eq!(names, ["loans"]);
    assert_eq!(first.data[0]["queued"], 0);
    post(&world, "a-1").await;
    let then = listener.until("services").await;
    assert_eq!(then.data[0]["queued"], 1);
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let mut listener = listen(&world, events(), &token).await;
    listener.until("snapshot").await;
    let out = shown(asking("DELETE", "/api/v1/session", ""), &token);
    assert_eq!(world.ask_console(&out).await.status, 204);
    listener.end().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_user() {
    let world = open().await;
    let token = session_of(&world, "target").await;
    let mut listener = listen(&world, events(), &token).await;
    listener.until("snapshot").await;
    let admin = session_of(&world, "admin").await;
    let remove = shown(asking("DELETE", "/api/v1/users/target", ""), &admin);
    assert_eq!(world.ask_console(&remove).await.status, 200);
    listener.end().await;
}

#[tokio::test]
async fn streams_end_when_the_server_drains() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let mut listener = listen(&world, events(), &token).await;
    listener.until("snapshot").await;
    world.shutdown.send_replace(Some(Instant::now() + PATIENCE));
    listener.end().await;
    world.serving.await.expect("the server ends");
}

#[tokio::test]
async fn one_stream_too_many_ends_the_oldest() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let mut streams = Vec::new();
    for _ in 0..=STREAMS_PER_USER_MAX {
        let mut listener = listen(&world, events(), &token).await;
        listener.until("snapshot").await;
        streams.push(listener);
    }
    streams.remove(0).end().await;
    activate(&world, "agent").await;
    for mut listener in streams {
        listener.until("state").await;
    }
}

#[tokio::test]
async fn more_streams_than_connections_leave_room_for_are_refused() {
    let mut setting = Setting::default();
    setting.limits.connections_max = 4;
    let world = open_with(setting).await;
    let token = session_of(&world, "agent").await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut listener = listen(&world, events(), &token).await;
        listener.until("snapshot").await;
        open.push(listener);
    }
    let answer = world.ask_console(&shown(events(), &token)).await;
    assert_eq!(refusal(&answer), (503, "overloaded".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("10"));
}

#[tokio::test]
async fn a_quiet_stream_outlives_the_idle_timeout() {
    let mut setting = Setting::default();
    setting.limits.idle_timeout = Duration::from_millis(300);
    let world = open_with(setting).await;
    let token = session_of(&world, "agent").await;
    let mut listener = listen(&world, events(), &token).await;
    listener.until("snapshot").await;
    let began = Instant::now();
    let mut signs = 0;
    while signs < 8 {
        let block = listener.block().await.expect("the stream goes on");
        signs += usize::from(block.starts_with(':'));
    }
    assert!(began.elapsed() > Duration::from_millis(600));
}

#[tokio::test]
async fn a_number_that_is_none_is_refused() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    for ask in [
        events().header("last-event-id", "seven"),
        asking("GET", "/api/v1/events?lastEventId=-1", ""),
        asking("GET", "/api/v1/events?since=1", ""),
    ] {
        let answer = world.ask_console(&shown(ask, &token)).await;
        assert_eq!(refusal(&answer), (422, "invalidField".to_owned()));
    }
}

#[tokio::test]
async fn an_open_stream_keeps_the_presence_that_was_said() {
    let world = open().await;
    let token = session_of(&world, "agent").await;
    let mut listener = listen(&world, events(), &token).await;
    listener.until("snapshot").await;
    let by = by(&world, "agent");
    let user = by.user.expect("a user");
    let request = SetState {
        presence: Some(Presence::Offline),
        ..SetState::of(by, user)
    };
    let shared = &world.shared;
    let set = shared.attendance.set_state(&shared.engine, request).await;
    set.expect("its own state");
    let told = listener.until("state").await;
    assert_eq!(told.data["state"], "offline");
    let mut second = listen(&world, events(), &token).await;
    let told = second.until("snapshot").await;
    assert_eq!(told.data["state"]["presence"], "offline");
}
