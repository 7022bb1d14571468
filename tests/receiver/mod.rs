//! A small server in the place of a sender's own: takes notifications and verifies what signs them.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::cli::wait_for;

const SECRET: [u8; 32] = [7; 32];

/// The text of the file that `secret_file` names.
pub fn secret() -> String {
    format!("whsec_{}\n", BASE64_STANDARD.encode(SECRET))
}

/// A notification as it came.
#[derive(Debug, Clone)]
pub struct Told {
    headers: Vec<(String, String)>,
    /// The notification as XML.
    pub body: String,
}

impl Told {
    /// The header of that name (in lower case); it is there.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1
    }

    /// Fails unless the signature is right.
    pub fn verify(&self) {
        let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).expect("any length is a key");
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        mac.update(format!("{id}.{at}.{}", self.body).as_bytes());
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(self.header("webhook-signature"), format!("v1,{signature}"));
    }
}

/// Takes notifications until the test's process ends.
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Receiver {
    /// Answers the first ones with these statuses, all others with 204.
    pub fn start(statuses: &[u16]) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let told = Arc::new(Mutex::new(Vec::new()));
        let taken = told.clone();
        let mut statuses: VecDeque<u16> = statuses.iter().copied().collect();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A daemon that was killed leaves half a request behind.
                if let Some((one, stream)) = stream.ok().and_then(read) {
                    taken.lock().expect("nobody panics with it").push(one);
                    answer(stream, statuses.pop_front().unwrap_or(204));
                }
            }
        });
        Receiver { address, told }
    }

    /// What has come so far.
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().expect("nobody panics with it").clone()
    }

    /// Waits until so many have come.
    pub fn wait_for(&self, count: usize) -> Vec<Told> {
        wait_for("notifications", || {
            Some(self.told()).filter(|told| told.len() >= count)
        })
    }
}

fn read(stream: TcpStream) -> Option<(Told, TcpStream)> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None if line == "\r\n" => break,
            None if line.starts_with("POST /told ") => {}
            None => return None,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?;
    let mut body = vec![0; length.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some((Told { headers, body }, reader.into_inner()))
}

fn answer(mut stream: TcpStream, status: u16) {
    let text = format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    // Whoever was killed meanwhile does not hear it.
    let _ = stream.write_all(text.as_bytes());
}
