#!/usr/bin/env python3
"""Judges messages by libxml2, xmlschema, the JDK and the daemon, and reports where they differ.

    python3 -m venv target/venv-differential
    target/venv-differential/bin/pip install -r tests/differential/requirements.txt
    target/venv-differential/bin/python tests/differential/differential.py \\
        --count 5000 --seed 1 --anteroom target/debug/anteroom

Message N of seed S is always the same; ``--only N`` writes and judges that one alone. First come
the messages stored in ``fixtures/schema``, whose folder says how they must be judged. Exit code 1
on any difference that ``known.py`` does not list, or when fewer than a quarter of the generated
messages are valid or invalid (the generator would then test little).
"""

from __future__ import annotations

import argparse
import collections
import shutil
import sys
from pathlib import Path

import generator
import judges
import known

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schemas" / "work-item.xsd"
FIXTURES = ROOT / "fixtures" / "schema"
SCRATCH = ROOT / "target" / "differential"
SHARE_MIN = 0.25
SHOWN_MAX = 20


def main() -> int:
    options = _options()
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    panel = {"libxml2": judges.libxml2, "xmlschema": judges.python, "jdk": judges.jdk}
    if options.anteroom:
        panel["anteroom"] = judges.Daemon(options.anteroom)

    expected = {} if options.only is not None else _stored()
    stored = len(expected)
    expected.update(_generated(options))
    files = list(expected)
    verdicts = {name: judge(SCHEMA, files) for name, judge in panel.items()}

    tally = Tally()
    for at, file in enumerate(files):
        tally.add(file, expected[file], {name: verdicts[name][at] for name in panel})
    return tally.report(stored, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5000, help="messages to generate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="N", help="message N alone")
    parser.add_argument("--anteroom", type=Path, metavar="PATH", help="the daemon's binary")
    return parser.parse_args()


def _stored() -> dict[Path, bool | None]:
    """The fixtures, with the judgement that their folder stands for."""
    return {file: folder == "valid"
            for folder in ("valid", "invalid")
            for file in sorted((FIXTURES / folder).glob("*.xml"))}


def _generated(options: argparse.Namespace) -> dict[Path, bool | None]:
    """Generated messages; one without a fault must be valid, of the others nothing is known."""
    numbers = range(options.count) if options.only is None else (options.only,)
    messages: dict[Path, bool | None] = {}
    for number in numbers:
        message = generator.message(f"{options.seed}/{number}")
        file = SCRATCH / f"{options.seed}-{number:06}.xml"
        file.write_bytes(message.data)
        messages[file] = True if message.whole else None
    return messages


class Tally:
    """Agreements, excused differences and the rest."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self.excused: collections.Counter[known.Known] = collections.Counter()
        self.differences: list[str] = []

    def add(self, file: Path, expected: bool | None, by: dict[str, judges.Verdict]) -> None:
        """Count one message. A judge is asked for an excuse only when there is a difference."""
        opinions = {verdict.accepted for verdict in by.values()}
        if expected is not None:
            opinions.add(expected)
        if len(opinions) > 1:
            data = file.read_bytes()
            excuses = {name: known.excused(name, verdict.accepted, data)
                       for name, verdict in by.items()}
            firm = {verdict.accepted for name, verdict in by.items() if not excuses[name]}
            firm |= set() if expected is None else {expected}
            if len(firm) != 1:
                self.differences.append(_describe(file, expected, by))
                return
            opinions = firm
            self.excused.update(excuse for name, excuse in excuses.items()
                                if excuse and {by[name].accepted} != firm)
        if opinions == {True}:
            self.accepted += 1
        else:
            self.refused += 1

    def report(self, stored: int, options: argparse.Namespace) -> int:
        """Print the result; the exit code."""
        judged = self.accepted + self.refused + len(self.differences)
        print(f"seed {options.seed}: {judged} messages ({stored} stored), {self.accepted} valid, "
              f"{self.refused} invalid, {len(self.differences)} differences")
        for entry in known.KNOWN:
            print(f"  known, {self.excused[entry]} times: {entry.judge} {entry.reason}")
        for difference in self.differences[:SHOWN_MAX]:
            print(difference)
        lopsided = options.only is None and min(self.accepted, self.refused) < SHARE_MIN * judged
        if lopsided:
            print("too few valid or too few invalid messages: the generator tests little")
        return 1 if self.differences or lopsided else 0


def _describe(file: Path, expected: bool | None, by: dict[str, judges.Verdict]) -> str:
    lines = [f"DIFFERENCE {file}" + ("" if expected is None else f", expected {expected}")]
    lines += [f"  {name}: {'valid' if verdict.accepted else 'invalid'} {verdict.reason[:200]}"
              for name, verdict in by.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
