//! Alerts and buttons as people read them: whose they are, the oldest first.
//!
//! Whoever asks sees a tenant, or some audiences of it in some services. Each of these parts is read
//! from an index in which it stands in order, and they are merged: a page costs its own length for
//! each part, however many follow-ups there are.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use super::Reader;
use crate::domain::audience::{FollowUpScope, Shown};
use crate::domain::follow_up::{FollowUp, FollowUpId};
use crate::domain::ids::{ItemId, Sequence, ServiceId};
use crate::domain::item::ItemState;
use crate::domain::time::Timestamp;
use crate::domain::workflow::WorkflowDigest;
use crate::store::sqlite::reading::{
    self, FOLLOW_UPS_OF_AUDIENCE, FOLLOW_UPS_OF_ITEM, FOLLOW_UPS_OF_SERVICE, FOLLOW_UPS_OF_TENANT,
};
use crate::store::{StoreError, WorkflowSource};

/// How far follow-ups are counted.
pub const FOLLOW_UPS_COUNTED_MAX: usize = 1_000;
/// Follow-ups of one item that are shown: the newest.
pub const FOLLOW_UPS_OF_ITEM_MAX: usize = 1_000;

/// Which follow-ups are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUpQuery {
    /// Whose.
    pub scope: FollowUpScope,
    /// Open or closed ones.
    pub state: FollowUpState,
    /// Only those behind this one, the last of the page before: when it was shown, and its id.
    pub after: Option<(Timestamp, FollowUpId)>,
    /// How many at most.
    pub limit: usize,
}

/// Whether somebody has still to look at a follow-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FollowUpState {
    /// It is shown.
    Open,
    /// It was acknowledged, pushed or withdrawn.
    Closed,
}

/// A follow-up in a list, with what people want to know of its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFollowUp {
    /// The alert or button.
    pub follow_up: FollowUp,
    /// Id of its item.
    pub item: ItemId,
    /// The item's reference.
    pub reference: String,
    /// The item's title.
    pub title: Option<String>,
    /// Where the item stands.
    pub state: ItemState,
}

/// What stands in order in one index. No follow-up is in two parts of a scope.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Tenant,
    Audience(Columns<'a>),
    Service(Columns<'a>, ServiceId),
}

/// An audience in the file: a role's number, a work group's name.
type Columns<'a> = (u8, &'a str);

/// The place of a follow-up in every list.
type Place = (Timestamp, FollowUpId);

impl Reader {
    /// A page of follow-ups, the oldest first. What is shown or closed meanwhile comes in or falls
    /// out; nothing else moves.
    ///
    /// # Errors
    /// Any.
    pub fn follow_ups(&self, query: &FollowUpQuery) -> Result<Vec<ListedFollowUp>, StoreError> {
        let snapshot = self.connection.unchecked_transaction()?;
        let mut page = BTreeSet::new();
        let mut until = Timestamp(i64::MAX);
        for part in parts(&query.scope) {
            page.extend(self.places(part, query, until)?);
            while page.len() > query.limit {
                page.pop_last();
            }
            // Of the other parts only what is older than the last of a full page can be on it.
            if page.len() == query.limit
                && let Some((last, _)) = page.last()
            {
                until = *last;
            }
        }
        let mut listed = Vec::with_capacity(page.len());
        for (_, id) in page {
            listed.extend(self.follow_up(id)?);
        }
        snapshot.finish()?;
        Ok(listed)
    }

    /// How many there are on all pages together, whatever `after` and `limit` say; of very many
    /// only the first [`FOLLOW_UPS_COUNTED_MAX`] are counted.
    ///
    /// # Errors
    /// Any.
    pub fn count_follow_ups(&self, query: &FollowUpQuery) -> Result<u64, StoreError> {
        let snapshot = self.connection.unchecked_transaction()?;
        let mut counted = 0;
        for part in parts(&query.scope) {
            let rest = FollowUpQuery {
                after: None,
                limit: FOLLOW_UPS_COUNTED_MAX - counted,
                ..query.clone()
            };
            counted += self.places(part, &rest, Timestamp(i64::MAX))?.len();
        }
        snapshot.finish()?;
        Ok(counted as u64)
    }

    /// The alerts and buttons of an item, open and closed, the oldest first; of very many the newest
    /// [`FOLLOW_UPS_OF_ITEM_MAX`].
    ///
    /// # Errors
    /// Any.
    pub fn follow_ups_of(&self, sequence: Sequence) -> Result<Vec<FollowUp>, StoreError> {
        let mut statement = self.connection.prepare_cached(FOLLOW_UPS_OF_ITEM)?;
        let columns = (reading::key(sequence), FOLLOW_UPS_OF_ITEM_MAX as i64);
        let newest = statement.query_map(columns, reading::follow_up_row)?;
        let mut all = newest.collect::<rusqlite::Result<Vec<_>>>()?;
        all.reverse();
        Ok(all)
    }

    /// The file of that version of a workflow.
    ///
    /// # Errors
    /// Any.
    pub fn workflow_version(
        &self,
        digest: WorkflowDigest,
    ) -> Result<Option<WorkflowSource>, StoreError> {
        Ok(reading::workflow(&self.connection, digest)?)
    }

    /// The first places of a part that the query asks for, none shown later than `until`.
    fn places(
        &self,
        part: Part<'_>,
        query: &FollowUpQuery,
        until: Timestamp,
    ) -> rusqlite::Result<Vec<Place>> {
        let tenant = query.scope.tenant().0;
        let open = query.state == FollowUpState::Open;
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        // No id is empty: before the first of all.
        let after = query.after.as_ref();
        let after = after.map_or((i64::MIN, &[][..]), |(at, id)| (at.0, id.0.as_bytes()));
        let (at, id) = after;
        let until = until.0;
        match part {
            Part::Tenant => self
                .connection
                .prepare_cached(FOLLOW_UPS_OF_TENANT)?
                .query_map(params![tenant, open, at, id, until, limit], reading::place)?
                .collect(),
            Part::Audience((role, group)) => self
                .connection
                .prepare_cached(FOLLOW_UPS_OF_AUDIENCE)?
                .query_map(
                    params![tenant, open, at, id, until, limit, role, group],
                    reading::place,
                )?
                .collect(),
            Part::Service((role, group), service) => self
                .connection
                .prepare_cached(FOLLOW_UPS_OF_SERVICE)?
                .query_map(
                    params![tenant, open, at, id, until, limit, role, group, service.0],
                    reading::place,
                )?
                .collect(),
        }
    }

    /// The follow-up of that id.
    ///
    /// # Errors
    /// Any.
    pub fn follow_up(&self, id: FollowUpId) -> Result<Option<ListedFollowUp>, StoreError> {
        let Some(follow_up) = reading::follow_up(&self.connection, id)? else {
            return Ok(None);
        };
        let Some(listed) = self.by_key(reading::key(follow_up.sequence))? else {
            return Ok(None);
        };
        Ok(Some(ListedFollowUp {
            item: listed.item.id,
            reference: listed.reference,
            title: reading::title(&self.connection, follow_up.sequence)?,
            state: listed.item.state,
            follow_up,
        }))
    }
}

/// The parts of a scope, each once.
fn parts(scope: &FollowUpScope) -> Vec<Part<'_>> {
    let shown = match scope {
        FollowUpScope::Tenant(_) => return vec![Part::Tenant],
        FollowUpScope::Audiences(_, shown) => shown,
    };
    let mut services: BTreeMap<Columns<'_>, Option<BTreeSet<ServiceId>>> = BTreeMap::new();
    for Shown { to, services: of } in shown {
        let known = services.entry(reading::audience_columns(to));
        let known = known.or_insert_with(|| Some(BTreeSet::new()));
        match (known.as_mut(), of) {
            (Some(known), Some(of)) => known.extend(of),
            (Some(_) | None, None) | (None, Some(_)) => *known = None,
        }
    }
    let mut parts = Vec::new();
    for (audience, services) in services {
        match services {
            None => parts.push(Part::Audience(audience)),
            Some(of) => parts.extend(of.into_iter().map(|of| Part::Service(audience, of))),
        }
    }
    parts
}
