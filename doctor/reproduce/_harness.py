"""What a reproducer answers with."""

from typing import NamedTuple


class Verdict(NamedTuple):
    """The outcome of one reproducer in one environment."""

    verdict: str
    """`reproduced`, `not reproduced` or `not applicable`."""
    detail: str
    """One line: the error, what differed, what was checked, or why it does not apply."""


def reproduced(detail: str) -> Verdict:
    """The failure of this advisory was seen."""
    return Verdict("reproduced", detail)


def not_reproduced(detail: str) -> Verdict:
    """The same steps worked, and the result was checked."""
    return Verdict("not reproduced", detail)


def not_applicable(why: str) -> Verdict:
    """The API or feature does not exist in this release."""
    return Verdict("not applicable", why)
