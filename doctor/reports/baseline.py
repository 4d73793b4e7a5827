"""The baseline that `doctor check` writes, as a type: its JSON Schema is generated from it. Names here are a public promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from doctor.diagnosis.diagnosis import Diagnosis
from doctor.diagnosis.policy import Known, known_findings
from doctor.reports.document import SchemaVersion
from doctor.version import __version__


@dataclass(frozen=True)
class Baseline:
    """`doctor check --write-baseline FILE`: what was known when it was written."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["baseline"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    findings: tuple[Known, ...]
    """Each counts again only when it concerns somebody more nearly than it did."""


def baseline_of(diagnosis: Diagnosis) -> Baseline:
    """What to write down of a diagnosis, so that only what is new counts from then on."""
    return Baseline(2, "baseline", __version__, known_findings(diagnosis.findings))
