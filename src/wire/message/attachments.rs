//! `attachments`: names, types and base64 bodies, decoded and digested while they are read.

use sha2::{Digest, Sha256};

use crate::domain::message::Upload;
use crate::wire::error::WireError;
use crate::wire::raw::Cut;
use crate::wire::strict::StartTag;

use super::base64::Decoder;
use super::lists::list;
use super::parts::Spot;
use super::value;
use super::value::Shape;
use super::walk::{Walk, plain};

/// Attachments of one message.
pub const ATTACHMENTS_MAX: usize = 10;

/// The attachments of one message, each list as long as the others but `corrupt`.
#[derive(Debug, Default)]
pub(super) struct Attachments {
    pub(super) uploads: Vec<Upload>,
    pub(super) spots: Vec<Spot>,
    /// Indexes of those whose body is not the one that `@sha256` announces.
    pub(super) corrupt: Vec<usize>,
    /// What the raw text leaves out.
    pub(super) cuts: Vec<Cut>,
}

/// What an `attachment` says about its body.
#[derive(Default)]
struct Head {
    name: Option<String>,
    media_type: Option<String>,
    sha256: Option<[u8; 32]>,
}

pub(super) fn attachments<'a>(
    walk: &mut Walk<'a>,
    tag: &StartTag<'a>,
) -> Result<Attachments, WireError> {
    let mut attachments = Attachments::default();
    walk.no_attributes(tag);
    list(walk, "attachment", ATTACHMENTS_MAX, |walk, tag, number| {
        let head = head(walk, &tag);
        let start = walk.offset();
        let mut decoder = Decoder::default();
        while let Some(piece) = walk.piece()? {
            decoder.push(&piece);
        }
        let Some(body) = decoder.finish() else {
            walk.misshapen(Shape::Words(
                "base64, in groups of four characters, padded with =",
            ));
            walk.leave();
            return Ok(());
        };
        // An empty element has its end where it starts, and nothing to leave out.
        let end = walk.end.max(start);
        walk.leave();
        let sha256: [u8; 32] = Sha256::digest(&body).into();
        attachments.cuts.push(Cut { start, end, sha256 });
        if let (Some(name), Some(media_type)) = (head.name, head.media_type) {
            if head.sha256.is_some_and(|announced| announced != sha256) {
                attachments.corrupt.push(attachments.uploads.len());
            }
            attachments.spots.push(Spot {
                number,
                offset: tag.offset,
            });
            attachments.uploads.push(Upload {
                name,
                media_type,
                sha256,
                body,
            });
        }
        Ok(())
    })?;
    Ok(attachments)
}

fn head<'a>(walk: &mut Walk<'a>, tag: &StartTag<'a>) -> Head {
    let mut head = Head::default();
    let (mut has_name, mut has_media_type) = (false, false);
    for attribute in &tag.attributes {
        match plain(attribute) {
            Some("name") => {
                has_name = true;
                head.name = walk.attribute(attribute, value::file_name);
            }
            Some("mediaType") => {
                has_media_type = true;
                head.media_type = walk.attribute(attribute, value::media_type);
            }
            Some("sha256") => head.sha256 = walk.attribute(attribute, value::sha256),
            _ => walk.stray_attribute(attribute),
        }
    }
    for (written, missing) in [(has_name, "name"), (has_media_type, "mediaType")] {
        if !written {
            walk.missing_attribute(missing);
        }
    }
    head
}
