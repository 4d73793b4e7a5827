from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

import doctor
from doctor.knowledge import schema
from doctor.reports.json import published_schemas


@dataclass(frozen=True)
class _Simple:
    from_: str


def test_a_field_with_an_underscore_behind_it_is_the_key_without() -> None:
    built = schema.construct(_Simple, {"from": "a"})
    assert built == _Simple("a")
    assert schema.plain(built) == {"from": "a"}
    assert [each.message for each in schema.mismatches(_Simple, {"from": "a", "to": "b"})] == ["unknown key; the keys here are from"]


@pytest.mark.parametrize("name", sorted(published_schemas()))
def test_the_published_schema_is_the_one_the_types_give(name: str) -> None:
    """After a change of the types: python tools/regenerate.py."""
    published = Path(doctor.__file__).parent / "schemas" / name
    assert published.read_text("utf-8") == published_schemas()[name]
    jsonschema.Draft202012Validator.check_schema(json.loads(published.read_text("utf-8")))


@pytest.mark.parametrize("data", [{"from": True}, {"from": 1}, {"from": None}, {"from": []}, {}, [], None, "x"])
def test_what_the_checker_refuses_the_json_schema_refuses(data: object) -> None:
    assert list(schema.mismatches(_Simple, data))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema.json_schema(_Simple))
