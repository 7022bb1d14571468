//! A small world for the engine's tests: a policy, a manual clock, an engine over the in-memory
//! store, and verbs that return what a sender would be told.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::answer::{EntranceStatus, EntryAnswer, Receipt, Status};
use crate::domain::code::Code;
use crate::domain::content::{Attachment, ContactDatum, Content, Expiry};
use crate::domain::distribution::DistributionPolicy;
use crate::domain::entrance::EntranceVerb;
use crate::domain::facts::Utc;
use crate::domain::ids::{BlobId, ItemId, Priority, ServiceId};
use crate::domain::item::Item;
use crate::domain::journal::Actor;
use crate::domain::message::{Address, Cancel, Changes, Submission, Update};
use crate::domain::policy::{AgentPolicy, Policy, SenderPolicy, ServicePolicy, TenantPolicy};
use crate::domain::refusal::Refusal;
use crate::domain::time::{Hours, HoursNow, Timestamp};
use crate::store::memory::MemoryStore;
use crate::store::{Chunk, Store, StoreError};

use super::Engine;
use super::agents::command::{ActOnItem, Acted, By, ItemVerb};
use super::command::{CancelItem, Command, OrderEntrance, Submit, SubmitMany, UpdateItem};
use super::ids::RandomSource;
use super::live::LiveEvent;
use super::view::ServiceView;

pub(super) const SECOND: i64 = 1_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// 2026-11-20T00:00:00Z.
pub(super) const MIDNIGHT: i64 = 1_795_132_800_000;

/// Turns that a world needs at most until nothing is due.
const TURNS_MAX: usize = 10_000;

/// Open from 08:00 to 16:00 UTC every day.
pub(super) struct OfficeHours;

impl Hours for OfficeHours {
    fn at(&self, now: Timestamp) -> HoursNow {
        let day = now.0.div_euclid(DAY) * DAY;
        let (open, until) = match now.0.rem_euclid(DAY) {
            time if time < 8 * HOUR => (false, day + 8 * HOUR),
            time if time < 16 * HOUR => (true, day + 16 * HOUR),
            _ => (false, day + DAY + 8 * HOUR),
        };
        HoursNow {
            open,
            until: Some(Timestamp(until)),
        }
    }
}

/// Somebody at the control socket.
pub(super) fn operator() -> By {
    By {
        actor: Actor::Operator("uid=0 pid=1".to_owned()),
        user: None,
        from: None,
    }
}

pub(super) fn service(name: &str) -> ServicePolicy {
    ServicePolicy {
        name: name.to_owned(),
        title: name.to_owned(),
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
    }
}

/// Tenant `bank` with these services, and the senders `core` and `web`.
pub(super) fn policy(services: Vec<ServicePolicy>, fair_use: Option<u32>) -> Policy {
    let tenant = TenantPolicy {
        name: "bank".to_owned(),
        work_item_key: "workItemTask".to_owned(),
        attachment_types: Default::default(),
        time_zone: "UTC".to_owned(),
        fair_use,
        task_types: Default::default(),
        services: services
            .into_iter()
            .map(|service| (service.name.clone(), Arc::new(service)))
            .collect(),
        agents: AgentPolicy::default(),
        show_customer_identifiers: false,
        workflows: Default::default(),
        work_groups: Default::default(),
        clock: Arc::new(Utc),
    };
    let senders = ["core", "web"].map(|name| (name.to_owned(), Arc::new(sender(name))));
    Policy {
        tenants: [("bank".to_owned(), Arc::new(tenant))].into(),
        senders: senders.into(),
    }
}

pub(super) fn sender(name: &str) -> SenderPolicy {
    SenderPolicy {
        name: name.to_owned(),
        tenant: "bank".to_owned(),
        key_sha256: Vec::new(),
        client_cert_subject: None,
        services: None,
        rate_per_minute: None,
        receipts: true,
        enabled: true,
        notify: None,
    }
}

/// Random bytes that are the same for the same seed.
pub(super) fn seeded(seed: u64) -> RandomSource {
    let mut state = seed;
    Box::new(move |bytes| {
        for byte in bytes {
            *byte = (splitmix(&mut state) >> 56) as u8;
        }
    })
}

/// SplitMix64: small, and good enough to make a world.
pub(super) fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

pub(super) fn submission(reference: &str, service: &str) -> Submission {
    let content = Content {
        reference: reference.to_owned(),
        service: service.to_owned(),
        contact_data: vec![ContactDatum {
            key: "workItemTask".to_owned(),
            value: format!("call about {reference}"),
        }],
        ..Content::default()
    };
    of_content(content)
}

/// A submission with a digest that tells contents apart (the real one is made by `wire`).
pub(super) fn of_content(content: Content) -> Submission {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    format!("{content:?}").hash(&mut hasher);
    let mut content_digest = [0; 16];
    content_digest[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    let raw = format!("<workItem reference=\"{}\"/>", content.reference);
    Submission {
        content,
        dry_run: false,
        problems: Vec::new(),
        content_digest,
        uploads: Vec::new(),
        raw,
    }
}

pub(super) fn update(reference: &str, changes: Changes) -> Update {
    Update {
        address: Address::Reference(reference.to_owned()),
        if_version: None,
        request_id: None,
        content_digest: [1; 16],
        changes,
        problems: Vec::new(),
        uploads: Vec::new(),
        raw: "<update/>".to_owned(),
    }
}

/// The world.
pub(super) struct World<S: Store = MemoryStore> {
    pub engine: Engine<S>,
    pub now: Timestamp,
    pub policy: Arc<Policy>,
    /// Which process this is; gives its ids another seed.
    pub life: u64,
    /// The store failed fatally: a real process would have ended.
    pub dead: bool,
    /// Looks at the engine after each turn that was stored.
    pub watch: Option<Watch<S>>,
}

/// What looks at an engine after a turn, with the events of the turn.
pub(super) type Watch<S> = fn(&mut Engine<S>, Timestamp, &[LiveEvent]);

impl World {
    /// A world at noon of 2026-11-20.
    pub(super) fn new(policy: Policy) -> World {
        World::over(MemoryStore::new(), policy, Timestamp(MIDNIGHT + 12 * HOUR))
    }

    /// The process dies and another starts from what was committed.
    pub(super) fn restart(&mut self) {
        let store = self.engine.store().crash();
        let watch = self.watch;
        *self = World::start(store, self.policy.clone(), self.now, self.life + 1);
        self.watch = watch;
    }

    pub(super) fn item(&self, reference: &str) -> Item {
        let mut engine_store = self.engine.store().crash();
        let mut rows = self.engine.store().rows();
        rows.find(|row| {
            let content = engine_store.content(row.sequence).expect("memory");
            content.expect("it has content").reference == reference
        })
        .expect("the item exists")
        .clone()
    }
}

impl<S: Store> World<S> {
    pub(super) fn over(store: S, policy: Policy, now: Timestamp) -> World<S> {
        World::start(store, Arc::new(policy), now, 1)
    }

    fn start(store: S, policy: Arc<Policy>, now: Timestamp, life: u64) -> World<S> {
        let engine = Engine::start(store, policy.clone(), seeded(life), now).expect("it starts");
        World {
            engine,
            now,
            policy,
            life,
            dead: false,
            watch: None,
        }
    }

    /// One turn with these commands. An error is fatal, as in the real loop.
    pub(super) fn turn(&mut self, commands: Vec<Command>) -> Result<(), StoreError> {
        self.turn_until_due(commands).map(drop)
    }

    /// The same; returns when the next turn is due.
    pub(super) fn turn_until_due(
        &mut self,
        commands: Vec<Command>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut live = Vec::new();
        let due = self
            .engine
            .turn(commands, self.now, &mut |_, events| live = events)?;
        if let Some(watch) = self.watch {
            watch(&mut self.engine, self.now, &live);
        }
        Ok(due)
    }

    /// Turns until nothing is due.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        for _ in 0..TURNS_MAX {
            let due = self.turn_until_due(Vec::new())?;
            if due.is_none_or(|due| due > self.now) {
                return Ok(());
            }
        }
        panic!("the world does not come to rest");
    }

    /// Lets time pass and everything due happen.
    pub(super) fn advance(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.settle().expect("no fault is planned");
    }

    pub(super) fn submit(&mut self, submission: Submission) -> Result<Receipt, Refusal> {
        self.submit_as("core", submission)
    }

    pub(super) fn submit_as(
        &mut self,
        name: &str,
        submission: Submission,
    ) -> Result<Receipt, Refusal> {
        let sender = self.sender(name);
        let (reply, answer) = oneshot::channel();
        let submit = Submit {
            sender,
            received_at: self.now,
            submission,
            traceparent: None,
        };
        self.carry_out(Command::Submit(Box::new(submit), reply));
        told(answer)
    }

    pub(super) fn submit_many(&mut self, submissions: Vec<Submission>) -> Vec<EntryAnswer> {
        let sender = self.sender("core");
        let (reply, mut answer) = oneshot::channel();
        let entries = submissions.into_iter().map(Ok).collect();
        let many = SubmitMany {
            sender,
            received_at: self.now,
            entries,
            traceparent: None,
        };
        self.carry_out(Command::SubmitMany(Box::new(many), reply));
        answer.try_recv().expect("the turn answers")
    }

    /// Stores a whole body as one chunk.
    pub(super) fn store_body(&mut self, blob: BlobId, bytes: &[u8]) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        let chunk = Chunk {
            blob,
            number: 0,
            bytes: bytes.to_vec(),
        };
        self.carry_out(Command::StoreChunk(chunk, reply));
        told(answer)
    }

    pub(super) fn update(&mut self, update: Update) -> Result<Receipt, Refusal> {
        let sender = self.sender("core");
        let (reply, answer) = oneshot::channel();
        let update = UpdateItem {
            sender,
            update,
            attachments: Vec::new(),
        };
        self.carry_out(Command::Update(Box::new(update), reply));
        told(answer)
    }

    pub(super) fn cancel(&mut self, name: &str, reference: &str) -> Result<Status, Refusal> {
        let sender = self.sender(name);
        let (reply, answer) = oneshot::channel();
        let cancel = Cancel {
            address: Address::Reference(reference.to_owned()),
            reason: None,
        };
        self.carry_out(Command::Cancel(
            Box::new(CancelItem { sender, cancel }),
            reply,
        ));
        told(answer)
    }

    pub(super) fn abort(&mut self, item: &Item) -> Result<Acted, Refusal> {
        let reason = Some("a test".to_owned());
        self.act(operator(), item.id, ItemVerb::Abort { reason })
    }

    pub(super) fn act(&mut self, by: By, item: ItemId, verb: ItemVerb) -> Result<Acted, Refusal> {
        let (reply, answer) = oneshot::channel();
        let act = ActOnItem { by, item, verb };
        self.carry_out(Command::Act(Box::new(act), reply));
        told(answer)
    }

    pub(super) fn entrance(
        &mut self,
        service: &str,
        verb: EntranceVerb,
        until: Option<Timestamp>,
    ) -> Result<EntranceStatus, Refusal> {
        let (reply, answer) = oneshot::channel();
        let order = OrderEntrance {
            actor: Actor::Operator("uid=0 pid=1".to_owned()),
            tenant: None,
            service: service.to_owned(),
            verb,
            until,
            reason: None,
        };
        self.carry_out(Command::Entrance(Box::new(order), reply));
        told(answer)
    }

    pub(super) fn reload(&mut self, policy: Policy) -> Result<(), String> {
        let policy = Arc::new(policy);
        let (reply, mut answer) = oneshot::channel();
        self.carry_out(Command::Reload(policy.clone(), reply));
        let result = answer.try_recv().expect("the turn answers");
        if result.is_ok() {
            self.policy = policy;
        }
        result
    }

    pub(super) fn service(&self, name: &str) -> Arc<ServiceView> {
        let view = self.engine.view();
        let (tenant, _) = view.tenant_named("bank").expect("the tenant is there");
        view.service(tenant, name)
            .expect("the service is there")
            .clone()
    }

    /// References of the waiting items of a service, in the order they are served.
    pub(super) fn queue(&self, name: &str) -> Vec<u64> {
        let id: ServiceId = self.service(name).id;
        let service = self.engine.core.service(id).expect("it is in the core");
        service.queue.iter().map(|sequence| sequence.0).collect()
    }

    fn sender(&self, name: &str) -> Arc<SenderPolicy> {
        self.policy.senders[name].clone()
    }

    pub(super) fn carry_out(&mut self, command: Command) {
        self.dead = self.turn(vec![command]).is_err();
    }
}

/// What a sender was told. No answer, from a process that died, reads as `storageFailed`.
pub(super) fn told<T>(mut answer: oneshot::Receiver<Result<T, Refusal>>) -> Result<T, Refusal> {
    let silence = || Refusal::new(Code::StorageFailed, "no answer");
    answer.try_recv().unwrap_or_else(|_| Err(silence()))
}

pub(super) fn with_priority(mut submission: Submission, value: u8) -> Submission {
    submission.content.priority = Priority::new(value);
    of_content(submission.content)
}

/// A submission that names the body as its attachment.
pub(super) fn with_attachment(
    mut submission: Submission,
    blob: BlobId,
    length_bytes: u64,
) -> Submission {
    submission.content.attachments.push(Attachment {
        name: "letter.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        length_bytes,
        sha256: [7; 32],
        blob,
    });
    of_content(submission.content)
}

pub(super) fn with_lifetime(mut submission: Submission, ms: i64) -> Submission {
    submission.content.expiry = Some(Expiry::Lifetime { ms });
    of_content(submission.content)
}

pub(super) fn starting(mut submission: Submission, at: Timestamp) -> Submission {
    submission.content.not_before = Some(at);
    of_content(submission.content)
}
