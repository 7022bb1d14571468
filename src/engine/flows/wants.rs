//! What a workflow wants done to its item.

use std::sync::Arc;

use crate::domain::content::ContactDatum;
use crate::domain::flow::Stop;
use crate::domain::follow_up::{Closed, FollowUp, FollowUpId, FollowUpKind};
use crate::domain::item::{Ending, Item, ItemEvent, ItemState, Placement};
use crate::domain::journal::JournalEvent;
use crate::domain::outcome::Outcome;
use crate::domain::people::Role;
use crate::domain::policy::CONTACT_DATA_BYTES_MAX;
use crate::domain::session::ServiceResult;
use crate::domain::wish::Wish;
use crate::domain::workflow::{Audience, StageNumber};
use crate::routing::service::Service;
use crate::workflow::run::{Effect, PreferredBy, StageRef};

use super::case::FlowCase;

/// Keys of one item's contact data, as in the schema of messages.
pub(super) const KEYS_MAX: usize = 50;

impl FlowCase<'_> {
    pub(super) fn do_as_wanted(&mut self, effect: Effect<'_>) {
        match effect {
            Effect::Entered(number, stage) => self.entered(number, stage),
            Effect::Waits { until, because } => {
                let mut data = vec![("until", until.0.to_string())];
                data.extend(because.map(|because| ("because", because.to_owned())));
                self.line(JournalEvent::WorkflowWaits, data);
            }
            Effect::ConditionFailed { when, why } => {
                let data = vec![("when", when.to_owned()), ("why", why.to_owned())];
                self.line(JournalEvent::ConditionFailed, data);
            }
            Effect::SetPriority(priority) if priority == self.became.item.priority => {}
            Effect::SetPriority(priority) => {
                self.became.item.priority = priority;
                let priority = priority.value().to_string();
                self.line(JournalEvent::Reprioritised, vec![("priority", priority)]);
            }
            Effect::SetContactData { key, value } => self.set_contact_data(key, value),
            Effect::Queue { agent } => self.enter_queue(agent),
            Effect::NoLongerTo { agent } => self.no_longer_to(agent),
            Effect::WaitOver => self.line(JournalEvent::MaximumWaitOver, Vec::new()),
            Effect::LeaveQueue => {
                self.move_item(ItemEvent::WorkflowTook, JournalEvent::TakenByWorkflow)
            }
            Effect::ForceIn => self.move_item(ItemEvent::WorkflowForcedIn, JournalEvent::ForcedIn),
            Effect::RelaxSkills => self.relax_skills(),
            Effect::Alert { to, text, stage } => self.alert(stage, to, text),
            Effect::Button {
                name,
                label,
                to,
                stage,
            } => self.button(stage, (name, label), to),
            Effect::WithdrawButtons => self.withdraw_buttons(),
            Effect::Notify { name } => {
                self.line(JournalEvent::SenderTold, vec![("name", name.to_owned())]);
            }
            Effect::Start { workflow } => self.became.starts.push(workflow.to_owned()),
            Effect::TooManyStarts { workflow } => {
                let why = ("why", "tooMany".to_owned());
                let data = vec![("workflow", workflow.to_owned()), why];
                self.line(JournalEvent::FollowUpRefused, data);
            }
            Effect::Cancel { reason } => self.cancel(reason),
            Effect::Finish => self.finish(),
            Effect::Stopped(why) => self.stopped(why),
        }
    }

    fn entered(&mut self, number: StageNumber, stage: StageRef<'_>) {
        let (workflow, stages) = self.workflow;
        let data = vec![
            ("workflow", workflow.to_owned()),
            ("stage", number.to_string()),
            ("stages", stages.to_string()),
            ("name", stage.0.event.title().to_owned()),
            ("event", stage.0.event.word().to_owned()),
        ];
        self.line(JournalEvent::StageEntered, data);
    }

    fn move_item(&mut self, event: ItemEvent, line: JournalEvent) {
        if self.step(event) {
            self.line(line, Vec::new());
        }
    }

    fn button(&mut self, stage: StageNumber, (name, label): (&str, &str), to: &Audience) {
        let kind = FollowUpKind::Button {
            name: name.to_owned(),
            label: label.to_owned(),
        };
        let id = self.show(stage, kind, to);
        let data = vec![
            ("followUp", id.to_string()),
            ("name", name.to_owned()),
            ("to", to.name().to_owned()),
        ];
        self.line(JournalEvent::ButtonShown, data);
    }

    /// Those shown before this turn, and those of a stage that this turn has come to and left again.
    fn withdraw_buttons(&mut self) {
        self.became.withdraws = true;
        for shown in &mut self.became.shown {
            match shown.kind {
                FollowUpKind::Button { .. } => {
                    let (at, by) = (self.around.now, None);
                    shown.closed.get_or_insert(Closed { at, by });
                }
                FollowUpKind::Alert { .. } => {}
            }
        }
    }

    /// Goes to the entrance, or stays where it waits already; in somebody's hands it stays.
    fn enter_queue(&mut self, agent: Option<PreferredBy<'_>>) {
        let state = self.became.item.state;
        let waits = match state {
            ItemState::Buffered | ItemState::Queued | ItemState::Offered => true,
            ItemState::Scheduled | ItemState::InWorkflow => false,
            ItemState::Connected | ItemState::Parked | ItemState::Ended => return,
        };
        if let Some(PreferredBy { agent, required }) = agent {
            let wish = self.became.item.wish.as_deref();
            let wish = Wish::first_to(wish, agent, required, self.around.now);
            self.became.item.wish = Some(Arc::new(wish));
        }
        let agent = agent.map(|agent| agent.agent.to_owned());
        if waits {
            let agents = agent.map(|agent| vec![("agents", agent)]);
            if let Some(data) = agents {
                self.line(JournalEvent::Reassigned, data);
            }
            return;
        }
        let placement = self.around.core.placement(self.became.item.service);
        self.step(ItemEvent::WorkflowQueued(placement));
        let mut data = vec![("state", self.became.item.state.name().to_owned())];
        data.extend(agent.map(|agent| ("agent", agent)));
        self.line(JournalEvent::QueuedByWorkflow, data);
    }

    /// Whom the workflow put first counts no longer; whom the sender prefers does again.
    fn no_longer_to(&mut self, agent: &str) {
        let item = &mut self.became.item;
        let wish = item.wish.as_deref();
        if wish.is_some_and(|wish| wish.is_first_to(agent)) {
            let preferred = self.became.content.preferred_agents.as_ref();
            let wish = Wish::with_preferred(wish, preferred, self.around.now);
            item.wish = wish.map(Arc::new);
        }
    }

    fn set_contact_data(&mut self, key: &str, value: &str) {
        let data = &mut self.became.content.contact_data;
        let before = data.iter().position(|datum| datum.key == key);
        if before.is_some_and(|index| data[index].value == value) {
            return;
        }
        let others = data.iter().filter(|datum| datum.key != key);
        let bytes: usize = others.map(|it| it.key.len() + it.value.len()).sum();
        let bytes = (bytes + key.len() + value.len()) as u64;
        if bytes > CONTACT_DATA_BYTES_MAX || (before.is_none() && data.len() >= KEYS_MAX) {
            let why = "contactDataTooLarge".to_owned();
            let action = ("action", "setContactData".to_owned());
            return self.line(JournalEvent::ActionFailed, vec![action, ("why", why)]);
        }
        let value = value.to_owned();
        match before {
            Some(index) => data[index].value = value,
            None => data.push(ContactDatum {
                key: key.to_owned(),
                value,
            }),
        }
        self.became.content_changed = true;
        self.line(JournalEvent::Edited, vec![("keys", key.to_owned())]);
    }

    fn relax_skills(&mut self) {
        let Some(wish) = &self.became.item.wish else {
            return;
        };
        let skills: Vec<&str> = wish
            .skills
            .iter()
            .map(|skill| skill.name.as_str())
            .collect();
        if skills.is_empty() {
            return;
        }
        let skills = skills.join(" ");
        self.became.item.wish = Wish::without_skills(wish).map(Arc::new);
        self.line(JournalEvent::SkillsRelaxed, vec![("skills", skills)]);
    }

    fn show(&mut self, stage: StageNumber, kind: FollowUpKind, to: &Audience) -> FollowUpId {
        let id = FollowUpId(self.around.ids.next(self.around.now).0);
        let item = &self.became.item;
        let (workflow, stages) = self.workflow;
        self.became.shown.push(FollowUp {
            id,
            sequence: item.sequence,
            tenant: item.tenant,
            service: item.service,
            workflow: workflow.to_owned(),
            stage,
            stages,
            kind,
            to: to.clone(),
            shown_at: self.around.now,
            closed: None,
        });
        id
    }

    fn alert(&mut self, stage: StageNumber, to: &Audience, text: &str) {
        let mut data = vec![("to", to.name().to_owned()), ("text", text.to_owned())];
        if !self.became.item.chargeable {
            return self.line(JournalEvent::AlertSuppressed, data);
        }
        let text = text.to_owned();
        let id = self.show(stage, FollowUpKind::Alert { text }, to);
        data.insert(0, ("followUp", id.to_string()));
        self.line(JournalEvent::AlertShown, data);
    }

    fn stopped(&mut self, why: Stop) {
        self.line(
            JournalEvent::WorkflowStopped,
            vec![("why", why.name().to_owned())],
        );
        let stage = self.became.item.flow.as_ref().map(|flow| flow.stage);
        let stage = stage.unwrap_or(StageNumber(1));
        let to = Audience::Role(Role::Supervisor);
        let text = format!("Workflow {} was stopped: {why}", self.workflow.0);
        let kind = FollowUpKind::Alert { text: text.clone() };
        let id = self.show(stage, kind, &to);
        let data = vec![
            ("followUp", id.to_string()),
            ("to", to.name().to_owned()),
            ("text", text),
        ];
        self.line(JournalEvent::AlertShown, data);
    }

    fn cancel(&mut self, reason: Option<&str>) {
        let before = self.became.item.clone();
        if !self.step(ItemEvent::WorkflowCancelled) {
            return;
        }
        self.became.taken_from = self.became.item.holder.take();
        self.end(before, Outcome::CancelledByWorkflow);
        let reason = reason.map(|reason| ("reason", reason.to_owned()));
        self.line(
            JournalEvent::CancelledByWorkflow,
            reason.into_iter().collect(),
        );
    }

    fn finish(&mut self) {
        let before = self.became.item.clone();
        let mut data = Vec::new();
        if self.step(ItemEvent::WorkflowFinished) {
            let outcome = Outcome::HandledByWorkflow;
            self.end(before, outcome);
            data.push(("outcome", outcome.name().to_owned()));
        }
        self.line(JournalEvent::WorkflowFinished, data);
    }

    fn end(&mut self, before: Item, outcome: Outcome) {
        self.became.item.ended = Some(Ending::of(self.around.now, outcome));
        self.became
            .left
            .push((before, ServiceResult::Ended(outcome)));
    }

    /// Whether one more fits in front of a service's entrance, if it comes to stand there.
    fn has_room(&self, service: &Service, placement: Placement) -> bool {
        let item = &self.became.item;
        let waits_there = item.state == ItemState::Buffered && item.service == service.id;
        service.has_room(placement, waits_there)
    }

    /// Sends the item to the entrance of another service. Returns whether it is there now.
    pub(super) fn transfer_to(&mut self, name: &str) -> bool {
        let target = self.service(Some(name));
        let target = target.filter(|target| target.policy.is_some());
        let placed = target.map(|target| (target.id, self.around.core.placement(target.id)));
        let fits = target.zip(placed);
        let fits = fits.is_some_and(|(target, (_, placement))| self.has_room(target, placement));
        let before = self.became.item.clone();
        let Some((service, placement)) = placed.filter(|_| fits) else {
            let code = if placed.is_some() {
                "bufferFull"
            } else {
                "unknownService"
            };
            let data = vec![("service", name.to_owned()), ("code", code.to_owned())];
            self.line(JournalEvent::TransferFailed, data);
            self.became
                .left
                .push((before, ServiceResult::TransferFailed));
            return false;
        };
        if before.service != service {
            self.became.item.wish = Wish::without_preferred(before.wish.as_deref()).map(Arc::new);
        }
        if !self.step(ItemEvent::WorkflowQueued(placement)) {
            return false;
        }
        self.became.item.service = service;
        self.became.item.entered_at = Some(self.around.now);
        let from = self.around.core.service(before.service);
        let from = from.map(|service| service.name.to_string());
        let data = vec![
            ("from", from.unwrap_or_default()),
            ("service", name.to_owned()),
            ("state", self.became.item.state.name().to_owned()),
        ];
        let result = ServiceResult::TransferredByWorkflow;
        self.became.left.push((before, result));
        self.line(JournalEvent::TransferredByWorkflow, data);
        true
    }
}
