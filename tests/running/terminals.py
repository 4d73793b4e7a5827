"""Somebody at a terminal: a real pseudo-terminal with a session of its own, typed at and looked at."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path

SECONDS = 30
"""How long anything is waited for; nothing takes so long but on a machine that is very busy."""


class Terminal:
    """Use as a context manager; leaving it hangs up and ends what runs there."""

    def __init__(self, command: Sequence[str], cwd: Path, **variables: str) -> None:
        self._master, slave = pty.openpty()
        self.resize(24, 80)

        def own_it() -> None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        environment = {**os.environ, "TERM": "xterm", "PS1": "ready> ", "HISTFILE": "", "LESS": "", "PAGER": "less", **variables}
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=environment,
            start_new_session=True,
            preexec_fn=own_it,  # noqa: PLW1509  the tests have one thread
        )
        os.close(slave)
        self.seen = ""
        self._looked = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._master)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def see(self, pattern: str) -> str:
        """Wait until the screen shows something new that matches; returns that."""
        deadline = time.monotonic() + SECONDS
        while not (match := re.compile(pattern).search(self.seen, self._looked)):
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{pattern!r} did not come; the terminal showed: {self.seen[self._looked :]!r}")
        self._looked = match.end()
        return match[0]

    def end(self) -> int:
        """Wait until what was started has ended; returns its exit status as `subprocess` says it."""
        deadline = time.monotonic() + SECONDS
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(max(deadline - time.monotonic(), 0.1))

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(seconds, 0))
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # Linux: nobody has the terminal open any more
            data = b""
        self.seen += data.decode("utf-8", "replace")
        return bool(data)
