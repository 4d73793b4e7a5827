"""Documents as JSON text, and the JSON Schemas of the documents."""

from __future__ import annotations

import json
import typing
from typing import Any

from doctor.knowledge import schema
from doctor.knowledge.matrix import Matrix
from doctor.reports.document import Baseline, Brief, ComparisonReport, Facts, Listing, Report, Validation

_PUBLISHED: dict[str, tuple[Any, bool]] = {
    "report": (Report, True),
    "brief": (Brief, True),
    "baseline": (Baseline, True),
    "facts": (Facts, True),
    "comparison": (ComparisonReport, True),
    "listing": (Listing, True),
    "validation": (Validation, True),
    "matrix": (Matrix, False),
}


def as_json(document: Any, levels: int = 2) -> str:
    """A document of `doctor.reports.document` as JSON: a line for each key and each item down to the second level, or as many as `levels`.

    `json.dumps(indent=...)` would give every value a line, and take several times as long for it.
    """
    return _laid_out(schema.plain(document), levels, margin="") + "\n"


def _laid_out(data: Any, levels: int, margin: str) -> str:
    if levels == 0 or not data or not isinstance(data, (dict, list)):
        return json.dumps(data, ensure_ascii=False)
    inner = margin + "  "
    if isinstance(data, list):
        return "[\n" + ",\n".join(inner + _laid_out(item, levels - 1, inner) for item in data) + f"\n{margin}]"
    lines = (f"{inner}{json.dumps(key, ensure_ascii=False)}: {_laid_out(value, levels - 1, inner)}" for key, value in data.items())
    return "{\n" + ",\n".join(lines) + f"\n{margin}}}"


def published_schemas() -> dict[str, str]:
    """The text of every schema in `doctor/schemas/`, by file name."""
    from doctor.reports.dating import DatingReport
    from doctor.reports.explanation import ExplanationReport  # what explains is loaded by those who explain

    schemas = {}
    for name, (kind, complete) in {**_PUBLISHED, "explanation": (ExplanationReport, True), "dating": (DatingReport, True)}.items():
        (version,) = typing.get_args(typing.get_type_hints(kind)["schema_version"])
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"meta-tensor-doctor {name}, schema version {version}"}
        schemas[f"{name}.schema.json"] = json.dumps({**head, **schema.json_schema(kind, complete)}, indent=2) + "\n"
    return schemas
