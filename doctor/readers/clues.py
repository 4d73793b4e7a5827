"""Which of a set of patterns a text holds, and where first: in one pass, with a bound on what is searched.

A log repeats itself: of lines that differ in their numbers only, the first is searched. Of a text with more different lines than
the bound, the rest is searched only next to its failures and at its end, where what it says has to do with them.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping

_STRETCH_CHARACTERS = 64 * 1024
_MAX_CHARACTERS = 4 * 1024 * 1024
_MAX_LINE_CHARACTERS = 2048
_NEIGHBOURS = 1000
"""How many lines before a failure are searched, once the bound is reached."""
_NUMBER = re.compile(r"(?<![.\d])\d+(?:\.\d+)?(?![.\d])")
"""Not a version: two lines that state different versions are different."""


class ClueReader:
    """Looks for patterns in lower-cased text, line by line; each is looked for until it is found."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._wanted = {pattern: re.compile(pattern, re.MULTILINE) for pattern in dict.fromkeys(patterns)}
        self._found: dict[str, int] = {}
        self._seen: set[int] = set()
        self._stretch: list[tuple[int, str]] = []
        self._characters = self._searched = 0
        self._neighbours: deque[tuple[int, str]] = deque(maxlen=_NEIGHBOURS)

    def feed(self, number: int, line: str) -> None:
        """Take the next line; `number` counts from 1."""
        if not line or line.isspace():
            return
        line = line[:_MAX_LINE_CHARACTERS]
        template = hash(_NUMBER.sub("0", line))
        if template in self._seen:
            return
        if self._searched > _MAX_CHARACTERS:
            self._neighbours.append((number, line))
            return
        self._seen.add(template)
        self._stretch.append((number, line))
        self._characters += len(line)
        if self._characters > _STRETCH_CHARACTERS:
            self._search(self._stretch)
            self._searched += self._characters
            self._stretch, self._characters = [], 0

    def failure_seen(self) -> None:
        """There is a failure here: what was said just before it counts, bound or no bound."""
        self._search(list(self._neighbours))
        self._neighbours.clear()

    def found(self) -> Mapping[str, int]:
        """The patterns the text holds, each with the number of the first line that was seen to hold it."""
        self._search(self._stretch)
        self.failure_seen()
        return self._found

    def _search(self, lines: list[tuple[int, str]]) -> None:
        text = "\n".join(line for _, line in lines).lower()
        for pattern, compiled in list(self._wanted.items()) if text else ():
            match = compiled.search(text)
            if match is not None:
                self._found[pattern] = lines[text.count("\n", 0, match.start())][0]
                del self._wanted[pattern]
