//! One connection: hyper around the router, with our own watch over silence.
//!
//! hyper's header timeout also runs while a kept-alive connection is idle, and sets a timer for
//! each request. Here a connection has one slow tick instead, and two bounds: how long a head may
//! take from its first byte, and how long nothing may come between two requests.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tower::Service;

use super::server::{Bounds, ClientCertificate, Peer, Remote, ServerLimits, Shutdown, stopping};

/// Requests that one HTTP/2 connection may have open.
const HTTP2_STREAMS_MAX: u32 = 64;
/// How often an HTTP/2 client is asked whether it is still there.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(20);
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Headers of a request.
const HEADERS_MAX: usize = 100;
/// Times a bound is looked at before it is over.
const TICKS_PER_BOUND: u32 = 8;

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, chosen by ALPN.
    Http2,
}

/// What is known of the client; put into each request's extensions.
#[derive(Debug, Clone)]
pub enum Visitor {
    /// It came over TCP, and may have shown a certificate.
    Remote(Remote, Option<ClientCertificate>),
    /// It is on this machine.
    Local(Peer),
}

/// Serves a connection to its end.
pub async fn serve_connection<IO>(
    stream: IO,
    protocol: Protocol,
    visitor: Visitor,
    router: Router,
    limits: ServerLimits,
    shutdown: Shutdown,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::new(protocol));
    let io = Watched {
        stream: TokioIo::new(stream),
        activity: activity.clone(),
    };
    let seen = activity.clone();
    let bounds = Bounds {
        limits,
        shutdown: shutdown.clone(),
    };
    let service = service_fn(move |mut request: Request<Incoming>| {
        introduce(&visitor, &mut request);
        request.extensions_mut().insert(bounds.clone());
        answer(request, router.clone(), seen.clone())
    });
    match protocol {
        Protocol::Http1 => {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                // Ours watches instead; see the module.
                .header_read_timeout(None)
                .max_buf_size(HEAD_BYTES_MAX)
                .max_headers(HEADERS_MAX)
                .pipeline_flush(true)
                .serve_connection(io, service);
            watch(connection, &activity, limits, shutdown).await;
        }
        Protocol::Http2 => {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(HTTP2_STREAMS_MAX)
                .keep_alive_interval(HTTP2_PING_INTERVAL)
                .max_header_list_size(HEAD_BYTES_MAX as u32)
                .serve_connection(io, service);
            watch(connection, &activity, limits, shutdown).await;
        }
    }
}

fn introduce(visitor: &Visitor, request: &mut Request<Incoming>) {
    match visitor {
        Visitor::Remote(remote, certificate) => {
            request.extensions_mut().insert(*remote);
            if let Some(certificate) = certificate {
                request.extensions_mut().insert(certificate.clone());
            }
        }
        Visitor::Local(peer) => {
            request.extensions_mut().insert(*peer);
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    mut router: Router,
    activity: Arc<Activity>,
) -> Result<Response, Infallible> {
    let busy = Busy::new(activity);
    let response = router.call(request).await;
    drop(busy);
    response
}

/// Drives a connection until it ends by itself, by silence, or by the end of the server.
async fn watch<C: GracefulConnection>(
    connection: C,
    activity: &Activity,
    limits: ServerLimits,
    mut shutdown: Shutdown,
) {
    tokio::pin!(connection);
    let bound = limits.header_timeout.min(limits.idle_timeout);
    let mut tick = tokio::time::interval(bound / TICKS_PER_BOUND);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut draining = false;
    loop {
        tokio::select! {
            // How a connection ended is the client's affair.
            _ = connection.as_mut() => return,
            _ = tick.tick() => {
                if activity.is_overdue(&limits) {
                    return;
                }
            }
            () = stopping(&mut shutdown), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// What a connection does, seen from both sides of hyper.
struct Activity {
    protocol: Protocol,
    start: Instant,
    /// Requests being answered.
    busy: AtomicU32,
    /// Whether bytes have come since the last answer.
    in_head: AtomicBool,
    /// Milliseconds after `start` at which the present silence or head began.
    since_ms: AtomicU64,
}

impl Activity {
    fn new(protocol: Protocol) -> Activity {
        Activity {
            protocol,
            start: Instant::now(),
            busy: AtomicU32::new(0),
            in_head: AtomicBool::new(true),
            since_ms: AtomicU64::new(0),
        }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn bytes_came(&self) {
        // Frames of HTTP/2 that are no request do not begin one.
        let begins_head = self.protocol == Protocol::Http1
            && self.busy.load(Ordering::Relaxed) == 0
            && !self.in_head.load(Ordering::Relaxed);
        if begins_head {
            self.in_head.store(true, Ordering::Relaxed);
            self.since_ms.store(self.elapsed_ms(), Ordering::Relaxed);
        }
    }

    /// A client that reads its answer, however slowly, is not silent.
    fn bytes_went(&self) {
        if self.busy.load(Ordering::Relaxed) == 0 {
            self.since_ms.store(self.elapsed_ms(), Ordering::Relaxed);
        }
    }

    fn is_overdue(&self, limits: &ServerLimits) -> bool {
        if self.busy.load(Ordering::Relaxed) > 0 {
            return false;
        }
        let bound = if self.in_head.load(Ordering::Relaxed) {
            limits.header_timeout
        } else {
            limits.idle_timeout
        };
        let since = Duration::from_millis(self.since_ms.load(Ordering::Relaxed));
        self.start.elapsed().saturating_sub(since) >= bound
    }
}

/// A request being answered.
struct Busy(Arc<Activity>);

impl Busy {
    fn new(activity: Arc<Activity>) -> Busy {
        activity.busy.fetch_add(1, Ordering::Relaxed);
        Busy(activity)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let activity = &self.0;
        activity
            .since_ms
            .store(activity.elapsed_ms(), Ordering::Relaxed);
        activity.in_head.store(false, Ordering::Relaxed);
        activity.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that tells when something comes.
struct Watched<IO> {
    stream: TokioIo<IO>,
    activity: Arc<Activity>,
}

impl<IO: AsyncRead + Unpin> Read for Watched<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.activity.bytes_came();
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> Write for Watched<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if written.is_ready() {
            self.activity.bytes_went();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        if written.is_ready() {
            self.activity.bytes_went();
        }
        written
    }
}
