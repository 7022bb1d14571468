//! Namespaces in scope. Source: Namespaces in XML 1.0 (3rd ed.), 2 to 6.

use super::fault::{Fault, shown};
use super::name::QName;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The namespace that the prefix `xml` always stands for.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of the declarations themselves; nobody may declare it.
pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// A namespace name: cheap to clone, compared by its characters.
#[derive(Clone)]
pub struct Namespace<'a> {
    name: Name<'a>,
    /// The first declaration in scope with these characters: equal ids mean equal names, so that a
    /// sender's long names are compared once where they are declared and not at every attribute.
    id: usize,
}

#[derive(Clone)]
enum Name<'a> {
    /// As it stands in the text.
    Literal(&'a str),
    /// Written with references or line ends, so that the text does not hold it.
    Resolved(Arc<str>),
}

impl Namespace<'_> {
    /// The namespace name as declared, references resolved.
    pub fn as_str(&self) -> &str {
        match &self.name {
            Name::Literal(name) => name,
            Name::Resolved(name) => name,
        }
    }

    /// Whether two namespaces of the same element are the same, without looking at their characters.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl PartialEq for Namespace<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Namespace<'_> {}

impl PartialEq<str> for Namespace<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Namespace<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Namespace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

struct Binding<'a> {
    /// Empty for the default namespace.
    prefix: &'a str,
    /// Empty where `xmlns=""` takes the default namespace away.
    namespace: Namespace<'a>,
}

/// The declarations in scope, innermost last.
pub(super) struct Scope<'a> {
    bindings: Vec<Binding<'a>>,
}

impl<'a> Scope<'a> {
    /// The scope outside the root element: only `xml` stands for something.
    pub(super) fn new() -> Self {
        let namespace = Namespace {
            name: Name::Literal(XML),
            id: 0,
        };
        Self {
            bindings: vec![Binding {
                prefix: "xml",
                namespace,
            }],
        }
    }

    /// How many declarations are in scope; [`Scope::leave`] takes it back at the end of the element.
    pub(super) fn mark(&self) -> usize {
        self.bindings.len()
    }

    /// Forgets every declaration made since `mark`.
    pub(super) fn leave(&mut self, mark: usize) {
        self.bindings.truncate(mark);
    }

    /// Takes the declaration `xmlns:prefix="name"` (`xmlns="name"` for an empty prefix) that stands at
    /// byte `offset`, in the element whose declarations begin at `mark`.
    ///
    /// # Errors
    /// A malformed fault at `offset` for a second declaration of the prefix in this element, a prefix
    /// without a name, and anything that touches the reserved `xml` and `xmlns`.
    pub(super) fn declare(
        &mut self,
        mark: usize,
        prefix: &'a str,
        name: Cow<'a, str>,
        offset: usize,
    ) -> Result<(), Fault> {
        if let Some(message) = self.objection(mark, prefix, &name) {
            return Err(Fault::malformed(offset, message));
        }
        let same = |binding: &&Binding<'a>| binding.namespace.as_str() == name;
        let id = self
            .bindings
            .iter()
            .find(same)
            .map(|binding| binding.namespace.id);
        let name = match name {
            Cow::Borrowed(name) => Name::Literal(name),
            Cow::Owned(name) => Name::Resolved(name.into()),
        };
        let namespace = Namespace {
            name,
            id: id.unwrap_or(self.bindings.len()),
        };
        self.bindings.push(Binding { prefix, namespace });
        Ok(())
    }

    fn objection(&self, mark: usize, prefix: &str, name: &str) -> Option<String> {
        let declared = shown(prefix);
        if self.bindings[mark..]
            .iter()
            .any(|binding| binding.prefix == prefix)
        {
            return Some(match prefix {
                "" => "The attribute xmlns stands twice in this tag: keep one.".to_owned(),
                _ => format!("The attribute xmlns:{declared} stands twice in this tag: keep one."),
            });
        }
        match (prefix, name) {
            ("xmlns", _) => Some("Remove xmlns:xmlns: this prefix is reserved.".to_owned()),
            ("xml", XML) => None,
            ("xml", _) => Some(format!("The prefix xml may only stand for {XML}.")),
            (_, XML) => Some(format!("Only the prefix xml may stand for {XML}.")),
            (_, XMLNS) => Some(format!("No prefix may stand for {XMLNS}.")),
            ("", _) => None,
            (_, "") => Some(format!(
                "Give xmlns:{declared} a namespace name: a prefix cannot be declared empty."
            )),
            (_, _) => None,
        }
    }

    /// The namespace of an element. Without a prefix it is the default namespace, if there is one.
    ///
    /// # Errors
    /// A malformed fault at `offset` for a prefix that is not declared.
    pub(super) fn element(
        &self,
        name: &QName<'a>,
        offset: usize,
    ) -> Result<Option<Namespace<'a>>, Fault> {
        match self.find(name.prefix) {
            Some(namespace) => Ok(Some(namespace).filter(|found| *found != "").cloned()),
            None if name.prefix.is_empty() => Ok(None),
            None => Err(undeclared(name.prefix, offset)),
        }
    }

    /// The namespace of an attribute with this prefix. Without one it is in no namespace.
    ///
    /// # Errors
    /// A malformed fault at `offset` for a prefix that is not declared.
    pub(super) fn attribute(
        &self,
        prefix: &str,
        offset: usize,
    ) -> Result<Option<Namespace<'a>>, Fault> {
        if prefix.is_empty() {
            return Ok(None);
        }
        match self.find(prefix) {
            Some(namespace) => Ok(Some(namespace.clone())),
            None => Err(undeclared(prefix, offset)),
        }
    }

    fn find(&self, prefix: &str) -> Option<&Namespace<'a>> {
        let innermost = self
            .bindings
            .iter()
            .rev()
            .find(|binding| binding.prefix == prefix);
        innermost.map(|binding| &binding.namespace)
    }
}

fn undeclared(prefix: &str, offset: usize) -> Fault {
    let prefix = shown(prefix);
    Fault::malformed(
        offset,
        format!(
            "The prefix {prefix} is not declared: add xmlns:{prefix}=\"…\" or remove the prefix."
        ),
    )
}
