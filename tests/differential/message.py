"""A message as a tree, and the many ways to write the same tree as bytes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

NAMESPACE = "urn:anteroom:work-item:1"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "iso-8859-15", "windows-1252")


@dataclass
class Node:
    """An element: attributes as ``[name, value]`` pairs (a name may repeat), children or text."""

    name: str
    attributes: list[list[str]] = field(default_factory=list)
    children: list[Node | str] = field(default_factory=list)
    namespace: str = NAMESPACE

    def elements(self) -> list[Node]:
        """Child elements, without text."""
        return [child for child in self.children if isinstance(child, Node)]

    def walk(self):
        """This element and all below it, in document order."""
        yield self
        for child in self.elements():
            yield from child.walk()


class Writer:
    """Writes one tree in one randomly chosen style."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.encoding = rng.choices(ENCODINGS, (12, 2, 2, 1, 1, 1))[0]
        self.prefix = rng.choice(("", "", "w", "ns0"))
        self.pretty = rng.random() < 0.5
        self.decorated = rng.random() < 0.15

    def write(self, root: Node) -> bytes:
        """The bytes of the message; a character that the encoding lacks becomes a reference."""
        doctype = f"<!DOCTYPE {root.name}>\n" if self.rng.random() < 0.003 else ""
        text = self._declaration() + doctype + self._element(root, 0, None)
        codec = "utf-8" if self.encoding == "utf-8-sig" else self.encoding
        data = text.encode(codec, "xmlcharrefreplace")
        return b"\xef\xbb\xbf" + data if self.encoding == "utf-8-sig" else data

    def _declaration(self) -> str:
        name = "utf-8" if self.encoding == "utf-8-sig" else self.encoding
        if name == "utf-8" and self.rng.random() < 0.5:
            return ""
        return f'<?xml version="1.0" encoding="{name}"?>\n'

    def _element(self, node: Node, depth: int, default: str | None) -> str:
        tag, declared = node.name, ""
        if node.namespace == NAMESPACE and self.prefix:
            tag = f"{self.prefix}:{node.name}"
            declared = f' xmlns:{self.prefix}="{NAMESPACE}"' if depth == 0 else ""
        elif node.namespace != (default or ""):
            declared, default = f' xmlns="{node.namespace}"', node.namespace
        attributes = "".join(f" {name}={self._quoted(value)}" for name, value in node.attributes)
        open_tag = f"<{tag}{declared}{attributes}"
        if not node.children and self.rng.random() < 0.7:
            return f"{open_tag}/>"
        space = "\n" + "  " * (depth + 1) if self.pretty and self._only_elements(node) else ""
        parts = [open_tag, ">"]
        for child in node.children:
            if isinstance(child, Node):
                parts += [space, self._decoration(), self._element(child, depth + 1, default)]
            else:
                parts.append(self._text(child))
        parts += ["\n" if space else "", f"</{tag}>"]
        return "".join(parts)

    @staticmethod
    def _only_elements(node: Node) -> bool:
        return bool(node.children) and all(isinstance(child, Node) for child in node.children)

    def _decoration(self) -> str:
        if self.decorated and self.rng.random() < 0.3:
            return self.rng.choice(("<!-- a note -->", "<?target data?>", "<!---->", "\r\n\t"))
        return ""

    def _text(self, text: str) -> str:
        if self.decorated and "]]>" not in text and self._needs_no_reference(text):
            if self.rng.random() < 0.3:
                return f"<![CDATA[{text}]]>"
            if len(text) > 1 and self.rng.random() < 0.3:
                cut = self.rng.randrange(1, len(text))
                return f"{escape(text[:cut])}<!-- cut -->{escape(text[cut:])}"
        return _referenced(escape(text))

    def _needs_no_reference(self, text: str) -> bool:
        codec = "utf-8" if self.encoding == "utf-8-sig" else self.encoding
        try:
            text.encode(codec)
        except UnicodeEncodeError:
            return False
        return _referenced(text) == text

    def _quoted(self, value: str) -> str:
        quote = self.rng.choice("\"'")
        entity = "&quot;" if quote == '"' else "&apos;"
        return quote + _referenced(escape(value).replace(quote, entity)) + quote


def _referenced(text: str) -> str:
    """C1 controls and CR as references: raw, ISO-8859-1 readers differ on the former on purpose
    (we read it as windows-1252) and every parser turns the latter into a line feed."""
    return "".join(
        f"&#{ord(char)};" if char == "\r" or "\x7f" <= char <= "\x9f" else char for char in text
    )
