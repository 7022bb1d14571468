//! What an operator looks up in the store: an item by id or reference, and who waits in which
//! order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::code::Code;
use crate::domain::ids::{Priority, Sequence};
use crate::domain::item::ItemState;
use crate::domain::refusal::Refusal;
use crate::engine::view::ServiceView;
use crate::store::read::{Listed, QueuePlace, Reader};
use crate::store::{Numbers, StoreError};

use super::items::json::WaitingJson;
use super::query;
use super::state::Shared;

/// Items of a list, unless the request says otherwise.
const LIMIT_DEFAULT: usize = 1_000;
/// Items of a list, at most.
const LIMIT_MAX: usize = 10_000;

/// What a name leads to.
pub enum Found {
    /// No item.
    None,
    /// The item.
    One(Box<Listed>),
    /// Several senders have an item of that reference.
    Many,
}

impl Found {
    /// The one item.
    ///
    /// # Errors
    /// `unknownItem`, or `invalidField` where the reference is not unique.
    pub fn one(self) -> Result<Listed, Refusal> {
        match self {
            Found::One(listed) => Ok(*listed),
            Found::None => Err(Refusal::new(Code::UnknownItem, "There is no such item.")),
            Found::Many => Err(Refusal::new(
                Code::InvalidField,
                "Several senders have an item of that reference: name it by its id.",
            )),
        }
    }
}

/// The item whose id or reference is `name`.
///
/// # Errors
/// As the store's.
pub fn find(reader: &Reader, numbers: &Numbers, name: &str) -> Result<Found, StoreError> {
    if let Ok(id) = name.parse()
        && let Some(listed) = reader.item(id)?
    {
        return Ok(Found::One(Box::new(listed)));
    }
    let mut found = Found::None;
    for (_, _, sender) in &numbers.senders {
        let Some(listed) = reader.item_by_reference(*sender, name)? else {
            continue;
        };
        match found {
            Found::None => found = Found::One(Box::new(listed)),
            Found::One(_) | Found::Many => return Ok(Found::Many),
        }
    }
    Ok(found)
}

/// Which part of which queues is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    service: Option<String>,
    tenant: Option<String>,
    after: Option<Place>,
    limit: usize,
    with_titles: bool,
}

/// Where a list goes on: behind that item of that service's queue or buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    service: u32,
    state: ItemState,
    row: QueuePlace,
    pub(super) position: u64,
}

impl Place {
    pub(super) fn text(self) -> String {
        let Place {
            service,
            state,
            row,
            position,
        } = self;
        let priority = row.priority.value();
        let state = state.name();
        format!("{service}.{state}.{priority}.{}.{position}", row.sequence.0)
    }

    fn parse(text: &str) -> Option<Place> {
        let parts: Vec<_> = text.split('.').collect();
        let [service, state, priority, sequence, position] = parts.as_slice() else {
            return None;
        };
        Some(Place {
            service: service.parse().ok()?,
            state: ItemState::parse(state).filter(|state| WAITING.contains(state))?,
            row: QueuePlace {
                priority: Priority::new(priority.parse().ok()?)?,
                sequence: Sequence(sequence.parse().ok()?),
            },
            position: position.parse().ok()?,
        })
    }
}

impl Page {
    /// The page that the parameters ask for.
    ///
    /// # Errors
    /// `invalidField`.
    pub fn of(mut parameters: BTreeMap<String, String>) -> Result<Page, Refusal> {
        let after = parameters.remove("after").map(|text| Place::parse(&text));
        if after == Some(None) {
            return Err(invalid(
                "after is the place of an item, as it was answered.",
            ));
        }
        let limit = parameters.remove("limit").map(|text| text.parse());
        let limit = limit.unwrap_or(Ok(LIMIT_DEFAULT)).ok();
        let limit = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit));
        let limit = limit.ok_or_else(|| invalid("limit is a number from 1 to 10,000."))?;
        Ok(Page {
            service: parameters.remove("service"),
            tenant: parameters.remove("tenant"),
            after: after.flatten(),
            limit,
            with_titles: false,
        })
    }

    /// The same with the items' titles, which are read one by one.
    pub fn with_titles(self) -> Page {
        Page {
            with_titles: true,
            ..self
        }
    }
}

/// The states that wait, in the order in which their items come to agents.
const WAITING: [ItemState; 3] = [
    ItemState::Queued,
    ItemState::Buffered,
    ItemState::InWorkflow,
];

/// The items that wait, service by service: the queue, then those in front of its entrance, then
/// those that stand in a workflow and nowhere else.
///
/// # Errors
/// `notFound` for a service that is not there.
pub async fn waiting(shared: &Shared, page: Page) -> Result<Vec<WaitingJson>, Refusal> {
    let view = shared.engine.view();
    let wanted = |service: &&Arc<ServiceView>| {
        let tenant = view.tenants.get(&service.tenant);
        let name = page.service.as_deref();
        name.is_none_or(|name| service.name.as_ref() == name)
            && page
                .tenant
                .as_deref()
                .is_none_or(|wanted| tenant.is_some_and(|tenant| tenant.name.as_ref() == wanted))
    };
    let services: Vec<_> = view.services.values().filter(wanted).cloned().collect();
    if services.is_empty() && page.service.is_some() {
        return Err(Refusal::new(Code::NotFound, "There is no such service."));
    }
    let found = shared
        .read(move |reader| read_waiting(reader, &services, &page))
        .await?;
    let items = found.iter().map(|found| found.listed.item.clone());
    let located = query::locate(shared, items.collect()).await?;
    let lines = found.iter().zip(&located);
    Ok(lines
        .map(|(found, now)| WaitingJson::of(found, now))
        .collect())
}

/// An item in its queue or buffer.
pub(super) struct Queued {
    /// Where it stands.
    pub place: Place,
    /// Name of its service.
    pub service: Arc<str>,
    /// Its row.
    pub listed: Listed,
    /// What its sender calls it, if that was asked for.
    pub title: Option<String>,
}

fn read_waiting(
    reader: &Reader,
    services: &[Arc<ServiceView>],
    page: &Page,
) -> Result<Vec<Queued>, StoreError> {
    let mut waiting = Vec::new();
    let mut skipping = page.after;
    for service in services {
        for state in WAITING {
            let mut after = None;
            let mut position = 0;
            if let Some(place) = skipping {
                if (place.service, place.state) != (service.id.0, state) {
                    continue;
                }
                after = Some(place.row);
                position = place.position;
                skipping = None;
            }
            let left = page.limit - waiting.len();
            if left == 0 {
                return Ok(waiting);
            }
            for listed in reader.queue(service.id, state, after, left)? {
                position += 1;
                let place = Place {
                    service: service.id.0,
                    state,
                    row: QueuePlace {
                        priority: listed.item.priority,
                        sequence: listed.item.sequence,
                    },
                    position,
                };
                let content = match page.with_titles {
                    true => reader.content(listed.item.sequence)?,
                    false => None,
                };
                waiting.push(Queued {
                    title: content.and_then(|content| content.title),
                    place,
                    service: service.name.clone(),
                    listed,
                });
            }
        }
    }
    Ok(waiting)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_leads_back_to_itself() {
        let place = Place {
            service: 7,
            state: ItemState::Buffered,
            row: QueuePlace {
                priority: Priority::DEFAULT,
                sequence: Sequence(u64::MAX),
            },
            position: 12,
        };
        assert_eq!(Place::parse(&place.text()), Some(place));
        for text in ["", "7.buffered.5.1", "7.ended.5.1.1", "7.queued.10.1.1"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_page_has_one_to_ten_thousand_items() {
        let cases = [
            ("0", false),
            ("1", true),
            ("10000", true),
            ("10001", false),
            ("many", false),
        ];
        for (limit, fits) in cases {
            let parameters = [("limit".to_owned(), limit.to_owned())].into();
            assert_eq!(Page::of(parameters).is_ok(), fits, "{limit}");
        }
    }
}
