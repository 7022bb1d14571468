//! The end: requests begun are answered, new ones are not begun, a second signal ends at once.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{WAIT_MAX, message, wait_for};
use crate::daemon::{self, Daemon};

/// Sends the head of a request and half of its body.
fn begin_request(daemon: &Daemon, body: &str) -> TcpStream {
    let credentials = daemon.credentials();
    let mut stream = TcpStream::connect(credentials.intake).expect("it listens");
    stream.set_read_timeout(Some(WAIT_MAX)).expect("a timeout");
    let head = format!(
        "POST /v1/work-items HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-type: application/xml\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        credentials.intake,
        credentials.key,
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    // Asked to go on: from here the request has begun, as the daemon sees it.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).expect("it answers");
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    let half = &body.as_bytes()[..body.len() / 2];
    stream.write_all(half).expect("it reads");
    stream
}

fn finish_request(mut stream: TcpStream, body: &str) -> String {
    let half = &body.as_bytes()[body.len() / 2..];
    stream.write_all(half).expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("it answers and closes");
    answer
}

#[test]
fn a_request_begun_before_sigterm_is_answered_and_stored() {
    let folder = daemon::folder("drain");
    let data = folder.path().join("data");
    let daemon = Daemon::start(&data);
    let body = message("loans", "begun");
    let stream = begin_request(&daemon, &body);
    daemon.signal("TERM");
    let intake = daemon.credentials().intake;
    wait_for("new connections are refused", || {
        TcpStream::connect(intake).is_err().then_some(())
    });
    let answer = finish_request(stream, &body);
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(daemon.ended().success());
    let again = Daemon::start(&data);
    let queue = again.cli_json(&["queue", "loans"]);
    assert_eq!(queue.len(), 1);
    assert_eq!(queue[0]["reference"], "begun");
}

#[test]
fn an_idle_daemon_ends_well_and_takes_its_control_socket_away() {
    let folder = daemon::folder("drain");
    let data = folder.path().join("data");
    let daemon = Daemon::start(&data);
    let _idle = TcpStream::connect(daemon.credentials().intake).expect("it listens");
    assert!(data.join("control.sock").exists());
    let started = std::time::Instant::now();
    assert!(daemon.terminate().success());
    assert!(
        started.elapsed() < WAIT_MAX / 3,
        "an idle connection held it up"
    );
    assert!(!data.join("control.sock").exists());
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = daemon::folder("drain");
    let data = folder.path().join("data");
    let daemon = Daemon::start(&data);
    let body = message("loans", "never");
    let _stream = begin_request(&daemon, &body);
    daemon.signal("TERM");
    wait_for("it drains", || {
        daemon::log(&data).contains("draining").then_some(())
    });
    let status = daemon.terminate();
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(status.signal(), Some(15), "{status}");
}
