"""Baseline files: what was known when `doctor check --write-baseline` wrote them."""

from __future__ import annotations

import json
import os

from doctor.diagnosis.policy import Known
from doctor.errors import DoctorError
from doctor.knowledge import schema

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
        data = json.loads(content) if len(content) <= _MOST_BYTES else None
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
