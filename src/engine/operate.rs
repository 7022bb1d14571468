//! What people and the daemon order: entrances, attachments' chunks, a new policy.

use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::info;

use crate::domain::answer::EntranceStatus;
use crate::domain::code::Code;
use crate::domain::entrance::EntranceVerb;
use crate::domain::ids::{ServiceId, TenantId};
use crate::domain::policy::Policy;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::store::{AuditEntry, Chunk, Store};

use super::command::{OrderEntrance, Pending, Reply};
use super::turn::Turn;
use super::{Engine, StartError};

impl<S: Store> Engine<S> {
    pub(super) fn order_entrance(
        &mut self,
        turn: &mut Turn,
        order: OrderEntrance,
        reply: Reply<EntranceStatus>,
    ) {
        let result = self.put_order(turn, order);
        turn.pending.push(Pending::Entrance(reply, result));
    }

    fn put_order(
        &mut self,
        turn: &mut Turn,
        order: OrderEntrance,
    ) -> Result<EntranceStatus, Refusal> {
        let (tenant, id) = self.find_service(order.tenant.as_deref(), &order.service)?;
        if order.until.is_some_and(|until| until <= turn.now) {
            return Err(Refusal::new(
                Code::InvalidField,
                "until is not later than now.",
            ));
        }
        let service = self
            .core
            .service(id)
            .ok_or_else(|| unknown_service(&order.service))?;
        let orders =
            service
                .entrance
                .ordered(order.verb, order.until, order.reason.clone(), turn.now);
        let (verb, word) = match order.verb {
            EntranceVerb::Open => ("entrance.open", "opened"),
            EntranceVerb::Close => ("entrance.close", "closed"),
        };
        let until = order.until.map(|until| ("until", until.0.to_string()));
        let reason = order.reason.map(|reason| ("reason", reason));
        turn.batch.audit.push(AuditEntry {
            at: turn.now,
            actor: order.actor,
            verb,
            tenant: Some(tenant),
            object: order.service.clone(),
            data: until.into_iter().chain(reason).collect(),
        });
        // Two orders for one entrance in one turn: the later holds.
        turn.batch.entrances.retain(|(known, _)| *known != id);
        turn.batch.entrances.push((id, orders.clone()));
        self.core.set_orders(id, orders, turn.now);
        info!(service = %order.service, word, "entrance by hand");
        let service = self.core.service(id).expect("it was found above");
        Ok(service.entrance_status())
    }

    /// The service a person means: the tenant may be left out where the name is unique.
    fn find_service(
        &self,
        tenant: Option<&str>,
        name: &str,
    ) -> Result<(TenantId, ServiceId), Refusal> {
        let mut named = self.directory.services_named(name).filter(|(id, service)| {
            let wanted = tenant.is_none_or(|tenant| {
                self.directory
                    .tenant_name(*id)
                    .is_some_and(|known| known.as_ref() == tenant)
            });
            wanted && self.services.contains_key(service)
        });
        let first = named.next().ok_or_else(|| unknown_service(name))?;
        if named.next().is_some() {
            let message = format!("More than one tenant has a service {name}: name the tenant.");
            return Err(Refusal::new(Code::InvalidField, message));
        }
        Ok(first)
    }

    pub(super) fn store_chunk(&mut self, turn: &mut Turn, chunk: Chunk, reply: Reply<()>) {
        let result = self.intake_is_open();
        match result {
            Ok(()) => turn.batch.chunks.push(chunk),
            Err(_) => self.uploads.abandon(chunk.blob),
        }
        turn.pending.push(Pending::Done(reply, result));
    }

    /// Puts a policy in force. The core is made anew from the store, so nothing may be decided and
    /// not yet written: reloads come first in a turn.
    pub(super) fn reload(
        &mut self,
        policy: Arc<Policy>,
        reply: oneshot::Sender<Result<(), String>>,
        now: Timestamp,
    ) {
        let result = self.rebuild(policy, now).map_err(|error| match error {
            StartError::Store(error) => error.to_string(),
            StartError::Policy(message) => message,
        });
        if result.is_ok() {
            let keeps = self.tenants_that_keep_states();
            self.close_states(|user| !keeps.contains(&user.tenant));
            info!("a new configuration is in force");
        }
        drop(reply.send(result));
    }
}

fn unknown_service(name: &str) -> Refusal {
    Refusal::new(Code::NotFound, format!("There is no service {name}."))
}
