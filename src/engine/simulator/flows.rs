//! Workflows in a life: random ones, new versions of them, and what people do with what they show.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::code::Code;
use crate::domain::content::ContactDatum;
use crate::domain::follow_up::{FollowUp, FollowUpId, FollowUpKind};
use crate::domain::ids::{ItemId, Sequence};
use crate::domain::policy::Policy;
use crate::domain::refusal::Refusal;
use crate::domain::workflow::Workflow;
use crate::engine::command::Command;
use crate::engine::flows::command::{
    FlowCommand, FollowUpSubject, FollowUpVerb, HandleFollowUp, HandledFollowUp, StartFollowUp,
    StartedFollowUp,
};
use crate::engine::world::{splitmix, told};
use crate::store::Store;
use crate::store::memory::CommitFault;
use crate::workflow::samples::{Around, passing};

use super::Life;
use super::setting::{BACK_OFFICE, BANK_SERVICES, PEOPLE};

/// The bank's workflows; each may start those after it.
const WORKFLOWS: [&str; 3] = ["main", "side", "small"];
/// References of those who open follow-ups: few, so that they repeat themselves.
const REFERENCES: u64 = 6;

/// What a life knows of workflows.
pub(super) struct Flows {
    dice: u64,
    /// The versions in force.
    workflows: Vec<Arc<Workflow>>,
    /// The services that have one, and which.
    services: BTreeMap<&'static str, usize>,
    /// Alerts and buttons that were seen open.
    pub(super) shown: Vec<FollowUpId>,
    /// Follow-ups that people opened, by their references.
    started: BTreeMap<String, Started>,
    /// Opened without a reference, and perhaps some more.
    pub(super) others: Vec<ItemId>,
    pub(super) unsure: usize,
    /// The version of each row at the last look.
    pub(super) seen: HashMap<Sequence, u32>,
    /// Items that workflows opened, each named in one line of a journal.
    pub(super) named: BTreeMap<String, Sequence>,
}

#[derive(Default)]
struct Started {
    id: Option<ItemId>,
    unsure: bool,
}

/// A random workflow of the bank.
pub(super) fn some_workflow(index: usize, seed: u64) -> Arc<Workflow> {
    let around = Around {
        services: &BANK_SERVICES,
        agents: &PEOPLE[..5],
        groups: &[BACK_OFFICE],
        keys: &["phone", "note"],
        workflows: &WORKFLOWS[index + 1..],
    };
    passing(WORKFLOWS[index], seed, &around)
}

impl Flows {
    /// Half of the lives have a workflow in one service, most others in two.
    pub(super) fn of(seed: u64) -> Flows {
        let mut dice = seed ^ 0x5eed;
        let workflows = (0..WORKFLOWS.len()).map(|index| some_workflow(index, splitmix(&mut dice)));
        let workflows = workflows.collect();
        let services = match splitmix(&mut dice) % 8 {
            0..4 => vec![("cases", 0)],
            4 => vec![("office", 0)],
            5 => vec![("loans", 0), ("claims", 1)],
            6 => vec![("cases", 0), ("office", 1)],
            _ => Vec::new(),
        };
        Flows {
            dice,
            workflows,
            services: services.into_iter().collect(),
            shown: Vec::new(),
            started: BTreeMap::new(),
            others: Vec::new(),
            unsure: 0,
            seen: HashMap::new(),
            named: BTreeMap::new(),
        }
    }

    pub(super) fn put_into(&self, mut policy: Policy) -> Policy {
        let bank = policy.tenants.get_mut("bank").expect("it is there");
        let bank = Arc::make_mut(bank);
        let named = self
            .workflows
            .iter()
            .map(|it| (it.name.clone(), it.clone()));
        bank.workflows = named.collect();
        for (service, index) in &self.services {
            if let Some(service) = bank.services.get_mut(*service) {
                Arc::make_mut(service).workflow = Some(self.workflows[*index].clone());
            }
        }
        policy
    }

    /// Items that people are known to have opened.
    pub(super) fn opened(&self) -> impl Iterator<Item = ItemId> {
        let started = self.started.values().filter_map(|started| started.id);
        started.chain(self.others.iter().copied())
    }
}

impl Life {
    /// A policy with the workflows, now and then with a new version of one, or without any.
    pub(super) fn with_workflows(&mut self, policy: Policy) -> Policy {
        match self.roll(4) {
            0 => return policy,
            1 => {
                let index = self.roll(WORKFLOWS.len() as u64) as usize;
                let seed = splitmix(&mut self.flows.dice);
                self.flows.workflows[index] = some_workflow(index, seed);
                self.met.insert("a new version");
            }
            _ => {}
        }
        self.flows.put_into(policy)
    }

    fn some_by(&mut self) -> crate::engine::agents::command::By {
        let user = self.roll(self.users.len() as u64) as usize;
        let user = self.users[user];
        Life::by((self.roll(3) > 0).then_some(user))
    }

    fn maybe_a_fault(&mut self) {
        if self.roll(12) == 0 {
            let fault = self.pick(&[
                CommitFault::Before,
                CommitFault::AfterButLost,
                CommitFault::Full,
                CommitFault::Failed,
            ]);
            self.world.engine.store.fail_next_commit(fault);
        }
    }

    fn handle(&mut self, request: &HandleFollowUp) -> Result<HandledFollowUp, Refusal> {
        let (reply, answer) = oneshot::channel();
        let command = FlowCommand::Handle(request.clone(), reply);
        self.world.carry_out(Command::Flows(Box::new(command)));
        told(answer)
    }

    fn follow_up(&self, id: FollowUpId) -> FollowUp {
        let mut store = self.world.engine.store().crash();
        let follow_up = store.follow_up(id).expect("memory");
        follow_up.expect("it was there before")
    }

    /// Somebody acknowledges or pushes, mostly the right way, sometimes what is closed already.
    pub(super) fn handle_some(&mut self) {
        let count = self.flows.shown.len() as u64;
        if count == 0 {
            return;
        }
        // Rather a new one than an old one.
        let index = self.roll(count).max(self.roll(count)) as usize;
        let before = self.follow_up(self.flows.shown[index]);
        let (right, wrong) = match before.kind {
            FollowUpKind::Alert { .. } => (FollowUpVerb::Acknowledge, FollowUpVerb::Push),
            FollowUpKind::Button { .. } => (FollowUpVerb::Push, FollowUpVerb::Acknowledge),
        };
        let is_wrong = self.roll(8) == 0;
        let verb = if is_wrong { wrong } else { right };
        let (by, id) = (self.some_by(), before.id);
        self.maybe_a_fault();
        let request = HandleFollowUp { by, id, verb };
        let answer = self.handle(&request);
        match answer {
            Ok(handled) => {
                assert!(!is_wrong, "{handled:?}");
                assert_eq!(handled.follow_up, self.follow_up(id));
                let by = handled.follow_up.closed.and_then(|closed| closed.by);
                assert!(by.is_some(), "somebody did it");
                assert_eq!(handled.repeated, before.closed.is_some());
                self.met.insert(match right {
                    FollowUpVerb::Acknowledge => "acknowledged",
                    FollowUpVerb::Push => "pushed",
                });
                if self.roll(2) == 0 {
                    self.handle_again(&request);
                }
            }
            Err(refusal) => {
                let failed = [Code::StorageFailed, Code::StorageFull].contains(&refusal.code());
                let by_operator = request.by.user.is_none();
                let expected = is_wrong || before.closed.is_some() || failed || !by_operator;
                let withdrawn = self.follow_up(id).closed.is_some_and(|it| it.by.is_none());
                assert!(expected || withdrawn, "{refusal:?}: {before:?}");
                self.met.insert("refused to be handled");
            }
        }
        self.settle();
    }

    fn handle_again(&mut self, request: &HandleFollowUp) {
        let answer = self.handle(request);
        if self.world.dead || self.world.engine.rests(self.world.now) {
            return;
        }
        let again = answer.expect("a repeat gets the first answer");
        assert!(again.repeated, "{again:?}");
        self.met.insert("handled again");
    }

    fn some_start(&mut self) -> StartFollowUp {
        let row = match self.roll(3) {
            0 => None,
            _ => self.some_row(|row| row.tenant.0 == 1),
        };
        let subject = match row {
            Some(row) => FollowUpSubject::Item(row.id),
            None => FollowUpSubject::Free {
                customer: None,
                title: (self.roll(2) == 0).then(|| "call back".to_owned()),
            },
        };
        let free = matches!(subject, FollowUpSubject::Free { .. });
        let has_service = free || self.roll(2) == 0;
        let parameters = (0..self.roll(2)).map(|number| ContactDatum {
            key: "note".to_owned(),
            value: number.to_string(),
        });
        let parameters = parameters.collect();
        let reference = self.roll(REFERENCES * 2);
        StartFollowUp {
            by: self.some_by(),
            workflow: self.pick(&["main", "side", "small", "none"]).to_owned(),
            subject,
            service: has_service.then(|| self.pick(&BANK_SERVICES).to_owned()),
            parameters,
            reference: (reference < REFERENCES).then(|| format!("f{reference}")),
        }
    }

    fn start(&mut self, request: &StartFollowUp) -> Result<StartedFollowUp, Refusal> {
        let (reply, answer) = oneshot::channel();
        let command = FlowCommand::Start(Box::new(request.clone()), reply);
        self.world.carry_out(Command::Flows(Box::new(command)));
        let answer = told(answer);
        self.learn_start(request, &answer);
        answer
    }

    /// Somebody opens a follow-up; with a reference they may do it again.
    pub(super) fn start_some(&mut self) {
        let request = self.some_start();
        self.maybe_a_fault();
        let answer = self.start(&request);
        if let Ok(first) = answer
            && request.reference.is_some()
            && self.roll(2) == 0
        {
            let again = self.start(&request);
            if !self.world.dead && !self.world.engine.rests(self.world.now) {
                let again = again.expect("a repeat gets the first answer");
                assert!(again.repeated, "{again:?}");
                assert_eq!(again.item, first.item, "a repeat opened another");
                self.met.insert("opened again");
            }
        }
        self.settle();
    }

    fn learn_start(&mut self, request: &StartFollowUp, answer: &Result<StartedFollowUp, Refusal>) {
        match (answer, &request.reference) {
            (Ok(started), reference) => {
                let row = self.row(started.item);
                assert_eq!((started.version, started.state), (row.version, row.state));
                self.met.insert("opened");
                let Some(reference) = reference else {
                    return self.flows.others.push(started.item);
                };
                let known = self.flows.started.entry(reference.clone()).or_default();
                let before = known.id.replace(started.item);
                assert!(before.is_none_or(|before| before == started.item));
                assert!(
                    before.is_none() || started.repeated,
                    "{started:?} was opened twice"
                );
            }
            (Err(refusal), _) if refusal.code() == Code::StorageFailed => {
                self.flows.unsure += 1;
                if let Some(reference) = reference_of(request) {
                    self.flows.started.entry(reference).or_default().unsure = true;
                }
            }
            (Err(refusal), Some(reference)) if refusal.code() == Code::DuplicateReference => {
                let known = self.flows.started.get(reference);
                let known = known.is_some_and(|known| known.id.is_some() || known.unsure);
                assert!(known, "{refusal:?} of {reference}");
                self.met.insert("of another follow-up");
            }
            (Err(_), _) => {}
        }
    }
}

fn reference_of(request: &StartFollowUp) -> Option<String> {
    request.reference.clone()
}
