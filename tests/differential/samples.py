#!/usr/bin/env python3
"""Holds every XML sample of ``docs/protocol.md`` to the schemas. Exit code 1 on the first fault."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = re.compile(r"^```xml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# It includes work-item.xsd, so it knows the messages as well as the answers.
SCHEMA = ROOT / "schemas" / "answer.xsd"
PAGE = ROOT / "docs" / "protocol.md"


def main() -> int:
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    page = PAGE.read_text(encoding="utf-8")
    samples = list(SAMPLE.finditer(page))
    for sample in samples:
        line = page.count("\n", 0, sample.start(1)) + 1
        try:
            schema.assertValid(etree.fromstring(sample[1]))
        except (etree.XMLSyntaxError, etree.DocumentInvalid) as fault:
            print(f"{PAGE}:{line}: {fault}")
            return 1
    print(f"{len(samples)} samples are valid")
    return 0 if samples else 1


if __name__ == "__main__":
    sys.exit(main())
