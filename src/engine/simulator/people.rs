//! What agents and supervisors do in a life.

use tokio::sync::oneshot;

use crate::domain::agent::{Duty, Presence};
use crate::domain::code::Code;
use crate::domain::content::ContactDatum;
use crate::domain::ids::{ItemId, OfferId, Priority, ServiceId, UserId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::Actor;
use crate::domain::message::{Address, Cancel};
use crate::domain::people::{Capacity, Role, StandingPatch, UserPatch};
use crate::domain::refusal::Refusal;
use crate::domain::session::AgentSession;
use crate::engine::agents::command::{ActOnItem, Acted, ItemVerb, SetState, TransferTarget};
use crate::engine::command::{CancelItem, Command};
use crate::engine::people::change::{ChangePeople, Edit};
use crate::engine::world::{HOUR, told};
use crate::store::Store;
use crate::store::memory::CommitFault;

use super::Life;
use super::setting::{BANK_SERVICES, PEOPLE, SERVICES, skills, user_name};

impl Life {
    fn some_user(&mut self) -> UserId {
        let index = self.roll(self.users.len() as u64) as usize;
        self.users[index]
    }

    fn name_of(&self, user: UserId) -> String {
        self.world.engine.user_name(user)
    }

    pub(super) fn some_row(&mut self, wanted: impl Fn(&Item) -> bool) -> Option<Item> {
        let rows = self.world.engine.store().rows();
        let rows: Vec<Item> = rows.filter(|row| wanted(row)).cloned().collect();
        if rows.is_empty() {
            return None;
        }
        let index = self.roll(rows.len() as u64) as usize;
        rows.into_iter().nth(index)
    }

    /// Somebody sets their state; they know where they are if they are told.
    fn set_state(&mut self, request: SetState) {
        let (user, presence) = (request.user, request.presence);
        let (reply, answer) = oneshot::channel();
        self.world
            .carry_out(Command::SetState(Box::new(request), reply));
        let answer = told(answer);
        match (presence, answer) {
            (None, _) => {}
            (Some(presence), Ok(())) => {
                self.presence.insert(user, Some(presence));
            }
            (Some(_), Err(refusal)) => {
                // A state is not stored: it may be so although the turn failed.
                let failed = [Code::StorageFailed, Code::StorageFull].contains(&refusal.code());
                if failed {
                    self.presence.insert(user, None);
                }
            }
        }
        self.settle();
    }

    /// Active everywhere, on duty, available: what is kept when one goes.
    pub(super) fn stand_ready(&mut self, user: UserId) {
        let account = self.world.engine.people.account(user);
        let account = account.expect("everybody is known").clone();
        let services = SERVICES.into_iter().filter(|name| {
            let tenant = account.user.tenant;
            let number = self.world.engine.directory.service(tenant, name);
            number.is_some_and(|number| account.user.services.contains(&number))
        });
        let request = SetState {
            active: services.map(|name| (name.to_owned(), true)).collect(),
            duty: Some(Duty::On { profile: None }),
            not_available: Some(None),
            ..SetState::of(Life::by(Some(user)), user)
        };
        self.set_state(request);
    }

    pub(super) fn sign_in_some(&mut self) {
        for user in self.users.clone() {
            if self.roll(4) > 0 {
                let request = SetState {
                    presence: Some(Presence::Online),
                    ready: true,
                    ..SetState::of(Life::by(Some(user)), user)
                };
                self.set_state(request);
            }
        }
    }

    pub(super) fn change_state(&mut self) {
        let user = self.some_user();
        let by = match self.roll(6) {
            0 => self.some_user(),
            _ => user,
        };
        let mut request = SetState::of(Life::by(Some(by)), user);
        match self.roll(9) {
            0 => request.presence = Some(self.pick(&Presence::ALL)),
            1 | 2 => request.presence = Some(Presence::Online),
            3 => {
                let service = self.pick(&SERVICES).to_owned();
                request.active = [(service, self.roll(3) > 0)].into();
            }
            4 => {
                let night = Some("night".to_owned());
                request.duty = Some(match self.roll(4) {
                    0 => Duty::Off,
                    1 => Duty::On { profile: night },
                    _ => Duty::On { profile: None },
                });
            }
            5 => {
                let away = self.roll(2) == 0;
                request.not_available = Some(away.then(|| "break".to_owned()));
            }
            6 => {
                request.presence = Some(Presence::Online);
                request.not_available = Some(None);
                request.ready = true;
            }
            7 => {
                request.reason = Some("tea".to_owned());
                request.ready = true;
            }
            _ => request.ready = true,
        }
        if self.roll(16) == 0 {
            let fault = self.pick(&[CommitFault::Failed, CommitFault::AfterButLost]);
            self.world.engine.store.fail_next_commit(fault);
        }
        self.set_state(request);
    }

    /// Without a word.
    pub(super) fn lose(&mut self, user: UserId) {
        let (reply, _) = oneshot::channel();
        self.world.carry_out(Command::LoseAgent(user, reply));
        self.presence.insert(user, Some(Presence::Offline));
    }

    pub(super) fn lose_somebody(&mut self) {
        let user = self.some_user();
        self.lose(user);
    }

    fn patch(&mut self) -> UserPatch {
        let mut patch = UserPatch::default();
        match self.roll(6) {
            0 => patch.capacity = Capacity::new(1 + self.roll(3) as u8),
            1 => {
                let law = 1 + self.roll(5) as u8;
                patch.skills = Some(skills(&[("law", law), ("french", 1)]));
            }
            2 => patch.enabled = Some(false),
            3 => patch.roles = Some([self.pick(&[Role::Supervisor, Role::Auditor])].into()),
            4 => {
                let mut services = BANK_SERVICES.to_vec();
                services.retain(|_| self.roll(3) > 0);
                let services = services.into_iter();
                patch.services = Some(services.map(str::to_owned).collect());
            }
            _ => {
                patch.enabled = Some(true);
                patch.roles = Some([Role::Agent, Role::Supervisor].into());
            }
        }
        patch
    }

    fn change_of(&mut self, user: UserId) -> ChangePeople {
        let patch = self.patch();
        let change = Edit::Change {
            name: user_name(&self.name_of(user)),
            patch,
            if_version: None,
        };
        let patch = StandingPatch {
            not_available: Some(None),
            ..StandingPatch::default()
        };
        let mut edits = vec![change];
        if self.roll(3) == 0 {
            edits.push(Edit::Stand { user, patch });
        }
        ChangePeople {
            actor: Actor::Engine,
            from: None,
            edits,
            dry_run: false,
        }
    }

    /// Where somebody is whom a change of users may have sent home.
    fn look_after(&mut self, user: UserId) {
        self.presence.insert(user, None);
        let distribution = self.world.engine.core.distribution();
        let presence = distribution.factors(user).map(|factors| factors.presence);
        self.presence.extend(presence.map(|it| (user, Some(it))));
    }

    pub(super) fn change_somebody(&mut self) {
        let user = self.some_user();
        let change = self.change_of(user);
        let (reply, _) = oneshot::channel();
        self.world
            .carry_out(Command::People(Box::new(change), reply));
        self.settle();
        self.look_after(user);
        if self.roll(2) == 0 {
            self.stand_ready(user);
        }
    }

    /// An agent does something with what rings or is in hand.
    pub(super) fn work(&mut self) {
        let first = self.roll(self.users.len() as u64) as usize;
        for index in 0..self.users.len() {
            let user = self.users[(first + index) % self.users.len()];
            if let Some((item, verb)) = self.some_work(user) {
                drop(self.ask(Some(user), item, verb));
                return;
            }
        }
    }

    /// Something the user has to do, if there is anything.
    fn some_work(&mut self, user: UserId) -> Option<(ItemId, ItemVerb)> {
        let rings = self.world.engine.core.distribution().offers_of(user);
        let rings: Vec<_> = rings.map(|it| (it.sequence, it.id)).collect();
        if !rings.is_empty() && self.roll(3) > 0 {
            let (sequence, offer) = self.pick(&rings);
            let row = self.some_row(|row| row.sequence == sequence)?;
            let offer = (self.roll(4) > 0).then_some(offer);
            let verb = match self.roll(4) {
                0 => ItemVerb::Decline { offer },
                _ => ItemVerb::Accept { offer },
            };
            return Some((row.id, verb));
        }
        let mine = |row: &Item| row.holder.is_some_and(|holder| holder.agent == user);
        if let Some(row) = self.some_row(mine) {
            let session = row.holder.map(|holder| holder.session);
            let session = session.filter(|_| self.roll(3) > 0);
            return Some((row.id, self.some_verb_of_holder(&row, session)));
        }
        let wrap_up = self.some_row(|row| row.state == ItemState::Ended)?;
        let verb = match self.roll(2) {
            0 => ItemVerb::ExtendWrapUp,
            _ => ItemVerb::EndWrapUp,
        };
        let distribution = self.world.engine.core.distribution();
        let wraps_up = distribution.wrap_up_until(user, wrap_up.sequence).is_some();
        wraps_up.then_some((wrap_up.id, verb))
    }

    fn some_verb_of_holder(&mut self, row: &Item, session: Option<OfferId>) -> ItemVerb {
        let note = (self.roll(2) == 0).then(|| "a note".to_owned());
        if row.state == ItemState::Parked && self.roll(3) > 0 {
            return ItemVerb::Resume { session };
        }
        match self.roll(10) {
            0..4 => ItemVerb::End {
                session,
                result: self
                    .pick(&["done", "done", "notDone", "sent", "lost"])
                    .to_owned(),
                note,
                share: self.roll(2) == 0,
            },
            4 | 5 => {
                let ahead = self.roll(30 * HOUR as u64) as i64;
                let until = (self.roll(2) == 0).then(|| self.world.now.plus_ms(ahead));
                ItemVerb::Park {
                    session,
                    until,
                    note,
                }
            }
            6 => ItemVerb::Requeue { session, note },
            7 | 8 => ItemVerb::Transfer {
                session,
                to: self.some_target(),
                note,
            },
            _ => {
                let value = format!("{}", self.roll(3));
                ItemVerb::Edit {
                    if_version: (self.roll(4) == 0).then_some(row.version),
                    contact_data: vec![ContactDatum {
                        key: "phone".to_owned(),
                        value,
                    }],
                }
            }
        }
    }

    fn some_target(&mut self) -> TransferTarget {
        let service = (self.roll(4) > 0).then(|| self.pick(&SERVICES).to_owned());
        let agent = (self.roll(3) == 0).then(|| user_name(self.pick(&PEOPLE)));
        TransferTarget {
            service,
            agent,
            required: self.roll(4) == 0,
        }
    }

    fn sessions_of(&self, row: &Item) -> Vec<AgentSession> {
        let mut store = self.world.engine.store().crash();
        store.agent_sessions(row.sequence).expect("memory")
    }

    pub(super) fn pick_up(&mut self) {
        let office = self.world.engine.directory.services_named("office").next();
        let (_, office) = office.expect("it is in every policy");
        let waits = |row: &Item| row.service == office && row.state == ItemState::Queued;
        if let Some(row) = self.some_row(waits) {
            let user = self.some_user();
            drop(self.ask(Some(user), row.id, ItemVerb::Take));
        }
    }

    fn some_order(&mut self) -> ItemVerb {
        let reason = (self.roll(2) == 0).then(|| "so be it".to_owned());
        match self.roll(8) {
            0 => ItemVerb::Abort { reason },
            1 => ItemVerb::Reprioritise {
                priority: Priority::new(self.roll(10) as u8).expect("0 to 9"),
                reason,
            },
            2 => ItemVerb::Reassign {
                agent: user_name(self.pick(&PEOPLE)),
                required: self.roll(3) == 0,
                reason,
            },
            3 => ItemVerb::Release { reason },
            4 | 5 => ItemVerb::Reopen { reason },
            6 => ItemVerb::Requeue {
                session: None,
                note: reason,
            },
            _ => ItemVerb::Transfer {
                session: None,
                to: self.some_target(),
                note: reason,
            },
        }
    }

    pub(super) fn supervise(&mut self) {
        let supervisors: Vec<UserId> = {
            let accounts = self.world.engine.people.accounts();
            let found = accounts.filter(|it| it.user.is(Role::Supervisor));
            found.map(|account| account.user.id).collect()
        };
        let by = match self.roll(3) {
            0 => None,
            _ if supervisors.is_empty() => None,
            _ => Some(self.pick(&supervisors)),
        };
        let verb = self.some_order();
        let row = match verb {
            ItemVerb::Reopen { .. } => self.some_ended_row(),
            ItemVerb::Release { .. } => self.some_row(|row| row.holder.is_some()),
            _ => self.some_row(|_| true),
        };
        if let Some(row) = row {
            drop(self.ask(by, row.id, verb));
        }
    }

    /// Now and then one whose buffer has no room for it.
    fn some_ended_row(&mut self) -> Option<Item> {
        let services = self.world.engine.core.services().iter();
        let full: Vec<ServiceId> = services
            .filter(|service| {
                let policy = service.policy.as_ref();
                let before = service.buffer.len() as u64 + service.scheduled;
                policy.is_some_and(|it| before >= u64::from(it.buffer_items_max))
            })
            .map(|service| service.id)
            .collect();
        let ended = |row: &Item| row.state == ItemState::Ended;
        let there = self.some_row(|row| ended(row) && full.contains(&row.service));
        there.or_else(|| self.some_row(ended))
    }

    /// Somebody tries what only others may: it is refused, and nothing has changed.
    pub(super) fn try_what_is_not_theirs(&mut self) {
        let user = self.some_user();
        let account = self.world.engine.people.account(user).cloned();
        let account = account.expect("everybody is known");
        let Some(row) = self.some_row(|_| true) else {
            return;
        };
        let sessions = self.sessions_of(&row);
        let stranger = account.user.tenant != row.tenant;
        let directs = account.user.is(Role::Supervisor);
        if sessions.iter().any(|it| it.agent == user) || directs && !stranger {
            return;
        }
        let session = sessions.last().map(|it| it.offer);
        let verb = match self.roll(4) {
            0 => ItemVerb::Accept { offer: session },
            1 => ItemVerb::EndWrapUp,
            2 => self.some_order(),
            _ => self.some_verb_of_holder(&row, session),
        };
        let answer = self.world.act(Life::by(Some(user)), row.id, verb.clone());
        let refusal = answer.expect_err("it is not theirs");
        let code = refusal.code();
        let hidden = stranger && account.user.enabled;
        assert!(!hidden || code == Code::UnknownItem, "{verb:?}: {code:?}");
        assert_eq!(self.row(row.id), row, "{verb:?} was refused");
    }

    /// Several do something at the same time, some with the same item; now and then it fails.
    pub(super) fn all_at_once(&mut self) {
        let mut commands = Vec::new();
        let mut answers = Vec::new();
        let mut changed = Vec::new();
        for _ in 0..2 + self.roll(4) {
            // Often the same, so that one thing gets in the way of another.
            let last: Option<&Asked> = answers.last();
            let last = last.map(|asked| asked.user);
            let user = self.some_user();
            let user = last.filter(|_| self.roll(2) == 0).unwrap_or(user);
            match self.roll(8) {
                0 | 1 => {
                    let change = self.change_of(user);
                    changed.push(user);
                    commands.push(Command::People(Box::new(change), oneshot::channel().0));
                }
                2 => {
                    changed.push(user);
                    commands.push(Command::LoseAgent(user, oneshot::channel().0));
                }
                3 => commands.extend(self.some_cancel()),
                _ => commands.extend(self.some_acts(user, &mut answers)),
            }
        }
        if self.roll(6) == 0 {
            let fault = self.pick(&[
                CommitFault::Failed,
                CommitFault::AfterButLost,
                CommitFault::Before,
            ]);
            self.world.engine.store.fail_next_commit(fault);
        }
        self.world.dead = self.world.turn(commands).is_err();
        self.settle();
        for user in changed {
            self.look_after(user);
        }
        self.check_winners(answers);
    }

    fn some_cancel(&mut self) -> Option<Command> {
        let (sender, known) = self.some_known()?;
        let cancel = CancelItem {
            sender: self.world.policy.senders[sender].clone(),
            cancel: Cancel {
                address: Address::Reference(known.submission.content.reference),
                reason: None,
            },
        };
        Some(Command::Cancel(Box::new(cancel), oneshot::channel().0))
    }

    /// One does something, and everybody else at whom it rings accepts it as well.
    fn some_acts(&mut self, user: UserId, answers: &mut Vec<Asked>) -> Vec<Command> {
        let Some((item, verb)) = self.some_work(user) else {
            return Vec::new();
        };
        let mut all = vec![(user, verb)];
        let sequence = self.row(item).sequence;
        if let Some(offer) = self.world.engine.core.distribution().offer_for(sequence) {
            let others = offer.agents.iter().filter(|agent| **agent != user);
            let offer = Some(offer.id);
            all.extend(others.map(|agent| (*agent, ItemVerb::Accept { offer })));
        }
        let act = |(user, verb): (UserId, ItemVerb)| {
            let (reply, answer) = oneshot::channel();
            let accepts = matches!(verb, ItemVerb::Accept { .. });
            answers.push(Asked {
                user,
                item,
                accepts,
                answer,
            });
            let by = Life::by(Some(user));
            Command::Act(Box::new(ActOnItem { by, item, verb }), reply)
        };
        all.into_iter().map(act).collect()
    }

    /// Of those who accepted an offer at the same time one was told that they have it.
    fn check_winners(&mut self, answers: Vec<Asked>) {
        let mut winners: Vec<(ItemId, UserId, Option<OfferId>)> = Vec::new();
        for asked in answers {
            let Ok(acted) = told(asked.answer) else {
                continue;
            };
            let row = self.row(asked.item);
            assert!(row.version >= acted.version, "{row:?} went back");
            if asked.accepts {
                let winner = (asked.item, asked.user, acted.session);
                let same = |it: &&(_, _, _)| it.0 == winner.0 && it.2 == winner.2;
                let other = winners.iter().find(same);
                assert!(other.is_none_or(|other| *other == winner), "two have it");
                winners.push(winner);
            }
        }
    }
}

/// Somebody in a crowd, and where they are told.
struct Asked {
    user: UserId,
    item: ItemId,
    accepts: bool,
    answer: oneshot::Receiver<Result<Acted, Refusal>>,
}
