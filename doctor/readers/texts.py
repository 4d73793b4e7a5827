"""A text read for the environment it states and the failures it shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from doctor.facts.symptom import Failure
from doctor.readers.environments import EnvironmentReader, Reading
from doctor.readers.lines import cleaned_line
from doctor.readers.prefixes import PrefixReader
from doctor.readers.sieve import Sieve, in_blocks
from doctor.readers.tracebacks import TracebackReader

_BLOCK_CHARACTERS = 1 << 14
"""Small, for lines are taken at once when all of a block are of one kind."""


def read_text(lines: Iterable[str], name: str, packages: Collection[str]) -> tuple[Reading, tuple[Failure, ...]]:
    """What the lines state of an environment, the versions of `packages` above all, and the failures they show.

    `name` is the file's. Raises `DoctorError` for a broken lock file, or report of doctor's.
    """
    environment, tracebacks, prefixes, sieve = EnvironmentReader(name, packages), TracebackReader(), PrefixReader(), Sieve()
    taken: object = None
    alone = environment.only_a_lock  # or: nobody but the reader of the environment saw anything in the line read last
    for block in in_blocks(lines, _BLOCK_CHARACTERS):
        left = environment.skim(sieve.next, block) if alone else None
        for number, line in sieve.left(block, left):
            clean = cleaned_line(line)
            noticed = environment.feed(number, clean)
            if environment.only_a_lock:
                if not clean:
                    sieve.dull(line)
                continue
            shown = [tracebacks.take(at, printed) or printed.process is not None for at, printed in prefixes.read(number, clean)]
            alone = not any(shown)
            before, taken = taken, (tracebacks.changes, environment.attentive, environment.state)
            if taken != before:
                sieve.forget()
            elif not noticed and alone:
                sieve.dull(line, goes_on=environment.goes_on)
            elif environment.repeats and alone:
                sieve.dull(line, (0, len(line)), environment.goes_on)
    return environment.reading(), tracebacks.failures()
