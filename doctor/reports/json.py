"""Documents as JSON text, and the JSON Schemas of the documents."""

from __future__ import annotations

import json
from typing import Any

from doctor.knowledge import schema

_encoded = json.JSONEncoder(ensure_ascii=False, default=schema.plain_outside).encode


def as_json(document: Any, levels: int = 2) -> str:
    """A document of `doctor.reports.document` as JSON: a line for each key and each item down to the second level, or as many as `levels`.

    `json.dumps(indent=...)` would give every value a line, and take several times as long for it.
    """
    return _laid_out(document, levels, margin="") + "\n"


def _laid_out(value: Any, levels: int, margin: str) -> str:
    data = value if isinstance(value, (list, tuple)) else schema.plain_outside(value)
    if levels == 0 or not data or not isinstance(data, (dict, list, tuple)):
        return _encoded(data)
    inner = margin + "  "
    if isinstance(data, (list, tuple)):
        return "[\n" + ",\n".join(inner + _laid_out(item, levels - 1, inner) for item in data) + f"\n{margin}]"
    lines = (f"{inner}{_encoded(key)}: {_laid_out(value, levels - 1, inner)}" for key, value in data.items())
    return "{\n" + ",\n".join(lines) + f"\n{margin}}}"


def as_json_line(document: Any) -> str:
    """A document on one line."""
    return _laid_out(document, 0, margin="") + "\n"


def published_schemas() -> dict[str, str]:
    """The text of every schema in `doctor/schemas/`, by file name."""
    from doctor.knowledge.matrix import Matrix
    from doctor.reports.attachment import Facts
    from doctor.reports.baseline import Baseline
    from doctor.reports.brief import Brief
    from doctor.reports.comparison import ComparisonReport
    from doctor.reports.dating import DatingReport
    from doctor.reports.document import Report
    from doctor.reports.explained import ExplainedText
    from doctor.reports.explanation import ExplanationReport
    from doctor.reports.fit import FitReport
    from doctor.reports.fix import FixReport
    from doctor.reports.fleet import FleetReport
    from doctor.reports.inspection import InspectionReport
    from doctor.reports.matrix import AdviceListing, Listing, MatrixUpdate, Validation, VocabularyListing
    from doctor.reports.rank_comparison import RankComparison
    from doctor.reports.tensor_comparison import TensorComparison
    from doctor.reports.triaged import TriagedText, TriageSummary

    complete = {
        "report": Report,
        "brief": Brief,
        "baseline": Baseline,
        "facts": Facts,
        "comparison": ComparisonReport,
        "listing": Listing,
        "validation": Validation,
        "vocabulary": VocabularyListing,
        "advice": AdviceListing,
        "matrix-update": MatrixUpdate,
        "explanation": ExplanationReport,
        "explained-text": ExplainedText,
        "dating": DatingReport,
        "fit": FitReport,
        "inspection": InspectionReport,
        "tensor-comparison": TensorComparison,
        "fix": FixReport,
        "fleet": FleetReport,
        "rank-comparison": RankComparison,
        "triaged-text": TriagedText,
        "triage": TriageSummary,
    }
    published = {name: schema.json_schema(kind, complete=True) for name, kind in complete.items()} | {"matrix": schema.json_schema(Matrix)}
    schemas = {}
    for name, each in published.items():
        (version,) = each["properties"]["schema_version"]["enum"]
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"meta-tensor-doctor {name}, schema version {version}"}
        schemas[f"{name}.schema.json"] = json.dumps({**head, **each}, indent=2) + "\n"
    return schemas
