"""The fingerprint index: where every function of a source file stands in every release, and a hash of every line. No source text.

An index is a zip file for each distribution, so that a file's history is read alone, in milliseconds. The member `releases` is a JSON
list of versions, oldest first; every other member is the history of the source file it is named for, a sequence of events:

    release   u16   index of the release from which this holds
    state     u16   number of the state the file has from here on, counted from 0 in order of appearance; GONE: no such file

and after an event that names a state for the first time, that state:

    names     u16   size of the text that follows: the function names that no earlier state has, a line each, UTF-8
    functions u16   how many follow, by where their bodies start: name (number, in order of appearance), lines from the start of the
                    one before, lines in the body; u16 each
    lines     u16   how many line hashes follow; u16 each

Numbers are little-endian. A release that leaves a file as it was adds nothing to its history, and one that changes it appends.
"""

from __future__ import annotations

import bisect
import importlib.util
import itertools
import json
import struct
import sys
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from doctor.errors import DoctorError
from doctor.knowledge.matrix_file import builtin_file

RELEASES = "releases"
GONE = 0xFFFF
START_CHARACTERS = 24
"""How much of a line the high byte of its hash covers, so that one cut at its end by a narrow terminal is still recognised."""
MAX_MEMBER_BYTES = 64 * 1024 * 1024
_MANGLED = str.maketrans("", "", " \t\f\u00a0_*`\\")
_U16 = struct.Struct("<H")


def plain_text(text: str) -> str:
    """What survives when Markdown has eaten emphasis marks, and a terminal blanks: the text without either."""
    return text.translate(_MANGLED)


def line_hash(line: str) -> int:
    """16 bits: the low byte of the whole line, the high byte of its first `START_CHARACTERS`. A blank line's is 0."""
    text = plain_text(line).encode("utf-8", "replace")
    return (zlib.crc32(text[:START_CHARACTERS]) >> 16 & 0xFF00) | (zlib.crc32(text) & 0xFF)


@dataclass(frozen=True)
class Function:
    """A function or class; its body, without decorators and signature: no frame of it stands there."""

    name: str
    start: int
    """The body's first line, from 1."""
    end: int
    """Its last line."""


@dataclass(frozen=True)
class FileState:
    """A source file as one or more releases have it."""

    names: tuple[str, ...]
    """Of every function, by where their bodies start, an outer one before those in it."""
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    hashes: array[int]

    def functions(self) -> Iterator[Function]:
        """Every function, by where it starts."""
        return itertools.starmap(Function, zip(self.names, self.starts, self.ends, strict=True))

    def function_at(self, line: int) -> str | None:
        """The name of the innermost function whose body holds the line; None outside all."""
        for index in range(bisect.bisect_right(self.starts, line) - 1, -1, -1):
            if self.ends[index] >= line:
                return self.names[index]
        return None

    def hash_at(self, line: int) -> int | None:
        """The line's hash; None beyond the end of the file."""
        return self.hashes[line - 1] if 1 <= line <= len(self.hashes) else None


@dataclass(frozen=True)
class FileHistory:
    """A source file in every release of its distribution."""

    states: tuple[FileState, ...]
    by_release: tuple[int | None, ...]
    """The index of the state that each release has; None where it has no such file."""


class Index:
    """What one distribution's index file holds. What is read from it is read when it is asked for."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._histories: dict[str, FileHistory] = {}
        with self._opened() as members:
            self.paths = frozenset(each for each in members.namelist() if each != RELEASES)
            """Every source file, as `transformers/modeling_utils.py`."""
            self.releases: tuple[str, ...] = tuple(json.loads(self._read(members, RELEASES)))
            """Every final release covered, oldest first."""

    def history(self, path: str) -> FileHistory:
        """The history of one of `paths`. Raises `DoctorError` when the index was damaged."""
        if path not in self._histories:
            with self._opened() as members:
                self._histories[path] = self._decoded(members, path)
        return self._histories[path]

    def _decoded(self, members: zipfile.ZipFile, path: str) -> FileHistory:
        try:
            return decoded(self._read(members, path), len(self.releases))
        except (ValueError, struct.error, IndexError):
            raise self._damaged(path) from None

    def _read(self, members: zipfile.ZipFile, name: str) -> bytes:
        from lzma import LZMAError  # not every Python has it: see `covered_distributions`

        try:
            if members.getinfo(name).file_size > MAX_MEMBER_BYTES:
                raise self._damaged(name)
            return members.read(name)
        except (KeyError, zipfile.BadZipFile, LZMAError, NotImplementedError, EOFError, OSError):
            raise self._damaged(name) from None

    def _opened(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self._file)
        except (OSError, zipfile.BadZipFile):
            raise self._damaged("") from None

    def _damaged(self, name: str) -> DoctorError:
        return DoctorError(f"{self._file}: {name + ': ' if name else ''}not a fingerprint index: install doctor again")


def index_folder() -> Path:
    """`data/fingerprints`: inside the installed package, or in a source tree."""
    return builtin_file().parent / "fingerprints"


def can_read_indexes() -> bool:
    """Whether this Python was built with `lzma`, which some are not."""
    return importlib.util.find_spec("_lzma") is not None


@cache
def covered_distributions() -> frozenset[str]:
    """The normalised names of all distributions that have an index; none in a Python without `lzma`, which cannot read them."""
    if not can_read_indexes():
        return frozenset()
    return frozenset(file.stem for file in index_folder().glob("*.zip"))


@cache
def index_of(distribution: str) -> Index:
    """The index of one of `covered_distributions()`. Raises `DoctorError` when its file was damaged."""
    return Index(index_folder() / f"{distribution}.zip")


def covered_releases(distribution: str) -> tuple[str, ...]:
    """The releases of a distribution (normalised name) that can be found or ruled out, oldest first; empty for one without an index."""
    return index_of(distribution).releases if distribution in covered_distributions() else ()


def decoded(content: bytes, releases: int) -> FileHistory:
    """The history in a member's bytes. Raises `ValueError`, `struct.error` or `IndexError` for bytes that hold none."""
    states: list[FileState] = []
    names: list[str] = []
    by_release: list[int | None] = []
    current: int | None = None
    place = 0
    while place < len(content):
        since, number = struct.unpack_from("<HH", content, place)
        place += 4
        by_release += [current] * (since - len(by_release))
        if number == len(states):
            state, place = _state(content, place, names)
            states.append(state)
        current = None if number == GONE else number
    by_release += [current] * (releases - len(by_release))
    if len(by_release) != releases or any(each is not None and each >= len(states) for each in by_release):
        raise ValueError("events out of order")
    return FileHistory(tuple(states), tuple(by_release))


def _state(content: bytes, place: int, names: list[str]) -> tuple[FileState, int]:
    """The state at `place`, and where it ends; what names it brings are added to `names`."""
    size = _U16.unpack_from(content, place)[0]
    place += 2
    names += content[place : place + size].decode("utf-8").split("\n") if size else ()
    functions, place = _numbers(content, place + size, 3)
    hashes, place = _numbers(content, place, 1)
    starts = tuple(itertools.accumulate(functions[1::3]))
    ends = tuple(start + length - 1 for start, length in zip(starts, functions[2::3], strict=True))
    return FileState(tuple([names[each] for each in functions[0::3]]), starts, ends, hashes), place


def _numbers(content: bytes, place: int, each: int) -> tuple[array[int], int]:
    """A count and `each` times as many u16 numbers, and where they end."""
    end = place + 2 + 2 * each * _U16.unpack_from(content, place)[0]
    if end > len(content):
        raise ValueError("cut off")
    numbers = array("H", content[place + 2 : end])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers, end
