//! The elements of a workflow's file with their places, before anybody asks what they mean.

use crate::domain::workflow::SOURCE_BYTES_MAX;
use crate::wire::error::WireError;
use crate::wire::strict::fault::shown;
use crate::wire::strict::{StartTag, StrictReader, XmlEvent, XmlLimits, declaration};

use super::fault::{Faults, Rule};

/// The namespace of the language.
pub const NAMESPACE: &str = "urn:anteroom:workflow:1";

/// The language is four elements deep; what is deeper is refused, not read.
const LIMITS: XmlLimits = XmlLimits {
    depth_max: 8,
    elements_max: 50_000,
    attributes_max: 32,
};

/// An element of the language's namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    /// Byte of the `<` of its start tag.
    pub(super) at: usize,
    /// Byte of the `<` of its end tag; of the tag itself for `<a/>`.
    pub(super) end: usize,
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) children: Vec<Element>,
}

/// An attribute without a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    /// Byte of its name.
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) value: String,
}

impl Element {
    /// The attribute of that name.
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|it| it.name == name)
    }

    /// Where the attribute of that name stands; where the element does, without it.
    pub(super) fn place_of(&self, name: &str) -> usize {
        self.attribute(name).map_or(self.at, |it| it.at)
    }
}

/// Reads the whole file; `None`: it cannot be read, and the fault says why.
pub(super) fn read(text: &str, faults: &mut Faults) -> Option<Element> {
    if text.len() > SOURCE_BYTES_MAX {
        let message = format!("Make the file smaller: it may have {SOURCE_BYTES_MAX} bytes.");
        faults.add(0, Rule::TooMany, message);
        return None;
    }
    refuse_other_encodings(text, faults);
    let mut reader = StrictReader::new(text, LIMITS);
    match document(&mut reader, faults) {
        Ok(root) => root,
        Err(refusal) => {
            faults.add(offset_of(text, &refusal), Rule::Schema, refusal.message);
            None
        }
    }
}

/// The text is UTF-8 already: a declaration that says otherwise would make another program read
/// another workflow.
fn refuse_other_encodings(text: &str, faults: &mut Faults) {
    // What is wrong with the declaration itself the reader says.
    let Ok(Some(declared)) = declaration::read(text) else {
        return;
    };
    if let Some(encoding) = declared.encoding
        && !encoding.value.eq_ignore_ascii_case("utf-8")
    {
        let message = "Write the file in UTF-8, and say so or nothing in its XML declaration.";
        faults.add(encoding.offset, Rule::Schema, message);
    }
}

/// The byte of a refusal, of which the reader keeps line and column only.
fn offset_of(text: &str, refusal: &WireError) -> usize {
    let Some(place) = refusal.position else {
        return 0;
    };
    let (mut line, mut column) = (1, 1);
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if (line, column) == (place.line, place.column) {
            return at;
        }
        let next = characters.peek().map(|(_, next)| *next);
        if character == '\n' || (character == '\r' && next != Some('\n')) {
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
    }
    text.len()
}

fn document(
    reader: &mut StrictReader<'_>,
    faults: &mut Faults,
) -> Result<Option<Element>, WireError> {
    let mut root = None;
    let mut open: Vec<Element> = Vec::new();
    // Elements open within one of another namespace, itself included; none of them is kept.
    let mut foreign = 0_usize;
    loop {
        match reader.next()? {
            XmlEvent::Start(_) if foreign > 0 => foreign += 1,
            XmlEvent::Start(tag) => match element(&tag, faults) {
                Some(element) => open.push(element),
                None => foreign = 1,
            },
            XmlEvent::Text(text) => {
                if let Some(element) = open.last()
                    && foreign == 0
                    && !text
                        .chars()
                        .all(|it| matches!(it, ' ' | '\t' | '\n' | '\r'))
                {
                    let name = shown(&element.name);
                    let message = format!("Remove the text from {name}: it holds none.");
                    faults.add(element.at, Rule::Schema, message);
                }
            }
            XmlEvent::End { .. } if foreign > 0 => foreign -= 1,
            XmlEvent::End { offset } => {
                let Some(mut done) = open.pop() else {
                    continue;
                };
                done.end = offset;
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => root = Some(done),
                }
            }
            XmlEvent::Eof => return Ok(root),
        }
    }
}

/// The element that a start tag begins; `None`: it is not of the language.
fn element(tag: &StartTag<'_>, faults: &mut Faults) -> Option<Element> {
    let ours = tag.namespace.as_ref().is_some_and(|it| *it == NAMESPACE);
    if !ours {
        let name = shown(tag.qname);
        let message = format!("Remove {name}: only elements of {NAMESPACE} may stand here.");
        faults.add(tag.offset, Rule::Schema, message);
        return None;
    }
    let mut attributes = Vec::with_capacity(tag.attributes.len());
    for attribute in &tag.attributes {
        if attribute.namespace.is_some() {
            let name = shown(attribute.qname);
            let message = format!("Remove @{name}: the language has no such attribute.");
            faults.add(attribute.offset, Rule::Schema, message);
            continue;
        }
        attributes.push(Attribute {
            at: attribute.offset,
            name: attribute.local.to_owned(),
            value: attribute.value.clone().into_owned(),
        });
    }
    Some(Element {
        at: tag.offset,
        end: tag.offset,
        name: tag.local.to_owned(),
        attributes,
        children: Vec::new(),
    })
}
