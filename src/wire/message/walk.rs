//! The way through a message: the strict reader, the path to where it stands, and the faults found
//! on the way. Every element is entered by [`Walk::root`] or [`Walk::child`] and left by
//! [`Walk::leave`] after its end.

use std::borrow::Cow;

use crate::domain::code::Code;
use crate::wire::error::WireError;
use crate::wire::strict::fault::shown;
use crate::wire::strict::{Attribute, StartTag, StrictReader, XmlEvent, XmlLimits};

use super::NAMESPACE;
use super::place::{Fault, Faults, Step, path};
use super::value::Shape;

const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Reads one message from front to back.
pub(super) struct Walk<'a> {
    pub(super) text: &'a str,
    reader: StrictReader<'a>,
    steps: Vec<Step<'a>>,
    /// Byte of the `<` of the end tag read last.
    pub(super) end: usize,
    pub(super) faults: Faults,
}

impl<'a> Walk<'a> {
    pub(super) fn new(text: &'a str) -> Walk<'a> {
        Walk {
            text,
            reader: StrictReader::new(text, XmlLimits::default()),
            steps: Vec::with_capacity(8),
            end: 0,
            faults: Faults::default(),
        }
    }

    /// Byte after the tag or text read last.
    pub(super) fn offset(&self) -> usize {
        self.reader.offset()
    }

    /// Enters the root element.
    pub(super) fn root(&mut self) -> Result<StartTag<'a>, WireError> {
        loop {
            match self.reader.next()? {
                XmlEvent::Start(tag) => return Ok(self.enter(tag)),
                XmlEvent::Text(_) | XmlEvent::End { .. } | XmlEvent::Eof => {
                    debug_assert!(false, "the strict reader gives the root element first");
                }
            }
        }
    }

    /// Reads what follows the root element.
    pub(super) fn finish(&mut self) -> Result<(), WireError> {
        while self.reader.next()? != XmlEvent::Eof {}
        Ok(())
    }

    /// Enters the next child of an element that holds elements only; `None` at its end.
    pub(super) fn child(&mut self) -> Result<Option<StartTag<'a>>, WireError> {
        loop {
            match self.reader.next()? {
                XmlEvent::Start(tag) => return Ok(Some(self.enter(tag))),
                XmlEvent::Text(text) => self.text_among_elements(&text),
                XmlEvent::End { offset } => {
                    self.end = offset;
                    return Ok(None);
                }
                XmlEvent::Eof => return Ok(None),
            }
        }
    }

    fn enter(&mut self, tag: StartTag<'a>) -> StartTag<'a> {
        let ours = is_ours(&tag);
        self.steps.push(Step {
            name: if ours { tag.local } else { tag.qname },
            number: 0,
            offset: tag.offset,
            text_reported: false,
        });
        tag
    }

    /// Leaves the element whose end was read.
    pub(super) fn leave(&mut self) {
        self.steps.pop();
    }

    /// The element just entered is the `number`-th of a list, from 1.
    pub(super) fn number(&mut self, number: usize) {
        if let Some(step) = self.steps.last_mut() {
            step.number = number;
        }
    }

    fn text_among_elements(&mut self, text: &str) {
        let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let Some(step) = self.steps.last_mut() else {
            return;
        };
        if step.text_reported || text.bytes().all(blank) {
            return;
        }
        step.text_reported = true;
        let name = shown(step.name);
        self.fault_here("", || {
            format!("Remove the text from {name}: it holds elements only.")
        });
    }

    /// The next piece of the text of an element that holds text only; `None` at its end.
    pub(super) fn piece(&mut self) -> Result<Option<Cow<'a, str>>, WireError> {
        loop {
            match self.reader.next()? {
                XmlEvent::Text(text) => return Ok(Some(text)),
                XmlEvent::Start(tag) => {
                    let parent = self.steps.last().map_or("", |step| step.name);
                    self.enter(tag);
                    self.fault_here("", || {
                        format!("Remove this element: {} holds no elements.", shown(parent))
                    });
                    self.skip()?;
                }
                XmlEvent::End { offset } => {
                    self.end = offset;
                    return Ok(None);
                }
                XmlEvent::Eof => return Ok(None),
            }
        }
    }

    /// The whole text of the element just entered. The element is not left yet, so that a fault of
    /// its value still stands in it.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, WireError> {
        let Some(mut text) = self.piece()? else {
            return Ok(Cow::Borrowed(""));
        };
        while let Some(piece) = self.piece()? {
            text.to_mut().push_str(&piece);
        }
        Ok(text)
    }

    /// Reads and leaves the element just entered without looking into it.
    pub(super) fn skip(&mut self) -> Result<(), WireError> {
        let mut depth = 1;
        while depth > 0 {
            match self.reader.next()? {
                XmlEvent::Start(_) => depth += 1,
                XmlEvent::End { .. } => depth -= 1,
                XmlEvent::Text(_) => {}
                XmlEvent::Eof => break,
            }
        }
        self.leave();
        Ok(())
    }

    /// Reads and leaves an element without attributes whose text is a value; `None` if it is not
    /// what `read` takes.
    pub(super) fn leaf<T>(
        &mut self,
        tag: &StartTag<'a>,
        read: impl FnOnce(Cow<'a, str>) -> Result<T, Shape>,
    ) -> Result<Option<T>, WireError> {
        self.no_attributes(tag);
        self.rest(read)
    }

    /// Reads and leaves an element, whose attributes were read, for the value of its text.
    pub(super) fn rest<T>(
        &mut self,
        read: impl FnOnce(Cow<'a, str>) -> Result<T, Shape>,
    ) -> Result<Option<T>, WireError> {
        let text = self.text()?;
        let value = match read(text) {
            Ok(value) => Some(value),
            Err(shape) => {
                self.misshapen(shape);
                None
            }
        };
        self.leave();
        Ok(value)
    }

    /// Refuses the text of the element just entered.
    pub(super) fn misshapen(&mut self, shape: Shape) {
        let name = self.steps.last().map_or("", |step| step.name);
        self.fault_here("", || format!("{} must be {shape}.", shown(name)));
    }

    /// The value of an attribute of the element just entered; `None` if `read` does not take it.
    pub(super) fn attribute<T>(
        &mut self,
        attribute: &Attribute<'a>,
        read: impl FnOnce(Cow<'_, str>) -> Result<T, Shape>,
    ) -> Option<T> {
        match read(Cow::Borrowed(&attribute.value)) {
            Ok(value) => Some(value),
            Err(shape) => {
                let name = attribute.local;
                self.fault_here(&format!("/@{name}"), || format!("@{name} must be {shape}."));
                None
            }
        }
    }

    pub(super) fn no_attributes(&mut self, tag: &StartTag<'a>) {
        for attribute in &tag.attributes {
            self.stray_attribute(attribute);
        }
    }

    /// Refuses an attribute that the element does not have.
    pub(super) fn stray_attribute(&mut self, attribute: &Attribute<'a>) {
        let name = shown(attribute.qname);
        let instance = attribute
            .namespace
            .as_ref()
            .is_some_and(|name| *name == SCHEMA_INSTANCE);
        let element = self.steps.last().map_or("", |step| step.name);
        self.fault_here(&format!("/@{name}"), || match instance {
            true => format!("Remove @{name}: messages carry no attributes of XML Schema."),
            false => format!("Remove @{name}: {} has no such attribute.", shown(element)),
        });
    }

    /// Refuses the absence of an attribute.
    pub(super) fn missing_attribute(&mut self, name: &str) {
        let element = self.steps.last().map_or("", |step| step.name);
        self.fault_here(&format!("/@{name}"), || {
            format!("Give {element} the attribute {name}.")
        });
    }

    /// Refuses and leaves an element that its parent does not have.
    pub(super) fn stray_element(&mut self, tag: &StartTag<'a>) -> Result<(), WireError> {
        let above = self
            .steps
            .len()
            .checked_sub(2)
            .and_then(|at| self.steps.get(at));
        let parent = above.map_or("", |step| step.name);
        let ours = is_ours(tag);
        self.fault_here("", || {
            let (name, parent) = (shown(tag.qname), shown(parent));
            match ours {
                true => format!("Remove {name}: {parent} has no such element."),
                false => format!(
                    "Remove {name}, or put it into the namespace {NAMESPACE} like the root element."
                ),
            }
        });
        self.skip()
    }

    /// Refuses and leaves an element that stands there a second time.
    pub(super) fn repeated_element(&mut self) -> Result<(), WireError> {
        let name = self.steps.last().map_or("", |step| step.name);
        self.fault_here("", || {
            format!("Remove this {name}: it may stand here only once.")
        });
        self.skip()
    }

    /// The schema does not allow what stands at the start tag of the element just entered.
    pub(super) fn fault_here(&mut self, suffix: &str, message: impl FnOnce() -> String) {
        let offset = self.steps.last().map_or(0, |step| step.offset);
        self.fault_at(offset, suffix, message);
    }

    /// The schema does not allow what stands at `offset`, or does not stand there.
    pub(super) fn fault_at(
        &mut self,
        offset: usize,
        suffix: &str,
        message: impl FnOnce() -> String,
    ) {
        if self.faults.has_room_at(offset) {
            self.faults.add(Fault {
                offset,
                code: Code::SchemaInvalid,
                message: message(),
                path: self.path(suffix),
            });
        }
    }

    /// The path to the element just entered, and `suffix`.
    pub(super) fn path(&self, suffix: &str) -> String {
        path(&self.steps, suffix)
    }
}

/// Whether an element is in our namespace.
pub(super) fn is_ours(tag: &StartTag<'_>) -> bool {
    tag.namespace
        .as_ref()
        .is_some_and(|name| *name == NAMESPACE)
}

/// The name of an attribute that is in no namespace; attributes in one are never ours.
pub(super) fn plain<'a>(attribute: &Attribute<'a>) -> Option<&'a str> {
    attribute.namespace.is_none().then_some(attribute.local)
}

/// The local name of an element of ours.
pub(super) fn ours<'a>(tag: &StartTag<'a>) -> Option<&'a str> {
    is_ours(tag).then_some(tag.local)
}
