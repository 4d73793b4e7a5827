"""A corpus of texts, one after another in an order that stays: a folder, JSON lines, an export of GitHub issues, Parquet."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen, replace
from doctor.facts.sizes import size
from doctor.files import opened, read_file

PARQUET = ".parquet"
_TEXT_KEYS = ("text", "content", "log", "traceback")
_IDS = ("url", "html_url", "id", "number")
_LISTS = ('"items"', '"issues"', '"nodes"', '"data"')
_DATES = ("created", "created_at", "createdAt", "date", "timestamp")
_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?")
_MOST_TEXT = 8 * 1024 * 1024
"""Characters of one record, and bytes of a line: more of it than explains a failure."""
_MOST_CARRIED = 64 * 1024 * 1024
"""Bytes of a file that goes to another machine, and characters of an issue with all that is known of it."""
_PIECE = 1024 * 1024
"""Bytes of a JSON list that are read at once; in the first of them it begins."""
_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[\s,]{0,10000}")


class CorpusText(Frozen):
    """One text of a corpus."""

    id: str
    """By which its row is found again: the address or number of an issue, the name of a file, or its place."""
    content: bytes | None
    """None for a file, which is read where it is explained, and where there is an error."""
    file: str | None = None
    """Where it lies; None for what came with the corpus."""
    created: str | None = None
    """`2025-11-29`, or as much of it as is known; None where nothing says it."""
    error: str | None = None
    """Why there is no text; None where there is one."""


def read_corpus(place: str) -> Iterator[CorpusText]:
    """Every text, in the same order each time. Raises `DoctorError` where there is no corpus at the place; what is wrong with one text it says."""
    if os.path.isdir(place):
        return _of_folder(place)
    if place.endswith(PARQUET):
        return _of_parquet(place)
    return _of_json(place) if place.endswith(".json") else _of_lines(place)


def _of_folder(place: str) -> Iterator[CorpusText]:
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                file = os.path.join(folder, name)
                yield CorpusText(os.path.relpath(file, place).replace(os.sep, "/"), None, file)


def _of_lines(place: str) -> Iterator[CorpusText]:
    try:
        with opened(Path(place)) as (file, _):
            number = 0
            while line := file.readline(_MOST_TEXT + 1):
                number += 1
                if len(line) > _MOST_TEXT:
                    while line and not line.endswith(b"\n"):
                        line = file.readline(_MOST_TEXT)
                    yield _wrong(number, f"a line of more than {size(_MOST_TEXT)}")
                elif line.strip():
                    yield _of_line(line, number)
    except OSError as error:
        raise DoctorError(f"{place}: cannot be read: {error.strerror}") from None


def _of_line(line: bytes, number: int) -> CorpusText:
    try:
        return _of_record(json.loads(line), number)
    except (ValueError, RecursionError):
        return _wrong(number, "not JSON")


def _of_json(place: str) -> Iterator[CorpusText]:
    """Of a list, or an object that holds one, its items one after another: what is cut short is read as far as it goes."""
    try:
        with opened(Path(place)) as (file, _):
            rest = _Rest(file)
            at = _first_item(rest.more())
            if at is None:
                raise DoctorError(
                    f"{place}: expected a JSON list of issues, as `gh issue list --json number,title,body,comments,createdAt,url` writes it"
                )
            rest.behind(at)
            yield from _items(rest)
    except OSError as error:
        raise DoctorError(f"{place}: cannot be read: {error.strerror}") from None


class _Rest:
    """What is not read yet of a file, as text: so much of its beginning as is needed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._decoder = file, codecs.getincrementaldecoder("utf-8")("replace")
        self.text = ""
        self.is_all = False
        """Whether the file ends with the text."""

    def more(self) -> str:
        """Twice as much of it as before, or a first piece."""
        piece = self._file.read(max(len(self.text), _PIECE))
        self.is_all = not piece
        self.text += self._decoder.decode(piece, final=self.is_all)
        return self.text

    def behind(self, place: int) -> None:
        """Leave what stands before the place."""
        self.text = self.text[place:]


def _items(rest: _Rest) -> Iterator[CorpusText]:
    number = at = 0
    while True:
        at = _after_blanks(rest.text, at)
        record, end = _decoded(rest.text, at)
        if end in (None, len(rest.text)) and rest.text[at : at + 1] != "]" and not rest.is_all and len(rest.text) - at <= _MOST_CARRIED:
            rest.behind(at)
            rest.more()
            at = 0
            continue
        if at == len(rest.text) or rest.text[at] == "]":
            return
        number += 1
        if end is None:
            yield _wrong(number, "not JSON, or cut short; what follows in this file is not read")
            return
        yield _of_record(record, number)
        at = end


def _decoded(text: str, at: int) -> tuple[Any, int | None]:
    """What stands there, and where it ends; None where it does not."""
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, None


def _first_item(text: str) -> int | None:
    """Where the items of a list begin: of the one that the text is, or the first in an object, by its key; None where it is neither."""
    begin = text.find("[")
    before = text[: max(begin, 0)].strip("\ufeff \t\r\n")
    holds = before.startswith("{") and before.rstrip(": \t\r\n").endswith(_LISTS)
    return begin + 1 if begin >= 0 and (holds or not before) else None


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found is not None else at


def _of_parquet(place: str) -> Iterator[CorpusText]:
    reader = parquet(f"{place}: to read")
    import pyarrow

    try:
        with opened(Path(place)) as (file, _):
            number = 0
            for batch in reader.ParquetFile(file).iter_batches(batch_size=1024):
                for record in batch.to_pylist():
                    number += 1
                    yield _of_record(record, number)
    except (OSError, pyarrow.ArrowException) as error:
        raise DoctorError(f"{place}: cannot be read as Parquet: {' '.join(str(error).split())[:200]}") from None


def parquet(what: str) -> Any:
    """What reads and writes Parquet. Raises `DoctorError`, which says `what` it is for, where it is not installed."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise DoctorError(f"{what} Parquet takes pyarrow: pip install 'meta-tensor-doctor[parquet]'") from None
    return pyarrow.parquet


def _of_record(record: Any, number: int) -> CorpusText:
    """A text with its keys: one of `text`, `content`, `log`, `traceback`; or an issue's title, body and comments."""
    if isinstance(record, str):
        return CorpusText(str(number), _encoded(record))
    if not isinstance(record, Mapping):
        return _wrong(number, "neither an object nor a text")
    named = next((str(record[key])[:300] for key in _IDS if isinstance(record.get(key), (str, int))), str(number))
    dates = (str(record[key]) for key in _DATES if record.get(key) is not None)
    created = next((found[0] for each in dates if (found := _DATE.match(each))), None)
    parts = [record[key] for key in _TEXT_KEYS if isinstance(record.get(key), str)][:1] or list(_of_issue(record))
    if not parts:
        return CorpusText(named, None, created=created, error="no text in it: expected `text`, or `title`, `body` and `comments`")
    return CorpusText(named, _encoded("\n\n".join(parts)), created=created)


def _of_issue(record: Mapping[str, Any]) -> Iterator[str]:
    yield from (record[key] for key in ("title", "body") if isinstance(record.get(key), str))
    comments = record.get("comments")
    for each in comments if isinstance(comments, list) else ():
        said = each.get("body") if isinstance(each, Mapping) else each
        if isinstance(said, str):
            yield said


def carried(text: CorpusText) -> CorpusText:
    """The text with its content, to be explained where its file is not."""
    if text.file is None:
        return text
    try:
        return replace(text, content=read_file(Path(text.file), _MOST_CARRIED), file=None)
    except OSError as error:
        return replace(text, file=None, error=f"cannot be read: {error.strerror}")


def _encoded(text: str) -> bytes:
    return text[:_MOST_TEXT].encode("utf-8", "replace")


def _wrong(number: int, why: str) -> CorpusText:
    return CorpusText(str(number), None, error=why)
