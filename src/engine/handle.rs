//! The engine as the async rooms see it: ask and await.

use std::sync::Arc;
use std::sync::mpsc::TrySendError;

use tokio::sync::{oneshot, watch};

use crate::domain::answer::{EntranceStatus, EntryAnswer, Receipt, Status, Whereabouts};
use crate::domain::code::Code;
use crate::domain::ids::{Sequence, UserId};
use crate::domain::item::Item;
use crate::domain::policy::Policy;
use crate::domain::refusal::{Problem, Refusal};
use crate::store::Chunk;

use super::agents::command::{ActOnItem, Acted, SetState};
use super::command::{
    CancelItem, Command, OrderEntrance, Reply, ResolveItem, Submit, SubmitMany, UpdateItem,
};
use super::flows::command::{
    FlowCommand, HandleFollowUp, HandledFollowUp, StartFollowUp, StartedFollowUp,
};
use super::live::Live;
use super::people::People;
use super::people::change::{ChangePeople, PeopleReply};
use super::reads::NoteRead;
use super::run::CommandSender;
use super::view::View;

/// Seconds a sender should wait when the engine has no place for its command.
const OVERLOADED_RETRY_AFTER_S: u32 = 1;

/// A way to the engine. Cheap to clone; the engine ends when the last one is dropped.
#[derive(Clone)]
pub struct EngineHandle {
    commands: CommandSender,
    view: watch::Receiver<Arc<View>>,
    live: Arc<Live>,
}

impl EngineHandle {
    pub(super) fn new(
        commands: CommandSender,
        view: watch::Receiver<Arc<View>>,
        live: Arc<Live>,
    ) -> EngineHandle {
        EngineHandle {
            commands,
            view,
            live,
        }
    }

    /// The newest picture. Whoever has an answer of the engine finds it in there.
    pub fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    /// The pictures as they come, for whoever waits for a change.
    pub fn views(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    /// Returns when the engine has stopped for good.
    pub async fn stopped(&self) {
        let mut view = self.view.clone();
        while view.changed().await.is_ok() {}
    }

    /// Creates one item. The receipt comes after the commit.
    ///
    /// # Errors
    /// Why no item was created.
    pub async fn submit(&self, submit: Submit) -> Result<Receipt, Refusal> {
        self.ask(|reply| Command::Submit(Box::new(submit), reply))
            .await
    }

    /// Creates many items, each judged by itself.
    ///
    /// # Errors
    /// The engine did not take the command: nothing was created.
    pub async fn submit_many(&self, many: SubmitMany) -> Result<Vec<EntryAnswer>, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::SubmitMany(Box::new(many), reply))?;
        answer.await.map_err(|_| gone())
    }

    /// Stores a piece of an attachment whose item is still to come.
    ///
    /// # Errors
    /// It is not stored.
    pub async fn store_chunk(&self, chunk: Chunk) -> Result<(), Refusal> {
        self.ask(|reply| Command::StoreChunk(chunk, reply)).await
    }

    /// Changes an item.
    ///
    /// # Errors
    /// Why nothing changed.
    pub async fn update(&self, update: UpdateItem) -> Result<Receipt, Refusal> {
        self.ask(|reply| Command::Update(Box::new(update), reply))
            .await
    }

    /// Takes an item back.
    ///
    /// # Errors
    /// Why it could not be.
    pub async fn cancel(&self, cancel: CancelItem) -> Result<Status, Refusal> {
        self.ask(|reply| Command::Cancel(Box::new(cancel), reply))
            .await
    }

    /// Does something with an item, as an agent or a supervisor.
    ///
    /// # Errors
    /// Why not; `wrongState` names the state the item is in.
    pub async fn act(&self, request: ActOnItem) -> Result<Acted, Refusal> {
        self.ask(|reply| Command::Act(Box::new(request), reply))
            .await
    }

    /// Sets an agent's state.
    ///
    /// # Errors
    /// Why nothing changed.
    pub async fn set_state(&self, request: SetState) -> Result<(), Refusal> {
        self.ask(|reply| Command::SetState(Box::new(request), reply))
            .await
    }

    /// An agent has gone without a word.
    ///
    /// # Errors
    /// The engine did not take the command.
    pub async fn lose_agent(&self, user: UserId) -> Result<(), Refusal> {
        self.ask(|reply| Command::LoseAgent(user, reply)).await
    }

    /// Where items stand beyond their rows, in the order given.
    ///
    /// # Errors
    /// The engine did not take the command.
    pub async fn locate(&self, items: Vec<Item>) -> Result<Vec<Whereabouts>, Refusal> {
        self.ask(|reply| Command::Locate(items, reply)).await
    }

    /// The newest events, for those who look at agents and items as they change.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Which row a sender's address means.
    ///
    /// # Errors
    /// `unknownItem`.
    pub async fn resolve(&self, request: ResolveItem) -> Result<Sequence, Refusal> {
        self.ask(|reply| Command::Resolve(Box::new(request), reply))
            .await
    }

    /// Opens or closes an entrance.
    ///
    /// # Errors
    /// Why not.
    pub async fn order_entrance(&self, order: OrderEntrance) -> Result<EntranceStatus, Refusal> {
        self.ask(|reply| Command::Entrance(Box::new(order), reply))
            .await
    }

    /// Acknowledges an alert or pushes a button.
    ///
    /// # Errors
    /// `unknownItem` (also where one may not see it), `notAuthorised`, `wrongState` when its stage
    /// was left before.
    pub async fn handle_follow_up(
        &self,
        request: HandleFollowUp,
    ) -> Result<HandledFollowUp, Refusal> {
        self.ask(|reply| Command::Flows(Box::new(FlowCommand::Handle(request, reply))))
            .await
    }

    /// Opens a follow-up.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn start_follow_up(
        &self,
        request: StartFollowUp,
    ) -> Result<StartedFollowUp, Refusal> {
        self.ask(|reply| Command::Flows(Box::new(FlowCommand::Start(Box::new(request), reply))))
            .await
    }

    /// Puts on record that somebody looks at an item.
    ///
    /// # Errors
    /// It is not on record; `storageFull` while there is no room.
    pub async fn note_read(&self, noted: NoteRead) -> Result<(), Refusal> {
        self.ask(|reply| Command::NoteRead(Box::new(noted), reply))
            .await
    }

    /// Changes users, sessions and tokens, all that is asked or nothing.
    ///
    /// # Errors
    /// Why nothing changed.
    pub async fn change_people(&self, change: ChangePeople) -> Result<PeopleReply, Refusal> {
        self.ask(|reply| Command::People(Box::new(change), reply))
            .await
    }

    /// The newest picture of all people.
    pub fn people(&self) -> Arc<People> {
        self.view.borrow().people.clone()
    }

    /// Puts a new policy in force, as a whole or not at all.
    ///
    /// # Errors
    /// A sentence that says why the old one stays.
    pub async fn reload(&self, policy: Arc<Policy>) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Reload(policy, reply))
            .map_err(|refusal| refusal.first.message)?;
        answer
            .await
            .map_err(|_| "the engine has stopped".to_owned())?
    }

    pub(super) async fn ask<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply))?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    fn send(&self, command: Command) -> Result<(), Refusal> {
        self.commands
            .try_send(command)
            .map_err(|error| match error {
                TrySendError::Full(_) => Problem::new(
                    Code::Overloaded,
                    "Too many messages wait to be stored: nothing was created, send it again.",
                )
                .retry_after(OVERLOADED_RETRY_AFTER_S)
                .into(),
                TrySendError::Disconnected(_) => gone(),
            })
    }
}

/// The engine has ended, or failed on this very command: what became of it is not known here, but
/// sending it again is safe.
fn gone() -> Refusal {
    Refusal::new(
        Code::InternalError,
        "The engine stopped before it could answer: send the same message again; its reference \
         keeps it from being created twice.",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::domain::message::Address;
    use crate::domain::time::Timestamp;
    use crate::engine::view::Intake;
    use crate::engine::world::sender;

    #[tokio::test]
    async fn an_engine_that_has_ended_is_an_internal_error() {
        let (commands, receiver) = sync_channel(1);
        let picture = View {
            at: Timestamp(0),
            intake: Intake::Open,
            services: BTreeMap::new(),
            tenants: BTreeMap::new(),
            notifications: 0,
            people: Arc::default(),
            agents: Arc::default(),
        };
        let (_pictures, view) = watch::channel(Arc::new(picture));
        let handle = EngineHandle::new(commands, view, Arc::new(Live::new(Timestamp(0))));
        drop(receiver);
        let question = ResolveItem {
            sender: Arc::new(sender("core")),
            address: Address::Reference("a".to_owned()),
        };
        let refusal = handle.resolve(question).await.expect_err("nobody answers");
        assert_eq!(refusal.code(), Code::InternalError);
    }
}
