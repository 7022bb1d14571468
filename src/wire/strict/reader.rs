//! The pull reader: the order of tokens, and the rules between them.

use super::character::{Survey, is_space, normalise_line_ends};
use super::fault::{Fault, shown, shown_char};
use super::namespace::Scope;
use super::skipped::{check_comment, check_instruction};
use super::{StartTag, XmlEvent, XmlLimits, declaration, reference, tag};
use crate::wire::error::{WireError, position};
use quick_xml::events::Event;
use std::borrow::Cow;

const BYTE_ORDER_MARK: char = '\u{FEFF}';
const UNKNOWN_MARKUP: &str =
    "Only comments <!-- … --> and sections <![CDATA[ … ]]> may begin with <! in a message.";

/// Reads one decoded document from front to back.
///
/// Ensures: when [`XmlEvent::Eof`] has been returned, the whole text was one well-formed document
/// without a document type declaration and within the limits.
pub struct StrictReader<'a> {
    text: &'a str,
    limits: XmlLimits,
    survey: Survey,
    tokens: quick_xml::Reader<&'a [u8]>,
    open: Vec<Open<'a>>,
    scope: Scope<'a>,
    elements: usize,
    root: Root,
    /// The end of an empty element, owed to the caller: the byte of its `<`.
    owed_end: Option<usize>,
    /// The first error; a document does not get better by asking again.
    refused: Option<WireError>,
}

/// An element whose end tag has not been read.
struct Open<'a> {
    qname: &'a str,
    offset: usize,
    /// The declarations in scope before this element made its own.
    scope_mark: usize,
}

/// What one token comes to. Start tags are the large ones: they are read where they are returned.
enum Step<'a> {
    /// Nothing that the caller need see.
    Skip,
    /// A start tag from the `<` at `start` to the `>` or `/>` at `close`.
    Start {
        start: usize,
        close: usize,
        is_empty: bool,
    },
    Text(Cow<'a, str>),
    /// The end tag of the innermost open element, its `<` at this byte.
    End(usize),
    Eof,
}

/// Where the reader stands against the root element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    Before,
    Inside,
    After,
}

impl<'a> StrictReader<'a> {
    /// A reader at the start of `text`, which no longer has its byte order mark.
    pub fn new(text: &'a str, limits: XmlLimits) -> Self {
        let mut tokens = quick_xml::Reader::from_str(text);
        let config = tokens.config_mut();
        // Our own stack compares end tags: it knows where the start tag stands.
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        Self {
            text,
            limits,
            survey: Survey::of(text),
            tokens,
            open: Vec::with_capacity(8),
            scope: Scope::new(),
            elements: 0,
            root: Root::Before,
            owed_end: None,
            refused: text.starts_with(BYTE_ORDER_MARK).then(|| {
                // quick-xml would skip it without a word, and without counting its bytes.
                let message = "Remove the second byte order mark (U+FEFF).";
                Fault::malformed(0, message).locate(text)
            }),
        }
    }

    /// The byte after the last event, in the text: the content of an element begins at the offset
    /// seen after its `Start` and ends at the offset of its `End`.
    pub fn offset(&self) -> usize {
        // The position counts bytes of a slice, so it fits.
        usize::try_from(self.tokens.buffer_position()).unwrap_or(self.text.len())
    }

    /// The next event.
    ///
    /// # Errors
    /// `malformedXml`, `doctypeRefused` or `tooLarge` with line and column of the first fault;
    /// answer the sender and read no further. Every further call returns the same error.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator would end with None where this ends with Eof or an error"
    )]
    pub fn next(&mut self) -> Result<XmlEvent<'a>, WireError> {
        if let Some(offset) = self.owed_end.take() {
            return Ok(self.close(offset));
        }
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        loop {
            let fault = match self.step() {
                Ok(Step::Skip) => continue,
                Ok(Step::Text(text)) => return Ok(XmlEvent::Text(text)),
                Ok(Step::End(offset)) => return Ok(self.close(offset)),
                Ok(Step::Eof) => return Ok(XmlEvent::Eof),
                Ok(Step::Start {
                    start,
                    close,
                    is_empty,
                }) => match self.start(start, close, is_empty) {
                    Ok(tag) => return Ok(XmlEvent::Start(tag)),
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            let error = fault.locate(self.text);
            self.refused = Some(error.clone());
            return Err(error);
        }
    }

    /// Reads one token.
    fn step(&mut self) -> Result<Step<'a>, Fault> {
        let start = self.offset();
        // Before quick-xml sees it, so that not even an unfinished one is looked into.
        if self.text.as_bytes().get(start + 1) == Some(&b'!')
            && self.text[start..].starts_with("<!DOCTYPE")
        {
            return Err(Fault::doctype(start));
        }
        let token = self.tokens.read_event();
        let end = self.offset();
        if self.survey.illegal_at < end {
            return Err(self.illegal_character());
        }
        match token {
            Ok(Event::Text(_)) => self.text(start, end),
            Ok(Event::GeneralRef(_)) => self.reference(start, end),
            Ok(Event::Start(_)) => Ok(Step::Start {
                start,
                close: end - 1,
                is_empty: false,
            }),
            Ok(Event::Empty(_)) => Ok(Step::Start {
                start,
                close: end - 2,
                is_empty: true,
            }),
            Ok(Event::End(_)) => self.end(start, end),
            Ok(Event::CData(_)) => self.cdata(start, end),
            Ok(Event::Comment(_)) => check_comment(self.text, start, end).map(|()| Step::Skip),
            Ok(Event::PI(_)) => check_instruction(self.text, start, end).map(|()| Step::Skip),
            Ok(Event::Decl(_)) => self.declaration(start),
            Ok(Event::DocType(_)) => Err(Fault::malformed(start, UNKNOWN_MARKUP)),
            Ok(Event::Eof) => self.eof(),
            Err(_) => Err(self.unfinished(start)),
        }
    }

    fn illegal_character(&self) -> Fault {
        let at = self.survey.illegal_at;
        let found = self.text[at..]
            .chars()
            .next()
            .map(shown_char)
            .unwrap_or_default();
        Fault::malformed(
            at,
            format!("Remove {found}: XML does not allow this character."),
        )
    }

    fn text(&mut self, start: usize, end: usize) -> Result<Step<'a>, Fault> {
        let text = &self.text[start..end];
        if self.root != Root::Inside {
            return match text.bytes().position(|byte| !is_space(byte)) {
                Some(stray) => Err(self.outside_root(start + stray)),
                None => Ok(Step::Skip),
            };
        }
        if self.survey.has_bracket
            && let Some(at) = text.find("]]>")
        {
            return Err(Fault::malformed(
                start + at,
                "Write ]]&gt; for ]]> in text.",
            ));
        }
        Ok(self.characters(text))
    }

    fn characters(&self, text: &'a str) -> Step<'a> {
        if text.is_empty() {
            return Step::Skip;
        }
        Step::Text(match self.survey.has_carriage_return {
            true => normalise_line_ends(text),
            false => Cow::Borrowed(text),
        })
    }

    fn outside_root(&self, offset: usize) -> Fault {
        let message = match self.root {
            Root::Before => "Begin the message with its root element: text cannot stand before it.",
            Root::Inside | Root::After => "Remove what stands after the end of the root element.",
        };
        Fault::malformed(offset, message)
    }

    fn reference(&mut self, start: usize, end: usize) -> Result<Step<'a>, Fault> {
        if self.root != Root::Inside {
            return Err(self.outside_root(start));
        }
        let resolved = reference::resolve(&self.text[start + 1..end - 1], start)?;
        Ok(Step::Text(resolved))
    }

    /// A start tag from the `<` at `start` to the `>` or `/>` at `close`.
    fn start(&mut self, start: usize, close: usize, is_empty: bool) -> Result<StartTag<'a>, Fault> {
        self.check_room(start)?;
        let scope_mark = self.scope.mark();
        let attributes_max = self.limits.attributes_max;
        let tag = tag::read(self.text, start, close, attributes_max, &mut self.scope)?;
        self.elements += 1;
        self.root = Root::Inside;
        self.open.push(Open {
            qname: tag.qname,
            offset: start,
            scope_mark,
        });
        self.owed_end = is_empty.then_some(start);
        Ok(tag)
    }

    fn check_room(&self, start: usize) -> Result<(), Fault> {
        if self.root == Root::After {
            let message = "Remove the second root element: a message has exactly one.";
            return Err(Fault::malformed(start, message));
        }
        if self.open.len() >= self.limits.depth_max {
            let message = format!(
                "Elements may stand at most {} deep in one another.",
                self.limits.depth_max
            );
            return Err(Fault::too_large(start, message));
        }
        if self.elements >= self.limits.elements_max {
            let message = format!(
                "A message may have at most {} elements: send several messages.",
                self.limits.elements_max
            );
            return Err(Fault::too_large(start, message));
        }
        Ok(())
    }

    fn end(&mut self, start: usize, end: usize) -> Result<Step<'a>, Fault> {
        let mut name = &self.text[start + 2..end - 1];
        if name.as_bytes().last().is_some_and(|&byte| is_space(byte)) {
            name = name.trim_end_matches([' ', '\t', '\n', '\r']);
        }
        let Some(open) = self.open.last() else {
            let name = shown(name);
            return Err(Fault::malformed(
                start,
                format!("Remove </{name}>: no element is open."),
            ));
        };
        if name != open.qname {
            let line = position(self.text, open.offset).line;
            let (name, wanted) = (shown(name), shown(open.qname));
            let message =
                format!("Write </{wanted}>, not </{name}>: <{wanted}> on line {line} is open.");
            return Err(Fault::malformed(start, message));
        }
        Ok(Step::End(start))
    }

    /// Ends the innermost open element.
    fn close(&mut self, offset: usize) -> XmlEvent<'a> {
        if let Some(open) = self.open.pop() {
            self.scope.leave(open.scope_mark);
        }
        if self.open.is_empty() {
            self.root = Root::After;
        }
        XmlEvent::End { offset }
    }

    fn cdata(&mut self, start: usize, end: usize) -> Result<Step<'a>, Fault> {
        if self.root != Root::Inside {
            return Err(self.outside_root(start));
        }
        let content = start + "<![CDATA[".len()..end - "]]>".len();
        Ok(self.characters(&self.text[content]))
    }

    fn declaration(&self, start: usize) -> Result<Step<'a>, Fault> {
        if start > 0 {
            let message = "The XML declaration may only stand at the very start of the message: remove \
                           it, or what stands before it.";
            return Err(Fault::malformed(start, message));
        }
        declaration::read(self.text)?;
        Ok(Step::Skip)
    }

    fn eof(&self) -> Result<Step<'a>, Fault> {
        if let Some(open) = self.open.last() {
            let name = shown(open.qname);
            let message =
                format!("Close <{name}> with </{name}>: the message ends before it does.");
            return Err(Fault::malformed(open.offset, message));
        }
        if self.root == Root::Before {
            let message = "Send a root element: the message has none.";
            return Err(Fault::malformed(self.text.len(), message));
        }
        Ok(Step::Eof)
    }

    /// Why quick-xml found no token at `start`.
    fn unfinished(&self, start: usize) -> Fault {
        let rest = &self.text[start..];
        let message = match rest.as_bytes() {
            [b'&', ..] => return reference::bare_ampersand(start),
            [b'<', b'!', b'-', b'-', ..] => "Close the comment with -->.",
            [b'<', b'!', ..] if rest.starts_with("<![CDATA[") => {
                "Close the CDATA section with ]]>."
            }
            [b'<', b'!', ..] => UNKNOWN_MARKUP,
            [b'<', b'?', ..] => "Close the processing instruction with ?>.",
            [b'<', b'/', ..] => "Close the end tag with >.",
            _ => return tag::unfinished(self.text, start),
        };
        Fault::malformed(start, message)
    }
}
