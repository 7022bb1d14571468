//! The daemon while it serves: listeners, the loop over signals and requests, the drain.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::rustls::ServerConfig;
use tracing::{info, warn};

use crate::config::DEMO_TENANT;
use crate::domain::entrance::EntranceVerb;
use crate::domain::journal::Actor;
use crate::domain::policy::Policy;
use crate::engine::command::OrderEntrance;
use crate::engine::handle::EngineHandle;
use crate::http::attendance;
use crate::http::server::{Listener, Server, ServerLimits};
use crate::http::state::{NotificationCounts, NotificationsHook, Shared, SharedSetup};
use crate::notify::backoff::Schedule;
use crate::notify::client::Client;
use crate::notify::delivery::{self, Delivery};
use crate::people::demo::ensure_demo_users;
use crate::people::password::Passwords;
use crate::store::read::Readers;
use crate::store::sqlite::DATABASE_FILE;

use super::reload::{Changeable, ReloadRequest, acceptor, check_secrets, hook};
use super::setup::Setup;
use super::signals::Request;
use super::sockets::{HandedOver, Listeners, remove_socket};
use super::strangers::warn_of_strangers;
use super::{ServeError, demo, summary, systemd};

/// How long listeners may take beyond the drain's own deadline.
const CUT_OFF_WAIT: Duration = Duration::from_secs(1);
/// What the audit log says about the demo's own first order.
const DEMO_ACTOR: &str = "start of the demo";

/// Everything that was started and is to be served.
pub struct Node {
    /// The configuration.
    pub setup: Setup,
    /// In force.
    pub policy: Arc<Policy>,
    /// The way to the engine.
    pub engine: EngineHandle,
    /// Turns of the engine.
    pub progress: Arc<AtomicU64>,
    /// Connections for reading.
    pub readers: Arc<Readers>,
    /// What the system asks for.
    pub signals: mpsc::Receiver<Request>,
    /// Sockets of systemd.
    pub handed_over: HandedOver,
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// As asked.
    Drained,
    /// The engine is gone.
    EngineStopped,
}

/// Serves until told to end, or until the engine stops.
///
/// # Errors
/// The listeners cannot be opened, or the demo's credentials not be written.
pub async fn run(node: Node) -> Result<Ended, ServeError> {
    let Node {
        mut setup,
        policy,
        engine,
        progress,
        readers,
        signals,
        handed_over,
    } = node;
    let connections_outlive_us = handed_over.outlives_us();
    let tls = setup.config.tls.as_ref().map(acceptor).transpose()?;
    let tls = tls.map(|tls| watch::channel(tls).0);
    check_secrets(&policy).await.map_err(ServeError::Secrets)?;
    let mut listeners = Listeners::open(handed_over, &setup.config)?;
    let own_control = listeners.take_own_control();
    let (reload, asked) = hook();
    let passwords = Passwords::new().map_err(io::Error::other)?;
    let delivery = start_delivery(&setup, &engine);
    let shared = Shared::new(SharedSetup {
        engine: engine.clone(),
        progress: progress.clone(),
        policy,
        readers,
        database: setup.config.store.data.join(DATABASE_FILE),
        body_bytes_in_flight: setup.config.limits.body_bytes_in_flight,
        body_wait: ms(setup.config.limits.body_wait_ms),
        body_timeout: ms(setup.config.listen.body_timeout_ms),
        reload,
        passwords: passwords.clone(),
        notifications: count_notifications(&delivery),
    });
    announce(&mut setup, &listeners, &engine, &passwords).await?;
    warn_of_strangers(&setup.config.policy, &engine.view());
    let (stop, stopped) = watch::channel(None);
    let mut serving = spawn_servers(&setup, listeners, &shared, tls.as_ref(), &stopped);
    let watchdog = tokio::spawn(systemd::feed_watchdog(progress));
    let attendance = tokio::spawn(attendance::watch(shared.clone()));
    systemd::ready("serving");
    let running = Changeable {
        shared,
        tls,
        delivery,
    };
    let ended = attend(&mut setup, &running, signals, asked).await;
    match ended {
        Ended::Drained => {
            info!("draining: no new connections, finishing requests begun");
            systemd::stopping("draining");
            if !connections_outlive_us {
                running.shared.refuse_as_draining();
            }
            let drain = ms(setup.config.limits.drain_ms);
            stop.send_replace(Some(Instant::now() + drain));
            let delivered = running.delivery.stop(drain);
            tokio::join!(finish(&mut serving, drain + CUT_OFF_WAIT), delivered);
        }
        Ended::EngineStopped => {
            systemd::stopping("the engine stopped");
            running.delivery.stop(CUT_OFF_WAIT).await;
        }
    }
    watchdog.abort();
    attendance.abort();
    serving.shutdown().await;
    if let Some(path) = own_control {
        remove_control(&path);
    }
    Ok(ended)
}

fn start_delivery(setup: &Setup, engine: &EngineHandle) -> Delivery {
    delivery::start(delivery::Setup {
        engine: engine.clone(),
        client: Client::with_native_roots(),
        schedule: Schedule::default(),
        allow_private: setup.config.notify.allow_private,
    })
}

fn count_notifications(delivery: &Delivery) -> NotificationsHook {
    let counters = delivery.counters.clone();
    Box::new(move || {
        let counted = counters.read();
        NotificationCounts {
            delivered: counted.delivered,
            failed: counted.failed,
            parked: counted.parked,
            in_flight: counted.in_flight,
        }
    })
}

/// The loop: signals, requests for a reload, the engine's end.
async fn attend(
    setup: &mut Setup,
    running: &Changeable,
    mut signals: mpsc::Receiver<Request>,
    mut asked: mpsc::Receiver<ReloadRequest>,
) -> Ended {
    let engine = running.shared.engine.clone();
    let engine_stopped = engine.stopped();
    tokio::pin!(engine_stopped);
    loop {
        tokio::select! {
            biased;
            () = &mut engine_stopped => return Ended::EngineStopped,
            request = signals.recv() => match request {
                Some(Request::Reload) => {
                    let status = match running.reload(setup).await {
                        Ok(()) => "serving",
                        Err(_) => "serving; the last reload was refused, see the log",
                    };
                    systemd::status(status);
                }
                Some(Request::Summary) => summary::log(&engine.view()),
                // Without its thread nobody could ask for the end any more.
                Some(Request::Drain) | None => return Ended::Drained,
            },
            Some(reply) = asked.recv() => {
                // Whoever asked may have gone; the outcome is in the log.
                let _ = reply.send(running.reload(setup).await);
            }
        }
    }
}

fn spawn_servers(
    setup: &Setup,
    listeners: Listeners,
    shared: &Arc<Shared>,
    tls: Option<&watch::Sender<Arc<ServerConfig>>>,
    stopped: &watch::Receiver<Option<Instant>>,
) -> JoinSet<()> {
    let listen = &setup.config.listen;
    let limits = ServerLimits {
        connections_max: listen.connections_max,
        header_timeout: ms(listen.header_timeout_ms),
        idle_timeout: ms(listen.idle_timeout_ms),
    };
    let server = |name, listener, router: &Router, is_tls: bool| Server {
        name,
        listener,
        tls: tls.filter(|_| is_tls).map(watch::Sender::subscribe),
        router: router.clone(),
        limits,
        shutdown: stopped.clone(),
    };
    let intake = crate::http::intake::router(shared.clone());
    let console = crate::http::console::router(shared.clone());
    let control = crate::http::control::router(shared.clone());
    let mut serving = JoinSet::new();
    for listener in listeners.intake {
        let listener = Listener::Tcp(listener);
        serving.spawn(server("intake", listener, &intake, true).serve());
    }
    for listener in listeners.console {
        let listener = Listener::Tcp(listener);
        serving.spawn(server("console", listener, &console, true).serve());
    }
    for listener in listeners.control {
        let listener = Listener::Unix(listener);
        serving.spawn(server("control", listener, &control, false).serve());
    }
    serving
}

/// Says where we listen: in the log, and in the demo also in its file and to people.
async fn announce(
    setup: &mut Setup,
    listeners: &Listeners,
    engine: &EngineHandle,
    passwords: &Passwords,
) -> Result<(), ServeError> {
    let has_tls = setup.config.tls.is_some();
    let intake = demo::url(listeners.intake_address()?, has_tls);
    let console = demo::url(listeners.console_address()?, has_tls);
    info!(intake, console, "listening");
    let Some(credentials) = &mut setup.demo else {
        return Ok(());
    };
    let tenant = setup.config.policy.tenants.get(DEMO_TENANT);
    let services = tenant.map(|tenant| tenant.services.keys().map(String::as_str).collect());
    let services: Vec<&str> = services.unwrap_or_default();
    let known = &credentials.passwords;
    let users = ensure_demo_users(engine, passwords, DEMO_TENANT, &services, known).await;
    credentials.passwords =
        users.map_err(|refusal| ServeError::Demo(io::Error::other(refusal.first.message)))?;
    if credentials.is_new {
        close_by_hand(engine).await;
    }
    let written = credentials.write(&intake, &console);
    written.map_err(ServeError::Demo)?;
    demo::greet(credentials, &intake, &console);
    Ok(())
}

/// In a new demo one entrance is closed, so that buffering can be seen. The credentials are
/// written after it: a demo that was killed in between is still new.
async fn close_by_hand(engine: &EngineHandle) {
    let order = OrderEntrance {
        actor: Actor::Operator(DEMO_ACTOR.to_owned()),
        tenant: None,
        service: demo::CLOSED_SERVICE.to_owned(),
        verb: EntranceVerb::Close,
        until: None,
        reason: Some("The demo begins with this entrance closed.".to_owned()),
    };
    if let Err(refusal) = engine.order_entrance(order).await {
        warn!(
            reason = refusal.first.message,
            "the demo's entrance stays open"
        );
    }
}

async fn finish(serving: &mut JoinSet<()>, wait: Duration) {
    let all = async { while serving.join_next().await.is_some() {} };
    if timeout(wait, all).await.is_err() {
        warn!("a listener did not end in time");
    }
}

fn remove_control(path: &Path) {
    if let Err(error) = remove_socket(path) {
        warn!(%error, path = %path.display(), "the control socket stays behind");
    }
}

/// A duration of the configuration, which are never negative.
fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}
