"""The document of `doctor explain FILES --format jsonl`, a line for each text, as a type: its JSON Schema is generated from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from doctor.reports.document import SchemaVersion
from doctor.reports.explanation import ExplanationReport


@dataclass(frozen=True)
class ExplainedText:
    """One line of `doctor explain FILES --format jsonl`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["explained-text"]
    """Which document this is."""
    file: str
    """The text's file, as it was named; `-` for standard input."""
    labels: tuple[str, ...]
    """As `doctor explain FILE --labels` prints them; empty where the text shows no failure, or could not be explained."""
    error: str | None
    """Why the text could not be explained; None where it was."""
    explanation: ExplanationReport | None
    """As `doctor explain FILE --format json` gives it; None where `error` says why not."""
