"""The document of `doctor date`, as a type: its JSON Schema is generated from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from doctor.dating import Dating
from doctor.reports.document import SchemaVersion
from doctor.version import __version__


@dataclass(frozen=True)
class DatingReport:
    """`doctor date --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["dating"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    datings: tuple[Dating, ...]
    """By distribution; empty when the text has no frame of a distribution that is covered."""
    exit_code: int
    """With which the command ended."""


def dating_report(datings: tuple[Dating, ...]) -> DatingReport:
    """The report on datings. Nothing in it is private: paths outside the packages are not kept."""
    return DatingReport(2, "dating", __version__, datings, _exit_code(datings))


def _exit_code(datings: tuple[Dating, ...]) -> int:
    if any(each.status == "modified" for each in datings):
        return 1
    return 0 if any(each.status == "dated" for each in datings) else 3
