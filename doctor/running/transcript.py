"""What a program printed, as much of it as is worth reading."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_BYTES = 1024 * 1024
LAST_BYTES = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Transcript:
    """The beginning and the end of what was printed."""

    first: bytes = b""
    last: bytes = b""
    """What comes after `first`, or after what was left out."""
    left_out: int = 0
    """Bytes between the two that were not kept."""


class Recorder:
    """Keeps the first `FIRST_BYTES` and the last `LAST_BYTES`, in memory that does not grow with what is printed."""

    def __init__(self) -> None:
        self._first = bytearray()
        self._last = bytearray()
        self._left_out = 0

    def add(self, chunk: bytes) -> None:
        """Take what comes next."""
        room = FIRST_BYTES - len(self._first)
        self._first += chunk[:room]
        self._last += chunk[room:]
        if len(self._last) > 2 * LAST_BYTES:
            self._shorten()

    def _shorten(self) -> None:
        surplus = max(len(self._last) - LAST_BYTES, 0)
        del self._last[:surplus]
        self._left_out += surplus

    def transcript(self) -> Transcript:
        """What there is by now."""
        self._shorten()
        return Transcript(bytes(self._first), bytes(self._last), self._left_out)
