"""Which of a set of patterns a text holds, where first, and which process printed it: in one pass, all of the text.

A log repeats itself: of lines that differ in their numbers only, the first is searched. What is left is searched in stretches, each
first for the strings that a match cannot be without.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from doctor.knowledge.pattern import literals_of

_STRETCH_CHARACTERS = 64 * 1024
_MAX_LINE_CHARACTERS = 2048
_MAX_SEEN = 200_000
"""Of so many lines it is remembered that they were searched; after that it begins to remember anew."""
_NUMBER = re.compile(r"[0-9](?<![.\d].)(?:\d{0,2}(?:\.\d{1,3}){3}|\d*(?:\.\d+)?)(?![.\d])")
"""Addresses as well, but not a version: two lines that state different versions are different. What comes before is looked at behind the
first digit, for a search that begins with a plain character is several times as fast."""
_DIGIT = re.compile("[0-9]")
_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class _Line:
    number: int
    text: str
    by: set[str] | None
    """The processes that printed it, or another that differs in its numbers only; None: no prefix tells, so it may be anybody's."""


class ClueReader:
    """Looks for patterns in lower-cased text, line by line; each is looked for until it is found in a line that may be anybody's."""

    def __init__(self, patterns: Iterable[str]) -> None:
        wanted, self._literals = _prepared(frozenset(patterns))
        self._wanted = dict(wanted)
        self._found: dict[str, list[_Line]] = {}
        self._seen: dict[int, set[str] | None] = {}
        self._stretch: list[_Line] = []
        self._characters = 0

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
        if len(self._seen) >= _MAX_SEEN:
            self._seen.clear()
        self._seen[template] = new.by
        self._stretch.append(new)
        self._characters += len(line)
        if self._characters > _STRETCH_CHARACTERS:
            self._search()

    def hold(self, pattern: str, number: int) -> None:
        """Take a pattern as found, in a line that may be anybody's."""
        self._found[pattern] = [_Line(number, "", None)]
        self._wanted.pop(pattern, None)

    @staticmethod
    def tells_apart(line: str) -> bool:
        """Whether the line holds digits that are no plain numbers, so that another may be different that differs in its digits only."""
        return _DIGIT.search(_NUMBER.sub("", line)) is not None

    def found(self, settled: Callable[[str], str | None] = lambda process: process) -> Mapping[str, Mapping[str | None, int]]:
        """The patterns the text holds, each with the first line that was seen to hold it, by the process that printed it.

        `settled` says what a process is called in the end; None when it turned out to be none.
        """
        self._search()
        return {pattern: _by_process(lines, settled) for pattern, lines in self._found.items()}

    def _search(self) -> None:
        lines, self._stretch, self._characters = self._stretch, [], 0
        lowered = [each.text.lower() for each in lines]
        text = "\n".join(lowered)
        starts = list(accumulate((len(each) + 1 for each in lowered), initial=0))
        held = self._literals.held_by(text)
        possible = [pattern for pattern, literals in self._wanted.items() if text and (literals is None or not literals.isdisjoint(held))]
        for pattern in possible:
            literals = self._wanted[pattern]
            numbers = range(len(lines)) if literals is None else _lines_with(literals & held, text, starts)
            search = _compiled(pattern).search
            for number in numbers:
                if search(text, starts[number], starts[number + 1] - 1) is None:
                    continue
                self._note(pattern, lines[number])
                if lines[number].by is None:
                    del self._wanted[pattern]
                    break

    def _note(self, pattern: str, line: _Line) -> None:
        before = self._found.setdefault(pattern, [])
        if line.by is None or not any(each.by is not None and line.by <= each.by for each in before):
            before.append(_Line(line.number, "", line.by))


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """ASCII: a word of another script may stand right beside a name, and is no part of it."""
    return re.compile(pattern, re.MULTILINE | re.ASCII)


def _lines_with(strings: Iterable[str], text: str, starts: Sequence[int]) -> Sequence[int]:
    """The lines that hold one of the strings, from 0, in their order; `starts` says where each begins."""
    numbers = set()
    for each in strings:
        at = text.find(each)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            numbers.add(number)
            at = text.find(each, starts[number + 1])
    return sorted(numbers)


@functools.lru_cache(maxsize=8)
def _prepared(patterns: frozenset[str]) -> tuple[Mapping[str, frozenset[str] | None], _Literals]:
    """The patterns with strings they cannot be without: the same for every text that is read with a matrix."""
    wanted = {pattern: literals_of(pattern) for pattern in sorted(patterns)}
    return wanted, _Literals(wanted.values())


class _Literals:
    """Strings to look for, those that hold another only where that was found."""

    def __init__(self, sets: Iterable[frozenset[str] | None]) -> None:
        ordered = sorted(frozenset(each for literals in sets for each in literals or ()), key=lambda each: (len(each), each))
        shorter = [next((part for part in ordered[:number] if part in each), None) for number, each in enumerate(ordered)]
        self._within = [(each, part, _longest_word(each)) for each, part in zip(ordered, shorter, strict=True)]
        """Each string, the short ones first, with a shorter one that it holds, and with its longest word: itself where it is one."""

    def held_by(self, text: str) -> set[str]:
        """Those of the strings that the text holds."""
        words = "\n".join(set(_WORD.findall(text)))  # each once: shorter than the text by far
        held: set[str] = set()
        for each, part, word in self._within:
            if (part is None or part in held) and word in words and (each is word or each in text):
                held.add(each)
        return held


def _longest_word(string: str) -> str:
    longest = max(_WORD.findall(string), key=len, default="")
    return string if longest == string else longest


def _by_process(lines: Sequence[_Line], settled: Callable[[str], str | None]) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for line in lines:
        for process in (None,) if line.by is None else (settled(each) for each in line.by):
            found[process] = min(line.number, found.get(process, line.number))
    return found
