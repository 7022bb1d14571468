//! The control socket of a daemon on this machine: the JSON API, spoken over a unix socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::Global;
use super::exit::{Exit, Failure};
use crate::daemon;

/// How long the daemon may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// Largest answer, in bytes: a queue of 100,000 items fits.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A way to the daemon.
pub struct Control {
    socket: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Control {
    /// The control socket that `--data`, or else the configuration, names.
    ///
    /// # Errors
    /// Without `--data`: the configuration is wrong.
    pub fn new(global: &Global) -> Result<Control, Failure> {
        let socket = match &global.data {
            // A fault in the configuration must not keep anybody from looking at the daemon.
            Some(data) => data.join(daemon::CONTROL_SOCKET),
            None => global.load()?.config.control_socket(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(Exit::Failed, error))?;
        Ok(Control { socket, runtime })
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// No daemon answers, or it refuses.
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        json(&self.call(Method::GET, path, None)?)
    }

    /// Reads a resource as it is.
    ///
    /// # Errors
    /// As [`Control::get`].
    pub fn get_bytes(&self, path: &str) -> Result<Bytes, Failure> {
        self.call(Method::GET, path, None)
    }

    /// Puts or posts a value.
    ///
    /// # Errors
    /// As [`Control::get`].
    pub fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        json(&self.call(method, path, Some(body))?)
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Bytes, Failure> {
        let request = request(method, path, body)?;
        let answer = async {
            match tokio::time::timeout(ANSWER_WAIT, exchange(&self.socket, request)).await {
                Ok(answer) => answer,
                Err(_) => {
                    let waited = ANSWER_WAIT.as_secs();
                    let text = format!("the daemon did not answer within {waited} s");
                    Err(Failure::new(Exit::Unavailable, text))
                }
            }
        };
        self.runtime.block_on(answer)
    }
}

fn request(
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let bytes = body.map(Value::to_string).unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("accept", "application/json");
    let request = match body {
        Some(_) => request.header("content-type", "application/json"),
        None => request,
    };
    request
        .body(Full::from(bytes))
        .map_err(|error| Failure::new(Exit::Usage, error))
}

async fn exchange(socket: &Path, request: Request<Full<Bytes>>) -> Result<Bytes, Failure> {
    let broken = |error: hyper::Error| {
        let text = format!("the daemon broke off the connection: {error}");
        Failure::new(Exit::Unavailable, text)
    };
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|error| unreachable(socket, &error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // It ends when the sender is dropped, and with the runtime at the latest.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(broken)?;
    read(answer).await
}

async fn read(answer: Response<hyper::body::Incoming>) -> Result<Bytes, Failure> {
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
    let bytes = body
        .collect()
        .await
        .map_err(|error| Failure::new(Exit::Unavailable, format!("half an answer: {error}")))?
        .to_bytes();
    match status.is_success() {
        true => Ok(bytes),
        false => Err(refused(status.as_u16(), &bytes)),
    }
}

/// What the daemon says about a request it refuses (RFC 9457).
fn refused(status: u16, body: &[u8]) -> Failure {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = |name: &str| problem.get(name).and_then(Value::as_str);
    let text = word("detail").or_else(|| word("title"));
    let text = text.map_or_else(|| format!("the daemon answered {status}"), str::to_owned);
    let exit = match status {
        429 | 503 => Exit::Again,
        400..=499 => Exit::Data,
        _ => Exit::Failed,
    };
    match word("code") {
        Some(code) => Failure::new(exit, format!("{text} ({code})")),
        None => Failure::new(exit, text),
    }
}

fn unreachable(socket: &Path, error: &io::Error) -> Failure {
    let path = socket.display();
    let text = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
            "no daemon listens on {path}: start one with `anteroom serve`, or name the data \
             folder of a running one with --data"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "you may not use {path}: run this as the daemon's user, or let your group in with \
             `group` under [control]"
        ),
        _ => format!("cannot reach the daemon on {path}: {error}"),
    };
    Failure::new(Exit::Unavailable, text)
}

fn json(bytes: &[u8]) -> Result<Value, Failure> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("the daemon's answer is no JSON: {error}"),
        )
    })
}

/// A name as one segment of a path.
pub fn segment(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                segment.push(char::from(byte));
            }
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_single_segments() {
        assert_eq!(segment("loans.a-b_c"), "loans.a-b_c");
        assert_eq!(segment("a/b c?å"), "a%2Fb%20c%3F%C3%A5");
    }

    #[test]
    fn a_refusal_says_its_sentence_and_code() {
        let failure = refused(
            404,
            br#"{"code":"unknownItem","detail":"There is no such item."}"#,
        );
        assert_eq!(failure.exit, Exit::Data);
        assert_eq!(failure.message, "There is no such item. (unknownItem)");
        assert_eq!(refused(503, b"").exit, Exit::Again);
        assert_eq!(refused(500, b"").exit, Exit::Failed);
    }

    #[test]
    fn without_a_daemon_the_sentence_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let global = Global {
            data: Some(folder.path().to_owned()),
            ..Global::default()
        };
        let control = Control::new(&global).expect("nothing is asked yet");
        let failure = control.get("/api/v1/services").expect_err("nobody listens");
        assert_eq!(failure.exit, Exit::Unavailable);
        assert!(
            failure.message.contains("anteroom serve"),
            "{}",
            failure.message
        );
    }
}
