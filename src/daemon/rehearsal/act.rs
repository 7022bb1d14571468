//! What the steps of a script do.

use uuid::Uuid;

use crate::domain::agent::Presence;
use crate::domain::code::Code;
use crate::domain::content::Attachment;
use crate::domain::entrance::EntranceVerb;
use crate::domain::follow_up::{FollowUp, FollowUpKind};
use crate::domain::ids::{BlobId, ItemId, UserId};
use crate::domain::item::ItemState;
use crate::domain::journal::Actor;
use crate::domain::message::{Address, Cancel, Changes, Submission, Update};
use crate::domain::people::{UserName, UserPatch};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::engine::agents::command::{ActOnItem, By, ItemVerb, SetState, TransferTarget};
use crate::engine::command::{CancelItem, Command, OrderEntrance, Submit, UpdateItem};
use crate::engine::flows::command::{FlowCommand, FollowUpVerb, HandleFollowUp};
use crate::engine::people::change::Edit;
use crate::store::{CHUNK_BYTES_MAX, Chunk, Store};

use super::house::{House, operator};
use super::script::{Aim, Attendance, Change, Deed, Step, Verb, When};
use super::{Play, RehearsalError, read};

/// What came of asking the engine: answered or refused, unless it failed.
type Asked = Result<Result<(), Refusal>, RehearsalError>;

impl House {
    /// Does one step of the script.
    pub(super) fn perform(&mut self, step: &Step, play: &Play) -> Result<(), RehearsalError> {
        let then = self.instant(step.when);
        if then > self.now {
            self.pass_until(then)?;
        }
        let Some(verb) = &step.verb else {
            return Ok(());
        };
        self.teller.step(self.now, step);
        let done = match verb {
            Verb::Send => return self.send(play),
            Verb::Update(change) => self.update(change, step.line)?,
            Verb::Cancel(reason) => self.cancel(reason.clone())?,
            Verb::Agent(name, attendance) => self.attend(name, attendance)?,
            Verb::Acts(name, deed) => self.deed(name, deed)?,
            Verb::Push(button) => self.push(button)?,
            Verb::Acknowledge(text) => self.acknowledge(text.as_deref())?,
            Verb::Entrance { service, opens } => self.entrance(service, *opens)?,
            Verb::Abort(reason) => {
                let reason = reason.clone();
                self.act_on_item(operator(), ItemVerb::Abort { reason })?
            }
            Verb::Restart => {
                self.restart()?;
                Ok(())
            }
            Verb::Wait(ms) => {
                self.pass_until(self.now.plus_ms(*ms))?;
                Ok(())
            }
            Verb::Until(aim) => self.until(*aim)?,
        };
        if let Err(refusal) = done {
            self.teller.refused(self.now, &refusal);
        }
        Ok(())
    }

    fn instant(&self, when: When) -> Timestamp {
        match when {
            When::Now => self.now,
            When::After(ms) => self.now.plus_ms(ms),
            When::At(at) => at,
            // Now, if it shows that time just now.
            When::Clock(minute) => {
                let before = self.now.plus_ms(-1);
                self.setting.tenant.clock.next(minute, before)
            }
        }
    }

    fn until(&mut self, aim: Aim) -> Asked {
        if self.pass_to(aim)? {
            return Ok(Ok(()));
        }
        Ok(match aim {
            Aim::End => {
                self.teller.quiet(self.now);
                Ok(())
            }
            Aim::State(state) => {
                let text = format!("The item does not become {} by itself.", state.name());
                Err(Refusal::new(Code::WrongState, text))
            }
        })
    }

    /// The sender sends the message. Refused, there is nothing to show.
    pub(super) fn send(&mut self, play: &Play) -> Result<(), RehearsalError> {
        let submission = read(play, self.now, Some(&self.setting))?;
        let submission = self.put_away(submission)?;
        let submit = Box::new(Submit {
            sender: self.setting.sender.clone(),
            received_at: self.now,
            submission,
            traceparent: None,
        });
        let receipt = self.ask(|reply| Command::Submit(submit, reply))?;
        let receipt = receipt.map_err(RehearsalError::Refused)?;
        let sent = self.rows().find(|row| Some(row.id) == receipt.id);
        self.item = sent.map(|row| row.sequence);
        Ok(())
    }

    /// Stores the attachments, as the door does.
    fn put_away(&mut self, mut submission: Submission) -> Result<Submission, RehearsalError> {
        if submission.dry_run || !submission.problems.is_empty() {
            return Ok(submission);
        }
        for upload in std::mem::take(&mut submission.uploads) {
            self.blobs += 1;
            let blob = BlobId(Uuid::from_u128(self.blobs));
            for (number, piece) in (0..).zip(upload.body.chunks(CHUNK_BYTES_MAX)) {
                let bytes = piece.to_vec();
                let chunk = Chunk {
                    blob,
                    number,
                    bytes,
                };
                let stored = self.ask(|reply| Command::StoreChunk(chunk, reply))?;
                stored.map_err(RehearsalError::Refused)?;
            }
            submission.content.attachments.push(Attachment {
                name: upload.name,
                media_type: upload.media_type,
                length_bytes: upload.body.len() as u64,
                sha256: upload.sha256,
                blob,
            });
        }
        Ok(submission)
    }

    fn address(&self) -> Option<Address> {
        self.item().map(|item| Address::Id(item.id))
    }

    fn update(&mut self, change: &Change, line: u32) -> Asked {
        let Some(address) = self.address() else {
            return Ok(Err(not_there_yet()));
        };
        let mut changes = Changes::default();
        match change {
            Change::Priority(priority) => changes.priority = Some(*priority),
            Change::Title(title) => changes.title = Some(title.clone()),
            Change::DueBy(when) => changes.due_by = Some(self.instant(*when)),
            Change::Datum(datum) => changes.contact_data = vec![datum.clone()],
        }
        let mut content_digest = [0; 16];
        content_digest[..4].copy_from_slice(&line.to_be_bytes());
        let update = Update {
            address,
            if_version: None,
            request_id: None,
            changes,
            problems: Vec::new(),
            content_digest,
            uploads: Vec::new(),
            raw: String::new(),
        };
        let update = Box::new(UpdateItem {
            sender: self.setting.sender.clone(),
            update,
            attachments: Vec::new(),
        });
        let updated = self.ask(|reply| Command::Update(update, reply))?;
        Ok(updated.map(drop))
    }

    fn cancel(&mut self, reason: Option<String>) -> Asked {
        let Some(address) = self.address() else {
            return Ok(Err(not_there_yet()));
        };
        let cancel = Box::new(CancelItem {
            sender: self.setting.sender.clone(),
            cancel: Cancel { address, reason },
        });
        let cancelled = self.ask(|reply| Command::Cancel(cancel, reply))?;
        Ok(cancelled.map(drop))
    }

    fn entrance(&mut self, service: &str, opens: bool) -> Asked {
        let order = Box::new(OrderEntrance {
            actor: operator().actor,
            tenant: Some(self.setting.tenant.name.clone()),
            service: service.to_owned(),
            verb: match opens {
                true => EntranceVerb::Open,
                false => EntranceVerb::Close,
            },
            until: None,
            reason: None,
        });
        let ordered = self.ask(|reply| Command::Entrance(order, reply))?;
        Ok(ordered.map(drop))
    }

    fn user(&self, name: &UserName) -> UserId {
        let view = self.view();
        let account = view.people.named(name.as_str());
        account.expect("whoever is named was hired").user.id
    }

    /// Names of the services in which somebody works.
    fn member_of(&self, user: UserId) -> Vec<String> {
        let view = self.view();
        let account = view.people.account(user);
        let services = account
            .into_iter()
            .flat_map(|account| &account.user.services);
        let services = services.filter_map(|service| view.services.get(service));
        services.map(|service| service.name.to_string()).collect()
    }

    fn attend(&mut self, name: &UserName, attendance: &Attendance) -> Asked {
        let user = self.user(name);
        let mut state = SetState::of(by(user), user);
        match attendance {
            Attendance::Lost => return self.ask(|reply| Command::LoseAgent(user, reply)),
            Attendance::Offline => state.presence = Some(Presence::Offline),
            Attendance::Online { skills, services } => {
                let patch = UserPatch {
                    skills: skills.clone(),
                    services: services.clone().map(|names| names.into_iter().collect()),
                    ..UserPatch::default()
                };
                if patch != UserPatch::default() {
                    let name = name.clone();
                    let if_version = None;
                    let changed = self.change_person(Edit::Change {
                        name,
                        patch,
                        if_version,
                    })?;
                    if let Err(refusal) = changed {
                        return Ok(Err(refusal));
                    }
                }
                let active = self.member_of(user).into_iter().map(|name| (name, true));
                state.active = active.collect();
                state.presence = Some(Presence::Online);
            }
        }
        self.ask(|reply| Command::SetState(Box::new(state), reply))
    }

    fn deed(&mut self, name: &UserName, deed: &Deed) -> Asked {
        let user = self.user(name);
        let session = None;
        let verb = match deed {
            Deed::Ready => {
                let state = SetState {
                    ready: true,
                    ..SetState::of(by(user), user)
                };
                return self.ask(|reply| Command::SetState(Box::new(state), reply));
            }
            Deed::Accepts => ItemVerb::Accept { offer: None },
            Deed::Declines => ItemVerb::Decline { offer: None },
            Deed::Ends { result, note } => ItemVerb::End {
                session,
                result: result.clone(),
                note: note.clone(),
                share: false,
            },
            Deed::Requeues => ItemVerb::Requeue {
                session,
                note: None,
            },
            Deed::Parks(ms) => ItemVerb::Park {
                session,
                until: ms.map(|ms| self.now.plus_ms(ms)),
                note: None,
            },
            Deed::Resumes => ItemVerb::Resume { session },
            Deed::Transfers(service) => ItemVerb::Transfer {
                session,
                to: TransferTarget {
                    service: Some(service.clone()),
                    ..TransferTarget::default()
                },
                note: None,
            },
        };
        let (item, what) = match deed {
            Deed::Accepts | Deed::Declines => (self.ringing_at(user), "Nothing rings at"),
            Deed::Resumes => (
                self.held_by(user, ItemState::Parked),
                "Nothing is parked by",
            ),
            Deed::Ends { .. }
            | Deed::Requeues
            | Deed::Parks(_)
            | Deed::Transfers(_)
            | Deed::Ready => (
                self.held_by(user, ItemState::Connected),
                "There is no item in the hands of",
            ),
        };
        match item {
            Some(item) => self.act(by(user), item, verb),
            None => {
                let text = format!("{what} {name}.");
                Ok(Err(Refusal::new(Code::WrongState, text)))
            }
        }
    }

    fn ringing_at(&self, user: UserId) -> Option<ItemId> {
        let view = self.view();
        let offer = view.agents.get(&user)?.offers.first()?.sequence;
        let mut rows = self.rows();
        rows.find(|row| row.sequence == offer).map(|row| row.id)
    }

    fn held_by(&self, user: UserId, state: ItemState) -> Option<ItemId> {
        let mut rows = self.rows();
        let held = rows.find(|row| {
            let holder = row.holder.map(|holder| holder.agent);
            holder == Some(user) && row.state == state
        });
        held.map(|row| row.id)
    }

    fn act_on_item(&mut self, by: By, verb: ItemVerb) -> Asked {
        match self.item().map(|item| item.id) {
            Some(item) => self.act(by, item, verb),
            None => Ok(Err(not_there_yet())),
        }
    }

    fn act(&mut self, by: By, item: ItemId, verb: ItemVerb) -> Asked {
        let act = Box::new(ActOnItem { by, item, verb });
        let acted = self.ask(|reply| Command::Act(act, reply))?;
        Ok(acted.map(drop))
    }

    fn push(&mut self, button: &str) -> Asked {
        let is_it =
            |it: &FollowUp| matches!(&it.kind, FollowUpKind::Button { name, .. } if name == button);
        match self.open_follow_ups()?.into_iter().find(is_it) {
            Some(found) => self.handle(&found, FollowUpVerb::Push),
            None => {
                let text = format!("No button {button} is shown.");
                Ok(Err(Refusal::new(Code::NotFound, text)))
            }
        }
    }

    fn acknowledge(&mut self, text: Option<&str>) -> Asked {
        let says = |it: &FollowUp| match &it.kind {
            FollowUpKind::Alert { text: shown } => text.is_none_or(|text| shown.contains(text)),
            FollowUpKind::Button { .. } => false,
        };
        match self.open_follow_ups()?.into_iter().find(says) {
            Some(found) => self.handle(&found, FollowUpVerb::Acknowledge),
            None => {
                let text = "No such alert is open.";
                Ok(Err(Refusal::new(Code::NotFound, text)))
            }
        }
    }

    /// All alerts and buttons that are open, those of the item first, the oldest first.
    pub(super) fn open_follow_ups(&self) -> Result<Vec<FollowUp>, RehearsalError> {
        let mut store = self.store().crash();
        let mut all = Vec::new();
        for row in self.rows() {
            let mut open = store.open_follow_ups(row.sequence)?;
            open.sort_by_key(|it| (it.shown_at, self.teller.number_of(it.id)));
            all.extend(open);
        }
        Ok(all)
    }

    fn handle(&mut self, follow_up: &FollowUp, verb: FollowUpVerb) -> Asked {
        let request = HandleFollowUp {
            by: operator(),
            id: follow_up.id,
            verb,
        };
        let handled =
            self.ask(|reply| Command::Flows(Box::new(FlowCommand::Handle(request, reply))))?;
        Ok(handled.map(drop))
    }
}

fn by(user: UserId) -> By {
    By {
        actor: Actor::User(user),
        user: Some(user),
        from: None,
    }
}

fn not_there_yet() -> Refusal {
    Refusal::new(Code::UnknownItem, "The message has not been sent yet.")
}
