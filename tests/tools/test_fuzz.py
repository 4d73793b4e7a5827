"""A short run of the fuzzer, and that it finds what it is for."""

from __future__ import annotations

import sys
from itertools import islice

import pytest

from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import builtin_matrix
from tools import fuzz

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of CPU time are POSIX's")
TEXTS = fuzz.seeds()
INPUTS = 800
"""A few seconds; `python -m tools.fuzz` runs as many as one has time for."""


def test_no_input_crashes_a_reader_or_takes_it_long() -> None:
    assert list(fuzz.failures(range(INPUTS), TEXTS, builtin_matrix(), 20)) == []


def test_an_input_is_known_by_its_number() -> None:
    assert [fuzz.changed(number, TEXTS) for number in range(50)] == [fuzz.changed(number, fuzz.seeds()) for number in range(50)]
    assert len({fuzz.changed(number, TEXTS) for number in range(50)}) > 40


def test_a_crash_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(number: int, text: str, matrix: Matrix) -> None:
        if number == 3:
            raise RecursionError("too deep")

    monkeypatch.setattr(fuzz, "read", read)
    (failed,) = fuzz.failures(range(5), TEXTS, builtin_matrix())
    assert failed.number == 3
    assert "RecursionError: too deep" in failed.why


def test_what_takes_too_long_is_found_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(number: int, text: str, matrix: Matrix) -> None:
        while True:
            pass

    monkeypatch.setattr(fuzz, "read", read)
    failed = list(islice(fuzz.failures(range(1), TEXTS, builtin_matrix(), 0.1), 1))
    assert "over 0.1 seconds" in failed[0].why
