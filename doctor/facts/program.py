"""What a program's code says without being run: what it does with models, and where. Plain, immutable facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from doctor.facts.frozen import Frozen

Sureness = Literal["certain", "likely", "possible"]
"""`certain`: the code says so; `likely`: a value could not be followed to its end, and is commonly this; `possible`: it may be."""
SURENESS: tuple[Sureness, ...] = get_args(Sureness)
"""The surest first."""
SubjectKind = Literal["model", "class"]


class Place(Frozen):
    """Where in the code something is done."""

    file: str
    """As it was named on the command line, or lies below a folder named there; a notebook's cell is `file.ipynb[3]`."""
    line: int
    """From 1."""
    column: int
    """From 1."""
    source: str
    """The line of code, without what stands round it, cut at 200 characters."""
    sure: Sureness
    """`certain`: the code says so; `likely`: a value could not be followed to its end, and is commonly this; `possible`: it may be."""
    offset: int = 0
    """Characters of `source` before the column."""
    use: str = ""
    """What is done here, by its word of the vocabulary of uses (`doctor matrix vocabulary`); empty for a variable that is set."""


class Use(Frozen):
    """One thing that is done to a subject, by a word of the published vocabulary (`doctor.knowledge.uses`)."""

    word: str
    place: Place
    taken: tuple[tuple[int, int], ...] = ()
    """Which way was taken at each branch that leads there, as (number of the branch, number of the way)."""


class Subject(Frozen):
    """What uses belong to: one model from its load on, or one class of models."""

    kind: SubjectKind
    name: str
    """The class that is loaded or defined, as the code names it, without its module; empty where it could not be followed."""
    uses: tuple[Use, ...]

    def by(self, word: str) -> list[Use]:
        """Its uses by this word, the surest first."""
        return sorted((each for each in self.uses if each.word == word), key=lambda each: SURENESS.index(each.place.sure))


class Variable(Frozen):
    """An environment variable that the program, or a script that starts it, sets."""

    name: str
    value: str
    place: Place


class Ignored(Frozen):
    """A line on which findings are not to be told: `# doctor: ignore[MT012] why`."""

    file: str
    line: int
    ids: tuple[str, ...]
    """Of advisories; empty: all."""


class Unread(Frozen):
    """Code that could not be read, and counts as unknown."""

    file: str
    """As it was named on the command line, or lies below a folder named there."""
    line: int
    """From 1; 0 when the whole file is meant."""
    reason: str
    """Why it could not be read, for people."""


class Program(Frozen):
    """What was read of a program."""

    files: int
    """How many files held code that was read."""
    lines: int
    subjects: tuple[Subject, ...]
    variables: tuple[Variable, ...] = ()
    unread: tuple[Unread, ...] = ()
    ignored: tuple[Ignored, ...] = ()


def may_follow(uses: Iterable[Use]) -> bool:
    """Whether one run can come to all of these: no two stand in different ways of one branch."""
    taken: dict[int, int] = {}
    return all(taken.setdefault(branch, way) == way for use in uses for branch, way in use.taken)


def weakest(places: Iterable[Place]) -> Sureness:
    """How sure all of these are together."""
    return max((each.sure for each in places), key=SURENESS.index, default="certain")
