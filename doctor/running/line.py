"""The line between doctor and the process that passes a program's output on: messages of a word and a number."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections import Counter
from typing import Literal

from doctor.running.transcript import Transcript

Word = Literal["signal", "started", "failed", "stopped", "ended", "printed"]
_WORDS: tuple[Word, ...] = ("signal", "started", "failed", "stopped", "ended", "printed")
_MESSAGE = struct.Struct("!Bq")
_SIZES = struct.Struct("!QQQ")


def line() -> tuple[Caller, Answerer]:
    """The two ends: doctor's, and that of the other process."""
    near, far = socket.socketpair()
    return Caller(near), Answerer(far)


class Answerer:
    """The end of the process that passes output on. That doctor is gone is no reason for it to stop."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self.fileno = end.fileno
        self.close = end.close

    def say(self, word: Word, number: int = 0) -> None:
        """Tell doctor."""
        self._send(_MESSAGE.pack(_WORDS.index(word), number))

    def asked(self) -> bool:
        """Whether doctor asks for the transcript; False when it is gone."""
        with contextlib.suppress(OSError):
            return self._socket.recv(1) != b""
        return False

    def answer(self, printed: Transcript) -> None:
        """Give doctor the transcript."""
        self.say("printed")
        self._send(_SIZES.pack(len(printed.first), len(printed.last), printed.left_out) + printed.first + printed.last)

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendall(data)


class Caller:
    """Doctor's end. Raises `ConnectionError` when the other process is gone."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._signals: Counter[int] = Counter()
        self.fileno = end.fileno
        self.close = end.close

    def hear(self) -> tuple[Word, int]:
        """Wait for the next message."""
        word, number = _MESSAGE.unpack(self._exactly(_MESSAGE.size))
        return _WORDS[word], number

    def had_signal(self, number: int, seconds: float) -> bool:
        """Whether the other process got a signal too, waited for so many seconds at most. Nothing else is heard meanwhile."""
        deadline = time.monotonic() + seconds
        while not self._signals[number]:
            if not select.select([self], [], [], max(deadline - time.monotonic(), 0))[0]:
                return False
            self._signals[self.hear()[1]] += 1
        self._signals[number] -= 1
        return True

    def transcript(self) -> Transcript:
        """What was printed by now."""
        self._socket.sendall(b"?")
        while self.hear()[0] != "printed":
            pass
        first, last, left_out = _SIZES.unpack(self._exactly(_SIZES.size))
        return Transcript(self._exactly(first), self._exactly(last), left_out)

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = self._socket.recv(min(size - len(data), 1024 * 1024))
            if not part:
                raise ConnectionError("the process that passes on its output was killed")
            data += part
        return bytes(data)
