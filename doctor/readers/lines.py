"""Text as it comes, a line at a time: decoded whatever it is, with bounded memory, and without what terminals and web pages add."""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterable, Iterator
from typing import Protocol

MAX_LINE_CHARACTERS = 64 * 1024
"""What a line has beyond this is dropped: no traceback and no environment needs it."""
_CHUNK_BYTES = 256 * 1024
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]")
_BARE_COLOUR = re.compile(r"\[(?:\d{1,3};){0,4}\d{1,3}m")
"""What is left of a colour where the escape character was lost on the way: `[31m`, `[0;32m`."""
_QUOTE = re.compile(r"(?:> ?){1,8}(?=\S|  |$)")
_DOCTEST = re.compile(r">>>(?: |$)")
_NO_BREAK = str.maketrans({"\u00a0": " ", "\u2007": " ", "\u202f": " ", "\u200b": None, "\ufeff": None, "\x00": None})


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def decoded_lines(stream: Readable) -> Iterator[str]:
    """The lines of a file in UTF-8 or, by its byte order mark, UTF-16; what is neither is replaced, never a reason to fail."""
    decoder = LineDecoder()
    while chunk := stream.read(_CHUNK_BYTES):
        yield from decoder.feed(chunk)
    yield from decoder.end()


class LineDecoder:
    """Bytes as they come, as lines; of a line without end no more than `MAX_LINE_CHARACTERS` is kept."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        self._rest = ""
        self._dropping = False

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The lines that `chunk` ends."""
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder(_encoding(chunk))(errors="replace")
        *whole, self._rest = (self._rest + self._decoder.decode(chunk)).split("\n")
        for line in whole:
            if not self._dropping:
                yield line[:MAX_LINE_CHARACTERS]
            self._dropping = False
        if len(self._rest) > MAX_LINE_CHARACTERS:
            if not self._dropping:
                yield self._rest[:MAX_LINE_CHARACTERS]
            self._rest, self._dropping = "", True

    def end(self) -> Iterator[str]:
        """The last line, when no newline ended it."""
        self._rest += self._decoder.decode(b"", final=True) if self._decoder is not None else ""
        if self._rest and not self._dropping:
            yield self._rest[:MAX_LINE_CHARACTERS]


def _encoding(start: bytes) -> str:
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
        line = html.unescape(line)
    if line.startswith(">") and not _DOCTEST.match(line):
        line = _QUOTE.sub("", line, count=1)
    return line
