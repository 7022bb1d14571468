//! What senders and those who run the daemon do in a life.

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::domain::answer::Receipt;
use crate::domain::code::Code;
use crate::domain::content::{Expiry, PreferredAgent, PreferredAgents, SkillRequirement};
use crate::domain::entrance::EntranceVerb;
use crate::domain::ids::{BlobId, Priority};
use crate::domain::message::{Changes, Submission};
use crate::domain::refusal::Refusal;
use crate::engine::command::{Command, SubmitMany, UpdateItem};
use crate::engine::world::{
    DAY, HOUR, MINUTE, SECOND, of_content, splitmix, submission, update, with_attachment,
};
use crate::store::memory::CommitFault;

use super::setting::{
    PEOPLE, SENDERS, SERVICES, SKILLS, SMALL_BUFFER, SMALL_QUEUE, full_policy, policy_with_limits,
    policy_without_claims,
};
use super::{Known, Life};

impl Life {
    pub(super) fn new_submission(&mut self) -> (&'static str, Submission) {
        self.number += 1;
        let (sender, services) = self.pick(&SENDERS);
        let service = self.pick(services);
        let mut submission = submission(&format!("r{}", self.number), service);
        submission.content.skills = self.some_skills();
        submission.content.preferred_agents = self.somebody_preferred();
        if self.roll(3) == 0 {
            submission.content.priority = Priority::new(self.roll(10) as u8);
        }
        if self.roll(5) == 0 {
            let ahead = self.roll(6 * DAY as u64) as i64;
            submission.content.not_before = Some(self.world.now.plus_ms(ahead));
        }
        if self.roll(3) == 0 {
            let ahead = self.roll(2 * DAY as u64) as i64 - 6 * HOUR;
            submission.content.due_by = Some(self.world.now.plus_ms(ahead));
        }
        if self.roll(4) == 0 {
            let longest = self.pick(&[MINUTE, HOUR, 2 * DAY]);
            let ms = self.roll(longest as u64) as i64 + 1;
            submission.content.expiry = Some(Expiry::Lifetime { ms });
        }
        (sender, of_content(submission.content))
    }

    fn some_skills(&mut self) -> Vec<SkillRequirement> {
        let mut skills = Vec::new();
        for name in SKILLS {
            if self.roll(5) == 0 {
                skills.push(SkillRequirement {
                    name: name.to_owned(),
                    level: 1 + self.roll(5) as u8,
                    optional: self.roll(2) == 0,
                });
            }
        }
        skills
    }

    fn somebody_preferred(&mut self) -> Option<PreferredAgents> {
        if self.roll(6) > 0 {
            return None;
        }
        let mut agents = Vec::new();
        for _ in 0..=self.roll(2) {
            // Now and then somebody whom nobody knows.
            let index = self.roll(PEOPLE.len() as u64 + 1) as usize;
            let name = PEOPLE.get(index).copied().unwrap_or("nobody").to_owned();
            let rank = 1 + self.roll(3) as u8;
            agents.push(PreferredAgent { name, rank });
        }
        let required = self.roll(3) == 0;
        Some(PreferredAgents { required, agents })
    }

    pub(super) fn submit_new(&mut self) {
        let (sender, submission) = self.new_submission();
        self.send(sender, submission);
    }

    pub(super) fn submit_again(&mut self) {
        let Some((sender, known)) = self.some_known() else {
            return;
        };
        self.send(sender, known.submission);
    }

    pub(super) fn submit_other(&mut self) {
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

    /// The crowd's sender knows the services of its tenant alone.
    fn new_submission_of_the_bank(&mut self) -> Submission {
        loop {
            let (sender, submission) = self.new_submission();
            if sender != "isle" {
                return submission;
            }
        }
    }

    pub(super) fn some_known(&mut self) -> Option<(&'static str, Known)> {
        let count = self.told.len() as u64;
        if count == 0 {
            return None;
        }
        let index = self.roll(count) as usize;
        let ((sender, _), known) = self.told.iter().nth(index)?;
        Some((sender, known.clone()))
    }

    pub(super) fn send(&mut self, sender: &'static str, submission: Submission) {
        let result = self.world.submit_as(sender, submission.clone());
        self.learn(sender, submission, result);
    }

    /// The sender notes what it was told; now and then the answer gets lost on the way.
    pub(super) fn learn(
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

    pub(super) fn change(&mut self) {
        let Some((_, known)) = self.some_known() else {
            return;
        };
        let changes = match self.roll(4) {
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
            2 => Changes {
                preferred_agents: Some(self.somebody_preferred().unwrap_or_default()),
                ..Changes::default()
            },
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

    pub(super) fn cancel(&mut self) {
        let Some((sender, known)) = self.some_known() else {
            return;
        };
        drop(
            self.world
                .cancel(sender, &known.submission.content.reference),
        );
    }

    pub(super) fn order(&mut self) {
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

    pub(super) fn let_time_pass(&mut self) {
        let unit = self.pick(&[1, SECOND, MINUTE, HOUR, 5 * HOUR, DAY]);
        let ms = self.roll(unit as u64) as i64;
        let back = self.roll(8) == 0;
        self.world.now = self.world.now.plus_ms(if back { -ms } else { ms });
    }

    pub(super) fn reload(&mut self) {
        let policy = match self.roll(4) {
            0 => policy_without_claims(),
            1 => policy_with_limits(2 * SMALL_QUEUE, 2 * SMALL_BUFFER),
            2 => policy_with_limits(SMALL_QUEUE / 2, SMALL_BUFFER / 2),
            _ => full_policy(),
        };
        let policy = self.with_workflows(policy);
        self.world.reload(policy).expect("no tenant is lost");
    }

    /// Many commands in one turn: a batch with repeats, with a body that is there and one that is
    /// not, and several changes of one item; now and then the turn fails.
    pub(super) fn crowd(&mut self) {
        let mut entries = Vec::new();
        for _ in 0..self.roll(4) {
            entries.push(self.new_submission_of_the_bank());
        }
        let first = self.new_submission_of_the_bank();
        entries.push(self.with_body(first));
        if self.roll(2) == 0 {
            entries.push(entries[0].clone());
        }
        let sender = SENDERS[0].0;
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
    pub(super) fn with_body(&mut self, submission: Submission) -> Submission {
        let blob = BlobId(Uuid::from_u128(u128::from(splitmix(&mut self.dice))));
        if self.roll(3) > 0 {
            drop(self.world.store_body(blob, b"body"));
            self.settle();
        }
        with_attachment(submission, blob, 4)
    }

    pub(super) fn plan_fault(&mut self) {
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
}
