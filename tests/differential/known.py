"""The closed list of known differences: where an engine is allowed to judge otherwise, and why.

An entry excuses one judge on one message; what the others say must still be the same. The report
counts how often each entry was needed: one that never is has had its day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from lxml import etree

XML_SPACES = " \t\n\r"
BASE64 = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=" + XML_SPACES)
ITEM = "{urn:anteroom:work-item:1}item"
ATTACHMENT = "{urn:anteroom:work-item:1}attachment"
UPDATE, CANCEL, QUERY = (f"{{urn:anteroom:work-item:1}}{verb}" for verb in ("update", "cancel", "query"))
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


@dataclass(frozen=True)
class Known:
    """``judge`` may say ``accepts`` (either, if None) of a message that ``concerns`` is true of."""

    judge: str
    reason: str
    accepts: bool | None
    concerns: Callable[[etree._Element], bool]


def excused(judge: str, accepted: bool, data: bytes) -> Known | None:
    """The entry that excuses this verdict, if any."""
    try:
        root = etree.fromstring(data)
    except (etree.XMLSyntaxError, ValueError):
        return None
    for entry in KNOWN:
        if entry.judge == judge and entry.accepts in (None, accepted) and entry.concerns(root):
            return entry
    return None


def _strings(root: etree._Element):
    yield from root.itertext()
    for node in root.iter(etree.Element):
        yield from node.attrib.values()


def _has_unicode_space(root: etree._Element) -> bool:
    return any(char.isspace() and char not in XML_SPACES for text in _strings(root) for char in text)


def _has_keys_alike_after_collapsing(root: etree._Element) -> bool:
    for parent in root.iter(etree.Element):
        raw = [item.get("key", "") for item in parent.iterchildren(ITEM)]
        collapsed = [" ".join(key.split()) for key in raw]
        if len(set(collapsed)) < len(set(raw)):
            return True
    return False


def _has_foreign_base64(root: etree._Element) -> bool:
    return any(set("".join(node.itertext())) - BASE64 for node in root.iter(ATTACHMENT))


def _has_wrong_address(root: etree._Element) -> bool:
    given = {name for name in ("id", "reference") if name in root.attrib}
    if root.tag == QUERY:
        return len(given) > 1 or bool(given) and bool({"since", "state"} & set(root.attrib))
    return root.tag in (UPDATE, CANCEL) and len(given) != 1


def _has_instance_attribute(root: etree._Element) -> bool:
    return any(name.startswith(XSI) for node in root.iter(etree.Element) for name in node.attrib)


def _has_doctype(root: etree._Element) -> bool:
    return bool(root.getroottree().docinfo.doctype)


KNOWN = (
    Known(
        "xmlschema",
        "takes every white space of Unicode (NBSP, EM SPACE, NEL ...) for white space of XML: in "
        "collapsing, and in element-only content",
        None,
        _has_unicode_space,
    ),
    Known(
        "xmlschema",
        "compares the fields of xs:unique before white space is collapsed, so that the keys 'a' "
        "and ' a ' differ",
        True,
        _has_keys_alike_after_collapsing,
    ),
    Known(
        "libxml2",
        "skips characters outside the alphabet of xs:base64Binary; a pattern would mend it and "
        "makes Xerces take minutes for an attachment of a megabyte",
        True,
        _has_foreign_base64,
    ),
    Known(
        "anteroom",
        "refuses every attribute of the XML Schema instance namespace (semantic rule 0); XSD "
        "processors obey them",
        False,
        _has_instance_attribute,
    ),
    Known(
        "anteroom",
        "wants exactly one of id and reference, and on a query either one of them or since and "
        "state (semantic rule 0); XSD 1.0 cannot say so",
        False,
        _has_wrong_address,
    ),
    Known(
        "anteroom",
        "refuses a DOCTYPE (semantic rule 0); XSD says nothing of it",
        False,
        _has_doctype,
    ),
)
