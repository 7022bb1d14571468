//! The engine of a rehearsal with its clock: time passes from one due instant to the next, as it
//! does in the daemon.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::agent::Presence;
use crate::domain::ids::{Sequence, UserId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::Actor;
use crate::domain::people::{Role, UserName, UserPatch};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::domain::workflow::WAIT_MAX_MS;
use crate::engine::Engine;
use crate::engine::agents::command::{By, SetState};
use crate::engine::command::{Command, Reply};
use crate::engine::ids::RandomSource;
use crate::engine::people::change::{ChangePeople, Edit};
use crate::engine::view::View;
use crate::store::memory::MemoryStore;
use crate::wire::time::format_instant;

use super::RehearsalError;
use super::report::Report;
use super::script::Aim;
use super::setting::Setting;
use super::told::Teller;

/// So long nothing has happened, and no workflow is due: nothing more happens by itself. Longer than
/// a week, so that entrances with opening hours have opened.
const QUIET_MS: i64 = 8 * 86_400_000;
/// Turns at one instant, at most.
const TURNS_AT_ONCE_MAX: usize = 10_000;
/// Turns of one step, at most.
const TURNS_A_STEP_MAX: usize = 100_000;

/// See the module.
pub(super) struct House {
    pub setting: Setting,
    pub now: Timestamp,
    pub teller: Teller,
    /// Names of the service and of the workflow.
    pub service: String,
    pub workflow: String,
    /// The item of the message, once it is there.
    pub item: Option<Sequence>,
    /// Bodies of attachments stored so far.
    pub blobs: u128,
    engine: Engine<MemoryStore>,
    due: Option<Timestamp>,
    /// How often the process has started.
    life: u64,
}

impl House {
    /// A house in which nothing has happened yet; everybody who is named is there, signed out.
    pub(super) fn open(
        setting: Setting,
        (service, workflow): (String, String),
        now: Timestamp,
    ) -> Result<House, RehearsalError> {
        let life = 1;
        let engine = Engine::start(
            MemoryStore::new(),
            setting.policy.clone(),
            seeded(life),
            now,
        )?;
        let teller = Teller::new(setting.tenant.clock.clone(), now);
        let mut house = House {
            setting,
            now,
            teller,
            service,
            workflow,
            item: None,
            blobs: 0,
            engine,
            due: None,
            life,
        };
        for name in house.setting.agents.clone() {
            house.hire(name)?;
        }
        Ok(house)
    }

    fn hire(&mut self, name: UserName) -> Result<(), RehearsalError> {
        let services = self.setting.tenant.services.keys().cloned().collect();
        let edit = Edit::Add {
            name,
            tenant: Some(self.setting.tenant.name.clone()),
            patch: UserPatch {
                roles: Some([Role::Agent].into()),
                services: Some(services),
                ..UserPatch::default()
            },
            password: None,
        };
        self.change_person(edit)?.map_err(RehearsalError::Refused)
    }

    /// Changes one user.
    pub(super) fn change_person(
        &mut self,
        edit: Edit,
    ) -> Result<Result<(), Refusal>, RehearsalError> {
        let request = Box::new(ChangePeople {
            actor: operator().actor,
            from: None,
            edits: vec![edit],
            dry_run: false,
        });
        let changed = self.ask(|reply| Command::People(request, reply))?;
        Ok(changed.map(drop))
    }

    /// Asks the engine for something, and lets everything happen that follows at once.
    pub(super) fn ask<T>(
        &mut self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<Result<T, Refusal>, RehearsalError> {
        let (reply, mut answer) = oneshot::channel();
        self.turn(vec![command(reply)])?;
        self.settle()?;
        Ok(answer.try_recv().expect("what is asked is answered"))
    }

    fn turn(&mut self, commands: Vec<Command>) -> Result<(), RehearsalError> {
        let mut live = Vec::new();
        let mut hear = |_, events| live = events;
        self.due = self.engine.turn(commands, self.now, &mut hear)?;
        self.teller
            .hear(self.engine.store(), &self.engine.view(), &live);
        Ok(())
    }

    /// Turns until nothing more is due now.
    fn settle(&mut self) -> Result<(), RehearsalError> {
        for _ in 0..TURNS_AT_ONCE_MAX {
            if self.due.is_none_or(|due| due > self.now) {
                return Ok(());
            }
            self.turn(Vec::new())?;
        }
        let now = format_instant(self.now).as_str().to_owned();
        Err(RehearsalError::Restless(now))
    }

    /// Lets time pass until then; what is due on the way happens at its time.
    pub(super) fn pass_until(&mut self, then: Timestamp) -> Result<(), RehearsalError> {
        self.pass(then, |_| false)?;
        self.now = self.now.max(then);
        self.turn(Vec::new())?;
        self.settle()
    }

    /// Lets time pass until something holds. Returns whether it holds; if not, nothing has happened
    /// for [`QUIET_MS`] and no workflow is due.
    pub(super) fn pass_to(&mut self, aim: Aim) -> Result<bool, RehearsalError> {
        let limit = self.now.plus_ms(WAIT_MAX_MS);
        while !self.holds(aim) {
            let quiet = self.teller.last_at().plus_ms(QUIET_MS);
            let flows = self.rows().filter_map(Item::flow_due).max();
            let quiet = flows.map_or(quiet, |due| quiet.max(due)).min(limit);
            if quiet <= self.now {
                return Ok(false);
            }
            let lines = self.teller.lines.len();
            self.pass(quiet, |house| {
                house.holds(aim) || house.teller.lines.len() > lines
            })?;
            if self.teller.lines.len() == lines {
                self.pass_until(quiet)?;
            }
        }
        Ok(true)
    }

    fn pass(
        &mut self,
        limit: Timestamp,
        enough: impl Fn(&House) -> bool,
    ) -> Result<(), RehearsalError> {
        for _ in 0..TURNS_A_STEP_MAX {
            let Some(due) = self.due.filter(|due| *due <= limit && !enough(self)) else {
                return Ok(());
            };
            self.now = self.now.max(due);
            self.turn(Vec::new())?;
            self.settle()?;
        }
        let now = format_instant(self.now).as_str().to_owned();
        Err(RehearsalError::Restless(now))
    }

    fn holds(&self, aim: Aim) -> bool {
        match aim {
            Aim::End => self
                .rows()
                .all(|row| row.state == ItemState::Ended && row.flow.is_none()),
            Aim::State(state) => self.item().is_some_and(|item| self.state(item) == state),
        }
    }

    /// The process dies; the next one starts from the store, and whoever was signed in is so again
    /// within the same moment.
    pub(super) fn restart(&mut self) -> Result<(), RehearsalError> {
        let there: Vec<(UserId, Presence)> = self
            .view()
            .agents
            .values()
            .filter(|agent| agent.is_there())
            .map(|agent| (agent.id, agent.factors.presence))
            .collect();
        self.life += 1;
        let store = self.engine.store().crash();
        let policy = self.setting.policy.clone();
        self.engine = Engine::start(store, policy, seeded(self.life), self.now)?;
        self.turn(Vec::new())?;
        self.settle()?;
        for (user, presence) in there {
            let state = SetState {
                presence: Some(presence),
                ..SetState::of(operator(), user)
            };
            let set = self.ask(|reply| Command::SetState(Box::new(state), reply))?;
            set.map_err(RehearsalError::Refused)?;
        }
        Ok(())
    }

    /// The picture that the engine shows.
    pub(super) fn view(&self) -> View {
        self.engine.view()
    }

    pub(super) fn store(&self) -> &MemoryStore {
        self.engine.store()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Item> {
        self.engine.store().rows()
    }

    /// The item of the message.
    pub(super) fn item(&self) -> Option<&Item> {
        self.rows().find(|row| Some(row.sequence) == self.item)
    }

    /// Where an item stands: a queued one that rings is offered.
    pub(super) fn state(&self, item: &Item) -> ItemState {
        let rings = |agent: &Arc<crate::engine::agents::view::AgentView>| {
            let mut offers = agent.offers.iter();
            offers.any(|offer| offer.sequence == item.sequence)
        };
        match item.state {
            ItemState::Queued if self.view().agents.values().any(rings) => ItemState::Offered,
            state => state,
        }
    }

    /// What came out of it.
    pub(super) fn report(self, began_at: Timestamp) -> Report {
        Report::of(self, began_at)
    }
}

/// Whoever stands at the machine, and may everything.
pub(super) fn operator() -> By {
    By {
        actor: Actor::Operator(String::new()),
        user: None,
        from: None,
    }
}

/// Bytes that are the same in every rehearsal: SplitMix64.
fn seeded(seed: u64) -> RandomSource {
    let mut state = seed;
    Box::new(move |bytes| {
        for byte in bytes {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = ((mixed ^ (mixed >> 31)) >> 56) as u8;
        }
    })
}
