//! The one loop: commands → core → one transaction → release.
//!
//! [`Engine::turn`] is the heart: it takes what waits, reads no clock (its caller does, once),
//! lets due timers fire, decides command by command, lets open entrances release, writes all
//! changed rows and journal rows in **one** transaction, and only after the commit releases the
//! answers. It knows no thread and no channel, so that the simulator can run it; [`run`] is the
//! thread around it and [`handle`] what the async rooms hold.

pub mod agents;
pub mod command;
pub mod directory;
pub mod flows;
pub mod handle;
pub mod ids;
pub mod live;
pub mod notify;
pub mod people;
pub mod reads;
pub mod run;
pub mod view;

mod end;
mod find;
mod operate;
mod place;
mod release;
mod submit;
mod trouble;
mod turn;
mod update;
mod uploads;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tracing::warn;

use crate::domain::ids::{Sequence, ServiceId, UserId};
use crate::domain::policy::Policy;
use crate::domain::session::AgentSession;
use crate::domain::time::Timestamp;
use crate::routing::core::Core;
use crate::store::{Store, StoreError};

use agents::view::AgentView;
use agents::{gets_items, setup_of};
use command::{Command, Pending};
use directory::{Directory, names_of};
use flows::Versions;
use ids::{Ids, RandomSource};
use live::LiveEvent;
use people::People;
use place::{Awaited, Naming};
use trouble::PROBE_INTERVAL_MS;
use turn::Turn;
use uploads::Uploads;
use view::{Intake, ServiceView, TenantView, View};

/// Items read back from the store at once when the engine starts.
const RESTORE_PAGE: usize = 50_000;

/// The engine of a node over its store. See the module.
pub struct Engine<S> {
    store: S,
    core: Core,
    policy: Arc<Policy>,
    directory: Directory,
    ids: Ids,
    next_sequence: Sequence,
    intake: Intake,
    probe_at: Timestamp,
    /// Timers and entrances rest until then.
    rest_until: Timestamp,
    deferred: Vec<Command>,
    uploads: Uploads,
    versions: Versions,
    /// When the oldest waiting item of a service was received, kept while it is the oldest.
    oldest: HashMap<ServiceId, (Sequence, Timestamp)>,
    services: BTreeMap<ServiceId, Arc<ServiceView>>,
    people: Arc<People>,
    agents: Arc<BTreeMap<UserId, Arc<AgentView>>>,
    /// What agents said of why they were gone, until their picture is taken.
    reasons: HashMap<UserId, String>,
    /// Preferred agents whom nobody has added yet.
    awaited: Awaited,
    /// The core is to be made anew before the next command.
    rebuild_due: bool,
    /// Sets of skills that unfinished items asked for when the core was last made anew.
    classes_at_rebuild: usize,
    /// Items to be taken back from agents who are gone.
    let_go: Vec<(UserId, Sequence)>,
    /// The agent who just gave an item back: others are asked first.
    asked: Option<UserId>,
    /// Offers of the last life that nobody has rescinded yet.
    left_ringing: Vec<AgentSession>,
    /// Users whose kept states are still open from the last life.
    states_to_close: Vec<UserId>,
    last_now: Timestamp,
    /// After a fatal failure: answers that nobody may give. They end with the process, so that
    /// their connections break and the senders repeat themselves.
    unanswered: Vec<Pending>,
    /// Written or replayed by this process: whoever delivers them looks when it grows.
    notifications_written: u64,
    /// A fault that the simulator must see.
    #[cfg(test)]
    planted: Option<planted::Plant>,
    /// Happenings that workflows hear of a turn too late, if that is the fault.
    #[cfg(test)]
    heard_late: std::collections::VecDeque<turn::Heard>,
}

/// Why the engine cannot start with a policy.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The policy would leave items without a tenant.
    #[error("{0}")]
    Policy(String),
}

impl<S: Store> Engine<S> {
    /// An engine with everything unfinished read back from the store.
    ///
    /// # Errors
    /// The store fails, or a tenant that is not in the policy has open items.
    pub fn start(
        store: S,
        policy: Arc<Policy>,
        random: RandomSource,
        now: Timestamp,
    ) -> Result<Engine<S>, StartError> {
        let mut engine = Engine {
            store,
            core: Core::default(),
            policy: policy.clone(),
            directory: Directory::default(),
            ids: Ids::new(random),
            next_sequence: Sequence(1),
            intake: Intake::Open,
            probe_at: now,
            rest_until: now,
            deferred: Vec::new(),
            uploads: Uploads::default(),
            versions: Versions::default(),
            oldest: HashMap::new(),
            services: BTreeMap::new(),
            people: Arc::default(),
            agents: Arc::default(),
            reasons: HashMap::new(),
            awaited: Awaited::default(),
            rebuild_due: false,
            classes_at_rebuild: 0,
            let_go: Vec::new(),
            asked: None,
            left_ringing: Vec::new(),
            states_to_close: Vec::new(),
            last_now: now,
            unanswered: Vec::new(),
            notifications_written: 0,
            #[cfg(test)]
            planted: None,
            #[cfg(test)]
            heard_late: Default::default(),
        };
        match engine.store.sweep() {
            Ok(()) => {}
            // What is there is served all the same; new items wait for a probe.
            Err(error @ StoreError::Full(_)) => {
                warn!(%error, "no room to drop the attachments of a crash");
                engine.intake = Intake::StorageFull;
                engine.probe_at = now.plus_ms(PROBE_INTERVAL_MS);
            }
            Err(error) => return Err(error.into()),
        }
        engine.rebuild(policy, now)?;
        engine.close_states(|_| true);
        Ok(engine)
    }

    /// Throws the core away and makes it anew from the store and `policy`: the start, the answer
    /// to a failed commit, and a new configuration. On an error everything stays as it was.
    fn rebuild(&mut self, policy: Arc<Policy>, now: Timestamp) -> Result<(), StartError> {
        let numbers = self.store.number(&names_of(&policy))?;
        let directory = Directory::new(&policy, &numbers);
        let resume = self.store.resume()?;
        let people = People::of(self.store.people()?);
        let (tenants, services) = directory.setups(&resume.entrances);
        let left_ringing = self.store.ringing()?;
        let mut core = Core::new(&tenants, services, now);
        for account in people.accounts().filter(|it| gets_items(&it.user)) {
            let setup = setup_of(&account.user);
            core.distribution_mut().agent_changed(setup, now);
        }
        let mut awaited = Awaited::default();
        let mut let_go = Vec::new();
        let mut after = Sequence(0);
        let mut received = BTreeMap::<ServiceId, (Sequence, Timestamp)>::new();
        loop {
            let page = self.store.open_items(after, RESTORE_PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            for item in &page {
                let mut naming = Naming {
                    core: &mut core,
                    people: &people,
                    awaited: &mut awaited,
                };
                let place = naming.open_place(item, now);
                core.apply(None, &place, now);
                let known = |agent: &UserId| core.distribution().factors(*agent).is_some();
                let holder = item.agent.filter(|agent| !known(agent));
                let_go.extend(holder.map(|agent| (agent, item.sequence)));
                received
                    .entry(item.service)
                    .or_insert((item.sequence, item.received_at));
            }
        }
        self.restore_flows(&mut core)?;
        refuse_lost_tenants(&directory, &core)?;
        let old = std::mem::replace(&mut self.core, core);
        self.core
            .distribution_mut()
            .adopt(old.into_distribution(), now);
        self.directory = directory;
        self.versions.know_all(&policy);
        self.policy = policy;
        self.people = Arc::new(people);
        self.awaited = awaited;
        self.let_go = let_go;
        self.asked = None;
        self.left_ringing = left_ringing;
        self.rebuild_due = false;
        self.classes_at_rebuild = self.core.distribution().classes();
        self.miss_the_absent(now);
        self.next_sequence = resume.next_sequence;
        self.oldest = received.into_iter().collect();
        self.services.clear();
        self.refresh_services()?;
        Ok(())
    }

    /// Sets the times at which workflows have something to do, those of ended items too.
    fn restore_flows(&mut self, core: &mut Core) -> Result<(), StoreError> {
        #[cfg(test)]
        if self.forgets_flow_timers() {
            return Ok(());
        }
        let mut after = Sequence(0);
        loop {
            let page = self.store.flow_timers(after, RESTORE_PAGE)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = *last;
            for (sequence, due) in page {
                core.restore_flow(sequence, due);
            }
        }
    }

    /// One turn of the loop at `now`. Returns when the next is due at the latest (`None`: only when
    /// a command comes).
    ///
    /// # Errors
    /// [`StoreError::Fatal`] and its like: what is on disk is unknown; those who wait get no answer,
    /// end the process.
    pub fn turn(
        &mut self,
        commands: Vec<Command>,
        now: Timestamp,
        publish: &mut dyn FnMut(View, Vec<LiveEvent>),
    ) -> Result<Option<Timestamp>, StoreError> {
        if now < self.last_now {
            self.core.evaluate_entrances(now);
        }
        self.last_now = now;
        self.probe(now)?;
        if self.rebuild_due {
            self.rebuild_in_force(now)?;
        }
        let mut turn = Turn::new(now);
        let busy = !commands.is_empty();
        let mut waiting = Vec::with_capacity(self.deferred.len() + commands.len());
        for command in std::mem::take(&mut self.deferred)
            .into_iter()
            .chain(commands)
        {
            match command {
                Command::Reload(policy, reply) => self.reload(policy, reply, now),
                other => waiting.push(other),
            }
        }
        let decided = self
            .decide_all(&mut turn, waiting, busy)
            .and_then(|()| self.distribute(&mut turn))
            .and_then(|()| self.tell_senders(&mut turn));
        self.answer_as_it_became(&mut turn);
        let committed = match decided {
            Ok(()) if turn.batch.is_empty() => Ok(()),
            Ok(()) => self.store.commit(&turn.batch),
            Err(error) => Err(error),
        };
        self.deferred.append(&mut turn.deferred);
        match committed {
            Ok(()) => {
                self.uploads.committed(&turn.batch, now);
                self.versions.committed(&turn.batch);
                self.count_notifications(&turn.batch);
                self.tidied_up();
                let refreshed = self.refresh_services();
                publish(self.view(), turn.live);
                // Committed is committed, even if the picture could not be taken.
                turn.pending.into_iter().for_each(Pending::release);
                refreshed.map(|()| self.next_due(now))
            }
            Err(failure) => {
                self.recover(failure, turn, publish)?;
                Ok(self.next_due(now))
            }
        }
    }

    /// Timers, then what was left behind, then commands, then entrances.
    fn decide_all(
        &mut self,
        turn: &mut Turn,
        waiting: Vec<Command>,
        busy: bool,
    ) -> Result<(), StoreError> {
        let rests = self.rests(turn.now);
        // A line about an offer left behind can join a row that a timer has changed, but a timer
        // cannot change a row that has its line.
        let timers = match rests {
            true => Ok(()),
            // Before the commands: what somebody asks of an item finds it where its workflow stands.
            false => self
                .fire_timers(turn)
                .and_then(|()| self.advance_workflows(turn)),
        };
        if let Err(error) = timers.and_then(|()| self.tidy_up_after_restart(turn)) {
            turn.deferred.extend(waiting);
            return Err(error);
        }
        self.carry_out_all(turn, waiting)?;
        if rests {
            return self.advance_workflows(turn);
        }
        let overdue = self.uploads.overdue(&turn.batch, turn.now);
        turn.batch.dropped_blobs.extend(overdue);
        self.release(turn, busy)?;
        self.advance_workflows(turn)
    }

    fn carry_out_all(&mut self, turn: &mut Turn, waiting: Vec<Command>) -> Result<(), StoreError> {
        let mut waiting = waiting.into_iter();
        while let Some(command) = waiting.next() {
            if let Err(error) = self.carry_out(turn, command) {
                // Whoever was not heard yet is asked again by the rebuilt engine.
                turn.deferred.extend(waiting);
                return Err(error);
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, turn: &mut Turn, command: Command) -> Result<(), StoreError> {
        match command {
            Command::Submit(submit, reply) => self.submit(turn, *submit, reply),
            Command::SubmitMany(many, reply) => self.submit_many(turn, *many, reply),
            Command::StoreChunk(chunk, reply) => {
                self.store_chunk(turn, chunk, reply);
                Ok(())
            }
            Command::Update(update, reply) => self.update(turn, update, reply),
            Command::Cancel(cancel, reply) => self.cancel(turn, cancel, reply),
            Command::Act(request, reply) => self.act(turn, request, reply),
            Command::SetState(request, reply) => self.set_state(turn, request, reply),
            Command::LoseAgent(user, reply) => {
                self.lose_agent(turn, user);
                turn.pending.push(Pending::Done(reply, Ok(())));
                Ok(())
            }
            Command::Locate(items, reply) => {
                let located = items.iter().map(|item| self.whereabouts(item)).collect();
                turn.pending.push(Pending::Located(reply, Ok(located)));
                Ok(())
            }
            Command::Resolve(request, reply) => self.resolve(turn, &request, reply),
            Command::Entrance(order, reply) => {
                self.order_entrance(turn, *order, reply);
                Ok(())
            }
            Command::NoteRead(noted, reply) => {
                self.note_read(turn, *noted, reply);
                Ok(())
            }
            Command::Notifications(command) => self.notifications(turn, *command),
            Command::Flows(command) => self.carry_out_flow(turn, *command),
            Command::People(request, reply) => self.change_people(turn, request, reply),
            Command::Reload(policy, reply) => {
                self.reload(policy, reply, turn.now);
                Ok(())
            }
        }
    }

    fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let more = self.rebuild_due || !self.let_go.is_empty() || !self.left_ringing.is_empty();
        if more || !self.deferred.is_empty() {
            return Some(now);
        }
        let probe = (self.intake == Intake::StorageFull).then_some(self.probe_at);
        let due = self.core.next_due(now).into_iter();
        let due = due.chain(self.uploads.next_due(now)).min();
        let due = due.map(|due| match self.rests(now) {
            true => due.max(self.rest_until),
            false => due,
        });
        due.into_iter().chain(probe).min()
    }

    /// The picture as it stands.
    pub fn view(&self) -> View {
        let tenants = self.directory.tenant_ids().filter_map(|id| {
            let name = self.directory.tenant_name(id)?;
            let fair_use_taken = self.core.tenant(id)?.fair_use_taken;
            Some((
                id,
                TenantView {
                    name,
                    fair_use_taken,
                },
            ))
        });
        View {
            at: self.last_now,
            intake: self.intake,
            services: self.services.clone(),
            tenants: tenants.collect(),
            notifications: self.notifications_written,
            people: self.people.clone(),
            agents: self.agents.clone(),
        }
    }

    /// Takes new pictures of the services that changed.
    fn refresh_services(&mut self) -> Result<(), StoreError> {
        for id in self.core.take_touched() {
            let Some(service) = self.core.service(id) else {
                continue;
            };
            let oldest = service
                .queue
                .oldest()
                .into_iter()
                .chain(service.buffer.oldest())
                .min();
            let received_at = match (oldest, self.oldest.get(&id)) {
                (None, _) => None,
                (Some(oldest), Some((known, at))) if oldest == *known => Some(*at),
                (Some(oldest), _) => {
                    let row = self.store.items(&[oldest])?.pop();
                    let at = row.map(|row| row.received_at);
                    self.oldest.extend(at.map(|at| (id, (oldest, at))));
                    at
                }
            };
            let newcomer = service.queue.len() as u64 + 1;
            let distribution = self.core.distribution();
            let wait = distribution.estimated_wait(id, newcomer, self.last_now);
            let picture = ServiceView::of(service, received_at, wait);
            if picture.is_gone() {
                self.services.remove(&id);
            } else {
                self.services.insert(id, Arc::new(picture));
            }
        }
        Ok(())
    }

    /// The store, for tests and for the end.
    pub fn store(&self) -> &S {
        &self.store
    }
}

/// A tenant with open items cannot leave the configuration.
fn refuse_lost_tenants(directory: &Directory, core: &Core) -> Result<(), StartError> {
    let mut lost = BTreeMap::<Arc<str>, usize>::new();
    for service in core.services() {
        let open = service.open_items();
        if open > 0 && directory.tenant(service.tenant).is_none() {
            let name = directory.tenant_name(service.tenant).unwrap_or_default();
            *lost.entry(name).or_default() += open;
        }
    }
    match lost.iter().next() {
        None => Ok(()),
        Some((name, open)) => Err(StartError::Policy(format!(
            "tenant {name} has {open} open items but is not in the configuration: put it back, or \
             end its items first"
        ))),
    }
}
