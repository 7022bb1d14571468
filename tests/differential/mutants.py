#!/usr/bin/env python3
"""Asks whether the stored messages notice a change of the schema.

Each limit of ``work-item.xsd`` is moved by one, each pattern, uniqueness and ``required`` taken away,
each list of words and each element spoilt, one at a time. libxml2 then judges ``fixtures/schema``
again: a change that alters no judgement survives, and a message is missing. Exit code 1 if one does.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Callable, Iterator

from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schemas" / "work-item.xsd"
FIXTURES = ROOT / "fixtures" / "schema"
Change = Callable[[re.Match], str]


def moved(step: int) -> Change:
    """Moves the number in the second group, never below zero."""
    return lambda match: f"{match[1]}{max(0, int(match[2]) + step)}"


# what is done, where, and what stands there afterwards
CHANGES: tuple[tuple[str, str, Change], ...] = (
    ("length + 1", r'((?:max|min)Length value=")([0-9]+)', moved(1)),
    ("length - 1", r'((?:max|min)Length value=")([0-9]+)', moved(-1)),
    ("count + 1", r'(maxOccurs=")([0-9]+)', moved(1)),
    ("count - 1", r'(maxOccurs=")([0-9]+)', moved(-1)),
    ("quantity + 1", r"(\{[0-9]+,)([0-9]+)", moved(1)),
    ("quantity - 1", r"(\{[0-9]+,)([0-9]+)", moved(-1)),
    ("exact + 1", r"(\{)([0-9]+)(?=\})", moved(1)),
    ("exact - 1", r"(\{)([0-9]+)(?=\})", moved(-1)),
    ("optional attribute", r' use="required"', lambda _: ""),
    ("required element", r' minOccurs="0"', lambda _: ""),
    ("no pattern", r'<xs:pattern value="[^"]*"/>', lambda _: ""),
    ("other word", r'<xs:enumeration value="', lambda match: match[0] + "other"),
    ("not unique", r"(?s)<xs:unique.*?</xs:unique>", lambda _: ""),
    ("other element", r'<xs:element name="', lambda match: match[0] + "other"),
    ("any text", r'type="(?!nothing)[A-Za-z0-9]+"', lambda _: 'type="xs:string"'),
)


def mutants(schema: str) -> Iterator[tuple[str, str]]:
    """Every change at every place: its description, and the schema with it."""
    for label, where, change in CHANGES:
        for match in re.finditer(where, schema):
            line = schema.count("\n", 0, match.start()) + 1
            mutant = schema[: match.start()] + change(match) + schema[match.end() :]
            yield f"line {line}, {label}: {match[0][:60]!r}", mutant


def main() -> int:
    schema = SCHEMA.read_text(encoding="utf-8")
    files = sorted(FIXTURES.glob("*/*.xml"))
    messages = [etree.parse(file) for file in files]
    expected = [file.parent.name == "valid" for file in files]
    tried, survivors = 0, []
    for description, mutant in mutants(schema):
        try:
            judge = etree.XMLSchema(etree.fromstring(mutant.encode()))
        except etree.XMLSchemaParseError:
            continue  # Not a schema at all: noticed without a message.
        tried += 1
        if [judge.validate(message) for message in messages] == expected:
            survivors.append(description)
    print(f"{tried} changes of the schema, {len(survivors)} noticed by no message")
    print("\n".join(survivors))
    return 1 if survivors or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
