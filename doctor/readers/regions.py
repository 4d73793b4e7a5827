"""Which parts of a log are worth reading: its beginning, its end, and what lies round the words that a failure or a release is told with.

To read a line takes some forty microseconds; to look for a dozen words in it as bytes takes well under one. So a block of lines that holds
none of the words is left out, but for one before and one after those that do. A text shorter than the beginning is read whole.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from doctor.readers.lines import MAX_REPORT_CHARACTERS, encoding_of

HEAD_BYTES = 128 * 1024
BLOCK_BYTES = 16 * 1024
_FIRM = (b"most recent call", b"meta tensor", b"newly initialized", b"not used when init", b"load report", b'"doctor_version"')
"""A block that holds one of these is always read."""
_A_WORD = re.compile(rb"(?<![a-z])[a-z]{3,20}(?![a-z])")
_VERSION_BEHIND = re.compile(rb"[a-z]{3,20}[^\n\d]{0,40}\d{1,4}\.\d")
_WORDS: Mapping[bytes, re.Pattern[bytes] | None] = {
    b"error": None,
    b"exception": None,
    b"meta": _A_WORD,
    b"offload": None,
    b"torch": _VERSION_BEHIND,
    b"transformers": _VERSION_BEHIND,
    b"accelerate": _VERSION_BEHIND,
}
"""A block that holds one of these in a line unlike others of which nothing came, standing as it says, is read as well."""
_MOST_IN_VAIN, _READ_IN_VAIN = 512, 16
"""So much is done because of one word though nothing comes of it, looking at a block counting 1: a log that holds it everywhere says
nothing with it."""


class Reads(Protocol):
    """Who reads lines, and says what came of them."""

    noticed: int
    """Of how many lines anything came so far."""

    def read(self, lines: Sequence[str], /) -> None:
        """Take the next lines."""

    def skip(self, count: int, /) -> None:
        """So many lines were left out."""

    def passes_over(self, line: str, /) -> bool:
        """Whether nothing would come of the line, as nothing came of one like it."""

    @property
    def attentive(self) -> bool:
        """Whether the next lines may belong to the last."""


@dataclass(slots=True)
class _Word:
    """A word that tells something in some logs, and nothing in others."""

    text: bytes
    begins: re.Pattern[bytes] | None
    """What it must be the beginning of."""
    left: int = _MOST_IN_VAIN


class Regions:
    """Takes a log's bytes as they come, and has the reader read what is worth it."""

    def __init__(self, reader: Reads, head: int = HEAD_BYTES, block: int = BLOCK_BYTES) -> None:
        """`head`: how many bytes are read whatever they hold; `block`: how many are read or left out together."""
        self._reader = reader
        self._head, self._size = head, block
        self._decoder: codecs.IncrementalDecoder | None = None
        self._transcodes = False
        self._rest = b""
        """A line whose end has not come yet."""
        self._waiting = b""
        """A block that is read only if the next one is."""
        self._follows = False
        """Whether the block before was worth reading by itself."""
        self._words = [_Word(text, behind) for text, behind in _WORDS.items()]

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        data = self._rest + self._in_utf8(chunk)
        end = data.rfind(b"\n") + 1
        self._rest = data[end:][:MAX_REPORT_CHARACTERS]
        for block in _cut(data, end, self._size):
            self._take(block)

    def end(self) -> None:
        """One text has ended: its last lines are read. Another may follow, and is taken as the same text's."""
        if self._waiting or self._rest:
            self._read(self._waiting + self._rest)
        self._decoder, self._rest, self._waiting = None, b"", b""

    def _in_utf8(self, chunk: bytes) -> bytes:
        if self._decoder is None:
            encoding = encoding_of(chunk)
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
            self._transcodes = encoding != "utf-8"
        return self._decoder.decode(chunk).encode("utf-8", "replace") if self._transcodes else chunk

    def _take(self, block: bytes) -> None:
        if self._head > 0:
            self._head -= len(block)
            self._read(block)
        elif self._tells(lowered := block.lower(), block):
            before, self._waiting, self._follows = self._waiting, b"", True
            noticed = self._reader.noticed
            self._read(before + block)
            if self._reader.noticed == noticed:
                self._in_vain([word for word in self._words if word.text in lowered], _READ_IN_VAIN)
        elif self._follows or self._reader.attentive:
            self._follows = False
            self._read(block)
        else:
            self._reader.skip(self._waiting.count(b"\n"))
            self._waiting = block

    def _read(self, block: bytes) -> None:
        lines = block.decode("utf-8", "replace").split("\n")
        if not lines[-1]:
            lines.pop()
        self._reader.read(lines)

    def _tells(self, lowered: bytes, block: bytes) -> bool:
        """Whether the block is worth reading by itself."""
        if any(firm in lowered for firm in _FIRM):
            return True
        held = [word for word in self._words if word.text in lowered]
        if any(self._says_more(word, block, lowered) for word in held):
            return True
        self._in_vain(held, 1)
        return False

    def _says_more(self, word: _Word, block: bytes, lowered: bytes) -> bool:
        """Whether one of the lines that hold the word is unlike those of which nothing came."""
        at = lowered.find(word.text)
        while at >= 0:
            end = lowered.find(b"\n", at)
            if word.begins is None or word.begins.match(lowered, at):
                line = block[block.rfind(b"\n", 0, at) + 1 : end]
                if not self._reader.passes_over(line.decode("utf-8", "replace")):
                    return True
            else:
                end = at + 1
            at = lowered.find(word.text, end)
        return False

    def _in_vain(self, words: Iterable[_Word], cost: int) -> None:
        """Something was done because of these words, and nothing came of it."""
        for word in words:
            word.left -= cost
            if word.left <= 0:
                self._words.remove(word)


def _cut(data: bytes, end: int, size: int) -> Iterator[bytes]:
    """The whole lines up to `end`, about `size` bytes of them at a time."""
    start = 0
    while start < end:
        stop = data.rfind(b"\n", start, start + size) + 1 or data.find(b"\n", start) + 1
        yield data[start:stop]
        start = stop
