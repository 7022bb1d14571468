"""The judges: three schema engines and, where there is one, the daemon. Each takes files and says
of each whether ``work-item.xsd`` accepts it, with a reason for people."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import xmlschema
from lxml import etree

HERE = Path(__file__).parent
FILES_PER_RUN = 500
RUN_SECONDS_MAX = 300
EX_OK, EX_DATAERR = 0, 65


@dataclass(frozen=True)
class Verdict:
    """What one judge says of one file."""

    accepted: bool
    reason: str


def libxml2(schema: Path, files: list[Path]) -> list[Verdict]:
    """libxml2 by way of lxml."""
    judge = etree.XMLSchema(etree.parse(schema))
    verdicts = []
    for file in files:
        try:
            accepted = judge.validate(etree.parse(file))
            verdicts.append(Verdict(accepted, "" if accepted else str(judge.error_log[0])))
        except etree.XMLSyntaxError as fault:
            verdicts.append(Verdict(False, str(fault)))
    return verdicts


def python(schema: Path, files: list[Path]) -> list[Verdict]:
    """The PyPI package xmlschema, over expat."""
    judge = xmlschema.XMLSchema10(schema)
    verdicts = []
    for file in files:
        try:
            judge.validate(file)
            verdicts.append(Verdict(True, ""))
        except xmlschema.XMLSchemaValidationError as fault:
            verdicts.append(Verdict(False, str(fault.reason)))
        except (xmlschema.XMLSchemaException, SyntaxError) as fault:
            verdicts.append(Verdict(False, str(fault)))
    return verdicts


def jdk(schema: Path, files: list[Path]) -> list[Verdict]:
    """Xerces as the JDK has it, by ``Xsd.java``."""
    run = subprocess.run(
        ["java", HERE / "Xsd.java", schema],
        input="".join(f"{file}\n" for file in files),
        capture_output=True, text=True, check=True, timeout=RUN_SECONDS_MAX,
    )
    lines = run.stdout.split("\n")[:-1]  # splitlines() would also split at NEL within a reason
    if len(lines) != len(files):
        raise RuntimeError(f"Xsd.java judged {len(lines)} of {len(files)} files")
    return [Verdict(line == "valid", line) for line in lines]


class Daemon:
    """Our own judgement, by ``anteroom validate --schema-only --json``."""

    def __init__(self, binary: Path):
        self.binary = binary

    def __call__(self, _schema: Path, files: list[Path]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for start in range(0, len(files), FILES_PER_RUN):
            verdicts += self._run(files[start : start + FILES_PER_RUN])
        return verdicts

    def _run(self, files: list[Path]) -> list[Verdict]:
        run = subprocess.run(
            [self.binary, "validate", "--schema-only", "--json", *files],
            capture_output=True, text=True, check=False, timeout=RUN_SECONDS_MAX,
        )
        if run.returncode not in (EX_OK, EX_DATAERR):
            raise RuntimeError(f"anteroom validate ended with {run.returncode}: {run.stderr}")
        answers = {Path(answer["file"]): answer
                   for answer in map(json.loads, run.stdout.rstrip("\n").split("\n"))}
        return [Verdict(answers[file]["accepted"], json.dumps(answers[file])) for file in files]
