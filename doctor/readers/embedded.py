"""The JSON that a report of doctor's carries for programs, found in the text it stands in."""

from __future__ import annotations

import json
import re

BEGINNING = '{"schema_version"'
"""What the first line of the JSON in a Markdown or HTML report begins with."""
_BEGINNING = re.compile(r'\{\s{0,20}"schema_version"\s{0,20}:')
_MOST_TRIES = 20
_QUOTED = re.compile(r"^[ \t]{0,3}(?:>[ \t]?)+", re.MULTILINE)


def embedded_report(text: str) -> str | None:
    """The JSON document (`doctor.reports.document.Facts` or `Report`) inside a Markdown or HTML report, or bare; None when there is none.

    It need not stand in its fence any more: copied from a rendered page, quoted in an answer, with other line ends, it is still found.
    """
    text = text.replace("\r\n", "\n").replace("\N{NO-BREAK SPACE}", " ")
    return _document_in(text) or _document_in(_QUOTED.sub("", text))


def _document_in(text: str) -> str | None:
    decoder = json.JSONDecoder()
    for tries, match in enumerate(_BEGINNING.finditer(text)):
        if tries == _MOST_TRIES:
            break
        try:
            data, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if "environment" in data:
            return text[match.start() : end]
    return None
