//! Strict XML: quick-xml finds the tokens, this layer refuses everything that is not well-formed.
//!
//! Well-formed means XML 1.0 (5th ed.) with Namespaces in XML 1.0 and without a document type
//! declaration. quick-xml alone accepts most ill-formed documents; what it finds here is only where
//! a token begins and ends, every rule inside and between tokens is checked below.
//!
//! - [`StrictReader`] pulls [`XmlEvent`]s; comments and processing instructions are checked and
//!   skipped.
//! - One vectorised pass at the start looks for illegal characters, so no token is scanned for
//!   them.
//! - Positions are byte offsets; lines and columns are counted only for an error.

mod attribute;
mod character;
pub(crate) mod declaration;
pub(crate) mod fault;
mod name;
mod namespace;
mod reader;
mod reference;
mod skipped;
mod tag;

pub use self::namespace::Namespace;
pub use self::reader::StrictReader;
pub use crate::wire::error::{Position, position};
use std::borrow::Cow;

/// How much structure a message may have; going over is answered `tooLarge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XmlLimits {
    /// Elements open at the same time, the root included.
    pub depth_max: usize,
    /// Elements in the whole message.
    pub elements_max: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes_max: usize,
}

impl Default for XmlLimits {
    /// The limits of the message contract.
    fn default() -> Self {
        Self {
            depth_max: 16,
            elements_max: 50_000,
            attributes_max: 32,
        }
    }
}

/// One step through a document. An empty element is a `Start` and an `End`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum XmlEvent<'a> {
    /// An element begins.
    Start(StartTag<'a>),
    /// Characters inside the root element, references resolved, line ends as `\n`. Several in a row
    /// belong together: references, CDATA sections and comments part them. Never empty.
    Text(Cow<'a, str>),
    /// The innermost open element ends.
    End {
        /// Byte of the `<` of the end tag; of the tag itself for `<a/>`.
        offset: usize,
    },
    /// The document is complete; every further call says so again.
    Eof,
}

/// A start tag, its names resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartTag<'a> {
    /// Byte of the `<` in the text.
    pub offset: usize,
    /// The namespace of the element, if it is in one.
    pub namespace: Option<Namespace<'a>>,
    /// The name without its prefix.
    pub local: &'a str,
    /// The name as written.
    pub qname: &'a str,
    /// In document order, namespace declarations left out.
    pub attributes: Vec<Attribute<'a>>,
}

/// An attribute of a start tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Byte where its name begins in the text.
    pub offset: usize,
    /// The namespace of its prefix; `None` without a prefix.
    pub namespace: Option<Namespace<'a>>,
    /// The name without its prefix.
    pub local: &'a str,
    /// The name as written.
    pub qname: &'a str,
    /// The value, references resolved, tabs and line ends as spaces.
    pub value: Cow<'a, str>,
}

#[cfg(test)]
mod tests;
