//! One POST to a receiver: resolve, check the address, connect to that very address, send, look at
//! the status. Redirects are not followed; what the receiver writes is read a little and thrown
//! away.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use tracing::warn;

use super::address::special;
use crate::domain::notify_url::{NotifyUrl, Scheme};

/// From the first look-up to the status of the answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// To one address, so that another one of the same name gets its chance.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// For what the receiver says beyond its status.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// How much of that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The answer's head, at most.
const ANSWER_HEAD_BYTES_MAX: usize = 64 * 1024;

/// Why a receiver did not take a notification. The text names no value of the notification and no
/// word of the receiver's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The name leads nowhere.
    #[error("the name {host} cannot be resolved: {reason}")]
    Resolve {
        /// The host of the URL.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// The name leads only to machines that may not be told.
    #[error("{address} is {what}: refused unless notify.allow_private is true")]
    Address {
        /// The first of them.
        address: IpAddr,
        /// What it is.
        what: &'static str,
    },
    /// Nobody listens there.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// The last address tried.
        address: SocketAddr,
        /// What the system says.
        reason: String,
    },
    /// The receiver is not who it should be, or speaks no TLS.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The receiver does not speak HTTP/1.1, or broke off.
    #[error("no HTTP answer: {0}")]
    Http(String),
    /// It took too long.
    #[error("no answer within 10 s")]
    Timeout,
    /// The receiver answered, but not 2xx.
    #[error("the receiver answered with status {0}")]
    Status(u16),
}

impl SendError {
    /// Whether the receiver says that there is no use in trying again.
    pub fn is_final(&self) -> bool {
        const GONE: u16 = 410;
        *self == SendError::Status(GONE)
    }
}

/// Speaks to receivers. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    tls: TlsConnector,
}

impl Client {
    /// A client that trusts the authorities of this machine's certificate store: receivers stand in
    /// the operator's own network, whose authority is in there and nowhere else.
    pub fn with_native_roots() -> Client {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            warn!(%error, "a trusted certificate cannot be read");
        }
        let mut roots = RootCertStore::empty();
        let (taken, _) = roots.add_parsable_certificates(found.certs);
        if taken == 0 {
            warn!("this machine trusts no certificate authority: https receivers will fail");
        }
        Client::new(roots)
    }

    /// A client that trusts these authorities.
    pub fn new(roots: RootCertStore) -> Client {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the versions that it comes with")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Client {
            tls: TlsConnector::from(Arc::new(config)),
        }
    }

    /// POSTs a body; `Ok` is a 2xx in time. `allow_private`: see [`super::address::special`].
    ///
    /// # Errors
    /// [`SendError`]; the receiver may have got it all the same.
    pub async fn post(
        &self,
        url: &NotifyUrl,
        headers: HeaderMap,
        body: Vec<u8>,
        allow_private: bool,
    ) -> Result<(), SendError> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = hyper::Method::POST;
        *request.uri_mut() = url.path.parse().map_err(http)?;
        *request.headers_mut() = headers;
        let host = HeaderValue::from_str(&url.authority()).map_err(http)?;
        request.headers_mut().insert(header::HOST, host);
        let close = HeaderValue::from_static("close");
        request.headers_mut().insert(header::CONNECTION, close);
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        let stream = in_time(deadline, connect(url, allow_private)).await?;
        match url.scheme {
            Scheme::Http => exchange(stream, request, deadline).await,
            Scheme::Https => {
                let name = url.host.trim_end_matches('.').to_owned();
                let name = ServerName::try_from(name).map_err(tls)?;
                let connecting = async { self.tls.connect(name, stream).await.map_err(tls) };
                let stream = in_time(deadline, connecting).await?;
                exchange(stream, request, deadline).await
            }
        }
    }
}

/// The same step, but not beyond the time for an answer.
async fn in_time<T>(
    deadline: Instant,
    step: impl Future<Output = Result<T, SendError>>,
) -> Result<T, SendError> {
    timeout_at(deadline, step)
        .await
        .unwrap_or(Err(SendError::Timeout))
}

fn http(error: impl std::fmt::Display) -> SendError {
    SendError::Http(error.to_string())
}

fn tls(error: impl std::fmt::Display) -> SendError {
    SendError::Tls(error.to_string())
}

/// Resolves once and connects to an address of that answer: a second look-up could say another.
async fn connect(url: &NotifyUrl, allow_private: bool) -> Result<TcpStream, SendError> {
    let found = lookup_host((url.host.as_str(), url.port)).await;
    let unresolved = |reason: String| SendError::Resolve {
        host: url.host.clone(),
        reason,
    };
    let found = found.map_err(|error| unresolved(error.to_string()))?;
    let mut last = unresolved("it has no address".to_owned());
    let mut tried = 0;
    for address in found {
        if let Some(what) = special(address.ip())
            && !allow_private
        {
            if tried == 0 {
                let address = address.ip();
                last = SendError::Address { address, what };
            }
            continue;
        }
        if tried == ADDRESSES_MAX {
            break;
        }
        tried += 1;
        let reason = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        last = SendError::Connect { address, reason };
    }
    Err(last)
}

/// Sends the request and looks at the status.
async fn exchange<I>(
    stream: I,
    request: Request<Full<Bytes>>,
    deadline: Instant,
) -> Result<(), SendError>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(ANSWER_HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(http)?;
    let mut answered = pin!(async {
        let sending = async { sender.send_request(request).await.map_err(http) };
        let response = in_time(deadline, sending).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(SendError::Status(status.as_u16()));
        }
        drain(response).await;
        Ok(())
    });
    let mut connection = pin!(connection);
    let mut is_open = true;
    loop {
        tokio::select! {
            biased;
            result = &mut answered => return result,
            // Its error reaches whoever waits for the answer.
            _ = &mut connection, if is_open => is_open = false,
        }
    }
}

/// Reads what little is worth reading, so that a receiver is not cut off in mid-sentence.
async fn drain(response: Response<Incoming>) {
    let mut body = response.into_body();
    let read = async {
        let mut left = ANSWER_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // What it says after its status changes nothing.
    drop(timeout(DRAIN_TIMEOUT, read).await);
}
