"""The one place that starts a foreign interpreter: with a time limit, both streams kept and bounded, and nothing left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MAX_STREAM_BYTES = 1024 * 1024
GRACE_SECONDS = 1.0
"""How long a child may take to end after being interrupted, again after being terminated, and again after being killed."""
MEANWHILE_SECONDS = 0.5
INSIDE = Path(__file__).parent / "inside"
"""The scripts that run in the patient."""
_LIFETIME_SECONDS = 60
"""How much longer than its time limit a script of ours lets itself live when nobody is left to end it."""
_MARK = "DOCTOR_CHILD"
"""Variable by which what a child has started is known, in whatever session it runs."""


def script_command(executable: str, script: Path, timeout: float) -> list[str]:
    """The command that runs a script of ours. `-B`, because an examination leaves nothing behind, byte-code neither."""
    return [executable, "-B", str(script), str(int(timeout) + _LIFETIME_SECONDS)]


@dataclass(frozen=True)
class Outcome:
    """How a child ended and what it said."""

    returncode: int
    stdout: bytes
    """At most the last `MAX_STREAM_BYTES`."""
    stderr: bytes
    """At most the last `MAX_STREAM_BYTES`."""
    timed_out: bool

    @property
    def ending(self) -> str:
        """How it ended, in words: `exit status 3`, `SIGSEGV`."""
        if self.returncode < 0:
            with contextlib.suppress(ValueError):
                return signal.Signals(-self.returncode).name
        return f"exit status {self.returncode}"


class Child:
    """A process of ours that runs somebody else's code. Use as a context manager: leaving it ends the process."""

    def __init__(self, command: Sequence[str], timeout: float, variables: Mapping[str, str] | None = None) -> None:
        """Start `command` with these environment variables (None: doctor's own); `timeout` in seconds counts for `wait`.

        Raises OSError when it cannot be started.
        """
        self._timeout = timeout
        self._ended = False
        self._mark = os.urandom(8).hex()
        self._lifeline = _Lifeline()
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**(os.environ if variables is None else variables), _MARK: self._mark},
                pass_fds=self._lifeline.held,
                start_new_session=True,  # POSIX: a group of its own, so that all it starts can be ended
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same for Windows
            )
        except BaseException:
            self._lifeline.cut()
            raise
        self._lifeline.hold(self._process.pid)
        self._over = threading.Event()
        try:
            threading.Thread(target=self._await_end, daemon=True).start()
            self._stdout = _Collector(self._process.stdout)
            self._stderr = _Collector(self._process.stderr)
        except RuntimeError as error:
            self._process.kill()
            self._lifeline.cut()
            raise OSError(errno.EAGAIN, f"{error} (`ulimit -a` shows limits)") from None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._end(gently=False)

    def wait(self, meanwhile: Callable[[], None] = lambda: None) -> Outcome:
        """Wait for the end, at most the time limit, then end it and all it started. `meanwhile` is called now and then."""
        deadline, timed_out = time.monotonic() + self._timeout, False
        while not timed_out and not self._over.wait(min(MEANWHILE_SECONDS, max(deadline - time.monotonic(), 0))):
            meanwhile()
            timed_out = time.monotonic() >= deadline
        self._end(gently=timed_out)
        returncode = self._process.returncode
        return Outcome(-_KILL if returncode is None else returncode, self._stdout.collected(), self._stderr.collected(), timed_out)

    def gone(self, seconds: float) -> bool:
        """Whether the process has ended, waiting for that at most so long: killed, it may still be in the middle of a write."""
        return self._over.wait(seconds)

    def _end(self, gently: bool) -> None:
        """Interrupt, then terminate, then kill; and kill whatever the child has started, in its group or out of it."""
        if self._ended:
            return  # By now its number may be that of somebody else's group.
        steps = (signal.SIGINT, signal.SIGTERM) if gently and os.name == "posix" else ()
        for step in steps:
            if not self._over.is_set():
                _signal_group(self._process, step)
                self._over.wait(GRACE_SECONDS)
        _signal_group(self._process, _KILL)
        _kill_marked(f"{_MARK}={self._mark}")
        self._over.wait(GRACE_SECONDS)  # And no longer: what hangs in a driver cannot be killed.
        self._lifeline.cut()
        self._ended = True

    def _await_end(self) -> None:
        """In a thread, which knows of the end at once; `Popen.wait` with a time limit looks for it only every 50 ms."""
        self._process.wait()
        self._over.set()


class _Lifeline:
    """A pipe by which the kernel kills the child's group when doctor ends, were it by SIGKILL (Linux; elsewhere it does nothing).

    The child holds the end that is read, doctor the other. When that is closed the kernel signals whoever owns the first, see O_ASYNC
    in open(2) and F_SETSIG in fcntl(2). Nothing of it runs in the child, which may hang in native code, or ignore signals.
    """

    def __init__(self) -> None:
        self._open = list(os.pipe()) if sys.platform == "linux" else []
        self.held = self._open[:1]
        """What the child must inherit."""

    def hold(self, group: int) -> None:
        """Tie the process group to the line."""
        if sys.platform == "linux":
            import fcntl

            read_end = self._open.pop(0)
            with contextlib.suppress(OSError):  # not every sandbox has it
                fcntl.fcntl(read_end, fcntl.F_SETSIG, signal.SIGKILL)
                fcntl.fcntl(read_end, fcntl.F_SETOWN, -group)
                fcntl.fcntl(read_end, fcntl.F_SETFL, fcntl.fcntl(read_end, fcntl.F_GETFL) | os.O_ASYNC)
            os.close(read_end)

    def cut(self) -> None:
        """Let go: now, as when doctor ends."""
        while self._open:
            os.close(self._open.pop())


def _kill_marked(mark: str) -> None:
    """Kill what was started with `mark` in its environment, until there is none (Linux). What forks meanwhile is found the next time."""
    for _ in range(10):
        found = list(_marked(os.fsencode(mark)))
        if not found:
            return
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, _KILL)


def _marked(mark: bytes) -> Iterator[int]:
    """Processes of ours whose environment was started with `mark`; those that have ended have none any more."""
    with contextlib.suppress(OSError), os.scandir("/proc") as processes:
        for each in processes:
            if each.name.isdecimal():
                with contextlib.suppress(OSError), open(f"/proc/{each.name}/environ", "rb", buffering=0) as file:
                    if mark in file.readall().split(b"\0"):
                        yield int(each.name)


class _Collector:
    """Reads a stream to its end in a thread and keeps its tail, so that a child that floods it neither blocks nor fills memory."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None
        self._stream = stream
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        with self._stream, contextlib.suppress(OSError):
            while chunk := self._stream.read(65536):
                self._kept += chunk
                if len(self._kept) > 2 * MAX_STREAM_BYTES:
                    del self._kept[:-MAX_STREAM_BYTES]

    def collected(self) -> bytes:
        """The tail. A grandchild that has left the group and kept the stream open is not waited for longer than the grace."""
        self._thread.join(GRACE_SECONDS)
        return bytes(self._kept[-MAX_STREAM_BYTES:])


if sys.platform == "win32":
    _KILL = signal.SIGTERM

    def _signal_group(process: subprocess.Popen[bytes], _: signal.Signals) -> None:
        process.kill()

else:
    _KILL = signal.SIGKILL

    def _signal_group(process: subprocess.Popen[bytes], which: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, which)
