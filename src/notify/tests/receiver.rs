//! A receiver on the loopback that keeps what it is sent and answers as it is told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;

/// What came in.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).expect("the header is there");
        value.to_str().expect("it is text")
    }

    /// `number event` of the notification.
    pub fn short(&self) -> String {
        let document = roxmltree::Document::parse(&self.body).expect("well-formed");
        let root = document.root_element();
        let attribute = |name| root.attribute(name).expect("it is required");
        format!("{} {}", attribute("sequence"), attribute("event"))
    }
}

/// How to answer one request; without one: 200.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body_bytes: usize,
}

pub fn status(status: u16) -> Answer {
    Answer {
        status,
        ..Answer::default()
    }
}

/// A running receiver; it ends with the runtime of its test.
pub struct Receiver {
    pub address: SocketAddr,
    received: mpsc::UnboundedReceiver<Received>,
    script: Arc<Mutex<VecDeque<Answer>>>,
    /// Requests may be answered as long as it has permits.
    pub gate: Arc<Semaphore>,
}

impl Receiver {
    pub async fn start() -> Receiver {
        Receiver::with(None).await
    }

    pub async fn with(tls: Option<TlsAcceptor>) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (sender, received) = mpsc::unbounded_channel();
        let script = Arc::new(Mutex::new(VecDeque::new()));
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let context = (sender, script.clone(), gate.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (context, tls) = (context.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, context).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, context).await;
                            }
                        }
                    }
                });
            }
        });
        Receiver {
            address,
            received,
            script,
            gate,
        }
    }

    pub fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        let mut script = self.script.lock().expect("not poisoned");
        script.extend(answers);
    }

    pub async fn next(&mut self) -> Received {
        self.received.recv().await.expect("it runs")
    }

    pub async fn take(&mut self, count: usize) -> Vec<Received> {
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.push(self.next().await);
        }
        taken
    }

    /// Whether nothing more has come so far.
    pub fn is_quiet(&mut self) -> bool {
        self.received.try_recv().is_err()
    }
}

type Context = (
    mpsc::UnboundedSender<Received>,
    Arc<Mutex<VecDeque<Answer>>>,
    Arc<Semaphore>,
);

async fn serve<I>(stream: I, context: Context)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| answer(request, context.clone()));
    let io = TokioIo::new(stream);
    // A client that goes away is no fault of the receiver's.
    drop(http1::Builder::new().serve_connection(io, service).await);
}

async fn answer(
    request: Request<Incoming>,
    (sender, script, gate): Context,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("it is whole").to_bytes();
    let answer = script.lock().expect("not poisoned").pop_front();
    let answer = answer.unwrap_or(status(200));
    let received = Received {
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).expect("it is text"),
    };
    drop(sender.send(received));
    drop(gate.acquire().await.expect("it is never closed"));
    let mut response = Response::builder().status(answer.status);
    if let Some(location) = answer.location {
        response = response.header("location", location);
    }
    let body = Bytes::from(vec![b'x'; answer.body_bytes]);
    Ok(response.body(Full::new(body)).expect("it is a response"))
}
