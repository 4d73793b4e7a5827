"""The documents doctor prints as JSON, as types: their JSON Schemas are generated from these. Names here are a public promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from doctor.diagnosis.comparison import Difference, FindingDifference
from doctor.diagnosis.diagnosis import Diagnosis
from doctor.diagnosis.finding import Finding
from doctor.diagnosis.policy import Known, known_findings
from doctor.diagnosis.summary import Summary, Verdict, summary_of, verdict_of
from doctor.explain.explanation import LikelyCause
from doctor.facts.environment import Environment
from doctor.facts.observation import Observation
from doctor.facts.program import Unread
from doctor.knowledge.matrix import Advisory, Matrix
from doctor.reports.redact import Redactor
from doctor.upgrade.command import upgrade_command
from doctor.upgrade.plan import Alternative, Change, Plan
from doctor.version import __version__

SchemaVersion = Literal[2]
"""Raised when a name or meaning changes; new keys do not raise it."""


@dataclass(frozen=True)
class MatrixSummary:
    """Which matrix the environment was held against."""

    version: str
    advisories: int


@dataclass(frozen=True)
class Upgrade:
    """What to install, and what that leaves."""

    changes: tuple[Change, ...]
    command: str | None
    """Makes the changes, for a POSIX shell (cmd on Windows); None when there are none. In a masked report it is aimed at no interpreter."""
    remaining: tuple[str, ...]
    """Ids of findings that count and that no recommended upgrade clears."""
    alternatives: tuple[Alternative, ...]
    """Releases that were weighed and are not recommended."""
    exposures: Plan
    """What upgrades would do for the findings that concern nobody as far as is known: told, not recommended."""


@dataclass(frozen=True)
class ReadProgram:
    """What was read of the program that was shown; where it sets findings off, they say."""

    files: int
    """How many files held code that was read."""
    lines: int
    """How many lines these have."""
    unread: tuple[Unread, ...]
    """What could not be read, and counts as unknown."""


@dataclass(frozen=True)
class Report:
    """`doctor check --format json`, `doctor confirm`'s and `doctor report`'s."""

    schema_version: SchemaVersion
    document: Literal["report"]
    doctor_version: str
    matrix: MatrixSummary
    verdict: Verdict
    """What came of it."""
    summary: Summary
    """How many findings there are of each kind."""
    environment: Environment
    findings: tuple[Finding, ...]
    """What concerns somebody first, and of that the worst."""
    upgrade: Upgrade
    observations: tuple[Observation, ...]
    """What the reproducers saw that were run: `doctor confirm`. Empty for `doctor check`."""
    exit_code: int
    program: ReadProgram | None = None
    """What was read of the program that was shown; None when none was."""
    traceback: str | None = None
    """The text given with `doctor report --traceback`; None when none was."""
    causes: tuple[LikelyCause, ...] = ()
    """What the failure in that text may have been caused by, surest first, as `doctor explain` says it."""
    accelerate_config: Mapping[str, str] | None = None
    """accelerate's default configuration, for `doctor report`; None when it was not asked for, or there is none."""


@dataclass(frozen=True)
class Facts:
    """What a Markdown or HTML report carries for programs: all it takes to make the diagnosis again, and nothing concluded from it.

    The findings are left out: their words are the matrix's, and a tracker that holds them in every issue can no longer be searched.
    """

    schema_version: SchemaVersion
    document: Literal["facts"]
    doctor_version: str
    matrix: MatrixSummary
    environment: Environment
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class Compared:
    """One side of a comparison."""

    name: str
    """As given on the command line."""
    environment: Environment
    findings: tuple[str, ...]
    """Ids of what holds there."""


@dataclass(frozen=True)
class ComparisonReport:
    """`doctor compare --format json`."""

    schema_version: SchemaVersion
    document: Literal["comparison"]
    doctor_version: str
    matrix: MatrixSummary
    sides: tuple[Compared, ...]
    differences: tuple[Difference, ...]
    """Riskiest first."""
    findings: tuple[FindingDifference, ...]
    """Those that not all sides have, worst first."""
    exit_code: int


@dataclass(frozen=True)
class Listing:
    """`doctor matrix list --format json` and `doctor matrix show --format json`."""

    schema_version: SchemaVersion
    document: Literal["listing"]
    doctor_version: str
    matrix: Matrix
    exit_code: int


@dataclass(frozen=True)
class FaultLine:
    """One fault of a matrix file."""

    line: int
    """From 1; 0 when the file as a whole is meant."""
    place: str
    message: str


@dataclass(frozen=True)
class Validation:
    """`doctor matrix validate --format json`."""

    schema_version: SchemaVersion
    document: Literal["validation"]
    doctor_version: str
    file: str
    advisories: int | None
    """None when the file has faults."""
    faults: tuple[FaultLine, ...]
    exit_code: int


def report_on(
    diagnosis: Diagnosis,
    redactor: Redactor,
    traceback: str | None = None,
    accelerate_config: Mapping[str, str] | None = None,
    causes: tuple[LikelyCause, ...] = (),
) -> Report:
    """The report on a diagnosis, masked by `redactor`. Installation faults stand in `remaining` as well."""
    command = upgrade_command(diagnosis.plan.changes, redactor.place(diagnosis.environment))
    diagnosis, traceback, accelerate_config, causes = redactor.value((diagnosis, traceback, accelerate_config, causes))
    plan, counted, program = diagnosis.plan, diagnosis.counted, diagnosis.program
    cleared = {each for change in plan.changes for each in change.clears}
    return Report(
        schema_version=2,
        document="report",
        doctor_version=__version__,
        matrix=MatrixSummary(diagnosis.matrix_version, diagnosis.advisories),
        verdict=verdict_of(diagnosis),
        summary=summary_of(diagnosis),
        environment=replace(diagnosis.environment, unknown=diagnosis.unknown),
        findings=diagnosis.findings,
        upgrade=Upgrade(
            changes=plan.changes,
            command=command,
            remaining=tuple(dict.fromkeys(each.id for each in counted if each.id not in cleared)),
            alternatives=plan.alternatives,
            exposures=diagnosis.outlook,
        ),
        observations=diagnosis.observations,
        exit_code=diagnosis.exit_code,
        program=ReadProgram(program.files, program.lines, program.unread) if program is not None else None,
        traceback=traceback,
        causes=causes,
        accelerate_config=accelerate_config,
    )


def facts_of(report: Report) -> Facts:
    """What of a report is fact."""
    return Facts(report.schema_version, "facts", report.doctor_version, report.matrix, report.environment, report.observations)


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
    document: Literal["brief"]
    doctor_version: str
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


@dataclass(frozen=True)
class Baseline:
    """`doctor check --write-baseline FILE`: what was known when it was written."""

    schema_version: SchemaVersion
    document: Literal["baseline"]
    doctor_version: str
    findings: tuple[Known, ...]
    """Each counts again only when it concerns somebody more nearly than it did."""


def baseline_of(diagnosis: Diagnosis) -> Baseline:
    """What to write down of a diagnosis, so that only what is new counts from then on."""
    return Baseline(2, "baseline", __version__, known_findings(diagnosis.findings))


def listing_of(matrix: Matrix, advisories: tuple[Advisory, ...]) -> Listing:
    """The listing of some of a matrix's advisories."""
    return Listing(2, "listing", __version__, replace(matrix, advisories=advisories), 0)
