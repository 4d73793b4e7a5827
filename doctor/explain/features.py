"""What of a text a cause may be told by: what was observed, the words that stand in it, and what the traceback came through."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping

from doctor.facts.symptom import Failure

_WORD = re.compile(r"[a-z_][a-z_0]+|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_SEAM = re.compile(r"[_0]+")
_BEGINNING = 5
_DIGITS = str.maketrans("123456789", "000000000")
_MOST_CHARACTERS = 64 * 1024
"""Of different lines; a log says nothing new after so many."""


class WordReader:
    """Collects the words of a text, and the pairs of words that follow one another in a line, by the process that printed them.

    Digits are alike, so that a line that differs from another in its numbers only adds nothing.
    """

    def __init__(self) -> None:
        self._words: dict[str | None, set[str]] = {}
        self._seen: set[tuple[str | None, str]] = set()
        self._characters = 0

    def feed(self, line: str, process: str | None = None) -> None:
        """Take the next line; `process` is who printed it."""
        if self._characters >= _MOST_CHARACTERS:
            return
        line = line[:2048].translate(_DIGITS)
        if (process, line) in self._seen:
            return
        self._seen.add((process, line))
        self._characters += len(line)
        self._words.setdefault(process, set()).update(words_of(line))

    def words(self) -> Mapping[str | None, frozenset[str]]:
        """By process; those under None may be anybody's."""
        return {process: frozenset(words) for process, words in self._words.items()}


def words_of(line: str) -> Iterator[str]:
    """Each word, and each two that follow one another: `offloaded`, `offloaded to`."""
    words = _WORD.findall(line.lower().translate(_DIGITS))
    yield from words
    for one, other in itertools.pairwise(words):
        yield f"{one} {other}"


def parts_of(words: Iterable[str]) -> Iterator[str]:
    """How the parts of each word begin, and each two that stand together in a name: `enable_cpu_offload` is `enabl`, `cpu`, `offlo`,
    `enable_cpu` and `cpu_offload`. Words that are kin, and names that are made of the same words, have these in common."""
    for word in words:
        if " " in word or len(word) == 1:
            continue
        parts = [part for part in _SEAM.split(word) if len(part) > 1]
        yield from (part[:_BEGINNING] for part in parts)
        yield from (f"{one}_{other}" for one, other in itertools.pairwise(parts))


def passed_through(failure: Failure) -> Iterator[str]:
    """The exception, and the functions the failure came through: with their file, alone, the last one, and their library."""
    if failure.exception:
        yield f"raises {failure.exception.rpartition('.')[2]}"
    for frame in failure.frames:
        function = (frame.function or "").rpartition(".")[2]
        yield f"calls {function}"
        if frame.file:
            yield f"{'/'.join(frame.file.split('/')[-2:])}:{function}"
        _, installed, path = frame.file.partition("-packages/")
        if installed:
            yield f"library {path.partition('/')[0]}"
    if failure.frames:
        yield f"last {(failure.frames[-1].function or '').rpartition('.')[2]}"
        yield "shows frames"


def all_of(words: Iterable[str], observed: Iterable[str], failure: Failure) -> dict[str, frozenset[str]]:
    """The families by name, as the table of coefficients has them."""
    words = frozenset(words)
    return {"words": words, "parts": frozenset(parts_of(words)), "observations": frozenset(observed), "frames": frozenset(passed_through(failure))}
