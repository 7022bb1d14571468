//! One message: from bytes to a verb, from a verb to its answer.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::SemaphorePermit;

use crate::domain::answer::{Answer, EntryAnswer, Receipt};
use crate::domain::code::Code;
use crate::domain::message::{Message, RefusedEntry, Submission};
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::engine::command::{CancelItem, Submit, SubmitMany};
use crate::engine::handle::EngineHandle;
use crate::engine::run::clock;
use crate::wire::decode::decode;
use crate::wire::message::{ReadContext, read_message};
use crate::wire::rules::Judge;

use super::answer::Reply;
use super::auth::Caller;
use super::query;
use super::state::{LARGE_MESSAGE_BYTES, Shared};
use super::upload;

/// A message that was read, with its turn among the large ones: kept until it is carried out.
pub struct ReadMessage<'a> {
    /// What it says.
    pub message: Message,
    _turn: Option<SemaphorePermit<'a>>,
}

/// How a message came.
#[derive(Debug, Clone, Copy)]
pub struct Came<'a> {
    /// When.
    pub at: Timestamp,
    /// With which trace, if any.
    pub traceparent: Option<&'a str>,
}

/// Takes the token that every message costs; a batch pays for its further entries later.
///
/// # Errors
/// `rateLimited`.
pub fn take_token(caller: &Caller, now: Timestamp) -> Result<(), Refusal> {
    match caller.rate.take(now, caller.sender.rate_per_minute, 1) {
        0 => Err(rate_limited(caller)),
        _ => Ok(()),
    }
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

/// Reads what a body says.
///
/// # Errors
/// The refusal to answer; nothing was created.
pub async fn read<'a>(
    shared: &'a Shared,
    caller: &Arc<Caller>,
    charset: Option<&str>,
    bytes: Bytes,
    at: Timestamp,
) -> Result<ReadMessage<'a>, Refusal> {
    if bytes.len() <= LARGE_MESSAGE_BYTES {
        let message = judge(&bytes, charset, caller, &shared.engine, at)?;
        return Ok(ReadMessage {
            message,
            _turn: None,
        });
    }
    let turn = shared.large_turn().await?;
    let message = judge_aside(
        shared,
        bytes,
        charset.map(str::to_owned),
        caller.clone(),
        at,
    )
    .await?;
    Ok(ReadMessage {
        message,
        _turn: Some(turn),
    })
}

fn judge(
    bytes: &[u8],
    charset: Option<&str>,
    caller: &Caller,
    engine: &EngineHandle,
    now: Timestamp,
) -> Result<Message, Refusal> {
    let text = decode(bytes, charset)?;
    let is_agent = |name: &str| {
        let view = engine.view();
        let tenant = view.tenant_named(&caller.tenant.name);
        tenant.is_some_and(|(tenant, _)| view.people.has_agent(tenant, name))
    };
    let judge = Judge {
        tenant: &caller.tenant,
        is_agent: &is_agent,
        sender: Some(&caller.sender),
    };
    let context = ReadContext {
        now,
        judge: Some(judge),
    };
    read_message(&text, &context)
}

/// Judges a large message where it holds up nobody else.
async fn judge_aside(
    shared: &Shared,
    bytes: Bytes,
    charset: Option<String>,
    caller: Arc<Caller>,
    now: Timestamp,
) -> Result<Message, Refusal> {
    let engine = shared.engine.clone();
    let judging = tokio::task::spawn_blocking(move || {
        judge(&bytes, charset.as_deref(), &caller, &engine, now)
    });
    judging.await.unwrap_or_else(|_| {
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
    message: Message,
    came: Came<'_>,
) -> Result<Reply, Refusal> {
    match message {
        Message::Create(submission) => create(shared, caller, *submission, came).await,
        Message::Batch(entries) => {
            let entries = batch(shared, caller, entries, came).await?;
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
    came: Came<'_>,
) -> Result<Reply, Refusal> {
    let submission = upload::put_away(shared, caller, submission, came.at).await?;
    let submit = Submit {
        sender: caller.sender.clone(),
        received_at: came.at,
        submission,
        traceparent: came.traceparent.map(str::to_owned),
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
    came: Came<'_>,
) -> Result<Vec<EntryAnswer>, Refusal> {
    let entries = within_rate(caller, entries, came.at);
    let mut prepared = Vec::with_capacity(entries.len());
    for entry in entries {
        prepared.push(match entry {
            Err(refused) => Err(refused),
            Ok(submission) => {
                let reference = submission.content.reference.clone();
                let put_away = upload::put_away(shared, caller, submission, came.at).await;
                put_away.map_err(|refusal| RefusedEntry {
                    reference: Some(reference),
                    refusal,
                })
            }
        });
    }
    let many = SubmitMany {
        sender: caller.sender.clone(),
        received_at: came.at,
        entries: prepared,
        traceparent: came.traceparent.map(str::to_owned),
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
