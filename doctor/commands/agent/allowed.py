"""Which files a tool may read: those in the folders that the client names as its roots, at the end of their links."""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import urlsplit
from urllib.request import url2pathname

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen


class Allowed(Frozen):
    """The folders, as they are at the end of their links; none: no file may be read."""

    folders: tuple[str, ...]

    @classmethod
    def of(cls, folders: Iterable[str]) -> Allowed:
        """These folders, however they are named."""
        return cls(tuple(dict.fromkeys(os.path.realpath(each) for each in folders)))

    def holds(self, path: str) -> bool:
        """Whether a path ends in one of the folders, wherever its links lead."""
        end = os.path.realpath(path)
        return any(end == folder or end.startswith(folder.rstrip(os.sep) + os.sep) for folder in self.folders)

    def named(self, name: str) -> str:
        """The path that a name stands for, from the first folder on where it is relative: wherever it may lie."""
        return os.path.join(self.folders[0] if self.folders else "", os.path.expanduser(name))

    def path(self, name: str) -> str:
        """The path that a client names. Raises `DoctorError` for one that may not be read."""
        path = self.named(name)
        if not self.holds(path):
            raise self.refusal(name)
        return path

    def folder(self, name: str) -> str:
        """The same for a folder of which the files in it are read. Raises `DoctorError` where one of them leads outside."""
        path = self.path(name)
        for inside, folders, files in os.walk(path):
            outside = next((each for each in (*folders, *files) if not self.holds(os.path.join(inside, each))), None)
            if outside is not None:
                raise self.refusal(os.path.join(inside, outside))
        return path

    def interpreter(self, name: str) -> str:
        """The same for an environment's folder or interpreter, which in a virtual environment is a link to one that lies elsewhere."""
        path = self.named(name)
        if not self.holds(path if os.path.isdir(path) else os.path.dirname(path)):
            raise self.refusal(name)
        return path

    def refusal(self, name: str) -> DoctorError:
        """Why a path is not read, and what lets it be."""
        where = ", ".join(self.folders) or "none"
        return DoctorError(f"{name}: lies outside the folders that may be read ({where}); `doctor mcp --root DIR` allows another")


def folders_of(addresses: Iterable[str]) -> tuple[str, ...]:
    """The folders among a client's roots, which are addresses; what is no file of this machine is none."""
    parts = [urlsplit(each) for each in addresses]
    return tuple(url2pathname(each.path) for each in parts if each.scheme == "file" and each.netloc in ("", "localhost"))
