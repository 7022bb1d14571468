//! Answers as small trees, to read their values and to compare them. Only for what the daemon
//! answers: senders' messages are read by `wire`.

use std::collections::BTreeMap;
use std::fmt::Write;

use quick_xml::escape::{escape, partial_escape, unescape};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Elements may nest this deep; answers need five levels.
const DEPTH_MAX: usize = 32;

/// An element of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Its name without a prefix.
    pub name: String,
    /// By name.
    pub attributes: BTreeMap<String, String>,
    /// Its own text; white space between elements is left out.
    pub text: String,
    /// In order.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    /// A sentence that says why it is none.
    pub fn parse(text: &str) -> Result<Element, String> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Element> = Vec::new();
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(start) => {
                    if open.len() >= DEPTH_MAX {
                        return Err(format!("nested deeper than {DEPTH_MAX} elements"));
                    }
                    open.push(element(&start)?);
                }
                Event::Empty(start) => {
                    let closed = element(&start)?;
                    if let Some(root) = close(&mut open, closed) {
                        return Ok(root);
                    }
                }
                Event::End(_) => {
                    let closed = open.pop().ok_or("an end tag without a start tag")?;
                    if let Some(root) = close(&mut open, closed) {
                        return Ok(root);
                    }
                }
                Event::Text(text) => {
                    if let Some(parent) = open.last_mut() {
                        parent.text.push_str(&text);
                    }
                }
                Event::GeneralRef(reference) => {
                    if let Some(parent) = open.last_mut() {
                        let reference = format!("&{};", &*reference);
                        let text = unescape(&reference).map_err(|error| error.to_string())?;
                        parent.text.push_str(&text);
                    }
                }
                Event::CData(_) | Event::DocType(_) => {
                    return Err("answers hold neither CDATA nor a DOCTYPE".to_owned());
                }
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => return Err("the document breaks off".to_owned()),
            }
        }
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The document, a line for each element, for files that people read.
    pub fn to_document(&self) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut text, 0);
        text
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let _ = write!(out, "{indent}<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", escape(value.as_str()));
        }
        match (self.text.is_empty(), self.children.is_empty()) {
            (true, true) => out.push_str("/>\n"),
            (false, true) => {
                let text = partial_escape(self.text.as_str());
                let _ = writeln!(out, ">{text}</{}>", self.name);
            }
            (_, false) => {
                out.push_str(">\n");
                for child in &self.children {
                    child.write(out, depth + 1);
                }
                let _ = writeln!(out, "{indent}</{}>", self.name);
            }
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let local = start.local_name();
    let mut element = Element {
        name: local.as_ref().to_owned(),
        ..Element::default()
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let name = attribute.key.as_ref().to_owned();
        let value = attribute
            .normalized_value(XmlVersion::Explicit1_0)
            .map_err(|error| error.to_string())?;
        element.attributes.insert(name, value.into_owned());
    }
    Ok(element)
}

/// Puts a closed element into its parent; the root comes back.
fn close(open: &mut [Element], mut closed: Element) -> Option<Element> {
    if closed.text.trim().is_empty() {
        closed.text.clear();
    }
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(closed);
            None
        }
        None => Some(closed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = "<?xml version=\"1.0\"?><error xmlns=\"urn:x\" code=\"a&quot;&amp;b\" \
                    retry='never'>\n <message>1 &lt; 2 &#229;</message>\n <problem/></error>";
        let tree = Element::parse(text).expect("it is XML");
        assert_eq!(tree.name, "error");
        assert_eq!(tree.attribute("code"), Some("a\"&b"));
        let message = tree.child("message").expect("it has one");
        assert_eq!(message.text, "1 < 2 å");
        assert_eq!(tree.text, "");
        assert_eq!(Element::parse(&tree.to_document()), Ok(tree));
    }

    #[test]
    fn half_a_document_is_refused() {
        for text in ["", "<a>", "<a><b></a>", "text"] {
            assert!(Element::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(Element::parse(&nested(DEPTH_MAX)).is_ok());
        assert!(Element::parse(&nested(DEPTH_MAX + 1)).is_err());
    }
}
