"""YAML text -> plain data, and the lines that values stand on. Built on parser events, so that hostile input stays cheap.

Aliases are refused (an alias bomb is a few hundred bytes that expand to gigabytes), and so are deep nesting, repeated keys and more
values than any file we take has. Lines are asked for afterwards, of those values that need them: a second reading costs less than the
memory to keep them all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml import events

from doctor.knowledge.schema import Path

MAX_DEPTH = 32
MAX_VALUES = 500_000
"""A hundred times as many as the built-in matrix has."""
MAX_KEY_CHARACTERS = 200
_MAX_NUMBER_CHARACTERS = 25
"""A longer number stays text, which no field for a number takes."""
_STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys, and what turns the direction of the text after it."""
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = yaml.resolver.Resolver()


class YamlFault(Exception):
    """The text is not the YAML we take. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not been read yet."""

    container: dict[Any, Any] | list[Any]
    path: Path
    key: Any = None
    awaits_key: bool = field(default=True)


def read_yaml(text: str) -> Any:
    """The data of the one document in `text`. Raises `YamlFault`."""
    return _read(text, ()).result


def lines_of(text: str, paths: Collection[Path]) -> dict[Path, int]:
    """Of the paths that are in the document their lines, from 1; and of what they stand in."""
    return _read(text, paths).lines


def _read(text: str, paths: Collection[Path]) -> _Reader:
    reader = _Reader(frozenset(path[:length] for path in paths for length in range(len(path) + 1)))
    try:
        for event in yaml.parse(text, Loader=_Loader):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlFault(mark.line + 1 if mark else 1, error.problem or "not YAML") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        raise YamlFault(line, error.reason) from None
    return reader


class _Reader:
    def __init__(self, wanted: frozenset[Path]) -> None:
        self.result: Any = None
        self.lines: dict[Path, int] = {(): 1}
        self._wanted = wanted
        self._documents = self._values = 0
        self._open: list[_Open] = []

    def take(self, event: events.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, events.AliasEvent):
            raise YamlFault(line, "aliases (*name) are not accepted here: write the value out")
        if isinstance(event, events.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise YamlFault(line, "a second document (---) begins: one file, one document")
        elif isinstance(event, events.ScalarEvent):
            self._put(_scalar(event, line), line)
        elif isinstance(event, (events.MappingStartEvent, events.SequenceStartEvent)):
            if len(self._open) >= MAX_DEPTH:
                raise YamlFault(line, f"nested deeper than {MAX_DEPTH} levels")
            container: dict[Any, Any] | list[Any] = {} if isinstance(event, events.MappingStartEvent) else []
            path = self._put(container, line)
            self._open.append(_Open(container, path))
        elif isinstance(event, (events.MappingEndEvent, events.SequenceEndEvent)):
            self._open.pop()

    def _put(self, value: Any, line: int) -> Path:
        """Put a value where the reader stands, and say where that is."""
        self._values += 1
        if self._values > MAX_VALUES:
            raise YamlFault(line, f"more than {MAX_VALUES} values: too many to be read")
        if not self._open:
            self.result = value
            return ()
        top = self._open[-1]
        if isinstance(top.container, list):
            path: Path = (*top.path, len(top.container))
            top.container.append(value)
        elif top.awaits_key:
            if not isinstance(value, str):
                raise YamlFault(line, "a key must be text")
            if len(value) > MAX_KEY_CHARACTERS:
                raise YamlFault(line, f"a key of more than {MAX_KEY_CHARACTERS} characters")
            if value in top.container:
                raise YamlFault(line, f"the key {value!r} stands here twice")
            top.key, top.awaits_key, path = value, False, (*top.path, value)
        else:
            top.container[top.key] = value
            top.awaits_key, path = True, (*top.path, top.key)
        if path in self._wanted:
            self.lines.setdefault(path, line)
        return path


def _scalar(event: events.ScalarEvent, line: int) -> Any:
    """The value as YAML 1.1 resolves it, for the types that JSON has; anything else stays text."""
    if _STEERS.search(event.value) is not None:
        raise YamlFault(line, "a control character stands here, which could steer the terminal it is shown at")
    if event.tag is not None and event.tag != "!":
        raise YamlFault(line, f"the tag {event.tag} is not accepted here")
    tag = _RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
    try:
        if tag == "tag:yaml.org,2002:null":
            return None
        if tag == "tag:yaml.org,2002:bool":
            return event.value.lower() in ("true", "yes", "on")
        if tag == "tag:yaml.org,2002:int" and len(event.value) <= _MAX_NUMBER_CHARACTERS:
            return int(event.value.replace("_", ""), 0)
        if tag == "tag:yaml.org,2002:float" and math.isfinite(number := float(event.value.replace("_", ""))):
            return number
    except ValueError:
        pass
    return event.value
