"""Documents as JSON text, and the JSON Schemas of the documents."""

from __future__ import annotations

import json
from typing import Any

from doctor import schema
from doctor.matrix import Matrix
from doctor.reports.document import Listing, Report, Validation

_PUBLISHED: dict[str, tuple[Any, bool]] = {
    "report": (Report, True),
    "listing": (Listing, True),
    "validation": (Validation, True),
    "matrix": (Matrix, False),
}


def as_json(document: Any) -> str:
    """A document of `doctor.reports.document` as indented JSON."""
    return json.dumps(schema.plain(document), indent=2, ensure_ascii=False) + "\n"


def published_schemas() -> dict[str, str]:
    """The text of every schema in `doctor/schemas/`, by file name."""
    schemas = {}
    for name, (kind, complete) in _PUBLISHED.items():
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"meta-tensor-doctor {name}, schema version 1"}
        schemas[f"{name}.schema.json"] = json.dumps({**head, **schema.json_schema(kind, complete)}, indent=2) + "\n"
    return schemas
