//! The stream of events as a desktop reads it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::WAIT_MAX;

/// An open `GET /api/v1/events`.
pub struct Stream {
    reader: BufReader<TcpStream>,
}

impl Stream {
    /// Opens it and reads its first event.
    pub fn open(address: SocketAddr, token: &str) -> Stream {
        let mut stream = TcpStream::connect(address).expect("the console listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(1)))
            .expect("a socket takes a timeout");
        // HTTP/1.0: lines come without chunks between them.
        let request = format!(
            "GET /api/v1/events HTTP/1.0\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("it is asked");
        let mut stream = Stream {
            reader: BufReader::new(stream),
        };
        stream.next("snapshot", "");
        stream
    }

    /// The data of the next event of that name about that id; others are passed over.
    pub fn next(&mut self, name: &str, id: &str) -> Value {
        let started = Instant::now();
        let mut event = String::new();
        loop {
            assert!(started.elapsed() < WAIT_MAX, "in vain: {name} of {id}");
            let mut line = String::new();
            // A second without a line is no fault.
            if self.reader.read_line(&mut line).is_err() {
                continue;
            }
            if let Some(given) = line.strip_prefix("event:") {
                event = given.trim().to_owned();
            }
            let data = line.strip_prefix("data:").filter(|_| event == name);
            let data = data.map(|data| serde_json::from_str::<Value>(data).expect("it is JSON"));
            if let Some(data) = data.filter(|data| id.is_empty() || data["id"] == id) {
                return data;
            }
        }
    }
}
