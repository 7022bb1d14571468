//! The sample of the manual, as printed: what a receiver is told to do must accept what is sent.

use std::io::Write;
use std::process::{Command, Stdio};

use super::receiver::Receiver;
use super::world::{SECRET, World};

const MANUAL: &str = include_str!("../../../docs/notifications.md");

/// Says for each of three lines of arguments whether the sample accepts them.
const CALLS: &str = r#"
import sys
secret, identity, stamp, signature = sys.argv[1:5]
body = sys.stdin.buffer.read()
headers = {"webhook-id": identity, "webhook-timestamp": stamp, "webhook-signature": signature}
both = dict(headers, **{"webhook-signature": "v1,AAAA " + signature})
other = dict(headers, **{"webhook-id": identity + "x"})
now = int(stamp)
print(
    verify(secret, headers, body, now), verify(secret, both, body, now + 300),
    verify(secret, headers, body + b" ", now), verify(secret, other, body, now),
    verify(secret, headers, body, now + 301), verify("whsec_AAAA", headers, body, now),
)
"#;

fn sample() -> &'static str {
    let (_, rest) = MANUAL
        .split_once("<!-- test: python -->\n```python\n")
        .expect("the sample is there");
    rest.split_once("```").expect("it ends").0
}

#[tokio::test]
async fn the_sample_for_python_accepts_what_is_sent_and_nothing_else() {
    let mut receiver = Receiver::start().await;
    let world = World::telling(&receiver);
    world.submit("r1").await;
    let told = receiver.next().await;
    let mut python = Command::new("python3")
        .args(["-c", &format!("{}{CALLS}", sample()), SECRET])
        .args(
            ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| told.header(name)),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let mut input = python.stdin.take().expect("it is piped");
    input.write_all(told.body.as_bytes()).expect("it reads");
    drop(input);
    let output = python.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim(), "True True False False False False");
}

#[test]
fn the_limits_in_the_manual_are_those_of_the_code() {
    use crate::engine::notify::NOTIFICATIONS_PAGE_MAX;
    use crate::notify::delivery::{IN_FLIGHT_MAX, IN_FLIGHT_PER_HOST_MAX};
    let at_a_time = format!("{IN_FLIGHT_MAX}, to one host and port {IN_FLIGHT_PER_HOST_MAX} |");
    assert!(MANUAL.contains(&format!("| attempts at a time | {at_a_time}")));
    assert_eq!(NOTIFICATIONS_PAGE_MAX, 1_000);
    assert!(MANUAL.contains("| listed or replayed at once | 1,000 |"));
}
