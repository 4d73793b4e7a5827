"""The one way in which a file that somebody else put there is read: without waiting for it, only if it is a file, and to a bound."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_CHUNK = 64 * 1024
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def read_beginning(path: Path, most: int) -> bytes:
    """At most the first `most` bytes of a regular file, at the end of its links.

    Raises OSError, also for what is no file: its `strerror` says in a few words why, fit to follow the file's name.
    """
    return b"".join(_chunks(path, most))


def read_file(path: Path, most: int) -> bytes:
    """The whole of a regular file of at most `most` bytes. Raises OSError as `read_beginning` does, and for a longer one."""
    content = read_beginning(path, most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"more than {most // 1024} KiB", str(path))
    return content


def names_in(folder: Path) -> list[str]:
    """The names in a folder, in order; none where it cannot be listed."""
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError):
        return []


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file at the end of its links, open for reading, and its size in bytes. Raises OSError as `read_beginning` does."""
    try:
        descriptor = os.open(path, _FLAGS)
    except ValueError:  # NUL or half a character: no system has a file of that name.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), repr(path)) from None
    status = os.fstat(descriptor)
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        number = errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL
        raise OSError(number, f"{_KINDS.get(kind, 'something else')}, not a file", str(path))
    with open(descriptor, "rb", buffering=_CHUNK) as file:
        yield file, status.st_size


def _chunks(path: Path, most: int) -> Iterator[bytes]:
    """All of it at once, where it is as long as it says: a file under /proc says 0, and another may grow meanwhile."""
    with opened(path) as (file, size):
        while most > 0 and (chunk := file.read(min(most, max(size + 1, _CHUNK)))):
            most -= len(chunk)
            yield chunk
