"""What loggers and launchers write before a line: taken off, and which process of a distributed run printed it.

`[rank37]:`, `[default0]:` (torchrun), `[1,37]<stderr>:` (mpirun), `(Worker pid=22)` (Ray, vLLM) and `worker-1  |` (Compose) say so by
themselves. A bare `37: ` (srun --label) or `[37]` can be a list or a line number as well: it is a rank once a traceback was seen whose
header and first frame both stand behind the same number.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

_RANKED = r"\[(?:rank|default|Rank |[Rr]ank: ?)\d{1,6}\]"
_STREAM = re.compile(
    rf"{_RANKED}:?|\[[a-z]{{3,20}}\d{{1,6}}\]:|\[\d{{1,9}},\d{{1,9}}\]<std(?:err|out)>:"
    rf"|\d{{1,6}}: {{1,40}}(?={_RANKED})|[\w.-]{{1,60}}: (?={_RANKED})"
    r"|\([\w.]{1,60}(?:\(\w{1,40}\))? ?(?:pid|rank)[= ]\d{1,9}[^()]{0,80}\)|[\w.-]{1,60}-\d{1,9} {1,40}\|"
)
_STAMP = re.compile(
    r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?:?"
    r"|\[?\d\d[-/]\d\d \d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?|\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,80} \S{1,80}?\[\d{1,9}\]:"
)
_LEVEL = re.compile(
    r"\[?(?:ERROR|CRITICAL|FATAL|WARNING|WARN|INFO|DEBUG|stderr|stdout)\]?"
    r"(?::[\w.]{1,120}:|:|(?= {1,40}\||  | \[| \d| \S{1,80}:\d{1,9}\]| ?$| File | Traceback| \w+Error))"
    r"|\[?[\w.-]{1,80}\.py:\d{1,9}\]|- (?=ERROR|CRITICAL)|\|(?= )"
)
_BOX = "".join(map(chr, range(0x2500, 0x2580)))
_BOX_SIDES = ("\u2502", "\u2503")
_BOX_EDGES = "\u2500\u2501\u256d\u256e\u2570\u256f"
_GROUP = re.compile(r"^\s{0,400}(?:\| ?|\+ (?=Exception Group)|\+-[+-]*(?: (?:\d{1,9}|\.\.\.) -+)?$)")

_NUMBERED = re.compile(r" {0,5}(?P<plain>\d{1,6}): |\[(?P<bracketed>\d{1,6})\]:? ")
_HEADER = "Traceback (most recent call"
_FIRST_FRAME = re.compile(r'\s{1,200}File "')
_MAX_HEADERS = 4096
_RANK_IN = re.compile(r"\[[A-Za-z]{1,20}:? ?(\d{1,9})\]|\[\d{1,9},(\d{1,9})\]<|\brank[= ](\d{1,9})|^ {0,40}(\d{1,9}): ")
_NAME_IN = re.compile(r"\(([^()]{0,120}(?:\([^()]{0,60}\))?[^()]{0,120})\)$|([\w.-]{1,60}-\d{1,9}) {1,40}\|$")


class Printed(NamedTuple):
    """A line as its process printed it."""

    text: str
    """Without prefixes and without blanks round it."""
    indented: bool
    """Whether blanks stood before it."""
    stream: str = ""
    """The prefix that tells processes apart, as it stands; empty where none does."""
    process: str | None = None
    """Who printed it: `37` for a rank, a name for others; None where no prefix tells. `?37` may yet turn out to be no rank."""


class PrefixReader:
    """Takes prefixes off, a line at a time."""

    def __init__(self) -> None:
        self._are_ranks: set[str] = set()
        self._headers: dict[tuple[str, str], tuple[int, str]] = {}

    def read(self, number: int, line: str) -> Sequence[tuple[int, Printed]]:
        """The line, numbered; before it, headers of tracebacks that were not known for such until now."""
        found = _NUMBERED.match(line) if line[:1] in " [0123456789" else None
        if found is None:
            return ((number, unprefixed(line)),)
        style, rank = ("[]", found["bracketed"]) if found["bracketed"] else (":", found["plain"])
        rest = line[found.end() :]
        if style not in self._are_ranks and (style, rank) in self._headers and _FIRST_FRAME.match(rest):
            self._are_ranks.add(style)
            headers = [(at, _of_rank(style, each, text)) for (kind, each), (at, text) in self._headers.items() if kind == style]
            return (*headers, (number, _of_rank(style, rank, rest)))
        if style in self._are_ranks:
            return ((number, _of_rank(style, rank, rest)),)
        if _HEADER in rest and len(self._headers) < _MAX_HEADERS:
            self._headers[style, rank] = number, rest
        plain = unprefixed(line)
        return ((number, plain if plain.stream else Printed(plain.text, plain.indented, "", f"?{style}{int(rank)}")),)

    @property
    def ways(self) -> int:
        """In how many ways bare numbers were found to be ranks so far: one more changes how lines are taken."""
        return len(self._are_ranks)

    def settled(self, process: str | None) -> str | None:
        """Who printed a line, now that the text has ended."""
        if process is None or not process.startswith("?"):
            return process
        style, rank = process[1:].rstrip("0123456789"), process.lstrip("?:[]")
        return rank if style in self._are_ranks else None


def scope_of(line: str, printed: Printed) -> tuple[int, int] | None:
    """From where to where a line says which process printed it; None where that does not stand in one piece."""
    numbered = _NUMBERED.match(line)
    start = line.find(printed.stream) if printed.stream else -1
    if numbered is not None:
        return 0, max(numbered.end(), start + len(printed.stream) if start >= 0 else 0)
    return (start, start + len(printed.stream)) if start >= 0 else None


def _of_rank(style: str, rank: str, text: str) -> Printed:
    plain = unprefixed(text)
    return plain if plain.stream else Printed(plain.text, plain.indented, f"{style}{rank}", str(int(rank)))


def unprefixed(line: str) -> Printed:
    """The line without what stands before it, when its prefixes say by themselves what they are."""
    stream, text = "", line
    while text and (text[0] in "[(|-" or text[0].isdigit() or text[0].isupper() or text[0].islower()):
        if (found := _STREAM.match(text)) is not None:
            stream, end = stream + found[0], found.end()
        elif (prefix := _STAMP.match(text) or _LEVEL.match(text)) is not None:
            end = prefix.end()
        else:
            break
        rest = text[end:]
        bare = rest.lstrip()
        # One blank belongs to the prefix, more are indentation, unless another prefix follows.
        text = bare if bare and (_STAMP.match(bare) or _LEVEL.match(bare) or _STREAM.match(bare)) else rest[1:] if rest.startswith(" ") else rest
    if not text.isascii():
        text = _unboxed(text)
    if text[:1] in " |+" and (group := _GROUP.match(text)) is not None and ("|" in group[0] or "+" in group[0]):
        text = text[group.end() :]
    return Printed(text.strip(), text[:1] in (" ", "\t"), stream, _process(stream) if stream else None)


@functools.lru_cache(maxsize=4096)
def _process(stream: str) -> str:
    """`37` for a rank, of several prefixes the last one's; else the name the launcher gave the process."""
    ranks = [next(filter(None, found)) for found in _RANK_IN.findall(stream)]
    if ranks:
        return str(int(ranks[-1]))
    named = _NAME_IN.search(stream)
    return next(filter(None, named.groups())) if named is not None else stream


def _unboxed(text: str) -> str:
    """The text without the box that rich draws round it: its sides, or a stretch of its upper or lower edge."""
    inside = text.lstrip(_BOX + " \t\u3000")
    start = text[: len(text) - len(inside)]
    edge = max(map(start.rfind, _BOX_EDGES))
    if edge >= 0:
        return start[edge + 1 :].lstrip(_BOX) + inside
    side = max(map(start.rfind, _BOX_SIDES))
    if side >= 0:
        text = text[side + 1 :].removeprefix(" ")
    bare = text.rstrip()
    return bare[:-1].rstrip() if bare.endswith(_BOX_SIDES) else text
