"""Regular expressions in a matrix file: which are taken, and what a text must hold for one to match.

They are searched for in texts from outside, so none may be slow on any text.
"""

from __future__ import annotations

import functools
import re
import sys
import warnings
from collections.abc import Iterable
from typing import Any

if sys.version_info >= (3, 11):
    from re import _constants as sre, _parser as parser  # type: ignore[attr-defined]
else:
    import sre_constants as sre
    import sre_parse as parser

MOST_CHARACTERS, MOST_GROUPS = 500, 50
MOST_WAYS = 10_000
"""In how many ways a pattern may match, or come near to it, from one place of a text: each is tried before the next place is."""
_GREEDY = (sre.MAX_REPEAT, sre.MIN_REPEAT)
_ALONE = ("ATOMIC_GROUP", "POSSESSIVE_REPEAT")
"""What only newer Pythons have: a file is read by all of them."""
_NOTHING = frozenset({""})
_MOST_TEXTS, _LONG = 4, 5
_OVER_LINES = re.compile(r"\\s|\[\^(?!\\n)")


def pattern_fault(pattern: str) -> str | None:
    """What is wrong with a pattern; None when nothing is."""
    if len(pattern) > MOST_CHARACTERS:
        return f"longer than {MOST_CHARACTERS} characters"
    if pattern.count("(") > MOST_GROUPS:
        return f"more than {MOST_GROUPS} groups"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
            ways = _ways(parser.parse(pattern))
    except re.error as error:
        return f"not a regular expression: {error}"
    except OverflowError:
        return "not a regular expression: a number in it is too large"
    except Warning as warning:
        return f"not a clear regular expression: {warning}"
    if _OVER_LINES.search(pattern):
        return r"could run over the end of a line: write a blank for \s, and begin a negated class with \n, as in [^\n ]"
    if pattern != pattern.lower():
        return "holds capital letters, but text is compared in lower case (write [^\\n ] for \\S)"
    if ways is None:
        return "repeats without an upper limit, which makes it slow on some texts: write {0,80} for *, {1,80} for +, {3,80} for {3,}"
    if ways > MOST_WAYS:
        return f"can match in over {MOST_WAYS} ways from one place, which makes it slow on some texts: lower the upper limits of its repetitions"
    return None


def _ways(items: Iterable[tuple[Any, Any]]) -> int | None:
    """In how many ways the items can match from one place, at the most; None when there is no limit."""
    ways = most = 1
    for op, value in items:
        here = _ways_of(op, value)
        if here is None:
            return None
        most = max(most, ways * here)
        if op not in (sre.ASSERT, sre.ASSERT_NOT):  # what only looks is not tried again with what follows
            ways = min(ways * here, MOST_WAYS + 1)
    return max(most, ways)


def _ways_of(op: Any, value: Any) -> int | None:
    if op in _GREEDY:
        return _repeated(*value)
    if op is sre.SUBPATTERN:
        return _ways(value[3])
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        return _ways(value[1])
    if op is sre.BRANCH:
        several = [_ways(each) for each in value[1]]
        # Of words that differ one fits at a place.
        return None if None in several else sum(each for each in several if each and each > 1) + (1 in several)
    if str(op) in _ALONE:
        raise re.error(f"{str(op).lower().replace('_', ' ')}s are not in Python 3.10")
    return 1


def _repeated(least: int, most: int, body: Iterable[tuple[Any, Any]]) -> int | None:
    inside = _ways(body)
    if inside is None or most is sre.MAXREPEAT:
        return None
    if inside == 1:
        return most - least + 1
    ways = 0
    for times in range(least, min(most, 64) + 1):
        ways += inside ** min(times, 64)
    return min(ways, MOST_WAYS + 1)


# What every match holds


@functools.lru_cache(maxsize=1024)
def literals_of(pattern: str) -> frozenset[str] | None:
    """Strings of which every match of the pattern holds at least one, case counting; None when nothing is known of its matches.

    Of the sets that would do, the one whose shortest string is longest: looked for first, it saves most searches for the pattern itself.
    """
    return _literals(parser.parse(pattern))


def _literals(items: Iterable[tuple[Any, Any]]) -> frozenset[str] | None:
    found: list[frozenset[str]] = []
    run = _NOTHING
    for op, value in items:
        exactly = _all_texts(op, value)
        if exactly is not None and len(run) * len(exactly) <= _MOST_TEXTS:
            run = frozenset(before + each for before in run for each in exactly)
            continue
        found.append(run)
        run = exactly or _NOTHING
        if exactly is None and (inside := _literals_in(op, value)) is not None:
            found.append(inside)
    found.append(run)
    best = max(found, key=lambda each: (min(*map(len, each), _LONG), -len(each)))
    return best if all(best) else None


def _literals_in(op: Any, value: Any) -> frozenset[str] | None:
    if op is sre.SUBPATTERN:
        return _literals(value[3]) if not value[1] else None  # with flags of its own, case may not count
    if op in _GREEDY:
        return _literals(value[2]) if value[0] else None
    if op is sre.BRANCH:
        branches = [_literals(each) for each in value[1]]
        return None if None in branches else frozenset().union(*(each for each in branches if each))
    return None


def _all_texts(op: Any, value: Any) -> frozenset[str] | None:
    """All that a part of a pattern matches, where that is a few texts."""
    found: frozenset[str] | None = None
    if op is sre.LITERAL:
        found = frozenset({chr(value)})
    elif op is sre.IN and all(kind is sre.LITERAL for kind, _ in value):
        found = frozenset(chr(each) for _, each in value)
    elif op in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
        found = _NOTHING
    elif op is sre.SUBPATTERN and not value[1]:
        found = _all_of(value[3])
    elif op is sre.BRANCH:
        branches = [_all_of(each) for each in value[1]]
        found = None if None in branches else frozenset().union(*(each for each in branches if each))
    elif op in _GREEDY and value[1] <= 1 and (once := _all_of(value[2])) is not None:
        found = once if value[0] else once | _NOTHING
    return found if found is not None and len(found) <= _MOST_TEXTS else None


def _all_of(items: Iterable[tuple[Any, Any]]) -> frozenset[str] | None:
    texts = _NOTHING
    for op, value in items:
        more = _all_texts(op, value)
        if more is None or len(texts) * len(more) > _MOST_TEXTS:
            return None
        texts = frozenset(before + each for before in texts for each in more)
    return texts
