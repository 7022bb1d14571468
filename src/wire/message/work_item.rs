//! `workItem`, alone and as an entry of `workItems`, and `update`: the verbs with contents, their
//! rules, digests and raw texts.

use crate::domain::message::{Message, RefusedEntry, Submission, Update};
use crate::domain::policy::BATCH_ITEMS_MAX;
use crate::domain::refusal::Problem;
use crate::wire::digest;
use crate::wire::error::WireError;
use crate::wire::raw::{self, Root};
use crate::wire::rules::{Bodies, Finding, check_submission, check_update};
use crate::wire::strict::StartTag;

use super::Reading;
use super::attachments::Attachments;
use super::parts::{Marks, Parent, Parts};
use super::place::{Fault, Faults};
use super::value;
use super::verbs::Addressing;
use super::walk::{ours, plain};

/// Entries of `workItems`.
const ENTRIES_MAX: usize = BATCH_ITEMS_MAX as usize;
/// Bytes the start tag of `workItems` may have: each entry is kept with a copy of it.
const BATCH_START_TAG_BYTES_MAX: usize = 4_096;

impl<'a> Reading<'a> {
    pub(super) fn create(&mut self, tag: &StartTag<'a>) -> Result<Option<Message>, WireError> {
        let text = self.walk.text;
        let submission =
            self.work_item(tag, |_, attachments| raw::whole(text, &attachments.cuts))?;
        Ok(submission
            .map(|submission| Message::Create(Box::new(submission)))
            .ok())
    }

    pub(super) fn update(&mut self, tag: &StartTag<'a>) -> Result<Option<Message>, WireError> {
        let mut addressing = Addressing::default();
        let (mut if_version, mut request_id) = (None, None);
        for attribute in &tag.attributes {
            match plain(attribute) {
                Some("ifVersion") => {
                    if_version = self.walk.attribute(attribute, value::version);
                }
                Some("requestId") => {
                    request_id = self.walk.attribute(attribute, value::reference);
                }
                _ if addressing.take(&mut self.walk, attribute) => {}
                _ => self.walk.stray_attribute(attribute),
            }
        }
        let address = addressing.required(&mut self.walk);
        let parts = Parts::read(&mut self.walk, Parent::Update)?;
        let base = self.walk.path("");
        self.walk.leave();
        let (changes, attachments, marks) = parts.into_changes();
        let bodies = bodies(&attachments);
        let findings = self.context.judge.map_or_else(Vec::new, |judge| {
            check_update(&changes, bodies, judge, self.context.now)
        });
        let placed = place_all(findings, &base, &marks, &attachments);
        let Some(address) = address.filter(|_| self.walk.faults.is_empty()) else {
            placed
                .into_iter()
                .for_each(|fault| self.walk.faults.add(fault));
            return Ok(None);
        };
        Ok(Some(Message::Update(Box::new(Update {
            address,
            if_version,
            request_id,
            content_digest: digest::of_changes(&changes, &attachments.uploads),
            changes,
            problems: self.problems(placed),
            raw: raw::whole(self.walk.text, &attachments.cuts),
            uploads: attachments.uploads,
        }))))
    }

    pub(super) fn batch(&mut self, tag: &StartTag<'a>) -> Result<Option<Message>, WireError> {
        let text = self.walk.text;
        let root = Root {
            start_tag: &text[tag.offset..self.walk.offset()],
            qname: tag.qname,
        };
        if root.start_tag.len() > BATCH_START_TAG_BYTES_MAX {
            let message = format!(
                "The start tag of workItems may have at most {BATCH_START_TAG_BYTES_MAX} bytes."
            );
            let error = WireError::new(crate::domain::code::Code::TooLarge, message);
            return Err(error.at(text, tag.offset));
        }
        self.walk.no_attributes(tag);
        let mut entries = Vec::new();
        let mut count = 0;
        while let Some(child) = self.walk.child()? {
            if ours(&child) != Some("workItem") {
                self.walk.stray_element(&child)?;
                continue;
            }
            count += 1;
            self.walk.number(count);
            if count <= ENTRIES_MAX {
                entries.push(self.entry(&child, &root)?);
                continue;
            }
            if count == ENTRIES_MAX + 1 {
                self.walk.fault_here("", || {
                    format!("At most {ENTRIES_MAX} items may stand in one message.")
                });
            }
            self.walk.skip()?;
        }
        if count == 0 {
            let message = || "Put at least one workItem into workItems.".into();
            self.walk.fault_at(self.walk.end, "/workItem", message);
        }
        self.walk.leave();
        Ok(Some(Message::Batch(entries)))
    }

    /// One entry: its faults refuse it alone.
    fn entry(
        &mut self,
        tag: &StartTag<'a>,
        root: &Root<'a>,
    ) -> Result<Result<Submission, RefusedEntry>, WireError> {
        let outer = std::mem::take(&mut self.walk.faults);
        let text = self.walk.text;
        let start = tag.offset;
        let entry = self.work_item(tag, |end, attachments| {
            raw::entry(text, root, start..end, &attachments.cuts)
        })?;
        let faults = std::mem::replace(&mut self.walk.faults, outer);
        Ok(entry.map_err(|reference| RefusedEntry {
            reference,
            refusal: self.refusal_of(faults),
        }))
    }

    /// Reads and leaves one `workItem`. With faults there is no submission, only the reference as
    /// far as it was good, and the rules broken stand among the faults.
    fn work_item(
        &mut self,
        tag: &StartTag<'a>,
        raw: impl FnOnce(usize, &Attachments) -> String,
    ) -> Result<Result<Submission, Option<String>>, WireError> {
        let head = self.head(tag);
        let parts = Parts::read(&mut self.walk, Parent::WorkItem)?;
        let end = self.walk.offset();
        let (mut content, attachments, marks) = parts.into_content(head.reference.clone());
        content.chargeable = head.chargeable;
        let bodies = bodies(&attachments);
        let findings = self.context.judge.map_or_else(Vec::new, |judge| {
            check_submission(&content, bodies, judge, self.context.now)
        });
        let placed = match findings.is_empty() {
            true => Vec::new(),
            false => place_all(findings, &self.walk.path(""), &marks, &attachments),
        };
        self.walk.leave();
        if !self.walk.faults.is_empty() {
            placed
                .into_iter()
                .for_each(|fault| self.walk.faults.add(fault));
            return Ok(Err(head.reference));
        }
        Ok(Ok(Submission {
            content_digest: digest::of_content(&content, &attachments.uploads),
            content,
            dry_run: head.dry_run,
            problems: self.problems(placed),
            raw: raw(end, &attachments),
            uploads: attachments.uploads,
        }))
    }

    fn head(&mut self, tag: &StartTag<'a>) -> Head {
        let mut head = Head::default();
        let mut has_reference = false;
        for attribute in &tag.attributes {
            match plain(attribute) {
                Some("reference") => {
                    has_reference = true;
                    head.reference = self.walk.attribute(attribute, value::reference);
                }
                Some("dryRun") => {
                    let dry_run = self.walk.attribute(attribute, value::boolean);
                    head.dry_run = dry_run.unwrap_or_default();
                }
                Some("chargeable") => {
                    head.chargeable = self.walk.attribute(attribute, value::boolean);
                }
                _ => self.walk.stray_attribute(attribute),
            }
        }
        if !has_reference {
            self.walk.missing_attribute("reference");
        }
        head
    }

    /// Rules broken, with their lines and columns, in document order.
    fn problems(&mut self, placed: Vec<Fault>) -> Vec<Problem> {
        if placed.is_empty() {
            return Vec::new();
        }
        let mut faults = Faults::default();
        placed.into_iter().for_each(|fault| faults.add(fault));
        faults.into_problems(&mut self.lines)
    }
}

/// The attributes of a `workItem`.
#[derive(Debug, Default)]
struct Head {
    reference: Option<String>,
    dry_run: bool,
    chargeable: Option<bool>,
}

fn bodies(attachments: &Attachments) -> Bodies<'_> {
    Bodies {
        uploads: &attachments.uploads,
        corrupt: &attachments.corrupt,
    }
}

/// The rules broken below the element at the path `base`, with their places.
fn place_all(
    findings: Vec<Finding>,
    base: &str,
    marks: &Marks,
    attachments: &Attachments,
) -> Vec<Fault> {
    let place = |finding: Finding| {
        let (offset, suffix) = marks.place(finding.subject, &attachments.spots);
        Fault {
            offset,
            code: finding.code,
            message: finding.message,
            path: format!("{base}{suffix}"),
        }
    };
    findings.into_iter().map(place).collect()
}
