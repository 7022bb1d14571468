//! The deterministic simulator: a whole life of a daemon from one seed. Senders, supervisors, a
//! clock that jumps, commits that fail and processes that die before or after them, answers that
//! get lost; after every step the invariants of the promise are checked against what senders were
//! told and against what the store holds.
//!
//! `ANTEROOM_SEEDS=N` runs that many lives (default 300), `ANTEROOM_SEED=S` runs only life S.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::domain::answer::Receipt;
use crate::domain::code::Code;
use crate::domain::content::Expiry;
use crate::domain::entrance::EntranceVerb;
use crate::domain::ids::{BlobId, ItemId, Priority, Sequence};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::JournalEvent;
use crate::domain::message::{Changes, Submission};
use crate::domain::policy::{Policy, ServicePolicy};
use crate::domain::refusal::Refusal;
use crate::store::Store;
use crate::store::memory::CommitFault;

use super::REST_MS;
use super::command::{Command, SubmitMany, UpdateItem};
use super::invariants::{check_limits, check_places, ends};
use super::world::{
    DAY, HOUR, MINUTE, OfficeHours, SECOND, World, of_content, policy, service, splitmix,
    submission, update, with_attachment,
};

/// Steps of one life.
const STEPS: usize = 60;
/// Queue and buffer of the small service: small enough to be full now and then.
pub(super) const SMALL_QUEUE: u32 = 6;
pub(super) const SMALL_BUFFER: u32 = 12;

const SERVICES: [&str; 3] = ["loans", "claims", "office"];
const SENDERS: [&str; 2] = ["core", "web"];

pub(super) fn full_policy() -> Policy {
    let small = |name: &str| ServicePolicy {
        queue_items_max: SMALL_QUEUE,
        buffer_items_max: SMALL_BUFFER,
        ..service(name)
    };
    let office = ServicePolicy {
        hours: Some(Arc::new(OfficeHours)),
        lifetime_ms: Some(2 * DAY),
        ..small("office")
    };
    policy(vec![service("loans"), small("claims"), office], Some(25))
}

/// The small services take twice or half as much.
fn policy_with_other_limits(queue: u32, buffer: u32) -> Policy {
    let mut policy = full_policy();
    let mut tenant = (*policy.tenants["bank"]).clone();
    for name in ["claims", "office"] {
        let service = ServicePolicy {
            queue_items_max: queue,
            buffer_items_max: buffer,
            ..(*tenant.services[name]).clone()
        };
        tenant.services.insert(name.to_owned(), Arc::new(service));
    }
    policy.tenants.insert("bank".to_owned(), Arc::new(tenant));
    policy
}

fn policy_without_claims() -> Policy {
    let mut policy = full_policy();
    let mut tenant = (*policy.tenants["bank"]).clone();
    tenant.services.remove("claims");
    policy.tenants.insert("bank".to_owned(), Arc::new(tenant));
    policy
}

/// What a sender knows of one of its references.
#[derive(Debug, Clone)]
struct Known {
    submission: Submission,
    /// Told by a receipt that arrived.
    id: Option<ItemId>,
    /// Sent, but the answer did not say what became of it.
    unsure: bool,
}

/// A life: the world, what everybody was told, and the dice.
struct Life {
    world: World,
    dice: u64,
    told: BTreeMap<(&'static str, String), Known>,
    seen: HashMap<Sequence, ItemId>,
    highest: u64,
    number: u64,
}

impl Life {
    fn new(seed: u64) -> Life {
        Life {
            world: World::new(full_policy()),
            dice: seed,
            told: BTreeMap::new(),
            seen: HashMap::new(),
            highest: 0,
            number: 0,
        }
    }

    fn roll(&mut self, sides: u64) -> u64 {
        splitmix(&mut self.dice) % sides
    }

    fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.roll(options.len() as u64) as usize]
    }

    fn step(&mut self) {
        match self.roll(23) {
            0..6 => self.submit_new(),
            6..8 => self.submit_again(),
            8 => self.submit_other(),
            9..11 => self.change(),
            11 => self.cancel(),
            12..14 => self.order(),
            14..17 => self.let_time_pass(),
            17 => self.world.restart(),
            18 => self.reload(),
            19 => self.plan_fault(),
            _ => self.crowd(),
        }
        self.settle();
    }

    /// Everything due happens; a process that dies on the way is started again.
    fn settle(&mut self) {
        loop {
            if self.world.dead || self.world.settle().is_err() {
                self.world.restart();
            } else if self.world.engine.rests(self.world.now) {
                self.world.now = self.world.now.plus_ms(REST_MS);
            } else {
                return;
            }
        }
    }

    fn new_submission(&mut self) -> (&'static str, Submission) {
        self.number += 1;
        let sender = self.pick(&SENDERS);
        let service = self.pick(&SERVICES);
        let mut submission = submission(&format!("r{}", self.number), service);
        if self.roll(3) == 0 {
            submission.content.priority = Priority::new(self.roll(10) as u8);
        }
        if self.roll(5) == 0 {
            let ahead = self.roll(6 * DAY as u64) as i64;
            submission.content.not_before = Some(self.world.now.plus_ms(ahead));
        }
        if self.roll(4) == 0 {
            let ms = self.roll(2 * DAY as u64) as i64 + 1;
            submission.content.expiry = Some(Expiry::Lifetime { ms });
        }
        (sender, of_content(submission.content))
    }

    fn submit_new(&mut self) {
        let (sender, submission) = self.new_submission();
        self.send(sender, submission);
    }

    fn submit_again(&mut self) {
        let Some((sender, known)) = self.some_known() else {
            return;
        };
        self.send(sender, known.submission);
    }

    fn submit_other(&mut self) {
        let Some((sender, known)) = self.some_known() else {
            return;
        };
        self.number += 1;
        let mut other = known.submission.content.clone();
        other.title = Some(format!("other {}", self.number));
        let other = of_content(other);
        match self.world.submit_as(sender, other.clone()) {
            Ok(receipt) => {
                assert!(known.id.is_none(), "a reference took other content");
                // The first was never created, so this one is the first.
                self.learn(sender, other, Ok(receipt));
            }
            Err(refusal) => {
                let reference = known.submission.content.reference.clone();
                let entry = self.told.get_mut(&(sender, reference));
                let unsure = refusal.code() == Code::StorageFailed;
                entry.expect("it is known").unsure |= unsure;
            }
        }
    }

    fn some_known(&mut self) -> Option<(&'static str, Known)> {
        let count = self.told.len() as u64;
        if count == 0 {
            return None;
        }
        let index = self.roll(count) as usize;
        let ((sender, _), known) = self.told.iter().nth(index)?;
        Some((sender, known.clone()))
    }

    fn send(&mut self, sender: &'static str, submission: Submission) {
        let result = self.world.submit_as(sender, submission.clone());
        self.learn(sender, submission, result);
    }

    /// The sender notes what it was told; now and then the answer gets lost on the way.
    fn learn(
        &mut self,
        sender: &'static str,
        submission: Submission,
        result: Result<Receipt, Refusal>,
    ) {
        let lost = self.roll(8) == 0;
        let key = (sender, submission.content.reference.clone());
        let before = self.told.remove(&key);
        let first = Known {
            submission: submission.clone(),
            id: None,
            unsure: false,
        };
        let mut known = before.unwrap_or(first);
        match result {
            Ok(receipt) => {
                assert!(receipt.id.is_some(), "a receipt names its item");
                if let Some(id) = known.id {
                    assert_eq!(Some(id), receipt.id, "a repeat names another item");
                    assert!(
                        receipt.duplicate,
                        "an item with a receipt was created again"
                    );
                }
                known.submission = submission;
                if lost {
                    known.unsure = true;
                } else {
                    known.id = receipt.id;
                }
            }
            Err(refusal) => {
                // A batch that fails refuses everybody in it, repeats too.
                let storage = [Code::StorageFailed, Code::StorageFull].contains(&refusal.code());
                assert!(
                    known.id.is_none() || storage,
                    "a repeat was refused: {refusal:?}"
                );
                // A dying process says that storing failed: the item may exist.
                known.unsure |= refusal.code() == Code::StorageFailed;
            }
        }
        self.told.insert(key, known);
    }

    fn change(&mut self) {
        let Some((_, known)) = self.some_known() else {
            return;
        };
        let changes = match self.roll(3) {
            0 => Changes {
                priority: Priority::new(self.roll(10) as u8),
                ..Changes::default()
            },
            1 => {
                let ms = self.roll(3 * DAY as u64) as i64 + 1;
                Changes {
                    expiry: Some(Expiry::Lifetime { ms }),
                    ..Changes::default()
                }
            }
            _ => Changes {
                title: Some(format!("title {}", self.roll(9))),
                ..Changes::default()
            },
        };
        drop(
            self.world
                .update(update(&known.submission.content.reference, changes)),
        );
    }

    fn cancel(&mut self) {
        let Some((sender, known)) = self.some_known() else {
            return;
        };
        drop(
            self.world
                .cancel(sender, &known.submission.content.reference),
        );
    }

    fn order(&mut self) {
        let service = self.pick(&SERVICES);
        let verb = self.pick(&[EntranceVerb::Open, EntranceVerb::Close]);
        let until = match self.roll(2) {
            0 => None,
            _ => Some(
                self.world
                    .now
                    .plus_ms(self.roll(12 * HOUR as u64) as i64 + 1),
            ),
        };
        drop(self.world.entrance(service, verb, until));
    }

    fn let_time_pass(&mut self) {
        let unit = self.pick(&[1, SECOND, MINUTE, HOUR, 5 * HOUR, DAY]);
        let ms = self.roll(unit as u64) as i64;
        let back = self.roll(8) == 0;
        self.world.now = self.world.now.plus_ms(if back { -ms } else { ms });
    }

    fn reload(&mut self) {
        let policy = match self.roll(4) {
            0 => policy_without_claims(),
            1 => policy_with_other_limits(2 * SMALL_QUEUE, 2 * SMALL_BUFFER),
            2 => policy_with_other_limits(SMALL_QUEUE / 2, SMALL_BUFFER / 2),
            _ => full_policy(),
        };
        self.world.reload(policy).expect("no tenant is lost");
    }

    /// Many commands in one turn: a batch with repeats, with a body that is there and one that is
    /// not, and several changes of one item; now and then the turn fails.
    fn crowd(&mut self) {
        let mut entries = Vec::new();
        for _ in 0..self.roll(4) {
            entries.push(self.new_submission().1);
        }
        let (_, first) = self.new_submission();
        entries.push(self.with_body(first));
        if self.roll(2) == 0 {
            entries.push(entries[0].clone());
        }
        let sender = SENDERS[0];
        if self.roll(4) == 0 {
            let fault = self.pick(&[CommitFault::Failed, CommitFault::AfterButLost]);
            self.world.engine.store.fail_next_commit(fault);
        }
        let mut commands = Vec::new();
        let (reply, mut answers) = oneshot::channel();
        let policy = self.world.policy.senders[sender].clone();
        let many = SubmitMany {
            sender: policy.clone(),
            received_at: self.world.now,
            entries: entries.iter().cloned().map(Ok).collect(),
            traceparent: None,
        };
        commands.push(Command::SubmitMany(Box::new(many), reply));
        let mut told = Vec::new();
        for _ in 0..3 {
            let (reply, answer) = oneshot::channel();
            let changes = Changes {
                priority: Priority::new(self.roll(10) as u8),
                ..Changes::default()
            };
            let request = UpdateItem {
                sender: policy.clone(),
                update: update(&entries[0].content.reference, changes),
                attachments: Vec::new(),
            };
            commands.push(Command::Update(Box::new(request), reply));
            told.push(answer);
        }
        let life = self.world.life;
        self.world.dead = self.world.turn(commands).is_err();
        let answers = answers.try_recv().ok();
        assert!(
            answers.is_some() || self.world.dead,
            "only a dead process is silent"
        );
        for (index, submission) in entries.into_iter().enumerate() {
            let silence = || Err(Refusal::new(Code::StorageFailed, "no answer"));
            let told = answers
                .as_ref()
                .map(|answers| answers[index].result.clone());
            self.learn(sender, submission, told.unwrap_or_else(silence));
        }
        self.settle();
        for mut answer in told.into_iter().filter(|_| self.world.life == life) {
            assert!(answer.try_recv().is_ok(), "somebody was never told");
        }
    }

    /// Gives a submission an attachment whose body was stored, or was not.
    fn with_body(&mut self, submission: Submission) -> Submission {
        let blob = BlobId(Uuid::from_u128(u128::from(splitmix(&mut self.dice))));
        if self.roll(3) > 0 {
            drop(self.world.store_body(blob, b"body"));
            self.settle();
        }
        with_attachment(submission, blob, 4)
    }

    /// Every body that an item names is there, and at most those on their way besides.
    fn check_bodies(&self, rows: &[Item]) {
        let mut store = self.world.engine.store().crash();
        for row in rows {
            let content = store.content(row.sequence).expect("memory");
            for attachment in content.expect("it has content").attachments {
                let body = store.blob(attachment.blob).expect("its body is there");
                assert_eq!(body.len() as u64, attachment.length_bytes);
            }
        }
    }

    fn plan_fault(&mut self) {
        let fault = self.pick(&[
            CommitFault::Before,
            CommitFault::AfterButLost,
            CommitFault::Full,
            CommitFault::Failed,
        ]);
        self.world.engine.store.fail_next_commit(fault);
        if fault == CommitFault::Full {
            let probes = self.roll(3) as u32;
            self.world.engine.store.fail_probes(probes);
        }
        self.submit_new();
    }

    /// Everything that must hold between two steps.
    fn check(&mut self) {
        let rows: Vec<Item> = self.world.engine.store().rows().cloned().collect();
        self.check_told(&rows);
        self.check_sequences(&rows);
        self.check_journals(&rows);
        self.check_nothing_overdue(&rows);
        self.check_bodies(&rows);
        check_places(&self.world, &rows);
        check_limits(&self.world);
    }

    /// Every receipt has exactly one item; nothing refused has one.
    fn check_told(&self, rows: &[Item]) {
        let mut store = self.world.engine.store().crash();
        let mut by_reference: HashMap<(u32, String), Vec<ItemId>> = HashMap::new();
        for row in rows {
            let content = store
                .content(row.sequence)
                .expect("memory")
                .expect("it has content");
            by_reference
                .entry((row.sender.0, content.reference))
                .or_default()
                .push(row.id);
        }
        for ((sender, reference), known) in &self.told {
            let number = self
                .world
                .engine
                .directory
                .sender(sender)
                .expect("known")
                .id
                .0;
            let items = by_reference
                .remove(&(number, reference.clone()))
                .unwrap_or_default();
            assert!(
                items.len() <= 1,
                "{sender}/{reference} was stored {} times",
                items.len()
            );
            match known.id {
                Some(id) => assert_eq!(items, [id], "{sender}/{reference} has a receipt"),
                None if known.unsure => {}
                None => assert_eq!(items, [], "{sender}/{reference} was refused"),
            }
        }
        assert!(
            by_reference.is_empty(),
            "items that nobody sent: {by_reference:?}"
        );
    }

    /// Sequences go up with the order of receipt and belong to one item for ever.
    fn check_sequences(&mut self, rows: &[Item]) {
        for row in rows {
            let known = *self.seen.entry(row.sequence).or_insert(row.id);
            assert_eq!(known, row.id, "a sequence was used twice");
        }
        assert!(rows.len() >= self.seen.len(), "an item is gone");
        let highest = rows.last().map_or(0, |row| row.sequence.0);
        assert!(highest >= self.highest, "sequences went back");
        self.highest = highest;
    }

    /// A journal without gaps, that ends as the row says.
    fn check_journals(&self, rows: &[Item]) {
        for row in rows {
            let lines: Vec<_> = self.world.engine.store().journal(row.sequence).collect();
            let numbers: Vec<u32> = lines.iter().map(|line| line.number).collect();
            assert_eq!(numbers, (1..=row.journal_rows).collect::<Vec<u32>>());
            assert_eq!(row.version, row.journal_rows, "one line for each version");
            assert_eq!(lines[0].event, JournalEvent::Received);
            let ended = lines.iter().filter(|line| ends(line.event)).count();
            assert_eq!(ended, usize::from(row.ended.is_some()), "it ends once");
            assert_eq!(row.ended.is_some(), row.state == ItemState::Ended);
        }
    }

    /// At rest nothing is late.
    fn check_nothing_overdue(&self, rows: &[Item]) {
        let now = self.world.now;
        for row in rows.iter().filter(|row| row.ended.is_none()) {
            assert!(
                row.expires_at.is_none_or(|at| at > now),
                "{row:?} should have expired"
            );
            if row.state == ItemState::Scheduled {
                assert!(
                    row.not_before.is_some_and(|at| at > now),
                    "{row:?} should have started"
                );
            }
        }
    }
}

fn live(seed: u64) {
    let mut life = Life::new(seed);
    for _ in 0..STEPS {
        life.step();
        life.check();
    }
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

#[test]
fn nothing_receipted_is_lost_in_any_life() {
    let seeds = match number_of("ANTEROOM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_of("ANTEROOM_SEEDS").unwrap_or(300),
    };
    let lives = seeds.end - seeds.start;
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let share = seeds.clone().filter(move |seed| seed % threads == thread);
            scope.spawn(move || share.for_each(live_or_name_the_seed));
        }
    });
    println!("{lives} lives of {STEPS} steps");
}

fn live_or_name_the_seed(seed: u64) {
    let result = std::panic::catch_unwind(|| live(seed));
    assert!(
        result.is_ok(),
        "life {seed} broke an invariant: ANTEROOM_SEED={seed} shows it"
    );
}

#[test]
fn the_same_seed_makes_the_same_life() {
    let rows = |seed| {
        let mut life = Life::new(seed);
        (0..STEPS).for_each(|_| life.step());
        life.world
            .engine
            .store()
            .rows()
            .cloned()
            .collect::<Vec<Item>>()
    };
    assert_eq!(rows(42), rows(42));
    assert_ne!(rows(42), rows(43));
}
