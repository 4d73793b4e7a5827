"""Reference pages made from the code itself: the command line, the Python API, the JSON documents, the vocabulary of uses."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from doctor.facts.frozen import Frozen
from doctor.knowledge.matrix import Matrix
from doctor.reports.json import published_schemas
from doctor.reports.matrix import vocabulary_of


class ApiName(Frozen):
    """One public name of the package."""

    name: str
    signature: str
    about: str
    """Its docstring."""


class JsonKey(Frozen):
    """One key of a document."""

    name: str
    type: str
    about: str


class JsonDocument(Frozen):
    """One document that a command writes."""

    name: str
    """Of its schema, without the ending."""
    about: str
    keys: tuple[JsonKey, ...]


def api() -> Iterator[ApiName]:
    """The names of `doctor.__all__`, in their order."""
    package = import_module("doctor")
    for name in package.__all__:
        if not name.startswith("_"):
            value = getattr(package, name)
            yield ApiName(name, _signature(value), inspect.getdoc(value) or "")


def _signature(value: Any) -> str:
    fields = getattr(value, "__match_args__", ())
    if isinstance(value, type):
        return f"class {value.__name__}({', '.join(fields)})"
    return f"{value.__name__}{inspect.signature(value)}"


def documents() -> Iterator[JsonDocument]:
    """Every document with a schema, by name."""
    for file, text in sorted(published_schemas().items()):
        schema = json.loads(text)
        keys = tuple(JsonKey(name, _type(each), each.get("description", "")) for name, each in schema["properties"].items())
        yield JsonDocument(file.removesuffix(".schema.json"), schema.get("description", ""), keys)


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(json.dumps(each) for each in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    kind = schema.get("type", "anything")
    kinds = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{kinds} of {_type(schema['items'])}" if "items" in schema else kinds


def vocabulary(matrix: Matrix) -> Any:
    """The words of uses, with the advisories that use each."""
    return vocabulary_of(matrix).words
