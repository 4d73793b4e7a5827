"""A program at a terminal of its own, which is fed from ours key by key: what `script` and `ssh -t` do.

The process that passes output on leads the session of that terminal, as a shell would, and the program is its only job: keys, job
control, window size and `/dev/tty` work for it, and nothing it leaves running is hung up on when it ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import tty
from collections.abc import Sequence
from functools import partial

from doctor.running import Ended, passing
from doctor.running.line import Answerer, Caller
from doctor.running.signals import FOR_THE_PROGRAM, Inbox

_FRONT_SECONDS = 0.5
"""How often to see whether a job in the background has come to the front: nothing tells it."""
_KEYS_AT_ONCE = 256
"""A terminal that can be written to takes so many bytes without waiting."""
_STDIN = 0


def run(command: Sequence[str]) -> Ended:
    """See `run_program`. Raises OSError when it cannot be started."""
    keys = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    master, slave = pty.openpty()
    if _is_at_the_front(keys):  # else it is in the state in which the shell reads its own line
        termios.tcsetattr(slave, termios.TCSANOW, termios.tcgetattr(keys))
    passing.copy_size(keys, master)
    with Inbox((*FOR_THE_PROGRAM, signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)) as inbox:
        line = passing.start(master, passing.PTY_LATENCY_SECONDS, partial(_Job, command, slave))
        os.close(slave)
        word, number = line.hear()
        if word == "failed":
            raise OSError(number, os.strerror(number))
        code = _Attendant(number, keys, master, line, inbox).until_it_ends()
        return Ended(code, line.transcript())


def _is_at_the_front(terminal: int) -> bool:
    with contextlib.suppress(OSError):  # it has hung up
        return os.tcgetpgrp(terminal) == os.getpgrp()
    return False


class _Job:
    """The program, in the process that has started it and leads its session."""

    def __init__(self, command: Sequence[str], terminal: int, answerer: Answerer) -> None:
        """Start it; doctor is told whether that went well. Ends the process when it did not."""
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        self._answerer = answerer
        self._inbox = Inbox((signal.SIGCHLD,)).__enter__()
        self.needs = self._inbox.descriptors
        self.fileno = self._inbox.fileno
        stdin = terminal if os.isatty(_STDIN) else None
        try:
            self._process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=terminal,
                stderr=terminal,
                close_fds=False,
                preexec_fn=partial(_come_to_the_front, terminal),  # noqa: PLW1509  this process has one thread
            )
        except OSError as error:
            answerer.say("failed", error.errno or errno.ENOEXEC)
            os._exit(0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # only now: the program would inherit it
        answerer.say("started", self._process.pid)

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    def look(self) -> None:
        """Tell doctor when it has stopped or ended."""
        self._inbox.read()
        while self.running:
            pid, status = os.waitpid(self._process.pid, os.WNOHANG | os.WUNTRACED)
            if not pid:
                return
            if os.WIFSTOPPED(status):
                self._answerer.say("stopped", os.WSTOPSIG(status))
            else:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                _take_the_front()
                self._answerer.say("ended", self._process.returncode)


def _come_to_the_front(terminal: int) -> None:
    """In the new process: a group of its own, which has the terminal."""
    os.setpgid(0, 0)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
    os.tcsetpgrp(terminal, os.getpid())
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _take_the_front() -> None:
    """Whatever has the terminal when the leader of its session ends is sent SIGHUP."""
    with contextlib.suppress(OSError), open("/dev/tty", "rb", buffering=0) as terminal:
        os.tcsetpgrp(terminal.fileno(), os.getpgrp())


class _Attendant:
    """Doctor, while the program runs."""

    def __init__(self, program: int, keys: int, master: int, line: Caller, inbox: Inbox) -> None:
        self._program, self._keys, self._master, self._line, self._inbox = program, keys, master, line, inbox
        self._before = self._ours = termios.tcgetattr(keys)
        self._raw = False
        self._typed = b""
        """What the program's terminal has not taken yet."""
        self._hung_up = False

    def until_it_ends(self) -> int:
        """Returns how it ended, as `subprocess` says it."""
        try:
            while True:
                self._take_the_keys()
                ready = self._wait()
                if self._keys in ready:
                    self._read_keys()
                if self._inbox in ready:
                    self._attend(self._inbox.read())
                if self._line in ready:
                    word, number = self._line.hear()
                    if word == "ended":
                        return number
                    if word == "stopped":
                        self._stop_too()
        finally:
            self._give_the_keys_back()

    def _wait(self) -> list[Caller | Inbox | int]:
        """What can be read. What was typed is written meanwhile."""
        readable: list[Caller | Inbox | int] = [self._line, self._inbox]
        if self._raw and not self._typed and not self._hung_up:
            readable.append(self._keys)
        ready, writable, _ = select.select(readable, [self._master] if self._typed else [], [], None if self._raw else _FRONT_SECONDS)
        if writable:
            self._typed = self._typed[os.write(self._master, self._typed[:_KEYS_AT_ONCE]) :]
        return ready

    def _read_keys(self) -> None:
        try:
            self._typed = os.read(self._keys, _KEYS_AT_ONCE)
        except OSError:
            self._typed = b""
        self._hung_up = not self._typed

    def _attend(self, signals: list[int]) -> None:
        for number in signals:
            if number == signal.SIGWINCH:
                passing.copy_size(self._keys, self._master)
            elif number == signal.SIGCONT:
                self._raw = False  # The shell has had the terminal meanwhile.
            else:
                self._send(number)

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._program, number)

    def _stop_too(self) -> None:
        """As our shell expects of its job; it goes on when the shell lets us. Where no shell could, we are not stopped, and it goes on at once."""
        self._give_the_keys_back()
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(0, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)
        self._take_the_keys()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._program, signal.SIGCONT)

    def _take_the_keys(self) -> None:
        """If we are at the front: every key comes to us as it is, and means what the program's terminal makes of it."""
        if self._raw or self._hung_up or not _is_at_the_front(self._keys):
            return
        found = termios.tcgetattr(self._keys)
        if found != self._ours:
            self._before = found
        tty.setraw(self._keys, termios.TCSANOW)
        self._ours = termios.tcgetattr(self._keys)
        self._raw = True

    def _give_the_keys_back(self) -> None:
        if self._raw:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)
            self._raw = False
