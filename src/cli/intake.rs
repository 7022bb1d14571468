//! The intake of a daemon, as a sender sees it: where it is, with which key, one connection.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Global;
use super::exit::{Exit, Failure};
use super::input;
use crate::config::DEMO_SENDER;
use crate::daemon::CREDENTIALS_FILE;

/// How long a connection and an answer may take.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
const ANSWER_WAIT: Duration = Duration::from_secs(120);
/// Largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Largest key file, in bytes.
const KEY_BYTES_MAX: u64 = 4_096;

/// Where messages are posted.
pub const WORK_ITEMS: &str = "/v1/work-items";

/// Whom to talk to and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    /// `host:port`.
    authority: String,
    key: Option<HeaderValue>,
}

/// What a daemon answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// UTF-8, as all answers are; what is not, is shown with replacement characters.
    pub body: String,
}

impl Target {
    /// The intake at `url` with the key in `key_file`; what is not given is read from the
    /// credentials of the demo in the data folder.
    ///
    /// # Errors
    /// Neither is there, or a URL or key that cannot be used.
    pub fn new(
        global: &Global,
        url: Option<&str>,
        key_file: Option<&Path>,
    ) -> Result<Target, Failure> {
        let demo = match (url, key_file) {
            (Some(_), Some(_)) => None,
            (None, _) => Some(demo(global)?),
            // Without a key file a foreign daemon answers notAuthenticated, which says enough.
            (Some(_), None) => demo(global).ok(),
        };
        let key = match (key_file, &demo) {
            (Some(file), _) => Some(key_in(file)?),
            (None, Some(demo))
                if url.is_none_or(|url| url.trim_end_matches('/') == demo.intake) =>
            {
                Some(demo.key.clone())
            }
            (None, _) => None,
        };
        let url = url.or(demo.as_ref().map(|demo| demo.intake.as_str()));
        let authority = authority(url.unwrap_or_default())?;
        let key = key.map(|key| HeaderValue::from_str(&format!("Bearer {key}")));
        let key = key
            .transpose()
            .map_err(|_| Failure::new(Exit::Usage, "the key holds characters no key can have"))?;
        Ok(Target { authority, key })
    }
}

/// A kept-alive connection.
pub struct Connection {
    target: Arc<Target>,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// A connection that is opened when first needed.
    pub fn new(target: Arc<Target>) -> Connection {
        Connection {
            target,
            sender: None,
        }
    }

    /// Sends one request and reads its answer. It is never sent twice: the caller decides.
    ///
    /// # Errors
    /// No whole answer came; the message may have been taken or not.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        let request = self.request(method, path, headers, body)?;
        match tokio::time::timeout(ANSWER_WAIT, self.exchange(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(reason)) => {
                self.sender = None;
                let text = format!("{}: {reason}", self.target.authority);
                Err(Failure::new(Exit::Unavailable, text))
            }
            Err(_) => {
                self.sender = None;
                let waited = ANSWER_WAIT.as_secs();
                let text = format!("{}: no answer within {waited} s", self.target.authority);
                Err(Failure::new(Exit::Unavailable, text))
            }
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.target.authority)
            .body(Full::new(body))
            .map_err(|error| Failure::new(Exit::Data, error))?;
        let own = request.headers_mut();
        own.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        if let Some(key) = &self.target.key {
            own.insert(AUTHORIZATION, key.clone());
        }
        for name in headers.keys() {
            replace(own, name, headers);
        }
        Ok(request)
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            Some(_) | None => connect(&self.target.authority).await?,
        };
        let ready = sender.ready().await;
        if ready.is_err() {
            // The daemon closed an idle connection; nothing was sent on it yet.
            sender = connect(&self.target.authority).await?;
        }
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| format!("the connection broke off: {error}"))?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
        let collected = body.collect().await;
        let bytes = collected
            .map_err(|error| format!("half an answer: {error}"))?
            .to_bytes();
        self.sender = Some(sender);
        Ok(Answer {
            status,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }
}

/// Puts the values of one header in place of our own; a single empty value removes it.
fn replace(own: &mut HeaderMap, name: &HeaderName, headers: &HeaderMap) {
    own.remove(name);
    for value in headers.get_all(name) {
        if !value.is_empty() {
            own.append(name, value.clone());
        }
    }
}

async fn connect(authority: &str) -> Result<SendRequest<Full<Bytes>>, String> {
    let connecting = tokio::time::timeout(CONNECT_WAIT, TcpStream::connect(authority));
    let stream = match connecting.await {
        Ok(stream) => stream.map_err(|error| format!("cannot connect: {error}"))?,
        Err(_) => return Err(format!("no connection within {} s", CONNECT_WAIT.as_secs())),
    };
    let failed = |error: io::Error| format!("cannot connect: {error}");
    stream.set_nodelay(true).map_err(failed)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("cannot connect: {error}"))?;
    // It ends when the sender is dropped, and with the runtime at the latest.
    tokio::spawn(connection);
    Ok(sender)
}

struct Demo {
    intake: String,
    key: String,
}

fn demo(global: &Global) -> Result<Demo, Failure> {
    let path = global.data()?.join(CREDENTIALS_FILE);
    let text =
        std::fs::read_to_string(&path).map_err(|error| missing(&path, &error.to_string()))?;
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| missing(&path, error.message()))?;
    let word = |value: Option<&toml::Value>| value.and_then(toml::Value::as_str).map(str::to_owned);
    let sender = table
        .get("sender")
        .and_then(|sender| sender.get(DEMO_SENDER));
    let key = sender.and_then(|sender| sender.get("key"));
    match (word(table.get("intake")), word(key)) {
        (Some(intake), Some(key)) => Ok(Demo { intake, key }),
        (None, _) | (_, None) => Err(missing(&path, "it names no intake or no key")),
    }
}

fn missing(path: &Path, reason: &str) -> Failure {
    let text = format!(
        "no intake is known ({}: {reason}): name it with --url and its key with --key-file, or \
         the data folder of a demo with --data",
        path.display()
    );
    Failure::new(Exit::Unavailable, text)
}

fn key_in(file: &Path) -> Result<String, Failure> {
    let bytes = input::read(file, KEY_BYTES_MAX)?;
    let text = String::from_utf8(bytes).ok();
    let key = text.as_deref().map(str::trim).filter(|key| !key.is_empty());
    key.map(str::to_owned)
        .ok_or_else(|| Failure::new(Exit::Usage, format!("{} holds no key", file.display())))
}

/// `host:port` of a URL.
fn authority(url: &str) -> Result<String, Failure> {
    let wrong = |why: &str| Failure::new(Exit::Usage, format!("--url {url}: {why}"));
    let uri: Uri = url.parse().map_err(|_| wrong("no URL"))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => {
            return Err(wrong(
                "TLS is not spoken by this command: use the plain listener on the loopback",
            ));
        }
        Some(_) | None => return Err(wrong("begin it with http://")),
    }
    let host = uri.host().ok_or_else(|| wrong("it names no host"))?;
    Ok(format!("{host}:{}", uri.port_u16().unwrap_or(80)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gives_host_and_port() {
        let authorities = [
            "http://127.0.0.1:8480",
            "http://a.example/",
            "http://[::1]:1/x",
        ];
        let expected = ["127.0.0.1:8480", "a.example:80", "[::1]:1"];
        for (url, expected) in authorities.into_iter().zip(expected) {
            assert_eq!(authority(url).as_deref(), Ok(expected));
        }
        for url in ["", "127.0.0.1:1", "ftp://a", "https://a"] {
            assert!(authority(url).is_err(), "{url}");
        }
    }

    #[test]
    fn headers_of_a_fixture_replace_ours_and_empty_ones_remove_them() {
        let mut own = HeaderMap::new();
        own.insert(AUTHORIZATION, HeaderValue::from_static("Bearer ours"));
        own.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        let mut given = HeaderMap::new();
        given.insert(AUTHORIZATION, HeaderValue::from_static(""));
        given.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        for name in given.keys() {
            replace(&mut own, name, &given);
        }
        assert_eq!(own.get(AUTHORIZATION), None);
        assert_eq!(own[CONTENT_TYPE], "text/xml");
    }

    #[test]
    fn the_demos_key_is_not_sent_elsewhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "intake = \"http://127.0.0.1:1\"\n[sender.demo]\nkey = \"secret\"\n";
        std::fs::write(folder.path().join(CREDENTIALS_FILE), text).expect("a file");
        let global = Global {
            data: Some(folder.path().to_owned()),
            ..Global::default()
        };
        let own = Target::new(&global, None, None).expect("it is known");
        assert_eq!(own.key.expect("it has one"), "Bearer secret");
        let same = Target::new(&global, Some("http://127.0.0.1:1/"), None).expect("it is known");
        assert!(same.key.is_some());
        let foreign = Target::new(&global, Some("http://127.0.0.1:2"), None).expect("it is named");
        assert!(foreign.key.is_none());
    }
}
