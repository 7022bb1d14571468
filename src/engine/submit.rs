//! Creating items: what is decided about one `workItem`, in the order the contract names.

use std::sync::Arc;

use crate::domain::answer::{EntranceStatus, EntryAnswer, Receipt, Warning, WarningCode};
use crate::domain::code::Code;
use crate::domain::content::{Content, Expiry, PreferredAgents};
use crate::domain::ids::{Priority, Sequence, ServiceId, TenantId};
use crate::domain::item::{Item, ItemState};
use crate::domain::journal::Actor;
use crate::domain::message::Submission;
use crate::domain::policy::{RELATED_CHAIN_MAX, SenderPolicy, ServicePolicy};
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;
use crate::routing::core::unknown_service;
use crate::routing::requirement::CLASSES_MAX;
use crate::store::{KnownReference, Store, StoreError};

use super::Engine;
use super::command::{Pending, Reply, Submit, SubmitMany};
use super::directory::SenderEntry;
use super::trouble::storage_failed;
use super::turn::{Created, Turn};

/// A decision, or the failure of the store that prevented it.
pub(super) type Decision<T> = Result<Result<T, Refusal>, StoreError>;

/// Where a message came from.
struct Origin<'a> {
    sender: &'a SenderPolicy,
    received_at: Timestamp,
    traceparent: Option<&'a str>,
}

/// Share of the fair use from which a receipt warns, in percent.
const FAIR_USE_NEAR_PERCENT: u64 = 80;

/// Seconds a sender should wait for room among the sets of skills.
const CLASSES_RETRY_AFTER_S: u32 = 5;

impl<S: Store> Engine<S> {
    pub(super) fn submit(
        &mut self,
        turn: &mut Turn,
        submit: Submit,
        reply: Reply<Receipt>,
    ) -> Result<(), StoreError> {
        let Submit {
            sender,
            received_at,
            submission,
            traceparent,
        } = submit;
        let from = Origin {
            sender: &sender,
            received_at,
            traceparent: traceparent.as_deref(),
        };
        match self.submit_one(turn, &from, submission) {
            Ok(result) => turn.pending.push(Pending::Receipt(reply, result)),
            Err(error) => return turn.fail(error, reply, Pending::Receipt),
        }
        Ok(())
    }

    pub(super) fn submit_many(
        &mut self,
        turn: &mut Turn,
        many: SubmitMany,
        reply: tokio::sync::oneshot::Sender<Vec<EntryAnswer>>,
    ) -> Result<(), StoreError> {
        let from = Origin {
            sender: &many.sender,
            received_at: many.received_at,
            traceparent: many.traceparent.as_deref(),
        };
        let mut answers = Vec::with_capacity(many.entries.len());
        let mut failure = Ok(());
        for entry in many.entries {
            answers.push(match entry {
                Err(refused) => EntryAnswer {
                    reference: refused.reference,
                    result: Err(refused.refusal),
                },
                Ok(submission) => {
                    let reference = Some(submission.content.reference.clone());
                    let decision = match &failure {
                        Ok(()) => self.submit_one(turn, &from, submission),
                        Err(_) => Ok(Err(storage_failed())),
                    };
                    let result = decision.unwrap_or_else(|error| {
                        failure = Err(error);
                        Err(storage_failed())
                    });
                    EntryAnswer { reference, result }
                }
            });
        }
        turn.pending.push(Pending::Entries(reply, answers));
        failure
    }

    /// Decides one `workItem`; attachments of one that is not created are dropped.
    fn submit_one(
        &mut self,
        turn: &mut Turn,
        from: &Origin<'_>,
        submission: Submission,
    ) -> Decision<Receipt> {
        let blobs: Vec<_> = submission
            .content
            .attachments
            .iter()
            .map(|file| file.blob)
            .collect();
        let decision = self.decide(turn, from, submission)?;
        let created = matches!(&decision, Ok(receipt) if !receipt.duplicate && !receipt.dry_run);
        if !created {
            turn.batch.dropped_blobs.extend(blobs);
        }
        Ok(decision)
    }

    fn decide(
        &mut self,
        turn: &mut Turn,
        from: &Origin<'_>,
        submission: Submission,
    ) -> Decision<Receipt> {
        let Some(entry) = self.directory.caller(from.sender) else {
            return Ok(Err(unknown_sender()));
        };
        if let Some(known) = self.find_reference(turn, entry, &submission.content.reference)? {
            return self.replay(turn, known, submission);
        }
        if let Err(refusal) = self.intake_is_open() {
            return Ok(Err(refusal));
        }
        if let Some(refusal) = Refusal::of(submission.problems.clone()) {
            return Ok(Err(refusal));
        }
        let service = self
            .directory
            .service(entry.tenant, &submission.content.service);
        let service = service.filter(|_| from.sender.may_use(&submission.content.service));
        let Some(service) = service else {
            return Ok(Err(unknown_service()));
        };
        if let Err(refusal) = self.know_class(&submission.content) {
            return Ok(Err(refusal));
        }
        let related = match self.follow_relation(turn, entry.tenant, &submission.content)? {
            Ok(related) => related,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let state = match self
            .core
            .admit(service, submission.content.not_before, turn.now)
        {
            Ok(state) => state,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut item = self.new_item(turn, entry, service, state, from.received_at, &submission);
        let begun = self.begin(turn, &mut item, &submission.content);
        let becomes = begun.becomes(&item).clone();
        let warnings = self.warnings(&becomes, &submission.content, related);
        if submission.dry_run {
            return Ok(Ok(self.dry_receipt(&becomes, submission.content, warnings)));
        }
        let bodies = &submission.content.attachments;
        if let Err(refusal) = self.uploads.check(bodies, &turn.batch.chunks) {
            return Ok(Err(refusal));
        }
        self.next_sequence = Sequence(self.next_sequence.0 + 1);
        let place = self.place(&item);
        self.core.apply(None, &place, turn.now);
        let reference = submission.content.reference.clone();
        turn.create(Created {
            actor: Actor::Sender(item.sender),
            item: item.clone(),
            content: submission.content,
            raw: Some(submission.raw),
            traceparent: from.traceparent,
        });
        self.write_begun(turn, &item, begun)?;
        Ok(Ok(self.receipt(&becomes, reference, warnings)))
    }

    /// Makes sure that what the item asks of agents has a class, without which it would go to
    /// anybody. Classes of items that are gone are forgotten when the core is made anew.
    fn know_class(&mut self, content: &Content) -> Result<(), Refusal> {
        let distribution = self.core.distribution_mut();
        if distribution.class_of(&content.skills).is_some() {
            return Ok(());
        }
        self.rebuild_due |= self.classes_at_rebuild <= CLASSES_MAX / 2;
        let message = "There are too many different sets of skills: nothing was created, send it \
                       again later.";
        Err(Problem::new(Code::Overloaded, message)
            .retry_after(CLASSES_RETRY_AFTER_S)
            .into())
    }

    fn find_reference(
        &mut self,
        turn: &Turn,
        sender: SenderEntry,
        reference: &str,
    ) -> Result<Option<KnownReference>, StoreError> {
        match turn.new_by_reference(sender.id, reference) {
            Some(item) => Ok(Some(KnownReference::Item(Box::new(item.clone())))),
            None => {
                let mut known = self.store.find_reference(sender.id, reference)?;
                if let Some(KnownReference::Item(item)) = &mut known
                    && let Some(changed) = turn.changed_row(item.sequence)
                {
                    **item = changed.clone();
                }
                Ok(known)
            }
        }
    }

    /// The answer to a reference that is known: the first receipt again, or a refusal.
    fn replay(
        &mut self,
        turn: &Turn,
        known: KnownReference,
        submission: Submission,
    ) -> Decision<Receipt> {
        let first = match known {
            KnownReference::Item(item) => item,
            KnownReference::Erased => return Ok(Err(erased_reference())),
        };
        if first.content_digest != submission.content_digest {
            let message = format!(
                "This reference already belongs to item {} with other content: give a new piece \
                 of work a new reference, or change the first by update.",
                first.id
            );
            let mut refusal = Refusal::new(Code::DuplicateReference, message);
            refusal.existing = Some(first.id);
            return Ok(Err(refusal));
        }
        let content = submission.content;
        let related = self.follow_relation(turn, first.tenant, &content)?;
        let warnings = self.content_warnings(&first, &content, related.unwrap_or(Relation::None));
        let mut receipt = self.receipt(&first, content.reference, warnings);
        receipt.duplicate = true;
        if submission.dry_run {
            receipt.dry_run = true;
            receipt.id = None;
        }
        Ok(Ok(receipt))
    }

    /// Looks along the chain of `relatedTo`: whether its first link exists, and that it is short.
    fn follow_relation(
        &mut self,
        turn: &Turn,
        tenant: TenantId,
        content: &Content,
    ) -> Decision<Relation> {
        let Some(mut name) = content.related_to.clone() else {
            return Ok(Ok(Relation::None));
        };
        for links in 0..=RELATED_CHAIN_MAX {
            let new = turn.new_related(tenant, &name);
            let stored = match new {
                Some(_) => None,
                None => self.store.find_related(tenant, &name)?,
            };
            if new.is_none() && stored.is_none() {
                return Ok(Ok(if links == 0 {
                    Relation::Unknown
                } else {
                    Relation::Known
                }));
            }
            if links == RELATED_CHAIN_MAX {
                break;
            }
            let next = match (new, stored) {
                (Some(new), _) => new.content.related_to.clone(),
                (None, Some(sequence)) => {
                    let content = self.store.content(sequence)?;
                    content.and_then(|content| content.related_to)
                }
                (None, None) => None,
            };
            match next {
                Some(next) => name = next,
                None => return Ok(Ok(Relation::Known)),
            }
        }
        Ok(Err(Refusal::new(
            Code::RelatedTooDeep,
            format!(
                "relatedTo leads through more than {RELATED_CHAIN_MAX} items: two systems may be \
                 answering each other; relate to the first item of the chain instead."
            ),
        )))
    }

    fn new_item(
        &mut self,
        turn: &Turn,
        sender: SenderEntry,
        service: ServiceId,
        state: ItemState,
        received_at: Timestamp,
        submission: &Submission,
    ) -> Item {
        let content = &submission.content;
        let policy = self
            .core
            .service(service)
            .and_then(|service| service.policy.as_deref());
        Item {
            sequence: self.next_sequence,
            id: self.ids.next(turn.now),
            tenant: sender.tenant,
            sender: sender.id,
            service,
            state,
            priority: content
                .priority
                .or(policy.map(|policy| policy.priority))
                .unwrap_or(Priority::DEFAULT),
            version: 1,
            journal_rows: 0,
            received_at,
            stored_at: turn.now,
            not_before: content.not_before,
            due_by: content.due_by,
            expires_at: expires_at(content, policy, received_at),
            queued_at: (state == ItemState::Queued).then_some(turn.now),
            entered_at: None,
            accepted_at: None,
            attempts: 0,
            holder: None,
            wish: Wish::of(content).map(Arc::new),
            flow: None,
            ended: None,
            chargeable: content.chargeable.unwrap_or(true),
            content_digest: submission.content_digest,
        }
    }

    /// The receipt of an item as it stands now.
    pub(super) fn receipt(
        &mut self,
        item: &Item,
        reference: String,
        warnings: Vec<Warning>,
    ) -> Receipt {
        let place = self.place(item);
        let position = self.core.position(&place);
        let waits = item.state != ItemState::Queued;
        Receipt {
            id: Some(item.id),
            reference,
            state: item.state,
            version: item.version,
            duplicate: false,
            dry_run: false,
            received_at: item.received_at,
            stored_at: item.stored_at,
            expires_at: item.expires_at,
            service: self.service_name(item.service),
            reason: waits.then(|| self.core.why(&place)).flatten(),
            opens_at: match item.state {
                ItemState::Buffered => self.entrance_of(item).opens_at,
                _ => None,
            },
            position,
            estimated_wait: self.estimate(item, position),
            warnings,
        }
    }

    fn dry_receipt(&mut self, item: &Item, content: Content, warnings: Vec<Warning>) -> Receipt {
        let service = self.core.service(item.service);
        let ahead = service.map_or(0, |service| match item.state {
            ItemState::Buffered => service.buffer.ahead_of_newcomer(item.priority),
            ItemState::Queued => service.queue.ahead_of_newcomer(item.priority),
            _ => 0,
        });
        let waits = matches!(item.state, ItemState::Buffered | ItemState::Queued);
        Receipt {
            id: None,
            dry_run: true,
            position: waits.then_some(ahead + 1),
            ..self.receipt(item, content.reference, warnings)
        }
    }

    fn warnings(&self, item: &Item, content: &Content, related: Relation) -> Vec<Warning> {
        let mut warnings = self.content_warnings(item, content, related);
        warnings.extend(self.fair_use_warning(item));
        warnings
    }

    /// What the values themselves deserve, told again with a repeat.
    fn content_warnings(&self, item: &Item, content: &Content, related: Relation) -> Vec<Warning> {
        let mut warnings = self.agent_warnings(item, content.preferred_agents.as_ref());
        let skills = content.skills.iter();
        for skill in skills.filter(|skill| !self.people.has_skill(item.tenant, &skill.name)) {
            warnings.push(Warning {
                code: WarningCode::UnknownSkill,
                message: format!("Nobody has the skill {}.", skill.name),
            });
        }
        if matches!(related, Relation::Unknown) {
            warnings.push(Warning {
                code: WarningCode::UnknownRelated,
                message: "relatedTo names no item of this tenant.".to_owned(),
            });
        }
        warnings.extend(self.timing_warning(item));
        warnings
    }

    pub(super) fn agent_warnings(
        &self,
        item: &Item,
        wanted: Option<&PreferredAgents>,
    ) -> Vec<Warning> {
        let wanted = wanted.into_iter().flat_map(|wanted| &wanted.agents);
        let unknown = wanted.filter(|agent| !self.people.has_agent(item.tenant, &agent.name));
        unknown
            .map(|agent| Warning {
                code: WarningCode::UnknownAgent,
                message: format!("There is no agent {}: the wish is kept.", agent.name),
            })
            .collect()
    }

    pub(super) fn timing_warning(&self, item: &Item) -> Option<Warning> {
        let opens_at = self.entrance_of(item).opens_at?;
        let expires_at = item.expires_at?;
        let waits = matches!(item.state, ItemState::Buffered | ItemState::Scheduled);
        (waits && expires_at <= opens_at).then(|| Warning {
            code: WarningCode::ExpiresBeforeOpening,
            message: "The item expires before the entrance opens.".to_owned(),
        })
    }

    fn fair_use_warning(&self, item: &Item) -> Option<Warning> {
        let tenant = self.core.tenant(item.tenant)?;
        let max = u64::from(tenant.fair_use?);
        let taken = tenant.fair_use_taken + u64::from(item.state.counts_for_fair_use());
        (taken * 100 >= max * FAIR_USE_NEAR_PERCENT).then(|| Warning {
            code: WarningCode::FairUseNear,
            message: format!("{taken} of the {max} open items of the fair use are taken."),
        })
    }

    pub(super) fn entrance_of(&self, item: &Item) -> EntranceStatus {
        let service = self.core.service(item.service);
        service
            .map(|service| service.entrance_status())
            .unwrap_or_default()
    }

    pub(super) fn service_name(&self, id: ServiceId) -> String {
        self.core
            .service(id)
            .map(|service| service.name.to_string())
            .unwrap_or_default()
    }
}

/// What became of `relatedTo`.
enum Relation {
    None,
    Known,
    Unknown,
}

/// When an item expires: by its own word, else by its service's lifetime, else never.
fn expires_at(
    content: &Content,
    policy: Option<&ServicePolicy>,
    received_at: Timestamp,
) -> Option<Timestamp> {
    let start = content
        .not_before
        .map_or(received_at, |start| start.max(received_at));
    match content.expiry {
        Some(Expiry::At(at)) => Some(at),
        Some(Expiry::Lifetime { ms }) => Some(start.plus_ms(ms)),
        None => policy
            .and_then(|policy| policy.lifetime_ms)
            .map(|ms| start.plus_ms(ms)),
    }
}

fn erased_reference() -> Refusal {
    Refusal::new(
        Code::DuplicateReference,
        "This reference was used for an item whose data has been erased: give a new piece of work \
         a new reference.",
    )
}

pub(super) fn unknown_sender() -> Refusal {
    Refusal::new(
        Code::NotAuthenticated,
        "This sender is not in the configuration any longer.",
    )
}
