#!/usr/bin/env python3
"""Holds every golden answer of ``fixtures`` to ``answer.xsd``, by libxml2 and by xmlschema. What the
daemon makes up, written as ``*``, is replaced by a sample first. Exit code 1 on any fault."""

from __future__ import annotations

import sys
from pathlib import Path

import xmlschema
from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schemas" / "answer.xsd"
FIXTURES = ROOT / "fixtures"

WILDCARD = "*"
TIME = "2026-11-20T14:03:11.250Z"
# Samples by name of the attribute or element; everything else is a time.
SAMPLES = {
    "id": "01934d3c-7d2a-7c31-9f44-0a8b6c2e1d55",
    "version": "0.1.0",
    "next": "c2f1",
    "message": "A sentence.",
    "estimatedWait": "PT4M30S",
    "oldestAge": "PT4M30S",
    **dict.fromkeys(("position", "queued", "buffered", "used", "remaining", "retryAfter"), "1"),
}


def filled(answer: etree._Element) -> etree._Element:
    """The answer with samples in place of the wildcards."""
    for element in answer.iter():
        for name, value in element.attrib.items():
            if value == WILDCARD:
                element.set(name, SAMPLES.get(name, TIME))
        if element.text == WILDCARD:
            element.text = SAMPLES.get(etree.QName(element).localname, TIME)
    return answer


def main() -> int:
    libxml2 = etree.XMLSchema(etree.parse(SCHEMA))
    python = xmlschema.XMLSchema10(SCHEMA)
    files = sorted(FIXTURES.rglob("*.answer.xml"))
    faults = 0
    for file in files:
        try:
            answer = filled(etree.parse(file).getroot())
            libxml2.assertValid(answer)
            python.validate(etree.tostring(answer, encoding="unicode"))
        except (etree.XMLSyntaxError, etree.DocumentInvalid, xmlschema.XMLSchemaException) as fault:
            print(f"{file.relative_to(ROOT)}: {fault}")
            faults += 1
    print(f"{len(files)} answers, {faults} faulty")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
