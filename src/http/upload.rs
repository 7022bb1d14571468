//! Attachments: their bodies are stored before the item that names them, in pieces, so that no
//! transaction is large. Nothing is stored for an item that will not be created.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::answer::Receipt;
use crate::domain::content::Attachment;
use crate::domain::ids::BlobId;
use crate::domain::message::{Submission, Update, Upload};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::engine::command::{ResolveItem, Submit, UpdateItem};
use crate::store::{CHUNK_BYTES_MAX, Chunk};

use super::auth::Caller;
use super::state::Shared;

/// The submission with its attachments stored, ready for the engine.
///
/// The engine is asked first, by a dry run without the bodies. For a reference that is known
/// nothing is stored: its attachments name bodies that do not exist, so that not even an item
/// vanishing in between could make the engine create one without them.
///
/// # Errors
/// The refusal to answer; nothing was created.
pub async fn put_away(
    shared: &Shared,
    caller: &Arc<Caller>,
    mut submission: Submission,
    received_at: Timestamp,
) -> Result<Submission, Refusal> {
    let uploads = std::mem::take(&mut submission.uploads);
    if uploads.is_empty() || submission.dry_run {
        return Ok(submission);
    }
    let trial = Submission {
        content: submission.content.clone(),
        dry_run: true,
        problems: submission.problems.clone(),
        content_digest: submission.content_digest,
        uploads: Vec::new(),
        raw: String::new(),
    };
    let trial = Submit {
        sender: caller.sender.clone(),
        received_at,
        submission: trial,
        traceparent: None,
    };
    let foreseen = shared.engine.submit(trial).await?;
    let attachments = uploads.iter().map(attachment).collect::<Vec<_>>();
    if !foreseen.duplicate {
        store(shared, &attachments, uploads).await?;
    }
    submission.content.attachments = attachments;
    Ok(submission)
}

/// Stores the attachments of an update and has it carried out.
///
/// # Errors
/// The refusal to answer; nothing changed.
pub async fn update(
    shared: &Shared,
    caller: &Arc<Caller>,
    mut update: Update,
) -> Result<Receipt, Refusal> {
    let uploads = std::mem::take(&mut update.uploads);
    let attachments = uploads.iter().map(attachment).collect::<Vec<_>>();
    if !uploads.is_empty() {
        if let Some(refusal) = Refusal::of(update.problems.clone()) {
            return Err(refusal);
        }
        let request = ResolveItem {
            sender: caller.sender.clone(),
            address: update.address.clone(),
        };
        shared.engine.resolve(request).await?;
        store(shared, &attachments, uploads).await?;
    }
    let request = UpdateItem {
        sender: caller.sender.clone(),
        update,
        attachments,
    };
    shared.engine.update(request).await
}

fn attachment(upload: &Upload) -> Attachment {
    Attachment {
        name: upload.name.clone(),
        media_type: upload.media_type.clone(),
        length_bytes: upload.body.len() as u64,
        sha256: upload.sha256,
        blob: BlobId(Uuid::now_v7()),
    }
}

/// Stores the bodies, piece by piece; each is let go once it is stored.
async fn store(
    shared: &Shared,
    attachments: &[Attachment],
    uploads: Vec<Upload>,
) -> Result<(), Refusal> {
    for (attachment, upload) in attachments.iter().zip(uploads) {
        for (number, piece) in (0..).zip(upload.body.chunks(CHUNK_BYTES_MAX)) {
            let chunk = Chunk {
                blob: attachment.blob,
                number,
                bytes: piece.to_vec(),
            };
            shared.engine.store_chunk(chunk).await?;
        }
    }
    Ok(())
}
