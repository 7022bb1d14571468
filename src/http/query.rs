//! Questions of senders: where items stand, what is open, which limits hold. Nobody sees anything
//! of another sender.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Query as UriQuery;
use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::answer::{Answer, BufferLimit, LimitsInForce, Status, Whereabouts};
use crate::domain::code::Code;
use crate::domain::ids::{ItemId, SenderId, Sequence};
use crate::domain::item::{Item, ItemState};
use crate::domain::message::{Address, Query};
use crate::domain::policy::{
    ATTACHMENTS_BYTES_MAX, BATCH_ITEMS_MAX, LIFETIME_MAX_MS, MESSAGE_BYTES_MAX, NOT_BEFORE_MAX_MS,
    STATUSES_PAGE,
};
use crate::domain::refusal::Refusal;
use crate::engine::command::ResolveItem;
use crate::engine::run::clock;
use crate::engine::view::{ServiceView, View};
use crate::store::Numbers;
use crate::store::read::Listed;

use super::answer::Reply;
use super::auth::Caller;
use super::state::Shared;

/// Characters of a reference.
const REFERENCE_CHARS_MAX: usize = 128;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 1_000;
/// First byte of a cursor.
const CURSOR_VERSION: u8 = 1;

/// The parameters of an address, each at most once and among those `known`.
///
/// # Errors
/// `schemaInvalid`.
pub fn parameters(uri: &Uri, known: &[&str]) -> Result<BTreeMap<String, String>, Refusal> {
    let UriQuery(pairs) = UriQuery::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| invalid("The parameters of the address cannot be read."))?;
    let mut parameters = BTreeMap::new();
    for (name, value) in pairs {
        if !known.contains(&name.as_str()) || parameters.insert(name, value).is_some() {
            let message = match known {
                [] => "This address takes no parameters.".to_owned(),
                known => format!(
                    "This address takes, each once, the parameters: {}.",
                    known.join(", ")
                ),
            };
            return Err(invalid(message));
        }
    }
    Ok(parameters)
}

/// The question that the parameters of `/v1/work-items` ask.
///
/// # Errors
/// `schemaInvalid`.
pub fn of_parameters(mut parameters: BTreeMap<String, String>) -> Result<Query, Refusal> {
    let since = parameters.remove("since");
    let state = parameters.remove("state");
    if let Some(reference) = parameters.remove("reference") {
        if since.is_some() || state.is_some() {
            return Err(invalid(
                "Ask for one item by reference, or for a list by since and state.",
            ));
        }
        let length = reference.chars().count();
        if !(1..=REFERENCE_CHARS_MAX).contains(&length) {
            return Err(invalid("A reference has 1 to 128 characters."));
        }
        return Ok(Query::One(Address::Reference(reference)));
    }
    let state = state
        .map(|name| ItemState::parse(&name).ok_or_else(|| invalid("There is no such state.")))
        .transpose()?;
    let since = since.filter(|since| !since.is_empty());
    Ok(Query::List { since, state })
}

/// The id in an address. What is no id belongs to no item.
///
/// # Errors
/// `unknownItem`.
pub fn item_id(text: &str) -> Result<ItemId, Refusal> {
    const HYPHENATED_CHARS: usize = 36;
    let parsed = text.parse().ok();
    parsed
        .filter(|_| text.len() == HYPHENATED_CHARS)
        .ok_or_else(unknown_item)
}

/// The reason of a cancellation.
///
/// # Errors
/// `schemaInvalid`.
pub fn reason(text: String) -> Result<String, Refusal> {
    if text.chars().count() > REASON_CHARS_MAX {
        return Err(invalid("A reason has at most 1,000 characters."));
    }
    Ok(text)
}

/// Answers `query`.
///
/// # Errors
/// `unknownItem`, `schemaInvalid` for a cursor that is none of ours.
pub async fn items(
    shared: &Shared,
    caller: &Arc<Caller>,
    question: Query,
) -> Result<Reply, Refusal> {
    match question {
        Query::One(address) => one(shared, caller, address).await,
        Query::List { since, state } => {
            let after = since.as_deref().map(parse_cursor).transpose()?;
            list(shared, caller, after, state).await
        }
    }
}

async fn one(shared: &Shared, caller: &Arc<Caller>, address: Address) -> Result<Reply, Refusal> {
    let request = ResolveItem {
        sender: caller.sender.clone(),
        address,
    };
    let sequence = shared.engine.resolve(request).await?;
    let found = shared
        .read(move |reader| Ok((reader.item_by_sequence(sequence)?, reader.numbers()?)))
        .await?;
    let (Some(listed), numbers) = found else {
        return Err(unknown_item());
    };
    let status = status(shared, &numbers, listed).await?;
    Ok(Reply::Plain(Answer::Status(Box::new(status))))
}

async fn list(
    shared: &Shared,
    caller: &Arc<Caller>,
    after: Option<Sequence>,
    state: Option<ItemState>,
) -> Result<Reply, Refusal> {
    let name = caller.sender.name.clone();
    let tenant = caller.sender.tenant.clone();
    let page = STATUSES_PAGE as usize;
    let (listed, numbers) = shared
        .read(move |reader| {
            let numbers = reader.numbers()?;
            let listed = match sender_id(&numbers, &tenant, &name) {
                // One more than a page tells whether there is another.
                Some(sender) => reader.list_of_sender(sender, after, state, page + 1)?,
                None => Vec::new(),
            };
            Ok((listed, numbers))
        })
        .await?;
    let more = listed.len() > page;
    let last = listed.get(page - 1).map(|listed| listed.item.sequence);
    let listed = listed.into_iter().take(page).collect();
    let statuses = statuses(shared, &numbers, listed).await?;
    Ok(Reply::Plain(Answer::Statuses {
        statuses,
        next: last.filter(|_| more).map(cursor),
    }))
}

/// The number of a sender within its tenant: one that was moved has a number in each.
fn sender_id(numbers: &Numbers, tenant: &str, name: &str) -> Option<SenderId> {
    let (_, tenant) = numbers.tenants.iter().find(|(known, _)| known == tenant)?;
    let mut senders = numbers.senders.iter();
    senders
        .find(|(of, known, _)| of == tenant && known == name)
        .map(|(_, _, id)| *id)
}

/// The status of one row; see [`statuses`].
///
/// # Errors
/// The engine does not answer.
pub async fn status(shared: &Shared, numbers: &Numbers, listed: Listed) -> Result<Status, Refusal> {
    let mut found = statuses(shared, numbers, vec![listed]).await?;
    found.pop().ok_or_else(unknown_item)
}

/// The statuses of rows, with what the engine knows beyond them.
///
/// # Errors
/// The engine does not answer.
pub async fn statuses(
    shared: &Shared,
    numbers: &Numbers,
    listed: Vec<Listed>,
) -> Result<Vec<Status>, Refusal> {
    let items = listed.iter().map(|listed| listed.item.clone()).collect();
    let located = locate(shared, items).await?;
    let statuses = listed.into_iter().zip(located).map(|(listed, now)| {
        let Listed { item, reference } = listed;
        Status::of(&item, reference, service_name(numbers, &item), &now)
    });
    Ok(statuses.collect())
}

/// Where items stand beyond their rows. Asked in pages, so that no turn of the engine is long.
///
/// # Errors
/// The engine does not answer.
pub async fn locate(shared: &Shared, items: Vec<Item>) -> Result<Vec<Whereabouts>, Refusal> {
    let mut located = Vec::with_capacity(items.len());
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        let page = items.by_ref().take(STATUSES_PAGE as usize).collect();
        located.extend(shared.engine.locate(page).await?);
    }
    Ok(located)
}

fn service_name(numbers: &Numbers, item: &Item) -> String {
    let mut services = numbers.services.iter();
    let service = services.find(|(_, _, id)| *id == item.service);
    service.map(|(_, name, _)| name.clone()).unwrap_or_default()
}

/// Answers `queryServices`: the services open to the sender, or the one named.
///
/// # Errors
/// `unknownService`.
pub fn services(shared: &Shared, caller: &Caller, name: Option<&str>) -> Result<Reply, Refusal> {
    let view = shared.engine.view();
    let now = clock();
    let statuses: Vec<_> = open_services(&view, caller)
        .filter(|service| name.is_none_or(|name| service.name.as_ref() == name))
        .map(|service| service.status(now))
        .collect();
    if statuses.is_empty() && name.is_some() {
        return Err(Refusal::new(
            Code::UnknownService,
            "There is no service of this name that is open to this sender.",
        ));
    }
    Ok(Reply::Plain(Answer::Services(statuses)))
}

fn open_services<'a>(
    view: &'a View,
    caller: &'a Caller,
) -> impl Iterator<Item = &'a Arc<ServiceView>> {
    let tenant = view.tenant_named(&caller.tenant.name).map(|(id, _)| id);
    view.services.values().filter(move |service| {
        Some(service.tenant) == tenant
            && service.policy.is_some()
            && caller.sender.may_use(&service.name)
    })
}

/// Answers `queryLimits`.
pub fn limits(shared: &Shared, caller: &Caller) -> Reply {
    let view = shared.engine.view();
    let tenant = view.tenant_named(&caller.tenant.name);
    let rate_per_minute = caller.sender.rate_per_minute;
    let buffers = open_services(&view, caller).filter_map(|service| {
        let policy = service.policy.as_ref()?;
        Some(BufferLimit {
            service: service.name.to_string(),
            queue_items_max: policy.queue_items_max,
            queued: service.queued,
            items_max: policy.buffer_items_max,
            items: service.buffered,
        })
    });
    Reply::Plain(Answer::Limits(Box::new(LimitsInForce {
        rate_per_minute,
        rate_left: caller.rate.left(clock(), rate_per_minute),
        fair_use: caller.tenant.fair_use,
        fair_use_taken: tenant.map_or(0, |(_, tenant)| tenant.fair_use_taken),
        message_bytes_max: MESSAGE_BYTES_MAX,
        attachments_bytes_max: ATTACHMENTS_BYTES_MAX,
        attachment_types: caller.tenant.attachment_types.iter().cloned().collect(),
        lifetime_max_ms: LIFETIME_MAX_MS,
        not_before_max_ms: NOT_BEFORE_MAX_MS,
        batch_items_max: BATCH_ITEMS_MAX,
        buffers: buffers.collect(),
    })))
}

/// The cursor behind which the list goes on after `last`.
fn cursor(last: Sequence) -> String {
    let mut bytes = [CURSOR_VERSION; 9];
    bytes[1..].copy_from_slice(&last.0.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn parse_cursor(text: &str) -> Result<Sequence, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let sequence = bytes.as_deref().and_then(|bytes| match bytes {
        [CURSOR_VERSION, sequence @ ..] => sequence.try_into().ok().map(u64::from_be_bytes),
        _ => None,
    });
    sequence.map(Sequence).ok_or_else(|| {
        invalid("This is no cursor of a list: take the value of next as it was answered.")
    })
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::SchemaInvalid, message)
}

fn unknown_item() -> Refusal {
    Refusal::new(
        Code::UnknownItem,
        "There is no such item of this sender, or not any longer.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        for sequence in [1, 500, u64::MAX] {
            let parsed = parse_cursor(&cursor(Sequence(sequence)));
            assert_eq!(parsed, Ok(Sequence(sequence)));
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in [
            "",
            "1",
            "AQ",
            "AgAAAAAAAAAB",
            "AQAAAAAAAAABAA",
            "not a cursor",
        ] {
            assert!(parse_cursor(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_known_parameters_are_taken_each_once() {
        let cases = [
            ("/?a=1", true),
            ("/", true),
            ("/?a=1&a=2", false),
            ("/?b=1", false),
        ];
        for (uri, fits) in cases {
            let uri = Uri::from_static(uri);
            assert_eq!(parameters(&uri, &["a"]).is_ok(), fits, "{uri}");
        }
    }
}
