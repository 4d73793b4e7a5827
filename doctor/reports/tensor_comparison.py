"""The document of `doctor compare` for models, as types: its JSON Schema is generated from these. Names here are a public promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from doctor.diagnosis.tensor_comparison import TensorDifference, tensor_differences, uncompared
from doctor.facts.frozen import Frozen
from doctor.reports.document import SchemaVersion
from doctor.reports.inspection import InspectionReport
from doctor.version import __version__


class ComparedModel(Frozen):
    """One side of a comparison."""

    name: str
    """As given on the command line."""
    model: str
    """What it had been held against; empty when nothing."""
    summary: str
    """What was right with it, in one line."""
    exit_code: int
    """0 when it was true to its files, 1 when not, 2 when that could not be told."""


class TensorComparison(Frozen):
    """`doctor compare --format json` of inspections."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["tensor-comparison"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    sides: tuple[ComparedModel, ...]
    """In the order given on the command line."""
    tensors: int
    """How many there are on any side."""
    differences: tuple[TensorDifference, ...]
    """The worst first."""
    uncompared: int
    """How many could not be held against each other: no digest (`--digests`), or each side holds a part of its own."""
    exit_code: int
    """0 when nothing differs, 1 when something does, 2 when nothing was found but some could not be compared."""


def tensor_comparison(names: Sequence[str], reports: Sequence[InspectionReport]) -> TensorComparison:
    """The comparison of models that were inspected."""
    inspections = [each.inspection for each in reports]
    found, left = tensor_differences(inspections), uncompared(inspections)
    sides = tuple(ComparedModel(name, each.model, each.summary, each.exit_code) for name, each in zip(names, reports, strict=True))
    tensors = len({each.name for side in inspections for each in side.tensors})
    return TensorComparison(2, "tensor-comparison", __version__, sides, tensors, found, left, 1 if found else 2 if left else 0)
