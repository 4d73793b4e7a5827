from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import doctor
from doctor.knowledge import schema
from doctor.reports.json import published_schemas

PUBLISHED = published_schemas()


@dataclass(frozen=True)
class _Simple:
    from_: str


def test_a_field_with_an_underscore_behind_it_is_the_key_without() -> None:
    built = schema.construct(_Simple, {"from": "a"})
    assert built == _Simple("a")
    assert schema.plain(built) == {"from": "a"}
    assert [each.message for each in schema.mismatches(_Simple, {"from": "a", "to": "b"})] == ["unknown key; the keys here are from"]


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_published_schema_is_the_one_the_types_give(name: str) -> None:
    """After a change of the types: python tools/regenerate.py."""
    published = Path(doctor.__file__).parent / "schemas" / name
    assert published.read_text("utf-8") == PUBLISHED[name]
    jsonschema.Draft202012Validator.check_schema(json.loads(published.read_text("utf-8")))


@pytest.mark.parametrize("data", [{"from": True}, {"from": 1}, {"from": None}, {"from": []}, {}, [], None, "x"])
def test_what_the_checker_refuses_the_json_schema_refuses(data: object) -> None:
    assert list(schema.mismatches(_Simple, data))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema.json_schema(_Simple))


def undescribed(schema: Any, path: str = "") -> Iterator[str]:
    """Every key of a schema that nothing is said of."""
    if isinstance(schema, dict):
        for key, value in schema.get("properties", {}).items():
            if not value.get("description"):
                yield f"{path}.{key}"
            yield from undescribed(value, f"{path}.{key}")
        for word in ("items", "additionalProperties"):
            yield from undescribed(schema.get(word), f"{path}[]")
        for each in schema.get("anyOf", ()):
            yield from undescribed(each, path)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_every_key_of_a_published_schema_is_described(name: str) -> None:
    assert list(undescribed(json.loads(PUBLISHED[name]))) == []
