//! Opening follow-ups: items of their own that a workflow leads.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::code::Code;
use crate::domain::content::{ContactDatum, Content};
use crate::domain::ids::{ItemId, Priority, Sequence, ServiceId, TenantId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::{Actor, JournalEvent};
use crate::domain::people::User;
use crate::domain::permission::{Action, Target, may};
use crate::domain::policy::CONTACT_DATA_BYTES_MAX;
use crate::domain::refusal::Refusal;
use crate::domain::wish::Wish;
use crate::domain::workflow::{START_DEPTH_MAX, Workflow};
use crate::engine::Engine;
use crate::engine::agents::act::unknown_item;
use crate::engine::directory::SenderEntry;
use crate::engine::submit::Decision;
use crate::engine::turn::{Created, Line, Turn};
use crate::store::{KnownReference, Store, StoreError};

use super::command::{FollowUpSubject, StartFollowUp, StartedFollowUp};
use super::wants::KEYS_MAX;

/// Characters of a title, as in the schema of messages.
const TITLE_CHARS_MAX: usize = 200;

/// A follow-up that may be opened.
struct Opening {
    sender: SenderEntry,
    service: ServiceId,
    workflow: Arc<Workflow>,
    content: Content,
    chargeable: bool,
    depth: u8,
    actor: Actor,
}

/// What a follow-up takes over from the item it is about.
struct Parent {
    item: Item,
    content: Content,
}

impl<S: Store> Engine<S> {
    /// Opens a follow-up by the word of a person. `None`: its item is busy in this turn.
    pub(super) fn start_follow_up(
        &mut self,
        turn: &mut Turn,
        request: &StartFollowUp,
    ) -> Result<Option<Result<StartedFollowUp, Refusal>>, StoreError> {
        let user = match self.asking(&request.by) {
            Ok(user) => user,
            Err(refusal) => return Ok(Some(Err(refusal))),
        };
        let user = user.as_ref().map(|account| &account.user);
        let opening = match &request.subject {
            FollowUpSubject::Item(id) => {
                if turn.is_new(*id) {
                    return Ok(None);
                }
                match self.opening_for_item(turn, request, user, *id)? {
                    Ok(Some(opening)) => Ok(opening),
                    Ok(None) => return Ok(None),
                    Err(refusal) => Err(refusal),
                }
            }
            FollowUpSubject::Free { .. } => self.opening_for_nobody(request, user),
        };
        let result = match opening {
            Ok(opening) => self.open_once(turn, request, opening)?,
            Err(refusal) => Err(refusal),
        };
        Ok(Some(result))
    }

    fn opening_for_item(
        &mut self,
        turn: &Turn,
        request: &StartFollowUp,
        user: Option<&User>,
        id: ItemId,
    ) -> Decision<Option<Opening>> {
        let Some(item) = self.store.find_id(id)? else {
            return Ok(Err(unknown_item()));
        };
        if turn.has_touched(&item) {
            return Ok(Ok(None));
        }
        if let Some(user) = user {
            let here = Target::Service(item.tenant, item.service);
            let had = user.tenant == item.tenant && self.had(user, &item)?;
            let sees = had || may(user, Action::SeeItem, here);
            let creates = may(user, Action::CreateItem, here)
                || had && may(user, Action::WorkOnItem, Target::Own);
            if !sees {
                return Ok(Err(unknown_item()));
            }
            if !creates {
                return Ok(Err(not_authorised()));
            }
        }
        let content = self.content_in(turn, item.sequence)?;
        let parent = Parent { item, content };
        let own = self.service_name(parent.item.service);
        let service = request.service.as_deref().unwrap_or(&own);
        let service = self
            .service_of(parent.item.tenant, service)
            .and_then(|id| may_open_in(user, &parent.item, id).map(|()| id));
        Ok(service
            .and_then(|service| self.opening(request, parent.item.tenant, service, Some(&parent)))
            .map(Some))
    }

    fn opening_for_nobody(
        &mut self,
        request: &StartFollowUp,
        user: Option<&User>,
    ) -> Result<Opening, Refusal> {
        let Some(name) = &request.service else {
            return Err(Refusal::new(
                Code::InvalidField,
                "Say which service the follow-up belongs to.",
            ));
        };
        let tenant = match user {
            Some(user) => user.tenant,
            None => {
                let mut tenants = self.directory.services_named(name);
                match (tenants.next(), tenants.next()) {
                    (Some((tenant, _)), None) => tenant,
                    (None, _) | (Some(_), Some(_)) => return Err(no_such_service(name)),
                }
            }
        };
        let service = self.service_of(tenant, name)?;
        let here = Target::Service(tenant, service);
        if user.is_some_and(|user| !may(user, Action::CreateItem, here)) {
            return Err(not_authorised());
        }
        self.opening(request, tenant, service, None)
    }

    fn service_of(&self, tenant: TenantId, name: &str) -> Result<ServiceId, Refusal> {
        let service = self.directory.service(tenant, name);
        let in_force = |id: &ServiceId| {
            let service = self.core.service(*id);
            service.is_some_and(|service| service.policy.is_some())
        };
        service
            .filter(in_force)
            .ok_or_else(|| no_such_service(name))
    }

    fn opening(
        &self,
        request: &StartFollowUp,
        tenant: TenantId,
        service: ServiceId,
        parent: Option<&Parent>,
    ) -> Result<Opening, Refusal> {
        let workflow = self.workflow_of(tenant, &request.workflow).ok_or_else(|| {
            let message = format!("There is no workflow {}.", request.workflow);
            Refusal::new(Code::InvalidField, message)
        })?;
        let sender = self.directory.follow_ups_of(tenant).ok_or_else(|| {
            Refusal::new(
                Code::InternalError,
                "The tenant is not in the configuration.",
            )
        })?;
        let mut content = self.content_of_follow_up(service, &workflow, parent);
        if let FollowUpSubject::Free { customer, title } = &request.subject {
            content.customer = customer.clone();
            content.title = title.clone().or(content.title);
        }
        content.reference = request.reference.clone().unwrap_or_default();
        set_all(&mut content.contact_data, &request.parameters)?;
        Ok(Opening {
            sender,
            service,
            workflow,
            content,
            chargeable: parent.is_none_or(|parent| parent.item.chargeable),
            depth: 0,
            actor: request.by.actor.clone(),
        })
    }

    fn workflow_of(&self, tenant: TenantId, name: &str) -> Option<Arc<Workflow>> {
        let tenant = self.directory.tenant(tenant)?;
        tenant.workflows.get(name).cloned()
    }

    fn content_of_follow_up(
        &self,
        service: ServiceId,
        workflow: &Workflow,
        parent: Option<&Parent>,
    ) -> Content {
        let service = self.service_name(service);
        let Some(Parent { item, content }) = parent else {
            return Content {
                service,
                title: Some(workflow.name.clone()),
                ..Content::default()
            };
        };
        let title = content.title.clone();
        Content {
            service,
            title: title.or_else(|| self.title_by_key(item, content)),
            description: content.description.clone(),
            task_type: content.task_type.clone(),
            origin: content.origin.clone(),
            customer: content.customer.clone(),
            links: content.links.clone(),
            tags: content.tags.clone(),
            contact_data: content.contact_data.clone(),
            due_by: None,
            related_to: Some(item.id.to_string()),
            ..Content::default()
        }
    }

    /// What an item without a title is called: by its work item key.
    fn title_by_key(&self, item: &Item, content: &Content) -> Option<String> {
        let tenant = self.directory.tenant(item.tenant)?;
        let mut data = content.contact_data.iter();
        let datum = data.find(|datum| datum.key == tenant.work_item_key)?;
        let words: Vec<&str> = datum.value.split_whitespace().collect();
        Some(words.join(" ").chars().take(TITLE_CHARS_MAX).collect())
    }

    /// Opens it, or answers a repeat as the first time.
    fn open_once(
        &mut self,
        turn: &mut Turn,
        request: &StartFollowUp,
        opening: Opening,
    ) -> Decision<StartedFollowUp> {
        let digest = digest_of(request);
        if let Some(reference) = &request.reference {
            let known = match turn.new_by_reference(opening.sender.id, reference) {
                Some(item) => Some(KnownReference::Item(Box::new(item.clone()))),
                None => self.store.find_reference(opening.sender.id, reference)?,
            };
            match known {
                Some(KnownReference::Item(item)) if item.content_digest == digest => {
                    return Ok(Ok(started(&item, reference.clone(), true)));
                }
                Some(_) => {
                    let message = "This reference already belongs to another follow-up: give each \
                                   a new one.";
                    return Ok(Err(Refusal::new(Code::DuplicateReference, message)));
                }
                None => {}
            }
        }
        if let Err(refusal) = self.core.admit_to_workflow(opening.sender.tenant) {
            return Ok(Err(refusal));
        }
        let about = (opening.sender.tenant, opening.workflow.name.clone());
        let audit = request.by.audited(turn.now, "followUp.start", about);
        let item = self.open(turn, opening, digest)?;
        turn.batch.audit.push(audit);
        let row = turn.row(item.sequence).cloned().unwrap_or(item);
        let reference = turn.content(row.sequence);
        let reference = reference.map(|content| content.reference.clone());
        Ok(Ok(started(&row, reference.unwrap_or_default(), false)))
    }

    /// Opens a follow-up because the workflow of an item says so. What prevents it stands in the
    /// item's journal.
    pub(super) fn start_by_workflow(
        &mut self,
        turn: &mut Turn,
        (item, depth): (&Item, u8),
        name: &str,
    ) -> Result<(), StoreError> {
        let named = ("workflow", name.to_owned());
        let (event, told) = match self.follow(turn, item, depth, name)? {
            Ok(id) => (JournalEvent::FollowUpStarted, ("item", id.to_string())),
            Err(why) => (JournalEvent::FollowUpRefused, ("why", why.to_owned())),
        };
        let line = Line {
            event,
            actor: Actor::Engine,
            data: vec![told, named],
        };
        turn.amend(item.sequence, line, |_| ());
        Ok(())
    }

    fn follow(
        &mut self,
        turn: &mut Turn,
        item: &Item,
        depth: u8,
        name: &str,
    ) -> Result<Result<ItemId, &'static str>, StoreError> {
        if depth >= START_DEPTH_MAX {
            return Ok(Err("tooDeep"));
        }
        let service = self.core.service(item.service);
        if service.is_none_or(|service| service.policy.is_none()) {
            return Ok(Err(Code::UnknownService.name()));
        }
        let workflow = self.workflow_of(item.tenant, name);
        let sender = self.directory.follow_ups_of(item.tenant);
        let Some((workflow, sender)) = workflow.zip(sender) else {
            return Ok(Err("unknownWorkflow"));
        };
        if let Err(refusal) = self.core.admit_to_workflow(item.tenant) {
            return Ok(Err(refusal.code().name()));
        }
        let content = self.content_in(turn, item.sequence)?;
        let parent = Parent {
            item: item.clone(),
            content,
        };
        let opening = Opening {
            sender,
            service: item.service,
            content: self.content_of_follow_up(item.service, &workflow, Some(&parent)),
            workflow,
            chargeable: item.chargeable,
            depth: depth + 1,
            actor: Actor::Engine,
        };
        // It has a reference of its own, so nobody can ask for it again.
        Ok(Ok(self.open(turn, opening, [0; 16])?.id))
    }

    fn open(
        &mut self,
        turn: &mut Turn,
        opening: Opening,
        content_digest: [u8; 16],
    ) -> Result<Item, StoreError> {
        let Opening {
            sender,
            service,
            workflow,
            mut content,
            chargeable,
            depth,
            actor,
        } = opening;
        let policy = self.core.service(service);
        let policy = policy.and_then(|service| service.policy.as_deref());
        let id = self.ids.next(turn.now);
        if content.reference.is_empty() {
            content.reference = id.to_string();
        }
        let mut item = Item {
            sequence: self.next_sequence,
            id,
            tenant: sender.tenant,
            sender: sender.id,
            service,
            state: ItemState::InWorkflow,
            priority: policy.map_or(Priority::DEFAULT, |policy| policy.priority),
            version: 1,
            journal_rows: 0,
            received_at: turn.now,
            stored_at: turn.now,
            not_before: None,
            due_by: content.due_by,
            expires_at: None,
            queued_at: None,
            entered_at: None,
            accepted_at: None,
            attempts: 0,
            holder: None,
            wish: Wish::of(&content).map(Arc::new),
            flow: None,
            ended: None,
            chargeable,
            content_digest,
        };
        self.next_sequence = Sequence(self.next_sequence.0 + 1);
        let begun = self.begin_with(turn, &mut item, &content, (workflow, depth));
        let place = self.place(&item);
        self.core.apply(None, &place, turn.now);
        turn.create(Created {
            item: item.clone(),
            content,
            raw: None,
            actor,
            traceparent: None,
        });
        self.write_begun(turn, &item, begun)?;
        Ok(item)
    }
}

fn started(row: &Item, reference: String, repeated: bool) -> StartedFollowUp {
    StartedFollowUp {
        item: row.id,
        sequence: row.sequence,
        reference,
        state: row.state,
        version: row.version,
        repeated,
    }
}

/// Gives each key its value.
fn set_all(data: &mut Vec<ContactDatum>, parameters: &[ContactDatum]) -> Result<(), Refusal> {
    for parameter in parameters {
        match data.iter_mut().find(|datum| datum.key == parameter.key) {
            Some(datum) => datum.value = parameter.value.clone(),
            None => data.push(parameter.clone()),
        }
    }
    let bytes: usize = data.iter().map(|it| it.key.len() + it.value.len()).sum();
    if data.len() > KEYS_MAX || bytes as u64 > CONTACT_DATA_BYTES_MAX {
        let message = format!(
            "The contact data of a follow-up has at most {KEYS_MAX} keys and \
             {CONTACT_DATA_BYTES_MAX} bytes: leave parameters out."
        );
        return Err(Refusal::new(Code::ContactDataTooLarge, message));
    }
    Ok(())
}

/// First half of the SHA-256 over what was asked for, which makes a follow-up the same one again. What
/// it takes over from its item is not part of that: it may have changed since.
fn digest_of(request: &StartFollowUp) -> [u8; 16] {
    let mut parts: Vec<String> = vec![
        request.workflow.clone(),
        request.service.clone().unwrap_or_default(),
    ];
    match &request.subject {
        FollowUpSubject::Item(id) => parts.push(id.to_string()),
        FollowUpSubject::Free { customer, title } => {
            let customer = customer.clone().unwrap_or_default();
            let said = [
                title.clone(),
                customer.id,
                customer.name,
                customer.company,
                customer.phone,
                customer.email,
            ];
            parts.extend(said.map(Option::unwrap_or_default));
        }
    }
    let data = request.parameters.iter();
    parts.extend(data.flat_map(|datum| [datum.key.clone(), datum.value.clone()]));
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part.as_bytes());
    }
    let digest: [u8; 32] = sha.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// Refuses users of other services than the item's in which they may create nothing.
fn may_open_in(user: Option<&User>, about: &Item, service: ServiceId) -> Result<(), Refusal> {
    let there = Target::Service(about.tenant, service);
    let may = |action: Action| user.is_none_or(|user| may(user, action, there));
    match service == about.service || may(Action::CreateItem) {
        true => Ok(()),
        false => Err(not_authorised()),
    }
}

fn no_such_service(name: &str) -> Refusal {
    let message = format!("There is no service {name}.");
    Refusal::new(Code::UnknownService, message)
}

fn not_authorised() -> Refusal {
    let message = "You may not open follow-ups here.";
    Refusal::new(Code::NotAuthorised, message)
}
