//! The accept loop: connections in, each served in a task of its own, and an orderly end.
//!
//! At most `connections_max` connections are served at a time. Further ones wait in the operating
//! system's queue until one ends: idle and slow ones end by their timeouts, so a flood of silent
//! connections delays others but does not turn them away.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tracing::{debug, warn};

use super::connection::{Protocol, Visitor, serve_connection};
use super::tls;

/// How long to wait when the operating system has no descriptor for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where connections come from.
pub enum Listener {
    /// An address.
    Tcp(TcpListener),
    /// A path in the file system.
    Unix(UnixListener),
}

/// How long connections are waited for, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections served at a time.
    pub connections_max: u32,
    /// From the first byte of a request (or the beginning of a connection) to the end of its head;
    /// also for the TLS handshake.
    pub header_timeout: Duration,
    /// From an answer to the first byte of the next request. Also ends a connection whose client
    /// does not read its answer.
    pub idle_timeout: Duration,
}

/// The subject of the certificate that a client has shown and a CA of ours has signed. Stands in
/// the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// As RFC 4514 writes it: most specific part first, `CN=crm,O=Bank,C=SE`.
    pub subject: Arc<str>,
}

/// Who is at the other end of a unix socket. Stands in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// User id.
    pub uid: u32,
    /// Process id, where the system tells it.
    pub pid: Option<i32>,
}

/// Who is at the other end of a TCP connection, and how it is spoken on. Stands in the request's
/// extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote {
    /// The address it came from: of a proxy, where there is one.
    pub address: IpAddr,
    /// Whether the connection is TLS.
    pub is_encrypted: bool,
}

/// The newest TLS configuration; connections begun keep theirs.
pub type TlsSource = watch::Receiver<Arc<ServerConfig>>;

/// When to stop: `None` while serving; a time once requests begun may only go on until then. An
/// earlier time can be set later.
pub type Shutdown = watch::Receiver<Option<Instant>>;

/// What an answer that goes on for long must know of its connection. Stands in the request's
/// extensions.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Of the listener.
    pub limits: ServerLimits,
    /// When to stop.
    pub shutdown: Shutdown,
}

/// A listener with all it needs.
pub struct Server {
    /// For logs.
    pub name: &'static str,
    /// Where connections come from.
    pub listener: Listener,
    /// `None`: plain HTTP/1.1.
    pub tls: Option<TlsSource>,
    /// What answers.
    pub router: Router,
    /// Bounds.
    pub limits: ServerLimits,
    /// When to stop. A dropped sender means: now.
    pub shutdown: Shutdown,
}

impl Server {
    /// Serves until told to stop: then no connection is accepted any longer, idle ones are closed,
    /// requests begun are finished, and whatever still runs at the deadline is cut off.
    pub async fn serve(mut self) {
        let slots = Arc::new(Semaphore::new(self.limits.connections_max as usize));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stopping(&mut self.shutdown) => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    log_panic(self.name, ended);
                    continue;
                }
                accepted = self.listener.accept(&slots) => accepted,
            };
            match accepted {
                Ok((stream, slot)) => {
                    connections.spawn(self.visit(stream, slot));
                }
                Err(error) => pause_after(self.name, &error).await,
            }
        }
        let Server {
            listener,
            name,
            mut shutdown,
            ..
        } = self;
        drop(listener);
        let drained = async {
            while let Some(ended) = connections.join_next().await {
                log_panic(name, ended);
            }
        };
        let finished = tokio::select! {
            () = drained => true,
            () = deadline(&mut shutdown) => false,
        };
        if !finished {
            warn!(
                listener = name,
                "requests were still running at the deadline"
            );
        }
        connections.shutdown().await;
    }

    fn visit(
        &self,
        stream: Stream,
        slot: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + use<> {
        let visit = Visit {
            router: self.router.clone(),
            limits: self.limits,
            shutdown: self.shutdown.clone(),
            tls: self.tls.as_ref().map(|tls| tls.borrow().clone()),
        };
        async move {
            visit.serve(stream).await;
            drop(slot);
        }
    }
}

enum Stream {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Listener {
    /// The next connection, once there is a slot for it.
    async fn accept(&self, slots: &Arc<Semaphore>) -> io::Result<(Stream, OwnedSemaphorePermit)> {
        let slot = slots.clone().acquire_owned().await;
        let slot = slot.expect("the semaphore is never closed");
        let stream = match self {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // It fails only on a connection that is gone; serving it will find out.
                let _ = stream.set_nodelay(true);
                Stream::Tcp(stream, address)
            }
            Listener::Unix(listener) => Stream::Unix(listener.accept().await?.0),
        };
        Ok((stream, slot))
    }
}

/// What one connection takes from its server.
struct Visit {
    router: Router,
    limits: ServerLimits,
    shutdown: Shutdown,
    tls: Option<Arc<ServerConfig>>,
}

impl Visit {
    async fn serve(self, stream: Stream) {
        match (stream, &self.tls) {
            (Stream::Tcp(stream, address), None) => {
                let remote = Remote {
                    address: address.ip(),
                    is_encrypted: false,
                };
                self.plain(stream, Visitor::Remote(remote, None)).await;
            }
            (Stream::Tcp(stream, address), Some(config)) => {
                let config = config.clone();
                self.encrypted(stream, address, config).await;
            }
            (Stream::Unix(stream), _) => {
                let Ok(credentials) = stream.peer_cred() else {
                    return;
                };
                let peer = Peer {
                    uid: credentials.uid(),
                    pid: credentials.pid(),
                };
                self.plain(stream, Visitor::Local(peer)).await;
            }
        }
    }

    async fn plain<IO>(self, stream: IO, visitor: Visitor)
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let Visit {
            router,
            limits,
            shutdown,
            ..
        } = self;
        serve_connection(stream, Protocol::Http1, visitor, router, limits, shutdown).await;
    }

    async fn encrypted(self, stream: TcpStream, address: SocketAddr, config: Arc<ServerConfig>) {
        let handshake = TlsAcceptor::from(config).accept(stream);
        let stream = match timeout(self.limits.header_timeout, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return debug!(%error, "no TLS with a client"),
            Err(_) => return debug!("a client took too long over its TLS handshake"),
        };
        let session = stream.get_ref().1;
        let protocol = match session.alpn_protocol() {
            Some(tls::ALPN_H2) => Protocol::Http2,
            Some(_) | None => Protocol::Http1,
        };
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        let subject = certificate.and_then(|certificate| tls::subject(certificate));
        let certificate = subject.map(|subject| ClientCertificate {
            subject: subject.into(),
        });
        let remote = Remote {
            address: address.ip(),
            is_encrypted: true,
        };
        let visitor = Visitor::Remote(remote, certificate);
        let Visit {
            router,
            limits,
            shutdown,
            ..
        } = self;
        serve_connection(stream, protocol, visitor, router, limits, shutdown).await;
    }
}

/// Returns when the server should stop.
pub(super) async fn stopping(shutdown: &mut Shutdown) {
    // A sender that is gone cannot say it any more: stop too.
    let _ = shutdown.wait_for(Option::is_some).await;
}

/// Returns at the deadline, which may be moved while it is waited for.
async fn deadline(shutdown: &mut Shutdown) {
    loop {
        let at = *shutdown.borrow_and_update();
        let Some(at) = at else { return };
        tokio::select! {
            () = tokio::time::sleep_until(at) => return,
            changed = shutdown.changed() => {
                if changed.is_err() {
                    return tokio::time::sleep_until(at).await;
                }
            }
        }
    }
}

async fn pause_after(name: &'static str, error: &io::Error) {
    // A client that went away before it was accepted is nobody's fault.
    if error.kind() == io::ErrorKind::ConnectionAborted {
        return;
    }
    warn!(listener = name, %error, "a connection could not be accepted");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

fn log_panic(name: &'static str, ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(listener = name, "a connection's task panicked");
    }
}
