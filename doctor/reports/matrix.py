"""The documents of `doctor matrix`, as types: their JSON Schemas are generated from these. Names here are a public promise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from doctor.knowledge.matrix import Advisory, Matrix
from doctor.reports.document import SchemaVersion
from doctor.version import __version__


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


def listing_of(matrix: Matrix, advisories: tuple[Advisory, ...]) -> Listing:
    """The listing of some of a matrix's advisories."""
    return Listing(2, "listing", __version__, replace(matrix, advisories=advisories), 0)
