"""Environment variables that a text sets: `export NAME=value`, `NAME=value python …`, `os.environ["NAME"] = "value"`."""

from __future__ import annotations

import re

from doctor.readers.statements import LISTED, Ledger, Source

_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]{2,60})=[\"']?([^\s\"';]{0,60})[\"']?;?$")
_IN_PYTHON = re.compile(r"os\.environ\[[\"']([A-Z][A-Z0-9_]{2,60})[\"']\] ?= ?(?:str\()?[\"']?([^\s\"'()#]{0,60})")
_BEFORE = frozenset({"export", "set", "$", "env", "!", "ENV"})


class VariableReader:
    """Reads assignments. Which variables matter is decided by an allow-list, when the environment is made."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def feed(self, number: int, line: str) -> bool:
        """Take the next line. Never claims it: it may state more."""
        if "=" not in line or len(line) > 1000:
            return False
        if "os.environ[" in line and (found := _IN_PYTHON.search(line)) is not None:
            self._state(found[1], found[2], number)
            return False
        text = line.lstrip()
        if text[:1].isupper() or text.startswith(("export ", "set ", "$ ", "env ", "!")):
            for word in text.removeprefix("!").split():
                if word in _BEFORE:
                    continue
                assigned = _ASSIGNMENT.match(word)
                if assigned is None:
                    break
                self._state(assigned[1], assigned[2], number)
        return False

    def _state(self, name: str, value: str, number: int) -> None:
        self._ledger.fact(f"variables.{name}", value, Source("", number, LISTED), number)
