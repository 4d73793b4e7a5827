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
    document: Literal["comparison"]
    doctor_version: str
    matrix: MatrixSummary
    sides: tuple[Compared, ...]
    differences: tuple[Difference, ...]
    """Riskiest first."""
    findings: tuple[FindingDifference, ...]
    """Those that not all sides have, worst first."""
    exit_code: int
