"""Root causes and the signs they are told apart by: rules as data, kept in the matrix beside the advisories."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Annotated, Literal

from doctor.facts.frozen import Frozen
from doctor.facts.symptom import Frame
from doctor.knowledge.schema import Text

CauseName = Annotated[str, Text(r"[a-z0-9]+(-[a-z0-9]+)*", 'a name such as "offload-then-move"')]
Pattern = Annotated[str, Text(r"\S(.*\S)?", "a regular expression on one line")]
"""Searched for in lower-cased text, line by line."""
EditText = Annotated[str, Text(r"\S(.*\S)?", "one line; {place} and {call} in it are filled in")]
FramePattern = Annotated[str, Text(r"[^\s:]+:\S+", 'FILE:FUNCTION, as "transformers/trainer.py:_move_model_to_device" or "*:to|cuda"')]

Weight = Literal["proves", "strong", "likely", "hint", "against", "excludes"]


class Sign(Frozen):
    """One observation that speaks for a cause, or against it. All its conditions must hold; what the text does not say holds nothing."""

    weight: Weight
    """How much it says: `proves` and the next three for the cause, `against` and `excludes` against it."""
    says: str
    """What was seen, for people: the `because` of a report."""
    exception: tuple[str, ...] = ()
    """Names of exceptions without their module, any of which will do."""
    message: Pattern | None = None
    """Somewhere in the failure's message; where the text shows none (it was cut, or tells in words), somewhere in the text."""
    frames: tuple[FramePattern, ...] = ()
    """In this order among the failure's frames, outermost first, others may stand between."""
    without_frames: tuple[FramePattern, ...] = ()
    """None of them among the frames."""
    text: tuple[Pattern, ...] = ()
    """Each somewhere in the text, whatever the case of its letters."""
    without_text: tuple[Pattern, ...] = ()
    """None of them anywhere in the text."""
    packages: tuple[str, ...] = ()
    """Specifiers (PEP 440) that the versions the text states must meet: `transformers>=5.0.0`."""
    advisory: str | None = None
    """The advisory this is a sign of; when the versions known rule that out, the sign says nothing."""
    kind: Literal["bug", "misuse", "resource", "incompatibility"] | None = None
    """Where it differs from the cause's."""


class Observation(Frozen):
    """Something a text may show that by itself is no sign of one cause: how much it says for which was fitted (data/causes.json)."""

    says: str
    """What was seen, for people."""
    text: tuple[Pattern, ...]
    """Any of them somewhere in the text, whatever the case of its letters."""


class Edit(Frozen):
    """What to change at the line of the user's own code that the failure came through."""

    says: EditText
    """An order: `delete {call} at {place}`. `{place}` is `serve.py:14`, `{call}` what `line` found in the source, `.to(device)`."""
    line: Pattern | None = None
    """Somewhere in that source line, up to the opening parenthesis of the call; None: whatever the line says, or when the text shows none."""


class Cause(Frozen):
    """Why a model has no weights, as seen across reports; several advisories can be cases of one cause."""

    name: CauseName
    kind: Literal["bug", "misuse", "resource", "incompatibility"]
    """As of an advisory. The usual one: a sign, or what else a text says, may make it another there."""
    title: str
    """In plain words."""
    remedy: str
    """What to do, wherever it happened."""
    avoid: str | None
    """What never to do about it; None where nothing is known to do harm."""
    settle: str
    """The one fact that would make sure of it."""
    advisories: tuple[str, ...]
    """Ids of the known problems that can be cases of it."""
    signs: tuple[Sign, ...]
    """What it is told by."""
    references: tuple[str, ...] = ()
    """Where it is explained."""
    edits: tuple[Edit, ...] = ()
    """The first that can be filled in is the one to make; none can: the remedy says what to do."""
    told_by_version: tuple[str, ...] = ()
    """Advisories that are this cause itself in certain releases, so that the version tells which one it is: the first that holds. Any
    other is named only for a sign of its own."""


def frames_hold(patterns: Sequence[str], frames: Sequence[Frame]) -> bool:
    """Whether the patterns are met in their order, others between allowed."""
    rest = iter(frames)
    return all(any(_frame_holds(pattern, frame) for frame in rest) for pattern in patterns)


def _frame_holds(pattern: str, frame: Frame) -> bool:
    """`*` stands for any characters but `/`; a file named with a final `/` is a folder, with everything in it."""
    file, functions = _parts(pattern)
    return (file == ("*",) or _file_holds(file, frame.file.split("/"))) and any(_glob_holds(each, _bare(frame.function)) for each in functions)


def _bare(function: str | None) -> str:
    """`Module._apply` and `Module._apply.<locals>.f` are the functions `_apply` and `f`."""
    return (function or "").rpartition(".")[2]


@functools.lru_cache(maxsize=1024)
def _parts(pattern: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names a path must end with, an empty one standing for whatever is in a folder; and the functions, any of which will do."""
    file, _, functions = pattern.rpartition(":")
    return tuple(file.split("/")), tuple(functions.split("|"))


def _file_holds(wanted: Sequence[str], names: Sequence[str]) -> bool:
    if wanted[-1]:
        return len(names) >= len(wanted) and all(map(_glob_holds, wanted, names[-len(wanted) :]))
    folders = wanted[:-1]
    starts = range(len(names) - len(folders))
    return any(all(map(_glob_holds, folders, names[start : start + len(folders)])) for start in starts)


def _glob_holds(glob: str, text: str) -> bool:
    """Each part between stars is looked for once: where it first stands leaves most room for the others."""
    first, *others = glob.split("*")
    if not others:
        return text == first
    place, end = len(first), len(text) - len(others[-1])
    for part in others[:-1]:
        place = text.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return place <= end and text.startswith(first) and text.endswith(others[-1])
