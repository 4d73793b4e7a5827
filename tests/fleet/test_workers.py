"""Work in several processes: in order, and a process that dies takes one item with it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence

import pytest

from doctor.fleet.workers import in_processes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills itself by a signal")


def squared(numbers: Sequence[int]) -> list[int]:
    return [_squared(each) for each in numbers]


def _squared(number: int) -> int:
    if number in (5, 37):
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def test_items_that_end_their_process_are_answered_for_and_no_other_is_lost() -> None:
    found = list(in_processes(squared, range(60), 2, lambda number: -number))
    assert found == [-number if number in (5, 37) else number * number for number in range(60)]


def test_no_more_is_taken_of_the_items_than_is_needed() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(100, 100_000):
            taken.append(number)
            yield number

    rows = in_processes(squared, items(), 2, lambda number: -number)
    assert [next(rows) for _ in range(3)] == [10_000, 10_201, 10_404]
    rows.close()
    assert len(taken) < 500
