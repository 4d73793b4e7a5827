"""A program beside doctor: in its process group, with its stdin, and its terminal if it has one. Only what goes to stderr is passed on."""

from __future__ import annotations

import os
import pty
import select
import signal
import stat
import subprocess
import termios
from collections.abc import Sequence

from doctor.running import Ended, passing
from doctor.running.signals import FOR_THE_PROGRAM, Inbox
from doctor.running.transcript import Transcript

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_TOLD_SECONDS = 0.25
"""How much later a signal to the whole group may reach the process that passes output on."""


def run(command: Sequence[str]) -> Ended:
    """See `run_program`. Raises OSError when it cannot be started."""
    keeps = _is_open(_STDERR)
    _occupy_what_is_closed()
    if not keeps:
        return Ended(subprocess.call(command, close_fds=False), Transcript())
    is_terminal = os.isatty(_STDERR)
    source, sink = _terminal() if is_terminal else os.pipe()
    with Inbox((*FOR_THE_PROGRAM, signal.SIGCHLD)) as inbox:
        line = passing.start(source, passing.PTY_LATENCY_SECONDS if is_terminal else 0.0)
        os.close(source)
        try:
            process = subprocess.Popen(command, stdout=sink if _are_one_place() else None, stderr=sink, close_fds=False)
        finally:
            os.close(sink)
        _let_go_of_stdin()
        while process.poll() is None:
            select.select([inbox], [], [])
            for number in inbox.read():
                # What the whole group got, the program got: the terminal's Ctrl-C, or a shell's `kill %1`.
                if number in FOR_THE_PROGRAM and not line.had_signal(number, _TOLD_SECONDS):
                    process.send_signal(number)
        return Ended(process.returncode, line.transcript())


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _occupy_what_is_closed() -> None:
    """A standard stream that is closed here is closed for the program; meanwhile nothing of ours must take its number."""
    for descriptor in (_STDIN, _STDOUT, _STDERR):
        if not _is_open(descriptor):
            os.open(os.devnull, os.O_RDWR)


def _are_one_place() -> bool:
    """Whether stdout and stderr come together, so that their order matters."""
    stdout, stderr = os.fstat(_STDOUT), os.fstat(_STDERR)
    return os.path.samestat(stdout, stderr) and not stat.S_ISCHR(stdout.st_mode)


def _terminal() -> tuple[int, int]:
    """A pseudo-terminal on which what is written comes out as it went in, without a carriage return at each line's end."""
    source, sink = pty.openpty()
    mode = termios.tcgetattr(sink)
    mode[1] &= ~termios.OPOST
    termios.tcsetattr(sink, termios.TCSANOW, mode)
    passing.copy_size(_STDERR, source)
    return source, sink


def _let_go_of_stdin() -> None:
    """It is the program's: when that stops reading, who writes there must be told."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, _STDIN)
    os.close(nothing)
