//! What all requests share: the way to the engine, the policy in force, the budget, the counters.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::domain::code::Code;
use crate::domain::policy::Policy;
use crate::domain::refusal::{Problem, Refusal};
use crate::engine::handle::EngineHandle;
use crate::people::password::Passwords;
use crate::people::sign_in::SignIns;
use crate::store::StoreError;
use crate::store::read::{Reader, Readers};

use super::attendance::Attendance;
use super::auth::Callers;
use super::budget::Budget;
use super::items::reads::RecentReads;
use super::metrics::Metrics;
use super::pictures::Pictures;

/// Messages of more bytes than this are read on a thread of their own, one at a time: what is
/// unpacked from them is not in the budget.
pub const LARGE_MESSAGE_BYTES: usize = 256 * 1024;
/// Large messages that are read and stored at a time.
const LARGE_AT_A_TIME: usize = 1;
/// How long a large message waits for its turn.
const LARGE_WAIT: Duration = Duration::from_secs(30);
/// Seconds after which it may be worth sending a large message again.
const LARGE_RETRY_AFTER_S: u32 = 10;

/// What a reload comes to: nothing, or a sentence that says why the old configuration stays.
pub type ReloadResult = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Reads the configuration again and puts it in force.
pub type ReloadHook = Box<dyn Fn() -> ReloadResult + Send + Sync>;

/// What happened to notifications in this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct NotificationCounts {
    /// Taken by their receivers.
    pub delivered: u64,
    /// Attempts that failed, the last ones of parked notifications included.
    pub failed: u64,
    /// Given up.
    pub parked: u64,
    /// Attempts under way now.
    pub in_flight: u64,
}

/// Asks whoever delivers notifications.
pub type NotificationsHook = Box<dyn Fn() -> NotificationCounts + Send + Sync>;

/// What the daemon gives.
pub struct SharedSetup {
    /// The way to the engine.
    pub engine: EngineHandle,
    /// Turns of the engine.
    pub progress: Arc<AtomicU64>,
    /// In force.
    pub policy: Arc<Policy>,
    /// Connections for reading.
    pub readers: Arc<Readers>,
    /// The database's file.
    pub database: PathBuf,
    /// See `limits.body_bytes_in_flight`.
    pub body_bytes_in_flight: u64,
    /// How long a body waits for room.
    pub body_wait: Duration,
    /// How long a body may make no progress.
    pub body_timeout: Duration,
    /// For `POST /api/v1/reload`.
    pub reload: ReloadHook,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// Counts notifications.
    pub notifications: NotificationsHook,
}

/// See the module.
pub struct Shared {
    /// The way to the engine.
    pub engine: EngineHandle,
    /// Turns of the engine.
    pub progress: Arc<AtomicU64>,
    /// The bytes of bodies.
    pub budget: Arc<Budget>,
    /// Counters.
    pub metrics: Metrics,
    /// How long a body may make no progress.
    pub body_timeout: Duration,
    /// The database's file.
    pub database: PathBuf,
    /// For `POST /api/v1/reload`.
    pub reload: ReloadHook,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// The door for people.
    pub sign_ins: SignIns,
    /// Counts notifications.
    pub notifications: NotificationsHook,
    /// When the daemon began to serve.
    pub started: Instant,
    /// One permit for each large message in work.
    pub large: Semaphore,
    /// Who is there.
    pub attendance: Arc<Attendance>,
    /// Who has just read what.
    pub reads: RecentReads,
    /// Workflows as they were drawn.
    pub pictures: Pictures,
    readers: Arc<Readers>,
    in_force: RwLock<InForce>,
    draining: AtomicBool,
}

/// A policy with its senders: taken together, so that no request sees half of a new one.
#[derive(Clone)]
struct InForce {
    policy: Arc<Policy>,
    callers: Arc<Callers>,
}

impl Shared {
    /// Everything at its beginning.
    pub fn new(setup: SharedSetup) -> Arc<Shared> {
        let callers = Callers::new(&setup.policy, &Callers::default());
        let sign_ins = SignIns::new(setup.engine.clone(), setup.passwords.clone());
        Arc::new(Shared {
            engine: setup.engine,
            progress: setup.progress,
            budget: Budget::new(setup.body_bytes_in_flight, setup.body_wait),
            metrics: Metrics::default(),
            body_timeout: setup.body_timeout,
            database: setup.database,
            reload: setup.reload,
            passwords: setup.passwords,
            sign_ins,
            notifications: setup.notifications,
            started: Instant::now(),
            large: Semaphore::new(LARGE_AT_A_TIME),
            attendance: Arc::default(),
            reads: RecentReads::default(),
            pictures: Pictures::default(),
            readers: setup.readers,
            in_force: RwLock::new(InForce {
                policy: setup.policy,
                callers: Arc::new(callers),
            }),
            draining: AtomicBool::new(false),
        })
    }

    /// Puts a new policy in force at the doors. The engine gets it by its own handle, first.
    pub fn set_policy(&self, policy: Arc<Policy>) {
        let callers = Arc::new(Callers::new(&policy, &self.callers()));
        let mut in_force = self
            .in_force
            .write()
            .expect("nobody panics while holding it");
        *in_force = InForce { policy, callers };
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        let in_force = self
            .in_force
            .read()
            .expect("nobody panics while holding it");
        in_force.policy.clone()
    }

    /// The senders in force.
    pub fn callers(&self) -> Arc<Callers> {
        let in_force = self
            .in_force
            .read()
            .expect("nobody panics while holding it");
        in_force.callers.clone()
    }

    /// From here on messages are answered `draining`. Only without socket activation: with it,
    /// connections wait for the next daemon.
    pub fn refuse_as_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether messages are still taken.
    ///
    /// # Errors
    /// `draining`.
    pub fn is_serving(&self) -> Result<(), Refusal> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(Refusal::new(
                Code::Draining,
                "Anteroom is about to stop: nothing was created, send it again later.",
            ));
        }
        Ok(())
    }

    /// A turn for a large message.
    ///
    /// # Errors
    /// `overloaded`.
    pub async fn large_turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Refusal> {
        match tokio::time::timeout(LARGE_WAIT, self.large.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Problem::new(
                Code::Overloaded,
                "Too many large messages are in work: nothing was created, send it again.",
            )
            .retry_after(LARGE_RETRY_AFTER_S)
            .into()),
        }
    }

    /// Size of the database with its write-ahead log.
    pub async fn store_bytes(&self) -> u64 {
        let mut log = self.database.clone().into_os_string();
        log.push("-wal");
        let mut bytes = 0;
        for file in [self.database.clone(), log.into()] {
            // A log that is not there has no bytes.
            let metadata = tokio::fs::metadata(file).await;
            bytes += metadata.map_or(0, |metadata| metadata.len());
        }
        bytes
    }

    /// Reads from the store beside the writer.
    ///
    /// # Errors
    /// `internalError`; the cause is logged.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let readers = self.readers.clone();
        let reading = tokio::task::spawn_blocking(move || question(&readers.take()));
        let failure = match reading.await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(error = failure, "reading from the store failed");
        Err(Refusal::new(
            Code::InternalError,
            "The store could not be read: ask again later.",
        ))
    }
}
