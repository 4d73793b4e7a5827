"""The process that passes on what a program prints, and stays as long as anybody may still print there.

It does nothing else, so that nothing that doctor does can hold the program up; and it stays when doctor ends before what the program
has left running. It is a fork of doctor.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import termios
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, Protocol

from doctor.running.line import Answerer, Caller, line
from doctor.running.signals import FOR_THE_PROGRAM
from doctor.running.transcript import Recorder

STDERR = 2
PTY_LATENCY_SECONDS = 0.05
"""What is written to a pseudo-terminal can be read at its other end so much later at most."""
_CHUNK_BYTES = 64 * 1024
_MOST_DRAINED_BYTES = 4 * 1024 * 1024
"""More than a pipe holds. What is there when the program has ended was printed by it; what comes after that may be anybody's."""


class Leader(Protocol):
    """The program, where this process has started it."""

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""

    @property
    def needs(self) -> tuple[int, ...]:
        """The descriptors by which it is watched."""

    def fileno(self) -> int:
        """Readable when something has happened to it."""

    def look(self) -> None:
        """Tell doctor what."""


def start(source: int, quiet_seconds: float, lead: Callable[[Answerer], Leader | None] = lambda _: None) -> Caller:
    """Start the process, which reads `source` and writes to our stderr. Returns the line to it.

    What is printed can be read `quiet_seconds` later at most. `lead` is called in the new process first. Raises OSError when there
    can be no further process.
    """
    caller, answerer = line()
    before: set[int | signal.Signals] = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_PROGRAM)  # none of them finds the new process half made
    if os.fork() == 0:
        caller.close()
        _be_it(source, answerer, quiet_seconds, lead, before)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    answerer.close()
    return caller


def _be_it(
    source: int, answerer: Answerer, quiet_seconds: float, lead: Callable[[Answerer], Leader | None], mask: set[int | signal.Signals]
) -> NoReturn:
    try:
        _take_signals(source, answerer)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        leader = lead(answerer)
        _keep_open(source, STDERR, answerer.fileno(), *(leader.needs if leader else ()))
        _Passing(source, answerer, quiet_seconds, leader).to_the_end()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _take_signals(source: int, answerer: Answerer) -> None:
    """What is sent to doctor's whole group is no reason to end here; doctor is told, which could not know it otherwise."""

    def tell(number: int, _: FrameType | None) -> None:
        answerer.say("signal", number)

    signal.set_wakeup_fd(-1)
    for number in FOR_THE_PROGRAM:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, tell)
    signal.signal(signal.SIGWINCH, lambda *_: copy_size(STDERR, source))


def copy_size(terminal: int, other: int) -> None:
    """Give a terminal the size of another, if they are terminals."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(other, termios.TIOCSWINSZ, fcntl.ioctl(terminal, termios.TIOCGWINSZ, b"\0" * 8))


def _keep_open(*wanted: int) -> None:
    """Close whatever else is open here: somebody may wait for its end, and this process may stay for long."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    for each in {int(name) for name in os.listdir("/dev/fd")} - {0, 1, *wanted}:
        with contextlib.suppress(OSError):  # the one that the folder itself was read by
            os.close(each)


class _Passing:
    def __init__(self, source: int, answerer: Answerer, quiet_seconds: float, leader: Leader | None) -> None:
        self._source: int | None = source
        self._answerer: Answerer | None = answerer
        self._quiet_seconds = quiet_seconds
        self._leader = leader
        self._printed = Recorder()

    def to_the_end(self) -> None:
        """Pass on until nobody can print any more and doctor is gone."""
        while self._source is not None or self._answerer is not None:
            ready, _, _ = select.select([each for each in (self._source, self._answerer, self._leader) if each is not None], [], [])
            if self._source in ready:
                self._pass()
            if self._leader in ready and self._leader is not None:
                self._leader.look()
            if self._answerer in ready and self._answerer is not None:
                self._answer(self._answerer)

    def _answer(self, answerer: Answerer) -> None:
        if answerer.asked():
            self._drain()
            answerer.answer(self._printed.transcript())
            return
        answerer.close()
        self._answerer = None
        if self._leader is not None and self._leader.running:
            self._close()  # Doctor was killed: there are no keys any more for the program, its terminal hangs up.

    def _drain(self) -> None:
        drained = 0
        while self._source is not None and drained < _MOST_DRAINED_BYTES and select.select([self._source], [], [], self._quiet_seconds)[0]:
            drained += self._pass()

    def _pass(self) -> int:
        """Pass on what is there; returns how many bytes."""
        assert self._source is not None
        chunk = b""
        with contextlib.suppress(OSError):  # Linux: nobody has the other side of the pseudo-terminal open any more
            chunk = os.read(self._source, _CHUNK_BYTES)
        if chunk:
            self._printed.add(chunk)
        if not chunk or not _written(chunk):
            self._close()
        return len(chunk)

    def _close(self) -> None:
        """Whoever prints there now is told as if it had printed where doctor does."""
        assert self._source is not None
        os.close(self._source)
        self._source = None


def _written(data: bytes) -> bool:
    """Write all of it to stderr, which somebody may have set to non-blocking. False when nobody reads there any more."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(STDERR, rest) :]
        except BlockingIOError:
            select.select([], [STDERR], [])
        except BrokenPipeError:
            return False
        except OSError:
            return True  # A full disk may have room later.
    return True
