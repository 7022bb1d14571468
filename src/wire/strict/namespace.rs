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

    /// Whether two namespaces of the same element are the same, without looking at their
    /// characters.
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
        let mut bindings = Vec::with_capacity(4);
        bindings.push(Binding {
            prefix: "xml",
            namespace,
        });
        Self { bindings }
    }

    /// How many declarations are in scope; [`Scope::leave`] takes it back at the end of the
    /// element.
    pub(super) fn mark(&self) -> usize {
        self.bindings.len()
    }

    /// Forgets every declaration made since `mark`.
    pub(super) fn leave(&mut self, mark: usize) {
        self.bindings.truncate(mark);
    }

    /// Takes the declaration `xmlns:prefix="name"` (`xmlns="name"` for an empty prefix) that stands
    /// at byte `offset`, in the element whose declarations begin at `mark`.
    ///
    /// # Errors
    /// A malformed fault at `offset` for a second declaration of the prefix in this element, a
    /// prefix without a name, and anything that touches the reserved `xml` and `xmlns`.
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
            Some(namespace) => Ok(Some(namespace)
                .filter(|found| !found.as_str().is_empty())
                .cloned()),
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
        let mut innermost_first = self.bindings.iter().rev();
        // Lengths alone where there is no prefix: comparing two empty strings costs more than all
        // the rest on machines whose memcmp reads masked vectors from their dangling addresses.
        let innermost = match prefix.is_empty() {
            true => innermost_first.find(|binding| binding.prefix.is_empty()),
            false => innermost_first.find(|binding| binding.prefix == prefix),
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::strict::{StrictReader, XmlEvent, XmlLimits};
    use rstest::rstest;

    /// The namespace of each element in document order, `-` for none, or where the document is
    /// wrong.
    fn namespaces(text: &str) -> Result<String, Option<u32>> {
        let mut reader = StrictReader::new(text, XmlLimits::default());
        let mut seen = Vec::new();
        loop {
            match reader
                .next()
                .map_err(|error| error.position.map(|place| place.column))?
            {
                XmlEvent::Start(tag) => {
                    seen.push(
                        tag.namespace
                            .map_or("-".to_owned(), |name| name.as_str().to_owned()),
                    );
                }
                XmlEvent::Text(_) | XmlEvent::End { .. } => {}
                XmlEvent::Eof => return Ok(seen.join(" ")),
            }
        }
    }

    #[rstest]
    #[case::none("<a><b/></a>", "- -")]
    #[case::default("<a xmlns='u'><b/></a>", "u u")]
    #[case::default_taken_away("<a xmlns='u'><b xmlns=''><c/></b><d/></a>", "u - - u")]
    #[case::prefix("<p:a xmlns:p='u'><p:b/><c/></p:a>", "u u -")]
    #[case::declared_after_use("<p:a p:x='1' xmlns:p='u'/>", "u")]
    #[case::inner_wins("<p:a xmlns:p='u'><p:b xmlns:p='v'/><p:c/></p:a>", "u v u")]
    #[case::empty_element_leaves("<a><b xmlns='u'/><c/></a>", "- u -")]
    #[case::resolved("<a xmlns='u&#x2f;&amp;'/>", "u/&")]
    #[case::white_space("<a xmlns='u\tv\r\nw'/>", "u v w")]
    #[case::xml("<xml:a/>", XML)]
    #[case::xml_declared("<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>", "-")]
    #[case::case_matters("<a xmlns='U' xmlns:b='u'><b:a/></a>", "U u")]
    #[case::prefix_called_like_xml("<xmla:a xmlns:xmla='u'/>", "u")]
    fn scopes_nest(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(namespaces(text).as_deref(), Ok(expected));
    }

    #[rstest]
    #[case::undeclared_element("<a><p:b/></a>", 4)]
    #[case::undeclared_attribute("<a p:b='1'/>", 4)]
    #[case::out_of_scope("<a><b xmlns:p='u'/><p:c/></a>", 20)]
    #[case::out_of_scope_at_sibling("<a><b xmlns:p='u'></b><p:c/></a>", 23)]
    #[case::empty_prefix("<a xmlns:p=''/>", 4)]
    #[case::prefix_taken_away("<a xmlns:p='u'><b xmlns:p=''/></a>", 19)]
    #[case::xmlns_declared("<a xmlns:xmlns='u'/>", 4)]
    #[case::xmlns_declared_rightly("<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>", 4)]
    #[case::xml_to_other("<a xmlns:xml='u'/>", 4)]
    #[case::other_to_xml("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", 4)]
    #[case::default_to_xml("<a xmlns='http://www.w3.org/XML/1998/namespace'/>", 4)]
    #[case::other_to_xmlns("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", 4)]
    #[case::default_to_xmlns("<a xmlns='http://www.w3.org/2000/xmlns/'/>", 4)]
    #[case::xmlns_element("<xmlns:a/>", 1)]
    #[case::xmlns_alone("<a xmlns:='u'/>", 9)]
    #[case::default_twice("<a xmlns='u' xmlns='u'/>", 14)]
    #[case::prefix_twice("<a xmlns:p='u' xmlns:p='v'/>", 16)]
    #[case::attribute_twice("<a b='1' b='1'/>", 10)]
    #[case::attribute_twice_by_prefix("<a xmlns:p='u' p:b='1' p:b='1'/>", 24)]
    #[case::attribute_twice_by_namespace("<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='1'/>", 36)]
    #[case::attribute_twice_by_resolved("<a xmlns:p='u' xmlns:q='&#117;' p:b='1' q:b='1'/>", 41)]
    #[case::attribute_twice_across("<a xmlns:p='u'><b xmlns:q='u' p:b='1' q:b='1'/></a>", 39)]
    fn broken_rules_are_refused(#[case] text: &str, #[case] column: u32) {
        assert_eq!(namespaces(text), Err(Some(column)), "{text}");
    }

    #[rstest]
    #[case::default_is_not_for_attributes("<a xmlns='u' xmlns:p='u' b='1' p:b='2'/>")]
    #[case::other_namespaces("<a xmlns:p='u' xmlns:q='v' p:b='1' q:b='2'/>")]
    #[case::redeclared(
        "<a xmlns:p='u' xmlns:q='v'><b xmlns:p='v' xmlns:q='u' p:b='1' q:b='2'/></a>"
    )]
    fn attributes_that_look_alike_may_differ(#[case] text: &str) {
        assert!(namespaces(text).is_ok(), "{text}");
    }

    #[test]
    fn namespaces_compare_by_their_characters() {
        let name = |text: &'static str| Namespace {
            name: Name::Literal(text),
            id: 1,
        };
        let resolved = Namespace {
            name: Name::Resolved("u".into()),
            id: 2,
        };
        assert_eq!(name("u"), resolved);
        assert_ne!(name("u"), name("v"));
        assert!(name("u") == "u" && name("u") == *"u" && name("u") != "v");
        assert_eq!(format!("{resolved:?}"), "\"u\"");
    }
}
