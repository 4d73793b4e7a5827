"""Signals as something to read, one after the other, instead of something that interrupts."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from types import FrameType

FOR_THE_PROGRAM = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What is sent to doctor is meant for the program it runs."""


class Inbox:
    """Signals that are read instead of obeyed, while it is entered. One that doctor was started with to ignore stays ignored."""

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._numbers = [each for each in numbers if signal.getsignal(each) is not signal.SIG_IGN]

    def __enter__(self) -> Inbox:
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)
        self._before = {each: signal.signal(each, _is_read) for each in self._numbers}
        self._wakeup = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._read_end)
        os.close(self._write_end)

    def fileno(self) -> int:
        """For `select`."""
        return self._read_end

    @property
    def descriptors(self) -> tuple[int, int]:
        """What must stay open for it."""
        return self._read_end, self._write_end

    def read(self) -> list[int]:
        """The numbers of those that have come."""
        with contextlib.suppress(BlockingIOError):
            return list(os.read(self._read_end, 1024))
        return []


def _is_read(_: int, __: FrameType | None) -> None:
    """A signal with a handler is also written to the wake-up descriptor; an exec gives the program the default back."""
