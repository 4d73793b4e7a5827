"""Our own reports as a source: the environment in a JSON, Markdown or HTML report, the same as when it was written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from doctor.errors import DoctorError
from doctor.facts.environment import Environment
from doctor.facts.observation import Observation
from doctor.knowledge import schema
from doctor.readers.embedded import embedded_report

SCHEMA_VERSIONS = (1, 2)
"""Between which the environment and the observations did not change."""
MAX_CHARACTERS = 8 * 1024 * 1024


def environment_in_attachment(text: str, name: str) -> Environment | None:
    """The environment of the report that `text` holds; None when it holds none of doctor's. Raises `DoctorError` for one that cannot be used."""
    document = _document(text)
    if document is None:
        return None
    version = document["schema_version"]
    if version not in SCHEMA_VERSIONS:
        writer = document.get("doctor_version")
        raise DoctorError(
            f"{name}: a report of schema version {version!r:.20}, written by doctor {writer!r:.20}; this doctor reads "
            f"versions {' and '.join(map(str, SCHEMA_VERSIONS))}"
        )
    data = document["environment"]
    faults = [each for each in schema.mismatches(Environment, data) if not _removed(data, each)]
    if faults:
        place = schema.dotted(("environment", *faults[0].path))
        raise DoctorError(f"{name}: not a whole report of doctor's: {place}: {faults[0].message}")
    environment: Environment = schema.construct(Environment, data)
    # What a matrix did not cover is for the matrix in use to say again.
    return replace(environment, unknown=tuple(each for each in environment.unknown if each.fact.partition(".")[0] != "findings"))


def observations_in_attachment(text: str) -> tuple[Observation, ...]:
    """What the reproducers saw of which a report tells; those that are not whole are left out."""
    data = (_document(text) or {}).get("observations")
    whole = [each for each in (data if isinstance(data, list) else ()) if not any(schema.mismatches(Observation, each))]
    return tuple(schema.construct(Observation, each) for each in whole)


def _document(text: str) -> dict[str, Any] | None:
    found = embedded_report(text)
    document = json.loads(found) if found is not None else None
    return document if isinstance(document, dict) and "doctor_version" in document else None


def _removed(data: Any, fault: schema.Mismatch) -> bool:
    """Whether the fault was a key of a newer doctor (new keys do not raise the schema version), which is then left out."""
    if not fault.message.startswith("unknown key"):
        return False
    for step in fault.path[:-1]:
        data = data[step]
    del data[fault.path[-1]]
    return True
