//! The whole life of items beside mere acceptance: a real engine over SQLite on this machine's
//! disk, with the routes into it that the listeners use. An item is submitted, offered, accepted by
//! its agent and ended, and the next one is submitted: as many wait as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::JoinSet;

use anteroom::domain::agent::Presence;
use anteroom::domain::content::Content;
use anteroom::domain::facts::Utc;
use anteroom::domain::ids::{ItemId, Sequence, UserId};
use anteroom::domain::journal::Actor;
use anteroom::domain::message::Submission;
use anteroom::domain::people::{Role, SkillLevel, UserPatch};
use anteroom::domain::policy::{AgentPolicy, Policy, SenderPolicy, ServicePolicy, TenantPolicy};
use anteroom::domain::workflow::Workflow;
use anteroom::engine::Engine;
use anteroom::engine::agents::command::{ActOnItem, By, ItemVerb, SetState};
use anteroom::engine::command::{Submit, SubmitMany};
use anteroom::engine::handle::EngineHandle;
use anteroom::engine::live::LiveEvent;
use anteroom::engine::people::change::{ChangePeople, Edit};
use anteroom::engine::run::{self, RunningEngine, clock};
use anteroom::store::read::Readers;
use anteroom::store::sqlite::{SqliteOptions, SqliteStore};
use anteroom::workflow::{Known, load};

use crate::{AGENTS, SKILLS, agent, asked, scatter, service};

const SENDERS: u64 = 64;
const BATCH: u64 = 500;
const COMMANDS_WAITING_MAX: usize = 4_096;

/// What one round has measured, a second each.
pub struct Rates {
    /// Items accepted while nothing else happens.
    pub accepts: f64,
    /// Items submitted, offered, accepted by an agent and ended.
    pub cycles: f64,
}

/// What workflows have to do with the items of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workflows {
    /// Nothing.
    None,
    /// So many other items stand in the timers of theirs.
    Beside(u64),
    /// Each item goes through one: received, queue, ended, finish.
    Through,
}

/// A running engine with agents, and so many items waiting.
pub struct Life {
    runtime: tokio::runtime::Runtime,
    engine: RunningEngine,
    readers: Arc<Readers>,
    sender: Arc<SenderPolicy>,
    submitted: Arc<AtomicU64>,
    _folder: tempfile::TempDir,
}

impl Life {
    /// An engine in a new folder. Its agents are there, but not yet active.
    pub fn new(waiting: u64, workflows: Workflows) -> anyhow::Result<Life> {
        let folder = tempfile::tempdir_in(".").context("a folder on this disk")?;
        let policy = policy(workflows)?;
        let sender = policy.senders["core"].clone();
        let store = SqliteStore::open(folder.path(), SqliteOptions::default())?;
        let readers = Arc::new(Readers::open(folder.path(), 2)?);
        let mut seed = 1;
        let random = move |bytes: &mut [u8]| {
            for byte in bytes {
                seed += 1;
                *byte = scatter(seed) as u8;
            }
        };
        let engine = Engine::start(store, Arc::new(policy), Box::new(random), clock())?;
        let life = Life {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()?,
            engine: run::spawn(engine, COMMANDS_WAITING_MAX)?,
            readers,
            sender,
            submitted: Arc::default(),
            _folder: folder,
        };
        life.runtime.block_on(life.add_agents())?;
        if let Workflows::Beside(items) = workflows {
            life.runtime.block_on(life.fill(items, "slow"))?;
        }
        life.runtime.block_on(life.fill(waiting, "loans"))?;
        Ok(life)
    }

    /// Measures acceptance alone, then whole lives, each for so long.
    pub fn measure(&self, each: Duration) -> anyhow::Result<Rates> {
        self.runtime.block_on(async {
            let accepts = self.accept_for(each).await?;
            let cycles = self.live_for(each).await?;
            Ok(Rates { accepts, cycles })
        })
    }

    fn handle(&self) -> &EngineHandle {
        &self.engine.handle
    }

    async fn add_agents(&self) -> anyhow::Result<()> {
        let edits = (0..AGENTS).map(|number| {
            let setup = agent(number);
            let level = |value| SkillLevel::new(value).expect("1 to 9");
            let skills = setup.skills.into_iter();
            Edit::Add {
                name: setup.name.parse().expect("a name"),
                tenant: None,
                patch: UserPatch {
                    roles: Some([Role::Agent].into()),
                    services: Some(["loans".to_owned()].into()),
                    skills: Some(skills.map(|(name, value)| (name, level(value))).collect()),
                    ..UserPatch::default()
                },
                password: None,
            }
        });
        let change = ChangePeople {
            actor: Actor::Operator("bench".to_owned()),
            from: None,
            edits: edits.collect(),
            dry_run: false,
        };
        self.handle().change_people(change).await.map_err(refused)?;
        Ok(())
    }

    async fn fill(&self, items: u64, service: &str) -> anyhow::Result<()> {
        for _ in 0..items.div_ceil(BATCH) {
            let submissions = (0..BATCH).map(|_| self.submission(service));
            let many = SubmitMany {
                sender: self.sender.clone(),
                received_at: clock(),
                entries: submissions.map(Ok).collect(),
                traceparent: None,
            };
            self.handle().submit_many(many).await.map_err(refused)?;
        }
        Ok(())
    }

    fn submission(&self, service: &str) -> Submission {
        submission(self.submitted.fetch_add(1, Ordering::Relaxed), service)
    }

    /// Items accepted a second by 64 senders, each with one item on its way.
    async fn accept_for(&self, time: Duration) -> anyhow::Result<f64> {
        let mut senders = JoinSet::new();
        let started = Instant::now();
        for _ in 0..SENDERS {
            let (handle, sender) = (self.handle().clone(), self.sender.clone());
            let submitted = self.submitted.clone();
            senders.spawn(async move {
                let mut accepted = 0_u64;
                while started.elapsed() < time {
                    submit(&handle, &sender, &submitted).await?;
                    accepted += 1;
                }
                anyhow::Ok(accepted)
            });
        }
        let mut accepted = 0;
        while let Some(sender) = senders.join_next().await {
            accepted += sender??;
        }
        Ok(accepted as f64 / started.elapsed().as_secs_f64())
    }

    /// Lives a second: every agent takes what rings, ends it, and one more is submitted.
    async fn live_for(&self, time: Duration) -> anyhow::Result<f64> {
        let live = self.handle().live().clone();
        let mut bell = live.bell();
        let mut last = live.newest();
        self.everybody(Some(Presence::Online), true).await?;
        let mut lives = JoinSet::new();
        let (mut ended, started) = (0_u64, Instant::now());
        while started.elapsed() < time {
            let events = live.since(last).context("events came too fast")?;
            for numbered in events {
                last = numbered.id;
                if let LiveEvent::Offered(offer) = &numbered.event {
                    lives.spawn(self.live(offer.sequence, offer.agents[0]));
                }
            }
            while let Some(life) = lives.try_join_next() {
                life??;
                ended += 1;
            }
            let _ = tokio::time::timeout(Duration::from_millis(5), bell.changed()).await;
        }
        let rate = ended as f64 / started.elapsed().as_secs_f64();
        self.everybody(Some(Presence::Offline), false).await?;
        while let Some(life) = lives.join_next().await {
            // What rang when everybody left may be gone.
            drop(life?);
        }
        Ok(rate)
    }

    /// The rest of one item's life, and the beginning of another's.
    fn live(
        &self,
        sequence: Sequence,
        agent: UserId,
    ) -> impl Future<Output = anyhow::Result<()>> + Send + use<> {
        let (handle, readers) = (self.handle().clone(), self.readers.clone());
        let (sender, submitted) = (self.sender.clone(), self.submitted.clone());
        async move {
            let row = readers.take().item_by_sequence(sequence)?;
            let item = row.context("an offered item has a row")?.item.id;
            act(&handle, agent, item, ItemVerb::Accept { offer: None }).await?;
            let end = ItemVerb::End {
                session: None,
                result: "done".to_owned(),
                note: None,
                share: false,
            };
            act(&handle, agent, item, end).await?;
            submit(&handle, &sender, &submitted).await
        }
    }

    async fn everybody(&self, presence: Option<Presence>, active: bool) -> anyhow::Result<()> {
        for user in (1..=AGENTS).map(UserId) {
            let state = SetState {
                presence,
                active: [("loans".to_owned(), active)].into(),
                ..SetState::of(by(user), user)
            };
            self.handle().set_state(state).await.map_err(refused)?;
        }
        Ok(())
    }
}

async fn act(
    handle: &EngineHandle,
    agent: UserId,
    item: ItemId,
    verb: ItemVerb,
) -> anyhow::Result<()> {
    let by = by(agent);
    let request = ActOnItem { by, item, verb };
    handle.act(request).await.map_err(refused)?;
    Ok(())
}

async fn submit(
    handle: &EngineHandle,
    sender: &Arc<SenderPolicy>,
    submitted: &AtomicU64,
) -> anyhow::Result<()> {
    let submit = Submit {
        sender: sender.clone(),
        received_at: clock(),
        submission: submission(submitted.fetch_add(1, Ordering::Relaxed), "loans"),
        traceparent: None,
    };
    handle.submit(submit).await.map_err(refused)?;
    Ok(())
}

fn by(user: UserId) -> By {
    By {
        actor: Actor::User(user),
        user: Some(user),
        from: None,
    }
}

fn refused(refusal: anteroom::domain::refusal::Refusal) -> anyhow::Error {
    anyhow::anyhow!("{}", refusal.first.message)
}

/// An item of some 1 KiB that asks for one skill or two.
fn submission(number: u64, service: &str) -> Submission {
    let first = scatter(number) % SKILLS;
    let second = scatter(number)
        .is_multiple_of(2)
        .then(|| scatter(first) % SKILLS);
    let skills = [Some(first), second.filter(|second| *second != first)];
    let content = Content {
        reference: format!("life-{number}"),
        service: service.to_owned(),
        title: Some("Loan application".to_owned()),
        skills: skills.into_iter().flatten().map(asked).collect(),
        ..Content::default()
    };
    let mut content_digest = [0; 16];
    content_digest[..8].copy_from_slice(&number.to_be_bytes());
    Submission {
        content,
        dry_run: false,
        problems: Vec::new(),
        content_digest,
        uploads: Vec::new(),
        raw: "x".repeat(1_024),
    }
}

fn workflow(name: &str, actions: &str) -> anyhow::Result<Arc<Workflow>> {
    let source = format!(
        "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"{name}\">\
         <event on=\"received\">{actions}<queue/><finish/></event></workflow>"
    );
    let loaded = load(&source, &Known::anything());
    let workflow = loaded.map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    Ok(Arc::new(workflow))
}

fn policy(workflows: Workflows) -> anyhow::Result<Policy> {
    let plain = service().policy.expect("it is in force");
    let slow = ServicePolicy {
        name: "slow".to_owned(),
        workflow: Some(workflow("slow", "<wait for=\"P5D\"/>")?),
        ..(*plain).clone()
    };
    let through = workflows == Workflows::Through;
    let through = through.then(|| workflow("through", ""));
    let loans = ServicePolicy {
        workflow: through.transpose()?,
        ..(*plain).clone()
    };
    let services = [loans, slow].map(|it| (it.name.clone(), Arc::new(it)));
    let tenant = TenantPolicy {
        name: "bank".to_owned(),
        work_item_key: "workItemTask".to_owned(),
        attachment_types: Default::default(),
        time_zone: "UTC".to_owned(),
        fair_use: None,
        task_types: Default::default(),
        services: services.into(),
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
        notify: None,
    };
    Ok(Policy {
        tenants: [("bank".to_owned(), Arc::new(tenant))].into(),
        senders: [("core".to_owned(), Arc::new(sender))].into(),
    })
}
