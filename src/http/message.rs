//! One message: from bytes to a verb, from a verb to its answer.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use tokio::sync::SemaphorePermit;

use crate::domain::answer::{Answer, EntryAnswer, Receipt};
use crate::domain::code::Code;
use crate::domain::message::{Message, RefusedEntry, Submission};
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::engine::command::{CancelItem, Submit, SubmitMany};
use crate::engine::run::clock;
use crate::wire::decode::decode;
use crate::wire::message::{ReadContext, read_message};
use crate::wire::rules::Judge;

use super::answer::Reply;
use super::auth::Caller;
use super::body::{self, TakenBody};
use super::budget::Share;
use super::media::{self, BodyKind};
use super::query;
use super::state::{LARGE_MESSAGE_BYTES, Shared};
use super::upload;

/// A message and when it reached the door.
pub struct Received {
    /// What.
    pub message: Message,
    /// When.
    pub at: Timestamp,
}

/// A message in memory with what it holds of the limits.
pub struct TakenMessage<'a> {
    /// The message.
    pub message: Received,
    /// To be dropped when the answer is made.
    pub held: Held<'a>,
}

/// What a message holds of the limits while it is in work.
pub struct Held<'a> {
    _share: Share,
    _large: Option<SemaphorePermit<'a>>,
}

/// Takes tokens of the sender's rate.
///
/// # Errors
/// `rateLimited` when there are fewer than `wanted`; those there were are given back.
pub fn take_tokens(caller: &Caller, now: Timestamp, wanted: u32) -> Result<(), Refusal> {
    let per_minute = caller.sender.rate_per_minute;
    let taken = caller.rate.take(now, per_minute, wanted);
    if taken == wanted {
        return Ok(());
    }
    caller.rate.give_back(per_minute, taken);
    Err(rate_limited(caller))
}

fn rate_limited(caller: &Caller) -> Refusal {
    let limit = caller.sender.rate_per_minute.unwrap_or_default();
    Problem::new(
        Code::RateLimited,
        format!("This sender may send {limit} items a minute: send the rest later."),
    )
    .retry_after(caller.rate.wait_s(caller.sender.rate_per_minute))
    .into()
}

/// Reads the body and what it says.
///
/// # Errors
/// The refusal to answer; nothing was created.
pub async fn take<'a>(
    shared: &'a Shared,
    caller: &Arc<Caller>,
    headers: &HeaderMap,
    body: Body,
) -> Result<TakenMessage<'a>, Refusal> {
    media::accepts_xml(headers)?;
    let BodyKind { charset, packing } = BodyKind::of(headers)?;
    let at = clock();
    let TakenBody { bytes, share } =
        body::take(body, packing, &shared.budget, shared.body_timeout).await?;
    let (message, large) = if bytes.len() <= LARGE_MESSAGE_BYTES {
        (read(&bytes, charset, caller, at)?, None)
    } else {
        let turn = shared.large_turn().await?;
        let message = read_aside(bytes, charset.map(str::to_owned), caller.clone(), at).await?;
        (message, Some(turn))
    };
    Ok(TakenMessage {
        message: Received { message, at },
        held: Held {
            _share: share,
            _large: large,
        },
    })
}

fn read(
    bytes: &[u8],
    charset: Option<&str>,
    caller: &Caller,
    now: Timestamp,
) -> Result<Message, Refusal> {
    let text = decode(bytes, charset)?;
    let judge = Judge {
        tenant: &caller.tenant,
        sender: Some(&caller.sender),
    };
    let context = ReadContext {
        now,
        judge: Some(judge),
    };
    read_message(&text, &context)
}

/// Reads a large message where it holds up nobody else.
async fn read_aside(
    bytes: Bytes,
    charset: Option<String>,
    caller: Arc<Caller>,
    now: Timestamp,
) -> Result<Message, Refusal> {
    let reading =
        tokio::task::spawn_blocking(move || read(&bytes, charset.as_deref(), &caller, now));
    reading.await.unwrap_or_else(|_| {
        Err(Refusal::new(
            Code::InternalError,
            "The message could not be read: nothing was created.",
        ))
    })
}

/// Has a message carried out.
///
/// # Errors
/// The refusal to answer.
pub async fn carry_out(
    shared: &Shared,
    caller: &Arc<Caller>,
    received: Received,
) -> Result<Reply, Refusal> {
    let Received { message, at } = received;
    match message {
        Message::Create(submission) => create(shared, caller, *submission, at).await,
        Message::Batch(entries) => {
            let entries = batch(shared, caller, entries, at).await?;
            Ok(Reply::Plain(Answer::Receipts(entries)))
        }
        Message::Update(update) => {
            let receipt = upload::update(shared, caller, *update).await?;
            Ok(Reply::Plain(Answer::Receipt(Box::new(receipt))))
        }
        Message::Cancel(cancel) => {
            let sender = caller.sender.clone();
            let status = shared.engine.cancel(CancelItem { sender, cancel }).await?;
            Ok(Reply::Plain(Answer::Status(Box::new(status))))
        }
        Message::Query(question) => query::items(shared, caller, question).await,
        Message::QueryServices(name) => query::services(shared, caller, name.as_deref()),
        Message::QueryLimits => Ok(query::limits(shared, caller)),
        Message::Ping => Ok(Reply::Plain(Answer::Pong {
            time: clock(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })),
    }
}

async fn create(
    shared: &Shared,
    caller: &Arc<Caller>,
    submission: Submission,
    received_at: Timestamp,
) -> Result<Reply, Refusal> {
    let submission = upload::put_away(shared, caller, submission, received_at).await?;
    let submit = Submit {
        sender: caller.sender.clone(),
        received_at,
        submission,
    };
    let receipt = shared.engine.submit(submit).await?;
    shared.metrics.submitted(&receipt);
    Ok(Reply::Submitted {
        with_body: wants_receipt(caller, &receipt),
        receipt: Box::new(receipt),
    })
}

/// Whether neither sender nor service is set to go without receipts.
fn wants_receipt(caller: &Caller, receipt: &Receipt) -> bool {
    let service = caller.tenant.services.get(&receipt.service);
    caller.sender.receipts && service.is_none_or(|service| service.receipts)
}

async fn batch(
    shared: &Shared,
    caller: &Arc<Caller>,
    entries: Vec<Result<Submission, RefusedEntry>>,
    received_at: Timestamp,
) -> Result<Vec<EntryAnswer>, Refusal> {
    let entries = within_rate(caller, entries, received_at);
    let mut prepared = Vec::with_capacity(entries.len());
    for entry in entries {
        prepared.push(match entry {
            Err(refused) => Err(refused),
            Ok(submission) => {
                let reference = submission.content.reference.clone();
                let put_away = upload::put_away(shared, caller, submission, received_at).await;
                put_away.map_err(|refusal| RefusedEntry {
                    reference: Some(reference),
                    refusal,
                })
            }
        });
    }
    let many = SubmitMany {
        sender: caller.sender.clone(),
        received_at,
        entries: prepared,
    };
    let answers = shared.engine.submit_many(many).await?;
    shared.metrics.entries(&answers);
    Ok(answers)
}

/// Refuses the entries for which the sender has no token left. The first was paid for at the door.
fn within_rate(
    caller: &Caller,
    mut entries: Vec<Result<Submission, RefusedEntry>>,
    now: Timestamp,
) -> Vec<Result<Submission, RefusedEntry>> {
    let wanted = u32::try_from(entries.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let taken = caller.rate.take(now, caller.sender.rate_per_minute, wanted);
    let paid = 1 + taken as usize;
    for entry in entries.iter_mut().skip(paid) {
        let reference = match &*entry {
            Ok(submission) => Some(submission.content.reference.clone()),
            Err(refused) => refused.reference.clone(),
        };
        *entry = Err(RefusedEntry {
            reference,
            refusal: rate_limited(caller),
        });
    }
    entries
}
