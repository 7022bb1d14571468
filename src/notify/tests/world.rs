//! An engine with a sender that is told of everything, and a delivery.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tempfile::TempDir;
use tokio_rustls::rustls::RootCertStore;

use super::receiver::Receiver;
use super::store::SharedStore;
use crate::domain::content::{ContactDatum, Content};
use crate::domain::distribution::DistributionPolicy;
use crate::domain::facts::Utc;
use crate::domain::ids::Priority;
use crate::domain::message::{Address, Cancel, Submission};
use crate::domain::notification::EventKind;
use crate::domain::policy::{
    AgentPolicy, NotifyPolicy, Policy, SenderPolicy, ServicePolicy, TenantPolicy,
};
use crate::engine::Engine;
use crate::engine::command::{CancelItem, Submit};
use crate::engine::run::{RunningEngine, clock, spawn};
use crate::notify::backoff::Schedule;
use crate::notify::client::Client;
use crate::notify::delivery::{Delivery, Setup, start};
use crate::store::StoreError;

/// Commands that may wait for the engine.
const COMMANDS_WAITING_MAX: usize = 1_024;
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Pauses that a test can wait for.
pub const QUICK: Schedule = Schedule {
    pause_min_ms: 1,
    pause_max_ms: 20,
    give_up_after_ms: 600_000,
};
const STOP_DEADLINE: Duration = Duration::from_secs(20);

pub struct World {
    pub store: SharedStore,
    pub engine: RunningEngine,
    pub delivery: Option<Delivery>,
    pub policy: Arc<Policy>,
    schedule: Schedule,
    roots: RootCertStore,
    allow_private: bool,
    folder: TempDir,
}

impl World {
    /// Tells `receiver` over http, with quick pauses.
    pub fn telling(receiver: &Receiver) -> World {
        World::to(&format!("http://{}/told?by=anteroom", receiver.address))
    }

    pub fn to(url: &str) -> World {
        let world = World::idle(url, QUICK);
        world.delivering()
    }

    /// Nothing is delivered yet.
    pub fn idle(url: &str, schedule: Schedule) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let secret_file = folder.path().join("secret");
        std::fs::write(&secret_file, format!("{SECRET}\n")).expect("written");
        let notify = NotifyPolicy {
            url: url.parse().expect("a URL"),
            secret_file,
            events: EventKind::ALL.into(),
        };
        let policy = Arc::new(policy(Some(Arc::new(notify))));
        let store = SharedStore::default();
        World {
            engine: engine(store.clone(), &policy),
            store,
            delivery: None,
            policy,
            schedule,
            roots: RootCertStore::empty(),
            allow_private: true,
            folder,
        }
    }

    pub fn trusting(mut self, certificate: CertificateDer<'static>) -> World {
        self.roots.add(certificate).expect("it can be trusted");
        self
    }

    pub fn without_leave(mut self) -> World {
        self.allow_private = false;
        self
    }

    pub fn delivering(mut self) -> World {
        self.delivery = Some(start(Setup {
            engine: self.engine.handle.clone(),
            client: Client::new(self.roots.clone()),
            schedule: self.schedule,
            allow_private: self.allow_private,
        }));
        self
    }

    pub fn write_secrets(&self, text: &str) {
        std::fs::write(self.folder.path().join("secret"), text).expect("written");
    }

    pub fn delivery(&self) -> &Delivery {
        self.delivery.as_ref().expect("it runs")
    }

    pub async fn submit(&self, reference: &str) {
        let content = Content {
            reference: reference.to_owned(),
            service: "loans".to_owned(),
            contact_data: vec![ContactDatum {
                key: "workItemTask".to_owned(),
                value: "call".to_owned(),
            }],
            ..Content::default()
        };
        let submission = Submission {
            content,
            dry_run: false,
            problems: Vec::new(),
            content_digest: [1; 16],
            uploads: Vec::new(),
            raw: "<workItem/>".to_owned(),
        };
        let submit = Submit {
            sender: self.policy.senders["core"].clone(),
            received_at: clock(),
            submission,
            traceparent: None,
        };
        self.engine.handle.submit(submit).await.expect("taken");
    }

    pub async fn cancel(&self, reference: &str) {
        let cancel = CancelItem {
            sender: self.policy.senders["core"].clone(),
            cancel: Cancel {
                address: Address::Reference(reference.to_owned()),
                reason: None,
            },
        };
        self.engine.handle.cancel(cancel).await.expect("cancelled");
    }

    /// Returns when nothing is due any longer.
    pub async fn settle(&self) {
        loop {
            let next = self.engine.handle.next_notifications(1).await;
            if next.expect("it answers").is_empty() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    pub async fn stop(&mut self) {
        if let Some(delivery) = self.delivery.take() {
            delivery.stop(STOP_DEADLINE).await;
        }
    }

    /// The process dies here and now; another starts from what was committed.
    pub async fn crash(self) -> World {
        let World {
            store,
            engine: old,
            delivery,
            policy,
            schedule,
            roots,
            allow_private,
            folder,
        } = self;
        let store = store.crash();
        if let Some(delivery) = delivery {
            delivery.stop(Duration::ZERO).await;
        }
        drop(old);
        let world = World {
            engine: engine(store.clone(), &policy),
            store,
            delivery: None,
            policy,
            schedule,
            roots,
            allow_private,
            folder,
        };
        world.delivering()
    }

    /// How the engine's thread ended.
    pub fn ended(engine: RunningEngine) -> Result<(), StoreError> {
        let RunningEngine { handle, thread, .. } = engine;
        drop(handle);
        thread.join().expect("it does not panic")
    }
}

fn engine(store: SharedStore, policy: &Arc<Policy>) -> RunningEngine {
    let random = Box::new(|bytes: &mut [u8]| getrandom::fill(bytes).expect("random bytes"));
    let engine = Engine::start(store, policy.clone(), random, clock());
    spawn(engine.expect("it starts"), COMMANDS_WAITING_MAX).expect("a thread")
}

/// Tenant `bank` with the service `loans` and the sender `core`.
pub fn policy(notify: Option<Arc<NotifyPolicy>>) -> Policy {
    let service = ServicePolicy {
        name: "loans".to_owned(),
        title: "loans".to_owned(),
        task_type: None,
        receipts: true,
        hours: None,
        priority: Priority::DEFAULT,
        lifetime_ms: None,
        buffer_items_max: 1_000,
        queue_items_max: 1_000,
        contact_data: Vec::new(),
        distribution: DistributionPolicy::default(),
        workflow: None,
    };
    let tenant = TenantPolicy {
        name: "bank".to_owned(),
        work_item_key: "workItemTask".to_owned(),
        attachment_types: Default::default(),
        time_zone: "UTC".to_owned(),
        fair_use: None,
        task_types: Default::default(),
        services: BTreeMap::from([("loans".to_owned(), Arc::new(service))]),
        agents: AgentPolicy::default(),
        show_customer_identifiers: false,
        workflows: Default::default(),
        work_groups: Default::default(),
        clock: Arc::new(Utc),
    };
    let sender = SenderPolicy {
        name: "core".to_owned(),
        tenant: "bank".to_owned(),
        key_sha256: Vec::new(),
        client_cert_subject: None,
        services: None,
        rate_per_minute: None,
        receipts: true,
        enabled: true,
        notify,
    };
    Policy {
        tenants: BTreeMap::from([("bank".to_owned(), Arc::new(tenant))]),
        senders: BTreeMap::from([("core".to_owned(), Arc::new(sender))]),
    }
}
