//! Start tags: the name, the attributes and the namespaces they declare and use.
//!
//! Source: XML 1.0 (5th ed.), 3.1; Namespaces in XML 1.0 (3rd ed.), 5 and 6.3.

use super::attribute::{self, Written};
use super::fault::{Fault, shown};
use super::name::QName;
use super::namespace::Scope;
use super::{Attribute, StartTag};

/// The start tag from the `<` at byte `start` to the `>` or `/>` at byte `close`. What it declares
/// enters `scope`.
///
/// # Errors
/// A malformed fault where the tag breaks a rule, or one that says that it has too many attributes.
#[inline]
pub(super) fn read<'a>(
    text: &'a str,
    start: usize,
    close: usize,
    attributes_max: usize,
    scope: &mut Scope<'a>,
) -> Result<StartTag<'a>, Fault> {
    let Some(name) = QName::read(text, start + 1) else {
        return Err(no_name(text, start));
    };
    let mark = scope.mark();
    let mut attributes: Vec<Attribute<'a>> = Vec::new();
    let mut count = 0;
    let mut at = start + 1 + name.full.len();
    while let Some(written) = attribute::read(text, at, close)? {
        count += 1;
        if count > attributes_max {
            let message = format!("An element may have at most {attributes_max} attributes.");
            return Err(Fault::too_large(start, message));
        }
        at = written.end;
        let Written {
            offset,
            name,
            value,
            ..
        } = written;
        match (name.prefix, name.local) {
            ("", "xmlns") => scope.declare(mark, "", value, offset)?,
            ("xmlns", prefix) => scope.declare(mark, prefix, value, offset)?,
            (_, local) => {
                let qname = name.full;
                attributes.push(Attribute {
                    offset,
                    namespace: None,
                    local,
                    qname,
                    value,
                });
            }
        }
    }
    resolve(&mut attributes, scope)?;
    let namespace = scope.element(&name, start)?;
    let (local, qname) = (name.local, name.full);
    Ok(StartTag {
        offset: start,
        namespace,
        local,
        qname,
        attributes,
    })
}

/// Gives every attribute its namespace, which is known only at the end of the tag, and refuses
/// twins.
fn resolve<'a>(attributes: &mut [Attribute<'a>], scope: &Scope<'a>) -> Result<(), Fault> {
    for index in 0..attributes.len() {
        let (before, rest) = attributes.split_at_mut(index);
        let attribute = &mut rest[0];
        let prefix_end = attribute.qname.len() - attribute.local.len();
        let prefix = attribute.qname[..prefix_end].trim_end_matches(':');
        attribute.namespace = scope.attribute(prefix, attribute.offset)?;
        if before.iter().any(|earlier| is_twin(earlier, attribute)) {
            let name = shown(attribute.qname);
            let message = format!("The attribute {name} stands twice in this tag: keep one.");
            return Err(Fault::malformed(attribute.offset, message));
        }
    }
    Ok(())
}

fn is_twin(earlier: &Attribute<'_>, later: &Attribute<'_>) -> bool {
    earlier.local == later.local
        && match (&earlier.namespace, &later.namespace) {
            (None, None) => true,
            (Some(one), Some(other)) => one.is_same(other),
            (None, Some(_)) | (Some(_), None) => false,
        }
}

/// Why the tag that begins at byte `start` and never ends is wrong.
pub(super) fn unfinished(text: &str, start: usize) -> Fault {
    let Some(name) = QName::read(text, start + 1) else {
        return no_name(text, start);
    };
    let mut at = start + 1 + name.full.len();
    loop {
        match attribute::read(text, at, text.len()) {
            Ok(Some(written)) => at = written.end,
            Ok(None) => return Fault::malformed(start, "Close the tag with >."),
            Err(fault) => return fault,
        }
    }
}

fn no_name(text: &str, start: usize) -> Fault {
    let message = match text.as_bytes().get(start + 1) {
        Some(b':') => "Remove the colon after <: a name cannot begin with a colon.",
        Some(_) | None => "Write an element name after <, or &lt; for a plain < in text.",
    };
    Fault::malformed(start, message)
}
