"""What was read of a file, kept by its content, so that a second run over the same code costs a fraction of the first.

A database of SQLite in the user's cache folder (XDG Base Directory Specification). It is only ever a shortcut: where it cannot be
opened, written or understood, everything is read anew.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from doctor.facts.program import Program
from doctor.knowledge import schema

_MOST_ROWS = 200_000
_NAME = "\0"
"""Stands for the name of the file in what is kept: no code that is read holds one."""


class Cache:
    """What was read before."""

    def __init__(self, connection: sqlite3.Connection | None) -> None:
        self._connection = connection

    def of(self, content: bytes, kind: str, file: str, read: Callable[[str], Program]) -> Program:
        """What the content of a file says; `read` is asked, with a name for the file, where it is not known."""
        if self._connection is None:
            return read(file)
        key = hashlib.sha256(b"\0".join((_reader(), kind.encode(), content))).digest()
        name = json.dumps(file)[1:-1]
        try:
            row = self._connection.execute("SELECT program FROM programs WHERE content = ?", (key,)).fetchone()
            if row is not None:
                found: Program = schema.construct(Program, json.loads(row[0].replace(json.dumps(_NAME)[1:-1], name)))
                return found
        except (sqlite3.Error, ValueError, KeyError, TypeError):
            return read(file)
        text = json.dumps(schema.plain(read(_NAME)))
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("INSERT OR REPLACE INTO programs VALUES (?, ?)", (key, text))
        program: Program = schema.construct(Program, json.loads(text.replace(json.dumps(_NAME)[1:-1], name)))
        return program


@contextlib.contextmanager
def opened_cache() -> Iterator[Cache]:
    """The user's cache; one that keeps nothing where there can be none."""
    connection = _connection()
    try:
        yield Cache(connection)
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.commit()
    finally:
        if connection is not None:
            connection.close()


def _connection() -> sqlite3.Connection | None:
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(folder):
        return None
    path = Path(folder) / "meta-tensor-doctor"
    try:
        path.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path / "programs.sqlite", timeout=1)
        connection.execute("CREATE TABLE IF NOT EXISTS programs (content BLOB PRIMARY KEY, program TEXT) WITHOUT ROWID")
        (rows,) = connection.execute("SELECT count(*) FROM programs").fetchone()
        if rows > _MOST_ROWS:
            connection.execute("DELETE FROM programs")
    except (OSError, ValueError, sqlite3.Error):
        return None
    return connection


@functools.cache
def _reader() -> bytes:
    """What reads: another reader may read something else."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).digest()
