#!/usr/bin/env python3
"""Holds ``workflow.xsd`` to ``fixtures/workflows``, by libxml2, xmlschema and the JDK: what stands in
``good`` and in ``beyond`` (refused by rules that no schema can say) is valid, what stands in ``bad``
is not. That the loader refuses ``bad`` and ``beyond`` the crate's own tests show. Exit code 1 on any
fault."""

from __future__ import annotations

import sys
from pathlib import Path

import judges

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schemas" / "workflow.xsd"
FIXTURES = ROOT / "fixtures" / "workflows"
EXPECTED = {"good": True, "beyond": True, "bad": False}


def main() -> int:
    files = {file: valid for folder, valid in EXPECTED.items() for file in sorted((FIXTURES / folder).glob("*.xml"))}
    files |= {file: True for file in sorted(FIXTURES.glob("*.xml"))}
    faults = 0
    for judge in (judges.libxml2, judges.python, judges.jdk):
        for (file, valid), verdict in zip(files.items(), judge(SCHEMA, list(files)), strict=True):
            if verdict.accepted != valid:
                print(f"{judge.__name__}: {file.relative_to(ROOT)}: {verdict.reason or 'accepted'}")
                faults += 1
    print(f"{len(files)} workflows, {faults} judged otherwise")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
