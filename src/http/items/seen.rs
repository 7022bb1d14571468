//! Which items somebody may see: by right of a role, or because the item rings at them, is in their
//! hands, or was once. All others are as if there were none.

use crate::domain::answer::Whereabouts;
use crate::domain::code::Code;
use crate::domain::content::Content;
use crate::domain::ids::ItemId;
use crate::domain::permission::{Action, Target};
use crate::domain::policy::{KeyDeclaration, Policy};
use crate::domain::refusal::Refusal;
use crate::engine::run::clock;
use crate::http::acting::Acting;
use crate::http::follow_ups;
use crate::http::follow_ups::json::FollowUpJson;
use crate::http::look;
use crate::http::query;
use crate::http::state::Shared;
use crate::store::read::{Listed, ListedFollowUp, Reader};
use crate::store::{Numbers, StoreError};

use super::json::ItemJson;

/// Why somebody may see an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Their role reaches there.
    ByRight,
    /// They work on it, or did.
    AsAgent,
}

impl Sight {
    /// Whether a key of the contact data is shown.
    pub(super) fn shows(self, declared: &[KeyDeclaration], key: &str) -> bool {
        let is_hidden = || {
            declared
                .iter()
                .any(|known| known.key == key && known.hidden)
        };
        self == Sight::ByRight || !is_hidden()
    }
}

/// An item that somebody may see.
pub struct Seen {
    pub(super) listed: Listed,
    pub(super) numbers: Numbers,
    /// As long as it is kept.
    pub(super) content: Option<Content>,
    pub(super) sight: Sight,
    /// Whether identifiers of customers are for their eyes, even where the tenant hides them.
    may_identify: bool,
}

impl Seen {
    /// The item's id.
    pub(in crate::http) fn id(&self) -> ItemId {
        self.listed.item.id
    }

    /// Whether identifiers of customers are shown. Of a tenant that is out of the configuration
    /// nobody knows what it wished: they are hidden.
    pub(super) fn shows_identifiers(&self, policy: &Policy) -> bool {
        let tenant = self.listed.item.tenant;
        let mut tenants = self.numbers.tenants.iter();
        let name = tenants.find(|(_, id)| *id == tenant).map(|(name, _)| name);
        let tenant = name.and_then(|name| policy.tenants.get(name));
        self.may_identify || tenant.is_some_and(|tenant| tenant.show_customer_identifiers)
    }

    /// Alerts and buttons that its workflow has shown.
    pub(super) async fn follow_ups(&self, shared: &Shared) -> Result<Vec<FollowUpJson>, Refusal> {
        let (item, sequence) = (self.id(), self.listed.item.sequence);
        let follow_ups = shared.read(move |reader| reader.follow_ups_of(sequence));
        let people = shared.engine.people();
        let title = self.content.as_ref().and_then(|it| it.title.as_ref());
        let shown = follow_ups.await?.into_iter().map(|follow_up| {
            let listed = ListedFollowUp {
                follow_up,
                item,
                reference: self.listed.reference.clone(),
                title: title.cloned(),
                state: self.listed.item.state,
            };
            let found = follow_ups::seen::named(&self.numbers, listed);
            FollowUpJson::of(found, &people, clock())
        });
        Ok(shown.collect())
    }

    /// Where it stands beyond its row.
    pub(super) async fn locate(&self, shared: &Shared) -> Result<Whereabouts, Refusal> {
        let item = self.listed.item.clone();
        let mut located = query::locate(shared, vec![item]).await?;
        located.pop().ok_or_else(unknown_item)
    }
}

/// The item of that id; for the operator, of that id or reference.
///
/// # Errors
/// `unknownItem`, or `invalidField` where a reference is not unique.
pub async fn find(shared: &Shared, acting: &Acting, name: String) -> Result<Seen, Refusal> {
    if acting.user.is_some() {
        let id = name.parse().map_err(|_| unknown_item())?;
        let seen = find_id(shared, acting, id).await?;
        return seen.ok_or_else(unknown_item);
    }
    let (found, numbers, content) = shared
        .read(move |reader| {
            let numbers = reader.numbers()?;
            let found = look::find(reader, &numbers, &name)?;
            let content = match &found {
                look::Found::One(listed) => reader.content(listed.item.sequence)?,
                look::Found::None | look::Found::Many => None,
            };
            Ok((found, numbers, content))
        })
        .await?;
    Ok(Seen {
        listed: found.one()?,
        numbers,
        content,
        sight: Sight::ByRight,
        may_identify: true,
    })
}

/// The item of that id, if one may see it.
///
/// # Errors
/// The store cannot be read.
pub async fn find_id(
    shared: &Shared,
    acting: &Acting,
    id: ItemId,
) -> Result<Option<Seen>, Refusal> {
    let acting = acting.clone();
    shared
        .read(move |reader| {
            let Some(listed) = reader.item(id)? else {
                return Ok(None);
            };
            let Some(sight) = sight(reader, &acting, &listed)? else {
                return Ok(None);
            };
            Ok(Some(read(reader, &acting, listed, sight)?))
        })
        .await
}

/// An item with all that is shown of it.
pub(in crate::http) fn read(
    reader: &Reader,
    acting: &Acting,
    listed: Listed,
    sight: Sight,
) -> Result<Seen, StoreError> {
    let there = Target::Service(listed.item.tenant, listed.item.service);
    Ok(Seen {
        may_identify: acting.may(Action::SeeIdentifiers, there),
        numbers: reader.numbers()?,
        content: reader.content(listed.item.sequence)?,
        listed,
        sight,
    })
}

/// Why one may see the item; `None`: one may not.
pub(in crate::http) fn sight(
    reader: &Reader,
    acting: &Acting,
    listed: &Listed,
) -> Result<Option<Sight>, StoreError> {
    let item = &listed.item;
    let there = Target::Service(item.tenant, item.service);
    let Some(account) = &acting.user else {
        return Ok(Some(Sight::ByRight));
    };
    if acting.may(Action::SeeItem, there) {
        return Ok(Some(Sight::ByRight));
    }
    let user = &account.user;
    if user.tenant != item.tenant || !acting.may(Action::SeeItem, Target::Own) {
        return Ok(None);
    }
    // An offer has its session from the moment it rings.
    let sessions = reader.agent_sessions(item.sequence)?;
    let had = sessions.iter().any(|session| session.agent == user.id);
    let has = item.holder.is_some_and(|holder| holder.agent == user.id);
    Ok((had || has).then_some(Sight::AsAgent))
}

/// What is shown of items, in the order given.
///
/// # Errors
/// The engine does not answer.
pub async fn show(shared: &Shared, seen: Vec<Seen>) -> Result<Vec<ItemJson>, Refusal> {
    let items = seen.iter().map(|seen| seen.listed.item.clone());
    let located = query::locate(shared, items.collect()).await?;
    let (view, policy) = (shared.engine.view(), shared.policy());
    let items = seen.into_iter().zip(&located);
    Ok(items
        .map(|(seen, now)| ItemJson::of(seen, now, &view, &policy))
        .collect())
}

/// The same of one.
///
/// # Errors
/// The engine does not answer.
pub async fn show_one(shared: &Shared, seen: Seen) -> Result<ItemJson, Refusal> {
    let mut shown = show(shared, vec![seen]).await?;
    shown.pop().ok_or_else(unknown_item)
}

/// The refusal of what there is not, or not for whoever asks.
pub(super) fn unknown_item() -> Refusal {
    Refusal::new(Code::UnknownItem, "There is no such item.")
}
