"""The records that installers leave of what they installed (dist-info, egg-info), read with nothing in them trusted."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from doctor.facts.environment import Origin
from doctor.facts.frozen import Frozen, field
from doctor.files import names_in, read_beginning, read_file
from doctor.knowledge.matrix import normalised_name
from doctor.probe.deadline import Deadline

_MAX_HEADER_BYTES = 1024 * 1024
"""Of METADATA up to its first empty line, and of the small files beside it: a hundred times what any release has."""
_AT_LEAST = 100
"""So many records are read however little time there is."""
_MOST_CHARACTERS = 100
"""Of a name and a version."""
_HEADERS = ("name", "version", "requires-dist")


class Record(Frozen):
    """One dist-info or egg-info folder."""

    name: str
    folder: Path
    version: str | None = None
    """As METADATA says; None when there is no usable METADATA."""
    requires: tuple[str, ...] = ()
    problem: Literal["unreadable", "missing"] | None = None
    """Why there is no usable METADATA."""
    unread: tuple[str, ...] = ()
    """Files of it that are there and cannot be read, each with the reason."""
    direct_url: Mapping[str, Any] = field(default_factory=dict)
    installer: str | None = None

    @property
    def folder_version(self) -> str | None:
        """The version that its folder is named for; None when it is named for none."""
        match = re.fullmatch(r"^[^-]+-([^-]+)(?:-.*)?\.(?:dist|egg)-info", self.folder.name)
        return match[1] if match else None

    @property
    def origin(self) -> Origin:
        """How it was installed."""
        if "vcs_info" in self.direct_url:
            return "vcs"
        if "dir_info" in self.direct_url:
            directory = self.direct_url["dir_info"]
            return "editable" if isinstance(directory, dict) and directory.get("editable") else "directory"
        if "archive_info" in self.direct_url:
            return "archive"
        in_place = self.folder.suffix == ".egg-info" and self.folder.parent.name not in ("site-packages", "dist-packages")
        return "editable" if in_place else "index"


def unpublished(path: Sequence[Path]) -> tuple[tuple[str, str | None], ...]:
    """The names of distributions that direct_url.json says are not from an index, each with the folder it was installed from, if from one."""
    from urllib.parse import unquote

    found = []
    for folder in record_folders({entry: names_in(entry) for entry in path}):
        if folder.suffix == ".dist-info" and os.path.lexists(folder / "direct_url.json"):
            url = _direct_url(_file_of(folder, "direct_url.json", [])).get("url")
            source = unquote(url[len("file://") :]) if isinstance(url, str) and url.startswith("file://") else None
            found.append((_named_for(folder), source))
    return tuple(found)


def record_folders(listed: Mapping[Path, list[str]]) -> list[Path]:
    """Every record in the folders listed; one in a folder reached by two entries counts once, one that pip has set aside not at all."""
    folders: dict[Path, Path] = {}
    for entry, names in listed.items():
        here = Path(os.path.realpath(entry))
        for name in names:
            lower = name.lower()
            is_record = lower.endswith((".dist-info", ".egg-info")) or (lower == "egg-info" and entry.suffix == ".egg")
            if is_record and not name.startswith("~"):
                folders.setdefault(here / name, entry / name)
    return list(folders.values())


def read_records(folders: Sequence[Path], wanted: frozenset[str], deadline: Deadline) -> list[Record]:
    """What stands in the folders, in their order, as far as time allows: first in those named for what is wanted.

    Of distributions that are not wanted, no more than what they require.
    """
    read: dict[Path, Record] = {}
    for count, folder in enumerate(sorted(folders, key=lambda folder: _named_for(folder) not in wanted)):
        if count >= _AT_LEAST and deadline.passed:
            break
        read[folder] = _record(folder, wanted)
    return [read[folder] for folder in folders if folder in read]


def _named_for(folder: Path) -> str:
    """The distribution that a record's folder is named for."""
    name = folder.parent.name if folder.name.lower() == "egg-info" else folder.name
    return normalised_name(re.split(r"-\d|\.(?:dist-info|egg-info|egg)$", name, maxsplit=1)[0])


def _record(folder: Path, wanted: frozenset[str]) -> Record:
    name, unread = _named_for(folder), list[str]()
    # The third is an .egg-info that is itself the file, as distutils wrote it.
    text = next((text for file in ("METADATA", "PKG-INFO", "") if (text := _header_of(folder, file, unread))), None)
    if text is None:
        there = bool(unread) or os.path.lexists(folder / "METADATA")
        return Record(name, folder, problem="unreadable" if there else "missing", unread=tuple(unread))
    headers = _headers(text)
    if not headers.get("name") or not headers.get("version"):
        return Record(name, folder, problem="unreadable")
    name, version = normalised_name(headers["name"][0][:_MOST_CHARACTERS]), headers["version"][0][:_MOST_CHARACTERS]
    requires = tuple(headers.get("requires-dist", ()))
    if name not in wanted:
        return Record(name, folder, version, requires)
    direct_url = _direct_url(_file_of(folder, "direct_url.json", unread))
    installer = _installer(_file_of(folder, "INSTALLER", unread))
    return Record(name, folder, version, requires, None, tuple(unread), direct_url, installer)


def _header_of(folder: Path, file: str, unread: list[str]) -> str:
    """The headers of a core metadata file, empty where there is none; why one that is there cannot be read is added to `unread`."""
    try:
        content = read_beginning(folder / file, _MAX_HEADER_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        if file or not isinstance(error, IsADirectoryError):  # The record is a folder itself, but of distutils.
            unread.append(f"{file or folder.name}: {error.strerror}")
        return ""
    head, end, _ = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    if not end and len(content) == _MAX_HEADER_BYTES:
        unread.append(f"{file or folder.name}: its headers are longer than {_MAX_HEADER_BYTES // 1024} KiB")
        return ""
    return head.decode("utf-8", "replace")


def _file_of(folder: Path, file: str, unread: list[str]) -> str:
    """A small file of a record, empty where there is none; why one that is there cannot be read is added to `unread`."""
    try:
        return read_file(folder / file, _MAX_HEADER_BYTES).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        unread.append(f"{file}: {error.strerror}")
        return ""


def _headers(text: str) -> dict[str, list[str]]:
    """The headers we read of a core metadata file, which `email` would take ten times as long to parse with all the others."""
    headers: dict[str, list[str]] = {}
    for line in text.split("\n"):
        name, _, value = line.partition(":")
        if name.lower() in _HEADERS and (value := value.strip()):
            headers.setdefault(name.lower(), []).append(value)
    return headers


def _direct_url(text: str) -> Mapping[str, Any]:
    """direct_url.json as PEP 610 describes it; empty when there is nothing sensible in it."""
    try:
        data = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _installer(text: str) -> str | None:
    words = text.split(maxsplit=1)
    return words[0][:30].lower() if words else None
