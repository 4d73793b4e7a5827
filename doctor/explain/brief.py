"""An explanation in a few lines, for `print` and for a notebook's cell; and how sure a cause is, in words."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from doctor.explain.places import short_place

if TYPE_CHECKING:
    from doctor.explain.explanation import ExplainedFailure, Explanation

_MOST_CHARACTERS = 120
_MOST = 5
"""So many failures are shown; a log can hold hundreds."""


def certainty(confidence: float) -> str:
    """`almost certain (97 %)`. What rests on one shape of a problem is said with 95 %, and is likely only."""
    word = "almost certain" if round(100 * confidence) > 95 else "likely" if confidence >= 0.5 else "may be"
    return f"{word} ({100 * confidence:.0f} %)"


def headline(exception: str | None, message: str, *, has_frames: bool) -> str:
    """What failed, in one line: the exception and the first line of its message."""
    said = ": ".join(part for part in (exception, message.partition("\n")[0]) if part)
    return said or ("A traceback without its end" if has_frames else "A failure told of in words only")


def short_headline(exception: str | None, message: str, *, has_frames: bool) -> str:
    """The same, and where it is long only up to the end of a sentence."""
    said = headline(exception, message, has_frames=has_frames)
    if len(said) <= _MOST_CHARACTERS:
        return said
    ends = max(said.rfind(end, 0, _MOST_CHARACTERS) for end in (". ", "! ", "? "))
    return f"{said[: ends + 1]} ..." if ends > 0 else f"{said[:_MOST_CHARACTERS]}..."


def as_text(explanation: Explanation) -> str:
    """The cause, the place and the edit of each failure."""
    return "\n".join(_lines(explanation)) or "No failure found in the text."


def as_html(explanation: Explanation) -> str:
    """The same as a block that needs nothing from elsewhere and changes nothing around it."""
    shown = "".join(f"<p>{html.escape(line)}</p>" for line in as_text(explanation).split("\n"))
    return f'<div style="border-left: 3px solid #b42318; padding-left: 8px; font-family: monospace; overflow-wrap: anywhere">{shown}</div>'


def _lines(explanation: Explanation) -> Iterator[str]:
    for each in explanation.failures[:_MOST]:
        where = f"{short_place(each.place)}: " if each.place is not None else ""
        yield where + headline(each.failure.exception, each.failure.message, has_frames=bool(each.failure.frames))
        yield from (f"  {line}" for line in _conclusion(each))
    if len(explanation.failures) > _MOST:
        yield f"and {len(explanation.failures) - _MOST} more failures"
    yield from explanation.warnings


def _conclusion(each: ExplainedFailure) -> Iterator[str]:
    if not each.causes:
        yield "cause unknown"
        return
    cause = each.causes[0]
    if each.foreign is not None:
        yield f"not about meta tensors: {cause.title}"
        return
    yield f"{certainty(cause.confidence)}: {cause.title} ({cause.cause})"
    if each.sure:
        yield cause.edit or cause.remedy
    elif each.question is not None:
        yield each.question.run or each.question.ask
