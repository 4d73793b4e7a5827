"""Which files of a project's folder state versions, those that say most surely what is installed first."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from doctor.readers.names import CONDA_EXPLICIT, CONDA_LOCK, DOCKERFILE, PIPFILE_LOCK, PIXI_LOCK, PYPROJECT, TOML_LOCK

_SUREST_FIRST: Sequence[re.Pattern[str]] = tuple(
    re.compile(each, re.IGNORECASE)
    for each in (
        r"uv\.lock",
        f"{TOML_LOCK}|{PIPFILE_LOCK}|{PIXI_LOCK}",
        f"{CONDA_LOCK}|{CONDA_EXPLICIT}",
        r"requirements[\w.-]{0,80}\.(?:lock|txt)",
        r"environment[\w.-]{0,80}\.ya?ml",
        PYPROJECT,
        DOCKERFILE,
    )
)
_NOT_ENTERED = frozenset({"node_modules", "site-packages", "venv", "env", "build", "dist", "tests", "test", "docs"})
_MOST_FILES = 200


def stating_files(folder: str) -> tuple[str, ...]:
    """Files in the folder, and in those right in it, that state versions by their names, the surest first: a lock before what was asked for.

    Links to folders and hidden folders, but for `.devcontainer`, are not entered. Raises OSError for a folder that cannot be listed.
    """
    found = [(rank, os.path.dirname(path) != folder, path) for path in _files(folder) if (rank := _rank(os.path.basename(path))) is not None]
    return tuple(os.path.normpath(path) for _, _, path in sorted(found)[:_MOST_FILES])


def _files(folder: str) -> Iterator[str]:
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        if entry.is_file():
            yield entry.path
        elif entry.is_dir(follow_symlinks=False) and entry.name not in _NOT_ENTERED and (entry.name[0] != "." or entry.name == ".devcontainer"):
            try:
                within = sorted(os.scandir(entry.path), key=lambda each: each.name)
            except OSError:
                continue
            yield from (each.path for each in within if each.is_file())


def _rank(name: str) -> int | None:
    return next((rank for rank, pattern in enumerate(_SUREST_FIRST) if pattern.fullmatch(name)), None)
