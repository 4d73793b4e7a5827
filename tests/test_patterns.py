"""No pattern that sees text from outside is slower than linear, whatever the text: measured with texts made from each pattern itself."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import doctor
from doctor.explain.judge import text_patterns
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reports.private.kinds import MASKERS
from doctor.reports.private.masker import Masker
from tests.pumps import pumps

SHORT, LONG = 2048, 8192
"""Four times as long a text may take a little over four times as long; a quadratic pattern takes sixteen times."""
MOST_TIMES, MOST_TIMES_TWICE = 12, 3
SMALL = (24, 128)
NOTICEABLE = 0.004
"""Seconds below which a figure says more about the machine than about the pattern."""
_SCRIPTS = ("doctor.reproduce.", "doctor.probe.inside.")
"""Run in the patient, not here."""


def _modules() -> list[str]:
    names = [each.name for each in pkgutil.walk_packages(doctor.__path__, "doctor.")]
    return [each for each in names if not each.startswith(_SCRIPTS) and each != "doctor.__main__"]


def _patterns_of(module: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """The patterns a module keeps, in objects of its own as well, and those that its functions write out."""
    loaded = importlib.import_module(module)
    for name, value in vars(loaded).items():
        if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
            yield f"{module}.{name}", value
        for number, item in enumerate(value if isinstance(value, tuple) else ()):
            for part in ("pattern", "inner"):
                pattern = getattr(item, part, None)
                if isinstance(pattern, re.Pattern) or (isinstance(item, Masker) and isinstance(pattern, str)):
                    yield f"{module}.{name}[{number}].{part}", re.compile(pattern)
    for node in ast.walk(ast.parse(Path(str(loaded.__file__)).read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "re" and node.args:
            written = node.args[0]
            if isinstance(written, ast.Constant) and isinstance(written.value, str) and node.func.attr not in ("escape", "compile"):
                yield f"{module}:{node.lineno}", re.compile(written.value)


def _collected() -> dict[str, re.Pattern[str]]:
    found = {name: pattern for module in _modules() for name, pattern in _patterns_of(module)}
    found |= {f"data/compat.yaml: {each}": re.compile(each, re.MULTILINE) for each in text_patterns(builtin_matrix())}
    distinct = {(pattern.pattern, pattern.flags): name for name, pattern in reversed(found.items())}
    return {name: found[name] for name in found if name in set(distinct.values())}


PATTERNS = _collected()


def _seconds(use: Callable[[str], object], text: str) -> float:
    start = time.thread_time()
    use(text)
    return time.thread_time() - start


def _slow(pattern: re.Pattern[str]) -> Iterator[str]:
    """The texts that take the pattern more than linear time."""
    uses: dict[str, Callable[[str], object]] = {"search": lambda text: sum(1 for _ in pattern.finditer(text)), "fullmatch": pattern.fullmatch}
    for before, pump, end in pumps(pattern):
        for name, use in uses.items():
            # A busy machine can make one measurement look like anything, but not three in a row.
            times = min(_measured(use, lambda size: before + pump * max(size // len(pump), 1) + end))  # noqa: B023
            if times > MOST_TIMES:
                yield f"{name}: {before[:60]!r} + {pump[:60]!r} * N + {end!r}: {times:.0f} times as long for 4 times the text"


def _measured(use: Callable[[str], object], text: Callable[[int], str]) -> Iterator[float]:
    """Up to three measurements, until one is in order."""
    for _ in range(3):
        times = _times_as_long(use, text)
        yield times
        if times <= MOST_TIMES:
            return


def _times_as_long(use: Callable[[str], object], text: Callable[[int], str]) -> float:
    """How many times as long the pattern takes for a text four times as long."""
    for small in SMALL:
        if min(_seconds(use, text(small)) for _ in range(3)) > NOTICEABLE:
            return float("inf")  # worse than quadratic: the long text would take for ever
    if _seconds(use, text(LONG)) < NOTICEABLE:
        return 0
    times = min(_seconds(use, text(LONG)) for _ in range(2)) / min(_seconds(use, text(SHORT)) for _ in range(3))
    # A repetition with an upper limit reaches it somewhere: what matters is whether it goes on like that.
    goes_on = times > MOST_TIMES and min(_seconds(use, text(2 * LONG)) for _ in range(2)) > MOST_TIMES_TWICE * _seconds(use, text(LONG))
    return times if goes_on else 0


def test_patterns_are_found() -> None:
    modules = {name.rpartition(".")[0] for name in PATTERNS}
    assert {"doctor.readers.tracebacks", "doctor.readers.listings", "doctor.readers.prose", "doctor.reports.private.tokens"} <= modules
    assert len(PATTERNS) > 300
    assert {each.pattern for each in MASKERS} <= {each.pattern for each in PATTERNS.values()}


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_time_is_linear_in_the_text(name: str) -> None:
    assert next(_slow(PATTERNS[name]), None) is None


@pytest.mark.parametrize("pattern", [r"^[\s~^.]*\^[\s~^]*$", r"\s*x\s*$", r"overwrit\w+.{0,40}loaded", r"(?:a|b)*c", r"#?[0-9a-f]+z", r"(a+)+$"])
def test_what_is_quadratic_is_found(pattern: str) -> None:
    assert next(_slow(re.compile(pattern)), None) is not None
