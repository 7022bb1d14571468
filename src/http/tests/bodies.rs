//! Bodies and connections that are too much: large, slow, many, silent.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::world::{Answer, Ask, Client, KEY, Setting, World, bearer, gzip, work_item};
use crate::domain::policy::MESSAGE_BYTES_MAX;
use crate::http::server::ServerLimits;

const SMALL: usize = 64 * 1024;
/// Long enough for anything that does happen.
const SOON: Duration = Duration::from_secs(20);

fn post_head(length: u64) -> Vec<u8> {
    format!(
        "POST /v1/work-items HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\
         content-type: text/xml\r\ncontent-length: {length}\r\n\r\n",
        bearer(KEY)
    )
    .into_bytes()
}

async fn closed(client: &mut Client<tokio::net::TcpStream>) -> bool {
    let mut rest = Vec::new();
    let read = timeout(SOON, client.stream.read_to_end(&mut rest)).await;
    // A reset is an end too.
    read.is_ok()
}

#[tokio::test]
async fn a_message_that_announces_too_much_is_refused_unread() {
    let world = World::open(Setting::default()).await;
    let mut client = world.connect().await;
    client.send(&post_head(MESSAGE_BYTES_MAX + 1)).await;
    let refused = client.answer().await.expect("an answer");
    assert_eq!(refused.fault(), (413, "tooLarge"));
    assert_eq!(refused.header("connection"), Some("close"));
    assert!(closed(&mut client).await);
}

#[tokio::test]
async fn a_gzip_bomb_is_stopped_at_the_limit() {
    let world = World::open(Setting::default()).await;
    let limit = usize::try_from(MESSAGE_BYTES_MAX).expect("fits");
    for (bytes, expected) in [
        (limit, (400, "malformedXml")),
        (limit + 1, (413, "tooLarge")),
    ] {
        let packed = gzip(&vec![b' '; bytes]);
        assert!(packed.len() < 2 * 1024 * 1024, "{}", packed.len());
        let ask = Ask::post("")
            .header("authorization", &bearer(KEY))
            .header("content-encoding", "gzip")
            .body(&packed);
        let mut client = world.connect().await;
        let (mut reading, mut writing) = client.stream.split();
        // The answer may come before all is sent; then the rest cannot be.
        let sending = ask.bytes();
        let sent = writing.write_all(&sending);
        let mut answer = Vec::new();
        let (_, read) = tokio::join!(sent, reading.read_buf(&mut answer));
        read.expect("an answer");
        let text = String::from_utf8_lossy(&answer);
        assert!(
            text.contains(&format!(" {} ", expected.0)),
            "{bytes}: {text}"
        );
    }
    assert_eq!(world.shared.budget.bytes_used(), 0);
}

#[tokio::test]
async fn half_a_gzip_stream_is_no_message() {
    let world = World::open(Setting::default()).await;
    let packed = gzip(work_item("h-1").as_bytes());
    for body in [
        &packed[..packed.len() / 2],
        &packed[..packed.len() - 1],
        b"",
    ] {
        let ask = Ask::post("")
            .header("authorization", &bearer(KEY))
            .header("content-encoding", "gzip")
            .body(body);
        let answer = world.connect().await.ask(&ask).await;
        assert_eq!(answer.fault(), (400, "encodingInvalid"), "{}", body.len());
    }
}

#[tokio::test]
async fn a_body_that_stops_coming_is_408() {
    let setting = Setting {
        body_timeout: Duration::from_millis(50),
        ..Setting::default()
    };
    let world = World::open(setting).await;
    let mut client = world.connect().await;
    client.send(&post_head(100)).await;
    client.send(b"<workItem").await;
    let answer = timeout(SOON, client.answer()).await.expect("in time");
    let answer = answer.expect("an answer");
    assert_eq!(answer.fault(), (408, "requestTimeout"));
    assert!(closed(&mut client).await);
    assert_eq!(world.shared.budget.bytes_used(), 0);
}

#[tokio::test]
async fn large_bodies_that_find_no_room_are_503_while_small_ones_pass() {
    let setting = Setting {
        body_bytes_in_flight: 4 * SMALL as u64,
        body_wait: Duration::from_millis(50),
        ..Setting::default()
    };
    let world = World::open(setting).await;
    let mut holding = world.connect().await;
    holding.send(&post_head(3 * SMALL as u64)).await;
    holding.send(&vec![b' '; 3 * SMALL - 1]).await;
    while world.shared.budget.bytes_used() < 3 * SMALL {
        tokio::task::yield_now().await;
    }
    let mut second = world.connect().await;
    second.send(&post_head(2 * SMALL as u64)).await;
    second.send(&vec![b' '; 2 * SMALL - 1]).await;
    let refused = timeout(SOON, second.answer()).await.expect("in time");
    let refused = refused.expect("an answer");
    assert_eq!(refused.fault(), (503, "overloaded"));
    assert!(refused.header("retry-after").is_some());
    let small = world.post(&work_item("o-1")).await;
    assert_eq!(small.status, 201, "the quarter kept for it: {small:?}");
    holding.send(b" ").await;
    let whole = holding.answer().await.expect("an answer");
    assert_eq!(whole.fault(), (400, "malformedXml"));
    assert_eq!(world.shared.budget.bytes_used(), 0);
}

#[tokio::test]
async fn a_refused_sender_reads_its_answer_though_it_sends_a_body() {
    let world = World::open(Setting::default()).await;
    let ask = Ask::post("").body(&vec![b' '; SMALL / 2]);
    let mut client = world.connect().await;
    assert_eq!(client.ask(&ask).await.fault(), (401, "notAuthenticated"));
    let again = client.ask(&ask).await;
    assert_eq!(again.fault(), (401, "notAuthenticated"), "same connection");
}

#[tokio::test]
async fn leave_to_send_is_given_only_to_a_known_sender() {
    let world = World::open(Setting::default()).await;
    let item = work_item("e-1");
    let head = |key: &str| {
        format!(
            "POST /v1/work-items HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\
             content-type: text/xml\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            bearer(key),
            item.len()
        )
    };
    let mut known = world.connect().await;
    known.send(head(KEY).as_bytes()).await;
    assert_eq!(known.answer().await.map(|answer| answer.status), Some(100));
    known.send(item.as_bytes()).await;
    assert_eq!(known.answer().await.map(|answer| answer.status), Some(201));
    let mut unknown = world.connect().await;
    unknown.send(head("no").as_bytes()).await;
    let refused = unknown.answer().await.map(|answer| answer.status);
    assert_eq!(refused, Some(401));
}

#[tokio::test]
async fn silent_connections_are_closed() {
    let limits = ServerLimits {
        connections_max: 64,
        header_timeout: Duration::from_millis(80),
        idle_timeout: Duration::from_millis(80),
    };
    let world = World::open(Setting {
        limits,
        ..Setting::default()
    })
    .await;
    let mut mute = world.connect().await;
    assert!(closed(&mut mute).await, "never said anything");
    let mut slow = world.connect().await;
    slow.send(b"GET /schemas/answer.xsd HTTP/1.1\r\nho").await;
    assert!(closed(&mut slow).await, "half a head");
    let mut idle = world.connect().await;
    let answer = idle.ask(&Ask::new("GET", "/schemas/answer.xsd")).await;
    assert_eq!(answer.status, 200);
    assert!(closed(&mut idle).await, "nothing after its answer");
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_for_a_head() {
    let limits = ServerLimits {
        connections_max: 64,
        header_timeout: Duration::from_millis(40),
        idle_timeout: SOON,
    };
    let world = World::open(Setting {
        limits,
        ..Setting::default()
    })
    .await;
    let mut client = world.connect().await;
    let ask = Ask::new("GET", "/schemas/answer.xsd");
    assert_eq!(client.ask(&ask).await.status, 200);
    // The clock of a socket cannot be wound: this is the one wait that must pass.
    let until = Instant::now() + 3 * limits.header_timeout;
    tokio::time::sleep_until(until).await;
    assert_eq!(client.ask(&ask).await.status, 200);
}

#[tokio::test]
async fn a_connection_over_the_cap_waits_for_its_turn() {
    let limits = ServerLimits {
        connections_max: 1,
        ..Setting::default().limits
    };
    let world = World::open(Setting {
        limits,
        ..Setting::default()
    })
    .await;
    let ask = Ask::new("GET", "/schemas/answer.xsd");
    let mut first = world.connect().await;
    assert_eq!(first.ask(&ask).await.status, 200);
    let mut second = world.connect().await;
    second.send(&ask.bytes()).await;
    let early = timeout(Duration::from_millis(50), second.answer()).await;
    assert!(early.is_err(), "the first still has the only place");
    drop(first);
    let answer = timeout(SOON, second.answer()).await.expect("in time");
    assert_eq!(answer.map(|answer| answer.status), Some(200));
}

#[tokio::test]
async fn a_drain_finishes_what_began_and_closes_the_rest() {
    let world = World::open(Setting::default()).await;
    let item = work_item("z-1");
    let mut busy = world.connect().await;
    busy.send(&post_head(item.len() as u64)).await;
    busy.send(&item.as_bytes()[..10]).await;
    while world.shared.budget.bytes_used() < 10 {
        tokio::task::yield_now().await;
    }
    let mut idle = world.connect().await;
    let ask = Ask::new("GET", "/schemas/answer.xsd");
    assert_eq!(idle.ask(&ask).await.status, 200);
    let deadline = Instant::now() + SOON;
    world.shutdown.send(Some(deadline)).expect("a server");
    assert!(closed(&mut idle).await);
    busy.send(&item.as_bytes()[10..]).await;
    let answer: Answer = busy.answer().await.expect("what began is finished");
    assert_eq!(answer.status, 201);
    assert!(closed(&mut busy).await);
    let ended = timeout(SOON, world.serving).await;
    assert!(
        matches!(ended, Ok(Ok(()))),
        "all is done before the deadline"
    );
    let refused = tokio::net::TcpStream::connect(world.address).await;
    assert!(refused.is_err(), "nobody listens any longer");
}

#[tokio::test]
async fn a_drain_ends_at_its_deadline_even_if_moved() {
    let world = World::open(Setting::default()).await;
    let mut stuck = world.connect().await;
    stuck.send(&post_head(100)).await;
    stuck.send(b"<").await;
    while world.shared.budget.bytes_used() == 0 {
        tokio::task::yield_now().await;
    }
    let late = Instant::now() + 100 * SOON;
    world.shutdown.send(Some(late)).expect("a server");
    world.shutdown.send(Some(Instant::now())).expect("a server");
    let ended = timeout(SOON, world.serving).await;
    assert!(matches!(ended, Ok(Ok(()))));
    assert!(closed(&mut stuck).await);
}
