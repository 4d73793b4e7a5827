"""The JSON that a report of doctor's carries for programs, found in the text it stands in."""

from __future__ import annotations

import json
import math
import re
from typing import Any

BEGINNING = '{"schema_version"'
"""What the first line of the JSON in a Markdown or HTML report begins with."""
_BEGINNING = re.compile(r'\{\s{0,20}"schema_version"\s{0,20}:')
_SURROGATE = "\\ud"
_MOST_TRIES = 20
_MOST_DIGITS = 19
_QUOTED = re.compile(r"^[ \t]{0,3}(?:>[ \t]?)+", re.MULTILINE)


def embedded_report(text: str) -> str | None:
    """The JSON document (`doctor.reports.attachment.Facts` or `doctor.reports.document.Report`) inside a Markdown or
    HTML report, or bare; None when there is none.

    It need not stand in its fence any more: copied from a rendered page, quoted in an answer, with other line ends, it is still found.
    """
    text = text.replace("\r\n", "\n").replace("\N{NO-BREAK SPACE}", " ")
    return _document_in(text) or _document_in(_QUOTED.sub("", text))


def read_json(text: str) -> Any:
    """JSON as plain data, without what is no text. Numbers too large to be true, or none (NaN), stay text, which no field for one takes."""
    data = _DECODER.decode(text)
    if _SURROGATE in text.lower():
        data = _DECODER.decode(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8"))
    return data


def _document_in(text: str) -> str | None:
    for tries, match in enumerate(_BEGINNING.finditer(text)):
        if tries == _MOST_TRIES:
            break
        try:
            data, end = _DECODER.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if "environment" in data:
            return text[match.start() : end]
    return None


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _fraction(digits: str) -> float | str:
    return number if math.isfinite(number := float(digits)) else digits


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_fraction, parse_constant=str)
