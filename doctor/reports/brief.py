"""The report in short, as types: its JSON Schema is generated from these. Names here are a public promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from doctor.diagnosis.diagnosis import Diagnosis
from doctor.diagnosis.summary import Summary, Verdict
from doctor.reports.document import MatrixSummary, Report, SchemaVersion


@dataclass(frozen=True)
class BriefFinding:
    """A finding that counts, without its long texts: `doctor matrix show ID` has them."""

    id: str
    """Of the advisory or fault."""
    title: str
    """What is wrong, in one line."""
    severity: str
    """`silent`, `error` or `warning`."""
    status: str
    """How sure it is that the environment has it."""
    concerns: str
    """Whom it concerns."""
    package: str
    """The distribution it lives in."""


@dataclass(frozen=True)
class Brief:
    """`doctor check --format json --brief`: what counts, and the counts of the rest."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["brief"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    matrix: MatrixSummary
    verdict: Verdict
    """What came of it."""
    summary: Summary
    """How many findings there are of each kind."""
    python: str | None
    """The version of the interpreter examined; None when it could not be had."""
    versions: Mapping[str, str | None]
    """By distribution; None for one whose version could not be had."""
    findings: tuple[BriefFinding, ...]
    """Those that count."""
    upgrade: str | None
    """The command that makes the upgrade recommended; None when there is none."""
    unknown: tuple[str, ...]
    """Why facts could not be had that could have changed the answer."""
    exit_code: int
    """With which the command ended."""


def brief_of(report: Report, diagnosis: Diagnosis) -> Brief:
    """The short form of a report on a diagnosis."""
    counted = {(each.id, each.package) for each in diagnosis.counted}
    return Brief(
        schema_version=2,
        document="brief",
        doctor_version=report.doctor_version,
        matrix=report.matrix,
        verdict=report.verdict,
        summary=report.summary,
        python=report.environment.python.version,
        versions={name: each.version for name, each in report.environment.packages.items()},
        findings=tuple(
            BriefFinding(each.id, each.title, each.severity, each.status, each.concerns, each.package)
            for each in report.findings
            if (each.id, each.package) in counted
        ),
        upgrade=report.upgrade.command,
        unknown=tuple(dict.fromkeys(each.reason for each in report.environment.unknown if each.important)),
        exit_code=report.exit_code,
    )
