"""Whether `doctor fix` was cut short in this environment: where it keeps its journal, and the little of it that an examination reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from doctor.facts.environment import InstallationFault
from doctor.files import read_file

KEPT = ".doctor-fix"
"""Folder in the environment's own: it goes where the environment goes, ends with it, and cannot be taken for another's."""
JOURNAL = "journal.json"
_MAX_BYTES = 16 * 1024 * 1024


def unfinished_fix(prefix: Path) -> Iterator[InstallationFault]:
    """A fault where a fix was begun and neither finished nor undone."""
    try:
        journal = json.loads(read_file(prefix / KEPT / JOURNAL, _MAX_BYTES))
        state, first = journal["state"], journal["steps"][0]["package"]
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return
    if state != "done" and isinstance(first, str):
        begun = "is at work here at this moment, and" if _at_work(prefix) else "was cut short here while"
        yield InstallationFault("unfinished-fix", first, f"`doctor fix` {begun} {state}; what was there before is kept in {KEPT}")


def _at_work(prefix: Path) -> bool:
    """Whether a doctor holds the lock on the environment: it goes with the process. Windows has no such lock."""
    try:
        import fcntl
    except ImportError:
        return False
    descriptor = os.open(prefix, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
