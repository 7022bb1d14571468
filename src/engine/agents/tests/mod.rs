//! What agents and supervisors do with items, turn by turn: a bank with two services, two agents
//! and a supervisor of one of the services.

mod accepting;
mod directing;
mod found;
mod handing_on;
mod leaving;
mod lifetime;
mod working;

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::agent::{AgentState, Presence};
use crate::domain::code::Code;
use crate::domain::content::{PreferredAgent, PreferredAgents};
use crate::domain::entrance::EntranceVerb;
use crate::domain::ids::{OfferId, UserId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::message::Submission;
use crate::domain::people::{Role, UserPatch};
use crate::domain::policy::{Policy, ServicePolicy, TenantPolicy};
use crate::domain::refusal::Refusal;
use crate::domain::session::{AgentResult, AgentSession};
use crate::engine::command::Command;
use crate::engine::people::change::{ChangePeople, Edit};
use crate::engine::world::{
    MINUTE, SECOND, World, of_content, operator, policy, service, submission,
};
use crate::store::Store;

use super::command::{Acted, By, ItemVerb, SetState, TransferTarget};
use super::view::AgentView;

pub(in crate::engine) const ANNA: UserId = UserId(1);
pub(in crate::engine) const BO: UserId = UserId(2);
pub(in crate::engine) const SUE: UserId = UserId(3);
pub(in crate::engine) const WRAP_UP: i64 = 10 * SECOND;
pub(in crate::engine) const RINGS: i64 = 20 * SECOND;

/// See the module. `anna` and `bo` are members of `loans` and `claims`, `sue` supervises `loans`.
pub(in crate::engine) struct Floor {
    pub(in crate::engine) world: World,
}

impl Floor {
    pub(in crate::engine) fn new() -> Floor {
        Floor::with(|_| {}, |_| {})
    }

    /// A bank whose service `loans` and whose tenant are changed.
    pub(in crate::engine) fn with(
        loans: impl FnOnce(&mut ServicePolicy),
        tenant: impl FnOnce(&mut TenantPolicy),
    ) -> Floor {
        let mut desk = service("loans");
        desk.distribution.wrap_up_ms = WRAP_UP;
        loans(&mut desk);
        let mut policy: Policy = policy(vec![desk, service("claims")], None);
        let bank = policy.tenants.get_mut("bank").expect("it is there");
        tenant(Arc::make_mut(bank));
        let mut floor = Floor {
            world: World::new(policy),
        };
        for name in ["anna", "bo", "sue"] {
            floor.add(name, Role::Agent, &["loans", "claims"]);
        }
        let patch = UserPatch {
            roles: Some([Role::Supervisor].into()),
            services: Some([].into()),
            supervisor_of: Some(["loans".to_owned()].into()),
            ..UserPatch::default()
        };
        floor.change("sue", patch);
        floor
    }

    pub(in crate::engine) fn add(&mut self, name: &str, role: Role, services: &[&str]) {
        let edit = Edit::Add {
            name: name.parse().expect("a name"),
            tenant: None,
            patch: UserPatch {
                roles: Some([role].into()),
                services: Some(services.iter().map(|name| (*name).to_owned()).collect()),
                ..UserPatch::default()
            },
            password: None,
        };
        self.edit(edit);
    }

    pub(in crate::engine) fn change(&mut self, name: &str, patch: UserPatch) {
        self.edit(Edit::Change {
            name: name.parse().expect("a name"),
            patch,
            if_version: None,
        });
    }

    pub(in crate::engine) fn edit(&mut self, edit: Edit) {
        let (reply, mut answer) = oneshot::channel();
        let request = ChangePeople {
            actor: Actor::Operator("uid=0 pid=1".to_owned()),
            from: None,
            edits: vec![edit],
            dry_run: false,
        };
        let command = Command::People(Box::new(request), reply);
        self.world.turn(vec![command]).expect("no fault is planned");
        let answer = answer.try_recv().expect("the turn answers");
        answer.expect("it is changed");
        self.world.settle().expect("no fault is planned");
    }

    /// A member for both services, online and active in both.
    pub(in crate::engine) fn signed_in(users: &[UserId]) -> Floor {
        let mut floor = Floor::new();
        for user in users {
            floor.sign_in(*user);
        }
        floor
    }

    pub(in crate::engine) fn sign_in(&mut self, user: UserId) {
        let active = ["loans", "claims"].map(|name| (name.to_owned(), true));
        self.set(
            user,
            SetState {
                presence: Some(Presence::Online),
                active: active.into(),
                ..SetState::of(by(user), user)
            },
        )
        .expect("one may sign in");
    }

    pub(in crate::engine) fn presence(&mut self, user: UserId, presence: Presence) {
        self.set(
            user,
            SetState {
                presence: Some(presence),
                ..SetState::of(by(user), user)
            },
        )
        .expect("one may say where one is");
    }

    pub(in crate::engine) fn set(&mut self, _: UserId, state: SetState) -> Result<(), Refusal> {
        let (reply, mut answer) = oneshot::channel();
        let command = Command::SetState(Box::new(state), reply);
        self.world.turn(vec![command]).expect("no fault is planned");
        self.world.settle().expect("no fault is planned");
        answer.try_recv().expect("the turn answers")
    }

    pub(in crate::engine) fn post(&mut self, reference: &str) {
        self.send(submission(reference, "loans"));
    }

    pub(in crate::engine) fn send(&mut self, submission: Submission) {
        self.world.submit(submission).expect("it is taken");
        self.world.settle().expect("no fault is planned");
    }

    pub(in crate::engine) fn act(
        &mut self,
        user: UserId,
        reference: &str,
        verb: ItemVerb,
    ) -> Result<Acted, Refusal> {
        self.act_by(by(user), reference, verb)
    }

    pub(in crate::engine) fn act_by(
        &mut self,
        by: By,
        reference: &str,
        verb: ItemVerb,
    ) -> Result<Acted, Refusal> {
        let id = self.item(reference).id;
        let result = self.world.act(by, id, verb);
        self.world.settle().expect("no fault is planned");
        result
    }

    /// The offer rings and is accepted.
    pub(in crate::engine) fn accept(&mut self, user: UserId, reference: &str) -> OfferId {
        let acted = self.act(user, reference, ItemVerb::Accept { offer: None });
        acted.expect("it rings").session.expect("a session")
    }

    pub(in crate::engine) fn end(
        &mut self,
        user: UserId,
        reference: &str,
    ) -> Result<Acted, Refusal> {
        self.act(user, reference, end_as("done"))
    }

    pub(in crate::engine) fn item(&self, reference: &str) -> Item {
        self.world.item(reference)
    }

    pub(in crate::engine) fn state(&self, reference: &str) -> ItemState {
        self.item(reference).state
    }

    pub(in crate::engine) fn agent(&self, user: UserId) -> Arc<AgentView> {
        let view = self.world.engine.view();
        view.agents.get(&user).expect("an agent").clone()
    }

    pub(in crate::engine) fn agent_state(&self, user: UserId) -> &'static str {
        self.agent(user).state.name()
    }

    /// References of nothing: the sequences that ring at a user.
    pub(in crate::engine) fn rings_at(&self, user: UserId) -> Vec<u64> {
        let agent = self.agent(user);
        agent.offers.iter().map(|offer| offer.sequence.0).collect()
    }

    pub(in crate::engine) fn sessions(&self, reference: &str) -> Vec<AgentSession> {
        let sequence = self.item(reference).sequence;
        let mut store = self.world.engine.store().crash();
        store.agent_sessions(sequence).expect("memory")
    }

    /// How the agent sessions of an item ended, in order; `None`: not yet.
    pub(in crate::engine) fn results(&self, reference: &str) -> Vec<(UserId, Option<AgentResult>)> {
        let sessions = self.sessions(reference).into_iter();
        sessions
            .map(|it| (it.agent, it.ended.map(|(_, result)| result)))
            .collect()
    }

    pub(in crate::engine) fn journal(&self, reference: &str) -> Vec<JournalEvent> {
        let sequence = self.item(reference).sequence;
        let lines = self.world.engine.store().journal(sequence);
        let lines: Vec<_> = lines.map(|line| (line.number, line.event)).collect();
        for (index, (number, _)) in lines.iter().enumerate() {
            assert_eq!(*number as usize, index + 1, "lines have no gaps");
        }
        lines.into_iter().map(|(_, event)| event).collect()
    }

    pub(in crate::engine) fn entrance(&mut self, name: &str, verb: EntranceVerb) {
        self.world
            .entrance(name, verb, None)
            .expect("it is ordered");
        self.world.settle().expect("no fault is planned");
    }

    pub(in crate::engine) fn audited(&self) -> Vec<(&'static str, Option<UserId>)> {
        let audit = self.world.engine.store().audit().iter();
        let items = audit.filter(|entry| !entry.verb.starts_with("user."));
        items
            .map(|entry| match entry.actor {
                Actor::User(user) => (entry.verb, Some(user)),
                _ => (entry.verb, None),
            })
            .collect()
    }
}

pub(in crate::engine) fn by(user: UserId) -> By {
    By {
        actor: Actor::User(user),
        user: Some(user),
        from: Some("127.0.0.1".to_owned()),
    }
}

pub(in crate::engine) fn end_as(result: &str) -> ItemVerb {
    ItemVerb::End {
        session: None,
        result: result.to_owned(),
        note: None,
        share: false,
    }
}

pub(in crate::engine) fn park() -> ItemVerb {
    ItemVerb::Park {
        session: None,
        until: None,
        note: None,
    }
}

pub(in crate::engine) fn requeue() -> ItemVerb {
    ItemVerb::Requeue {
        session: None,
        note: None,
    }
}

pub(in crate::engine) fn transfer(service: &str) -> ItemVerb {
    ItemVerb::Transfer {
        session: None,
        to: TransferTarget {
            service: Some(service.to_owned()),
            ..TransferTarget::default()
        },
        note: None,
    }
}

pub(in crate::engine) fn preferring(reference: &str, agent: &str, required: bool) -> Submission {
    let mut submission = submission(reference, "loans");
    submission.content.preferred_agents = Some(PreferredAgents {
        required,
        agents: vec![PreferredAgent {
            name: agent.to_owned(),
            rank: 1,
        }],
    });
    of_content(submission.content)
}

pub(in crate::engine) fn code(result: Result<Acted, Refusal>) -> Code {
    result.expect_err("it is refused").code()
}

/// The state that a refusal names.
pub(in crate::engine) fn refused_in(result: Result<Acted, Refusal>) -> Option<ItemState> {
    let refusal = result.expect_err("it is refused");
    assert_eq!(refusal.code(), Code::WrongState);
    refusal.first.state
}
