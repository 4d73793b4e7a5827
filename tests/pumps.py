"""Adversarial strings made from a pattern itself: what it repeats, repeated; what it begins with, begun again and again."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

if sys.version_info >= (3, 11):
    from re import _constants as sre, _parser as parser  # type: ignore[attr-defined]
else:
    import sre_constants as sre
    import sre_parse as parser

_ALPHABET = "a0A _.-:/\\\"'`()[]{}<>,;=~^|+*@#!?%&\t\n\u2500\u2502\u00e9\u00bd\x1b"
"""Characters that patterns tell apart, tried where one of many will do."""
_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_NOT_DIGIT: r"\D", sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_REPEATS = {sre.MAX_REPEAT, sre.MIN_REPEAT, getattr(sre, "POSSESSIVE_REPEAT", None)}
_MOST_OF_ONE_SET = 4
_ENDS = ("", "\x00", "!", "\n")

Items = Sequence[tuple[Any, Any]]


def pumps(pattern: re.Pattern[str]) -> Iterator[tuple[str, str, str]]:
    """Beginning, pump and end of strings to try on the pattern: the pump can be repeated as often as one likes."""
    items = list(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))
    alphabet = _characters(items) + _ALPHABET
    found: dict[tuple[str, str], None] = {}
    for before, body in _repeated(items, "", alphabet):
        for unit in _samples(body, alphabet):
            found[before, unit] = None
    for length in range(1, len(items) + 1):
        for unit in islice(_samples(items[:length], alphabet), 2):
            found["", unit] = None
    for before, unit in found:
        if unit:
            yield from ((before, unit, end) for end in _ENDS)


def samples(pattern: re.Pattern[str]) -> Iterator[str]:
    """A few texts that the pattern may well match."""
    items = list(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))
    return _samples(items, _characters(items) + _ALPHABET)


def _repeated(items: Items, before: str, alphabet: str) -> Iterator[tuple[str, Items]]:
    """Every repetition in the pattern: a text that leads up to it, and what it repeats; and neighbours that repeat the same."""
    for op, value in items:
        for inner in _inside(op, value):
            yield from _repeated(inner, before, alphabet)
        if op in _REPEATS:
            yield before, list(value[2])
        before += _sample([(op, value)], alphabet)


def _inside(op: Any, value: Any) -> Iterator[Items]:
    if op in _REPEATS:
        yield list(value[2])
    elif op is sre.SUBPATTERN:
        yield list(value[3])
    elif op is sre.BRANCH:
        yield from (list(each) for each in value[1])
    elif op in (sre.ASSERT, sre.ASSERT_NOT):
        yield list(value[1])
    elif op is getattr(sre, "ATOMIC_GROUP", None):
        yield list(value)


def _samples(items: Items, alphabet: str) -> Iterator[str]:
    """A few texts that the items match, which differ where one of many will do."""
    seen: dict[str, None] = {}
    for preferred in alphabet:
        text = _sample(items, preferred + alphabet)
        if text not in seen:
            seen[text] = None
            yield text
        if len(seen) == _MOST_OF_ONE_SET:
            return


def _sample(items: Items, alphabet: str) -> str:
    """One text that the items match; what only looks around is passed over."""
    return "".join(_piece(op, value, alphabet) for op, value in items)


def _piece(op: Any, value: Any, alphabet: str) -> str:
    if op is sre.LITERAL:
        return chr(value)
    if op in (sre.NOT_LITERAL, sre.ANY, sre.IN):
        members = re.compile(_as_set(op, value), re.DOTALL)
        return next((each for each in alphabet if members.fullmatch(each)), "x")
    if op in _REPEATS:
        least, most, body = value
        return _sample(list(body), alphabet) * int(max(least, min(most, 1)))
    if op is sre.BRANCH:
        choices = [_sample(list(each), alphabet) for each in value[1]]
        return max(choices, key=lambda each: (each[:1] == alphabet[:1], -choices.index(each)))
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        return ""
    return "".join(_sample(inner, alphabet) for inner in _inside(op, value))


def _as_set(op: Any, value: Any) -> str:
    if op is sre.ANY:
        return r"[^\n]"
    if op is sre.NOT_LITERAL:
        return f"[^{re.escape(chr(value))}]"
    negated = any(kind is sre.NEGATE for kind, _ in value)
    return f"[{'^' if negated else ''}{''.join(_member(kind, each) for kind, each in value)}]"


def _member(kind: Any, value: Any) -> str:
    if kind is sre.LITERAL:
        return re.escape(chr(value))
    if kind is sre.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    return _CATEGORIES.get(value, "") if kind is sre.CATEGORY else ""


def _characters(items: Items) -> str:
    """The characters that the pattern names, each once."""
    return "".join(dict.fromkeys(_literals(items)))


def _literals(items: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    for op, value in items:
        if op is sre.LITERAL:
            yield chr(value)
        elif op is sre.IN:
            yield from (chr(each) for kind, each in value if kind is sre.LITERAL)
        for inner in _inside(op, value):
            yield from _literals(inner)
