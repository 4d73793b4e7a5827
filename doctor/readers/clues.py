"""Which of a set of patterns a text holds, where first, and which process printed it: in one pass, with a bound on what is searched.

A log repeats itself: of lines that differ in their numbers only, the first is searched. Of a text with more different lines than
the bound, the rest is searched only next to its failures and at its end, where what it says has to do with them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

_STRETCH_CHARACTERS = 64 * 1024
_MAX_CHARACTERS = 4 * 1024 * 1024
_MAX_LINE_CHARACTERS = 2048
_NEIGHBOURS = 1000
"""How many lines before a failure are searched, once the bound is reached."""
_NUMBER = re.compile(r"(?<![.\d])\d+(?:\.\d+)?(?![.\d])")
"""Not a version: two lines that state different versions are different."""


@dataclass(slots=True)
class _Line:
    number: int
    text: str
    by: set[str] | None
    """The processes that printed it, or another that differs in its numbers only; None: no prefix tells, so it may be anybody's."""


class ClueReader:
    """Looks for patterns in lower-cased text, line by line; each is looked for until it is found in a line that may be anybody's."""

    def __init__(self, patterns: Iterable[str]) -> None:
        # ASCII: a word of another script may stand right beside a name, and is no part of it.
        self._wanted = {pattern: re.compile(pattern, re.MULTILINE | re.ASCII) for pattern in dict.fromkeys(patterns)}
        self._found: dict[str, list[_Line]] = {}
        self._seen: dict[int, set[str] | None] = {}
        self._stretch: list[_Line] = []
        self._characters = self._searched = 0
        self._neighbours: deque[_Line] = deque(maxlen=_NEIGHBOURS)

    def feed(self, number: int, line: str, process: str | None = None) -> None:
        """Take the next line; `number` counts from 1, `process` is who printed it."""
        if not line or line.isspace():
            return
        line = line[:_MAX_LINE_CHARACTERS]
        template = hash(_NUMBER.sub("0", line))
        if template in self._seen:
            by = self._seen[template]
            if by is None or (process is not None and process in by):
                return
            if process is not None:
                by.add(process)
                return
        new = _Line(number, line, None if process is None else {process})
        if self._searched > _MAX_CHARACTERS:
            self._neighbours.append(new)
            return
        self._seen[template] = new.by
        self._stretch.append(new)
        self._characters += len(line)
        if self._characters > _STRETCH_CHARACTERS:
            self._search(self._stretch)
            self._searched += self._characters
            self._stretch, self._characters = [], 0

    def failure_seen(self) -> None:
        """There is a failure here: what was said just before it counts, bound or no bound."""
        self._search(list(self._neighbours))
        self._neighbours.clear()

    def found(self, settled: Callable[[str], str | None] = lambda process: process) -> Mapping[str, Mapping[str | None, int]]:
        """The patterns the text holds, each with the first line that was seen to hold it, by the process that printed it.

        `settled` says what a process is called in the end; None when it turned out to be none.
        """
        self._search(self._stretch)
        self._stretch = []
        self.failure_seen()
        return {pattern: _by_process(lines, settled) for pattern, lines in self._found.items()}

    def _search(self, lines: Sequence[_Line]) -> None:
        lowered = [each.text.lower() for each in lines]
        text = "\n".join(lowered)
        starts = list(accumulate((len(each) + 1 for each in lowered), initial=0))
        for pattern, compiled in list(self._wanted.items()) if text else ():
            for match in compiled.finditer(text):
                line = lines[bisect_right(starts, match.start()) - 1]
                self._note(pattern, line)
                if line.by is None:
                    del self._wanted[pattern]
                    break

    def _note(self, pattern: str, line: _Line) -> None:
        before = self._found.setdefault(pattern, [])
        if line.by is None or not any(each.by is not None and line.by <= each.by for each in before):
            before.append(_Line(line.number, "", line.by))


def _by_process(lines: Sequence[_Line], settled: Callable[[str], str | None]) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for line in lines:
        for process in (None,) if line.by is None else (settled(each) for each in line.by):
            found[process] = min(line.number, found.get(process, line.number))
    return found
