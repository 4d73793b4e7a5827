"""The one gate: what leaves the machine names neither its user, nor its host, nor the home folder."""

from __future__ import annotations

import dataclasses
import getpass
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

_T = TypeVar("_T")
_NOT_PRIVATE = frozenset({"root", "user", "admin", "ubuntu", "localhost", "runner", "jovyan", "vscode"})
"""Names that many machines share, and that stand in ordinary words and paths."""
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""With these a hostile version string could steer a terminal; the last are what a path that is not UTF-8 leaves in a string."""
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class Redactor:
    """Masks the same private value the same way wherever it stands: the home folder `~`, the user `<user>`, the host `<host>`."""

    def __init__(self, homes: tuple[str, ...], user: str | None, host: str | None) -> None:
        self._homes = homes
        self._masks = [(_CONTROL_CHARACTER, "\N{REPLACEMENT CHARACTER}"), (_CREDENTIALS, "<credentials>@")]
        for home in sorted({each.rstrip("/\\") for each in homes}, key=len, reverse=True):
            if len(home) > 1:
                self._masks.append((re.compile(re.escape(home) + r"(?![\w.-])"), "~"))
        for name, mask in ((user, "<user>"), (host, "<host>")):
            if name and len(name) > 2 and name.lower() not in _NOT_PRIVATE:
                self._masks.append((re.compile(rf"(?i)(?<![\w.-]){re.escape(name)}(?![\w-])"), mask))

    def of_paths_only(self) -> Redactor:
        """One that masks no names: for a command, which has to work where it is pasted."""
        return Redactor(self._homes, None, None)

    @classmethod
    def of_this_machine(cls) -> Redactor:
        """The redactor of the user who runs doctor, on the machine it runs on."""
        home = str(Path.home())
        try:
            user = getpass.getuser()
        except (OSError, KeyError):
            user = None
        return cls((home, os.path.realpath(home)), user, socket.gethostname().partition(".")[0])

    def text(self, text: str) -> str:
        """`text` masked, and without control characters."""
        for pattern, mask in self._masks:
            text = pattern.sub(mask, text)
        return text

    def value(self, value: _T) -> _T:
        """`value` with every string in it masked, through dataclasses, mappings and tuples."""
        masked: Any = value
        if isinstance(value, str):
            masked = self.text(value)
        elif isinstance(value, tuple):
            masked = tuple(self.value(item) for item in value)
        elif isinstance(value, Mapping):
            masked = {key: self.value(item) for key, item in value.items()}
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            changes = {field.name: self.value(getattr(value, field.name)) for field in dataclasses.fields(value)}
            masked = dataclasses.replace(value, **changes)
        return masked  # type: ignore[no-any-return]
