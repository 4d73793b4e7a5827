"""Reading a log as fast as it splits into lines: what differs only in its numbers from a line of which nothing came is passed over.

No list says which lines matter: who reads them says of each whether anything came of it, and when something has changed how lines
are taken. So the sieve leaves out only what would have changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

MAX_CHARACTERS = 2048
"""Of a longer line it is not remembered that nothing came of it."""
_MAX_LINES = 100_000
_NUMBERS_ALIKE = str.maketrans("123456789", "000000000")


@dataclass(slots=True)
class _Scope:
    """Where lines of one kind say which process printed them, and the processes that did."""

    start: int
    end: int
    seen: set[str] = field(default_factory=set)


class Sieve:
    """What is left of the lines of a text: `for place, line in sieve.left(lines)`, and after each, perhaps `sieve.dull(line)`."""

    def __init__(self) -> None:
        self._dull: set[str] = set()
        self._of_processes: dict[str, _Scope] = {}
        self._kind = ""

    def left(self, lines: Sequence[str]) -> Iterator[tuple[int, str]]:
        """The lines to be read, each with its place among all, from 0; a line is decided on when the one before was read."""
        kinds = "\n".join(lines).translate(_NUMBERS_ALIKE).split("\n")
        if len(kinds) != len(lines):
            kinds = [line.translate(_NUMBERS_ALIKE) for line in lines]
        dull, scopes = self._dull, self._of_processes
        for place, (kind, line) in enumerate(zip(kinds, lines, strict=True)):
            if kind in dull:
                continue
            if kind in scopes and line[(scope := scopes[kind]).start : scope.end] in scope.seen:
                continue
            self._kind = kind
            yield place, line

    def dull(self, line: str, scope: tuple[int, int] | None) -> None:
        """Nothing came of the line that was last left, nor would of another that differs in its numbers only.

        `scope` is where it says which process printed it, when that counts: then only of another of the same process.
        """
        if len(line) > MAX_CHARACTERS:
            return
        if len(self._dull) + len(self._of_processes) >= _MAX_LINES:
            self.forget()
        if scope is None:
            self._dull.add(self._kind)
            return
        of_kind = self._of_processes.setdefault(self._kind, _Scope(*scope))
        if (of_kind.start, of_kind.end) == scope and len(of_kind.seen) < _MAX_LINES:
            of_kind.seen.add(line[scope[0] : scope[1]])

    def forget(self) -> None:
        """From now on lines are taken otherwise than before."""
        self._dull.clear()
        self._of_processes.clear()


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
