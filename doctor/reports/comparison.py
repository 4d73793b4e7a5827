"""The document of `doctor compare`, as types: its JSON Schema is generated from these. Names here are a public promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from doctor.diagnosis.comparison import Difference, FindingDifference
from doctor.facts.environment import Environment
from doctor.reports.document import MatrixSummary, SchemaVersion


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
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["comparison"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    matrix: MatrixSummary
    sides: tuple[Compared, ...]
    """In the order given on the command line."""
    differences: tuple[Difference, ...]
    """Riskiest first."""
    findings: tuple[FindingDifference, ...]
    """Those that not all sides have, worst first."""
    exit_code: int
    """With which the command ended."""
