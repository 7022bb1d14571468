//! A daemon's doors on the loopback, and a client that speaks plainly.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::domain::distribution::DistributionPolicy;
use crate::domain::facts::Utc;
use crate::domain::ids::Priority;
use crate::domain::policy::{
    ATTACHMENT_TYPES_DEFAULT, AgentPolicy, Policy, SenderPolicy, ServicePolicy, TenantPolicy,
    WORK_ITEM_KEY_DEFAULT,
};
use crate::engine::Engine;
use crate::engine::run::{RunningEngine, clock, spawn};
use crate::http::server::{Listener, Server, ServerLimits, TlsSource};
use crate::http::state::{Shared, SharedSetup};
use crate::http::{console, control, intake};
use crate::store::read::Readers;
use crate::store::sqlite::{SqliteOptions, SqliteStore};

/// The key of the sender `crm`.
pub const KEY: &str = "crm-key";

/// A tenant with an open service `loans`, a service `quiet` without receipts, and a full house of
/// senders: `crm` for all services, `web` for `loans` alone.
pub fn policy() -> Policy {
    let mut policy = Policy::default();
    let tenant = TenantPolicy {
        name: "demo".to_owned(),
        work_item_key: WORK_ITEM_KEY_DEFAULT.to_owned(),
        attachment_types: ATTACHMENT_TYPES_DEFAULT.map(str::to_owned).into(),
        time_zone: "Europe/Stockholm".to_owned(),
        fair_use: None,
        task_types: Default::default(),
        services: [service("loans", true), service("quiet", false)].into(),
        agents: AgentPolicy::default(),
        show_customer_identifiers: false,
        workflows: Default::default(),
        work_groups: Default::default(),
        clock: Arc::new(Utc),
    };
    policy.tenants.insert("demo".to_owned(), Arc::new(tenant));
    let mut web = sender("web", "web-key");
    web.services = Some(["loans".to_owned()].into());
    for sender in [sender("crm", KEY), web] {
        policy.senders.insert(sender.name.clone(), Arc::new(sender));
    }
    policy
}

fn service(name: &str, receipts: bool) -> (String, Arc<ServicePolicy>) {
    let service = ServicePolicy {
        name: name.to_owned(),
        title: name.to_owned(),
        task_type: None,
        receipts,
        hours: None,
        priority: Priority::DEFAULT,
        lifetime_ms: None,
        buffer_items_max: 100,
        queue_items_max: 10_000,
        contact_data: Vec::new(),
        distribution: DistributionPolicy::default(),
        workflow: None,
    };
    (name.to_owned(), Arc::new(service))
}

/// A sender of the tenant `demo` without a rate.
pub fn sender(name: &str, key: &str) -> SenderPolicy {
    SenderPolicy {
        name: name.to_owned(),
        tenant: "demo".to_owned(),
        key_sha256: vec![Sha256::digest(key).into()],
        client_cert_subject: None,
        services: None,
        rate_per_minute: None,
        receipts: true,
        enabled: true,
        notify: None,
    }
}

/// What a test sets differently.
pub struct Setting {
    /// In force.
    pub policy: Policy,
    /// See [`SharedSetup`].
    pub body_bytes_in_flight: u64,
    /// See [`SharedSetup`].
    pub body_wait: Duration,
    /// See [`SharedSetup`].
    pub body_timeout: Duration,
    /// See [`Server`].
    pub limits: ServerLimits,
    /// See [`Server`]; of the intake.
    pub tls: Option<TlsSource>,
    /// See [`Server`]; of the console.
    pub console_tls: Option<TlsSource>,
    /// See [`SqliteOptions`].
    pub store_bytes_max: Option<u64>,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            policy: policy(),
            body_bytes_in_flight: 64 * 1024 * 1024,
            body_wait: Duration::from_secs(5),
            body_timeout: Duration::from_secs(30),
            limits: ServerLimits {
                connections_max: 64,
                header_timeout: Duration::from_secs(10),
                idle_timeout: Duration::from_secs(60),
            },
            tls: None,
            console_tls: None,
            store_bytes_max: None,
        }
    }
}

/// Doors with an engine and a store behind them.
pub struct World {
    /// Where the intake listens.
    pub address: SocketAddr,
    /// Where probes are answered.
    pub console: SocketAddr,
    /// Where the operator asks.
    pub control: PathBuf,
    /// What the requests share.
    pub shared: Arc<Shared>,
    /// Stops the server.
    pub shutdown: watch::Sender<Option<Instant>>,
    /// Ends when the server has stopped.
    pub serving: JoinHandle<()>,
    _data: TempDir,
}

impl World {
    /// Opens the doors.
    pub async fn open(setting: Setting) -> World {
        let data = TempDir::new().expect("a temporary directory");
        let options = SqliteOptions {
            bytes_max: setting.store_bytes_max,
            ..SqliteOptions::default()
        };
        let store = SqliteStore::open(data.path(), options).expect("a store");
        let database = store.path().to_owned();
        let policy = Arc::new(setting.policy);
        let random = Box::new(|bytes: &mut [u8]| getrandom::fill(bytes).expect("random bytes"));
        let engine = Engine::start(store, policy.clone(), random, clock()).expect("an engine");
        let RunningEngine {
            handle, progress, ..
        } = spawn(engine, 1_024).expect("a thread");
        let shared = Shared::new(SharedSetup {
            engine: handle,
            progress,
            policy,
            readers: Arc::new(Readers::open(data.path(), 2).expect("readers")),
            database,
            body_bytes_in_flight: setting.body_bytes_in_flight,
            body_wait: setting.body_wait,
            body_timeout: setting.body_timeout,
            reload: Box::new(|| Box::pin(async { Ok(()) })),
            passwords: crate::people::password::Passwords::new().expect("random bytes"),
            notifications: Box::new(Default::default),
        });
        let (intake_listener, address) = listen().await;
        let (console_listener, console) = listen().await;
        let control = data.path().join("control.sock");
        let control_listener = UnixListener::bind(&control).expect("a socket");
        let (shutdown, told) = watch::channel(None);
        let server = |name, listener, tls, router| Server {
            name,
            listener,
            tls,
            router,
            limits: setting.limits,
            shutdown: told.clone(),
        };
        let door = intake::router(shared.clone());
        let intake = server("intake", Listener::Tcp(intake_listener), setting.tls, door);
        let people = console::router(shared.clone());
        let tls = setting.console_tls;
        let console_server = server("console", Listener::Tcp(console_listener), tls, people);
        let operator = control::router(shared.clone());
        let operators = server("control", Listener::Unix(control_listener), None, operator);
        tokio::spawn(console_server.serve());
        tokio::spawn(operators.serve());
        World {
            address,
            console,
            control,
            shared,
            shutdown,
            serving: tokio::spawn(intake.serve()),
            _data: data,
        }
    }

    /// Asks a probe.
    pub async fn probe(&self, path: &str) -> Answer {
        let stream = TcpStream::connect(self.console).await.expect("connected");
        Client { stream }.ask(&Ask::new("GET", path)).await
    }

    /// Asks the console, on a connection of its own.
    pub async fn ask_console(&self, ask: &Ask) -> Answer {
        let stream = TcpStream::connect(self.console).await.expect("connected");
        Client { stream }.ask(ask).await
    }

    /// Asks on the control socket.
    pub async fn operate(&self, method: &str, path: &str, body: &str) -> Answer {
        let stream = UnixStream::connect(&self.control).await.expect("connected");
        let ask = Ask::new(method, path).body(body.as_bytes());
        Client { stream }.ask(&ask).await
    }

    /// How many pieces of attachments the store holds.
    pub fn chunks(&self) -> i64 {
        let database = rusqlite::Connection::open(&self.shared.database).expect("a database");
        let count = database.query_row("SELECT count(*) FROM chunk", (), |row| row.get(0));
        count.expect("a number")
    }

    /// A new connection.
    pub async fn connect(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.address).await.expect("connected");
        Client { stream }
    }

    /// Posts a message as `crm` on a connection of its own.
    pub async fn post(&self, message: &str) -> Answer {
        let mut client = self.connect().await;
        client
            .ask(&Ask::post(message).header("authorization", &bearer(KEY)))
            .await
    }

    /// Asks for an address as `crm` on a connection of its own.
    pub async fn read(&self, path: &str) -> Answer {
        let mut client = self.connect().await;
        client
            .ask(&Ask::new("GET", path).header("authorization", &bearer(KEY)))
            .await
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// The value of `Authorization` for a key.
pub fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

/// A small `workItem` for `loans`.
pub fn work_item(reference: &str) -> String {
    work_item_with(reference, "loans", "")
}

/// A `workItem` with more in it.
pub fn work_item_with(reference: &str, service: &str, more: &str) -> String {
    format!(
        r#"<workItem xmlns="urn:anteroom:work-item:1" reference="{reference}"><service>{service}</service><contactData><item key="workItemTask">call back</item></contactData>{more}</workItem>"#
    )
}

/// Packed with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A request in the making.
#[derive(Clone)]
pub struct Ask {
    head: String,
    body: Vec<u8>,
    chunked: bool,
}

impl Ask {
    /// A request without headers.
    pub fn new(method: &str, path: &str) -> Ask {
        Ask {
            head: format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n"),
            body: Vec::new(),
            chunked: false,
        }
    }

    /// A message for the intake.
    pub fn post(message: &str) -> Ask {
        Ask::new("POST", "/v1/work-items")
            .header("content-type", "application/xml")
            .body(message.as_bytes())
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: &str) -> Ask {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// With that body.
    pub fn body(mut self, bytes: &[u8]) -> Ask {
        self.body = bytes.to_vec();
        self
    }

    /// Its body goes in chunks of seven bytes.
    pub fn chunked(mut self) -> Ask {
        self.chunked = true;
        self
    }

    /// As it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone().into_bytes();
        if self.chunked {
            bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in self.body.chunks(7) {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        } else {
            let length = format!("content-length: {}\r\n\r\n", self.body.len());
            bytes.extend_from_slice(length.as_bytes());
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The head in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| {
            let (known, value) = line.split_once(':')?;
            (known == name).then(|| value.trim())
        })
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The value of the first attribute of that name in the body.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let start = format!(" {name}=\"");
        // The declaration has a version too.
        let (_, document) = self.body.split_once("?>").unwrap_or(("", &self.body));
        let (_, rest) = document.split_once(&start)?;
        rest.split_once('"').map(|(value, _)| value)
    }

    /// Status and `error/@code`.
    pub fn fault(&self) -> (u16, &str) {
        (self.status, self.attribute("code").unwrap_or("none"))
    }
}

/// One connection.
pub struct Client<IO> {
    /// What it speaks over.
    pub stream: IO,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Client<IO> {
    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, ask: &Ask) -> Answer {
        self.send(&ask.bytes()).await;
        self.answer().await.expect("a whole answer")
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("sent");
        self.stream.flush().await.expect("sent");
    }

    /// Reads an answer; `None` when the connection ends before one is whole.
    pub async fn answer(&mut self) -> Option<Answer> {
        let mut bytes = Vec::new();
        let head_end = loop {
            if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
                break at + 4;
            }
            self.more(&mut bytes).await?;
        };
        let head = String::from_utf8(bytes[..head_end].to_vec()).expect("ASCII");
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let head = head.to_ascii_lowercase();
        let mut answer = Answer {
            status,
            head,
            body: String::new(),
        };
        let length = answer.header("content-length");
        let length: usize = length.map_or(0, |length| length.parse().expect("a number"));
        while bytes.len() < head_end + length {
            self.more(&mut bytes).await?;
        }
        let body = bytes[head_end..head_end + length].to_vec();
        answer.body = String::from_utf8(body).expect("UTF-8");
        Some(answer)
    }

    async fn more(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        let read = self.stream.read_buf(bytes).await.ok()?;
        (read > 0).then_some(())
    }
}
