"""Where the model lies that was named: a folder, a file, or the hub's cache on this machine. Nothing is fetched."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from doctor.errors import DoctorError
from doctor.files import names_in, read_file

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,95})?")
_REVISION = re.compile(r"[0-9a-f]{7,64}")


class NotHere(DoctorError):
    """What was named is the id of a model on the hub, and not in its cache on this machine."""

    def __init__(self, hub_id: str, why: str) -> None:
        super().__init__(f"{hub_id}: {why}; `--online` reads its headers from the hub, `hf download {hub_id}` fetches it")
        self.hub_id = hub_id


def locate_model(name: str, variables: Mapping[str, str]) -> str:
    """The folder or file that a model's name stands for: a path that is there as it is, else the hub id's newest snapshot in the cache.

    `variables` are those of the process, which say where the cache is. Raises `DoctorError` when there is nothing of that name, and
    `NotHere` when it may be on the hub.
    """
    if os.path.lexists(name):
        return name
    if not _HUB_ID.fullmatch(name) or ".." in name or "--" in name:
        raise DoctorError(f"{name}: there is no such file or folder, and it is no id of a model on the hub")
    cache = hub_cache(variables)
    repository = cache / f"models--{name.replace('/', '--')}"
    if not repository.is_dir():
        raise NotHere(name, f"neither a file or folder here nor in the hub's cache ({cache})")
    return str(_snapshot(name, repository))


def hub_cache(variables: Mapping[str, str]) -> Path:
    """The folder of huggingface_hub's cache, as its constants.py finds it."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if variables.get(variable):
            return Path(variables[variable]).expanduser()
    return hub_home(variables) / "hub"


def hub_home(variables: Mapping[str, str]) -> Path:
    """The folder where huggingface_hub keeps what is the user's: its cache, and the token."""
    if variables.get("HF_HOME"):
        return Path(variables["HF_HOME"]).expanduser()
    return Path(variables.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface"


def _snapshot(name: str, repository: Path) -> Path:
    """The snapshot that `main` is, or the only one."""
    snapshots = repository / "snapshots"
    try:
        revision = read_file(repository / "refs" / "main", 128).decode("ascii", "replace").strip()
    except OSError:
        revision = ""
    if _REVISION.fullmatch(revision) and (snapshots / revision).is_dir():
        return snapshots / revision
    there = [each for each in names_in(snapshots) if (snapshots / each).is_dir()]
    if len(there) != 1:
        what = f"{len(there)} revisions, none of which is `main`: name the folder of one" if there else "nothing: a download was broken off"
        raise NotHere(name, f"the hub's cache ({repository}) holds of it {what}")
    return snapshots / there[0]
