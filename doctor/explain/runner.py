"""Running somebody's program unchanged, with a copy of what it writes to stderr: the one place that does."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from doctor.errors import DoctorError

_CHUNK_BYTES = 64 * 1024


def run_program(command: Sequence[str], seen: Callable[[bytes], None]) -> int:
    """Run `command` to its end; `seen` is given what it writes to stderr, after that was passed on.

    Its stdin and stdout are ours, untouched; its stderr is a terminal where ours is. Returns its exit status as
    `subprocess` does: negative for a signal. Raises `DoctorError` when it cannot be started.
    """
    read_end, write_end = _stderr_pair()
    try:
        process = subprocess.Popen(command, stderr=write_end)
    except OSError as error:
        os.close(read_end)
        raise DoctorError(f"{command[0]}: cannot be run: {error.strerror}{_hint(command)}") from None
    finally:
        os.close(write_end)
    with _signals_passed_on(process, read_end):
        _pass_on(read_end, seen)
        return process.wait()


def _hint(command: Sequence[str]) -> str:
    """For a script named without what runs it."""
    if not (command[0].endswith(".py") and os.path.isfile(command[0])):
        return ""
    return f"; to run it with Python: doctor run -- {shlex.join(['python', *command])}"


def _stderr_pair() -> tuple[int, int]:
    """Where to read what the program writes to stderr, and what it writes to."""
    if sys.platform != "win32" and sys.stderr is not None and sys.stderr.isatty():
        import pty
        import termios

        read_end, write_end = pty.openpty()
        mode = termios.tcgetattr(write_end)
        mode[1] &= ~termios.OPOST  # what it writes comes out as it went in, without a carriage return at each line's end
        termios.tcsetattr(write_end, termios.TCSANOW, mode)
        _copy_size(read_end)
        return read_end, write_end
    return os.pipe()


def _copy_size(terminal: int) -> None:
    if sys.platform != "win32":
        import fcntl
        import termios

        with contextlib.suppress(OSError):
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, fcntl.ioctl(2, termios.TIOCGWINSZ, b"\0" * 8))


def _pass_on(read_end: int, seen: Callable[[bytes], None]) -> None:
    with os.fdopen(read_end, "rb", buffering=0) as stream:
        while True:
            try:
                chunk = stream.read(_CHUNK_BYTES)
            except OSError:  # Linux: the other side of a pseudo-terminal was closed
                return
            if not chunk:
                return
            _write_all(2, chunk)
            seen(chunk)


def _write_all(descriptor: int, data: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody reads our stderr any more; the program still runs to its end
        while data:
            data = data[os.write(descriptor, data) :]


@contextlib.contextmanager
def _signals_passed_on(process: subprocess.Popen[bytes], terminal: int) -> Iterator[None]:
    """While the program runs, signals are its own business: a terminal sends Ctrl-C to it as well, the others are passed on."""

    def pass_on(number: int, _: FrameType | None) -> None:
        process.send_signal(number)

    def resize(_: int, __: FrameType | None) -> None:
        _copy_size(terminal)

    handlers = {"SIGINT": pass_on if not _in_foreground() else signal.SIG_IGN, "SIGQUIT": signal.SIG_IGN, "SIGWINCH": resize}
    handlers |= dict.fromkeys(("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"), pass_on)
    before = {getattr(signal, name): signal.signal(getattr(signal, name), to) for name, to in handlers.items() if hasattr(signal, name)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Whether a terminal sends its Ctrl-C to the program as well, since we share a process group with it."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except (OSError, AttributeError):
        return sys.platform == "win32"
