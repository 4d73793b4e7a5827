"""The document of `doctor verify` and `doctor.inspect_model`, as types: its JSON Schema is generated from these. Names are a public promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from doctor.diagnosis.finding import Finding
from doctor.facts.frozen import Frozen
from doctor.facts.inspection import Inspection, sentence
from doctor.knowledge.matrix import Matrix
from doctor.reports.document import MatrixSummary, SchemaVersion, summary_of_matrix
from doctor.version import __version__


class LoadedHow(Frozen):
    """How `doctor verify` loaded the model."""

    class_: str | None
    """As asked for; None: by its configuration."""
    device_map: str | None
    """As asked for; None when it was not given."""
    dtype: str | None
    """As asked for; None when it was not given."""
    seconds: Mapping[str, float]
    """What `import`, `load` and `inspect` took."""
    peak_bytes: Mapping[str, int | None]
    """The most that was resident up to the end of `load` and of `inspect`; None where the system does not say."""


class KnownProblem(Frozen):
    """An advisory that a fault, or `exposed`, names."""

    id: str
    """`MT011`."""
    title: str
    """What it is, in one line."""
    package: str
    """The one whose release has it."""
    installed: str | None
    """The version of that package; None when it could not be had."""
    fixed_in: str | None
    """The release that ends it; None where none does."""
    remedy: str
    """What to do about it."""


class InspectionReport(Frozen):
    """`doctor verify --format json`, and `doctor.inspect_model(...).as_json()`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["inspection"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    matrix: MatrixSummary
    model: str
    """What it was held against, as it was named; empty for a model that was held against its class alone."""
    versions: Mapping[str, str]
    """Of the packages that the model was loaded with, as far as they are known."""
    loaded: LoadedHow | None
    """How doctor loaded it; None for a model that was given to it loaded."""
    summary: str
    """What is right, in one line."""
    inspection: Inspection
    known: tuple[KnownProblem, ...]
    """What the faults' advisories are, each once."""
    exposed: tuple[str, ...]
    """Ids of what bites this model when it is trained, saved or moved, because a part of it is offloaded."""
    exit_code: int
    """0 when all is true to the files, 1 when something is not, 2 when that could not be told."""


def inspection_report(
    inspection: Inspection,
    matrix: Matrix,
    model: str,
    versions: Mapping[str, str],
    *,
    known: tuple[KnownProblem, ...] = (),
    exposed: tuple[str, ...] = (),
    loaded: LoadedHow | None = None,
) -> InspectionReport:
    """The report on a model that was held against its files."""
    summary = summary_of_matrix(matrix)
    return InspectionReport(
        2, "inspection", __version__, summary, model, versions, loaded, sentence(inspection), inspection, known, exposed, inspection.exit_code
    )


def known_problems(inspection: Inspection, findings: Iterable[Finding], exposed: Iterable[str] = ()) -> tuple[KnownProblem, ...]:
    """What the advisories are that the faults and `exposed` name, in the order of the faults."""
    wanted = dict.fromkeys((*(each for fault in inspection.faults for each in fault.advisories), *exposed))
    by_id = {each.id: each for each in findings}
    found = (by_id[each] for each in wanted if each in by_id)
    return tuple(KnownProblem(each.id, each.title, each.package, each.installed, each.fixed_in, each.remedy) for each in found)
