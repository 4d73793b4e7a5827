"""Reading a log as fast as it splits into lines: what differs only in its numbers from a line of which nothing came is passed over.

No list says which lines matter: who reads them says of each whether anything came of it, and when something has changed how lines
are taken. So the sieve leaves out only what would have changed nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

MAX_CHARACTERS = 2048
"""Of a longer line it is not remembered that nothing came of it."""
_MAX_LINES = 100_000
_NUMBERS_COUNT = re.compile(r'Traceback \(most|File "|^lock-version|-packages|ib\\|&#')
_NUMBERS_ALIKE = str.maketrans("123456789", "000000000")


class GoesOn(Protocol):
    """Who takes lines of one kind, and only wants to know where the last one stood."""

    last: int


class _Alike:
    """Lines of one kind that are dull when they hold, from `start` to `end`, what one before held there."""

    __slots__ = ("end", "goes_on", "seen", "start")

    def __init__(self, start: int, end: int, goes_on: GoesOn | None) -> None:
        self.start, self.end, self.goes_on = start, end, goes_on
        self.seen: set[str] = set()


class Sieve:
    """What is left of the lines of a text: `for number, line in sieve.left(lines)`, and after each, perhaps `sieve.dull(line)`."""

    def __init__(self) -> None:
        self._dull: set[str] = set()
        self._alike: dict[str, _Alike] = {}
        self._kind = ""
        self._count = self._remembered = 0

    @property
    def next(self) -> int:
        """The number of the next line, from 1."""
        return self._count + 1

    def left(self, lines: Sequence[str], asked: Sequence[int] | None = None) -> Iterator[tuple[int, str]]:
        """Of the next lines those to be read, numbered from 1 for the first of all; each is decided on when the one before was read.

        Of the lines `asked`, that is, if they are given: by their places, from 0.
        """
        first, self._count = self._count + 1, self._count + len(lines)
        numbers = range(first, first + len(lines)) if asked is None else [first + at for at in asked]
        lines = lines if asked is None else [lines[at] for at in asked]
        kinds = "\n".join(lines).translate(_NUMBERS_ALIKE).split("\n")
        if len(kinds) != len(lines):
            kinds = [line.translate(_NUMBERS_ALIKE) for line in lines]
        dull, others = self._dull, self._alike
        for number, kind, line in zip(numbers, kinds, lines, strict=True):
            if kind in dull:
                continue
            if kind in others and line[(alike := others[kind]).start : alike.end] in alike.seen:
                if alike.goes_on is not None:
                    alike.goes_on.last = max(alike.goes_on.last, number)
                continue
            self._kind = kind
            yield number, line

    def skip(self, count: int) -> None:
        """So many lines were left out before they came here."""
        self._count += count

    def passes_over(self, line: str) -> bool:
        """Whether the line would not be left."""
        kind = line.translate(_NUMBERS_ALIKE)
        alike = self._alike.get(kind)
        return kind in self._dull or (alike is not None and line[alike.start : alike.end] in alike.seen)

    def dull(self, line: str, scope: tuple[int, int] = (0, 0), goes_on: GoesOn | None = None) -> None:
        """Nothing came of the line that was last left, nor would of another that differs in its numbers only, but not within `scope`.

        `goes_on` is to know where such lines stand.
        """
        if len(line) > MAX_CHARACTERS or (scope != (0, len(line)) and _NUMBERS_COUNT.search(line)):
            return
        self._remembered += 1
        if self._remembered > _MAX_LINES:
            self.forget()
        if goes_on is None and scope == (0, 0):
            self._dull.add(self._kind)
            return
        alike = self._alike.setdefault(self._kind, _Alike(*scope, goes_on))
        if (alike.start, alike.end, alike.goes_on) == (*scope, goes_on):
            alike.seen.add(line[scope[0] : scope[1]])

    def forget(self) -> None:
        """From now on lines are taken otherwise than before."""
        self._dull.clear()
        self._alike.clear()
        self._remembered = 0


def in_blocks(lines: Iterable[str], characters: int = 1 << 18) -> Iterator[list[str]]:
    """The lines, many at a time, but of long ones few."""
    block: list[str] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line) + 1
        if size > characters:
            yield block
            block, size = [], 0
    yield block
