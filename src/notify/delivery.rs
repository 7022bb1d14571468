//! The task that delivers: it asks the engine what is due, makes attempts within its limits, and
//! has the engine remember what became of them.
//!
//! Of an item the engine shows only the first that is due, and an attempt is over only when its
//! result is committed: so notifications of an item arrive in their order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tracing::{error, info, warn};

use super::backoff::Schedule;
use super::client::Client;
use super::counters::{Counters, count};
use super::signature::Secrets;
use crate::domain::notification::{
    Attempt, AttemptResult, ERROR_CHARS_MAX, Notification, NotificationId,
};
use crate::domain::policy::{NotifyPolicy, Policy};
use crate::domain::time::Timestamp;
use crate::engine::handle::EngineHandle;
use crate::engine::notify::Outgoing;
use crate::engine::run::clock;
use crate::engine::view::View;
use crate::wire::answer::write_notification;

/// Attempts under way at a time.
pub const IN_FLIGHT_MAX: usize = 32;
/// Attempts under way at a time to one host and port.
pub const IN_FLIGHT_PER_HOST_MAX: usize = 4;
/// How long to leave the engine alone when it could not answer or store.
const ENGINE_PAUSE: Duration = Duration::from_secs(5);
/// The longest sleep while something waits for its time, so that a clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(60);

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What a running delivery is made of.
pub struct Setup {
    /// The way to the outbox.
    pub engine: EngineHandle,
    /// The way to receivers.
    pub client: Client,
    /// When to try again.
    pub schedule: Schedule,
    /// Whether private addresses may be connected to.
    pub allow_private: bool,
}

/// The running delivery. Owned by the daemon, which stops it before it drops its engine handles.
pub struct Delivery {
    /// What happened so far.
    pub counters: Arc<Counters>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Shared {
    engine: EngineHandle,
    client: Client,
    schedule: Schedule,
    allow_private: AtomicBool,
    counters: Arc<Counters>,
}

/// Starts the delivery on the runtime of the caller. It ends by [`Delivery::stop`], or when the
/// engine has stopped.
pub fn start(setup: Setup) -> Delivery {
    let counters = Arc::new(Counters::default());
    let shared = Arc::new(Shared {
        engine: setup.engine,
        client: setup.client,
        schedule: setup.schedule,
        allow_private: AtomicBool::new(setup.allow_private),
        counters: counters.clone(),
    });
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(run(shared.clone(), stopped));
    Delivery {
        counters,
        shared,
        stop,
        task,
    }
}

impl Delivery {
    /// Puts another `notify.allow_private` in force, for attempts that begin from now on.
    pub fn set_allow_private(&self, allow_private: bool) {
        let known = &self.shared.allow_private;
        known.store(allow_private, Ordering::Relaxed);
    }

    /// Begins no more attempts and waits for those under way, at most until the deadline: what is
    /// cut off then is made again by the next process.
    pub async fn stop(mut self, deadline: Duration) {
        self.stop.send_replace(true);
        if timeout(deadline, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// What is wrong with the secrets of a policy, sender by sender; for the start and the reload, so
/// that an operator hears of it before a notification is late. Every attempt reads them anew.
pub async fn check_secrets(policy: &Policy) -> Vec<String> {
    let mut faults = Vec::new();
    for sender in policy.senders.values() {
        if let Some(notify) = &sender.notify
            && let Err(fault) = Secrets::read(&notify.secret_file).await
        {
            let file = notify.secret_file.display();
            faults.push(format!("sender {}: {fault} ({file})", sender.name));
        }
    }
    faults
}

/// Attempts under way.
#[derive(Default)]
struct Flights {
    tasks: JoinSet<(NotificationId, bool)>,
    hosts: HashMap<NotificationId, (String, u16)>,
}

impl Flights {
    /// Returns when all have ended.
    async fn land(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Whether there is room for an attempt to that host.
    fn have_room(&self, host: &(String, u16)) -> bool {
        let to_host = self.hosts.values().filter(|known| *known == host).count();
        self.hosts.len() < IN_FLIGHT_MAX && to_host < IN_FLIGHT_PER_HOST_MAX
    }
}

async fn run(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let mut views = shared.engine.views();
    let mut flights = Flights::default();
    loop {
        let seen = views.borrow_and_update().notifications;
        let mut sleep = start_due(&shared, &mut flights).await;
        loop {
            tokio::select! {
                _ = stopped.changed() => {
                    tokio::select! {
                        () = flights.land() => return,
                        // An engine that failed fatally leaves its marks unanswered.
                        () = shared.engine.stopped() => return,
                    }
                }
                Some(ended) = flights.tasks.join_next() => match ended {
                    Ok((id, marked)) => {
                        flights.hosts.remove(&id);
                        if marked {
                            break;
                        }
                        // The engine is in trouble: what is tried now would be tried again.
                        sleep = ENGINE_PAUSE;
                    }
                    Err(error) => {
                        error!(%error, "an attempt failed by itself; all under way begin anew");
                        flights = Flights::default();
                        sleep = ENGINE_PAUSE;
                    }
                },
                is_there = written_since(&mut views, seen) => {
                    if is_there {
                        break;
                    }
                    // Without an engine nothing can be remembered, so nothing is sent.
                    return;
                }
                () = tokio::time::sleep(sleep) => break,
            }
        }
    }
}

/// Waits until more is written than was seen; false when the engine has stopped.
async fn written_since(views: &mut watch::Receiver<Arc<View>>, seen: u64) -> bool {
    let grown = views.wait_for(|view| view.notifications > seen).await;
    grown.is_ok()
}

/// Begins what is due and has room. Returns how long to sleep unless something happens.
async fn start_due(shared: &Arc<Shared>, flights: &mut Flights) -> Duration {
    // Those under way are shown again; behind them there must be enough to fill a host.
    let per_sender = IN_FLIGHT_PER_HOST_MAX + flights.hosts.len();
    let mut next = match shared.engine.next_notifications(per_sender).await {
        Ok(next) => next,
        Err(refusal) => {
            let error = refusal.first.message;
            warn!(%error, "what is to be told next cannot be read; asking again");
            return ENGINE_PAUSE;
        }
    };
    let now = clock();
    let mut sleep = SLEEP_MAX;
    next.sort_by_key(|outgoing| outgoing.notification.next_at);
    for outgoing in next {
        let Notification { id, next_at, .. } = outgoing.notification;
        let host = match &outgoing.to {
            Some(to) => (to.url.host.clone(), to.url.port),
            None => Default::default(),
        };
        let ahead_ms = next_at.map_or(0, |next_at| next_at.since_ms(now));
        if let Ok(ahead_ms @ 1..) = u64::try_from(ahead_ms) {
            sleep = sleep.min(Duration::from_millis(ahead_ms));
        } else if !flights.hosts.contains_key(&id) && flights.have_room(&host) {
            flights.hosts.insert(id, host);
            let shared = shared.clone();
            flights.tasks.spawn(async move {
                let in_flight = &shared.counters.in_flight;
                count(in_flight);
                let marked = deliver(&shared, outgoing).await;
                in_flight.fetch_sub(1, Ordering::Relaxed);
                (id, marked)
            });
        }
    }
    sleep
}

/// Makes one attempt and has its result remembered. Returns whether it was.
async fn deliver(shared: &Shared, outgoing: Outgoing) -> bool {
    let Outgoing { notification, to } = outgoing;
    let result = match to {
        None => AttemptResult::Parked {
            error: "the configuration names no address for this sender".to_owned(),
        },
        Some(to) => attempt(shared, &notification, &to).await,
    };
    let counters = &shared.counters;
    let id = notification.id;
    let item = notification.status.id;
    let counter = match &result {
        AttemptResult::Delivered => &counters.delivered,
        AttemptResult::Failed { error, .. } => {
            info!(%id, %item, error, "a notification was not taken; trying again");
            &counters.failed
        }
        AttemptResult::Parked { error } => {
            warn!(%id, %item, error, "a notification was given up; replay it when it can be taken");
            count(&counters.failed);
            &counters.parked
        }
    };
    let attempt = Attempt {
        id,
        at: clock(),
        result,
    };
    match shared.engine.mark_notifications(vec![attempt]).await {
        Ok(()) => {
            count(counter);
            true
        }
        Err(refusal) => {
            let error = refusal.first.message;
            warn!(%id, %item, error, "an attempt could not be remembered; making it again");
            count(&counters.unmarked);
            false
        }
    }
}

async fn attempt(shared: &Shared, one: &Notification, to: &NotifyPolicy) -> AttemptResult {
    let allow_private = shared.allow_private.load(Ordering::Relaxed);
    let secrets = Secrets::read(&to.secret_file).await;
    let (error, is_final) = match secrets {
        Err(fault) => (fault.to_string(), false),
        Ok(secrets) => {
            let mut body = Vec::new();
            write_notification(one, &mut body);
            let headers = headers(one, clock(), &secrets, &body);
            let sent = shared
                .client
                .post(&to.url, headers, body, allow_private)
                .await;
            match sent {
                Ok(()) => return AttemptResult::Delivered,
                Err(error) => (error.to_string(), error.is_final()),
            }
        }
    };
    let error: String = error.chars().take(ERROR_CHARS_MAX).collect();
    let mut random = [0; 4];
    // Without random bytes what failed together comes back together, which is no fault.
    getrandom::fill(&mut random).unwrap_or_default();
    let random = u32::from_le_bytes(random);
    match shared.schedule.next(&one.attempts, clock(), random) {
        Some(next_at) if !is_final => AttemptResult::Failed { error, next_at },
        Some(_) | None => AttemptResult::Parked { error },
    }
}

/// The headers of an attempt made at `now`.
fn headers(one: &Notification, now: Timestamp, secrets: &Secrets, body: &[u8]) -> HeaderMap {
    let id = one.id.to_string();
    let timestamp_s = now.0.div_euclid(1_000);
    let signature = secrets.sign(&id, timestamp_s, body);
    let agent = concat!("Anteroom/", env!("CARGO_PKG_VERSION"));
    let ascii = "ids, numbers and base64 are visible ASCII";
    let mut headers = HeaderMap::new();
    let xml = HeaderValue::from_static("application/xml");
    headers.insert(header::CONTENT_TYPE, xml);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    headers.insert(WEBHOOK_ID, id.parse().expect(ascii));
    headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(timestamp_s));
    headers.insert(WEBHOOK_SIGNATURE, signature.parse().expect(ascii));
    if let Some(Ok(trace)) = one.traceparent.as_ref().map(|trace| trace.parse()) {
        headers.insert(TRACEPARENT, trace);
    }
    headers
}
