"""Running somebody's program unchanged, and keeping what it prints to stderr: it cannot tell, and nor can who is at the terminal."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from doctor.errors import DoctorError
from doctor.running.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what it printed."""

    returncode: int
    """As `subprocess` says it: negative for a signal."""
    printed: Transcript
    """What went to stderr, and with it what went to the same place by stdout."""


def run_program(command: Sequence[str]) -> Ended:
    """Run `command` to its end, with our streams, descriptors and signals. Raises `DoctorError` when it cannot be started.

    Only its stderr is not ours but passed on. A program that has the terminal, for output and errors both, gets one of its own
    instead, which is in every way as ours is; then all it prints is kept.
    """
    try:
        return _way()(command)
    except OSError as error:
        raise DoctorError(f"{command[0]}: {_why_not(command, error)}") from None


def _way() -> Callable[[Sequence[str]], Ended]:
    if sys.platform == "win32":
        from doctor.running import windows

        return windows.run
    if _has_the_terminal():
        from doctor.running import terminal

        return terminal.run
    from doctor.running import beside

    return beside.run


def _has_the_terminal() -> bool:
    """Whether stdout and stderr are the terminal that our keys come from. With stdout elsewhere, the keys may be somebody else's (`| less`)."""
    try:
        os.tcgetpgrp(2)
        return os.isatty(1) and os.fstat(1).st_rdev == os.fstat(2).st_rdev
    except OSError:
        return False


def _why_not(command: Sequence[str], error: OSError) -> str:
    """Of a script that is there, how to run it, and not that it was not found on PATH."""
    if command[0].endswith(".py") and os.path.isfile(command[0]):
        return f"is run by Python: doctor run -- {shlex.join(['python', *command])}"
    return f"cannot be run: {error.strerror or error}"
