"""What a bug-report attachment is made of. How to get the facts out of one again: `doctor.readers.embedded`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from doctor.facts.environment import Environment
from doctor.facts.observation import Observation
from doctor.knowledge.matrix import Matrix
from doctor.reports.document import MatrixSummary, Report, SchemaVersion
from doctor.reports.labels import Subject

MOST_TRACEBACK = 64 * 1024
"""Characters of a traceback that are kept: its end says what happened."""


@dataclass(frozen=True)
class Facts:
    """What a Markdown or HTML report carries for programs: all it takes to make the diagnosis again, and nothing concluded from it.

    The findings are left out: their words are the matrix's, and a tracker that holds them in every issue can no longer be searched.
    """

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["facts"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    matrix: MatrixSummary
    environment: Environment
    observations: tuple[Observation, ...]
    """What the reproducers saw that were run; empty when none was."""


@dataclass(frozen=True)
class Attachment:
    """A report on its way to somebody else, already masked."""

    report: Report
    subject: Subject
    evidence: Mapping[str, str]
    """What the ranges of an advisory rest on (`doctor.knowledge.matrix.Evidence.level`), by id."""
    masked: tuple[str, ...] = ()
    """The labels that stand for what was masked."""


def attachment_of(report: Report, matrix: Matrix, masked: tuple[str, ...] = ()) -> Attachment:
    """The attachment of a masked report that was made with `matrix`."""
    subject = Subject(report.environment, frozenset(matrix.packages), report.accelerate_config)
    return Attachment(report, subject, {each.id: each.evidence.level for each in matrix.advisories}, masked)


def shortened(traceback: str) -> str:
    """The end of a traceback, when it is longer than anyone reads."""
    traceback = traceback.replace("\r\n", "\n").strip("\n")
    if len(traceback) <= MOST_TRACEBACK:
        return traceback
    end = traceback[-MOST_TRACEBACK:].partition("\n")[2]
    return f"[the first {len(traceback) - len(end)} characters are left out]\n{end}"


def facts_of(report: Report) -> Facts:
    """What of a report is fact."""
    return Facts(report.schema_version, "facts", report.doctor_version, report.matrix, report.environment, report.observations)


def facts_as_json(report: Report) -> str:
    """What `embedded_report` finds again: the first key beside the brace, so that a reader of lines knows the beginning."""
    from doctor.reports.json import as_json

    return as_json(facts_of(report), levels=3).replace("{\n  ", "{", 1)
