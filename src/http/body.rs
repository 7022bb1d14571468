//! Reads a message's body: under its limit, within the budget, at a bearable pace, unpacked.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::time::{Instant, timeout_at};

use crate::domain::code::Code;
use crate::domain::policy::MESSAGE_BYTES_MAX;
use crate::domain::refusal::{Problem, Refusal};

use super::budget::{Budget, NoRoom, SMALL_BODY_BYTES_MAX, Share};
use super::media::Packing;

/// A body must come at this rate at least, after a first allowance of the body timeout.
const BODY_BYTES_PER_S_MIN: u64 = 16 * 1024;
/// Bytes that are unpacked before other tasks get their turn.
const UNPACK_SLICE_BYTES: usize = 1024 * 1024;
/// Bytes of an unwanted body that are read so that its sender can read the answer.
const DISCARD_BYTES_MAX: usize = 64 * 1024;
/// How long an unwanted body is waited for.
const DISCARD_WAIT: Duration = Duration::from_millis(500);
/// Seconds after which it may be worth sending a body again that found no room.
const NO_ROOM_RETRY_AFTER_S: u32 = 5;
/// Bytes one step of the unpacker puts out at most.
const UNPACK_STEP_BYTES: usize = 32 * 1024;

/// A body in memory, with its share of the budget.
pub struct TakenBody {
    /// Unpacked.
    pub bytes: Bytes,
    /// Given back when dropped: keep it until the answer is made.
    pub share: Share,
}

/// Reads all of `body`.
///
/// # Errors
/// `tooLarge`, `overloaded` (no room), `requestTimeout` (too slow), `encodingInvalid` (not gzip),
/// `malformedXml` (broken off). The connection should be closed after any of them.
pub async fn take(
    body: Body,
    packing: Packing,
    budget: &Arc<Budget>,
    patience: Duration,
) -> Result<TakenBody, Refusal> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|bytes| bytes > MESSAGE_BYTES_MAX) {
        return Err(too_large());
    }
    let gathered = match packing {
        Packing::Plain => Gathered::Nothing,
        Packing::Gzip => Gathered::Packed(Box::new(MultiGzDecoder::new(Vec::new()))),
    };
    let announced = announced.filter(|_| packing == Packing::Plain);
    let mut taking = Taking {
        gathered,
        announced: announced.map_or(0, |bytes| usize::try_from(bytes).unwrap_or(0)),
        share: budget.share(),
    };
    let mut frames = body;
    let started = Instant::now();
    let mut received: u64 = 0;
    loop {
        let allowance = Duration::from_millis(received * 1_000 / BODY_BYTES_PER_S_MIN);
        let frame = timeout_at(started + patience + allowance, frames.frame())
            .await
            .map_err(|_| too_slow())?;
        let Some(frame) = frame else { break };
        let Ok(frame) = frame.map_err(|_| broken_off())?.into_data() else {
            continue;
        };
        received += frame.len() as u64;
        taking.add(frame).await?;
    }
    taking.finish().await
}

/// Reads a little of a body that nobody wants, so that its sender gets to reading the answer.
pub async fn discard(mut body: Body) {
    let reading = async {
        let mut read = 0;
        while read < DISCARD_BYTES_MAX {
            match body.frame().await {
                Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) | None => break,
            }
        }
    };
    // Whether all of it came makes no difference to the answer.
    let _ = tokio::time::timeout(DISCARD_WAIT, reading).await;
}

/// What has come so far.
enum Gathered {
    Nothing,
    /// The usual small message: one piece, not copied.
    One(Bytes),
    Many(Vec<u8>),
    Packed(Box<MultiGzDecoder<Vec<u8>>>),
}

struct Taking {
    gathered: Gathered,
    /// Length of a plain body; 0 where it is not known.
    announced: usize,
    share: Share,
}

impl Taking {
    async fn add(&mut self, piece: Bytes) -> Result<(), Refusal> {
        if let Gathered::Packed(decoder) = &mut self.gathered {
            return unpack(decoder, &mut self.share, &piece).await;
        }
        let so_far = match &self.gathered {
            Gathered::Nothing | Gathered::Packed(_) => 0,
            Gathered::One(first) => first.len(),
            Gathered::Many(all) => all.len(),
        };
        within_limit(so_far + piece.len())?;
        let mut wanted = so_far + piece.len();
        if self.announced > SMALL_BODY_BYTES_MAX {
            wanted = wanted.max(self.announced);
        }
        room(&mut self.share, wanted).await?;
        self.gathered = match std::mem::replace(&mut self.gathered, Gathered::Nothing) {
            Gathered::Nothing => Gathered::One(piece),
            Gathered::One(first) => {
                let mut all = Vec::with_capacity(self.announced.max(first.len() + piece.len()));
                all.extend_from_slice(&first);
                all.extend_from_slice(&piece);
                Gathered::Many(all)
            }
            Gathered::Many(mut all) => {
                all.extend_from_slice(&piece);
                Gathered::Many(all)
            }
            packed @ Gathered::Packed(_) => packed,
        };
        Ok(())
    }

    async fn finish(mut self) -> Result<TakenBody, Refusal> {
        let bytes = match self.gathered {
            Gathered::Nothing => Bytes::new(),
            Gathered::One(all) => all,
            Gathered::Many(all) => all.into(),
            Gathered::Packed(decoder) => {
                let all = decoder.finish().map_err(|_| not_gzip())?;
                within_limit(all.len())?;
                room(&mut self.share, all.len()).await?;
                all.into()
            }
        };
        Ok(TakenBody {
            bytes,
            share: self.share,
        })
    }
}

/// Unpacks one piece, step by step: no step may put out more than there is room for.
async fn unpack(
    decoder: &mut MultiGzDecoder<Vec<u8>>,
    share: &mut Share,
    mut piece: &[u8],
) -> Result<(), Refusal> {
    let mut yielded_at = decoder.get_ref().len();
    while !piece.is_empty() {
        let so_far = decoder.get_ref().len();
        room(share, so_far + UNPACK_STEP_BYTES).await?;
        let used = decoder.write(piece).map_err(|_| not_gzip())?;
        if used == 0 && decoder.get_ref().len() == so_far {
            return Err(not_gzip());
        }
        within_limit(decoder.get_ref().len())?;
        piece = &piece[used..];
        if decoder.get_ref().len() - yielded_at > UNPACK_SLICE_BYTES {
            yielded_at = decoder.get_ref().len();
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

async fn room(share: &mut Share, bytes: usize) -> Result<(), Refusal> {
    share.grow_to(bytes).await.map_err(|NoRoom| no_room())
}

fn within_limit(bytes: usize) -> Result<(), Refusal> {
    if bytes as u64 > MESSAGE_BYTES_MAX {
        return Err(too_large());
    }
    Ok(())
}

fn too_large() -> Refusal {
    Refusal::new(
        Code::TooLarge,
        format!(
            "A message has at most {MESSAGE_BYTES_MAX} bytes, unpacked: send fewer or smaller \
             attachments, or fewer items at once."
        ),
    )
}

fn too_slow() -> Refusal {
    Refusal::new(
        Code::RequestTimeout,
        "The message came too slowly: nothing was created, send it again.",
    )
}

fn no_room() -> Refusal {
    Problem::new(
        Code::Overloaded,
        "Too many large messages come in at once: nothing was created, send it again.",
    )
    .retry_after(NO_ROOM_RETRY_AFTER_S)
    .into()
}

fn not_gzip() -> Refusal {
    Refusal::new(
        Code::EncodingInvalid,
        "Content-Encoding says gzip, but the body is no complete gzip stream.",
    )
}

fn broken_off() -> Refusal {
    Refusal::new(
        Code::MalformedXml,
        "The body broke off before its announced end: send the whole message.",
    )
}
