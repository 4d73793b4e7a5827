"""The documents doctor prints as JSON, as types: their JSON Schemas are generated from these. Names here are a public promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from doctor.diagnosis.comparison import Difference, FindingDifference
from doctor.diagnosis.diagnosis import Diagnosis, Finding
from doctor.explain.explanation import LikelyCause
from doctor.facts.environment import Environment
from doctor.facts.observation import Observation
from doctor.knowledge.matrix import Advisory, Matrix
from doctor.reports.redact import Redactor
from doctor.upgrade.command import upgrade_command
from doctor.upgrade.plan import Alternative, Change
from doctor.version import __version__

SchemaVersion = Literal[1]
"""Raised when a name or meaning changes; new keys do not raise it."""


@dataclass(frozen=True, slots=True)
class MatrixSummary:
    """Which matrix the environment was held against."""

    version: str
    advisories: int


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What to install, and what that leaves."""

    changes: tuple[Change, ...]
    command: str | None
    """Makes the changes, for a POSIX shell (cmd on Windows); None when there are none."""
    remaining: tuple[str, ...]
    """Ids of findings no recommended upgrade clears."""
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """`doctor check --format json`, `doctor confirm`'s and `doctor report`'s."""

    schema_version: SchemaVersion
    doctor_version: str
    matrix: MatrixSummary
    environment: Environment
    findings: tuple[Finding, ...]
    upgrade: Upgrade
    observations: tuple[Observation, ...]
    """What the reproducers saw that were run: `doctor confirm`. Empty for `doctor check`."""
    exit_code: int
    traceback: str | None = None
    """The text given with `doctor report --traceback`; None when none was."""
    causes: tuple[LikelyCause, ...] = ()
    """What the failure in that text may have been caused by, surest first, as `doctor explain` says it."""
    accelerate_config: Mapping[str, str] | None = None
    """accelerate's default configuration, for `doctor report`; None when it was not asked for, or there is none."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a Markdown or HTML report carries for programs: all it takes to make the diagnosis again, and nothing concluded from it.

    The findings are left out: their words are the matrix's, and a tracker that holds them in every issue can no longer be searched.
    """

    schema_version: SchemaVersion
    doctor_version: str
    matrix: MatrixSummary
    environment: Environment
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One side of a comparison."""

    name: str
    """As given on the command line."""
    environment: Environment
    findings: tuple[str, ...]
    """Ids of what holds there."""


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """`doctor compare --format json`."""

    schema_version: SchemaVersion
    doctor_version: str
    matrix: MatrixSummary
    sides: tuple[Compared, ...]
    differences: tuple[Difference, ...]
    """Riskiest first."""
    findings: tuple[FindingDifference, ...]
    """Those that not all sides have, worst first."""
    exit_code: int


@dataclass(frozen=True, slots=True)
class Listing:
    """`doctor matrix list --format json` and `doctor matrix show --format json`."""

    schema_version: SchemaVersion
    doctor_version: str
    matrix: Matrix
    exit_code: int


@dataclass(frozen=True, slots=True)
class FaultLine:
    """One fault of a matrix file."""

    line: int
    """From 1; 0 when the file as a whole is meant."""
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Validation:
    """`doctor matrix validate --format json`."""

    schema_version: SchemaVersion
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
    """The report on a diagnosis, with everything private masked. Installation faults stand in `remaining` as well."""
    diagnosis, traceback, accelerate_config, causes = redactor.value((diagnosis, traceback, accelerate_config, causes))
    plan = diagnosis.plan
    cleared = {each for change in plan.changes for each in change.clears}
    return Report(
        schema_version=1,
        doctor_version=__version__,
        matrix=MatrixSummary(diagnosis.matrix_version, diagnosis.advisories),
        environment=replace(diagnosis.environment, unknown=diagnosis.unknown),
        findings=diagnosis.findings,
        upgrade=Upgrade(
            changes=plan.changes,
            command=upgrade_command(plan.changes, diagnosis.environment),
            remaining=tuple(dict.fromkeys(each.id for each in diagnosis.findings if each.id not in cleared)),
            alternatives=plan.alternatives,
        ),
        observations=diagnosis.observations,
        exit_code=diagnosis.exit_code,
        traceback=traceback,
        causes=causes,
        accelerate_config=accelerate_config,
    )


def facts_of(report: Report) -> Facts:
    """What of a report is fact."""
    return Facts(report.schema_version, report.doctor_version, report.matrix, report.environment, report.observations)


def listing_of(matrix: Matrix, advisories: tuple[Advisory, ...]) -> Listing:
    """The listing of some of a matrix's advisories."""
    return Listing(1, __version__, replace(matrix, advisories=advisories), 0)
