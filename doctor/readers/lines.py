"""Text as it comes, a line at a time: decoded whatever it is, with bounded memory, and without what terminals and web pages add."""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterable, Iterator
from typing import Protocol

MAX_LINE_CHARACTERS = 64 * 1024
"""What a line has beyond this no traceback and no environment needs."""
MAX_REPORT_CHARACTERS = 8 * 1024 * 1024
"""A report of doctor's has all it was given as traceback on one line. What a line has beyond this is dropped."""
_CHUNK_BYTES = 256 * 1024
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]")
_BARE_COLOUR = re.compile(r"\[(?:\d{1,3};){0,4}\d{1,3}m")
"""What is left of a colour where the escape character was lost on the way: `[31m`, `[0;32m`."""
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_QUOTE = re.compile(r"(?:> ?){1,8}(?=\S|  |$)")
_DOCTEST = re.compile(r">>>(?: |$)")
_NO_BREAK = str.maketrans({"\u00a0": " ", "\u2007": " ", "\u202f": " ", "\u200b": None, "\ufeff": None, "\x00": None})


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def decoded_lines(stream: Readable) -> Iterator[str]:
    """The lines of a file in UTF-8 or, by its byte order mark, UTF-16; what is neither is replaced, never a reason to fail."""
    return decoded(iter(lambda: stream.read(_CHUNK_BYTES), b""))


def decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    """The lines of one file that comes in pieces."""
    decoder = LineDecoder(MAX_REPORT_CHARACTERS)
    for piece in pieces:
        yield from decoder.feed(piece)
    yield from decoder.end()


class LineDecoder:
    """Bytes as they come, as lines; of a line without end no more than `most` characters are kept."""

    def __init__(self, most: int = MAX_LINE_CHARACTERS) -> None:
        self._most = most
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begun: list[str] = []
        """The parts of a line whose end has not come yet."""
        self._room = most

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that `chunk` ends."""
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder(encoding_of(chunk))(errors="replace")
        first, *lines = self._decoder.decode(chunk).split("\n")
        self._begin(first)
        if not lines:
            return []
        lines.insert(0, "".join(self._begun))
        self._begun, self._room = [], self._most
        self._begin(lines.pop())
        if len(chunk) > self._most:
            lines[1:] = [line[: self._most] for line in lines[1:]]
        return lines

    def _begin(self, part: str) -> None:
        if part and self._room:
            self._begun.append(part[: self._room])
            self._room -= len(self._begun[-1])

    def end(self) -> list[str]:
        """The last line, when no newline ended it."""
        self._begin(self._decoder.decode(b"", final=True) if self._decoder is not None else "")
        return ["".join(self._begun)] if self._begun else []


def _character(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])


def encoding_of(start: bytes) -> str:
    """UTF-16 where a byte order mark says so, else UTF-8."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8"


def cleaned(lines: Iterable[str]) -> Iterator[str]:
    """The lines as they were printed: no colours, no Markdown quoting, no HTML entities, the last state of a progress bar."""
    for line in lines:
        yield cleaned_line(line)


def cleaned_line(line: str) -> str:
    """One line, cleaned."""
    line = line.rstrip("\r\n")
    if "\r" in line:
        line = line.rpartition("\r")[2]
    if not line.isascii():
        line = line.translate(_NO_BREAK)
    if "\x1b" in line or "\x9b" in line:
        line = _ANSI.sub("", line)
    elif "[" in line and "m" in line:
        line = _BARE_COLOUR.sub("", line)
    if "\x00" in line:
        line = line.replace("\x00", "")
    if "&" in line and ";" in line:
        line = _ENTITY.sub(_character, line)
    if line.startswith(">") and not _DOCTEST.match(line):
        line = _QUOTE.sub("", line, count=1)
    return line
