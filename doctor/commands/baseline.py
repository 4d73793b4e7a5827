"""Baseline files, written by `doctor check --write-baseline` and read by `--baseline`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from doctor.commands import output
from doctor.diagnosis.policy import Known
from doctor.errors import DoctorError
from doctor.knowledge import schema
from doctor.readers.embedded import read_json

if TYPE_CHECKING:
    from doctor.diagnosis.diagnosis import Diagnosis

_MOST_BYTES = 1024 * 1024


def read_baseline(name: str) -> tuple[Known, ...]:
    """The findings that the file holds. Raises `DoctorError` when it cannot be read or is no baseline."""
    try:
        with open(name, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        remedy = "; --write-baseline writes one" if isinstance(error, FileNotFoundError) else ""
        raise DoctorError(f"--baseline {name}: cannot be read: {os.strerror(error.errno or 0)}{remedy}") from None
    try:
        data = read_json(content.decode("utf-8")) if len(content) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or data.get("document") != "baseline":
        raise DoctorError(f"--baseline {name}: not a baseline; doctor check --write-baseline FILE writes one")
    faults = list(schema.mismatches(tuple[Known, ...], data.get("findings")))
    if faults:
        raise DoctorError(
            f"--baseline {name}: {schema.dotted(('findings', *faults[0].path))}: {faults[0].message}; write it anew with --write-baseline"
        )
    known: tuple[Known, ...] = schema.construct(tuple[Known, ...], data["findings"])
    return known


def write_baseline(name: str, diagnosis: Diagnosis) -> None:
    """Write what was found to the file, so that only what is new counts from then on."""
    from doctor.reports.baseline import baseline_of
    from doctor.reports.json import as_json

    with output.destination(name) as page:
        output.write_text(page, as_json(baseline_of(diagnosis)))
