//! What the senders sent and what they were told: the memory against which a restart is judged.

use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// Larger than one chunk of the store, so that a kill can fall between chunks.
const ATTACHMENT_BYTES: usize = 600 * 1024;

/// One piece of work as its sender knows it.
#[derive(Debug, Clone)]
pub struct Told {
    pub reference: String,
    pub service: &'static str,
    pub attached: bool,
    /// When the request was begun, and when its answer had come whole.
    pub sent: Instant,
    pub answered: Instant,
    /// The id in the receipt; `None` when no answer came.
    pub id: Option<String>,
}

impl Told {
    /// The message that was sent, to the letter.
    pub fn message(&self) -> String {
        message(
            &self.reference,
            self.service,
            None,
            self.attached.then_some(ATTACHMENT_BYTES),
        )
    }
}

/// Everything sent so far.
#[derive(Debug, Default)]
pub struct Journal {
    pub told: Vec<Told>,
    /// Answers that were neither a receipt nor a lost connection; each is a fault.
    pub surprises: Vec<String>,
}

impl Journal {
    /// Takes over what another journal holds.
    pub fn append(&mut self, mut other: Journal) {
        self.told.append(&mut other.told);
        self.surprises.append(&mut other.surprises);
    }

    /// What was receipted, with the id of each receipt.
    pub fn receipts(&self) -> impl Iterator<Item = (&Told, &str)> {
        self.told
            .iter()
            .filter_map(|told| Some((told, told.id.as_deref()?)))
    }
}

/// A receipt or a status as far as the audit looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub id: String,
    pub reference: String,
    pub state: String,
    /// Of a receipt.
    pub duplicate: bool,
    /// Empty where there is none.
    pub reason: String,
}

/// The receipts in `receipt` or `receipts`, or the statuses in `status` or `statuses`, in order.
/// Errors are left out, so a caller counts. An answer that is not XML fails the test.
pub fn receipts_in(answer: &str) -> Vec<Receipt> {
    let document = roxmltree::Document::parse(answer)
        .unwrap_or_else(|fault| panic!("the answer is not XML: {fault}\n{answer}"));
    let named = |node: &roxmltree::Node<'_, '_>| {
        matches!(node.tag_name().name(), "receipt" | "status") && node.has_attribute("id")
    };
    document
        .descendants()
        .filter(named)
        .map(read_receipt)
        .collect()
}

/// `statuses/@next`, the cursor of the next page.
pub fn next_in(answer: &str) -> Option<String> {
    let document = roxmltree::Document::parse(answer).ok()?;
    document.root_element().attribute("next").map(str::to_owned)
}

fn read_receipt(node: roxmltree::Node<'_, '_>) -> Receipt {
    let attribute = |name| node.attribute(name).unwrap_or_default().to_owned();
    let reason = node
        .children()
        .find(|child| child.tag_name().name() == "reason");
    Receipt {
        id: attribute("id"),
        reference: attribute("reference"),
        state: attribute("state"),
        duplicate: node.attribute("duplicate") == Some("true"),
        reason: reason
            .and_then(|reason| reason.text())
            .unwrap_or_default()
            .to_owned(),
    }
}

/// A `workItem`; the attachment's bytes follow from the reference.
pub fn message(
    reference: &str,
    service: &str,
    priority: Option<usize>,
    attachment_bytes: Option<usize>,
) -> String {
    let item = item(reference, service, priority, attachment_bytes);
    item.replacen(
        "<workItem ",
        "<workItem xmlns=\"urn:anteroom:work-item:1\" ",
        1,
    )
}

/// Several in one message.
pub fn batch(items: &[(String, &'static str)]) -> String {
    let items: String = items
        .iter()
        .map(|(reference, service)| item(reference, service, None, None))
        .collect();
    format!("<workItems xmlns=\"urn:anteroom:work-item:1\">{items}</workItems>")
}

fn item(
    reference: &str,
    service: &str,
    priority: Option<usize>,
    attachment_bytes: Option<usize>,
) -> String {
    let priority = priority
        .map(|level| format!("<priority>{level}</priority>"))
        .unwrap_or_default();
    let attachments = attachment_bytes
        .map(|bytes| attachments(reference, bytes))
        .unwrap_or_default();
    format!(
        "<workItem reference=\"{reference}\"><service>{service}</service>{priority}\
         <title>Ring back about {reference}</title>\
         <contactData><item key=\"workItemTask\">ring back</item></contactData>\
         {attachments}</workItem>"
    )
}

fn attachments(reference: &str, bytes: usize) -> String {
    let content: Vec<u8> = reference
        .bytes()
        .chain(*b"\n")
        .cycle()
        .take(bytes)
        .collect();
    let digest: String = Sha256::digest(&content)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!(
        "<attachments><attachment name=\"note.txt\" mediaType=\"text/plain\" \
         sha256=\"{digest}\">{}</attachment></attachments>",
        BASE64_STANDARD.encode(content)
    )
}
