"""What paths give away: `/python3.11/site-packages/`, `transformers-4.46.3-py3.10.egg`."""

from __future__ import annotations

import re

from doctor.readers.statements import FROM_PATH, VERSION, Ledger, Source

_IN_PATH = re.compile(rf"[\\/](?P<name>[A-Za-z0-9_.]{{1,80}})-(?P<version>{VERSION})(?:-py3\.\d{{1,2}}[\w.-]{{0,60}})?\.(?:egg|dist-info|egg-info)\b")
_PATH_PYTHON = re.compile(r"\bpython(3\.[0-9]{1,2})[\\/](?:site|dist)-packages|[\\/][Pp]ython3([0-9]{1,2})(?:-\d\d)?[\\/](?:lib|Lib)[\\/]")


class PathReader:
    """Reads what the paths of a traceback give away: the release of Python, and of what was installed as an egg."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seen: set[str] = set()

    def feed(self, number: int, line: str) -> bool:
        """Take the next line. Never claims it: it may state more."""
        if "-packages" not in line and "ib\\" not in line:
            return False
        found = _PATH_PYTHON.search(line)
        if found is not None:
            version = found[1] or f"3.{found[2]}"
            if version not in self._seen and len(self._seen) < 10:
                self._seen.add(version)
                self._ledger.fact("python.version", version, Source("path", number, FROM_PATH), number)
        if "-info" in line or ".egg" in line:
            for stated in _IN_PATH.finditer(line):
                self._ledger.package(stated["name"], stated["version"], Source("path", number, FROM_PATH), number)
        return False
