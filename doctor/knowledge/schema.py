"""Dataclasses as a schema: check plain data against them, build them from it, publish them as JSON Schema.

Understands `str`, `int`, `float`, `bool`, `Literal`, `X | None`, `tuple[X, ...]`, `Mapping[str, X]`, nested dataclasses, and
`Annotated[str, Text(...)]` for text that must match a pattern or parse as something. A field `from_` is the key `from`.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeVar, Union

from doctor.facts.frozen import Frozen, field_names, is_default

Path = tuple[str | int, ...]
_Kind = TypeVar("_Kind", bound=Frozen)


class Text(Frozen):
    """A constraint on a string, to be used inside `Annotated`."""

    pattern: str
    meaning: str
    """What the text is, for error messages: `a version such as "4.50.0"`."""
    build: Callable[[str], Any] | None = None
    """Turns the text into its value; text for which it raises ValueError is a fault."""


class Mismatch(Frozen):
    """One place where data does not have the shape of its type."""

    path: Path
    message: str
    words: tuple[Any, ...] = ()
    """Where another word stands than any of these: what is known."""
    unknown_key: bool = False


def dotted(path: Path) -> str:
    """`('advisories', 3, 'kind')` as `advisories[3].kind`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def mismatches(kind: Any, data: Any, path: Path = ()) -> Iterator[Mismatch]:
    """Every place where `data` cannot be built into `kind`."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        if data is not None:
            yield from mismatches(_not_none(arguments), data, path)
    elif origin is typing.Annotated:
        yield from _text_mismatches(arguments[1], data, path)
    elif origin is Literal:
        if data not in arguments or isinstance(data, bool):
            yield Mismatch(path, f"expected one of {', '.join(map(str, arguments))}; found {shown(data)}", arguments)
    elif origin is tuple:
        if not isinstance(data, list):
            yield Mismatch(path, f"expected a list, found {shown(data)}")
            return
        for position, item in enumerate(data):
            yield from mismatches(arguments[0], item, (*path, position))
    elif origin is Mapping:
        yield from _mapping_mismatches(arguments, data, path)
    elif _is_dataclass(kind):
        yield from _dataclass_mismatches(kind, data, path)
    elif type(data) is not kind and not (kind is float and type(data) is int):
        hint = ' (put it in quotes: "...")' if kind is str and isinstance(data, (int, float)) else ""
        yield Mismatch(path, f"expected {_TYPE_NAMES[kind]}, found {shown(data)}{hint}")


def _text_mismatches(text: Text, data: Any, path: Path) -> Iterator[Mismatch]:
    if not isinstance(data, str):
        hint = ' (put it in quotes: "...")' if isinstance(data, (int, float)) else ""
        yield Mismatch(path, f"expected {text.meaning}, found {shown(data)}{hint}")
        return
    valid = re.fullmatch(text.pattern, data) is not None
    if valid and text.build is not None:
        try:
            text.build(data)
        except ValueError:
            valid = False
    if not valid:
        yield Mismatch(path, f"expected {text.meaning}, found {shown(data)}")


def _mapping_mismatches(arguments: tuple[Any, ...], data: Any, path: Path) -> Iterator[Mismatch]:
    if not isinstance(data, dict):
        yield Mismatch(path, f"expected a mapping, found {shown(data)}")
        return
    key_kind, value_kind = arguments
    for key, value in data.items():
        yield from mismatches(key_kind, key, (*path, str(key)))
        yield from mismatches(value_kind, value, (*path, str(key)))


def _dataclass_mismatches(kind: Any, data: Any, path: Path) -> Iterator[Mismatch]:
    if not isinstance(data, dict):
        yield Mismatch(path, f"expected a mapping, found {shown(data)}")
        return
    hints = _hints(kind)
    for unknown in data.keys() - hints.keys():
        yield Mismatch((*path, str(unknown)), f"unknown key; the keys here are {', '.join(hints)}", unknown_key=True)
    required = _required(kind)
    for key in _keys(kind):
        if key in data:
            yield from mismatches(hints[key], data[key], (*path, key))
        elif key in required:
            yield Mismatch(path, f"the key {key!r} is missing")


def may_be_left_out(kind: Any, path: Path) -> bool:
    """Whether data for `kind` is still whole without what stands at `path`: an item of a list, or a key that need not be there."""
    *before, last = path
    for step in before:
        kind = _within(kind, step)
    kind = _not_none(typing.get_args(kind)) if typing.get_origin(kind) in (Union, types.UnionType) else kind
    if _is_dataclass(kind):
        return last not in _required(kind)
    return typing.get_origin(kind) is tuple


def _within(kind: Any, step: str | int) -> Any:
    """The type of what stands one step inside a value of type `kind`."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _within(_not_none(arguments), step)
    if origin is Mapping:
        return arguments[1]
    return arguments[0] if origin is tuple else _hints(kind)[str(step)]


def construct(kind: Any, data: Any) -> Any:
    """Build `kind` from data that is known to have its shape (see `mismatches`)."""
    return _builder(kind)(data)


def construct_later(kind: type[_Kind], known: dict[str, Any], more: bytes, **built: Any) -> _Kind:
    """As `construct`, but each field is built when it is first asked for, and `more`, the JSON of what is not `known`, read then.

    `built` are fields that are ready. All keys must be there, and be called like their fields.
    """
    whole: Any = kind
    hints, unread = _hints(whole), [more]

    def build(name: str) -> dict[str, Any]:
        built: dict[str, Any] = {}
        if name not in known:
            read = json.loads(unread.pop())
            known.update(read)
            built = _texts(read)
        if name not in built:
            built[name] = construct(hints[name], known[name])
        return built

    return kind.built_later(_texts(known) | built, build)


def _texts(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if type(value) is str}


@functools.cache
def _builder(kind: Any) -> Callable[[Any], Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        build_value = _builder(_not_none(arguments))
        if build_value is _same:
            return _same
        return lambda data: None if data is None else build_value(data)
    if origin is typing.Annotated:
        return arguments[1].build or _same
    if origin is tuple:
        build_item = _builder(arguments[0])
        if build_item is _same:
            return tuple
        return lambda data: tuple([build_item(item) for item in data])
    if origin is Mapping:
        build_mapped = _builder(arguments[1])
        return lambda data: {key: build_mapped(value) for key, value in data.items()}
    return _dataclass_builder(kind) if _is_dataclass(kind) else _same


def _dataclass_builder(kind: Any) -> Callable[[Any], Any]:
    builders = {key: builder for key, hint in _hints(kind).items() if (builder := _builder(hint)) is not _same}
    renamed = {key: name for key, name in _keys(kind).items() if key != name}

    def build(data: dict[str, Any]) -> Any:
        values = dict(data)
        for key, builder in builders.items():
            if key in values:
                values[key] = builder(values[key])
        for key, name in renamed.items():
            if key in values:
                values[name] = values.pop(key)
        return kind(**values)

    return build


def plain(value: Any, *, whole: bool = True) -> Any:
    """The inverse of `construct`: dataclasses as dicts, tuples as lists, anything else that JSON lacks as its text.

    Unless it is to be `whole`, without the fields that are what they would be if they were left out.
    """
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if _is_dataclass(kind):
        names = _keys(kind).items()
        return {key: plain(getattr(value, name), whole=whole) for key, name in names if whole or not is_default(value, name)}
    if isinstance(value, Mapping):
        return {key: plain(item, whole=whole) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item, whole=whole) for item in value]
    return str(value)


def plain_outside(value: Any) -> Any:
    """As `plain`, but what is inside of the dict that it gives stays as it is."""
    kind: Any = type(value)
    if _is_dataclass(kind):
        return {key: getattr(value, name) for key, name in _keys(kind).items()}
    return dict(value) if isinstance(value, Mapping) else plain(value)


def json_schema(kind: Any, complete: bool = False) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `construct(kind, ...)` takes; when `complete`, of what `plain` gives: every key there."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [json_schema(_not_none(arguments), complete), {"type": "null"}]}
    if origin is typing.Annotated:
        return {"type": "string", "pattern": f"^(?:{arguments[1].pattern})$", "description": arguments[1].meaning}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": json_schema(arguments[0], complete)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": json_schema(arguments[1], complete)}
    if _is_dataclass(kind):
        import inspect

        hints, told, required = _hints(kind), _field_docstrings(kind), _required(kind)
        return {
            "type": "object",
            "description": inspect.cleandoc(kind.__doc__),
            "properties": {key: json_schema(hint, complete) | told.get(_keys(kind)[key], {}) for key, hint in hints.items()},
            "required": [key for key in hints if complete or key in required],
            "additionalProperties": False,
        }
    return {"type": _JSON_TYPES[kind]}


def _field_docstrings(kind: Any) -> dict[str, dict[str, str]]:
    """What stands in quotes under each field, those it inherits included, by its name: Python itself does not keep it."""
    import ast
    import inspect
    import textwrap

    told = {}
    for each in filter(_is_dataclass, reversed(kind.__mro__)):
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        assert isinstance(definition, ast.ClassDef)
        for field, after in itertools.pairwise(definition.body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
                told[field.target.id] = {"description": inspect.cleandoc(str(ast.literal_eval(after.value)))}
    return told


_TYPE_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_PLAIN = (str, int, float, bool, types.NoneType)
_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _is_dataclass(kind: Any) -> bool:
    return isinstance(kind, type) and bool(field_names(kind))


def _same(data: Any) -> Any:
    return data


def _not_none(arguments: tuple[Any, ...]) -> Any:
    (kind,) = (argument for argument in arguments if argument is not types.NoneType)
    return kind


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return {key: hints[name] for key, name in _keys(kind).items()}


@functools.cache
def _keys(kind: Any) -> dict[str, str]:
    """The names of the fields by the keys that stand for them."""
    beside: frozenset[str] = getattr(kind, "beside_data", frozenset())
    return {name.rstrip("_"): name for name in field_names(kind) if name not in beside}


@functools.cache
def _required(kind: Any) -> frozenset[str]:
    """The keys that must be there."""
    import dataclasses

    missing = dataclasses.MISSING
    return frozenset(each.name.rstrip("_") for each in dataclasses.fields(kind) if each.default is missing and each.default_factory is missing)


def shown(data: Any) -> str:
    """Data as a message quotes it: cut short, and no more of a list or mapping than that it is one."""
    if isinstance(data, dict):
        return "a mapping"
    if isinstance(data, list):
        return "a list"
    if data is None:
        return "nothing"
    text = str(data)
    return repr(text if len(text) <= 60 else text[:57] + "...")
