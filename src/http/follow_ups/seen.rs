//! Which follow-ups somebody may see, read from the store: by the roles and work groups of whoever
//! asks, narrowed before they are counted and cut into pages.

use crate::domain::audience::FollowUpScope;
use crate::domain::code::Code;
use crate::domain::follow_up::FollowUpId;
use crate::domain::permission::Action;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::http::acting::Acting;
use crate::http::state::Shared;
use crate::store::read::{FollowUpQuery, FollowUpState, ListedFollowUp, Reader};
use crate::store::{Numbers, StoreError};

/// Which part of the list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Those that wait for somebody, or those that do no longer.
    pub state: FollowUpState,
    /// The last one of the page before.
    pub after: Option<(Timestamp, FollowUpId)>,
    /// At most so many.
    pub limit: usize,
}

/// A follow-up with the names that it is shown with.
#[derive(Debug)]
pub struct Found {
    pub(super) listed: ListedFollowUp,
    pub(super) tenant: String,
    pub(super) service: String,
}

/// A page of the list.
#[derive(Debug)]
pub struct Page {
    /// The oldest first.
    pub found: Vec<Found>,
    /// There are more behind the last.
    pub more: bool,
    /// How many are open in the whole list; of very many, 1,000 of each tenant.
    pub open: u64,
}

/// The page that is wanted, of those that one may see; for the operator, of the tenant named or of
/// all.
///
/// # Errors
/// `notFound` for a tenant that is not there.
pub async fn page(
    shared: &Shared,
    acting: &Acting,
    tenant: Option<String>,
    wanted: Wanted,
) -> Result<Page, Refusal> {
    let scope = acting.user.as_ref().map(|account| {
        let scope = FollowUpScope::of(&account.user, Action::SeeFollowUp);
        vec![scope]
    });
    let found = shared.read(move |reader| {
        let numbers = reader.numbers()?;
        let scopes = scope.or_else(|| all_of(&numbers, tenant.as_deref()));
        let Some(scopes) = scopes else {
            return Ok(None);
        };
        read_page(reader, &numbers, &scopes, wanted).map(Some)
    });
    let message = "There is no such tenant.";
    let found = found.await?;
    found.ok_or_else(|| Refusal::new(Code::NotFound, message))
}

/// All of each tenant, or of the one named; `None`: it is not there.
fn all_of(numbers: &Numbers, name: Option<&str>) -> Option<Vec<FollowUpScope>> {
    let tenants = numbers.tenants.iter();
    let named = tenants.filter(|(known, _)| name.is_none_or(|name| known == name));
    let scopes: Vec<_> = named.map(|(_, id)| FollowUpScope::Tenant(*id)).collect();
    (name.is_none() || !scopes.is_empty()).then_some(scopes)
}

fn read_page(
    reader: &Reader,
    numbers: &Numbers,
    scopes: &[FollowUpScope],
    wanted: Wanted,
) -> Result<Page, StoreError> {
    let mut listed = Vec::new();
    let mut open = 0;
    for scope in scopes {
        // One more than wanted tells whether there is another page.
        let query = FollowUpQuery {
            scope: scope.clone(),
            state: wanted.state,
            after: wanted.after,
            limit: wanted.limit + 1,
        };
        listed.extend(reader.follow_ups(&query)?);
        open += reader.count_follow_ups(&FollowUpQuery {
            state: FollowUpState::Open,
            ..query
        })?;
    }
    if scopes.len() > 1 {
        listed.sort_by_key(|one: &ListedFollowUp| (one.follow_up.shown_at, one.follow_up.id));
    }
    let more = listed.len() > wanted.limit;
    listed.truncate(wanted.limit);
    let found = listed.into_iter();
    Ok(Page {
        found: found.map(|listed| named(numbers, listed)).collect(),
        more,
        open,
    })
}

/// The follow-up of that id, if one may see it.
///
/// # Errors
/// `unknownItem`.
pub async fn find(shared: &Shared, acting: &Acting, id: FollowUpId) -> Result<Found, Refusal> {
    let scope = acting.user.as_ref();
    let scope = scope.map(|account| FollowUpScope::of(&account.user, Action::SeeFollowUp));
    let found = shared.read(move |reader| {
        let Some(listed) = reader.follow_up(id)? else {
            return Ok(None);
        };
        let is_theirs = scope.is_none_or(|scope| scope.holds(&listed.follow_up));
        match is_theirs {
            true => Ok(Some(named(&reader.numbers()?, listed))),
            false => Ok(None),
        }
    });
    found.await?.ok_or_else(unknown)
}

/// The follow-up with the names of its tenant and its service, which may be out of the
/// configuration.
pub(in crate::http) fn named(numbers: &Numbers, listed: ListedFollowUp) -> Found {
    let follow_up = &listed.follow_up;
    let mut tenants = numbers.tenants.iter();
    let tenant = tenants.find(|(_, id)| *id == follow_up.tenant);
    let mut services = numbers.services.iter();
    let service = services.find(|(_, _, id)| *id == follow_up.service);
    Found {
        tenant: tenant.map(|(name, _)| name.clone()).unwrap_or_default(),
        service: service.map(|(_, name, _)| name.clone()).unwrap_or_default(),
        listed,
    }
}

/// The refusal of a follow-up that there is not, or not for whoever asks.
pub(super) fn unknown() -> Refusal {
    Refusal::new(Code::UnknownItem, "There is no such follow-up.")
}
