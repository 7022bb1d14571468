//! What receivers get, in which order, and what becomes of their answers.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

use super::receiver::{Answer, Receiver, status};
use super::world::{QUICK, SECRET, World, policy};
use crate::domain::journal::Actor;
use crate::domain::notification::DeliveryState;
use crate::engine::notify::{ListParked, ParkedNotification, ReplayNotifications};
use crate::notify::backoff::Schedule;
use crate::notify::counters::Counted;
use crate::notify::delivery::{IN_FLIGHT_PER_HOST_MAX, check_secrets};
use crate::notify::signature::Secrets;

async fn parked(world: &World) -> Vec<ParkedNotification> {
    let page = ListParked {
        after: None,
        limit: 100,
    };
    let parked = world.engine.handle.parked_notifications(page).await;
    parked.expect("it answers")
}

async fn error_of_the_parked_one(world: &World) -> String {
    let mut parked = parked(world).await;
    assert_eq!(parked.len(), 1);
    let attempts = parked.remove(0).notification.attempts;
    attempts.error.expect("it says why")
}

#[tokio::test]
async fn a_notification_is_signed_and_says_what_happened() {
    let mut receiver = Receiver::start().await;
    let world = World::telling(&receiver);
    world.submit("r1").await;
    let told = receiver.next().await;
    assert_eq!(told.path, "/told?by=anteroom");
    assert_eq!(told.header("host"), receiver.address.to_string());
    assert_eq!(told.header("content-type"), "application/xml");
    let timestamp = told.header("webhook-timestamp").parse().expect("a number");
    let secrets = Secrets::parse(SECRET).expect("it is one");
    let id = told.header("webhook-id");
    let signature = secrets.sign(id, timestamp, told.body.as_bytes());
    assert_eq!(told.header("webhook-signature"), signature);
    let document = roxmltree::Document::parse(&told.body).expect("well-formed");
    let root = document.root_element();
    assert_eq!(root.attribute("id"), Some(id));
    assert_eq!(root.attribute("event"), Some("queued"));
    let status = root.first_element_child().expect("the status");
    assert_eq!(status.attribute("reference"), Some("r1"));
    assert_eq!(status.attribute("state"), Some("queued"));
}

#[tokio::test]
async fn notifications_of_an_item_come_in_order_though_the_first_fails() {
    let mut receiver = Receiver::start().await;
    receiver.answer([status(500), status(503), status(404)]);
    let world = World::telling(&receiver);
    world.submit("r1").await;
    world.cancel("r1").await;
    let told: Vec<String> = receiver
        .take(5)
        .await
        .iter()
        .map(|one| one.short())
        .collect();
    assert_eq!(
        told,
        [
            "1 queued",
            "1 queued",
            "1 queued",
            "1 queued",
            "2 cancelled"
        ]
    );
    world.settle().await;
    let expected = Counted {
        delivered: 2,
        failed: 3,
        ..Counted::default()
    };
    while world.delivery().counters.read() != expected {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn gone_is_parked_at_once_and_the_next_goes_on() {
    let mut receiver = Receiver::start().await;
    receiver.answer([status(410)]);
    let world = World::telling(&receiver);
    world.submit("r1").await;
    world.cancel("r1").await;
    let told: Vec<String> = receiver
        .take(2)
        .await
        .iter()
        .map(|one| one.short())
        .collect();
    assert_eq!(told, ["1 queued", "2 cancelled"]);
    world.settle().await;
    let states = [DeliveryState::Parked, DeliveryState::Delivered];
    assert_eq!(world.store.states(1), states);
    let error = error_of_the_parked_one(&world).await;
    assert_eq!(error, "the receiver answered with status 410");
}

#[tokio::test]
async fn a_parked_notification_is_delivered_when_it_is_replayed() {
    let mut receiver = Receiver::start().await;
    receiver.answer([status(410)]);
    let world = World::telling(&receiver);
    world.submit("r1").await;
    let first = receiver.next().await;
    world.settle().await;
    let id = parked(&world).await[0].notification.id;
    let replay = ReplayNotifications {
        actor: Actor::Operator("uid=0 pid=1".to_owned()),
        ids: vec![id],
    };
    let replayed = world.engine.handle.replay_notifications(replay).await;
    replayed.expect("it is tried again");
    let second = receiver.next().await;
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    world.settle().await;
    assert_eq!(world.store.states(1), [DeliveryState::Delivered]);
}

#[tokio::test]
async fn what_fails_too_long_is_parked() {
    let mut receiver = Receiver::start().await;
    receiver.answer((0..100).map(|_| status(500)));
    let url = format!("http://{}/", receiver.address);
    let schedule = Schedule {
        give_up_after_ms: 30,
        ..QUICK
    };
    let world = World::idle(&url, schedule).delivering();
    world.submit("r1").await;
    receiver.take(2).await;
    world.settle().await;
    assert_eq!(world.store.states(1), [DeliveryState::Parked]);
    let error = error_of_the_parked_one(&world).await;
    assert_eq!(error, "the receiver answered with status 500");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mut receiver = Receiver::start().await;
    let elsewhere = Receiver::start().await;
    let location = Some(format!("http://{}/", elsewhere.address));
    receiver.answer([Answer {
        status: 307,
        location,
        body_bytes: 0,
    }]);
    let world = World::telling(&receiver);
    world.submit("r1").await;
    receiver.take(2).await;
    world.settle().await;
    let mut elsewhere = elsewhere;
    assert!(elsewhere.is_quiet());
    assert_eq!(world.store.states(1), [DeliveryState::Delivered]);
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let mut receiver = Receiver::start().await;
    let answer = |body_bytes| Answer {
        status: 200,
        body_bytes,
        ..Answer::default()
    };
    receiver.answer([answer(64 * 1024), answer(50 * 1024 * 1024)]);
    let world = World::telling(&receiver);
    world.submit("r1").await;
    world.submit("r2").await;
    receiver.take(2).await;
    world.settle().await;
    assert_eq!(world.store.states(1), [DeliveryState::Delivered]);
    assert_eq!(world.store.states(2), [DeliveryState::Delivered]);
}

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let mut receiver = Receiver::start().await;
    let schedule = Schedule {
        give_up_after_ms: 0,
        ..QUICK
    };
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        let url = format!("http://{host}:{}/", receiver.address.port());
        let mut world = World::idle(&url, schedule).without_leave().delivering();
        world.submit("r1").await;
        world.settle().await;
        let error = error_of_the_parked_one(&world).await;
        assert!(
            error.ends_with("refused unless notify.allow_private is true"),
            "{error}"
        );
        world.stop().await;
    }
    assert!(receiver.is_quiet());
    let url = format!("http://{}/", receiver.address);
    let world = World::idle(&url, QUICK).without_leave().delivering();
    world.delivery().set_allow_private(true);
    world.submit("r1").await;
    receiver.next().await;
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_tried_again() {
    let gone = Receiver::start().await.address;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = listener.local_addr().expect("bound");
    drop(listener);
    assert_ne!(gone, closed);
    let world = World::to(&format!("http://{closed}/"));
    world.submit("r1").await;
    while world.delivery().counters.read().failed < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.store.states(1), [DeliveryState::Due]);
}

#[tokio::test]
async fn one_host_gets_at_most_four_at_a_time() {
    let mut receiver = Receiver::start().await;
    let gate = receiver.gate.clone();
    gate.forget_permits(tokio::sync::Semaphore::MAX_PERMITS);
    let world = World::telling(&receiver);
    for number in 0..10 {
        world.submit(&format!("r{number}")).await;
    }
    receiver.take(IN_FLIGHT_PER_HOST_MAX).await;
    assert_eq!(world.delivery().counters.read().in_flight, 4);
    assert!(receiver.is_quiet());
    gate.add_permits(1);
    receiver.take(10 - IN_FLIGHT_PER_HOST_MAX).await;
    world.settle().await;
}

#[tokio::test]
async fn secrets_change_over_without_a_restart() {
    let mut receiver = Receiver::start().await;
    let world = World::telling(&receiver);
    world.write_secrets("whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n");
    world.submit("r1").await;
    let alone = receiver.next().await;
    assert_eq!(alone.header("webhook-signature").split(' ').count(), 1);
    world.write_secrets(&format!(
        "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n{SECRET}\n"
    ));
    world.submit("r2").await;
    let both = receiver.next().await;
    assert_eq!(both.header("webhook-signature").split(' ').count(), 2);
}

#[tokio::test]
async fn without_a_secret_nothing_is_sent_and_the_start_is_told() {
    let mut receiver = Receiver::start().await;
    let world = World::telling(&receiver);
    assert_eq!(check_secrets(&world.policy).await, [""; 0]);
    world.write_secrets("");
    let faults = check_secrets(&world.policy).await;
    assert_eq!(faults.len(), 1);
    assert!(faults[0].starts_with("sender core: the file of the secret has 0 secrets"));
    world.submit("r1").await;
    while world.delivery().counters.read().failed == 0 {
        tokio::task::yield_now().await;
    }
    assert!(receiver.is_quiet());
    world.write_secrets(SECRET);
    receiver.next().await;
}

#[tokio::test]
async fn a_sender_without_an_address_any_longer_has_its_notifications_parked() {
    let receiver = Receiver::start().await;
    let url = format!("http://{}/", receiver.address);
    let world = World::idle(&url, QUICK);
    world.submit("r1").await;
    let silent = Arc::new(policy(None));
    let reloaded = world.engine.handle.reload(silent).await;
    reloaded.expect("taken");
    let world = world.delivering();
    world.settle().await;
    let error = error_of_the_parked_one(&world).await;
    assert_eq!(error, "the configuration names no address for this sender");
}

#[tokio::test]
async fn a_receiver_over_tls_must_be_who_it_says() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let made = made.expect("a certificate");
    let certificate = made.cert.der().clone();
    let key = made.signing_key.serialize_der();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.try_into().expect("a key"))
        .expect("they fit");
    let tls = TlsAcceptor::from(Arc::new(config));
    let mut receiver = Receiver::with(Some(tls)).await;
    let url = format!("https://localhost:{}/", receiver.address.port());
    let mut stranger = World::to(&url);
    stranger.submit("r1").await;
    while stranger.delivery().counters.read().failed == 0 {
        tokio::task::yield_now().await;
    }
    stranger.stop().await;
    assert!(receiver.is_quiet());
    let world = World::idle(&url, QUICK).trusting(certificate).delivering();
    world.submit("r1").await;
    assert_eq!(receiver.next().await.short(), "1 queued");
    world.settle().await;
    assert_eq!(world.store.states(1), [DeliveryState::Delivered]);
}
