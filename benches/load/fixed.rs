//! F: a hyper server that reads the body whole and answers a fixed receipt. What remains when
//! everything that Anteroom does between the two is left out.

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// The argument that makes the benchmark's binary this server.
pub const ARGUMENT: &str = "--serve-fixed";

/// The server in a process of its own.
pub struct Fixed {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Fixed {
    /// Starts this binary again as the server, with so many threads and receipts of so many bytes.
    ///
    /// # Errors
    /// When the process does not start or says no address.
    pub fn start(threads: usize, receipt_bytes: usize) -> anyhow::Result<Fixed> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ARGUMENT, &threads.to_string(), &receipt_bytes.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the fixed server")?;
        let output = child
            .stdout
            .take()
            .context("the fixed server's output is piped")?;
        let mut fixed = Fixed {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse();
        fixed.address = address.with_context(|| format!("an address, not {line:?}"))?;
        Ok(fixed)
    }
}

impl Drop for Fixed {
    fn drop(&mut self) {
        // It holds nothing, so there is nothing to drain; both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until killed; prints its address first.
///
/// # Errors
/// When the listener cannot be opened.
pub fn serve(threads: usize, receipt_bytes: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()?;
    let receipt = Bytes::from(vec![b'x'; receipt_bytes]);
    runtime.block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let receipt = receipt.clone();
            tokio::spawn(async move {
                let answer = |request| answer(request, receipt.clone());
                let service = hyper::service::service_fn(answer);
                // A connection that ends badly is the generator's to notice.
                let _ = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    })
}

async fn answer(
    request: Request<Incoming>,
    receipt: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes());
    let status = match body {
        Ok(body) if !body.is_empty() => StatusCode::CREATED,
        Ok(_) | Err(_) => StatusCode::BAD_REQUEST,
    };
    let mut response = Response::new(Full::new(receipt));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/xml"),
    );
    let location = "/v1/work-items/00000000-0000-7000-8000-000000000000";
    headers.insert(header::LOCATION, header::HeaderValue::from_static(location));
    Ok(response)
}
