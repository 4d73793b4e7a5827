"""What an expression may be, as far as code tells without being run."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from doctor.facts.program import SURENESS, Place, SubjectKind, Sureness, Use
from doctor.hazards.code import Piece


@dataclass(frozen=True, slots=True)
class Library:
    """Something a library offers, by its dotted name: `transformers.AutoModel.from_pretrained`."""

    path: str
    sure: Sureness = "certain"


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal."""

    value: object


@dataclass(frozen=True, slots=True)
class Table:
    """A dictionary; a value that could not be followed is None."""

    items: dict[str, Value]
    whole: bool = True
    """False when it may hold more."""


@dataclass(frozen=True, slots=True)
class Series:
    """A list or tuple."""

    items: tuple[Value, ...]


@dataclass(slots=True, eq=False)
class Noted:
    """A subject in the making."""

    kind: SubjectKind
    name: str
    taken: list[tuple[int, int]] = field(default_factory=list)
    """Which way was taken at each branch that leads to where the walk stands; the walk's own list."""
    uses: list[Use] = field(default_factory=list)
    seen: set[tuple[str, int, int, tuple[tuple[int, int], ...]]] = field(default_factory=set)

    def note(self, word: str, place: Place) -> None:
        """Add a use, once a place and way there."""
        taken = tuple(self.taken)
        key = (word, place.line, place.column, taken)
        if key not in self.seen:
            self.seen.add(key)
            self.uses.append(Use(word, place, taken))


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model, or a part of one."""

    subject: Noted
    whole: bool = True


@dataclass(frozen=True, slots=True)
class States:
    """A state dict, by the call that made it."""

    origin: tuple[int, int]


@dataclass(slots=True, eq=False)
class Function:
    """A function of the program."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    piece: Piece
    names: dict[str, Value]
    """The names where it is defined."""
    owner: Class | None = None
    calls: int = 0
    result: Value = None


@dataclass(slots=True, eq=False)
class Class:
    """A class of the program."""

    node: ast.ClassDef
    piece: Piece
    bases: tuple[Value, ...]
    methods: dict[str, Function] = field(default_factory=dict)
    instance: Instance | None = None

    def method(self, name: str) -> Function | None:
        """Its own, or the nearest inherited one that the program defines."""
        if name in self.methods:
            return self.methods[name]
        return next((found for base in self.bases if isinstance(base, Class) and (found := base.method(name)) is not None), None)

    def attribute(self, name: str) -> ast.expr | None:
        """What its body, or that of the nearest base that the program defines, gives an attribute; None when none does."""
        for statement in self.node.body:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target] if isinstance(statement, ast.AnnAssign) else []
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and any(isinstance(each, ast.Name) and each.id == name for each in targets):
                return statement.value
        return next((found for base in self.bases if isinstance(base, Class) and (found := base.attribute(name)) is not None), None)

    def ancestry(self) -> list[str]:
        """Dotted names of the library classes it descends from, nearest first; those that could not be followed are missing."""
        found: list[str] = []
        for base in self.bases:
            if isinstance(base, Library):
                found.append(base.path)
            elif isinstance(base, Class) and base is not self:
                found += base.ancestry()
        return found


@dataclass(slots=True, eq=False)
class Instance:
    """An object of a class of the program."""

    of: Class
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bound:
    """A method of a value, not yet called."""

    of: Value
    name: str


@dataclass(frozen=True, slots=True)
class Either:
    """One of several, by which branch was taken."""

    options: tuple[Value, ...]


Value: TypeAlias = Library | Constant | Table | Series | Model | States | Function | Class | Instance | Bound | Either | None
"""None: it could not be followed."""


_OPTIONS = 6


def options_of(value: Value) -> tuple[Value, ...]:
    """What a value may be."""
    return value.options if isinstance(value, Either) else (value,)


def either(first: Value, second: Value) -> Value:
    """One of two."""
    if first is second or first == second:
        return first
    options = {id(each): each for value in (first, second) for each in options_of(value)}
    return Either(tuple(options.values())[:_OPTIONS])


def either_of(values: Iterable[Value]) -> Value:
    """One of several; None of none."""
    several = list(values)
    return functools.reduce(either, several) if several else None


def less_sure(*sure: Sureness) -> Sureness:
    """The least of these."""
    return max(sure, key=SURENESS.index)
