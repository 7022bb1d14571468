//! The world as one item's workflow sees it in one turn, and what it wants done to the item: a row,
//! lines of its journal, follow-ups. Nothing is written here.

use crate::domain::content::Content;
use crate::domain::facts::{Fact, Facts, ServiceFacts, Texts};
use crate::domain::flow::Woken;
use crate::domain::follow_up::FollowUp;
use crate::domain::ids::{Priority, ServiceId};
use crate::domain::item::{Holder, Item, ItemEvent, ItemState, transition};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::policy::TenantPolicy;
use crate::domain::session::ServiceResult;
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;
use crate::engine::directory::Directory;
use crate::engine::ids::Ids;
use crate::engine::turn::Line;
use crate::routing::core::Core;
use crate::routing::service::Service;
use crate::workflow::run::{Availability, Case, Effect, Opening, Standing};

/// What a workflow may look at.
pub(super) struct Surroundings<'a> {
    pub core: &'a Core,
    pub directory: &'a Directory,
    pub ids: &'a mut Ids,
    pub tenant: Option<&'a TenantPolicy>,
    pub now: Timestamp,
}

/// What has become of an item by its workflow.
pub(super) struct Became {
    /// The row, with its version and count of journal lines as they were.
    pub item: Item,
    /// Its values, and whether they changed.
    pub content: Content,
    pub content_changed: bool,
    /// Lines for the journal, each with the row as it was then.
    pub lines: Vec<(Line, Item)>,
    /// Alerts and buttons to show.
    pub shown: Vec<FollowUp>,
    /// Buttons that stood before go away.
    pub withdraws: bool,
    /// Workflows of follow-ups to open.
    pub starts: Vec<String>,
    /// Stays in services that are over, with the row as it left.
    pub left: Vec<(Item, ServiceResult)>,
    /// The agent out of whose hands the item was taken.
    pub taken_from: Option<Holder>,
}

/// One item and the world around it. See the module.
pub(super) struct FlowCase<'a> {
    pub(super) around: Surroundings<'a>,
    /// Name and number of stages of the workflow.
    pub(super) workflow: (&'a str, u8),
    pub became: Became,
}

impl<'a> FlowCase<'a> {
    pub(super) fn new(
        around: Surroundings<'a>,
        workflow: (&'a str, u8),
        item: Item,
        content: Content,
    ) -> FlowCase<'a> {
        let became = Became {
            item,
            content,
            content_changed: false,
            lines: Vec::new(),
            shown: Vec::new(),
            withdraws: false,
            starts: Vec::new(),
            left: Vec::new(),
            taken_from: None,
        };
        FlowCase {
            around,
            workflow,
            became,
        }
    }

    pub(super) fn line(&mut self, event: JournalEvent, data: Vec<(&'static str, String)>) {
        let actor = Actor::Engine;
        let line = Line { event, actor, data };
        self.became.lines.push((line, self.became.item.clone()));
    }

    /// Moves the item, if its state allows it. Returns whether it did.
    pub(super) fn step(&mut self, event: ItemEvent) -> bool {
        match transition(self.became.item.state, event) {
            Ok(state) => {
                let item = &mut self.became.item;
                item.state = state;
                if state == ItemState::Queued {
                    item.queued_at = item.queued_at.or(Some(self.around.now));
                    item.wish = Wish::from_now(item.wish.take(), self.around.now);
                }
                true
            }
            Err(_) => false,
        }
    }

    pub(super) fn service_id(&self, name: Option<&str>) -> Option<ServiceId> {
        match name {
            None => Some(self.became.item.service),
            Some(name) => self.around.directory.service(self.became.item.tenant, name),
        }
    }

    pub(super) fn service(&self, name: Option<&str>) -> Option<&Service> {
        self.around.core.service(self.service_id(name)?)
    }

    fn texts(&self) -> Texts {
        let content = &self.became.content;
        Texts {
            reference: content.reference.clone(),
            title: content.title.clone(),
            task_type: content.task_type.clone(),
            origin: content.origin.clone(),
            tags: content.tags.clone(),
            customer: content.customer.clone().unwrap_or_default(),
            contact_data: content.contact_data.clone(),
        }
    }

    fn service_facts(&self) -> ServiceFacts {
        let Some(service) = self.service(None) else {
            return ServiceFacts::default();
        };
        let (available, signed_in) = self.around.core.distribution().staff(service.id);
        ServiceFacts {
            name: service.name.to_string(),
            open: service.entrance.is_open(),
            queued: service.queue.len() as u64,
            buffered: service.buffer.len() as u64,
            available,
            signed_in,
        }
    }

    fn position(&self) -> Option<u64> {
        let item = &self.became.item;
        let service = self.around.core.service(item.service)?;
        match item.state {
            ItemState::Queued => service.queue.position(item.priority, item.sequence),
            ItemState::Buffered => service.buffer.position(item.priority, item.sequence),
            ItemState::Scheduled
            | ItemState::InWorkflow
            | ItemState::Offered
            | ItemState::Connected
            | ItemState::Parked
            | ItemState::Ended => None,
        }
    }
}

impl Case for FlowCase<'_> {
    fn standing(&self) -> Standing {
        match self.became.item.state {
            ItemState::Scheduled | ItemState::InWorkflow => Standing::InWorkflow,
            ItemState::Buffered => Standing::Buffered,
            ItemState::Queued | ItemState::Offered => Standing::Queued,
            ItemState::Connected | ItemState::Parked => Standing::InHands,
            ItemState::Ended => Standing::Ended,
        }
    }

    fn priority(&self) -> Priority {
        self.became.item.priority
    }

    fn due_by(&self) -> Option<Timestamp> {
        self.became.item.due_by
    }

    fn next_local(&self, minute: u16) -> Timestamp {
        let now = self.around.now;
        match self.around.tenant {
            Some(tenant) => tenant.clock.next(minute, now),
            None => now,
        }
    }

    fn opening(&self, service: Option<&str>) -> Opening {
        match self.service(service) {
            Some(service) => match service.entrance.opening(self.around.now) {
                None => Opening::Open,
                Some(until) => Opening::Closed(until),
            },
            None => Opening::Closed(None),
        }
    }

    fn availability(&self, service: Option<&str>) -> Availability {
        let staff = self.service_id(service);
        let staff = staff.map(|service| self.around.core.distribution().staff(service));
        match staff.unwrap_or_default() {
            (1.., _) => Availability::Available,
            (0, 1..) => Availability::Busy,
            (0, 0) => Availability::NobodySignedIn,
        }
    }

    fn alerts(&self) -> bool {
        self.became.item.chargeable
    }

    fn facts(&self, wanted: &[Fact], open_alerts: u32, woken: Option<Woken>) -> Facts {
        let item = &self.became.item;
        let now = self.around.now;
        let wants = |fact: Fact| wanted.contains(&fact);
        let verdict = item.ended.as_ref().and_then(|ending| ending.said.as_ref());
        let waited_from = item.queued_at.filter(|_| item.accepted_at.is_none());
        Facts {
            now,
            state: item.state.name(),
            priority: item.priority.value(),
            chargeable: item.chargeable,
            received_at: item.received_at,
            due_by: item.due_by,
            waited_ms: waited_from.map_or(0, |from| now.since_ms(from).max(0)),
            attempts: item.attempts,
            result: verdict.map(|verdict| verdict.result.clone()),
            texts: match wants(Fact::Texts) {
                true => self.texts(),
                false => Texts::default(),
            },
            position: wants(Fact::Position).then(|| self.position()).flatten(),
            service: match wants(Fact::Service) {
                true => self.service_facts(),
                false => ServiceFacts::default(),
            },
            local: match self.around.tenant.filter(|_| wants(Fact::LocalTime)) {
                Some(tenant) => tenant.clock.at(now),
                None => Default::default(),
            },
            open_alerts,
            woken: woken.map_or("", Woken::word),
        }
    }

    fn transfer(&mut self, service: &str) -> bool {
        self.transfer_to(service)
    }

    fn carry_out(&mut self, effect: Effect<'_>) {
        self.do_as_wanted(effect);
    }
}
